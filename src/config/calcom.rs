//! `[calcom]`: the calendars, and how much may be asked of them.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{ConfigError, settings::Settings};

/// The calendars, and how long they may take.
#[derive(Debug, Clone)]
pub struct CalcomConfig {
    /// Where the API is, without a slash at the end.
    pub base_url: String,
    /// Key for companies without one of their own.
    pub api_key: Option<SecretString>,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long a question may take.
    pub read_timeout: Duration,
    /// How long an order may take before its outcome counts as unknown.
    pub write_timeout: Duration,
    /// Requests a minute of one key, until Cal.com's answers say otherwise.
    pub requests_per_minute: u32,
    /// Age up to which slots answer a caller without asking again.
    pub mirror_fresh: Duration,
    /// Age up to which slots answer a caller at once, while they are fetched again.
    pub mirror_serve: Duration,
    /// Whether held slots are hidden from web bookers by Cal.com's reservations.
    pub reservations: bool,
}

impl CalcomConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let api_key = settings.secret("calcom.api_key")?;
        Ok(Self {
            base_url: settings.base_url("calcom.base_url")?,
            api_key: Some(api_key).filter(|key| !key.expose_secret().is_empty()),
            connect_timeout: settings.milliseconds("calcom.connect_timeout_ms", 100..=30_000)?,
            read_timeout: settings.milliseconds("calcom.read_timeout_ms", 100..=60_000)?,
            write_timeout: settings.milliseconds("calcom.write_timeout_ms", 1000..=120_000)?,
            requests_per_minute: settings.number("calcom.requests_per_minute", 1..=100_000)?,
            mirror_fresh: settings.milliseconds("calcom.mirror_fresh_ms", 0..=600_000)?,
            mirror_serve: settings.milliseconds("calcom.mirror_serve_ms", 0..=600_000)?,
            reservations: settings.switch("calcom.reservations")?,
        })
    }
}
