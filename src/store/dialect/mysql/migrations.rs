//! How the schema of MySQL and MariaDB is brought up to date.

use std::time::{Duration, Instant};

use askpro_actors::ports::stores::StoreError;
use sqlx::{
    AssertSqlSafe, Connection, Executor, MySqlPool,
    migrate::{Migrate, MigrateError, Migration, Migrator},
    mysql::{MySqlConnection, MySqlDatabaseError},
};

use crate::store::failure::Failure;

/// Seconds that a migration waits for another process that migrates.
const MIGRATION_WAIT_S: i64 = 60;
/// Seconds that a migration waits for a table that others use: whoever comes to the table after it waits behind it.
const TABLE_WAIT_S: u32 = 2;
/// How long others are let through before it asks for the table again.
const TABLE_PAUSE: Duration = Duration::from_secs(1);
/// How often it asks: for a minute, longer than a session that says nothing may keep a table.
const TABLE_ATTEMPTS_MAX: u32 = 20;
/// From then on an attempt wrote a table anew, and the next one is not broken off for want of a lock at its end.
const LONG_ATTEMPT: Duration = Duration::from_secs(10);
/// The server's number for a lock that was not had in time.
const LOCK_WAIT_OVER: u16 = 1205;
/// The table that keeps the applied migrations.
const MIGRATIONS: &str = "_sqlx_migrations";

const COUNT_COLUMN: &str = "SELECT COUNT(*) FROM information_schema.columns \
     WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?";
const COUNT_INDEX: &str = "SELECT COUNT(*) FROM information_schema.statistics \
     WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?";

/// What tells that a migration was done.
enum Trace {
    /// A table has a column.
    Column(&'static str, &'static str),
    /// A table has an index.
    Index(&'static str, &'static str),
    /// A table has lost an index.
    NoIndex(&'static str, &'static str),
}

/// Takes the mark of a migration away that was begun and not done.
const TAKE_BACK: &str = "DELETE FROM _sqlx_migrations WHERE version = ? AND success = FALSE";

/// The trace of each migration of one statement. Such a one was done or not, never in part, however it was interrupted:
/// both servers make and undo a definition as one.
const TRACES: [(i64, Trace); 5] = [
    (7, Trace::Column("call_events", "source")),
    (8, Trace::Index("callbacks", "callbacks_status")),
    (10, Trace::Index("calls", "calls_live")),
    (11, Trace::Index("call_events", "call_events_key")),
    (12, Trace::NoIndex("appointments", "appointments_standing")),
];

/// Runs migrations under a lock of our own: sqlx waits with a negative time-out, which MariaDB ignores. The lock and
/// the session's settings end with its connection.
pub(in crate::store::dialect) async fn migrate(
    pool: &MySqlPool,
    migrator: &mut Migrator,
) -> Result<(), Failure> {
    let mut connection = pool.acquire().await?.detach();
    let locked: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(CONCAT('askpro:', LEFT(SHA2(DATABASE(), 256), 40)), ?)")
            .bind(MIGRATION_WAIT_S)
            .fetch_one(&mut connection)
            .await?;
    if locked != Some(1) {
        return Err(Failure::unavailable("another process is migrating the database"));
    }
    migrator.set_locking(false);
    let outcome = match settle_interrupted(&mut connection, migrator).await {
        Ok(()) => run_migrations(&mut connection, migrator).await,
        refused => refused,
    };
    // The lock ends with the connection, however that ends.
    _ = connection.close().await;
    outcome
}

/// Whoever was killed in a migration left its mark without success, and nothing is migrated as long as that stands. We
/// have the lock, so the statement is not at work any more.
async fn settle_interrupted(connection: &mut MySqlConnection, migrator: &Migrator) -> Result<(), Failure> {
    connection.ensure_migrations_table(MIGRATIONS).await.map_err(Failure::of_migration)?;
    let version = connection.dirty_version(MIGRATIONS).await.map_err(Failure::of_migration)?;
    let Some(version) = version else { return Ok(()) };
    let migration = migrator.iter().find(|migration| migration.version == version);
    let trace = TRACES.iter().find(|(of, _)| *of == version).map(|(_, trace)| trace);
    let (Some(migration), Some(trace)) = (migration, trace) else {
        return Err(by_hand(version, migration));
    };
    let is_done = is_there(connection, trace).await?;
    tracing::warn!(version, name = %migration.description, is_done, "a migration had been interrupted");
    let settle = match is_done {
        true => "UPDATE _sqlx_migrations SET success = TRUE WHERE version = ? AND success = FALSE",
        false => TAKE_BACK,
    };
    sqlx::query(settle).bind(version).execute(connection).await?;
    Ok(())
}

async fn is_there(connection: &mut MySqlConnection, trace: &Trace) -> Result<bool, Failure> {
    let (sql, table, name) = match trace {
        Trace::Column(table, name) => (COUNT_COLUMN, table, name),
        Trace::Index(table, name) | Trace::NoIndex(table, name) => (COUNT_INDEX, table, name),
    };
    let found: i64 = sqlx::query_scalar(sql).bind(table).bind(name).fetch_one(connection).await?;
    Ok((found > 0) != matches!(trace, Trace::NoIndex(..)))
}

/// How an operator goes on: which statements of a migration were done only somebody can say who looks.
fn by_hand(version: i64, migration: Option<&Migration>) -> Failure {
    let Some(migration) = migration else {
        return Failure::Final(StoreError::Refused(format!(
            "migration {version} of a newer release was interrupted: start that release"
        )));
    };
    Failure::Final(StoreError::Refused(format!(
        "migration {version} ({}) was interrupted at one of its statements: {}. SHOW CREATE TABLE tells which of them \
         were done: undo those, DELETE FROM {MIGRATIONS} WHERE version = {version}, and migrate again",
        migration.description,
        beginnings(migration.sql.as_str()).join("; "),
    )))
}

/// The beginnings of a migration's statements, up to their first bracket: enough to know each.
fn beginnings(text: &str) -> Vec<String> {
    let text: String = lines_of(text).flat_map(|line| [line, " "]).collect();
    let beginning = |statement: &str| {
        let head = statement.split('(').next().unwrap_or_default();
        head.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    text.split(';').map(beginning).filter(|beginning| !beginning.is_empty()).collect()
}

async fn run_migrations(connection: &mut MySqlConnection, migrator: &Migrator) -> Result<(), Failure> {
    for migration in migrator.iter() {
        run_migration(connection, migrator, migration).await?;
    }
    Ok(())
}

/// Asks again and again for a table that others use, so that whoever came to it meanwhile gets through between. A
/// migration of several statements, of which the first stay done, waits as long as the server lets it; so does one
/// that wrote a table anew for long and would do that again.
async fn run_migration(
    connection: &mut MySqlConnection,
    migrator: &Migrator,
    migration: &Migration,
) -> Result<(), Failure> {
    let can_be_run_again = is_one_statement(migration.sql.as_str());
    let (mut attempt, mut is_patient) = (1, !can_be_run_again);
    loop {
        let wait = if is_patient { "DEFAULT".to_owned() } else { TABLE_WAIT_S.to_string() };
        connection.execute(AssertSqlSafe(format!("SET SESSION lock_wait_timeout = {wait}"))).await?;
        let since = Instant::now();
        let Err(error) = migrator.run_direct(Some(migration.version), connection, false).await else {
            return Ok(());
        };
        // Where the mark stays, the error that led to it is the one to be told.
        let refusal =
            if can_be_run_again { take_back(connection, &error).await.unwrap_or_default() } else { None };
        if refusal != Some(LOCK_WAIT_OVER) {
            return Err(Failure::of_migration(error));
        }
        if attempt == TABLE_ATTEMPTS_MAX {
            return Err(Failure::unavailable(
                "another session keeps a table that is to be migrated; SHOW PROCESSLIST names it, end it and migrate \
                 again",
            ));
        }
        attempt += 1;
        is_patient |= since.elapsed() > LONG_ATTEMPT;
        tokio::time::sleep(TABLE_PAUSE).await;
    }
}

/// A migration of one statement that the server refused has done nothing: its mark, which sqlx sets before and an
/// `ALTER TABLE` commits, is taken away. Gives the error's number then.
async fn take_back(connection: &mut MySqlConnection, error: &MigrateError) -> Result<Option<u16>, Failure> {
    let MigrateError::ExecuteMigration(sqlx::Error::Database(error), version) = error else {
        return Ok(None);
    };
    let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() else { return Ok(None) };
    sqlx::query(TAKE_BACK).bind(version).execute(connection).await?;
    Ok(Some(error.number()))
}

/// The lines of a migration's text without its comments.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("--"))
}

/// Whether a migration's text has one statement at most; one with a semicolon in a text counts as more.
fn is_one_statement(text: &str) -> bool {
    lines_of(text).map(|line| line.matches(';').count()).sum::<usize>() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_of_one_statement_has_its_trace() {
        let migrator = sqlx::migrate!("migrations/mysql");
        let of_one = migrator.iter().filter(|migration| is_one_statement(migration.sql.as_str()));
        let of_one: Vec<i64> = of_one.map(|migration| migration.version).collect();
        assert_eq!(TRACES.map(|(version, _)| version).as_slice(), of_one);
    }

    #[test]
    fn an_operator_is_told_which_statements_there_are() {
        let text = "-- Why; and how.\nALTER TABLE a\n    ADD COLUMN x BIGINT,\n    ADD KEY a_x (x);\n\nDROP TABLE b;\n";
        assert_eq!(beginnings(text), ["ALTER TABLE a ADD COLUMN x BIGINT, ADD KEY a_x", "DROP TABLE b"]);
    }

    #[test]
    fn a_migration_of_one_statement_is_known() {
        for (text, is_one) in [
            ("-- Why; and how.\nALTER TABLE t\n    ADD COLUMN x BIGINT;\n", true),
            ("SELECT 1", true),
            ("DROP INDEX a;\n-- Then.\nDROP INDEX b;\n", false),
            ("UPDATE t SET x = 'a;b';", false),
        ] {
            assert_eq!(is_one_statement(text), is_one, "{text}");
        }
    }
}
