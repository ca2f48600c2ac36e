//! What the calendar last offered, by event type and window, with its age.

mod lent;

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::{
    slots::CALENDAR_CACHE_MS,
    time::{Interval, UnixMillis},
};

use crate::ports::calendar::Offered;

/// Views kept for one company; the one that was not asked for the longest goes first.
const VIEWS_MAX: usize = 128;
/// Days in a window: the wished day, the days after it, and the same weekday a week later.
const WINDOW_DAYS: i64 = 9;
const DAY_MS: i64 = 86_400_000;
/// Starts that the calendar refused, kept for one company; the oldest goes first.
const STRUCK_MAX: usize = 256;

/// What the calendar offered at one time.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) window: Interval,
    /// What it offers, with what our own reservations hid from it.
    pub(super) starts: BTreeSet<UnixMillis>,
    /// Those that our reservations hid, and when they were seen.
    lent: BTreeMap<UnixMillis, UnixMillis>,
    /// When it was asked for: it shows nothing that came later, however long the answer took.
    pub(super) fetched_at: UnixMillis,
    /// When the answer came.
    pub(super) arrived_at: UnixMillis,
    /// When somebody last wanted to know.
    asked_at: UnixMillis,
    /// When it was last asked for again in vain.
    failed_at: Option<UnixMillis>,
}

/// Which views are fetched again before anybody asks.
#[derive(Debug, Clone)]
pub struct WarmSettings {
    /// Age at which they are.
    pub age_ms: i64,
    /// How long after the last question for them.
    pub asked_within_ms: i64,
    /// How many of one company, those that were asked for last.
    pub views_max: usize,
    /// How long after a fetch that failed.
    pub again_ms: i64,
}

impl Default for WarmSettings {
    fn default() -> Self {
        Self { age_ms: 45_000, asked_within_ms: 600_000, views_max: 8, again_ms: 15_000 }
    }
}

/// How good a view is for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// As good as asked for now.
    Fresh,
    /// Good enough to answer at once, while the calendar is asked beside it.
    Usable,
    /// There is none, it is old, or something has changed since: good only while the calendar does not answer.
    Stale,
}

/// Views of one company's event types.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    views: BTreeMap<i64, Vec<View>>,
    /// When each fetch in flight was begun.
    in_flight: BTreeMap<(i64, UnixMillis), UnixMillis>,
    /// When something last changed.
    all_changed: Option<UnixMillis>,
    /// When something last changed of what these event types offer.
    changed: BTreeMap<i64, UnixMillis>,
    /// When a reservation of ours last ceased to hide something from these event types: their views lack it, and
    /// what they show is as good as before.
    unhidden: BTreeMap<i64, UnixMillis>,
    /// Starts that the calendar did not give, and when.
    struck: BTreeMap<(i64, UnixMillis), UnixMillis>,
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
        let views = self.views.get(&event_type_id)?;
        let newest = views.iter().filter(|v| v.covers(start)).max_by_key(|v| v.fetched_at);
        newest.filter(|v| now.since(v.fetched_at) <= age_ms_max)
    }

    /// Somebody wants to know about this start: how good the view of it is, by these two ages.
    pub(super) fn ask(
        &mut self,
        event_type_id: i64,
        start: UnixMillis,
        (fresh_ms, serve_ms): (i64, i64),
        now: UnixMillis,
    ) -> Freshness {
        let views = self.views.get_mut(&event_type_id);
        views.into_iter().flatten().filter(|v| v.covers(start)).for_each(|v| v.asked_at = now);
        if self.is_fresh(event_type_id, start, fresh_ms, now) {
            Freshness::Fresh
        } else if self.is_usable(event_type_id, start, serve_ms, now) {
            Freshness::Usable
        } else {
            Freshness::Stale
        }
    }

    /// Whether a view that is not older than `age_ms` covers this start, and nothing has changed since.
    pub(super) fn is_fresh(
        &self,
        event_type_id: i64,
        start: UnixMillis,
        age_ms: i64,
        now: UnixMillis,
    ) -> bool {
        self.view(event_type_id, start, age_ms, now)
            .is_some_and(|view| !self.has_changed_since(event_type_id, view.fetched_at))
    }

    /// The same of a view that may only lack what a reservation of ours hid: what it shows is as good as before.
    fn is_usable(&self, event_type_id: i64, start: UnixMillis, age_ms: i64, now: UnixMillis) -> bool {
        self.view(event_type_id, start, age_ms, now).is_some_and(|view| {
            let changed_at = self.changed_at(event_type_id).filter(|at| view.fetched_at <= *at);
            let unhidden_at = self.unhidden.get(&event_type_id).filter(|at| view.fetched_at <= **at);
            changed_at.is_none() && (unhidden_at.is_none() || view.starts.contains(&start))
        })
    }

    /// These event types changed at the calendar: views from before are to be asked for again, also those that
    /// are still on their way. Until then they are good for what they show.
    pub(super) fn mark_changed(&mut self, event_types: impl IntoIterator<Item = i64>, at: UnixMillis) {
        self.changed.extend(event_types.into_iter().map(|event_type_id| (event_type_id, at)));
    }

    /// The same for every event type.
    pub(super) fn mark_all_changed(&mut self, at: UnixMillis) {
        self.all_changed = Some(at);
    }

    fn has_changed_since(&self, event_type_id: i64, fetched_at: UnixMillis) -> bool {
        self.news_at(event_type_id).is_some_and(|at| fetched_at <= at)
    }

    /// When something last changed of what an event type offers.
    fn changed_at(&self, event_type_id: i64) -> Option<UnixMillis> {
        self.changed.get(&event_type_id).copied().max(self.all_changed)
    }

    /// The same, or when something was last unhidden of it.
    fn news_at(&self, event_type_id: i64) -> Option<UnixMillis> {
        self.changed_at(event_type_id).max(self.unhidden.get(&event_type_id).copied())
    }

    /// Views to be fetched again before anybody asks, and when.
    pub(super) fn warm(&self, settings: &WarmSettings, now: UnixMillis) -> Vec<(UnixMillis, i64, Interval)> {
        let all = self.views.iter().flat_map(|(id, views)| views.iter().map(move |view| (*id, view)));
        let asked = all.filter(|(_, view)| now.since(view.asked_at) < settings.asked_within_ms);
        let mut asked: Vec<(i64, &View)> = asked.collect();
        asked.sort_by_key(|(_, view)| std::cmp::Reverse(view.asked_at));
        asked.truncate(settings.views_max);
        let idle = asked.into_iter().filter(|(id, view)| !self.is_fetching(*id, view.window));
        idle.map(|(id, view)| (self.warm_at(id, view, settings), id, view.window)).collect()
    }

    /// After a change as soon as the calendar's cache shows it, otherwise by age.
    fn warm_at(&self, event_type_id: i64, view: &View, settings: &WarmSettings) -> UnixMillis {
        let changed_at = self.news_at(event_type_id).filter(|at| view.fetched_at <= *at);
        let by_age = view.fetched_at.plus_ms(settings.age_ms);
        let at = changed_at.map_or(by_age, |at| at.plus_ms(CALENDAR_CACHE_MS + 1));
        view.failed_at.map_or(at, |failed| at.max(failed.plus_ms(settings.again_ms)))
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
        let Some(offered) = offered else {
            let views = self.views.get_mut(&event_type_id).into_iter().flatten();
            return views.filter(|v| v.window == window).for_each(|v| v.failed_at = Some(now));
        };
        let mut starts = offered.starts.clone();
        starts.retain(|start| !self.is_struck(event_type_id, *start, fetched_at));
        let views = self.views.entry(event_type_id).or_default();
        let asked_at = views.iter().filter(|v| v.window == window).map(|v| v.asked_at).max();
        views.retain(|v| v.window != window);
        let asked_at = asked_at.unwrap_or(fetched_at);
        let lent = BTreeMap::new();
        views.push(View { window, starts, lent, fetched_at, arrived_at: now, asked_at, failed_at: None });
        self.evict();
    }

    /// Whether this fetch is under way.
    pub(super) fn is_fetching(&self, event_type_id: i64, window: Interval) -> bool {
        self.in_flight.contains_key(&(event_type_id, window.start()))
    }

    /// The calendar did not give this start: ask again next time, and until then do not offer it, nor in views
    /// that are still on their way.
    pub(super) fn strike(&mut self, event_type_id: i64, start: UnixMillis, now: UnixMillis) {
        self.mark_all_changed(now);
        for view in self.views.entry(event_type_id).or_default() {
            view.starts.remove(&start);
        }
        self.struck.insert((event_type_id, start), now);
        while self.struck.len() > STRUCK_MAX {
            let oldest = self.struck.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key);
            oldest.and_then(|key| self.struck.remove(&key));
        }
    }

    /// Whether a view of that time cannot know that this start was refused.
    fn is_struck(&self, event_type_id: i64, start: UnixMillis, fetched_at: UnixMillis) -> bool {
        let struck_at = self.struck.get(&(event_type_id, start));
        struck_at.is_some_and(|at| fetched_at < *at)
    }

    /// How many views are kept.
    pub(super) fn len(&self) -> usize {
        self.views.values().map(Vec::len).sum()
    }

    fn evict(&mut self) {
        while self.len() > VIEWS_MAX {
            let all = self.views.iter().flat_map(|(id, views)| views.iter().map(move |view| (id, view)));
            let oldest = all.min_by_key(|(_, view)| (view.asked_at, view.fetched_at));
            let Some((id, window)) = oldest.map(|(id, view)| (*id, view.window)) else { return };
            if let Some(views) = self.views.get_mut(&id) {
                views.retain(|view| view.window != window);
            }
        }
    }
}

impl View {
    fn covers(&self, start: UnixMillis) -> bool {
        self.window.start() <= start && start < self.window.end()
    }
}
