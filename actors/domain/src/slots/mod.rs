//! The slot ledger: who holds which interval of which calendar resource. Pure.
//!
//! [`SlotLedger`] is what keeps a slot from being sold twice; a calendar's own reservations and slot lists
//! are views that may be old. It knows calls, members and pools, and nothing of services, opening hours
//! or the calendar's vendor: whoever asks says what the calendar showed ([`FreeUnits`]) and when.

mod index;
mod ledger;
mod outside;
mod request;

#[cfg(test)]
mod tests;

pub use ledger::{CALENDAR_CACHE_MS, SlotLedger};
pub use outside::{OUTSIDE_MAX, OutsideBooking, Sight};
pub use request::{BookedHold, FreeUnits, HoldRequest, LedgerError, Placed, Taken};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{CallId, StaffId},
    time::{Interval, UnixMillis},
};

/// Identity of a hold: `hold_` and 24 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(pub String);

/// What a hold stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One member, by name.
    Member(StaffId),
    /// One unit of a pool; any member may be picked.
    Pool {
        /// The pooled event type.
        event_type_id: i64,
        /// Everybody who may be picked, sorted.
        members: Vec<StaffId>,
    },
}

/// A hold of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose it is.
    pub call_id: CallId,
    /// On what.
    pub target: Target,
    /// When; several for a service with pauses. Sorted, not empty, without overlap.
    pub segments: Vec<Interval>,
    /// When it was placed.
    pub placed_at: UnixMillis,
    /// Of a pool's entry: the members that the calendar showed free for the whole of it, any of whom may be
    /// picked. Empty where that is not known; then it counts on one unit.
    #[serde(default)]
    pub fits: BTreeSet<StaffId>,
    /// How it stands.
    pub state: HoldState,
}

/// How a hold stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HoldState {
    /// Offered to the caller; ends by itself.
    Held {
        /// When it ends.
        until: UnixMillis,
    },
    /// A booking is under way; ends with it only.
    Submitted,
    /// Booked at Cal.com.
    Booked {
        /// When we heard so.
        at: UnixMillis,
    },
}

impl Hold {
    /// End of the last segment.
    #[must_use]
    pub fn end(&self) -> Option<UnixMillis> {
        self.segments.iter().map(|s| s.end()).max()
    }

    /// Whether it is an offer to a caller, expired or not.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self.state, HoldState::Held { .. })
    }

    /// When it ends by itself; only offers do.
    #[must_use]
    pub const fn until(&self) -> Option<UnixMillis> {
        match self.state {
            HoldState::Held { until } => Some(until),
            HoldState::Submitted | HoldState::Booked { .. } => None,
        }
    }

    /// Whether any of its segments shares an instant with one of these.
    #[must_use]
    pub fn overlaps(&self, segments: &[Interval]) -> bool {
        self.segments.iter().any(|mine| segments.iter().any(|other| mine.overlaps(*other)))
    }
}
