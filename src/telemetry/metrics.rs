//! The catalogue of the service's metrics: every name with its help text, unit and closed label sets.
//!
//! Whoever counts uses the constants; dashboards and rigs hold on to the names. Base units, no ids as labels.
//! The runtime of the actors keeps a catalogue of its own (mailboxes, restarts). Nothing here counts anything.

use metrics::Unit;

/// Events received on webhooks, by their outcome at the door.
pub const WEBHOOK_EVENTS: &str = "askpro_webhook_events_total";
/// From the last byte of a webhook to its answer.
pub const WEBHOOK_ACK: &str = "askpro_webhook_ack_seconds";
/// Calls that have not ended.
pub const CALLS_LIVE: &str = askpro_actors::metrics::CALLS_LIVE.name;
/// Live function calls answered.
pub const FUNCTIONS: &str = "askpro_functions_total";
/// From a function call to its answer.
pub const FUNCTION_DURATION: &str = "askpro_function_seconds";
/// Function names that came with a version suffix.
pub const FUNCTIONS_VERSIONED: &str = "askpro_functions_versioned_total";
/// Answers to questions before a call or chat.
pub const INBOUND_ANSWERS: &str = "askpro_inbound_answers_total";
/// Arguments of function calls that were of no use, in a wrong place or too long.
pub const FUNCTION_ARGUMENTS: &str = "askpro_function_arguments_total";
/// Function calls in another form than Retell's own.
pub const FUNCTION_ENVELOPES: &str = "askpro_function_envelopes_total";
/// Work turned away, with its reason.
pub const REFUSED: &str = "askpro_refused_total";
/// Slots that are held now.
pub const HOLDS_ACTIVE: &str = askpro_actors::metrics::HOLDS_ACTIVE.name;
/// Bookings that reached an outcome.
pub const BOOKINGS: &str = askpro_actors::metrics::BOOKINGS.name;
/// Rows in one transaction of a writer.
pub const WRITER_BATCH_ROWS: &str = askpro_actors::metrics::WRITER_BATCH_ROWS.name;
/// One transaction of a writer.
pub const WRITER_COMMIT: &str = askpro_actors::metrics::WRITER_COMMIT.name;
/// Positions that wait for a writer.
pub const WRITER_BACKLOG: &str = "askpro_writer_backlog_events";
/// Transactions that had to be tried again.
pub const WRITER_RETRIES: &str = askpro_actors::metrics::WRITER_RETRIES.name;
/// Rows that could not be read.
pub const ROWS_UNREADABLE: &str = askpro_actors::metrics::ROWS_UNREADABLE.name;
/// Journaled, not yet committed to the database.
pub const JOURNAL_UNAPPLIED: &str = "askpro_journal_unapplied_events";
/// Journaled, in the database, and still needed by live holds and open bookings.
pub const JOURNAL_PINNED: &str = "askpro_journal_pinned_events";
/// One sync of the journal's disk.
pub const JOURNAL_FSYNC: &str = "askpro_journal_fsync_seconds";
/// Bytes that the journal takes on its disk.
pub const JOURNAL_SIZE: &str = "askpro_journal_size_bytes";
/// Bytes that the journal may take.
pub const JOURNAL_SIZE_MAX: &str = "askpro_journal_size_max_bytes";
/// Records of this start that were given up, because their segment was moved aside.
pub const JOURNAL_GIVEN_UP: &str = "askpro_journal_given_up_bytes";
/// Refusals that are held back.
pub const REFUSALS_HELD: &str = "askpro_refusals_held";
/// How late the threads of the door come to what is ready.
pub const WORKER_LATENESS: &str = "askpro_worker_lateness_seconds";
/// How far the service's time is ahead of the machine's, which was put back.
pub const CLOCK_AHEAD: &str = "askpro_clock_ahead_seconds";
/// Requests to Cal.com.
pub const CALCOM_REQUESTS: &str = askpro_actors::metrics::CALCOM_REQUESTS.name;
/// One request to Cal.com.
pub const CALCOM_REQUEST_DURATION: &str = "askpro_calcom_request_seconds";
/// Requests to Retell.
pub const RETELL_REQUESTS: &str = "askpro_retell_requests_total";
/// One request to Retell.
pub const RETELL_REQUEST_DURATION: &str = "askpro_retell_request_seconds";
/// What came of asking for calls that fell silent.
pub const SILENT_CALLS: &str = askpro_actors::metrics::SILENT_CALLS.name;
/// Gaps that comparisons with Retell found and filled.
pub const RECONCILE_GAPS: &str = askpro_actors::metrics::RECONCILE_GAPS.name;
/// Comparisons with Retell.
pub const RECONCILE_RUNS: &str = askpro_actors::metrics::RECONCILE_RUNS.name;
/// Requests that a key's budget refused.
pub const CALCOM_BUDGET_REFUSED: &str = askpro_actors::metrics::BUDGET_REFUSED.name;
/// Holds that were not reserved at Cal.com.
pub const RESERVATIONS_SKIPPED: &str = askpro_actors::metrics::RESERVATIONS_SKIPPED.name;
/// How much of its window the tightest key has used.
pub const CALCOM_BUDGET_USED: &str = "askpro_calcom_budget_used_ratio";
/// Keys that Cal.com blocks.
pub const CALCOM_KEYS_BLOCKED: &str = "askpro_calcom_keys_blocked";
/// Circuit breakers, the worst of a target's.
pub const BREAKER_STATE: &str = askpro_actors::metrics::BREAKER_STATE.name;
/// Companies whose breaker is not closed.
pub const BREAKERS_OPEN: &str = askpro_actors::metrics::BREAKERS_OPEN.name;
/// Events that no company could be found for.
pub const QUARANTINED: &str = askpro_actors::metrics::QUARANTINED.name;
/// Whether this process owns the database.
pub const DATABASE_OWNER: &str = "askpro_database_owner";

/// What kind of figure a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations sorted into buckets with these upper bounds.
    Histogram(&'static [f64]),
}

/// A label and every value it can have.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// The label's name.
    pub name: &'static str,
    /// Every value it can have.
    pub values: &'static [&'static str],
}

/// One metric: what it is called, what it says, which series it has.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name it is exported under.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// The unit of its values.
    pub unit: Unit,
    /// What an operator reads beside it.
    pub help: &'static str,
    /// Groups of labels; the series of a group are every combination of its values. They all exist from the
    /// start at 0. No group: one series without labels. An empty set of values: known only when it happens.
    pub series: &'static [&'static [Label]],
}

/// Buckets of every `_seconds` histogram: from a journal's fsync to a calendar that hangs.
pub const SECONDS_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Buckets of row counts, up to the largest batch.
pub const ROWS_BUCKETS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];

const UNLABELLED: &[&[Label]] = &[];

const fn label(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

const fn counter(name: &'static str, help: &'static str, series: &'static [&'static [Label]]) -> Metric {
    Metric { name, kind: Kind::Counter, unit: Unit::Count, help, series }
}

const fn gauge(
    name: &'static str,
    unit: Unit,
    help: &'static str,
    series: &'static [&'static [Label]],
) -> Metric {
    Metric { name, kind: Kind::Gauge, unit, help, series }
}

const fn seconds(name: &'static str, help: &'static str, series: &'static [&'static [Label]]) -> Metric {
    Metric { name, kind: Kind::Histogram(SECONDS_BUCKETS), unit: Unit::Seconds, help, series }
}

/// Events of Retell, as `event` of `WEBHOOK_EVENTS`; `other` is one that we do not know.
pub const RETELL_EVENTS: &[&str] = &[
    "call_started",
    "call_ended",
    "call_analyzed",
    "transcript_updated",
    "transfer_started",
    "transfer_bridged",
    "transfer_cancelled",
    "transfer_ended",
    "chat_started",
    "chat_ended",
    "chat_analyzed",
    "call_inbound",
    "chat_inbound",
    "alert_triggered",
    "alert_resolved",
    "other",
];

/// Events of Cal.com, in our spelling; `other` is one that we do nothing with.
pub const CALCOM_EVENTS: &[&str] = &[
    "booking_created",
    "booking_requested",
    "booking_rescheduled",
    "booking_cancelled",
    "booking_rejected",
    "booking_reassigned",
    "booking_payment_initiated",
    "booking_paid",
    "booking_no_show_updated",
    "booking_location_updated",
    "meeting_started",
    "meeting_ended",
    "ooo_created",
    "ping",
    "custom_template",
    "other",
];

/// Names of live functions; `other` is one that we do not know.
pub const FUNCTION_NAMES: &[&str] = &[
    "check_availability",
    "book_appointment",
    "cancel_appointment",
    "reschedule_appointment",
    "find_appointments",
    "check_customer",
    "list_services",
    "opening_hours",
    "parse_date",
    "request_callback",
    "other",
];

/// Arguments of live functions, as `argument` of `FUNCTION_ARGUMENTS`.
pub const ARGUMENT_NAMES: &[&str] = &[
    "service",
    "date",
    "time",
    "datetime",
    "customer_name",
    "customer_phone",
    "customer_email",
    "staff",
    "notes",
    "confirm",
    "priority",
    "reason",
    "due",
    "text",
];

const SOURCES: &[&str] = &["retell", "calcom"];
/// Outcomes of an event whose kind is known.
const TAKEN_OR_SHED: &[&str] = &["accepted", "shed", "journal_full"];
/// Outcomes of a body that was refused before its kind was known.
const REFUSED_UNREAD: &[&str] = &["unauthorized", "invalid", "too_large", "shed"];
const CALCOM_OPERATIONS: &[&str] =
    &["slots", "book", "find", "reschedule", "cancel", "event_types", "reserve", "unreserve"];
const REQUEST_OUTCOMES: &[&str] = &[
    "ok",
    "refused",
    "unauthorized",
    "rate_limited",
    "server_error",
    "timeout",
    "unreachable",
    "breaker_open",
    "budget_spent",
];

const RETELL_OPERATIONS: &[&str] = &["get_call", "list_calls"];
const RETELL_OUTCOMES: &[&str] = &[
    "ok",
    "not_found",
    "refused",
    "unauthorized",
    "rate_limited",
    "server_error",
    "timeout",
    "unreachable",
    "unreadable",
];
/// Kinds of requests to Cal.com, the first served first.
const BUDGET_CLASSES: &[&str] = &["bookings", "checks", "refresh", "hints"];
/// Why a hold was not reserved at Cal.com.
const RESERVATION_SKIPS: &[&str] =
    &["off", "hold_over", "pool", "standing", "too_many", "breaker_open", "budget_spent"];
/// What breakers stand before.
const BREAKER_TARGETS: &[&str] = &["calcom_slots", "calcom_bookings"];

/// Every metric of the service.
pub const CATALOGUE: &[Metric] = &[
    counter(
        WEBHOOK_EVENTS,
        "Webhook events by source, kind and outcome at the door; unknown is a body that was refused unread",
        &[
            &[label("source", &["retell"]), label("event", RETELL_EVENTS), label("outcome", TAKEN_OR_SHED)],
            &[label("source", &["calcom"]), label("event", CALCOM_EVENTS), label("outcome", TAKEN_OR_SHED)],
            &[label("source", SOURCES), label("event", &["unknown"]), label("outcome", REFUSED_UNREAD)],
        ],
    ),
    seconds(
        WEBHOOK_ACK,
        "Time from the last byte of a webhook to its answer, the journal's fsync included",
        UNLABELLED,
    ),
    gauge(CALLS_LIVE, Unit::Count, "Calls that have not ended", UNLABELLED),
    counter(
        FUNCTIONS,
        "Live function calls by function and outcome",
        &[&[
            label("function", FUNCTION_NAMES),
            label(
                "outcome",
                &["ok", "refused", "pending", "unknown", "unavailable", "unauthorized", "invalid", "shed"],
            ),
        ]],
    ),
    seconds(
        FUNCTION_DURATION,
        "Time a live function call kept its caller waiting",
        &[&[label("function", FUNCTION_NAMES)]],
    ),
    counter(
        FUNCTIONS_VERSIONED,
        "Function calls whose name carried a version suffix, which was stripped",
        &[&[label("function", FUNCTION_NAMES)]],
    ),
    counter(
        INBOUND_ANSWERS,
        "Answers to Retell's questions before a call or chat begins, by what was answered",
        &[&[label(
            "outcome",
            &[
                "known_caller",
                "unknown_caller",
                "over_concurrent_calls",
                "over_calls_per_minute",
                "unplaced",
                "repeated",
            ],
        )]],
    ),
    counter(
        FUNCTION_ARGUMENTS,
        "Arguments of function calls that were of no use, in the place of another, or too long",
        &[&[label("argument", ARGUMENT_NAMES), label("remark", &["ignored", "moved", "too_long"])]],
    ),
    counter(
        FUNCTION_ENVELOPES,
        "Function calls in another form than Retell's own: what was forgiven, and what was refused for it",
        &[&[label(
            "remark",
            &[
                "unwrapped",
                "text_parsed",
                "id_in_query",
                "id_in_header",
                "too_deep",
                "id_conflict",
                "call_unknown",
            ],
        )]],
    ),
    counter(
        REFUSED,
        "Work that was turned away, by what it was and why",
        &[
            &[
                label("class", &["transcript", "function_read", "function_write", "lifecycle", "inbound"]),
                label(
                    "reason",
                    &[
                        "queue_full",
                        "late",
                        "journal_full",
                        "journal_slow",
                        "bodies_full",
                        "body_large",
                        "body_slow",
                        "quota",
                        "draining",
                        "standby",
                    ],
                ),
            ],
            &[label("class", &["admin"]), label("reason", &["bad_token"])],
            &[label("class", &["answer"]), label("reason", &["unread"])],
        ],
    ),
    gauge(HOLDS_ACTIVE, Unit::Count, "Slots that are held for a call now", UNLABELLED),
    counter(
        BOOKINGS,
        "Bookings by the state they reached",
        &[&[label(
            "outcome",
            &[
                "submitted",
                "confirmed",
                "refused",
                "pending_confirmation",
                "unknown",
                "conflict",
                "cancelled",
                "rescheduled",
                "abandoned",
            ],
        )]],
    ),
    Metric {
        name: WRITER_BATCH_ROWS,
        kind: Kind::Histogram(ROWS_BUCKETS),
        unit: Unit::Count,
        help: "Rows that a writer committed in one transaction",
        series: UNLABELLED,
    },
    seconds(WRITER_COMMIT, "Time one transaction of a writer took", UNLABELLED),
    gauge(WRITER_BACKLOG, Unit::Count, "Journal positions that wait for a writer", UNLABELLED),
    counter(WRITER_RETRIES, "Transactions of writers that were tried again", UNLABELLED),
    counter(
        ROWS_UNREADABLE,
        "Rows that could not be read, by their table; the log names them",
        &[&[label("table", askpro_actors::metrics::TABLES)]],
    ),
    gauge(
        JOURNAL_UNAPPLIED,
        Unit::Count,
        "Events in the journal that are not yet committed to the database",
        UNLABELLED,
    ),
    gauge(
        JOURNAL_PINNED,
        Unit::Count,
        "Records of the journal that stay because live holds and open bookings need them after a crash",
        UNLABELLED,
    ),
    seconds(
        JOURNAL_FSYNC,
        "Time that the journal's disk takes to make a batch of records durable, failures included",
        UNLABELLED,
    ),
    gauge(JOURNAL_SIZE, Unit::Bytes, "Size of the journal on its disk", UNLABELLED),
    gauge(
        JOURNAL_SIZE_MAX,
        Unit::Bytes,
        "Room of the journal; when it is used up webhooks are answered 503",
        UNLABELLED,
    ),
    gauge(
        JOURNAL_GIVEN_UP,
        Unit::Bytes,
        "Records that were not in the database at the start and are lost: their segment was moved aside",
        UNLABELLED,
    ),
    gauge(
        WORKER_LATENESS,
        Unit::Seconds,
        "How late the latest thread that answers requests came to what was ready, in the last second",
        UNLABELLED,
    ),
    gauge(
        REFUSALS_HELD,
        Unit::Count,
        "Refusals of events that are held back, so that their senders come back later",
        UNLABELLED,
    ),
    gauge(
        CLOCK_AHEAD,
        Unit::Seconds,
        "How far the service's time is ahead of the machine's clock, which was put back; 0 when both agree",
        UNLABELLED,
    ),
    counter(
        CALCOM_REQUESTS,
        "Requests to Cal.com by operation and outcome, those that were never sent included",
        &[&[label("operation", CALCOM_OPERATIONS), label("outcome", REQUEST_OUTCOMES)]],
    ),
    seconds(
        CALCOM_REQUEST_DURATION,
        "Time Cal.com took to answer",
        &[&[label("operation", CALCOM_OPERATIONS)]],
    ),
    counter(
        RETELL_REQUESTS,
        "Requests to Retell by operation and outcome",
        &[&[label("operation", RETELL_OPERATIONS), label("outcome", RETELL_OUTCOMES)]],
    ),
    seconds(
        RETELL_REQUEST_DURATION,
        "Time Retell took to answer",
        &[&[label("operation", RETELL_OPERATIONS)]],
    ),
    counter(
        SILENT_CALLS,
        "Calls whose end never came: closed by Retell's word, still ongoing there, unknown there, or given up",
        &[&[label("outcome", &["closed", "ongoing", "unknown", "given_up"])]],
    ),
    counter(
        RECONCILE_GAPS,
        "Gaps that a comparison with Retell's list of calls found and filled",
        &[&[label("gap", &["unended", "unknown", "unanalyzed"])]],
    ),
    counter(
        RECONCILE_RUNS,
        "Comparisons of our calls with Retell's list, by how they ended",
        &[&[label("outcome", &["complete", "incomplete"])]],
    ),
    counter(
        CALCOM_BUDGET_REFUSED,
        "Requests to Cal.com that were not sent because their key's budget was spent, by class",
        &[&[label("class", BUDGET_CLASSES)]],
    ),
    counter(
        RESERVATIONS_SKIPPED,
        "Holds that were not hidden from web bookers by a reservation at Cal.com, by the reason",
        &[&[label("reason", RESERVATION_SKIPS)]],
    ),
    gauge(
        CALCOM_BUDGET_USED,
        Unit::Count,
        "How much of its window of requests the tightest key of Cal.com has used, 0 to 1",
        UNLABELLED,
    ),
    gauge(CALCOM_KEYS_BLOCKED, Unit::Count, "Keys that Cal.com blocks because of their limit", UNLABELLED),
    gauge(
        BREAKER_STATE,
        Unit::Count,
        "Circuit breakers, the worst of all companies: 0 closed, 1 half open, 2 open",
        &[&[label("target", BREAKER_TARGETS)]],
    ),
    gauge(
        BREAKERS_OPEN,
        Unit::Count,
        "Companies whose circuit breaker is open or half open",
        &[&[label("target", BREAKER_TARGETS)]],
    ),
    counter(
        QUARANTINED,
        "Events set aside because no single company could be found for them",
        &[&[label("reason", &["no_identity", "unknown_number_or_agent", "conflict", "foreign_key"])]],
    ),
    gauge(
        DATABASE_OWNER,
        Unit::Count,
        "Whether this process owns the database: 1, or 0 while it stands by",
        UNLABELLED,
    ),
];
