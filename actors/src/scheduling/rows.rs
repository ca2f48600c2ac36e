//! Rows of bookings.

use askpro_domain::{
    booking::{Booking, BookingEffect, BookingState},
    call::{AppointmentFact, PlacedIn},
    customer::Upcoming,
    tenant::Company,
    time::UnixMillis,
};
use bytes::Bytes;
use serde_json::json;

use crate::{
    calls::BookingMoved,
    customers::CustomerBook,
    ports::{
        journal::Position,
        rows::{AppointmentRow, CallbackRow, OutboxRow, Write},
    },
};

/// The row of a booking.
fn appointment_row(booking: &Booking, company: Option<&Company>) -> AppointmentRow {
    let order = &booking.order;
    AppointmentRow {
        appointment: order.appointment.clone(),
        company: order.company,
        call_id: order.call_id.clone(),
        service_id: order.service.0,
        staff_id: Upcoming::of(booking, company).staff.map(|s| s.0),
        starts_at: booking.interval().start(),
        ends_at: booking.interval().end(),
        status: booking.status(),
        calcom_uid: booking.uid().map(str::to_owned),
        version: booking.version,
        state: Bytes::from(serde_json::to_vec(booking).unwrap_or_default()),
    }
}

/// What a call is told of a move of its booking, with the rows of it.
pub(super) fn moved(
    booking: &Booking,
    effects: &[BookingEffect],
    company: Option<&Company>,
    customers: &CustomerBook,
    position: Position,
    now: UnixMillis,
) -> BookingMoved {
    let mut writes = vec![Write::Appointment(Box::new(appointment_row(booking, company)))];
    writes.extend(customers.row_of(booking, company).map(Write::Customer));
    if effects.contains(&BookingEffect::NotifyConfirmed) && booking.status().stands() {
        writes.push(Write::Outbox(confirmation(booking, now)));
    }
    let mut is_callback = false;
    for effect in effects {
        let BookingEffect::RequestCallback { urgent, reason } = effect else { continue };
        is_callback = true;
        writes.push(Write::Callback(callback(booking, *urgent, reason, now)));
        if let BookingState::Conflict { alternatives, .. } = &booking.state {
            writes.push(Write::Outbox(conflict(booking, alternatives, now)));
        }
    }
    let order = &booking.order;
    BookingMoved {
        appointment: order.appointment.clone(),
        fact: AppointmentFact { version: booking.version, status: booking.status() },
        placed: PlacedIn { company: order.company, branch: order.branch },
        claimed: order.claimed,
        callback: is_callback,
        writes,
        position,
    }
}

/// The same for a move that was told before, after a crash or a panic; each notice exists once.
pub(crate) fn moved_again(
    booking: &Booking,
    company: Option<&Company>,
    customers: &CustomerBook,
    position: Position,
    now: UnixMillis,
) -> BookingMoved {
    moved(booking, &effects_again(booking), company, customers, position, now)
}

/// Notices that belong to a booking's last move.
fn effects_again(booking: &Booking) -> Vec<BookingEffect> {
    let callback = |reason| vec![BookingEffect::RequestCallback { urgent: true, reason }];
    match booking.state {
        BookingState::Confirmed { .. } => vec![BookingEffect::NotifyConfirmed],
        BookingState::Conflict { .. } => callback("booking_conflict"),
        BookingState::Abandoned if booking.version > 1 => callback("booking_not_found"),
        BookingState::Refused { .. } if booking.call_over => callback("refused_after_hangup"),
        _ => Vec::new(),
    }
}

/// The notice that a booking stands; one per appointment.
fn confirmation(booking: &Booking, now: UnixMillis) -> OutboxRow {
    let order = &booking.order;
    OutboxRow {
        company: order.company,
        key: format!("booking_confirmed:{}", order.appointment),
        kind: "booking_confirmed",
        call_id: Some(order.call_id.clone()),
        payload: json!({
            "appointment_id": order.appointment,
            "service_id": order.service,
            "starts_at": booking.interval().start().to_rfc3339(),
            "name": order.attendee.name,
            "phone": order.attendee.phone,
            "email": order.attendee.email,
            "language": order.language,
        })
        .to_string(),
        created_at: now,
    }
}

/// The notice that a promise is broken, with what is free instead; one per appointment.
fn conflict(booking: &Booking, alternatives: &[UnixMillis], now: UnixMillis) -> OutboxRow {
    let order = &booking.order;
    let alternatives: Vec<String> = alternatives.iter().map(|slot| slot.to_rfc3339()).collect();
    OutboxRow {
        company: order.company,
        key: format!("booking_conflict:{}", order.appointment),
        kind: "booking_conflict",
        call_id: Some(order.call_id.clone()),
        payload: json!({
            "appointment_id": order.appointment,
            "service_id": order.service,
            "starts_at": order.interval.start().to_rfc3339(),
            "alternatives": alternatives,
            "name": order.attendee.name,
            "phone": order.attendee.phone,
            "email": order.attendee.email,
            "language": order.language,
        })
        .to_string(),
        created_at: now,
    }
}

/// The wish that somebody calls back about a booking; one per appointment and reason.
fn callback(booking: &Booking, urgent: bool, reason: &str, now: UnixMillis) -> CallbackRow {
    let order = &booking.order;
    CallbackRow {
        company: order.company,
        key: format!("{reason}:{}", order.appointment),
        call_id: Some(order.call_id.clone()),
        phone: order.attendee.phone.as_ref().map(|p| p.as_str().to_owned()),
        name: Some(order.attendee.name.clone()),
        priority: if reason == "booking_conflict" {
            "urgent"
        } else if urgent {
            "high"
        } else {
            "normal"
        },
        reason: reason.to_owned(),
        due_at: None,
        due_text: None,
        created_at: now,
        version: 1,
    }
}
