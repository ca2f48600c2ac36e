//! Refusals that are told late, so that whoever presses comes back later.
//!
//! Refusing costs half of what taking costs. A crowd that sends its next transcript as soon as the last one was refused
//! keeps a thread as busy as one that is let in, and what is let in waits for its turn among all that is refused. Nobody
//! waits for the answer to an event: the next transcript carries its words again, and everything else Retell sends again.
//! So the refusal of an event is held for [`HELD_FOR_MS`], in which its connection brings nothing else, and what comes in
//! bursts is not refused in bursts. It costs a timer, and no room for its body, which is gone.

use std::{ops::RangeInclusive, time::Duration};

use crate::usecases::{Door, Services};

/// How long a refusal is held, in ms: not all as long, or those that were refused together come back together. Retell
/// waits for ten seconds.
const HELD_FOR_MS: RangeInclusive<u64> = 250..=750;

/// The part of all connections that may wait for a refusal: the others are for what is answered at once.
const OF_CONNECTIONS: usize = 4;

/// How many refusals are held at once, at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    held_max: usize,
}

impl Patience {
    /// Of a server with so many connections.
    pub(super) const fn of(connections_max: usize) -> Self {
        Self { held_max: connections_max / OF_CONNECTIONS }
    }

    /// Holds a refusal for [`HELD_FOR_MS`], and never longer than requests are taken. Not at all while too many are held.
    pub(super) async fn hold_back(self, door: &Door, services: &Services) {
        let Some(_held) = services.traffic.hold_refusal(self.held_max) else { return };
        let held_for = Duration::from_millis(rand::random_range(HELD_FOR_MS));
        tokio::select! {
            () = tokio::time::sleep(held_for) => {}
            () = door.closes() => {}
        }
    }
}
