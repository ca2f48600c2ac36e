//! The slot ledger: who holds which interval of which calendar resource. Pure.

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
