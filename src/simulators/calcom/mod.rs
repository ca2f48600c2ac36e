//! A stateful Cal.com (API v2) to book against, written from the vendor's documented behaviour alone.
//!
//! It keeps what hurts: two error envelopes, a slot cache, reservations that hide but protect nothing, and a
//! gap between the availability check and the insert through which overlapping bookings slip. Faults are
//! scripted at run time, over the handle or over `POST /_sim/faults`. It must not know anything of the rest of
//! this project.

mod api;
mod availability;
mod bookings;
mod control;
mod faults;
mod handle;
mod import;
mod refusal;
mod reservations;
mod slots;
mod state;
mod throttle;
mod time;
mod view;
mod webhooks;
mod world;

#[cfg(test)]
mod tests;

use std::io;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web;

pub use faults::{Fault, FaultKind, Operation};
pub use handle::{CalcomHandle, Overlap};
pub use import::WorldError;
pub use state::{Attendee, Booking, BookingStatus, Origin, RequestRecord, Reservation};
pub use webhooks::sign;
pub use world::{Company, EventType, EventTypeKind, Hours, User, World};

use super::Now;
use super::server::Server;
use state::State;

/// How this Cal.com differs from the documented defaults.
#[derive(Clone)]
pub struct CalcomOptions {
    /// The clock: bookings, limits, caches and reservations follow it.
    pub now: Now,
    /// Seed of everything random (uids, the length of the gap in the booking race).
    pub seed: u64,
    /// Requests per minute and key before it is blocked for 60 s; `None` switches the limit off.
    pub requests_per_minute: Option<u32>,
    /// How long an answer of `GET /v2/slots` is reused, in ms.
    pub slots_cache_ms: i64,
    /// Length of the gap between availability check and insert, in ms.
    pub race_delay_ms: RangeInclusive<u64>,
    /// Where webhooks go: the company's slug is appended to it after a slash. `None` sends none.
    pub webhook_url: Option<String>,
}

impl CalcomOptions {
    /// The documented defaults: 120 requests a minute, 2 s of slot cache, a gap of 0 to 3 ms, no webhooks.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self {
            now,
            seed: 1,
            requests_per_minute: Some(120),
            slots_cache_ms: 2_000,
            race_delay_ms: 0..=3,
            webhook_url: None,
        }
    }
}

impl std::fmt::Debug for CalcomOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CalcomOptions").field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// Starts simulated Cal.coms.
#[derive(Debug)]
pub struct CalcomSimulator;

impl CalcomSimulator {
    /// Serves `world` on `bind` (`127.0.0.1:0` picks a free port) until the handle is stopped or dropped.
    ///
    /// # Errors
    /// When the address cannot be bound or the server's thread cannot start.
    pub fn start(bind: &str, world: World, options: CalcomOptions) -> io::Result<CalcomHandle> {
        let shared = web::Data::from(Arc::new(Shared::new(world, options)?));
        let served = shared.clone();
        let server = Server::start(bind, move |config| {
            config.app_data(served.clone()).default_service(web::to(api::answer));
        })?;
        Ok(CalcomHandle::new(server, shared.into_inner()))
    }
}

/// What the worker threads and the handle share.
struct Shared {
    options: CalcomOptions,
    client: reqwest::Client,
    state: Mutex<State>,
    announced: Announced,
}

/// Webhooks that were answered 2xx: uid of the booking, and trigger.
type Announced = Arc<Mutex<Vec<(String, &'static str)>>>;

impl Shared {
    fn new(world: World, options: CalcomOptions) -> io::Result<Self> {
        let client = super::http_client().map_err(io::Error::other)?;
        let state = Mutex::new(State::new(world, options.seed, options.webhook_url.clone()));
        Ok(Self { options, client, state, announced: Announced::default() })
    }

    fn now(&self) -> i64 {
        (self.options.now)()
    }

    /// The state, also after a panic of another thread: each change to it is complete in itself.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
