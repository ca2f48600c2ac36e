//! The door to all actors of one kind: finds the shard of a key, takes messages within the bounds, and lists
//! who is there.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::observe::Refusals;
use super::shard::Shard;
use super::system::{Hosted, Pulse};
use super::{Actor, ActorStatus, Factory, Limits, Refused, Runtime, Scope};
use crate::ports::clock::Clock;

/// All actors of one kind. Cheap to clone; the runtime must outlive its use.
pub struct Registry<A: Actor> {
    pub(super) inner: Arc<Inner<A>>,
}

pub(super) struct Inner<A: Actor> {
    first: Arc<Shard<A>>,
    others: Vec<Arc<Shard<A>>>,
    live: Arc<AtomicUsize>,
    refusals: Refusals,
    pub(super) pulse: Arc<Pulse>,
}

impl<A: Actor> Clone for Registry<A> {
    fn clone(&self) -> Self {
        Registry { inner: self.inner.clone() }
    }
}

impl<A: Actor> Registry<A> {
    /// Starts a registry without actors, one shard of it on each arbiter of `system`.
    pub fn start(
        system: &Runtime,
        factory: Arc<dyn Factory<A>>,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Registry<A> {
        let limits = Arc::new(limits);
        let live = Arc::new(AtomicUsize::new(0));
        let (pulse, probe) = (system.pulse(), system.probe());
        let shard = |index: usize| {
            let (factory, clock, limits) = (factory.clone(), clock.clone(), limits.clone());
            let shard = Arc::new(Shard::new(
                factory,
                clock,
                limits,
                live.clone(),
                pulse.clone(),
                probe.clone(),
                system.driver(),
            ));
            system.attach(index, shard.clone() as Arc<dyn Hosted>);
            shard
        };
        let first = shard(0);
        let others = (1..system.shard_count()).map(shard).collect();
        let inner = Inner { first, others, live: live.clone(), refusals: Refusals::default(), pulse };
        Registry { inner: Arc::new(inner) }
    }

    pub(super) fn downgrade(&self) -> Weak<Inner<A>> {
        Arc::downgrade(&self.inner)
    }

    pub(super) fn upgrade(inner: &Weak<Inner<A>>) -> Option<Self> {
        Some(Registry { inner: inner.upgrade()? })
    }

    /// Hands a message to the actor `key`, which is brought to life if it is not there. What is taken is
    /// handled, or set aside by the factory; what is refused comes back.
    pub fn offer(&self, key: A::Key, message: A::Message) -> Result<(), Refused<A::Message>> {
        self.put(key, message, true).map(|_| ())
    }

    /// Hands a message to the actor `key` if it is in memory; else drops it and says false.
    pub fn offer_if_live(&self, key: A::Key, message: A::Message) -> Result<bool, Refused<A::Message>> {
        self.put(key, message, false)
    }

    fn put(&self, key: A::Key, message: A::Message, activate: bool) -> Result<bool, Refused<A::Message>> {
        self.shard_of(&key).offer(key, message, activate).inspect_err(|refused| self.count(refused.scope))
    }

    fn count(&self, scope: Scope) {
        self.inner.refusals.count(A::KIND, scope);
    }

    /// Whether the actor is in memory.
    pub fn is_live(&self, key: &A::Key) -> bool {
        self.shard_of(key).lock().cells.find(key).is_some()
    }

    /// How many actors are in memory.
    pub fn live_count(&self) -> usize {
        self.inner.live.load(Ordering::SeqCst)
    }

    /// The keys of live actors after `after`, in order, at most `limit`.
    pub fn keys_after(&self, after: Option<&A::Key>, limit: usize) -> Vec<A::Key> {
        let mut keys: Vec<A::Key> = Vec::new();
        for shard in self.shards() {
            let state = shard.lock();
            keys.extend(state.cells.after(after).take(limit).map(|cell| A::Key::clone(&cell.key)));
        }
        keys.sort();
        keys.truncate(limit);
        keys
    }

    /// What the actor `key` tells about itself, if it is in memory.
    pub fn status(&self, key: &A::Key) -> Option<ActorStatus> {
        self.shard_of(key).status(key)
    }

    /// What the actors after `after` tell about themselves, in the order of keys, at most `limit`.
    pub fn statuses(&self, after: Option<&A::Key>, limit: usize) -> Vec<ActorStatus> {
        self.keys_after(after, limit).iter().filter_map(|key| self.status(key)).collect()
    }

    /// Messages that were taken and are not yet handled.
    pub fn queued(&self) -> usize {
        self.shards().map(|shard| shard.lock().queued).sum()
    }

    /// Work that was started and has not answered.
    pub fn working(&self) -> usize {
        self.shards().map(|shard| shard.lock().working).sum()
    }

    /// How long the oldest of them is there; 0 if there is none.
    pub fn oldest_message_age_ms(&self) -> u64 {
        self.shards().map(|shard| shard.oldest_message_age_ms()).max().unwrap_or(0)
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = &Arc<Shard<A>>> {
        std::iter::once(&self.inner.first).chain(&self.inner.others)
    }

    fn shard_of(&self, key: &A::Key) -> &Arc<Shard<A>> {
        if self.inner.others.is_empty() {
            return &self.inner.first;
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let count = self.inner.others.len() as u64 + 1;
        let index = usize::try_from(hasher.finish() % count).unwrap_or(0);
        index.checked_sub(1).and_then(|index| self.inner.others.get(index)).unwrap_or(&self.inner.first)
    }
}
