//! What only SQLite needs: one writer connection, a read-only pool, WAL.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, SqlStr, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    super::{StoreOptions, failure::Failure, place::Place},
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
pub(super) async fn connect(url: &str, options: &StoreOptions) -> Result<SqlitePools, sqlx::Error> {
    let connect = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .disable_statement_logging();
    create_folder_of(connect.get_filename()).await?;
    let pool = SqlitePoolOptions::new()
        .acquire_timeout(Duration::from_millis(options.acquire_timeout_ms))
        .idle_timeout(None)
        .max_lifetime(None);
    let writer = pool.clone().max_connections(1).connect_with(connect.clone()).await?;
    let place = Place::of(connect.get_filename()).await.ok();
    let readers = pool
        .max_connections(options.connections_max.max(1))
        .connect_lazy_with(connect.read_only(true).create_if_missing(false));
    Ok(SqlitePools { writer, readers, place })
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
