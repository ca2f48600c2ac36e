//! `[retell]`: whose voice agents call us, and how to ask back.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{ConfigError, settings::Settings};

/// How far a signature's time may be from ours, both ways, in milliseconds. Retell's own rule, so no setting.
pub const SIGNATURE_WINDOW_MS: i64 = 300_000;

/// Whose voice agents call us, and how to ask back.
#[derive(Debug, Clone)]
pub struct RetellConfig {
    /// Keys that sign webhooks and function calls; every one is accepted.
    pub webhook_keys: Vec<SecretString>,
    /// Where the API is, without a slash at the end.
    pub base_url: String,
    /// Key for the API; `None`: silent calls are closed by time alone.
    pub api_key: Option<SecretString>,
    /// How often our calls are compared with Retell's; `None`: only when an admin asks for it.
    pub reconcile_every: Option<Duration>,
}

impl RetellConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let api_key = settings.secret("retell.api_key")?;
        Ok(Self {
            webhook_keys: settings.secrets("retell.webhook_keys")?,
            base_url: settings.base_url("retell.base_url")?,
            api_key: Some(api_key).filter(|key| !key.expose_secret().is_empty()),
            reconcile_every: Some(settings.seconds("retell.reconcile_every_s", 0..=86_400)?)
                .filter(|every| !every.is_zero()),
        })
    }
}
