//! Holds as hints at the calendar: reserved when their caller has heard of them, and taken away when they are
//! over. All of it beside the calls: nobody waits for it, and nothing follows when it fails.
//!
//! A hold on a pool is not reserved: the calendar would hide its first host, whoever is picked. One that is
//! prolonged is not reserved anew, since the calendar refuses that while the first stands.

use std::collections::BTreeMap;

use askpro_domain::{
    ids::{CallId, StaffId},
    policy::{BreakerSettings, Class, Outcome, Pass},
    slots::{Hold, HoldId, HoldState, Target},
    tenant::Company,
    time::{Interval, UnixMillis},
};

use super::{
    SchedulingActor, SchedulingMessage,
    actor::Offer,
    breakers::BreakerTarget,
    reservations::{AskedReservation, RESERVATION_MINUTES_MAX, RESERVATIONS_MAX, ReservationKey, Shade},
};
use crate::{
    ports::calendar::{CalendarError, ReserveOutcome, ReserveWish},
    runtime::Context,
};

/// How long a reservation waits for its key's budget: no longer than it takes to ask for it.
const RESERVE_WAIT_MS: i64 = 500;
/// How long the removal of one waits for it.
const REMOVE_WAIT_MS: i64 = 10_000;
/// Age up to which a view tells what a reservation will hide.
const SHOWN_MS_MAX: i64 = 60_000;
const MINUTE_MS: i64 = 60_000;

/// Limits of the breaker before reservations. It is apart from the others: hints that fail close no other way,
/// and may wait.
pub(super) const BREAKER: BreakerSettings = BreakerSettings {
    failures_max: 3,
    window_ms: 600_000,
    open_ms_min: 60_000,
    open_ms_max: 600_000,
    probe_ms_max: 130_000,
};

/// Why a hold is not reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skipped {
    /// By the settings.
    Off,
    /// It was over, or ordered, before it could be.
    HoldOver,
    /// It is one of a pool.
    Pool,
    /// Another reservation of ours stands there still.
    Standing,
    /// There are too many.
    TooMany,
    /// The calendar is left alone.
    BreakerOpen,
    /// The key's budget is left to others.
    BudgetSpent,
}

impl Skipped {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::HoldOver => "hold_over",
            Self::Pool => "pool",
            Self::Standing => "standing",
            Self::TooMany => "too_many",
            Self::BreakerOpen => "breaker_open",
            Self::BudgetSpent => "budget_spent",
        }
    }

    fn count(self) {
        let name = crate::metrics::RESERVATIONS_SKIPPED.name;
        metrics::counter!(name, "reason" => self.as_str()).increment(1);
    }
}

impl SchedulingActor {
    /// A caller has heard of a hold: it is reserved, if that makes sense and nothing else is in need.
    pub(super) fn hold_told(&mut self, call_id: &CallId, hold: &HoldId, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let asked = self.reservation_for(call_id, hold, now).and_then(|asked| Ok((asked, self.pass(now)?)));
        match asked {
            Err(skipped) => skipped.count(),
            Ok(((asked, shade), pass)) => {
                self.reservations.ask(asked.clone(), shade);
                self.send_reservation(asked, pass, cx);
            }
        }
    }

    fn reservation_for(
        &self,
        call_id: &CallId,
        hold: &HoldId,
        now: UnixMillis,
    ) -> Result<(AskedReservation, Shade), Skipped> {
        if !self.world.settings.reservations {
            return Err(Skipped::Off);
        }
        let offer = self.offers.get(call_id).filter(|offer| offer.hold == *hold).ok_or(Skipped::HoldOver)?;
        let held = self.ledger.get(hold).ok_or(Skipped::HoldOver)?;
        let until = held.until().filter(|until| now < *until).ok_or(Skipped::HoldOver)?;
        let Target::Member(member) = held.target else { return Err(Skipped::Pool) };
        if self.reservations.stand_in_the_way(offer.event_type_id, offer.interval, now) {
            return Err(Skipped::Standing);
        }
        if self.reservations.len() >= RESERVATIONS_MAX {
            return Err(Skipped::TooMany);
        }
        let wish = ReserveWish {
            company: self.company,
            event_type_id: offer.event_type_id,
            start: offer.interval.start(),
            minutes: minutes_until(until, now),
        };
        let key = ReservationKey { hold: hold.clone(), sent_at: now };
        let shade = self.shade_of(offer, held, member, now);
        Ok((AskedReservation { key, wish, interval: offer.interval }, shade))
    }

    /// What a reservation of an offer will hide from our views, as they are now.
    fn shade_of(&self, offer: &Offer, held: &Hold, member: StaffId, now: UnixMillis) -> Shade {
        let lengths = self.company_now().map(|c| lengths_of_types(&c, member)).unwrap_or_default();
        let mut shade = Shade::default();
        for (event_type_id, length_ms) in lengths {
            shade.event_types.insert(event_type_id);
            let Some(within) = starts_that_overlap(offer.interval, length_ms) else { continue };
            let shown = self.mirror.shown(event_type_id, within, SHOWN_MS_MAX, now);
            shade.starts.extend(shown.into_iter().map(|(start, at)| ((event_type_id, start), at)));
        }
        let (own, stale) = (offer.event_type_id, self.world.settings.mirror_stale_ms_max);
        let start = offer.interval.start();
        let view = self.mirror.view(own, start, stale, now).filter(|view| view.starts.contains(&start));
        let seen_at = view.map_or(held.placed_at, |view| view.seen_at(start));
        shade.event_types.insert(own);
        shade.starts.entry((own, start)).or_insert(seen_at);
        shade
    }

    /// Whether the calendar may be asked now. It is not asked while slots are not: they come first.
    fn pass(&mut self, now: UnixMillis) -> Result<Pass, Skipped> {
        let slots_answer = self.breakers.is_closed(BreakerTarget::Slots);
        let pass = if slots_answer { self.reserve_breaker.ask(&BREAKER, now).ok() } else { None };
        pass.ok_or_else(|| {
            count_stopped("reserve");
            Skipped::BreakerOpen
        })
    }

    fn send_reservation(&self, asked: AskedReservation, pass: Pass, cx: &mut Context<'_, Self>) {
        let turn = self.turn(Class::Hints, cx.now().plus_ms(RESERVE_WAIT_MS));
        let calendar = self.world.calendar.clone();
        let (asked, lost) = (Box::new(asked.clone()), Box::new(asked));
        let reserve = async move {
            let outcome = calendar.reserve(&asked.wish, &turn).await;
            SchedulingMessage::Reserved { asked, pass, outcome }
        };
        cx.start(reserve, move || {
            let outcome = ReserveOutcome::AnswerLost;
            SchedulingMessage::Reserved { asked: lost, pass, outcome }
        });
    }

    /// A wish came back. What stands for a hold that is over is taken away at the end of this turn.
    pub(super) fn reserved(
        &mut self,
        asked: &AskedReservation,
        pass: Pass,
        outcome: &ReserveOutcome,
        now: UnixMillis,
    ) {
        self.reserve_breaker.heard(pass, outcome_of_wish(outcome), &BREAKER, now);
        match outcome {
            ReserveOutcome::Limited => Skipped::BudgetSpent.count(),
            ReserveOutcome::Refused(reason) => {
                tracing::warn!(company.id = self.company.0, reason, "the calendar reserves nothing");
            }
            _ => {}
        }
        self.reservations.answered(asked, outcome, now);
        self.mirror.lend(&self.reservations);
    }

    /// Forgets reservations that hide nothing any more, before anybody looks at what they lent.
    pub(super) fn end_reservations(&mut self, now: UnixMillis) {
        let ended = self.reservations.take_ended(now);
        if ended.is_empty() {
            return;
        }
        ended.iter().for_each(|reserved| self.mirror.mark_unhidden(reserved));
        self.mirror.lend(&self.reservations);
    }

    /// Takes away what stands for holds that are over, however they ended.
    pub(super) fn remove_reservations(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let ledger = &self.ledger;
        let is_live = |hold: &HoldId| {
            ledger.get(hold).is_some_and(|hold| !matches!(hold.state, HoldState::Booked { .. }))
        };
        for (key, uid) in self.reservations.begin_removals(is_live, now) {
            if self.breakers.is_closed(BreakerTarget::Slots) {
                self.send_removal(key, uid, cx);
            } else {
                count_stopped("unreserve");
                self.reservations.postpone_removal(&key, now);
            }
        }
    }

    /// In the class of refreshes, behind which hints stand: whatever could be placed can be taken away.
    fn send_removal(&self, key: ReservationKey, uid: String, cx: &mut Context<'_, Self>) {
        let turn = self.turn(Class::Refresh, cx.now().plus_ms(REMOVE_WAIT_MS));
        let (calendar, company, lost) = (self.world.calendar.clone(), self.company, key.clone());
        let remove = async move {
            let result = calendar.unreserve(company, &uid, &turn).await;
            SchedulingMessage::Unreserved { key, result }
        };
        cx.start(remove, move || {
            let result = Err(CalendarError::Unavailable("the removal panicked".to_owned()));
            SchedulingMessage::Unreserved { key: lost, result }
        });
    }

    pub(super) fn unreserved(
        &mut self,
        key: &ReservationKey,
        result: &Result<(), CalendarError>,
        now: UnixMillis,
    ) {
        if let Err(error) = result {
            tracing::debug!(company.id = self.company.0, %error, "a reservation was not taken away");
        }
        self.reservations.removal_returned(key, result, now);
    }
}

fn count_stopped(operation: &'static str) {
    let labels = [("operation", operation), ("outcome", "breaker_open")];
    metrics::counter!(crate::metrics::CALCOM_REQUESTS.name, &labels).increment(1);
}

/// What is left of a hold in whole minutes, rounded up.
fn minutes_until(until: UnixMillis, now: UnixMillis) -> i64 {
    let left_ms = until.since(now);
    ((left_ms + MINUTE_MS - 1) / MINUTE_MS).clamp(1, RESERVATION_MINUTES_MAX)
}

/// Where something of this length starts that overlaps the time.
fn starts_that_overlap(interval: Interval, length_ms: i64) -> Option<Interval> {
    Interval::new(interval.start().plus_ms(1 - length_ms), interval.end())
}

/// Event types that show a member's time, and their lengths: the member's own, and those of services that the
/// member serves with others.
fn lengths_of_types(company: &Company, member: StaffId) -> BTreeMap<i64, i64> {
    let mut lengths: BTreeMap<i64, i64> = BTreeMap::new();
    for service in &company.services {
        let length_ms = i64::from(service.duration_minutes) * MINUTE_MS;
        for serves in service.staff.iter().filter(|serves| serves.staff == member) {
            for event_type_id in
                [serves.calcom_event_type_id, service.calcom_event_type_id].into_iter().flatten()
            {
                let longest = lengths.entry(event_type_id).or_insert(length_ms);
                *longest = length_ms.max(*longest);
            }
        }
    }
    lengths
}

/// What the outcome of a wish says of the way to reservations: one that refuses them all is as good as closed.
const fn outcome_of_wish(outcome: &ReserveOutcome) -> Outcome {
    match outcome {
        ReserveOutcome::Reserved(_) | ReserveOutcome::Taken => Outcome::Answered,
        ReserveOutcome::Refused(_) | ReserveOutcome::NotSent | ReserveOutcome::AnswerLost => Outcome::Failed,
        ReserveOutcome::Limited => Outcome::NotSent,
    }
}
