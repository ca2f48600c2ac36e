//! A model of the vendor's limit, as it is documented: a window of a minute from a key's first request, and a
//! minute of block for a key that goes beyond its limit. Written without a look at ours.

use std::collections::BTreeMap;

use super::*;

const MINUTE_MS: i64 = 60_000;

/// The vendor's count of one key.
pub(super) struct Vendor {
    limit: u32,
    window: Option<(UnixMillis, u32)>,
    blocked_until: Option<UnixMillis>,
    pub(super) refused: u32,
    pub(super) served: u32,
}

impl Vendor {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, window: None, blocked_until: None, refused: 0, served: 0 }
    }

    /// A request arrives; what its answer will tell.
    pub(super) fn take(&mut self, at: UnixMillis) -> Heard {
        if let Some(until) = self.blocked_until {
            if at < until {
                self.refused += 1;
                return Heard::Blocked { retry_after_ms: whole_seconds(until.since(at)) };
            }
            (self.blocked_until, self.window) = (None, None);
        }
        let (ends, used) = self.window.filter(|(ends, _)| at < *ends).unwrap_or((at.plus_ms(MINUTE_MS), 0));
        if used >= self.limit {
            self.blocked_until = Some(at.plus_ms(MINUTE_MS));
            self.refused += 1;
            return Heard::Blocked { retry_after_ms: MINUTE_MS };
        }
        self.served += 1;
        self.window = Some((ends, used + 1));
        let (remaining, reset_ms) = (self.limit - used - 1, whole_seconds(ends.since(at)));
        Heard::Limits(RateLimits { limit: self.limit, remaining, reset_ms })
    }
}

fn whole_seconds(ms: i64) -> i64 {
    (ms + 999) / 1_000 * 1_000
}

/// What is still on its way: requests to the vendor and answers from it, by when they arrive.
#[derive(Default)]
pub(super) struct Wire {
    events: BTreeMap<(UnixMillis, u64), OnWire>,
    count: u64,
}

pub(super) enum OnWire {
    Request(Ticket, Option<i64>),
    Answer(Ticket, Heard),
}

impl Wire {
    pub(super) fn send(&mut self, at: UnixMillis, what: OnWire) {
        self.count += 1;
        self.events.insert((at, self.count), what);
    }

    pub(super) fn next_at(&self) -> Option<UnixMillis> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn arrived(&mut self, now: UnixMillis) -> Option<(UnixMillis, OnWire)> {
        let first = self.events.first_entry().filter(|first| first.key().0 <= now)?;
        let ((at, _), what) = first.remove_entry();
        Some((at, what))
    }
}
