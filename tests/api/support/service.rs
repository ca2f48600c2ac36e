//! A service in this process, with the fixture's companies and a simulated Cal.com.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use askpro::{
    app::{self, Running},
    config::Config,
    simulators::{
        self,
        calcom::{CalcomHandle, CalcomOptions, CalcomSimulator, World},
    },
};
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use super::{database::Tables, days, eventually, retell::Retell};

pub const ADMIN_TOKEN: &str = "admin_test_token";
pub const WEBHOOK_KEY: &str = "key_platform";

/// What a service is started with: settings as the environment gives them, in a folder of its own.
pub struct Setup {
    pub folder: Arc<TempDir>,
    pub env: BTreeMap<String, String>,
}

impl Setup {
    /// SQLite and the journal in a new folder, one platform key, an admin token, any free port.
    pub fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let path = folder.path().display();
        let setup = Self { folder: folder.clone(), env: BTreeMap::new() };
        setup
            .with("HTTP__BIND", "127.0.0.1:0")
            .with("HTTP__WORKERS", "2")
            .with("DATABASE__URL", &format!("sqlite://{path}/askpro.db"))
            .with("JOURNAL__DIR", &format!("{path}/journal"))
            .with("ADMIN__TOKEN", ADMIN_TOKEN)
            .with("RETELL__WEBHOOK_KEYS", &format!("key_of_before,{WEBHOOK_KEY}"))
            .with("LOG__LEVEL", "warn")
            .with("CALLS__TRANSCRIPT_FLUSH_MS", "100")
            // The simulated Cal.com of the tests has no limit unless a test gives it one.
            .with("CALCOM__REQUESTS_PER_MINUTE", "60000")
    }

    /// Changes a setting: `SECTION__KEY`.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.env.insert(format!("ASKPRO__{key}"), value.to_owned());
        self
    }

    pub fn config(&self) -> Config {
        Config::load(None, self.env.clone().into_iter()).unwrap()
    }

    pub fn database_url(&self) -> &str {
        &self.env["ASKPRO__DATABASE__URL"]
    }

    pub fn journal_dir(&self) -> PathBuf {
        PathBuf::from(&self.env["ASKPRO__JOURNAL__DIR"])
    }

    /// Writes `companies` to a file and imports it.
    pub async fn import(&self, companies: &Value) -> anyhow::Result<app::ImportReport> {
        let file = self.folder.path().join(format!("import-{:08x}.json", rand::random::<u32>()));
        std::fs::write(&file, companies.to_string()).unwrap();
        app::import(self.config(), &file, false).await
    }

    /// A Cal.com for the fixture's companies, known to the settings from now on.
    pub fn calcom(&mut self) -> CalcomHandle {
        self.calcom_of(&companies())
    }

    /// A Cal.com for these companies, known to the settings from now on.
    pub fn calcom_of(&mut self, companies: &Value) -> CalcomHandle {
        let options =
            CalcomOptions { requests_per_minute: None, ..CalcomOptions::new(Arc::new(days::now_ms)) };
        let world = World::from_import_json(companies).unwrap();
        let calcom = CalcomSimulator::start("127.0.0.1:0", world, options).unwrap();
        self.env.insert("ASKPRO__CALCOM__BASE_URL".to_owned(), calcom.base_url());
        calcom
    }

    /// Imports the fixture and starts everything.
    pub async fn start(mut self) -> Service {
        let calcom = self.calcom();
        self.import(&companies()).await.unwrap();
        let running = app::start(self.config()).await.unwrap();
        let tables = Tables::open(self.database_url()).await;
        let retell = Retell::new(&running.base_url(), WEBHOOK_KEY);
        Service { setup: self, calcom, running, tables, retell }
    }
}

/// Whether `/admin/status` says that all is done: no queue, nothing for a writer, and nothing that an actor has taken and
/// still asks the database about.
pub fn is_settled(status: &Value) -> bool {
    let orders = |writer: &Value, kind: &str| writer[kind].as_u64().unwrap();
    let waiting = |writer: &Value| orders(writer, "backlog_orders") + orders(writer, "in_flight_orders") > 0;
    let is_written = status["writers"].as_array().is_some_and(|writers| !writers.iter().any(waiting));
    is_written && status["load"] == 0 && status["journal"]["outstanding"] == 0
}

/// The companies of the fixture.
pub fn companies() -> Value {
    serde_json::from_str(include_str!("../../fixtures/companies.json")).unwrap()
}

/// A running service.
pub struct Service {
    pub setup: Setup,
    pub calcom: CalcomHandle,
    pub running: Running,
    pub tables: Tables,
    pub retell: Retell,
}

impl Service {
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    /// Asks an admin route.
    pub async fn admin(&self, path: &str) -> Value {
        let (status, body) = self.retell.admin(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// What the company's scheduler holds and books; null while there is none.
    pub async fn scheduler(&self, company: &str) -> Value {
        let list = self.admin("/admin/schedulers").await;
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["company"] == company).map_or(Value::Null, |item| item["view"].clone())
    }

    /// States of the holds of a company: `held`, `submitted`, `booked`.
    pub async fn holds(&self, company: &str) -> Vec<String> {
        let view = self.scheduler(company).await;
        let holds = view["holds"].as_array().cloned().unwrap_or_default();
        holds.iter().map(|hold| hold["state"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until `count` calls are live.
    pub async fn live_calls(&self, count: u64) {
        eventually(&format!("{count} live calls"), async || {
            (self.admin("/admin/status").await["calls_live"] == count).then_some(())
        })
        .await;
    }

    /// Waits until everything that was acknowledged is in the database.
    pub async fn settled(&self) {
        eventually("everything is committed", async || {
            is_settled(&self.admin("/admin/status").await).then_some(())
        })
        .await;
    }

    /// Stops it; anything that could not be finished fails the test.
    pub async fn stop(self) -> Stopped {
        let Self { setup, calcom, running, tables, .. } = self;
        running.stop().await.unwrap();
        Stopped { setup, calcom, tables }
    }
}

/// What is left of a service: its folder, its database, its Cal.com.
pub struct Stopped {
    pub setup: Setup,
    pub calcom: CalcomHandle,
    pub tables: Tables,
}

impl Stopped {
    /// The next process on the same folder and database.
    pub async fn start(self) -> Service {
        let running = app::start(self.setup.config()).await.unwrap();
        let retell = Retell::new(&running.base_url(), WEBHOOK_KEY);
        Service { setup: self.setup, calcom: self.calcom, running, tables: self.tables, retell }
    }
}

/// A client for everything.
pub fn http() -> reqwest::Client {
    simulators::http_client().unwrap()
}
