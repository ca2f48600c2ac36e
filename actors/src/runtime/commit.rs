//! What becomes of a message after its turn, and of an actor after it was built.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use askpro_domain::time::UnixMillis;

use super::cell::{Letter, Origin, Presence};
use super::cells::CellId;
use super::context::{Orders, TimerOrder};
use super::limits::later;
use super::state::{Due, Phase, State};
use super::{Actor, Why};

/// The first pause after a failed build; it doubles.
const REBUILD_FIRST_MS: u64 = 100;
/// The longest pause after a failed build.
const REBUILD_MAX_MS: u64 = 5_000;

/// What the fault of a turn leads to.
pub(super) enum Verdict<M> {
    /// The message is tried once more, on a rebuilt actor.
    Retry,
    /// These messages are set aside.
    SetAside(Vec<M>),
    /// These messages are set aside, and the actor is left alone.
    Isolated(Vec<M>),
}

impl<A: Actor> State<A> {
    /// Puts the state back after a turn that succeeded and performs what is ours of its orders: timers and
    /// counts. Gives the actor back if it leaves; then [`State::release`] must follow.
    pub(super) fn complete(
        &mut self,
        id: CellId,
        actor: Box<A>,
        origin: Origin,
        orders: &mut Orders<A>,
        litter: &mut Vec<A::Message>,
    ) -> Option<Box<A>> {
        self.working += orders.works.len();
        if !orders.works.is_empty() {
            self.active.fetch_add(orders.works.len(), Ordering::SeqCst);
        }
        self.finish(id, origin);
        if !orders.timers.is_empty() {
            self.set_timers(id, orders, litter);
        }
        let Some(cell) = self.cells.get_mut(id) else { return Some(actor) };
        if orders.stop {
            cell.presence = Presence::Leaving;
            self.end_timers(id, litter);
            return Some(actor);
        }
        cell.presence = Presence::Ready(actor);
        if cell.mailbox.is_empty() {
            cell.mailbox = VecDeque::new();
        }
        self.schedule(id);
        None
    }

    fn set_timers(&mut self, id: CellId, orders: &mut Orders<A>, litter: &mut Vec<A::Message>) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        for order in orders.timers.drain(..) {
            let (TimerOrder::Arm { name, .. } | TimerOrder::Disarm { name }) = order;
            if let Some(old) = cell.forget_timer(name)
                && let Some(Due::Message { message, .. }) = self.timers.remove(old)
            {
                litter.push(message);
            }
            if let TimerOrder::Arm { name, at, message } = order {
                let timer = self.timers.insert(at, Due::Message { cell: id, name, message });
                cell.timers.push((name, timer));
            }
        }
    }

    /// Takes back all timers of an actor, also those whose message already waits: else that message alone
    /// would have the actor built again.
    fn end_timers(&mut self, id: CellId, litter: &mut Vec<A::Message>) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        let mut armed = std::mem::take(&mut cell.timers);
        let rang = |letter: &Letter<A::Message>| matches!(letter.origin, Origin::Timer(..));
        if cell.mailbox.iter().any(rang) {
            let (void, kept) = std::mem::take(&mut cell.mailbox).into_iter().partition(rang);
            cell.mailbox = kept;
            let void: VecDeque<Letter<A::Message>> = void;
            self.queued = self.queued.saturating_sub(void.len());
            litter.extend(void.into_iter().map(|letter| letter.message));
        }
        self.clear_timers(&mut armed, litter);
    }

    /// Counts a message as handled and gives its place free.
    pub(super) fn finish(&mut self, id: CellId, origin: Origin) {
        self.queued = self.queued.saturating_sub(1);
        if origin == Origin::Outside {
            self.admitted = self.admitted.saturating_sub(1);
            if let Some(cell) = self.cells.get_mut(id) {
                cell.admitted = cell.admitted.saturating_sub(1);
            }
        }
    }

    /// Ends the leaving of an actor: its cell goes, unless messages came meanwhile.
    pub(super) fn release(&mut self, id: CellId, litter: &mut Vec<A::Message>) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        if cell.mailbox.is_empty() {
            self.remove(id, litter);
            return;
        }
        cell.presence = Presence::Absent { why: Why::First, failures: 0 };
        self.schedule(id);
    }

    /// Decides about a message whose turn panicked. The state of its actor is gone.
    pub(super) fn failed(
        &mut self,
        id: CellId,
        mut letter: Letter<A::Message>,
        error: &str,
        now: UnixMillis,
        litter: &mut Vec<A::Message>,
    ) -> Verdict<A::Message> {
        let limits = self.limits.clone();
        let Some(cell) = self.cells.get_mut(id) else { return Verdict::SetAside(vec![letter.message]) };
        if cell.record_restart(error, now, &limits) {
            let until = cell.isolate(now, &limits);
            return Verdict::Isolated(self.isolate(id, letter, until, litter));
        }
        cell.presence = Presence::Absent { why: Why::AfterPanic, failures: 0 };
        letter.failures = letter.failures.saturating_add(1);
        let retry = letter.failures < 2;
        let verdict = if retry {
            cell.mailbox.push_front(letter);
            Verdict::Retry
        } else {
            self.finish(id, letter.origin);
            Verdict::SetAside(vec![letter.message])
        };
        self.schedule(id);
        verdict
    }

    /// Empties the mailbox of an isolated actor; messages of timers come again when it is over.
    fn isolate(
        &mut self,
        id: CellId,
        letter: Letter<A::Message>,
        until: UnixMillis,
        litter: &mut Vec<A::Message>,
    ) -> Vec<A::Message> {
        self.timers.insert(until, Due::EndIsolation(id));
        self.finish(id, letter.origin);
        let mut dead = vec![letter.message];
        let Some(cell) = self.cells.get_mut(id) else { return dead };
        for letter in std::mem::take(&mut cell.mailbox) {
            self.finish(id, letter.origin);
            let Some(cell) = self.cells.get_mut(id) else { return dead };
            match letter.origin {
                Origin::Timer(name, timer) if cell.consume_timer(name, timer) => {
                    let due = Due::Message { cell: id, name, message: letter.message };
                    cell.timers.push((name, self.timers.insert(until, due)));
                }
                Origin::Timer(..) => litter.push(letter.message),
                _ => dead.push(letter.message),
            }
        }
        dead
    }

    /// Takes a message back from an arbiter that was replaced while it handled it. Gives it back if it is to
    /// be set aside.
    pub(super) fn take_back(
        &mut self,
        key: &A::Key,
        mut letter: Letter<A::Message>,
        now: UnixMillis,
    ) -> Option<A::Message> {
        self.stranded = self.stranded.saturating_sub(1);
        letter.failures = letter.failures.saturating_add(1);
        letter.origin = Origin::Inside;
        if letter.failures >= 2 || matches!(self.phase, Phase::Closing | Phase::Closed) {
            return Some(letter.message);
        }
        let id = self.find_or_activate(key, now);
        let cell = self.cells.get_mut(id).filter(|cell| !matches!(cell.presence, Presence::Isolated { .. }));
        let Some(cell) = cell else { return Some(letter.message) };
        cell.mailbox.push_front(letter);
        self.note_queued(id);
        None
    }

    /// Notes that an actor is being loaded; the answer must carry the ticket.
    pub(super) fn loading(&mut self, id: CellId, why: Why, failures: u32) -> u64 {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        if let Some(cell) = self.cells.get_mut(id) {
            cell.presence = Presence::Loading { ticket, why, failures };
            self.loading.insert(id);
        }
        self.active.fetch_add(1, Ordering::SeqCst);
        ticket
    }

    /// Puts an actor that was built into its cell.
    pub(super) fn built(&mut self, id: CellId, actor: Box<A>) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        cell.presence = Presence::Ready(actor);
        self.loading.remove(&id);
        self.activity += 1;
        self.schedule(id);
    }

    /// Notes that an actor could not be built, and when it is tried again.
    pub(super) fn not_built(&mut self, id: CellId, why: Why, failures: u32, error: &str, now: UnixMillis) {
        let Some(cell) = self.cells.get_mut(id) else { return };
        cell.record_error(error);
        cell.presence = Presence::Waiting { why, failures: failures.saturating_add(1) };
        self.loading.insert(id);
        self.activity += 1;
        let pause = REBUILD_FIRST_MS.saturating_mul(1 << failures.min(10)).min(REBUILD_MAX_MS);
        self.timers.insert(later(now, pause), Due::Rebuild(id));
    }

    /// The cell of a loading actor, if the ticket is still the valid one.
    pub(super) fn is_loading(&self, id: CellId, ticket: u64) -> Option<(Why, u32)> {
        match self.cells.get(id)?.presence {
            Presence::Loading { ticket: valid, why, failures } if valid == ticket => Some((why, failures)),
            _ => None,
        }
    }
}
