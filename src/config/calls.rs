//! `[calls]`: how long calls live, in the world and in memory.

use std::time::Duration;

use super::{ConfigError, settings::Settings};

/// How long calls live, in the world and in memory.
#[derive(Debug, Clone)]
pub struct CallsConfig {
    /// A call without an end after this long (and two minutes) is looked up.
    pub max_duration: Duration,
    /// A running transcript reaches the database at most this often.
    pub transcript_flush: Duration,
    /// A call that ended leaves memory after this long without an event.
    pub idle: Duration,
}

impl CallsConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            max_duration: settings.seconds("calls.max_duration_s", 1..=86_400)?,
            transcript_flush: settings.milliseconds("calls.transcript_flush_ms", 100..=300_000)?,
            idle: settings.seconds("calls.idle_s", 1..=86_400)?,
        })
    }
}
