//! Announcements of calendars, for the tests that hear them.

use askpro_domain::{
    booking::{Contact, Evidence},
    calendar::{CalendarEvent, GoneBooking, News, SeenBooking},
    phone::PhoneNumber,
    time::Interval,
};

use super::*;
use crate::ports::fakes::company_a;

pub(super) const UDO: i64 = 9001;
pub(super) const MIA: i64 = 9002;

/// A time of tomorrow, Tue 2026-11-24 in Berlin, in half hours from nine.
pub(super) fn tomorrow(half_hours: i64, minutes: u32) -> Interval {
    let start = FIXTURE_NOW.plus_ms(86_400_000 + half_hours * 1_800_000);
    Interval::of_minutes(start, minutes).unwrap()
}

/// Somebody booked on the web: visitors have neither our metadata nor our callers' numbers.
pub(super) fn web(uid: &str, event_type_id: i64, host: i64, interval: Interval) -> SeenBooking {
    SeenBooking {
        uid: uid.to_owned(),
        from_uid: None,
        interval,
        host: Some(host),
        freed_hosts: Vec::new(),
        seated: false,
        evidence: Evidence {
            start: Some(interval.start()),
            event_type_id: Some(event_type_id),
            contacts: vec![Contact::Email("visitor@example.com".to_owned())],
            ..Evidence::default()
        },
    }
}

/// The booking that an order of ours made at the calendar.
pub(super) fn ours(booking: &Booking, uid: &str, host: i64) -> SeenBooking {
    let order = &booking.order;
    let mut seen = web(uid, order.event_type_id, host, order.interval);
    seen.evidence.appointment = Some(order.appointment.0.clone());
    seen
}

/// The same as a type that asks the host announces it: with empty metadata.
pub(super) fn ours_without_metadata(booking: &Booking, uid: &str, host: i64) -> SeenBooking {
    let mut seen = ours(booking, uid, host);
    seen.evidence.appointment = None;
    seen.evidence.contacts = vec![Contact::Phone(PhoneNumber::parse_e164("+4915112345678").unwrap())];
    seen
}

/// The booking moved to another time under another uid.
pub(super) fn moved(seen: &SeenBooking, uid: &str, interval: Interval) -> SeenBooking {
    let mut moved = SeenBooking { from_uid: Some(seen.uid.clone()), uid: uid.to_owned(), ..seen.clone() };
    (moved.interval, moved.evidence.start) = (interval, Some(interval.start()));
    moved
}

pub(super) fn stands_at(mut seen: SeenBooking, at: UnixMillis) -> CalendarEvent {
    seen.evidence.created_at = Some(at);
    CalendarEvent {
        name: "STANDS".to_owned(),
        dedup_key: format!("STANDS:{}:{at}:{:?}", seen.uid, seen.host),
        uid: Some(seen.uid.clone()),
        at: Some(at),
        news: News::Stands(Box::new(seen)),
    }
}

pub(super) fn gone_at(seen: &SeenBooking, at: UnixMillis) -> CalendarEvent {
    let gone = GoneBooking {
        uid: seen.uid.clone(),
        appointment: None,
        event_type_id: seen.evidence.event_type_id,
        host: seen.host,
    };
    CalendarEvent {
        name: "GONE".to_owned(),
        dedup_key: format!("GONE:{}:{at}", seen.uid),
        uid: Some(seen.uid.clone()),
        at: Some(at),
        news: News::Gone(Box::new(gone)),
    }
}

/// The same with our id of it.
pub(super) fn gone_by_id_at(seen: &SeenBooking, at: UnixMillis) -> CalendarEvent {
    let mut event = gone_at(seen, at);
    if let News::Gone(gone) = &mut event.news {
        gone.appointment.clone_from(&seen.evidence.appointment);
    }
    event
}

/// News about no booking.
pub(super) fn news(name: &str, news: News) -> CalendarEvent {
    CalendarEvent { name: name.to_owned(), dedup_key: name.to_owned(), uid: None, at: None, news }
}

/// A's calendar announces this now, and all that follows happens.
pub(super) fn hear(rig: &Rig, event: &CalendarEvent) {
    rig.announce(company_a(), event);
    rig.settle();
}

pub(super) fn hear_stands(rig: &Rig, seen: &SeenBooking) {
    hear(rig, &stands_at(seen.clone(), rig.now()));
}

pub(super) fn hear_gone(rig: &Rig, seen: &SeenBooking) {
    hear(rig, &gone_at(seen, rig.now()));
}

/// A visitor books at the calendar and A hears of it.
pub(super) fn visit(rig: &Rig, seen: &SeenBooking) {
    rig.calendar.book_outside(seen.host.unwrap(), seen.interval);
    hear_stands(rig, seen);
}
