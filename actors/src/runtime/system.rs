//! The threads: one actix system on a thread of its own, one arbiter per shard. It must not know what runs
//! on them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use actix::{Arbiter, ArbiterHandle, System};
use askpro_domain::time::UnixMillis;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::guard;
use super::monitor::{Heartbeat, Ping};
use super::probe::Probe;
use super::stepper::Stepper;
use super::work::Works;

/// How long a thread may take to end.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// One shard of a registry, as the threads see it.
pub(super) trait Hosted: Send + Sync {
    fn kind(&self) -> &'static str;
    /// Moves to this ground; what an earlier one still does is void.
    fn host(self: Arc<Self>, ground: &Ground, epoch: u64);
    fn wake(&self);
    fn load(&self) -> Load;
    fn next_due(&self) -> Option<UnixMillis>;
}

/// What a shard has to do.
pub(super) struct Load {
    pub(super) live: usize,
    pub(super) queued: usize,
    pub(super) working: usize,
    pub(super) stranded: usize,
    /// Whether something goes on without anything from outside.
    pub(super) moving: bool,
    pub(super) activity: u64,
    pub(super) closed: bool,
}

/// Says that something came to rest; for those who wait for that.
#[derive(Default)]
pub(super) struct Pulse {
    waiters: AtomicUsize,
    lock: Mutex<()>,
    sync: Condvar,
    notify: Notify,
}

impl Pulse {
    pub(super) fn beat(&self) {
        self.notify.notify_waiters();
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.sync.notify_all();
        }
    }

    /// Ready at the next beat after this call.
    pub(super) fn next(&self) -> Notified<'_> {
        self.notify.notified()
    }

    /// Waits for a beat, or a little while.
    pub(super) fn wait_briefly(&self, at_most: Duration) {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.sync.wait_timeout(lock, at_most);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The threads that actors live on. Clones share them; they end with [`Runtime::shutdown`] or the last clone.
#[derive(Clone)]
pub struct Runtime {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) slots: Vec<Mutex<Home>>,
    pub(super) heartbeat: Heartbeat,
    probe: Option<Probe>,
    driver: Driver,
    /// None where everything is driven by hand.
    threads: Option<Threads>,
    pulse: Arc<Pulse>,
    down: AtomicBool,
}

struct Threads {
    system: System,
    system_thread: ThreadId,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// One place for shards: the ground it stands on now, and those that it stood on before.
pub(super) struct Home {
    pub(super) ground: Ground,
    pub(super) epoch: u64,
    pub(super) ping: Option<Ping>,
    pub(super) retired: Vec<(Ground, Ping)>,
    pub(super) hosted: Vec<Arc<dyn Hosted>>,
}

/// What runs the work that turns start.
#[derive(Clone)]
pub(super) enum Driver {
    /// This runtime, beside the threads of the shards.
    Threads(Arc<Works>),
    /// Whoever drives the shards too.
    ByHand(Arc<Stepper>),
}

/// What the turns of a shard run on.
pub(super) enum Ground {
    /// A thread of its own.
    Arbiter(OwnArbiter),
    /// Whoever drives it.
    ByHand(Arc<Stepper>),
}

impl Ground {
    /// Runs `work` there.
    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> bool {
        match self {
            Ground::Arbiter(arbiter) => arbiter.handle.spawn_fn(work),
            Ground::ByHand(_) => {
                work();
                true
            }
        }
    }

    pub(super) fn stop(&self) {
        match self {
            Ground::Arbiter(arbiter) => _ = arbiter.handle.stop(),
            Ground::ByHand(stepper) => stepper.close(),
        }
    }

    fn wait_for_end(&self) -> bool {
        match self {
            Ground::Arbiter(arbiter) => arbiter.wait_for_end(),
            Ground::ByHand(_) => true,
        }
    }
}

/// An arbiter, and the sign of its end.
pub(super) struct OwnArbiter {
    handle: ArbiterHandle,
    ended: Mutex<Receiver<()>>,
}

impl OwnArbiter {
    /// Starts an arbiter; only on a thread that belongs to the system.
    pub(super) fn start() -> io::Result<Self> {
        let handle = Arbiter::try_new()?.handle();
        let (alive, ended) = channel::<()>();
        handle.spawn_fn(guard::supervise_this_thread);
        handle.spawn(async move {
            // Dropped with the arbiter's runtime, which the other end notices.
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        Ok(OwnArbiter { handle, ended: Mutex::new(ended) })
    }

    fn wait_for_end(&self) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(STOP_WAIT) == Err(RecvTimeoutError::Disconnected)
    }
}

impl Runtime {
    /// Starts `shards` arbiter threads (at least one). Work that turns start runs on `works`; `probe` looks at every
    /// turn. Nobody watches the threads before [`Runtime::watch`].
    pub fn start(
        shards: usize,
        heartbeat: Heartbeat,
        probe: Option<Probe>,
        works: Handle,
    ) -> io::Result<Runtime> {
        guard::install_hook();
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("askpro-actors".to_owned())
            .spawn(move || run_system(shards.max(1), &sender))?;
        let system_thread = thread.thread().id();
        let (system, arbiters) =
            receiver.recv().map_err(|_| io::Error::other("the actor system ended"))??;
        let threads = Threads { system, system_thread, thread: Mutex::new(Some(thread)) };
        let grounds = arbiters.into_iter().map(Ground::Arbiter);
        Ok(Runtime::over(
            grounds,
            heartbeat,
            probe,
            Driver::Threads(Arc::new(Works::new(works))),
            Some(threads),
        ))
    }

    /// Without threads: `shards` shards (at least one) that `stepper` drives.
    pub(super) fn by_hand(shards: usize, stepper: &Arc<Stepper>) -> Runtime {
        guard::install_hook();
        let grounds = (0..shards.max(1)).map(|_| Ground::ByHand(stepper.clone()));
        let heartbeat = Heartbeat { interval_ms: 0, ..Heartbeat::default() };
        Runtime::over(grounds, heartbeat, None, Driver::ByHand(stepper.clone()), None)
    }

    fn over(
        grounds: impl Iterator<Item = Ground>,
        heartbeat: Heartbeat,
        probe: Option<Probe>,
        driver: Driver,
        threads: Option<Threads>,
    ) -> Runtime {
        let slots = grounds.map(|ground| Mutex::new(Home::new(ground))).collect();
        let (pulse, down) = (Arc::new(Pulse::default()), AtomicBool::new(false));
        Runtime { inner: Arc::new(Inner { slots, heartbeat, probe, driver, threads, pulse, down }) }
    }

    /// How many shards a registry has here.
    pub fn shard_count(&self) -> usize {
        self.inner.slots.len()
    }

    /// Ends the threads. What is still queued in registries stays unhandled: drain them before.
    pub fn shutdown(&self) {
        self.inner.shutdown();
    }

    pub(super) fn probe(&self) -> Option<Probe> {
        self.inner.probe.clone()
    }

    pub(super) fn pulse(&self) -> Arc<Pulse> {
        self.inner.pulse.clone()
    }

    pub(super) fn driver(&self) -> Driver {
        self.inner.driver.clone()
    }

    pub(super) fn attach(&self, index: usize, hosted: Arc<dyn Hosted>) {
        let Some(slot) = self.inner.slots.get(index) else { return };
        let mut home = lock(slot);
        home.hosted.retain(|hosted| !hosted.load().closed);
        home.hosted.push(hosted.clone());
        hosted.host(&home.ground, home.epoch);
    }

    /// Everything that runs here.
    pub(super) fn hosted(&self) -> Vec<Arc<dyn Hosted>> {
        self.inner.slots.iter().flat_map(|slot| lock(slot).hosted.clone()).collect()
    }
}

pub(super) fn lock(slot: &Mutex<Home>) -> MutexGuard<'_, Home> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Home {
    fn new(ground: Ground) -> Self {
        Home { ground, epoch: 0, ping: None, retired: Vec::new(), hosted: Vec::new() }
    }
}

impl Inner {
    /// Runs `work` on the thread that may start arbiters.
    pub(super) fn on_system_thread(&self, work: impl FnOnce() + Send + 'static) -> bool {
        self.threads.as_ref().is_some_and(|threads| threads.system.arbiter().spawn_fn(work))
    }

    pub(super) fn spawn_on_system_thread(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        self.threads.as_ref().is_some_and(|threads| threads.system.arbiter().spawn(work))
    }

    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    fn shutdown(&self) {
        if self.down.swap(true, Ordering::SeqCst) {
            return;
        }
        for slot in &self.slots {
            let home = lock(slot);
            home.ground.stop();
            home.retired.iter().for_each(|(ground, _)| ground.stop());
        }
        if let Driver::Threads(works) = &self.driver {
            works.end();
        }
        let Some(threads) = &self.threads else { return };
        if guard::is_supervised() || std::thread::current().id() == threads.system_thread {
            threads.system.stop();
            return;
        }
        for (index, slot) in self.slots.iter().enumerate() {
            if !lock(slot).ground.wait_for_end() {
                tracing::error!(shard = index, "the thread of a shard does not end");
            }
        }
        threads.system.stop();
        let thread = threads.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the actor system panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shutdown();
    }
}

type Started = io::Result<(System, Vec<OwnArbiter>)>;

fn run_system(shards: usize, sender: &Sender<Started>) {
    let runner = System::new();
    let arbiters: io::Result<Vec<_>> = (0..shards).map(|_| OwnArbiter::start()).collect();
    let failed = arbiters.is_err();
    let _ = sender.send(arbiters.map(|arbiters| (System::current(), arbiters)));
    if !failed && let Err(error) = runner.run() {
        tracing::error!(%error, "the actor system failed");
    }
}
