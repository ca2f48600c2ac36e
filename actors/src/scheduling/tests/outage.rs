//! The calendar is slow, down or limited in mid-call: what callers hear, and what becomes of it.

use askpro_domain::{
    booking::BookingState,
    policy::{Heard, RateLimits},
};

use super::*;
use crate::ports::fakes::{Creation, company_b};

/// The calendar of A answers nothing from now on, or works again.
fn a_is_down(rig: &Rig, down: bool) {
    rig.calendar.set_down_for(company_a(), down);
}

fn told_pending(rig: &Rig, call: &str, time: &str) {
    let mut asked = book(rig, call, time);
    rig.advance(2_400);
    let answer = asked.json();
    assert_eq!(
        (&answer["success"], &answer["status"]),
        (&json!(true), &json!("pending_confirmation")),
        "{answer}"
    );
}

/// Opens the breaker of A's bookings: three orders of calls `x0` to `x2` are not sent, and are pending.
fn open_breaker_of_bookings(rig: &Rig) {
    for (call, time) in [("x0", "09:00"), ("x1", "09:30"), ("x2", "10:00")] {
        answer(rig, check(rig, call, time));
        a_is_down(rig, true);
        told_pending(rig, call, time);
    }
    assert_eq!(breakers(rig), ["closed", "open"]);
}

/// States of A's breakers: of slots, of bookings.
fn breakers(rig: &Rig) -> Vec<&'static str> {
    let view = rig.scheduler(company_a()).unwrap();
    view.breakers.iter().map(|breaker| breaker.state.as_str()).collect()
}

fn posted_calls(rig: &Rig) -> Vec<CallId> {
    rig.calendar.posts().into_iter().map(|order| order.call_id).collect()
}

fn statuses(rig: &Rig) -> Vec<AppointmentStatus> {
    rig.database.tables().appointments.values().map(|row| row.status).collect()
}

fn hang_up_all(rig: &Rig, calls: &[&str]) {
    calls.iter().for_each(|call| hang_up(rig, call));
}

#[test]
fn a_check_with_a_young_view_is_answered_at_once_while_the_calendar_hangs_or_fails() {
    for hangs in [true, false] {
        let rig = rig();
        answer(&rig, check(&rig, "c1", "14:00"));
        rig.advance(40_000);
        if hangs {
            rig.calendar.fetches.close();
        } else {
            a_is_down(&rig, true);
        }
        let known = answer(&rig, check(&rig, "c2", "15:00"));
        assert_eq!((&known["available"], &known["confidence"]), (&json!(true), &json!("mirror")));
        assert_eq!(known["age_s"], 40);
        assert!(holds(&rig).contains(&("held", id("c2"))));
        assert_eq!(rig.calendar.slot_fetches().len(), 2, "it is fetched again beside the answer");
        hang_up_all(&rig, &["c1", "c2"]);
        rig.finish();
    }
}

#[test]
fn a_young_view_is_as_good_as_new_once_it_was_fetched_again_beside_an_answer() {
    let rig = rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.advance(40_000);
    answer(&rig, check(&rig, "c2", "15:00"));
    assert_eq!(answer(&rig, check(&rig, "c3", "16:00"))["confidence"], "live");
    assert_eq!(rig.calendar.slot_fetches().len(), 2);
    hang_up_all(&rig, &["c1", "c2", "c3"]);
    rig.finish();
}

#[test]
fn an_older_view_waits_for_the_calendar_and_answers_with_its_age_at_the_deadline() {
    let rig = rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.advance(61_000);
    rig.calendar.fetches.close();
    let mut asked = check(&rig, "c2", "15:00");
    rig.advance(2_399);
    assert_eq!(asked.heard(), None);
    rig.advance(1);
    let known = asked.json();
    assert_eq!((&known["confidence"], &known["age_s"]), (&json!("mirror"), &json!(63)));
    hang_up_all(&rig, &["c1", "c2"]);
    rig.finish();
}

#[test]
fn with_the_breaker_open_a_check_is_answered_at_once_with_the_age_of_its_view() {
    let rig = rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.advance(90_000);
    rig.calendar.set_down(true);
    for (call, time) in [("c2", "15:00"), ("c3", "15:30"), ("c4", "16:00")] {
        answer(&rig, check(&rig, call, time));
    }
    assert_eq!(breakers(&rig), ["open", "closed"]);
    let fetches = rig.calendar.slot_fetches().len();
    rig.calendar.fetches.close();
    let known = answer(&rig, check(&rig, "c5", "16:30"));
    assert_eq!((&known["available"], &known["age_s"]), (&json!(true), &json!(90)));
    assert_eq!(
        answer(&rig, check_service(&rig, "c6", "Dauerwelle", "12:00"))["code"],
        "calendar_unavailable"
    );
    assert_eq!(rig.calendar.slot_fetches().len(), fetches, "nobody is asked");
    rig.calendar.fetches.open();
    rig.calendar.set_down(false);
    rig.advance(5_000);
    assert_eq!(answer(&rig, check(&rig, "c5", "16:30"))["confidence"], "live");
    assert_eq!(breakers(&rig), ["closed", "closed"]);
    hang_up_all(&rig, &["c1", "c2", "c3", "c4", "c5", "c6"]);
    rig.finish();
}

#[test]
fn with_the_breaker_open_a_booking_is_written_ahead_and_pending_at_once() {
    let mut rig = rig();
    open_breaker_of_bookings(&rig);
    let requests = rig.calendar.requests().len();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.journal.syncs.close();
    let mut asked = book(&rig, "c", "14:00");
    rig.settle();
    assert_eq!(asked.heard(), None, "a promise is given when it is on disk");
    rig.journal.sync();
    let told = answer(&rig, asked);
    assert_eq!((&told["success"], &told["status"]), (&json!(true), &json!("pending_confirmation")));
    assert_eq!(answer(&rig, book(&rig, "c", "14:00")), told, "a repeat hears the same");
    assert_eq!(rig.calendar.requests().len(), requests, "nothing was sent");
    assert!(holds(&rig).contains(&("submitted", id("c"))));
    rig.advance(3_600_000);
    assert!(holds(&rig).contains(&("submitted", id("c"))), "kept for an hour");
    rig.crash_and_restart();
    a_is_down(&rig, false);
    rig.advance(60_000);
    assert_eq!(statuses(&rig), [AppointmentStatus::Confirmed; 4], "no booking disappears");
    assert_eq!(rig.calendar.standing().len(), 4);
    hang_up_all(&rig, &["x0", "x1", "x2", "c"]);
    rig.finish();
}

#[test]
fn pending_bookings_are_posted_one_after_the_other_in_the_order_of_their_holds() {
    let rig = rig();
    open_breaker_of_bookings(&rig);
    let calls = ["c1", "c2", "c3", "c4"];
    let times = ["13:00", "14:00", "15:00", "16:00"];
    for (call, time) in calls.into_iter().zip(times) {
        answer(&rig, check(&rig, call, time));
        rig.advance(10);
    }
    for (call, time) in calls.into_iter().zip(times).rev() {
        assert_eq!(answer(&rig, book(&rig, call, time))["status"], "pending_confirmation");
    }
    a_is_down(&rig, false);
    rig.calendar.create_answers.close();
    rig.advance(15_000);
    assert_eq!(posted_calls(&rig), [id("x0")], "the next waits for the answer of the one before");
    rig.calendar.create_answers.open();
    rig.advance(10_000);
    let order = ["x0", "x1", "x2", "c1", "c2", "c3", "c4"];
    assert_eq!(posted_calls(&rig), order.map(id));
    assert_eq!(statuses(&rig), [AppointmentStatus::Confirmed; 7]);
    assert_eq!(breakers(&rig), ["closed", "closed"]);
    hang_up_all(&rig, &order);
    rig.finish();
}

#[test]
fn a_caller_who_waits_does_not_stand_behind_the_pending_ones() {
    let rig = rig();
    open_breaker_of_bookings(&rig);
    a_is_down(&rig, false);
    rig.calendar.create_answers.close();
    rig.advance(15_000);
    assert_eq!(posted_calls(&rig), [id("x0")]);
    rig.calendar.create_answers.open();
    rig.settle();
    rig.calendar.create_answers.close();
    answer(&rig, check(&rig, "c", "14:00"));
    let mut asked = book(&rig, "c", "14:00");
    rig.settle();
    assert!(posted_calls(&rig).contains(&id("c")), "{:?}", posted_calls(&rig));
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(asked.json()["status"], "confirmed");
    rig.advance(1_000);
    assert_eq!(statuses(&rig), [AppointmentStatus::Confirmed; 4]);
    hang_up_all(&rig, &["x0", "x1", "x2", "c"]);
    rig.finish();
}

#[test]
fn a_promise_whose_slot_was_sold_outside_is_a_conflict_with_two_alternatives_and_an_urgent_callback() {
    for outage_ms in [10_000, 2_700_000] {
        let rig = rig();
        answer(&rig, check_service(&rig, "c", "Dauerwelle", "14:00"));
        a_is_down(&rig, true);
        told_pending(&rig, "c", "14:00");
        hang_up(&rig, "c");
        rig.advance(outage_ms);
        let at = the_booking(&rig).order.interval;
        rig.calendar.book_outside(9001, at);
        a_is_down(&rig, false);
        rig.advance(30_000);
        assert_eq!(status(&rig), AppointmentStatus::Conflict);
        let BookingState::Conflict { alternatives, .. } = the_booking(&rig).state else { panic!() };
        assert_eq!(alternatives.len(), 2, "{outage_ms}");
        assert!(
            alternatives.iter().all(|start| *start >= at.end() || start.plus_ms(135 * 60_000) <= at.start())
        );
        let tables = rig.database.tables();
        let callback = tables.callbacks.values().next().unwrap();
        assert_eq!((callback.priority, callback.reason.as_str()), ("urgent", "booking_conflict"));
        let notice = tables.outbox.values().next().unwrap();
        assert_eq!(notice.kind, "booking_conflict");
        let payload: Value = serde_json::from_str(&notice.payload).unwrap();
        let told: Vec<String> = alternatives.iter().map(|start| start.to_rfc3339()).collect();
        assert_eq!(payload["alternatives"], json!(told));
        assert_eq!(holds(&rig), []);
        rig.finish();
    }
}

#[test]
fn a_conflict_waits_for_what_is_free_instead_but_not_for_ever() {
    let rig = rig();
    answer(&rig, check_service(&rig, "c", "Dauerwelle", "14:00"));
    a_is_down(&rig, true);
    told_pending(&rig, "c", "14:00");
    rig.advance(2_700_000);
    rig.calendar.book_outside(9001, the_booking(&rig).order.interval);
    rig.calendar.fetches.close();
    a_is_down(&rig, false);
    while rig.calendar.posts().is_empty() {
        rig.advance(100);
    }
    rig.advance(5_800);
    assert_eq!(status(&rig), AppointmentStatus::PendingConfirmation);
    rig.advance(200);
    assert_eq!(status(&rig), AppointmentStatus::Conflict);
    assert_eq!(rig.database.tables().callbacks.len(), 1);
    rig.calendar.fetches.open();
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn the_other_company_notices_nothing() {
    let rig = rig();
    open_breaker_of_bookings(&rig);
    let of_a = rig.calendar.requests().len();
    let wish = json!({"datum": "morgen", "uhrzeit": "14:00", "service": "Kontrolle"});
    let checked = answer(&rig, rig.ask("b", NUMBER_B, FunctionName::CheckAvailability, wish));
    assert_eq!((&checked["available"], &checked["confidence"]), (&json!(true), &json!("live")));
    let order = json!({"customer_name": "Berta"});
    let booked = answer(&rig, rig.ask("b", NUMBER_B, FunctionName::BookAppointment, order));
    assert_eq!(booked["status"], "confirmed");
    let sent: Vec<_> = rig.calendar.requests().split_off(of_a);
    assert_eq!(sent, [(company_b(), "slots"), (company_b(), "create")], "no request but its own");
    let view = rig.scheduler(company_b()).unwrap();
    assert!(view.breakers.iter().all(|breaker| breaker.state.as_str() == "closed"));
    a_is_down(&rig, false);
    hang_up_all(&rig, &["x0", "x1", "x2"]);
    let ended_at = Some(rig.now().0);
    let body = EventBody::new("call_ended", "b", rig.now().0);
    rig.event(&EventBody { to: Some(NUMBER_B.to_owned()), ended_at, ..body });
    rig.advance(60_000);
    rig.finish();
}

#[test]
fn a_lost_answer_of_a_calendar_that_says_nothing_is_pending_and_kept() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.script([Creation::IsLost]);
    let mut asked = book(&rig, "c", "14:00");
    rig.settle();
    a_is_down(&rig, true);
    rig.advance(2_400);
    assert_eq!(asked.json()["status"], "pending_confirmation");
    assert_eq!(status(&rig), AppointmentStatus::Unknown, "nobody knows, and somebody was promised");
    rig.advance(600_000);
    assert_eq!(rig.calendar.posts().len(), 1, "never a blind POST");
    a_is_down(&rig, false);
    rig.advance(60_000);
    assert_eq!((status(&rig), rig.calendar.posts().len()), (AppointmentStatus::Confirmed, 2));
    hang_up(&rig, "c");
    rig.finish();
}

/// The key of A has nothing left for 30 s.
fn spend_key(rig: &Rig) {
    let spent = RateLimits { limit: 120, remaining: 2, reset_ms: 30_000 };
    rig.calendar.tell_limits([Heard::Limits(spent)]);
    answer(rig, check(rig, "c1", "14:00"));
}

#[test]
fn with_the_key_spent_checks_are_answered_from_the_mirror_or_not_at_all_and_at_once() {
    let rig = rig();
    answer(&rig, check(&rig, "c1", "13:00"));
    rig.advance(50_000);
    spend_key(&rig);
    rig.advance(12_000);
    let fetches = rig.calendar.slot_fetches().len();
    let known = answer(&rig, check(&rig, "c2", "15:00"));
    assert_eq!((&known["available"], &known["age_s"]), (&json!(true), &json!(12)));
    assert_eq!(
        answer(&rig, check_service(&rig, "c3", "Dauerwelle", "11:00"))["code"],
        "calendar_unavailable"
    );
    assert_eq!(rig.calendar.slot_fetches().len(), fetches);
    assert_eq!(breakers(&rig), ["closed", "closed"], "a limit is no failure");
    rig.advance(18_000);
    assert_eq!(answer(&rig, check_service(&rig, "c3", "Dauerwelle", "11:00"))["confidence"], "live");
    hang_up_all(&rig, &["c1", "c2", "c3"]);
    rig.finish();
}

#[test]
fn with_the_key_spent_a_booking_is_pending_at_once_and_sent_when_there_is_room() {
    let rig = rig();
    spend_key(&rig);
    rig.advance(10);
    answer(&rig, check(&rig, "c2", "15:00"));
    for (call, time) in [("c2", "15:00"), ("c1", "14:00")] {
        assert_eq!(answer(&rig, book(&rig, call, time))["status"], "pending_confirmation");
    }
    rig.advance(29_900);
    assert!(rig.calendar.posts().is_empty());
    rig.advance(200);
    assert_eq!(posted_calls(&rig), [id("c1"), id("c2")], "in the order of their holds");
    assert_eq!(statuses(&rig), [AppointmentStatus::Confirmed; 2]);
    hang_up_all(&rig, &["c1", "c2"]);
    rig.finish();
}

#[test]
fn a_429_is_no_failure_and_the_booking_is_sent_when_the_block_is_over() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.script([Creation::IsLimited(60_000)]);
    rig.calendar.tell_limits([Heard::Blocked { retry_after_ms: 60_000 }]);
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "pending_confirmation");
    assert_eq!(breakers(&rig), ["closed", "closed"]);
    rig.advance(59_000);
    assert!(rig.calendar.posts().is_empty());
    rig.advance(2_000);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_can_still_be_sent_in_time_is_waited_for() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.script([Creation::IsLimited(1_000)]);
    rig.calendar.tell_limits([Heard::Blocked { retry_after_ms: 1_000 }]);
    let mut asked = book(&rig, "c", "14:00");
    rig.advance(999);
    assert_eq!(asked.heard(), None);
    rig.advance(1);
    assert_eq!(asked.json()["status"], "confirmed");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn companies_that_share_a_key_share_its_limit() {
    let rig = rig();
    rig.calendar.share_key(&[company_a(), company_b()]);
    spend_key(&rig);
    let wish = json!({"datum": "morgen", "uhrzeit": "14:00", "service": "Kontrolle"});
    let checked = answer(&rig, rig.ask("b", NUMBER_B, FunctionName::CheckAvailability, wish));
    assert_eq!(checked["code"], "calendar_unavailable");
    hang_up(&rig, "c1");
    let body = EventBody::new("call_ended", "b", rig.now().0);
    rig.event(&EventBody { to: Some(NUMBER_B.to_owned()), ended_at: Some(rig.now().0), ..body });
    rig.finish();
}
