//! Rows that the database refuses for good, whoever sends them: each becomes a dead letter.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use askpro_actors::ports::{fakes::FakeDatabase, rows::Write};
use askpro_domain::ids::CallId;

/// What becomes of a call is refused for these calls.
#[derive(Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<BTreeSet<String>>>);

/// The event whose rows are refused.
const REFUSED: &str = "call_analyzed";

impl Refusals {
    /// From now on this call's analysis is not taken, unless it is there already.
    pub(crate) fn refuse(&self, database: &FakeDatabase, call: &str) {
        let is_there = |key: &(CallId, String)| key.0.as_str() == call && key.1.starts_with(REFUSED);
        if database.with_tables(|tables| tables.events.keys().any(is_there)) {
            return;
        }
        self.calls().insert(call.to_owned());
        let refusals = self.clone();
        database.refuse(move |write| match write {
            Write::Event(row) => refusals.covers(row.call_id.as_str(), &row.event),
            _ => false,
        });
    }

    /// Whether the row of this event is refused.
    pub(crate) fn covers(&self, call: &str, event: &str) -> bool {
        event == REFUSED && self.names(call)
    }

    /// Whether anything of this call is refused.
    pub(crate) fn names(&self, call: &str) -> bool {
        self.calls().contains(call)
    }

    fn calls(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
