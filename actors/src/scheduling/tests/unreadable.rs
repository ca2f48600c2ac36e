//! Bookings whose rows cannot be read: they keep nobody else from starting, and are never made a second time.

use askpro_domain::ids::AppointmentId;

use super::{news::*, *};
use crate::ports::fakes::company_b;

/// Damages the row of A's only booking, which no journal tells of any more.
fn damage(rig: &Rig) -> AppointmentId {
    let tables = rig.database.tables();
    let mut of_a = tables.appointments.values().filter(|row| row.company == company_a());
    let appointment = of_a.next().unwrap().appointment.clone();
    assert!(of_a.next().is_none());
    rig.database.damage_appointment(&appointment);
    rig.journal.lose();
    appointment
}

#[test]
fn an_open_booking_that_cannot_be_read_keeps_nobody_from_starting_and_is_not_made_again() {
    let mut rig = rig();
    rig.calendar.create_answers.close();
    let _of_a = book_cut(&rig, "c", "14:00");
    let seen = json!({"datetime": "24.11.2026 15:00", "service": "Kontrolle", "customer_name": "Bo Berg"});
    let _of_b = rig.ask("b", NUMBER_B, FunctionName::BookAppointment, seen);
    rig.settle();
    let damaged = damage(&rig);
    rig.crash_and_restart();
    rig.heal();
    rig.advance(2_000);
    let of_b: Vec<_> = rig.scheduler(company_b()).unwrap().bookings;
    assert_eq!(of_b.iter().map(|booking| booking.status).collect::<Vec<_>>(), ["confirmed"]);
    let again = answer(&rig, book_cut(&rig, "c", "14:00"));
    assert_eq!(
        (&again["code"], &again["callback_offered"]),
        (&json!("calendar_unavailable"), &json!(true)),
        "nobody knows whether it was booked"
    );
    let ours = rig.calendar.posts().into_iter().filter(|order| order.company == company_a()).count();
    assert_eq!(ours, 1, "never a second POST for {damaged}");
    assert_eq!(answer(&rig, book_cut(&rig, "d", "16:00"))["status"], "confirmed", "others are served");
    for call in ["c", "d"] {
        hang_up(&rig, call);
    }
    let to = Some(NUMBER_B.to_owned());
    rig.event(&EventBody { to, ..EventBody::new("call_ended", "b", rig.now().0) });
    rig.finish();
}

#[test]
fn a_call_that_cannot_be_read_keeps_no_scheduler_from_starting_and_still_ends() {
    let mut rig = rig();
    let to = Some(NUMBER_A.to_owned());
    rig.event(&EventBody { to, ..EventBody::new("call_started", "c", rig.now().0) });
    answer(&rig, check(&rig, "c", "14:00"));
    rig.calendar.create_answers.close();
    let _asked = book_cut(&rig, "d", "15:00");
    rig.settle();
    hang_up(&rig, "d");
    for call in ["c", "d"] {
        rig.database.damage_call(&id(call));
    }
    rig.crash_and_restart();
    rig.heal();
    rig.advance(2_000);
    assert_eq!(holds(&rig), [("held", id("c")), ("booked", id("d"))]);
    hang_up(&rig, "c");
    assert_eq!(holds(&rig), [("booked", id("d"))]);
    rig.advance(660_000);
    assert_eq!(rig.scheduler(company_a()).unwrap().bookings, [], "its call is known to be over");
    rig.finish();
}

#[test]
fn an_announcement_about_a_booking_that_cannot_be_read_does_not_stay_in_the_journal() {
    let mut rig = rig();
    assert_eq!(answer(&rig, book_cut(&rig, "c", "14:00"))["status"], "confirmed");
    hang_up(&rig, "c");
    let booking = the_booking(&rig);
    damage(&rig);
    rig.crash_and_restart();
    hear_stands(&rig, &ours(&booking, "uid_1", UDO));
    assert_eq!(rig.journal.outstanding(), []);
    rig.finish();
}
