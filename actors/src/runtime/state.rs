//! What the threads of one shard share: its cells, who is next, its timers, its counts. All of it stands
//! behind one lock, so every bound is exact. It decides and counts; it never runs anything of an actor's.
//!
//! How messages enter stands here, how the arbiter takes them in `take`, what becomes of them in `commit`.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use askpro_domain::time::UnixMillis;
use tokio::sync::Notify;

use super::cell::{Cell, Letter, Origin, Presence};
use super::cells::{CellId, Cells};
use super::limits::ms_between;
use super::timers::Timers;
use super::{Actor, Limits, Refused, Scope, Why};

/// How far a shard is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Takes everything.
    Open,
    /// Takes answers of started work only.
    Draining,
    /// Takes nothing; its actors leave.
    Closing,
    /// Empty, for good.
    Closed,
}

/// What becomes due in a shard.
pub(super) enum Due<M> {
    /// A message of an actor to itself.
    Message { cell: CellId, name: &'static str, message: M },
    /// Another try to build an actor.
    Rebuild(CellId),
    /// An actor may work again.
    EndIsolation(CellId),
}

/// What became of a message that was offered.
pub(super) enum Admitted<M> {
    Queued,
    /// There is no such actor, and none was wanted.
    Absent(M),
}

/// What became of a message that comes from inside.
pub(super) enum Delivered<M> {
    Queued,
    /// Its actor is isolated: a dead letter.
    Isolated(M),
    /// The shard is closed.
    Closed(M),
}

/// The shared state of one shard.
pub(super) struct State<A: Actor> {
    pub(super) limits: Arc<Limits>,
    /// Actors of all shards of the registry.
    pub(super) live: Arc<AtomicUsize>,
    /// Started futures of this shard that are not waiting for anything.
    pub(super) active: Arc<AtomicUsize>,
    /// The arbiter that may work here; turns of an earlier one are void. Set under the lock; turns that go on look
    /// at it without.
    pub(super) epoch: Arc<AtomicU64>,
    pub(super) phase: Phase,
    pub(super) cells: Cells<A>,
    /// Cells with messages that can be worked on.
    pub(super) run: VecDeque<CellId>,
    /// Messages taken from the first of them in a row.
    pub(super) burst: usize,
    pub(super) timers: Timers<Due<A::Message>>,
    /// Cells that are loading or wait to be built again.
    pub(super) loading: BTreeSet<CellId>,
    /// The cell that is worked on.
    pub(super) current: Option<CellId>,
    /// False while the arbiter has nothing to do here.
    pub(super) busy: bool,
    /// True if the arbiter must be woken.
    pub(super) asleep: bool,
    pub(super) wake: Arc<Notify>,
    /// Messages from outside that are not yet handled.
    pub(super) admitted: usize,
    /// All messages that are not yet handled.
    pub(super) queued: usize,
    /// Started futures whose answer is not yet there.
    pub(super) working: usize,
    /// Messages in the hands of an arbiter that was replaced.
    pub(super) stranded: usize,
    /// Counts everything that happens; equal numbers say that nothing did.
    pub(super) activity: u64,
    pub(super) next_ticket: u64,
}

impl<A: Actor> State<A> {
    pub(super) fn new(limits: Arc<Limits>, live: Arc<AtomicUsize>, active: Arc<AtomicUsize>) -> Self {
        State {
            limits,
            live,
            active,
            epoch: Arc::default(),
            phase: Phase::Open,
            cells: Cells::new(),
            run: VecDeque::new(),
            burst: 0,
            timers: Timers::new(),
            loading: BTreeSet::new(),
            current: None,
            busy: true,
            asleep: false,
            wake: Arc::new(Notify::new()),
            admitted: 0,
            queued: 0,
            working: 0,
            stranded: 0,
            activity: 0,
            next_ticket: 0,
        }
    }

    /// Takes a message from outside, within all bounds.
    pub(super) fn admit(
        &mut self,
        key: A::Key,
        message: A::Message,
        now: UnixMillis,
        activate: bool,
    ) -> Result<Admitted<A::Message>, Refused<A::Message>> {
        if self.phase != Phase::Open {
            return Err(refused(message, Scope::Draining));
        }
        if self.admitted >= self.limits.shard_queue_max {
            return Err(refused(message, Scope::Shard));
        }
        let id = match self.cells.find(&key) {
            Some(id) => id,
            None if !activate => return Ok(Admitted::Absent(message)),
            None => match self.activate_within_bound(key, now) {
                Some(id) => id,
                None => return Err(refused(message, Scope::Actors)),
            },
        };
        let mailbox_max = self.limits.mailbox_max;
        let Some(cell) = self.cells.get_mut(id) else { return Ok(Admitted::Absent(message)) };
        if let Some(until) = isolated_until(cell, now) {
            let retry_after_ms = ms_between(now, until);
            return Err(Refused { message, scope: Scope::Isolated, retry_after_ms });
        }
        if cell.admitted >= mailbox_max {
            return Err(refused(message, Scope::Mailbox));
        }
        cell.admitted += 1;
        cell.mailbox.push_back(Letter { message, origin: Origin::Outside, failures: 0, queued_at: now });
        self.admitted += 1;
        self.note_queued(id);
        Ok(Admitted::Queued)
    }

    /// Takes the answer of started work; it needs no place within the bounds.
    pub(super) fn deliver(
        &mut self,
        key: &A::Key,
        message: A::Message,
        now: UnixMillis,
    ) -> Delivered<A::Message> {
        if matches!(self.phase, Phase::Closing | Phase::Closed) {
            return Delivered::Closed(message);
        }
        let id = self.find_or_activate(key, now);
        let Some(cell) = self.cells.get_mut(id) else { return Delivered::Closed(message) };
        if isolated_until(cell, now).is_some() {
            return Delivered::Isolated(message);
        }
        cell.mailbox.push_back(Letter { message, origin: Origin::Inside, failures: 0, queued_at: now });
        self.note_queued(id);
        Delivered::Queued
    }

    /// Counts a message that was put into a mailbox, and sees that its actor gets a turn.
    pub(super) fn note_queued(&mut self, id: CellId) {
        self.queued += 1;
        self.activity += 1;
        self.schedule(id);
    }

    /// Puts a cell into the run queue if it has something to do.
    pub(super) fn schedule(&mut self, id: CellId) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        let runnable = matches!(cell.presence, Presence::Ready(_) | Presence::Absent { .. });
        if runnable && !cell.scheduled && !cell.mailbox.is_empty() {
            cell.scheduled = true;
            self.run.push_back(id);
        }
    }

    /// What must be notified so that the arbiter goes on; nothing if it is awake.
    pub(super) fn rouse(&mut self) -> Option<Arc<Notify>> {
        std::mem::take(&mut self.asleep).then(|| self.wake.clone())
    }

    fn activate_within_bound(&mut self, key: A::Key, now: UnixMillis) -> Option<CellId> {
        let max = self.limits.actors_max;
        let more = |live: usize| (live < max).then_some(live + 1);
        self.live.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok()?;
        Some(self.cells.insert(key, now))
    }

    pub(super) fn find_or_activate(&mut self, key: &A::Key, now: UnixMillis) -> CellId {
        self.cells.find(key).unwrap_or_else(|| {
            self.live.fetch_add(1, Ordering::SeqCst);
            self.cells.insert(key.clone(), now)
        })
    }

    /// Takes a cell out of memory. Whatever still hung on it goes to `litter`, to be dropped without the lock.
    pub(super) fn remove(&mut self, id: CellId, litter: &mut Vec<A::Message>) -> Option<Cell<A>> {
        let mut cell = self.cells.remove(id)?;
        self.live.fetch_sub(1, Ordering::SeqCst);
        self.loading.remove(&id);
        self.clear_timers(&mut cell.timers, litter);
        for letter in cell.mailbox.drain(..) {
            self.queued = self.queued.saturating_sub(1);
            if letter.origin == Origin::Outside {
                self.admitted = self.admitted.saturating_sub(1);
            }
            litter.push(letter.message);
        }
        Some(cell)
    }

    pub(super) fn clear_timers(
        &mut self,
        armed: &mut Vec<(&'static str, super::timers::TimerId)>,
        litter: &mut Vec<A::Message>,
    ) {
        for (_, id) in std::mem::take(armed) {
            if let Some(Due::Message { message, .. }) = self.timers.remove(id) {
                litter.push(message);
            }
        }
    }

    /// Whether the arbiter of this epoch is still the one that may work here.
    pub(super) fn is_of(&self, epoch: u64) -> bool {
        self.epoch.load(Ordering::SeqCst) == epoch
    }

    /// Gives the shard to another arbiter. What the old one has in hand is void from now on: that actor is
    /// built anew, its message comes back when the old arbiter wakes up. Gives what wakes the old one.
    pub(super) fn rehome(&mut self, epoch: u64, litter: &mut Vec<A::Message>) -> Arc<Notify> {
        self.epoch.store(epoch, Ordering::SeqCst);
        self.burst = 0;
        self.asleep = false;
        self.busy = true;
        self.activity += 1;
        self.abandon_current(litter);
        for id in self.loading.clone() {
            if let Some(cell) = self.cells.get_mut(id)
                && let Presence::Loading { why, failures, .. } = cell.presence
            {
                cell.presence = Presence::Absent { why, failures };
                self.loading.remove(&id);
                self.schedule(id);
            }
        }
        std::mem::replace(&mut self.wake, Arc::new(Notify::new()))
    }

    fn abandon_current(&mut self, litter: &mut Vec<A::Message>) {
        let Some(id) = self.current.take() else { return };
        let Some(cell) = self.cells.get_mut(id) else { return };
        match cell.presence {
            Presence::InTurn { origin, .. } => {
                cell.presence = Presence::Absent { why: Why::AfterPanic, failures: 0 };
                self.stranded += 1;
                self.finish(id, origin);
                self.schedule(id);
            }
            Presence::Building { why, failures } => {
                cell.presence = Presence::Absent { why, failures };
                self.schedule(id);
            }
            Presence::Leaving => self.release(id, litter),
            _ => {}
        }
    }
}

fn refused<M>(message: M, scope: Scope) -> Refused<M> {
    Refused { message, scope, retry_after_ms: scope.retry_after_ms() }
}

/// Until when a cell is isolated; ends the isolation if that is past.
fn isolated_until<A: Actor>(cell: &mut Cell<A>, now: UnixMillis) -> Option<UnixMillis> {
    let Presence::Isolated { until } = cell.presence else { return None };
    if until > now {
        return Some(until);
    }
    cell.presence = Presence::Absent { why: Why::AfterPanic, failures: 0 };
    None
}
