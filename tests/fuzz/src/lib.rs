//! Fuzzing for the tests of every crate: a property over bytes, and where its inputs come from.
//!
//! In a normal test run that is every kept input of `tests/fuzz/corpus/<target>`, every seed of the target, and
//! a bounded number of mutations of both. The seed of the mutations is printed; `ASKPRO_FUZZ_SEED` takes it
//! again, `ASKPRO_FUZZ_INPUTS` makes more of them, `ASKPRO_FUZZ_INPUT` runs one file alone. Under
//! `tests/fuzz/run` the same property is run by libFuzzer with coverage guidance (`cfg(guided_fuzzing)`).
//!
//! Must not know what is tested: it knows bytes and folders alone.

mod corpus;
#[cfg(guided_fuzzing)]
mod guided;
mod mutate;
mod random;
mod run;

pub use corpus::fixtures;

/// What is fuzzed, and what its inputs look like.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Names the folder of its kept inputs.
    pub name: &'static str,
    /// Inputs that are made anew in one run.
    pub inputs: u32,
    /// Longest input that is made, in bytes.
    pub bytes_max: usize,
    /// Words that mutations put in: names of fields, numbers at the edge, whatever a parser listens for.
    pub words: &'static [&'static str],
    /// Inputs to begin with that are not kept as files.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Runs a property over the inputs of a [`Target`]. Belongs into a test function of its own.
///
/// # Panics
/// With the panic of the property, if one fails.
pub fn fuzz(target: &Target, property: fn(&[u8])) {
    #[cfg(guided_fuzzing)]
    guided::run(property);
    #[cfg(not(guided_fuzzing))]
    run::run(target, property);
}
