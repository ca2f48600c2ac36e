//! What is run, how much of it, on how many threads; and what is printed of it.

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    days,
    races::{self, Race},
    report::Totals,
};

/// One part of the simulation.
type Part = fn(&Scale) -> Totals;
/// The parts, as they are named on the command line.
const PARTS: [(&str, Part); 3] = [("days", run_days), ("races", run_races), ("replays", run_replays)];
/// Seeds of days unless told otherwise.
const SEEDS: u64 = 4;
/// Races unless told otherwise.
const RACES: u64 = 200;
/// Failing seeds that are told in full.
const TOLD_MAX: u64 = 5;

/// How much is run.
pub(crate) struct Scale {
    pub(crate) seeds: u64,
    pub(crate) races: u64,
    pub(crate) first: u64,
    pub(crate) threads: usize,
    pub(crate) only: Option<u64>,
}

impl Scale {
    fn of_environment() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            seeds: number("ASKPRO_SIM_SEEDS").unwrap_or(SEEDS),
            races: number("ASKPRO_SIM_RACES").unwrap_or(RACES),
            first: number("ASKPRO_SIM_FIRST").unwrap_or(1),
            threads: number("ASKPRO_SIM_THREADS").map_or(processors, |n| usize::try_from(n).unwrap_or(1)),
            only: number("ASKPRO_SIM_SEED"),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Runs what the arguments name. It answers the questions of test runners too.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let exact = has("--exact");
    let is_wanted = |name: &str| {
        let fits = |filter: &&String| if exact { *filter == name } else { name.contains(filter.as_str()) };
        wanted.is_empty() || wanted.iter().any(fits)
    };
    if has("--list") {
        if !has("--ignored") {
            PARTS.iter().for_each(|(name, _)| println!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    let scale = Scale::of_environment();
    let mut totals = Totals::default();
    for (_, part) in PARTS.iter().filter(|(name, _)| is_wanted(name)) {
        totals.add(&part(&scale));
    }
    println!("{totals}");
    if totals.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does something for every number, on several threads. Gives the sums.
pub(crate) fn for_each(
    numbers: std::ops::Range<u64>,
    threads: usize,
    one: impl Fn(u64) -> Totals + Sync,
) -> Totals {
    let next = AtomicU64::new(numbers.start);
    let sums = Mutex::new(Totals::default());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number >= numbers.end {
                return;
            }
            let totals = one(number);
            sums.lock().unwrap_or_else(PoisonError::into_inner).add(&totals);
        }
    };
    std::thread::scope(|scope| (0..threads.max(1)).for_each(|_| drop(scope.spawn(work))));
    sums.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn run_days(scale: &Scale) -> Totals {
    let (seeds, prints) = match scale.only {
        Some(seed) => (seed..seed + 1, true),
        None => (scale.first..scale.first + scale.seeds, false),
    };
    let told = AtomicU64::new(0);
    for_each(seeds, scale.threads, |seed| {
        let days::Outcome { mut totals, violations, .. } = days::live(seed, prints);
        totals.count(&violations);
        if !violations.is_empty() && told.fetch_add(1, Ordering::SeqCst) < TOLD_MAX {
            println!("seed {seed} violates {}:", violations.len());
            violations
                .iter()
                .take(8)
                .for_each(|violation| println!("  {:?}: {}", violation.kind, violation.what));
            println!("  ASKPRO_SIM_SEED={seed} cargo test -p askpro-actors --test sim -- days");
        }
        totals
    })
}

fn run_races(scale: &Scale) -> Totals {
    let (seeds, prints) = match scale.only {
        Some(seed) => (seed..seed + 1, true),
        None => (scale.first..scale.first + scale.races, false),
    };
    let told = AtomicU64::new(0);
    for_each(seeds, scale.threads, |seed| {
        let race = Race::of(seed);
        let races::Finish { mut totals, violations, .. } = races::run(&race, prints);
        totals.count(&violations);
        if !violations.is_empty() && told.fetch_add(1, Ordering::SeqCst) < TOLD_MAX {
            println!("race {seed} violates {}:", violations.len());
            violations
                .iter()
                .take(8)
                .for_each(|violation| println!("  {:?}: {}", violation.kind, violation.what));
            println!("  {:?}", races::shorten(&race));
            println!("  ASKPRO_SIM_SEED={seed} cargo test -p askpro-actors --test sim -- races");
        }
        totals
    })
}

/// The same seed gives the same course, line by line and row by row.
fn run_replays(scale: &Scale) -> Totals {
    let first = scale.only.unwrap_or(scale.first);
    for_each(first..first + 1, scale.threads, |seed| {
        let (one, other) = (days::live(seed, false), days::live(seed, false));
        let mut totals = one.totals;
        if one.hash != other.hash {
            println!("seed {seed} gives two courses: {:x} and {:x}", one.hash, other.hash);
            totals.violations += 1;
        }
        totals
    })
}
