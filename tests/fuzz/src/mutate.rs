//! Makes an input from others: what a damaged, truncated, repeated or spliced one looks like.

use std::ops::Range;

use crate::{Target, random::Random};

/// Most changes of one input.
const CHANGES_MAX: usize = 6;
/// Longest run of bytes that is copied, removed or drawn at random.
const RUN_BYTES_MAX: usize = 64;
/// Numbers at an edge.
const NUMBERS: [&str; 10] = [
    "0",
    "-1",
    "1e999",
    "255",
    "65536",
    "2147483648",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
];
/// What breaks or nests texts.
const MARKS: [&str; 14] =
    ["\"", "\\", "{", "}", "[", "]", ",", ":", "null", "\\u0000", "\\ud800", "\u{fffd}", "ä", "\n"];

/// A new input, made of one of `inputs`, or of nothing.
pub(crate) fn mutated(target: &Target, inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let from_nothing = inputs.is_empty() || random.below(16) == 0;
    let mut made = if from_nothing { Vec::new() } else { random.of(inputs).cloned().unwrap_or_default() };
    for _ in 0..=random.below(CHANGES_MAX) {
        change(&mut made, target, inputs, random);
    }
    made.truncate(target.bytes_max);
    made
}

fn change(made: &mut Vec<u8>, target: &Target, inputs: &[Vec<u8>], random: &mut Random) {
    let run = some_run(made.len(), random);
    match random.below(10) {
        0 => flip(made, random),
        1 => drop(made.drain(run)),
        2 => replace(made, run, noise(random)),
        3 => insert(made, noise(random), random),
        4 | 5 => insert(made, word(target, random), random),
        6 => replace(made, run, word(target, random)),
        7 => replace(made, number_in(made, random), random.of(&NUMBERS).copied().unwrap_or_default().into()),
        8 => insert(made, made.get(run).unwrap_or_default().to_vec(), random),
        _ => splice(made, inputs, random),
    }
}

fn flip(made: &mut [u8], random: &mut Random) {
    let at = random.below(made.len());
    if let Some(byte) = made.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn replace(made: &mut Vec<u8>, run: Range<usize>, by: Vec<u8>) {
    drop(made.splice(run, by));
}

fn insert(made: &mut Vec<u8>, what: Vec<u8>, random: &mut Random) {
    let at = random.below(made.len() + 1);
    replace(made, at..at, what);
}

/// Goes on with the end of another input.
fn splice(made: &mut Vec<u8>, inputs: &[Vec<u8>], random: &mut Random) {
    let Some(other) = random.of(inputs) else { return };
    let from = random.below(other.len() + 1);
    made.truncate(random.below(made.len() + 1));
    made.extend_from_slice(other.get(from..).unwrap_or_default());
}

fn some_run(length: usize, random: &mut Random) -> Range<usize> {
    let start = random.below(length + 1);
    start..(start + random.below(RUN_BYTES_MAX)).min(length)
}

/// A run of digits from a random place on; empty where none follows.
fn number_in(made: &[u8], random: &mut Random) -> Range<usize> {
    let from = random.below(made.len() + 1);
    let rest = made.get(from..).unwrap_or_default();
    let start = from + rest.iter().position(u8::is_ascii_digit).unwrap_or(rest.len());
    let digits = made.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit());
    start..start + digits.count()
}

fn noise(random: &mut Random) -> Vec<u8> {
    let byte = |random: &mut Random| random.next().to_le_bytes().first().copied().unwrap_or_default();
    (0..random.below(RUN_BYTES_MAX / 4)).map(|_| byte(random)).collect()
}

fn word(target: &Target, random: &mut Random) -> Vec<u8> {
    let words = if random.below(3) == 0 || target.words.is_empty() { &MARKS[..] } else { target.words };
    random.of(words).copied().unwrap_or_default().into()
}
