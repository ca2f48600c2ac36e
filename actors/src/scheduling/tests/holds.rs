//! Holds: placed, moved, refused to others, ended.

use std::{collections::BTreeSet, sync::Arc};

use super::{news::*, *};
use crate::{
    rig::Stage,
    runtime::{Reply, universe::Universe},
    scheduling::SchedulingMessage,
};

#[test]
fn a_free_slot_is_held_and_told_when_it_is_on_disk() {
    let rig = rig();
    rig.journal.syncs.close();
    let mut asked = check(&rig, "c", "14:00");
    rig.settle();
    assert_eq!(asked.heard(), None);
    rig.journal.sync();
    let answer = answer(&rig, asked);
    assert_eq!(answer["available"], true);
    assert_eq!(answer["slot"], "2026-11-24T14:00:00+01:00");
    assert_eq!((&answer["confidence"], &answer["service"]), (&json!("live"), &json!(CUT)));
    assert_eq!(answer["held_until"], "2026-11-23T09:05:00+01:00");
    assert_eq!(holds(&rig), [("held", id("c"))]);
    hang_up(&rig, "c");
    assert_eq!(holds(&rig), []);
    rig.finish();
}

#[test]
fn a_hold_that_a_slow_disk_does_not_take_in_time_is_not_given() {
    let rig = rig();
    rig.journal.syncs.close();
    let mut asked = check(&rig, "c", "14:00");
    rig.advance(2_499);
    assert_eq!(asked.json()["code"], "busy");
    assert_eq!(holds(&rig), []);
    rig.journal.sync();
    assert_eq!(answer(&rig, check(&rig, "c", "14:00"))["available"], true);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_hold_does_not_end_in_the_moment_in_which_its_agent_hears_of_it() {
    let mut heard = BTreeSet::new();
    for seed in 0..20 {
        let rig = offering(Rig::on(Stage {
            universe: Universe::by_hand(2, seed),
            begins: FIXTURE_NOW,
            journal: Arc::default(),
            companies: Arc::default(),
            calendar: None,
            settings: Settings::default(),
        }));
        rig.journal.syncs.close();
        let mut asked = check(&rig, "c", "14:00");
        rig.settle();
        // The agent's time is over and the disk takes the hold while the scheduler has much to do.
        for _ in 0..300 {
            let question = SchedulingMessage::GetScheduler(Reply::new().0);
            rig.actors.schedulers.offer(company_a(), question).unwrap();
        }
        rig.universe.manual_clock().set(rig.now().plus_ms(2_450));
        rig.journal.sync();
        rig.settle();
        let is_given = asked.json()["available"] == true;
        assert_eq!(holds(&rig).len(), usize::from(is_given), "seed {seed}");
        heard.insert(is_given);
        hang_up(&rig, "c");
        rig.finish();
    }
    assert_eq!(heard.len(), 2, "either may come first");
}

#[test]
fn everybody_who_waits_for_a_hold_that_is_not_given_hears_so() {
    let rig = rig();
    rig.journal.syncs.close();
    let mut first = check(&rig, "c", "14:00");
    rig.advance(1_000);
    let mut again = check(&rig, "c", "14:00");
    rig.advance(1_450);
    assert_eq!((first.json()["code"].clone(), again.json()["code"].clone()), (json!("busy"), json!("busy")));
    rig.journal.sync();
    assert_eq!(holds(&rig), []);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn of_two_slots_that_a_call_asks_for_at_once_one_is_held_and_the_other_only_free() {
    let rig = rig();
    rig.journal.syncs.close();
    let mut first = check(&rig, "c", "14:00");
    let mut second = check(&rig, "c", "15:00");
    rig.settle();
    rig.journal.sync();
    rig.settle();
    let (first, second) = (first.json(), second.json());
    assert_eq!((&first["code"], &first["available"]), (&json!("available"), &json!(true)));
    assert_eq!((&first["slot"], &first["held_until"]), (&json!("2026-11-24T14:00:00+01:00"), &json!(null)));
    assert_eq!((&second["available"], second["held_until"].is_string()), (&json!(true), true));
    assert_eq!(holds(&rig), [("held", id("c"))]);
    assert_eq!(answer(&rig, check(&rig, "d", "14:00"))["available"], true, "nobody has it");
    assert_eq!(answer(&rig, check(&rig, "e", "15:00"))["code"], "slot_taken");
    ["c", "d", "e"].into_iter().for_each(|call| hang_up(&rig, call));
    rig.finish();
}

#[test]
fn a_slot_that_another_call_took_before_its_first_agent_heard_of_it_is_not_told_as_free() {
    let rig = rig();
    rig.journal.syncs.close();
    let mut first = check(&rig, "c", "14:00");
    let mut second = check(&rig, "c", "15:00");
    rig.settle();
    let mut other = check(&rig, "d", "14:00");
    rig.settle();
    rig.journal.sync();
    rig.settle();
    assert_eq!(
        (first.json()["code"].clone(), second.json()["available"].clone()),
        (json!("busy"), json!(true))
    );
    assert_eq!(other.json()["available"], true);
    assert_eq!(holds(&rig).len(), 2);
    ["c", "d"].into_iter().for_each(|call| hang_up(&rig, call));
    rig.finish();
}

#[test]
fn of_a_pool_that_has_another_unit_a_slot_is_free_still() {
    let rig = rig();
    let cut = "Damenhaarschnitt";
    assert_eq!(answer(&rig, check_service(&rig, "z", cut, "14:00"))["available"], true);
    rig.journal.syncs.close();
    let mut first = check_service(&rig, "c", cut, "14:00");
    let _second = check_service(&rig, "c", cut, "15:00");
    rig.settle();
    rig.journal.sync();
    rig.settle();
    let first = first.json();
    assert_eq!((&first["available"], &first["held_until"]), (&json!(true), &json!(null)));
    ["c", "z"].into_iter().for_each(|call| hang_up(&rig, call));
    rig.finish();
}

#[test]
fn a_hold_that_was_told_stays_when_its_prolongation_is_slow() {
    let rig = rig();
    assert_eq!(answer(&rig, check(&rig, "c", "14:00"))["available"], true);
    rig.advance(60_000);
    rig.journal.syncs.close();
    let mut again = check(&rig, "c", "14:00");
    rig.advance(2_499);
    assert_eq!(again.json()["code"], "busy");
    assert_eq!(holds(&rig), [("held", id("c"))]);
    rig.journal.sync();
    assert_eq!(answer(&rig, check(&rig, "c2", "14:00"))["code"], "slot_taken");
    hang_up(&rig, "c");
    hang_up(&rig, "c2");
    rig.finish();
}

#[test]
fn an_agent_hears_of_its_hold_although_its_scheduler_was_built_anew_meanwhile() {
    let rig = rig();
    rig.journal.syncs.close();
    let asked = check(&rig, "c", "14:00");
    rig.settle();
    rig.directory.panic_next(1);
    hear_stands(&rig, &web("x1", 2001, UDO, tomorrow(0, 30)));
    rig.journal.sync();
    assert_eq!(answer(&rig, asked)["available"], true);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn the_second_caller_hears_alternatives() {
    let rig = rig();
    assert_eq!(answer(&rig, check(&rig, "c1", "14:00"))["available"], true);
    let refused = answer(&rig, check(&rig, "c2", "14:00"));
    assert_eq!((&refused["available"], &refused["code"]), (&json!(false), &json!("slot_taken")));
    let alternatives = refused["alternatives"].as_array().unwrap();
    assert_eq!(alternatives.len(), 3);
    assert!(alternatives.iter().all(|a| a["slot"] != "2026-11-24T14:00:00+01:00"));
    assert_eq!(holds(&rig).len(), 1, "alternatives are not held");
    let mut booked = book_cut(&rig, "c2", "14:00");
    rig.settle();
    assert_eq!(booked.json()["code"], "slot_taken");
    assert!(rig.calendar.posts().is_empty());
    hang_up(&rig, "c1");
    assert_eq!(answer(&rig, check(&rig, "c2", "14:00"))["available"], true);
    hang_up(&rig, "c2");
    rig.finish();
}

#[test]
fn a_pool_whose_members_show_their_times_has_as_many_units() {
    let rig = rig();
    let cut = "Damenhaarschnitt";
    assert_eq!(answer(&rig, check_service(&rig, "c1", cut, "14:00"))["available"], true);
    assert_eq!(answer(&rig, check_service(&rig, "c2", cut, "14:00"))["available"], true);
    assert_eq!(answer(&rig, check_service(&rig, "c3", cut, "14:00"))["available"], false);
    assert_eq!(answer(&rig, check_service(&rig, "c4", "Dauerwelle", "13:00"))["available"], false);
    for call in ["c1", "c2", "c3", "c4"] {
        hang_up(&rig, call);
    }
    assert_eq!(holds(&rig), []);
    rig.finish();
}

#[test]
fn a_new_check_moves_the_hold_and_the_same_check_prolongs_it() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.advance(100_000);
    let again = answer(&rig, check(&rig, "c", "14:00"));
    assert_eq!(again["held_until"], "2026-11-23T09:06:40+01:00");
    rig.advance(250_000);
    assert_eq!(holds(&rig).len(), 1, "the first end is over");
    answer(&rig, check(&rig, "c", "15:00"));
    assert_eq!(answer(&rig, check(&rig, "d", "14:00"))["available"], true);
    assert_eq!(holds(&rig).len(), 2);
    hang_up(&rig, "c");
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn a_hold_ends_by_time_when_the_call_never_ends() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.advance(299_000);
    assert_eq!(holds(&rig).len(), 1);
    rig.advance(1_000);
    assert_eq!(holds(&rig), []);
    assert!(rig.journal.outstanding().is_empty());
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_question_that_waits_when_the_call_ends_holds_nothing() {
    let rig = rig();
    rig.calendar.fetches.close();
    let mut checked = check(&rig, "c", "14:00");
    let mut booked = book_cut(&rig, "c", "15:00");
    rig.settle();
    assert_eq!(orders_journaled(&rig), 1);
    hang_up(&rig, "c");
    assert_eq!(
        (checked.json()["code"].clone(), booked.json()["code"].clone()),
        (json!("busy"), json!("busy"))
    );
    rig.calendar.fetches.open();
    rig.settle();
    assert_eq!(holds(&rig), []);
    let late = answer(&rig, check(&rig, "c", "14:00"));
    assert_eq!(late["success"], true, "a question after the end is answered");
    assert_eq!(holds(&rig), [], "and holds nothing");
    assert!(rig.calendar.posts().is_empty());
    rig.finish();
}

#[test]
fn a_slow_calendar_is_asked_once_and_a_question_is_answered_by_its_deadline() {
    let rig = rig();
    rig.calendar.fetches.close();
    let mut asked: Vec<Asked> = ["c1", "c2", "c3"].iter().map(|c| check(&rig, c, "14:00")).collect();
    rig.advance(2_399);
    assert!(asked.iter_mut().all(|a| a.heard().is_none()));
    rig.advance(1);
    assert!(asked.iter_mut().all(|a| a.json()["code"] == "calendar_unavailable"));
    assert_eq!(rig.calendar.slot_fetches().len(), 1);
    rig.calendar.fetches.open();
    rig.advance(1);
    let known = answer(&rig, check(&rig, "c1", "14:00"));
    assert_eq!((&known["available"], &known["confidence"]), (&json!(true), &json!("mirror")));
    assert_eq!(known["age_s"], 2);
    hang_up(&rig, "c1");
    rig.finish();
}

#[test]
fn with_the_calendar_down_an_old_view_answers_with_its_age() {
    let rig = rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.advance(40_000);
    rig.calendar.set_down(true);
    let known = answer(&rig, check(&rig, "c2", "15:00"));
    assert_eq!((&known["available"], &known["confidence"]), (&json!(true), &json!("mirror")));
    assert_eq!(known["age_s"], 40);
    assert_eq!(answer(&rig, check(&rig, "c3", "15:00"))["available"], false);
    rig.advance(1_900_000);
    assert_eq!(answer(&rig, check(&rig, "c3", "16:00"))["code"], "calendar_unavailable");
    for call in ["c1", "c2", "c3"] {
        hang_up(&rig, call);
    }
    rig.finish();
}

#[test]
fn a_view_that_was_asked_for_before_a_booking_does_not_show_it_free() {
    let rig = rig();
    answer(&rig, check_service(&rig, "c1", "Dauerwelle", "14:00"));
    rig.advance(20_000);
    // The calendar looks at its books now and answers much later.
    rig.calendar.fetches.close();
    let mut slow = check_service(&rig, "c2", "Dauerwelle", "14:00");
    rig.settle();
    assert_eq!(answer(&rig, book(&rig, "c1", "14:00"))["status"], "confirmed");
    rig.advance(2_399);
    rig.advance(4_000);
    assert_eq!(slow.json()["available"], false);
    rig.calendar.fetches.open();
    rig.settle();
    assert_eq!(answer(&rig, check_service(&rig, "c2", "Dauerwelle", "14:00"))["available"], false);
    hang_up(&rig, "c1");
    hang_up(&rig, "c2");
    rig.finish();
}

#[test]
fn a_full_journal_holds_and_sends_nothing_and_leaves_the_hold_before() {
    let rig = rig();
    answer(&rig, check(&rig, "c", "14:00"));
    rig.journal.set_full(true);
    assert_eq!(answer(&rig, check(&rig, "c", "15:00"))["code"], "busy");
    assert_eq!(answer(&rig, check(&rig, "c", "14:00"))["code"], "busy");
    assert_eq!(answer(&rig, check(&rig, "d", "16:00"))["code"], "busy");
    assert_eq!(answer(&rig, book_cut(&rig, "d", "16:00"))["code"], "busy");
    assert_eq!(holds(&rig), [("held", id("c"))]);
    assert!(rig.calendar.posts().is_empty());
    rig.journal.set_full(false);
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "confirmed");
    hang_up(&rig, "c");
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn a_hold_that_cannot_be_written_is_not_given() {
    let rig = rig();
    rig.journal.set_failing(true);
    assert_eq!(answer(&rig, check(&rig, "c", "14:00"))["code"], "busy");
    assert_eq!(holds(&rig), []);
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["code"], "busy");
    assert!(rig.calendar.posts().is_empty());
    assert_eq!(holds(&rig), []);
    rig.journal.set_failing(false);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn records_that_are_still_needed_are_written_again_before_their_segment_goes() {
    let mut rig = rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.calendar.creates.close();
    let _pending = book_cut(&rig, "c2", "15:00");
    rig.advance(1_000);
    rig.journal.age();
    let mark = rig.journal.outstanding()[0].0;
    rig.advance(10_000);
    let left = rig.journal.outstanding();
    assert!(left.iter().all(|(position, _)| *position > mark), "{left:?}");
    assert_eq!(left.len(), 2);
    rig.crash_and_restart();
    assert_eq!(holds(&rig).len(), 2);
    hang_up(&rig, "c1");
    hang_up(&rig, "c2");
    rig.calendar.creates.open();
    rig.finish();
}

#[test]
fn a_view_of_this_second_is_live_and_an_older_one_has_its_age() {
    let rig = rig();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.advance(900);
    assert_eq!(answer(&rig, check(&rig, "c2", "15:00"))["confidence"], "live");
    rig.advance(1_600);
    let older = answer(&rig, check(&rig, "c3", "16:00"));
    assert_eq!((&older["confidence"], &older["age_s"]), (&json!("mirror"), &json!(2)));
    for call in ["c1", "c2", "c3"] {
        hang_up(&rig, call);
    }
    rig.finish();
}
