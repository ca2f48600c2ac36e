//! What only SQLite needs: one writer connection, a read-only pool, WAL.

use std::{path::Path, str::FromStr, time::Duration};

use futures_util::FutureExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, SqlStr, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    super::{
        StoreOptions,
        failure::{Failure, sqlite_code},
        place::Place,
    },
    table::{OnConflict, Table},
};

/// Prepared statements kept on each connection: ten sizes of each table, and the queries.
const STATEMENTS_MAX: usize = 256;
/// How long a statement waits for another process (`import`, a backup) that has the file locked.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The WAL file is cut back to this after a checkpoint.
const WAL_BYTES_KEPT: &str = "67108864";

/// Counts the table that keeps the applied migrations.
pub(super) const COUNT_MIGRATIONS_TABLE: &str =
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";

/// The two pools of a file.
#[derive(Debug, Clone)]
pub(in crate::store) struct SqlitePools {
    /// One connection: SQLite has one writer, and waiting here is fairer than waiting in the file.
    pub(in crate::store) writer: SqlitePool,
    /// Read-only connections; WAL lets them read while the writer writes.
    pub(in crate::store) readers: SqlitePool,
    /// Where the file was when it was opened; `None` for a database in memory.
    pub(in crate::store) place: Option<Place>,
}

/// Opens the file, creating it and its folder. A commit is on disk when it returns (`synchronous=FULL`),
/// because the journal gives its segments up after it.
pub(super) async fn connect(url: &str, options: &StoreOptions) -> Result<SqlitePools, Failure> {
    let connect = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .disable_statement_logging();
    let file = connect.get_filename().to_owned();
    create_folder_of(&file).await.map_err(|error| told(&file, &error))?;
    let pool = SqlitePoolOptions::new()
        .acquire_timeout(Duration::from_millis(options.acquire_timeout_ms))
        .idle_timeout(None)
        .max_lifetime(None);
    let writer =
        pool.clone().max_connections(1).after_release(|connection, _| is_at_rest(connection).boxed());
    let writer = writer.connect_with(connect.clone()).await;
    let writer = writer.map_err(|error| told(&file, &error))?;
    let place = Place::of(&file).await.ok();
    let readers = pool
        .max_connections(options.connections_max.max(1))
        .connect_lazy_with(connect.read_only(true).create_if_missing(false));
    Ok(SqlitePools { writer, readers, place })
}

/// Whether a connection may be used again. SQLite rolls a transaction back by itself where the disk is full or
/// broken, and sqlx then counts it as open for ever: no other could be begun.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // A roll-back that was only asked for is done before this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Opens the file to read it, if it is there.
pub(super) async fn look(url: &str, options: &StoreOptions) -> Result<Option<SqlitePools>, Failure> {
    let connect = SqliteConnectOptions::from_str(url)?.busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
    let file = connect.get_filename().to_owned();
    if !tokio::fs::try_exists(&file).await.map_err(|error| told(&file, &sqlx::Error::Io(error)))? {
        return Ok(None);
    }
    let mut wal = file.clone().into_os_string();
    wal.push("-wal");
    // Where there is none nobody has the file open, and reading it need not make one.
    let is_quiet = !tokio::fs::try_exists(wal).await.unwrap_or(true);
    let connect = connect.create_if_missing(false).read_only(true).immutable(is_quiet);
    let pool = SqlitePoolOptions::new()
        .acquire_timeout(Duration::from_millis(options.acquire_timeout_ms))
        .max_connections(1)
        .connect_with(connect)
        .await
        .map_err(|error| told(&file, &error))?;
    Ok(Some(SqlitePools { writer: pool.clone(), readers: pool, place: None }))
}

/// The result code of a file that is no database.
const NOT_A_DATABASE: u32 = 26;
/// The result codes of what may not be opened or written: permission, read-only, cannot open.
const NOT_ALLOWED: [u32; 3] = [3, 8, 14];

/// Why a file cannot be opened, with the remedy for this kind of failure.
fn told(file: &Path, error: &sqlx::Error) -> Failure {
    let code = match error {
        sqlx::Error::Database(error) => sqlite_code(error.as_ref()),
        _ => None,
    };
    let remedy = match (code, error) {
        (Some(NOT_A_DATABASE), _) => "it is no SQLite database; name another file in database.url",
        (Some(code), _) if NOT_ALLOWED.contains(&code) => {
            "give the service's user the right to read and write it and its folder, or name another file"
        }
        (_, sqlx::Error::Io(_)) => "its folder cannot be used; give the service's user the right to it",
        _ => "check the file and its disk",
    };
    Failure::unavailable(format!("{}: {error}; {remedy}", file.display()))
}

async fn create_folder_of(file: &Path) -> Result<(), sqlx::Error> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => Ok(tokio::fs::create_dir_all(folder).await?),
        _ => Ok(()),
    }
}

/// Runs migrations; each is a transaction of its own.
pub(super) async fn migrate(pools: &SqlitePools, migrator: &mut Migrator) -> Result<(), Failure> {
    let mut connection = pools.writer.acquire().await?;
    migrator.run_direct(None, &mut *connection, false).await.map_err(Failure::of_migration)
}

/// The upsert of `rows` rows.
pub(super) fn upsert_text(table: &Table, rows: usize) -> SqlStr {
    let insert = table.insert_text(rows);
    let key = table.key().join(", ");
    let replaced = || {
        let payload = table.payload().iter().map(|c| format!("{c} = excluded.{c}"));
        payload.collect::<Vec<_>>().join(", ")
    };
    let action = match table.on_conflict {
        OnConflict::Keep => "NOTHING".to_owned(),
        OnConflict::Replace => format!("UPDATE SET {}", replaced()),
        OnConflict::ReplaceWhenHigher(guard) => {
            format!("UPDATE SET {} WHERE excluded.{guard} > {}.{guard}", replaced(), table.name)
        }
    };
    sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(format!("{insert} ON CONFLICT ({key}) DO {action}")))
}
