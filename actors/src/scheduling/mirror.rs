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
    pub(super) fetched_at: UnixMillis,
}

/// Views of one company's event types.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    views: BTreeMap<i64, Vec<View>>,
    in_flight: BTreeSet<(i64, UnixMillis)>,
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

    /// Whether a fetch must be started: one is in flight at a time for each event type and window.
    pub(super) fn begin_fetch(&mut self, event_type_id: i64, window: Interval) -> bool {
        self.in_flight.insert((event_type_id, window.start()))
    }

    /// A fetch came back; with an answer the view replaces older ones of that window.
    pub(super) fn end_fetch(
        &mut self,
        event_type_id: i64,
        window: Interval,
        offered: Option<&Offered>,
        asked_at: UnixMillis,
    ) {
        self.in_flight.remove(&(event_type_id, window.start()));
        let Some(offered) = offered else { return };
        let views = self.views.entry(event_type_id).or_default();
        views.retain(|v| v.window != window);
        views.push(View { window, starts: offered.starts.clone(), fetched_at: asked_at });
        self.evict();
    }

    /// Whether this fetch is under way.
    pub(super) fn is_fetching(&self, event_type_id: i64, window: Interval) -> bool {
        self.in_flight.contains(&(event_type_id, window.start()))
    }

    /// Our own booking changed what the calendar offers: ask again next time.
    pub(super) fn forget(&mut self, event_type_id: i64) {
        self.views.remove(&event_type_id);
    }

    /// How many views are kept.
    pub(super) fn len(&self) -> usize {
        self.views.values().map(Vec::len).sum()
    }

    fn evict(&mut self) {
        while self.len() > VIEWS_MAX {
            let oldest = |views: &Vec<View>| views.iter().map(|v| v.fetched_at).min();
            let Some(key) = self.views.iter().min_by_key(|(_, v)| oldest(v)).map(|(k, _)| *k) else { return };
            self.views.remove(&key);
        }
    }
}
