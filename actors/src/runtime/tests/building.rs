//! Actors that take time to build keep their messages.

use tokio::sync::oneshot;

use super::*;
use crate::runtime::{BuildError, Limits};

impl Scene {
    fn load_with(&self, loading: impl Future<Output = Result<Probe, BuildError>> + Send + 'static) {
        self.world.loadings.lock().unwrap().push_back(Box::pin(loading));
    }

    fn probe(&self, id: &str) -> Probe {
        Probe { id: id.to_owned(), world: self.world.clone(), turns: 0 }
    }
}

#[test]
fn a_loading_actor_keeps_its_messages_and_its_neighbours_go_on() {
    let scene = Scene::new();
    let (loaded, wait) = oneshot::channel::<Probe>();
    scene.load_with(async { wait.await.map_err(|_| BuildError("gone".to_owned())) });
    (0..10).for_each(|number| scene.offer("a", note(number)));
    scene.universe.settle_parked();
    scene.offer("b", note("neighbour"));
    scene.universe.settle_parked();
    assert_eq!(scene.world.log(), ["b neighbour"]);
    let status = scene.probes.status(&"a".to_owned()).unwrap();
    assert_eq!((status.state, status.mailbox_depth), ("loading", 10));
    assert!(loaded.send(scene.probe("a")).is_ok());
    scene.universe.settle();
    assert_eq!(scene.world.log().get(1..).unwrap(), lines("a", 10));
}

#[test]
fn failed_builds_are_tried_again_ever_more_slowly_up_to_five_seconds() {
    let scene = Scene::new();
    for _ in 0..9 {
        scene.load_with(async { Err(BuildError("the store is away".to_owned())) });
    }
    scene.offer("a", note(0));
    scene.universe.settle_parked();
    let status = scene.probes.status(&"a".to_owned()).unwrap();
    assert_eq!(status.last_error.as_deref(), Some("the store is away"));
    let mut builds = 1;
    for pause in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
        scene.universe.advance(pause - 1);
        assert_eq!(scene.world.built().len(), builds, "before {pause}");
        scene.universe.advance(1);
        builds += 1;
        assert_eq!(scene.world.built().len(), builds, "at {pause}");
    }
    assert!(scene.world.log().is_empty());
    scene.universe.advance(5_000);
    assert_eq!(scene.world.log(), ["a 0"]);
    assert!(scene.world.dead().is_empty());
}

#[test]
fn a_panic_while_loading_is_a_failed_build() {
    let scene = Scene::new();
    scene.load_with(async { panic!("while loading") });
    scene.offer("a", note(0));
    scene.universe.settle_parked();
    assert!(scene.world.log().is_empty());
    scene.universe.advance(100);
    assert_eq!(scene.world.log(), ["a 0"]);
}

#[test]
fn an_actor_that_loads_after_a_panic_gets_the_same_message_first() {
    let scene = Scene::new();
    scene.ask("a", note("first"));
    let (loaded, wait) = oneshot::channel::<Probe>();
    scene.load_with(async { wait.await.map_err(|_| BuildError("gone".to_owned())) });
    scene.offer("a", panics_once("m", |probe, _| probe.write("tried")));
    scene.offer("a", note("behind"));
    scene.universe.settle_parked();
    assert!(loaded.send(scene.probe("a")).is_ok());
    scene.universe.settle();
    assert_eq!(scene.world.log(), ["a first", "a tried", "a tried", "a behind"]);
    assert_eq!(scene.world.built(), [Why::First, Why::AfterPanic]);
}

#[test]
fn the_messages_of_a_loading_actor_stay_within_the_bound() {
    let scene = Scene::with(1, Limits { mailbox_max: 4, ..Limits::default() });
    scene.load_with(std::future::pending());
    let taken = (0..10).filter(|number| scene.probes.offer("a".to_owned(), note(number)).is_ok()).count();
    assert_eq!(taken, 4);
}
