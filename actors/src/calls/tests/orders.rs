//! Any order and any copies of the same messages give the same rows.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::ports::{fakes::Tables, journal::Position};

/// The events of one call, among them two versions of one and a transcript in the middle.
fn events() -> Vec<EventBody> {
    let with = |text: &str| Some(text.to_owned());
    vec![
        started("c"),
        ended("c"),
        analyzed("c"),
        EventBody { summary: with("wanted a shave"), at: Some(FIXTURE_NOW.0 + 90_000), ..analyzed("c") },
        event("transfer_started", "c", 10_000),
        event("transfer_ended", "c", 20_000),
        EventBody { at: Some(FIXTURE_NOW.0 + 20_500), ..event("transfer_ended", "c", 0) },
        EventBody { reason: with("agent_hangup"), at: Some(FIXTURE_NOW.0 + 60_001), ..ended("c") },
        event("something_new", "c", 30_000),
    ]
}

/// What happens beside the events.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Nothing,
    Time(u64),
    Crash,
    CrashFromTheBeginning,
    DatabaseAway,
    DatabaseBack,
    Settle,
}

fn beside() -> impl Strategy<Value = Beside> {
    prop_oneof![
        5 => Just(Beside::Nothing),
        2 => Just(Beside::Settle),
        1 => (0_u64..30_000).prop_map(Beside::Time),
        1 => Just(Beside::Crash),
        1 => Just(Beside::CrashFromTheBeginning),
        1 => Just(Beside::DatabaseAway),
        2 => Just(Beside::DatabaseBack),
    ]
}

/// A permutation of all events with copies, and something beside each.
fn course() -> impl Strategy<Value = Vec<(usize, Beside)>> {
    let all: Vec<usize> = (0..events().len()).collect();
    let copies = proptest::collection::vec(0..events().len(), 0..6);
    (Just(all), copies)
        .prop_map(|(mut all, copies)| {
            all.extend(copies);
            all
        })
        .prop_shuffle()
        .prop_flat_map(|order| {
            let count = order.len();
            (Just(order), proptest::collection::vec(beside(), count))
        })
        .prop_map(|(order, beside)| order.into_iter().zip(beside).collect())
}

fn rows_of(course: &[(usize, Beside)]) -> Tables {
    let mut rig = Rig::new();
    let events = events();
    for (index, beside) in course {
        rig.event(&events[*index]);
        match beside {
            Beside::Nothing => {}
            Beside::Time(ms) => rig.advance(*ms),
            Beside::Crash | Beside::CrashFromTheBeginning => {
                // A process starts only when its database answers.
                rig.database.set_away(false);
                let from = matches!(beside, Beside::CrashFromTheBeginning).then_some(Position(0));
                rig.crash_and_restart_from(from);
            }
            Beside::DatabaseAway => rig.database.set_away(true),
            Beside::DatabaseBack => rig.database.set_away(false),
            Beside::Settle => rig.settle(),
        }
    }
    let database = rig.database.clone();
    rig.finish();
    database.tables().without_receipts()
}

/// The rows of the events one after the other, once each.
fn wanted() -> &'static Tables {
    static WANTED: OnceLock<Tables> = OnceLock::new();
    WANTED.get_or_init(|| {
        let straight: Vec<_> = (0..events().len()).map(|index| (index, Beside::Settle)).collect();
        rows_of(&straight)
    })
}

#[test]
fn the_rows_of_a_call_are_one_for_each_distinct_event() {
    let tables = wanted();
    assert_eq!(tables.events.len(), 7);
    assert!(tables.quarantine.is_empty() && tables.dead_letters.is_empty());
    let row = &tables.calls[&id("c")];
    assert_eq!(row.disconnection_reason.as_deref(), Some("user_hangup"), "analyzed is the later stage");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 200,
        ..ProptestConfig::with_cases(40) })]

    #[test]
    fn any_order_and_any_copies_with_crashes_between_give_the_same_rows(course in course()) {
        prop_assert_eq!(&rows_of(&course), wanted());
    }
}
