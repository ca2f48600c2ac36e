//! One shard of a registry: its shared state behind a lock, and the ways in. It runs no actor's code under
//! the lock, nor drops anything of an actor's there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::guard::{drop_guarded, guarded};
use super::limits::ms_between;
use super::observe::{self, Gauges};
use super::probe::Probe;
use super::state::{Admitted, Delivered, Phase, State};
use super::system::{Driver, Ground, Hosted, Load, Pulse};
use super::{Actor, ActorStatus, Factory, Limits, Refused};
use crate::ports::clock::Clock;

use askpro_domain::time::UnixMillis;

/// One shard of a registry.
pub(super) struct Shard<A: Actor> {
    state: Mutex<State<A>>,
    pub(super) active: Arc<AtomicUsize>,
    pub(super) factory: Arc<dyn Factory<A>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Arc<Limits>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) gauges: Gauges,
    pub(super) probe: Option<Probe>,
    /// What runs the work that its turns start.
    pub(super) driver: Driver,
}

impl<A: Actor> Shard<A> {
    pub(super) fn new(
        factory: Arc<dyn Factory<A>>,
        clock: Arc<dyn Clock>,
        limits: Arc<Limits>,
        live: Arc<AtomicUsize>,
        pulse: Arc<Pulse>,
        probe: Option<Probe>,
        driver: Driver,
    ) -> Self {
        let active = Arc::new(AtomicUsize::new(0));
        let state = Mutex::new(State::new(limits.clone(), live, active.clone()));
        Shard { state, active, factory, clock, limits, pulse, gauges: Gauges::default(), probe, driver }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message from outside; false if its actor is not live and was not to be brought to life.
    pub(super) fn offer(
        &self,
        key: A::Key,
        message: A::Message,
        activate: bool,
    ) -> Result<bool, Refused<A::Message>> {
        let now = self.clock.now();
        let (admitted, wake) = {
            let mut state = self.lock();
            let admitted = state.admit(key, message, now, activate)?;
            (admitted, state.rouse())
        };
        if let Some(wake) = wake {
            wake.notify_one();
        }
        Ok(matches!(admitted, Admitted::Queued))
    }

    /// Takes the answer of started work, or that there is none; the work is over with this.
    pub(super) fn answer(&self, key: &A::Key, message: Option<A::Message>) {
        let now = self.clock.now();
        let (delivered, wake) = {
            let mut state = self.lock();
            state.working = state.working.saturating_sub(1);
            state.activity += 1;
            (message.map(|message| state.deliver(key, message, now)), state.rouse())
        };
        if let Some(wake) = wake {
            wake.notify_one();
        }
        match delivered {
            Some(Delivered::Isolated(message)) => self.set_aside(key, vec![message], "the actor is isolated"),
            Some(Delivered::Closed(message)) => {
                tracing::warn!(actor.kind = A::KIND, "an answer came after the drain and is dropped");
                drop_guarded(message);
            }
            Some(Delivered::Queued) | None => {}
        }
    }

    /// Hands messages to the factory to be kept.
    pub(super) fn set_aside(&self, key: &A::Key, messages: Vec<A::Message>, error: &str) {
        observe::dead_letters(A::KIND, messages.len());
        for message in messages {
            if let Err(fault) = guarded(|| self.factory.dead_letter(key, message, error)) {
                tracing::error!(actor.kind = A::KIND, error = %fault.0, "a dead letter could not be kept");
            }
        }
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        let wake = {
            let mut state = self.lock();
            state.phase = phase;
            state.rouse()
        };
        if let Some(wake) = wake {
            wake.notify_one();
        }
    }

    /// How long the oldest message that is not yet handled is there.
    pub(super) fn oldest_message_age_ms(&self) -> u64 {
        let now = self.clock.now();
        let state = self.lock();
        let waiting = state.run.iter().chain(&state.loading).chain(state.current.as_ref());
        let oldest = waiting.filter_map(|id| state.cells.get(*id)?.oldest()).min();
        oldest.map_or(0, |at| ms_between(at, now))
    }

    pub(super) fn status(&self, key: &A::Key) -> Option<ActorStatus> {
        let now = self.clock.now();
        let state = self.lock();
        state.cells.get(state.cells.find(key)?).map(|cell| cell.status(now))
    }
}

impl<A: Actor> Hosted for Shard<A> {
    fn kind(&self) -> &'static str {
        A::KIND
    }

    fn host(self: Arc<Self>, ground: &Ground, epoch: u64) {
        let mut litter = Vec::new();
        let old = self.lock().rehome(epoch, &mut litter);
        old.notify_one();
        drop_guarded(litter);
        super::pump::start(self, ground, epoch);
    }

    fn wake(&self) {
        let wake = self.lock().rouse();
        if let Some(wake) = wake {
            wake.notify_one();
        }
    }

    fn load(&self) -> Load {
        let now = self.clock.now();
        let state = self.lock();
        let due = state.timers.next_due().is_some_and(|at| at <= now);
        Load {
            live: state.cells.len(),
            queued: state.queued,
            working: state.working,
            stranded: state.stranded,
            moving: state.busy || due || !state.run.is_empty() || self.active.load(Ordering::SeqCst) > 0,
            activity: state.activity,
            closed: state.phase == Phase::Closed,
        }
    }

    fn next_due(&self) -> Option<UnixMillis> {
        self.lock().timers.next_due()
    }
}
