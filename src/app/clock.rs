//! The real clock: the only place that reads the time.

use std::time::{SystemTime, UNIX_EPOCH};

use askpro_actors::ports::clock::Clock;
use askpro_domain::time::UnixMillis;

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in everywhere else")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
