//! The same cases on every database.
//!
//! SQLite always runs. MariaDB and MySQL run when `ASKPRO_TEST_MARIADB_URL` and `ASKPRO_TEST_MYSQL_URL`
//! (`mysql://user:password@host:port`) name a server on which databases may be created; with
//! `ASKPRO_TEST_REQUIRE_DATABASES=1` a missing server is a failure. Each case has a database of its own.

mod batches;
mod build;
mod calendar_events;
mod callbacks;
mod companies;
mod customers;
mod lease;
mod locks;
mod migrations;
mod reads;
mod schema;
mod unreadable;

use sqlx::{AssertSqlSafe, ConnectOptions, Executor, mysql::MySqlConnectOptions};

use super::{
    Database, StoreOptions,
    dialect::{Record, Transaction, Work},
    failure::Failure,
};

/// Where a case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Sqlite,
    MariaDb,
    MySql,
}

/// A fresh database.
#[derive(Clone)]
struct Scene {
    database: Database,
    url: String,
}

/// What must be removed after a case.
enum Place {
    Folder(tempfile::TempDir),
    Schema { server: Box<MySqlConnectOptions>, name: String },
}

/// Makes one test of each case on each server; `unmigrated:` before the cases gives them databases without tables.
macro_rules! on_every_database {
    (unmigrated: $($case:ident),+ $(,)?) => { on_every_database!(run_unmigrated; $($case),+); };
    ($($case:ident),+ $(,)?) => { on_every_database!(run; $($case),+); };
    ($run:ident; $($case:ident),+) => {
        mod sqlite { $(#[tokio::test] async fn $case() {
            use crate::store::contract_tests::{Server, $run};
            $run(Server::Sqlite, super::$case).await;
        })+ }
        mod mariadb { $(#[tokio::test] async fn $case() {
            use crate::store::contract_tests::{Server, $run};
            $run(Server::MariaDb, super::$case).await;
        })+ }
        mod mysql { $(#[tokio::test] async fn $case() {
            use crate::store::contract_tests::{Server, $run};
            $run(Server::MySql, super::$case).await;
        })+ }
    };
}
use on_every_database;

async fn run<F, Fut>(server: Server, case: F)
where
    F: FnOnce(Scene) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let migrated = |scene: Scene| async move {
        scene.database.migrate().await.unwrap();
        case(scene).await;
    };
    run_unmigrated(server, migrated).await;
}

async fn run_unmigrated<F, Fut>(server: Server, case: F)
where
    F: FnOnce(Scene) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let Some((place, url)) = create(server).await else {
        eprintln!("{server:?} is not configured: this case ran on SQLite only");
        return;
    };
    let database = Database::connect(&url, StoreOptions::default()).await.unwrap();
    let outcome = tokio::spawn(case(Scene { database: database.clone(), url })).await;
    database.close().await;
    remove(place).await;
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

async fn create(server: Server) -> Option<(Place, String)> {
    let variable = match server {
        Server::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("deep/down/askpro.db").display());
            return Some((Place::Folder(folder), url));
        }
        Server::MariaDb => "ASKPRO_TEST_MARIADB_URL",
        Server::MySql => "ASKPRO_TEST_MYSQL_URL",
    };
    let Ok(url) = std::env::var(variable) else {
        let required = std::env::var("ASKPRO_TEST_REQUIRE_DATABASES").is_ok_and(|v| v == "1");
        assert!(!required, "{variable} must name a server: ASKPRO_TEST_REQUIRE_DATABASES is 1");
        return None;
    };
    let (address, query) = url.split_once('?').map_or((url.as_str(), ""), |(a, q)| (a, q));
    let (scheme, rest) = address.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    let name = format!("askpro_test_{:016x}", rand::random::<u64>());
    let options: MySqlConnectOptions = format!("{scheme}://{authority}/?{query}").parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    // Not the character set of the tables, so that a table without its own would be noticed.
    let statement = format!("CREATE DATABASE {name} DEFAULT CHARACTER SET latin1");
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    Some((
        Place::Schema { server: Box::new(options), name: name.clone() },
        format!("{scheme}://{authority}/{name}?{query}"),
    ))
}

async fn remove(place: Place) {
    match place {
        Place::Folder(folder) => folder.close().unwrap(),
        Place::Schema { server, name } => {
            let mut connection = server.connect().await.unwrap();
            connection.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
        }
    }
}

/// A statement that no port has.
struct Raw(String);

#[async_trait::async_trait]
impl Work for Raw {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> Result<(), Failure> {
        transaction.execute(AssertSqlSafe(self.0.clone()), &[]).await.map(|_| ())
    }
}

impl Scene {
    async fn execute(&self, sql: &str) {
        self.database.transact(&Raw(sql.to_owned())).await.unwrap();
    }

    async fn rows<T: Record>(&self, sql: &str) -> Vec<T> {
        self.database.fetch(AssertSqlSafe(sql.to_owned()), &[]).await.unwrap()
    }

    async fn count(&self, table: &str) -> i64 {
        self.rows::<(i64,)>(&format!("SELECT COUNT(*) FROM {table}")).await[0].0
    }

    /// Takes the lease and gives its epoch.
    async fn own(&self) -> i64 {
        use askpro_actors::ports::stores::{LeaseAnswer, LeaseStore};
        let now = askpro_domain::time::UnixMillis(1_000);
        match self.database.acquire("us", now, 60_000).await.unwrap() {
            LeaseAnswer::Acquired { epoch } => epoch,
            taken => panic!("{taken:?}"),
        }
    }
}
