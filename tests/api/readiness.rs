//! One process owns a database; a second one stands by and takes over.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use serde_json::json;
use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{
    database::Tables,
    days::now_ms,
    eventually,
    program::Program,
    raw::{Raw, status_of},
    retell::{call, event, over},
    service::{Setup, companies},
    within,
};

/// Companies in a folder, a Cal.com, nothing started.
async fn prepared(lease_ms: u32) -> (Setup, askpro::simulators::calcom::CalcomHandle) {
    let mut setup = Setup::new().with("DATABASE__LEASE_TTL_MS", &lease_ms.to_string());
    let calcom = setup.calcom();
    setup.import(&companies()).await.unwrap();
    (setup, calcom)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_stands_by_and_takes_over_when_the_first_drains() {
    let (setup, _calcom) = prepared(60_000).await;
    let mut first = Program::start(&setup).await;
    let mut second = Program::spawn(&setup);
    second.wait_until("standby").await;
    let ready = second.retell.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.retry_after.is_some()), (503, true));
    let tables = Tables::open(setup.database_url()).await;
    let owner = json!(tables.texts("owner", "FROM lease").await.remove(0));
    eventually("it says whom it waits for", async || {
        (second.retell.get("/readyz").await.json()["owner"] == owner).then_some(())
    })
    .await;
    let since = ready.json()["since"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert!((now_ms() - since).abs() < 60_000, "{since}");
    let refused = second.retell.post("/webhooks/retell", &event("call_started", &call("call_t1"))).await;
    refused.assert_problem(503, "standby");
    assert!(refused.retry_after.is_some());
    assert_eq!(second.retell.get("/livez").await.status, 200);

    first.retell.event(&event("call_started", &call("call_t1"))).await;
    first.signal("TERM");
    assert_eq!(first.ended().await.code(), Some(0));
    second.wait_until("ready").await;
    let (_, shown) = second.retell.admin("/admin/calls/call_t1").await;
    assert_eq!(shown["status"], "live", "{shown}");
    second.retell.event(&event("call_ended", &over(&call("call_t1"), 9_000, "user_hangup"))).await;
    tables.wait_for(1, "calls WHERE status = 'ended'").await;
    second.signal("TERM");
    assert_eq!(second.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_does_not_hold_up_the_end() {
    let (setup, _calcom) = prepared(60_000).await;
    let setup = setup.with("HTTP__BODY_TIMEOUT_MS", "300000").with("HTTP__DRAIN_TIMEOUT_S", "300");
    let mut first = Program::start(&setup).await;
    let mut slow = Raw::connect(&first.retell.base).await;
    let head = format!(
        "POST /webhooks/retell HTTP/1.1\r\nHost: x\r\nX-Retell-Signature: v={},d={}\r\nContent-Length: 100\r\n\
         Expect: 100-continue\r\n\r\nhalf of",
        now_ms(),
        "0".repeat(64)
    );
    slow.send(head.as_bytes()).await.unwrap();
    assert_eq!(slow.read_status(Duration::from_secs(5)).await, Some(100), "it was let in");
    first.signal("TERM");
    let answer = slow.read_to_end(Duration::from_secs(10)).await.to_lowercase();
    assert_eq!(status_of(&answer), Some(503), "{answer}");
    for part in ["retry-after: ", "connection: close", "application/problem+json", "\"code\":\"draining\""] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert_eq!(first.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_takes_over_when_the_lease_of_a_killed_one_ends() {
    let (setup, _calcom) = prepared(2_000).await;
    let mut first = Program::start(&setup).await;
    let mut second = Program::spawn(&setup);
    second.wait_until("standby").await;
    first.retell.event(&event("call_started", &call("call_t2"))).await;
    first.kill();
    second.wait_until_within(Duration::from_secs(6), "ready").await;
    let tables = Tables::open(setup.database_url()).await;
    tables.wait_for(1, "call_events WHERE call_id = 'call_t2'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_slept_through_its_lease_is_fenced_out() {
    let (setup, _calcom) = prepared(1_000).await;
    let mut first = Program::start(&setup).await;
    first.retell.event(&event("call_started", &call("call_t3"))).await;
    let tables = Tables::open(setup.database_url()).await;
    tables.wait_for(1, "call_events").await;
    first.signal("STOP");
    // Its journal is locked while it sleeps: the next owner has a folder of its own.
    let other = setup.folder.path().join("other-journal").display().to_string();
    let other = Setup { folder: setup.folder.clone(), env: setup.env.clone() }.with("JOURNAL__DIR", &other);
    let mut second = Program::start(&other).await;
    first.signal("CONT");
    let ended = first.ended().await;
    assert_eq!(ended.code(), Some(1), "another process owns the database");
    let (_, status) = second.retell.admin("/admin/status").await;
    assert_eq!(status["epoch"], json!(2), "{status}");
    second.retell.event(&event("call_ended", &over(&call("call_t3"), 1_000, "user_hangup"))).await;
    tables.wait_for(1, "calls WHERE status = 'ended'").await;
    assert!(second.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeper_that_has_the_folder_is_waited_for_and_goes_on() {
    let (setup, _calcom) = prepared(1_000).await;
    let mut first = Program::start(&setup).await;
    let mut second = Program::spawn(&setup);
    second.wait_until("standby").await;
    first.signal("STOP");
    let tables = Tables::open(setup.database_url()).await;
    let since = Instant::now();
    eventually("several lives of a lease are over", async || {
        assert_eq!(second.readiness().await.as_deref(), Some("standby"));
        (since.elapsed() > Duration::from_secs(4)).then_some(())
    })
    .await;
    assert_eq!(tables.texts("epoch", "FROM lease").await, ["1"], "a lease without the folder is of no use");
    first.signal("CONT");
    first.retell.event(&event("call_started", &call("call_t4"))).await;
    tables.wait_for(1, "call_events WHERE call_id = 'call_t4'").await;
    assert!(first.is_running());
    first.kill();
    second.wait_until("ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_not_robbed_by_one_with_another_folder_of_the_same_path_or_a_copy() {
    let (setup, _calcom) = prepared(60_000).await;
    let mut first = Program::start(&setup).await;
    // As two containers with one host name and a volume each have it.
    let (path, moved) = (setup.journal_dir(), setup.folder.path().join("moved"));
    std::fs::rename(&path, &moved).unwrap();
    let mut second = Program::spawn(&setup);
    second.wait_until("standby").await;
    let copy = setup.folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(&moved).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let copied = Setup { folder: setup.folder.clone(), env: setup.env.clone() }
        .with("JOURNAL__DIR", &copy.display().to_string());
    let mut third = Program::spawn(&copied);
    third.wait_until("standby").await;
    let tables = Tables::open(setup.database_url()).await;
    assert_eq!(tables.texts("epoch", "FROM lease").await, ["1"]);
    let owner = tables.texts("owner", "FROM lease").await.remove(0);
    assert_eq!(third.retell.get("/readyz").await.json()["owner"], json!(owner));
    first.retell.event(&event("call_started", &call("call_t5"))).await;
    tables.wait_for(1, "call_events WHERE call_id = 'call_t5'").await;
    assert!(first.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_write_is_fenced_ends_at_once() {
    // Its lease would be looked at after 40 seconds only.
    let (setup, _calcom) = prepared(120_000).await;
    let mut first = Program::start(&setup).await;
    let tables = Tables::open(setup.database_url()).await;
    tables.execute("UPDATE lease SET owner = 'another', epoch = epoch + 1").await;
    first.retell.event(&event("call_started", &call("call_t6"))).await;
    assert_eq!(first.ended().await.code(), Some(1), "another process owns the database");
    assert_eq!(tables.count("call_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_has_nothing_to_write_notices_too_that_it_was_overtaken() {
    let (setup, _calcom) = prepared(120_000).await;
    let mut first = Program::start(&setup).await;
    Tables::open(setup.database_url()).await.execute("UPDATE lease SET epoch = epoch + 1").await;
    assert_eq!(first.ended().await.code(), Some(1), "the journal's mark is saved every second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_told_to_end_before_it_stands_by_ends_when_it_does() {
    let (setup, _calcom) = prepared(60_000).await;
    let _first = Program::start(&setup).await;
    let options = SqliteConnectOptions::from_str(setup.database_url()).unwrap();
    let mut locked = SqliteConnection::connect_with(&options).await.unwrap();
    locked.execute("BEGIN IMMEDIATE").await.unwrap();
    let other = setup.folder.path().join("other-journal").display().to_string();
    let other = Setup { folder: setup.folder.clone(), env: setup.env.clone() }.with("JOURNAL__DIR", &other);
    let mut second = Program::spawn(&other);
    second.wait_until("starting").await;
    second.signal("TERM");
    locked.execute("ROLLBACK").await.unwrap();
    assert_eq!(second.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_answer_while_it_starts_and_admin_routes_wait() {
    let (setup, _calcom) = prepared(60_000).await;
    let _first = Program::start(&setup).await;
    let second = Program::spawn(&setup);
    within(Duration::from_secs(10), "the port answers before the service is ready", async || {
        second.readiness().await
    })
    .await;
    let closed = eventually("an admin route answers", async || {
        let answer = second.retell.admin_answer("GET", "/admin/status").await;
        (answer.status != 404).then_some(answer)
    })
    .await;
    assert_eq!(closed.status, 503);
    assert!(closed.retry_after.is_some());
}
