//! Work outside the turn: futures on a runtime beside the arbiters, so that a thread that stands still keeps nobody's
//! connections. Their panics end here, and their answers always come. It also knows which of them are on the move and which wait for something outside, so that a test
//! can tell when nothing goes on by itself any more.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;
use futures_util::task::AtomicWaker;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::Actor;
use super::context::Work;
use super::guard::{self, Fault, drop_guarded, fault, guarded};
use super::observe::{self, Reason};
use super::shard::Shard;
use super::system::{Driver, Pulse};

/// Runs `future`; a panic in it, or in dropping it, ends here.
#[allow(clippy::redundant_async_block, reason = "the block drops the future before the guard is left")]
pub(super) async fn guarded_future<F: Future>(future: F) -> Result<F::Output, Fault> {
    AssertUnwindSafe(async move { future.await }).catch_unwind().await.map_err(fault)
}

/// Starts work whose answer comes back to the actor `key`.
pub(super) fn spawn<A: Actor>(shard: Arc<Shard<A>>, key: Arc<A::Key>, work: Work<A::Message>) {
    let Work { future, on_panic } = work;
    let mut owed = Owed { shard: shard.clone(), key, paid: false };
    spawn_tracked(&shard, async move {
        let message = match guarded_future(future).await {
            Ok(message) => {
                drop_guarded(on_panic);
                Some(message)
            }
            Err(_) => {
                observe::restart(A::KIND, Reason::Future);
                let message = guarded(on_panic);
                if let Err(fault) = &message {
                    tracing::error!(actor.kind = A::KIND, error = %fault.0, "failed work has no answer");
                }
                message.ok()
            }
        };
        owed.pay(message);
    });
}

/// Spawns a future that was already counted as active.
pub(super) fn spawn_tracked<A: Actor>(
    shard: &Arc<Shard<A>>,
    future: impl Future<Output = ()> + Send + 'static,
) {
    let signal = Arc::new(Signal {
        state: AtomicU8::new(WOKEN),
        outer: AtomicWaker::new(),
        active: shard.active.clone(),
        pulse: shard.pulse.clone(),
    });
    let tracked = Tracked { future: Box::pin(future), signal };
    match &shard.driver {
        Driver::ByHand(stepper) => stepper.spawn(tracked),
        Driver::Threads(works) => works.spawn(tracked),
    }
}

/// Where works run, and those that do: they end with the runtime of the actors.
pub(super) struct Works {
    runtime: Handle,
    under_way: Mutex<JoinSet<()>>,
}

impl Works {
    pub(super) fn new(runtime: Handle) -> Self {
        Works { runtime, under_way: Mutex::default() }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        while under_way.try_join_next().is_some() {}
        under_way.spawn_on(work, &self.runtime);
    }

    /// None of them goes on; their answers do not come.
    pub(super) fn end(&self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// An answer that is owed to an actor. Dropped unpaid (the runtime ended), the work still counts as over.
struct Owed<A: Actor> {
    shard: Arc<Shard<A>>,
    key: Arc<A::Key>,
    paid: bool,
}

impl<A: Actor> Owed<A> {
    fn pay(&mut self, message: Option<A::Message>) {
        self.paid = true;
        self.shard.answer(&self.key, message);
    }
}

impl<A: Actor> Drop for Owed<A> {
    fn drop(&mut self) {
        if !self.paid {
            self.pay(None);
        }
    }
}

const POLLING: u8 = 0;
const WOKEN: u8 = 1;
const PARKED: u8 = 2;
const OVER: u8 = 3;

/// Counts a future as active from its wake to the end of the poll that finds nothing to do.
struct Signal {
    state: AtomicU8,
    outer: AtomicWaker,
    active: Arc<AtomicUsize>,
    pulse: Arc<Pulse>,
}

impl Signal {
    fn park(&self) {
        if self.state.compare_exchange(POLLING, PARKED, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.active.fetch_sub(1, Ordering::SeqCst);
            self.pulse.beat();
        }
    }

    fn end(&self) {
        if !matches!(self.state.swap(OVER, Ordering::SeqCst), PARKED | OVER) {
            self.active.fetch_sub(1, Ordering::SeqCst);
        }
        self.pulse.beat();
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken = |state| (state != OVER).then_some(WOKEN);
        if self.state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, woken) == Ok(PARKED) {
            self.active.fetch_add(1, Ordering::SeqCst);
        }
        self.outer.wake();
    }
}

struct Tracked {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    signal: Arc<Signal>,
}

impl Future for Tracked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.signal.outer.register(cx.waker());
        self.signal.state.store(POLLING, Ordering::SeqCst);
        let waker = Waker::from(self.signal.clone());
        let polled = guard::supervised(|| self.future.as_mut().poll(&mut Context::from_waker(&waker)));
        if polled.is_pending() {
            self.signal.park();
        }
        polled
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.signal.end();
    }
}
