//! Cancelling and moving. A moved booking is a new one: the old is cancelled and points at it.

use serde_json::{Map, Value};

use super::super::api::{Call, Success};
use super::super::refusal::Refusal;
use super::super::state::{Booking, BookingStatus, State};
use super::super::webhooks::{self, Trigger};
use super::super::world::EventType;
use super::super::{Shared, time, view};
use super::create::{check_bounds, choose_host, insert_unique};
use super::{pause, success, unknown};

const CANCEL_FIELDS: [&str; 3] = ["cancellationReason", "cancelSubsequentBookings", "seatUid"];
const MOVE_FIELDS: [&str; 7] = [
    "start",
    "rescheduledBy",
    "reschedulingReason",
    "emailVerificationCode",
    "allowConflicts",
    "allowBookingOutOfBounds",
    "skipBookingLimits",
];

/// `POST /v2/bookings/{uid}/cancel`
pub(in super::super) fn cancel(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let body = read(call, &CANCEL_FIELDS)?;
    let now = shared.now();
    let mut state = shared.state();
    let booking = state.booking(&call.uid).ok_or_else(|| unknown(&call.uid))?;
    if let Some(seat) = body.get("seatUid") {
        return Err(Refusal::bad_request(format!("Seat {seat} does not exist in this booking.")));
    }
    if !booking.stands() {
        return Err(Refusal::bad_request(format!(
            "Can't cancel booking with uid={} because it has been cancelled already. Please provide uid of a \
             booking that is not cancelled.",
            call.uid
        )));
    }
    let reason = text(&body, "cancellationReason");
    let event_type = state.world.event_type(booking.event_type_id);
    if event_type.is_some_and(|event_type| event_type.cancellation_reason_required) && reason.is_none() {
        return Err(Refusal::engine(400, "Cancellation reason is required"));
    }
    if booking.end_ms <= now {
        return Err(Refusal::engine(400, "Cannot cancel a booking that has already ended"));
    }
    let actor = actor(&state, call, booking);
    if let Some(booking) = state.booking_mut(&call.uid) {
        booking.status = BookingStatus::Cancelled;
        booking.cancellation_reason = reason;
        booking.cancelled_by = Some(actor);
        booking.updated_ms = now;
    }
    let cancelled = state.booking(&call.uid).cloned().ok_or_else(|| unknown(&call.uid))?;
    webhooks::announce(shared, &state, &cancelled, Trigger::Cancelled, None);
    Ok((200, success(view::booking(&state.world, &cancelled))))
}

/// `POST /v2/bookings/{uid}/reschedule`
pub(in super::super) async fn reschedule(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let body = read(call, &MOVE_FIELDS)?;
    let start = body.get("start").and_then(Value::as_str).and_then(time::parse_instant);
    let wrong = || Refusal::property("start", "start must be a valid ISO 8601 date string");
    let start = start.ok_or_else(wrong)?;
    let (event_type, host) = look(&shared.state(), call, start, shared.now())?;
    pause(shared).await;
    let now = shared.now();
    let mut state = shared.state();
    let old = movable(&state, &call.uid)?.clone();
    let by = text(&body, "rescheduledBy").unwrap_or_else(|| actor(&state, call, &old));
    let next = moved(&mut state, &old, (start, event_type.length_ms(), host), &body, &by, now);
    let next = insert_unique(&mut state, next)?;
    if let Some(old) = state.booking_mut(&call.uid) {
        old.status = BookingStatus::Cancelled;
        old.rescheduled_to = Some(next.uid.clone());
        old.rescheduling_reason = text(&body, "reschedulingReason");
        old.rescheduled_by = Some(by);
        old.updated_ms = now;
    }
    let pending = next.status == BookingStatus::Pending;
    let trigger = if pending { Trigger::Requested } else { Trigger::Rescheduled };
    webhooks::announce(shared, &state, &next, trigger, Some(&old));
    Ok((201, success(view::booking(&state.world, &next))))
}

fn look(state: &State, call: &Call, start: i64, now: i64) -> Result<(EventType, i64), Refusal> {
    let old = movable(state, &call.uid)?;
    let event_type = state.world.event_type(old.event_type_id).cloned();
    let event_type = event_type.ok_or_else(|| Refusal::not_found("Event type not found"))?;
    check_bounds(&event_type, start, now)?;
    let span = (start, start + event_type.length_ms());
    let except = Some(old.uid.as_str());
    if state.is_free(old.host_id, span, except) {
        return Ok((event_type, old.host_id));
    }
    let host = choose_host(state, &event_type, span, except)?;
    Ok((event_type, host))
}

fn movable<'a>(state: &'a State, uid: &str) -> Result<&'a Booking, Refusal> {
    let booking = state.booking(uid).ok_or_else(|| unknown(uid))?;
    match &booking.rescheduled_to {
        Some(next) => Err(Refusal::bad_request(format!(
            "Can't reschedule booking with uid={uid} because it has been cancelled and rescheduled already to \
             booking with uid={next}. You probably want to reschedule {next} instead by passing it within the \
             request URL."
        ))),
        None if !booking.stands() => Err(Refusal::bad_request(format!(
            "Can't reschedule booking with uid={uid} because it has been cancelled. Please provide uid of a \
             booking that is not cancelled."
        ))),
        None => Ok(booking),
    }
}

fn moved(
    state: &mut State,
    old: &Booking,
    (start, length_ms, host_id): (i64, i64, i64),
    body: &Map<String, Value>,
    by: &str,
    now: i64,
) -> Booking {
    let event_type = state.world.event_type(old.event_type_id);
    let asks_again = event_type.is_some_and(|event_type| event_type.requires_confirmation);
    let by_host = state.world.user(host_id).is_some_and(|user| user.email == by);
    let pending = asks_again && !by_host;
    Booking {
        uid: state.new_uid(),
        host_id,
        start_ms: start,
        end_ms: start + length_ms,
        status: if pending { BookingStatus::Pending } else { BookingStatus::Accepted },
        created_ms: now,
        updated_ms: now,
        rescheduling_reason: text(body, "reschedulingReason"),
        rescheduled_by: Some(by.to_owned()),
        rescheduled_from: Some(old.uid.clone()),
        ics_sequence: old.ics_sequence + 1,
        ..old.clone()
    }
}

/// Who acts: the owner of the key, or whoever knows the uid.
fn actor(state: &State, call: &Call, booking: &Booking) -> String {
    let signed_in = call.token.as_deref().and_then(|key| state.world.company_of_key(key));
    signed_in.map_or_else(|| booking.attendee.email.clone(), view::owner_email)
}

fn read(call: &Call, fields: &[&str]) -> Result<Map<String, Value>, Refusal> {
    if call.body.is_empty() {
        return Err(Refusal::bad_request("Request body is required"));
    }
    let body = call.json()?;
    let unknown = body.keys().find(|key| !fields.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(Refusal::unknown_property(key)))?;
    Ok(body)
}

fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}
