//! What a calendar says of a booking that stands there: it was made, moved, given to another host, or called off.
//!
//! Its words come late, twice and in any order: the answer to a POST or a look is one of them. What counts is the
//! calendar's own time: an older word than the one that was heard last changes nothing. A word that names the uid
//! before counts whenever it comes.

use serde::{Deserialize, Serialize};

use super::{AppointmentStatus, Booking, BookingEffect, BookingState, Step};
use crate::time::{Interval, UnixMillis};

/// Uids before the newest that a booking remembers.
pub const PAST_UIDS_MAX: usize = 16;

const RESCHEDULED: &str = "rescheduled_at_calendar";
const REASSIGNED: &str = "reassigned_at_calendar";
const CANCELLED: &str = "cancelled_at_calendar";

/// What was heard of a booking from its confirmation on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// When the calendar said so, by its own clock.
    pub at: UnixMillis,
    /// Where the booking stands now.
    pub interval: Interval,
    /// Uids it had before, oldest first.
    pub past_uids: Vec<String>,
}

/// A booking as a calendar says that it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its uid.
    pub uid: String,
    /// Its uid before it was moved.
    pub from_uid: Option<String>,
    /// When it takes place.
    pub interval: Interval,
    /// User id of its host.
    pub host: Option<i64>,
    /// When the calendar said so, by its own clock.
    pub at: UnixMillis,
}

impl Booking {
    /// When it takes place: as ordered, or where the calendar moved it since.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.announced.as_ref().map_or(self.order.interval, |announced| announced.interval)
    }

    /// The word that confirms it: the calendar's time counts from there, not the time when we heard it.
    pub(super) fn first_word(&mut self, standing: Standing) -> Standing {
        let past_uids = standing.from_uid.iter().cloned().collect();
        self.announced = Some(Announced { at: standing.at, interval: standing.interval, past_uids });
        standing
    }

    /// Follows the calendar. What says nothing new changes nothing.
    pub(super) fn hear(mut self, standing: Standing, now: UnixMillis) -> Step {
        let (uid, host) = match &self.state {
            BookingState::Confirmed { uid, host } => (uid.clone(), *host),
            BookingState::Cancelled { uid } => (uid.clone(), None),
            _ => return Step { booking: self, effects: Vec::new() },
        };
        let same = uid == standing.uid;
        let differs = standing.interval != self.interval() || standing.host.is_some_and(|h| host != Some(h));
        if same && (!self.status().stands() || !differs) {
            self.note(standing.at);
            return Step { booking: self, effects: Vec::new() };
        }
        if !self.is_news(&standing, &uid) {
            return Step { booking: self, effects: Vec::new() };
        }
        let is_moved = !same || standing.interval != self.interval();
        self.take_over(&standing, uid);
        let state = BookingState::Confirmed { uid: standing.uid, host: standing.host.or(host) };
        self.move_to(state, if is_moved { RESCHEDULED } else { REASSIGNED }, now);
        Step { booking: self, effects: vec![BookingEffect::FollowSlot] }
    }

    /// The calendar called off what has this uid.
    pub(super) fn call_off(mut self, uid: &str, at: UnixMillis, now: UnixMillis) -> Step {
        if !self.status().stands() || self.uid() != Some(uid) {
            return Step { booking: self, effects: Vec::new() };
        }
        let at = self.announced.as_ref().map_or(at, |announced| announced.at.max(at));
        self.announced = Some(Announced { at, interval: self.interval(), past_uids: self.past_uids() });
        self.move_to(BookingState::Cancelled { uid: uid.to_owned() }, CANCELLED, now);
        Step { booking: self, effects: vec![BookingEffect::FreeSlot] }
    }

    /// Whether it was called off at the calendar by somebody else, and not by us.
    #[must_use]
    pub fn was_called_off(&self) -> bool {
        matches!(self.state, BookingState::Cancelled { .. }) && self.announced.is_some()
    }

    /// Remembers the time of the newest word about the booking as it stands; no move.
    fn note(&mut self, at: UnixMillis) {
        let (interval, past_uids) = (self.interval(), self.past_uids());
        match &mut self.announced {
            Some(announced) => announced.at = announced.at.max(at),
            None => self.announced = Some(Announced { at, interval, past_uids }),
        }
    }

    /// Whether a word about another time, host or uid is newer than what is known. What names our uid as the
    /// one before is the next link of the chain.
    fn is_news(&self, standing: &Standing, uid: &str) -> bool {
        let is_past = self.announced.as_ref().is_some_and(|a| a.past_uids.contains(&standing.uid));
        !is_past && (standing.from_uid.as_deref() == Some(uid) || standing.at > self.known_at())
    }

    /// How new our knowledge is: the calendar's last word, or where none was kept our own confirmation.
    fn known_at(&self) -> UnixMillis {
        let confirmed = || {
            let confirmed = self.history.iter().rev().find(|m| m.status == AppointmentStatus::Confirmed);
            confirmed.map_or(self.submitted_at, |m| m.at)
        };
        self.announced.as_ref().map_or_else(confirmed, |announced| announced.at)
    }

    fn take_over(&mut self, standing: &Standing, uid: String) {
        let at = self.announced.as_ref().map_or(standing.at, |announced| announced.at.max(standing.at));
        let mut past_uids = self.past_uids();
        if uid != standing.uid {
            past_uids.push(uid);
        }
        let surplus = past_uids.len().saturating_sub(PAST_UIDS_MAX);
        past_uids.drain(..surplus);
        self.announced = Some(Announced { at, interval: standing.interval, past_uids });
    }

    fn past_uids(&self) -> Vec<String> {
        self.announced.as_ref().map(|announced| announced.past_uids.clone()).unwrap_or_default()
    }
}
