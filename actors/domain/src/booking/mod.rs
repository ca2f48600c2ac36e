//! The booking saga: Submitted (written ahead) -> Confirmed | Refused | Unknown -> ..., with every way out.
//!
//! A [`Booking`] is moved by [`Booking::apply`] only. It never asks Cal.com itself: it returns the
//! [`BookingEffect`]s it wants. "Don't know" is a state of its own: the slot stays held while the
//! reconciler looks, and only looks that Cal.com answered count.

mod announced;
mod claim;
mod saga;
mod status;

#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

pub use announced::{Announced, PAST_UIDS_MAX, Standing};
pub use claim::{CREATED_BEFORE_MS_MAX, Claim, Contact, Evidence};
pub use saga::{
    BookingEffect, BookingEvent, IllegalMove, LATE_LOOK_MS, LOOKS_MAX, LookResult, POSTS_AGAIN_MAX, Refusal,
    Step, UNKNOWN_LOOK_DELAYS_MS,
};
pub use status::AppointmentStatus;

use crate::{
    ids::{AppointmentId, BranchId, CallId, CompanyId, ServiceId, StaffId},
    phone::PhoneNumber,
    slots::HoldId,
    tenant::Language,
    time::{Interval, UnixMillis},
};

/// What was ordered. Fixed from submission on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookingOrder {
    /// Identity; also our metadata at Cal.com.
    pub appointment: AppointmentId,
    /// The company.
    pub company: CompanyId,
    /// The branch that was called.
    pub branch: BranchId,
    /// The call that ordered.
    pub call_id: CallId,
    /// It came under the company's own key while nothing else said that the call belongs to this company: it
    /// does not say so either.
    #[serde(default)]
    pub claimed: bool,
    /// Key of the order within the call: function and typed arguments.
    pub order_key: String,
    /// The service.
    pub service: ServiceId,
    /// The member held by name; `None` when Cal.com picks from the pool.
    pub staff: Option<StaffId>,
    /// Event type to book at Cal.com.
    pub event_type_id: i64,
    /// When.
    pub interval: Interval,
    /// The hold that this order uses up.
    pub hold: HoldId,
    /// For whom.
    pub attendee: Attendee,
    /// By whom.
    #[serde(default)]
    pub by: OrderedBy,
    /// Notes of the caller, at most 500 characters.
    pub notes: Option<String>,
    /// IANA zone of the attendee.
    pub time_zone: String,
    /// Language of the attendee.
    pub language: Language,
}

/// Who comes. Phone or e-mail, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// Name as given.
    pub name: String,
    /// E.164.
    pub phone: Option<PhoneNumber>,
    /// As given.
    pub email: Option<String>,
}

/// Who ordered, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderedBy {
    /// The number of the call's other side, as the network says it.
    pub caller: Option<PhoneNumber>,
    /// Retell's id of the tool call: the same one is the same order sent again.
    pub tool_call_id: Option<String>,
    /// Whether the order said of itself that it is confirmed.
    pub confirmed: bool,
}

/// A booking and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Booking {
    /// What was ordered.
    pub order: BookingOrder,
    /// Counts moves; rows and facts with a lower version are older.
    pub version: u32,
    /// When it was first submitted.
    pub submitted_at: UnixMillis,
    /// Since when its slot has been held: pending bookings are posted in this order.
    #[serde(default)]
    pub held_since: UnixMillis,
    /// Whether the call is over, so that nobody hears the answer any more.
    pub call_over: bool,
    /// Whether the caller was told that the booking is pending.
    pub told_pending: bool,
    /// When to look once more for a POST that was believed lost; only after the slot was given back.
    #[serde(default)]
    pub late_look_at: Option<UnixMillis>,
    /// What the calendar told of it last, from its confirmation on.
    #[serde(default)]
    pub announced: Option<Announced>,
    /// Where it stands.
    pub state: BookingState,
    /// How it came here, oldest first, at most [`HISTORY_MAX`].
    pub history: Vec<Move>,
}

/// Moves kept in a booking's history.
pub const HISTORY_MAX: usize = 32;

/// A move in a booking's history, for the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When.
    pub at: UnixMillis,
    /// Status after it.
    pub status: AppointmentStatus,
    /// Stable reason, `submitted`, `confirmed_after_hangup`, `slot_taken`, ...
    pub reason: String,
}

/// Where a booking stands; each state has exactly what is true in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BookingState {
    /// The POST is on its way (or a crash came before its answer was written).
    Submitted {
        /// Which POST of this order, from 1.
        post: u32,
    },
    /// The POST's answer was lost; Cal.com is being looked at.
    Unknown {
        /// Which POST it was.
        post: u32,
        /// Since when.
        since: UnixMillis,
        /// Looks that Cal.com answered with "no such booking".
        absent_looks: u32,
        /// What Cal.com said to a later POST: it may have meant our own earlier one, so the look decides.
        #[serde(default)]
        refusal: Option<Refusal>,
    },
    /// Cal.com has it.
    Confirmed {
        /// Cal.com's uid.
        uid: String,
        /// Cal.com's user id of the host.
        host: Option<i64>,
    },
    /// Cal.com refused it and the caller heard so.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// Cal.com refused it after the caller had been told that it is pending.
    Conflict {
        /// Why.
        refusal: Refusal,
        /// What was free near it then, best first, for whoever calls back.
        #[serde(default)]
        alternatives: Vec<UnixMillis>,
    },
    /// Given up: never found at Cal.com, or ordered before a crash and never submitted.
    Abandoned,
    /// Cancelled at Cal.com: by us after it surfaced, or there by somebody else.
    Cancelled {
        /// Cal.com's uid.
        uid: String,
    },
}
