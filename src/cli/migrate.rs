//! `askpro migrate`: the database's schema.

use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use super::settings;
use crate::app;

/// Arguments of `askpro migrate`.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Say where the schema stands; change nothing
    #[arg(long)]
    status: bool,
    /// Settings that differ from the defaults (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Brings the schema up to date, or says where it stands.
pub(super) async fn run(args: MigrateArgs) -> Result<(), CliError> {
    let config = settings::load(args.config.as_deref())?;
    settings::start_quiet_log(&config)?;
    let text = app::migrate(config, args.status).await?;
    println!("{}", text.trim_end());
    Ok(())
}
