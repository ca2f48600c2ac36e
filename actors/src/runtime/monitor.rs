//! The heartbeat of the shards. A shard whose arbiter does not answer gets a new one with a higher epoch; the
//! old one's turn is void, its message is tried again when it wakes up, and then the old one ends.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Runtime;
use super::system::{Ground, Home, Inner, OwnArbiter, lock};
use crate::metrics::SHARDS_REPLACED;

/// How shards are watched.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    /// Time between two looks; 0 watches nothing.
    pub interval_ms: u64,
    /// How long an arbiter may leave a beat unanswered, in whole intervals of a monitor that runs itself.
    pub stuck_after_ms: u64,
    /// Threads that may stand still per shard before it is no longer replaced.
    pub stuck_threads_max: usize,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Heartbeat { interval_ms: 100, stuck_after_ms: 1_500, stuck_threads_max: 8 }
    }
}

/// A beat that was sent to an arbiter.
pub(super) struct Ping {
    answered: Arc<AtomicBool>,
    missed: u64,
}

impl Ping {
    fn send(ground: &Ground) -> Self {
        let answered = Arc::new(AtomicBool::new(false));
        let answer = answered.clone();
        ground.run(move || answer.store(true, Ordering::SeqCst));
        Ping { answered, missed: 0 }
    }

    fn is_answered(&self) -> bool {
        self.answered.load(Ordering::SeqCst)
    }
}

impl Runtime {
    /// Watches the shards from now on, for as long as the runtime lives. What a start brings back may keep a thread
    /// for long, and rightly: it is to be called when that is done.
    pub fn watch(&self) {
        let interval_ms = self.inner.heartbeat.interval_ms;
        if interval_ms == 0 {
            return;
        }
        let watched: Weak<Inner> = Arc::downgrade(&self.inner);
        self.inner.spawn_on_system_thread(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(interval_ms)).await;
                match watched.upgrade() {
                    Some(inner) if !inner.is_down() => inner.look_after_all(),
                    _ => return,
                }
            }
        });
    }

    /// Shards with a thread that stands still: the present one, or a replaced one that has not come back.
    pub fn stuck_shards(&self) -> Vec<usize> {
        let heartbeat = self.inner.heartbeat;
        let is_stuck = |home: &Home| {
            let old = home.retired.iter().any(|(_, ping)| !ping.is_answered());
            old || home.ping.as_ref().is_some_and(|ping| heartbeat.is_stuck(ping))
        };
        let slots = self.inner.slots.iter().enumerate();
        slots.filter(|(_, slot)| is_stuck(&lock(slot))).map(|(index, _)| index).collect()
    }

    /// Gives the shards of one arbiter to a new one. The monitor does it by itself; this is for operators and
    /// tests.
    pub fn replace_shard(&self, index: usize) -> io::Result<()> {
        let (sender, receiver) = channel();
        let inner = self.inner.clone();
        self.inner.on_system_thread(move || _ = sender.send(inner.replace(index)));
        receiver.recv().unwrap_or_else(|_| Err(io::Error::other("the actor system is gone")))
    }
}

impl Heartbeat {
    fn is_stuck(self, ping: &Ping) -> bool {
        !ping.is_answered() && ping.missed.saturating_mul(self.interval_ms) >= self.stuck_after_ms
    }
}

impl Home {
    /// Ends replaced arbiters that have come back: nothing is left to do there.
    fn dismiss_returned(&mut self) {
        self.retired.retain(|(ground, ping)| {
            if ping.is_answered() {
                ground.stop();
            }
            !ping.is_answered()
        });
    }
}

impl Inner {
    fn look_after_all(&self) {
        for index in 0..self.slots.len() {
            if self.look_after(index) {
                match self.replace(index) {
                    Ok(()) => metrics::counter!(SHARDS_REPLACED.name).increment(1),
                    Err(error) => tracing::error!(shard = index, %error, "a stuck shard was not replaced"),
                }
            }
        }
    }

    /// Whether the shard is stuck and may be replaced.
    fn look_after(&self, index: usize) -> bool {
        let Some(slot) = self.slots.get(index) else { return false };
        let mut home = lock(slot);
        match &mut home.ping {
            Some(ping) if !ping.is_answered() => ping.missed += 1,
            _ => home.ping = Some(Ping::send(&home.ground)),
        }
        home.dismiss_returned();
        let standing = home.retired.iter().filter(|(_, ping)| !ping.is_answered()).count();
        let stuck = home.ping.as_ref().is_some_and(|ping| self.heartbeat.is_stuck(ping));
        stuck && standing < self.heartbeat.stuck_threads_max
    }

    fn replace(&self, index: usize) -> io::Result<()> {
        let slot = self.slots.get(index).ok_or_else(|| io::Error::other("there is no such shard"))?;
        let ground = Ground::Arbiter(OwnArbiter::start()?);
        let mut home = lock(slot);
        let old = std::mem::replace(&mut home.ground, ground);
        let ping = home.ping.take().unwrap_or_else(|| Ping::send(&old));
        home.retired.push((old, ping));
        home.epoch += 1;
        tracing::error!(shard = index, epoch = home.epoch, "a shard does not answer and gets a new thread");
        for hosted in &home.hosted {
            hosted.clone().host(&home.ground, home.epoch);
        }
        Ok(())
    }
}
