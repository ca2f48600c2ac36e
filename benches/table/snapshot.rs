//! What is committed at a moment, counted later: the count itself costs the run nothing.

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, Row};

/// A transaction that goes on seeing one moment.
pub struct Snapshot {
    connection: MySqlConnection,
}

impl Snapshot {
    /// A connection from which one can be taken without delay.
    pub async fn prepare(url: &str) -> Self {
        Self { connection: MySqlConnection::connect(url).await.unwrap() }
    }

    /// This is the moment.
    pub async fn take(&mut self) {
        self.connection.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT").await.unwrap();
    }

    /// Rows of a table at that moment.
    pub async fn count(mut self, table: &str) -> u64 {
        let sql = AssertSqlSafe(format!("SELECT CAST(COUNT(*) AS SIGNED) FROM {table}"));
        let row = self.connection.fetch_one(sqlx::query(sql)).await.unwrap();
        let _ = self.connection.close().await;
        row.get::<i64, _>(0).unsigned_abs()
    }
}
