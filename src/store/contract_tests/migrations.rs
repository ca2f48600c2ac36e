//! Migrations of a database that has rows already.

use std::time::Duration;

use askpro_actors::ports::{
    rows::{CallRow, Write},
    stores::{BatchStore, StoreError},
};
use bytes::Bytes;

use super::{
    super::{Schema, dialect::Pools},
    Scene,
    build::*,
    on_every_database,
};

/// The last one before the tables of calls and events are written anew.
const BEFORE_ROWS_IN_ORDER: i64 = 9;
/// The last one before customers and then appointments get one more index each.
const BEFORE_TWO_STATEMENTS: i64 = 5;
/// Those that are done or not, never in part.
const OF_ONE_STATEMENT: [i64; 5] = [7, 8, 10, 11, 12];
const CALLS: i64 = 300;

type Reader = sqlx::Transaction<'static, sqlx::MySql>;
type Migrating = tokio::task::JoinHandle<Result<(), StoreError>>;

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

async fn a_schema_is_new_then_behind_then_up_to_date(scene: Scene) {
    assert_eq!(scene.database.schema().await.unwrap(), Schema::New);
    for (version, schema) in [(4, Schema::New), (5, Schema::Behind), (BEFORE_ROWS_IN_ORDER, Schema::Behind)] {
        migrate_to(&scene, version).await;
        assert_eq!(scene.database.schema().await.unwrap(), schema, "{version}");
    }
    scene.database.migrate().await.unwrap();
    assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate);
}

/// Migrates from this version on while a transaction reads a table, as a report or a backup does. `None` on SQLite.
async fn migrate_beside_a_reader(scene: &Scene, from: i64, table: &str) -> Option<(Reader, Migrating)> {
    let Pools::MySql(pool) = scene.database.pools.clone() else { return None };
    migrate_to(scene, from).await;
    let mut reader = pool.begin().await.unwrap();
    let read = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query(read).execute(&mut *reader).await.unwrap();
    let database = scene.database.clone();
    Some((reader, tokio::spawn(async move { database.migrate().await })))
}

/// Waits until a session stands in front of a table that another keeps, and gives its number.
async fn session_that_waits(scene: &Scene) -> i64 {
    let waits = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = DATABASE() \
                 AND state = 'Waiting for table metadata lock'";
    loop {
        if let Some((session,)) = scene.rows::<(i64,)>(waits).await.first() {
            return *session;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// For longer than the migration waits for the table.
async fn a_migration_that_finds_its_table_in_use_lets_others_through_and_goes_on(scene: Scene) {
    let Some((reader, migration)) = migrate_beside_a_reader(&scene, BEFORE_ROWS_IN_ORDER, "calls").await
    else {
        return;
    };
    session_that_waits(&scene).await;
    // It stands behind the migration, which gives way.
    assert_eq!(scene.count("calls").await, 0);
    assert!(!migration.is_finished());
    reader.commit().await.unwrap();
    migration.await.unwrap().unwrap();
    assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate);
}

/// Its first statement stays done, so it must not be broken off between the two.
async fn a_migration_of_several_statements_waits_for_a_table_until_it_has_it(scene: Scene) {
    let Some((reader, migration)) =
        migrate_beside_a_reader(&scene, BEFORE_TWO_STATEMENTS, "appointments").await
    else {
        return;
    };
    // Longer than one statement waits for a table.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(!migration.is_finished());
    reader.commit().await.unwrap();
    migration.await.unwrap().unwrap();
    assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate);
}

async fn a_migration_of_one_statement_that_was_refused_can_be_run_again(scene: Scene) {
    let Pools::MySql(_) = &scene.database.pools else { return };
    migrate_to(&scene, BEFORE_ROWS_IN_ORDER).await;
    scene.execute("ALTER TABLE call_events ADD COLUMN rowid BIGINT NULL").await;
    let refused = scene.database.migrate().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Refused(reason) if reason.contains("rowid")), "{refused:?}");
    let lines = scene.database.migration_status().await.unwrap();
    let missing: Vec<i64> = lines.iter().filter(|line| !line.applied).map(|line| line.version).collect();
    assert_eq!(missing, [11, 12]);
    scene.execute("ALTER TABLE call_events DROP COLUMN rowid").await;
    scene.database.migrate().await.unwrap();
    assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate);
}

/// The mark of a migration that was begun and of which nobody said that it succeeded.
async fn leave_mark(scene: &Scene, version: i64) {
    let migrator = scene.database.pools.migrator();
    let migration = migrator.iter().find(|migration| migration.version == version).unwrap();
    let checksum: String = migration.checksum.iter().map(|byte| format!("{byte:02x}")).collect();
    let mark = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES ({version}, '{}', FALSE, X'{checksum}', -1)",
        migration.description
    );
    scene.execute(&mark).await;
}

/// Every column and every index.
async fn definitions(scene: &Scene) -> Vec<(String, String)> {
    let columns = "SELECT CONCAT(table_name, '.', column_name), CONCAT(column_type, ' ', is_nullable) \
                   FROM information_schema.columns WHERE table_schema = DATABASE()";
    let indexes = "SELECT CONCAT(table_name, ' ', index_name, ' ', seq_in_index), column_name \
                   FROM information_schema.statistics WHERE table_schema = DATABASE()";
    let mut all: Vec<(String, String)> = scene.rows(columns).await;
    all.extend(scene.rows::<(String, String)>(indexes).await);
    all.sort();
    all
}

async fn a_migration_of_one_statement_that_was_interrupted_is_recognised_as_done_or_done_again(scene: Scene) {
    let Pools::MySql(_) = &scene.database.pools else { return };
    scene.database.migrate().await.unwrap();
    let whole = definitions(&scene).await;
    let tables: Vec<(String,)> = scene
        .rows("SELECT CONCAT(table_name) FROM information_schema.tables WHERE table_schema = DATABASE()")
        .await;
    for version in OF_ONE_STATEMENT {
        scene
            .execute(&format!("UPDATE _sqlx_migrations SET success = FALSE WHERE version = {version}"))
            .await;
        scene.database.migrate().await.unwrap();
        assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate, "{version} was done");
    }
    for version in OF_ONE_STATEMENT {
        for (table,) in &tables {
            scene.execute(&format!("DROP TABLE {table}")).await;
        }
        migrate_to(&scene, version - 1).await;
        leave_mark(&scene, version).await;
        scene.database.migrate().await.unwrap();
        assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate, "{version} was not done");
        assert_eq!(definitions(&scene).await, whole, "{version} was not done");
    }
}

async fn a_migration_whose_session_is_killed_is_run_by_the_next_start(scene: Scene) {
    let Some((reader, migration)) = migrate_beside_a_reader(&scene, BEFORE_ROWS_IN_ORDER, "calls").await
    else {
        return;
    };
    let session = session_that_waits(&scene).await;
    scene.execute(&format!("KILL {session}")).await;
    migration.await.unwrap().unwrap_err();
    reader.commit().await.unwrap();
    let marks = "SELECT version FROM _sqlx_migrations WHERE success = FALSE";
    assert_eq!(scene.rows::<(i64,)>(marks).await, [(BEFORE_ROWS_IN_ORDER + 1,)]);
    scene.database.migrate().await.unwrap();
    assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate);
}

async fn whoever_finds_a_migration_of_several_statements_interrupted_is_told_what_to_do(scene: Scene) {
    let Pools::MySql(_) = &scene.database.pools else { return };
    migrate_to(&scene, BEFORE_TWO_STATEMENTS).await;
    leave_mark(&scene, BEFORE_TWO_STATEMENTS + 1).await;
    scene.execute("ALTER TABLE appointments ADD KEY appointments_end (ends_at, id)").await;
    let refused = scene.database.migrate().await.unwrap_err().to_string();
    let remedy = "DELETE FROM _sqlx_migrations WHERE version = 6";
    for told in ["customers followed", "ALTER TABLE appointments ADD KEY appointments_end", remedy] {
        assert!(refused.contains(told), "{refused}");
    }
    scene.execute("ALTER TABLE appointments DROP KEY appointments_end").await;
    scene.execute(remedy).await;
    scene.database.migrate().await.unwrap();
    assert_eq!(scene.database.schema().await.unwrap(), Schema::UpToDate);
}

on_every_database!(
    unmigrated: rows_are_the_same_after_their_tables_were_written_anew,
    a_schema_is_new_then_behind_then_up_to_date,
    a_migration_that_finds_its_table_in_use_lets_others_through_and_goes_on,
    a_migration_of_several_statements_waits_for_a_table_until_it_has_it,
    a_migration_of_one_statement_that_was_refused_can_be_run_again,
    a_migration_of_one_statement_that_was_interrupted_is_recognised_as_done_or_done_again,
    a_migration_whose_session_is_killed_is_run_by_the_next_start,
    whoever_finds_a_migration_of_several_statements_interrupted_is_told_what_to_do,
);
