//! What is free near a wish, and what may be offered at all: within the opening hours, not too soon, and never a
//! time that the customer has something else.

use askpro_domain::{
    function::alternatives,
    ids::{AppointmentId, CallId},
    phone::PhoneNumber,
    tenant::{Branch, Company, Service},
    time::{Interval, UnixMillis},
    when::{
        Window,
        opening::{OpenVerdict, is_open, notice_ok},
    },
};

use super::{
    SchedulingActor,
    mirror::View,
    plan::{Candidate, Wish, segments},
};

/// Who looks for a time, and for what.
pub(super) struct Seeker<'a> {
    pub(super) company: &'a Company,
    /// Where; `None` in a company without branches.
    pub(super) branch: Option<&'a Branch>,
    pub(super) service: &'a Service,
    pub(super) known: &'a [Candidate],
    pub(super) call_id: &'a CallId,
    /// When the customer has something else.
    pub(super) occupied: Vec<Interval>,
    pub(super) now: UnixMillis,
}

impl Seeker<'_> {
    /// Whether a start may be offered, as far as our own settings and the customer's appointments say.
    fn may_offer(&self, start: UnixMillis) -> bool {
        let Some(interval) = segments(self.service, start) else { return false };
        let is_closed = |branch| matches!(is_open(self.company, branch, interval), OpenVerdict::Closed(_));
        notice_ok(self.company, start, self.now)
            && !self.branch.is_some_and(is_closed)
            && !self.occupied.iter().any(|other| other.overlaps(interval))
    }
}

impl SchedulingActor {
    /// When whoever calls from this number has something, other than the appointment that it is about. A number that
    /// is only said tells nothing of its owner.
    pub(super) fn occupied(
        &self,
        number: Option<&PhoneNumber>,
        but: Option<&AppointmentId>,
        now: UnixMillis,
    ) -> Vec<Interval> {
        let cards = number.map(|number| self.world.customers.card(self.company, number, now)).into_iter();
        let others =
            cards.flat_map(|card| card.upcoming).filter(|upcoming| Some(&upcoming.appointment) != but);
        others.map(|upcoming| upcoming.interval).collect()
    }

    /// Free times near the wish, in the order in which they are offered.
    pub(super) fn free_near(&self, seeker: &Seeker<'_>, wish: Wish) -> Vec<UnixMillis> {
        let offered = self.offered(seeker, wish).collect();
        alternatives::choose(
            wish.best(),
            &offered,
            |start| !self.is_free(seeker, start),
            &seeker.company.zone(),
            self.world.settings.alternatives_max,
        )
    }

    /// Free starts in a window, the one that fits best first; no more than can be held and offered beside it.
    pub(super) fn free_within(&self, seeker: &Seeker<'_>, wish: Wish, window: &Window) -> Vec<UnixMillis> {
        let mut starts: Vec<UnixMillis> =
            self.offered(seeker, wish).filter(|start| window.contains(*start)).collect();
        starts.sort_unstable_by_key(|start| (start.since(window.best).unsigned_abs(), *start));
        starts.dedup();
        let free = starts.into_iter().filter(|start| self.is_free(seeker, *start));
        free.take(self.world.settings.alternatives_max + 1).collect()
    }

    /// Everything that the calendar offers around the wish.
    fn offered<'a>(
        &'a self,
        seeker: &'a Seeker<'_>,
        wish: Wish,
    ) -> impl Iterator<Item = UnixMillis> + use<'a> {
        self.views(seeker.known, wish.start, seeker.now).flat_map(|view| view.starts.iter().copied())
    }

    /// The newest views that cover a start, of whatever can fulfil the wish; good enough while the calendar is silent.
    pub(super) fn views<'a>(
        &'a self,
        known: &'a [Candidate],
        start: UnixMillis,
        now: UnixMillis,
    ) -> impl Iterator<Item = &'a View> + use<'a> {
        let stale = self.world.settings.mirror_stale_ms_max;
        known.iter().filter_map(move |c| self.mirror.view(c.event_type_id, start, stale, now))
    }

    fn is_free(&self, seeker: &Seeker<'_>, start: UnixMillis) -> bool {
        seeker.may_offer(start)
            && seeker.known.iter().any(|candidate| self.has_room(seeker, candidate, start))
    }

    fn has_room(&self, seeker: &Seeker<'_>, candidate: &Candidate, start: UnixMillis) -> bool {
        segments(seeker.service, start).is_some_and(|interval| {
            self.is_free_for(seeker.call_id, candidate, (start, interval), seeker.now)
        })
    }

    /// Whether the calendar offers a start, and no other call has it.
    pub(super) fn is_free_for(
        &self,
        call_id: &CallId,
        candidate: &Candidate,
        (start, interval): (UnixMillis, Interval),
        now: UnixMillis,
    ) -> bool {
        self.seen(candidate, start, now).is_some_and(|(seen_at, units)| {
            self.ledger.is_free(&candidate.target, &[interval], &units, seen_at, Some(call_id), now)
        })
    }
}
