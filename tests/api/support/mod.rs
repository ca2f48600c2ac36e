//! What the tests share: services to talk to, a voice to talk with, eyes on the database.

pub mod calcom;
pub mod database;
pub mod days;
pub mod program;
pub mod raw;
pub mod retell;
pub mod schema;
pub mod service;

use std::time::{Duration, Instant};

/// How often a condition is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Long enough for a busy machine; a condition that holds is seen within milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `look` gives something.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look).await
}

/// Waits at most `limit` until `look` gives something.
pub async fn within<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
