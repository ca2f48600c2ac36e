//! What one key of the calendar may still send, and who is next.
//!
//! A request asks; it may go at once, or waits in the order of its class and in its company's turn, or is told
//! that it cannot go in time. Every request that went is heard of again: by what its answer told of the limit,
//! or that it had none. All limits hold at every moment; what is not known is assumed to be worse.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Class,
    burst::Burst,
    fair::{FairQueue, Waiter},
    window::{RateLimits, Window},
};
use crate::{ids::CompanyId, time::UnixMillis};

/// A request that was never heard of again is believed to be over after this long: longer than any time-out.
const IN_FLIGHT_MS_MAX: i64 = 180_000;
/// Tickets kept apart for each millisecond, so that a budget that is made anew uses none of the one before.
const TICKETS_PER_MS: u64 = 1_000;
/// What is said where there is no room to wait.
const FULL_RETRY_MS: i64 = 1_000;

/// Limits of a key's budget.
#[derive(Debug, Clone)]
pub struct BudgetSettings {
    /// Requests in a minute, until the vendor says otherwise.
    pub requests_per_minute: u32,
    /// Requests of one class that may wait; more are refused.
    pub queue_max: usize,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { requests_per_minute: 120, queue_max: 256 }
    }
}

/// Names one request, from its asking to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A request that wants to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Whose it is.
    pub company: CompanyId,
    /// What it is for.
    pub class: Class,
    /// How long it can wait.
    pub until: UnixMillis,
}

/// It cannot be sent in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key's budget is spent; again in {retry_after_ms} ms")]
pub struct Limited {
    /// When one may be sent again, as far as is known.
    pub retry_after_ms: i64,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Which.
    pub ticket: Ticket,
    /// Send it now, or not at all.
    pub verdict: Result<(), Limited>,
}

/// What was heard of a request that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// An answer that tells of the limit.
    Limits(RateLimits),
    /// It was refused because of the limit; not before this many milliseconds.
    Blocked {
        /// How long.
        retry_after_ms: i64,
    },
    /// It is over and told nothing.
    Nothing,
}

/// A budget as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetView {
    /// Requests in a window.
    pub limit: u32,
    /// Requests that remain in this one, by what is known.
    pub remaining: u32,
    /// When the window or the block ends.
    pub ends_at: Option<UnixMillis>,
    /// Whether the vendor blocks the key.
    pub is_blocked: bool,
    /// Requests that were sent and not heard of.
    pub in_flight: usize,
    /// Requests that wait, by class.
    pub waiting: BTreeMap<&'static str, usize>,
}

/// The budget of one key.
#[derive(Debug, Clone)]
pub struct Budget {
    queue_max: usize,
    window: Window,
    burst: Burst,
    queues: BTreeMap<Class, FairQueue>,
    in_flight: BTreeMap<Ticket, UnixMillis>,
    next_ticket: u64,
}

impl Budget {
    /// Of a key that has not sent anything yet. Its tickets are others than those of a budget before it.
    #[must_use]
    pub fn new(settings: &BudgetSettings, now: UnixMillis) -> Self {
        Self {
            queue_max: settings.queue_max,
            window: Window::new(settings.requests_per_minute),
            burst: Burst::full(),
            queues: Class::ALL.into_iter().map(|class| (class, FairQueue::default())).collect(),
            in_flight: BTreeMap::new(),
            next_ticket: now.0.unsigned_abs().saturating_mul(TICKETS_PER_MS),
        }
    }

    /// Of a key whose count was lost: half of a window is taken as gone, until an answer tells.
    #[must_use]
    pub fn of_lost_count(settings: &BudgetSettings, now: UnixMillis) -> Self {
        let limit = settings.requests_per_minute;
        Self { window: Window::begun(limit, limit / 2, now), ..Self::new(settings, now) }
    }

    /// A request asks. Its ticket, and what is decided now: for it, if anything, and for others.
    pub fn ask(&mut self, request: Request, now: UnixMillis) -> (Ticket, Vec<Decision>) {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket = self.next_ticket.saturating_add(1);
        let mut decisions = self.tick(now);
        let sent_at = self.earliest(request.class, now);
        let is_full = self.queue(request.class).is_none_or(|queue| queue.len() >= self.queue_max);
        if is_full || sent_at > request.until {
            let retry_after_ms = if is_full { FULL_RETRY_MS } else { sent_at.since(now) };
            decisions.push(Decision { ticket, verdict: Err(Limited { retry_after_ms }) });
            return (ticket, decisions);
        }
        if let Some(queue) = self.queues.get_mut(&request.class) {
            queue.push(request.company, Waiter { ticket, until: request.until });
        }
        decisions.extend(self.serve(now));
        (ticket, decisions)
    }

    /// A request that was sent is over.
    pub fn heard(&mut self, ticket: Ticket, heard: Heard, now: UnixMillis) -> Vec<Decision> {
        self.window.settle(now);
        let sent_at = self.in_flight.remove(&ticket);
        match (heard, sent_at) {
            (Heard::Limits(told), Some(sent_at)) => {
                self.window.told(told, sent_at, self.in_flight_count(), now);
            }
            (Heard::Blocked { retry_after_ms }, _) => self.window.block(retry_after_ms, now),
            (Heard::Limits(_), None) | (Heard::Nothing, _) => {}
        }
        self.tick(now)
    }

    /// Time has passed: serves who can be served, and tells those who cannot go in time.
    pub fn tick(&mut self, now: UnixMillis) -> Vec<Decision> {
        self.window.settle(now);
        self.in_flight.retain(|_, sent_at| now.since(*sent_at) < IN_FLIGHT_MS_MAX);
        self.serve(now)
    }

    /// When [`Budget::tick`] has something to do next.
    #[must_use]
    pub fn wake_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        let waiting = self.queues.iter().filter(|(_, queue)| queue.len() > 0);
        let next = waiting.clone().next().map(|(class, _)| self.room_at(*class, 0, now));
        let ends = waiting.filter_map(|(_, queue)| queue.first_end()).map(|end| end.plus_ms(1)).min();
        next.into_iter().chain(ends).min()
    }

    /// Whether nothing waits, nothing is under way and no window runs: a new budget would be the same.
    #[must_use]
    pub fn is_idle(&self, now: UnixMillis) -> bool {
        let waits = self.queues.values().any(|queue| queue.len() > 0);
        !waits && self.in_flight.is_empty() && self.window.ends_at().is_none_or(|at| at <= now)
    }

    /// As admins see it.
    #[must_use]
    pub fn view(&self, now: UnixMillis) -> BudgetView {
        let mut window = self.window.clone();
        window.settle(now);
        BudgetView {
            limit: window.limit(),
            remaining: window.remaining(self.in_flight_count()),
            ends_at: window.ends_at(),
            is_blocked: window.blocked_until().is_some(),
            in_flight: self.in_flight.len(),
            waiting: self.queues.iter().map(|(class, queue)| (class.as_str(), queue.len())).collect(),
        }
    }

    /// Grants in the order of classes and of turns, as long as there is room; then tells those who cannot go in
    /// time any more.
    fn serve(&mut self, now: UnixMillis) -> Vec<Decision> {
        let mut decisions = self.refuse_ending_before(|_, _| now);
        for class in Class::ALL {
            while self.may_send(class, now)
                && let Some(next) = self.queues.get_mut(&class).and_then(FairQueue::pop)
            {
                self.window.take(self.in_flight_count(), now);
                self.burst.take(self.window.limit(), now);
                self.in_flight.insert(next.ticket, now);
                decisions.push(Decision { ticket: next.ticket, verdict: Ok(()) });
            }
            if self.queue(class).is_some_and(|queue| queue.len() > 0) {
                break;
            }
        }
        decisions.extend(self.refuse_ending_before(|budget, class| budget.room_at(class, 0, now)));
        decisions
    }

    fn may_send(&self, class: Class, now: UnixMillis) -> bool {
        self.room_at(class, 0, now) <= now
    }

    /// Tells those who can wait until then at most that they cannot go.
    fn refuse_ending_before(&mut self, before: impl Fn(&Self, Class) -> UnixMillis) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for class in Class::ALL {
            let before = before(self, class);
            let Some(queue) = self.queues.get_mut(&class) else { continue };
            for Waiter { ticket, until } in queue.take_ending_before(before) {
                let retry_after_ms = before.since(until).max(1);
                decisions.push(Decision { ticket, verdict: Err(Limited { retry_after_ms }) });
            }
        }
        decisions
    }

    /// When a request that asks now would be sent, if nobody asks after it who goes before it.
    fn earliest(&self, class: Class, now: UnixMillis) -> UnixMillis {
        let before = self.queues.range(..=class).map(|(_, queue)| queue.len()).sum();
        self.room_at(class, before, now)
    }

    /// When a request of this class can be sent, with `ahead` others before it.
    fn room_at(&self, class: Class, ahead: usize, now: UnixMillis) -> UnixMillis {
        let in_flight = self.in_flight_count();
        let room = usize::try_from(self.window.room(class, in_flight)).unwrap_or(usize::MAX);
        let in_window = if room > ahead { now } else { self.window.ends_at().unwrap_or(now) };
        let kept = class.kept_of_burst();
        in_window.max(self.burst.free_at(ahead.saturating_add(kept), self.window.limit(), now))
    }

    fn queue(&self, class: Class) -> Option<&FairQueue> {
        self.queues.get(&class)
    }

    fn in_flight_count(&self) -> u32 {
        u32::try_from(self.in_flight.len()).unwrap_or(u32::MAX)
    }
}
