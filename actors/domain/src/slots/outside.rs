//! Bookings that somebody made past us, as the calendar announces them.
//!
//! Such a booking stands in the ledger only against views of the calendar that cannot show it yet, like one of
//! our own. When it is announced, the offers that it leaves no room for end; what is submitted or booked stays.

use std::collections::BTreeMap;

use super::{CALENDAR_CACHE_MS, FreeUnits, Hold, HoldId, SlotLedger, Target, ledger::View};
use crate::{
    ids::StaffId,
    time::{Interval, UnixMillis},
};

/// Bookings from outside that one ledger remembers; the oldest goes first.
pub const OUTSIDE_MAX: usize = 1_024;

/// A booking of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideBooking {
    /// The calendar's uid.
    pub uid: String,
    /// The host; the pool where the host is not known.
    pub target: Target,
    /// When it takes place.
    pub interval: Interval,
    /// When it was made, at the latest. Views from after that, and the calendar's cache, show it.
    pub at: UnixMillis,
}

impl OutsideBooking {
    /// The host, where it is known.
    pub(super) const fn member(&self) -> Option<StaffId> {
        match self.target {
            Target::Member(member) => Some(member),
            Target::Pool { .. } => None,
        }
    }
}

/// What the calendar was last seen to offer where an offer of ours stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Not looked at.
    Unseen,
    /// It is not offered any more.
    Gone,
    /// It is offered.
    Free {
        /// As of when.
        seen_at: UnixMillis,
        /// How many units of a pool.
        units: FreeUnits,
    },
}

/// All bookings from outside, by uid.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside(BTreeMap<String, OutsideBooking>);

impl Outside {
    /// Those that share a member and an instant with the target, and that a view of `seen_at` may not show.
    pub(super) fn against<'a>(
        &'a self,
        target: &'a Target,
        segments: &'a [Interval],
        seen_at: UnixMillis,
    ) -> impl Iterator<Item = &'a OutsideBooking> {
        self.0.values().filter(move |booking| {
            seen_at <= booking.at.plus_ms(CALENDAR_CACHE_MS)
                && segments.iter().any(|segment| segment.overlaps(booking.interval))
                && meet(target, &booking.target)
        })
    }

    /// Whether it is new; one that is known already keeps its first time.
    fn put(&mut self, booking: OutsideBooking) -> bool {
        let is_known = self
            .0
            .get(&booking.uid)
            .is_some_and(|known| (&known.target, known.interval) == (&booking.target, booking.interval));
        if !is_known {
            self.0.insert(booking.uid.clone(), booking);
        }
        while self.0.len() > OUTSIDE_MAX {
            let oldest = self.0.values().min_by_key(|booking| booking.at).map(|booking| booking.uid.clone());
            oldest.and_then(|uid| self.0.remove(&uid));
        }
        !is_known
    }
}

impl SlotLedger {
    /// Somebody booked past us. Gives the offers that have no room any more; they are taken out. A booking that
    /// is known already changes nothing.
    pub fn book_outside(
        &mut self,
        booking: OutsideBooking,
        sight: impl Fn(&Hold) -> Sight,
        now: UnixMillis,
    ) -> Vec<Hold> {
        let (target, segments) = (booking.target.clone(), [booking.interval]);
        if self.outside.put(booking) { self.displace(&target, &segments, sight, now) } else { Vec::new() }
    }

    /// It stands no more, or is one of ours after all. Gives whether it was known.
    pub fn release_outside(&mut self, uid: &str) -> bool {
        self.outside.0.remove(uid).is_some()
    }

    /// Forgets bookings from outside that were made before `at`: no view is so old any more.
    pub fn forget_outside(&mut self, at: UnixMillis) {
        self.outside.0.retain(|_, booking| booking.at >= at);
    }

    /// Takes out the offers on this target at this time that have no room any more, the youngest first.
    pub fn displace(
        &mut self,
        target: &Target,
        segments: &[Interval],
        sight: impl Fn(&Hold) -> Sight,
        now: UnixMillis,
    ) -> Vec<Hold> {
        let mut rivals: Vec<(UnixMillis, HoldId)> = self
            .overlapping(target, segments, now)
            .into_iter()
            .filter(|hold| hold.is_held())
            .map(|hold| (hold.placed_at, hold.id.clone()))
            .collect();
        rivals.sort_unstable();
        let mut displaced = Vec::new();
        for (_, id) in rivals.into_iter().rev() {
            if self.get(&id).is_some_and(|hold| !self.has_room(hold, target, &sight(hold), now)) {
                displaced.extend(self.release(&id));
            }
        }
        displaced
    }

    /// Whether an offer still has room beside what was announced for `target`. Where that may have fallen on
    /// any member of a pool, an offer of one member by name ends only when the calendar shows that it is gone.
    fn has_room(&self, hold: &Hold, target: &Target, sight: &Sight, now: UnixMillis) -> bool {
        let (seen_at, units) = match sight {
            Sight::Gone => return false,
            Sight::Free { seen_at, units } => (*seen_at, units.clone()),
            Sight::Unseen => (UnixMillis(i64::MIN), units_of(hold)),
        };
        if matches!((target, &hold.target), (Target::Pool { .. }, Target::Member(_))) {
            return true;
        }
        let view = View { seen_at, now, for_call: Some(&hold.call_id) };
        self.check(&hold.target, &hold.segments, &units, view).is_ok()
    }
}

/// What was known of a pool's units when an entry of it was placed.
fn units_of(hold: &Hold) -> FreeUnits {
    if hold.fits.is_empty() { FreeUnits::Unknown } else { FreeUnits::Members(hold.fits.clone()) }
}

/// Whether both may need the same member.
fn meet(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Member(one), Target::Member(other)) => one == other,
        (Target::Member(member), Target::Pool { members, .. })
        | (Target::Pool { members, .. }, Target::Member(member)) => members.contains(member),
        (
            Target::Pool { event_type_id: one, members: ours },
            Target::Pool { event_type_id: other, members: theirs },
        ) => one == other || ours.iter().any(|member| theirs.contains(member)),
    }
}
