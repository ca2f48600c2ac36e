//! Asks actors that are in memory, with a deadline; one that does not answer in time is left out.

use std::time::Duration;

use askpro_actors::runtime::{Actor, Registry, Reply};
use futures_util::future::join_all;

/// How long an admin waits for an actor.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// What each of these actors answers, in order; those that left or did not answer in time give nothing.
pub(super) async fn ask_all<A: Actor, T>(
    registry: &Registry<A>,
    keys: Vec<A::Key>,
    question: impl Fn(Reply<T>) -> A::Message,
) -> Vec<(A::Key, Option<T>)> {
    let asked = keys.into_iter().map(|key| {
        let (reply, answer) = Reply::new();
        // Never brings an actor to life: who is not in memory has nothing to say that the store does not know.
        let taken = registry.offer_if_live(key.clone(), question(reply)).unwrap_or(false);
        async move {
            let answer = if taken { tokio::time::timeout(ANSWER_WITHIN, answer).await.ok() } else { None };
            (key, answer.and_then(Result::ok))
        }
    });
    join_all(asked).await
}

/// What one actor answers, if it is in memory and answers in time.
pub(super) async fn ask_one<A: Actor, T>(
    registry: &Registry<A>,
    key: A::Key,
    question: impl Fn(Reply<T>) -> A::Message,
) -> Option<T> {
    ask_all(registry, vec![key], question).await.pop().and_then(|(_, answer)| answer)
}
