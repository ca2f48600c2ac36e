//! What an actor is and who builds it. It knows nothing of queues and threads.

use std::fmt;
use std::hash::Hash;
use std::pin::Pin;

use super::Context;

/// The state of one actor, and what it does with a message.
pub trait Actor: Sized + Send + 'static {
    /// What kind of actor it is, as metrics, logs and the admin page call it; a closed set.
    const KIND: &'static str;
    /// What finds the actor.
    type Key: Clone + Ord + Hash + fmt::Display + Send + Sync + 'static;
    /// What it can be told.
    type Message: Send + 'static;

    /// One turn. The message comes by reference, so that it can be tried again on a rebuilt actor after a
    /// panic. Everything asked of `cx` is performed only when the turn returns.
    fn handle(&mut self, message: &Self::Message, cx: &mut Context<'_, Self>);

    /// Called when the actor leaves memory, by passivation or drain. A panic here costs nothing else.
    fn stopping(&mut self) {}
}

/// Why an actor is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was not in memory.
    First,
    /// Its state was given up: a turn panicked, or its thread stood still in the midst of one.
    AfterPanic,
}

/// An actor that is still being read from somewhere.
pub type Loading<A> = Pin<Box<dyn Future<Output = Result<A, BuildError>> + Send>>;

/// What a factory answers.
pub enum Build<A> {
    /// The actor.
    Ready(A),
    /// The actor comes later; its messages wait meanwhile. The future runs on the process's runtime. An error
    /// (or a panic) is tried again after 100 ms, doubling to 5 s, for as long as it takes.
    Loading(Loading<A>),
}

/// Why an actor could not be built; shown in its status, so it must not name persons.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

/// Builds the actors of one kind from what is durable, and keeps what they could not handle.
pub trait Factory<A: Actor>: Send + Sync + 'static {
    /// The actor of `key`, from its last durable state. Runs in the shard's thread: what takes time belongs
    /// into [`Build::Loading`].
    fn build(&self, key: &A::Key, why: Why) -> Build<A>;

    /// Sets aside, durably, a message that panicked twice or whose actor is isolated. `error` names the place
    /// of the panic and never the content of a message.
    fn dead_letter(&self, key: &A::Key, message: A::Message, error: &str);
}
