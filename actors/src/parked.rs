//! What could not be delivered because a mailbox was full: small notes, tried again by a pump. Nothing
//! acknowledged is ever dropped; events wait in the journal and only their positions wait here.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use askpro_domain::ids::{CallId, CompanyId};

use crate::{calls::BookingMoved, ports::journal::Position, scheduling::Announcement};

/// Something to deliver.
#[derive(Debug)]
pub enum ParkedItem {
    /// An event of a call, in the journal.
    Event {
        /// Where.
        position: Position,
    },
    /// A booking's move, for its call.
    BookingMoved {
        /// The call.
        call_id: CallId,
        /// The move.
        moved: Box<BookingMoved>,
    },
    /// A call must ask the store again: the answer was lost.
    LoadCall {
        /// The call.
        call_id: CallId,
    },
    /// An announcement of the calendar, for the company's scheduler.
    Announced {
        /// The company.
        company: CompanyId,
        /// What was announced.
        announcement: Arc<Announcement>,
    },
    /// A call is over, for its scheduler.
    CallFinished {
        /// Its company.
        company: CompanyId,
        /// The call.
        call_id: CallId,
    },
}

/// The notes, oldest first.
#[derive(Clone, Default)]
pub struct Parked(Arc<Mutex<VecDeque<ParkedItem>>>);

impl Parked {
    /// Keeps a note.
    pub fn park(&self, item: ParkedItem) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(item);
    }

    /// Takes the oldest `max`.
    #[must_use]
    pub fn take(&self, max: usize) -> Vec<ParkedItem> {
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = max.min(items.len());
        items.drain(..count).collect()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
