//! What we have reserved at the calendar, and which starts that hides from our own views. Pure.
//!
//! A reservation is a hint: web bookers do not see a slot that a caller is being offered. It protects nothing,
//! the ledger does. And it hides the slot from our own questions too, with all that overlaps it of every event
//! type of its host. So a view that may have been answered while one of ours stood, from when it was asked for
//! to its end and the calendar's cache, gets back what that one may have hidden:
//!
//! - A start is given back only where a view from before the reservation showed it, or where it is what we held.
//! - It counts as seen when that view was asked for. Whatever we booked, and whatever was announced to us since,
//!   stands against it in the ledger; against everybody but its call so does the hold itself.
//! - It is believed until the reservation's end and the calendar's cache, no longer, and not once the calendar
//!   refused it, or the slot that was reserved. Then views from meanwhile are to be asked for again.
//!
//! What a web booker took meanwhile and nobody announced is offered again for so long at the worst; the calendar
//! refuses it then, as it does with any view that is old.
//!
//! Nothing of it is journaled. After a crash or a panic reservations end by themselves, within
//! [`RESERVATION_MINUTES_MAX`]. Until then views lack what they hide; a call still books what it holds, since that
//! asks no view.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::{
    slots::{CALENDAR_CACHE_MS, HoldId},
    time::{Interval, UnixMillis},
};

use crate::ports::calendar::{CalendarError, ReserveOutcome, ReserveWish};

/// Longest time that is reserved; a hold that lasts longer is seen by web bookers again.
pub(super) const RESERVATION_MINUTES_MAX: i64 = 15;
/// Reservations of one company; further holds are not reserved.
pub(super) const RESERVATIONS_MAX: usize = 256;
/// How often a removal is tried; then the reservation is left to end by itself.
const REMOVALS_MAX: u32 = 5;
/// How long until a removal that failed is tried again; twice as long after every further failure.
const REMOVE_AGAIN_MS: i64 = 5_000;
const MINUTE_MS: i64 = 60_000;

/// Identity of a reservation before the calendar has given it one, in every life of its scheduler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReservationKey {
    /// The hold that it is for.
    pub hold: HoldId,
    /// When it was asked for.
    pub sent_at: UnixMillis,
}

/// A reservation that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedReservation {
    /// Which.
    pub key: ReservationKey,
    /// What was asked for.
    pub wish: ReserveWish,
    /// The time that it hides.
    pub interval: Interval,
}

/// What a reservation may hide from views.
#[derive(Debug, Clone, Default)]
pub(super) struct Shade {
    /// Starts by event type, and when they were seen to be offered.
    pub(super) starts: BTreeMap<(i64, UnixMillis), UnixMillis>,
    /// Event types of its host.
    pub(super) event_types: BTreeSet<i64>,
}

/// A reservation of ours, until nothing of it is to be believed.
#[derive(Debug, Clone)]
pub(super) struct Reserved {
    pub(super) asked: AskedReservation,
    pub(super) shade: Shade,
    state: State,
}

/// Where a reservation stands.
#[derive(Debug, Clone)]
enum State {
    /// Its POST is under way.
    Asked,
    /// It stands for a hold.
    Stands { uid: String, until: UnixMillis },
    /// Its hold is over and it is being taken away; `next_at` is empty while a removal is under way.
    Leaves { uid: String, until: UnixMillis, tries: u32, next_at: Option<UnixMillis> },
    /// Nothing more is done for it: it was taken away, or it ends by itself.
    Left { until: UnixMillis },
}

impl Reserved {
    /// When it ends, as far as is known.
    fn until(&self) -> UnixMillis {
        match self.state {
            State::Asked => self.asked.ends_by(self.asked.key.sent_at),
            State::Stands { until, .. } | State::Leaves { until, .. } | State::Left { until } => until,
        }
    }

    /// Whether a view that was asked for and answered then may lack what it hides. One that was there when it was
    /// asked for does not.
    pub(super) fn may_dim(&self, asked_at: UnixMillis, arrived_at: UnixMillis) -> bool {
        self.asked.key.sent_at < arrived_at && asked_at <= self.hides_until()
    }

    /// Until when views may lack what it hides.
    pub(super) fn hides_until(&self) -> UnixMillis {
        self.until().plus_ms(CALENDAR_CACHE_MS)
    }
}

impl AskedReservation {
    /// When it ends by itself if it began then.
    fn ends_by(&self, begun_at: UnixMillis) -> UnixMillis {
        begun_at.plus_ms(self.wish.minutes * MINUTE_MS)
    }
}

/// The reservations of one company.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    all: BTreeMap<ReservationKey, Reserved>,
}

impl Reservations {
    /// One is asked for.
    pub(super) fn ask(&mut self, asked: AskedReservation, shade: Shade) {
        self.all.insert(asked.key.clone(), Reserved { asked, shade, state: State::Asked });
    }

    /// Whether one of ours may stand in the way of another of this event type: the calendar would refuse it.
    pub(super) fn stand_in_the_way(&self, event_type_id: i64, interval: Interval, now: UnixMillis) -> bool {
        self.all.values().any(|reserved| {
            reserved.asked.wish.event_type_id == event_type_id
                && reserved.asked.interval.overlaps(interval)
                && now < reserved.until()
        })
    }

    /// A wish came back. One that is not known is from before a panic; it hides what nobody noted, and is taken
    /// away like the others.
    pub(super) fn answered(&mut self, asked: &AskedReservation, outcome: &ReserveOutcome, now: UnixMillis) {
        let ends_by = asked.ends_by(now);
        let state = match outcome {
            // The calendar's clock may be another.
            ReserveOutcome::Reserved(it) => {
                State::Stands { uid: it.uid.clone(), until: it.until.min(ends_by) }
            }
            ReserveOutcome::AnswerLost => State::Left { until: ends_by },
            ReserveOutcome::Taken
            | ReserveOutcome::Refused(_)
            | ReserveOutcome::NotSent
            | ReserveOutcome::Limited => {
                self.all.remove(&asked.key);
                return;
            }
        };
        let shade = self.all.remove(&asked.key).map(|known| known.shade).unwrap_or_default();
        self.all.insert(asked.key.clone(), Reserved { asked: asked.clone(), shade, state });
    }

    /// Those whose hold is over are to be taken away, but for those that ended by themselves. Gives the uids of those whose removal is to be sent now.
    pub(super) fn begin_removals(
        &mut self,
        is_live: impl Fn(&HoldId) -> bool,
        now: UnixMillis,
    ) -> Vec<(ReservationKey, String)> {
        let mut due = Vec::new();
        for (key, reserved) in &mut self.all {
            if reserved.until() <= now {
                reserved.state = State::Left { until: reserved.until() };
            }
            if let State::Stands { uid, until } = &reserved.state
                && !is_live(&key.hold)
            {
                let (uid, until) = (uid.clone(), *until);
                reserved.state = State::Leaves { uid, until, tries: 0, next_at: Some(now) };
            }
            if let State::Leaves { uid, next_at, .. } = &mut reserved.state
                && next_at.is_some_and(|at| at <= now)
            {
                *next_at = None;
                due.push((key.clone(), uid.clone()));
            }
        }
        due
    }

    /// A removal was not sent, since the calendar answers nothing: that is no try.
    pub(super) fn postpone_removal(&mut self, key: &ReservationKey, now: UnixMillis) {
        if let Some(Reserved { state: State::Leaves { next_at, .. }, .. }) = self.all.get_mut(key) {
            *next_at = Some(now.plus_ms(REMOVE_AGAIN_MS));
        }
    }

    /// A removal came back. One that failed is tried again, a few times.
    pub(super) fn removal_returned(
        &mut self,
        key: &ReservationKey,
        result: &Result<(), CalendarError>,
        now: UnixMillis,
    ) {
        let Some(reserved) = self.all.get_mut(key) else { return };
        let State::Leaves { uid, until, tries, .. } = &reserved.state else { return };
        let (uid, until, tries) = (uid.clone(), *until, *tries);
        let told_ms = match result {
            Err(CalendarError::Limited { retry_after_ms }) => *retry_after_ms,
            _ => 0,
        };
        reserved.state = match result {
            Ok(()) => State::Left { until: until.min(now) },
            Err(_) if tries + 1 >= REMOVALS_MAX => State::Left { until },
            Err(_) => {
                let next_at = now.plus_ms(told_ms.max(REMOVE_AGAIN_MS << tries));
                State::Leaves { uid, until, tries: tries + 1, next_at: Some(next_at) }
            }
        };
    }

    /// Takes out those of which nothing is to be believed any more.
    pub(super) fn take_ended(&mut self, now: UnixMillis) -> Vec<Reserved> {
        let ended = self.all.iter().filter(|(_, reserved)| reserved.hides_until() <= now);
        let ended: Vec<ReservationKey> = ended.map(|(key, _)| key.clone()).collect();
        ended.iter().filter_map(|key| self.all.remove(key)).collect()
    }

    /// What a view of this event type may lack, and when that was seen to be offered. The view was asked for and
    /// answered then. Where the calendar refused the slot itself, somebody has it: nothing of it is given back.
    pub(super) fn hidden_from(
        &self,
        event_type_id: i64,
        (asked_at, arrived_at): (UnixMillis, UnixMillis),
        refused_at: impl Fn(i64, UnixMillis) -> Option<UnixMillis>,
    ) -> impl Iterator<Item = (UnixMillis, UnixMillis)> {
        let meanwhile = self.all.values().filter(move |reserved| {
            let AskedReservation { key, wish, .. } = &reserved.asked;
            let is_refused = refused_at(wish.event_type_id, wish.start).is_some_and(|at| key.sent_at <= at);
            !is_refused && reserved.may_dim(asked_at, arrived_at)
        });
        let of_type = (event_type_id, UnixMillis(i64::MIN))..=(event_type_id, UnixMillis(i64::MAX));
        meanwhile
            .flat_map(move |reserved| reserved.shade.starts.range(of_type.clone()))
            .map(|((_, start), seen_at)| (*start, *seen_at))
    }

    /// When there is something to do.
    pub(super) fn next_at(&self) -> Option<UnixMillis> {
        let removals = self.all.values().filter_map(|reserved| match reserved.state {
            State::Leaves { next_at, .. } => next_at,
            State::Asked | State::Stands { .. } | State::Left { .. } => None,
        });
        self.all.values().map(Reserved::hides_until).chain(removals).min()
    }

    /// Until when the reservation for a hold stands.
    pub(super) fn until_of(&self, hold: &HoldId) -> Option<UnixMillis> {
        let of_hold = self.all.iter().filter(|(key, _)| key.hold == *hold).map(|(_, reserved)| reserved);
        let standing = of_hold.filter(|reserved| matches!(reserved.state, State::Stands { .. }));
        standing.map(Reserved::until).max()
    }

    /// How many are asked for or stand, or may.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}
