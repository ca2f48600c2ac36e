//! `[writers]`: how rows are gathered into transactions.

use std::time::Duration;

use super::{ConfigError, settings::Settings};

/// How rows are gathered into transactions.
#[derive(Debug, Clone)]
pub struct WritersConfig {
    /// Writers that commit side by side.
    pub count: usize,
    /// Rows in one transaction at most.
    pub batch_rows_max: usize,
    /// How long a writer waits for a batch to fill.
    pub batch_delay: Duration,
    /// Positions waiting for one writer at most.
    pub backlog_max: usize,
}

impl WritersConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            count: settings.number("writers.count", 1..=64)?,
            batch_rows_max: settings.number("writers.batch_rows_max", 1..=4096)?,
            batch_delay: settings.milliseconds("writers.batch_delay_ms", 0..=1000)?,
            backlog_max: settings.number("writers.backlog_max", 100..=10_000_000)?,
        })
    }
}
