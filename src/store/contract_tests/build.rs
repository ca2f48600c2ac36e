//! One builder per row; a case mentions only what matters to it.

use askpro_actors::ports::rows::{
    AppointmentRow, Body, CalendarEventRow, CallRow, CallbackRow, DeadLetterRow, EventRow, FunctionCallRow,
    OutboxRow, PlatformEventRow, QuarantineRow, Write,
};
use askpro_domain::{
    booking::{Attendee, Booking, BookingEvent, BookingOrder, OrderedBy, Standing},
    call::{CallState, EventSource, PlacedIn},
    ids::{AppointmentId, BodyHash, BranchId, CallId, CompanyId, CustomerId, ServiceId},
    phone::PhoneNumber,
    slots::HoldId,
    tenant::{Branch, Company, CompanyKeys, Customer, InboundSettings, Language, Limits},
    time::{Interval, UnixMillis},
};
use bytes::Bytes;

pub(super) const ONE: CompanyId = CompanyId(1);
pub(super) const TWO: CompanyId = CompanyId(2);

pub(super) fn call_id(text: &str) -> CallId {
    CallId::parse(text).unwrap()
}

pub(super) fn event(company: CompanyId, call: &str, name: &str, at: i64, body: &str) -> EventRow {
    EventRow {
        company,
        call_id: call_id(call),
        event: name.to_owned(),
        dedup_key: name.to_owned(),
        event_timestamp: Some(UnixMillis(at)),
        body_hash: BodyHash::of(&[body.as_bytes()]),
        body_bytes: u32::try_from(body.len()).unwrap(),
        source: EventSource::Webhook,
        signer_company: None,
        received_at: UnixMillis(at + 5),
        body: Body::Inline(Bytes::copy_from_slice(body.as_bytes())),
    }
}

pub(super) fn call(company: CompanyId, call: &str, status: &'static str) -> CallRow {
    let state = CallState::new(call_id(call)).place(PlacedIn { company, branch: BranchId(9) });
    CallRow {
        company,
        branch: BranchId(9),
        call_id: call_id(call),
        status,
        direction: Some("inbound".to_owned()),
        call_type: Some("phone_call".to_owned()),
        from_number: None,
        to_number: Some("+493083793369".to_owned()),
        agent_id: Some("agent_a1".to_owned()),
        started_at: Some(UnixMillis(1_000)),
        ended_at: None,
        duration_ms: None,
        disconnection_reason: None,
        outcome: None,
        retell_successful: None,
        state: Bytes::from(serde_json::to_vec(&state).unwrap()),
    }
}

pub(super) fn booking(company: CompanyId, call: &str, order_key: &str) -> Booking {
    let call_id = call_id(call);
    let order = BookingOrder {
        claimed: false,
        appointment: AppointmentId::of_order(&call_id, order_key, 0),
        company,
        branch: BranchId(9),
        call_id,
        order_key: order_key.to_owned(),
        service: ServiceId(3),
        staff: None,
        event_type_id: 2001,
        interval: Interval::of_minutes(UnixMillis(3_600_000), 30).unwrap(),
        hold: HoldId("hold_1".to_owned()),
        attendee: Attendee {
            name: "Anna Schmidt".to_owned(),
            phone: PhoneNumber::parse_e164("+4915112345678"),
            email: None,
        },
        by: OrderedBy { caller: PhoneNumber::parse_e164("+4915112345678"), ..OrderedBy::default() },
        notes: None,
        time_zone: "Europe/Berlin".to_owned(),
        language: Language::De,
    };
    Booking::submit(order, UnixMillis(2_000))
}

pub(super) fn confirmed(booking: Booking) -> Booking {
    let event = BookingEvent::Confirmed(Standing {
        uid: "uid_1".to_owned(),
        from_uid: None,
        interval: booking.order.interval,
        host: None,
        at: UnixMillis(2_400),
    });
    booking.apply(event, UnixMillis(2_500)).unwrap().booking
}

pub(super) fn appointment(booking: &Booking) -> AppointmentRow {
    AppointmentRow {
        appointment: booking.order.appointment.clone(),
        company: booking.order.company,
        call_id: booking.order.call_id.clone(),
        service_id: booking.order.service.0,
        staff_id: None,
        starts_at: booking.order.interval.start(),
        ends_at: booking.order.interval.end(),
        status: booking.status(),
        calcom_uid: booking.uid().map(str::to_owned),
        version: booking.version,
        state: Bytes::from(serde_json::to_vec(booking).unwrap()),
    }
}

pub(super) fn outbox(company: CompanyId, call: &str, key: &str) -> OutboxRow {
    OutboxRow {
        company,
        key: key.to_owned(),
        kind: "booking_confirmed",
        call_id: Some(call_id(call)),
        payload: "{\"b\":1,\"a\":2}".to_owned(),
        created_at: UnixMillis(4_000),
    }
}

pub(super) fn callback(company: CompanyId, call: &str, key: &str) -> CallbackRow {
    CallbackRow {
        company,
        key: key.to_owned(),
        call_id: Some(call_id(call)),
        phone: Some("+4915112345678".to_owned()),
        name: None,
        priority: "urgent",
        reason: "booking_not_found".to_owned(),
        due_at: None,
        due_text: None,
        created_at: UnixMillis(5_000),
        version: 1,
    }
}

pub(super) fn function_call(company: CompanyId, call: &str, at: i64) -> FunctionCallRow {
    FunctionCallRow {
        company,
        call_id: call_id(call),
        answered_at: UnixMillis(at),
        function: "book_appointment",
        success: true,
        code: "booked".to_owned(),
        took_ms: 120,
    }
}

pub(super) fn quarantine(id: &str, call: &str, rank: &str) -> QuarantineRow {
    QuarantineRow {
        id: id.to_owned(),
        call_id: call_id(call),
        event: "call_started".to_owned(),
        dedup_key: id.to_owned(),
        reason: "unknown_number_or_agent",
        signer_company: Some(TWO),
        received_at: UnixMillis(1_500),
        rank: rank.to_owned(),
        body: Body::Inline(Bytes::from(format!("body {rank}"))),
    }
}

pub(super) fn dead_letter(id: &str) -> DeadLetterRow {
    DeadLetterRow {
        id: id.to_owned(),
        actor: "call",
        actor_id: "call_1".to_owned(),
        message: "retell_event".into(),
        error: "index out of bounds".to_owned(),
        signer_company: None,
        created_at: UnixMillis(1_600),
        body: Some(Body::Inline(Bytes::from_static(b"letter"))),
    }
}

pub(super) fn platform_event(key: &str) -> PlatformEventRow {
    PlatformEventRow {
        event: "alert_triggered".to_owned(),
        dedup_key: key.to_owned(),
        received_at: UnixMillis(1_700),
        body: Body::Inline(Bytes::from_static(b"alert")),
    }
}

pub(super) fn calendar_event(company: CompanyId, key: &str, received_at: i64) -> CalendarEventRow {
    CalendarEventRow {
        company,
        dedup_key: key.to_owned(),
        event: "BOOKING_CREATED".to_owned(),
        booking_uid: Some("uid_1".to_owned()),
        event_at: Some(UnixMillis(1_750)),
        received_at: UnixMillis(received_at),
        body: Body::Inline(Bytes::from_static(b"announced")),
    }
}

pub(super) fn calls(rows: impl IntoIterator<Item = CallRow>) -> Vec<Write> {
    rows.into_iter().map(|row| Write::Call(Box::new(row))).collect()
}

pub(super) fn company(slug: &str, numbers: &[&str], agents: &[&str]) -> Company {
    Company {
        id: CompanyId::of_slugs(&[slug]),
        slug: slug.to_owned(),
        name: format!("Firma {slug}"),
        time_zone: "Europe/Berlin".to_owned(),
        language: Language::De,
        notice_minutes: 15,
        holidays: std::collections::BTreeSet::new(),
        limits: Limits::default(),
        keys: CompanyKeys::default(),
        branches: vec![Branch {
            id: BranchId::of_slugs(&[slug, "mitte"]),
            slug: "mitte".to_owned(),
            name: "Mitte".to_owned(),
            phone_numbers: numbers.iter().map(|n| PhoneNumber::parse_e164(n).unwrap()).collect(),
            agents: agents.iter().map(|a| (*a).to_owned()).collect(),
            opening_hours: None,
            inbound: InboundSettings::default(),
        }],
        staff: Vec::new(),
        services: Vec::new(),
    }
}

pub(super) fn customer(name: &str, phone: &str) -> Customer {
    Customer {
        id: CustomerId::of_slugs(&["c", phone]),
        name: name.to_owned(),
        phone: PhoneNumber::parse_e164(phone),
        email: None,
    }
}
