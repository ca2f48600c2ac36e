//! What the arbiter of a shard does next: due timers first, then the cells in turn.

use std::sync::Arc;

use askpro_domain::time::UnixMillis;

use super::cell::{Cell, Letter, Origin, Presence};
use super::cells::CellId;
use super::state::{Due, Phase, State};
use super::{Actor, Why};

/// Messages taken from one actor before the next one has its turn.
pub(super) const BURST_MAX: usize = 16;
/// Timers fired in one go, so that the lock is never held for long.
const FIRED_MAX: usize = 256;

/// One message with the state that is to handle it.
pub(super) struct Turn<A: Actor> {
    pub(super) cell: CellId,
    pub(super) key: Arc<A::Key>,
    pub(super) actor: Box<A>,
    pub(super) letter: Letter<A::Message>,
}

/// One actor that is to be built.
pub(super) struct Order<A: Actor> {
    pub(super) cell: CellId,
    pub(super) key: Arc<A::Key>,
    pub(super) why: Why,
    pub(super) failures: u32,
}

/// The next thing to do.
pub(super) enum Next<A: Actor> {
    Turn(Turn<A>),
    Build(Order<A>),
    /// An actor leaves because the shard closes.
    Leave(Option<Box<A>>),
    /// A message was void; there may be more.
    Again,
    /// Nothing, until a message comes or a timer is due.
    Rest(Option<UnixMillis>),
    Closed,
}

impl<A: Actor> State<A> {
    /// Takes what is next. What is void goes to `litter`, to be dropped without the lock.
    pub(super) fn next(&mut self, now: UnixMillis, litter: &mut Vec<A::Message>) -> Next<A> {
        self.current = None;
        match self.phase {
            Phase::Open | Phase::Draining => {}
            Phase::Closing => return self.next_leaving(litter),
            Phase::Closed => return Next::Closed,
        }
        self.fire_due(now, litter);
        while let Some(&id) = self.run.front() {
            let taken = self.cells.get_mut(id).and_then(|cell| cell.take(id));
            self.rotate(id);
            if let Some(next) = taken {
                self.busy = true;
                self.activity += 1;
                self.current = Some(id);
                return self.without_void(next, litter);
            }
        }
        self.busy = false;
        self.asleep = true;
        Next::Rest(self.timers.next_due())
    }

    /// Lets a replaced timer's message fall.
    fn without_void(&mut self, next: Next<A>, litter: &mut Vec<A::Message>) -> Next<A> {
        let Next::Turn(mut turn) = next else { return next };
        let Origin::Timer(name, timer) = turn.letter.origin else { return Next::Turn(turn) };
        let wanted = self.cells.get_mut(turn.cell).is_some_and(|cell| cell.consume_timer(name, timer));
        if wanted {
            turn.letter.origin = Origin::Fired;
            return Next::Turn(turn);
        }
        self.finish(turn.cell, turn.letter.origin);
        if let Some(cell) = self.cells.get_mut(turn.cell) {
            cell.presence = Presence::Ready(turn.actor);
        }
        self.schedule(turn.cell);
        litter.push(turn.letter.message);
        Next::Again
    }

    /// Moves the first of the run queue on: away if it has nothing to do, to the back if it had its share.
    fn rotate(&mut self, id: CellId) {
        self.burst += 1;
        let more = self.cells.get_mut(id).is_some_and(|cell| {
            cell.scheduled = !cell.mailbox.is_empty() && cell.will_be_runnable();
            cell.scheduled
        });
        if more && self.burst < BURST_MAX {
            return;
        }
        self.burst = 0;
        self.run.pop_front();
        if more {
            self.run.push_back(id);
        }
    }

    fn next_leaving(&mut self, litter: &mut Vec<A::Message>) -> Next<A> {
        let Some(id) = self.cells.first() else {
            self.phase = Phase::Closed;
            self.busy = false;
            // What is left belongs to cells that are gone, and holds no messages.
            self.timers = super::timers::Timers::new();
            return Next::Closed;
        };
        self.busy = true;
        self.activity += 1;
        match self.remove(id, litter).map(|cell| cell.presence) {
            Some(Presence::Ready(actor)) => Next::Leave(Some(actor)),
            _ => Next::Leave(None),
        }
    }

    /// Puts the messages of due timers into their mailboxes.
    fn fire_due(&mut self, now: UnixMillis, litter: &mut Vec<A::Message>) {
        for _ in 0..FIRED_MAX {
            let Some((timer, due)) = self.timers.pop_due(now) else { return };
            match due {
                Due::Message { cell: id, name, message } => {
                    let Some(cell) = self.cells.get_mut(id) else {
                        litter.push(message);
                        continue;
                    };
                    if let Presence::Isolated { until } = cell.presence
                        && until > now
                    {
                        cell.forget_timer(name);
                        let later = self.timers.insert(until, Due::Message { cell: id, name, message });
                        cell.timers.push((name, later));
                        continue;
                    }
                    let origin = Origin::Timer(name, timer);
                    cell.mailbox.push_back(Letter { message, origin, failures: 0, queued_at: now });
                    self.note_queued(id);
                }
                Due::Rebuild(id) => self.build_again(id),
                Due::EndIsolation(id) => self.end_isolation(id, now, litter),
            }
        }
    }

    fn build_again(&mut self, id: CellId) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        if let Presence::Waiting { why, failures } = cell.presence {
            cell.presence = Presence::Absent { why, failures };
            self.loading.remove(&id);
            self.schedule(id);
        }
    }

    fn end_isolation(&mut self, id: CellId, now: UnixMillis, litter: &mut Vec<A::Message>) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        let Presence::Isolated { until } = cell.presence else { return };
        if until > now {
            return;
        }
        cell.presence = Presence::Absent { why: Why::AfterPanic, failures: 0 };
        if cell.mailbox.is_empty() && cell.timers.is_empty() {
            self.remove(id, litter);
        }
    }
}

impl<A: Actor> Cell<A> {
    /// What there is to do for this cell; nothing while its state is elsewhere.
    fn take(&mut self, id: CellId) -> Option<Next<A>> {
        if self.mailbox.is_empty() {
            return None;
        }
        if let Presence::Absent { why, failures } = self.presence {
            self.presence = Presence::Building { why, failures };
            return Some(Next::Build(Order { cell: id, key: self.key.clone(), why, failures }));
        }
        if !matches!(self.presence, Presence::Ready(_)) {
            return None;
        }
        let letter = self.mailbox.pop_front()?;
        let in_turn = Presence::InTurn { origin: letter.origin, queued_at: letter.queued_at };
        let Presence::Ready(actor) = std::mem::replace(&mut self.presence, in_turn) else { return None };
        Some(Next::Turn(Turn { cell: id, key: self.key.clone(), actor, letter }))
    }

    /// Whether it may stay in the run queue: it can be worked on as soon as the present step is over.
    fn will_be_runnable(&self) -> bool {
        matches!(
            self.presence,
            Presence::Ready(_)
                | Presence::Absent { .. }
                | Presence::InTurn { .. }
                | Presence::Building { .. }
        )
    }
}
