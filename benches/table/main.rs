//! The table of ratios: the real program over real HTTP and a real database, beside rivals that do less, in one run.
//!
//! ```text
//! ./benches/run                      the whole table, five interleaved runs
//! ./benches/run --short              the same in small, for its correctness alone
//! ./benches/run --only stored        the groups of rows whose names contain this
//! ./benches/run --runs 3 --seconds 5 fewer and shorter runs
//! ```
//!
//! Exit code 1 when a result was wrong: something acknowledged is not in the tables, or is there twice, an answer
//! was not what it must be. Never because of a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark says what is wrong by ending, and reads clocks"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody else uses these")]

#[path = "../../tests/campaign/companies.rs"]
#[allow(dead_code, reason = "the campaign uses all of it")]
mod companies;
#[path = "../../tests/campaign/grid.rs"]
mod grid;
#[path = "../load/mod.rs"]
mod load;
#[path = "../../tests/campaign/plain.rs"]
#[allow(dead_code, reason = "the campaign uses all of it")]
mod plain;
#[path = "../../tests/campaign/process.rs"]
#[allow(dead_code, reason = "the campaign uses all of it")]
mod process;
#[path = "../../tests/api/support/mod.rs"]
#[allow(dead_code, reason = "the tests of the API use all of it")]
mod support;

mod args;
mod machine;
mod oracle;
mod rivals;
mod rows;
mod samples;
mod scale;
mod service;
mod snapshot;
mod table;

use std::process::ExitCode;

use args::Args;
use table::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match Args::read(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let table = runtime.block_on(fill(&args));
    println!("\n{table}");
    if let Some(file) = &args.markdown {
        std::fs::write(file, table.markdown()).unwrap_or_else(|e| eprintln!("{}: {e}", file.display()));
    }
    if table.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures group after group; what a group gives is told at once.
async fn fill(args: &Args) -> Table {
    let machine = machine::tell(&args.server).await;
    println!("{machine}");
    let mut table = Table::new(machine, args.scale);
    for group in rows::all().into_iter().filter(|group| args.wants(group.name)) {
        println!("\n{}: {}", group.name, group.about);
        table.disturbed(machine::busy_with_others().await);
        let mut findings = oracle::Findings::default();
        for row in (group.measure)(args, &mut findings).await {
            println!("  {row}");
            table.push(row);
        }
        table.blame(findings);
    }
    table
}
