//! Lost answers: looked for, found, given up, sent again, surfacing late.

use askpro_domain::booking::Refusal;

use super::*;
use crate::ports::fakes::Creation;

/// A call that was told "pending" while its POST is on its way.
fn pending(rig: &Rig, creation: Creation) {
    answer(rig, check(rig, "c", "11:00"));
    rig.calendar.script([creation]);
    rig.calendar.create_answers.close();
    let mut asked = book(rig, "c", "11:00");
    rig.advance(2_500);
    assert_eq!(asked.json()["status"], "pending_confirmation");
    rig.calendar.create_answers.open();
    rig.settle();
}

#[test]
fn a_lost_answer_is_found_and_confirmed_after_the_hang_up() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "11:00"));
    rig.calendar.script([Creation::BooksAndIsLost]);
    let _asked = book(&rig, "c", "11:00");
    rig.advance(300);
    assert_eq!(status(&rig), AppointmentStatus::Unknown);
    hang_up(&rig, "c");
    assert_eq!(holds(&rig), [("submitted", id("c"))], "the hold stays");
    rig.advance(4_700);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    assert!(reasons(&rig).contains(&"confirmed_after_hangup".to_owned()));
    let tables = rig.database.tables();
    assert_eq!((tables.outbox.len(), tables.callbacks.len()), (1, 0));
    assert_eq!(tables.calls[&id("c")].outcome, Some("booked"));
    assert_eq!(rig.calendar.posts().len(), 1);
    rig.finish();
}

#[test]
fn a_look_whose_turn_panics_is_counted_once() {
    for panics_after in 0..3 {
        let rig = rig();
        pending(&rig, Creation::IsLost);
        let before = rig.calendar.looks();
        rig.advance([0, 1_500, 11_000][panics_after]);
        rig.directory.panic_next(1);
        while rig.calendar.posts().len() < 2 {
            rig.advance(500);
        }
        let looks = rig.calendar.looks() - before;
        assert!(looks >= 3, "posted again after {looks} looks, panic {panics_after}");
        rig.finish();
    }
}

#[test]
fn a_look_counts_although_the_call_ended_while_it_was_under_way() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "11:00"));
    rig.calendar.looks_gate.close();
    rig.calendar.script([Creation::IsLost]);
    let _asked = book(&rig, "c", "11:00");
    rig.advance(2_000);
    let version = the_booking(&rig).version;
    assert_eq!((status(&rig), rig.calendar.looks()), (AppointmentStatus::Unknown, 1));
    hang_up(&rig, "c");
    assert!(the_booking(&rig).version > version, "it has moved");
    rig.calendar.looks_gate.open();
    rig.advance(60_000);
    assert!(rig.calendar.looks() >= 3);
    assert_ne!(status(&rig), AppointmentStatus::Unknown);
    rig.finish();
}

#[test]
fn three_answered_looks_without_a_trace_release_the_slot() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "11:00"));
    rig.calendar.script([Creation::IsLost]);
    let mut asked = book(&rig, "c", "11:00");
    rig.advance(2_400);
    let unknown = asked.json();
    assert_eq!((&unknown["success"], &unknown["code"]), (&json!(false), &json!("outcome_unknown")));
    rig.calendar.set_down(true);
    rig.advance(120_000);
    assert_eq!(status(&rig), AppointmentStatus::Unknown, "looks without an answer do not count");
    rig.calendar.set_down(false);
    rig.advance(60_000);
    assert_eq!(status(&rig), AppointmentStatus::Abandoned);
    assert_eq!(holds(&rig), []);
    let tables = rig.database.tables();
    let callback = tables.callbacks.values().next().unwrap();
    assert_eq!((callback.priority, callback.reason.as_str()), ("high", "booking_not_found"));
    assert_eq!(rig.calendar.posts().len(), 1);
    assert_eq!(answer(&rig, check(&rig, "d", "11:00"))["available"], true);
    hang_up(&rig, "c");
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn a_promised_booking_that_is_absent_is_posted_again_three_times_at_most() {
    let rig = rig();
    rig.calendar.script([Creation::IsLost; 3]);
    pending(&rig, Creation::IsLost);
    rig.advance(600_000);
    assert_eq!(rig.calendar.posts().len(), 4);
    assert_eq!(status(&rig), AppointmentStatus::Conflict);
    let tables = rig.database.tables();
    let callbacks: Vec<_> = tables.callbacks.values().map(|c| (c.priority, c.reason.as_str())).collect();
    assert_eq!(callbacks, [("urgent", "booking_conflict")]);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_promised_booking_that_never_arrived_is_kept_by_the_second_post() {
    let rig = rig();
    pending(&rig, Creation::IsLost);
    rig.advance(60_000);
    assert_eq!(rig.calendar.posts().len(), 2);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_second_post_that_is_refused_because_of_the_first_is_looked_at_and_confirmed() {
    let rig = rig();
    rig.calendar.set_blind(true);
    rig.calendar.script([Creation::BooksAndIsLost, Creation::Refuses(Refusal::SlotTaken)]);
    answer(&rig, check(&rig, "c", "11:00"));
    rig.calendar.create_answers.close();
    let _asked = book(&rig, "c", "11:00");
    rig.advance(2_500);
    rig.calendar.create_answers.open();
    rig.advance(40_500);
    assert_eq!(rig.calendar.posts().len(), 2);
    assert_eq!(status(&rig), AppointmentStatus::Unknown);
    rig.calendar.set_blind(false);
    rig.advance(2_000);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    assert_eq!(rig.database.tables().outbox.len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_surfaces_after_its_release_is_cancelled_even_after_a_crash() {
    for crashes in [false, true] {
        let mut rig = rig();
        answer(&rig, check(&rig, "c", "11:00"));
        rig.calendar.set_blind(true);
        rig.calendar.script([Creation::BooksAndIsLost]);
        let _asked = book(&rig, "c", "11:00");
        rig.advance(60_000);
        assert_eq!(status(&rig), AppointmentStatus::Abandoned);
        hang_up(&rig, "c");
        if crashes {
            rig.crash_and_restart();
        }
        rig.calendar.set_blind(false);
        rig.advance(500_000);
        assert!(rig.calendar.cancels().is_empty());
        rig.advance(100_000);
        assert_eq!(rig.calendar.cancels(), ["uid_1"]);
        assert_eq!(status(&rig), AppointmentStatus::Cancelled);
        assert_eq!(reasons(&rig).last().unwrap(), "surfaced_after_release");
        rig.finish();
    }
}

#[test]
fn a_cancellation_that_fails_is_tried_again() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "11:00"));
    rig.calendar.set_blind(true);
    rig.calendar.script([Creation::BooksAndIsLost]);
    let _asked = book(&rig, "c", "11:00");
    rig.advance(60_000);
    hang_up(&rig, "c");
    rig.calendar.set_blind(false);
    rig.calendar.looks_gate.close();
    rig.advance(600_000);
    rig.calendar.fail_cancels(2);
    rig.calendar.looks_gate.open();
    rig.advance(1_000);
    assert!(rig.calendar.cancels().is_empty());
    rig.advance(120_000);
    assert_eq!(rig.calendar.cancels(), ["uid_1"]);
    rig.finish();
}

#[test]
fn the_adapter_may_panic() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "11:00"));
    rig.calendar.script([Creation::Panics]);
    let mut asked = book(&rig, "c", "11:00");
    rig.advance(2_500);
    assert_eq!(asked.json()["code"], "outcome_unknown");
    rig.advance(60_000);
    assert_eq!(status(&rig), AppointmentStatus::Abandoned);
    hang_up(&rig, "c");
    rig.finish();
}
