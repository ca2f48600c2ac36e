//! Times that are left open: the first free slot of a window is held, others are offered beside it, and a booking
//! waits until the caller has heard which it is.

use askpro_domain::time::Interval;

use super::*;
use crate::rig::Asking;

fn check_when(rig: &Rig, call: &str, when: &str) -> Asked {
    let arguments = json!({"service": CUT, "datetime": when});
    rig.ask(call, NUMBER_A, FunctionName::CheckAvailability, arguments)
}

fn book_when(rig: &Rig, call: &str, when: &str) -> Asked {
    let arguments = json!({"service": CUT, "datetime": when, "customer_name": "Anna Schmidt"});
    rig.ask(call, NUMBER_A, FunctionName::BookAppointment, arguments)
}

fn slots(answer: &Value) -> Vec<String> {
    let listed = answer["alternatives"].as_array().unwrap();
    listed.iter().map(|other| other["slot"].as_str().unwrap()[..16].to_owned()).collect()
}

#[test]
fn the_first_free_slot_of_a_window_is_held_and_the_next_are_offered() {
    let rig = rig();
    let first = answer(&rig, check_when(&rig, "c1", "morgen vormittag"));
    assert_eq!((&first["available"], &first["slot"]), (&json!(true), &json!("2026-11-24T09:00:00+01:00")));
    assert_eq!(slots(&first), ["2026-11-24T09:30", "2026-11-24T10:00", "2026-11-24T10:30"]);
    assert_eq!(
        answer(&rig, check_when(&rig, "c1", "morgen vormittag"))["slot"],
        first["slot"],
        "the same again"
    );
    assert_eq!(holds(&rig).len(), 1, "alternatives are not held");
    let second = answer(&rig, check_when(&rig, "c2", "morgen vormittag"));
    assert_eq!(second["slot"], "2026-11-24T09:30:00+01:00");
    for call in ["c1", "c2"] {
        hang_up(&rig, call);
    }
    rig.finish();
}

#[test]
fn of_a_rough_time_the_nearest_is_held() {
    let rig = rig();
    let near = |call: &str| answer(&rig, check_when(&rig, call, "morgen gegen drei"));
    let first = near("c1");
    assert_eq!(
        (&first["slot"], slots(&first)),
        (&json!("2026-11-24T15:00:00+01:00"), vec!["2026-11-24T14:30".to_owned()])
    );
    assert_eq!(near("c2")["slot"], "2026-11-24T14:30:00+01:00");
    let third = near("c3");
    assert_eq!((&third["available"], &third["code"]), (&json!(false), &json!("slot_taken")));
    assert!(
        third["message"]
            .as_str()
            .unwrap()
            .starts_with("Am Dienstag, den 24. November gegen 15 Uhr ist leider")
    );
    assert_eq!(slots(&third).first().map(String::as_str), Some("2026-11-24T15:30"));
    for call in ["c1", "c2", "c3"] {
        hang_up(&rig, call);
    }
    rig.finish();
}

#[test]
fn what_is_offered_is_open_in_time_and_not_when_the_customer_has_something_else() {
    let rig = rig();
    // The calendar knows no holidays; we do. Its slots of today begin within the notice.
    let today = answer(&rig, check_when(&rig, "c", "heute"));
    assert_eq!(today["slot"], "2026-11-23T09:30:00+01:00");
    answer(&rig, check(&rig, "c", "14:00"));
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "confirmed");
    let again = answer(&rig, check_when(&rig, "c", "morgen zwischen 14 und 15 Uhr"));
    assert_eq!((&again["slot"], slots(&again)), (&json!("2026-11-24T14:30:00+01:00"), Vec::new()));
    // A perm at 13:00 would last into her own appointment, and so would all that begin after 11:45.
    let perm = json!({"service": "Dauerwelle", "datetime": "morgen zwischen 11 und 14 Uhr"});
    let perm = answer(&rig, rig.ask("c", NUMBER_A, FunctionName::CheckAvailability, perm));
    assert_eq!(
        (&perm["slot"], slots(&perm)),
        (&json!("2026-11-24T11:00:00+01:00"), vec!["2026-11-24T11:30".to_owned()])
    );
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn alternatives_are_never_closed_and_never_when_the_customer_has_something_else() {
    let rig = rig();
    answer(&rig, check(&rig, "anna", "14:30"));
    assert_eq!(answer(&rig, book(&rig, "anna", "14:30"))["status"], "confirmed");
    answer(&rig, check(&rig, "other", "14:00"));
    // Of the same number: the half hour after is her own.
    let refused = answer(&rig, check(&rig, "anna", "14:00"));
    assert_eq!(refused["code"], "slot_taken");
    assert_eq!(slots(&refused).first().map(String::as_str), Some("2026-11-24T13:30"));
    for call in ["anna", "other"] {
        hang_up(&rig, call);
    }
    rig.finish();
}

#[test]
fn a_booking_at_any_time_of_a_window_is_made_when_the_caller_has_heard_which() {
    let rig = rig();
    let asking = Asking { tool_call_id: Some("tool_1"), ..Asking::of("c", FunctionName::BookAppointment) };
    let wanted = json!({"service": CUT, "datetime": "morgen vormittag", "customer_name": "Anna Schmidt"});
    let offered = answer(&rig, rig.ask_as(&asking, wanted.clone()));
    assert_eq!((&offered["success"], &offered["code"]), (&json!(false), &json!("confirmation_required")));
    assert_eq!(offered["slot"], "2026-11-24T09:00:00+01:00");
    let repeated = answer(&rig, rig.ask_as(&asking, wanted.clone()));
    assert_eq!(repeated["code"], "confirmation_required", "the same tool call, sent again");
    assert!(rig.calendar.posts().is_empty());
    let confirmed = Asking { tool_call_id: Some("tool_2"), ..asking };
    let booked = answer(&rig, rig.ask_as(&confirmed, wanted));
    assert_eq!(
        (&booked["status"], &booked["slot"]),
        (&json!("confirmed"), &json!("2026-11-24T09:00:00+01:00"))
    );
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_held_slot_inside_the_window_is_what_is_booked() {
    let rig = rig();
    answer(&rig, check_when(&rig, "c", "morgen gegen drei"));
    let booked = answer(&rig, book_when(&rig, "c", "morgen nachmittag"));
    assert_eq!(
        (&booked["status"], &booked["slot"]),
        (&json!("confirmed"), &json!("2026-11-24T15:00:00+01:00"))
    );
    let again = answer(&rig, book_when(&rig, "c", "morgen nachmittag"));
    assert_eq!(again, booked, "a repeat");
    assert_eq!(rig.calendar.posts().len(), 1);
    // Another window is another wish.
    let other = answer(&rig, book_when(&rig, "c", "morgen vormittag"));
    assert_eq!(other["code"], "confirmation_required");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_long_window_is_looked_at_until_something_is_free_or_it_ends() {
    let rig = rig();
    // The first days of December are taken, and the next that the calendar offers is the 21st.
    let day = |d: i64| FIXTURE_NOW.plus_ms(d * 86_400_000);
    rig.calendar.offer(2001, &[9001, 9002], [day(28)]);
    let taken = |rig: &Rig, from: i64, to: i64| {
        let interval = Interval::new(day(from), day(to)).unwrap();
        [9001, 9002].into_iter().for_each(|host| rig.calendar.book_outside(host, interval));
    };
    taken(&rig, 8, 14);
    let found = answer(&rig, check_when(&rig, "c", "im Dezember"));
    assert_eq!((&found["available"], &found["slot"]), (&json!(true), &json!("2026-12-21T09:00:00+01:00")));
    taken(&rig, 28, 29);
    hang_up(&rig, "c");
    rig.advance(120_000);
    let nothing = answer(&rig, check_when(&rig, "d", "im Dezember"));
    assert_eq!(
        (&nothing["code"], slots(&nothing).first().map(String::as_str)),
        (&json!("slot_taken"), Some("2026-11-30T09:00"))
    );
    assert!(
        nothing["message"]
            .as_str()
            .unwrap()
            .starts_with("Von Dienstag, den 1. Dezember bis Donnerstag, den 31. Dezember"),
        "{nothing}"
    );
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn equal_questions_that_wait_for_the_calendar_are_one() {
    let rig = rig();
    rig.calendar.fetches.close();
    let mut first = check(&rig, "c", "14:00");
    let mut second = check(&rig, "c", "14:00");
    let mut other = check(&rig, "c", "15:00");
    rig.settle();
    assert_eq!(rig.scheduler(company_a()).unwrap().questions_waiting, 2);
    rig.calendar.fetches.open();
    rig.settle();
    let answer = first.json();
    assert_eq!((answer["available"].clone(), second.json()), (json!(true), answer));
    assert_eq!(other.json()["slot"], "2026-11-24T15:00:00+01:00");
    assert_eq!(holds(&rig).len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

/// Anna's order of Tuesday at two, by a tool call whose agent heard this answer last.
fn order_again(rig: &Rig, tool_call_id: &str, heard: Option<&str>, confirm: bool) -> Value {
    let (tool_call_id, function) = (Some(tool_call_id), FunctionName::BookAppointment);
    let asking = Asking { tool_call_id, heard, ..Asking::of("c", function) };
    let arguments = json!({"service": CUT, "datetime": "24.11.2026 14:00", "customer_name": "Anna Schmidt",
        "confirm": confirm});
    answer(rig, rig.ask_as(&asking, arguments))
}

#[test]
fn the_same_order_of_another_tool_call_is_already_booked_unless_confirmed_then() {
    let mut rig = rig();
    let booked = order_again(&rig, "tool_1", None, true);
    assert_eq!(booked["status"], "confirmed");
    assert_eq!(order_again(&rig, "tool_1", None, true), booked, "sent again");
    let again = order_again(&rig, "tool_2", Some("confirmed"), true);
    assert_eq!((&again["success"], &again["code"]), (&json!(false), &json!("already_booked")));
    assert_eq!(
        [&again["status"], &again["appointment_id"]],
        [&json!("confirmed"), &booked["appointment_id"]]
    );
    assert_eq!(order_again(&rig, "tool_3", Some("already_booked"), false)["code"], "already_booked");
    rig.advance(5_000);
    rig.crash_and_restart();
    assert_eq!(rig.calendar.posts().len(), 1);
    let one_more = order_again(&rig, "tool_4", Some("already_booked"), true);
    assert_eq!(one_more["status"], "confirmed");
    assert_ne!(one_more["appointment_id"], booked["appointment_id"]);
    assert_eq!(order_again(&rig, "tool_4", Some("already_booked"), true), one_more, "sent again");
    assert_eq!(order_again(&rig, "tool_5", Some("confirmed"), true)["code"], "already_booked");
    assert_eq!(order_again(&rig, "tool_1", None, true), booked, "the first tool call hears the same as ever");
    assert_eq!(rig.calendar.posts().len(), 2);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_tool_call_that_is_sent_again_or_whose_answer_was_lost_makes_no_second_booking() {
    let rig = rig();
    assert_eq!(order_again(&rig, "tool_1", None, true)["status"], "confirmed");
    // Of the second nobody heard anything, so the third knows of the first answer, or of none.
    let tries = [("tool_2", Some("confirmed")), ("tool_2", Some("confirmed")), ("tool_3", None)];
    for (tool_call_id, heard) in tries {
        assert_eq!(order_again(&rig, tool_call_id, heard, true)["code"], "already_booked");
        rig.advance(12_000);
    }
    assert_eq!(rig.calendar.posts().len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_answer_about_a_long_window_tells_its_age() {
    let rig = rig();
    let day = |d: i64| FIXTURE_NOW.plus_ms(d * 86_400_000);
    let interval = Interval::new(day(8), day(14)).unwrap();
    [9001, 9002].into_iter().for_each(|host| rig.calendar.book_outside(host, interval));
    let first = answer(&rig, check_when(&rig, "c", "am 1. Dezember"));
    assert_eq!(first["available"], false, "{first}");
    hang_up(&rig, "c");
    rig.advance(40_000);
    rig.calendar.set_down(true);
    let nothing = answer(&rig, check_when(&rig, "d", "im Dezember"));
    assert_eq!((&nothing["confidence"], &nothing["age_s"]), (&json!("mirror"), &json!(40)), "{nothing:#}");
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn a_week_is_looked_at_to_its_end_whatever_was_looked_at_before() {
    let rig = rig();
    let day = |d: i64| FIXTURE_NOW.plus_ms(d * 86_400_000);
    let interval = Interval::new(day(7), day(9)).unwrap();
    [9001, 9002].into_iter().for_each(|host| rig.calendar.book_outside(host, interval));
    assert_eq!(answer(&rig, check_when(&rig, "c", "heute"))["available"], true);
    let next_week = answer(&rig, check_when(&rig, "c", "nächste Woche"));
    assert_eq!(next_week["slot"], "2026-12-02T09:00:00+01:00", "{next_week:#}");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_open_order_that_is_sent_again_is_answered_with_the_first_one_when_the_hold_is_on_disk() {
    let rig = rig();
    rig.journal.syncs.close();
    let mut first = book_when(&rig, "c", "morgen vormittag");
    rig.settle();
    let mut again = book_when(&rig, "c", "morgen vormittag");
    rig.settle();
    assert_eq!((first.heard(), again.heard()), (None, None));
    rig.journal.sync();
    rig.settle();
    let (first, again) = (first.json(), again.json());
    assert_eq!(first["code"], "confirmation_required");
    assert_eq!(again, first);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_open_order_that_is_sent_again_without_its_tool_call_books_nothing_unheard() {
    let rig = rig();
    assert_eq!(answer(&rig, book_when(&rig, "c", "morgen vormittag"))["code"], "confirmation_required");
    let again = answer(&rig, book_when(&rig, "c", "morgen vormittag"));
    assert_eq!(again["code"], "confirmation_required", "{again:#}");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_number_that_is_only_said_tells_nothing_of_its_owner() {
    let rig = rig();
    answer(&rig, check(&rig, "anna", "14:00"));
    assert_eq!(answer(&rig, book(&rig, "anna", "14:00"))["status"], "confirmed");
    hang_up(&rig, "anna");
    rig.advance(120_000);
    let stranger = |call: &'static str, phone: Option<&str>| {
        let asking =
            Asking { from: Some("+4915187654321"), ..Asking::of(call, FunctionName::BookAppointment) };
        let mut order =
            json!({"service": CUT, "datetime": "morgen zwischen 14 und 15 Uhr", "customer_name": "X Y"});
        if let Some(phone) = phone {
            order["customer_phone"] = json!(phone);
        }
        let offered = answer(&rig, rig.ask_as(&asking, order))["slot"].clone();
        hang_up(&rig, call);
        offered
    };
    let (plain, of_anna) = (stranger("s1", None), stranger("s2", Some("+4915112345678")));
    assert_eq!(plain, of_anna);
    rig.finish();
}
