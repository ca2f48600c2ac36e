//! Panics in the midst of calls cost nothing that was acknowledged.

use super::*;

#[test]
fn a_panic_costs_one_turn_and_the_message_is_handled_again() {
    let rig = Rig::new();
    rig.event(&EventBody { to: None, direction: None, ..event("transfer_started", "c", 1) });
    rig.settle();
    rig.directory.panic_next(1);
    rig.event(&started("c"));
    rig.settle();
    rig.event(&ended("c"));
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!((tables.events.len(), tables.quarantine.len(), tables.dead_letters.len()), (3, 0, 0));
    assert_eq!(tables.calls[&id("c")].status, "ended");
    assert_eq!(rig.actors.live.total(), 0);
    rig.finish();
}

#[test]
fn a_rebuilt_call_knows_what_no_writer_had_yet() {
    let rig = Rig::new();
    rig.database.reads.close();
    for n in 0..5 {
        let filler = Some(format!("{n}"));
        rig.event(&EventBody { filler, to: None, direction: None, ..event("transfer_started", "c", n) });
    }
    rig.settle();
    rig.directory.panic_next(1);
    rig.event(&started("c"));
    rig.settle();
    assert_eq!(rig.actors.calls.registry().status(&id("c")).unwrap().restarts, 1);
    rig.database.reads.open();
    rig.event(&ended("c"));
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!((tables.events.len(), tables.calls.len(), tables.quarantine.len()), (7, 1, 0));
    rig.finish();
}

#[test]
fn a_rebuilt_call_knows_what_is_still_in_the_writers_backlog() {
    let rig = Rig::new();
    rig.event(&EventBody { summary: None, ..started("c") });
    rig.settle();
    rig.database.commits.close();
    rig.event(&ended("c"));
    rig.settle();
    // The rebuilt actor asks the store, which knows only of the beginning.
    rig.directory.panic_next(1);
    let mut asked = rig.ask("c", NUMBER_A, FunctionName::ListServices, json!({}));
    rig.settle();
    assert_eq!(asked.json()["code"], "services_listed");
    assert_eq!(rig.actors.calls.registry().status(&id("c")).unwrap().restarts, 1);
    rig.database.commits.open();
    rig.event(&event("transfer_ended", "c", 3));
    rig.settle();
    let row = &rig.database.tables().calls[&id("c")];
    assert_eq!((row.status, row.duration_ms), ("ended", Some(60_000)));
    rig.finish();
}

#[test]
fn a_message_that_panics_twice_becomes_a_durable_dead_letter() {
    let rig = Rig::new();
    // The turn, the replay and the turn again.
    rig.directory.panic_next(3);
    rig.event(&started("c"));
    rig.settle();
    let tables = rig.database.tables();
    let letter = tables.dead_letters.values().next().unwrap();
    assert_eq!((letter.actor, &*letter.message, letter.actor_id.as_str()), ("call", "retell_event", "c"));
    assert!(letter.body.is_some());
    assert!(rig.journal.outstanding().is_empty());
    rig.event(&ended("c"));
    rig.settle();
    assert_eq!(rig.database.tables().calls[&id("c")].status, "ended");
    rig.finish();
}

#[test]
fn the_answer_of_the_store_may_panic() {
    let rig = Rig::new();
    rig.event(&EventBody { to: None, direction: None, ..started("c") });
    rig.advance(60_000);
    rig.decoder.panic_next(2);
    rig.event(&ended("c"));
    rig.advance(2_000);
    let tables = rig.database.tables();
    assert_eq!((tables.events.len(), tables.quarantine.len()), (2, 0));
    rig.finish();
}

#[test]
fn a_question_that_panics_is_dropped_and_its_agent_hears_an_error() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.settle();
    rig.directory.panic_next(2);
    let mut asked = rig.ask("c", NUMBER_A, FunctionName::ListServices, json!({}));
    rig.settle();
    assert_eq!(asked.heard(), Some(crate::rig::Heard::Nothing));
    assert_eq!(rig.actors.live.total(), 0, "nobody counts it while it is not rebuilt");
    rig.event(&ended("c"));
    rig.finish();
}
