//! The bounds of a registry, and what it answers past them.

use askpro_domain::time::UnixMillis;

/// The bounds of one registry. Each holds exactly, whoever offers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Messages from outside that one actor may have waiting or in its turn.
    pub mailbox_max: usize,
    /// Messages from outside that the actors of one shard may have together.
    pub shard_queue_max: usize,
    /// Turns after which a shard lets timers, futures and other registries on its arbiter go on.
    pub turns_before_yield: usize,
    /// Restarts within the window that an actor may take; one more isolates it.
    pub restarts_max: usize,
    /// The window in which restarts are counted.
    pub restart_window_ms: u64,
    /// How long an isolated actor is left alone.
    pub isolation_ms: u64,
    /// Actors of this registry in memory: a million that live, and room for those that are over and leave soon.
    /// Answers to an actor that left are let in beyond it.
    pub actors_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            mailbox_max: 1024,
            shard_queue_max: 65_536,
            turns_before_yield: 64,
            restarts_max: 5,
            restart_window_ms: 10_000,
            isolation_ms: 60_000,
            actors_max: 1_250_000,
        }
    }
}

/// Which bound refused a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The actor has enough to do.
    Mailbox,
    /// The shard has enough to do.
    Shard,
    /// The actor failed too often and is left alone for a while.
    Isolated,
    /// The registry takes nothing new.
    Draining,
    /// There are enough actors in memory.
    Actors,
}

impl Scope {
    pub(crate) const ALL: [Scope; 5] =
        [Scope::Mailbox, Scope::Shard, Scope::Isolated, Scope::Draining, Scope::Actors];

    /// The name metrics and problems use.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Mailbox => "mailbox",
            Scope::Shard => "shard",
            Scope::Isolated => "isolated",
            Scope::Draining => "draining",
            Scope::Actors => "actors",
        }
    }

    pub(super) fn retry_after_ms(self) -> u64 {
        match self {
            Scope::Mailbox => 250,
            Scope::Shard => 500,
            Scope::Isolated | Scope::Draining | Scope::Actors => 1_000,
        }
    }
}

/// A message that was not taken; the caller gets it back.
#[derive(thiserror::Error)]
#[error("refused by the bound `{}`, again in {retry_after_ms} ms", scope.as_str())]
pub struct Refused<M> {
    /// The message, untouched.
    pub message: M,
    /// Which bound refused it.
    pub scope: Scope,
    /// When it is worth trying again.
    pub retry_after_ms: u64,
}

impl<M> std::fmt::Debug for Refused<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refused")
            .field("scope", &self.scope)
            .field("retry_after_ms", &self.retry_after_ms)
            .finish_non_exhaustive()
    }
}

/// `now` and `ms` more.
pub(super) fn later(now: UnixMillis, ms: u64) -> UnixMillis {
    UnixMillis(now.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
}

/// Milliseconds from `from` to `to`, none if that is backwards.
pub(super) fn ms_between(from: UnixMillis, to: UnixMillis) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)
}
