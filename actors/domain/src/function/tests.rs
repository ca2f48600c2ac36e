//! From what an agent sends to a typed order, or to the answer that says what is wrong with it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{fixture::*, *};
use crate::{
    tenant::{Company, HourRange, Weekday},
    time::Interval,
    when::opening::{ClosedReason, OpenVerdict, is_open, notice_ok},
};

fn parse_at(
    company: &Company,
    name: FunctionName,
    args: &Value,
    now: crate::time::UnixMillis,
) -> Result<FunctionOrder, FunctionAnswer> {
    parse_order(name, args.as_object().unwrap(), company, &company.branches[0], now).order
}

fn check(args: &Value) -> Result<FunctionOrder, FunctionAnswer> {
    parse_at(&friseur_mitte(), FunctionName::CheckAvailability, args, now())
}

fn book(args: &Value) -> Result<FunctionOrder, FunctionAnswer> {
    parse_at(&friseur_mitte(), FunctionName::BookAppointment, args, now())
}

fn booked(args: &Value) -> BookOrder {
    match book(args) {
        Ok(FunctionOrder::BookAppointment(order)) => order,
        other => panic!("{other:?}"),
    }
}

fn tuesday_at_two() -> FunctionOrder {
    FunctionOrder::CheckAvailability(CheckOrder {
        service: service_id("herrenhaarschnitt"),
        staff: None,
        start: WishedStart::At(at("2026-11-24T14:00:00+01:00")),
    })
}

#[test]
fn the_first_check_of_the_story_is_understood() {
    let args = json!({"datum": "morgen", "uhrzeit": "14:00", "dienstleistung": "Herrenhaarschnit", "call_id": "None"});
    assert_eq!(check(&args), Ok(tuesday_at_two()));
}

#[test]
fn an_order_has_one_key_however_it_is_spelled() {
    let key = order_key(&tuesday_at_two());
    let spellings = [
        json!({"date": "2026-11-24", "time": "2 pm", "service": "herrenhaarschnitt"}),
        json!({"datetime": "2026-11-24T13:00:00Z", "service_name": "HERREN HAARSCHNITT", "staff": "egal"}),
        json!({"preferred_date": "24.11.", "preferred_time": "14 Uhr", "dienstleistung": "Herren"}),
    ];
    for args in spellings {
        assert_eq!(order_key(&check(&args).unwrap()), key, "{args}");
    }
    for other in [
        json!({"datetime": "24.11.2026 14:30", "service": "herren"}),
        json!({"datetime": "24.11.2026 14:00", "service": "dauerwelle"}),
        json!({"datetime": "24.11.2026 14:00", "service": "herren", "staff": "Mia"}),
    ] {
        assert_ne!(order_key(&check(&other).unwrap()), key, "{other}");
    }
    assert_eq!(key.len(), 32);
}

#[test]
fn a_booking_keeps_its_key_whatever_is_noted() {
    let plain = json!({"datetime": "24.11.2026 14:00", "customer_name": "Anna Schmidt", "email": "A@b.de"});
    let noted = json!({"date": "morgen", "time": 14, "name": "anna  SCHMIDT", "customer_email": "a@B.de",
        "notes": "kurz", "confirm": true});
    let other = json!({"datetime": "24.11.2026 14:00", "customer_name": "Otto Schmidt", "email": "a@b.de"});
    let key = |args| order_key(&book(args).unwrap());
    assert_eq!(key(&plain), key(&noted));
    assert_ne!(key(&plain), key(&other));
}

#[test]
fn a_booking_leaves_open_what_the_call_holds() {
    let order = booked(&json!({"datetime": "24.11.2026 14:00", "customer_name": "Anna Schmidt"}));
    assert_eq!((order.service, order.staff), (None, None));
    assert_eq!(order.start, Some(WishedStart::At(at("2026-11-24T14:00:00+01:00"))));
    assert_eq!(order.customer_name.as_deref(), Some("Anna Schmidt"));
    let empty = booked(&json!({}));
    assert!(empty.service.is_none() && empty.start.is_none() && !empty.confirm);
}

#[test]
fn the_only_service_need_not_be_named() {
    let mut company = friseur_mitte();
    company.services.truncate(1);
    let args = json!({"datetime": "24.11.2026 14:00"});
    assert_eq!(parse_at(&company, FunctionName::CheckAvailability, &args, now()), Ok(tuesday_at_two()));
    let Ok(FunctionOrder::BookAppointment(order)) =
        parse_at(&company, FunctionName::BookAppointment, &args, now())
    else {
        panic!("a booking")
    };
    assert_eq!(order.service, Some(service_id("herrenhaarschnitt")));
}

#[test]
fn staff_are_found_by_name_where_they_do_the_service() {
    let order = booked(&json!({"datetime": "24.11.2026 14:00", "service": "Herren", "mitarbeiter": "mia"}));
    assert_eq!(order.staff, Some(staff_id("mia")));
    let wish = |service: &str, staff: &str| {
        check(&json!({"datetime": "24.11.2026 14:00", "service": service, "staff": staff})).unwrap_err()
    };
    let refused = wish("dauerwelle", "Mia");
    assert_eq!(
        (refused.code, refused.field("staff_members")),
        ("staff_not_for_service", Some(&json!(["Udo"])))
    );
    let unknown = wish("herren", "Kevin");
    assert_eq!(
        (unknown.code, unknown.field("staff_members")),
        ("staff_not_found", Some(&json!(["Udo", "Mia"])))
    );
}

#[test]
fn refusals_have_stable_codes() {
    let herren = |datetime: &str| json!({"service": "Herren", "datetime": datetime});
    let cases = [
        (json!({"service": "Zahnreinigung", "datetime": "24.11.2026 14:00"}), "service_not_found"),
        (json!({"datetime": "24.11.2026 14:00"}), "service_missing"),
        (json!({"service": "x".repeat(500)}), "argument_too_long"),
        (json!({"service": "Herren"}), "date_missing"),
        (json!({"service": "Herren", "time": "14:00"}), "date_missing"),
        (herren("demnächst mal"), "date_not_understood"),
        (herren("24.11.2023 14:00"), "date_in_past"),
        (herren("23.11.2026 08:59"), "date_in_past"),
        (herren("24.11.2028 14:00"), "date_too_far"),
        (herren("28.03.2027 02:30"), "time_does_not_exist"),
        (herren("25.12.2026 14:00"), "closed"),
        (herren("29.11.2026 14:00"), "closed"),
        (herren("24.11.2026 17:31"), "closed"),
        (herren("24.11.2026 08:30"), "closed"),
        (herren("23.11.2026 09:14"), "too_soon"),
    ];
    for (args, code) in cases {
        let refused = check(&args).unwrap_err();
        assert_eq!((refused.success, refused.code), (false, code), "{args}");
        assert_eq!(refused.field("available"), Some(&json!(false)), "{args}");
        assert!(refused.message.ends_with(['?', '.']), "{}", refused.message);
    }
    assert!(check(&herren("24.11.2026 17:30")).is_ok());
    assert!(check(&herren("23.11.2026 09:15")).is_ok());
}

#[test]
fn refusals_carry_what_the_agent_needs() {
    let refused = |args: Value| check(&args).unwrap_err();
    let unknown = refused(json!({"service": "Zahnreinigung"}));
    assert_eq!(unknown.field("services"), Some(&json!(["Herrenhaarschnitt", "Dauerwelle"])));
    let past = refused(json!({"service": "Herren", "date": "2023-11-24", "time": "14:00"}));
    assert_eq!(past.field("today"), Some(&json!("2026-11-23")));
    assert!(past.message.contains("Montag, der 23. November 2026"), "{}", past.message);
    let late = refused(json!({"service": "Herren", "datetime": "24.11.2026 20:00"}));
    assert_eq!(late.field("hours"), Some(&json!(["09:00-18:00"])));
    assert!(late.message.contains("von 9 Uhr bis 18 Uhr"), "{}", late.message);
    let holiday = refused(json!({"service": "Herren", "datetime": "25.12.2026 14:00"}));
    assert_eq!(
        (holiday.field("reason"), holiday.field("date")),
        (Some(&json!("holiday")), Some(&json!("2026-12-25")))
    );
    let sunday = refused(json!({"service": "Herren", "datetime": "29.11.2026 14:00"}));
    assert_eq!(sunday.field("reason"), Some(&json!("closed_day")));
    let soon = refused(json!({"service": "Herren", "datetime": "heute 9:10"}));
    assert_eq!(soon.field("notice_minutes"), Some(&json!(15)));
}

#[test]
fn a_name_that_fits_several_services_is_asked_back() {
    let mut company = friseur_mitte();
    company.services.push(service("herrenbart", "Herrenbart", 15, &["udo"]));
    let args = json!({"service": "herren", "datetime": "24.11.2026 14:00"});
    let refused = parse_at(&company, FunctionName::CheckAvailability, &args, now()).unwrap_err();
    assert_eq!(refused.code, "service_ambiguous");
    assert_eq!(refused.field("services"), Some(&json!(["Herrenhaarschnitt", "Herrenbart"])));
    assert_eq!(refused.message, "Was meinen Sie genau: Herrenhaarschnitt oder Herrenbart?");
}

#[test]
fn a_long_service_must_fit_before_closing_time() {
    let perm = |clock: &str| check(&json!({"service": "Dauerwelle", "date": "morgen", "time": clock}));
    assert!(perm("15:45").is_ok());
    assert_eq!(perm("15:46").unwrap_err().code, "closed");
}

#[test]
fn a_held_slot_may_be_booked_within_the_notice() {
    let late = at("2026-11-23T09:04:00+01:00");
    let company = friseur_mitte();
    let args = json!({"datetime": "23.11.2026 09:15"});
    assert!(parse_at(&company, FunctionName::BookAppointment, &args, late).is_ok());
    let start = at("2026-11-23T09:15:00+01:00");
    assert_eq!(check_notice(&company, &WishedStart::At(start), late).unwrap_err().code, "too_soon");
    assert!(
        check_notice(&company, &WishedStart::At(start), now()).is_ok() && notice_ok(&company, start, now())
    );
}

#[test]
fn functions_without_an_order_offer_a_callback() {
    for name in [FunctionName::CancelAppointment, FunctionName::RescheduleAppointment] {
        let refused = parse_at(&friseur_mitte(), name, &json!({}), now()).unwrap_err();
        assert_eq!((refused.success, refused.code), (false, "function_unavailable"));
        assert_eq!(refused.field("callback_offered"), Some(&json!(true)));
    }
}

#[test]
fn the_night_of_the_clock_change_keeps_its_first_instant() {
    let mut company = friseur_mitte();
    company.branches[0].opening_hours = None;
    let args = json!({"service": "herren", "date": "25.10.2026", "time": "02:30"});
    let early = at("2026-10-20T08:00:00Z");
    let Ok(FunctionOrder::CheckAvailability(order)) =
        parse_at(&company, FunctionName::CheckAvailability, &args, early)
    else {
        panic!("a check")
    };
    assert_eq!(order.start, WishedStart::At(at("2026-10-25T00:30:00Z")));
}

#[test]
fn opening_hours_decide_for_the_whole_interval() {
    let mut company = friseur_mitte();
    let range = |from_minute, to_minute| HourRange { from_minute, to_minute };
    let lunch = vec![range(540, 720), range(780, 1440)];
    company.branches[0].opening_hours.as_mut().unwrap().insert(Weekday::Tue, lunch.clone());
    let verdict = |company: &Company, from: &str, minutes| {
        let interval = Interval::of_minutes(at(&format!("{from}:00+01:00")), minutes).unwrap();
        is_open(company, &company.branches[0], interval)
    };
    assert_eq!(verdict(&company, "2026-11-24T11:30", 30), OpenVerdict::Open);
    assert_eq!(verdict(&company, "2026-11-24T23:30", 30), OpenVerdict::Open);
    let outside = OpenVerdict::Closed(ClosedReason::OutsideHours { hours: lunch });
    for (from, minutes) in [("11:31", 30), ("11:30", 120), ("12:00", 30), ("23:31", 30), ("13:00", 3_000)] {
        assert_eq!(verdict(&company, &format!("2026-11-24T{from}"), minutes), outside, "{from}");
    }
    let holiday = OpenVerdict::Closed(ClosedReason::Holiday);
    assert_eq!(verdict(&company, "2026-12-25T10:00", 30), holiday);
    assert_eq!(verdict(&company, "2026-11-28T10:00", 30), OpenVerdict::Closed(ClosedReason::ClosedDay));
    company.branches[0].opening_hours = None;
    assert_eq!(verdict(&company, "2026-11-28T10:00", 30), OpenVerdict::Unknown);
    assert_eq!(verdict(&company, "2026-12-25T10:00", 30), holiday);
}

proptest! {
    #[test]
    fn no_arguments_make_it_panic(
        keys in prop::collection::vec(
            prop::sample::select(vec!["service", "date", "time", "datetime", "staff", "notes", "name", "email"]), 0..8),
        texts in prop::collection::vec(any::<String>(), 8),
        now in any::<i64>(),
    ) {
        let args: Value = keys.iter().zip(texts).map(|(k, v)| ((*k).to_owned(), json!(v))).collect::<serde_json::Map<_, _>>().into();
        for name in FunctionName::ALL {
            match parse_at(&friseur_mitte(), name, &args, crate::time::UnixMillis(now)) {
                Ok(order) => prop_assert_eq!(order_key(&order).len(), 32),
                Err(refused) => prop_assert!(!refused.success && refused.to_bytes().len() < ANSWER_CHARS_MAX),
            }
        }
    }
}
