//! `[holds]`: how long a slot is kept for a caller.

use std::time::Duration;

use super::{ConfigError, settings::Settings};

/// How long a slot is kept for a caller.
#[derive(Debug, Clone)]
pub struct HoldsConfig {
    /// Life of a hold that is not booked.
    pub ttl: Duration,
}

impl HoldsConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self { ttl: settings.seconds("holds.ttl_s", 1..=3600)? })
    }
}
