//! What runs beside the requests: the journal's mark, new companies, parked notes, gauges.

use std::{sync::Arc, time::Duration};

use askpro_actors::{customers::CustomerBook, outage::Witness, ports::stores::StoreError};
use tokio::task::JoinHandle;

use super::{Parts, directory::LiveDirectory};
use crate::{
    config::RetellConfig,
    store::Database,
    telemetry::{metrics, recorder::Recorder},
    usecases::{
        AdminError, Door, Services,
        reconcile::{self, HOURS_DEFAULT},
        status,
    },
};

const PUMP_EVERY: Duration = Duration::from_millis(10);
const COMPANIES_EVERY: Duration = Duration::from_millis(400);
const FORGET_EVERY: Duration = Duration::from_secs(600);
const STATUS_EVERY: Duration = Duration::from_secs(1);
const GAUGES_EVERY: Duration = Duration::from_secs(1);

/// Starts all of them.
pub(super) fn spawn(
    parts: &Parts,
    directory: Arc<LiveDirectory>,
    recorder: Arc<Recorder>,
    retell: &RetellConfig,
) -> Vec<JoinHandle<()>> {
    let services = parts.services.clone();
    let mut tasks = vec![
        tokio::spawn(parts.mark_keeper().keep()),
        tokio::spawn(follow_companies(parts.database.clone(), directory, services.clone())),
        tokio::spawn(forget_past(services.clone())),
        tokio::spawn(pump(services.clone())),
        tokio::spawn(publish_gauges(services.clone(), recorder)),
    ];
    tasks.extend(follow_retell(services, retell));
    tasks
}

/// Compares our calls with Retell's from time to time, if it shall; says once what is not done without a key.
fn follow_retell(services: Arc<Services>, retell: &RetellConfig) -> Option<JoinHandle<()>> {
    if retell.api_key.is_none() {
        tracing::info!(
            "retell.api_key is empty: of companies without a key of their own, silent calls are closed by time \
             alone and nothing is compared with Retell"
        );
    }
    retell.reconcile_every.map(|every| tokio::spawn(compare_calls(services, every)))
}

/// From the start on: what was missed while nobody was here comes first.
async fn compare_calls(services: Arc<Services>, every: Duration) {
    loop {
        match reconcile::begin(&services, HOURS_DEFAULT) {
            Ok(_) | Err(AdminError::NotConfigured { .. }) => {}
            Err(error) => tracing::warn!(%error, "calls are not compared with Retell this time"),
        }
        tokio::time::sleep(every).await;
    }
}

async fn follow_companies(database: Database, directory: Arc<LiveDirectory>, services: Arc<Services>) {
    let Services { actors, clock, .. } = &*services;
    loop {
        tokio::time::sleep(COMPANIES_EVERY).await;
        match follow_import(&database, &directory, &actors.customers).await {
            Ok(()) => actors.outage.works(Witness::Imports, clock.now()),
            Err(error) => actors.outage.failed(Witness::Imports, &error.to_string(), clock.now()),
        }
    }
}

/// Companies first: a customer without its company is of no use.
async fn follow_import(
    database: &Database,
    directory: &LiveDirectory,
    customers: &CustomerBook,
) -> Result<(), StoreError> {
    if directory.refresh(database).await? {
        tracing::info!("companies were imported");
    }
    customers.follow(database, directory.version()).await.map(drop)
}

/// Looks at the word in `/readyz` whether or not anybody asks, so that it is known since when it is said.
pub(super) async fn follow_status(door: Arc<Door>) {
    loop {
        let _ = status::readiness(&door);
        let state = door.readiness.get();
        let _ = tokio::time::timeout(STATUS_EVERY, door.readiness.leaves(state)).await;
    }
}

async fn forget_past(services: Arc<Services>) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        services.actors.customers.forget_past(services.clock.now());
        services.actors.callbacks.forget_past(services.clock.now());
    }
}

async fn pump(services: Arc<Services>) {
    loop {
        tokio::time::sleep(PUMP_EVERY).await;
        if !services.actors.parked.is_empty() {
            services.actors.calls.pump();
        }
    }
}

async fn publish_gauges(services: Arc<Services>, recorder: Arc<Recorder>) {
    loop {
        tokio::time::sleep(GAUGES_EVERY).await;
        let journal = status::journal(&services);
        set(metrics::JOURNAL_UNAPPLIED, journal.outstanding);
        set(metrics::JOURNAL_PINNED, journal.pinned);
        set(metrics::JOURNAL_SIZE, journal.bytes);
        set(metrics::JOURNAL_SIZE_MAX, journal.max_bytes);
        set(metrics::WRITER_BACKLOG, u64::try_from(services.actors.writers.backlog()).unwrap_or(u64::MAX));
        set(metrics::DATABASE_OWNER, u64::from(!services.actors.fence.is_lost()));
        let budgets = services.actors.budgets.figures(services.clock.now());
        ::metrics::gauge!(metrics::CALCOM_BUDGET_USED).set(budgets.used_ratio_max);
        set(metrics::CALCOM_KEYS_BLOCKED, u64::try_from(budgets.keys_blocked).unwrap_or(u64::MAX));
        let lateness = services.traffic.take_lateness();
        ::metrics::gauge!(metrics::WORKER_LATENESS).set(lateness.as_secs_f64());
        set(metrics::REFUSALS_HELD, u64::try_from(services.traffic.refusals_held()).unwrap_or(u64::MAX));
        ::metrics::gauge!(metrics::CLOCK_AHEAD).set(ahead_s(&services));
        recorder.run_upkeep();
    }
}

/// How far our time is ahead of the machine's, in s. What lies between two readings is none.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody puts a clock back by 2^52 ms")]
fn ahead_s(services: &Services) -> f64 {
    let ahead_ms = services.clock.now().since(services.machine_clock.now());
    if ahead_ms < 100 { 0.0 } else { ahead_ms as f64 / 1_000.0 }
}

/// Sets a gauge.
#[expect(clippy::cast_precision_loss, reason = "gauges are floats; these figures stay far below 2^52")]
pub(super) fn set(name: &'static str, value: u64) {
    ::metrics::gauge!(name).set(value as f64);
}
