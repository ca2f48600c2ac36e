//! `[writers]`: how rows are gathered into transactions.

use super::{ConfigError, settings::Settings};

/// How rows are gathered into transactions.
#[derive(Debug, Clone)]
pub struct WritersConfig {
    /// Writers that commit side by side.
    pub count: usize,
    /// Orders in one transaction at most; an order has the few rows of one event.
    pub batch_orders_max: usize,
}

impl WritersConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            count: settings.number("writers.count", 1..=64)?,
            batch_orders_max: settings.number("writers.batch_orders_max", 1..=4096)?,
        })
    }
}
