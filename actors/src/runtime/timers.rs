//! The timers of one shard, in the order they are due. Removing is exact, so arming again and again keeps
//! memory flat.

use std::collections::BTreeMap;

use askpro_domain::time::UnixMillis;

/// Finds one timer; unique in its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId {
    at: UnixMillis,
    number: u64,
}

/// Things that become due.
pub(super) struct Timers<T> {
    due: BTreeMap<TimerId, T>,
    next_number: u64,
}

impl<T> Timers<T> {
    pub(super) fn new() -> Self {
        Timers { due: BTreeMap::new(), next_number: 0 }
    }

    pub(super) fn insert(&mut self, at: UnixMillis, what: T) -> TimerId {
        let id = TimerId { at, number: self.next_number };
        self.next_number += 1;
        self.due.insert(id, what);
        id
    }

    pub(super) fn remove(&mut self, id: TimerId) -> Option<T> {
        self.due.remove(&id)
    }

    /// The next one that is due at `now`; those of one moment come in the order they were armed.
    pub(super) fn pop_due(&mut self, now: UnixMillis) -> Option<(TimerId, T)> {
        let first = self.due.first_entry()?;
        (first.key().at <= now).then(|| first.remove_entry())
    }

    pub(super) fn next_due(&self) -> Option<UnixMillis> {
        self.due.first_key_value().map(|(id, _)| id.at)
    }
}
