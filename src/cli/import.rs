//! `askpro import`: companies from a file into the database.

use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use super::settings;
use crate::app;

/// Arguments of `askpro import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Companies with branches, numbers, agents, staff, services and customers (JSON or TOML)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Check the file, compare it with the database and say what would change; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Settings that differ from the defaults (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Migrates and imports.
pub(super) async fn run(args: ImportArgs) -> Result<(), CliError> {
    let config = settings::load(args.config.as_deref())?;
    if let Err(error) = std::fs::File::open(&args.file) {
        let file = args.file.display();
        return Err(CliError::Usage(format!(
            "FILE = {file} cannot be read ({error}): name a readable import file"
        )));
    }
    settings::start_quiet_log(&config)?;
    let report = app::import(config, &args.file, args.dry_run).await?;
    println!("{report}");
    Ok(())
}
