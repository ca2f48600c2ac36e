//! `[redis]`: shared counters and the live view, when several processes share them.

use secrecy::SecretString;

use super::{ConfigError, settings::Settings};

/// Where Redis is, if it is used.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// The URL; `None`: everything is kept in this process.
    pub url: Option<SecretString>,
}

impl RedisConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let text = settings.raw_text("redis.url")?;
        if text.is_empty() {
            return Ok(Self { url: None });
        }
        if !text.starts_with("redis://") && !text.starts_with("rediss://") {
            let remedy =
                "give redis://HOST:PORT, rediss://HOST:PORT, or nothing to keep everything in process";
            return Err(settings.invalid("redis.url", remedy));
        }
        Ok(Self { url: Some(settings.secret("redis.url")?) })
    }
}
