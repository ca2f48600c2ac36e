//! A small world for tests: a runtime whose time is moved by hand, that knows when nothing goes on any more
//! and fails a test that leaves something behind. For the tests of this crate and of others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use askpro_domain::time::UnixMillis;

use super::system::{Hosted, Load};
use super::{Actor, DrainReport, Factory, Heartbeat, Limits, Registry, Runtime};
use crate::ports::clock::{Clock, ManualClock};

/// Where the time of a universe begins: 2025-01-01T00:00:00Z.
pub const BEGINNING: UnixMillis = UnixMillis(1_735_689_600_000);
/// How long a test may wait for rest, by the real clock.
const REST_WITHIN: Duration = Duration::from_secs(20);

/// A runtime with a time of its own.
pub struct Universe {
    clock: Arc<ManualClock>,
    runtime: Runtime,
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
        let runtime = Runtime::start_with(shards, heartbeat, None).expect("the threads of a universe start");
        Universe { clock: Arc::new(ManualClock::new(BEGINNING)), runtime, may_leak: false }
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
        while let Some(due) = self.hosted().iter().filter_map(|hosted| hosted.next_due()).min() {
            if due > target {
                break;
            }
            self.clock.set(due.max(self.now()));
            self.wake_all();
            self.settle_parked();
        }
        self.clock.set(target);
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

    /// Drains a registry, with ten seconds of real time for it.
    #[allow(clippy::expect_used, reason = "a test without a runtime cannot go on")]
    pub fn drain<A: Actor>(&self, registry: &Registry<A>) -> DrainReport {
        let drain = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.expect("a runtime for the drain").block_on(registry.drain(Duration::from_secs(10)))
        };
        std::thread::scope(|scope| scope.spawn(drain).join().expect("a drain does not panic"))
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
        let began = Instant::now();
        let mut before = None;
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
            assert!(began.elapsed() < REST_WITHIN, "no rest from {what}: {}", self.leaks().join("; "));
            self.runtime.pulse().wait_briefly(Duration::from_millis(1));
        }
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
