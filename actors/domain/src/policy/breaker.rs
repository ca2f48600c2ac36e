//! Leaves a service alone that fails again and again.
//!
//! Closed, requests go through; several failures in a row open it. Open, nothing goes through until its time is
//! over. Then it is half open: one request tries. Its answer closes it, its failure opens it for twice as long.
//! A failure is that nobody knows what came of a request (no connection, no answer in time, an error of the
//! service itself); a refusal is an answer.

use serde::Serialize;

use crate::time::UnixMillis;

/// Limits of a breaker.
#[derive(Debug, Clone)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures_max: usize,
    /// How long a failure counts.
    pub window_ms: i64,
    /// How long it is open the first time.
    pub open_ms_min: i64,
    /// How long it is open at most; the time doubles in between.
    pub open_ms_max: i64,
    /// How long a try may take; one that is not heard of is given up, and another may try.
    pub probe_ms_max: i64,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_max: 3,
            window_ms: 60_000,
            open_ms_min: 5_000,
            open_ms_max: 15_000,
            probe_ms_max: 130_000,
        }
    }
}

/// A breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breaker {
    /// Requests go through.
    Closed {
        /// When the last requests failed, all of them in a row.
        failures: Vec<UnixMillis>,
    },
    /// Nothing goes through.
    Open {
        /// Since when it has not been closed.
        since: UnixMillis,
        /// When one may try.
        until: UnixMillis,
        /// How long this time lasts.
        open_ms: i64,
    },
    /// One tries.
    HalfOpen {
        /// Since when it has not been closed.
        since: UnixMillis,
        /// When the try began.
        tried_at: UnixMillis,
        /// How long it was open before.
        open_ms: i64,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: Vec::new() }
    }
}

/// How a request may go through; given back with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// One of many.
    Free,
    /// The one that tries.
    Probe,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered, yes or no.
    Answered,
    /// Nobody knows.
    Failed,
    /// It was not sent for a reason of our own, and says nothing of the service.
    NotSent,
}

/// Where a breaker stands, as one word; the later the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Requests go through.
    Closed,
    /// One tries.
    HalfOpen,
    /// Nothing goes through.
    Open,
}

impl Breaker {
    /// May a request be sent? Errors: not before this instant.
    pub fn ask(&mut self, settings: &BreakerSettings, now: UnixMillis) -> Result<Pass, UnixMillis> {
        match *self {
            Self::Closed { .. } => Ok(Pass::Free),
            Self::Open { until, .. } if now < until => Err(until),
            Self::HalfOpen { tried_at, .. } if now.since(tried_at) < settings.probe_ms_max => {
                Err(now.plus_ms(settings.open_ms_min))
            }
            Self::Open { since, open_ms, .. } | Self::HalfOpen { since, open_ms, .. } => {
                *self = Self::HalfOpen { since, tried_at: now, open_ms };
                Ok(Pass::Probe)
            }
        }
    }

    /// Whether [`Breaker::ask`] would let a request through.
    #[must_use]
    pub fn lets_through(&self, settings: &BreakerSettings, now: UnixMillis) -> bool {
        self.clone().ask(settings, now).is_ok()
    }

    /// What became of a request. Those sent before it opened do not count while it is not closed.
    pub fn heard(&mut self, pass: Pass, outcome: Outcome, settings: &BreakerSettings, now: UnixMillis) {
        match (&mut *self, pass, outcome) {
            (Self::Closed { failures }, _, Outcome::Answered) => failures.clear(),
            (Self::Closed { failures }, _, Outcome::Failed) => {
                failures.retain(|at| now.since(*at) < settings.window_ms);
                failures.push(now);
                if failures.len() >= settings.failures_max {
                    *self = Self::open(now, settings.open_ms_min, now);
                }
            }
            (Self::HalfOpen { .. }, Pass::Probe, Outcome::Answered) => *self = Self::default(),
            (Self::HalfOpen { since, open_ms, .. }, Pass::Probe, Outcome::Failed) => {
                let open_ms = open_ms.saturating_mul(2).min(settings.open_ms_max);
                *self = Self::open(*since, open_ms, now);
            }
            (Self::HalfOpen { since, open_ms, .. }, Pass::Probe, Outcome::NotSent) => {
                *self = Self::Open { since: *since, until: now, open_ms: *open_ms };
            }
            (Self::Closed { .. }, _, Outcome::NotSent)
            | (Self::Open { .. }, ..)
            | (Self::HalfOpen { .. }, Pass::Free, _) => {}
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
            Self::Open { .. } => BreakerState::Open,
        }
    }

    /// Since when it has not been closed.
    #[must_use]
    pub const fn since(&self) -> Option<UnixMillis> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { since, .. } | Self::HalfOpen { since, .. } => Some(*since),
        }
    }

    const fn open(since: UnixMillis, open_ms: i64, now: UnixMillis) -> Self {
        Self::Open { since, until: now.plus_ms(open_ms), open_ms }
    }
}

impl BreakerState {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}
