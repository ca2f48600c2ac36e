//! Everything at once: whatever is taken has one effect or is set aside once, in the order of its sender.

use std::collections::BTreeMap;
use std::thread;

use super::*;
use crate::runtime::Limits;

const THREADS: usize = 6;
const EACH: usize = 3_000;
const ACTORS: u64 = 40;

/// A small generator, so that a run can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A message that leaves `name` in the log as an effect, in one of many ways.
fn any(name: String, dice: &mut Dice) -> Do {
    let line = name.clone();
    let script = move |probe: &mut Probe, cx: &mut Context<'_, Probe>| {
        let (world, line) = (probe.world.clone(), format!("{} {line}", probe.id));
        cx.effect(move || world.log.lock().unwrap().push(line));
    };
    match dice.roll(20) {
        0 => poison(&name),
        1 => panics_once(&name, script),
        2 => what(&name, move |probe, cx| {
            script(probe, cx);
            cx.stop();
        }),
        3 => what(&name, move |probe, cx| {
            script(probe, cx);
            cx.start(async { note("answer") }, || note("never"));
        }),
        4 => what(&name, move |probe, cx| {
            script(probe, cx);
            cx.arm("t", cx.now(), note("timer"));
        }),
        _ => what(&name, script),
    }
}

#[test]
fn in_a_storm_every_message_has_one_effect_or_is_set_aside_once() {
    let scene = Scene::with(2, Limits { restarts_max: usize::MAX, mailbox_max: 64, ..Limits::default() });
    let taken: Mutex<Vec<String>> = Mutex::default();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (probes, taken) = (scene.probes.clone(), &taken);
            scope.spawn(move || {
                let mut dice = Dice(thread as u64);
                for number in 0..EACH {
                    let key = dice.roll(ACTORS).to_string();
                    let name = format!("{thread}:{number}");
                    if probes.offer(key.clone(), any(name.clone(), &mut dice)).is_ok() {
                        taken.lock().unwrap().push(format!("{key} {name}"));
                    }
                }
            });
        }
        scope.spawn(|| (0..25).for_each(|_| scene.universe.runtime().replace_shard(0).unwrap()));
    });
    assert_eq!(scene.universe.drain(&scene.probes), crate::runtime::DrainReport::default());
    scene.universe.assert_no_leaks();

    let log: Vec<String> = scene.world.log().into_iter().filter(|line| line.contains(':')).collect();
    let mut seen: Vec<String> = log.iter().cloned().chain(scene.world.dead()).collect();
    seen.sort();
    let mut taken = taken.into_inner().unwrap();
    taken.sort();
    assert!(seen == taken, "{} messages were taken, {} accounted for", taken.len(), seen.len());
    assert!(taken.len() > THREADS * EACH / 10, "only {} were taken", taken.len());
}

#[test]
fn in_a_storm_the_messages_of_one_sender_to_one_actor_keep_their_order() {
    let scene = Scene::with(2, Limits { restarts_max: usize::MAX, ..Limits::default() });
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let probes = scene.probes.clone();
            scope.spawn(move || {
                let mut dice = Dice(100 + thread as u64);
                for number in 0..EACH {
                    let key = dice.roll(ACTORS).to_string();
                    let _ = probes.offer(key, any(format!("{thread}:{number}"), &mut dice));
                }
            });
        }
    });
    scene.universe.settle();
    let mut last: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in scene.world.log().iter().filter(|line| line.contains(':')) {
        let (actor, name) = line.split_once(' ').unwrap();
        let (thread, number) = name.split_once(':').unwrap();
        let number: usize = number.parse().unwrap();
        let before = last.insert((actor.to_owned(), thread.to_owned()), number);
        assert!(before < Some(number), "{line} after {before:?}");
    }
    assert_eq!(scene.universe.drain(&scene.probes).left_queued, 0);
}
