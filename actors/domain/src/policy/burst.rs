//! Smooths bursts: accounts were locked after 20 to 30 requests within two seconds.

use crate::time::UnixMillis;

/// Requests that may be sent at once after a pause. With the rate after them that is 16 in two seconds of a key
/// of 120 a minute.
pub(super) const BURST_MAX: u32 = 8;
/// After a burst requests may follow one another at this many times the key's average rate.
const RATE_TIMES: u32 = 2;

/// A bucket that fills up again with time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Burst {
    /// When it is full again.
    full_at: UnixMillis,
}

impl Burst {
    /// A full bucket.
    pub(super) const fn full() -> Self {
        Self { full_at: UnixMillis(i64::MIN) }
    }

    /// When the next request may be sent, and `ahead` more before it.
    pub(super) fn free_at(self, ahead: usize, limit: u32, now: UnixMillis) -> UnixMillis {
        let every = interval_ms(limit);
        let sent_before = i64::try_from(ahead).unwrap_or(i64::MAX);
        let room = every.saturating_mul(i64::from(BURST_MAX) - 1);
        let at = self.full_at.max(now).plus_ms(every.saturating_mul(sent_before)).plus_ms(-room);
        at.max(now)
    }

    /// One request is sent.
    pub(super) fn take(&mut self, limit: u32, now: UnixMillis) {
        self.full_at = self.full_at.max(now).plus_ms(interval_ms(limit));
    }
}

/// Time between two requests after a burst.
fn interval_ms(limit: u32) -> i64 {
    (super::window::WINDOW_MS / i64::from(limit.max(1)) / i64::from(RATE_TIMES)).max(1)
}
