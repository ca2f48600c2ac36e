//! The command line: one file per command, and the exit codes they share.
//!
//! A command parses its arguments, loads the configuration, calls [`crate::app`] and prints. It must not know
//! how the service is built: to a running service it speaks HTTP like anybody else.

mod admin;
mod bench;
mod demo;
mod doctor;
mod error;
mod import;
mod migrate;
mod oracle;
mod own_service;
mod retell_tools;
mod serve;
mod settings;
mod simulate;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::error::CliError;

/// Back end behind AI telephone receptionists.
///
/// Settings: built-in defaults (config/default.toml), then --config FILE, then ASKPRO__SECTION__KEY.
/// Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.
#[derive(Debug, Parser)]
#[command(name = "askpro", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service; without any configuration on SQLite and a journal under ./data, at 127.0.0.1:8080
    Serve(serve::ServeArgs),
    /// Run the service with simulators, a few companies and calls, in a folder of its own
    Demo(demo::DemoArgs),
    /// Measure a service under open-loop load and check that nothing got lost, doubled or out of state
    Bench(Box<bench::BenchArgs>),
    /// Run one simulator alone
    Simulate(simulate::SimulateArgs),
    /// Take over companies, branches, numbers, agents, staff and services from a file (JSON or TOML)
    Import(import::ImportArgs),
    /// Print the tools and a prompt section to paste into a Retell agent
    RetellTools(retell_tools::RetellToolsArgs),
    /// Bring the database's schema up to date, or say where it stands
    Migrate(migrate::MigrateArgs),
    /// Check every dependency that is configured, each with its remedy
    Doctor(doctor::DoctorArgs),
}

/// Runs the command that the process was started with and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; there is nobody to tell when printing fails.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(anyhow::Error::new(error).context("no threads")))
        .and_then(|runtime| {
            let done = runtime.block_on(run(cli.command));
            // What still waits for a socket must not keep the process.
            runtime.shutdown_background();
            done
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(line) = error.line() {
                eprintln!("askpro: {line}");
            }
            ExitCode::from(error.code())
        }
    }
}

fn run(command: Command) -> Pin<Box<dyn Future<Output = Result<(), CliError>>>> {
    match command {
        Command::Serve(args) => Box::pin(serve::run(args)),
        Command::Demo(args) => Box::pin(demo::run(args)),
        Command::Bench(args) => Box::pin(bench::run(*args)),
        Command::Simulate(args) => Box::pin(simulate::run(args)),
        Command::Import(args) => Box::pin(import::run(args)),
        Command::RetellTools(args) => Box::pin(retell_tools::run(args)),
        Command::Migrate(args) => Box::pin(migrate::run(args)),
        Command::Doctor(args) => Box::pin(doctor::run(args)),
    }
}

/// Returns at the first SIGINT or SIGTERM.
async fn signalled() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_contract_is_understood() {
        for line in [
            "askpro serve",
            "askpro serve --config x.toml",
            "askpro demo",
            "askpro demo --calls-per-minute 60 --for 20",
            "askpro simulate retell",
            "askpro simulate calcom --bind 127.0.0.1:4000",
            "askpro bench",
            "askpro bench --url http://127.0.0.1:8080 --concurrent-calls 500 --rate 300 --for 30 --json out.json",
            "askpro bench --config x.toml",
            "askpro import companies.json",
            "askpro import companies.json --dry-run",
            "askpro retell-tools",
            "askpro retell-tools --url https://api.example.com/ --language en",
            "askpro retell-tools --url https://api.example.com --company friseur-mitte --config x.toml",
            "askpro migrate",
            "askpro migrate --status",
            "askpro doctor",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn wrong_usage_ends_with_code_two() {
        for line in [
            "askpro",
            "askpro serv",
            "askpro serve --port 1",
            "askpro import",
            "askpro simulate",
            "askpro simulate twilio",
            "askpro bench --rate fast",
            "askpro bench --rate 0",
            "askpro bench --rate NaN",
            "askpro bench --for -1",
            "askpro bench --concurrent-calls 0",
            "askpro bench --function-share 2",
            "askpro demo --calls-per-minute 0",
            "askpro retell-tools --url api.example.com",
            "askpro retell-tools --url https://api.example.com?x=1",
            "askpro retell-tools --language fr",
            "askpro retell-tools --company a/b",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(parse("askpro --help").unwrap_err().exit_code(), 0);
    }
}
