//! The one actix actor per shard: it lives in the shard's arbiter and turns the shard's wheel.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext, ActorFutureExt, AsyncContext, WrapFuture};
use askpro_domain::time::UnixMillis;
use tokio::sync::Notify;

use super::Actor;
use super::guard::{drop_guarded, guarded};
use super::limits::ms_between;
use super::shard::Shard;
use super::stepper::step_aside;
use super::system::{Driver, Ground};
use super::turn::{Desk, Round};

/// The longest sleep of a shard that has timers, so that a clock that was set is noticed.
const SLEEP_MAX_MS: u64 = 1_000;

struct ShardActor<A: Actor> {
    shard: Arc<Shard<A>>,
    epoch: u64,
}

impl<A: Actor> actix::Actor for ShardActor<A> {
    type Context = actix::Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = pump(self.shard.clone(), self.epoch).into_actor(self);
        ctx.spawn(work.map(|(), _, ctx| ctx.stop()));
    }
}

/// Starts the actor of a shard on its ground.
pub(super) fn start<A: Actor>(shard: Arc<Shard<A>>, ground: &Ground, epoch: u64) {
    if let Ground::ByHand(stepper) = ground {
        return stepper.spawn(pump(shard, epoch));
    }
    let spawned = ground.run(move || {
        actix::Actor::start(ShardActor { shard, epoch });
    });
    if !spawned {
        tracing::error!(actor.kind = A::KIND, "the arbiter of a shard is gone");
    }
}

async fn pump<A: Actor>(shard: Arc<Shard<A>>, epoch: u64) {
    let mut desk = Desk::new(&shard, epoch);
    loop {
        let round = guarded(|| shard.round(&mut desk)).unwrap_or_else(|fault| {
            tracing::error!(actor.kind = A::KIND, error = %fault.0, "a shard's own code panicked");
            shard.mend(epoch);
            Round::More
        });
        match round {
            Round::More => {
                shard.report();
                give_way(&shard).await;
            }
            Round::Rest(next_due) => {
                shard.report();
                shard.pulse.beat();
                // Replaced since it looked: what wakes the shard is its successor's alone.
                let Some(wake) = shard.wake_of(epoch) else { return };
                rest(&shard, &wake, next_due).await;
            }
            Round::Over => {
                shard.report();
                shard.pulse.beat();
                return;
            }
        }
    }
}

/// Lets others go on. By hand there is no scheduler of tokio that would wake it again.
async fn give_way<A: Actor>(shard: &Shard<A>) {
    match shard.driver {
        Driver::Threads(_) => tokio::task::yield_now().await,
        Driver::ByHand(_) => step_aside().await,
    }
}

async fn rest<A: Actor>(shard: &Shard<A>, wake: &Notify, next_due: Option<UnixMillis>) {
    // By hand, whoever moves the time wakes the shard.
    let timed = next_due.filter(|_| matches!(shard.driver, Driver::Threads(_)));
    let Some(next_due) = timed else { return wake.notified().await };
    let wait_ms = ms_between(shard.clock.now(), next_due).clamp(1, SLEEP_MAX_MS);
    let _ = tokio::time::timeout(Duration::from_millis(wait_ms), wake.notified()).await;
}

impl<A: Actor> Shard<A> {
    /// What wakes the arbiter of this epoch; nothing if another one has the shard. An arbiter that waited for
    /// its successor's sign could take it away, and the shard would stand still.
    fn wake_of(&self, epoch: u64) -> Option<Arc<Notify>> {
        let state = self.lock();
        state.is_of(epoch).then(|| state.wake.clone())
    }

    fn report(&self) {
        let (queued, live) = {
            let state = self.lock();
            (state.queued, state.cells.len())
        };
        self.gauges.report(A::KIND, queued, live);
    }

    /// Gives up the turn that our own code panicked in, so that the shard goes on.
    fn mend(&self, epoch: u64) {
        let mut litter = Vec::new();
        {
            let mut state = self.lock();
            if state.is_of(epoch) {
                let stranded = state.stranded;
                state.rehome(epoch, &mut litter);
                state.stranded = stranded;
            }
        }
        drop_guarded(litter);
    }
}
