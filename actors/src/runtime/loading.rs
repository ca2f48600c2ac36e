//! Building actors: at once, or by a future that the messages wait for.

use std::sync::Arc;

use super::cells::CellId;
use super::guard::{Fault, drop_guarded, guarded};
use super::observe::{self, Reason};
use super::shard::Shard;
use super::take::Order;
use super::work::{self, guarded_future};
use super::{Actor, Build, BuildError, Loading};

impl<A: Actor> Shard<A> {
    /// Has the factory build an actor.
    pub(super) fn build(self: &Arc<Self>, order: Order<A>, epoch: u64) {
        match guarded(|| self.factory.build(&order.key, order.why)) {
            Ok(Build::Ready(actor)) => self.build_ready(order.cell, Box::new(actor), epoch),
            Ok(Build::Loading(future)) => self.build_later(&order, future, epoch),
            Err(fault) => self.build_failed(&order, &fault, epoch),
        }
    }

    fn build_ready(&self, cell: CellId, actor: Box<A>, epoch: u64) {
        let mut state = self.lock();
        if state.is_of(epoch) {
            state.built(cell, actor);
        } else {
            drop(state);
            drop_guarded(actor);
        }
    }

    fn build_later(self: &Arc<Self>, order: &Order<A>, future: Loading<A>, epoch: u64) {
        let ticket = {
            let mut state = self.lock();
            if !state.is_of(epoch) {
                drop(state);
                return drop_guarded(future);
            }
            state.loading(order.cell, order.why, order.failures)
        };
        let shard = self.clone();
        let cell = order.cell;
        work::spawn_tracked(self, async move {
            let outcome = guarded_future(future).await;
            shard.loaded(cell, ticket, outcome);
        });
    }

    fn build_failed(&self, order: &Order<A>, fault: &Fault, epoch: u64) {
        let now = self.clock.now();
        observe::restart(A::KIND, Reason::Build);
        let mut state = self.lock();
        if state.is_of(epoch) {
            state.not_built(order.cell, order.why, order.failures, &fault.0, now);
        }
    }

    /// Takes what a loading future brought, unless another one was sent for meanwhile.
    fn loaded(&self, cell: CellId, ticket: u64, outcome: Result<Result<A, BuildError>, Fault>) {
        let outcome = match outcome {
            Ok(Ok(actor)) => Ok(Box::new(actor)),
            Ok(Err(error)) => Err(error.0),
            Err(fault) => Err(fault.0),
        };
        if outcome.is_err() {
            observe::restart(A::KIND, Reason::Build);
        }
        let now = self.clock.now();
        let (unwanted, wake) = {
            let mut state = self.lock();
            let unwanted = match (state.is_loading(cell, ticket), outcome) {
                (Some(_), Ok(actor)) => {
                    state.built(cell, actor);
                    None
                }
                (Some((why, failures)), Err(error)) => {
                    state.not_built(cell, why, failures, &error, now);
                    None
                }
                (None, Ok(actor)) => Some(actor),
                (None, Err(_)) => None,
            };
            (unwanted, state.rouse())
        };
        drop_guarded(unwanted);
        if let Some(wake) = wake {
            wake.notify_one();
        }
    }
}
