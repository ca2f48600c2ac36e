//! Which journal records are still needed, and by whom.
//!
//! A record may go once everybody who needs it is done: the writer that commits its rows, and the scheduler
//! that would need it after a crash. [`Outstanding`] counts them in front of [`Journal::committed`].
//! [`PendingLog`] remembers, outside the call's actor, which records of a call are not yet in the database,
//! so that an actor rebuilt after a panic can read them again.

use std::sync::Arc;

use askpro_domain::ids::{CallId, CompanyId};
use dashmap::DashMap;

use crate::{
    ports::journal::{Journal, Position},
    runtime::fence,
};

/// Counts who still needs a record. One need is implied by appending.
#[derive(Clone)]
pub struct Outstanding {
    journal: Arc<dyn Journal>,
    extra: Arc<DashMap<Position, u32>>,
}

impl Outstanding {
    /// In front of this journal.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, extra: Arc::default() }
    }

    /// One more needs the record at `position`; call before its implied need can be done.
    pub fn retain(&self, position: Position) {
        fence::pass();
        *self.extra.entry(position).or_insert(0) += 1;
    }

    /// How many needs of an appended record are not met yet.
    #[must_use]
    pub fn needs(&self, position: Position) -> u32 {
        self.extra.get(&position).map_or(0, |extra| *extra).saturating_add(1)
    }

    /// One need of each of these records is met.
    pub fn done(&self, positions: &[Position]) {
        fence::pass();
        let free: Vec<Position> = positions.iter().copied().filter(|p| self.is_last(*p)).collect();
        if !free.is_empty() {
            self.journal.committed(&free);
        }
    }

    fn is_last(&self, position: Position) -> bool {
        if let Some(mut count) = self.extra.get_mut(&position)
            && *count > 0
        {
            *count -= 1;
            return false;
        }
        self.extra.remove_if(&position, |_, count| *count == 0);
        true
    }
}

/// Records of each call that are not yet in the database.
#[derive(Clone, Default)]
pub struct PendingLog {
    by_call: Arc<DashMap<CallId, Vec<Pending>>>,
    /// Those of them that are moves of bookings, of which company and call.
    moves: Arc<DashMap<Position, (CompanyId, CallId)>>,
}

/// A record of a call that is not yet in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pending {
    /// Where it is.
    pub position: Position,
    /// Whether its rows are with a writer; otherwise the call's actor must still hand them over.
    pub handed: bool,
}

impl PendingLog {
    /// A record of this call is on its way to the database; one that is there already stays as it is.
    pub fn add(&self, call_id: &CallId, position: Position) {
        let mut entry = self.by_call.entry(call_id.clone()).or_default();
        if !entry.iter().any(|p| p.position == position) {
            entry.push(Pending { position, handed: false });
        }
    }

    /// The same for a move of a booking of this company.
    pub fn add_move(&self, company: CompanyId, call_id: &CallId, position: Position) {
        self.moves.insert(position, (company, call_id.clone()));
        self.add(call_id, position);
    }

    /// Moves of this company's bookings that are not yet in the database, and their calls.
    #[must_use]
    pub fn moves_of(&self, company: CompanyId) -> Vec<(Position, CallId)> {
        let theirs = self.moves.iter().filter(|entry| entry.value().0 == company);
        theirs.map(|entry| (*entry.key(), entry.value().1.clone())).collect()
    }

    /// Its rows go to a writer now. Gives those of `positions` that no writer has yet and that are not in the
    /// database: a record that is read twice is done with once.
    #[must_use]
    pub fn hand_over(&self, call_id: &CallId, positions: &[Position]) -> Vec<Position> {
        let Some(mut entry) = self.by_call.get_mut(call_id) else { return Vec::new() };
        let fresh = entry.iter_mut().filter(|p| !p.handed && positions.contains(&p.position));
        fresh
            .map(|p| {
                p.handed = true;
                p.position
            })
            .collect()
    }

    /// Whether this record is still to be handed to a writer.
    #[must_use]
    pub fn waits(&self, call_id: &CallId, position: Position) -> bool {
        self.by_call.get(call_id).is_some_and(|e| e.iter().any(|p| p.position == position && !p.handed))
    }

    /// Whether any of these records of the call is not yet in the database.
    #[must_use]
    pub fn has_any(&self, call_id: &CallId, positions: &[Position]) -> bool {
        !positions.is_empty()
            && self.by_call.get(call_id).is_some_and(|e| e.iter().any(|p| positions.contains(&p.position)))
    }

    /// It arrived.
    pub fn remove(&self, call_id: &CallId, positions: &[Position]) {
        for position in positions {
            self.moves.remove(position);
        }
        if let Some(mut entry) = self.by_call.get_mut(call_id) {
            entry.retain(|p| !positions.contains(&p.position));
        }
        self.by_call.remove_if(call_id, |_, left| left.is_empty());
    }

    /// What is on its way, oldest first.
    #[must_use]
    pub fn of(&self, call_id: &CallId) -> Vec<Pending> {
        let mut pending = self.by_call.get(call_id).map(|e| e.clone()).unwrap_or_default();
        pending.sort_unstable();
        pending
    }
}
