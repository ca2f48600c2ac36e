//! The breakers of one company, and the board on which those of all companies stand.

use std::sync::Arc;

use askpro_domain::{
    ids::CompanyId,
    policy::{Breaker, BreakerSettings, BreakerState, Outcome, Pass},
    time::UnixMillis,
};
use dashmap::DashMap;
use serde::Serialize;

use crate::ports::calendar::{CalendarError, CreateOutcome};

/// What a breaker stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakerTarget {
    /// Questions for slots.
    Slots,
    /// Whatever books, cancels, or looks for a booking.
    Bookings,
}

impl BreakerTarget {
    /// Every target.
    pub const ALL: [Self; 2] = [Self::Slots, Self::Bookings];

    /// The word in metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slots => "calcom_slots",
            Self::Bookings => "calcom_bookings",
        }
    }
}

/// A breaker as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerView {
    /// What it stands before.
    pub target: &'static str,
    /// `closed`, `half_open` or `open`.
    pub state: BreakerState,
    /// Since when it has not been closed, RFC 3339.
    pub since: Option<String>,
}

impl BreakerView {
    fn of(target: BreakerTarget, breaker: &Breaker) -> Self {
        let since = breaker.since().map(UnixMillis::to_rfc3339);
        Self { target: target.as_str(), state: breaker.state(), since }
    }
}

/// The breakers of all companies that are not closed, outside the actors: for gauges and admins. Clones show the
/// same.
#[derive(Clone, Default)]
pub struct BreakerBoard {
    not_closed: Arc<DashMap<(CompanyId, BreakerTarget), BreakerView>>,
}

impl BreakerBoard {
    /// Those that are not closed, by company, at most `limit`.
    #[must_use]
    pub fn not_closed(&self, limit: usize) -> Vec<(CompanyId, BreakerView)> {
        let mut views: Vec<_> =
            self.not_closed.iter().map(|entry| (*entry.key(), entry.value().clone())).collect();
        views.sort_by_key(|(key, _)| *key);
        views.into_iter().take(limit).map(|((company, _), view)| (company, view)).collect()
    }

    fn note(&self, company: CompanyId, target: BreakerTarget, breaker: &Breaker) {
        if breaker.state() == BreakerState::Closed {
            self.not_closed.remove(&(company, target));
        } else {
            self.not_closed.insert((company, target), BreakerView::of(target, breaker));
        }
        self.publish(target);
    }

    fn publish(&self, target: BreakerTarget) {
        let states = || self.not_closed.iter().filter(|e| e.key().1 == target).map(|e| e.value().state);
        let worst = match states().max() {
            None | Some(BreakerState::Closed) => 0.0,
            Some(BreakerState::HalfOpen) => 1.0,
            Some(BreakerState::Open) => 2.0,
        };
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 companies")]
        let companies = states().count() as f64;
        metrics::gauge!(crate::metrics::BREAKER_STATE.name, "target" => target.as_str()).set(worst);
        metrics::gauge!(crate::metrics::BREAKERS_OPEN.name, "target" => target.as_str()).set(companies);
    }
}

/// The breakers of one company.
pub(super) struct Breakers {
    company: CompanyId,
    board: BreakerBoard,
    settings: BreakerSettings,
    slots: Breaker,
    bookings: Breaker,
}

impl Breakers {
    /// All of them closed.
    pub(super) fn closed(company: CompanyId, board: BreakerBoard, settings: BreakerSettings) -> Self {
        Self { company, board, settings, slots: Breaker::default(), bookings: Breaker::default() }
    }

    /// May a request be sent? `operation` is the word for it in metrics. Errors: not before this instant.
    pub(super) fn ask(
        &mut self,
        target: BreakerTarget,
        operation: &'static str,
        now: UnixMillis,
    ) -> Result<Pass, UnixMillis> {
        let settings = self.settings.clone();
        let asked = self.change(target, |breaker| breaker.ask(&settings, now));
        if asked.is_err() {
            let labels = [("operation", operation), ("outcome", "breaker_open")];
            metrics::counter!(crate::metrics::CALCOM_REQUESTS.name, &labels).increment(1);
        }
        asked
    }

    /// What became of a request. True when this closed the breaker.
    pub(super) fn heard(
        &mut self,
        target: BreakerTarget,
        pass: Pass,
        outcome: Outcome,
        now: UnixMillis,
    ) -> bool {
        let settings = self.settings.clone();
        let was_closed = self.is_closed(target);
        self.change(target, |breaker| breaker.heard(pass, outcome, &settings, now));
        !was_closed && self.is_closed(target)
    }

    /// Whether it lets everything through.
    pub(super) fn is_closed(&self, target: BreakerTarget) -> bool {
        self.of(target).state() == BreakerState::Closed
    }

    /// As admins see them.
    pub(super) fn views(&self) -> Vec<BreakerView> {
        BreakerTarget::ALL.into_iter().map(|target| BreakerView::of(target, self.of(target))).collect()
    }

    const fn of(&self, target: BreakerTarget) -> &Breaker {
        match target {
            BreakerTarget::Slots => &self.slots,
            BreakerTarget::Bookings => &self.bookings,
        }
    }

    /// Changes a breaker, and the board when that changes its state.
    fn change<T>(&mut self, target: BreakerTarget, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let breaker = match target {
            BreakerTarget::Slots => &mut self.slots,
            BreakerTarget::Bookings => &mut self.bookings,
        };
        let before = breaker.state();
        let result = change(breaker);
        if breaker.state() != before {
            tracing::warn!(
                company.id = self.company.0,
                target = target.as_str(),
                state = breaker.state().as_str(),
                "a breaker moved"
            );
            self.board.note(self.company, target, breaker);
        }
        result
    }
}

impl Drop for Breakers {
    fn drop(&mut self) {
        for target in BreakerTarget::ALL {
            if !self.is_closed(target) {
                self.board.note(self.company, target, &Breaker::default());
            }
        }
    }
}

/// What the outcome of a POST says of the calendar.
pub(super) const fn outcome_of_post(outcome: Option<&CreateOutcome>) -> Outcome {
    match outcome {
        Some(CreateOutcome::Confirmed(_) | CreateOutcome::Refused(_) | CreateOutcome::HostRaced) => {
            Outcome::Answered
        }
        Some(CreateOutcome::NotSent | CreateOutcome::AnswerLost) => Outcome::Failed,
        Some(CreateOutcome::Limited { .. }) | None => Outcome::NotSent,
    }
}

/// What the answer to a question says of the calendar.
pub(super) const fn outcome_of<T>(result: &Result<T, CalendarError>) -> Outcome {
    match result {
        Ok(_) | Err(CalendarError::Refused(_)) => Outcome::Answered,
        Err(CalendarError::Unavailable(_)) => Outcome::Failed,
        Err(CalendarError::Limited { .. } | CalendarError::NoKey) => Outcome::NotSent,
    }
}
