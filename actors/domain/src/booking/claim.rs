//! Whose a booking at the calendar is: what a calendar shows of one, laid beside an order of ours.
//!
//! One rule for answers, looks and announcements. How a vendor spells these things is read elsewhere.

use serde::{Deserialize, Serialize};

use super::BookingOrder;
use crate::{phone::PhoneNumber, time::UnixMillis};

/// How far the calendar's clock may be behind ours: without our id a booking created longer before the order is not
/// ours.
pub const CREATED_BEFORE_MS_MAX: i64 = 5 * 60_000;

/// What a booking at the calendar shows of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The appointment id in our metadata, where it has any.
    pub appointment: Option<String>,
    /// When it starts.
    pub start: Option<UnixMillis>,
    /// What was booked.
    pub event_type_id: Option<i64>,
    /// Numbers and addresses of everybody who comes.
    pub contacts: Vec<Contact>,
    /// When it was made, by the calendar's clock.
    pub created_at: Option<UnixMillis>,
}

/// How an attendee can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// By phone.
    Phone(PhoneNumber),
    /// By e-mail.
    Email(String),
}

/// Whose a booking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Made by this order.
    Ours,
    /// Same attendee, type and start, but not made by this order.
    SameAttendee,
    /// Nothing proves either.
    Unproved,
}

impl Evidence {
    /// Whose the booking is, for an order that was first submitted at `submitted_at`. Our id counts where the start
    /// agrees with it, whatever the clocks say: no other order has it. Without metadata attendee, type, start and
    /// age must all agree.
    #[must_use]
    pub fn claim(&self, order: &BookingOrder, submitted_at: UnixMillis) -> Claim {
        let is_new = self.created_at.map(|at| at.since(submitted_at) >= -CREATED_BEFORE_MS_MAX);
        let same_start = self.start == Some(order.interval.start());
        let same_booking =
            same_start && self.event_type_id == Some(order.event_type_id) && self.is_for_attendee(order);
        match &self.appointment {
            Some(id) if id == order.appointment.as_str() => {
                if same_start {
                    Claim::Ours
                } else {
                    Claim::Unproved
                }
            }
            None if same_booking && is_new == Some(true) => Claim::Ours,
            _ if same_booking => Claim::SameAttendee,
            _ => Claim::Unproved,
        }
    }

    /// Whether a booking that was looked for is this order's: by our id wherever it has been moved to since, or,
    /// where the metadata is empty, by everything else.
    #[must_use]
    pub fn is_found(&self, order: &BookingOrder, submitted_at: UnixMillis) -> bool {
        match &self.appointment {
            Some(id) => id == order.appointment.as_str(),
            None => self.claim(order, submitted_at) == Claim::Ours,
        }
    }

    fn is_for_attendee(&self, order: &BookingOrder) -> bool {
        let attendee = &order.attendee;
        let ordered_email = attendee.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        self.contacts.iter().any(|contact| match contact {
            Contact::Phone(phone) => attendee.phone.as_ref() == Some(phone),
            Contact::Email(email) => {
                ordered_email.is_some_and(|ordered| ordered.eq_ignore_ascii_case(email.trim()))
            }
        })
    }
}
