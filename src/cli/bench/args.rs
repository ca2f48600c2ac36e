//! The arguments of `askpro bench`, and what its words mean.

use std::path::PathBuf;

use clap::Args;

use super::trouble::TroubleKind;

/// Calls that begin per second in a warm-up of automatic length.
const WARM_UP_CALLS_PER_S: f64 = 1_000.0;
/// Shortest warm-up of automatic length, in seconds.
const WARM_UP_S_MIN: f64 = 10.0;
/// The oracle's patience, in seconds.
const SETTLE_S: f64 = 60.0;
/// The same after trouble: a key may be blocked for a minute, and what waits is sent within its budget.
const SETTLE_AFTER_TROUBLE_S: f64 = 300.0;
/// Arguments whose values are not repeated.
const SECRET_ARGUMENTS: [&str; 2] = ["--admin-token", "--webhook-key"];

/// What the words of this command mean; the end of its help.
const DEFINITIONS: &str = "\
Definitions:

A call is call_started, some transcript_updated, for a share of the calls check_availability and
book_appointment, call_ended and call_analyzed; chats, web calls, transfers and calls that never connect are
among them. Calls last 30 s on average and begin independently of each other (Poisson).

EVENTS_PER_S counts webhook events, copies included; function calls come on top. With E events per call,
calls begin at EVENTS_PER_S / E per second. Without --rate that is N / 30 s for N concurrent calls; with both
--rate and --concurrent-calls the length of a call gives way (N x E / EVENTS_PER_S).

The loop is open: everything is sent when the schedule says so, whether or not the service keeps up, and a
latency counts from the time a request was due until its acknowledgement, repeats included. Events that are
not acknowledged are repeated three times, after 1, 2 and 4 s.

A function call is in time when it was answered with 2xx within functions.budget_ms + 250 ms of the moment it
was due; in doubt the sender's own lag counts against the service.

In the end the oracle reads back every call (above 20,000 calls a random sample) over the admin API, and
every booking of the simulated Cal.com: acknowledged events lost or doubled, calls out of state, overlapping
bookings, appointments without booking and the reverse. Exit code 1 if it finds anything.";

/// Arguments of `askpro bench`.
#[derive(Debug, Clone, Args)]
#[command(after_help = DEFINITIONS)]
pub(in crate::cli) struct BenchArgs {
    /// A running service; without it one is started in this process, on the configured database (default:
    /// SQLite in a temporary folder), with a simulated Cal.com
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// Calls live at the same time, on average [default: 100, or what --rate makes it]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) concurrent_calls: Option<u32>,
    /// Webhook events per second [default: what the concurrent calls make it]
    #[arg(long, value_name = "EVENTS_PER_S", value_parser = positive)]
    pub(super) rate: Option<f64>,
    /// Seconds that are measured, after the warm-up
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 30.0, value_parser = positive)]
    pub(super) for_s: f64,
    /// Write the report to this file too
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Settings that differ from the defaults (TOML)
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Companies that are made up, or asked of the service with --url
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=90_000))]
    pub(super) companies: u32,
    /// Companies from this import file instead (JSON or TOML)
    #[arg(long, value_name = "FILE")]
    pub(super) import: Option<PathBuf>,
    /// Only write the made-up companies to this file, for `askpro import` at a service elsewhere
    #[arg(long, value_name = "FILE")]
    pub(super) write_companies: Option<PathBuf>,
    /// Share of the conversations in which functions are called, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = share)]
    pub(super) function_share: f64,
    /// Callers want one of so many coming days: the fewer, the more they clash
    #[arg(long, value_name = "DAYS", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(super) booking_days: u32,
    /// Share of the events sent twice, and of those sent in the wrong order; half as many come again after 10 s
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    pub(super) disorder: f64,
    /// Calls written beforehand, whose ids, numbers and times are filled in when they are sent
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = parse_count)]
    pub(super) scripts: usize,
    /// Seconds until all calls are in, not measured [default: 10, or 1 for every 1,000 calls]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(super) warm_up: Option<f64>,
    /// What goes wrong at the simulated Cal.com, one after the other, each for its share of the measured time
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(super) calcom_trouble: Vec<TroubleKind>,
    /// Share of the companies that suffer from it, 0 to 1 (at least one); the others are shown beside them
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    pub(super) troubled: f64,
    /// Seconds the oracle gives the service to finish what it still has to do [default: 60, after trouble 300]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub(super) settle: Option<f64>,
    /// Connections to the service at most
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = parse_count)]
    pub(super) connections: usize,
    /// The same seed sends the same traffic, under new ids [default: the time]
    #[arg(long, value_name = "SEED")]
    pub(super) seed: Option<u64>,
    /// The service's admin.token [default: as configured; other users of this machine see arguments, and no
    /// variables: rather ASKPRO__ADMIN__TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(super) admin_token: Option<String>,
    /// One of the service's retell.webhook_keys [default: the first that is configured; rather
    /// ASKPRO__RETELL__WEBHOOK_KEYS]
    #[arg(long, value_name = "KEY")]
    pub(super) webhook_key: Option<String>,
    /// The simulated Cal.com that a service elsewhere uses (askpro simulate calcom) [default: calcom.base_url]
    #[arg(long, value_name = "URL")]
    pub(super) calcom_url: Option<String>,
}

impl BenchArgs {
    /// The length of the warm-up for so many calls.
    pub(super) fn warm_up_s(&self, concurrent_calls: u32) -> f64 {
        let automatic = (f64::from(concurrent_calls) / WARM_UP_CALLS_PER_S).max(WARM_UP_S_MIN);
        self.warm_up.unwrap_or(automatic)
    }

    /// How long the oracle waits.
    pub(super) fn settle_s(&self) -> f64 {
        let automatic = if self.calcom_trouble.is_empty() { SETTLE_S } else { SETTLE_AFTER_TROUBLE_S };
        self.settle.unwrap_or(automatic)
    }
}

/// A number above 0.
pub(in crate::cli) fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "give a number above 0".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "give a number from 0 to 1".to_owned())
}

fn parse_count(text: &str) -> Result<usize, String> {
    let number = text.parse::<usize>().ok().filter(|number| (1..=20_000).contains(number));
    number.ok_or_else(|| "give a whole number from 1 to 20000".to_owned())
}

/// The command that this process was started with, without its secrets.
pub(super) fn shown_command() -> String {
    show(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()))
}

fn show(arguments: impl Iterator<Item = String>) -> String {
    let mut shown: Vec<String> = Vec::new();
    for argument in arguments {
        let is_value = shown.last().is_some_and(|before| SECRET_ARGUMENTS.contains(&before.as_str()));
        let named = SECRET_ARGUMENTS.iter().find(|name| argument.starts_with(&format!("{name}=")));
        shown.push(match named {
            Some(name) => format!("{name}=(hidden)"),
            None if is_value => "(hidden)".to_owned(),
            None => argument,
        });
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Bench {
        #[command(flatten)]
        args: BenchArgs,
    }

    #[test]
    fn arguments_become_numbers_and_files() {
        let line = "bench --concurrent-calls 5000 --rate 250.5 --for 12 --json out.json --seed 7";
        let args = Bench::try_parse_from(line.split(' ')).unwrap().args;
        assert_eq!((args.concurrent_calls, args.rate, args.for_s), (Some(5_000), Some(250.5), 12.0));
        assert_eq!(args.json, Some(PathBuf::from("out.json")));
        assert_eq!((args.seed, args.url), (Some(7), None));
    }

    #[test]
    fn the_warm_up_grows_with_the_calls() {
        let args = |line: &str| Bench::try_parse_from(line.split(' ')).unwrap().args;
        assert_eq!(args("bench").warm_up_s(100), 10.0);
        assert_eq!(args("bench").warm_up_s(30_000), 30.0);
        assert_eq!(args("bench --warm-up 2").warm_up_s(30_000), 2.0);
    }

    #[test]
    fn the_shown_command_keeps_secrets() {
        let line = "askpro bench --admin-token abc --webhook-key=def --for 3";
        let shown = show(line.split(' ').map(str::to_owned));
        assert_eq!(shown, "askpro bench --admin-token (hidden) --webhook-key=(hidden) --for 3");
    }
}
