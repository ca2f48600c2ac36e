//! What a calendar announces on its own: bookings that were made, moved or called off there, and hosts who are
//! away. Knows no vendor's spelling.

use serde::{Deserialize, Serialize};

use crate::{
    booking::Evidence,
    time::{Interval, UnixMillis},
};

/// Something that a calendar announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarEvent {
    /// The calendar's own name of it.
    pub name: String,
    /// Identity within the company.
    pub dedup_key: String,
    /// Uid of the booking that it is about.
    pub uid: Option<String>,
    /// When it happened, by the calendar's clock.
    pub at: Option<UnixMillis>,
    /// What follows from it.
    pub news: News,
}

/// What follows from an announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// A booking stands: made, asked for, moved there, or given to another host.
    Stands(Box<SeenBooking>),
    /// A booking stands no more: called off or rejected.
    Gone(Box<GoneBooking>),
    /// A host is away: what they offer has changed.
    HostAway {
        /// User id of the host.
        host: i64,
    },
    /// Something about bookings changed, and what it is cannot be told.
    Changed,
    /// Nothing that concerns us.
    Nothing,
}

/// A booking that stands at the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenBooking {
    /// Its uid.
    pub uid: String,
    /// Its uid before it was moved.
    pub from_uid: Option<String>,
    /// When it takes place.
    pub interval: Interval,
    /// User id of its host.
    pub host: Option<i64>,
    /// User ids of hosts who had it before.
    pub freed_hosts: Vec<i64>,
    /// Whether it takes one seat of several: others may still have the same time.
    pub seated: bool,
    /// Whose it is.
    pub evidence: Evidence,
}

/// A booking that stands no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneBooking {
    /// Its uid.
    pub uid: String,
    /// The appointment id in our metadata, where it has any.
    pub appointment: Option<String>,
    /// What had been booked.
    pub event_type_id: Option<i64>,
    /// User id of its host.
    pub host: Option<i64>,
}
