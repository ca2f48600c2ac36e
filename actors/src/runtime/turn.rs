//! One turn: the state out of its cell, the handler behind the guard, the state back only if it succeeded.

use std::sync::Arc;

use super::cell::{Letter, Origin};
use super::commit::Verdict;
use super::context::Orders;
use super::fence::{self, Fence};
use super::guard::{Fault, drop_guarded, guarded};
use super::limits::ms_between;
use super::observe::{self, Reason};
use super::shard::Shard;
use super::take::{Next, Turn};
use super::{Actor, Context, work};

use askpro_domain::time::UnixMillis;

/// How long a round may take: slow turns must not look like a thread that stands still.
const ROUND_MAX_MS: u64 = 20;

/// What one arbiter needs to work on a shard; used again for every turn.
pub(super) struct Desk<A: Actor> {
    pub(super) epoch: u64,
    fence: Option<Fence>,
    orders: Orders<A>,
    litter: Vec<A::Message>,
}

impl<A: Actor> Desk<A> {
    pub(super) fn new(shard: &Shard<A>, epoch: u64) -> Self {
        let fence = Some(Fence::new(shard.lock().epoch.clone(), epoch));
        Desk { epoch, fence, orders: Orders::new(), litter: Vec::new() }
    }

    fn forget_orders(&mut self) {
        let orders = std::mem::replace(&mut self.orders, Orders::new());
        drop_guarded(orders);
    }

    fn clear_litter(&mut self) {
        if !self.litter.is_empty() {
            for message in self.litter.drain(..) {
                drop_guarded(message);
            }
        }
    }
}

/// How a round of turns ended.
pub(super) enum Round {
    /// There is more to do; others on the arbiter come first.
    More,
    /// There is nothing to do before this time or a wake.
    Rest(Option<UnixMillis>),
    /// This arbiter has nothing to do here any more.
    Over,
}

impl<A: Actor> Shard<A> {
    /// Works until there is nothing to do, or others on the arbiter should have their turn.
    pub(super) fn round(self: &Arc<Self>, desk: &mut Desk<A>) -> Round {
        let began = self.clock.now();
        for _ in 0..self.limits.turns_before_yield.max(1) {
            let now = self.clock.now();
            if ms_between(began, now) > ROUND_MAX_MS {
                break;
            }
            let next = {
                let mut state = self.lock();
                if !state.is_of(desk.epoch) {
                    return Round::Over;
                }
                state.next(now, &mut desk.litter)
            };
            desk.clear_litter();
            match next {
                Next::Turn(turn) => self.turn(turn, now, desk),
                Next::Build(order) => self.build(order, desk.epoch),
                Next::Leave(Some(actor)) => leave(actor),
                Next::Leave(None) | Next::Again => {}
                Next::Rest(next_due) => return Round::Rest(next_due),
                Next::Closed => return Round::Over,
            }
        }
        Round::More
    }

    fn turn(self: &Arc<Self>, turn: Turn<A>, now: UnixMillis, desk: &mut Desk<A>) {
        let Turn { cell, key, mut actor, letter } = turn;
        desk.orders.stop = false;
        let handle = || {
            if let Some(probe) = &self.probe {
                probe(A::KIND, &*key);
            }
            let mut cx = Context { key: &*key, now, orders: &mut desk.orders };
            actor.handle(&letter.message, &mut cx);
        };
        let outcome = fence::before(&mut desk.fence, || guarded(handle));
        if let Err(fault) = outcome {
            drop_guarded(actor);
            desk.forget_orders();
            self.turn_failed(cell, &key, letter, &fault, now, desk);
            return;
        }
        let leaving = {
            let mut state = self.lock();
            if !state.is_of(desk.epoch) {
                drop(state);
                drop_guarded(actor);
                desk.forget_orders();
                self.take_back(&key, letter, "its thread stood still in this turn");
                return;
            }
            state.complete(cell, actor, letter.origin, &mut desk.orders, &mut desk.litter)
        };
        desk.clear_litter();
        drop_guarded(letter.message);
        self.perform(&key, &mut desk.orders);
        if let Some(actor) = leaving {
            leave(actor);
            let mut state = self.lock();
            if state.is_of(desk.epoch) {
                state.release(cell, &mut desk.litter);
            }
        }
    }

    /// Starts the works and runs the effects of a turn that succeeded.
    fn perform(self: &Arc<Self>, key: &Arc<A::Key>, orders: &mut Orders<A>) {
        for started in orders.works.drain(..) {
            work::spawn(self.clone(), key.clone(), started);
        }
        for effect in orders.effects.drain(..) {
            if let Err(fault) = guarded(effect) {
                observe::restart(A::KIND, Reason::Handler);
                tracing::error!(actor.kind = A::KIND, error = %fault.0, "an effect panicked");
            }
        }
        if !orders.timers.is_empty() {
            for order in orders.timers.drain(..) {
                drop_guarded(order);
            }
        }
    }

    fn turn_failed(
        &self,
        cell: super::cells::CellId,
        key: &Arc<A::Key>,
        letter: Letter<A::Message>,
        fault: &Fault,
        now: UnixMillis,
        desk: &mut Desk<A>,
    ) {
        let reason = if letter.origin == Origin::Fired { Reason::Timer } else { Reason::Handler };
        observe::restart(A::KIND, reason);
        let verdict = {
            let mut state = self.lock();
            if !state.is_of(desk.epoch) {
                drop(state);
                return self.take_back(key, letter, &fault.0);
            }
            state.failed(cell, letter, &fault.0, now, &mut desk.litter)
        };
        desk.clear_litter();
        match verdict {
            Verdict::Retry => {}
            Verdict::SetAside(messages) => self.set_aside(key, messages, &fault.0),
            Verdict::Isolated(messages) => {
                tracing::error!(actor.kind = A::KIND, "an actor failed too often and is isolated");
                self.set_aside(key, messages, &fault.0);
            }
        }
    }

    /// This arbiter was replaced in the midst of a turn: the turn is void and its message goes back.
    fn take_back(&self, key: &Arc<A::Key>, letter: Letter<A::Message>, error: &str) {
        observe::restart(A::KIND, Reason::Handler);
        let now = self.clock.now();
        let (dead, wake) = {
            let mut state = self.lock();
            (state.take_back(key, letter, now), state.rouse())
        };
        if let Some(wake) = wake {
            wake.notify_one();
        }
        if let Some(message) = dead {
            self.set_aside(key, vec![message], error);
        }
    }
}

/// Lets an actor go.
fn leave<A: Actor>(mut actor: Box<A>) {
    let stopped = guarded(|| actor.stopping());
    let dropped = guarded(move || drop(actor));
    if let Err(fault) = stopped.and(dropped) {
        observe::restart(A::KIND, Reason::Stopping);
        tracing::error!(actor.kind = A::KIND, error = %fault.0, "an actor panicked while it left");
    }
}
