//! Reservations at the calendar: placed beside the calls, taken away with their holds, and seen through by our own
//! views.

use askpro_domain::{
    booking::Refusal,
    policy::{Heard, RateLimits},
};

use super::{news::*, *};
use crate::ports::fakes::{Creation, Reserving};

const PERM: &str = "Dauerwelle";

/// Udo's own event type of the women's cut.
const UDOS_CUT: i64 = 2103;

fn hinting_with(change: impl FnOnce(&mut Settings)) -> Rig {
    let mut settings = Settings::default();
    settings.scheduling.warm.views_max = 0;
    settings.scheduling.reservations = true;
    change(&mut settings);
    rig_with(settings)
}

fn hinting() -> Rig {
    hinting_with(|_| {})
}

fn perm(rig: &Rig, call: &str, time: &str) -> Value {
    answer(rig, check_service(rig, call, PERM, time))
}

/// The women's cut, with Udo.
fn cut_by_udo(rig: &Rig, call: &str, time: &str) -> Value {
    let arguments =
        json!({"datum": "morgen", "uhrzeit": time, "service": "Damenhaarschnitt", "staff": "Udo"});
    answer(rig, rig.ask(call, NUMBER_A, FunctionName::CheckAvailability, arguments))
}

fn free(answer: &Value) -> bool {
    answer["available"] == true
}

fn sent(rig: &Rig, what: &str) -> usize {
    rig.calendar.requests().iter().filter(|(_, sent)| *sent == what).count()
}

/// Reservations that stand, and how often one was taken away.
fn stand_and_removed(rig: &Rig) -> (usize, usize) {
    (rig.calendar.reservations.standing().len(), rig.calendar.reservations.removed().len())
}

fn end(rig: Rig, calls: &[&str]) {
    calls.iter().for_each(|call| hang_up(&rig, call));
    rig.finish();
}

#[test]
fn a_hold_is_reserved_when_its_caller_has_heard_of_it_and_nobody_waits_for_that() {
    let rig = hinting();
    rig.journal.syncs.close();
    rig.calendar.reservations.answers.close();
    let mut asked = check_service(&rig, "c", PERM, "14:00");
    rig.settle();
    assert_eq!((asked.heard(), sent(&rig, "reserve")), (None, 0));
    rig.journal.sync();
    rig.settle();
    assert_eq!(asked.json()["available"], true);
    let wishes = rig.calendar.reservations.wishes();
    assert_eq!(wishes.len(), 1);
    assert_eq!((wishes[0].company, wishes[0].event_type_id), (company_a(), 2002));
    assert_eq!((wishes[0].start, wishes[0].minutes), (tomorrow(10, 135).start(), 5));
    assert_eq!(rig.scheduler(company_a()).unwrap().holds[0].reserved_until, None);
    rig.calendar.reservations.answers.open();
    rig.settle();
    let view = rig.scheduler(company_a()).unwrap();
    assert_eq!(view.holds[0].reserved_until.as_deref(), Some("2026-11-23T08:05:00Z"));
    assert_eq!(view.reservations, 1);
    end(rig, &["c"]);
}

#[test]
fn what_is_left_of_the_hold_is_reserved_in_whole_minutes_and_no_more_than_fifteen() {
    for (ttl_ms, minutes) in [(250_000, 5), (1_000, 1), (3_600_000, 15)] {
        let rig = hinting_with(|settings| settings.scheduling.hold_ttl_ms = ttl_ms);
        assert!(free(&perm(&rig, "c", "14:00")));
        assert_eq!(rig.calendar.reservations.wishes()[0].minutes, minutes);
        end(rig, &["c"]);
    }
}

#[test]
fn pools_are_not_reserved_but_their_members_by_name_are() {
    let rig = hinting();
    assert!(free(&answer(&rig, check(&rig, "c1", "14:00"))));
    assert!(free(&answer(&rig, check_service(&rig, "c2", "Damenhaarschnitt", "11:00"))));
    assert_eq!(sent(&rig, "reserve"), 0);
    assert!(free(&cut_by_udo(&rig, "c3", "16:00")));
    assert_eq!(sent(&rig, "reserve"), 0, "after a burst of questions it waits a moment");
    rig.advance(500);
    assert_eq!(rig.calendar.reservations.wishes()[0].event_type_id, UDOS_CUT);
    end(rig, &["c1", "c2", "c3"]);
}

#[test]
fn nothing_is_reserved_unless_it_is_switched_on() {
    let rig = rig();
    assert!(free(&perm(&rig, "c", "14:00")));
    assert_eq!(sent(&rig, "reserve"), 0);
    end(rig, &["c"]);
}

#[test]
fn a_key_that_others_need_reserves_nothing() {
    let rig = hinting();
    rig.calendar.tell_limits([Heard::Limits(RateLimits { limit: 120, remaining: 77, reset_ms: 60_000 })]);
    assert!(free(&perm(&rig, "c", "14:00")));
    rig.advance(20_000);
    assert_eq!(sent(&rig, "reserve"), 0);
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "confirmed");
    assert_eq!(sent(&rig, "unreserve"), 0);
    end(rig, &["c"]);
}

#[test]
fn a_reservation_goes_with_the_hold_however_that_ends() {
    let booked = |rig: &Rig| {
        assert_eq!(answer(rig, book(rig, "c", "14:00"))["status"], "confirmed");
    };
    let refused = |rig: &Rig| {
        rig.calendar.script([Creation::Refuses(Refusal::SlotTaken)]);
        assert_eq!(answer(rig, book(rig, "c", "14:00"))["code"], "slot_taken");
    };
    let given_up = |rig: &Rig| {
        rig.calendar.script([Creation::IsLost]);
        let _waits = book(rig, "c", "14:00");
        rig.advance(60_000);
        assert_eq!(status(rig), AppointmentStatus::Abandoned);
    };
    let hung_up = |rig: &Rig| hang_up(rig, "c");
    let moved = |rig: &Rig| {
        assert!(free(&answer(rig, check(rig, "c", "17:00"))));
    };
    let expired = |rig: &Rig| rig.advance(250_000);
    let taken_on_the_web = |rig: &Rig| {
        visit(rig, &web("v1", 2002, UDO, tomorrow(10, 135)));
        assert_eq!(holds(rig), []);
    };
    let ends: [&dyn Fn(&Rig); 7] =
        [&booked, &refused, &given_up, &hung_up, &moved, &expired, &taken_on_the_web];
    for (number, ends) in ends.into_iter().enumerate() {
        let rig = hinting_with(|settings| settings.scheduling.hold_ttl_ms = 250_000);
        assert!(free(&perm(&rig, "c", "14:00")));
        assert_eq!(stand_and_removed(&rig), (1, 0));
        ends(&rig);
        assert_eq!(stand_and_removed(&rig), (0, 1), "end {number}");
        end(rig, &["c"]);
    }
}

#[test]
fn one_that_ends_with_its_hold_needs_no_removal_and_no_attention() {
    let rig = hinting();
    assert!(free(&perm(&rig, "c", "14:00")));
    rig.advance(300_000);
    assert_eq!((holds(&rig).len(), stand_and_removed(&rig)), (0, (0, 0)));
    rig.advance(2_500);
    assert_eq!((sent(&rig, "unreserve"), rig.scheduler(company_a()).unwrap().reservations), (0, 0));
    end(rig, &["c"]);
}

#[test]
fn a_move_of_the_hold_moves_the_reservation() {
    let rig = hinting();
    assert!(free(&perm(&rig, "c", "14:00")));
    assert!(free(&perm(&rig, "c", "10:00")));
    let standing = rig.calendar.reservations.standing();
    assert_eq!((standing.len(), standing[0].interval), (1, tomorrow(2, 135)));
    assert_eq!(rig.calendar.reservations.removed().len(), 1);
    end(rig, &["c"]);
}

#[test]
fn a_reservation_that_is_answered_after_its_hold_ended_is_taken_away_then() {
    let rig = hinting();
    rig.calendar.reservations.answers.close();
    assert!(free(&perm(&rig, "c", "14:00")));
    hang_up(&rig, "c");
    assert_eq!(stand_and_removed(&rig), (1, 0), "nobody knows its uid yet");
    rig.calendar.reservations.answers.open();
    rig.settle();
    assert_eq!(stand_and_removed(&rig), (0, 1));
    rig.finish();
}

#[test]
fn one_that_is_answered_after_a_panic_is_taken_away_too() {
    let rig = hinting();
    rig.calendar.reservations.answers.close();
    assert!(free(&perm(&rig, "c1", "14:00")));
    let mut asked = perm_asked_while_the_directory_panics(&rig);
    assert_eq!(asked.json()["available"], true, "a panic costs nothing");
    hang_up(&rig, "c1");
    rig.calendar.reservations.answers.open();
    rig.settle();
    assert_eq!(rig.calendar.reservations.removed().len(), 1);
    end(rig, &["c2"]);
}

fn perm_asked_while_the_directory_panics(rig: &Rig) -> Asked {
    let arguments = json!({"datum": "morgen", "uhrzeit": "10:00", "dienstleistung": PERM});
    let asked = rig.ask("c2", NUMBER_A, FunctionName::CheckAvailability, arguments);
    rig.directory.panic_next(1);
    rig.settle();
    asked
}

#[test]
fn a_prolonged_hold_is_not_reserved_again_while_its_reservation_stands() {
    let rig = hinting();
    assert!(free(&perm(&rig, "c", "14:00")));
    rig.advance(200_000);
    assert!(free(&perm(&rig, "c", "14:00")));
    assert_eq!(sent(&rig, "reserve"), 1);
    rig.advance(110_000);
    assert_eq!((stand_and_removed(&rig), holds(&rig).len()), ((0, 0), 1), "it ended by itself");
    assert!(free(&perm(&rig, "c", "14:00")));
    assert_eq!(sent(&rig, "reserve"), 2);
    end(rig, &["c"]);
}

#[test]
fn what_our_reservation_hides_is_its_callers_still_and_others_again_once_it_is_released() {
    let rig = hinting();
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.advance(61_000);
    assert!(free(&perm(&rig, "c1", "14:00")), "a view that lacks it is seen through");
    assert_eq!(sent(&rig, "slots"), 2);
    assert!(!free(&perm(&rig, "c2", "14:00")), "it is held");
    assert!(!free(&perm(&rig, "c2", "15:00")), "and so is what overlaps it");
    hang_up(&rig, "c1");
    assert_eq!(stand_and_removed(&rig), (0, 1));
    assert!(free(&perm(&rig, "c2", "15:00")), "also what only overlaps it");
    assert_eq!(sent(&rig, "slots"), 2, "the view is as old as before");
    assert_eq!(answer(&rig, book(&rig, "c2", "15:00"))["status"], "confirmed");
    assert!(!free(&perm(&rig, "c3", "14:00")));
    end(rig, &["c2", "c3"]);
}

#[test]
fn other_event_types_of_the_host_are_seen_through_as_well() {
    let rig = hinting();
    assert!(free(&cut_by_udo(&rig, "c2", "09:00")));
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.advance(61_000);
    assert!(!free(&cut_by_udo(&rig, "c2", "14:00")));
    let fetched = sent(&rig, "slots");
    hang_up(&rig, "c1");
    assert!(free(&cut_by_udo(&rig, "c2", "14:00")), "the view of before showed it");
    assert_eq!(sent(&rig, "slots"), fetched);
    end(rig, &["c2"]);
}

#[test]
fn views_of_meanwhile_are_asked_for_again_when_the_reservation_is_gone() {
    let rig = hinting();
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.advance(61_000);
    // Nobody had asked for this one before: it lacks what is hidden.
    assert!(!free(&cut_by_udo(&rig, "c2", "14:00")));
    hang_up(&rig, "c1");
    let fetched = sent(&rig, "slots");
    rig.advance(2_500);
    assert!(free(&cut_by_udo(&rig, "c2", "14:00")));
    assert_eq!(sent(&rig, "slots"), fetched + 1);
    end(rig, &["c2"]);
}

#[test]
fn what_was_booked_on_the_web_meanwhile_is_not_offered_longer_than_the_reservation_lives() {
    let rig = hinting();
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.calendar.book_outside(UDO, tomorrow(10, 135));
    rig.advance(61_000);
    assert!(free(&perm(&rig, "c1", "14:00")), "nobody announced it, and it is held");
    hang_up(&rig, "c1");
    rig.advance(2_500);
    rig.calendar.set_down(true);
    assert!(!free(&perm(&rig, "c2", "14:00")), "not even without a new view");
    rig.calendar.set_down(false);
    rig.advance(20_000);
    assert!(!free(&perm(&rig, "c2", "14:00")));
    end(rig, &["c2"]);
}

#[test]
fn what_was_announced_meanwhile_is_not_seen_through() {
    let rig = hinting();
    rig.calendar.reservations.fail_removals(u32::MAX);
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.advance(20_000);
    visit(&rig, &web("v1", 2002, UDO, tomorrow(10, 135)));
    assert_eq!(holds(&rig), []);
    rig.advance(10_000);
    assert_eq!(rig.calendar.reservations.standing().len(), 1);
    assert!(!free(&perm(&rig, "c2", "14:00")), "a view of long after it, that our reservation dims");
    end(rig, &["c1", "c2"]);
}

#[test]
fn what_the_calendar_refused_is_not_seen_through() {
    let rig = hinting();
    rig.calendar.reservations.fail_removals(u32::MAX);
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.calendar.script([Creation::Refuses(Refusal::SlotTaken)]);
    assert_eq!(answer(&rig, book(&rig, "c1", "14:00"))["code"], "slot_taken");
    rig.advance(10_000);
    assert_eq!(rig.calendar.reservations.standing().len(), 1);
    assert!(!free(&perm(&rig, "c2", "14:00")));
    end(rig, &["c1", "c2"]);
}

#[test]
fn where_the_calendar_refused_the_slot_nothing_that_overlaps_it_is_offered_instead() {
    let rig = hinting();
    rig.calendar.reservations.fail_removals(u32::MAX);
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.advance(61_000);
    assert!(free(&perm(&rig, "c1", "14:00")));
    let at = tomorrow(10, 135);
    rig.calendar.book_outside(UDO, at);
    let refused = answer(&rig, book(&rig, "c1", "14:00"));
    assert_eq!(refused["code"], "slot_taken");
    let alternatives = refused["alternatives"].as_array().unwrap();
    assert_eq!(alternatives.len(), 3);
    for alternative in alternatives {
        let start = UnixMillis::parse_rfc3339(alternative["slot"].as_str().unwrap()).unwrap();
        assert!(start >= at.end() || start.plus_ms(135 * 60_000) <= at.start(), "{refused}");
    }
    end(rig, &["c1"]);
}

#[test]
fn one_whose_answer_was_lost_is_seen_through_until_it_ends_by_itself() {
    let rig = hinting();
    rig.calendar.reservations.script([Reserving::ReservesAndIsLost]);
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.advance(61_000);
    assert!(free(&perm(&rig, "c1", "14:00")));
    hang_up(&rig, "c1");
    assert_eq!(stand_and_removed(&rig), (1, 0), "nobody knows its uid");
    assert!(free(&perm(&rig, "c2", "14:00")));
    assert_eq!(sent(&rig, "reserve"), 1, "the calendar would refuse another one there");
    hang_up(&rig, "c2");
    rig.advance(300_000 + 2_500 - 61_000);
    rig.calendar.set_down(true);
    assert!(!free(&perm(&rig, "c3", "14:00")), "believed no longer");
    rig.calendar.set_down(false);
    rig.advance(20_000);
    assert!(free(&perm(&rig, "c3", "14:00")));
    end(rig, &["c3"]);
}

#[test]
fn a_view_is_taken_at_its_word_where_the_calendar_reserved_nothing() {
    let rig = hinting();
    rig.calendar.reservations.script([Reserving::IsTaken]);
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.calendar.book_outside(UDO, tomorrow(10, 135));
    rig.advance(61_000);
    assert!(!free(&perm(&rig, "c1", "14:00")));
    end(rig, &["c1"]);
}

#[test]
fn a_calendar_that_refuses_reservations_is_left_alone_and_books_as_ever() {
    let rig = hinting();
    rig.calendar.reservations.script([Reserving::IsRefused, Reserving::IsNotSent, Reserving::IsRefused]);
    for call in ["c1", "c2", "c3", "c4"] {
        assert!(free(&perm(&rig, call, "14:00")));
        hang_up(&rig, call);
    }
    assert_eq!((sent(&rig, "reserve"), sent(&rig, "unreserve")), (3, 0));
    assert!(rig.scheduler(company_a()).unwrap().breakers.iter().all(|b| b.state.as_str() == "closed"));
    assert!(free(&perm(&rig, "c5", "14:00")));
    assert_eq!(answer(&rig, book(&rig, "c5", "14:00"))["status"], "confirmed");
    rig.advance(60_000);
    assert!(free(&perm(&rig, "c6", "10:00")));
    assert_eq!(sent(&rig, "reserve"), 4, "tried again after a minute");
    assert_eq!(rig.calendar.reservations.standing().len(), 1);
    end(rig, &["c5", "c6"]);
}

#[test]
fn with_the_calendar_down_holds_stand_and_removals_are_given_up_in_the_end() {
    let rig = hinting();
    assert!(free(&perm(&rig, "c1", "14:00")));
    rig.calendar.set_down(true);
    assert!(free(&perm(&rig, "c2", "10:00")));
    hang_up(&rig, "c1");
    rig.advance(200_000);
    assert_eq!(sent(&rig, "unreserve"), 5);
    assert_eq!(stand_and_removed(&rig), (1, 0));
    rig.calendar.set_down(false);
    rig.advance(105_000);
    assert_eq!((sent(&rig, "unreserve"), stand_and_removed(&rig)), (5, (0, 0)), "it ended by itself");
    assert_eq!(rig.scheduler(company_a()).unwrap().reservations, 0);
    end(rig, &["c2"]);
}

#[test]
fn a_removal_that_failed_is_tried_again() {
    let rig = hinting();
    rig.calendar.reservations.fail_removals(2);
    assert!(free(&perm(&rig, "c", "14:00")));
    hang_up(&rig, "c");
    rig.advance(5_000);
    assert_eq!(stand_and_removed(&rig), (1, 0));
    rig.advance(10_000);
    assert_eq!(stand_and_removed(&rig), (0, 1));
    rig.finish();
}

#[test]
fn after_a_crash_a_call_still_books_what_its_own_reservation_hides() {
    let mut rig = hinting();
    assert!(free(&perm(&rig, "c", "14:00")));
    rig.crash_and_restart();
    assert_eq!(holds(&rig), [("held", id("c"))]);
    assert!(free(&perm(&rig, "d", "10:00")), "the view is a new one");
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "confirmed");
    assert_eq!(rig.calendar.reservations.removed().len(), 0, "nobody knows of it any more");
    end(rig, &["c", "d"]);
}

#[test]
fn a_mirror_answers_at_once_though_a_reservation_ended_lately() {
    for reservations in [false, true] {
        let rig = {
            let mut settings = Settings::default();
            settings.scheduling.reservations = reservations;
            rig_with(settings)
        };
        assert!(free(&perm(&rig, "c1", "14:00")));
        rig.advance(1_000);
        // A second view, asked for while the first caller is there.
        rig.advance(11_000);
        assert!(!free(&perm(&rig, "c2", "14:30")));
        rig.advance(1_000);
        rig.calendar.fetches.close();
        hang_up(&rig, "c1");
        rig.advance(20_000);
        // What the view lacks is asked for; what it shows is as good as ever.
        let mut asked = check_service(&rig, "c3", PERM, "10:00");
        rig.advance(50);
        let heard = asked.heard();
        assert!(heard.is_some(), "reservations: {reservations}");
        end(rig, &["c2", "c3"]);
    }
}
