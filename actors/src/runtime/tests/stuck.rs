//! A thread that stands still is replaced, and nothing queued is lost.

use std::time::Instant;

use super::*;
use crate::runtime::{Heartbeat, Limits, fence, system::lock};

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

/// Holds its thread the first times it is called, and has an effect.
fn blocks_with_effect(entered: &Arc<Latch>, latch: &Arc<Latch>) -> Do {
    let (entered, latch) = (entered.clone(), latch.clone());
    what("blocks", move |probe, cx| {
        let world = probe.world.clone();
        cx.effect(move || world.log.lock().unwrap().push("effect".to_owned()));
        entered.open();
        latch.wait();
    })
}

#[test]
fn a_stuck_shard_is_replaced_and_its_queued_messages_are_handled() {
    let scene = Scene::new();
    let (entered, latch) = (Latch::new(), Latch::new());
    scene.ask("b", note("kept"));
    scene.offer("a", blocks_with_effect(&entered, &latch));
    entered.wait();
    (0..5).for_each(|number| scene.offer("a", note(number)));
    (0..5).for_each(|number| scene.offer("b", note(number)));
    assert!(scene.universe.runtime().stuck_shards().is_empty());
    scene.universe.runtime().replace_shard(0).unwrap();
    scene.universe.settle();
    let mut log = scene.world.log();
    log.sort();
    assert_eq!(log, [lines("a", 5), lines("b", 5), vec!["b kept".to_owned()]].concat());
    assert_eq!(
        scene.world.built(),
        [Why::First, Why::First, Why::AfterPanic],
        "only the stuck one is rebuilt"
    );
    assert_eq!(scene.universe.runtime().stuck_shards(), [0]);

    latch.open();
    until("the stuck message is handled", || scene.world.log().last().unwrap() == "effect");
    scene.universe.settle();
    let effects = scene.world.log().iter().filter(|line| *line == "effect").count();
    assert_eq!(effects, 1, "the turn of the old thread is void");
    until("the old thread comes back", || scene.universe.runtime().stuck_shards().is_empty());
    assert_eq!(scene.universe.drain(&scene.probes), crate::runtime::DrainReport::default());
    scene.universe.assert_no_leaks();
}

#[test]
fn the_monitor_notices_a_shard_that_stands_still() {
    let heartbeat = Heartbeat { interval_ms: 5, stuck_after_ms: 100, ..Heartbeat::default() };
    let scene = Scene::in_universe(Universe::with_heartbeat(2, heartbeat), Limits::default());
    let latch = scene.hold("a");
    scene.offer("a", note("behind"));
    until("the queued message is handled", || scene.world.log() == ["a behind"]);
    assert_eq!(scene.universe.runtime().stuck_shards().len(), 1);
    latch.open();
    until("the old thread comes back", || scene.universe.runtime().stuck_shards().is_empty());
    scene.universe.settle();
    assert!(scene.world.dead().is_empty());
}

#[test]
fn a_message_that_holds_up_two_threads_is_set_aside() {
    let scene = Scene::new();
    let latches = [Latch::new(), Latch::new()];
    let entered = [Latch::new(), Latch::new()];
    let (theirs, calls) = ((latches.clone(), entered.clone()), AtomicUsize::new(0));
    scene.offer(
        "a",
        what("blocks", move |_, _| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            theirs.1[call].open();
            theirs.0[call].wait();
        }),
    );
    for (latch, entered) in latches.iter().zip(&entered) {
        entered.wait();
        scene.universe.runtime().replace_shard(0).unwrap();
        latch.open();
    }
    until("it is set aside", || scene.world.dead.lock().unwrap().len() == 1);
    scene.ask("a", note(0));
    assert_eq!(scene.world.log(), ["a 0"]);
}

#[test]
fn a_build_that_stands_still_is_begun_again_in_the_new_thread() {
    let scene = Scene::new();
    scene.world.loadings.lock().unwrap().push_back(Box::pin(std::future::pending()));
    scene.offer("a", note(0));
    scene.universe.settle_parked();
    scene.universe.runtime().replace_shard(0).unwrap();
    until("it is built", || scene.world.log() == ["a 0"]);
    assert_eq!(scene.world.built().len(), 2);
}

#[test]
fn a_turn_whose_thread_was_replaced_writes_nothing() {
    let scene = Scene::new();
    let (entered, latch) = (Latch::new(), Latch::new());
    let (theirs, wait) = (entered.clone(), latch.clone());
    let blocks_and_writes = move |probe: &mut Probe, _: &mut Context<'_, Probe>| {
        theirs.open();
        wait.wait();
        probe.write("passes");
        fence::pass();
        probe.write("writes");
    };
    scene.offer("a", what("writes", blocks_and_writes));
    entered.wait();
    scene.universe.runtime().replace_shard(0).unwrap();
    latch.open();
    until("it is written", || scene.world.log().last().is_some_and(|line| line == "a writes"));
    scene.universe.settle();
    assert_eq!(scene.world.log(), ["a passes", "a passes", "a writes"]);
}

#[test]
fn a_thread_that_comes_back_is_dismissed_beside_busy_ones() {
    let heartbeat = Heartbeat { interval_ms: 5, stuck_after_ms: 100, ..Heartbeat::default() };
    let scene = Scene::in_universe(Universe::with_heartbeat(1, heartbeat), Limits::default());
    let latch = scene.hold("a");
    until("the thread is replaced", || !lock(&scene.universe.runtime().inner.slots[0]).retired.is_empty());
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    let wait = Mutex::new(Some(wait));
    scene.offer(
        "b",
        what("works", move |_, cx| {
            let wait = wait.lock().unwrap().take().unwrap();
            cx.start(async { wait.await.map_or_else(|_| note("gone"), |()| note("done")) }, || note("never"));
        }),
    );
    until("it works", || scene.probes.working() == 1);
    latch.open();
    until("the old thread is dismissed", || {
        lock(&scene.universe.runtime().inner.slots[0]).retired.is_empty()
    });
    assert_eq!(scene.probes.working(), 1);
    done.send(()).unwrap();
    until("the work is done", || scene.world.log() == ["b done"]);
}
