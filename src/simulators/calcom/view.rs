//! How bookings and accounts look in answers.

use serde_json::{Map, Value, json};

use super::api::Success;
use super::refusal::Refusal;
use super::state::Booking;
use super::time;
use super::world::{Company, World};

/// The booking object of the versions since 2024-08-13.
pub(super) fn booking(world: &World, booking: &Booking) -> Value {
    let slug = world.event_type(booking.event_type_id).map(|event_type| event_type.slug.as_str());
    let mut view = json!({
        "id": booking.id,
        "uid": booking.uid,
        "title": title(world, booking),
        "description": "",
        "hosts": [host(world, booking.host_id)],
        "status": booking.status,
        "start": time::iso(booking.start_ms),
        "end": time::iso(booking.end_ms),
        "duration": (booking.end_ms - booking.start_ms) / 60_000,
        "eventTypeId": booking.event_type_id,
        "eventType": { "id": booking.event_type_id, "slug": slug },
        "meetingUrl": booking.location,
        "location": booking.location,
        "absentHost": false,
        "createdAt": time::iso(booking.created_ms),
        "updatedAt": time::iso(booking.updated_ms),
        "attendees": [attendee(booking)],
        "guests": booking.guests,
        "bookingFieldsResponses": fields(booking),
        "metadata": booking.metadata,
        "rating": null,
        "icsUid": booking.ics_uid,
    });
    if let Some(view) = view.as_object_mut() {
        put(view, "cancellationReason", booking.cancellation_reason.as_deref());
        put(view, "cancelledByEmail", booking.cancelled_by.as_deref());
        put(view, "reschedulingReason", booking.rescheduling_reason.as_deref());
        put(view, "rescheduledByEmail", booking.rescheduled_by.as_deref());
        put(view, "rescheduledFromUid", booking.rescheduled_from.as_deref());
        put(view, "rescheduledToUid", booking.rescheduled_to.as_deref());
    }
    view
}

/// `Haircut between Udo and Anna Schmidt`
pub(super) fn title(world: &World, booking: &Booking) -> String {
    let title =
        world.event_type(booking.event_type_id).map_or("Event", |event_type| event_type.title.as_str());
    let host = world.user(booking.host_id).map_or("", |user| user.name.as_str());
    format!("{title} between {host} and {}", booking.attendee.name)
}

/// `GET /v2/me`
pub(super) fn me(world: &World, api_key: Option<&str>) -> Result<Success, Refusal> {
    let company = api_key.and_then(|key| world.company_of_key(key));
    let company = company.ok_or_else(|| Refusal::unauthorized("Invalid API Key"))?;
    let data = json!({
        "id": company.owner_id,
        "username": company.slug,
        "email": owner_email(company),
        "name": company.name,
        "avatarUrl": null,
        "bio": null,
        "timeZone": company.time_zone,
        "weekStart": "Monday",
        "timeFormat": 24,
        "defaultScheduleId": company.owner_id,
        "organizationId": null,
    });
    Ok((200, json!({ "status": "success", "data": data })))
}

/// The address under which the owner of a key acts.
pub(super) fn owner_email(company: &Company) -> String {
    format!("owner@{}.example", company.slug)
}

fn host(world: &World, host_id: i64) -> Value {
    world.user(host_id).map_or(Value::Null, |user| {
        json!({
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "displayEmail": user.email,
            "username": user.username,
            "timeZone": user.time_zone,
        })
    })
}

fn attendee(booking: &Booking) -> Value {
    let attendee = &booking.attendee;
    let mut view = json!({
        "name": attendee.name,
        "email": attendee.email,
        "displayEmail": attendee.email,
        "timeZone": attendee.time_zone,
        "language": attendee.language,
        "absent": false,
    });
    if let Some(view) = view.as_object_mut() {
        put(view, "phoneNumber", attendee.phone.as_deref());
    }
    view
}

fn fields(booking: &Booking) -> Map<String, Value> {
    let mut fields = booking.fields.clone();
    fields.insert("name".to_owned(), json!(booking.attendee.name));
    fields.insert("email".to_owned(), json!(booking.attendee.email));
    put(&mut fields, "attendeePhoneNumber", booking.attendee.phone.as_deref());
    fields
}

fn put(view: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        view.insert(name.to_owned(), json!(value));
    }
}
