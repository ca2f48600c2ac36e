//! What a benchmark says in the end: on the screen and as JSON, the same figures.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::figures::{Counts, Latencies, Measured, Spread};
use super::machine::Machine;
use super::model::Model;
use super::trouble::TroubleKind;
use crate::cli::oracle::{FAULT_KINDS, Verdict};

/// Faults that are written out; all are counted.
const FAULTS_SHOWN_MAX: usize = 20;
/// Faults in the JSON file.
const FAULTS_WRITTEN_MAX: usize = 1_000;

/// How it was measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Setup {
    /// The service.
    pub(super) url: String,
    /// It ran in this process and shared its cores.
    pub(super) own_service: bool,
    /// `sqlite`, `mysql`; `unknown` for a foreign service.
    pub(super) database: String,
    /// Lines that were called.
    pub(super) lines: usize,
    /// Calls at the same time, on average.
    pub(super) concurrent_calls: u32,
    /// Calls that began per second.
    pub(super) calls_per_s: f64,
    /// Mean length of a call.
    pub(super) call_s: f64,
    /// Webhook events per second.
    pub(super) events_per_s: f64,
    /// Share of conversations with function calls.
    pub(super) function_share: f64,
    /// Within which a function must be answered.
    pub(super) patience_ms: u64,
    /// What was wrong with Cal.com, one after the other.
    pub(super) calcom_trouble: Vec<TroubleKind>,
    /// Lines whose companies suffered from it.
    pub(super) lines_in_trouble: usize,
    /// Share of events sent twice, and of events sent in the wrong order.
    pub(super) disorder: f64,
    /// Not measured, at the beginning.
    pub(super) warm_up_s: f64,
    /// Measured.
    pub(super) measured_s: f64,
    /// The traffic's seed.
    pub(super) seed: u64,
}

impl Setup {
    /// Takes over the traffic's figures.
    pub(super) fn traffic(&mut self, model: &Model) {
        self.concurrent_calls = model.concurrent_calls;
        self.calls_per_s = model.calls_per_s;
        self.call_s = model.call_s;
        self.events_per_s = model.events_per_s();
    }
}

/// The oracle's part.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OracleReport {
    /// Nothing was found.
    pub(super) sound: bool,
    /// Faults by kind.
    #[serde(flatten)]
    pub(super) by_kind: BTreeMap<&'static str, usize>,
    /// Calls that were sent.
    pub(super) calls: usize,
    /// Calls that were compared: all, or a random sample.
    pub(super) calls_checked: usize,
    /// Acknowledged events that were compared.
    pub(super) events_checked: usize,
    /// Bookings at Cal.com; `null` where it could not be looked into.
    pub(super) bookings_checked: Option<usize>,
    /// Appointments still on their way when the oracle's patience was over.
    pub(super) appointments_open: usize,
    /// The faults in words.
    pub(super) faults: Vec<String>,
}

impl From<&Verdict> for OracleReport {
    fn from(verdict: &Verdict) -> Self {
        Self {
            sound: verdict.is_sound(),
            by_kind: verdict.by_kind(),
            calls: verdict.calls,
            calls_checked: verdict.calls_checked,
            events_checked: verdict.events_checked,
            bookings_checked: verdict.bookings_checked,
            appointments_open: verdict.appointments_open,
            faults: verdict.faults.iter().take(FAULTS_WRITTEN_MAX).map(ToString::to_string).collect(),
        }
    }
}

/// Everything.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    /// The command as it was given, secrets left out.
    pub(super) command: String,
    /// Where it ran.
    pub(super) machine: Machine,
    /// How it was measured.
    pub(super) setup: Setup,
    /// From due to acknowledged, durable events.
    pub(super) webhook_acks: Spread,
    /// From due to acknowledged, running transcripts.
    pub(super) transcript_acks: Spread,
    /// Acknowledged events of both kinds per second of the measured time.
    pub(super) webhook_acks_per_s: f64,
    /// From due to answered, by function; without companies in trouble.
    pub(super) functions: BTreeMap<String, Spread>,
    /// The same at companies whose Cal.com was in trouble.
    pub(super) functions_in_trouble: BTreeMap<String, Spread>,
    /// How late the sender was.
    pub(super) sender_lag: Spread,
    /// How requests ended, over the whole run.
    pub(super) counts: Counts,
    /// Counters of the service itself.
    pub(super) service: BTreeMap<String, f64>,
    /// The most memory of this process (with a service of its own: both together).
    pub(super) memory_peak_bytes: Option<u64>,
    /// What the oracle found.
    pub(super) oracle: OracleReport,
}

impl Report {
    /// Takes over what was measured.
    pub(super) fn new(
        command: String,
        machine: Machine,
        setup: Setup,
        measured: &Measured,
        service: BTreeMap<String, f64>,
        verdict: &Verdict,
    ) -> Self {
        let webhook_acks = measured.webhooks.spread();
        let transcript_acks = measured.transcripts.spread();
        let acknowledged = webhook_acks.count + transcript_acks.count;
        let spreads = |functions: &BTreeMap<&'static str, Latencies>| {
            functions.iter().map(|(name, latencies)| ((*name).to_owned(), latencies.spread())).collect()
        };
        Self {
            command,
            machine,
            webhook_acks_per_s: acknowledged as f64 / setup.measured_s.max(0.001),
            setup,
            webhook_acks,
            transcript_acks,
            functions: spreads(&measured.functions),
            functions_in_trouble: spreads(&measured.functions_in_trouble),
            sender_lag: measured.lag.spread(),
            counts: measured.counts.clone(),
            service,
            memory_peak_bytes: super::machine::memory_peak_bytes(),
            oracle: OracleReport::from(verdict),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_setup(f)?;
        self.write_latencies(f)?;
        self.write_counts(f)?;
        self.write_oracle(f)
    }
}

impl Report {
    fn write_setup(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, setup) = (&self.machine, &self.setup);
        let gib = |bytes: u64| bytes as f64 / 1_073_741_824.0;
        writeln!(f, "command    {}", self.command)?;
        writeln!(
            f,
            "machine    {} cores, {}, {:.1} GiB, Linux {}, {} build",
            machine.cores,
            machine.cpu_model,
            gib(machine.memory_bytes),
            machine.kernel,
            machine.build,
        )?;
        if machine.build == "debug" {
            writeln!(
                f,
                "           a debug build: its figures say nothing about speed (cargo run --release)"
            )?;
        }
        let place = if setup.own_service { "in this process, sharing its cores" } else { "another process" };
        writeln!(f, "service    {} ({place}; database {})", setup.url, setup.database)?;
        writeln!(
            f,
            "traffic    {} concurrent calls of {:.1} s, {:.1} calls/s, {:.1} events/s to {} lines; seed {}",
            setup.concurrent_calls,
            setup.call_s,
            setup.calls_per_s,
            setup.events_per_s,
            setup.lines,
            setup.seed,
        )?;
        if !setup.calcom_trouble.is_empty() {
            writeln!(
                f,
                "trouble    Cal.com {:?} for {} of {} lines",
                setup.calcom_trouble, setup.lines_in_trouble, setup.lines
            )?;
        }
        writeln!(f, "measured   {:.1} s after {:.1} s of warm-up", setup.measured_s, setup.warm_up_s)?;
        match self.memory_peak_bytes {
            Some(bytes) => writeln!(f, "memory     {:.2} GiB at most in this process\n", gib(bytes)),
            None => writeln!(f),
        }
    }

    fn write_latencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["count", "p50", "p90", "p99", "p99.9", "max"];
        let [count, p50, p90, p99, p999, max] = heads;
        writeln!(f, "{:<24}{count:>10}{p50:>10}{p90:>10}{p99:>10}{p999:>10}{max:>10}  ms from due", "")?;
        let mut row = |name: &str, spread: &Spread| {
            let Spread { count, p50_ms, p90_ms, p99_ms, p999_ms, max_ms, .. } = spread;
            writeln!(
                f,
                "{name:<24}{count:>10}{p50_ms:>10.2}{p90_ms:>10.2}{p99_ms:>10.2}{p999_ms:>10.2}{max_ms:>10.2}"
            )
        };
        row("webhook ack (durable)", &self.webhook_acks)?;
        row("transcript ack", &self.transcript_acks)?;
        for (name, spread) in &self.functions {
            row(name, spread)?;
        }
        for (name, spread) in &self.functions_in_trouble {
            row(&format!("! {name}"), spread)?;
        }
        row("(sender's own lag)", &self.sender_lag)?;
        if !self.functions_in_trouble.is_empty() {
            writeln!(f, "!: companies whose Cal.com was in trouble")?;
        }
        writeln!(f)
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(
            f,
            "acked      {:.1} events/s measured; in all {} due, {} sent, {} acked, {} refused, {} errors, {} repeats, {} given up",
            self.webhook_acks_per_s,
            counts.due,
            counts.sent,
            counts.acknowledged,
            counts.refused_all(),
            counts.errors,
            counts.repeats,
            counts.given_up,
        )?;
        writeln!(
            f,
            "in time    {} of {} functions answered within {} ms of being due",
            counts.functions_in_time, counts.functions_due, self.setup.patience_ms,
        )?;
        for (status, count) in &counts.refused {
            writeln!(f, "           refused with {status}: {count}")?;
        }
        for (answer, count) in &counts.function_answers {
            writeln!(f, "           {answer}: {count}")?;
        }
        for (name, value) in &self.service {
            writeln!(f, "           {name} {value}")?;
        }
        writeln!(f)
    }

    fn write_oracle(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let oracle = &self.oracle;
        let how = if oracle.calls_checked == oracle.calls { "all" } else { "a random sample" };
        let bookings = oracle.bookings_checked.map_or_else(
            || "Cal.com not looked into".to_owned(),
            |bookings| format!("{bookings} bookings at Cal.com"),
        );
        writeln!(
            f,
            "oracle     {} of {} calls ({how}), {} acknowledged events, {bookings}, {} appointments still open",
            oracle.calls_checked, oracle.calls, oracle.events_checked, oracle.appointments_open,
        )?;
        let kinds: Vec<String> = FAULT_KINDS
            .iter()
            .map(|kind| format!("{} {}", kind.replace('_', " "), oracle.by_kind.get(kind).unwrap_or(&0)))
            .collect();
        writeln!(f, "           {}", kinds.join(", "))?;
        for fault in oracle.faults.iter().take(FAULTS_SHOWN_MAX) {
            writeln!(f, "           {fault}")?;
        }
        write!(f, "verdict    {}", if oracle.sound { "sound" } else { "NOT SOUND" })
    }
}
