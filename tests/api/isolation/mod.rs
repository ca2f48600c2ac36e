//! Many companies at once, each with data that nobody could mistake for another's, under random operations: no
//! row, answer, metric or line of the log of one shows up at another's.
//!
//! The seed is printed; `ASKPRO_ISOLATION_SEED` takes it again, `ASKPRO_ISOLATION_RUNS` makes more runs. What fails is made smaller before it is shown.

mod companies;
mod eyes;
mod operations;
mod run;
mod stories;

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use self::{eyes::Eyes, operations::operation, run::Rig};
use crate::support::{schema::Schema, service::Setup};

/// Runs on SQLite, and on each server.
const RUNS: u32 = 4;
const RUNS_ON_SERVERS: u32 = 1;
/// Operations of a run.
const OPERATIONS: usize = 240;
/// Attempts to make a failing run smaller: each starts a service.
const SHRINKS_MAX: u32 = 60;

fn seed() -> u64 {
    let given = std::env::var("ASKPRO_ISOLATION_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("again with ASKPRO_ISOLATION_SEED={seed}");
    seed
}

fn runner(runs: u32) -> TestRunner {
    let more = std::env::var("ASKPRO_ISOLATION_RUNS").ok().and_then(|runs| runs.parse().ok());
    let runs = more.unwrap_or(runs);
    let config =
        Config { cases: runs, max_shrink_iters: SHRINKS_MAX, failure_persistence: None, ..Config::default() };
    let seed: Vec<u8> = seed().to_le_bytes().repeat(4);
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Random operations, then a look at everything.
fn nothing_crosses(runs: u32, setup: impl Fn() -> Setup) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let operations = prop::collection::vec(operation(), OPERATIONS / 2..OPERATIONS);
    let outcome = runner(runs).run(&operations, |operations| {
        let crossed = runtime.block_on(async {
            let mut rig = Rig::start(setup()).await;
            for operation in &operations {
                rig.run(operation).await;
            }
            Eyes::of(&mut rig).look_at_everything().await;
            rig.stop().await
        });
        prop_assert!(crossed.is_empty(), "{}", crossed.join("\n"));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn on_server(variable: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let schemas = std::cell::RefCell::new(Vec::new());
    if runtime.block_on(Schema::make(variable)).is_none() {
        return;
    }
    nothing_crosses(RUNS_ON_SERVERS, || {
        let schema = std::thread::scope(|scope| {
            let make = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(Schema::make(variable)).unwrap()
            };
            scope.spawn(make).join().unwrap()
        });
        let setup = Setup::new().with("DATABASE__URL", &schema.url);
        schemas.borrow_mut().push(schema);
        setup
    });
}

#[test]
fn nothing_of_a_company_shows_up_at_another_on_sqlite() {
    nothing_crosses(RUNS, Setup::new);
}

#[test]
fn nothing_of_a_company_shows_up_at_another_on_mariadb() {
    on_server("ASKPRO_TEST_MARIADB_URL");
}

#[test]
fn nothing_of_a_company_shows_up_at_another_on_mysql() {
    on_server("ASKPRO_TEST_MYSQL_URL");
}
