//! What only MySQL and MariaDB need. Every text here is taken by both.

mod migrations;

use std::{io::ErrorKind, str::FromStr, time::Duration};

use askpro_actors::ports::stores::StoreError;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlPool, SqlStr,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlPoolOptions},
};

pub(super) use migrations::migrate;

use super::{
    super::{StoreOptions, failure::Failure},
    table::{OnConflict, Table},
};

/// Prepared statements kept on each connection: ten sizes of each table, and the queries.
const STATEMENTS_MAX: usize = 256;
/// Seconds that a statement waits for a row lock before it is tried again.
const LOCK_WAIT_S: u32 = 5;
/// How long a session may say nothing. A process that is frozen in a transaction holds its locks, that of the lease
/// among them; the server ends its session after this time, within what a standby's question may take.
const SILENT_MAX_S: u32 = 15;

/// Wrong user or password, not from this host, not by this method.
const ACCESS_DENIED: [u16; 3] = [1045, 1130, 1698];
/// The user may not use the database.
const DATABASE_DENIED: u16 = 1044;
/// There is no such database.
const DATABASE_UNKNOWN: u16 = 1049;
/// As many connections as the server takes.
const TOO_MANY_CONNECTIONS: u16 = 1040;

/// Smallest `max_allowed_packet` of the server: a statement with the largest row must fit.
const PACKET_BYTES_MIN: i64 = 16 << 20;

/// Counts the table that keeps the applied migrations.
pub(super) const COUNT_MIGRATIONS_TABLE: &str = "SELECT COUNT(*) FROM information_schema.tables \
     WHERE table_schema = DATABASE() AND table_name = '_sqlx_migrations'";

/// Opens the pool. `ssl-mode` is as in the URL, PREFERRED without one.
/// Errors: a server whose packets are too small for a batch is refused.
pub(super) async fn connect(url: &str, options: &StoreOptions) -> Result<MySqlPool, Failure> {
    let connect = MySqlConnectOptions::from_str(url)?
        .statement_cache_capacity(STATEMENTS_MAX)
        .disable_statement_logging();
    let within = Duration::from_millis(options.acquire_timeout_ms);
    try_once(&connect, within).await?;
    let pool = MySqlPoolOptions::new()
        .max_connections(options.connections_max.max(1))
        .acquire_timeout(within)
        .test_before_acquire(false)
        .before_acquire(|connection, used| Box::pin(test_when_idle(connection, used.idle_for)))
        .after_connect(|connection, _| Box::pin(prepare_session(connection)))
        .connect_with(connect)
        .await?;
    let packet: i64 =
        sqlx::query_scalar("SELECT CAST(@@max_allowed_packet AS SIGNED)").fetch_one(&pool).await?;
    if packet < PACKET_BYTES_MIN {
        return Err(Failure::Final(StoreError::Refused(format!(
            "the server's max_allowed_packet is {packet}; set it to {PACKET_BYTES_MIN} or more"
        ))));
    }
    Ok(pool)
}

/// A connection that was used a moment ago is there; asking it costs as much as a small question.
const TESTED_WHEN_IDLE_FOR: Duration = Duration::from_millis(500);

/// Whether a connection may be used again.
async fn test_when_idle(connection: &mut MySqlConnection, idle_for: Duration) -> sqlx::Result<bool> {
    // One that hung up is no fault of anybody's: another is opened.
    Ok(idle_for < TESTED_WHEN_IDLE_FOR || connection.ping().await.is_ok())
}

/// One connection before there is a pool: a pool tries again and again, and then says only that time is over.
async fn try_once(connect: &MySqlConnectOptions, within: Duration) -> Result<(), Failure> {
    let told = |reason: String| Failure::unavailable(reason);
    match tokio::time::timeout(within, connect.connect()).await {
        Ok(Ok(connection)) => Ok(connection.close().await?),
        Ok(Err(error)) => Err(told(refused(connect, &error))),
        Err(_) => Err(told(format!(
            "{}:{} does not answer within {} ms; correct the address, or open the firewall",
            connect.get_host(),
            connect.get_port(),
            within.as_millis()
        ))),
    }
}

/// Why there is no connection, with the remedy for this cause. Servers quote nothing secret in these errors, but
/// their texts are of no help either.
fn refused(connect: &MySqlConnectOptions, error: &sqlx::Error) -> String {
    let (host, port, user) = (connect.get_host(), connect.get_port(), connect.get_username());
    let database = connect.get_database().unwrap_or_default();
    let tls = "give ssl-mode (and ssl-ca) in the URL as the server's certificate wants it";
    match error {
        sqlx::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => {
                format!("nobody listens at {host}:{port}; start the server, or correct host and port")
            }
            ErrorKind::InvalidData => format!("{host}:{port}: TLS failed ({error}); {tls}"),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
                format!(
                    "{host}:{port} hangs up; is it a MySQL or MariaDB server, and does it take this machine?"
                )
            }
            _ if error.to_string().contains("lookup") => {
                format!("the host {host} is not known ({error}); correct it, or the name server")
            }
            _ => format!("{host}:{port} cannot be reached ({error}); check the network and the firewall"),
        },
        sqlx::Error::Tls(error) => format!("{host}:{port}: TLS failed ({error}); {tls}"),
        sqlx::Error::Database(error) => match error.try_downcast_ref::<MySqlDatabaseError>() {
            Some(mysql) if ACCESS_DENIED.contains(&mysql.number()) => format!(
                "{host}:{port} refuses the user {user}; correct user and password (what a URL cannot hold is \
                 percent-encoded), or create the user for this machine"
            ),
            Some(mysql) if mysql.number() == DATABASE_DENIED => format!(
                "{user} may not use the database {database}; GRANT ALL ON {database}.* TO that user, or CREATE \
                 DATABASE {database} if it is not there"
            ),
            Some(mysql) if mysql.number() == DATABASE_UNKNOWN => {
                format!(
                    "the database {database} does not exist; CREATE DATABASE {database} CHARACTER SET utf8mb4"
                )
            }
            Some(mysql) if mysql.number() == TOO_MANY_CONNECTIONS => {
                format!(
                    "{host}:{port} has no connection left; raise its max_connections, or lower database.pool_max"
                )
            }
            _ => format!("{host}:{port} refuses: {error}"),
        },
        error => format!("{host}:{port}: {error}; is it a MySQL or MariaDB server?"),
    }
}

/// What the server calls itself.
pub(super) async fn kind(pool: &MySqlPool) -> Result<&'static str, sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(pool).await?;
    Ok(if version.contains("MariaDB") { "mariadb" } else { "mysql" })
}

/// Strict whatever the server's default is, so that nothing is cut or zeroed in silence.
async fn prepare_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    let modes = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO";
    let settings = format!(
        "SET SESSION sql_mode = '{modes}', SESSION innodb_lock_wait_timeout = {LOCK_WAIT_S}, SESSION wait_timeout = {SILENT_MAX_S}"
    );
    connection.execute(AssertSqlSafe(settings)).await?;
    Ok(())
}

/// The upsert of `rows` rows. `VALUES(c)` is the one form that MySQL and MariaDB both take; assignments
/// run from left to right, so the guard column comes last.
pub(super) fn upsert_text(table: &Table, rows: usize) -> SqlStr {
    let insert = table.insert_text(rows);
    let first_key = table.key().first().copied().unwrap_or_default();
    let assignments = match table.on_conflict {
        OnConflict::Keep => format!("{first_key} = {first_key}"),
        OnConflict::Replace => replace(table, first_key),
        OnConflict::ReplaceWhenHigher(guard) => {
            let others = table.payload().iter().filter(|c| **c != guard);
            let guarded = others
                .chain([&guard])
                .map(|c| format!("{c} = IF(VALUES({guard}) > {guard}, VALUES({c}), {c})"));
            guarded.collect::<Vec<_>>().join(", ")
        }
    };
    sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(format!("{insert} ON DUPLICATE KEY UPDATE {assignments}")))
}

/// MySQL also comes here when another unique key names the row: giving NULL to the NOT NULL key column
/// makes it refuse rather than overwrite the row of another company.
fn replace(table: &Table, first_key: &str) -> String {
    let own = format!("{first_key} = IF({first_key} = VALUES({first_key}), {first_key}, NULL)");
    let rest = table.payload().iter().map(|c| format!("{c} = VALUES({c})"));
    std::iter::once(own).chain(rest).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_column_is_assigned_last() {
        let table = Table {
            name: "t",
            columns: &["id", "version", "state"],
            key_columns: 1,
            on_conflict: OnConflict::ReplaceWhenHigher("version"),
        };
        assert_eq!(
            upsert_text(&table, 2).as_str(),
            "INSERT INTO t (id, version, state) VALUES (?, ?, ?), (?, ?, ?) ON DUPLICATE KEY UPDATE \
             state = IF(VALUES(version) > version, VALUES(state), state), \
             version = IF(VALUES(version) > version, VALUES(version), version)"
        );
    }
}
