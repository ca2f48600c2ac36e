//! Eyes on the database, past the service: the tables that every rig may read.

use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, MySqlPool, Row, SqlitePool,
    mysql::MySqlPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::eventually;

/// A database of either kind.
#[derive(Clone)]
pub enum Tables {
    Sqlite(SqlitePool),
    MySql(MySqlPool),
}

/// The text of each column; `None` is NULL.
pub type Line = Vec<Option<String>>;

impl Tables {
    pub async fn open(url: &str) -> Self {
        if url.starts_with("mysql") {
            return Self::MySql(MySqlPoolOptions::new().max_connections(2).connect(url).await.unwrap());
        }
        let options = SqliteConnectOptions::from_str(url).unwrap().busy_timeout(Duration::from_secs(10));
        Self::Sqlite(SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap())
    }

    /// `rows("call_id, event", "FROM call_events ORDER BY event")`
    pub async fn rows(&self, columns: &str, from: &str) -> Vec<Line> {
        let names: Vec<&str> = columns.split(',').map(str::trim).collect();
        let texts = names.iter().map(|name| format!("CAST({name} AS CHAR)")).collect::<Vec<_>>().join(", ");
        let sql = AssertSqlSafe(format!("SELECT {texts} {from}"));
        let places = 0..names.len();
        match self {
            Self::Sqlite(pool) => {
                let rows = sqlx::query(sql).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| places.clone().map(|i| row.get(i)).collect()).collect()
            }
            Self::MySql(pool) => {
                let rows = sqlx::query(sql).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| places.clone().map(|i| row.get(i)).collect()).collect()
            }
        }
    }

    /// The first column of every row; NULL becomes an empty text.
    pub async fn texts(&self, column: &str, from: &str) -> Vec<String> {
        let rows = self.rows(column, from).await;
        rows.into_iter().map(|mut row| row.remove(0).unwrap_or_default()).collect()
    }

    /// `count("call_events WHERE call_id = 'c1'")`
    pub async fn count(&self, from: &str) -> u64 {
        self.texts("COUNT(*)", &format!("FROM {from}")).await.remove(0).parse().unwrap()
    }

    /// Waits until so many rows are there.
    pub async fn wait_for(&self, count: u64, from: &str) {
        eventually(&format!("{count} rows in {from}"), async || {
            (self.count(from).await == count).then_some(())
        })
        .await;
    }

    /// Waits until a column of the one row is `value`.
    pub async fn wait_for_text(&self, column: &str, from: &str, value: &str) {
        eventually(&format!("{column} is {value} {from}"), async || {
            (self.texts(column, from).await == [value]).then_some(())
        })
        .await;
    }

    /// Changes rows behind the service's back.
    pub async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            Self::MySql(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
        }
    }

    /// Every byte of a column of blobs.
    pub async fn blobs(&self, column: &str, table: &str) -> Vec<Vec<u8>> {
        let sql = AssertSqlSafe(format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL"));
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
            Self::MySql(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        }
    }
}
