//! The metrics of this crate: names, labels and help texts, and nothing that counts.

/// How a metric's value moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One line of the metric catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name it is exported under.
    pub name: &'static str,
    /// How its value moves.
    pub kind: MetricKind,
    /// What it tells an operator.
    pub help: &'static str,
    /// Its labels; each has a closed set of values.
    pub labels: &'static [&'static str],
}

/// Panics and failed builds that were caught. `reason`: handler (effects included), timer, future, stopping, build.
pub const ACTOR_RESTARTS: Metric = Metric {
    name: "askpro_actor_restarts_total",
    kind: MetricKind::Counter,
    help: "Faults of actors that were caught and answered by supervision, by the place of the fault",
    labels: &["actor", "reason"],
};

/// Messages that were accepted and are not yet handled.
pub const MAILBOX_DEPTH: Metric = Metric {
    name: "askpro_mailbox_depth",
    kind: MetricKind::Gauge,
    help: "Messages that were accepted by the mailboxes of a kind of actor and are not yet handled",
    labels: &["actor"],
};

/// Offers that were turned away. `scope`: mailbox, shard, isolated, draining, actors.
pub const MAILBOX_REFUSED: Metric = Metric {
    name: "askpro_mailbox_refused_total",
    kind: MetricKind::Counter,
    help: "Messages that were refused at the door, by the limit that refused them",
    labels: &["actor", "scope"],
};

/// Messages that were set aside.
pub const DEAD_LETTERS: Metric = Metric {
    name: "askpro_dead_letters_total",
    kind: MetricKind::Counter,
    help: "Messages that were set aside after their second fault, or because their actor was isolated",
    labels: &["actor"],
};

/// Actors in memory.
pub const ACTORS_LIVE: Metric = Metric {
    name: "askpro_actors_live",
    kind: MetricKind::Gauge,
    help: "Actors in memory",
    labels: &["actor"],
};

/// Arbiter threads that stopped answering and were replaced.
pub const SHARDS_REPLACED: Metric = Metric {
    name: "askpro_shards_replaced_total",
    kind: MetricKind::Counter,
    help: "Arbiter threads that did not answer their heartbeat and were replaced by new ones",
    labels: &[],
};

/// Every metric of this crate.
pub const CATALOGUE: &[Metric] =
    &[ACTOR_RESTARTS, MAILBOX_DEPTH, MAILBOX_REFUSED, DEAD_LETTERS, ACTORS_LIVE, SHARDS_REPLACED];

/// Kinds of actors.
const ACTORS: [&str; 4] = ["call", "scheduling", "tenant", "writer"];
/// Places of a fault.
const RESTART_REASONS: [&str; 5] = ["handler", "timer", "future", "stopping", "build"];

/// Hands the help texts to the recorder and brings the series that rigs read to life at 0; called once, after
/// it is installed.
pub fn describe() {
    for metric in CATALOGUE {
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
        }
    }
    for actor in ACTORS {
        metrics::gauge!(MAILBOX_DEPTH.name, "actor" => actor).increment(0.0);
        metrics::gauge!(ACTORS_LIVE.name, "actor" => actor).increment(0.0);
        for reason in RESTART_REASONS {
            metrics::counter!(ACTOR_RESTARTS.name, "actor" => actor, "reason" => reason).increment(0);
        }
    }
}

/// Calls that have not ended.
pub const CALLS_LIVE: &str = "askpro_calls_live";
/// Holds that are offered or being booked.
pub const HOLDS_ACTIVE: &str = "askpro_holds_active";
/// Moves of bookings, by the status they moved to.
pub const BOOKINGS: &str = "askpro_bookings_total";
/// Rows of one transaction of a writer.
pub const WRITER_BATCH_ROWS: &str = "askpro_writer_batch_rows";
/// Duration of one transaction of a writer.
pub const WRITER_COMMIT: &str = "askpro_writer_commit_seconds";
/// Transactions that were tried again.
pub const WRITER_RETRIES: &str = "askpro_writer_retries_total";
/// Events that were set aside because they belong to no company.
pub const QUARANTINED: &str = "askpro_quarantined_total";
