//! How bookings move: every move is a record, then rows, then its effects, then an answer.

use askpro_domain::{
    booking::{AppointmentStatus, Booking, BookingEffect, BookingEvent, BookingState, Step},
    ids::{AppointmentId, CallId, CompanyId},
    time::UnixMillis,
};

use super::{
    SchedulingActor, SchedulingWorld,
    actor::{DueStep, WrittenAhead, is_needed},
    announced::Word,
    breakers::BreakerTarget,
    conflict::is_conflict,
    pins::Pin,
    rows,
};
use crate::{
    calls::{BookingMoved, CallMessage},
    parked::ParkedItem,
    ports::journal::{Durable, JournalError, SchedulingRecord},
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
        self.apply_all(appointment, vec![Word::Means(event)], cx);
    }

    /// The same with words that are known at once. They are one record, and one answer, of where they lead: nobody
    /// hears what is over already.
    pub(super) fn apply_all(
        &mut self,
        appointment: &AppointmentId,
        words: Vec<Word>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get(appointment) else { return };
        let before = active.booking.clone();
        let Some(mut step) = self.step_through(words, &before, cx.now()) else { return };
        let moved = step.booking.version != before.version;
        if stands_again(&before, &step) {
            step.effects.push(BookingEffect::NotifyConfirmed);
        }
        if is_conflict(&step.booking) && !is_conflict(&before) {
            step.booking = self.with_alternatives(step.booking, cx.now());
        }
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

    /// Where words lead, and what is to be done then; `None` when none of them means anything now.
    fn step_through(&mut self, words: Vec<Word>, before: &Booking, now: UnixMillis) -> Option<Step> {
        let (mut booking, mut effects, mut is_heard) = (before.clone(), Vec::new(), false);
        for word in words {
            let event = self.meaning_of(word, &booking);
            booking = match booking.apply(event, now) {
                Ok(step) => {
                    is_heard = true;
                    effects.extend(step.effects);
                    step.booking
                }
                Err(illegal) => {
                    let status = illegal.status.as_str();
                    tracing::debug!(status, "a booking ignored what means nothing now");
                    *illegal.booking
                }
            };
        }
        is_heard.then(|| Step { booking, effects: last_of_slot(effects) })
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
    pub(super) fn record(
        &mut self,
        booking: &Booking,
        effects: &[BookingEffect],
        cx: &mut Context<'_, Self>,
    ) {
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
            // The breaker says when, while it is not closed.
            BookingEffect::Post { .. } if !self.breakers.is_closed(BreakerTarget::Bookings) => {
                self.schedule(appointment, cx.now(), DueStep::Post);
            }
            BookingEffect::Post { at } => self.schedule(appointment, at, DueStep::Post),
            BookingEffect::PostAtOnce => self.post_after_race(appointment, cx),
            BookingEffect::Look { at } => self.schedule(appointment, at, DueStep::Look),
            BookingEffect::OccupySlot { host } => self.occupy(booking, host, cx),
            BookingEffect::ReleaseSlot => {
                self.ledger.release(&booking.order.hold);
                self.mirror.strike(booking.order.event_type_id, booking.order.interval.start(), cx.now());
                self.mirror.lend(&self.reservations);
            }
            BookingEffect::FollowSlot => self.follow_slot(booking, cx),
            BookingEffect::FreeSlot => drop(self.ledger.release(&booking.order.hold)),
            BookingEffect::CancelAtCalendar { .. } => {
                if let Some(active) = self.bookings.get_mut(appointment) {
                    active.is_being_cancelled = true;
                }
                self.schedule(appointment, cx.now(), DueStep::Cancel);
            }
            // Rows of the move already carry them.
            BookingEffect::NotifyConfirmed | BookingEffect::RequestCallback { .. } => {}
        }
    }

    pub(super) fn schedule(&mut self, appointment: &AppointmentId, at: UnixMillis, step: DueStep) {
        if let Some(active) = self.bookings.get_mut(appointment) {
            active.due = Some((at, step));
        }
    }

    /// The hold becomes a booking; offers of other calls that Cal.com overruled by its choice of host end.
    fn occupy(&mut self, booking: &Booking, host: Option<i64>, cx: &mut Context<'_, Self>) {
        let company = self.company_now();
        let host = host.and_then(|user| company.as_ref()?.staff_by_calcom_user(user).map(|s| s.id));
        match self.ledger.book(&booking.order.hold, host, cx.now()) {
            Ok(booked) => self.end_offers(booked.displaced, cx),
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
            (DueStep::GiveUpPost, BookingState::Submitted { .. }) => {
                self.apply(appointment, BookingEvent::AnswerLost, cx)
            }
            (DueStep::Look, BookingState::Unknown { .. }) => self.look(appointment, cx),
            (DueStep::Look, _) if booking.late_look_at.is_some() => self.look(appointment, cx),
            (DueStep::Cancel, BookingState::Cancelled { uid }) => self.cancel(appointment, uid, cx),
            _ => {}
        }
    }
}

/// Whether it was called off and stands: perhaps nobody was told yet that it does.
fn stands_again(before: &Booking, step: &Step) -> bool {
    before.status() == AppointmentStatus::Cancelled
        && step.booking.status().stands()
        && !step.effects.contains(&BookingEffect::NotifyConfirmed)
}

/// What was wanted of the slot on the way is over: only the last of it counts.
fn last_of_slot(effects: Vec<BookingEffect>) -> Vec<BookingEffect> {
    let last = effects.iter().rposition(is_of_slot);
    let numbered = effects.into_iter().enumerate();
    numbered.filter(|(n, effect)| !is_of_slot(effect) || Some(*n) == last).map(|(_, effect)| effect).collect()
}

const fn is_of_slot(effect: &BookingEffect) -> bool {
    use BookingEffect as E;
    matches!(effect, E::OccupySlot { .. } | E::ReleaseSlot | E::FollowSlot | E::FreeSlot)
}

/// Delivers a move to its call; what a full mailbox refuses is tried again by the pump.
pub(super) fn deliver(world: &SchedulingWorld, company: CompanyId, call_id: CallId, moved: BookingMoved) {
    let Some(calls) = world.calls.get() else { return };
    world.pins.told(company, moved.position);
    world.pending.add_move(company, &call_id, moved.position);
    let message = CallMessage::BookingMoved(Box::new(moved));
    if let Err(refused) = calls.offer(call_id.clone(), message)
        && let CallMessage::BookingMoved(moved) = refused.message
    {
        world.parked.park(ParkedItem::BookingMoved { call_id, moved });
    }
}
