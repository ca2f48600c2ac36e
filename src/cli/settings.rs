//! Where commands get their configuration, their clock and their log from.

use std::path::Path;
use std::sync::Arc;

use super::error::CliError;
use crate::config::{Config, LogConfig, LogFormat, misspelt_variables};
use crate::simulators::Now;
use crate::telemetry::logs;

/// The configuration from the defaults, `file` and this process's environment.
pub(super) fn load(file: Option<&Path>) -> Result<Config, CliError> {
    Ok(Config::load(file, environment())?)
}

/// The variables of this process; those that are not text are not ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Starts the log as configured.
pub(super) fn start_log(config: &Config) -> Result<(), CliError> {
    start(&config.log)
}

fn start(log: &LogConfig) -> Result<(), CliError> {
    logs::init(log).map_err(CliError::failed)?;
    for (variable, meant) in misspelt_variables(environment().map(|(name, _)| name)) {
        tracing::warn!(variable, meant, "this variable looks like a setting and is none: two underscores");
    }
    Ok(())
}

/// Starts the log of a command that people watch: readable, and only what needs attention, unless the
/// environment or the configuration asks for more than the defaults.
pub(super) fn start_quiet_log(config: &Config) -> Result<(), CliError> {
    let mut log = config.log.clone();
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if log.level == "info" && !is_set("ASKPRO__LOG__LEVEL") {
        "warn".clone_into(&mut log.level);
    }
    if !is_set("ASKPRO__LOG__FORMAT") {
        log.format = LogFormat::Pretty;
    }
    start(&log)
}

/// The present moment, in ms since 1970.
#[expect(clippy::disallowed_methods, reason = "here the time enters; everything below gets it passed in")]
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The clock of the simulators.
pub(super) fn clock() -> Now {
    Arc::new(now_ms)
}

/// `prefix` and 32 random hex digits.
pub(super) fn random_secret(prefix: &str) -> String {
    format!("{prefix}{:032x}", rand::random::<u128>())
}
