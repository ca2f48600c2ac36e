//! The fault campaign: the real program under load, a fault, and then three ledgers side by side: what was
//! acknowledged, what stands at Cal.com, what the database has.
//!
//! ```text
//! ./tests/faults                     the whole campaign, on MariaDB, MySQL and SQLite, release build
//! ./tests/faults --only kill_9       the faults whose names contain this
//! ./tests/faults --seed 7            the traffic and the moments of seed 7 again
//! ./tests/faults --short             what the tests run
//! ```
//!
//! As a test target every fault is a test of its own, in its short form; `--list` and `--exact` are what test
//! runners ask for. One seed gives the same callers, wishes and moments of trouble; what threads and sockets make
//! of them is the machine's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a course says what is wrong by ending"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody else uses these")]

#[path = "../api/support/mod.rs"]
#[allow(dead_code, reason = "the tests of the API use all of it")]
mod support;

mod args;
mod companies;
mod cores;
mod faults;
mod grid;
mod hammer;
mod home;
mod judge;
mod ledger;
mod plain;
mod process;
mod proxy;
mod server;
mod table;
mod traffic;
mod wire;
mod world;

use args::{Args, Mode};
use faults::{Fault, Scale};
use home::Kind;
use table::{Row, Table};

fn main() -> std::process::ExitCode {
    let args = match Args::read(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(usage) => {
            eprintln!("{usage}");
            return std::process::ExitCode::from(2);
        }
    };
    match args.mode {
        Mode::List => {
            for fault in faults::all(false) {
                println!("{}: test", fault.name);
            }
            std::process::ExitCode::SUCCESS
        }
        Mode::ListIgnored => std::process::ExitCode::SUCCESS,
        Mode::Serve { ref trouble } => faults::poison::serve(trouble),
        Mode::Run => run(&args),
    }
}

fn run(args: &Args) -> std::process::ExitCode {
    let seed = args.seed.unwrap_or_else(rand::random::<u32>);
    println!("seed {seed}");
    let missing = [Kind::MariaDb, Kind::MySql].into_iter().find(|kind| kind.server().is_none());
    if let Some(kind) = missing.filter(|_| args.full) {
        eprintln!(
            "{} is not set: start the campaign with ./tests/faults, which brings its servers",
            kind.variable()
        );
        return std::process::ExitCode::from(2);
    }
    let mut table = Table::new(seed, args.full);
    for fault in faults::all(args.full).into_iter().filter(|fault| args.wants(fault.name)) {
        let mut rows = play(&fault, Scale { full: args.full, seed: u64::from(seed) });
        if rows.is_empty() {
            rows.push(Row::not_tried(fault.name, args.full));
            note_not_tried(fault.name);
        }
        for row in rows {
            println!("{row}");
            if !row.is_sound() {
                let size = if args.full { "" } else { " --short" };
                println!("    the same again: ./tests/faults{size} --seed {seed} --only {}", fault.name);
            }
            table.push(row);
        }
    }
    if args.full {
        println!("\n{table}");
    }
    if let Some(file) = &args.markdown {
        std::fs::write(file, table.markdown()).unwrap_or_else(|e| eprintln!("{}: {e}", file.display()));
    }
    if table.is_sound() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

/// Whoever runs the tests shows what was not tried: a runner hides what a test prints that passes.
fn note_not_tried(fault: &str) {
    use std::io::Write as _;
    let Some(path) = std::env::var_os("ASKPRO_NOT_TRIED_FILE") else { return };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{fault}")) {
        eprintln!("{fault} was not tried, and that could not be noted: {error}");
    }
}

/// The rows of one fault. One that cannot be played to its end is a row too, and not a sound one.
fn play(fault: &Fault, scale: Scale) -> Vec<Row> {
    println!("{}: {}", fault.name, fault.about);
    let since = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let played = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name(fault.name.to_owned())
            .spawn_scoped(scope, || runtime.block_on((fault.play)(scale)))
            .unwrap()
            .join()
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    println!("{}: {:.1} s", fault.name, since.elapsed().as_secs_f64());
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        vec![Row::broken(fault.name, text.unwrap_or_default())]
    })
}
