//! (b): the naive store. Checks the signature, puts the raw body into a table and answers after the commit. Whoever
//! waits is committed together: one statement of as many rows as wait is one transaction.

use std::sync::Arc;

use actix_web::web::Bytes;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::server::{Keep, Server};
use crate::support::{days::now_ms, schema::Schema};

/// Bodies that may wait.
const QUEUE_MAX: usize = 4_096;
/// Rows of one statement.
const ROWS_MAX: usize = 1_024;

/// See the module.
pub struct Naive {
    server: Server,
    /// Where its table is.
    pub schema: Schema,
}

/// Its table.
pub const TABLE: &str = "events";

#[derive(Clone)]
struct Store {
    queue: mpsc::Sender<Waiting>,
}

struct Waiting {
    body: Bytes,
    committed: oneshot::Sender<()>,
}

impl Keep for Store {
    async fn keep(&self, body: Bytes) -> bool {
        let (committed, until) = oneshot::channel();
        self.queue.send(Waiting { body, committed }).await.is_ok() && until.await.is_ok()
    }
}

impl Naive {
    /// In a new schema of this server, with so many connections that commit side by side.
    pub async fn start(server: &str, connections: usize) -> Self {
        let schema = Schema::make_in(server).await;
        let mut first = MySqlConnection::connect(&schema.url).await.unwrap();
        let columns = "id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, received_at BIGINT NOT NULL, body LONGBLOB NOT NULL";
        let sql = AssertSqlSafe(format!("CREATE TABLE {TABLE} ({columns}) ENGINE = InnoDB"));
        first.execute(sql).await.unwrap();
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..connections {
            let connection = MySqlConnection::connect(&schema.url).await.unwrap();
            tokio::spawn(commit(connection, waiting.clone()));
        }
        Self { server: Server::start(Store { queue }), schema }
    }

    pub fn address(&self) -> &str {
        &self.server.address
    }
}

async fn commit(mut connection: MySqlConnection, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let mut batch = Vec::with_capacity(ROWS_MAX);
    loop {
        if waiting.lock().await.recv_many(&mut batch, ROWS_MAX).await == 0 {
            return;
        }
        let values = vec!["(?, ?)"; batch.len()].join(", ");
        let sql = AssertSqlSafe(format!("INSERT INTO {TABLE} (received_at, body) VALUES {values}"));
        let mut insert = sqlx::query(sql);
        for waiting in &batch {
            insert = insert.bind(now_ms()).bind(&*waiting.body);
        }
        insert.execute(&mut connection).await.unwrap();
        for waiting in batch.drain(..) {
            let _ = waiting.committed.send(());
        }
    }
}
