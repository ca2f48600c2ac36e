//! A process that ended keeps nothing in memory, however its actors know one another.

use std::sync::{Arc, Weak};

use super::*;
use crate::{calls::CallWorld, ports::fakes::FakeJournal, rig::Stage, runtime::universe::Universe};

/// Without threads nothing is still on its way when a universe has ended.
fn rig_by_hand() -> Rig {
    offering(Rig::on(Stage {
        universe: Universe::by_hand(2, 1),
        begins: FIXTURE_NOW,
        journal: Arc::default(),
        companies: Arc::default(),
        calendar: None,
        settings: Settings::default(),
    }))
}

fn world_of(rig: &Rig) -> Weak<CallWorld> {
    Arc::downgrade(rig.actors.calls.world())
}

#[test]
fn a_process_that_ends_in_order_is_gone() {
    let rig = rig_by_hand();
    answer(&rig, check(&rig, "c1", "14:00"));
    assert_eq!(answer(&rig, book(&rig, "c1", "14:00"))["status"], "confirmed");
    answer(&rig, check(&rig, "c2", "15:00"));
    hang_up(&rig, "c1");
    let (world, journal): (_, Weak<FakeJournal>) = (world_of(&rig), Arc::downgrade(&rig.journal));
    rig.finish();
    assert_eq!((world.strong_count(), journal.strong_count()), (0, 0));
}

#[test]
fn a_process_that_crashes_is_gone_with_what_was_under_way() {
    let mut rig = rig_by_hand();
    answer(&rig, check(&rig, "c1", "14:00"));
    rig.calendar.creates.close();
    let _under_way = book(&rig, "c1", "14:00");
    rig.settle();
    let world = world_of(&rig);
    rig.crash_and_restart();
    assert_eq!(world.strong_count(), 0);
    hang_up(&rig, "c1");
    rig.finish();
}
