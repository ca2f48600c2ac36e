//! What is asked of the ledger and what it answers.

use std::collections::BTreeSet;

use super::{Hold, HoldId, HoldState, Target};
use crate::{
    ids::{CallId, StaffId},
    time::{Interval, UnixMillis},
};

/// A wish for a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRequest {
    /// Id of the hold, if it becomes one.
    pub id: HoldId,
    /// Whose it is.
    pub call_id: CallId,
    /// On what.
    pub target: Target,
    /// When, in any order; segments that overlap or touch become one. None at all is refused.
    pub segments: Vec<Interval>,
    /// What the calendar shows of a pool; means nothing for a single member.
    pub units: FreeUnits,
    /// When the calendar view was fetched that this request relies on.
    pub seen_at: UnixMillis,
    /// When the offer ends.
    pub until: UnixMillis,
}

/// How many units of a pool are free by the calendar's view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreeUnits {
    /// Not known: counts as one unit.
    Unknown,
    /// Members whose own event types show every segment free in that view.
    Members(BTreeSet<StaffId>),
}

/// A hold that stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The hold.
    pub hold: Hold,
    /// The call's offer before it, which is gone.
    pub replaced: Option<Hold>,
}

/// No room; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the slot is taken by {} other hold(s)", .by.len())]
pub struct Taken {
    /// The holds in the way, by id; empty when the calendar's view itself shows no free unit.
    pub by: Vec<HoldId>,
}

/// A hold that became a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedHold {
    /// After the move.
    pub hold: Hold,
    /// Offers of other calls that the calendar overruled by its choice of the host. They are gone; a
    /// booking of theirs answers that the slot is taken.
    pub displaced: Vec<Hold>,
}

/// A move that cannot be made; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// There is no such hold: it ended, or its call did. Ask for a new one.
    #[error("there is no hold {}", .0.0)]
    NotFound(HoldId),
    /// The offer's time is over, the slot may be somebody else's. Ask for a new one.
    #[error("the hold ended at {until}")]
    Expired {
        /// When.
        until: UnixMillis,
    },
    /// It stands in another state than the move starts from.
    #[error("the hold is {state:?}, which this move does not start from")]
    WrongState {
        /// The state it is in.
        state: HoldState,
    },
}
