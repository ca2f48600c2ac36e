//! The hand that holds a running Cal.com: looks into it, stirs it, stops it.

use std::sync::{Arc, PoisonError};

use serde::Serialize;

use super::faults::{Fault, Operation};
use super::state::{Booking, BookingStatus, RequestRecord, Reservation, State};
use super::world::{EventTypeKind, World};
use super::{Shared, availability, bookings};
use crate::simulators::server::Server;

/// A running Cal.com. It stops when this is dropped.
pub struct CalcomHandle {
    server: Server,
    shared: Arc<Shared>,
}

/// Two accepted bookings that need the same host at the same time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overlap {
    /// The one that starts first.
    pub first: Booking,
    /// The one that starts before the first has ended.
    pub second: Booking,
}

impl CalcomHandle {
    pub(super) fn new(server: Server, shared: Arc<Shared>) -> Self {
        Self { server, shared }
    }

    /// `http://address:port`, without `/v2`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// Closes every connection and waits for the server's threads.
    pub fn stop(self) {
        self.server.stop();
    }

    /// Every booking ever made, in the order of their numbers.
    #[must_use]
    pub fn bookings(&self) -> Vec<Booking> {
        self.shared.state().bookings.clone()
    }

    /// The reservations that stand now.
    #[must_use]
    pub fn reservations(&self) -> Vec<Reservation> {
        reservations(&self.shared.state(), self.shared.now())
    }

    /// The requests for one operation, oldest first; `None` for all operations.
    #[must_use]
    pub fn requests(&self, operation: Option<Operation>) -> Vec<RequestRecord> {
        let state = self.shared.state();
        let wanted = |record: &&RequestRecord| operation.is_none_or(|only| only == record.operation);
        state.requests().filter(wanted).cloned().collect()
    }

    /// Webhooks that were acknowledged so far: uid of the booking, and trigger.
    #[must_use]
    pub fn acknowledged_webhooks(&self) -> Vec<(String, &'static str)> {
        self.shared.announced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Event types whose host the calendar chooses.
    #[must_use]
    pub fn pools(&self) -> Vec<i64> {
        let state = self.shared.state();
        let pools = state.world.event_types.iter().filter(|one| one.kind == EventTypeKind::RoundRobin);
        pools.map(|one| one.id).collect()
    }

    /// The oracle of double booking: must be empty where nobody oversold.
    #[must_use]
    pub fn overlaps(&self) -> Vec<Overlap> {
        overlaps(&self.shared.state())
    }

    /// Adds trouble to the script.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Ends all trouble.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Sends webhooks from now on: the company's slug is appended to `url` after a slash.
    pub fn send_webhooks_to(&self, url: &str) {
        self.shared.state().webhook_url = Some(url.to_owned());
    }

    /// Books as a visitor of the web page does, with `host` or with whoever is free. Its webhook is sent when
    /// this is called from within a tokio runtime.
    ///
    /// # Errors
    /// The status with which the API would refuse the same wish.
    pub fn book_outside(&self, event_type_id: i64, host: Option<i64>, start_ms: i64) -> Result<Booking, u16> {
        bookings::book_outside(&self.shared, event_type_id, host, start_ms)
            .map_err(|refusal| refusal.status())
    }

    /// Takes time of a host in another calendar.
    pub fn block(&self, user_id: i64, from_ms: i64, to_ms: i64) {
        let mut state = self.shared.state();
        if let Some(user) = state.world.users.iter_mut().find(|user| user.id == user_id) {
            user.busy.push((from_ms, to_ms));
        }
    }

    /// Changes the set-up while it runs: hours, event types, keys.
    pub fn change_world(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.shared.state().world);
    }
}

impl std::fmt::Debug for CalcomHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CalcomHandle").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

/// Those that have neither ended nor been taken away.
pub(super) fn reservations(state: &State, now: i64) -> Vec<Reservation> {
    state.reservations.iter().filter(|held| now < held.until_ms).cloned().collect()
}

/// All pairs of accepted bookings of one host that overlap.
pub(super) fn overlaps(state: &State) -> Vec<Overlap> {
    let accepted = state.bookings.iter().filter(|booking| booking.status == BookingStatus::Accepted);
    let mut sorted: Vec<&Booking> = accepted.collect();
    sorted.sort_by_key(|booking| (booking.host_id, booking.start_ms, booking.id));
    let mut found = Vec::new();
    for (place, first) in sorted.iter().enumerate() {
        let later = sorted.iter().skip(place + 1);
        let near = later.take_while(|second| {
            second.host_id == first.host_id && availability::overlap(first.span(), second.span())
        });
        found.extend(near.map(|second| Overlap { first: (*first).clone(), second: (*second).clone() }));
    }
    found
}
