//! What waits for the time of a universe without being an actor: the world outside, such as a request on its way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askpro_domain::time::UnixMillis;
use tokio::sync::oneshot;

type Ring = Box<dyn FnOnce() + Send>;

/// Alarms, in the order of time, then of setting. They outlive the process of a universe: the world does not end
/// with it.
#[derive(Clone, Default)]
pub struct Alarms(Arc<Mutex<Set>>);

#[derive(Default)]
struct Set {
    by_time: BTreeMap<(UnixMillis, u64), Ring>,
    next: u64,
}

impl Alarms {
    /// Does `ring` at this time, once the universe gets there.
    pub fn at(&self, at: UnixMillis, ring: impl FnOnce() + Send + 'static) {
        let mut set = self.lock();
        let number = set.next;
        set.next += 1;
        set.by_time.insert((at, number), Box::new(ring));
    }

    /// Waits until this time.
    pub async fn wait_until(&self, at: UnixMillis) {
        let (ring, rung) = oneshot::channel();
        self.at(at, move || _ = ring.send(()));
        // An alarm is dropped unrung only with the universe.
        let _ = rung.await;
    }

    /// When the next one rings.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.lock().by_time.keys().next().map(|(at, _)| *at)
    }

    /// Rings all that are due.
    pub(super) fn ring(&self, now: UnixMillis) {
        while let Some(ring) = self.take_due(now) {
            ring();
        }
    }

    fn take_due(&self, now: UnixMillis) -> Option<Ring> {
        let mut set = self.lock();
        let first = set.by_time.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
