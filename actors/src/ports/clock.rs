//! Where the actors read the time. It must not know who asks.

use std::sync::atomic::{AtomicI64, Ordering};

use askpro_domain::time::UnixMillis;

/// Tells the time; the only clock an actor ever sees.
pub trait Clock: Send + Sync {
    /// The present moment, UTC.
    fn now(&self) -> UnixMillis;
}

/// A clock that only moves when it is told to; for tests.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: UnixMillis) -> Self {
        ManualClock { now_ms: AtomicI64::new(now.0) }
    }

    /// Puts the clock to `now`, also backwards.
    pub fn set(&self, now: UnixMillis) {
        self.now_ms.store(now.0, Ordering::SeqCst);
    }

    /// Moves the clock on by `ms` milliseconds and gives the new time.
    pub fn advance(&self, ms: u64) -> UnixMillis {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        UnixMillis(self.now_ms.fetch_add(ms, Ordering::SeqCst).saturating_add(ms))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now_ms.load(Ordering::SeqCst))
    }
}
