//! `askpro doctor`: can everything that is configured be used?

use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use super::settings;
use crate::app;

/// Arguments of `askpro doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Settings that differ from the defaults (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints a line per dependency; fails when one of them cannot be used.
pub(super) async fn run(args: DoctorArgs) -> Result<(), CliError> {
    let config = settings::load(args.config.as_deref())?;
    settings::start_quiet_log(&config)?;
    let report = app::doctor(config).await;
    for line in &report.lines {
        println!("{line}");
    }
    if report.healthy { Ok(()) } else { Err(CliError::Reported) }
}
