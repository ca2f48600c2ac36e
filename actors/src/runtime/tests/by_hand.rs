//! Without threads a seed decides the order, and the same seed decides the same.

use super::*;
use crate::runtime::limits::later;

/// What twenty actors on four shards wrote that tell each other, start work, arm timers and panic.
fn course(seed: u64) -> Vec<String> {
    let limits = super::super::Limits { turns_before_yield: 1, ..super::super::Limits::default() };
    let scene = Scene::in_universe(Universe::by_hand(4, seed), limits);
    for number in 0..20 {
        scene.offer(&format!("a{number}"), busy(&scene.probes, number));
    }
    scene.universe.settle();
    scene.universe.advance(1_000);
    scene.world.log()
}

fn busy(probes: &Registry<Probe>, number: usize) -> Do {
    let probes = probes.clone();
    panics_once("busy", move |probe, cx| {
        probe.write("busy");
        let neighbour = format!("a{}", (number + 1) % 20);
        let probes = probes.clone();
        cx.effect(move || probes.offer(neighbour, note("told")).unwrap());
        cx.start(async { note("worked") }, || note("lost"));
        cx.arm("late", later(cx.now(), 10 * number as u64), note("late"));
    })
}

#[test]
fn the_same_seed_gives_the_same_course() {
    for seed in 0..20 {
        assert_eq!(course(seed), course(seed), "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_course() {
    let courses: std::collections::BTreeSet<Vec<String>> = (0..20).map(course).collect();
    assert!(courses.len() > 15, "{} courses of 20 seeds", courses.len());
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    let same: std::collections::BTreeSet<Vec<String>> = courses.into_iter().map(sorted).collect();
    assert_eq!(same.len(), 1, "the order differs, what is done does not");
}

#[test]
fn a_drain_by_hand_lets_everybody_leave() {
    let scene = Scene::in_universe(Universe::by_hand(2, 1), super::super::Limits::default());
    scene.ask("a", note("here"));
    let report = scene.universe.drain(&scene.probes);
    assert_eq!((report.left_queued, report.left_working), (0, 0));
    assert_eq!((scene.world.stopped(), scene.universe.leaks()), (1, Vec::new()));
}

#[test]
fn alarms_ring_between_the_timers() {
    let scene = Scene::in_universe(Universe::by_hand(1, 1), super::super::Limits::default());
    let alarms = scene.universe.alarms().clone();
    let at = later(scene.universe.now(), 50);
    scene.ask("a", what("waits", |_, cx| cx.arm("late", later(cx.now(), 60), note("timer"))));
    scene.offer(
        "a",
        what("asks", move |_, cx| {
            let alarms = alarms.clone();
            cx.start(
                async move {
                    alarms.wait_until(at).await;
                    note("alarm")
                },
                || note("lost"),
            );
        }),
    );
    scene.universe.advance(49);
    assert!(scene.world.log().is_empty());
    scene.universe.advance(100);
    assert_eq!(scene.world.log(), ["a alarm", "a timer"]);
}
