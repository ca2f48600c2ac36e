//! What passes the door: events of the last seconds, appends that wait for the disk, rows that were left out.
//! Outside the actors, so that counting costs no message. Decides nothing.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use std::time::Duration;

use askpro_domain::time::UnixMillis;

/// Seconds that the rate of events is told over.
pub const RATE_WINDOW_S: i64 = 10;
/// Seconds that are remembered: the window, and the one that runs.
const SECONDS_KEPT: usize = 12;
/// Stands for "the journal refuses nothing".
const NOT_REFUSED: u64 = u64::MAX;

/// The figures. Cheap to clone.
#[derive(Clone, Default)]
pub struct Traffic(Arc<Figures>);

struct Figures {
    appending: AtomicUsize,
    refusals_held: AtomicUsize,
    rows_left_out: AtomicU64,
    lateness_us: AtomicU64,
    journal_refused_at_bytes: AtomicU64,
    seconds: Mutex<[Second; SECONDS_KEPT]>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            appending: AtomicUsize::new(0),
            refusals_held: AtomicUsize::new(0),
            rows_left_out: AtomicU64::new(0),
            lateness_us: AtomicU64::new(0),
            journal_refused_at_bytes: AtomicU64::new(NOT_REFUSED),
            seconds: Mutex::default(),
        }
    }
}

/// Events of one second.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    at: i64,
    events: u64,
}

/// Counts one append for as long as it exists.
pub struct Appending(Traffic);

/// Counts one refusal that is held back for as long as it exists.
pub struct HeldRefusal(Traffic);

impl Traffic {
    /// One more event was taken.
    pub fn record_event(&self, now: UnixMillis) {
        let at = now.0.div_euclid(1_000);
        let mut seconds = self.0.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(second) = seconds.get_mut(place_of(at)) else { return };
        if second.at != at {
            *second = Second { at, events: 0 };
        }
        second.events += 1;
    }

    /// Events in a second, over the last [`RATE_WINDOW_S`] whole seconds.
    #[must_use]
    pub fn events_per_second(&self, now: UnixMillis) -> f64 {
        let running = now.0.div_euclid(1_000);
        let seconds = self.0.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |second: &&Second| (running - RATE_WINDOW_S..running).contains(&second.at);
        let events: u64 = seconds.iter().filter(within).map(|second| second.events).sum();
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 events in ten seconds")]
        let rate = events as f64 / RATE_WINDOW_S as f64;
        rate
    }

    /// One more append waits for the disk, until the token is dropped.
    #[must_use]
    pub fn begin_append(&self) -> Appending {
        self.0.appending.fetch_add(1, Ordering::Relaxed);
        Appending(self.clone())
    }

    /// Appends that wait for the disk.
    #[must_use]
    pub fn appending(&self) -> usize {
        self.0.appending.load(Ordering::Relaxed)
    }

    /// One more refusal is held back until the token is dropped, unless so many are.
    #[must_use]
    pub fn hold_refusal(&self, held_max: usize) -> Option<HeldRefusal> {
        let held = HeldRefusal(self.clone());
        let before = self.0.refusals_held.fetch_add(1, Ordering::Relaxed);
        (before < held_max).then_some(held)
    }

    /// Refusals that are held back.
    #[must_use]
    pub fn refusals_held(&self) -> usize {
        self.0.refusals_held.load(Ordering::Relaxed)
    }

    /// The journal was full with so many bytes in it.
    pub fn journal_refused(&self, bytes: u64) {
        self.0.journal_refused_at_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The journal took a record.
    pub fn journal_took(&self) {
        // Read first: every event comes by here, and the line stays shared.
        if self.0.journal_refused_at_bytes.load(Ordering::Relaxed) != NOT_REFUSED {
            self.0.journal_refused_at_bytes.store(NOT_REFUSED, Ordering::Relaxed);
        }
    }

    /// Bytes in the journal when it last refused a record, if it took none since.
    #[must_use]
    pub fn journal_refused_at_bytes(&self) -> Option<u64> {
        Some(self.0.journal_refused_at_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes != NOT_REFUSED)
    }

    /// A thread of the door was this late.
    pub fn record_lateness(&self, late: Duration) {
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.0.lateness_us.fetch_max(late, Ordering::Relaxed);
    }

    /// The latest that any of them was since this was asked last.
    pub fn take_lateness(&self) -> Duration {
        Duration::from_micros(self.0.lateness_us.swap(0, Ordering::Relaxed))
    }

    /// A row of the log of functions was left out.
    pub fn leave_row_out(&self) {
        self.0.rows_left_out.fetch_add(1, Ordering::Relaxed);
    }

    /// Rows of the log of functions that were left out.
    #[must_use]
    pub fn rows_left_out(&self) -> u64 {
        self.0.rows_left_out.load(Ordering::Relaxed)
    }
}

impl Drop for Appending {
    fn drop(&mut self) {
        self.0.0.appending.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for HeldRefusal {
    fn drop(&mut self) {
        self.0.0.refusals_held.fetch_sub(1, Ordering::Relaxed);
    }
}

fn place_of(second: i64) -> usize {
    let kept = i64::try_from(SECONDS_KEPT).unwrap_or(1);
    usize::try_from(second.rem_euclid(kept)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(1_735_689_600_000 + ms)
    }

    #[test]
    fn the_rate_counts_the_last_ten_whole_seconds() {
        let traffic = Traffic::default();
        for ms in 0..20_000 {
            if ms % 100 == 0 {
                traffic.record_event(at(ms));
            }
        }
        assert!((traffic.events_per_second(at(20_000)) - 10.0).abs() < 1e-9);
        assert!((traffic.events_per_second(at(25_000)) - 5.0).abs() < 1e-9);
        assert!(traffic.events_per_second(at(60_000)).abs() < 1e-9);
        assert!(Traffic::default().events_per_second(at(0)).abs() < 1e-9);
    }

    #[test]
    fn an_append_counts_until_it_is_over() {
        let traffic = Traffic::default();
        let token = traffic.begin_append();
        assert_eq!(traffic.appending(), 1);
        drop(token);
        assert_eq!(traffic.appending(), 0);
    }

    #[test]
    fn as_many_refusals_are_held_as_may_be() {
        let traffic = Traffic::default();
        let held = [traffic.hold_refusal(2), traffic.hold_refusal(2), traffic.hold_refusal(2)];
        assert_eq!(held.each_ref().map(Option::is_some), [true, true, false]);
        assert_eq!(traffic.refusals_held(), 2);
        drop(held);
        assert_eq!(traffic.refusals_held(), 0);
    }

    #[test]
    fn a_refusal_of_the_journal_is_remembered_until_it_takes_something() {
        let traffic = Traffic::default();
        assert_eq!(traffic.journal_refused_at_bytes(), None);
        traffic.journal_refused(900);
        assert_eq!(traffic.journal_refused_at_bytes(), Some(900));
        traffic.journal_took();
        assert_eq!(traffic.journal_refused_at_bytes(), None);
    }
}
