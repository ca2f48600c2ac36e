//! The configuration: built-in defaults, one file, the environment; typed and checked before anything starts.
//!
//! Each section has a file of its own. Nothing here opens a connection, creates a folder or knows what a
//! setting is used for.

mod admin;
mod calcom;
mod calls;
mod database;
mod error;
mod functions;
mod holds;
mod http;
mod journal;
mod log;
mod redis;
mod retell;
mod settings;
#[cfg(test)]
mod tests;
mod writers;

use std::path::Path;

use self::settings::Settings;
pub use self::{
    admin::AdminConfig,
    calcom::CalcomConfig,
    calls::CallsConfig,
    database::{DatabaseConfig, DatabaseKind},
    error::ConfigError,
    functions::FunctionsConfig,
    holds::HoldsConfig,
    http::HttpConfig,
    journal::JournalConfig,
    log::{LogConfig, LogFormat},
    redis::RedisConfig,
    retell::{RetellConfig, SIGNATURE_WINDOW_MS},
    settings::{DEFAULT_TOML, ENV_PREFIX, Origin, SECRET_KEYS, misspelt_variables},
    writers::WritersConfig,
};

/// Everything that can be set, one field per section of `config/default.toml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the service listens and how much it takes.
    pub http: HttpConfig,
    /// Who may use `/admin`.
    pub admin: AdminConfig,
    /// Where rows live and who owns them.
    pub database: DatabaseConfig,
    /// The durable log's folder and room.
    pub journal: JournalConfig,
    /// Where Redis is, if it is used.
    pub redis: RedisConfig,
    /// Whose voice agents call us, and how to ask back.
    pub retell: RetellConfig,
    /// The calendars, and how much may be asked of them.
    pub calcom: CalcomConfig,
    /// How live function calls are answered.
    pub functions: FunctionsConfig,
    /// How long calls live, in the world and in memory.
    pub calls: CallsConfig,
    /// How long a slot is kept for a caller.
    pub holds: HoldsConfig,
    /// How rows are gathered into transactions.
    pub writers: WritersConfig,
    /// How much is said, and in which form.
    pub log: LogConfig,
}

impl Config {
    /// The settings of this process: defaults, then `file`, then the `ASKPRO__` variables of `env`.
    ///
    /// # Errors
    /// The first key that is unknown or whose value cannot be used; the caller prints it and ends with code 2.
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Self::read(&Settings::load(file, env)?)
    }

    fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            http: HttpConfig::read(settings)?,
            admin: AdminConfig::read(settings)?,
            database: DatabaseConfig::read(settings)?,
            journal: JournalConfig::read(settings)?,
            redis: RedisConfig::read(settings)?,
            retell: RetellConfig::read(settings)?,
            calcom: CalcomConfig::read(settings)?,
            functions: FunctionsConfig::read(settings)?,
            calls: CallsConfig::read(settings)?,
            holds: HoldsConfig::read(settings)?,
            writers: WritersConfig::read(settings)?,
            log: LogConfig::read(settings)?,
        })
    }
}
