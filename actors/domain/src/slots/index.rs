//! Ways to find holds without looking at all of them: by resource and time, by call, by expiry.

use std::collections::{BTreeMap, BTreeSet};

use super::{Hold, HoldId, Target};
use crate::{
    ids::{CallId, StaffId},
    time::{Interval, UnixMillis},
};

/// What an entry may use up. A pool entry stands in the lanes of all its members, and in that of its
/// event type, so that a pool whose members are not known still stands against itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// One member.
    Member(StaffId),
    /// A pooled event type.
    EventType(i64),
}

/// All lanes of a target.
pub(super) fn lanes(target: &Target) -> Vec<Lane> {
    match target {
        Target::Member(staff) => vec![Lane::Member(*staff)],
        Target::Pool { event_type_id, members } => {
            let own = std::iter::once(Lane::EventType(*event_type_id));
            own.chain(members.iter().copied().map(Lane::Member)).collect()
        }
    }
}

/// Indexes over the holds of a ledger; has exactly one entry for each.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    lanes: BTreeMap<Lane, Entries>,
    by_call: BTreeMap<CallId, BTreeSet<HoldId>>,
    expiries: BTreeSet<(UnixMillis, HoldId)>,
}

/// Segments of one lane, by start.
#[derive(Debug, Clone, Default)]
struct Entries {
    by_start: BTreeMap<(UnixMillis, HoldId), UnixMillis>,
    /// Length of the longest segment ever in it, which bounds how far back an overlap can start.
    longest_ms: i64,
}

impl Index {
    /// Takes a hold in.
    pub(super) fn insert(&mut self, hold: &Hold) {
        for lane in lanes(&hold.target) {
            let entries = self.lanes.entry(lane).or_default();
            for segment in &hold.segments {
                entries.by_start.insert((segment.start(), hold.id.clone()), segment.end());
                entries.longest_ms = entries.longest_ms.max(segment.end().since(segment.start()));
            }
        }
        self.by_call.entry(hold.call_id.clone()).or_default().insert(hold.id.clone());
        if let Some(until) = hold.until() {
            self.expiries.insert((until, hold.id.clone()));
        }
    }

    /// Takes a hold out; it must be as it was when it was taken in.
    pub(super) fn remove(&mut self, hold: &Hold) {
        for lane in lanes(&hold.target) {
            let Some(entries) = self.lanes.get_mut(&lane) else { continue };
            for segment in &hold.segments {
                entries.by_start.remove(&(segment.start(), hold.id.clone()));
            }
            if entries.by_start.is_empty() {
                self.lanes.remove(&lane);
            }
        }
        if let Some(ids) = self.by_call.get_mut(&hold.call_id) {
            ids.remove(&hold.id);
            if ids.is_empty() {
                self.by_call.remove(&hold.call_id);
            }
        }
        if let Some(until) = hold.until() {
            self.expiries.remove(&(until, hold.id.clone()));
        }
    }

    /// Ids of everything in a lane that shares an instant with one of the segments.
    pub(super) fn overlapping<'a>(
        &'a self,
        lane: Lane,
        segments: &'a [Interval],
    ) -> impl Iterator<Item = &'a HoldId> {
        self.lanes
            .get(&lane)
            .into_iter()
            .flat_map(move |entries| segments.iter().flat_map(move |segment| entries.overlapping(*segment)))
    }

    /// Ids of a call's holds.
    pub(super) fn of_call(&self, call: &CallId) -> impl Iterator<Item = &HoldId> {
        self.by_call.get(call).into_iter().flatten()
    }

    /// The offer that ends first.
    pub(super) fn first_expiry(&self) -> Option<&(UnixMillis, HoldId)> {
        self.expiries.first()
    }
}

impl Entries {
    fn overlapping(&self, segment: Interval) -> impl Iterator<Item = &HoldId> {
        let lowest_id = || HoldId(String::new());
        let to = (segment.end(), lowest_id());
        let earliest = segment.start().plus_ms(-self.longest_ms).min(segment.end());
        let from = (earliest, lowest_id());
        self.by_start.range(from..to).filter(move |(_, end)| **end > segment.start()).map(|((_, id), _)| id)
    }
}
