//! `[database]`: where rows live and who owns them.

use std::time::Duration;

use secrecy::SecretString;

use super::{ConfigError, settings::Settings};

/// Which database, by the scheme of its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// `sqlite://`: one file, for one machine.
    Sqlite,
    /// `mysql://` or `mariadb://`: MySQL or MariaDB.
    MySql,
}

/// Where rows live and who owns them.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Which database the URL names.
    pub kind: DatabaseKind,
    /// The URL; it may carry a password.
    pub url: SecretString,
    /// Connections in the pool.
    pub pool_max: u32,
    /// How long work waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long the owner's lease lasts without renewal.
    pub lease_ttl: Duration,
}

impl DatabaseConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let kind = match settings.raw_text("database.url")?.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => DatabaseKind::Sqlite,
            Some(("mysql" | "mariadb", rest)) if names_a_database(rest) => DatabaseKind::MySql,
            _ => {
                let remedy = "give sqlite://PATH or mysql://USER:PASSWORD@HOST:PORT/NAME";
                return Err(settings.invalid("database.url", remedy));
            }
        };
        Ok(Self {
            kind,
            url: settings.secret("database.url")?,
            pool_max: settings.number("database.pool_max", 2..=500)?,
            acquire_timeout: settings.milliseconds("database.acquire_timeout_ms", 100..=60_000)?,
            lease_ttl: settings.milliseconds("database.lease_ttl_ms", 1000..=120_000)?,
        })
    }
}

fn names_a_database(rest: &str) -> bool {
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    path.rsplit_once('/').is_some_and(|(host, name)| !host.is_empty() && !name.is_empty())
}
