//! Bookings that are read from the store in mid-life: what an older row says is not so any more, and nothing stays in
//! memory that nobody works on.

use super::{news::*, *};
use crate::{
    ports::{
        fakes::Creation,
        journal::{Journal, Signer},
    },
    rig::Asking,
};

/// A turn of A's scheduler panics: it is built anew, without what is settled.
fn rebuild(rig: &Rig) {
    rig.directory.panic_next(1);
    hear_stands(rig, &web("x1", 2001, UDO, tomorrow(0, 30)));
    assert!(rig.scheduler(company_a()).unwrap().bookings.is_empty());
}

#[test]
fn a_row_that_is_older_than_what_the_call_knows_is_not_believed() {
    let rig = rig();
    rig.calendar.create_answers.close();
    let mut first = book_cut(&rig, "c", "14:00");
    rig.settle();
    rig.database.commits.close();
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(
        (first.json()["status"].clone(), status(&rig)),
        (json!("confirmed"), AppointmentStatus::Submitted)
    );
    rebuild(&rig);
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["code"], "busy");
    rig.database.commits.open();
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    assert_eq!(reasons(&rig), ["submitted", "confirmed"]);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_announcement_does_not_believe_a_row_of_which_a_newer_one_is_on_its_way() {
    for is_moved in [true, false] {
        let rig = rig();
        rig.calendar.create_answers.close();
        let _asked = book_cut(&rig, "c", "14:00");
        rig.settle();
        let seen = ours(&the_booking(&rig), "uid_1", UDO);
        rig.database.commits.close();
        rig.advance(2_400);
        rig.calendar.create_answers.open();
        rig.settle();
        hang_up(&rig, "c");
        rebuild(&rig);
        assert_eq!(reasons(&rig), ["submitted"], "the database has the first move alone");
        let to = tomorrow(13, 30);
        if is_moved {
            rig.calendar.reschedule("uid_1", "uid_9", to);
            hear_stands(&rig, &moved(&seen, "uid_9", to));
        } else {
            hear(&rig, &gone_by_id_at(&seen, rig.now()));
        }
        rig.advance(30_000);
        assert_eq!(rig.scheduler(company_a()).unwrap().bookings, [], "it waits");
        rig.database.commits.open();
        rig.advance(1_000);
        let (wanted, start) = match is_moved {
            true => (AppointmentStatus::Confirmed, to.start()),
            false => (AppointmentStatus::Cancelled, tomorrow(10, 30).start()),
        };
        let row = rig.database.tables().appointments.into_values().next().unwrap();
        assert_eq!((row.status, row.starts_at), (wanted, start));
        assert_eq!(rig.journal.outstanding(), []);
        rig.finish();
    }
}

#[test]
fn an_announcement_does_not_wait_for_rows_of_other_calls() {
    let rig = rig();
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    let booking = the_booking(&rig);
    hang_up(&rig, "c");
    rig.database.commits.close();
    assert_eq!(answer(&rig, book_cut(&rig, "d", "15:00"))["status"], "confirmed");
    rebuild(&rig);
    hear_stands(&rig, &moved(&ours(&booking, "uid_1", UDO), "uid_9", tomorrow(13, 30)));
    let bookings = rig.scheduler(company_a()).unwrap().bookings.into_iter();
    let known: Vec<_> = bookings.map(|booking| (booking.call_id, booking.status)).collect();
    assert_eq!(known, [(id("c"), "confirmed")], "taken at once");
    rig.database.commits.open();
    hang_up(&rig, "d");
    rig.finish();
}

#[test]
fn a_copy_of_a_tool_call_does_not_hear_of_a_row_from_before_its_booking_was_called_off() {
    let rig = rig();
    let order = |rig: &Rig| {
        let asking =
            Asking { tool_call_id: Some("tool_1"), ..Asking::of("c", FunctionName::BookAppointment) };
        let arguments =
            json!({"service": CUT, "datetime": "24.11.2026 14:00", "customer_name": "Anna Schmidt"});
        answer(rig, rig.ask_as(&asking, arguments))
    };
    assert_eq!(order(&rig)["status"], "confirmed");
    rig.database.commits.close();
    hear_gone(&rig, &ours(&the_booking(&rig), "uid_1", UDO));
    rebuild(&rig);
    assert_eq!(order(&rig)["code"], "busy");
    rig.database.commits.open();
    rig.settle();
    assert_eq!(order(&rig)["code"], "refused");
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn an_open_booking_that_can_be_read_again_is_looked_up_and_keeps_its_slot() {
    let mut rig = rig();
    rig.calendar.script([Creation::BooksAndIsLost]);
    rig.calendar.create_answers.close();
    let _asked = book_cut(&rig, "c", "14:00");
    rig.settle();
    let row = rig.database.tables().appointments.into_values().next().unwrap();
    rig.database.damage_appointment(&row.appointment);
    rig.journal.lose();
    rig.crash_and_restart();
    rig.heal();
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["code"], "calendar_unavailable");
    rig.database.mend_appointment(&row.appointment, row.state);
    let mut again = book_cut(&rig, "c", "14:00");
    rig.settle();
    assert_eq!(holds(&rig), [("submitted", id("c"))]);
    rig.advance(2_400);
    assert_eq!(again.json()["status"], "confirmed");
    assert_eq!(reasons(&rig), ["submitted", "restarted", "confirmed_by_look"]);
    assert_eq!((holds(&rig), rig.calendar.posts().len()), (vec![("booked", id("c"))], 1));
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn what_was_read_from_the_store_is_of_use_before_it_is_forgotten() {
    let mut settings = Settings::default();
    settings.scheduling.warm.views_max = 0;
    settings.scheduling.settled_max = 2;
    let mut rig = rig_with(settings);
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    rig.crash_and_restart();
    for (call, time) in [("x1", "09:00"), ("x2", "10:00"), ("x3", "11:00")] {
        let asking = Asking {
            signer: Signer::Company(company_a()),
            ..Asking::of(call, FunctionName::BookAppointment)
        };
        let order = json!({"datetime": format!("24.11.2026 {time}"), "service": CUT, "customer_name": "Bo"});
        assert_eq!(answer(&rig, rig.ask_as(&asking, order))["status"], "confirmed");
    }
    assert_eq!(rig.scheduler(company_a()).unwrap().bookings.len(), 2, "the first to go goes sooner");
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    assert_eq!(rig.scheduler(company_a()).unwrap().bookings.len(), 2);
    assert_eq!(rig.calendar.posts().len(), 4);
    hang_up(&rig, "c");
    rig.finish();
}

#[test]
fn a_booking_that_surfaced_and_was_cancelled_is_forgotten_again_whoever_reads_it() {
    let rig = rig();
    rig.calendar.set_blind(true);
    rig.calendar.script([Creation::BooksAndIsLost]);
    let _asked = book_cut(&rig, "c", "14:00");
    rig.advance(60_000);
    rig.calendar.set_blind(false);
    rig.advance(610_000);
    assert_eq!(rig.calendar.cancels(), ["uid_1"]);
    assert!(rig.scheduler(company_a()).unwrap().bookings.is_empty());
    // The calendar announces our own cancellation, and the caller asks for the same once more.
    hear_gone(&rig, &ours(&the_booking(&rig), "uid_1", UDO));
    assert_eq!(rig.scheduler(company_a()).unwrap().bookings.len(), 1);
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    hang_up(&rig, "c");
    rig.advance(660_000);
    assert!(rig.scheduler(company_a()).unwrap().bookings.is_empty());
    assert_eq!((rig.calendar.cancels().len(), rig.calendar.posts().len()), (1, 2));
    assert_eq!(rig.journal.status().outstanding, 0);
    rig.finish();
}
