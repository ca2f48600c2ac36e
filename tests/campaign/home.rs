//! Where a course keeps its rows: a schema of its own in a server, or a file.

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

/// The databases that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    MariaDb,
    MySql,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::MariaDb, Self::MySql, Self::Sqlite];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    /// Names the tests' server of this kind.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::MariaDb => "ASKPRO_TEST_MARIADB_URL",
            Self::MySql => "ASKPRO_TEST_MYSQL_URL",
        }
    }

    /// The tests' server, where there is one.
    pub fn server(self) -> Option<String> {
        std::env::var(self.variable()).ok()
    }
}

/// A schema that is dropped at the end, also of a course that failed.
pub struct Schema {
    server: String,
    name: String,
    /// Where it is, as the service is told.
    pub url: String,
}

impl Schema {
    /// A new one in this server.
    pub async fn make(server: &str) -> Self {
        let name = format!("askpro_campaign_{:016x}", rand::random::<u64>());
        let (host, _) = server.rsplit_once('/').unwrap();
        let url = format!("{host}/{name}");
        execute(server, &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).await;
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
