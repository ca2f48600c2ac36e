//! The book over fakes: filled at start, followed after imports, told of every move, the same after a restart.

use askpro_domain::{
    booking::{AppointmentStatus, Refusal},
    customer::{Card, Known},
    function::FunctionName,
    ids::{CompanyId, CustomerId},
    phone::PhoneNumber,
};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::book::PAGE_BYTES;
use crate::{
    ports::{
        fakes::{Creation, EventBody, FIXTURE_NOW, company_a, company_b},
        rows::CustomerRow,
    },
    rig::Rig,
};

const NUMBER_A: &str = "+493083793369";
/// Who calls in the rig.
const ANNA: &str = "+4915112345678";

fn rig() -> Rig {
    let rig = Rig::new();
    let day = FIXTURE_NOW.plus_ms(86_400_000);
    rig.calendar.offer(2001, &[9001, 9002], (0..18).map(|half| day.plus_ms(half * 1_800_000)));
    rig
}

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse_e164(text).unwrap()
}

fn card_of(rig: &Rig, company: CompanyId, number: &str) -> Card {
    rig.actors.customers.card(company, &phone(number), rig.now())
}

fn card(rig: &Rig) -> Card {
    card_of(rig, company_a(), ANNA)
}

fn statuses(rig: &Rig) -> Vec<AppointmentStatus> {
    card(rig).upcoming.into_iter().map(|upcoming| upcoming.status).collect()
}

fn book(rig: &Rig, call: &str, time: &str, more: &Value) -> Value {
    let mut order = json!({"datetime": format!("24.11.2026 {time}"), "service": "Herrenhaarschnitt",
        "customer_name": "Anna Schmidt"});
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut asked = rig.ask(call, NUMBER_A, FunctionName::BookAppointment, order);
    rig.settle();
    asked.json()
}

fn hang_up(rig: &Rig, call: &str) {
    let to = Some(NUMBER_A.to_owned());
    let ended_at = Some(rig.now().0);
    rig.event(&EventBody { to, ended_at, ..EventBody::new("call_ended", call, rig.now().0) });
    rig.settle();
}

fn imported(company: CompanyId, slug: &str, name: &str, number: &str) -> CustomerRow {
    CustomerRow {
        company,
        id: CustomerId::of_slugs(&[slug, number]),
        name: name.to_owned(),
        phone: phone(number),
        email: None,
    }
}

fn import(rig: &Rig, version: i64, customers: impl IntoIterator<Item = CustomerRow>) {
    rig.database.import_customers(version, customers);
    let followed = rig.actors.customers.follow(rig.database.as_ref(), version).now_or_never();
    assert!(followed.unwrap().unwrap());
}

#[test]
fn who_booked_is_known_the_next_time_also_after_a_restart() {
    let mut rig = rig();
    assert_eq!(card(&rig), Card::default());
    assert_eq!(book(&rig, "c", "14:00", &json!({}))["status"], "confirmed");
    hang_up(&rig, "c");
    for restarted in [false, true] {
        if restarted {
            rig.crash_and_restart();
        }
        let card = card(&rig);
        assert_eq!(card.known, Known::One("Anna Schmidt".to_owned()), "{restarted}");
        let [cut] = card.upcoming.as_slice() else { panic!("{restarted}: {card:?}") };
        assert_eq!(cut.interval.start().to_rfc3339(), "2026-11-24T13:00:00Z");
        assert_eq!((cut.status, cut.staff.is_some()), (AppointmentStatus::Confirmed, true));
    }
    let tables = rig.database.tables();
    let (row, _) = tables.customers.values().next().unwrap();
    assert_eq!(row.id, CustomerId::of_slugs(&["friseur-mitte", ANNA]), "as an import would make it");
    assert_eq!(tables.customers.len(), 1);
    rig.finish();
}

#[test]
fn only_the_whole_number_in_the_same_company_is_known() {
    let rig = rig();
    book(&rig, "c", "14:00", &json!({}));
    for (company, number) in [
        (company_b(), ANNA),
        (company_a(), "+4315112345678"),
        (company_a(), "+15112345678"),
        (company_a(), "+49015112345678"),
        (company_a(), "+4915112345679"),
    ] {
        assert_eq!(card_of(&rig, company, number), Card::default(), "{number}");
    }
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn every_move_of_a_booking_is_in_the_book() {
    let rig = rig();
    rig.calendar.create_answers.close();
    let order = json!({"datetime": "24.11.2026 14:00", "service": "Herrenhaarschnitt", "name": "Anna"});
    let _asked = rig.ask("c", NUMBER_A, FunctionName::BookAppointment, order);
    rig.settle();
    assert_eq!((statuses(&rig), card(&rig).known), (vec![AppointmentStatus::Submitted], Known::Nobody));
    rig.advance(2_500);
    assert_eq!(statuses(&rig), [AppointmentStatus::PendingConfirmation]);
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(statuses(&rig), [AppointmentStatus::Confirmed]);
    rig.calendar.script([Creation::Refuses(Refusal::Other)]);
    assert_eq!(book(&rig, "c", "15:00", &json!({}))["success"], false);
    assert_eq!(statuses(&rig), [AppointmentStatus::Confirmed], "what was refused does not lie ahead");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_promise_that_is_broken_leaves_the_book() {
    let mut rig = rig();
    rig.calendar.script([Creation::Refuses(Refusal::SlotTaken)]);
    rig.calendar.create_answers.close();
    let order = json!({"datetime": "24.11.2026 14:00", "service": "Herrenhaarschnitt", "name": "Anna"});
    let _asked = rig.ask("c", NUMBER_A, FunctionName::BookAppointment, order);
    rig.advance(2_500);
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!((statuses(&rig), card(&rig).known), (vec![], Known::Nobody));
    rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
    assert_eq!((statuses(&rig), card(&rig).known), (vec![], Known::Nobody), "every move was read again");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_import_is_followed_and_its_names_stay() {
    let mut rig = rig();
    import(&rig, 1, [imported(company_a(), "friseur-mitte", "Anna Schmidt", ANNA)]);
    assert_eq!(card(&rig).known, Known::One("Anna Schmidt".to_owned()));
    assert_eq!(card_of(&rig, company_b(), ANNA).known, Known::Nobody);
    book(&rig, "c", "14:00", &json!({"customer_name": "Frau Schmitt"}));
    import(&rig, 2, [imported(company_a(), "friseur-mitte", "Anna Sommer", ANNA)]);
    for restarted in [false, true] {
        if restarted {
            rig.crash_and_restart();
        }
        assert_eq!(card(&rig).known, Known::One("Anna Sommer".to_owned()), "{restarted}");
        assert_eq!(rig.database.tables().customers.len(), 1);
    }
    let followed = rig.actors.customers.follow(rig.database.as_ref(), 2).now_or_never();
    assert!(!followed.unwrap().unwrap(), "it was read at start");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_import_that_could_not_be_read_is_read_the_next_time() {
    let rig = rig();
    rig.database.import_customers(1, [imported(company_a(), "friseur-mitte", "Anna", ANNA)]);
    rig.database.set_away(true);
    let follow = || rig.actors.customers.follow(rig.database.as_ref(), 1).now_or_never().unwrap();
    assert!(follow().is_err() && card(&rig).known == Known::Nobody);
    rig.database.set_away(false);
    assert!(follow().unwrap() && card(&rig).known == Known::One("Anna".to_owned()));
    rig.finish();
}

#[test]
fn a_number_of_two_people_has_no_name_also_after_a_restart() {
    let mut rig = rig();
    book(&rig, "c1", "14:00", &json!({}));
    book(&rig, "c2", "15:00", &json!({"customer_name": "Bernd Schmidt"}));
    book(&rig, "c3", "16:00", &json!({"customer_name": "bernd schmidt"}));
    for restarted in [false, true] {
        if restarted {
            rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
        }
        assert_eq!((card(&rig).known, card(&rig).upcoming.len()), (Known::Several, 3), "{restarted}");
        assert_eq!(rig.database.tables().customers.len(), 2, "{restarted}");
    }
    for call in ["c1", "c2", "c3"] {
        hang_up(&rig, call);
    }
    rig.finish();
}

#[test]
fn a_number_that_was_only_said_has_the_appointment_but_no_name() {
    let rig = rig();
    let other = "+4915187654321";
    book(&rig, "c", "14:00", &json!({"customer_phone": other}));
    for number in [ANNA, other] {
        let card = card_of(&rig, company_a(), number);
        assert_eq!((card.known, card.upcoming.len()), (Known::Nobody, 1), "{number}");
    }
    assert!(rig.database.tables().customers.is_empty());
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn the_past_is_forgotten_and_customers_are_not() {
    let rig = rig();
    book(&rig, "c", "14:00", &json!({"customer_phone": "+4915187654321"}));
    import(&rig, 1, [imported(company_b(), "zahnarzt-hamburg", "Carla", ANNA)]);
    hang_up(&rig, "c");
    assert_eq!(rig.actors.customers.len(), 3);
    rig.advance(3 * 86_400_000);
    assert!(card(&rig).upcoming.is_empty());
    rig.actors.customers.forget_past(rig.now());
    assert_eq!(rig.actors.customers.len(), 1);
    assert_eq!(card_of(&rig, company_b(), ANNA).known, Known::One("Carla".to_owned()));
    rig.finish();
}

#[test]
fn a_turn_that_panics_after_its_record_leaves_the_book_as_the_journal_says() {
    for looks in 1..10 {
        let rig = rig();
        rig.directory.panic_next(looks);
        let order = json!({"datetime": "24.11.2026 14:00", "service": "Herrenhaarschnitt", "name": "Anna"});
        let _asked = rig.ask("c", NUMBER_A, FunctionName::BookAppointment, order);
        rig.settle();
        rig.directory.panic_next(0);
        rig.advance(100_000);
        let rows = rig.database.tables().appointments;
        let standing: Vec<_> = rows.values().map(|row| row.status).filter(|s| s.stands()).collect();
        assert_eq!(statuses(&rig), standing, "{looks}");
        hang_up(&rig, "c");
        rig.finish();
    }
}

#[test]
fn a_number_takes_as_much_room_as_the_docs_say() {
    assert_eq!(PAGE_BYTES, 64);
}
