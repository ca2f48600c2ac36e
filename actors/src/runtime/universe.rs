//! A small world for tests: a runtime whose time is moved by hand, that knows when nothing goes on any more
//! and fails a test that leaves something behind. For the tests of this crate and of others.
//!
//! By default its shards have threads, as in life. [`Universe::by_hand`] has none: everything goes on in the
//! thread of the test, and a seed decides in which order, so that the same seed gives the same course.

mod alarms;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use askpro_domain::time::UnixMillis;

use super::stepper::Stepper;
use super::system::{Hosted, Load};
use super::{Actor, DrainReport, Factory, Heartbeat, Limits, Registry, Runtime};
use crate::ports::clock::{Clock, ManualClock};

pub use alarms::Alarms;

/// Where the time of a universe begins: 2025-01-01T00:00:00Z.
pub const BEGINNING: UnixMillis = UnixMillis(1_735_689_600_000);
/// How long, by the real clock, a test waits for what must come: it may be put aside for minutes on the way.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// How often a universe is looked at in which nothing is done and which is not at rest, a millisecond each time,
/// before a test gives up. Not by the clock: whoever is put aside meanwhile does not look either.
const LOOKS_MAX: usize = 20_000;
/// Rounds by hand before a test gives up.
const ROUNDS_MAX: usize = 10_000;

/// What runs the works of all universes with threads.
#[allow(clippy::expect_used, reason = "a test without threads cannot go on")]
static WORKS: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime starts")
});

/// A runtime with a time of its own.
pub struct Universe {
    clock: Arc<ManualClock>,
    alarms: Alarms,
    runtime: Runtime,
    stepper: Option<Arc<Stepper>>,
    may_leak: bool,
}

impl Default for Universe {
    fn default() -> Self {
        Universe::new()
    }
}

impl Universe {
    /// A universe with two shards.
    pub fn new() -> Self {
        Universe::with_shards(2)
    }

    /// A universe with `shards` shards, whose heartbeat is not watched.
    pub fn with_shards(shards: usize) -> Self {
        Universe::with_heartbeat(shards, Heartbeat { interval_ms: 0, ..Heartbeat::default() })
    }

    /// A universe with `shards` shards, watched by `heartbeat` (in real time).
    #[allow(clippy::expect_used, reason = "a test without threads cannot go on")]
    pub fn with_heartbeat(shards: usize, heartbeat: Heartbeat) -> Self {
        let works = WORKS.handle().clone();
        let runtime =
            Runtime::start(shards, heartbeat, None, works).expect("the threads of a universe start");
        runtime.watch();
        let clock = Arc::new(ManualClock::new(BEGINNING));
        Universe { clock, alarms: Alarms::default(), runtime, stepper: None, may_leak: false }
    }

    /// A universe without threads, whose order is decided by `seed`.
    pub fn by_hand(shards: usize, seed: u64) -> Self {
        let stepper = Arc::new(Stepper::new(seed));
        let runtime = Runtime::by_hand(shards, &stepper);
        let clock = Arc::new(ManualClock::new(BEGINNING));
        Universe { clock, alarms: Alarms::default(), runtime, stepper: Some(stepper), may_leak: false }
    }

    /// The universe of the next process: at the same time, in the same world, driven in the same way.
    #[must_use]
    pub fn successor(&self) -> Self {
        let shards = self.runtime.shard_count();
        let mut next = match &self.stepper {
            None => Universe::with_shards(shards),
            Some(stepper) => Universe::by_hand(shards, stepper.next_seed()),
        };
        next.clock = self.clock.clone();
        next.alarms = self.alarms.clone();
        next
    }

    /// The time, as a port.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The clock itself, for a test that moves the time without letting anything go on.
    pub fn manual_clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// The time now.
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// What waits for the time beside the actors.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The threads.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A registry with the default limits.
    pub fn registry<A: Actor>(&self, factory: Arc<dyn Factory<A>>) -> Registry<A> {
        self.registry_with(factory, Limits::default())
    }

    /// A registry with these limits.
    pub fn registry_with<A: Actor>(&self, factory: Arc<dyn Factory<A>>, limits: Limits) -> Registry<A> {
        Registry::start(&self.runtime, factory, limits, self.clock())
    }

    /// Moves the time on by `ms`, stopping at every timer that is due on the way; each time it waits until
    /// everything that can go on has gone on. Work that waits for something else (a gate that the test
    /// holds) does not keep it.
    pub fn advance(&self, ms: u64) {
        let target = super::limits::later(self.now(), ms);
        self.settle_parked();
        while let Some(due) = self.next_due().filter(|due| *due <= target) {
            self.arrive_at(due.max(self.now()));
        }
        self.arrive_at(target);
    }

    /// When a timer or an alarm is due next.
    pub fn next_due(&self) -> Option<UnixMillis> {
        let timers = self.hosted().into_iter().filter_map(|hosted| hosted.next_due());
        timers.chain(self.alarms.next_due()).min()
    }

    fn arrive_at(&self, now: UnixMillis) {
        self.clock.set(now);
        self.alarms.ring(now);
        self.wake_all();
        self.settle_parked();
    }

    /// Waits until no message is queued, no turn runs and no started work is left.
    pub fn settle(&self) {
        self.wait_for_rest("queued messages and started work", |load| {
            !load.moving && load.queued == 0 && load.working == 0
        });
    }

    /// Waits until nothing goes on by itself: what is left waits for time or for the test. Work that waits
    /// for real input and output looks as if it waited for the test: use [`Universe::settle`] there.
    pub fn settle_parked(&self) {
        self.wait_for_rest("what goes on by itself", |load| !load.moving);
    }

    /// Drains a registry, with [`PATIENCE`].
    pub fn drain<A: Actor>(&self, registry: &Registry<A>) -> DrainReport {
        self.block_on(registry.drain(PATIENCE))
    }

    /// Runs a future to its end: on a thread of its own, since the caller may be in a runtime, or by hand.
    #[allow(clippy::expect_used, reason = "a test without a runtime cannot go on")]
    pub fn block_on<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        if let Some(stepper) = &self.stepper {
            return stepper.block_on(future).expect("a runtime");
        }
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.expect("a runtime").block_on(future)
        };
        std::thread::scope(|scope| scope.spawn(run).join().expect("a future that does not panic"))
    }

    /// Fails unless all actors are gone and all messages and works are finished.
    pub fn assert_no_leaks(&self) {
        let leaks = self.leaks();
        assert!(leaks.is_empty(), "left behind: {}", leaks.join("; "));
    }

    /// Lets the test end with actors still live, for those that are about something else.
    pub fn forgive_leaks(&mut self) {
        self.may_leak = true;
    }

    /// What would be left behind, in words.
    pub fn leaks(&self) -> Vec<String> {
        let loads = self.hosted().into_iter().map(|hosted| (hosted.kind(), hosted.load()));
        let leaky = loads.filter(|(_, load)| load.live + load.queued + load.working + load.stranded > 0);
        leaky.map(|(kind, load)| describe(kind, &load)).collect()
    }

    fn hosted(&self) -> Vec<Arc<dyn Hosted>> {
        self.runtime.hosted()
    }

    fn wake_all(&self) {
        self.hosted().iter().for_each(|hosted| hosted.wake());
    }

    /// Waits until all shards are at rest twice in a row with nothing done in between, since what leaves one
    /// shard may just have entered another that was looked at before.
    fn wait_for_rest(&self, what: &str, at_rest: impl Fn(&Load) -> bool) {
        if let Some(stepper) = &self.stepper {
            return self.run_to_rest(stepper, what, at_rest);
        }
        let (mut before, mut done, mut looks) = (None, 0, 0);
        loop {
            let loads: Vec<Load> = self.hosted().iter().map(|hosted| hosted.load()).collect();
            let activity: u64 = loads.iter().map(|load| load.activity).sum();
            if !loads.iter().all(&at_rest) {
                before = None;
            } else if before.replace(activity) == Some(activity) {
                return;
            } else {
                continue;
            }
            looks = if activity == done { looks + 1 } else { 0 };
            done = activity;
            assert!(looks < LOOKS_MAX, "no rest from {what}: {}", self.leaks().join("; "));
            self.runtime.pulse().wait_briefly(Duration::from_millis(1));
        }
    }

    #[allow(clippy::panic, reason = "a test that does not come to rest cannot go on")]
    fn run_to_rest(&self, stepper: &Stepper, what: &str, at_rest: impl Fn(&Load) -> bool) {
        for _ in 0..ROUNDS_MAX {
            stepper.run();
            if self.hosted().iter().all(|hosted| at_rest(&hosted.load())) {
                return;
            }
            self.wake_all();
        }
        panic!("no rest from {what}: {}", self.leaks().join("; "));
    }
}

fn describe(kind: &str, load: &Load) -> String {
    let Load { live, queued, working, stranded, .. } = load;
    format!("{kind}: {live} live, {queued} queued, {working} working, {stranded} in a stuck thread")
}

impl Drop for Universe {
    fn drop(&mut self) {
        let leaks = self.leaks();
        self.runtime.shutdown();
        if !self.may_leak && !std::thread::panicking() {
            assert!(leaks.is_empty(), "left behind: {}", leaks.join("; "));
        }
    }
}
