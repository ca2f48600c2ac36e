//! A turnstile without a budget, for tests of adapters.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use askpro_domain::{
    policy::{Class, Heard, KeyId, Limited, Request, Ticket},
    time::UnixMillis,
};

use super::lock;
use crate::ports::calendar::{Turn, Turnstile};

/// Lets everybody through, until it is told not to, and notes what it hears.
#[derive(Default)]
pub struct FreeTurnstile {
    passed: AtomicU64,
    limited_ms: AtomicI64,
    heard: Mutex<Vec<Heard>>,
}

impl FreeTurnstile {
    /// A turn at this turnstile, for bookings.
    #[must_use]
    pub fn turn(self: &Arc<Self>) -> Turn {
        Turn::new(self.clone(), Class::Bookings, UnixMillis(i64::MAX))
    }

    /// Nobody gets through from now on.
    pub fn limit(&self, retry_after_ms: i64) {
        self.limited_ms.store(retry_after_ms, Ordering::SeqCst);
    }

    /// What was heard of requests that passed, in order.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.heard).clone()
    }
}

#[async_trait::async_trait]
impl Turnstile for FreeTurnstile {
    async fn pass(&self, _key: KeyId, _request: Request) -> Result<Ticket, Limited> {
        match self.limited_ms.load(Ordering::SeqCst) {
            0 => Ok(Ticket(self.passed.fetch_add(1, Ordering::SeqCst))),
            retry_after_ms => Err(Limited { retry_after_ms }),
        }
    }

    fn heard(&self, _key: KeyId, _ticket: Ticket, heard: Heard) {
        lock(&self.heard).push(heard);
    }
}
