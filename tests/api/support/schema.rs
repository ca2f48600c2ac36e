//! A schema of a test's own in a real server.

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

/// Dropped at the end, also of a test that failed.
pub struct Schema {
    server: String,
    name: String,
    /// Where it is, as the service is told.
    pub url: String,
}

impl Schema {
    /// In the server that the variable names; nothing when it is unset and databases are not required.
    pub async fn make(variable: &str) -> Option<Self> {
        let Ok(server) = std::env::var(variable) else {
            let required = std::env::var("ASKPRO_TEST_REQUIRE_DATABASES").is_ok_and(|value| value == "1");
            assert!(!required, "{variable} is not set");
            return None;
        };
        Some(Self::make_in(&server).await)
    }

    /// In the server at this URL.
    pub async fn make_in(server: &str) -> Self {
        let name = format!("askpro_test_{:016x}", rand::random::<u64>());
        let (host, _) = server.rsplit_once('/').unwrap();
        let url = format!("{host}/{name}");
        execute(server, &format!("CREATE DATABASE {name}")).await;
        Self { server: server.to_owned(), name, url }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, drop) = (self.server.clone(), format!("DROP DATABASE {}", self.name));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&server, &drop));
        });
        let _ = thread.join();
    }
}

async fn execute(server: &str, sql: &str) {
    let mut connection = MySqlConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    let _ = connection.close().await;
}
