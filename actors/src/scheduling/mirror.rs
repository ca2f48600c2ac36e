//! What the calendar last offered, by event type and window, with its age.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::time::{Interval, UnixMillis};

use crate::ports::calendar::Offered;

/// Views kept for one company; the oldest goes first.
const VIEWS_MAX: usize = 128;
/// Days in a window: the wished day, the days after it, and the same weekday a week later.
const WINDOW_DAYS: i64 = 9;
const DAY_MS: i64 = 86_400_000;

/// What the calendar offered at one time.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) window: Interval,
    pub(super) starts: BTreeSet<UnixMillis>,
    /// When it was asked for: it shows nothing that came later, however long the answer took.
    pub(super) fetched_at: UnixMillis,
    /// When the answer came.
    pub(super) arrived_at: UnixMillis,
    /// Something is known to have changed since: good only while the calendar does not answer.
    outdated: bool,
}

/// Views of one company's event types.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    views: BTreeMap<i64, Vec<View>>,
    /// When each fetch in flight was begun.
    in_flight: BTreeMap<(i64, UnixMillis), UnixMillis>,
}

/// The window to fetch for a wished start: nine days from midnight UTC of that day.
pub(super) fn window_for(start: UnixMillis) -> Option<Interval> {
    let midnight = UnixMillis(start.0 - start.0.rem_euclid(DAY_MS));
    Interval::new(midnight, midnight.plus_ms(WINDOW_DAYS * DAY_MS))
}

impl Mirror {
    /// The newest view that covers this start and is not older than `age_ms_max`.
    pub(super) fn view(
        &self,
        event_type_id: i64,
        start: UnixMillis,
        age_ms_max: i64,
        now: UnixMillis,
    ) -> Option<&View> {
        let covers = |v: &&View| v.window.start() <= start && start < v.window.end();
        let views = self.views.get(&event_type_id)?;
        views
            .iter()
            .filter(covers)
            .max_by_key(|v| v.fetched_at)
            .filter(|v| now.since(v.fetched_at) <= age_ms_max)
    }

    /// Whether a view that is not older than `age_ms` and not outdated covers this start.
    pub(super) fn is_fresh(
        &self,
        event_type_id: i64,
        start: UnixMillis,
        age_ms: i64,
        now: UnixMillis,
    ) -> bool {
        self.view(event_type_id, start, age_ms, now).is_some_and(|view| !view.outdated)
    }

    /// Whether a fetch must be started: one is in flight at a time for each event type and window.
    pub(super) fn begin_fetch(&mut self, event_type_id: i64, window: Interval, now: UnixMillis) -> bool {
        let key = (event_type_id, window.start());
        if self.in_flight.contains_key(&key) {
            return false;
        }
        self.in_flight.insert(key, now);
        true
    }

    /// A fetch came back; with an answer the view replaces older ones of that window.
    pub(super) fn end_fetch(
        &mut self,
        event_type_id: i64,
        window: Interval,
        offered: Option<&Offered>,
        now: UnixMillis,
    ) {
        // A fetch that was begun before a panic is not known here: its answer may be as old as any.
        let Some(fetched_at) = self.in_flight.remove(&(event_type_id, window.start())) else { return };
        let Some(offered) = offered else { return };
        let views = self.views.entry(event_type_id).or_default();
        views.retain(|v| v.window != window);
        let starts = offered.starts.clone();
        views.push(View { window, starts, fetched_at, arrived_at: now, outdated: false });
        self.evict();
    }

    /// Whether this fetch is under way.
    pub(super) fn is_fetching(&self, event_type_id: i64, window: Interval) -> bool {
        self.in_flight.contains_key(&(event_type_id, window.start()))
    }

    /// The calendar did not give this start: ask again next time, and until then do not offer it.
    pub(super) fn strike(&mut self, event_type_id: i64, start: UnixMillis) {
        for view in self.views.values_mut().flatten() {
            view.outdated = true;
        }
        for view in self.views.entry(event_type_id).or_default() {
            view.starts.remove(&start);
        }
    }

    /// How many views are kept.
    pub(super) fn len(&self) -> usize {
        self.views.values().map(Vec::len).sum()
    }

    fn evict(&mut self) {
        while self.len() > VIEWS_MAX {
            let oldest = |views: &Vec<View>| views.iter().map(|v| v.fetched_at).min();
            let filled = self.views.iter().filter(|(_, views)| !views.is_empty());
            let Some(key) = filled.min_by_key(|(_, v)| oldest(v)).map(|(k, _)| *k) else { return };
            self.views.remove(&key);
        }
    }
}
