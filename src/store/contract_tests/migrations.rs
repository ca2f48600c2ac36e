//! Migrations of a database that has rows already.

use askpro_actors::ports::{
    rows::{CallRow, Write},
    stores::BatchStore,
};
use bytes::Bytes;

use super::{
    super::dialect::Pools,
    Scene,
    build::*,
    on_every_database,
};

/// The last one before the tables of calls and events are written anew.
const BEFORE_ROWS_IN_ORDER: i64 = 9;
const CALLS: i64 = 300;

/// As a release left it that knew so many migrations.
async fn migrate_to(scene: &Scene, version: i64) {
    let mut migrator = scene.database.pools.migrator();
    migrator.set_locking(false);
    match &scene.database.pools {
        Pools::MySql(pool) => migrator.run_to(version, pool).await.unwrap(),
        Pools::Sqlite(pools) => migrator.run_to(version, &pools.writer).await.unwrap(),
    }
}

/// Calls and events of two companies, with ids in no order and that differ only in case, every byte in the bodies,
/// and columns without a value.
fn rows() -> Vec<Write> {
    let bytes: String = (0..256).filter_map(char::from_u32).collect();
    (0..CALLS)
        .flat_map(|number| {
            let company = if number % 3 == 0 { TWO } else { ONE };
            let letter = if number % 2 == 0 { 'a' } else { 'A' };
            let id = format!("call_{letter}{}", (number / 2) * 7_919 % 1_000);
            let row = CallRow {
                from_number: (number % 5 == 0).then(|| "+4915112345678".to_owned()),
                ended_at: (number % 4 == 0).then_some(askpro_domain::time::UnixMillis(number)),
                outcome: (number % 4 == 0).then_some("booked"),
                ..call(company, &id, if number % 4 == 0 { "ended" } else { "live" })
            };
            let started = event(company, &id, "call_started", number, &format!("{bytes} \u{1F642} {number}"));
            let mut ended = event(company, &id, "call_ended", number + 1, &"x".repeat(20_000));
            ended.body = askpro_actors::ports::rows::Body::Inline(Bytes::from(vec![0xff_u8; 20_000]));
            [Write::Call(Box::new(row)), Write::Event(started), Write::Event(ended)]
        })
        .collect()
}

/// `company_id, call_id, status, from_number, ended_at, outcome, branch_id, started_at, state`
type CallRecord =
    (i64, String, String, Option<String>, Option<i64>, Option<String>, i64, Option<i64>, Vec<u8>);
/// `company_id, call_id, dedup_key, event, event_rank, event_timestamp, body_hash, body_bytes, received_at, body`
type EventRecord = (i64, String, String, String, String, Option<i64>, String, i64, i64, Vec<u8>);

async fn records(scene: &Scene) -> (Vec<CallRecord>, Vec<EventRecord>) {
    let calls = "SELECT company_id, call_id, status, from_number, ended_at, outcome, branch_id, started_at, state \
                 FROM calls ORDER BY company_id, call_id";
    let events = "SELECT company_id, call_id, dedup_key, event, event_rank, event_timestamp, body_hash, body_bytes, \
                  received_at, body FROM call_events ORDER BY company_id, call_id, dedup_key";
    (scene.rows(calls).await, scene.rows(events).await)
}

async fn rows_are_the_same_after_their_tables_were_written_anew(scene: Scene) {
    migrate_to(&scene, BEFORE_ROWS_IN_ORDER).await;
    let epoch = scene.own().await;
    scene.database.commit(epoch, &rows()).await.unwrap();
    let before = records(&scene).await;
    assert_eq!(before.0.len(), usize::try_from(CALLS).unwrap());
    assert_eq!(before.1.len(), 2 * before.0.len());
    scene.database.migrate().await.unwrap();
    assert_eq!(records(&scene).await, before);
    // The keys are what they were: the same rows again are the same rows, and another one is one more.
    scene.database.commit(epoch, &rows()).await.unwrap();
    assert_eq!(records(&scene).await, before);
    let another = [Write::Event(event(ONE, "call_new", "call_started", 1, "x"))];
    scene.database.commit(epoch, &another).await.unwrap();
    assert_eq!(scene.count("call_events").await, 2 * CALLS + 1);
}

on_every_database!(unmigrated: rows_are_the_same_after_their_tables_were_written_anew);
