//! What only SQLite needs: one writer connection, a read-only pool, WAL.

use std::{io, path::Path, str::FromStr, time::Duration};

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
/// Rights of a new folder and of a new file.
const OWN_FOLDER: u32 = 0o700;
const OWN_FILE: u32 = 0o600;
/// The WAL file is cut back to this after a checkpoint.
const WAL_BYTES_KEPT: &str = "67108864";
/// Pages that the connection for writing keeps: 64 MiB (SQLite takes a negative number as KiB). Ids of calls are random,
/// so each row goes to another page of every index.
const WRITER_CACHE: &str = "-65536";

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
    if !is_in_memory(url) {
        create(&file).await.map_err(|error| told(&file, &error.into()))?;
    }
    let pool = SqlitePoolOptions::new()
        .acquire_timeout(Duration::from_millis(options.acquire_timeout_ms))
        // There is nobody who could have hung up.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None);
    let writer =
        pool.clone().max_connections(1).after_release(|connection, _| is_at_rest(connection).boxed());
    let writer = writer.connect_with(connect.clone().pragma("cache_size", WRITER_CACHE)).await;
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

/// Makes the file and its folder where they are missing: calls are in them, for nobody but the service's user. The
/// files that SQLite puts beside it get the same rights. What is there already keeps the rights that it has.
async fn create(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::DirBuilder::new().recursive(true).mode(OWN_FOLDER).create(folder).await?;
    }
    let created = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(OWN_FILE).open(file).await;
    match created {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn nobody_but_its_user_may_read_a_new_database() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data");
        let url = format!("sqlite://{}?mode=rwc", folder.join("askpro.db").display());
        let pools = connect(&url, &StoreOptions::default()).await.unwrap();
        sqlx::query("CREATE TABLE t (x)").execute(&pools.writer).await.unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 3, "the file, its WAL and its index: {files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }

    #[tokio::test]
    async fn the_rights_that_an_operator_gave_stay() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("askpro.db");
        std::fs::File::create(&file).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        connect(&format!("sqlite://{}", file.display()), &StoreOptions::default()).await.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[tokio::test]
    async fn a_database_in_memory_leaves_no_file() {
        let before: Vec<_> = std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path()).collect();
        connect("sqlite::memory:", &StoreOptions::default()).await.unwrap();
        let after: Vec<_> = std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(before, after);
    }
}
