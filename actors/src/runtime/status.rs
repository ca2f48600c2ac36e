//! What every actor tells about itself, the same to the admin page, the metrics and the tests.

use askpro_domain::time::UnixMillis;
use serde::Serialize;

/// One actor as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActorStatus {
    /// The kind of actor.
    pub kind: &'static str,
    /// Its key, written out.
    pub id: String,
    /// `running`, `loading` (its state is being built, or will be for the next message) or `isolated`.
    pub state: &'static str,
    /// Messages that wait or are in their turn.
    pub mailbox_depth: usize,
    /// How long the oldest of them is there.
    pub oldest_message_age_ms: u64,
    /// Restarts since it is in memory.
    pub restarts: u64,
    /// The last fault: a place in the code, or why it could not be built. Never the content of a message.
    pub last_error: Option<String>,
    /// Since when it is in memory.
    pub since: UnixMillis,
}
