//! What is asked of the calendar about bookings: orders are posted, lost ones looked for, surfaced ones
//! cancelled. All of it outside the turn, past the company's breaker and the key's budget.
//!
//! A booking whose caller waits is posted at once, and so is one for a pool that lost a race for its host. One that
//! could not be sent, or was found absent after a promise, is pending: pending bookings are posted one after the other,
//! the slot that was held longest first.

use askpro_domain::{
    booking::{Booking, BookingEvent, BookingState, LookResult, Refusal},
    ids::AppointmentId,
    policy::{Class, Outcome, Pass},
    time::UnixMillis,
};

use super::{
    SchedulingActor, SchedulingMessage,
    actor::{Active, DueStep, KnownDurable},
    announced::Word,
    answers::Answers,
    breakers::{BreakerTarget, outcome_of, outcome_of_post},
    pins::Pin,
};
use crate::{
    ports::calendar::{CalendarError, CreateOutcome, FoundBooking, Turn},
    runtime::Context,
};

/// How long a request about a booking waits for its key's budget where no caller says how long.
const BUDGET_WAIT_MS: i64 = 2_000;

impl SchedulingActor {
    /// Goes on with a new booking when its order is on disk.
    pub(super) fn post_when_written(
        &self,
        appointment: AppointmentId,
        answer_by: UnixMillis,
        written: KnownDurable,
        cx: &mut Context<'_, Self>,
    ) {
        let lost = appointment.clone();
        let wait = async move {
            let is_durable = written.await.is_ok();
            SchedulingMessage::OrderWritten { appointment, answer_by, is_durable }
        };
        let is_durable = false;
        cx.start(wait, move || SchedulingMessage::OrderWritten { appointment: lost, answer_by, is_durable });
    }

    /// One that was not taken meanwhile, because the disk was too slow for its agent, stays as it is.
    pub(super) fn order_written(
        &mut self,
        appointment: &AppointmentId,
        answer_by: UnixMillis,
        is_durable: bool,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        if !matches!(active.booking.state, BookingState::Submitted { post: 1 }) {
            return;
        }
        if !is_durable {
            return self.not_taken(appointment, cx);
        }
        active.is_on_disk = true;
        self.post_at_once(appointment, answer_by, cx);
    }

    /// An order that is not on disk, and so was never sent: its agent hears that it is not taken.
    pub(super) fn not_taken(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) {
        let event = self.not_written_ahead(appointment, cx);
        self.settle(appointment, event, cx);
    }

    /// Posts a booking whose caller waits until `answer_by`. With the breaker open nothing is sent: the booking is
    /// pending, and its caller hears so at once.
    fn post_at_once(
        &mut self,
        appointment: &AppointmentId,
        answer_by: UnixMillis,
        cx: &mut Context<'_, Self>,
    ) {
        match self.breakers.ask(BreakerTarget::Bookings, "book", cx.now()) {
            Ok(pass) => self.post(appointment, pass, answer_by, cx),
            Err(until) => {
                self.schedule(appointment, cx.now(), DueStep::Post);
                self.posts_wait_until = self.posts_wait_until.max(until);
                self.promise(appointment, cx);
            }
        }
    }

    /// Posts a booking again as if for the first time, for whoever still waits for it.
    pub(super) fn post_after_race(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) {
        let Some(active) = self.bookings.get(appointment) else { return };
        if active.unrecorded.is_some() {
            return self.schedule(appointment, cx.now(), DueStep::Post);
        }
        let waits_until = active.waiters.iter().map(|waiter| waiter.answer_by).max();
        let answer_by = waits_until.unwrap_or_else(|| cx.now().plus_ms(BUDGET_WAIT_MS));
        self.post_at_once(appointment, answer_by, cx);
    }

    /// Whether the pool of a booking has somebody for it although its host was given away. Where it has not it must not
    /// be posted again: a round robin that has nobody left answers like a server that fails.
    fn has_another_host(&self, appointment: &AppointmentId, now: UnixMillis) -> bool {
        let booking = self.bookings.get(appointment).map(|active| &active.booking);
        booking.is_some_and(|booking| {
            let (hold, lost) = (&booking.order.hold, booking.races_lost() + 1);
            self.ledger.has_another_member(hold, booking.submitted_at, lost, now)
        })
    }

    /// Posts the next pending booking, if none is under way.
    pub(super) fn post_next(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        if self.posting_again.is_some() || now < self.posts_wait_until {
            return;
        }
        let pending = self.bookings.values().filter(|active| active.post_due().is_some_and(|at| at <= now));
        let next = pending
            .map(|active| &active.booking)
            .min_by_key(|booking| (booking.held_since, booking.submitted_at, &booking.order.appointment));
        let Some(appointment) = next.map(|booking| booking.order.appointment.clone()) else { return };
        match self.breakers.ask(BreakerTarget::Bookings, "book", now) {
            Err(until) => self.posts_wait_until = until,
            Ok(pass) => {
                if let Some(active) = self.bookings.get_mut(&appointment) {
                    active.due = None;
                }
                self.posting_again = Some(appointment.clone());
                self.post(&appointment, pass, now.plus_ms(BUDGET_WAIT_MS), cx);
            }
        }
    }

    /// When [`SchedulingActor::post_next`] has something to do.
    pub(super) fn next_post_at(&self) -> Option<UnixMillis> {
        let first = self.bookings.values().filter_map(Active::post_due).min()?;
        self.posting_again.is_none().then(|| first.max(self.posts_wait_until))
    }

    /// Posts once the move that says so is on disk.
    fn post(
        &self,
        appointment: &AppointmentId,
        pass: Pass,
        wait_until: UnixMillis,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get(appointment) else { return };
        let written_ahead = active.written_ahead.0.clone();
        let (calendar, turn) = (self.world.calendar.clone(), self.turn(Class::Bookings, wait_until));
        let (order, submitted_at) = (active.booking.order.clone(), active.booking.submitted_at);
        let (appointment, lost) = (appointment.clone(), appointment.clone());
        let post = async move {
            if let Some(written_ahead) = written_ahead
                && written_ahead.await.is_err()
            {
                return SchedulingMessage::Posted { appointment, pass, outcome: None };
            }
            let outcome = Some(calendar.create(&order, submitted_at, &turn).await);
            SchedulingMessage::Posted { appointment, pass, outcome }
        };
        let on_panic = move || {
            let outcome = Some(CreateOutcome::AnswerLost);
            SchedulingMessage::Posted { appointment: lost, pass, outcome }
        };
        cx.start(post, on_panic);
    }

    pub(super) fn posted(
        &mut self,
        appointment: &AppointmentId,
        pass: Pass,
        outcome: Option<&CreateOutcome>,
        cx: &mut Context<'_, Self>,
    ) {
        if self.posting_again.as_ref() == Some(appointment) {
            self.posting_again = None;
        }
        self.heard_of_bookings(pass, outcome_of_post(outcome), cx.now());
        let event = match outcome {
            Some(CreateOutcome::Confirmed(booked)) => {
                let made = Word::Means(BookingEvent::Confirmed(booked.standing(cx.now())));
                return self.hear_out(appointment, vec![made], &booked.uid, cx);
            }
            Some(CreateOutcome::Refused(refusal)) => BookingEvent::Refused(*refusal),
            Some(CreateOutcome::HostRaced) if self.has_another_host(appointment, cx.now()) => {
                BookingEvent::HostRaced
            }
            Some(CreateOutcome::HostRaced) => BookingEvent::Refused(Refusal::SlotTaken),
            Some(CreateOutcome::NotSent) => BookingEvent::NotSent,
            Some(CreateOutcome::AnswerLost) => BookingEvent::AnswerLost,
            Some(CreateOutcome::Limited { retry_after_ms }) => {
                return self.wait_for_budget(appointment, *retry_after_ms, cx);
            }
            None => self.not_written_ahead(appointment, cx),
        };
        self.settle(appointment, event, cx);
    }

    /// The key's budget is spent: the booking is pending. Its caller hears so at once, unless it may still be
    /// sent in time.
    fn wait_for_budget(&mut self, appointment: &AppointmentId, wait_ms: i64, cx: &mut Context<'_, Self>) {
        let again_at = cx.now().plus_ms(wait_ms.max(1));
        self.posts_wait_until = self.posts_wait_until.max(again_at);
        self.schedule(appointment, cx.now(), DueStep::Post);
        let waiters = self.bookings.get(appointment).map(|active| &active.waiters);
        if waiters.is_some_and(|waiters| waiters.iter().any(|waiter| waiter.answer_by <= again_at)) {
            self.promise(appointment, cx);
        }
    }

    /// The journal failed before this POST was sent. The first one ends the booking, whose agent hears that it
    /// was not taken; before a later one an earlier may have come through.
    fn not_written_ahead(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) -> BookingEvent {
        let answers = Answers::new(self.company, self.company_now());
        match self.bookings.get_mut(appointment) {
            Some(Active { booking, waiters, .. })
                if matches!(booking.state, BookingState::Submitted { post: 1 }) =>
            {
                for waiter in std::mem::take(waiters) {
                    cx.answer(&waiter.reply, answers.busy());
                }
                BookingEvent::Refused(Refusal::Other)
            }
            _ => BookingEvent::AnswerLost,
        }
    }

    pub(super) fn look(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) {
        let Some(active) = self.bookings.get(appointment) else { return };
        let (order, submitted_at) = (active.booking.order.clone(), active.booking.submitted_at);
        let looked_before = absences(&active.booking);
        let pass = match self.breakers.ask(BreakerTarget::Bookings, "find", cx.now()) {
            Err(until) => return self.schedule(appointment, until, DueStep::Look),
            Ok(pass) => pass,
        };
        let turn = self.turn(Class::Bookings, cx.now().plus_ms(BUDGET_WAIT_MS));
        let calendar = self.world.calendar.clone();
        let (appointment, lost) = (appointment.clone(), appointment.clone());
        let look = async move {
            let result = calendar.look(&order, submitted_at, &turn).await;
            SchedulingMessage::Looked { appointment, pass, looked_before, result }
        };
        let on_panic = move || {
            let result = Err(CalendarError::Unavailable("the look panicked".to_owned()));
            SchedulingMessage::Looked { appointment: lost, pass, looked_before, result }
        };
        cx.start(look, on_panic);
    }

    /// A turn that panicked after its move was a record is taken again: the same absence counts once.
    pub(super) fn looked(
        &mut self,
        appointment: &AppointmentId,
        pass: Pass,
        looked_before: Option<(u32, u32)>,
        result: &Result<Option<FoundBooking>, CalendarError>,
        cx: &mut Context<'_, Self>,
    ) {
        self.heard_of_bookings(pass, outcome_of(result), cx.now());
        let look = match result {
            Ok(Some(found)) => {
                let found_at = LookResult::Found(found.standing(cx.now()));
                let words = vec![Word::Means(BookingEvent::Looked(found_at))];
                return self.hear_out(appointment, words, &found.uid, cx);
            }
            Ok(None) if self.has_counted(appointment, looked_before) => return,
            Ok(None) => LookResult::Absent,
            Err(CalendarError::Limited { retry_after_ms }) => {
                return self.schedule(appointment, cx.now().plus_ms(*retry_after_ms), DueStep::Look);
            }
            Err(_) => LookResult::NoAnswer,
        };
        self.settle(appointment, BookingEvent::Looked(look), cx);
    }

    /// Whether an absence that was found by a look begun then is counted already.
    fn has_counted(&self, appointment: &AppointmentId, looked_before: Option<(u32, u32)>) -> bool {
        self.bookings.get(appointment).is_some_and(|active| absences(&active.booking) != looked_before)
    }

    pub(super) fn cancel(&mut self, appointment: &AppointmentId, uid: &str, cx: &mut Context<'_, Self>) {
        let pass = match self.breakers.ask(BreakerTarget::Bookings, "cancel", cx.now()) {
            Err(until) => return self.schedule(appointment, until, DueStep::Cancel),
            Ok(pass) => pass,
        };
        let turn = self.turn(Class::Bookings, cx.now().plus_ms(BUDGET_WAIT_MS));
        let (calendar, company, uid) = (self.world.calendar.clone(), self.company, uid.to_owned());
        let (appointment, lost) = (appointment.clone(), appointment.clone());
        let cancel = async move {
            let reason = "The slot had been given back before this booking surfaced";
            let result = calendar.cancel(company, &uid, reason, &turn).await;
            SchedulingMessage::CancelReturned { appointment, pass, result }
        };
        let on_panic = move || {
            let result = Err(CalendarError::Unavailable("the cancellation panicked".to_owned()));
            SchedulingMessage::CancelReturned { appointment: lost, pass, result }
        };
        cx.start(cancel, on_panic);
    }

    pub(super) fn cancel_returned(
        &mut self,
        appointment: &AppointmentId,
        pass: Pass,
        result: &Result<(), CalendarError>,
        cx: &mut Context<'_, Self>,
    ) {
        self.heard_of_bookings(pass, outcome_of(result), cx.now());
        if let Err(error) = result {
            tracing::error!(company.id = self.company.0, %error, "a booking that surfaced after its release was not cancelled");
            let at = cx.now().plus_ms(self.world.settings.cancel_again_ms);
            return self.schedule(appointment, at, DueStep::Cancel);
        }
        self.world.pins.unpin(self.company, &Pin::Booking(appointment.clone()));
        self.bookings.remove(appointment);
    }

    /// The calendar works again: whatever is pending goes on now.
    fn heard_of_bookings(&mut self, pass: Pass, outcome: Outcome, now: UnixMillis) {
        if !self.breakers.heard(BreakerTarget::Bookings, pass, outcome, now) {
            return;
        }
        self.posts_wait_until = now;
        for active in self.bookings.values_mut().filter(|active| active.post_due().is_some()) {
            active.due = Some((now, DueStep::Post));
        }
    }

    /// A turn at the key's budget.
    pub(super) fn turn(&self, class: Class, wait_until: UnixMillis) -> Turn {
        Turn::new(self.world.turnstile.clone(), class, wait_until)
    }
}

/// How often a booking whose outcome is unknown was posted, and looked for in vain since.
const fn absences(booking: &Booking) -> Option<(u32, u32)> {
    match booking.state {
        BookingState::Unknown { post, absent_looks, .. } => Some((post, absent_looks)),
        _ => None,
    }
}

impl Active {
    /// When it is to be posted again: not before its last move is a record.
    fn post_due(&self) -> Option<UnixMillis> {
        let is_pending =
            matches!(self.booking.state, BookingState::Submitted { .. }) && self.unrecorded.is_none();
        self.due.filter(|(_, step)| is_pending && *step == DueStep::Post).map(|(at, _)| at)
    }
}
