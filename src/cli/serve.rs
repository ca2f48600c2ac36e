//! `askpro serve`: the service, until a signal ends it.

use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use super::settings;
use crate::{app, telemetry::panics};

/// Arguments of `askpro serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Settings that differ from the defaults (TOML, shaped like config/default.toml)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Migrates, serves and drains.
pub(super) async fn run(args: ServeArgs) -> Result<(), CliError> {
    let config = settings::load(args.config.as_deref())?;
    settings::start_log(&config)?;
    panics::log_without_words();
    Ok(app::run_until_signal(config).await?)
}
