//! Bookings in calls that nothing but the company's own key says belong to it.

use super::*;
use crate::{
    ports::{
        fakes::{company_b, fixture},
        journal::Signer,
    },
    rig::Asking,
};

/// Longer than a settled booking is remembered after its call.
const A_LONG_TALK_MS: u64 = 660_000;

/// The same order of another tool call, under the company's own key. Where the database is away the call waits for
/// it a moment.
fn order(rig: &Rig, tool_call_id: &str) -> Value {
    order_signed(rig, tool_call_id, Signer::Company(company_a()))
}

fn order_signed(rig: &Rig, tool_call_id: &str, signer: Signer) -> Value {
    let asking = Asking { signer, ..ordering(tool_call_id) };
    let mut asked = rig.ask_as(&asking, wish(CUT));
    rig.advance(1_600);
    asked.json()
}

fn ordering(tool_call_id: &str) -> Asking<'_> {
    let tool_call_id = Some(tool_call_id);
    Asking { tool_call_id, ..Asking::of("c", FunctionName::BookAppointment) }
}

fn wish(service: &str) -> Value {
    json!({"datetime": "24.11.2026 10:00", "service": service, "customer_name": "Anna Schmidt"})
}

fn tell(rig: &Rig, event: &str) {
    tell_signed(rig, event, Signer::Company(company_a()));
}

fn tell_signed(rig: &Rig, event: &str, signer: Signer) {
    let to = Some(NUMBER_A.to_owned());
    let at = rig.now().0;
    rig.event_signed(&EventBody { to, ..EventBody::new(event, "c", at) }, signer);
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

#[test]
fn two_companies_that_claim_a_call_are_each_told_what_they_booked_whoever_asks_first() {
    let mut rig = rig();
    let asks = |rig: &Rig, tool: &str| {
        let of = |number, company, service| {
            let asking = Asking { to: number, signer: Signer::Company(company), ..ordering(tool) };
            rig.ask_as(&asking, wish(service))
        };
        // Both before the store has answered either.
        let asked = [of(NUMBER_A, company_a(), CUT), of(NUMBER_B, company_b(), "Kontrolle")];
        rig.advance(1_600);
        asked.map(|mut asked| asked.json()["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(asks(&rig, "tool_1"), ["confirmed", "confirmed"]);
    rig.advance(60_000);
    rig.crash_and_restart();
    assert_eq!(asks(&rig, "tool_2"), ["already_booked", "already_booked"]);
    assert_eq!(rig.calendar.posts().len(), 2);
    rig.finish();
}

#[test]
fn the_key_of_another_company_makes_a_placed_call_ask_for_nothing() {
    let rig = rig();
    tell_signed(&rig, "call_started", Signer::Platform);
    rig.database.set_away(true);
    assert_eq!(order_signed(&rig, "tool_1", Signer::Company(company_b()))["code"], "company_unknown");
    let mut asked = rig.ask_as(&Asking { signer: Signer::Platform, ..ordering("tool_2") }, wish(CUT));
    rig.settle();
    assert_eq!(asked.json()["code"], "confirmed", "without a wait for the database");
    rig.database.set_away(false);
    tell_signed(&rig, "call_ended", Signer::Platform);
    rig.finish();
}

/// What is in no row of the call stays known when the platform says where the call belongs, whatever comes first.
#[test]
fn a_booking_of_a_claimed_call_is_known_after_a_crash_when_the_platform_places_the_call() {
    for crashes_again in [false, true] {
        let mut rig = rig();
        let mut companies = fixture();
        companies[0].keys.retell_webhook_keys = vec![askpro_domain::secret::Secret::new("own")];
        rig.directory.replace(companies);
        assert_eq!(order(&rig, "tool_1")["code"], "confirmed");
        rig.advance(60_000);
        rig.crash_and_restart();
        tell_signed(&rig, "call_started", Signer::Platform);
        rig.advance(60_000);
        if crashes_again {
            rig.crash_and_restart();
        }
        assert_eq!(
            order_signed(&rig, "tool_2", Signer::Platform)["code"],
            "already_booked",
            "{crashes_again}"
        );
        assert_eq!(rig.calendar.posts().len(), 1);
        tell_signed(&rig, "call_ended", Signer::Platform);
        rig.settle();
        let outcome = rig.database.with_tables(|tables| tables.calls.values().next().unwrap().outcome);
        assert_eq!(outcome, Some("booked"));
        rig.finish();
    }
}
