//! Schedulers over fakes: holds, bookings, and what a crash or a lost answer may not break.

mod announced;
mod bookings;
mod claimed;
mod crashes;
mod ended;
mod holds;
mod lost;
mod news;
mod outage;
mod outside;
mod readme;
mod reservations;
mod stored;
mod storm;
mod unreadable;
mod warm;
mod windows;

use askpro_domain::{
    booking::{AppointmentStatus, Booking},
    function::FunctionName,
    ids::CallId,
    time::UnixMillis,
};
use serde_json::{Value, json};

use crate::{
    ports::{
        fakes::{EventBody, FIXTURE_NOW, company_a},
        journal::{Record, SchedulingRecord},
    },
    rig::{Asked, Rig},
    root::Settings,
};

pub(super) const NUMBER_A: &str = "+493083793369";
pub(super) const NUMBER_B: &str = "+494035791113";
pub(super) const CUT: &str = "Herrenhaarschnitt";

/// A rig whose calendars offer every half hour of the working days of two weeks. Views are fetched only when
/// somebody asks.
pub(super) fn rig() -> Rig {
    let mut settings = Settings::default();
    settings.scheduling.warm.views_max = 0;
    rig_with(settings)
}

pub(super) fn rig_with(settings: Settings) -> Rig {
    offering(Rig::with(settings))
}

pub(super) fn offering(rig: Rig) -> Rig {
    let day = |d: i64| FIXTURE_NOW.plus_ms(d * 86_400_000);
    let starts: Vec<UnixMillis> = (0..14)
        .filter(|d| d % 7 < 5)
        .flat_map(|d| (0..18).map(move |half| day(d).plus_ms(half * 1_800_000)))
        .collect();
    for (event_type, hosts) in [
        (2001, vec![9001, 9002]),
        (2002, vec![9001]),
        (2003, vec![9001, 9002]),
        (2103, vec![9001]),
        (2113, vec![9002]),
        (3001, vec![9101]),
    ] {
        rig.calendar.offer(event_type, &hosts, starts.iter().copied());
    }
    rig
}

pub(super) fn check(rig: &Rig, call: &str, time: &str) -> Asked {
    check_service(rig, call, CUT, time)
}

pub(super) fn check_service(rig: &Rig, call: &str, service: &str, time: &str) -> Asked {
    let arguments = json!({"datum": "morgen", "uhrzeit": time, "dienstleistung": service});
    rig.ask(call, NUMBER_A, FunctionName::CheckAvailability, arguments)
}

pub(super) fn book(rig: &Rig, call: &str, time: &str) -> Asked {
    let arguments = json!({"datetime": format!("24.11.2026 {time}"), "customer_name": "Anna Schmidt"});
    rig.ask(call, NUMBER_A, FunctionName::BookAppointment, arguments)
}

/// A booking that needs no hold before it.
pub(super) fn book_cut(rig: &Rig, call: &str, time: &str) -> Asked {
    let arguments = json!({"datetime": format!("24.11.2026 {time}"), "service": CUT,
        "customer_name": "Anna Schmidt"});
    rig.ask(call, NUMBER_A, FunctionName::BookAppointment, arguments)
}

/// What is answered when everything has gone on that can.
pub(super) fn answer(rig: &Rig, mut asked: Asked) -> Value {
    rig.settle();
    asked.json()
}

pub(super) fn hang_up(rig: &Rig, call: &str) {
    let to = Some(NUMBER_A.to_owned());
    let ended_at = Some(rig.now().0);
    rig.event(&EventBody { to, ended_at, ..EventBody::new("call_ended", call, rig.now().0) });
    rig.settle();
}

/// States of A's holds.
pub(super) fn holds(rig: &Rig) -> Vec<(&'static str, CallId)> {
    let view = rig.scheduler(company_a()).unwrap();
    view.holds.into_iter().map(|hold| (hold.state, hold.call_id)).collect()
}

pub(super) fn id(call: &str) -> CallId {
    CallId::parse(call).unwrap()
}

/// The only booking in the database.
pub(super) fn the_booking(rig: &Rig) -> Booking {
    let tables = rig.database.tables();
    assert_eq!(tables.appointments.len(), 1, "{:#?}", tables.appointments);
    let appointment = tables.appointments.keys().next().unwrap();
    tables.booking(appointment).unwrap()
}

pub(super) fn status(rig: &Rig) -> AppointmentStatus {
    the_booking(rig).status()
}

pub(super) fn reasons(rig: &Rig) -> Vec<String> {
    the_booking(rig).history.into_iter().map(|m| m.reason).collect()
}

pub(super) fn orders_journaled(rig: &Rig) -> usize {
    let is_order = |r: &Record| matches!(r, Record::Scheduling(SchedulingRecord::Ordered { .. }));
    rig.journal.records().iter().filter(|r| is_order(r)).count()
}
