//! What agents hear of bookings whose outcome is open. "It is pending" is a promise: it is recorded, and given
//! when the record is on disk. Where the disk is too slow for that, agents hear in time what is true without it.

use askpro_domain::{
    booking::{Booking, BookingEvent, BookingState, Refusal},
    ids::AppointmentId,
    time::UnixMillis,
};

use super::{SchedulingActor, SchedulingMessage, actor::Waiter, answers::Answers};
use crate::{calls::Answered, runtime::Context};

impl SchedulingActor {
    /// Everybody who waits for a booking hears now that it is pending.
    pub(super) fn promise(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) {
        self.tell(appointment, |_| true, cx);
    }

    /// Waiters whose budget is over hear what is true now.
    pub(super) fn answer_overdue_waiters(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let is_overdue = |waiter: &Waiter| waiter.answer_by <= now;
        let overdue: Vec<AppointmentId> = self
            .bookings
            .iter()
            .filter(|(_, active)| active.waiters.iter().any(is_overdue))
            .map(|(id, _)| id.clone())
            .collect();
        for appointment in overdue {
            self.tell(&appointment, is_overdue, cx);
        }
        self.answer_before_promise(cx);
    }

    /// Whoever was to hear a promise that is not on disk yet, and can wait no longer.
    fn answer_before_promise(&mut self, cx: &mut Context<'_, Self>) {
        let (now, answers) = (cx.now(), Answers::new(self.company, self.company_now()));
        for active in self.bookings.values_mut() {
            let (overdue, waiting): (Vec<_>, Vec<_>) =
                std::mem::take(&mut active.promised).into_iter().partition(|w| w.answer_by <= now);
            active.promised = waiting;
            overdue.iter().for_each(|waiter| cx.answer(&waiter.reply, answers.unknown(&active.booking)));
        }
    }

    fn tell(
        &mut self,
        appointment: &AppointmentId,
        whom: impl Fn(&Waiter) -> bool,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        // Without its order on disk nothing is true of it that a crash would not undo.
        if !active.is_on_disk {
            return self.not_taken(appointment, cx);
        }
        let (told, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut active.waiters).into_iter().partition(whom);
        active.waiters = waiting;
        if told.is_empty() {
            return;
        }
        if active.booking.may_be_promised() {
            self.apply(appointment, BookingEvent::ToldPending, cx);
        }
        for waiter in told {
            self.answer_open(appointment, waiter, cx);
        }
    }

    /// What is true of a booking whose outcome is open.
    pub(super) fn answer_open(
        &mut self,
        appointment: &AppointmentId,
        waiter: Waiter,
        cx: &mut Context<'_, Self>,
    ) {
        let (answers, reply) = (Answers::new(self.company, self.company_now()), waiter.reply);
        let answer_by = self.last_word_by(waiter.answer_by);
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        let (pending, unknown) = (answers.pending(&active.booking), answers.unknown(&active.booking));
        if !active.booking.is_promised() || active.unrecorded.is_some() {
            return cx.answer(&reply, unknown);
        }
        let Some(durable) = active.written_ahead.0.clone() else { return cx.answer(&reply, pending) };
        active.promised.push(Waiter { reply: reply.clone(), answer_by });
        let say = async move {
            reply.send(if durable.await.is_ok() { pending } else { unknown });
            SchedulingMessage::Done
        };
        cx.start(say, || SchedulingMessage::Done);
    }

    /// Waiters whose booking is settled are answered now.
    pub(super) fn answer_settled(&mut self, appointment: &AppointmentId, cx: &mut Context<'_, Self>) {
        let company = self.company_now();
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        if active.booking.status().is_open() {
            return;
        }
        let promised = std::mem::take(&mut active.promised);
        let waiters: Vec<_> = std::mem::take(&mut active.waiters).into_iter().chain(promised).collect();
        if waiters.is_empty() {
            return;
        }
        let booking = active.booking.clone();
        let answer = self.settled_answer(&booking, &Answers::new(self.company, company), cx.now());
        for waiter in waiters {
            cx.answer(&waiter.reply, answer.clone());
        }
    }

    fn settled_answer(&self, booking: &Booking, answers: &Answers, now: UnixMillis) -> Answered {
        match &booking.state {
            BookingState::Confirmed { .. } => answers.confirmed(booking),
            BookingState::Refused { refusal } => {
                answers.refused(*refusal, booking, &self.instead_of(booking, now), now)
            }
            BookingState::Conflict { refusal, alternatives } => {
                answers.refused(*refusal, booking, alternatives, now)
            }
            // As a copy of its order would hear.
            _ if booking.was_called_off() => answers.refused(Refusal::Other, booking, &[], now),
            _ => answers.unknown(booking),
        }
    }
}
