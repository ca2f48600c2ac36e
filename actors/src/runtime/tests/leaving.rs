//! Actors leave without losing a message, and only come back when they are wanted.

use std::time::Duration;

use tokio::sync::oneshot;

use super::*;
use crate::runtime::{DrainReport, Limits, Reply, Scope, Unanswered};

fn stops() -> Do {
    what("stops", |_, cx| cx.stop())
}

#[test]
fn a_stopped_actor_is_not_revived_by_itself_but_by_a_message() {
    let scene = Scene::new();
    scene.ask("a", stops());
    scene.universe.advance(1_000_000);
    assert!(!scene.probes.is_live(&"a".to_owned()));
    assert_eq!((scene.probes.live_count(), scene.world.built().len(), scene.world.stopped()), (0, 1, 1));
    scene.universe.assert_no_leaks();
    scene.ask("a", note(0));
    assert_eq!(scene.world.built(), [Why::First, Why::First]);
    assert_eq!(scene.world.log(), ["a 0"]);
}

#[test]
fn a_stop_with_messages_queued_loses_none() {
    let scene = Scene::new();
    let latch = scene.hold("a");
    for number in 0..50 {
        scene.offer("a", note(number));
        scene.offer("a", stops());
    }
    latch.open();
    scene.universe.settle();
    assert_eq!(scene.world.log(), lines("a", 50));
    assert_eq!((scene.world.built().len(), scene.world.stopped()), (50, 50));
    scene.universe.assert_no_leaks();
}

#[test]
fn an_answer_brings_back_the_actor_that_left_meanwhile() {
    let scene = Scene::new();
    let (answer, wait) = oneshot::channel::<()>();
    let wait = Mutex::new(Some(wait));
    scene.offer(
        "a",
        what("starts and stops", move |_, cx| {
            let wait = wait.lock().unwrap().take().unwrap();
            cx.start(async { wait.await.map_or_else(|_| note("gone"), |()| note("answer")) }, || {
                note("never")
            });
            cx.stop();
        }),
    );
    scene.universe.settle_parked();
    assert!(!scene.probes.is_live(&"a".to_owned()));
    assert_eq!(scene.universe.leaks().len(), 1, "the work is still owed");
    answer.send(()).unwrap();
    scene.universe.settle();
    assert_eq!(scene.world.log(), ["a answer"]);
}

#[test]
fn a_drain_handles_a_thousand_queued_messages_and_lets_every_actor_leave() {
    let scene = Scene::with(2, Limits::default());
    let latches = [scene.hold("0"), scene.hold("held")];
    (0..1_000).for_each(|number| scene.offer(&(number % 10).to_string(), note(number)));
    latches.iter().for_each(|latch| latch.open());
    assert_eq!(scene.universe.drain(&scene.probes), DrainReport::default());
    assert_eq!(scene.world.log().len(), 1_000);
    assert_eq!(scene.world.stopped(), 11);
    assert_eq!(scene.probes.offer("0".to_owned(), note(0)).unwrap_err().scope, Scope::Draining);
    scene.universe.assert_no_leaks();
    assert_eq!(scene.universe.drain(&scene.probes), DrainReport::default(), "a second drain does no harm");
}

#[test]
fn a_drain_waits_for_started_work_and_handles_its_answers() {
    let scene = Scene::new();
    let starts = |_: &mut Probe, cx: &mut Context<'_, Probe>| {
        let again = what("again", |_, cx| cx.start(async { note("last") }, || note("never")));
        cx.start(
            async move {
                tokio::task::yield_now().await;
                again
            },
            || note("never"),
        );
    };
    (0..100).for_each(|number| scene.offer(&number.to_string(), what("starts", starts)));
    assert_eq!(scene.universe.drain(&scene.probes), DrainReport::default());
    assert_eq!(scene.world.log().len(), 100);
}

#[test]
fn a_drain_does_not_wait_for_timers() {
    let scene = Scene::new();
    scene.ask(
        "a",
        what("arms", |_, cx| {
            cx.arm("t", crate::runtime::limits::later(cx.now(), 1_000), note("never"));
        }),
    );
    assert_eq!(scene.universe.drain(&scene.probes), DrainReport::default());
    scene.universe.advance(1_000);
    assert!(scene.world.log().is_empty());
    scene.universe.assert_no_leaks();
}

#[tokio::test]
async fn a_drain_tells_what_it_could_not_finish() {
    let scene = Scene::new();
    scene.offer("a", what("starts", |_, cx| cx.start(std::future::pending(), || note("never"))));
    scene.universe.settle_parked();
    scene.world.loadings.lock().unwrap().push_back(Box::pin(std::future::pending()));
    scene.offer("b", note(0));
    scene.universe.settle_parked();
    let left = scene.probes.drain(Duration::from_millis(30)).await;
    assert_eq!(left, DrainReport { left_queued: 1, left_working: 1 });
}

#[test]
fn a_drained_registry_has_nothing_to_do_any_more() {
    let scene = Scene::new();
    (0..3).for_each(|_| scene.ask("isolated", poison("poison")));
    scene.universe.drain(&scene.probes);
    scene.universe.advance(100_000);
    scene.universe.assert_no_leaks();
}

#[test]
fn a_timer_that_rang_does_not_revive_the_actor_that_stopped_before_it() {
    let scene = Scene::new();
    scene.ask(
        "a",
        what("arms", |_, cx| cx.arm("t", crate::runtime::limits::later(cx.now(), 100), note("rings"))),
    );
    let latch = scene.hold("a");
    scene.offer("a", stops());
    scene.universe.manual_clock().advance(100);
    latch.open();
    scene.universe.settle();
    assert_eq!((scene.world.built().len(), scene.world.log().len()), (1, 0));
    scene.universe.assert_no_leaks();
}

#[test]
fn a_universe_fails_a_test_that_leaves_an_actor_behind() {
    let leave_one = || {
        let universe = Universe::new();
        let probes = universe.registry::<Probe>(Arc::new(Probes(Arc::default())));
        probes.offer("a".to_owned(), note(0)).unwrap();
        universe.settle();
    };
    let failed = std::thread::spawn(leave_one).join().unwrap_err();
    let text = failed.downcast_ref::<String>().unwrap();
    assert!(text.contains("left behind: probe: 1 live"), "{text}");
}

#[test]
fn a_universe_lets_a_test_pass_that_leaves_nothing() {
    let universe = Universe::new();
    let probes = universe.registry::<Probe>(Arc::new(Probes(Arc::default())));
    probes.offer("a".to_owned(), note(0)).unwrap();
    assert_eq!(universe.drain(&probes), DrainReport::default());
}

#[tokio::test]
async fn a_reply_reaches_whoever_waits_and_only_once() {
    let scene = Scene::new();
    let (reply, answer) = Reply::new();
    scene.offer(
        "a",
        what("answers", move |_, _| {
            assert!(reply.send(7));
            assert!(!reply.send(8));
        }),
    );
    assert_eq!(answer.await, Ok(7));
    assert!(scene.world.dead().is_empty());
}

#[tokio::test]
async fn whoever_waits_for_a_reply_is_told_when_the_question_is_dropped() {
    let (reply, answer) = Reply::<u8>::new();
    drop(reply);
    assert_eq!(answer.await, Err(Unanswered));
}
