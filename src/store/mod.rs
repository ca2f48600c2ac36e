//! The database: SQLite, MySQL or MariaDB behind the ports of `stores`. The only place with SQL.
//!
//! Knows rows and the ports; must not know HTTP, vendors, the journal or how actors work. `dialect` has what
//! differs between the databases, the other modules have one noun each, with texts that every database
//! takes. `contract_tests` runs the same cases on each of them.

mod batch;
mod bookings;
mod callbacks;
mod calls;
mod companies;
mod customers;
mod damaged;
mod dialect;
mod failure;
mod figures;
mod lease;
mod place;
mod set_aside;
mod text;
mod timeline;
mod together;

#[cfg(test)]
mod contract_tests;

use std::{collections::BTreeSet, time::Duration};

use askpro_actors::ports::stores::StoreError;
use askpro_domain::{call::CallState, ids::CallId};
use sqlx::SqlSafeStr;

pub use place::Displaced;

use calls::{Bookings, CallOf};
use dialect::{Pools, Record, Value, Work};
use failure::Failure;
use together::Together;

/// Rows that a list gives at most, whatever is asked.
const PAGE_ROWS_MAX: u32 = 1000;

/// How a database is used. Every wait is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// Connections at most; for SQLite, of readers beside its one writer.
    pub connections_max: u32,
    /// Longest wait for a free connection, in milliseconds.
    pub acquire_timeout_ms: u64,
    /// Longest run of a query or a transaction with its retries, in milliseconds; migrations have no limit.
    pub operation_timeout_ms: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { connections_max: 10, acquire_timeout_ms: 5_000, operation_timeout_ms: 30_000 }
    }
}

/// A database with all its connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pools: Pools,
    kind: &'static str,
    operation_timeout: Duration,
    states: Together<CallId, Option<CallState>>,
    quarantined: Together<CallId, bool>,
    bookings: Together<CallOf, Bookings>,
    promised: Together<CallOf, bool>,
}

/// A migration and whether this database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationLine {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Whether it was applied.
    pub applied: bool,
}

/// Where a database's schema stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Nobody can own it yet: there is no table for the lease.
    New,
    /// Migrations are missing, and its owner may be at work.
    Behind,
    /// Nothing is missing.
    UpToDate,
}

impl Database {
    /// Connects to `sqlite://path` (created with its folder) or `mysql://user:password@host:port/database`,
    /// for MySQL and MariaDB. Errors: [`StoreError::Refused`] when the URL is wrong,
    /// [`StoreError::Unavailable`] when nobody answers there.
    pub async fn connect(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let pools = Pools::connect(url, &options).await?;
        let kind = pools.kind().await?;
        Ok(Self::over(pools, kind, &options))
    }

    /// As [`Database::connect`], only to look: nothing is made or changed, not even a file. `None` when SQLite's
    /// file is not there yet.
    pub async fn look(url: &str, options: StoreOptions) -> Result<Option<Self>, StoreError> {
        let Some(pools) = Pools::look(url, &options).await? else { return Ok(None) };
        let kind = pools.kind().await?;
        Ok(Some(Self::over(pools, kind, &options)))
    }

    fn over(pools: Pools, kind: &'static str, options: &StoreOptions) -> Self {
        let patience = Duration::from_millis(options.acquire_timeout_ms);
        let (states, quarantined) = (Together::new(patience), Together::new(patience));
        let (bookings, promised) = (Together::new(patience), Together::new(patience));
        let operation_timeout = Duration::from_millis(options.operation_timeout_ms);
        Self { pools, kind, operation_timeout, states, quarantined, bookings, promised }
    }

    /// The migrations of a SQLite file that is not there yet.
    #[must_use]
    pub fn migrations_of_a_new_file() -> Vec<MigrationLine> {
        lines_of(&dialect::sqlite_migrator(), &BTreeSet::new())
    }

    /// `sqlite`, `mysql` or `mariadb`, as the server calls itself.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Applies all migrations that are missing. They may write whole tables anew, so nobody else should write
    /// meanwhile: only the owner of the lease applies them, see [`Database::schema`]. Errors:
    /// [`StoreError::Refused`] when the schema is not what this release knows.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        Ok(self.pools.migrate().await?)
    }

    /// All migrations of this release, by number, and whether each was applied. Changes nothing.
    pub async fn migration_status(&self) -> Result<Vec<MigrationLine>, StoreError> {
        let tables: Vec<(i64,)> = self.fetch(self.pools.count_migrations_table(), &[]).await?;
        let applied: Vec<(i64,)> = if tables.iter().any(|(count,)| *count > 0) {
            self.fetch("SELECT version FROM _sqlx_migrations WHERE success = TRUE ORDER BY version", &[])
                .await?
        } else {
            Vec::new()
        };
        let applied: BTreeSet<i64> = applied.into_iter().map(|(version,)| version).collect();
        Ok(lines_of(&self.pools.migrator(), &applied))
    }

    /// Where the schema stands. Changes nothing.
    pub async fn schema(&self) -> Result<Schema, StoreError> {
        let lines = self.migration_status().await?;
        let has_lease = lines.iter().any(|line| line.applied && line.version == lease::MIGRATION);
        Ok(match lines.iter().all(|line| line.applied) {
            true => Schema::UpToDate,
            false if has_lease => Schema::Behind,
            false => Schema::New,
        })
    }

    /// What became of SQLite's file while it is open; `None` when it is where it was opened, and for servers.
    pub async fn displaced(&self) -> Option<Displaced> {
        match &self.pools {
            Pools::Sqlite(pools) => pools.place.as_ref()?.displaced().await,
            Pools::MySql(_) => None,
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.fetch::<(i64,)>("SELECT 1", &[]).await.map(|_| ())
    }

    /// Closes all connections when what runs on them has ended; later use gives
    /// [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.pools.close().await;
    }

    async fn fetch<T: Record>(
        &self,
        sql: impl SqlSafeStr + Send,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, StoreError> {
        self.within(self.pools.fetch(sql, values)).await
    }

    async fn transact<W: Work>(&self, work: &W) -> Result<W::Output, StoreError> {
        self.within(self.pools.transact(work)).await
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, StoreError> {
        match tokio::time::timeout(self.operation_timeout, work).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(StoreError::Unavailable(format!(
                "no answer within {} ms",
                self.operation_timeout.as_millis()
            ))),
        }
    }
}

fn lines_of(migrator: &sqlx::migrate::Migrator, applied: &BTreeSet<i64>) -> Vec<MigrationLine> {
    let line = |m: &sqlx::migrate::Migration| MigrationLine {
        version: m.version,
        name: m.description.to_string(),
        applied: applied.contains(&m.version),
    };
    migrator.iter().map(line).collect()
}

/// A JSON document of a row. Errors: [`StoreError::Corrupt`], which names the row but not its content.
fn decode<T: serde::de::DeserializeOwned>(what: &str, id: &str, json: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|error| {
        // The error's own text may quote the document.
        let place = (error.line(), error.column());
        StoreError::Corrupt(format!(
            "{what} {id}: {:?} at line {}, column {}",
            error.classify(),
            place.0,
            place.1
        ))
    })
}

/// A page's length within its bounds, as statements take it.
fn page(limit: u32) -> Value<'static> {
    Value::from(i64::from(limit.clamp(1, PAGE_ROWS_MAX)))
}

/// The same, as rows are counted.
fn page_rows(limit: u32) -> usize {
    usize::try_from(limit.clamp(1, PAGE_ROWS_MAX)).unwrap_or(usize::MAX)
}
