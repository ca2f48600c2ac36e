//! Ports in memory, for tests: each can be away, slow or wrong when it is told to, and records what was
//! asked of it. For the tests of this crate and of others; nothing of the service uses them.

mod calendar;
mod database;
mod directory;
mod journal;
mod platform;
mod reservations;
mod tables;
mod turnstile;
mod voice;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use calendar::{Creation, FakeCalendar, FakeCalendarDecoder};
pub use database::FakeDatabase;
pub use directory::{FIXTURE_NOW, FakeDirectory, company_a, company_b, fixture};
pub use journal::FakeJournal;
pub use platform::FakeVoice;
pub use reservations::{FakeReservations, Reserving, StandingReservation};
pub use tables::Tables;
pub use turnstile::FreeTurnstile;
pub use voice::{EventBody, FakeDecoder};

/// A gate that lets through while it is open.
#[derive(Debug)]
pub struct Gate(tokio::sync::watch::Sender<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(tokio::sync::watch::Sender::new(true))
    }
}

impl Gate {
    /// Makes everybody wait.
    pub fn close(&self) {
        self.0.send_replace(false);
    }

    /// Lets everybody through.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is open.
    pub async fn pass(&self) {
        let mut open = self.0.subscribe();
        // The sender lives as long as this borrow of it: there is always an end to wait for.
        let _ = open.wait_for(|open| *open).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
