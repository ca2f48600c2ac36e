//! An executor that is driven by hand: it polls one woken future after the other on the thread of whoever drives
//! it, in an order that a seed decides. The same seed and the same calls give the same course.
//!
//! It knows nothing of actors, and only test universes use it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::dice::Dice;
use super::guard::supervised;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Futures, and which of them were woken.
pub(super) struct Stepper {
    tasks: Mutex<Tasks>,
    woken: Arc<Woken>,
    dice: Mutex<Dice>,
}

#[derive(Default)]
struct Tasks {
    by_id: BTreeMap<u64, Task>,
    next_id: u64,
    closed: bool,
}

struct Task {
    work: Work,
    flag: Arc<Flag>,
}

#[derive(Default)]
struct Woken {
    ids: Mutex<Vec<u64>>,
    outer: Mutex<Option<Waker>>,
}

/// Wakes one future.
struct Flag {
    id: u64,
    is_woken: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_woken.swap(true, Ordering::SeqCst) {
            return;
        }
        lock(&self.woken.ids).push(self.id);
        let outer = lock(&self.woken.outer).take();
        if let Some(outer) = outer {
            outer.wake();
        }
    }
}

impl Stepper {
    pub(super) fn new(seed: u64) -> Self {
        Self { tasks: Mutex::default(), woken: Arc::default(), dice: Mutex::new(Dice::new(seed)) }
    }

    /// A seed for another one, decided by this one's.
    pub(super) fn next_seed(&self) -> u64 {
        lock(&self.dice).roll()
    }

    /// Adds a future. Closed, it drops it.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let work: Work = Box::pin(future);
        let mut tasks = lock(&self.tasks);
        if tasks.closed {
            drop(tasks);
            return drop(work);
        }
        let id = tasks.next_id;
        tasks.next_id += 1;
        let flag = Arc::new(Flag { id, is_woken: AtomicBool::new(false), woken: self.woken.clone() });
        tasks.by_id.insert(id, Task { work, flag: flag.clone() });
        drop(tasks);
        flag.wake();
    }

    /// Polls woken futures until none is left.
    pub(super) fn run(&self) {
        supervised(|| while self.step() {});
    }

    /// Runs a future on this thread, and with it everything else. It may wait for timers of tokio.
    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> std::io::Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let mut future = pin!(future);
        let driven = poll_fn(|cx| {
            loop {
                *lock(&self.woken.outer) = Some(cx.waker().clone());
                self.run();
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Poll::Ready(output);
                }
                if lock(&self.woken.ids).is_empty() {
                    return Poll::Pending;
                }
            }
        });
        // Tokio counts what one poll does, and would make it pause within the loop.
        Ok(runtime.block_on(tokio::task::unconstrained(driven)))
    }

    /// Drops all futures, now and later.
    pub(super) fn close(&self) {
        let left = {
            let mut tasks = lock(&self.tasks);
            tasks.closed = true;
            std::mem::take(&mut tasks.by_id)
        };
        supervised(|| drop(left));
    }

    /// Polls one woken future. Gives whether there was one.
    fn step(&self) -> bool {
        let Some(id) = self.take_woken() else { return false };
        let Some(mut task) = lock(&self.tasks).by_id.remove(&id) else { return true };
        task.flag.is_woken.store(false, Ordering::SeqCst);
        let waker = Waker::from(task.flag.clone());
        if task.work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.put_back(id, task);
        }
        true
    }

    fn take_woken(&self) -> Option<u64> {
        let mut ids = lock(&self.woken.ids);
        let place = if ids.len() > 1 { lock(&self.dice).below(ids.len()) } else { 0 };
        (!ids.is_empty()).then(|| ids.swap_remove(place))
    }

    fn put_back(&self, id: u64, task: Task) {
        let mut tasks = lock(&self.tasks);
        let dropped = if tasks.closed { Some(task) } else { tasks.by_id.insert(id, task) };
        drop(tasks);
        drop(dropped);
    }
}

/// Is woken at once, and polled again when the dice say so.
pub(super) async fn step_aside() {
    let mut is_second = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_second, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
