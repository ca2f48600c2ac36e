//! Bounds are exact, refusals give the message back, and nobody starves.

use std::thread;

use super::*;
use crate::runtime::{Limits, Scope};

/// Offers `each` messages from each of eight threads and counts those that were taken.
fn flood(scene: &Scene, each: usize, key: impl Fn(usize) -> String + Sync) -> usize {
    let taken = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (probes, taken, key) = (scene.probes.clone(), &taken, &key);
            scope.spawn(move || {
                for number in 0..each {
                    if probes.clone().offer(key(thread * each + number), note("taken")).is_ok() {
                        taken.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    taken.load(Ordering::SeqCst)
}

#[test]
fn a_mailbox_takes_exactly_its_bound_from_clones_on_eight_threads() {
    let scene = Scene::with(1, Limits { mailbox_max: 1_000, ..Limits::default() });
    let latch = scene.hold("a");
    assert_eq!(flood(&scene, 500, |_| "a".to_owned()), 999, "one is in its turn");
    assert_eq!(scene.probes.queued(), 1_000);
    let refused = scene.probes.offer("a".to_owned(), note("one more")).unwrap_err();
    assert_eq!((refused.scope, refused.message.name.as_str()), (Scope::Mailbox, "one more"));
    assert!(refused.retry_after_ms > 0);
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.world.log().len(), 999);
    let latch = scene.hold("a");
    assert_eq!(flood(&scene, 500, |_| "a".to_owned()), 999, "every place came back");
    latch.open();
    scene.universe.settle();
}

#[test]
fn a_shard_takes_exactly_its_bound_over_all_its_actors() {
    let scene = Scene::with(1, Limits { shard_queue_max: 300, ..Limits::default() });
    let latch = scene.hold("held");
    assert_eq!(flood(&scene, 100, |number| format!("{}", number % 7)), 299);
    let refused = scene.probes.offer("free".to_owned(), note(0)).unwrap_err();
    assert_eq!(refused.scope, Scope::Shard);
    assert!(!scene.probes.is_live(&"free".to_owned()), "a refusal brings nobody to life");
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.probes.queued(), 0);
}

#[test]
fn no_more_actors_live_than_allowed_over_all_shards() {
    let scene = Scene::with(2, Limits { actors_max: 100, ..Limits::default() });
    assert_eq!(flood(&scene, 50, |number| number.to_string()), 100);
    assert_eq!(scene.probes.live_count(), 100);
    assert_eq!(scene.probes.offer("late".to_owned(), note(0)).unwrap_err().scope, Scope::Actors);
    scene.universe.settle();
}

#[test]
fn a_place_is_free_again_after_a_dead_letter_and_after_an_isolation() {
    let scene = Scene::with(1, Limits { mailbox_max: 3, restarts_max: 2, ..Limits::default() });
    scene.ask("a", poison("alone"));
    let latch = scene.hold("a");
    scene.offer("a", poison("isolates"));
    scene.offer("a", note("behind"));
    latch.open();
    scene.universe.settle();
    scene.universe.advance(60_000);
    let latch = scene.hold("a");
    scene.offer("a", note(0));
    scene.offer("a", note(1));
    assert_eq!(scene.probes.offer("a".to_owned(), note(2)).unwrap_err().scope, Scope::Mailbox);
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.world.log(), lines("a", 2));
}

#[test]
fn a_flooded_actor_leaves_its_neighbour_its_turn_after_sixteen_messages() {
    let scene = Scene::new();
    let latch = scene.hold("held");
    (0..1_000).for_each(|number| scene.offer("a", note(number)));
    scene.offer("b", note("neighbour"));
    latch.open();
    scene.universe.settle();
    let turns_before = scene.world.log().iter().position(|line| line == "b neighbour").unwrap();
    assert_eq!(turns_before, 15, "with the build of the first actor, sixteen steps");
}

#[test]
fn a_flooded_registry_leaves_another_one_on_its_thread_its_turn() {
    let scene = Scene::new();
    let other = scene.universe.registry::<Probe>(Arc::new(Probes(scene.world.clone())));
    other.offer("other".to_owned(), note("warm")).unwrap();
    scene.universe.settle();
    let latch = scene.hold("held");
    (0..1_000).for_each(|number| scene.offer("a", note(number)));
    other.offer("other".to_owned(), note("neighbour")).unwrap();
    latch.open();
    scene.universe.settle();
    let turns_before = scene.world.log().iter().position(|line| line == "other neighbour").unwrap();
    assert!(turns_before <= 2 * 64 + 1, "{turns_before} turns came first");
}

#[test]
fn the_age_and_the_depth_of_what_waits_are_told() {
    let scene = Scene::new();
    let latch = scene.hold("a");
    (0..3).for_each(|number| scene.offer("a", note(number)));
    scene.universe.manual_clock().advance(700);
    let status = scene.probes.status(&"a".to_owned()).unwrap();
    assert_eq!((status.mailbox_depth, status.oldest_message_age_ms, status.kind), (4, 700, "probe"));
    assert_eq!((scene.probes.queued(), scene.probes.oldest_message_age_ms()), (4, 700));
    latch.open();
    scene.universe.settle();
    assert_eq!((scene.probes.queued(), scene.probes.oldest_message_age_ms()), (0, 0));
}

#[test]
fn live_actors_are_listed_by_key_in_pages_over_all_shards() {
    let scene = Scene::with(2, Limits::default());
    (0..25).for_each(|number| scene.offer(&format!("{number:02}"), note(0)));
    scene.universe.settle();
    let mut pages = Vec::new();
    loop {
        let page = scene.probes.keys_after(pages.last(), 10);
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    let all: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
    assert_eq!(pages, all);
    let statuses = scene.probes.statuses(Some(&"22".to_owned()), 10);
    assert_eq!(statuses.iter().map(|status| status.id.as_str()).collect::<Vec<_>>(), ["23", "24"]);
}

#[test]
fn an_offer_to_a_live_actor_only_brings_nobody_to_life() {
    let scene = Scene::new();
    assert!(!scene.probes.offer_if_live("a".to_owned(), note(0)).unwrap());
    assert!(scene.world.built().is_empty());
    scene.ask("a", note(1));
    assert!(scene.probes.offer_if_live("a".to_owned(), note(2)).unwrap());
    scene.universe.settle();
    assert_eq!(scene.world.log(), ["a 1", "a 2"]);
}
