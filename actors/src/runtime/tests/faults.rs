//! A panic costs one message, and only what panicked.

use std::sync::Arc;

use super::*;
use crate::runtime::Limits;

fn patient() -> Limits {
    Limits { restarts_max: 1_000, ..Limits::default() }
}

#[test]
fn a_panic_in_a_handler_drops_the_state_and_the_message_is_tried_once_more_on_a_new_one() {
    let scene = Scene::new();
    scene.ask("a", note(0));
    scene.ask("a", panics_once("m", |probe, _| probe.write(&format!("turn {}", probe.turns))));
    assert_eq!(scene.world.log(), ["a 0", "a turn 2", "a turn 1"]);
    assert_eq!(scene.world.built(), [Why::First, Why::AfterPanic]);
    assert!(scene.world.dead().is_empty());
    let status = scene.probes.status(&"a".to_owned()).unwrap();
    assert_eq!((status.restarts, status.state, status.mailbox_depth), (1, "running", 0));
    assert!(status.last_error.unwrap().contains("panicked at"));
}

#[test]
fn ten_messages_queued_behind_a_panic_are_all_handled_in_order() {
    let scene = Scene::new();
    let latch = scene.hold("a");
    scene.offer("a", panics_once("m", |_, _| {}));
    (0..10).for_each(|number| scene.offer("a", note(number)));
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.world.log(), lines("a", 10));
    assert_eq!(scene.world.built(), [Why::First, Why::AfterPanic]);
}

#[test]
fn a_panic_in_a_timer_is_caught_and_its_message_tried_once_more() {
    let scene = Scene::new();
    scene.ask(
        "a",
        what("arms", |_, cx| {
            let at = crate::runtime::limits::later(cx.now(), 1_000);
            cx.arm("t", at, panics_once("t", |probe, _| probe.write("rings")));
        }),
    );
    scene.universe.advance(999);
    assert!(scene.world.log().is_empty());
    scene.universe.advance(1);
    assert_eq!(scene.world.log(), ["a rings", "a rings"]);
    assert!(scene.world.dead().is_empty());
}

#[test]
fn a_panic_in_a_future_brings_the_other_message() {
    let scene = Scene::new();
    let start = |_: &mut Probe, cx: &mut Context<'_, Probe>| {
        cx.start(async { panic!("in a future") }, || note("went wrong"));
        cx.start(async { note("went well") }, || note("never"));
    };
    scene.ask("a", what("starts", start));
    let mut log = scene.world.log();
    log.sort();
    assert_eq!(log, ["a went well", "a went wrong"]);
    assert_eq!(scene.world.built(), [Why::First]);
}

#[test]
fn a_future_that_panics_when_it_is_dropped_still_answers() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }
    let scene = Scene::new();
    let start = |_: &mut Probe, cx: &mut Context<'_, Probe>| {
        let bomb = Bomb;
        let future = async move {
            tokio::task::yield_now().await;
            let _bomb = &bomb;
            note("went well")
        };
        cx.start(future, || note("went wrong"));
    };
    scene.ask("a", what("starts", start));
    assert_eq!(scene.world.log(), ["a went wrong"]);
}

#[test]
fn a_panic_in_stopping_costs_nothing_else() {
    let scene = Scene::new();
    scene.world.stopping_panics.store(true, Ordering::SeqCst);
    scene.ask("b", note(0));
    scene.ask("a", what("stops", |_, cx| cx.stop()));
    assert!(!scene.probes.is_live(&"a".to_owned()));
    scene.ask("a", note(1));
    scene.ask("b", note(2));
    assert_eq!(scene.world.log(), ["b 0", "a 1", "b 2"]);
    let report = scene.universe.drain(&scene.probes);
    assert_eq!((report.left_queued, scene.world.stopped()), (0, 3));
    scene.universe.assert_no_leaks();
}

#[test]
fn poison_is_set_aside_after_its_second_panic_and_good_messages_are_kept() {
    let scene = Scene::with(2, patient());
    let latch = scene.hold("a");
    for number in 0..100 {
        scene.offer("a", note(number));
        if number % 10 == 0 {
            scene.offer("a", poison(&format!("poison {number}")));
        }
    }
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.world.log(), lines("a", 100));
    let dead: Vec<String> = (0..10).map(|number| format!("a poison {}", number * 10)).collect();
    assert_eq!(scene.world.dead(), dead);
    assert_eq!(scene.probes.status(&"a".to_owned()).unwrap().restarts, 20);
}

#[test]
fn a_panic_while_a_message_is_set_aside_costs_nothing_else() {
    let scene = Scene::new();
    scene.ask("a", poison("panics in the dead letters"));
    scene.ask("a", note(0));
    assert_eq!(scene.world.log(), ["a 0"]);
    assert_eq!(scene.world.dead(), ["a panics in the dead letters"]);
}

#[test]
fn too_many_restarts_isolate_one_actor_while_its_siblings_go_on() {
    let scene = Scene::new();
    let latch = scene.hold("a");
    (0..3).for_each(|_| scene.offer("a", poison("poison")));
    scene.offer("a", note("behind"));
    scene.offer("b", note("sibling"));
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.world.log(), ["b sibling"]);
    assert_eq!(scene.world.dead(), ["a poison", "a poison", "a poison", "a behind"]);
    let refused = scene.probes.offer("a".to_owned(), note(0)).unwrap_err();
    assert_eq!((refused.scope, refused.retry_after_ms), (crate::runtime::Scope::Isolated, 60_000));
    assert_eq!(scene.probes.status(&"a".to_owned()).unwrap().state, "isolated");
    scene.ask("b", note("goes on"));

    scene.universe.advance(60_000);
    assert!(!scene.probes.is_live(&"a".to_owned()), "nothing keeps it in memory");
    scene.ask("a", note("again"));
    assert_eq!(scene.world.log(), ["b sibling", "b goes on", "a again"]);
}

#[test]
fn restarts_outside_the_window_do_not_isolate() {
    let scene = Scene::new();
    for _ in 0..10 {
        scene.ask("a", poison("poison"));
        scene.universe.advance(5_000);
    }
    assert_eq!(scene.probes.status(&"a".to_owned()).unwrap().state, "loading");
    assert_eq!(scene.world.dead().len(), 10);
}

#[test]
fn what_a_panicking_turn_asked_for_is_not_performed() {
    let scene = Scene::new();
    let orders = |probe: &mut Probe, cx: &mut Context<'_, Probe>| {
        let (world, again) = (probe.world.clone(), probe.turns);
        cx.effect(move || world.log.lock().unwrap().push(format!("effect {again}")));
        cx.start(async { note("future") }, || note("never"));
        cx.arm("t", cx.now(), note("timer"));
    };
    scene.ask("a", note(0));
    scene.ask("a", panics_once("m", orders));
    scene.universe.settle();
    let mut log = scene.world.log();
    log.sort();
    assert_eq!(log, ["a 0", "a future", "a timer", "effect 1"]);
}

#[test]
fn a_turn_that_panics_does_not_stop_its_actor() {
    let scene = Scene::new();
    scene.ask(
        "a",
        what("m", |_, cx| {
            cx.stop();
            panic!("after stop")
        }),
    );
    scene.ask("a", note(0));
    assert!(scene.probes.is_live(&"a".to_owned()));
}

#[test]
fn a_panicking_effect_costs_only_itself_and_the_next_ones_run() {
    let scene = Scene::new();
    let orders = |probe: &mut Probe, cx: &mut Context<'_, Probe>| {
        let world = probe.world.clone();
        cx.effect(|| panic!("in an effect"));
        cx.effect(move || world.log.lock().unwrap().push("second".to_owned()));
    };
    scene.ask("a", what("m", orders));
    scene.ask("a", note(0));
    assert_eq!(scene.world.log(), ["second", "a 0"]);
    assert_eq!(scene.world.built(), [Why::First]);
}

#[test]
fn a_message_that_panics_when_it_is_dropped_costs_nothing_else() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }
    let scene = Scene::new();
    let bomb = Arc::new(Mutex::new(Bomb));
    scene.ask(
        "a",
        what("m", move |probe, _| {
            let _held = bomb.lock();
            probe.write("handled");
        }),
    );
    scene.ask("a", note(0));
    assert_eq!(scene.world.log(), ["a handled", "a 0"]);
}
