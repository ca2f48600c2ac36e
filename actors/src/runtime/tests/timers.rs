//! Timers ring in order, once, and only while they are wanted.

use super::*;
use crate::runtime::limits::later;

/// Arms timers: name, in how many ms, what they write.
fn arms(timers: &'static [(&'static str, u64, &'static str)]) -> Do {
    what("arms", move |_, cx| {
        for &(name, ms, line) in timers {
            cx.arm(name, later(cx.now(), ms), note(line));
        }
    })
}

#[test]
fn timers_ring_at_their_time_in_order() {
    let scene = Scene::new();
    scene.ask("a", arms(&[("late", 300, "late"), ("early", 100, "early"), ("twin", 300, "twin")]));
    scene.universe.advance(99);
    assert!(scene.world.log().is_empty());
    scene.universe.advance(1);
    assert_eq!(scene.world.log(), ["a early"]);
    scene.universe.advance(10_000);
    assert_eq!(scene.world.log(), ["a early", "a late", "a twin"]);
}

#[test]
fn a_timer_of_the_same_name_replaces_the_one_before() {
    let scene = Scene::new();
    scene.ask("a", arms(&[("t", 100, "first"), ("t", 50, "second")]));
    scene.ask("a", arms(&[("t", 200, "third")]));
    scene.universe.advance(199);
    assert!(scene.world.log().is_empty());
    scene.universe.advance(1_000);
    assert_eq!(scene.world.log(), ["a third"]);
}

#[test]
fn a_disarmed_timer_does_not_ring() {
    let scene = Scene::new();
    scene.ask("a", arms(&[("t", 100, "rings"), ("u", 100, "other")]));
    scene.ask("a", what("disarms", |_, cx| cx.disarm("t")));
    scene.universe.advance(1_000);
    assert_eq!(scene.world.log(), ["a other"]);
}

#[test]
fn a_timer_that_rang_but_waits_in_the_queue_can_still_be_taken_back() {
    let scene = Scene::new();
    scene.ask("a", arms(&[("t", 100, "rings"), ("u", 100, "replaced"), ("v", 100, "kept")]));
    let latch = scene.hold("a");
    // Both timers are due and queued before this: it was armed for an earlier moment of the same turn.
    scene.offer(
        "a",
        what("takes back", |_, cx| {
            cx.disarm("t");
            cx.arm("u", later(cx.now(), 50), note("new"));
        }),
    );
    scene.universe.manual_clock().advance(100);
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.world.log(), ["a kept"]);
    scene.universe.advance(50);
    assert_eq!(scene.world.log(), ["a kept", "a new"]);
}

#[test]
fn timers_end_with_their_actor() {
    let scene = Scene::new();
    scene.ask("a", arms(&[("t", 100, "rings")]));
    scene.ask(
        "a",
        what("stops", |_, cx| {
            cx.arm("u", later(cx.now(), 100), note("rings too"));
            cx.stop();
        }),
    );
    scene.universe.advance(1_000);
    assert!(scene.world.log().is_empty());
    assert!(!scene.probes.is_live(&"a".to_owned()));
}

#[test]
fn timers_outlive_a_panic() {
    let scene = Scene::new();
    scene.ask("a", arms(&[("t", 100, "rings")]));
    scene.ask("a", poison("poison"));
    scene.universe.advance(100);
    assert_eq!(scene.world.log(), ["a rings"]);
}

#[test]
fn timers_of_an_isolated_actor_ring_when_it_may_work_again() {
    let scene = Scene::new();
    scene.ask("a", arms(&[("t", 100, "rings")]));
    (0..3).for_each(|_| scene.ask("a", poison("poison")));
    scene.universe.advance(59_999);
    assert!(scene.world.log().is_empty());
    scene.universe.advance(1);
    assert_eq!(scene.world.log(), ["a rings"]);
    assert_eq!(scene.world.dead().len(), 3);
}

#[test]
fn a_timer_that_arms_itself_again_rings_at_every_step_of_a_long_advance() {
    fn tick() -> Do {
        what("tick", |probe, cx| {
            probe.write("tick");
            cx.arm("tick", later(cx.now(), 1_000), tick());
        })
    }
    let scene = Scene::new();
    scene.ask("a", tick());
    scene.universe.advance(10_000);
    assert_eq!(scene.world.log().len(), 11);
}

#[test]
fn ten_thousand_timers_of_one_moment_all_ring() {
    let scene = Scene::with(2, crate::runtime::Limits::default());
    (0..10_000).for_each(|number| scene.offer(&number.to_string(), arms(&[("t", 100, "rings")])));
    scene.universe.settle();
    scene.universe.advance(100);
    assert_eq!(scene.world.log().len(), 10_000);
}
