//! The service on virtual time, without threads, ordered by a seed.
//!
//! Parts, each named as an argument (none runs all):
//! - `days`: whole days of many companies with callers, faults, crashes; then three ledgers are compared.
//! - `races`: calls of one company that want the last free units of a day at the same time.
//! - `replays`: the same seed gives the same course.
//!
//! How much is run is told by the environment alone:
//! - `ASKPRO_SIM_SEEDS` days' seeds (4), `ASKPRO_SIM_RACES` races (200), both from `ASKPRO_SIM_FIRST` (1) on,
//! - `ASKPRO_SIM_THREADS` worlds at once (as many as there are processors),
//! - `ASKPRO_SIM_SEED` one seed alone, with its course printed.
//!
//! The last line is for machines, `sim: seeds=… races=… … lost=0 doubled=0 violations=0`; the exit code is 0 when
//! nothing was violated, else 1. A failing seed prints the command that replays it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests say what is wrong by ending"
)]

mod agents;
mod calendar;
mod callers;
mod companies;
mod course;
mod days;
mod faults;
mod invariants;
mod ledger;
mod owner;
mod panics;
mod races;
mod refusals;
mod report;
mod requests;
mod retell;
mod run;
mod weather;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    panics::watch();
    run::run(std::env::args().skip(1))
}
