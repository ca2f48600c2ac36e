//! How often something may be done: so many times in any stretch of time. Exact, and without a clock.

use std::collections::VecDeque;

use crate::time::UnixMillis;

/// At most so many in any window of time.
#[derive(Debug, Clone)]
pub struct SlidingWindow {
    window_ms: i64,
    /// When each one inside the window was done, oldest first.
    done: VecDeque<UnixMillis>,
}

impl SlidingWindow {
    /// An empty window of this length.
    #[must_use]
    pub const fn new(window_ms: i64) -> Self {
        Self { window_ms, done: VecDeque::new() }
    }

    /// How many were done in the window that ends `now`.
    pub fn count(&mut self, now: UnixMillis) -> usize {
        // A clock that was set back leaves instants of the future behind: those are forgotten too.
        while self.done.back().is_some_and(|at| *at > now) {
            self.done.pop_back();
        }
        while self.done.front().is_some_and(|at| now.since(*at) >= self.window_ms) {
            self.done.pop_front();
        }
        self.done.len()
    }

    /// From when on one more keeps to `max`: `now`, or the moment at which enough of the others are out.
    pub fn free_at(&mut self, max: usize, now: UnixMillis) -> UnixMillis {
        let count = self.count(now);
        let in_the_way = count.checked_sub(max.max(1)).and_then(|index| self.done.get(index));
        in_the_way.map_or(now, |at| at.plus_ms(self.window_ms))
    }

    /// One was done now.
    pub fn record(&mut self, now: UnixMillis) {
        self.count(now);
        self.done.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW_MS: i64 = 1_000;

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(1_795_420_800_000 + ms)
    }

    #[test]
    fn the_window_moves_with_the_time() {
        let mut window = SlidingWindow::new(WINDOW_MS);
        for ms in [0, 400, 500] {
            assert_eq!(window.free_at(3, at(ms)), at(ms));
            window.record(at(ms));
        }
        assert_eq!((window.count(at(999)), window.free_at(3, at(999))), (3, at(1_000)));
        assert_eq!((window.count(at(1_000)), window.free_at(3, at(1_000))), (2, at(1_000)));
        assert_eq!(window.free_at(1, at(1_000)), at(1_500), "two must go before one fits");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let mut window = SlidingWindow::new(WINDOW_MS);
        window.record(at(3_600_000));
        assert_eq!(window.free_at(1, at(0)), at(0));
    }

    proptest! {
        #[test]
        fn whoever_keeps_to_it_never_does_more_in_any_window(
            waits in proptest::collection::vec(0..700_i64, 1..60), max in 1..6_usize,
        ) {
            let mut window = SlidingWindow::new(WINDOW_MS);
            let (mut now, mut done) = (at(0), Vec::new());
            for wait in waits {
                now = now.plus_ms(wait);
                now = window.free_at(max, now);
                window.record(now);
                done.push(now);
            }
            for first in &done {
                let inside = done.iter().filter(|d| **d >= *first && d.since(*first) < WINDOW_MS).count();
                prop_assert!(inside <= max);
            }
        }
    }
}
