//! `/v2/bookings`: one file per operation.

mod change;
mod create;
mod list;
mod order;

use std::time::Duration;

use rand::Rng;
use serde_json::{Value, json};

use super::api::Success;
use super::refusal::Refusal;
use super::state::{Attendee, Booking, BookingStatus, Origin};
use super::{Shared, view};

pub(super) use change::{cancel, reschedule};
pub(super) use create::{book_outside, create};
pub(super) use list::list;
pub(super) use order::refuse_old_shape;

/// The gap between a check and the insert after it.
pub(super) async fn pause(shared: &Shared) {
    let ms = shared.state().rng.random_range(shared.options.race_delay_ms.clone());
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// `GET /v2/bookings/{uid}`
pub(super) fn get(shared: &Shared, uid: &str) -> Result<Success, Refusal> {
    let state = shared.state();
    let booking = state.booking(uid).ok_or_else(|| unknown(uid))?;
    Ok((200, success(view::booking(&state.world, booking))))
}

/// An old booking that nobody has just ordered, answered as if it were new.
pub(super) fn stale(shared: &Shared) -> Success {
    let now = shared.now();
    let state = shared.state();
    let old = state.bookings.first().cloned().unwrap_or_else(|| invented(&state.world, now));
    (201, success(view::booking(&state.world, &old)))
}

fn invented(world: &super::World, now: i64) -> Booking {
    let event_type = world.event_types.first();
    let start_ms = now - now.rem_euclid(3_600_000) - 7 * 86_400_000;
    Booking {
        id: 1,
        uid: "oLdBookingoLdBookingoL".to_owned(),
        event_type_id: event_type.map_or(0, |event_type| event_type.id),
        company: event_type.map(|event_type| event_type.company.clone()).unwrap_or_default(),
        host_id: event_type.and_then(|event_type| event_type.hosts.first().copied()).unwrap_or(0),
        start_ms,
        end_ms: start_ms + event_type.map_or(1_800_000, super::EventType::length_ms),
        status: BookingStatus::Accepted,
        attendee: Attendee {
            name: "Somebody Else".to_owned(),
            email: "else@example.com".to_owned(),
            phone: None,
            time_zone: "UTC".to_owned(),
            language: "en".to_owned(),
        },
        guests: Vec::new(),
        metadata: serde_json::Map::new(),
        fields: serde_json::Map::new(),
        location: "integrations:daily".to_owned(),
        created_ms: start_ms - 86_400_000,
        updated_ms: start_ms - 86_400_000,
        cancellation_reason: None,
        cancelled_by: None,
        rescheduling_reason: None,
        rescheduled_by: None,
        rescheduled_from: None,
        rescheduled_to: None,
        ics_uid: "oLdBookingoLdBookingoL@Cal.com".to_owned(),
        ics_sequence: 0,
        origin: Origin::Outside,
    }
}

fn unknown(uid: &str) -> Refusal {
    Refusal::not_found(format!("Booking with uid={uid} was not found in the database"))
}

fn success(data: Value) -> Value {
    json!({ "status": "success", "data": data })
}
