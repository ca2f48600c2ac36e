//! `askpro simulate`: one simulator alone, until a signal ends it.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::error::CliError;
use super::{demo, settings};
use crate::simulators::calcom::{CalcomOptions, CalcomSimulator, World};
use crate::simulators::retell::{
    CompanyLine, Dialer, DialerOptions, Mix, RetellSimulator, ScriptGenerator, Target,
};

/// Arguments of `askpro simulate`.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    #[command(subcommand)]
    simulator: Simulator,
}

#[derive(Debug, Subcommand)]
enum Simulator {
    /// A Retell: answers for its calls, and calls a service when --target names one
    Retell(RetellArgs),
    /// A Cal.com (API v2) with the companies of an import file; its levers are under /_sim
    Calcom(CalcomArgs),
}

#[derive(Debug, Args)]
struct RetellArgs {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4010")]
    bind: String,
    /// The key that callers of the API show
    #[arg(long, value_name = "KEY", default_value = "key_retell")]
    api_key: String,
    /// A service to call: events and function calls are sent to it
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Signs what is sent to the target
    #[arg(long, value_name = "KEY", default_value = "key_retell")]
    webhook_key: String,
    /// New calls per minute at the target
    #[arg(long, value_name = "N", default_value_t = 30.0, value_parser = super::bench::positive)]
    calls_per_minute: f64,
    /// The companies to call, as an import file (JSON); default: the demo's
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct CalcomArgs {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4011")]
    bind: String,
    /// The companies, as an import file (JSON); default: the demo's
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// Where webhooks go: the company's slug is appended after a slash
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Requests per minute and key before it is blocked for a minute; 0 switches the limit off
    #[arg(long, value_name = "N", default_value_t = 120)]
    requests_per_minute: u32,
}

/// Serves one simulator until a signal ends it.
pub(super) async fn run(args: SimulateArgs) -> Result<(), CliError> {
    settings::start_quiet_log(&settings::load(None)?)?;
    match args.simulator {
        Simulator::Retell(args) => retell(args).await,
        Simulator::Calcom(args) => calcom(args).await,
    }
}

async fn retell(args: RetellArgs) -> Result<(), CliError> {
    check_bind(&args.bind)?;
    let import = read_import(args.import.as_deref())?;
    let simulator = RetellSimulator::start(&args.bind, &args.api_key, settings::clock())
        .with_context(|| format!("--bind {} cannot be used", args.bind))?;
    println!("retell simulator  {}", simulator.base_url());
    let simulator = Arc::new(simulator);
    let dialer = match args.target {
        Some(url) => {
            let lines = CompanyLine::from_import_json(&import);
            let generator = ScriptGenerator::new(settings::now_ms().unsigned_abs(), lines, Mix::default());
            let target = Target {
                base_url: url.trim_end_matches('/').to_owned(),
                key: args.webhook_key.clone(),
                company: None,
            };
            println!("calling           {}", target.base_url);
            let mut options = DialerOptions::new(target, settings::clock());
            options.calls_per_minute = args.calls_per_minute;
            let dialer = Dialer::start(generator, options, Some(simulator.clone()));
            Some(dialer.map_err(CliError::failed)?)
        }
        None => None,
    };
    super::signalled().await;
    if let Some(dialer) = dialer {
        let counters = dialer.counters();
        println!("calls {}  acknowledged {}", counters.calls_started, counters.acknowledged);
    }
    Ok(())
}

async fn calcom(args: CalcomArgs) -> Result<(), CliError> {
    check_bind(&args.bind)?;
    let import = read_import(args.import.as_deref())?;
    let world = World::from_import_json(&import).map_err(CliError::failed)?;
    let mut options = CalcomOptions::new(settings::clock());
    options.requests_per_minute = Some(args.requests_per_minute).filter(|limit| *limit > 0);
    options.webhook_url = args.webhook_url.map(|url| url.trim_end_matches('/').to_owned());
    let simulator = CalcomSimulator::start(&args.bind, world, options)
        .with_context(|| format!("--bind {} cannot be used", args.bind))?;
    println!("calcom simulator  {}", simulator.base_url());
    super::signalled().await;
    simulator.stop();
    Ok(())
}

/// What is no address at all is wrong usage; one that is in use is not.
fn check_bind(bind: &str) -> Result<(), CliError> {
    match bind.to_socket_addrs().map(|mut addresses| addresses.next()) {
        Ok(Some(_)) => Ok(()),
        _ => Err(CliError::Usage(format!(
            "--bind = {bind:?} is no address: give a host and a port, such as 127.0.0.1:4010 or [::1]:0"
        ))),
    }
}

fn read_import(file: Option<&std::path::Path>) -> Result<Value, CliError> {
    match file {
        Some(file) => super::bench::companies::read(file),
        None => demo::import_json().map_err(CliError::failed),
    }
}
