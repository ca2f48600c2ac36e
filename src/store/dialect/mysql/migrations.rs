//! How the schema of MySQL and MariaDB is brought up to date.

use std::time::{Duration, Instant};

use sqlx::{
    AssertSqlSafe, Connection, Executor, MySqlPool,
    migrate::{MigrateError, Migration, Migrator},
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
    let outcome = run_migrations(&mut connection, migrator).await;
    // The lock ends with the connection, however that ends.
    _ = connection.close().await;
    outcome
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
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = ? AND success = FALSE")
        .bind(version)
        .execute(connection)
        .await?;
    Ok(Some(error.number()))
}

/// Whether a migration's text has one statement at most; one with a semicolon in a text counts as more.
fn is_one_statement(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.map(|line| line.matches(';').count()).sum::<usize>() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

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
