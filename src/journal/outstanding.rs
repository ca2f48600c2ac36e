//! Which records still wait for their commit. Knows positions and nothing else.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::record::Position;

/// The positions that were appended (or adopted) and not committed.
///
/// A B-tree: positions come nearly in order and leave nearly in order, so a million of them take
/// about 16 MB and a few hundred nanoseconds each.
#[derive(Debug, Default)]
pub(super) struct Outstanding(Mutex<BTreeSet<Position>>);

impl Outstanding {
    pub(super) fn add(&self, position: Position) {
        self.set().insert(position);
    }

    pub(super) fn add_all(&self, positions: &[Position]) {
        self.set().extend(positions);
    }

    /// Unknown positions are passed over: a commit may be told twice.
    pub(super) fn remove_all(&self, positions: &[Position]) {
        let mut set = self.set();
        for position in positions {
            set.remove(position);
        }
    }

    pub(super) fn lowest(&self) -> Option<Position> {
        self.set().first().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.set().len()
    }

    fn set(&self) -> MutexGuard<'_, BTreeSet<Position>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_lowest_is_the_smallest_position_not_yet_removed(
            added in prop::collection::vec(0u64..500, 0..200),
            removed in prop::collection::vec(0u64..500, 0..200),
        ) {
            let outstanding = Outstanding::default();
            added.iter().for_each(|position| outstanding.add(Position(*position)));
            outstanding.remove_all(&removed.iter().copied().map(Position).collect::<Vec<_>>());
            let expected = added.iter().filter(|position| !removed.contains(position)).min();
            prop_assert_eq!(outstanding.lowest(), expected.copied().map(Position));
        }
    }

    #[test]
    fn a_million_outstanding_positions_are_taken_and_given_back() {
        let outstanding = Outstanding::default();
        let positions: Vec<_> = (0..1_000_000).map(|index| Position(index * 97)).collect();
        outstanding.add_all(&positions);
        assert_eq!(outstanding.len(), 1_000_000);
        positions.chunks(1_000).rev().for_each(|chunk| outstanding.remove_all(chunk));
        assert_eq!(outstanding.lowest(), None);
    }
}
