//! The metrics of this crate: names, labels and help texts, and nothing that counts.

/// How a metric's value moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets.
    Histogram,
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

/// Offers that were turned away. `scope`: mailbox, shard, isolated, draining, actors; of schedulers also
/// questions, those that wait for the calendar.
pub const MAILBOX_REFUSED: Metric = Metric {
    name: "askpro_mailbox_refused_total",
    kind: MetricKind::Counter,
    help: "Messages that were refused at the door, by the limit that refused them",
    labels: &["actor", "scope"],
};

/// Messages that were set aside. `actor`: see [`ACTORS`], and [`JOURNAL`].
pub const DEAD_LETTERS: Metric = Metric {
    name: "askpro_dead_letters_total",
    kind: MetricKind::Counter,
    help: "Messages that were set aside: after their second fault, because their actor was isolated, rows that the \
           database refuses, and records of the journal that cannot be read",
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

/// Calls that have not ended.
pub const CALLS_LIVE: Metric = Metric {
    name: "askpro_calls_live",
    kind: MetricKind::Gauge,
    help: "Calls that have not ended",
    labels: &[],
};

/// Holds that are offered or being booked.
pub const HOLDS_ACTIVE: Metric = Metric {
    name: "askpro_holds_active",
    kind: MetricKind::Gauge,
    help: "Slots that are held for a caller or being booked",
    labels: &[],
};

/// Moves of bookings, by the status they moved to.
pub const BOOKINGS: Metric = Metric {
    name: "askpro_bookings_total",
    kind: MetricKind::Counter,
    help: "Moves of bookings, by the status they moved to",
    labels: &["outcome"],
};

/// Requests to the calendar; adapters count those that were sent, here those are counted that a breaker stopped.
pub const CALCOM_REQUESTS: Metric = Metric {
    name: "askpro_calcom_requests_total",
    kind: MetricKind::Counter,
    help: "Requests to Cal.com by operation and outcome, those that were never sent included",
    labels: &["operation", "outcome"],
};

/// Requests that a budget refused. `class`: bookings, checks, refresh, hints.
pub const BUDGET_REFUSED: Metric = Metric {
    name: "askpro_calcom_budget_refused_total",
    kind: MetricKind::Counter,
    help: "Requests to Cal.com that were not sent because their key's budget was spent, by class",
    labels: &["class"],
};

/// Holds that were not reserved at the calendar. `reason`: off, hold_over, pool, standing, too_many, breaker_open,
/// budget_spent.
pub const RESERVATIONS_SKIPPED: Metric = Metric {
    name: "askpro_reservations_skipped_total",
    kind: MetricKind::Counter,
    help: "Holds that were not hidden from web bookers by a reservation at Cal.com, by the reason",
    labels: &["reason"],
};

/// Where breakers stand. `target`: calcom_slots, calcom_bookings.
pub const BREAKER_STATE: Metric = Metric {
    name: "askpro_breaker_state",
    kind: MetricKind::Gauge,
    help: "Circuit breakers, the worst of all companies: 0 closed, 1 half open, 2 open",
    labels: &["target"],
};

/// Companies whose breaker is not closed. `target`: calcom_slots, calcom_bookings.
pub const BREAKERS_OPEN: Metric = Metric {
    name: "askpro_breakers_open",
    kind: MetricKind::Gauge,
    help: "Companies whose circuit breaker is open or half open",
    labels: &["target"],
};

/// Rows of one transaction of a writer.
pub const WRITER_BATCH_ROWS: Metric = Metric {
    name: "askpro_writer_batch_rows",
    kind: MetricKind::Histogram,
    help: "Rows that a writer committed in one transaction",
    labels: &[],
};

/// Duration of one transaction of a writer.
pub const WRITER_COMMIT: Metric = Metric {
    name: "askpro_writer_commit_seconds",
    kind: MetricKind::Histogram,
    help: "Duration of a writer's transaction",
    labels: &[],
};

/// Transactions that were tried again.
pub const WRITER_RETRIES: Metric = Metric {
    name: "askpro_writer_retries_total",
    kind: MetricKind::Counter,
    help: "Transactions that the database did not take, or rolled back for another, and that were tried again",
    labels: &[],
};

/// Rows that say what nobody understands, each time they were come upon. `table`: see [`TABLES`].
pub const ROWS_UNREADABLE: Metric = Metric {
    name: "askpro_rows_unreadable_total",
    kind: MetricKind::Counter,
    help: "Rows that could not be read; the log names them",
    labels: &["table"],
};

/// Events that were set aside because they belong to no company.
pub const QUARANTINED: Metric = Metric {
    name: "askpro_quarantined_total",
    kind: MetricKind::Counter,
    help: "Events that were set aside because they belong to no company",
    labels: &["reason"],
};

/// What came of asking for calls that fell silent. `outcome`: closed, ongoing, unknown, given_up.
pub const SILENT_CALLS: Metric = Metric {
    name: "askpro_silent_calls_total",
    kind: MetricKind::Counter,
    help: "Calls whose end never came: closed by Retell's word, still ongoing there, unknown there, or given up",
    labels: &["outcome"],
};

/// Calls that the comparison with the platform brought. `gap`: unended, unknown, unanalyzed.
pub const RECONCILE_GAPS: Metric = Metric {
    name: "askpro_reconcile_gaps_total",
    kind: MetricKind::Counter,
    help: "Gaps that a comparison with Retell's list of calls found and filled",
    labels: &["gap"],
};

/// Comparisons with the platform. `outcome`: complete, incomplete.
pub const RECONCILE_RUNS: Metric = Metric {
    name: "askpro_reconcile_runs_total",
    kind: MetricKind::Counter,
    help: "Comparisons of our calls with Retell's list, by how they ended",
    labels: &["outcome"],
};

/// Every metric of this crate.
pub const CATALOGUE: &[Metric] = &[
    ACTOR_RESTARTS,
    MAILBOX_DEPTH,
    MAILBOX_REFUSED,
    DEAD_LETTERS,
    ACTORS_LIVE,
    SHARDS_REPLACED,
    CALLS_LIVE,
    HOLDS_ACTIVE,
    BOOKINGS,
    CALCOM_REQUESTS,
    BUDGET_REFUSED,
    RESERVATIONS_SKIPPED,
    BREAKER_STATE,
    BREAKERS_OPEN,
    WRITER_BATCH_ROWS,
    WRITER_COMMIT,
    WRITER_RETRIES,
    ROWS_UNREADABLE,
    QUARANTINED,
    SILENT_CALLS,
    RECONCILE_GAPS,
    RECONCILE_RUNS,
];

/// Tables whose rows stop nobody when they cannot be read, as label values.
pub const TABLES: &[&str] = &["appointments", "callbacks", "calls", "companies"];
/// Kinds of actors, as label values.
pub const ACTORS: &[&str] = &["budget", "call", "reconcile", "scheduling", "tenant", "writer"];
/// Whose dead letters the records are that cannot be read at a start, as label value.
pub const JOURNAL: &str = "journal";
/// Places where a fault of an actor is caught, as label values.
pub const RESTART_REASONS: &[&str] = &["handler", "timer", "future", "stopping", "build"];
/// Bounds that refuse messages of any actor, as label values.
pub const REFUSAL_SCOPES: &[&str] = &["mailbox", "shard", "isolated", "draining", "actors"];

/// Hands the help texts to the recorder and puts every series of the actors at 0; called once, after it is
/// installed.
pub fn describe() {
    for metric in CATALOGUE {
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
    for actor in ACTORS {
        metrics::gauge!(MAILBOX_DEPTH.name, "actor" => *actor).set(0.0);
        metrics::gauge!(ACTORS_LIVE.name, "actor" => *actor).set(0.0);
        metrics::counter!(DEAD_LETTERS.name, "actor" => *actor).increment(0);
        for reason in RESTART_REASONS {
            metrics::counter!(ACTOR_RESTARTS.name, "actor" => *actor, "reason" => *reason).increment(0);
        }
        for scope in REFUSAL_SCOPES {
            metrics::counter!(MAILBOX_REFUSED.name, "actor" => *actor, "scope" => *scope).increment(0);
        }
    }
    metrics::counter!(MAILBOX_REFUSED.name, "actor" => "scheduling", "scope" => "questions").increment(0);
    metrics::counter!(DEAD_LETTERS.name, "actor" => JOURNAL).increment(0);
    metrics::counter!(SHARDS_REPLACED.name).increment(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Scope;

    #[test]
    fn every_bound_that_refuses_is_among_the_label_values() {
        assert_eq!(REFUSAL_SCOPES, Scope::ALL.map(Scope::as_str));
    }
}
