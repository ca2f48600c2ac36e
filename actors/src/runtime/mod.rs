//! Supervised actors over actix: mailboxes with real bounds, panics that cost one message, timers on one
//! wheel per shard, passivation, drain, and a test universe with its own time.
//!
//! It is the only place that imports actix, and it must not know what the actors are about.
//!
//! # How it hangs together
//!
//! [`Runtime`] owns one arbiter thread per shard. A [`Registry`] spreads the actors of one kind over these
//! shards by the hash of their keys. The actors of a shard are *cells* in a plain map: the state of each, its
//! queue, its timers and its record of faults. The map stands in a `shard` that is shared between the
//! threads that offer messages and the arbiter that takes them, so an offer is one lock and one push, and
//! nothing that is queued depends on the life of a thread. One actix actor per shard (`pump`) takes the
//! messages one by one: at most 16 of one actor before the next, and a pause for everybody else on the
//! arbiter after [`Limits::turns_before_yield`].
//!
//! A turn (`turn`) takes the state out of its cell, runs the handler behind `catch_unwind`, and puts the
//! state back only if it succeeded. What the handler asked for by its [`Context`] is performed after that, so
//! a message that is tried twice has one effect. What must be written at once passes the [`fence`].

mod actor;
mod cell;
mod cells;
mod commit;
mod context;
mod dice;
mod drain;
pub mod fence;
mod guard;
mod limits;
mod loading;
mod monitor;
mod observe;
mod peer;
mod probe;
mod pump;
mod registry;
mod reply;
mod shard;
mod state;
mod status;
mod stepper;
mod system;
mod take;
mod timers;
mod turn;
pub mod universe;
mod work;

#[cfg(test)]
mod tests;

pub use actor::{Actor, Build, BuildError, Factory, Loading, Why};
pub use context::Context;
pub use dice::Dice;
pub use drain::DrainReport;
pub use limits::{Limits, Refused, Scope};
pub use monitor::Heartbeat;
pub use peer::Peers;
pub use probe::Probe;
pub use registry::Registry;
pub use reply::{Reply, ReplyFuture, Unanswered};
pub use status::ActorStatus;
pub use system::Runtime;
