//! Calls whose rows cannot be read: no event of theirs is lost, and nobody else waits for them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Metadata, SharedString, Unit};

use super::*;
use crate::{
    metrics::DEAD_LETTERS,
    ports::{fakes::company_b, journal::Signer},
    rig::Stage,
    root::Settings,
    runtime::universe::Universe,
};

/// Counts the dead letters of calls, and nothing else.
#[derive(Default)]
struct LettersOfCalls(Arc<AtomicU64>);

impl metrics::Recorder for LettersOfCalls {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let is_it =
            key.name() == DEAD_LETTERS.name && key.labels().any(|l| *l == Label::new("actor", "call"));
        if is_it { Counter::from_arc(self.0.clone()) } else { Counter::noop() }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_damaged_row_that_is_set_aside_is_counted() {
    let letters = LettersOfCalls::default();
    metrics::with_local_recorder(&letters, || {
        // Without threads everything is done in this one, and counted here.
        let rig = Rig::on(Stage {
            universe: Universe::by_hand(1, 1),
            begins: FIXTURE_NOW,
            journal: Arc::default(),
            companies: Arc::default(),
            calendar: None,
            settings: Settings::default(),
        });
        rig.event(&started("c"));
        rig.event(&ended("c"));
        rig.advance(60_000);
        rig.database.damage_call(&id("c"));
        rig.event(&analyzed("c"));
        rig.settle();
        assert_eq!(the_letter(&rig).2, "row");
        rig.finish();
    });
    assert_eq!(letters.0.load(Ordering::SeqCst), 1);
}

/// The only dead letter: kind of actor, its key, kind of message.
fn the_letter(rig: &Rig) -> (&'static str, String, String) {
    let letters = rig.database.tables().dead_letters;
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter = letters.into_values().next().unwrap();
    assert!(letter.body.is_some(), "what could not be read is kept");
    (letter.actor, letter.actor_id, letter.message.into_owned())
}

#[test]
fn an_event_of_a_call_whose_row_is_damaged_makes_the_row_anew() {
    let end_of = |damaged: bool| {
        let rig = Rig::new();
        rig.event(&started("c"));
        let mut wished = rig.ask("c", NUMBER_A, FunctionName::RequestCallback, json!({}));
        rig.settle();
        assert_eq!(wished.json()["code"], "callback_requested");
        rig.event(&ended("c"));
        rig.advance(60_000);
        assert!(rig.calls_in_memory().is_empty());
        if damaged {
            rig.database.damage_call(&id("c"));
        }
        rig.event(&analyzed("c"));
        rig.settle();
        assert_eq!(rig.journal.outstanding(), []);
        if damaged {
            assert_eq!(the_letter(&rig), ("call", "c".to_owned(), "row".to_owned()));
        }
        let tables = rig.database.tables();
        rig.finish();
        (tables.calls, tables.events)
    };
    assert_eq!(end_of(true), end_of(false));
}

#[test]
fn a_live_call_whose_row_is_damaged_is_live_again_after_a_restart() {
    let mut rig = Rig::new();
    for call in ["c", "d"] {
        rig.event(&started(call));
    }
    rig.settle();
    let whole = rig.database.tables().calls;
    rig.database.damage_call(&id("c"));
    rig.crash_and_restart();
    assert_eq!(rig.actors.live.of(company_a()), 2);
    assert_eq!((rig.database.tables().calls, the_letter(&rig).1), (whole, "c".to_owned()));
    for call in ["c", "d"] {
        rig.event(&ended(call));
    }
    rig.finish();
}

#[test]
fn an_unreadable_row_opens_no_call_to_another_company() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.event(&ended("c"));
    rig.advance(60_000);
    rig.database.damage_call(&id("c"));
    let of_b = EventBody { to: Some(NUMBER_B.to_owned()), ..analyzed("c") };
    rig.event_signed(&of_b, Signer::Company(company_b()));
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!(tables.calls[&id("c")].company, company_a());
    assert!(tables.quarantine.values().all(|row| row.reason == "foreign_key"));
    assert_eq!(tables.quarantine.len(), 1);
    rig.finish();
}
