//! Announcements about our own bookings: they confirm, move and call off, and never revoke.

use askpro_domain::{
    booking::Refusal,
    calendar::{CalendarEvent, News, SeenBooking},
};
use proptest::prelude::*;

use super::{news::*, *};
use crate::ports::{
    fakes::{Creation, company_a},
    journal::{Record, SchedulingRecord},
};
use crate::rig::Asking;

/// A booking of ours that stands, tomorrow at two with Udo, under the uid `uid_1`.
fn booked(rig: &Rig) -> Booking {
    answer(rig, check(rig, "c", "14:00"));
    assert_eq!(answer(rig, book(rig, "c", "14:00"))["status"], "confirmed");
    the_booking(rig)
}

/// A booking of ours that was submitted, and whose answer has not come.
fn under_way(rig: &Rig, creation: Creation) -> (Asked, Booking) {
    answer(rig, check(rig, "c", "14:00"));
    rig.calendar.script([creation]);
    rig.calendar.create_answers.close();
    let asked = book(rig, "c", "14:00");
    rig.settle();
    (asked, the_booking(rig))
}

fn row(rig: &Rig) -> (AppointmentStatus, Option<String>, UnixMillis) {
    let tables = rig.database.tables();
    assert_eq!(tables.appointments.len(), 1);
    let row = tables.appointments.values().next().unwrap().clone();
    (row.status, row.calcom_uid, row.starts_at)
}

#[test]
fn the_announcement_of_a_booking_under_way_is_its_answer() {
    for metadata in [true, false] {
        let rig = rig();
        let (mut asked, booking) = under_way(&rig, Creation::Books);
        let seen = if metadata { ours } else { ours_without_metadata }(&booking, "uid_1", UDO);
        hear_stands(&rig, &seen);
        assert_eq!(asked.json()["status"], "confirmed");
        assert_eq!(
            row(&rig),
            (AppointmentStatus::Confirmed, Some("uid_1".to_owned()), tomorrow(10, 30).start())
        );
        rig.calendar.create_answers.open();
        rig.settle();
        assert_eq!(reasons(&rig), ["submitted", "confirmed"], "the answer itself says nothing new");
        assert_eq!(holds(&rig), [("booked", id("c"))]);
        let tables = rig.database.tables();
        assert_eq!((tables.outbox.len(), tables.calendar_events.len()), (1, 1));
        hang_up(&rig, "c");
        rig.finish();
    }
}

#[test]
fn a_lost_booking_is_found_by_its_announcement() {
    for metadata in [true, false] {
        let rig = rig();
        let (_asked, booking) = under_way(&rig, Creation::BooksAndIsLost);
        rig.calendar.looks_gate.close();
        rig.calendar.create_answers.open();
        rig.settle();
        assert_eq!(status(&rig), AppointmentStatus::Unknown);
        let seen = if metadata { ours } else { ours_without_metadata }(&booking, "uid_1", UDO);
        hear_stands(&rig, &seen);
        assert_eq!((status(&rig), rig.calendar.looks()), (AppointmentStatus::Confirmed, 0));
        assert_eq!(reasons(&rig).last().unwrap(), "confirmed_by_look");
        rig.calendar.looks_gate.open();
        hang_up(&rig, "c");
        rig.finish();
    }
}

#[test]
fn a_booking_that_is_moved_while_its_post_is_open_stands_where_it_was_moved_to() {
    let lost = Creation::BooksAndIsLost;
    for (creation, crashes) in
        [(Creation::Books, false), (Creation::Books, true), (lost, false), (lost, true)]
    {
        let mut rig = rig();
        let (_asked, booking) = under_way(&rig, creation);
        let to = tomorrow(13, 30);
        rig.calendar.reschedule("uid_1", "uid_9", to);
        hear_stands(&rig, &moved(&ours(&booking, "uid_1", UDO), "uid_9", to));
        if crashes {
            rig.crash_and_restart();
        }
        rig.calendar.create_answers.open();
        rig.advance(5_000);
        let wanted = (AppointmentStatus::Confirmed, Some("uid_9".to_owned()), to.start());
        assert_eq!(row(&rig), wanted, "{creation:?} {crashes}");
        if !crashes {
            assert_eq!(holds(&rig), [("booked", id("c"))]);
        }
        assert_eq!(rig.database.tables().outbox.len(), 1);
        assert_eq!(answer(&rig, check(&rig, "d", "14:00"))["available"], true, "its first slot is free");
        hang_up(&rig, "c");
        hang_up(&rig, "d");
        rig.finish();
    }
}

#[test]
fn a_booking_that_was_moved_before_it_was_found_stands_where_it_was_moved_to() {
    let rig = rig();
    let (_asked, booking) = under_way(&rig, Creation::BooksAndIsLost);
    let to = tomorrow(13, 30);
    rig.calendar.reschedule("uid_1", "uid_9", to);
    let long_before = stands_at(moved(&ours(&booking, "uid_1", UDO), "uid_9", to), rig.now());
    rig.calendar.create_answers.open();
    rig.advance(5_000);
    assert_eq!(reasons(&rig).last().unwrap(), "confirmed_by_look");
    let wanted = (AppointmentStatus::Confirmed, Some("uid_9".to_owned()), to.start());
    assert_eq!(row(&rig), wanted);
    hear(&rig, &long_before);
    assert_eq!(row(&rig), wanted);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_is_called_off_while_its_post_is_open_is_cancelled() {
    for (creation, by_id) in
        [(Creation::Books, true), (Creation::Books, false), (Creation::BooksAndIsLost, true)]
    {
        let rig = rig();
        let (mut asked, booking) = under_way(&rig, creation);
        rig.calendar.set_blind(true);
        let mut event = gone_at(&ours(&booking, "uid_1", UDO), rig.now());
        if let News::Gone(gone) = &mut event.news {
            gone.appointment = by_id.then(|| booking.order.appointment.0.clone());
        }
        hear(&rig, &event);
        rig.calendar.create_answers.open();
        rig.advance(5_000);
        let wanted = (AppointmentStatus::Cancelled, Some("uid_1".to_owned()), tomorrow(10, 30).start());
        assert_eq!(row(&rig), wanted, "{creation:?} {by_id}");
        assert_eq!(asked.json()["code"], "refused", "{creation:?} {by_id}");
        assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["code"], "slot_required", "nothing stands");
        assert_eq!(rig.database.tables().outbox.len(), 0, "nobody is told that it stands");
        assert_eq!(holds(&rig), []);
        rig.advance(120_000);
        assert_eq!(rig.calendar.posts().len(), 1, "what was called off is not posted again");
        hang_up(&rig, "c");
        rig.finish();
    }
}

#[test]
fn an_agent_hears_where_a_booking_stands_that_was_moved_before_its_post_was_answered() {
    let rig = rig();
    let (mut asked, booking) = under_way(&rig, Creation::Books);
    let to = tomorrow(13, 30);
    hear_stands(&rig, &moved(&ours_without_metadata(&booking, "uid_1", UDO), "uid_9", to));
    assert_eq!(status(&rig), AppointmentStatus::Submitted, "nobody knows yet whose it is");
    rig.calendar.create_answers.open();
    rig.settle();
    let told = asked.json();
    assert_eq!((&told["code"], &told["slot"]), (&json!("confirmed"), &json!("2026-11-24T15:30:00+01:00")));
    let tables = rig.database.tables();
    let notices: Vec<_> = tables.outbox.values().map(|row| row.payload.contains("T14:30:00Z")).collect();
    assert_eq!(notices, [true], "the notice says so too");
    assert_eq!(holds(&rig), [("booked", id("c"))]);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_was_called_off_first_and_stands_elsewhere_has_its_notice() {
    let rig = rig();
    let (_asked, booking) = under_way(&rig, Creation::Books);
    let seen = ours(&booking, "uid_1", UDO);
    hear(&rig, &gone_by_id_at(&seen, rig.now()));
    assert_eq!((status(&rig), rig.database.tables().outbox.len()), (AppointmentStatus::Cancelled, 0));
    hear_stands(&rig, &moved(&seen, "uid_9", tomorrow(13, 30)));
    assert_eq!((status(&rig), rig.database.tables().outbox.len()), (AppointmentStatus::Confirmed, 1));
    rig.calendar.create_answers.open();
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_was_called_off_first_and_moved_on_twice_has_its_notice() {
    let rig = rig();
    let (_asked, booking) = under_way(&rig, Creation::Books);
    let seen = ours(&booking, "uid_1", UDO);
    hear(&rig, &gone_by_id_at(&seen, rig.now()));
    let second = moved(&seen, "uid_2", tomorrow(12, 30));
    let mut third = moved(&second, "uid_3", tomorrow(13, 30));
    third.evidence.appointment = None;
    hear_stands(&rig, &third);
    assert_eq!((status(&rig), rig.database.tables().outbox.len()), (AppointmentStatus::Cancelled, 0));
    hear_stands(&rig, &second);
    let wanted = (AppointmentStatus::Confirmed, Some("uid_3".to_owned()), tomorrow(13, 30).start());
    assert_eq!((row(&rig), rig.database.tables().outbox.len()), (wanted, 1));
    rig.calendar.create_answers.open();
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn what_proves_nothing_neither_confirms_nor_revokes() {
    let rig = rig();
    let (_asked, booking) = under_way(&rig, Creation::IsLost);
    let mut other_day = ours_without_metadata(&booking, "x1", UDO);
    other_day.interval = tomorrow(11, 30);
    other_day.evidence.start = Some(tomorrow(11, 30).start());
    let visitor = web("x2", 2001, UDO, tomorrow(10, 30));
    let mut long_ago = stands_at(ours_without_metadata(&booking, "x3", UDO), rig.now());
    long_ago.at = Some(rig.now().plus_ms(-600_000));
    if let News::Stands(seen) = &mut long_ago.news {
        seen.evidence.created_at = long_ago.at;
    }
    hear_stands(&rig, &other_day);
    hear_stands(&rig, &visitor);
    hear(&rig, &long_ago);
    assert_eq!(status(&rig), AppointmentStatus::Submitted);
    assert_eq!(holds(&rig), [("submitted", id("c"))]);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn the_echo_of_our_own_booking_changes_nothing() {
    let rig = rig();
    let booking = booked(&rig);
    let before = rig.database.tables();
    for seen in [ours(&booking, "uid_1", UDO), ours_without_metadata(&booking, "uid_1", UDO)] {
        hear_stands(&rig, &seen);
    }
    let after = rig.database.tables();
    assert_eq!((after.appointments, after.outbox), (before.appointments, before.outbox));
    assert_eq!(holds(&rig), [("booked", id("c"))]);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_appointment_that_is_called_off_at_the_calendar_is_cancelled_and_its_slot_free() {
    let rig = rig();
    let booking = booked(&rig);
    hear_gone(&rig, &ours(&booking, "uid_1", UDO));
    assert_eq!(row(&rig), (AppointmentStatus::Cancelled, Some("uid_1".to_owned()), tomorrow(10, 30).start()));
    assert_eq!(reasons(&rig).last().unwrap(), "cancelled_at_calendar");
    assert_eq!(holds(&rig), []);
    hear_gone(&rig, &ours(&booking, "uid_1", UDO));
    assert_eq!(the_booking(&rig).version, 3, "once");
    assert!(rig.calendar.cancels().is_empty(), "it is cancelled there already");
    hang_up(&rig, "c");
    rig.finish();
}

fn order_of(rig: &Rig, tool_call_id: &str) -> Value {
    let asking =
        Asking { tool_call_id: Some(tool_call_id), ..Asking::of("c", FunctionName::BookAppointment) };
    let arguments = json!({"service": CUT, "datetime": "24.11.2026 14:00", "customer_name": "Anna Schmidt"});
    answer(rig, rig.ask_as(&asking, arguments))
}

#[test]
fn a_tool_call_that_is_sent_again_books_nothing_anew_once_its_appointment_was_called_off() {
    let mut rig = rig();
    let booked = order_of(&rig, "tool_1");
    assert_eq!(booked["status"], "confirmed");
    hear_gone(&rig, &ours(&the_booking(&rig), "uid_1", UDO));
    let again = order_of(&rig, "tool_1");
    assert_eq!((&again["success"], &again["code"]), (&json!(false), &json!("refused")));
    assert_eq!(again["appointment_id"], booked["appointment_id"]);
    rig.advance(5_000);
    rig.crash_and_restart();
    assert_eq!(order_of(&rig, "tool_1"), again, "of an earlier life it is read from the store");
    assert_eq!(rig.calendar.posts().len(), 1);
    assert_eq!(order_of(&rig, "tool_2")["status"], "confirmed", "who asks once more may have it");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_appointment_that_is_moved_at_the_calendar_is_followed_and_makes_no_new_row() {
    let rig = rig();
    let seen = ours(&booked(&rig), "uid_1", UDO);
    answer(&rig, check_service(&rig, "d", "Dauerwelle", "15:00"));
    assert_eq!(holds(&rig).len(), 2);
    let to = moved(&seen, "uid_9", tomorrow(13, 30));
    hear_stands(&rig, &to);
    assert_eq!(row(&rig), (AppointmentStatus::Confirmed, Some("uid_9".to_owned()), tomorrow(13, 30).start()));
    assert_eq!(reasons(&rig).last().unwrap(), "rescheduled_at_calendar");
    assert_eq!(holds(&rig), [("booked", id("c"))], "the offer that was in its way is over");
    let repeat = answer(&rig, book(&rig, "c", "14:00"));
    assert_eq!(
        (&repeat["status"], &repeat["slot"]),
        (&json!("confirmed"), &json!("2026-11-24T15:30:00+01:00"))
    );
    hear_stands(&rig, &seen);
    hear_gone(&rig, &seen);
    assert_eq!(row(&rig).1, Some("uid_9".to_owned()), "news of the uid before changes nothing");
    hear_gone(&rig, &to);
    assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
    hang_up(&rig, "c");
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn another_host_is_named_in_the_row() {
    let rig = rig();
    let booking = booked(&rig);
    rig.advance(1);
    let mut seen = ours(&booking, "uid_1", MIA);
    seen.freed_hosts = vec![UDO];
    hear_stands(&rig, &seen);
    let row = rig.database.tables().appointments.into_values().next().unwrap();
    let mia = askpro_domain::ids::StaffId::of_slugs(&["friseur-mitte", "mia"]);
    assert_eq!((row.staff_id, row.version), (Some(mia.0), 3));
    assert_eq!(answer(&rig, check_service(&rig, "d", "Dauerwelle", "13:00"))["available"], false);
    hang_up(&rig, "c");
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn a_booking_of_an_earlier_life_is_found_by_its_uid_or_by_our_id() {
    for by_id in [true, false] {
        let mut rig = rig();
        let booking = booked(&rig);
        hang_up(&rig, "c");
        rig.advance(700_000);
        rig.crash_and_restart();
        assert_eq!(rig.scheduler(company_a()).unwrap().bookings.len(), 0);
        let seen = ours(&booking, "uid_1", UDO);
        if by_id {
            // The first move was never announced.
            let second = moved(&moved(&seen, "uid_2", tomorrow(12, 30)), "uid_3", tomorrow(14, 30));
            hear_stands(&rig, &second);
            assert_eq!(
                row(&rig),
                (AppointmentStatus::Confirmed, Some("uid_3".to_owned()), tomorrow(14, 30).start())
            );
        } else {
            hear_gone(&rig, &seen);
            assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
        }
        rig.finish();
    }
}

#[test]
fn an_announcement_waits_for_the_row_of_what_it_is_about() {
    let rig = rig();
    rig.database.commits.close();
    answer(&rig, check(&rig, "c", "14:00"));
    assert_eq!(answer(&rig, book(&rig, "c", "14:00"))["status"], "confirmed");
    let moves = rig.journal.records().into_iter().filter_map(|record| match record {
        Record::Scheduling(SchedulingRecord::Moved { booking }) => Some(*booking),
        _ => None,
    });
    let seen = ours(&moves.last().unwrap(), "uid_1", UDO);
    // The scheduler is built anew without what is settled: only the row will tell, and it is not written yet.
    rig.directory.panic_next(1);
    hear_stands(&rig, &moved(&seen, "uid_9", tomorrow(13, 30)));
    rig.advance(3_000);
    rig.database.commits.open();
    rig.advance(3_000);
    assert_eq!(row(&rig), (AppointmentStatus::Confirmed, Some("uid_9".to_owned()), tomorrow(13, 30).start()));
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_announcement_that_waits_outlives_a_panic_of_its_scheduler() {
    let mut rig = rig();
    let booking = booked(&rig);
    hang_up(&rig, "c");
    rig.advance(700_000);
    rig.crash_and_restart();
    rig.database.set_away(true);
    hear_gone(&rig, &ours(&booking, "uid_1", UDO));
    rig.advance(500);
    rig.directory.panic_next(1);
    visit(&rig, &web("x1", 2001, UDO, tomorrow(12, 30)));
    rig.database.set_away(false);
    rig.advance(3_000);
    assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
    rig.finish();
}

#[test]
fn an_announcement_waits_for_the_database_and_is_not_forgotten() {
    let mut rig = rig();
    let booking = booked(&rig);
    hang_up(&rig, "c");
    rig.advance(700_000);
    rig.crash_and_restart();
    rig.database.set_away(true);
    hear_gone(&rig, &ours(&booking, "uid_1", UDO));
    rig.advance(30_000);
    assert!(!rig.journal.outstanding().is_empty());
    rig.crash_and_restart_with_the_database_back();
    rig.advance(2_000);
    assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
    rig.finish();
}

#[test]
fn a_move_that_the_journal_does_not_take_is_heeded_again() {
    let rig = rig();
    let booking = booked(&rig);
    let event = gone_at(&ours(&booking, "uid_1", UDO), rig.now());
    rig.journal.set_room(1);
    rig.announce(company_a(), &event);
    rig.settle();
    assert_eq!(row(&rig).0, AppointmentStatus::Confirmed);
    assert!(!rig.journal.outstanding().is_empty());
    rig.journal.set_full(false);
    rig.advance(3_000);
    assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn what_a_failing_disk_did_not_take_is_written_again() {
    let rig = rig();
    let booking = booked(&rig);
    // The announcement itself is taken, and nothing that follows from it.
    rig.journal.fail_after(1);
    rig.announce(company_a(), &gone_at(&ours(&booking, "uid_1", UDO), rig.now()));
    rig.settle();
    rig.advance(2_500);
    rig.journal.set_failing(false);
    rig.advance(3_000);
    let moves = rig.journal.records();
    let cancelled = moves.iter().filter(|record| {
        matches!(record, Record::Scheduling(SchedulingRecord::Moved { booking })
            if booking.status() == AppointmentStatus::Cancelled)
    });
    assert!(cancelled.count() > 1);
    assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_announcement_that_a_crash_cut_off_is_heeded_at_the_next_start() {
    let mut rig = rig();
    let booking = booked(&rig);
    rig.announce(company_a(), &gone_at(&ours(&booking, "uid_1", UDO), rig.now()));
    rig.crash_and_restart();
    assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
    assert_eq!(rig.database.tables().calendar_events.len(), 1);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_announcement_is_done_with_when_what_follows_from_it_is_on_disk() {
    let mut rig = rig();
    let booking = booked(&rig);
    hang_up(&rig, "c");
    rig.advance(700_000);
    rig.crash_and_restart();
    rig.database.reads.close();
    hear_gone(&rig, &ours(&booking, "uid_1", UDO));
    assert_eq!(rig.database.tables().calendar_events.len(), 1, "its own row is written");
    rig.database.commits.close();
    rig.journal.syncs.close();
    rig.database.reads.open();
    rig.settle();
    assert_eq!(row(&rig).0, AppointmentStatus::Confirmed);
    rig.crash_and_restart();
    rig.heal();
    rig.settle();
    assert_eq!(row(&rig).0, AppointmentStatus::Cancelled);
    rig.finish();
}

#[test]
fn a_booking_that_is_announced_after_it_was_given_up_is_cancelled() {
    let rig = rig();
    let (mut asked, booking) = under_way(&rig, Creation::Refuses(Refusal::SlotTaken));
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(asked.json()["code"], "slot_taken");
    hear_stands(&rig, &ours_without_metadata(&booking, "uid_7", UDO));
    assert_eq!(status(&rig), AppointmentStatus::Refused, "only our own id proves it");
    hear_stands(&rig, &ours(&booking, "uid_7", UDO));
    assert_eq!(status(&rig), AppointmentStatus::Cancelled);
    rig.advance(1);
    assert_eq!(rig.calendar.cancels(), ["uid_7"]);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_announcement_that_panics_twice_is_set_aside_and_its_row_stays() {
    let rig = rig();
    rig.directory.panic_next(2);
    hear_stands(&rig, &web("v1", 2001, UDO, tomorrow(0, 30)));
    let tables = rig.database.tables();
    assert_eq!((tables.calendar_events.len(), tables.dead_letters.len()), (1, 1));
    let letter = tables.dead_letters.into_values().next().unwrap();
    assert_eq!(
        (letter.actor, &*letter.message, letter.signer_company),
        ("scheduling", "calendar_event", Some(company_a()))
    );
    rig.finish();
}

/// What happened at the calendar to a visitor's booking and to one of ours, in order.
fn story(booking: &Booking, from: UnixMillis) -> Vec<CalendarEvent> {
    let at = |ms: i64| from.plus_ms(ms);
    let first = ours(booking, "uid_1", UDO);
    let mut with_mia = ours(booking, "uid_1", MIA);
    with_mia.freed_hosts = vec![UDO];
    let second = moved(&with_mia, "uid_2", tomorrow(4, 30));
    let third = SeenBooking { evidence: ours_without_metadata(booking, "", 0).evidence, ..second.clone() };
    let third = moved(&third, "uid_3", tomorrow(14, 30));
    let visitor = web("v1", 2001, UDO, tomorrow(14, 30));
    vec![
        stands_at(first, at(1)),
        stands_at(with_mia, at(2)),
        stands_at(visitor.clone(), at(3)),
        stands_at(second.clone(), at(4)),
        gone_at(&visitor, at(5)),
        gone_at(&second, at(6)),
        stands_at(third.clone(), at(7)),
        gone_at(&third, at(8)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn any_order_and_any_copies_of_announcements_give_the_same_rows(
        length in 1_usize..=8,
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
        keys in proptest::collection::vec(any::<u32>(), 13),
    ) {
        let outcome = |order: &dyn Fn(Vec<CalendarEvent>) -> Vec<_>| {
            let rig = rig();
            let booking = booked(&rig);
            let mut story = story(&booking, rig.now());
            story.truncate(length);
            rig.advance(1_000);
            order(story).iter().for_each(|event| hear(&rig, event));
            let row = row(&rig);
            let staff = rig.database.tables().appointments.values().next().unwrap().staff_id;
            let tables = rig.database.tables().without_receipts();
            let held = holds(&rig);
            hang_up(&rig, "c");
            rig.finish();
            (row, staff, tables.calendar_events, tables.outbox, held)
        };
        let in_order = outcome(&|story| story);
        let mixed = outcome(&|story| {
            let mut heard = story.clone();
            heard.extend(picks.iter().map(|pick| pick.get(&story).clone()));
            let mut keyed: Vec<_> = heard.into_iter().zip(keys.iter()).collect();
            keyed.sort_by_key(|(_, key)| **key);
            keyed.into_iter().map(|(event, _)| event).collect()
        });
        prop_assert_eq!(in_order, mixed);
    }
}
