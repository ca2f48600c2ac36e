//! Bookings in calls that nothing but the company's own key says belong to it.

use super::*;
use crate::{ports::journal::Signer, rig::Asking};

/// Longer than a settled booking is remembered after its call.
const A_LONG_TALK_MS: u64 = 660_000;

/// The same order of another tool call, under the company's own key. Where the database is away the call waits for
/// it a moment.
fn order(rig: &Rig, tool_call_id: &str) -> Value {
    let signer = Signer::Company(company_a());
    let tool_call_id = Some(tool_call_id);
    let asking = Asking { signer, tool_call_id, ..Asking::of("c", FunctionName::BookAppointment) };
    let wish = json!({"datetime": "24.11.2026 10:00", "service": CUT, "customer_name": "Anna Schmidt"});
    let mut asked = rig.ask_as(&asking, wish);
    rig.advance(1_600);
    asked.json()
}

fn tell(rig: &Rig, event: &str) {
    let to = Some(NUMBER_A.to_owned());
    let at = rig.now().0;
    rig.event_signed(&EventBody { to, ..EventBody::new(event, "c", at) }, Signer::Company(company_a()));
    rig.settle();
}

#[test]
fn a_booking_is_known_as_long_as_its_call_lives_whether_or_not_the_call_is_placed() {
    for is_placed in [false, true] {
        let rig = rig();
        if is_placed {
            tell(&rig, "call_started");
        }
        assert_eq!(order(&rig, "tool_1")["code"], "confirmed");
        rig.advance(A_LONG_TALK_MS);
        assert_eq!(order(&rig, "tool_2")["code"], "already_booked", "placed: {is_placed}");
        assert_eq!(rig.calendar.posts().len(), 1, "placed: {is_placed}");
        if is_placed {
            tell(&rig, "call_ended");
        }
        rig.finish();
    }
}

#[test]
fn a_booking_of_a_living_call_is_known_while_the_database_is_away() {
    for is_placed in [false, true] {
        let rig = rig();
        if is_placed {
            tell(&rig, "call_started");
        }
        assert_eq!(order(&rig, "tool_1")["code"], "confirmed");
        rig.advance(A_LONG_TALK_MS);
        rig.database.set_away(true);
        assert_eq!(order(&rig, "tool_2")["code"], "already_booked", "placed: {is_placed}");
        rig.database.set_away(false);
        if is_placed {
            tell(&rig, "call_ended");
        }
        rig.finish();
    }
}

#[test]
fn a_booking_of_a_call_that_is_nowhere_is_known_after_a_crash() {
    let mut rig = rig();
    assert_eq!(order(&rig, "tool_1")["code"], "confirmed");
    rig.advance(60_000);
    rig.crash_and_restart();
    assert_eq!(order(&rig, "tool_2")["code"], "already_booked");
    assert_eq!(rig.calendar.posts().len(), 1);
    rig.finish();
}

#[test]
fn a_booking_of_a_call_that_is_nowhere_is_forgotten_when_no_call_can_live_any_more() {
    let mut rig = rig();
    for crashes in [false, true] {
        assert_eq!(order(&rig, &format!("tool_{crashes}"))["status"], "confirmed");
        if crashes {
            rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
        }
        assert_eq!(rig.scheduler(company_a()).unwrap().bookings.len(), 1, "{crashes}");
        rig.advance(7_900_000);
        assert!(rig.scheduler(company_a()).unwrap().bookings.is_empty(), "{crashes}");
    }
    assert_eq!(rig.calendar.posts().len(), 1);
    rig.finish();
}

#[test]
fn a_booking_of_a_call_that_ended_is_not_remembered_as_long() {
    let rig = rig();
    tell(&rig, "call_started");
    assert_eq!(order(&rig, "tool_1")["code"], "confirmed");
    tell(&rig, "call_ended");
    rig.advance(A_LONG_TALK_MS);
    assert!(rig.scheduler(company_a()).unwrap().bookings.is_empty());
    rig.finish();
}
