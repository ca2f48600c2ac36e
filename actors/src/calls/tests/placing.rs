//! Where calls belong, and what may not touch them.

use askpro_domain::{
    calendar::{CalendarEvent, GoneBooking, News},
    call::CallState,
};

use super::*;
use crate::{
    calls::CallMessage,
    ports::{
        fakes::{company_b, fixture},
        journal::Signer,
        stores::LiveCall,
    },
};

fn stranger(name: &str, call: &str, after_ms: i64) -> EventBody {
    EventBody { to: Some(STRANGER.to_owned()), ..event(name, call, after_ms) }
}

fn of_b(name: &str, call: &str, after_ms: i64) -> EventBody {
    EventBody { to: Some(NUMBER_B.to_owned()), ..event(name, call, after_ms) }
}

/// The companies of the stories, with the stranger's number at B.
fn with_stranger_at_b() -> Vec<askpro_domain::tenant::Company> {
    let mut companies = fixture();
    companies[1].branches[0]
        .phone_numbers
        .push(askpro_domain::phone::PhoneNumber::parse_e164(STRANGER).unwrap());
    companies
}

/// The companies of the stories, B with a webhook key of its own.
fn with_own_key_of_b() -> Vec<askpro_domain::tenant::Company> {
    let mut companies = fixture();
    companies[1].keys.retell_webhook_keys = vec![askpro_domain::secret::Secret::new("own")];
    companies
}

#[test]
fn a_call_of_nobody_waits_in_quarantine_and_leaves_memory() {
    let rig = Rig::new();
    rig.event(&stranger("call_started", "c", 0));
    rig.event(&stranger("call_ended", "c", 9));
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!((tables.quarantine.len(), tables.calls.len(), tables.events.len()), (2, 0, 0));
    assert!(tables.quarantine.values().all(|row| row.reason == "unknown_number_or_agent"));
    assert_eq!(rig.actors.live.total(), 0);
    rig.advance(30_000);
    assert!(rig.calls_in_memory().is_empty());
    rig.finish();
}

#[test]
fn an_event_that_places_a_call_takes_the_others_out_of_quarantine() {
    for forgotten in [false, true] {
        let rig = Rig::new();
        rig.event(&EventBody { to: None, direction: None, ..event("call_started", "c", 0) });
        rig.event(&EventBody { to: None, direction: None, ..event("transfer_started", "c", 1) });
        rig.settle();
        assert_eq!(rig.database.tables().quarantine.len(), 2);
        rig.advance(if forgotten { 60_000 } else { 1 });
        assert_eq!(rig.calls_in_memory().is_empty(), forgotten);
        rig.event(&ended("c"));
        rig.settle();
        let tables = rig.database.tables();
        assert_eq!((tables.quarantine.len(), tables.events.len(), tables.calls.len()), (0, 3, 1));
        assert!(tables.events.values().all(|row| row.company == company_a()));
        rig.finish();
    }
}

#[test]
fn an_import_and_one_replayed_event_move_a_call_out_of_quarantine_once() {
    let mut rig = Rig::new();
    rig.event(&stranger("call_started", "c", 0));
    rig.event(&stranger("call_ended", "c", 9));
    rig.advance(30_000);
    rig.directory.replace(with_stranger_at_b());
    rig.event(&stranger("call_started", "c", 0));
    rig.event(&stranger("call_started", "c", 0));
    rig.settle();
    let check = |rig: &Rig| {
        let tables = rig.database.tables();
        assert_eq!((tables.quarantine.len(), tables.events.len()), (0, 2));
        assert_eq!(tables.calls[&id("c")].company, company_b());
    };
    check(&rig);
    rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
    check(&rig);
    rig.finish();
}

#[test]
fn a_quarantined_event_that_is_replayed_after_an_import_leaves_no_row_behind() {
    let mut rig = Rig::new();
    rig.event(&stranger("call_started", "c", 0));
    rig.settle();
    rig.directory.replace(with_stranger_at_b());
    rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
    let tables = rig.database.tables();
    assert_eq!((tables.quarantine.len(), tables.events.len()), (0, 1));
    rig.event(&stranger("call_ended", "c", 9));
    rig.finish();
}

#[test]
fn the_first_placing_stays() {
    let mut rig = Rig::new();
    rig.event(&started("c"));
    rig.settle();
    rig.event(&EventBody { to: Some(NUMBER_B.to_owned()), ..ended("c") });
    rig.advance(60_000);
    rig.event(&EventBody { to: Some(NUMBER_B.to_owned()), ..analyzed("c") });
    rig.crash_and_restart();
    let tables = rig.database.tables();
    assert_eq!(tables.calls[&id("c")].company, company_a());
    assert!(tables.events.values().all(|row| row.company == company_a()));
    rig.finish();
}

#[test]
fn number_and_agent_of_different_companies_go_to_quarantine() {
    let rig = Rig::new();
    rig.event(&EventBody { agent: Some("agent_b1".to_owned()), ..started("c") });
    rig.settle();
    assert!(rig.database.tables().quarantine.values().all(|row| row.reason == "conflict"));
    assert!(rig.database.tables().calls.is_empty());
    rig.finish();
}

#[test]
fn the_key_of_another_company_does_not_touch_a_call() {
    let rig = Rig::new();
    let b = Signer::Company(company_b());
    rig.event(&started("c"));
    rig.settle();
    rig.event_signed(&ended("c"), b);
    rig.settle();
    let check = |rig: &Rig| {
        let tables = rig.database.tables();
        assert_eq!(tables.calls[&id("c")].status, "live");
        assert_eq!((tables.events.len(), tables.quarantine.len()), (1, 1));
        let row = tables.quarantine.values().next().unwrap();
        assert_eq!((row.reason, row.signer_company), ("foreign_key", Some(company_b())));
    };
    check(&rig);
    rig.event_signed(&event("transfer_started", "c", 4), Signer::Company(company_a()));
    rig.settle();
    assert_eq!(rig.database.tables().events.len(), 2, "its own company's key may");
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn the_key_of_another_company_does_not_touch_a_call_that_is_not_in_memory_or_not_placed_yet() {
    let b = Signer::Company(company_b());
    let mut rig = Rig::new();
    rig.event(&started("c"));
    rig.event(&ended("c"));
    rig.advance(60_000);
    rig.event_signed(&of_b("call_analyzed", "c", 70_000), b);
    rig.advance(20_000);
    rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
    let tables = rig.database.tables();
    assert_eq!(
        (tables.calls[&id("c")].company, tables.calls[&id("c")].retell_successful),
        (company_a(), None)
    );
    assert_eq!((tables.events.len(), tables.quarantine.len()), (2, 1));

    let nowhere = EventBody { to: None, direction: None, reason: Some("forged".to_owned()), ..ended("d") };
    rig.event_signed(&nowhere, b);
    rig.settle();
    assert_eq!(rig.database.tables().quarantine.len(), 2);
    rig.event(&started("d"));
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!(tables.calls[&id("d")].status, "live", "what B signed was not taken");
    assert_eq!(tables.quarantine.values().filter(|row| row.call_id == id("d")).count(), 1, "nor lost");
    rig.event(&ended("d"));
    rig.finish();
}

#[test]
fn what_a_companys_own_key_signed_counts_once_the_call_is_placed_there() {
    let rig = Rig::new();
    let nowhere = EventBody { to: None, direction: None, ..ended("c") };
    rig.event_signed(&nowhere, Signer::Company(company_a()));
    rig.settle();
    assert_eq!(rig.database.tables().quarantine.len(), 1);
    rig.event(&started("c"));
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!(
        (tables.calls[&id("c")].status, tables.quarantine.len(), tables.events.len()),
        ("ended", 0, 2)
    );
    rig.finish();
}

#[test]
fn the_key_of_another_company_may_not_ask() {
    let rig = Rig::new();
    let b = Signer::Company(company_b());
    let mut asked = rig.ask_signed("c", NUMBER_A, FunctionName::ListServices, json!({}), b);
    rig.settle();
    assert_eq!(asked.json()["code"], "company_unknown");
    assert!(rig.call("c").unwrap().unplaced, "nor place the call");
    let mut asked = rig.ask("c", STRANGER, FunctionName::ListServices, json!({}));
    rig.settle();
    assert_eq!(asked.json()["code"], "company_unknown");
    rig.finish();
}

#[test]
fn the_key_of_another_company_may_not_claim_a_call_of_a_company() {
    let rig = Rig::new();
    let b = Signer::Company(company_b());
    rig.event(&started("c"));
    rig.settle();
    let before = rig.call("c").unwrap().state;
    for number in [NUMBER_A, NUMBER_B, STRANGER] {
        let mut asked = rig.ask_signed("c", number, FunctionName::ListServices, json!({}), b);
        rig.settle();
        assert_eq!(asked.json()["code"], "company_unknown", "{number}");
    }
    let a = Signer::Company(company_a());
    for (number, code) in [(NUMBER_B, "company_unknown"), (NUMBER_A, "services_listed")] {
        let mut asked = rig.ask_signed("c", number, FunctionName::ListServices, json!({}), a);
        rig.settle();
        assert_eq!(asked.json()["code"], code, "{number}");
    }
    assert_eq!(rig.call("c").unwrap().state, before, "nothing was joined");
    rig.event(&ended("c"));
    rig.finish();
}

/// A booking under B's own key in a call of which nothing else is known.
fn claimed_by_b(rig: &Rig) -> serde_json::Value {
    let ten = FIXTURE_NOW.plus_ms(25 * 3_600_000);
    rig.calendar.offer(3001, &[9101], [ten]);
    let order = json!({"datetime": "24.11.2026 10:00", "service": "Kontrolle", "customer_name": "Anna"});
    let b = Signer::Company(company_b());
    let mut asked = rig.ask_signed("c", NUMBER_B, FunctionName::BookAppointment, order, b);
    rig.settle();
    asked.json()
}

#[test]
fn what_a_companys_own_key_claims_does_not_outrank_an_event_of_the_platform() {
    for crashes in [false, true] {
        let mut rig = Rig::new();
        let booked = claimed_by_b(&rig);
        assert_eq!(booked["status"], "confirmed");
        assert!(rig.call("c").unwrap().unplaced);
        assert_eq!(claimed_by_b(&rig), booked);
        if crashes {
            rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
        }
        rig.event(&started("c"));
        rig.event(&ended("c"));
        rig.settle();
        let tables = rig.database.tables();
        let row = &tables.calls[&id("c")];
        assert_eq!((row.company, row.outcome), (company_a(), None), "{crashes}");
        assert_eq!((tables.events.len(), tables.quarantine.len()), (2, 0));
        assert!(tables.appointments.values().all(|row| row.company == company_b()));
        assert_eq!(rig.calendar.posts().len(), 1);
        rig.finish();
    }
}

#[test]
fn what_a_companys_own_key_claimed_is_found_when_an_event_without_a_company_came_before_its_own() {
    let mut rig = Rig::new();
    rig.directory.replace(with_own_key_of_b());
    assert_eq!(claimed_by_b(&rig)["status"], "confirmed");
    rig.crash_and_restart();
    rig.event(&EventBody { to: None, agent: None, ..started("c") });
    rig.settle();
    rig.event(&of_b("call_ended", "c", 9));
    rig.settle();
    let tables = rig.database.tables();
    let row = &tables.calls[&id("c")];
    assert_eq!((row.company, row.outcome), (company_b(), Some("booked")));
    assert_eq!(rig.calendar.posts().len(), 1);
    rig.finish();
}

/// Four events of "c" that name nobody. At once, the store is asked about the first while the others come.
fn nowhere(rig: &Rig, at_once: bool) {
    for n in 0..4 {
        let event = event("transfer_started", "c", n);
        rig.event(&EventBody { to: None, direction: None, filler: Some(format!("{n}")), ..event });
        if !at_once {
            rig.settle();
        }
    }
}

#[test]
fn what_is_in_quarantine_stays_whole_when_the_store_is_asked_again_and_the_journal_has_forgotten_it() {
    for (at_once, away) in [(false, false), (false, true), (true, false), (true, true)] {
        let rig = Rig::new();
        rig.directory.replace(with_own_key_of_b());
        nowhere(&rig, at_once);
        rig.settle();
        assert_eq!(rig.database.tables().quarantine.len(), 4);
        assert!(rig.journal.outstanding().is_empty());
        rig.journal.lose();
        rig.database.set_away(away);
        rig.event(&of_b("call_ended", "c", 9));
        rig.settle();
        rig.database.set_away(false);
        rig.advance(10_000);
        let tables = rig.database.tables();
        let counts = (tables.events.len(), tables.quarantine.len(), tables.dead_letters.len());
        assert_eq!(counts, (5, 0, 0), "{at_once} {away}");
        rig.finish();
    }
}

#[test]
fn what_is_on_its_way_to_quarantine_is_waited_for_when_the_call_is_placed_meanwhile() {
    for crashes in [false, true] {
        let mut rig = Rig::new();
        rig.database.commits.close();
        nowhere(&rig, true);
        rig.settle();
        rig.event(&started("c"));
        rig.advance(2_000);
        assert_eq!((rig.database.tables().events.len(), rig.actors.live.total()), (0, 1));
        if crashes {
            rig.crash_and_restart();
        }
        rig.database.commits.open();
        rig.advance(2_000);
        let tables = rig.database.tables();
        let counts = (tables.events.len(), tables.quarantine.len(), tables.dead_letters.len());
        assert_eq!(counts, (5, 0, 0), "{crashes}");
        drop(tables);
        rig.event(&ended("c"));
        rig.finish();
    }
}

#[test]
fn another_companys_event_takes_the_place_of_none_in_quarantine() {
    for (others, own) in [(1, 2), (2, 1), (1, 1)] {
        let mut rig = Rig::new();
        let nobody = |after_ms| EventBody { to: None, direction: None, ..event("call_ended", "c", after_ms) };
        rig.event_signed(&nobody(others), Signer::Company(company_b()));
        rig.event(&nobody(own));
        rig.settle();
        assert_eq!(rig.database.tables().quarantine.len(), 2);
        rig.crash_and_restart();
        rig.event(&started("c"));
        rig.settle();
        let tables = rig.database.tables();
        let waiting: Vec<_> =
            tables.quarantine.values().map(|row| (row.reason, row.signer_company)).collect();
        assert_eq!((tables.events.len(), waiting), (2, vec![("foreign_key", Some(company_b()))]), "{others}");
        drop(tables);
        rig.finish();
    }
}

/// A call whose number somebody has since these events came.
fn with_imported_number(events: i64) -> Rig {
    let rig = Rig::new();
    for n in 0..events {
        let filler = Some(format!("{n}"));
        rig.event(&EventBody { filler, ..stranger("transfer_started", "c", n) });
    }
    rig.settle();
    assert_eq!(rig.database.tables().quarantine.len(), events as usize);
    rig.directory.replace(with_stranger_at_b());
    rig
}

#[test]
fn a_call_whose_number_was_imported_meanwhile_is_placed_by_whatever_comes_next() {
    let nameless = || EventBody { to: None, direction: None, ..event("call_analyzed", "c", 9) };
    for (signer, waiting, reasons) in [
        (Signer::Platform, 0, &[][..]),
        (Signer::Company(company_b()), 0, &[]),
        (Signer::Company(company_a()), 1, &["foreign_key"]),
    ] {
        let rig = with_imported_number(1);
        rig.event_signed(&nameless(), signer);
        rig.settle();
        let tables = rig.database.tables();
        assert_eq!((tables.events.len(), tables.quarantine.len()), (2 - waiting, waiting), "{signer:?}");
        assert!(tables.quarantine.values().map(|row| row.reason).eq(reasons.iter().copied()));
        assert_eq!(tables.calls[&id("c")].company, company_b());
        drop(tables);
        assert!(!rig.call("c").unwrap().state.claimed, "the platform named the number");
        rig.event(&EventBody { to: Some(STRANGER.to_owned()), ..ended("c") });
        rig.finish();
    }
}

#[test]
fn a_question_takes_the_events_of_its_call_out_of_quarantine_when_its_number_was_imported_meanwhile() {
    for function in [FunctionName::RequestCallback, FunctionName::CheckCustomer] {
        for crashes in [false, true] {
            let mut rig = with_imported_number(4);
            let mut asked = rig.ask("c", STRANGER, function, json!({}));
            rig.settle();
            assert_eq!(asked.json()["success"], true, "{function:?}");
            if crashes {
                rig.crash_and_restart();
            }
            rig.advance(60_000);
            let tables = rig.database.tables();
            assert_eq!((tables.events.len(), tables.quarantine.len()), (4, 0), "{function:?} {crashes}");
            assert_eq!(tables.calls[&id("c")].company, company_b());
            drop(tables);
            rig.event(&EventBody { to: Some(STRANGER.to_owned()), ..ended("c") });
            rig.finish();
        }
    }
}

#[test]
fn a_call_that_is_placed_by_what_was_in_quarantine_has_what_its_company_claimed() {
    let mut rig = Rig::new();
    rig.directory.replace(with_own_key_of_b());
    assert_eq!(claimed_by_b(&rig)["status"], "confirmed");
    rig.advance(700_000);
    // While nobody knows B, its event waits.
    rig.directory.replace(fixture()[..1].to_vec());
    rig.event(&of_b("call_started", "c", 0));
    rig.settle();
    assert_eq!(rig.database.tables().quarantine.len(), 1);
    rig.crash_and_restart();
    rig.directory.replace(with_own_key_of_b());
    rig.event(&EventBody { to: None, agent: None, ..event("transfer_started", "c", 3) });
    rig.settle();
    let tables = rig.database.tables();
    let row = &tables.calls[&id("c")];
    assert_eq!((row.company, row.outcome), (company_b(), Some("booked")));
    drop(tables);
    rig.event(&of_b("call_ended", "c", 9));
    rig.finish();
}

#[test]
fn what_a_companys_own_key_claims_counts_when_the_platform_agrees() {
    let rig = Rig::new();
    let booked = claimed_by_b(&rig);
    rig.advance(60_000);
    rig.event(&of_b("call_started", "c", 0));
    rig.settle();
    assert_eq!(claimed_by_b(&rig), booked);
    let tables = rig.database.tables();
    let row = &tables.calls[&id("c")];
    assert_eq!((row.company, row.outcome), (company_b(), Some("booked")));
    assert_eq!(rig.calendar.posts().len(), 1);
    rig.event(&of_b("call_ended", "c", 9));
    rig.finish();
}

#[test]
fn a_call_that_a_company_claimed_before_it_began_tells_it_nothing_of_the_one_that_the_platform_names() {
    for (over, crashes) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut rig = Rig::new();
        let b = Signer::Company(company_b());
        rig.event_signed(&of_b("call_started", "c", 0), b);
        if over {
            rig.event_signed(&EventBody { to: Some(NUMBER_B.to_owned()), ..ended("c") }, b);
            rig.advance(60_000);
        }
        rig.settle();
        let asked = rig.ask("c", NUMBER_A, FunctionName::CheckCustomer, json!({}));
        rig.event(&EventBody { summary: Some("of A".to_owned()), ..analyzed("c") });
        rig.settle();
        if crashes {
            rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
        }
        drop(asked);
        let tables = rig.database.tables();
        let row = &tables.calls[&id("c")];
        let state = String::from_utf8_lossy(&row.state).into_owned();
        assert_eq!(
            (row.company, row.to_number.as_deref()),
            (company_b(), Some(NUMBER_B)),
            "{over} {crashes}"
        );
        assert!(!state.contains("of A") && !state.contains(NUMBER_A), "{over} {crashes}: {state}");
        assert_eq!(tables.events.len(), if over { 2 } else { 1 }, "{over} {crashes}");
        let waiting: Vec<_> = tables.quarantine.values().map(|row| row.reason).collect();
        assert_eq!(waiting, ["conflict"], "{over} {crashes}");
        drop(tables);
        rig.event_signed(&EventBody { to: Some(NUMBER_B.to_owned()), ..ended("c") }, b);
        rig.finish();
    }
}

#[test]
fn a_booking_in_a_call_that_is_only_claimed_claims_it_no_further() {
    for crashes in [false, true] {
        let mut rig = Rig::new();
        let b = Signer::Company(company_b());
        rig.event_signed(&of_b("call_started", "c", 0), b);
        rig.settle();
        assert_eq!(claimed_by_b(&rig)["status"], "confirmed");
        let wish = json!({"customer_name": "Anna", "reason": "Rechnung"});
        let mut asked = rig.ask_signed("c", NUMBER_B, FunctionName::RequestCallback, wish, b);
        rig.settle();
        assert_eq!(asked.json()["success"], true);
        if crashes {
            rig.crash_and_restart_from(Some(crate::ports::journal::Position(0)));
            rig.settle();
            assert!(rig.call("c").unwrap().state.callback_requested);
        } else {
            rig.event_signed(&of_b("call_ended", "c", 9), b);
            rig.advance(600_000);
            assert!(rig.call("c").is_none());
            let uid = rig.database.tables().appointments.values().next().unwrap().calcom_uid.clone().unwrap();
            let gone = GoneBooking { uid: uid.clone(), appointment: None, event_type_id: None, host: None };
            let gone = CalendarEvent {
                name: "BOOKING_CANCELLED".to_owned(),
                dedup_key: uid.clone(),
                uid: Some(uid),
                at: Some(rig.now()),
                news: News::Gone(Box::new(gone)),
            };
            rig.announce(company_b(), &gone);
            rig.settle();
        }
        assert!(rig.call("c").unwrap().state.claimed, "{crashes}");
        rig.finish();
    }
}

#[test]
fn what_was_promised_under_a_claim_is_in_the_first_row_of_the_call() {
    let mut rig = Rig::new();
    let b = Signer::Company(company_b());
    let mut asked = rig.ask_signed("c", NUMBER_B, FunctionName::RequestCallback, json!({}), b);
    rig.settle();
    assert_eq!((asked.json()["success"].clone(), rig.database.tables().calls.len()), (json!(true), 0));
    // The platform says where the call belongs, and the first row comes with a booking whose POST is open.
    rig.calendar.offer(3001, &[9101], [FIXTURE_NOW.plus_ms(25 * 3_600_000)]);
    rig.calendar.create_answers.close();
    let order = json!({"datetime": "24.11.2026 10:00", "service": "Kontrolle", "customer_name": "Anna"});
    let _asked = rig.ask("c", NUMBER_B, FunctionName::BookAppointment, order);
    rig.settle();
    assert!(rig.database.tables().call_state(&id("c")).unwrap().callback_requested);
    rig.crash_and_restart();
    assert!(rig.call("c").unwrap().state.callback_requested);
    rig.event(&of_b("call_ended", "c", 9));
    rig.finish();
}

#[test]
fn a_claim_is_none_any_more_when_the_platform_says_the_same() {
    let rig = Rig::new();
    rig.event_signed(&of_b("call_started", "c", 0), Signer::Company(company_b()));
    rig.settle();
    assert!(rig.call("c").unwrap().state.claimed);
    rig.event(&of_b("call_ended", "c", 9));
    rig.settle();
    assert!(!rig.call("c").unwrap().state.claimed);
    assert_eq!(rig.database.tables().events.len(), 2);
    rig.finish();
}

#[test]
fn an_event_under_an_own_key_goes_on_when_its_calls_row_comes_before_the_stores_answer() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.settle();
    let state = CallState { call_id: id("d"), ..rig.call("c").unwrap().state };
    rig.database.reads.close();
    rig.event_signed(&ended("d"), Signer::Company(company_a()));
    rig.settle();
    let rows_of_d = || rig.database.tables().events.keys().filter(|key| key.0 == id("d")).count();
    assert_eq!(rows_of_d(), 0, "it waits for where the call belongs");
    let live = Box::new(LiveCall { state, heard_first: None });
    assert_eq!(rig.actors.calls.offer(id("d"), CallMessage::Restored(live)), Delivered::Now);
    rig.settle();
    rig.database.reads.open();
    rig.settle();
    assert_eq!(rows_of_d(), 1);
    rig.event(&ended("c"));
    rig.finish();
}
