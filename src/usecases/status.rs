//! How the service is: for load balancers one word, for admins a page of figures.

use std::{sync::atomic::Ordering, time::Duration};

use askpro_actors::{
    budget::BudgetFigures,
    ports::journal::JournalStatus,
    runtime::{Actor, Registry},
    scheduling::{BreakerBoard, BreakerTarget, BreakerView},
    writer::WriterView,
};
use askpro_domain::policy::BreakerState;
use serde::Serialize;

use super::{Door, ServiceState, Services, figures, load};

/// Room in the journal below which it counts as full, at most; small journals count a 64th.
const JOURNAL_ROOM_MIN_BYTES: u64 = 1024 * 1024;
/// How long the page of figures waits for the database.
const COUNT_LIMIT: Duration = Duration::from_secs(1);
/// Breakers shown on the page of figures.
const BREAKERS_SHOWN_MAX: usize = 100;

/// Whether requests are taken, and how well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadinessView {
    /// `ready`, `degraded`, `starting`, `standby`, `draining`, `fenced`, `journal_full`, `journal_failed`.
    pub status: &'static str,
    /// Since when it is that, RFC 3339; to within a second.
    pub since: String,
    /// The process that owns the database, as it stands in the lease; only while standing by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What is wrong, while it is `degraded`.
    pub reasons: Vec<String>,
    /// `up`, `down`, or `displaced` (its file is not where it was opened); `None` before the start is over.
    pub database: Option<&'static str>,
    /// Figures of the journal; `None` before the start is over.
    pub journal: Option<JournalView>,
}

/// Figures of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalView {
    /// Bytes on disk.
    pub bytes: u64,
    /// `journal.max_bytes`.
    pub max_bytes: u64,
    /// Records that the database does not have yet.
    pub outstanding: u64,
    /// Records that it has, or need not have, and that live holds and open bookings need after a crash.
    pub pinned: u64,
    /// Lowest position that is still needed, or the end.
    pub mark: u64,
    /// End of the log.
    pub end: u64,
    /// Segments on disk.
    pub segments: u64,
    /// The last error, while appends are refused.
    pub failed: Option<String>,
}

/// Figures of the journal: what waits for the database, apart from what is only kept.
#[must_use]
pub fn journal(services: &Services) -> JournalView {
    let JournalStatus { bytes, max_bytes, outstanding, mark, end, segments, failed } =
        services.journal.status();
    let directory = services.directory.current();
    let pinned = services.actors.pinned(directory.companies().map(|company| company.id));
    // A record that was done with between the two looks is counted as neither.
    let pinned = u64::try_from(pinned).unwrap_or(u64::MAX).min(outstanding);
    JournalView { bytes, max_bytes, outstanding: outstanding - pinned, pinned, mark, end, segments, failed }
}

impl ReadinessView {
    /// Whether requests should be sent here.
    #[must_use]
    pub fn takes_requests(&self) -> bool {
        matches!(self.status, "ready" | "degraded")
    }
}

/// How ready the service is.
#[must_use]
pub fn readiness(door: &Door) -> ReadinessView {
    let state = door.state();
    let since = |status| door.since.of(status, door.clock.now()).to_rfc3339();
    let owner = door.readiness.owner();
    let Some(services) = door.services.get() else {
        let state = if state == ServiceState::Ready { ServiceState::Starting } else { state };
        let (status, reasons) = (state.as_str(), Vec::new());
        return ReadinessView { status, since: since(status), owner, reasons, database: None, journal: None };
    };
    let journal = journal(services);
    let database_up = !services.actors.outage.lasts();
    let place = services.database_place.trouble();
    let mut reasons = Vec::new();
    if state == ServiceState::Ready {
        if !database_up {
            reasons.push("the database does not answer; events wait in the journal".to_owned());
        }
        reasons.extend(place.clone().map(|trouble| {
            format!("{trouble}; what is written now is lost when the process ends: the log has the remedy")
        }));
        reasons.extend(open_breakers(&services.actors.breakers));
    }
    let status = match state {
        ServiceState::Ready if journal.failed.is_some() => "journal_failed",
        ServiceState::Ready if is_full(&journal, services.traffic.journal_refused_at_bytes()) => {
            "journal_full"
        }
        ServiceState::Ready if !reasons.is_empty() => "degraded",
        _ => state.as_str(),
    };
    let database = match place {
        Some(_) => "displaced",
        None if database_up => "up",
        None => "down",
    };
    let database = Some(database);
    ReadinessView { status, since: since(status), owner, reasons, database, journal: Some(journal) }
}

/// One company's trouble is told, and stays its own.
fn open_breakers(board: &BreakerBoard) -> Vec<String> {
    let breakers = board.not_closed(usize::MAX);
    let open = |target: BreakerTarget| {
        let of_target = breakers.iter().filter(|(_, view)| view.target == target.as_str());
        of_target.filter(|(_, view)| view.state == BreakerState::Open).count()
    };
    let targets = BreakerTarget::ALL.into_iter().map(|target| (target.as_str(), open(target)));
    let open = targets.filter(|(_, companies)| *companies > 0);
    open.map(|(target, companies)| format!("the breaker of {target} is open for {companies} companies"))
        .collect()
}

/// Full when hardly any room is left, or when it refused and nothing was removed since.
fn is_full(journal: &JournalView, refused_at_bytes: Option<u64>) -> bool {
    let room = journal.max_bytes.saturating_sub(journal.bytes);
    room < JOURNAL_ROOM_MIN_BYTES.min(journal.max_bytes / 64)
        || refused_at_bytes.is_some_and(|bytes| journal.bytes >= bytes)
}

/// One page of figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusView {
    /// As `/readyz` says it.
    #[serde(flatten)]
    pub readiness: ReadinessView,
    /// Version of the service.
    pub version: &'static str,
    /// Now, RFC 3339.
    pub now: String,
    /// How long it has been up.
    pub uptime_s: i64,
    /// `sqlite`, `mysql` or `mariadb`.
    pub database_kind: &'static str,
    /// Calls that have not ended.
    pub calls_live: i64,
    /// Slots that are held or being booked.
    pub holds_active: i64,
    /// Events in quarantine, up to 10,000; `None` while the database does not answer.
    pub quarantined: Option<u32>,
    /// Dead letters, up to 10,000; `None` while the database does not answer.
    pub dead_letters: Option<u32>,
    /// Bookings of which nobody knows whether they stand, up to 10,000; `None` while the database does not answer.
    pub bookings_unknown: Option<u32>,
    /// Events taken in a second, over the last ten.
    pub events_per_second: f64,
    /// What waits inside; the door refuses by it.
    pub load: usize,
    /// Notes that wait for a full mailbox.
    pub parked: usize,
    /// Faults of actors that were caught since the start.
    pub restarts: u64,
    /// Epoch of the lease on the database.
    pub epoch: i64,
    /// Id of the journal.
    pub journal_id: String,
    /// Budgets of Cal.com's keys.
    pub budgets: BudgetFigures,
    /// Breakers that are not closed, by company, at most 100.
    pub breakers: Vec<BreakerLine>,
    /// Rows of the log of functions that were left out while the database was away.
    pub function_rows_left_out: u64,
    /// Actors, kind by kind.
    pub actors: Vec<KindView>,
    /// Writers.
    pub writers: Vec<WriterView>,
}

/// A company's breaker that is not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerLine {
    /// The company's slug, or its id when it is gone.
    pub company: String,
    /// Where the breaker stands.
    #[serde(flatten)]
    pub breaker: BreakerView,
}

/// All actors of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindView {
    /// The kind.
    pub kind: &'static str,
    /// Actors in memory.
    pub live: usize,
    /// Messages that wait.
    pub mailbox_depth: usize,
    /// How long the oldest of them is there.
    pub oldest_message_age_ms: u64,
}

/// The page of figures.
pub async fn overview(door: &Door, services: &Services) -> StatusView {
    let counted = tokio::time::timeout(COUNT_LIMIT, services.figures.count_set_aside()).await;
    let set_aside = counted.ok().and_then(Result::ok);
    let actors = &services.actors;
    let now = services.clock.now();
    let restarts = figures::sum(&(door.render_metrics)(), askpro_actors::metrics::ACTOR_RESTARTS.name);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
    let restarts = restarts as u64;
    StatusView {
        readiness: readiness(door),
        version: env!("CARGO_PKG_VERSION"),
        now: now.to_rfc3339(),
        uptime_s: now.since(services.started_at) / 1_000,
        database_kind: services.database_kind,
        calls_live: actors.live.total(),
        holds_active: actors.holds_active.load(Ordering::Relaxed),
        quarantined: set_aside.map(|rows| rows.quarantined),
        dead_letters: set_aside.map(|rows| rows.dead_letters),
        bookings_unknown: set_aside.map(|rows| rows.bookings_unknown),
        events_per_second: services.traffic.events_per_second(now),
        load: load::load(services),
        parked: actors.parked.len(),
        restarts,
        epoch: actors.fence.epoch(),
        journal_id: services.journal_id.clone(),
        budgets: actors.budgets.figures(now),
        breakers: breakers(services),
        function_rows_left_out: services.traffic.rows_left_out(),
        actors: vec![
            kind(actors.calls.registry()),
            kind(&actors.reconcilers),
            kind(&actors.schedulers),
            kind(&actors.tenants),
            kind(actors.writers.registry()),
            kind(actors.budgets.registry()),
        ],
        writers: actors.writers.views(),
    }
}

fn breakers(services: &Services) -> Vec<BreakerLine> {
    let directory = services.directory.current();
    let not_closed = services.actors.breakers.not_closed(BREAKERS_SHOWN_MAX).into_iter();
    let line = |(id, breaker)| {
        let company = directory.company(id).map_or_else(|| id.to_string(), |company| company.slug.clone());
        BreakerLine { company, breaker }
    };
    not_closed.map(line).collect()
}

fn kind<A: Actor>(registry: &Registry<A>) -> KindView {
    KindView {
        kind: A::KIND,
        live: registry.live_count(),
        mailbox_depth: registry.queued(),
        oldest_message_age_ms: registry.oldest_message_age_ms(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_full_when_no_room_is_left_or_it_refused() {
        let journal = |bytes| JournalView {
            bytes,
            max_bytes: 1 << 30,
            outstanding: 0,
            pinned: 0,
            mark: 0,
            end: 0,
            segments: 1,
            failed: None,
        };
        assert!(!is_full(&journal(0), None));
        assert!(!is_full(&journal((1 << 30) - (2 << 20)), None));
        assert!(is_full(&journal((1 << 30) - 100), None));
        assert!(is_full(&journal(500), Some(500)), "refused, and nothing was removed since");
        assert!(!is_full(&journal(499), Some(500)));
    }
}
