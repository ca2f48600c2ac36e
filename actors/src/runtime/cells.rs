//! The actors of one shard: found by key, listed in the order of keys, reached by number inside the shard.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use askpro_domain::time::UnixMillis;

use super::Actor;
use super::cell::Cell;

/// Finds a cell without its key. A number is used again, its generation never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellId {
    index: u32,
    generation: u32,
}

struct Slot<A: Actor> {
    generation: u32,
    cell: Option<Cell<A>>,
}

/// The cells of one shard.
pub(super) struct Cells<A: Actor> {
    slots: Vec<Slot<A>>,
    free: Vec<u32>,
    index: HashMap<Arc<A::Key>, CellId>,
    order: BTreeSet<Arc<A::Key>>,
}

impl<A: Actor> Cells<A> {
    pub(super) fn new() -> Self {
        Cells { slots: Vec::new(), free: Vec::new(), index: HashMap::new(), order: BTreeSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn find(&self, key: &A::Key) -> Option<CellId> {
        self.index.get(key).copied()
    }

    pub(super) fn get(&self, id: CellId) -> Option<&Cell<A>> {
        let slot = self.slots.get(id.index as usize)?;
        slot.cell.as_ref().filter(|_| slot.generation == id.generation)
    }

    pub(super) fn get_mut(&mut self, id: CellId) -> Option<&mut Cell<A>> {
        let slot = self.slots.get_mut(id.index as usize)?;
        slot.cell.as_mut().filter(|_| slot.generation == id.generation)
    }

    /// Adds a cell for a key that has none.
    pub(super) fn insert(&mut self, key: A::Key, now: UnixMillis) -> CellId {
        let key = Arc::new(key);
        let cell = Cell::new(key.clone(), now);
        let id = self.place(cell);
        self.order.insert(key.clone());
        self.index.insert(key, id);
        id
    }

    fn place(&mut self, cell: Cell<A>) -> CellId {
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(index as usize)
        {
            slot.generation = slot.generation.wrapping_add(1);
            slot.cell = Some(cell);
            return CellId { index, generation: slot.generation };
        }
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot { generation: 0, cell: Some(cell) });
        CellId { index, generation: 0 }
    }

    pub(super) fn remove(&mut self, id: CellId) -> Option<Cell<A>> {
        let slot = self.slots.get_mut(id.index as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        let cell = slot.cell.take()?;
        self.free.push(id.index);
        self.index.remove(&cell.key);
        self.order.remove(&cell.key);
        Some(cell)
    }

    /// Any cell.
    pub(super) fn first(&self) -> Option<CellId> {
        self.order.first().and_then(|key| self.index.get(key)).copied()
    }

    /// The cells whose keys come after `after`, in the order of keys.
    pub(super) fn after<'a>(&'a self, after: Option<&'a A::Key>) -> impl Iterator<Item = &'a Cell<A>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.order.range::<A::Key, _>((from, Bound::Unbounded));
        keys.filter_map(|key| self.index.get(key).and_then(|id| self.get(*id)))
    }
}
