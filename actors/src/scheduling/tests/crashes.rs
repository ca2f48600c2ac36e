//! Crashes and panics at every step.

use super::*;
use crate::ports::fakes::Creation;

#[test]
fn a_repeat_after_a_restart_is_answered_in_time_when_the_database_hangs() {
    let mut rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "confirmed");
    rig.crash_and_restart();
    rig.settle();
    rig.database.reads.close();
    let mut again = book(&rig, "c", "14:00");
    rig.advance(2_499);
    assert_eq!(again.json()["code"], "busy");
    rig.database.reads.open();
    rig.advance(1_000);
    assert_eq!(rig.calendar.posts().len(), 1, "nobody would hear of another one");
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "confirmed");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn holds_survive_a_crash_and_still_end() {
    let mut rig = rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    answer(&rig, check(&rig, "c2", "15:00"));
    answer(&rig, check(&rig, "c3", "16:00"));
    hang_up(&rig, "c3");
    rig.crash_and_restart();
    let mut kept = holds(&rig);
    kept.sort();
    assert_eq!(kept, [("held", id("c1")), ("held", id("c2"))]);
    assert_eq!(answer(&rig, check(&rig, "c4", "14:00"))["available"], false);
    hang_up(&rig, "c1");
    assert_eq!(holds(&rig).len(), 1);
    rig.advance(300_000);
    assert_eq!(holds(&rig), []);
    for call in ["c2", "c4"] {
        hang_up(&rig, call);
    }
    rig.finish();
}

#[test]
fn what_a_call_is_offered_can_be_booked_after_a_crash() {
    let mut rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.crash_and_restart();
    let anna = json!({"customer_name": "Anna Schmidt"});
    let booked = answer(&rig, rig.ask("c", NUMBER_A, FunctionName::BookAppointment, anna));
    assert_eq!(
        (&booked["status"], &booked["slot"]),
        (&json!("confirmed"), &json!("2026-11-24T14:00:00+01:00"))
    );
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_call_that_ended_just_before_the_crash_has_no_hold_after_it() {
    let mut rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.database.commits.close();
    hang_up(&rig, "c");
    rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
    rig.database.commits.open();
    rig.settle();
    assert_eq!(holds(&rig), []);
    rig.finish();
}

#[test]
fn an_order_that_was_cut_off_before_it_was_submitted_is_abandoned() {
    let mut rig = rig();
    rig.calendar.fetches.close();
    let _asked = book_cut(&rig, "c", "14:00");
    rig.settle();
    rig.crash_and_restart();
    rig.calendar.fetches.open();
    rig.settle();
    assert_eq!(status(&rig), AppointmentStatus::Abandoned);
    assert_eq!(reasons(&rig), ["not_submitted_before_restart"]);
    assert!(rig.calendar.posts().is_empty());
    assert_eq!(holds(&rig), []);
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed", "the agent asks again");
    assert_eq!(rig.database.tables().appointments.len(), 2);
    hang_up(&rig, "c");
    rig.finish();
}

/// Where the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    RecordNotOnDisk,
    BeforePost,
    AfterPost,
    AnsweredBeforeRows,
    AfterRows,
}

#[test]
fn a_crash_at_any_step_of_a_booking_leaves_nothing_behind_and_never_posts_blindly() {
    use Step as S;
    for step in [S::RecordNotOnDisk, S::BeforePost, S::AfterPost, S::AnsweredBeforeRows, S::AfterRows] {
        for ends in [false, true] {
            crash_at(step, ends);
        }
    }
}

fn crash_at(step: Step, ends: bool) {
    let mut rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    match step {
        Step::RecordNotOnDisk => rig.journal.syncs.close(),
        Step::BeforePost => rig.calendar.creates.close(),
        Step::AfterPost => rig.calendar.create_answers.close(),
        Step::AnsweredBeforeRows => rig.database.commits.close(),
        Step::AfterRows => {}
    }
    let _asked = book(&rig, "c", "14:00");
    rig.settle();
    if ends {
        hang_up(&rig, "c");
    }
    let booked = rig.calendar.standing().len();
    assert_eq!(booked, usize::from(!matches!(step, Step::RecordNotOnDisk | Step::BeforePost)), "{step:?}");
    rig.crash_and_restart();
    rig.heal();
    // What is not on disk may be in the database: it is looked for like what is.
    rig.advance(60_000);
    let wanted = if booked == 1 { AppointmentStatus::Confirmed } else { AppointmentStatus::Abandoned };
    assert_eq!(status(&rig), wanted, "{step:?}");
    assert_eq!(rig.database.tables().outbox.len(), booked, "{step:?}");
    assert_eq!(rig.calendar.posts().len(), booked, "{step:?}: never a second POST");
    rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
    rig.advance(2_000);
    assert!(rig.database.tables().outbox.len() <= 1);
    hang_up(&rig, "c");
    rig.advance(1_000);
    assert!(holds(&rig).iter().all(|(state, _)| *state == "booked"), "{step:?}");
    rig.finish();
}

#[test]
fn what_the_caller_was_promised_is_kept_after_a_crash() {
    let mut rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.creates.close();
    let mut asked = book(&rig, "c", "14:00");
    rig.advance(2_500);
    assert_eq!(asked.json()["status"], "pending_confirmation");
    rig.crash_and_restart();
    rig.calendar.creates.open();
    rig.advance(60_000);
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    assert_eq!(rig.calendar.standing().len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_scheduler_that_panics_is_rebuilt_with_its_holds_and_bookings() {
    for looks in [1, 2, 3, 4, 5, 6] {
        let rig = rig();
        answer(&rig, check(&rig, "c1", "15:00"));
        answer(&rig, check(&rig, "c2", "14:00"));
        rig.calendar.create_answers.close();
        let _asked = book(&rig, "c2", "14:00");
        rig.settle();
        rig.directory.panic_next(looks);
        rig.calendar.create_answers.open();
        rig.settle();
        rig.directory.panic_next(0);
        rig.advance(100_000);
        assert_eq!(status(&rig), AppointmentStatus::Confirmed, "{looks}");
        assert_eq!(rig.database.tables().outbox.len(), 1, "{looks}");
        assert_eq!(rig.calendar.posts().len(), 1);
        assert_eq!(rig.calendar.standing().len(), 1);
        assert!(holds(&rig).contains(&("held", id("c1"))), "{looks}");
        hang_up(&rig, "c1");
        hang_up(&rig, "c2");
        rig.finish();
    }
}

#[test]
fn a_panic_while_an_order_is_taken_leaves_nothing_behind() {
    for looks in 1..10 {
        let rig = rig();
        answer(&rig, check(&rig, "c", "14:00"));
        rig.directory.panic_next(looks);
        let mut asked = book(&rig, "c", "14:00");
        rig.settle();
        rig.directory.panic_next(0);
        rig.advance(200_000);
        assert!(asked.heard().is_some(), "{looks}");
        assert!(rig.calendar.posts().len() <= 1, "{looks}");
        let standing = rig.calendar.standing().len();
        let tables = rig.database.tables();
        assert_eq!(tables.outbox.len(), standing, "{looks}");
        assert!(tables.appointments.values().all(|row| !row.status.is_open()), "{looks}");
        hang_up(&rig, "c");
        rig.finish();
    }
}

#[test]
fn a_database_that_is_away_keeps_nobody_from_booking() {
    let mut rig = rig();
    rig.database.set_away(true);
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.script([Creation::BooksAndIsLost]);
    let mut asked = book(&rig, "c", "14:00");
    rig.advance(2_500);
    assert_eq!(asked.json()["status"], "confirmed", "a look found it in time");
    rig.advance(600_000);
    rig.database.set_away(false);
    rig.crash_and_restart();
    assert_eq!(status(&rig), AppointmentStatus::Confirmed);
    hang_up(&rig, "c");
    rig.finish();
}
