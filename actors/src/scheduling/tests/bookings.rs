//! Bookings that go well, late, or are refused.

use askpro_domain::booking::Refusal;

use super::*;
use crate::ports::fakes::Creation;

#[test]
fn a_held_slot_is_booked_within_the_budget() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    let booked = answer(&rig, book(&rig, "c", "14:00"));
    assert_eq!((&booked["success"], &booked["status"]), (&json!(true), &json!("confirmed")));
    assert_eq!((&booked["slot"], &booked["staff"]), (&json!("2026-11-24T14:00:00+01:00"), &json!("Udo")));
    assert_eq!(holds(&rig), [("booked", id("c"))]);
    let tables = rig.database.tables();
    let row = tables.appointments.values().next().unwrap();
    assert_eq!((row.status, row.calcom_uid.as_deref()), (AppointmentStatus::Confirmed, Some("uid_1")));
    assert_eq!(tables.outbox.len(), 1);
    assert_eq!(tables.calls[&id("c")].outcome, Some("booked"));
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_late_booking_is_pending_then_confirmed_and_repeats_are_equal_to_the_byte() {
    let mut rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.create_answers.close();
    let mut first = book(&rig, "c", "14:00");
    rig.advance(1_000);
    let mut joins = book(&rig, "c", "14:00");
    rig.advance(1_400);
    let pending = first.json();
    assert_eq!((&pending["success"], &pending["status"]), (&json!(true), &json!("pending_confirmation")));
    let repeat = answer(&rig, book(&rig, "c", "14:00"));
    assert_eq!(repeat, pending);
    rig.advance(8_000);
    assert_eq!(joins.json(), pending);
    rig.calendar.create_answers.open();
    rig.settle();
    let confirmed = answer(&rig, book(&rig, "c", "14:00"));
    assert_eq!(confirmed["status"], "confirmed");
    rig.advance(5_000);
    assert_eq!(answer(&rig, book(&rig, "c", "14:00")), confirmed);
    rig.crash_and_restart();
    assert_eq!(answer(&rig, book(&rig, "c", "14:00")), confirmed);
    assert_eq!(rig.calendar.posts().len(), 1);
    let tables = rig.database.tables();
    assert_eq!((tables.appointments.len(), tables.outbox.len()), (1, 1));
    hang_up(&rig, "c");
    assert_eq!(answer(&rig, book(&rig, "c", "14:00")), confirmed, "even after the call");
    assert_eq!(rig.calendar.posts().len(), 1);
    rig.finish();
}

#[test]
fn two_equal_orders_that_wait_for_the_calendar_are_one() {
    let rig = rig();
    rig.calendar.fetches.close();
    let mut first = book_cut(&rig, "c", "14:00");
    let mut second = book_cut(&rig, "c", "14:00");
    rig.settle();
    assert_eq!(orders_journaled(&rig), 1);
    rig.calendar.fetches.open();
    rig.settle();
    assert_eq!(first.json()["status"], "confirmed");
    assert_eq!(second.json(), first_again(&rig));
    assert_eq!(rig.calendar.posts().len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

fn first_again(rig: &Rig) -> Value {
    answer(rig, book_cut(rig, "c", "14:00"))
}

#[test]
fn what_an_order_leaves_open_is_as_held_and_another_hold_is_another_order() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    let anna = json!({"customer_name": "Anna Schmidt"});
    let book = |rig: &Rig| answer(rig, rig.ask("c", NUMBER_A, FunctionName::BookAppointment, anna.clone()));
    let first = book(&rig);
    assert_eq!(
        (&first["status"], &first["slot"]),
        (&json!("confirmed"), &json!("2026-11-24T14:00:00+01:00"))
    );
    assert_eq!(book(&rig), first);
    answer(&rig, check(&rig, "c", "15:00"));
    let second = book(&rig);
    assert_eq!(second["slot"], "2026-11-24T15:00:00+01:00");
    assert_eq!(rig.calendar.posts().len(), 2);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_slot_that_was_sold_outside_is_refused_with_alternatives() {
    let rig = rig();
    answer(&rig, check_service(&rig, "c", "Dauerwelle", "14:00"));
    rig.calendar.script([Creation::Refuses(Refusal::SlotTaken)]);
    let refused = answer(&rig, book(&rig, "c", "14:00"));
    assert_eq!((&refused["success"], &refused["code"]), (&json!(false), &json!("slot_taken")));
    assert_eq!(refused["alternatives"].as_array().unwrap().len(), 3);
    assert_eq!(holds(&rig), []);
    assert_eq!(status(&rig), AppointmentStatus::Refused);
    let again = answer(&rig, book(&rig, "c", "14:00"));
    assert_eq!(again["code"], "slot_required", "a refusal is computed anew, and nothing is held");
    hang_up(&rig, "c");
    rig.finish();
}

/// A service of two members; nobody of them is held by name.
const POOLED_CUT: &str = "Damenhaarschnitt";

/// A call holds a unit of a pool at 14:00.
fn hold_of_pool(rig: &Rig, call: &str) {
    assert_eq!(answer(rig, check_service(rig, call, POOLED_CUT, "14:00"))["available"], true);
}

/// What a call holds is ordered, for another person each.
fn order_held(rig: &Rig, call: &str) -> Asked {
    let phone = format!("+491511234567{}", call.len());
    let arguments = json!({"customer_name": "Anna", "customer_phone": phone});
    rig.ask(call, NUMBER_A, FunctionName::BookAppointment, arguments)
}

#[test]
fn of_two_who_book_a_pool_in_the_same_moment_each_gets_a_member() {
    let rig = rig();
    ["c", "dd"].into_iter().for_each(|call| hold_of_pool(&rig, call));
    rig.calendar.creates.close();
    rig.calendar.script([Creation::Books, Creation::LosesHost]);
    let (mut first, mut second) = (order_held(&rig, "c"), order_held(&rig, "dd"));
    rig.settle();
    rig.calendar.creates.open();
    rig.settle();
    let (first, second) = (first.json(), second.json());
    assert_eq!((&first["status"], &second["status"]), (&json!("confirmed"), &json!("confirmed")));
    assert_ne!(first["staff"], second["staff"]);
    assert_eq!(rig.calendar.posts().len(), 3);
    ["c", "dd"].into_iter().for_each(|call| hang_up(&rig, call));
    rig.finish();
}

#[test]
fn a_pool_that_may_have_nobody_left_is_not_posted_again() {
    let rig = rig();
    ["c", "dd"].into_iter().for_each(|call| hold_of_pool(&rig, call));
    // Somebody outside has one of the two, and the other one is offered to another caller.
    rig.calendar.script([Creation::LosesHost]);
    assert_eq!(answer(&rig, order_held(&rig, "c"))["code"], "slot_taken");
    assert_eq!(rig.calendar.posts().len(), 1);
    ["c", "dd"].into_iter().for_each(|call| hang_up(&rig, call));
    rig.finish();
}

#[test]
fn a_race_that_is_lost_after_a_promise_or_the_end_of_the_call_is_run_again() {
    for hangs_up in [false, true] {
        let rig = rig();
        hold_of_pool(&rig, "c");
        rig.calendar.creates.close();
        rig.calendar.script([Creation::LosesHost]);
        let mut asked = order_held(&rig, "c");
        if hangs_up {
            rig.settle();
            hang_up(&rig, "c");
        } else {
            rig.advance(2_400);
            assert_eq!(asked.json()["status"], "pending_confirmation");
        }
        rig.calendar.creates.open();
        rig.settle();
        assert_eq!(status(&rig), AppointmentStatus::Confirmed);
        assert!(reasons(&rig).contains(&"host_raced".to_owned()));
        assert_eq!(rig.calendar.posts().len(), 2);
        if !hangs_up {
            hang_up(&rig, "c");
        }
        rig.finish();
    }
}

#[test]
fn after_a_race_that_is_lost_with_the_budget_spent_the_caller_hears_at_once_that_it_is_pending() {
    let rig = rig();
    hold_of_pool(&rig, "c");
    rig.calendar.script([Creation::LosesHost, Creation::IsLimited(10_000)]);
    let mut asked = order_held(&rig, "c");
    rig.settle();
    assert_eq!(asked.json()["status"], "pending_confirmation");
    rig.advance(12_000);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_crash_between_a_lost_race_and_its_next_post_posts_nothing_blindly() {
    let mut rig = rig();
    hold_of_pool(&rig, "c");
    rig.calendar.script([Creation::LosesHost]);
    rig.calendar.create_answers.close();
    let _asked = order_held(&rig, "c");
    rig.settle();
    rig.journal.syncs.close();
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(rig.calendar.posts().len(), 1, "it is not on disk yet that it is posted again");
    rig.crash_and_restart();
    rig.advance(120_000);
    assert_eq!((status(&rig), rig.calendar.posts().len()), (AppointmentStatus::Abandoned, 1));
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_member_who_was_given_away_in_the_same_moment_is_taken() {
    let rig = rig();
    answer(&rig, check_service(&rig, "c", "Dauerwelle", "14:00"));
    rig.calendar.script([Creation::LosesHost]);
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["code"], "slot_taken");
    assert_eq!(rig.calendar.posts().len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_promise_that_is_refused_is_a_conflict_with_an_urgent_callback() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.create_answers.close();
    rig.calendar.script([Creation::Refuses(Refusal::SlotTaken)]);
    let mut asked = book(&rig, "c", "14:00");
    rig.advance(2_400);
    assert_eq!(asked.json()["status"], "pending_confirmation");
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(status(&rig), AppointmentStatus::Conflict);
    let tables = rig.database.tables();
    let callback = tables.callbacks.values().next().unwrap();
    assert_eq!((callback.priority, callback.reason.as_str()), ("urgent", "booking_conflict"));
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn what_was_never_sent_is_sent_again_until_the_calendar_is_back() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.set_down(true);
    let mut asked = book(&rig, "c", "14:00");
    rig.advance(2_500);
    assert_eq!(asked.json()["status"], "pending_confirmation");
    rig.advance(600_000);
    assert_eq!(holds(&rig), [("submitted", id("c"))], "extended while it is pending");
    let records = rig.journal.records().len();
    assert!(records < 20, "an hour of trying is not an hour of records: {records}");
    rig.calendar.set_down(false);
    rig.advance(60_000);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    assert_eq!((rig.calendar.posts().len(), rig.database.tables().outbox.len()), (1, 1));
    let counted = figures(&rig).bookings;
    let counted: Vec<(&str, u64)> = counted.iter().map(|(status, n)| (*status, *n)).collect();
    assert_eq!(counted, [("confirmed", 1), ("pending_confirmation", 1), ("submitted", 1)]);
    hang_up(&rig, "c");
    rig.finish();
}

fn figures(rig: &Rig) -> crate::tenant::TenantView {
    let (reply, mut view) = crate::runtime::Reply::new();
    rig.actors.tenants.offer(company_a(), crate::tenant::TenantMessage::GetTenant(reply)).unwrap();
    rig.settle();
    futures_util::FutureExt::now_or_never(&mut view).unwrap().unwrap()
}

#[test]
fn nobody_hears_of_a_promise_that_is_not_on_disk() {
    for fails in [false, true] {
        let rig = rig();
        answer(&rig, check(&rig, "c", "14:00"));
        rig.calendar.create_answers.close();
        let mut first = book(&rig, "c", "14:00");
        rig.advance(1_000);
        rig.journal.syncs.close();
        rig.journal.set_failing(fails);
        rig.advance(1_400);
        let mut repeat = book(&rig, "c", "14:00");
        rig.settle();
        assert!(fails || (first.heard(), repeat.heard()) == (None, None));
        rig.journal.set_failing(false);
        rig.journal.sync();
        rig.settle();
        let wanted = if fails { "outcome_unknown" } else { "pending_confirmation" };
        assert_eq!((&first.json()["code"], &repeat.json()["code"]), (&json!(wanted), &json!(wanted)));
        rig.calendar.create_answers.open();
        rig.settle();
        assert_eq!(status(&rig), AppointmentStatus::Confirmed);
        hang_up(&rig, "c");
        rig.finish();
    }
}

#[test]
fn whoever_waits_for_a_promise_on_a_slow_disk_hears_in_time_that_nobody_knows() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.create_answers.close();
    let mut first = book(&rig, "c", "14:00");
    rig.advance(1_000);
    rig.journal.syncs.close();
    rig.advance(1_400);
    let mut repeat = book(&rig, "c", "14:00");
    rig.advance(99);
    assert_eq!(first.json()["code"], "outcome_unknown");
    assert_eq!(repeat.heard(), None);
    rig.advance(2_400);
    assert_eq!(repeat.json()["code"], "outcome_unknown");
    rig.journal.sync();
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["code"], "pending_confirmation");
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_order_that_a_slow_disk_does_not_take_in_time_is_not_taken() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.journal.syncs.close();
    let mut asked = book(&rig, "c", "14:00");
    rig.advance(2_499);
    assert_eq!(asked.json()["code"], "busy");
    rig.journal.sync();
    rig.advance(120_000);
    assert_eq!(status(&rig), AppointmentStatus::Refused);
    assert!(rig.calendar.posts().is_empty(), "whoever was told to try again gets no booking unheard");
    assert_eq!(holds(&rig), []);
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_promise_that_the_journal_does_not_take_is_not_made() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.create_answers.close();
    let mut first = book(&rig, "c", "14:00");
    rig.settle();
    rig.journal.set_full(true);
    rig.advance(2_400);
    assert_eq!(first.json()["code"], "outcome_unknown");
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["code"], "outcome_unknown");
    rig.journal.set_full(false);
    rig.advance(2_000);
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["code"], "pending_confirmation");
    rig.calendar.create_answers.open();
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_fills_in_its_service_keeps_to_the_hours_and_the_notice() {
    let rig = rig();
    answer(&rig, check_service(&rig, "c", "Dauerwelle", "11:00"));
    let late = answer(&rig, book(&rig, "c", "17:00"));
    assert_eq!((&late["code"], &late["reason"]), (&json!("closed"), &json!("outside_hours")));
    let soon = json!({"datetime": "23.11.2026 09:10", "customer_name": "Anna", "service": CUT});
    let soon = answer(&rig, rig.ask("c", NUMBER_A, FunctionName::BookAppointment, soon));
    assert_eq!(soon["code"], "too_soon");
    let mia = json!({"datetime": "24.11.2026 12:00", "customer_name": "Anna", "staff": "Mia"});
    let mia = answer(&rig, rig.ask("c", NUMBER_A, FunctionName::BookAppointment, mia));
    assert_eq!(mia["code"], "staff_not_for_service", "{mia}");
    assert_eq!(answer(&rig, book(&rig, "c", "11:00"))["status"], "confirmed");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_expired_hold_is_asked_for_again() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.advance(400_000);
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["code"], "slot_required");
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_move_that_the_journal_does_not_take_is_written_later() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.create_answers.close();
    let mut asked = book(&rig, "c", "14:00");
    rig.settle();
    rig.journal.set_full(true);
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(asked.json()["status"], "confirmed");
    rig.advance(10_000);
    assert_eq!(status(&rig), AppointmentStatus::Submitted);
    rig.journal.set_full(false);
    rig.advance(2_000);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    assert_eq!(rig.database.tables().outbox.len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn who_comes_and_how_to_reach_them_must_be_known() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    let nameless = rig.ask("c", NUMBER_A, FunctionName::BookAppointment, json!({}));
    assert_eq!(answer(&rig, nameless)["code"], "name_required");
    assert_eq!(holds(&rig).len(), 1, "the hold stays");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_order_that_comes_again_after_its_call_is_never_a_second_post() {
    for (restarts, reads_late) in [(false, true), (true, true), (true, false), (false, false)] {
        let mut rig = rig();
        answer(&rig, check(&rig, "c", "14:00"));
        let confirmed = answer(&rig, book(&rig, "c", "14:00"));
        hang_up(&rig, "c");
        rig.advance(299_000);
        assert!(rig.calls_in_memory().is_empty());
        if restarts {
            rig.crash_and_restart();
        }
        if reads_late {
            rig.database.reads.close();
        }
        let mut again = book_cut(&rig, "c", "14:00");
        rig.advance(if restarts { 1_400 } else { 1_500 });
        rig.database.reads.open();
        rig.settle();
        assert_eq!(again.json(), confirmed, "{restarts} {reads_late}");
        assert_eq!(rig.calendar.posts().len(), 1, "{restarts} {reads_late}");
        rig.advance(700_000);
        assert_eq!(rig.scheduler(company_a()).unwrap().bookings, []);
        rig.finish();
    }
}

#[test]
fn orders_go_on_without_a_store_that_does_not_answer() {
    let rig = rig();
    rig.database.reads.close();
    let mut asked = book_cut(&rig, "c", "14:00");
    rig.advance(1_499);
    assert!(rig.calendar.posts().is_empty());
    rig.advance(1);
    assert_eq!(asked.json()["status"], "confirmed");
    rig.database.reads.open();
    rig.settle();
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_later_try_of_an_order_is_found_again_after_a_restart() {
    let mut rig = rig();
    rig.calendar.script([Creation::Refuses(Refusal::Other)]);
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["success"], false);
    let second = answer(&rig, book_cut(&rig, "c", "14:00"));
    assert_eq!(second["status"], "confirmed");
    rig.crash_and_restart();
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00")), second);
    let anna = json!({"datetime": "24.11.2026 14:00", "service": CUT, "customer_name": "anna schmidt",
        "notizen": "kurz"});
    let other_words = answer(&rig, rig.ask("c", NUMBER_A, FunctionName::BookAppointment, anna));
    assert_eq!(other_words["appointment_id"], second["appointment_id"]);
    assert_eq!(rig.calendar.posts().len(), 2);
    hang_up(&rig, "c");
    rig.finish();
}
