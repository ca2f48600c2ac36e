//! How bookings move: every move is a record, then rows, then its effects, then an answer.

use askpro_domain::{
    booking::{Booking, BookingEffect, BookingEvent, BookingState, LookResult, Refusal},
    ids::{AppointmentId, CallId, CompanyId},
    time::UnixMillis,
};

use super::{
    SchedulingActor, SchedulingMessage, SchedulingWorld,
    actor::{Active, DueStep, KnownDurable, WrittenAhead, is_needed},
    answers::Answers,
    pins::Pin,
    rows,
};
use crate::{
    calls::{Answered, BookingMoved, CallMessage},
    parked::ParkedItem,
    ports::{
        calendar::CreateOutcome,
        journal::{Durable, JournalError, SchedulingRecord},
    },
    runtime::{Context, Reply},
    tenant::TenantMessage,
};

impl SchedulingActor {
    /// Moves a booking and does what it wants.
    pub(super) fn apply(
        &mut self,
        appointment: &AppointmentId,
        event: BookingEvent,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get(appointment) else { return };
        let before = active.booking.clone();
        match before.clone().apply(event, cx.now()) {
            Ok(step) => {
                let moved = step.booking.version != before.version;
                self.keep(appointment, step.booking.clone());
                if moved {
                    self.record(&step.booking, &step.effects, cx);
                } else if !is_needed(&step.booking) {
                    self.world.pins.unpin(self.company, &Pin::Booking(appointment.clone()));
                }
                for effect in step.effects {
                    self.perform(&step.booking, effect, cx);
                }
                if moved {
                    self.answer_settled(appointment, cx);
                }
                self.forget_if_done(appointment, cx.now());
            }
            Err(illegal) => {
                tracing::debug!(status = illegal.status.as_str(), "a booking ignored what means nothing now")
            }
        }
    }

    fn keep(&mut self, appointment: &AppointmentId, booking: Booking) {
        if let Some(active) = self.bookings.get_mut(appointment) {
            let was_open = active.booking.status().is_open();
            active.booking = booking;
            if was_open && !active.booking.status().is_open() {
                active.due = None;
            }
        }
    }

    /// Journals a move with everything that the journal did not take before; what it does not take now is
    /// tried again.
    fn record(&mut self, booking: &Booking, effects: &[BookingEffect], cx: &mut Context<'_, Self>) {
        let appointment = &booking.order.appointment;
        let before = self.bookings.get_mut(appointment).and_then(|active| active.unrecorded.take());
        let mut all = before.map(|(_, effects)| effects).unwrap_or_default();
        all.extend_from_slice(effects);
        let recorded = self.record_move(booking, &all, cx);
        let again_at = cx.now().plus_ms(self.world.settings.record_again_ms);
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        match recorded {
            Ok(durable) => {
                active.written_ahead = WrittenAhead::of(durable);
                let counted = std::mem::replace(&mut active.counted, booking.status());
                if counted != booking.status() {
                    self.count_move(booking, cx);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a booking's move was not journaled and will be tried again");
                active.unrecorded = Some((again_at, all));
            }
        }
    }

    /// Journals what could not be journaled before.
    pub(super) fn record_again(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let unrecorded = self.bookings.values().filter(|a| a.unrecorded.as_ref().is_some_and(|u| u.0 <= now));
        let bookings: Vec<Booking> = unrecorded.map(|a| a.booking.clone()).collect();
        for booking in bookings {
            self.record(&booking, &[], cx);
            self.forget_if_done(&booking.order.appointment, now);
        }
    }

    /// Journals a move, pins it while it is needed, and tells the call, which writes the rows.
    pub(super) fn record_move(
        &self,
        booking: &Booking,
        effects: &[BookingEffect],
        cx: &mut Context<'_, Self>,
    ) -> Result<Durable, JournalError> {
        let (position, durable) =
            self.append(SchedulingRecord::Moved { booking: Box::new(booking.clone()) })?;
        self.world.pins.must_tell(self.company, position);
        let appointment = &booking.order.appointment;
        let pin = Pin::Booking(appointment.clone());
        if is_needed(booking) {
            self.world.outstanding.retain(position);
            self.world.pins.pin(self.company, pin, position);
        } else {
            self.world.pins.unpin(self.company, &pin);
        }
        self.world.pins.unpin(self.company, &Pin::Order(appointment.clone()));
        let company = self.company_now();
        self.world.customers.note(booking, company.as_deref(), cx.now());
        let customers = &self.world.customers;
        let moved = rows::moved(booking, effects, company.as_deref(), customers, position, cx.now());
        self.tell_call(booking, moved, cx);
        Ok(durable)
    }

    /// Tells the call where its booking stands, with the rows of this move.
    pub(super) fn tell_call(&self, booking: &Booking, moved: BookingMoved, cx: &mut Context<'_, Self>) {
        let (world, order) = (self.world.clone(), &booking.order);
        let (company, call_id) = (order.company, order.call_id.clone());
        cx.effect(move || deliver(&world, company, call_id, moved));
    }

    /// Counts a new status.
    pub(super) fn count_move(&self, booking: &Booking, cx: &mut Context<'_, Self>) {
        let status = booking.status();
        let (world, company) = (self.world.clone(), self.company);
        cx.effect(move || {
            metrics::counter!(crate::metrics::BOOKINGS.name, "outcome" => status.as_str()).increment(1);
            if let Some(tenants) = world.tenants.get() {
                let _ = tenants.offer(company, TenantMessage::BookingMoved(status));
            }
        });
    }

    fn perform(&mut self, booking: &Booking, effect: BookingEffect, cx: &mut Context<'_, Self>) {
        let appointment = &booking.order.appointment;
        match effect {
            BookingEffect::Post { at } => self.schedule(appointment, at, DueStep::Post),
            BookingEffect::Look { at } => self.schedule(appointment, at, DueStep::Look),
            BookingEffect::OccupySlot { host } => self.occupy(booking, host, cx.now()),
            BookingEffect::ReleaseSlot => {
                self.ledger.release(&booking.order.hold);
                self.mirror.strike(booking.order.event_type_id, booking.order.interval.start());
            }
            BookingEffect::CancelAtCalendar { .. } => self.schedule(appointment, cx.now(), DueStep::Cancel),
            // Rows of the move already carry them.
            BookingEffect::NotifyConfirmed | BookingEffect::RequestCallback { .. } => {}
        }
    }

    fn schedule(&mut self, appointment: &AppointmentId, at: UnixMillis, step: DueStep) {
        if let Some(active) = self.bookings.get_mut(appointment) {
            active.due = Some((at, step));
        }
    }

    /// The hold becomes a booking; offers of other calls that Cal.com overruled by its choice of host end.
    fn occupy(&mut self, booking: &Booking, host: Option<i64>, now: UnixMillis) {
        let company = self.company_now();
        let host = host.and_then(|user| company.as_ref()?.staff_by_calcom_user(user).map(|s| s.id));
        match self.ledger.book(&booking.order.hold, host, now) {
            Ok(booked) => {
                for hold in booked.displaced {
                    self.offers.retain(|_, offer| offer.hold != hold.id);
                    self.record_release(&hold.id, now);
                }
            }
            Err(error) => tracing::warn!(%error, "a confirmed booking had no hold"),
        }
    }

    pub(super) fn take_step(
        &mut self,
        appointment: &AppointmentId,
        step: DueStep,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        active.due = None;
        let booking = active.booking.clone();
        match (step, &booking.state) {
            (DueStep::Post, BookingState::Submitted { .. }) => self.post_again(&booking, cx),
            (DueStep::GiveUpPost, BookingState::Submitted { .. }) => {
                self.apply(appointment, BookingEvent::AnswerLost, cx)
            }
            (DueStep::Look, BookingState::Unknown { .. }) => self.look(&booking, cx),
            (DueStep::Look, _) if booking.late_look_at.is_some() => self.look(&booking, cx),
            (DueStep::Cancel, BookingState::Cancelled { uid }) => self.cancel(appointment, uid, cx),
            _ => {}
        }
    }

    /// A POST of a move that is not in the journal waits until it is.
    fn post_again(&mut self, booking: &Booking, cx: &mut Context<'_, Self>) {
        let appointment = &booking.order.appointment;
        let again_at = cx.now().plus_ms(self.world.settings.record_again_ms);
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        if active.unrecorded.is_some() {
            active.due = Some((again_at, DueStep::Post));
            return;
        }
        let written_ahead = active.written_ahead.0.clone();
        self.post(booking, written_ahead, cx);
    }

    /// Posts outside the turn, once the move that says so is on disk.
    pub(super) fn post(
        &self,
        booking: &Booking,
        written_ahead: Option<KnownDurable>,
        cx: &mut Context<'_, Self>,
    ) {
        let (calendar, order, submitted_at) =
            (self.world.calendar.clone(), booking.order.clone(), booking.submitted_at);
        let appointment = order.appointment.clone();
        let lost = appointment.clone();
        let post = async move {
            if let Some(written_ahead) = written_ahead
                && written_ahead.await.is_err()
            {
                return SchedulingMessage::Posted { appointment, outcome: None };
            }
            let outcome = Some(calendar.create(&order, submitted_at).await);
            SchedulingMessage::Posted { appointment, outcome }
        };
        let on_panic =
            || SchedulingMessage::Posted { appointment: lost, outcome: Some(CreateOutcome::AnswerLost) };
        cx.start(post, on_panic);
    }

    pub(super) fn posted(
        &mut self,
        appointment: &AppointmentId,
        outcome: Option<&CreateOutcome>,
        cx: &mut Context<'_, Self>,
    ) {
        let event = match outcome {
            Some(CreateOutcome::Confirmed { uid, host }) => {
                BookingEvent::Confirmed { uid: uid.clone(), host: *host }
            }
            Some(CreateOutcome::Refused(refusal)) => BookingEvent::Refused(*refusal),
            Some(CreateOutcome::NotSent) => BookingEvent::NotSent,
            Some(CreateOutcome::AnswerLost) => BookingEvent::AnswerLost,
            None => self.not_written_ahead(appointment, cx),
        };
        self.apply(appointment, event, cx);
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

    fn look(&self, booking: &Booking, cx: &mut Context<'_, Self>) {
        let (calendar, order, submitted_at) =
            (self.world.calendar.clone(), booking.order.clone(), booking.submitted_at);
        let appointment = order.appointment.clone();
        let lost = appointment.clone();
        let look = async move {
            let result = calendar.look(&order, submitted_at).await;
            SchedulingMessage::Looked { appointment, result }
        };
        cx.start(look, || SchedulingMessage::Looked { appointment: lost, result: LookResult::NoAnswer });
    }

    fn cancel(&self, appointment: &AppointmentId, uid: &str, cx: &mut Context<'_, Self>) {
        let (calendar, company, uid) = (self.world.calendar.clone(), self.company, uid.to_owned());
        let (appointment, lost) = (appointment.clone(), appointment.clone());
        let cancel = async move {
            let reason = "The slot had been given back before this booking surfaced";
            let done = calendar.cancel(company, &uid, reason).await;
            if let Err(error) = &done {
                tracing::error!(company.id = company.0, %error, "a booking that surfaced after its release was not cancelled");
            }
            SchedulingMessage::CancelReturned { appointment, done: done.is_ok() }
        };
        cx.start(cancel, || SchedulingMessage::CancelReturned { appointment: lost, done: false });
    }

    pub(super) fn cancel_returned(
        &mut self,
        appointment: &AppointmentId,
        done: bool,
        cx: &mut Context<'_, Self>,
    ) {
        if !done {
            let at = cx.now().plus_ms(self.world.settings.cancel_again_ms);
            return self.schedule(appointment, at, DueStep::Cancel);
        }
        self.world.pins.unpin(self.company, &Pin::Booking(appointment.clone()));
        self.bookings.remove(appointment);
    }

    /// Waiters whose booking is settled are answered now.
    fn answer_settled(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) {
        let company = self.company_now();
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        if active.booking.status().is_open() {
            return;
        }
        let waiters = std::mem::take(&mut active.waiters);
        if waiters.is_empty() {
            return;
        }
        let booking = active.booking.clone();
        let instead = self.instead_of(&booking, cx.now());
        let answers = Answers::new(self.company, company);
        let answer = match &booking.state {
            BookingState::Confirmed { .. } => answers.confirmed(&booking),
            BookingState::Refused { refusal } | BookingState::Conflict { refusal } => {
                answers.refused(*refusal, &booking, &instead, cx.now())
            }
            _ => answers.unknown(&booking),
        };
        for waiter in waiters {
            cx.answer(&waiter.reply, answer.clone());
        }
    }

    /// Alternatives to a booking that Cal.com refused.
    fn instead_of(&self, booking: &Booking, now: UnixMillis) -> Vec<UnixMillis> {
        let order = &booking.order;
        let company = self.company_now();
        let Some((company, service)) =
            company.as_ref().and_then(|c| c.service(order.service).map(|s| (c, s)))
        else {
            return Vec::new();
        };
        let known = super::plan::candidates(service, order.staff);
        let wish =
            super::plan::Wish { service: order.service, staff: order.staff, start: order.interval.start() };
        self.free_near(service, &known, wish, company, &order.call_id, now)
    }

    /// Waiters whose budget is over hear what is true now.
    pub(super) fn answer_overdue_waiters(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let overdue: Vec<AppointmentId> = self
            .bookings
            .iter()
            .filter(|(_, a)| a.waiters.iter().any(|w| w.answer_by <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for appointment in overdue {
            let submitted =
                |a: &super::actor::Active| matches!(a.booking.state, BookingState::Submitted { .. });
            if self.bookings.get(&appointment).is_some_and(submitted) {
                self.apply(&appointment, BookingEvent::ToldPending, cx);
            }
            self.answer_waiters(&appointment, now, cx);
        }
    }

    fn answer_waiters(&mut self, appointment: &AppointmentId, now: UnixMillis, cx: &mut Context<'_, Self>) {
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        let (overdue, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut active.waiters).into_iter().partition(|w| w.answer_by <= now);
        active.waiters = waiting;
        for waiter in overdue {
            self.answer_open(appointment, waiter.reply, cx);
        }
    }

    /// What is true of a booking whose outcome is open. That it is pending is a promise: it is given when it is
    /// on disk.
    pub(super) fn answer_open(
        &self,
        appointment: &AppointmentId,
        reply: Reply<Answered>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get(appointment) else { return };
        let answers = Answers::new(self.company, self.company_now());
        let (pending, unknown) = (answers.pending(&active.booking), answers.unknown(&active.booking));
        let is_promised = active.booking.told_pending && active.unrecorded.is_none();
        if !is_promised || !matches!(active.booking.state, BookingState::Submitted { .. }) {
            return cx.answer(&reply, unknown);
        }
        let Some(durable) = active.written_ahead.0.clone() else { return cx.answer(&reply, pending) };
        let say = async move {
            reply.send(if durable.await.is_ok() { pending } else { unknown });
            SchedulingMessage::Done
        };
        cx.start(say, || SchedulingMessage::Done);
    }
}

/// Delivers a move to its call; what a full mailbox refuses is tried again by the pump.
pub(super) fn deliver(world: &SchedulingWorld, company: CompanyId, call_id: CallId, moved: BookingMoved) {
    let Some(calls) = world.calls.get() else { return };
    world.pins.told(company, moved.position);
    world.pending.add(&call_id, moved.position);
    let message = CallMessage::BookingMoved(Box::new(moved));
    if let Err(refused) = calls.offer(call_id.clone(), message)
        && let CallMessage::BookingMoved(moved) = refused.message
    {
        world.parked.park(ParkedItem::BookingMoved { call_id, moved });
    }
}
