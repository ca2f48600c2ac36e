//! A run over many inputs, and what is said of one that fails.

use std::{
    cell::Cell,
    collections::hash_map::RandomState,
    env, fs,
    hash::{BuildHasher, Hasher},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook},
    path::{Path, PathBuf},
    sync::Once,
};

use crate::{
    Target,
    corpus::{kept, root},
    mutate::mutated,
    random::Random,
};

/// Attempts to make a failing input smaller.
const ATTEMPTS_MAX: usize = 2_000;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs the property over kept inputs, seeds, and mutations of both. A failing input is made smaller and written
/// below `target/fuzz`, and what replays it is printed.
///
/// # Panics
/// With the panic of the property, if one fails.
pub(crate) fn run(target: &Target, property: impl Fn(&[u8])) {
    let seeds = (target.seeds)();
    if let Some(folder) = env::var_os("ASKPRO_FUZZ_SEEDS_TO") {
        return write_seeds(&Path::new(&folder).join(target.name), &seeds);
    }
    if let Some(input) = env::var_os("ASKPRO_FUZZ_INPUT").and_then(|path| fs::read(path).ok()) {
        return property(&input);
    }
    let kept = kept(target.name);
    let seed = number("ASKPRO_FUZZ_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let count = number("ASKPRO_FUZZ_INPUTS").unwrap_or(u64::from(target.inputs));
    println!("{}: {} kept inputs, {} seeds, {count} new inputs", target.name, kept.len(), seeds.len());
    println!("again with ASKPRO_FUZZ_SEED={seed}");
    let inputs: Vec<Vec<u8>> = kept.into_iter().chain(seeds).collect();
    inputs.iter().for_each(|input| check(target, &property, input));
    let mut random = Random::new(seed);
    (0..count).for_each(|_| check(target, &property, &mutated(target, &inputs, &mut random)));
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn check(target: &Target, property: &impl Fn(&[u8]), input: &[u8]) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| property(input))) else { return };
    let small = smallest(input, property);
    let path = failure(target.name, &small);
    println!("{} failed with {} bytes: {:?}", target.name, small.len(), String::from_utf8_lossy(&small));
    println!("alone with ASKPRO_FUZZ_INPUT={}", path.display());
    println!("to keep it, copy it to tests/fuzz/corpus/{}/", target.name);
    property(&small);
    resume_unwind(panic);
}

/// Removes ever smaller pieces as long as the property still fails.
fn smallest(input: &[u8], property: &impl Fn(&[u8])) -> Vec<u8> {
    let (mut small, mut left) = (input.to_vec(), ATTEMPTS_MAX);
    let mut piece = small.len().div_ceil(2);
    while piece > 0 && left > 0 {
        let mut at = 0;
        while at < small.len() && left > 0 {
            let end = (at + piece).min(small.len());
            let without = [small.get(..at), small.get(end..)].into_iter().flatten().flatten().copied();
            let without: Vec<u8> = without.collect();
            left -= 1;
            if fails(&without, property) { small = without } else { at += piece }
        }
        piece /= 2;
    }
    small
}

fn fails(input: &[u8], property: &impl Fn(&[u8])) -> bool {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let failed = catch_unwind(AssertUnwindSafe(|| property(input))).is_err();
    QUIET.set(false);
    failed
}

fn failure(name: &str, input: &[u8]) -> PathBuf {
    let folder = root().join("target/fuzz/failures").join(name);
    write(&folder, input)
}

fn write_seeds(folder: &Path, seeds: &[Vec<u8>]) {
    seeds.iter().for_each(|seed| drop(write(folder, seed)));
}

/// Writes an input under a name made of its content.
fn write(folder: &Path, input: &[u8]) -> PathBuf {
    let name = input.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let path = folder.join(format!("{name:016x}"));
    if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&path, input)) {
        println!("{} cannot be written: {error}", path.display());
    }
    path
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn target() -> Target {
        let seeds = || vec![b"{\"name\":\"Anna\",\"n\":12}".to_vec()];
        Target { name: "of_the_tests", inputs: 2_000, bytes_max: 100, words: &["needle"], seeds }
    }

    #[test]
    fn a_failing_input_is_found_and_made_small() {
        let inputs = RefCell::new(Vec::new());
        let found = catch_unwind(AssertUnwindSafe(|| {
            run(&target(), |input| {
                let bad = input.windows(6).any(|part| part == b"needle");
                if bad {
                    inputs.borrow_mut().push(input.to_vec());
                }
                assert!(!bad);
            });
        }));
        assert!(found.is_err());
        assert_eq!(inputs.borrow().last().map(Vec::as_slice), Some(&b"needle"[..]));
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_none_is_too_long() {
        let made = |seed| {
            let mut random = Random::new(seed);
            (0..500).map(|_| mutated(&target(), &(target().seeds)(), &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
        assert!(made(7).iter().all(|input| input.len() <= target().bytes_max));
    }
}
