//! What supervision promises, as sentences. The actor under test does what its messages say.

mod bounds;
mod building;
mod by_hand;
mod faults;
mod leaving;
mod storm;
mod stuck;
mod timers;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::universe::{PATIENCE, Universe};
use super::{Actor, Build, Context, Factory, Loading, Registry, Why};

type Script = Box<dyn Fn(&mut Probe, &mut Context<'_, Probe>) + Send>;

/// A message that says itself what the actor is to do.
struct Do {
    name: String,
    script: Script,
}

/// Does `script`, under a name that dead letters are known by.
fn what(name: &str, script: impl Fn(&mut Probe, &mut Context<'_, Probe>) + Send + 'static) -> Do {
    Do { name: name.to_owned(), script: Box::new(script) }
}

/// Writes its name into the log.
fn note(name: impl ToString) -> Do {
    let name = name.to_string();
    let line = name.clone();
    what(&name, move |probe, _| probe.write(&line))
}

/// Panics each time.
fn poison(name: &str) -> Do {
    what(name, |_, _| panic!("poison"))
}

/// Does `script`, and panics after it the first time.
fn panics_once(name: &str, script: impl Fn(&mut Probe, &mut Context<'_, Probe>) + Send + 'static) -> Do {
    let panicked = AtomicBool::new(false);
    what(name, move |probe, cx| {
        script(probe, cx);
        assert!(panicked.swap(true, Ordering::SeqCst), "once");
    })
}

/// Holds the shard's thread until `latch` opens.
fn blocks(entered: &Arc<Latch>, latch: &Arc<Latch>) -> Do {
    let (entered, latch) = (entered.clone(), latch.clone());
    what("blocks", move |_, _| {
        entered.open();
        latch.wait();
    })
}

struct Probe {
    id: String,
    world: Arc<World>,
    /// Turns since it was built.
    turns: usize,
}

impl Probe {
    fn write(&self, line: &str) {
        self.world.log.lock().unwrap().push(format!("{} {line}", self.id));
    }
}

impl Actor for Probe {
    const KIND: &'static str = "probe";
    type Key = String;
    type Message = Do;

    fn handle(&mut self, message: &Do, cx: &mut Context<'_, Self>) {
        self.turns += 1;
        (message.script)(self, cx);
    }

    fn stopping(&mut self) {
        self.world.stopped.fetch_add(1, Ordering::SeqCst);
        assert!(!self.world.stopping_panics.load(Ordering::SeqCst), "in stopping");
    }
}

/// The factory of probes, and all that they leave behind.
#[derive(Default)]
struct World {
    log: Mutex<Vec<String>>,
    dead: Mutex<Vec<String>>,
    built: Mutex<Vec<Why>>,
    stopped: AtomicUsize,
    stopping_panics: AtomicBool,
    /// What the next builds give; a plain probe if there is nothing.
    loadings: Mutex<VecDeque<Loading<Probe>>>,
}

impl World {
    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn dead(&self) -> Vec<String> {
        self.dead.lock().unwrap().clone()
    }

    fn built(&self) -> Vec<Why> {
        self.built.lock().unwrap().clone()
    }

    fn stopped(&self) -> usize {
        self.stopped.load(Ordering::SeqCst)
    }
}

struct Probes(Arc<World>);

impl Factory<Probe> for Probes {
    fn build(&self, key: &String, why: Why) -> Build<Probe> {
        self.0.built.lock().unwrap().push(why);
        match self.0.loadings.lock().unwrap().pop_front() {
            Some(loading) => Build::Loading(loading),
            None => Build::Ready(Probe { id: key.clone(), world: self.0.clone(), turns: 0 }),
        }
    }

    fn dead_letter(&self, key: &String, message: Do, error: &str) {
        self.0.dead.lock().unwrap().push(format!("{key} {}", message.name));
        assert!(error.contains("panicked at") || error.contains("isolated"), "{error}");
        assert!(message.name != "panics in the dead letters", "in the dead letters");
    }
}

/// Opens once and for all.
#[derive(Default)]
struct Latch {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Latch {
    fn new() -> Arc<Latch> {
        Arc::default()
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let open = self.open.lock().unwrap();
        let (open, _) = self.opened.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap();
        assert!(*open, "a latch was never opened");
    }
}

/// A universe with one registry of probes.
struct Scene {
    world: Arc<World>,
    probes: Registry<Probe>,
    universe: Universe,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(1, super::Limits::default())
    }

    fn with(shards: usize, limits: super::Limits) -> Scene {
        Scene::in_universe(Universe::with_shards(shards), limits)
    }

    fn in_universe(mut universe: Universe, limits: super::Limits) -> Scene {
        universe.forgive_leaks();
        let world = Arc::new(World::default());
        let probes = universe.registry_with(Arc::new(Probes(world.clone())), limits);
        Scene { world, probes, universe }
    }

    fn offer(&self, key: &str, message: Do) {
        self.probes.offer(key.to_owned(), message).unwrap();
    }

    fn ask(&self, key: &str, message: Do) {
        self.offer(key, message);
        self.universe.settle();
    }

    /// Holds the thread of the actor `key`; what is offered until the latch opens is queued.
    fn hold(&self, key: &str) -> Arc<Latch> {
        let (entered, latch) = (Latch::new(), Latch::new());
        self.offer(key, blocks(&entered, &latch));
        entered.wait();
        latch
    }
}

/// `key 0`, `key 1`, ...
fn lines(key: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{key} {number}")).collect()
}
