//! What our own reservations hid from views, given back to them. The rule is in
//! [`Reservations`](super::super::reservations).

use std::collections::BTreeSet;

use askpro_domain::time::{Interval, UnixMillis};

use super::{Mirror, View};
use crate::scheduling::reservations::{Reservations, Reserved};

impl View {
    /// When this start was seen to be offered.
    pub(in crate::scheduling) fn seen_at(&self, start: UnixMillis) -> UnixMillis {
        self.lent.get(&start).copied().unwrap_or(self.fetched_at)
    }
}

impl Mirror {
    /// Gives all views what these reservations may have hidden from them, and takes back what others have lent.
    pub(in crate::scheduling) fn lend(&mut self, reservations: &Reservations) {
        let struck = &self.struck;
        let refused_at = |event_type_id, start| struck.get(&(event_type_id, start)).copied();
        for (event_type_id, views) in &mut self.views {
            for view in views {
                for start in std::mem::take(&mut view.lent).into_keys() {
                    view.starts.remove(&start);
                }
                let answered = (view.fetched_at, view.arrived_at);
                for (start, seen_at) in reservations.hidden_from(*event_type_id, answered, refused_at) {
                    let is_refused = refused_at(*event_type_id, start).is_some_and(|at| seen_at <= at);
                    if view.covers(start) && !is_refused && view.starts.insert(start) {
                        view.lent.insert(start, seen_at);
                    }
                }
            }
        }
    }

    /// Starts within this time that the newest view shows of itself, not older than `age_ms_max`, and when it was
    /// asked for.
    pub(in crate::scheduling) fn shown(
        &self,
        event_type_id: i64,
        within: Interval,
        age_ms_max: i64,
        now: UnixMillis,
    ) -> Vec<(UnixMillis, UnixMillis)> {
        let views = self.views.get(&event_type_id).into_iter().flatten();
        let starts: BTreeSet<UnixMillis> =
            views.flat_map(|view| view.starts.range(within.start()..within.end()).copied()).collect();
        let newest = starts.into_iter().filter_map(|start| {
            let view = self.view(event_type_id, start, age_ms_max, now)?;
            let shows = view.starts.contains(&start) && !view.lent.contains_key(&start);
            shows.then_some((start, view.fetched_at))
        });
        newest.collect()
    }

    /// A reservation hides nothing any more: views that it may have hidden something from are to be asked for
    /// again.
    pub(in crate::scheduling) fn mark_unhidden(&mut self, ended: &Reserved) {
        let until = ended.hides_until();
        for event_type_id in &ended.shade.event_types {
            let views = self.views.get(event_type_id).into_iter().flatten();
            let mut affected = views.filter(|view| {
                view.window.overlaps(ended.asked.interval) && ended.may_dim(view.fetched_at, view.arrived_at)
            });
            if affected.next().is_some() {
                let unhidden = self.unhidden.entry(*event_type_id).or_insert(until);
                *unhidden = until.max(*unhidden);
            }
        }
    }
}
