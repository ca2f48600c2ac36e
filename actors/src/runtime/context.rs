//! What a turn may ask for. Orders are only collected here; the shard performs them when the turn succeeded.

use std::pin::Pin;

use askpro_domain::time::UnixMillis;

use super::Actor;
use super::reply::Reply;

/// The world as one turn sees it. All orders are buffered, and forgotten if the turn panics.
pub struct Context<'a, A: Actor> {
    pub(super) key: &'a A::Key,
    pub(super) now: UnixMillis,
    pub(super) orders: &'a mut Orders<A>,
}

impl<A: Actor> Context<'_, A> {
    /// When this turn began.
    pub fn now(&self) -> UnixMillis {
        self.now
    }

    /// Whose turn it is.
    pub fn key(&self) -> &A::Key {
        self.key
    }

    /// Sends `message` to this actor at `at` (at once if that is past). Replaces its timer of the same name,
    /// even one that fired and still waits in the queue. Timers outlive a panic; they end with the actor.
    pub fn arm(&mut self, name: &'static str, at: UnixMillis, message: A::Message) {
        self.orders.timers.push(TimerOrder::Arm { name, at, message });
    }

    /// Takes back the timer `name`; its message will not come any more.
    pub fn disarm(&mut self, name: &'static str) {
        self.orders.timers.push(TimerOrder::Disarm { name });
    }

    /// Starts work outside the turn, on the process's runtime. Its output comes back as a message to this
    /// actor, for which it is built again if it left meanwhile; if the work panics, `on_panic()` comes
    /// instead. It has no deadline but its own.
    pub fn start(
        &mut self,
        future: impl Future<Output = A::Message> + Send + 'static,
        on_panic: impl FnOnce() -> A::Message + Send + 'static,
    ) {
        self.orders.works.push(Work { future: Box::pin(future), on_panic: Box::new(on_panic) });
    }

    /// Runs `effect` in the shard's thread after the turn succeeded, in order. It must not block.
    pub fn effect(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.orders.effects.push(Box::new(effect));
    }

    /// Answers a question when the turn has succeeded.
    pub fn answer<T: Send + 'static>(&mut self, reply: &Reply<T>, answer: T) {
        let reply = reply.clone();
        self.effect(move || {
            // Whoever asked may have gone; that is theirs to notice.
            let _ = reply.send(answer);
        });
    }

    /// Leaves memory when this turn ends. Messages that are still queued go to an actor built anew.
    pub fn stop(&mut self) {
        self.orders.stop = true;
    }
}

pub(super) enum TimerOrder<M> {
    Arm { name: &'static str, at: UnixMillis, message: M },
    Disarm { name: &'static str },
}

/// Work that answers with a message.
pub(super) struct Work<M> {
    pub(super) future: Pin<Box<dyn Future<Output = M> + Send>>,
    pub(super) on_panic: Box<dyn FnOnce() -> M + Send>,
}

/// What one turn asked for. One buffer per shard, used again for every turn.
pub(super) struct Orders<A: Actor> {
    pub(super) timers: Vec<TimerOrder<A::Message>>,
    pub(super) works: Vec<Work<A::Message>>,
    pub(super) effects: Vec<Box<dyn FnOnce() + Send>>,
    pub(super) stop: bool,
}

impl<A: Actor> Orders<A> {
    pub(super) fn new() -> Self {
        Orders { timers: Vec::new(), works: Vec::new(), effects: Vec::new(), stop: false }
    }
}
