//! Tells subscribers about bookings: signed, once, and never again.

use std::{sync::PoisonError, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::state::{Booking, BookingStatus, State};
use super::{Shared, time, view};

const TIME_OUT: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trigger {
    Created,
    Requested,
    Rescheduled,
    Cancelled,
}

impl Trigger {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "BOOKING_CREATED",
            Self::Requested => "BOOKING_REQUESTED",
            Self::Rescheduled => "BOOKING_RESCHEDULED",
            Self::Cancelled => "BOOKING_CANCELLED",
        }
    }
}

/// Sends the event of one booking, if anybody wants it.
pub(super) fn announce(
    shared: &Shared,
    state: &State,
    booking: &Booking,
    trigger: Trigger,
    before: Option<&Booking>,
) {
    let Some(url) = &state.webhook_url else { return };
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let secret = state.world.company(&booking.company).and_then(|company| company.webhook_secret.as_deref());
    let body = body(state, booking, trigger, before, shared.now()).to_string();
    let request = shared
        .client
        .post(format!("{}/{}", url.trim_end_matches('/'), booking.company))
        .header("Content-Type", "application/json")
        .header("X-Cal-Signature-256", sign(secret, body.as_bytes()))
        .header("X-Cal-Webhook-Version", "2021-10-20")
        .timeout(TIME_OUT)
        .body(body);
    let (announced, uid) = (shared.announced.clone(), booking.uid.clone());
    runtime.spawn(async move {
        match request.send().await.and_then(reqwest::Response::error_for_status) {
            Ok(_) => {
                announced.lock().unwrap_or_else(PoisonError::into_inner).push((uid, trigger.name()));
            }
            Err(error) => {
                tracing::debug!(event = trigger.name(), error = %error.without_url(), "a webhook was not taken");
            }
        }
    });
}

/// The value of `X-Cal-Signature-256`: lowercase hex of HMAC-SHA256 over the raw body, or the vendor's words where
/// there is no secret.
#[must_use]
pub fn sign(secret: Option<&str>, body: &[u8]) -> String {
    let mac = secret.and_then(|secret| Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok());
    let signed = |mut mac: Hmac<Sha256>| {
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    };
    mac.map_or_else(|| "no-secret-provided".to_owned(), signed)
}

fn body(state: &State, booking: &Booking, trigger: Trigger, before: Option<&Booking>, now: i64) -> Value {
    let mut payload = common(state, booking);
    let mut put = |name: &str, value: Value| {
        payload.insert(name.to_owned(), value);
    };
    match trigger {
        Trigger::Cancelled => {
            put("status", json!("CANCELLED"));
            put("cancellationReason", json!(booking.cancellation_reason));
            put("cancelledBy", json!(booking.cancelled_by));
            put("requestReschedule", json!(false));
        }
        // Seen on the wire: a requested booking comes with empty metadata.
        Trigger::Requested => put("metadata", json!({})),
        Trigger::Created | Trigger::Rescheduled => put("metadata", json!(booking.metadata)),
    }
    if let Some(before) = before {
        put("rescheduleId", json!(before.id));
        put("rescheduleUid", json!(before.uid));
        put("rescheduleStartTime", json!(time::iso_seconds(before.start_ms)));
        put("rescheduleEndTime", json!(time::iso_seconds(before.end_ms)));
        put("rescheduledBy", json!(booking.rescheduled_by));
    }
    json!({ "triggerEvent": trigger.name(), "createdAt": time::iso(now), "payload": payload })
}

fn common(state: &State, booking: &Booking) -> Map<String, Value> {
    let event_type = state.world.event_type(booking.event_type_id);
    let attendee = &booking.attendee;
    let pending = booking.status == BookingStatus::Pending;
    let payload = json!({
        "bookerUrl": "https://app.cal.com",
        "title": view::title(&state.world, booking),
        "startTime": time::iso_seconds(booking.start_ms),
        "endTime": time::iso_seconds(booking.end_ms),
        "additionalNotes": "",
        "type": event_type.map(|event_type| event_type.slug.as_str()),
        "description": "",
        "eventTypeId": booking.event_type_id,
        "seatsPerTimeSlot": null,
        "seatsShowAttendees": true,
        "organizer": organizer(state, booking),
        "attendees": [{
            "email": attendee.email,
            "name": attendee.name,
            "timeZone": attendee.time_zone,
            "language": { "locale": attendee.language },
            "phoneNumber": attendee.phone,
        }],
        "customInputs": {},
        "responses": {
            "name": { "label": "your_name", "value": attendee.name, "isHidden": false },
            "email": { "label": "email_address", "value": attendee.email, "isHidden": false },
            "attendeePhoneNumber": { "label": "phone_number", "value": attendee.phone, "isHidden": false },
        },
        "userFieldsResponses": {},
        "location": booking.location,
        "destinationCalendar": null,
        "iCalUID": booking.ics_uid,
        "iCalSequence": booking.ics_sequence,
        "requiresConfirmation": pending,
        "organizationId": null,
        "uid": booking.uid,
        "eventTitle": event_type.map(|event_type| event_type.title.as_str()),
        "eventDescription": "",
        "price": 0,
        "currency": "eur",
        "length": (booking.end_ms - booking.start_ms) / 60_000,
        "bookingId": booking.id,
        "status": if pending { "PENDING" } else { "ACCEPTED" },
    });
    match payload {
        Value::Object(payload) => payload,
        _ => Map::new(),
    }
}

fn organizer(state: &State, booking: &Booking) -> Value {
    state.world.user(booking.host_id).map_or(Value::Null, |user| {
        json!({
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "username": user.username,
            "timeZone": user.time_zone,
            "language": { "locale": "de" },
            "timeFormat": "HH:mm",
        })
    })
}
