//! One supervised actor as its shard keeps it: where its state is, what waits for it, what went wrong with it.

use std::collections::VecDeque;
use std::sync::Arc;

use askpro_domain::time::UnixMillis;

use super::limits::{later, ms_between};
use super::timers::TimerId;
use super::{Actor, ActorStatus, Limits, Why};

/// Where a message came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Offered; it holds a place within the bounds.
    Outside,
    /// The answer of started work.
    Inside,
    /// A timer; void once the timer is replaced or taken back.
    Timer(&'static str, TimerId),
    /// A timer whose message reached its turn.
    Fired,
}

/// A message with what its supervision needs.
pub(super) struct Letter<M> {
    pub(super) message: M,
    pub(super) origin: Origin,
    /// How often its turn already failed.
    pub(super) failures: u8,
    pub(super) queued_at: UnixMillis,
}

/// Where the state of an actor is.
pub(super) enum Presence<A> {
    /// Nowhere; the next message has it built.
    Absent { why: Why, failures: u32 },
    /// The factory is at it, in the shard's thread.
    Building { why: Why, failures: u32 },
    /// The factory's future is at it.
    Loading { ticket: u64, why: Why, failures: u32 },
    /// Building failed; it is tried again by a timer.
    Waiting { why: Why, failures: u32 },
    /// Here.
    Ready(Box<A>),
    /// In a turn, with this message.
    InTurn { origin: Origin, queued_at: UnixMillis },
    /// On its way out.
    Leaving,
    /// Failed too often.
    Isolated { until: UnixMillis },
}

/// The faults of one actor.
#[derive(Default)]
pub(super) struct History {
    restarts: u64,
    recent: VecDeque<UnixMillis>,
    last_error: Option<String>,
}

/// One actor in its shard.
pub(super) struct Cell<A: Actor> {
    pub(super) key: Arc<A::Key>,
    pub(super) presence: Presence<A>,
    pub(super) mailbox: VecDeque<Letter<A::Message>>,
    /// Messages from outside that wait or are in their turn.
    pub(super) admitted: usize,
    /// Armed timers, and fired ones whose message still waits.
    pub(super) timers: Vec<(&'static str, TimerId)>,
    /// Whether it stands in the shard's run queue.
    pub(super) scheduled: bool,
    since: UnixMillis,
    history: Option<Box<History>>,
}

impl<A: Actor> Cell<A> {
    pub(super) fn new(key: Arc<A::Key>, now: UnixMillis) -> Self {
        Cell {
            key,
            presence: Presence::Absent { why: Why::First, failures: 0 },
            mailbox: VecDeque::new(),
            admitted: 0,
            timers: Vec::new(),
            scheduled: false,
            since: now,
            history: None,
        }
    }

    /// Whether a timer message is still wanted; the timer is over with this.
    pub(super) fn consume_timer(&mut self, name: &'static str, id: TimerId) -> bool {
        let place = self.timers.iter().position(|&(other, armed)| other == name && armed == id);
        place.map(|place| self.timers.swap_remove(place)).is_some()
    }

    /// Takes the timer `name` off the list.
    pub(super) fn forget_timer(&mut self, name: &'static str) -> Option<TimerId> {
        let place = self.timers.iter().position(|&(other, _)| other == name)?;
        Some(self.timers.swap_remove(place).1)
    }

    /// Counts a restart. True if that was one too many.
    pub(super) fn record_restart(&mut self, error: &str, now: UnixMillis, limits: &Limits) -> bool {
        let history = self.history.get_or_insert_default();
        history.restarts += 1;
        history.last_error = Some(error.to_owned());
        history.recent.retain(|&at| ms_between(at, now) < limits.restart_window_ms);
        history.recent.push_back(now);
        history.recent.len() > limits.restarts_max
    }

    /// Notes why the actor could not be built.
    pub(super) fn record_error(&mut self, error: &str) {
        self.history.get_or_insert_default().last_error = Some(error.to_owned());
    }

    /// Leaves the actor alone until the time given back.
    pub(super) fn isolate(&mut self, now: UnixMillis, limits: &Limits) -> UnixMillis {
        if let Some(history) = &mut self.history {
            history.recent.clear();
        }
        let until = later(now, limits.isolation_ms);
        self.presence = Presence::Isolated { until };
        until
    }

    /// When the oldest message that is not yet handled came.
    pub(super) fn oldest(&self) -> Option<UnixMillis> {
        match &self.presence {
            Presence::InTurn { queued_at, .. } => Some(*queued_at),
            _ => self.mailbox.front().map(|letter| letter.queued_at),
        }
    }

    pub(super) fn status(&self, now: UnixMillis) -> ActorStatus {
        let in_turn = usize::from(matches!(self.presence, Presence::InTurn { .. }));
        let history = self.history.as_deref();
        ActorStatus {
            kind: A::KIND,
            id: self.key.to_string(),
            state: match &self.presence {
                Presence::Ready(_) | Presence::InTurn { .. } | Presence::Leaving => "running",
                Presence::Isolated { .. } => "isolated",
                _ => "loading",
            },
            mailbox_depth: self.mailbox.len() + in_turn,
            oldest_message_age_ms: self.oldest().map_or(0, |at| ms_between(at, now)),
            restarts: history.map_or(0, |history| history.restarts),
            last_error: history.and_then(|history| history.last_error.clone()),
            since: self.since,
        }
    }
}
