//! Orders that wait for the calendar before they can be submitted: journaled ahead, and closed on every way
//! that does not submit them. After a crash what is left of them is abandoned.

use askpro_domain::{
    booking::BookingOrder,
    function::FunctionOrder,
    ids::{AppointmentId, CallId},
    time::UnixMillis,
};

use super::{SchedulingActor, actor::Offer, check::Question, hold, pins::Pin, plan, plan::Candidate};
use crate::{
    ports::journal::{JournalError, SchedulingRecord},
    runtime::Context,
};

impl SchedulingActor {
    /// Journals an order that has to wait; a repeat of one that waits already needs no record of its own.
    pub(super) fn order_ahead(
        &self,
        question: &Question,
        now: UnixMillis,
    ) -> Result<Option<Box<BookingOrder>>, JournalError> {
        let Some(order) = self.order_of(question, now) else { return Ok(None) };
        if self.ordered(&order.appointment).is_some() {
            return Ok(None);
        }
        let record = SchedulingRecord::Ordered { order: Box::new(order.clone()), at: now };
        let (position, _durable) = self.append(record)?;
        self.world.pins.pin(self.company, Pin::Order(order.appointment.clone()), position);
        Ok(Some(Box::new(order)))
    }

    /// The order as it would be submitted if the first that can fulfil it were free; none while its time is open,
    /// for then it is only held.
    fn order_of(&self, question: &Question, now: UnixMillis) -> Option<BookingOrder> {
        let FunctionOrder::BookAppointment(order) = &question.ask.order else { return None };
        let (wish, company) = (question.wish, self.company_now()?);
        if wish.window.is_some() {
            return None;
        }
        let service = company.service(wish.service)?;
        let candidate: Candidate = plan::candidates(service, wish.staff).into_iter().next()?;
        let offer = Offer {
            hold: hold::hold_id(&question.ask.call_id, wish, now),
            wish,
            event_type_id: candidate.event_type_id,
            member: candidate.member(),
            interval: plan::segments(service, wish.start)?,
            proposed: None,
        };
        Some(self.booking_order(&question.ask, order, &offer, None, &company))
    }

    /// An order that waits.
    pub(super) fn ordered(&self, appointment: &AppointmentId) -> Option<&BookingOrder> {
        let waiting = self.questions.iter().filter_map(|question| question.ordered.as_deref());
        waiting.into_iter().find(|order| order.appointment == *appointment)
    }

    /// An order ended without being submitted; its agent hears why.
    pub(super) fn close_order(&self, order: &BookingOrder) {
        let record = SchedulingRecord::OrderClosed {
            company: self.company,
            call_id: order.call_id.clone(),
            appointment: order.appointment.clone(),
        };
        match self.append(record) {
            Ok((position, _durable)) => self.world.outstanding.done(&[position]),
            Err(error) => tracing::warn!(%error, "the end of an order was not journaled"),
        }
        self.world.pins.unpin(self.company, &Pin::Order(order.appointment.clone()));
    }

    /// Questions of a call that is over: nobody hears an answer, and nothing may be held for it.
    pub(super) fn drop_questions(&mut self, call_id: &CallId, cx: &mut Context<'_, Self>) {
        let (theirs, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.questions).into_iter().partition(|q| q.ask.call_id == *call_id);
        self.questions = others;
        for question in theirs {
            if let Some(order) = &question.ordered {
                self.close_order(order);
            }
            self.answer(&question.ask, cx, |a| a.busy());
        }
    }
}
