//! The parts of the path alone: what one event costs, stage by stage, an answer to an agent and a page for an admin.
//!
//! ```text
//! cargo bench --bench parts                  criterion, and before it the table of microseconds and allocations
//! cargo bench --bench parts -- compression   the parts whose names contain this
//! ```
//!
//! With `--test` (as `./benches/run --short` has it) everything is done once and nothing is measured.

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
#[path = "../load/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the table uses all of it")]
mod load;
#[path = "../../tests/campaign/plain.rs"]
#[allow(dead_code, reason = "the campaign uses all of it")]
mod plain;
#[path = "../../tests/api/support/mod.rs"]
#[allow(dead_code, reason = "the tests of the API use all of it")]
mod support;

mod cost;
mod door;
mod event;

use criterion::Criterion;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's allocator, counted: what is asked for does not depend on who gives it. The service has mimalloc, so
/// times in which much is allocated are a little longer here.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let is_test = std::env::args().any(|word| word == "--test");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut criterion = Criterion::default().configure_from_args();
    if !is_test {
        cost::print(&runtime);
    }
    for size in event::SIZES {
        for mut stage in event::stages(size, &runtime) {
            criterion.bench_function(&stage.name, |bench| bench.iter(|| (stage.run)()));
        }
    }
    door::measure(&mut criterion, &runtime);
    criterion.final_summary();
}
