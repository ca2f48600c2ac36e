//! The service as a whole, as the command line sees it.

use std::fmt;
use std::path::Path;

use crate::config::Config;

/// A running service.
#[derive(Debug)]
pub struct Running {
    base_url: String,
}

impl Running {
    /// `http://host:port`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// Returns when the service has stopped by itself.
    pub async fn stopped(&self) {
        std::future::pending::<()>().await;
    }

    /// Drains and stops.
    ///
    /// # Errors
    /// What could not be drained.
    pub async fn stop(self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// What an import changed.
#[derive(Debug)]
pub struct ImportReport;

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing changed")
    }
}

/// What a check of the dependencies found.
#[derive(Debug)]
pub struct DoctorReport {
    /// One line per dependency.
    pub lines: Vec<String>,
    /// Whether everything that is configured can be used.
    pub healthy: bool,
}

/// Starts the service.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn start(_config: Config) -> anyhow::Result<Running> {
    anyhow::bail!("this build has no service in it")
}

/// Serves until a signal ends it.
///
/// # Errors
/// Whatever keeps it from starting or draining.
pub async fn run_until_signal(config: Config) -> anyhow::Result<()> {
    start(config).await.map(drop)
}

/// Takes over the companies of an import file.
///
/// # Errors
/// All that is wrong with the file.
pub async fn import(_config: Config, _file: &Path, _dry_run: bool) -> anyhow::Result<ImportReport> {
    Ok(ImportReport)
}

/// Brings the schema up to date.
///
/// # Errors
/// What the database says.
pub async fn migrate(_config: Config, _status_only: bool) -> anyhow::Result<String> {
    Ok(String::new())
}

/// Checks every dependency.
pub async fn doctor(_config: Config) -> DoctorReport {
    DoctorReport { lines: Vec::new(), healthy: true }
}
