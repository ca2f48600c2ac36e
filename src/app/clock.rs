//! The real clocks: the only place that reads the time.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use askpro_actors::ports::clock::Clock;
use askpro_domain::time::UnixMillis;

/// The machine's clock, which may be put forward and back.
pub struct SystemClock;

impl SystemClock {
    fn since_1970() -> Duration {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in everywhere else")]
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        millis(Self::since_1970())
    }
}

/// The clock that everything inside goes by: the machine's, but it never goes back.
///
/// Deadlines, holds and leases are moments; on a clock that is put back an hour they would last an hour longer.
/// While the machine's clock is behind, this one passes at three quarters of the pace until both agree, so that
/// what shall take 2.5 s takes 3.3 s at most. A clock that is put forward is followed at once: it is what a
/// machine sees that slept. One reading costs two system clocks and a lock, about 70 ns.
#[derive(Debug, Default)]
pub(super) struct SteadyClock {
    last: Mutex<Option<Reading>>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    /// What was said.
    said: Duration,
    /// When, by a clock that nobody can put back.
    at: Instant,
}

impl SteadyClock {
    fn read(&self, machine: Duration, at: Instant) -> Duration {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let said = match *last {
            Some(before) => machine.max(before.said + at.saturating_duration_since(before.at) * 3 / 4),
            None => machine,
        };
        *last = Some(Reading { said, at });
        said
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> UnixMillis {
        millis(self.read(SystemClock::since_1970(), Instant::now()))
    }
}

fn millis(since_1970: Duration) -> UnixMillis {
    UnixMillis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Duration = Duration::from_secs(1_795_420_800);
    const HOUR: Duration = Duration::from_secs(3_600);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_clock_that_is_put_back_passes_more_slowly_until_both_agree() {
        let (clock, start) = (SteadyClock::default(), Instant::now());
        assert_eq!(clock.read(NOON, start), NOON);
        let back = NOON - HOUR;
        assert_eq!(clock.read(back + 4 * SECOND, start + 4 * SECOND), NOON + 3 * SECOND);
        assert_eq!(clock.read(back + 3 * HOUR, start + 3 * HOUR), NOON + HOUR * 9 / 4);
        assert_eq!(
            clock.read(back + 4 * HOUR, start + 4 * HOUR),
            NOON + 3 * HOUR,
            "they meet after four hours"
        );
        assert_eq!(clock.read(back + 5 * HOUR, start + 5 * HOUR), NOON + 4 * HOUR);
    }

    #[test]
    fn a_clock_that_is_put_forward_is_followed_at_once() {
        let (clock, start) = (SteadyClock::default(), Instant::now());
        clock.read(NOON, start);
        assert_eq!(clock.read(NOON + HOUR, start + SECOND), NOON + HOUR);
        assert_eq!(clock.read(NOON + 2 * SECOND, start + 2 * SECOND), NOON + HOUR + SECOND * 3 / 4);
    }

    #[test]
    fn many_readings_between_do_not_slow_it_down() {
        let (clock, start) = (SteadyClock::default(), Instant::now());
        clock.read(NOON, start);
        let step = Duration::from_micros(10);
        let last = (1..=100_000).map(|n| clock.read(NOON - HOUR, start + step * n)).last().unwrap();
        assert!(NOON + SECOND * 3 / 4 - last < Duration::from_micros(200), "{last:?}");
    }
}
