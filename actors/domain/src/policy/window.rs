//! The vendor's window of one key, as far as its answers tell.
//!
//! Cal.com counts requests in windows of a minute that begin with a key's first request, and blocks a key for a
//! minute that goes beyond its limit. Every answer tells limit, what remains and the seconds until the window
//! ends. Where the answers are silent, the worse is assumed: that all we sent was counted, and that the window
//! ends late.

use super::Class;
use crate::time::UnixMillis;

/// Length of a window.
pub(super) const WINDOW_MS: i64 = 60_000;
/// How much later a window may end than one that began with our first request: requests take a while to arrive.
const GUESS_SLACK_MS: i64 = 5_000;
/// A window that ends this much later than ours is another: the reset is told in whole seconds.
const OTHER_WINDOW_MS: i64 = 2_000;
/// Longest block that is believed.
const BLOCKED_MS_MAX: i64 = 600_000;

/// What an answer tells of its key's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests in a window.
    pub limit: u32,
    /// What remains of them.
    pub remaining: u32,
    /// Milliseconds until the window ends.
    pub reset_ms: i64,
}

/// A key's window.
#[derive(Debug, Clone)]
pub(super) struct Window {
    limit: u32,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// None has begun: the next request begins one.
    Idle,
    /// Requests are counted.
    Running { began_at: UnixMillis, used: u32, ends: End },
    /// Every request is refused.
    Blocked { until: UnixMillis },
}

/// When a window ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// By our own clock; the vendor has not said yet.
    Guessed(UnixMillis),
    /// At the latest, as the vendor said.
    Told(UnixMillis),
}

impl End {
    const fn at(self) -> UnixMillis {
        match self {
            Self::Guessed(at) | Self::Told(at) => at,
        }
    }
}

impl Window {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: limit.max(1), state: State::Idle }
    }

    /// One of which `used` are gone already.
    pub(super) fn begun(limit: u32, used: u32, now: UnixMillis) -> Self {
        let ends = End::Guessed(now.plus_ms(WINDOW_MS + GUESS_SLACK_MS));
        Self { limit: limit.max(1), state: State::Running { began_at: now, used, ends } }
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Ends what is over.
    pub(super) fn settle(&mut self, now: UnixMillis) {
        if self.ends_at().is_some_and(|at| at <= now) {
            self.state = State::Idle;
        }
    }

    /// When it ends, or the block does.
    pub(super) const fn ends_at(&self) -> Option<UnixMillis> {
        match self.state {
            State::Idle => None,
            State::Running { ends, .. } => Some(ends.at()),
            State::Blocked { until } => Some(until),
        }
    }

    /// Until when the key is blocked.
    pub(super) const fn blocked_until(&self) -> Option<UnixMillis> {
        match self.state {
            State::Blocked { until } => Some(until),
            State::Idle | State::Running { .. } => None,
        }
    }

    /// Requests that remain by what is known; those in flight count in a window that has not begun.
    pub(super) fn remaining(&self, in_flight: u32) -> u32 {
        match self.state {
            State::Idle => self.limit.saturating_sub(in_flight),
            State::Running { used, .. } => self.limit.saturating_sub(used),
            State::Blocked { .. } => 0,
        }
    }

    /// Requests that a class may still send in it.
    pub(super) fn room(&self, class: Class, in_flight: u32) -> u32 {
        self.remaining(in_flight).saturating_sub(class.kept(self.limit))
    }

    /// A request is sent; `in_flight` others are under way and may fall into this window.
    pub(super) fn take(&mut self, in_flight: u32, now: UnixMillis) {
        match &mut self.state {
            State::Running { used, .. } => *used = used.saturating_add(1),
            State::Idle => *self = Self::begun(self.limit, in_flight.saturating_add(1), now),
            State::Blocked { .. } => {}
        }
    }

    /// An answer to a request that was sent at `sent_at` tells where its window stands; `in_flight` others are
    /// under way.
    pub(super) fn told(&mut self, told: RateLimits, sent_at: UnixMillis, in_flight: u32, now: UnixMillis) {
        self.limit = told.limit.max(1);
        let counted = told.limit.saturating_sub(told.remaining);
        let reset_ms = told.reset_ms.clamp(0, WINDOW_MS + GUESS_SLACK_MS);
        let State::Running { began_at, used, ends } = self.state else { return };
        if sent_at < began_at {
            return;
        }
        let at_the_latest = End::Told(now.plus_ms(reset_ms));
        let is_other = matches!(ends, End::Told(at) if sent_at.plus_ms(reset_ms - OTHER_WINDOW_MS) > at);
        self.state = match ends {
            _ if is_other => {
                let used = counted.saturating_add(in_flight);
                State::Running { began_at: sent_at, used, ends: at_the_latest }
            }
            End::Guessed(_) => State::Running { began_at, used: used.max(counted), ends: at_the_latest },
            End::Told(at) => {
                let ends = End::Told(at.min(at_the_latest.at()));
                State::Running { began_at, used: used.max(counted), ends }
            }
        };
    }

    /// The vendor refused a request because of its limit.
    pub(super) fn block(&mut self, wait_ms: i64, now: UnixMillis) {
        let until = now.plus_ms(wait_ms.clamp(1, BLOCKED_MS_MAX));
        let before = self.blocked_until().unwrap_or(until);
        self.state = State::Blocked { until: until.max(before) };
    }
}
