//! The end of a registry: nothing new, everything that was taken finished, every actor told.

use std::time::Duration;

use tokio::time::Instant;

use super::state::Phase;
use super::system::{Hosted, Load};
use super::{Actor, Registry};

/// How long the actors may take to leave when the deadline has passed.
const LEAVING_GRACE: Duration = Duration::from_secs(1);
/// How often the state is looked at, should a sign be missed.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What a drain could not finish in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Messages that were not handled.
    pub left_queued: usize,
    /// Started work that did not answer.
    pub left_working: usize,
}

impl<A: Actor> Registry<A> {
    /// Takes nothing new from outside, waits (at most `deadline`) until all messages are handled and all
    /// started work has answered, then lets every actor leave. Timers are not waited for. The registry
    /// stays closed. Needs a tokio runtime with time.
    pub async fn drain(&self, deadline: Duration) -> DrainReport {
        let until = Instant::now() + deadline;
        self.set_phase(Phase::Draining);
        self.wait_until(until, |load| load.queued == 0 && load.working == 0 && load.stranded == 0).await;
        let left = self.loads().fold(DrainReport::default(), |left, load| DrainReport {
            left_queued: left.left_queued + load.queued + load.stranded,
            left_working: left.left_working + load.working,
        });
        self.set_phase(Phase::Closing);
        self.wait_until(until.max(Instant::now() + LEAVING_GRACE), |load| load.closed).await;
        left
    }

    fn set_phase(&self, phase: Phase) {
        for shard in self.shards() {
            let now = shard.lock().phase;
            if now != Phase::Closed {
                shard.set_phase(phase);
            }
        }
    }

    fn loads(&self) -> impl Iterator<Item = Load> {
        self.shards().map(|shard| shard.load())
    }

    async fn wait_until(&self, until: Instant, reached: impl Fn(&Load) -> bool) {
        loop {
            let sign = self.inner.pulse.next();
            if self.loads().all(|load| reached(&load)) || Instant::now() >= until {
                return;
            }
            let _ = tokio::time::timeout_at(until.min(Instant::now() + LOOK_AGAIN), sign).await;
        }
    }
}
