//! How bookings move: every move is a record, then rows, then its effects, then an answer.

use askpro_domain::{
    booking::{Booking, BookingEffect, BookingEvent, BookingState, LookResult},
    ids::AppointmentId,
    time::UnixMillis,
};

use super::{
    SchedulingActor, SchedulingMessage, SchedulingWorld, actor::DueStep, answers::Answers, pins::Pin, rows,
};
use crate::{
    calls::{BookingMoved, CallMessage},
    parked::ParkedItem,
    ports::{
        calendar::CreateOutcome,
        journal::{Durable, JournalError, Position, SchedulingRecord},
        rows::Write,
    },
    runtime::Context,
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
                if moved && let Err(error) = self.record_move(&step.booking, &step.effects, cx) {
                    // The rows follow with the next move; after a crash the reconciler finds out again.
                    tracing::error!(%error, "a booking's move was not journaled");
                }
                for effect in step.effects {
                    self.perform(&step.booking, effect, cx);
                }
                if moved {
                    self.answer_settled(appointment, cx);
                }
            }
            Err(illegal) => {
                tracing::debug!(status = illegal.status.as_str(), "a booking ignored what means nothing now")
            }
        }
    }

    fn keep(&mut self, appointment: &AppointmentId, booking: Booking) {
        if let Some(active) = self.bookings.get_mut(appointment) {
            active.booking = booking;
            if !active.booking.status().is_open() {
                active.due = None;
            }
        }
    }

    /// Journals a move, pins it while the outcome is open, and tells the call, which writes the rows.
    pub(super) fn record_move(
        &self,
        booking: &Booking,
        effects: &[BookingEffect],
        cx: &mut Context<'_, Self>,
    ) -> Result<Durable, JournalError> {
        let (position, durable) =
            self.append(SchedulingRecord::Moved { booking: Box::new(booking.clone()) })?;
        let pin = Pin::Booking(booking.order.appointment.clone());
        if booking.status().is_open() {
            self.world.outstanding.retain(position);
            self.world.pins.pin(self.company, pin, position);
        } else {
            self.world.pins.unpin(self.company, &pin);
        }
        self.tell_call(booking, effects, position, cx);
        self.count_move(booking, cx);
        Ok(durable)
    }

    /// Tells the call where its booking stands, with the rows of this move.
    pub(super) fn tell_call(
        &self,
        booking: &Booking,
        effects: &[BookingEffect],
        position: Position,
        cx: &mut Context<'_, Self>,
    ) {
        let company = self.company_now();
        let mut writes =
            vec![Write::Appointment(Box::new(rows::appointment_row(booking, company.as_deref())))];
        let mut callback = false;
        for effect in effects {
            match effect {
                BookingEffect::NotifyConfirmed => {
                    writes.push(Write::Outbox(rows::confirmation(booking, cx.now())))
                }
                BookingEffect::RequestCallback { urgent, reason } => {
                    callback = true;
                    writes.push(Write::Callback(rows::callback(booking, *urgent, reason, cx.now())));
                }
                _ => {}
            }
        }
        let order = &booking.order;
        let moved = BookingMoved {
            appointment: order.appointment.clone(),
            fact: askpro_domain::call::AppointmentFact { version: booking.version, status: booking.status() },
            placed: askpro_domain::call::PlacedIn { company: order.company, branch: order.branch },
            callback,
            writes,
            position,
        };
        let (world, call_id) = (self.world.clone(), order.call_id.clone());
        cx.effect(move || deliver(&world, call_id, moved));
    }

    fn count_move(&self, booking: &Booking, cx: &mut Context<'_, Self>) {
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
                self.mirror.forget(booking.order.event_type_id);
            }
            BookingEffect::CancelAtCalendar { uid } => self.cancel(uid, cx),
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
            (DueStep::Post, BookingState::Submitted { .. }) => self.post(&booking, None, cx),
            (DueStep::GiveUpPost, BookingState::Submitted { .. }) => {
                self.apply(appointment, BookingEvent::AnswerLost, cx)
            }
            (DueStep::Look, BookingState::Unknown { .. }) => self.look(&booking, cx),
            _ => {}
        }
    }

    /// Posts outside the turn, once the move that says so is on disk.
    pub(super) fn post(&self, booking: &Booking, written_ahead: Option<Durable>, cx: &mut Context<'_, Self>) {
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
            // The journal failed before anything was sent: as if Cal.com had refused.
            None => BookingEvent::Refused(askpro_domain::booking::Refusal::Other),
        };
        self.apply(appointment, event, cx);
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

    fn cancel(&self, uid: String, cx: &mut Context<'_, Self>) {
        let (calendar, company) = (self.world.calendar.clone(), self.company);
        let cancel = async move {
            if let Err(error) = calendar
                .cancel(company, &uid, "The slot had been given back before this booking surfaced")
                .await
            {
                tracing::error!(company.id = company.0, %error, "a booking that surfaced after its release was not cancelled");
            }
            SchedulingMessage::Done
        };
        cx.start(cancel, || SchedulingMessage::Done);
    }

    /// Waiters whose booking is settled are answered now.
    fn answer_settled(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) {
        let company = self.company_now();
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        if active.booking.status().is_open() {
            return;
        }
        let waiters = std::mem::take(&mut active.waiters);
        let forget = active.forget_when_settled;
        let booking = active.booking.clone();
        let instead = if waiters.is_empty() { Vec::new() } else { self.instead_of(&booking, cx.now()) };
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
        if forget {
            self.bookings.remove(appointment);
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
        let company = self.company_now();
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        let (overdue, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut active.waiters).into_iter().partition(|w| w.answer_by <= now);
        active.waiters = waiting;
        let answers = Answers::new(self.company, company);
        let answer = match active.booking.state {
            BookingState::Submitted { .. } => answers.pending(&active.booking),
            _ => answers.unknown(&active.booking),
        };
        for waiter in overdue {
            cx.answer(&waiter.reply, answer.clone());
        }
    }
}

/// Delivers a move to its call; what a full mailbox refuses is tried again by the pump.
fn deliver(world: &SchedulingWorld, call_id: askpro_domain::ids::CallId, moved: BookingMoved) {
    let Some(calls) = world.calls.get() else { return };
    let message = CallMessage::BookingMoved(Box::new(moved));
    if let Err(refused) = calls.offer(call_id.clone(), message)
        && let CallMessage::BookingMoved(moved) = refused.message
    {
        world.parked.park(ParkedItem::BookingMoved { call_id, moved });
    }
}
