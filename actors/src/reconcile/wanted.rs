//! Calls that wait to be asked for, each once, the more urgent first. Pure.

use std::collections::BTreeMap;

use askpro_domain::ids::CallId;

/// Why a call is asked for, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// It fell silent.
    Silent,
    /// A run found: live here, over there.
    Unended,
    /// A run found: known there, not here.
    Unknown,
    /// A run found: analysed there, not here.
    Unanalyzed,
}

impl Why {
    /// The word for a gap that a run found, in metrics and reports.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Unended => "unended",
            Self::Unknown => "unknown",
            Self::Unanalyzed => "unanalyzed",
        }
    }
}

/// The calls that wait.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    queue: BTreeMap<(Why, u64), CallId>,
    places: BTreeMap<CallId, (Why, u64)>,
    next: u64,
}

impl Wanted {
    /// One more; a call that waits already moves up when it became more urgent. False when there is no room.
    pub(super) fn add(&mut self, call_id: CallId, why: Why, max: usize) -> bool {
        match self.places.get(&call_id) {
            Some((earlier, _)) if *earlier <= why => return true,
            Some(place) => drop(self.queue.remove(place)),
            None if self.places.len() >= max => return false,
            None => {}
        }
        let place = (why, self.next);
        self.next += 1;
        self.queue.insert(place, call_id.clone());
        self.places.insert(call_id, place);
        true
    }

    /// Takes the most urgent.
    pub(super) fn take(&mut self) -> Option<(CallId, Why)> {
        let ((why, _), call_id) = self.queue.pop_first()?;
        self.places.remove(&call_id);
        Some((call_id, why))
    }

    /// How urgent the most urgent is.
    pub(super) fn first(&self) -> Option<Why> {
        self.queue.first_key_value().map(|((why, _), _)| *why)
    }

    /// It needs no asking any more.
    pub(super) fn remove(&mut self, call_id: &CallId) {
        if let Some(place) = self.places.remove(call_id) {
            self.queue.remove(&place);
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(call: &str) -> CallId {
        CallId::parse(call).unwrap()
    }

    #[test]
    fn the_urgent_go_first_each_once_and_within_the_bound() {
        let mut wanted = Wanted::default();
        let wishes = [("a", Why::Unanalyzed), ("b", Why::Unknown), ("c", Why::Silent), ("d", Why::Silent)];
        for (call, why) in wishes {
            assert!(wanted.add(id(call), why, 4));
        }
        assert!(!wanted.add(id("e"), Why::Silent, 4), "no room");
        assert!(wanted.add(id("a"), Why::Silent, 4), "more urgent than before");
        assert!(wanted.add(id("c"), Why::Unknown, 4), "already more urgent");
        wanted.remove(&id("d"));
        assert_eq!((wanted.len(), wanted.first()), (3, Some(Why::Silent)));
        let order: Vec<_> = std::iter::from_fn(|| wanted.take()).collect();
        assert_eq!(order, [(id("c"), Why::Silent), (id("a"), Why::Silent), (id("b"), Why::Unknown)]);
        assert_eq!((wanted.len(), wanted.first()), (0, None));
    }
}
