//! The two dialects behind one face: pools, transactions with retries, and multi-row upserts.
//!
//! Knows connections and statement texts, but no table: tables are described to it. MySQL and MariaDB share
//! one dialect. Queries run at run time; a text that both dialects take is written once, by its caller.

mod mysql;
mod sqlite;
mod table;
mod value;

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, FromRow, MySql, MySqlPool, SqlSafeStr, SqlStr, Sqlite, migrate::Migrator, mysql::MySqlRow,
    sqlite::SqliteRow,
};

pub(super) use table::{OnConflict, ROW_BYTES_MAX, Table, placeholders};
pub(super) use value::{Row, Value};

use super::{StoreOptions, failure::Failure};
use askpro_actors::{metrics::WRITER_RETRIES, ports::stores::StoreError};
use sqlite::SqlitePools;
use table::plan_chunks;
use value::arguments;

/// How often a transaction that lost a deadlock or waited too long for a lock is run at most.
const ATTEMPTS_MAX: u32 = 8;
/// Longest back-off before the second attempt; doubles with each.
const BACKOFF_MS: u64 = 10;

/// A row that both dialects can read.
pub(super) trait Record:
    for<'r> FromRow<'r, MySqlRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}

impl<T> Record for T where T: for<'r> FromRow<'r, MySqlRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

/// Whatever rows can be read from: a transaction, or the connections outside of any.
pub(super) trait Rows: Send {
    /// Reads rows.
    fn fetch<T: Record>(
        &mut self,
        sql: SqlStr,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<T>, Failure>> + Send;
}

impl Rows for Transaction {
    async fn fetch<T: Record>(&mut self, sql: SqlStr, values: &[Value<'_>]) -> Result<Vec<T>, Failure> {
        Transaction::fetch(self, sql, values).await
    }
}

impl Rows for &Pools {
    async fn fetch<T: Record>(&mut self, sql: SqlStr, values: &[Value<'_>]) -> Result<Vec<T>, Failure> {
        Pools::fetch(self, sql, values).await
    }
}

/// Connections to one database.
#[derive(Debug, Clone)]
pub(super) enum Pools {
    /// MySQL or MariaDB.
    MySql(MySqlPool),
    /// A SQLite file.
    Sqlite(SqlitePools),
}

/// Statements of one transaction, which may have to run again: it must not remember anything of a run.
#[async_trait::async_trait]
pub(super) trait Work: Send + Sync {
    /// What it gives.
    type Output: Send;
    /// Runs the statements. Errors: nothing is kept.
    async fn run(&self, transaction: &mut Transaction) -> Result<Self::Output, Failure>;
}

/// A transaction that may write.
pub(super) enum Transaction {
    /// MySQL or MariaDB.
    MySql(sqlx::Transaction<'static, MySql>),
    /// SQLite, begun with the write lock.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// How a row is locked until the transaction ends. SQLite's writer has the whole file anyway.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lock {
    /// Nobody may change it.
    Shared,
    /// Nobody else may lock it.
    Exclusive,
}

impl Pools {
    /// Connects. Errors: a URL of another scheme is refused.
    pub(super) async fn connect(url: &str, options: &StoreOptions) -> Result<Self, Failure> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("mysql" | "mariadb") => Ok(Self::MySql(mysql::connect(url, options).await?)),
            Some("sqlite") => Ok(Self::Sqlite(sqlite::connect(url, options).await?)),
            _ => Err(Failure::Final(StoreError::Refused(
                "the URL begins neither with sqlite:// nor with mysql://".to_owned(),
            ))),
        }
    }

    /// As [`Pools::connect`], only to look. `None`: there is no such file.
    pub(super) async fn look(url: &str, options: &StoreOptions) -> Result<Option<Self>, Failure> {
        match url.split_once(':') {
            Some(("sqlite", _)) => Ok(sqlite::look(url, options).await?.map(Self::Sqlite)),
            _ => Self::connect(url, options).await.map(Some),
        }
    }

    /// `sqlite`, `mysql` or `mariadb`.
    pub(super) async fn kind(&self) -> Result<&'static str, Failure> {
        match self {
            Self::MySql(pool) => Ok(mysql::kind(pool).await?),
            Self::Sqlite(_) => Ok("sqlite"),
        }
    }

    /// The migrations of this dialect. Those that a newer release has applied are no error: old code
    /// runs on the new schema.
    pub(super) fn migrator(&self) -> Migrator {
        let mut migrator = match self {
            Self::MySql(_) => sqlx::migrate!("migrations/mysql"),
            Self::Sqlite(_) => sqlite_migrator(),
        };
        migrator.set_ignore_missing(true);
        migrator
    }

    /// Applies what is missing.
    pub(super) async fn migrate(&self) -> Result<(), Failure> {
        match self {
            Self::MySql(pool) => mysql::migrate(pool, &mut self.migrator()).await,
            Self::Sqlite(pools) => sqlite::migrate(pools, &mut self.migrator()).await,
        }
    }

    /// Text that counts the table of applied migrations.
    pub(super) const fn count_migrations_table(&self) -> &'static str {
        match self {
            Self::MySql(_) => mysql::COUNT_MIGRATIONS_TABLE,
            Self::Sqlite(_) => sqlite::COUNT_MIGRATIONS_TABLE,
        }
    }

    /// Reads rows outside of any transaction.
    pub(super) async fn fetch<T: Record>(
        &self,
        sql: impl SqlSafeStr + Send,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, Failure> {
        let sql = sql.into_sql_str();
        Ok(match self {
            Self::MySql(pool) => {
                sqlx::query_as_with(sql, arguments::<MySql>(values)?).fetch_all(pool).await?
            }
            Self::Sqlite(pools) => {
                sqlx::query_as_with(sql, arguments::<Sqlite>(values)?).fetch_all(&pools.readers).await?
            }
        })
    }

    /// Runs work in a transaction until it is neither the victim of a deadlock nor timed out waiting for a
    /// lock, [`ATTEMPTS_MAX`] times at most.
    pub(super) async fn transact<W: Work>(&self, work: &W) -> Result<W::Output, Failure> {
        let mut attempt = 1;
        loop {
            match self.attempt(work).await {
                Err(failure) if failure.may_pass() && attempt < ATTEMPTS_MAX => {
                    tracing::debug!(attempt, error = %failure, "a transaction is run again");
                    metrics::counter!(WRITER_RETRIES.name).increment(1);
                    tokio::time::sleep(backoff(attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt<W: Work>(&self, work: &W) -> Result<W::Output, Failure> {
        let mut transaction = self.begin().await?;
        match work.run(&mut transaction).await {
            Ok(output) => {
                transaction.commit().await?;
                Ok(output)
            }
            Err(failure) => {
                transaction.roll_back().await;
                Err(failure)
            }
        }
    }

    async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Self::MySql(pool) => Transaction::MySql(pool.begin().await?),
            Self::Sqlite(pools) => Transaction::Sqlite(pools.writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Closes all connections when what runs on them has ended.
    pub(super) async fn close(&self) {
        match self {
            Self::MySql(pool) => pool.close().await,
            Self::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
        }
    }
}

/// The migrations of SQLite.
pub(super) fn sqlite_migrator() -> Migrator {
    sqlx::migrate!("migrations/sqlite")
}

/// Half of the doubled time fixed, half by chance, so that two victims do not meet again.
fn backoff(attempt: u32) -> Duration {
    let longest = BACKOFF_MS << attempt.min(ATTEMPTS_MAX);
    Duration::from_millis(longest / 2 + rand::random_range(0..=longest / 2))
}

impl Transaction {
    /// Runs a statement. Gives how many rows it matched (MySQL counts rows found, not rows changed).
    pub(super) async fn execute<'v, 'a: 'v>(
        &mut self,
        sql: impl SqlSafeStr + Send,
        values: impl IntoIterator<Item = &'v Value<'a>> + Send,
    ) -> Result<u64, Failure> {
        let sql = sql.into_sql_str();
        Ok(match self {
            Self::MySql(tx) => {
                let bound = arguments::<MySql>(values)?;
                sqlx::query_with(sql, bound).execute(&mut **tx).await?.rows_affected()
            }
            Self::Sqlite(tx) => {
                let bound = arguments::<Sqlite>(values)?;
                sqlx::query_with(sql, bound).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Reads rows as this transaction sees them.
    pub(super) async fn fetch<T: Record>(
        &mut self,
        sql: impl SqlSafeStr + Send,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, Failure> {
        let sql = sql.into_sql_str();
        Ok(match self {
            Self::MySql(tx) => {
                sqlx::query_as_with(sql, arguments::<MySql>(values)?).fetch_all(&mut **tx).await?
            }
            Self::Sqlite(tx) => {
                sqlx::query_as_with(sql, arguments::<Sqlite>(values)?).fetch_all(&mut **tx).await?
            }
        })
    }

    /// Reads rows and locks them. `LOCK IN SHARE MODE` rather than `FOR SHARE`, which MariaDB lacks.
    pub(super) async fn fetch_locked<T: Record>(
        &mut self,
        sql: &'static str,
        lock: Lock,
    ) -> Result<Vec<T>, Failure> {
        let clause = match (&self, lock) {
            (Self::Sqlite(_), _) => "",
            (Self::MySql(_), Lock::Shared) => " LOCK IN SHARE MODE",
            (Self::MySql(_), Lock::Exclusive) => " FOR UPDATE",
        };
        self.fetch(AssertSqlSafe(format!("{sql}{clause}")), &[]).await
    }

    /// Inserts rows, or updates those that are there, in as few statements as the limits allow. The rows
    /// come sorted by their key and without doubles.
    pub(super) async fn upsert(&mut self, table: &Table, rows: &[Row<'_>]) -> Result<(), Failure> {
        let sizes: Vec<usize> = rows.iter().map(|row| row.iter().map(Value::bytes).sum()).collect();
        let mut rest = rows;
        for count in plan_chunks(&sizes) {
            let Some((chunk, after)) = rest.split_at_checked(count) else { break };
            let sql = match self {
                Self::MySql(_) => mysql::upsert_text(table, count),
                Self::Sqlite(_) => sqlite::upsert_text(table, count),
            };
            self.execute(sql, chunk.iter().flatten()).await?;
            rest = after;
        }
        Ok(())
    }

    /// Deletes the rows whose `column` is one of the values.
    pub(super) async fn delete(
        &mut self,
        table: &'static str,
        column: &'static str,
        values: &[Value<'_>],
    ) -> Result<(), Failure> {
        let sizes: Vec<usize> = values.iter().map(Value::bytes).collect();
        let mut rest = values;
        for count in plan_chunks(&sizes) {
            let Some((chunk, after)) = rest.split_at_checked(count) else { break };
            let sql = format!("DELETE FROM {table} WHERE {column} IN ({})", placeholders(count));
            self.execute(AssertSqlSafe(sql), chunk).await?;
            rest = after;
        }
        Ok(())
    }

    async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::MySql(tx) => tx.commit().await,
            Self::Sqlite(tx) => tx.commit().await,
        }
    }

    /// A connection that cannot roll back is broken, and the server forgets its transaction with it.
    async fn roll_back(self) {
        let outcome = match self {
            Self::MySql(tx) => tx.rollback().await,
            Self::Sqlite(tx) => tx.rollback().await,
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "a transaction could not be rolled back");
        }
    }
}
