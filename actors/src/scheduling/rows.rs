//! Rows of bookings.

use askpro_domain::{
    booking::{Booking, BookingState},
    tenant::Company,
    time::UnixMillis,
};
use bytes::Bytes;
use serde_json::json;

use crate::ports::rows::{AppointmentRow, CallbackRow, OutboxRow};

/// The row of a booking.
pub(super) fn appointment_row(booking: &Booking, company: Option<&Company>) -> AppointmentRow {
    let order = &booking.order;
    let host = match &booking.state {
        BookingState::Confirmed { host: Some(user), .. } => {
            company.and_then(|c| c.staff_by_calcom_user(*user)).map(|s| s.id)
        }
        _ => None,
    };
    AppointmentRow {
        appointment: order.appointment.clone(),
        company: order.company,
        call_id: order.call_id.clone(),
        service_id: order.service.0,
        staff_id: host.or(order.staff).map(|s| s.0),
        starts_at: order.interval.start(),
        ends_at: order.interval.end(),
        status: booking.status(),
        calcom_uid: booking.uid().map(str::to_owned),
        version: booking.version,
        state: Bytes::from(serde_json::to_vec(booking).unwrap_or_default()),
    }
}

/// The notice that a booking stands; one per appointment.
pub(super) fn confirmation(booking: &Booking, now: UnixMillis) -> OutboxRow {
    let order = &booking.order;
    OutboxRow {
        company: order.company,
        key: format!("booking_confirmed:{}", order.appointment),
        kind: "booking_confirmed",
        call_id: Some(order.call_id.clone()),
        payload: json!({
            "appointment_id": order.appointment,
            "service_id": order.service,
            "starts_at": order.interval.start().to_rfc3339(),
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
pub(super) fn callback(booking: &Booking, urgent: bool, reason: &str, now: UnixMillis) -> CallbackRow {
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
        created_at: now,
    }
}
