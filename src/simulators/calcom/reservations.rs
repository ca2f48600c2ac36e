//! `/v2/slots/reservations`: hides a slot from other slot queries, protects it from nobody.

use serde_json::{Map, Value, json};

use super::api::{Call, Success};
use super::bookings::pause;
use super::refusal::Refusal;
use super::state::{Reservation, State};
use super::world::{EventType, EventTypeKind, Span};
use super::{Shared, availability, time};

const DEFAULT_MINUTES: i64 = 5;
/// Beyond so many rows the expired ones are swept; until then they are still told about.
const ROWS_MAX: usize = 10_000;
const FIELDS: [&str; 4] = ["eventTypeId", "slotStart", "slotDuration", "reservationDuration"];

struct Wish {
    event_type: EventType,
    span: Span,
    minutes: i64,
}

/// Reserves; the check and the insert are two steps, so that two at once may both succeed.
pub(super) async fn create(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let wish = {
        let state = shared.state();
        let wish = read(&state, call)?;
        check(&state, &wish, shared.now())?;
        wish
    };
    pause(shared).await;
    let mut state = shared.state();
    let now = shared.now();
    if state.reservations.len() >= ROWS_MAX {
        state.reservations.retain(|held| now < held.until_ms);
    }
    let uid = state.new_uuid();
    let reservation = reservation(uid, &wish, now);
    let body = answer(&reservation, Some(wish.minutes));
    state.reservations.push(reservation);
    Ok((201, body))
}

/// A reservation, also an expired one; `null` where there is none.
pub(super) fn get(shared: &Shared, uid: &str) -> Success {
    let state = shared.state();
    let found = state.reservations.iter().find(|reservation| reservation.uid == uid);
    let empty = || json!({ "status": "success", "data": null });
    (200, found.map_or_else(empty, |found| answer(found, None)))
}

/// Moves or prolongs; its own old slot counts as taken, as with the vendor.
pub(super) fn change(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let now = shared.now();
    let mut state = shared.state();
    let wish = read(&state, call)?;
    check(&state, &wish, now)?;
    let missing = || Refusal::not_found(format!("Reservation with uid={} not found", call.uid));
    let changed = reservation(call.uid.clone(), &wish, now);
    let body = answer(&changed, Some(wish.minutes));
    let old = state.reservations.iter_mut().find(|reservation| reservation.uid == call.uid);
    *old.ok_or_else(missing)? = changed;
    Ok((200, body))
}

/// Always succeeds.
pub(super) fn release(shared: &Shared, uid: &str) -> Success {
    shared.state().reservations.retain(|reservation| reservation.uid != uid);
    (200, json!({ "status": "success" }))
}

fn read(state: &State, call: &Call) -> Result<Wish, Refusal> {
    let body = call.json()?;
    if let Some(unknown) = body.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(Refusal::unknown_property(unknown));
    }
    let id = body.get("eventTypeId").and_then(Value::as_i64);
    let id = id.ok_or_else(|| Refusal::property("eventTypeId", "eventTypeId must be an integer number"))?;
    let start = body.get("slotStart").and_then(Value::as_str).and_then(time::parse_instant);
    let wrong = || Refusal::property("slotStart", "slotStart must be a valid ISO 8601 date string");
    let start = start.ok_or_else(wrong)?;
    let missing = || Refusal::not_found(format!("Event Type with ID={id} not found"));
    let event_type = state.world.event_type(id).cloned().ok_or_else(missing)?;
    if body.contains_key("slotDuration") {
        let message = "This event type does not have variable event length so slotDuration can't be used.";
        return Err(Refusal::bad_request(message));
    }
    let minutes = read_minutes(state, call, &body, &event_type)?;
    let span = (start, start + event_type.length_ms());
    Ok(Wish { event_type, span, minutes })
}

fn read_minutes(
    state: &State,
    call: &Call,
    body: &Map<String, Value>,
    event_type: &EventType,
) -> Result<i64, Refusal> {
    let Some(minutes) = body.get("reservationDuration") else { return Ok(DEFAULT_MINUTES) };
    if call.token.is_none() {
        return Err(Refusal::unauthorized(
            "reservationDuration can only be used for authenticated requests - use access token, api key or \
             OAuth credentials",
        ));
    }
    if !state.world.owns(call.token.as_deref(), event_type) {
        return Err(Refusal::forbidden("You are not allowed to reserve a slot of this event type."));
    }
    let wrong = || Refusal::property("reservationDuration", "reservationDuration must be a positive number");
    minutes.as_i64().filter(|minutes| *minutes > 0).ok_or_else(wrong)
}

fn check(state: &State, wish: &Wish, now: i64) -> Result<(), Refusal> {
    if wish.event_type.kind == EventTypeKind::RoundRobin {
        return Ok(());
    }
    let of_type = state.bookings.iter().filter(|booking| booking.event_type_id == wish.event_type.id);
    if of_type
        .filter(|booking| booking.stands())
        .any(|booking| availability::overlap(booking.span(), wish.span))
    {
        return Err(Refusal::unprocessable("Can't reserve a slot if the event is already booked."));
    }
    let mut held = state.reservations.iter().filter(|held| held.event_type_id == wish.event_type.id);
    if held.any(|held| now < held.until_ms && availability::overlap(held.span, wish.span)) {
        let message = "This time slot is already reserved by another user. Please choose a different time.";
        return Err(Refusal::unprocessable(message));
    }
    Ok(())
}

fn reservation(uid: String, wish: &Wish, now: i64) -> Reservation {
    Reservation {
        uid,
        event_type_id: wish.event_type.id,
        // Whoever the pool has first: the slots of the other hosts stay visible.
        host_id: wish.event_type.hosts.first().copied().unwrap_or_default(),
        span: wish.span,
        until_ms: now + wish.minutes * 60_000,
    }
}

fn answer(reservation: &Reservation, minutes: Option<i64>) -> Value {
    let mut data = json!({
        "eventTypeId": reservation.event_type_id,
        "slotStart": time::iso(reservation.span.0),
        "slotEnd": time::iso(reservation.span.1),
        "slotDuration": (reservation.span.1 - reservation.span.0) / 60_000,
        "reservationUid": reservation.uid,
        "reservationUntil": time::iso(reservation.until_ms),
    });
    if let (Some(minutes), Some(data)) = (minutes, data.as_object_mut()) {
        data.insert("reservationDuration".to_owned(), json!(minutes));
    }
    json!({ "status": "success", "data": data })
}
