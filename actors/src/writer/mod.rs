//! Writers: many rows in one transaction, one transaction at a time for each writer.
//!
//! An order goes to the writer of its call, so the rows of one call are committed in order. While a commit
//! runs the backlog grows, and the next batch takes as much of it as the limits allow: batches grow with the
//! load. The backlog stands outside the actor: a panic of the writer loses none of it. When it is long its
//! bodies stay in the journal and only positions wait here.

mod actor;
mod backlog;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use askpro_domain::{ids::CallId, time::UnixMillis};
use serde::Serialize;
use tokio::sync::watch;

pub use actor::{WriterActor, WriterFactory, WriterMessage};
use backlog::Lane;

use crate::{
    outage::Outage,
    outstanding::{Outstanding, PendingLog},
    ports::{
        clock::Clock,
        journal::{Journal, Position},
        rows::Write,
        stores::BatchStore,
    },
    runtime::{Limits, Registry, Runtime},
};

/// Limits of the writers.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// How many writers; each has one connection busy at most.
    pub writers: usize,
    /// Orders in one transaction.
    pub batch_orders_max: usize,
    /// Compressed bytes in one transaction.
    pub batch_bytes_max: usize,
    /// From one transaction's beginning to the next one's, unless the next one is full, in milliseconds: what comes
    /// close together goes together. What is acknowledged is in the journal, so nobody waits for a commit.
    pub commit_every_ms: i64,
    /// Compressed bytes that one backlog keeps in memory; past it bodies stay in the journal.
    pub backlog_inline_bytes_max: usize,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self {
            writers: 2,
            batch_orders_max: 512,
            batch_bytes_max: 8 << 20,
            commit_every_ms: 0,
            backlog_inline_bytes_max: 16 << 20,
        }
    }
}

/// Rows that belong together, and the journal records they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteOrder {
    /// The call they belong to; orders of one call keep their order.
    pub call_id: Option<CallId>,
    /// Rows.
    pub writes: Vec<Write>,
    /// Records whose effects are then in the database.
    pub positions: Vec<Position>,
}

/// The fence: the epoch of our lease, and whether another process has taken it. Whoever loses it first (a
/// writer, or the keeper of the lease) tells everybody at once.
#[derive(Debug, Default)]
pub struct Fence {
    epoch: AtomicI64,
    lost: watch::Sender<bool>,
}

impl Fence {
    /// Our epoch from now on.
    pub fn set_epoch(&self, epoch: i64) {
        self.epoch.store(epoch, Ordering::SeqCst);
    }

    /// Our epoch.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Another process owns the database: nothing may be written any more.
    pub fn lose(&self) {
        self.lost.send_replace(true);
    }

    /// Whether it was lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Resolves when it is lost.
    pub async fn lost(&self) {
        // The sender lives as long as the fence.
        let _ = self.lost.subscribe().wait_for(|lost| *lost).await;
    }
}

/// What a writer needs.
#[derive(Clone)]
pub struct WriterWorld {
    /// The database.
    pub store: Arc<dyn BatchStore>,
    /// To read bodies that were left there.
    pub journal: Arc<dyn Journal>,
    /// Told what is committed.
    pub outstanding: Outstanding,
    /// Told what is committed, by call.
    pub pending: PendingLog,
    /// Our epoch.
    pub fence: Arc<Fence>,
    /// Told how commits go.
    pub outage: Arc<Outage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Limits.
    pub settings: WriterSettings,
}

/// The writers, as everybody else sees them. Cheap to clone.
#[derive(Clone)]
pub struct Writers {
    lanes: Arc<[Arc<Lane>]>,
    registry: Registry<WriterActor>,
    clock: Arc<dyn Clock>,
    rests: Arc<AtomicBool>,
}

/// Figures of one writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WriterView {
    /// `writer-0`, ...
    pub id: String,
    /// Orders that wait.
    pub backlog_orders: usize,
    /// Compressed bytes of them in memory.
    pub backlog_bytes: usize,
    /// Orders in the transaction that runs.
    pub in_flight_orders: usize,
    /// Age of the oldest order, ms.
    pub oldest_order_age_ms: i64,
    /// Transactions committed.
    pub commits: u64,
    /// Rows committed.
    pub rows: u64,
    /// Commits that failed and were tried again.
    pub retries: u64,
    /// The last error.
    pub last_error: Option<String>,
}

impl Writers {
    /// Starts the writers on `runtime`.
    #[must_use]
    pub fn start(runtime: &Runtime, world: WriterWorld) -> Self {
        let lanes: Arc<[Arc<Lane>]> =
            (0..world.settings.writers.max(1)).map(|_| Arc::new(Lane::new(world.settings.clone()))).collect();
        let clock = world.clock.clone();
        let factory = Arc::new(WriterFactory { world, lanes: lanes.clone() });
        let registry = Registry::start(runtime, factory, Limits::default(), clock.clone());
        Self { lanes, registry, clock, rests: Arc::default() }
    }

    /// Takes an order. Never refuses: what waits is bounded by the journal that all of it comes from.
    pub fn write(&self, order: WriteOrder) {
        let index = self.lane_of(order.call_id.as_ref());
        let Some(lane) = self.lanes.get(index) else { return };
        let is_full = lane.push(order, self.clock.now());
        if !self.rests.load(Ordering::SeqCst) {
            self.wake(index, lane, is_full);
        }
    }

    /// `is_full`: the writer may be awake and let its batch grow.
    fn wake(&self, index: usize, lane: &Lane, is_full: bool) {
        if lane.wants_waking() || is_full {
            // A refusal means that wakes are queued already.
            let _ = self.registry.offer(index, WriterMessage::Wake);
        }
    }

    /// Lets what comes wait: while calls are brought back, whatever the database does else makes that longer.
    pub fn rest(&self) {
        self.rests.store(true, Ordering::SeqCst);
    }

    /// Ends [`Writers::rest`].
    pub fn go_on(&self) {
        if self.rests.swap(false, Ordering::SeqCst) {
            self.lanes.iter().enumerate().for_each(|(index, lane)| self.wake(index, lane, false));
        }
    }

    /// Whether everything is committed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.is_idle())
    }

    /// Orders that wait or are being committed.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.lanes.iter().map(|lane| lane.len()).sum()
    }

    /// Whether the row of this call waits or is being committed: the database does not know it yet.
    #[must_use]
    pub fn has_row_of(&self, call_id: &CallId) -> bool {
        self.lanes.get(self.lane_of(Some(call_id))).is_some_and(|lane| lane.has_row_of(call_id))
    }

    /// Figures of each writer.
    #[must_use]
    pub fn views(&self) -> Vec<WriterView> {
        let now: UnixMillis = self.clock.now();
        self.lanes.iter().enumerate().map(|(i, lane)| lane.view(format!("writer-{i}"), now)).collect()
    }

    /// The actors themselves, for status and drain.
    #[must_use]
    pub const fn registry(&self) -> &Registry<WriterActor> {
        &self.registry
    }

    fn lane_of(&self, call_id: Option<&CallId>) -> usize {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        call_id.hash(&mut hasher);
        let lanes = u64::try_from(self.lanes.len()).unwrap_or(1);
        usize::try_from(hasher.finish() % lanes).unwrap_or_default()
    }
}
