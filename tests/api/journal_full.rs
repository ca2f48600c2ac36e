//! The database is away: events go on being taken until the journal is full, and come through afterwards.

use std::str::FromStr;

use reqwest::StatusCode;
use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{
    database::Tables,
    eventually,
    program::Program,
    retell::{call, event, over},
    service::{Service, Setup, companies},
};

/// A transcript that does not shrink.
fn noise(bytes: usize) -> String {
    (0..bytes).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect()
}

async fn readiness(service: &Service) -> String {
    service.retell.get("/readyz").await.json()["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_events_wait_in_the_journal_until_it_is_full() {
    let service = Setup::new()
        .with("JOURNAL__MAX_BYTES", "1048576")
        .with("DATABASE__LEASE_TTL_MS", "60000")
        .with("DATABASE__ACQUIRE_TIMEOUT_MS", "500")
        .start()
        .await;
    let options = SqliteConnectOptions::from_str(service.setup.database_url()).unwrap();
    let mut away = SqliteConnection::connect_with(&options).await.unwrap();
    away.execute("BEGIN IMMEDIATE").await.unwrap();

    let mut taken = Vec::new();
    let refused = loop {
        let id = format!("call_j{}", taken.len());
        let mut body = event("call_ended", &over(&call(&id), 1_000, "user_hangup"));
        body["call"]["transcript"] = noise(40_000).into();
        let answer = service.retell.post("/webhooks/retell", &body).await;
        if answer.status != StatusCode::NO_CONTENT {
            break answer;
        }
        taken.push(id);
        assert!(taken.len() < 200, "a small journal takes no end of events");
    };
    refused.assert_problem(503, "journal_full");
    assert!(refused.retry_after.is_some());
    assert!(taken.len() > 10, "{} were taken", taken.len());
    assert_eq!(service.tables.count("call_events").await, 0, "the database is away");
    let ready = service.retell.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()["status"].as_str().unwrap()),
        (StatusCode::SERVICE_UNAVAILABLE, "journal_full")
    );
    assert!(ready.retry_after.is_some());

    away.execute("ROLLBACK").await.unwrap();
    let count = u64::try_from(taken.len()).unwrap();
    service.tables.wait_for(count, "call_events").await;
    service.tables.wait_for(count, "calls WHERE status = 'ended'").await;
    eventually("there is room again", async || (readiness(&service).await == "ready").then_some(())).await;
    let body = event("call_ended", &over(&call("call_after"), 1_000, "user_hangup"));
    eventually("events are taken again", async || {
        (service.retell.post("/webhooks/retell", &body).await.status == StatusCode::NO_CONTENT).then_some(())
    })
    .await;
    service.tables.wait_for(count + 1, "call_events").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_said_and_live_calls_go_on() {
    let service = Setup::new()
        .with("DATABASE__LEASE_TTL_MS", "3000")
        .with("DATABASE__ACQUIRE_TIMEOUT_MS", "500")
        .start()
        .await;
    service.retell.event(&event("call_started", &call("call_k0"))).await;
    service.tables.wait_for(1, "calls").await;
    let options = SqliteConnectOptions::from_str(service.setup.database_url()).unwrap();
    let mut away = SqliteConnection::connect_with(&options).await.unwrap();
    away.execute("BEGIN IMMEDIATE").await.unwrap();
    eventually("it is degraded", async || (readiness(&service).await == "degraded").then_some(())).await;
    service.retell.event(&event("call_started", &call("call_k1"))).await;
    service.retell.event(&event("call_ended", &over(&call("call_k1"), 3_000, "user_hangup"))).await;
    let live = service.admin("/admin/calls?state=live").await;
    assert_eq!(live["items"].as_array().unwrap().len(), 1, "{live}");
    away.execute("ROLLBACK").await.unwrap();
    eventually("it is ready again", async || (readiness(&service).await == "ready").then_some(())).await;
    service.tables.wait_for(2, "call_events WHERE call_id = 'call_k1'").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_terminated_while_the_database_is_away_ends_in_time_and_loses_nothing() {
    let mut setup = Setup::new().with("DATABASE__LEASE_TTL_MS", "1000");
    let calcom = setup.calcom();
    setup.import(&companies()).await.unwrap();
    let mut program = Program::start(&setup).await;
    let options = SqliteConnectOptions::from_str(setup.database_url()).unwrap();
    let mut away = SqliteConnection::connect_with(&options).await.unwrap();
    away.execute("BEGIN IMMEDIATE").await.unwrap();
    for number in 0..20 {
        let body = event("call_ended", &over(&call(&format!("call_m{number}")), 1_000, "user_hangup"));
        program.retell.event(&body).await;
    }
    program.signal("TERM");
    let code = program.ended().await.code();
    assert_eq!(code, Some(1), "not everything could be finished");
    away.execute("ROLLBACK").await.unwrap();
    let mut next = Program::start(&setup).await;
    let tables = Tables::open(setup.database_url()).await;
    tables.wait_for(20, "call_events").await;
    next.signal("TERM");
    assert_eq!(next.ended().await.code(), Some(0));
    calcom.stop();
}
