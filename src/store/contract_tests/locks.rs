//! Batches that meet.

use std::time::Duration;

use askpro_actors::ports::{
    rows::Write,
    stores::{BatchStore, CompanyStore, LeaseStore, StoreError},
};
use askpro_domain::time::UnixMillis;
use sqlx::{Executor, MySql};

use super::{
    super::{
        dialect::{Pools, Transaction, Work},
        failure::Failure,
    },
    Database, Scene, StoreOptions,
    build::*,
    on_every_database,
};

const BATCHES: i64 = 6;
const CALLS: i64 = 300;

async fn batches_over_the_same_rows_in_opposite_orders_all_succeed(scene: Scene) {
    let epoch = scene.own().await;
    let tasks = (0..BATCHES).map(|n| {
        let scene = scene.clone();
        let mut writes = Vec::new();
        for row in 0..CALLS {
            let name = format!("call_{row}");
            writes.push(Write::Event(event(ONE, &name, "call_ended", n, "body")));
            writes.push(Write::Call(Box::new(call(ONE, &name, "ended"))));
            writes.push(Write::QuarantineReleased(call_id(&name)));
            writes.push(Write::Outbox(outbox(ONE, &name, &name)));
        }
        if n % 2 == 1 {
            writes.reverse();
        }
        tokio::spawn(async move { scene.database.commit(epoch, &writes).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    let newest: Vec<(i64,)> = scene.rows("SELECT event_timestamp FROM call_events").await;
    assert_eq!(newest.len(), usize::try_from(CALLS).unwrap());
    assert!(newest.iter().all(|(at,)| *at == BATCHES - 1));
}

/// The other transaction has changed more rows, so the server picks our batch as its victim.
async fn a_batch_that_loses_a_deadlock_is_written_again(scene: Scene) {
    let Pools::MySql(pool) = scene.database.pools.clone() else { return };
    let epoch = scene.own().await;
    scene.database.commit(epoch, &calls(["call_a", "call_b"].map(|id| call(ONE, id, "live")))).await.unwrap();
    let mut other = pool.begin().await.unwrap();
    for id in 0..200 {
        let insert = "INSERT INTO customers (company_id, id, name) VALUES (1, ?, 'x')";
        sqlx::query(insert).bind(id).execute(&mut *other).await.unwrap();
    }
    set_duration(&mut other, "call_b").await.unwrap();
    let batch = calls(["call_a", "call_b"].map(|id| call(ONE, id, "ended")));
    let database = scene.database.clone();
    let commit = tokio::spawn(async move { database.commit(epoch, &batch).await });
    wait_until_the_batch_has_locked(&scene, "call_a").await;
    set_duration(&mut other, "call_a").await.unwrap();
    other.commit().await.unwrap();
    commit.await.unwrap().unwrap();
    assert_eq!(scene.count("calls WHERE status = 'ended'").await, 2);
}

async fn set_duration(tx: &mut sqlx::Transaction<'static, MySql>, call: &str) -> Result<(), sqlx::Error> {
    let update = "UPDATE calls SET duration_ms = 7 WHERE company_id = 1 AND call_id = ?";
    sqlx::query(update).bind(call.to_owned()).execute(&mut **tx).await.map(|_| ())
}

/// Then it holds what the other transaction will want, and wants what the other holds, now or in a moment.
async fn wait_until_the_batch_has_locked(scene: &Scene, call: &str) {
    let free = format!("SELECT call_id FROM calls WHERE call_id = '{call}' FOR UPDATE SKIP LOCKED");
    for _ in 0..400 {
        if scene.rows::<(String,)>(&free).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the batch has not locked {call}");
}

/// A commit under way holds the lease row shared, so a renewal waits for it and then succeeds.
async fn a_lease_is_renewed_while_batches_are_written(scene: Scene) {
    let epoch = scene.own().await;
    let tasks = (0..8_i64).map(|n| {
        let scene = scene.clone();
        tokio::spawn(async move {
            for step in 0..5 {
                let id = format!("call_{n}_{step}");
                scene.database.commit(epoch, &calls([call(ONE, &id, "live")])).await.unwrap();
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for step in 0..10 {
        assert!(scene.database.renew("us", epoch, UnixMillis(2_000 + step), 60_000).await.unwrap());
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(scene.count("calls").await, 40);
}

/// A server that is not strict by default would store NULL as 0 and cut what is too long.
async fn every_session_is_strict_and_reads_committed(scene: Scene) {
    let Pools::MySql(pool) = scene.database.pools.clone() else { return };
    let mut connection = pool.acquire().await.unwrap();
    let (modes,): (String,) =
        sqlx::query_as("SELECT @@SESSION.sql_mode").fetch_one(&mut *connection).await.unwrap();
    assert!(modes.contains("STRICT_ALL_TABLES"), "{modes}");
    let (silent_s,): (i64,) = sqlx::query_as("SELECT CAST(@@SESSION.wait_timeout AS SIGNED)")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(silent_s, 15, "a frozen owner's locks end");
    let too_long =
        format!("INSERT INTO lease (id, owner, epoch, until_ms) VALUES (2, '{}', 0, 0)", "x".repeat(300));
    assert!(connection.execute(sqlx::AssertSqlSafe(too_long)).await.is_err());
}

/// As `import` does beside a running service.
async fn an_import_beside_running_batches_succeeds_and_is_noticed(scene: Scene) {
    let epoch = scene.own().await;
    let other = Database::connect(&scene.url, StoreOptions::default()).await.unwrap();
    let writer = scene.clone();
    let batches = tokio::spawn(async move {
        for step in 0..30 {
            let row = call(ONE, &format!("call_{step}"), "live");
            writer.database.commit(epoch, &calls([row])).await.unwrap();
        }
    });
    for step in 0..10 {
        other.save_companies(&[company(&format!("c{step}"), &[], &[])], &[]).await.unwrap();
    }
    batches.await.unwrap();
    assert_eq!(scene.database.companies_version().await.unwrap(), 10);
    assert_eq!((scene.count("calls").await, scene.count("companies").await), (30, 10));
    other.close().await;
}

async fn a_query_that_takes_too_long_gives_up(scene: Scene) {
    let Pools::MySql(_) = &scene.database.pools else { return };
    let options = StoreOptions { operation_timeout_ms: 200, ..StoreOptions::default() };
    let hasty = Database::connect(&scene.url, options).await.unwrap();
    let slow = hasty.fetch::<(i64,)>("SELECT SLEEP(3)", &[]).await.unwrap_err();
    assert!(matches!(slow, StoreError::Unavailable(_)), "{slow:?}");
    hasty.ping().await.unwrap();
}

/// Ends its transaction as a database does that rolls it back by itself, and fails.
struct RolledBackFromWithin;

#[async_trait::async_trait]
impl Work for RolledBackFromWithin {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> Result<(), Failure> {
        transaction.execute("ROLLBACK", &[]).await?;
        Err(Failure::unavailable("the disk is full"))
    }
}

/// SQLite does so on a full disk; nobody could write any more after it.
async fn a_transaction_that_was_rolled_back_from_within_keeps_nobody_from_the_next(scene: Scene) {
    scene.database.transact(&RolledBackFromWithin).await.unwrap_err();
    let epoch = scene.own().await;
    scene.database.commit(epoch, &calls(["call_a"].map(|id| call(ONE, id, "live")))).await.unwrap();
    assert_eq!(scene.count("calls").await, 1);
}

on_every_database!(
    an_import_beside_running_batches_succeeds_and_is_noticed,
    a_query_that_takes_too_long_gives_up,
    batches_over_the_same_rows_in_opposite_orders_all_succeed,
    a_batch_that_loses_a_deadlock_is_written_again,
    a_lease_is_renewed_while_batches_are_written,
    a_transaction_that_was_rolled_back_from_within_keeps_nobody_from_the_next,
    every_session_is_strict_and_reads_committed,
);
