//! A service of our own with its surroundings: a folder, simulators, companies. For the demo and the benchmark.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::settings;
use crate::app::{self, Running};
use crate::config::{Config, DatabaseKind};
use crate::simulators::calcom::{CalcomHandle, CalcomOptions, CalcomSimulator, World};
use crate::simulators::retell::{RetellHandle, RetellSimulator};
use crate::usecases::{Readiness, ServiceState};

const RETELL_API_KEY: &str = "key_simulated_retell";
const LOCAL: &str = "127.0.0.1:0";

/// A folder that nobody else uses.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes a new one among the system's temporary folders.
    pub(super) fn make(purpose: &str) -> anyhow::Result<Self> {
        let name = format!("askpro-{purpose}-{}-{:08x}", settings::now_ms(), rand::random::<u32>());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).with_context(|| {
            format!("folder {} cannot be made: set TMPDIR to one that can", path.display())
        })?;
        Ok(Self { path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it.
    pub(super) fn remove(self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "a temporary folder stays behind");
        }
    }
}

/// Puts the database and the journal into `folder`.
pub(super) fn keep_in(folder: &Path, config: &mut Config) {
    config.database.kind = DatabaseKind::Sqlite;
    config.database.url = SecretString::from(format!("sqlite://{}/askpro.db", folder.display()));
    config.journal.dir = folder.join("journal");
}

/// A service that runs in this process, with what it talks to.
#[derive(Debug)]
pub(super) struct OwnService {
    /// The service.
    pub(super) running: Running,
    /// Its Cal.com.
    pub(super) calcom: CalcomHandle,
    /// Its Retell.
    pub(super) retell: Arc<RetellHandle>,
    /// What `/admin` wants to see.
    pub(super) admin_token: String,
    /// What signs webhooks and function calls.
    pub(super) webhook_key: String,
}

impl OwnService {
    /// As [`OwnService::start`]; the folder goes when nothing came of it.
    pub(super) async fn start_in(
        folder: Folder,
        config: Config,
        companies: &Value,
    ) -> anyhow::Result<(Self, Folder)> {
        match Self::start(config, companies, folder.path()).await {
            Ok(service) => Ok((service, folder)),
            Err(error) => {
                folder.remove();
                Err(error)
            }
        }
    }

    /// Starts the simulators, imports `companies` (their file is written to `folder`) and starts the service.
    /// An admin token and a webhook key are made where `config` has none.
    async fn start(mut config: Config, companies: &Value, folder: &Path) -> anyhow::Result<Self> {
        let world = World::from_import_json(companies)?;
        let calcom = CalcomSimulator::start(LOCAL, world, CalcomOptions::new(settings::clock()))
            .context("the simulated Cal.com does not start")?;
        let retell = RetellSimulator::start(LOCAL, RETELL_API_KEY, settings::clock())
            .context("the simulated Retell does not start")?;
        config.calcom.base_url = calcom.base_url();
        config.retell.base_url = retell.base_url();
        config.retell.api_key = Some(SecretString::from(RETELL_API_KEY));
        let admin_token = admin_token(&mut config);
        let webhook_key = webhook_key(&mut config);
        let file = folder.join("companies.json");
        std::fs::write(&file, serde_json::to_vec_pretty(companies)?)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        app::import(config.clone(), &file, false).await.context("the companies cannot be imported")?;
        let running = start(config).await.context("the service does not start")?;
        calcom.send_webhooks_to(&format!("{}/webhooks/calcom", running.base_url()));
        Ok(Self { running, calcom, retell: Arc::new(retell), admin_token, webhook_key })
    }
}

/// Starts the service, and says so when it has to wait for another process.
async fn start(config: Config) -> anyhow::Result<Running> {
    let readiness = Readiness::default();
    let waits = readiness.clone();
    let telling = tokio::spawn(async move {
        waits.becomes(ServiceState::Standby).await;
        eprintln!("another process owns the database or the journal's folder; waiting until it ends");
    });
    let running = app::start_with(config, readiness, None).await;
    telling.abort();
    running
}

fn admin_token(config: &mut Config) -> String {
    let token = config.admin.token.get_or_insert_with(|| settings::random_secret("admin_").into());
    token.expose_secret().to_owned()
}

fn webhook_key(config: &mut Config) -> String {
    if config.retell.webhook_keys.is_empty() {
        config.retell.webhook_keys.push(settings::random_secret("key_").into());
    }
    config.retell.webhook_keys.first().map(|key| key.expose_secret().to_owned()).unwrap_or_default()
}
