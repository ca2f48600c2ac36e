//! Who may have which slot.
//!
//! A member's entry stands against every overlapping entry of that member, and against every overlapping
//! pool entry that may fall on the member. A pool's entry takes one unit, and which member it falls on is up
//! to Cal.com: every pool entry must have more members that fit than there are other pool entries beside
//! it, so that one is left for it whomever Cal.com picks for the others, and in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BookedHold, FreeUnits, Hold, HoldId, HoldRequest, HoldState, LedgerError, Placed, Taken, Target,
    index::{Index, lanes},
    outside::{Outside, OutsideBooking},
};
use crate::{
    ids::{CallId, StaffId},
    time::{Interval, UnixMillis},
};

/// How long Cal.com's slot list may still show a slot that was just booked: its cache lives 2,000 ms
/// (`SLOTS_CACHE_TTL`), plus half a second for the way. A booking stands in the ledger only against
/// views that are not newer than this.
pub const CALENDAR_CACHE_MS: i64 = 2_500;

/// All holds of a company. Equal when the holds are.
#[derive(Debug, Clone, Default)]
pub struct SlotLedger {
    holds: BTreeMap<HoldId, Hold>,
    index: Index,
    pub(super) outside: Outside,
}

impl PartialEq for SlotLedger {
    fn eq(&self, other: &Self) -> bool {
        self.holds == other.holds
    }
}

/// Whose view an entry is measured against.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) seen_at: UnixMillis,
    pub(super) now: UnixMillis,
    pub(super) for_call: Option<&'a CallId>,
}

impl SlotLedger {
    /// Places a hold, which replaces the call's offer before it (submitted and booked ones stay). The same
    /// target and segments again prolong the same hold, which keeps its id. Errors: [`Taken`], and then
    /// nothing changed.
    pub fn hold(&mut self, request: HoldRequest, now: UnixMillis) -> Result<Placed, Taken> {
        let target = sorted_target(request.target);
        let segments = joined_segments(request.segments);
        let view = View { seen_at: request.seen_at, now, for_call: Some(&request.call_id) };
        self.check(&target, &segments, &request.units, view)?;
        let offered = self.held_by(&request.call_id).map(|h| h.id.clone());
        if self.holds.contains_key(&request.id) && offered.as_ref() != Some(&request.id) {
            return Err(Taken { by: vec![request.id] });
        }
        let replaced = offered.and_then(|id| self.release(&id));
        let same = replaced.as_ref().is_some_and(|old| old.target == target && old.segments == segments);
        let fits = free_of(&target, &request.units);
        let (hold, replaced) = match replaced {
            Some(old) if same => {
                let until = old.until().unwrap_or(request.until).max(request.until);
                (Hold { state: HoldState::Held { until }, fits, ..old }, None)
            }
            replaced => {
                let HoldRequest { id, call_id, until, .. } = request;
                let state = HoldState::Held { until };
                (Hold { id, call_id, target, segments, placed_at: now, fits, state }, replaced)
            }
        };
        self.put(hold.clone());
        Ok(Placed { hold, replaced })
    }

    /// Whether [`SlotLedger::hold`] would succeed now; `for_call`'s own offer does not count.
    #[must_use]
    pub fn is_free(
        &self,
        target: &Target,
        segments: &[Interval],
        units: &FreeUnits,
        seen_at: UnixMillis,
        for_call: Option<&CallId>,
        now: UnixMillis,
    ) -> bool {
        let segments = joined_segments(segments.to_vec());
        let view = View { seen_at, now, for_call };
        self.check(&sorted_target(target.clone()), &segments, units, view).is_ok()
    }

    /// An offer becomes a booking under way and ends by itself no more. Errors: it is not there, its time
    /// is over, or it was submitted before.
    pub fn submit(&mut self, id: &HoldId, now: UnixMillis) -> Result<(), LedgerError> {
        let until = self.offer(id)?;
        if until <= now {
            return Err(LedgerError::Expired { until });
        }
        self.change(id, |hold| hold.state = HoldState::Submitted);
        Ok(())
    }

    /// A booking under way stands at Cal.com. The host turns a pool's entry into that member's; without
    /// one the unit of the pool stays used. An entry of a member stays with the member.
    ///
    /// Cal.com does not know our offers, so the host it picks may be one that another call is being
    /// offered by name: such offers are taken out and given back as `displaced`. Errors: it is not there,
    /// or no booking of it is under way.
    pub fn book(
        &mut self,
        id: &HoldId,
        host: Option<StaffId>,
        now: UnixMillis,
    ) -> Result<BookedHold, LedgerError> {
        let hold = self.holds.get(id).ok_or_else(|| LedgerError::NotFound(id.clone()))?;
        if hold.state != HoldState::Submitted {
            return Err(LedgerError::WrongState { state: hold.state.clone() });
        }
        self.change(id, |hold| {
            hold.state = HoldState::Booked { at: now };
            if let (Target::Pool { .. }, Some(host)) = (&hold.target, host) {
                hold.target = Target::Member(host);
            }
        });
        let hold = self.holds.get(id).cloned().ok_or_else(|| LedgerError::NotFound(id.clone()))?;
        let displaced = self.displaced_by(&hold, now);
        let displaced = displaced.iter().filter_map(|id| self.release(id)).collect();
        Ok(BookedHold { hold, displaced })
    }

    /// Takes a hold out, whatever its state. `None`: it was not there.
    pub fn release(&mut self, id: &HoldId) -> Option<Hold> {
        let hold = self.holds.remove(id)?;
        self.index.remove(&hold);
        Some(hold)
    }

    /// Takes a call's offers out when the call is over; what is submitted or booked stays.
    pub fn release_call(&mut self, call: &CallId) -> Vec<Hold> {
        let ids: Vec<HoldId> = self.offers_of(call).map(|h| h.id.clone()).collect();
        ids.iter().filter_map(|id| self.release(id)).collect()
    }

    /// Takes out the offers whose time is over, the earliest first.
    pub fn expire(&mut self, now: UnixMillis) -> Vec<Hold> {
        let mut ended = Vec::new();
        while let Some((until, id)) = self.index.first_expiry().cloned() {
            if until > now {
                break;
            }
            ended.extend(self.release(&id));
        }
        ended
    }

    /// When [`SlotLedger::expire`] has something to do next.
    #[must_use]
    pub fn next_expiry(&self) -> Option<UnixMillis> {
        self.index.first_expiry().map(|(until, _)| *until)
    }

    /// Lets an offer end later; an earlier end changes nothing. Errors: it is not there, its time is over
    /// (the slot may be somebody else's), or it is no offer any more.
    pub fn extend(&mut self, id: &HoldId, until: UnixMillis, now: UnixMillis) -> Result<(), LedgerError> {
        let ends = self.offer(id)?;
        if ends <= now {
            return Err(LedgerError::Expired { until: ends });
        }
        self.change(id, |hold| hold.state = HoldState::Held { until: until.max(ends) });
        Ok(())
    }

    /// Puts a hold back as it was written, at a restart: without any check, and over one with the same id.
    /// Where a crash left a call with two offers, the one placed last stays, in whatever order they come.
    pub fn restore(&mut self, hold: Hold) {
        let call = hold.call_id.clone();
        self.put(hold);
        let latest = self.held_by(&call).map(|h| h.id.clone());
        let older: Vec<HoldId> =
            self.offers_of(&call).map(|h| h.id.clone()).filter(|id| Some(id) != latest.as_ref()).collect();
        for id in &older {
            self.release(id);
        }
    }

    /// A call's offer, expired or not.
    #[must_use]
    pub fn held_by(&self, call: &CallId) -> Option<&Hold> {
        self.offers_of(call).max_by(|a, b| (a.placed_at, &a.id).cmp(&(b.placed_at, &b.id)))
    }

    /// A hold by id.
    #[must_use]
    pub fn get(&self, id: &HoldId) -> Option<&Hold> {
        self.holds.get(id)
    }

    /// All holds, by id.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values()
    }

    /// Everything that shares a lane and an instant with a target: its member, its pool, or a pool that
    /// has a member of it. Expired offers are left out; bookings are in, however old. For bookings from
    /// outside, which revoke our offers.
    #[must_use]
    pub fn overlapping(&self, target: &Target, segments: &[Interval], now: UnixMillis) -> Vec<&Hold> {
        let mut ids: Vec<&HoldId> =
            lanes(target).into_iter().flat_map(|lane| self.index.overlapping(lane, segments)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
            .filter_map(|id| self.holds.get(id))
            .filter(|hold| hold.until().is_none_or(|until| now < until))
            .collect()
    }

    /// Whether a pool's entry, ordered then, has a member for itself although the calendar gave those away whom it had
    /// chosen for it, so many times by now. Each went to another order for the very same time, as far as there are any
    /// that came after it or are open still, else to somebody whom we have not heard of. Where the members' own times are
    /// not known nobody is.
    #[must_use]
    pub fn has_another_member(
        &self,
        id: &HoldId,
        ordered_at: UnixMillis,
        races_lost: usize,
        now: UnixMillis,
    ) -> bool {
        let Some(entry) = self.holds.get(id) else { return false };
        let mut others = self.overlapping(&entry.target, &entry.segments, now);
        others.retain(|hold| hold.id != entry.id);
        let may_have_won = |hold: &&&Hold| {
            let is_of_these = match &hold.target {
                Target::Member(member) => entry.fits.contains(member),
                Target::Pool { .. } => true,
            };
            let is_after = match hold.state {
                HoldState::Held { .. } => false,
                HoldState::Submitted => true,
                HoldState::Booked { at } => ordered_at <= at,
            };
            hold.segments == entry.segments && is_of_these && is_after
        };
        let to_others = races_lost.saturating_sub(others.iter().filter(may_have_won).count());
        let (left, taken) = self.left_beside(entry, &others);
        left > taken + to_others
    }

    /// Takes out bookings whose last segment is over: nothing can clash with them any more.
    pub fn forget_past(&mut self, now: UnixMillis) {
        let over = |hold: &Hold| hold.end().is_none_or(|end| end <= now);
        let past: Vec<HoldId> = self
            .holds()
            .filter(|hold| matches!(hold.state, HoldState::Booked { .. }) && over(hold))
            .map(|hold| hold.id.clone())
            .collect();
        for id in &past {
            self.release(id);
        }
    }

    pub(super) fn check(
        &self,
        target: &Target,
        segments: &[Interval],
        units: &FreeUnits,
        view: View<'_>,
    ) -> Result<(), Taken> {
        if segments.is_empty() {
            return Err(Taken { by: Vec::new() });
        }
        let standing: Vec<&Hold> = self
            .overlapping(target, segments, view.now)
            .into_iter()
            .filter(|hold| stands_against(hold, view))
            .collect();
        let outside: Vec<&OutsideBooking> = self.outside.against(target, segments, view.seen_at).collect();
        let room = match (target, units) {
            (Target::Member(_), _) | (Target::Pool { .. }, FreeUnits::Unknown) => {
                standing.is_empty() && outside.is_empty()
            }
            (Target::Pool { .. }, FreeUnits::Members(_)) => {
                let (pools, mut named) = by_kind(&standing);
                named.extend(outside.iter().filter_map(|booking| booking.member()));
                let unnamed = outside.iter().filter(|booking| booking.member().is_none()).count();
                let mut fits = free_of(target, units);
                fits.retain(|member| !named.contains(member));
                fits.len() > pools.len() + unnamed && pools.iter().all(|entry| self.spares_one(entry, view))
            }
        };
        let by = || standing.iter().map(|hold| hold.id.clone()).collect();
        if room { Ok(()) } else { Err(Taken { by: by() }) }
    }

    /// Whether a pool's entry keeps a member for itself when one more entry beside it takes any. What the view
    /// already shows counts too: it came after this entry, whose members were seen before.
    fn spares_one(&self, entry: &Hold, view: View<'_>) -> bool {
        let others: Vec<&Hold> = self
            .overlapping(&entry.target, &entry.segments, view.now)
            .into_iter()
            .filter(|hold| hold.id != entry.id && !is_own_offer(hold, view))
            .collect();
        let (left, taken) = self.left_beside(entry, &others);
        left > taken + 1
    }

    /// Members that a pool's entry was given to choose from whom nobody has by name, and how many other entries will
    /// take one of them.
    fn left_beside(&self, entry: &Hold, others: &[&Hold]) -> (usize, usize) {
        let (pools, mut named) = by_kind(others);
        let outside = self.outside.against(&entry.target, &entry.segments, UnixMillis(i64::MIN));
        named.extend(outside.filter_map(OutsideBooking::member));
        (entry.fits.iter().filter(|member| !named.contains(member)).count(), pools.len())
    }

    /// Offers by name of the member that a booking fell on.
    fn displaced_by(&self, booked: &Hold, now: UnixMillis) -> Vec<HoldId> {
        let Target::Member(_) = booked.target else { return Vec::new() };
        let rivals = self.overlapping(&booked.target, &booked.segments, now).into_iter();
        rivals.filter(|h| h.is_held() && h.target == booked.target).map(|h| h.id.clone()).collect()
    }

    /// The end of an offer.
    fn offer(&self, id: &HoldId) -> Result<UnixMillis, LedgerError> {
        let hold = self.holds.get(id).ok_or_else(|| LedgerError::NotFound(id.clone()))?;
        hold.until().ok_or_else(|| LedgerError::WrongState { state: hold.state.clone() })
    }

    fn offers_of(&self, call: &CallId) -> impl Iterator<Item = &Hold> {
        self.index.of_call(call).filter_map(|id| self.holds.get(id)).filter(|hold| hold.is_held())
    }

    fn put(&mut self, hold: Hold) {
        self.release(&hold.id);
        self.index.insert(&hold);
        self.holds.insert(hold.id.clone(), hold);
    }

    fn change(&mut self, id: &HoldId, change: impl FnOnce(&mut Hold)) {
        if let Some(mut hold) = self.release(id) {
            change(&mut hold);
            self.put(hold);
        }
    }
}

/// Whether an entry counts for a view: not the call's own offer, no expired offer, and no booking that the
/// view already shows.
fn stands_against(hold: &Hold, view: View<'_>) -> bool {
    match hold.state {
        HoldState::Held { until } => view.now < until && !is_own_offer(hold, view),
        HoldState::Submitted => true,
        HoldState::Booked { at } => view.seen_at <= at.plus_ms(CALENDAR_CACHE_MS),
    }
}

fn is_own_offer(hold: &Hold, view: View<'_>) -> bool {
    hold.is_held() && view.for_call == Some(&hold.call_id)
}

/// Pool entries, and the members of the others.
fn by_kind<'a>(holds: &[&'a Hold]) -> (Vec<&'a Hold>, BTreeSet<StaffId>) {
    let pools = holds.iter().copied().filter(|hold| matches!(hold.target, Target::Pool { .. })).collect();
    let named = holds.iter().filter_map(|hold| match hold.target {
        Target::Member(staff) => Some(staff),
        Target::Pool { .. } => None,
    });
    (pools, named.collect())
}

/// The members of a pool that the calendar shows free; none where it does not tell.
fn free_of(target: &Target, units: &FreeUnits) -> BTreeSet<StaffId> {
    match (target, units) {
        (Target::Pool { members, .. }, FreeUnits::Members(free)) => {
            members.iter().copied().filter(|member| free.contains(member)).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn sorted_target(target: Target) -> Target {
    match target {
        Target::Pool { event_type_id, mut members } => {
            members.sort_unstable();
            members.dedup();
            Target::Pool { event_type_id, members }
        }
        member @ Target::Member(_) => member,
    }
}

/// Sorted, and those that overlap or touch made one.
fn joined_segments(mut segments: Vec<Interval>) -> Vec<Interval> {
    segments.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(segments.len());
    for next in segments {
        let last = joined.last().copied().filter(|last| next.start() <= last.end());
        match last.and_then(|last| Interval::new(last.start(), last.end().max(next.end()))) {
            Some(longer) => {
                joined.pop();
                joined.push(longer);
            }
            None => joined.push(next),
        }
    }
    joined
}
