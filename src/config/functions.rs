//! `[functions]`: the caller's patience.

use std::time::Duration;

use super::{ConfigError, settings::Settings};

/// How live function calls are answered.
#[derive(Debug, Clone)]
pub struct FunctionsConfig {
    /// How long a function call may keep the caller waiting.
    pub budget: Duration,
}

impl FunctionsConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self { budget: settings.milliseconds("functions.budget_ms", 100..=30_000)? })
    }
}
