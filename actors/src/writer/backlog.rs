//! What waits for a writer, outside the writer's actor.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use askpro_domain::{ids::CallId, time::UnixMillis};

use super::{WriteOrder, WriterSettings, WriterView};
use crate::ports::rows::{Body, CallRow, Write};

/// Orders of one transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In order; without rows of calls.
    pub(super) orders: Vec<Queued>,
    /// The newest row of each call in it.
    #[expect(clippy::vec_box, reason = "the boxes come with the orders and go into the rows as they are")]
    pub(super) calls: Vec<Box<CallRow>>,
}

/// An order that waits.
#[derive(Debug)]
pub(super) struct Queued {
    /// The order without rows of calls.
    pub(super) order: WriteOrder,
    /// Since when.
    pub(super) since: UnixMillis,
    /// Goes in a transaction of its own: part of an order that the database refused.
    pub(super) alone: bool,
}

/// The backlog of one writer.
#[derive(Default)]
pub(super) struct Lane {
    backlog: Mutex<Backlog>,
    settings: WriterSettings,
}

#[derive(Default)]
struct Backlog {
    orders: VecDeque<Queued>,
    /// Only the newest row of a call is ever written.
    calls: HashMap<CallId, Box<CallRow>>,
    inline_bytes: usize,
    /// What all orders that wait would add to a transaction.
    body_bytes: usize,
    in_flight: Option<Arc<Batch>>,
    /// Whether a commit of it runs; outside the actor, so that a panic does not start a second one.
    committing: bool,
    /// When the newest batch was taken.
    begun: Option<UnixMillis>,
    /// Halved when the database refuses a batch, doubled when it takes one: finds the order it refuses.
    batch_limit: Option<usize>,
    awake: bool,
    commits: u64,
    rows: u64,
    retries: u64,
    last_error: Option<String>,
}

impl Lane {
    pub(super) fn new(settings: WriterSettings) -> Self {
        Self { backlog: Mutex::default(), settings }
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an order. Gives whether the next batch is full with it: then it need not grow any more.
    pub(super) fn push(&self, mut order: WriteOrder, since: UnixMillis) -> bool {
        let mut backlog = self.lock();
        order.writes = backlog.keep_call_rows(order.writes);
        if backlog.inline_bytes + inline_bytes(&order) > self.settings.backlog_inline_bytes_max {
            spill_order(&mut order);
        }
        let was_full = backlog.is_full(&self.settings);
        backlog.count(&order);
        backlog.orders.push_back(Queued { order, since, alone: false });
        !was_full && backlog.is_full(&self.settings)
    }

    /// Puts parts of an order that was refused before everything else, each for itself.
    pub(super) fn push_front_alone(&self, parts: Vec<WriteOrder>, since: UnixMillis) {
        let mut backlog = self.lock();
        for order in parts.into_iter().rev() {
            backlog.count(&order);
            backlog.orders.push_front(Queued { order, since, alone: true });
        }
    }

    /// True once, until the writer went to sleep again.
    pub(super) fn wants_waking(&self) -> bool {
        let mut backlog = self.lock();
        !std::mem::replace(&mut backlog.awake, true)
    }

    pub(super) fn is_idle(&self) -> bool {
        let backlog = self.lock();
        backlog.orders.is_empty() && backlog.in_flight.is_none()
    }

    pub(super) fn len(&self) -> usize {
        let backlog = self.lock();
        backlog.orders.len() + backlog.in_flight.as_ref().map_or(0, |b| b.orders.len())
    }

    /// Until when the next batch may grow; `None` when it is full, had its time, or is one of those that find the
    /// order that the database refuses.
    pub(super) fn grows_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        let backlog = self.lock();
        let may_grow = backlog.in_flight.is_none()
            && backlog.batch_limit.is_none()
            && !backlog.is_full(&self.settings)
            && backlog.orders.front().is_some_and(|queued| !queued.alone);
        let begun = backlog.begun.filter(|begun| may_grow && *begun <= now)?;
        let until = begun.plus_ms(self.settings.commit_every_ms);
        (until > now).then_some(until)
    }

    /// The batch to commit now: the one in flight again, else the next. `None` while a commit runs, and when
    /// there is nothing to do, which puts the writer to sleep. [`Lane::end_commit`] must follow.
    pub(super) fn begin_commit(&self, now: UnixMillis) -> Option<Arc<Batch>> {
        let mut backlog = self.lock();
        if backlog.committing {
            return None;
        }
        if backlog.in_flight.is_none() {
            let batch = backlog.take_batch(&self.settings);
            backlog.begun = batch.as_ref().map(|_| now).or(backlog.begun);
            backlog.in_flight = batch.map(Arc::new);
        }
        backlog.awake = backlog.in_flight.is_some();
        backlog.committing = backlog.awake;
        backlog.spill(&self.settings);
        backlog.in_flight.clone()
    }

    /// The commit that ran is over, whatever came of it.
    pub(super) fn end_commit(&self) {
        self.lock().committing = false;
    }

    /// This batch is committed. Gives whether it still was in flight: only then its records are done with.
    pub(super) fn committed(&self, batch: &Arc<Batch>, rows: u64) -> bool {
        let mut backlog = self.lock();
        if !backlog.in_flight.as_ref().is_some_and(|in_flight| Arc::ptr_eq(in_flight, batch)) {
            return false;
        }
        backlog.in_flight = None;
        backlog.commits += 1;
        backlog.rows += rows;
        backlog.last_error = None;
        backlog.batch_limit =
            backlog.batch_limit.map(|limit| limit.saturating_mul(2)).filter(|limit| *limit < 4096);
        true
    }

    /// Nothing is committed any more.
    pub(super) fn stopped(&self, error: String) {
        self.lock().last_error = Some(error);
    }

    /// The writer lost a message: the next order wakes it again.
    pub(super) fn sleep(&self) {
        self.lock().awake = false;
    }

    /// Whether a row of this call waits or is being committed.
    pub(super) fn has_row_of(&self, call_id: &CallId) -> bool {
        let backlog = self.lock();
        let in_flight = |b: &Arc<Batch>| b.calls.iter().any(|row| row.call_id == *call_id);
        backlog.calls.contains_key(call_id) || backlog.in_flight.as_ref().is_some_and(in_flight)
    }

    /// The batch in flight will be tried again as it is.
    pub(super) fn failed(&self, error: String) {
        let mut backlog = self.lock();
        backlog.retries += 1;
        backlog.last_error = Some(error);
    }

    /// The database refuses the batch in flight for good: smaller batches from now on; a single order that
    /// is refused is given back, out of the backlog.
    pub(super) fn refused(&self, error: String) -> Option<Arc<Batch>> {
        let mut backlog = self.lock();
        backlog.last_error = Some(error);
        let batch = backlog.in_flight.take()?;
        if batch.orders.len() <= 1 {
            return Some(batch);
        }
        backlog.batch_limit = Some((batch.orders.len() / 2).max(1));
        backlog.put_back(&batch);
        None
    }

    pub(super) fn view(&self, id: String, now: UnixMillis) -> WriterView {
        let backlog = self.lock();
        let in_flight = backlog.in_flight.as_deref();
        let oldest = in_flight.and_then(|b| b.orders.first()).or_else(|| backlog.orders.front());
        WriterView {
            id,
            backlog_orders: backlog.orders.len(),
            backlog_bytes: backlog.inline_bytes,
            in_flight_orders: in_flight.map_or(0, |b| b.orders.len()),
            oldest_order_age_ms: oldest.map_or(0, |q| now.since(q.since)),
            commits: backlog.commits,
            rows: backlog.rows,
            retries: backlog.retries,
            last_error: backlog.last_error.clone(),
        }
    }
}

impl Backlog {
    /// Whether what waits fills a batch.
    fn is_full(&self, settings: &WriterSettings) -> bool {
        self.orders.len() >= settings.batch_orders_max || self.body_bytes >= settings.batch_bytes_max
    }

    /// An order waits here from now on.
    fn count(&mut self, order: &WriteOrder) {
        self.inline_bytes += inline_bytes(order);
        self.body_bytes += body_bytes(order);
    }

    /// It does no more.
    fn discount(&mut self, order: &WriteOrder) {
        self.inline_bytes = self.inline_bytes.saturating_sub(inline_bytes(order));
        self.body_bytes = self.body_bytes.saturating_sub(body_bytes(order));
    }

    /// Takes rows of calls out of `writes`; only the newest of each call stays.
    fn keep_call_rows(&mut self, writes: Vec<Write>) -> Vec<Write> {
        let mut others = Vec::with_capacity(writes.len());
        for write in writes {
            match write {
                Write::Call(row) => drop(self.calls.insert(row.call_id.clone(), row)),
                other => others.push(other),
            }
        }
        others
    }

    fn take_batch(&mut self, settings: &WriterSettings) -> Option<Batch> {
        let orders_max = self.batch_limit.unwrap_or(usize::MAX).min(settings.batch_orders_max).max(1);
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.orders.len() < orders_max {
            let next = self.orders.front().map(|q| (body_bytes(&q.order), q.alone));
            let fits = |(n, alone): &(usize, bool)| !alone && bytes + n <= settings.batch_bytes_max;
            let Some((next, alone)) = next.filter(|next| batch.orders.is_empty() || fits(next)) else {
                break;
            };
            bytes += next;
            let Some(queued) = self.orders.pop_front() else { break };
            self.discount(&queued.order);
            if alone {
                batch.orders.push(queued);
                break;
            }
            if let Some(row) = queued.order.call_id.as_ref().and_then(|id| self.calls.remove(id)) {
                batch.calls.push(row);
            }
            batch.orders.push(queued);
        }
        (!batch.orders.is_empty()).then_some(batch)
    }

    fn put_back(&mut self, batch: &Batch) {
        for queued in batch.orders.iter().rev() {
            self.count(&queued.order);
            let Queued { order, since, alone } = queued;
            self.orders.push_front(Queued { order: order.clone(), since: *since, alone: *alone });
        }
        for row in &batch.calls {
            self.calls.entry(row.call_id.clone()).or_insert_with(|| row.clone());
        }
    }

    /// Leaves bodies in the journal when too many wait here.
    fn spill(&mut self, settings: &WriterSettings) {
        if self.inline_bytes <= settings.backlog_inline_bytes_max {
            return;
        }
        let mut orders = std::mem::take(&mut self.orders);
        (self.inline_bytes, self.body_bytes) = (0, 0);
        for queued in &mut orders {
            // A part of an order may carry records that its body did not come with.
            if !queued.alone {
                spill_order(&mut queued.order);
            }
            self.count(&queued.order);
        }
        self.orders = orders;
    }
}

fn spill_order(order: &mut WriteOrder) {
    // Only the body of the one record that the order comes from can be read there again.
    let [position] = order.positions.as_slice() else { return };
    if order.writes.iter().filter(|write| body_of(write).is_some()).count() != 1 {
        return;
    }
    for write in &mut order.writes {
        if let Some(body) = body_mut(write) {
            *body = Body::InJournal(*position);
        }
    }
}

/// The body of a row, where it has one that came with the order's own record.
fn body_mut(write: &mut Write) -> Option<&mut Body> {
    match write {
        Write::Event(row) => Some(&mut row.body),
        Write::PlatformEvent(row) => Some(&mut row.body),
        Write::CalendarEvent(row) => Some(&mut row.body),
        Write::Quarantine(row) => Some(&mut row.body),
        _ => None,
    }
}

fn body_of(write: &Write) -> Option<&Body> {
    match write {
        Write::Event(row) => Some(&row.body),
        Write::PlatformEvent(row) => Some(&row.body),
        Write::CalendarEvent(row) => Some(&row.body),
        Write::Quarantine(row) => Some(&row.body),
        Write::DeadLetter(row) => row.body.as_ref(),
        _ => None,
    }
}

fn inline_bytes(order: &WriteOrder) -> usize {
    order
        .writes
        .iter()
        .filter_map(body_of)
        .map(|b| if let Body::Inline(bytes) = b { bytes.len() } else { 0 })
        .sum()
}

/// Bytes that an order adds to a transaction; a body in the journal counts as a middling one.
fn body_bytes(order: &WriteOrder) -> usize {
    const IN_JOURNAL_BYTES: usize = 16 << 10;
    let size = |b: &Body| if let Body::Inline(bytes) = b { bytes.len() } else { IN_JOURNAL_BYTES };
    order.writes.iter().filter_map(body_of).map(size).sum()
}
