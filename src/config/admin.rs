//! `[admin]`: who may look behind the counter.

use secrecy::{ExposeSecret, SecretString};

use super::{ConfigError, settings::Settings};

/// Who may use `/admin`.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// Bearer token of everything under `/admin`; `None`: all of it answers 401.
    pub token: Option<SecretString>,
}

impl AdminConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let token = settings.secret("admin.token")?;
        Ok(Self { token: Some(token).filter(|token| !token.expose_secret().is_empty()) })
    }
}
