//! From an order to a booking that is written ahead and posted.

use askpro_domain::{
    booking::{Attendee, Booking, BookingOrder, BookingState},
    function::{BookOrder, check_notice},
    ids::AppointmentId,
    tenant::Company,
};

use super::{
    SchedulingActor, SchedulingAsk, SchedulingMessage,
    actor::{Active, Offer, Waiter},
    pins::Pin,
    plan::Wish,
};
use crate::runtime::Context;

impl SchedulingActor {
    /// A repeat joins or is answered again; anything else is held first, then booked.
    pub(super) fn book(&mut self, ask: &SchedulingAsk, order: &BookOrder, cx: &mut Context<'_, Self>) {
        if let Some(appointment) = self.same_order(ask, order) {
            return self.answer_repeat(&appointment, ask, cx);
        }
        let first = AppointmentId::of_order(&ask.call_id, &ask.order_key, 1);
        let settled_before = ask.earlier.get(&first).is_some_and(|fact| fact.status.stands());
        if settled_before && !self.bookings.contains_key(&first) {
            return self.find_earlier(first, ask, cx);
        }
        self.book_anew(ask, order, cx);
    }

    /// The same order in the same call: by its key, or by service and start where a booking stands or is open.
    fn same_order(&self, ask: &SchedulingAsk, order: &BookOrder) -> Option<AppointmentId> {
        let offer = self.offers.get(&ask.call_id);
        let service = order.service.or_else(|| offer.map(|o| o.wish.service));
        let start = order.start.or_else(|| offer.map(|o| o.wish.start));
        let live = self.bookings.iter().filter(|(_, a)| {
            let status = a.booking.status();
            a.booking.order.call_id == ask.call_id && (status.is_open() || status.stands())
        });
        live.into_iter()
            .find(|(_, active)| {
                let booked = &active.booking.order;
                booked.order_key == ask.order_key
                    || (Some(booked.service) == service && Some(booked.interval.start()) == start)
            })
            .map(|(id, _)| id.clone())
    }

    fn answer_repeat(
        &mut self,
        appointment: &AppointmentId,
        ask: &SchedulingAsk,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        let booking = active.booking.clone();
        match &booking.state {
            BookingState::Confirmed { .. } => self.answer(ask, cx, |a| a.confirmed(&booking)),
            BookingState::Submitted { .. } if booking.told_pending => {
                self.answer(ask, cx, |a| a.pending(&booking))
            }
            _ => {
                let answer_by = ask.deadline.plus_ms(-self.world.settings.answer_margin_ms);
                active.waiters.push(Waiter { reply: ask.reply.clone(), answer_by });
            }
        }
    }

    fn find_earlier(&self, appointment: AppointmentId, ask: &SchedulingAsk, cx: &mut Context<'_, Self>) {
        let (store, company) = (self.world.store.clone(), self.company);
        let (ask, again) = (ask.clone(), ask.clone());
        let find = async move {
            let booking = store.find(company, &appointment).await.ok().flatten().map(Box::new);
            SchedulingMessage::EarlierFound { ask: Box::new(ask), booking }
        };
        cx.start(find, || SchedulingMessage::EarlierFound { ask: Box::new(again), booking: None });
    }

    pub(super) fn earlier_found(
        &mut self,
        ask: &SchedulingAsk,
        booking: Option<&Booking>,
        cx: &mut Context<'_, Self>,
    ) {
        match booking {
            Some(booking) if booking.status().stands() => self.answer(ask, cx, |a| a.confirmed(booking)),
            // It stands by the call's own books, but cannot be read now: never book it a second time.
            _ => self.answer(ask, cx, |a| a.busy()),
        }
    }

    fn book_anew(&mut self, ask: &SchedulingAsk, order: &BookOrder, cx: &mut Context<'_, Self>) {
        let offer = self.offers.get(&ask.call_id).cloned();
        let wish = match (&offer, order.service, order.start) {
            (_, Some(service), Some(start)) => Wish { service, staff: order.staff, start },
            (Some(offer), service, start) => Wish {
                service: service.unwrap_or(offer.wish.service),
                staff: order.staff.or(offer.wish.staff),
                start: start.unwrap_or(offer.wish.start),
            },
            (None, _, None) => return self.answer(ask, cx, |a| a.slot_required()),
            (None, None, Some(_)) => return self.answer(ask, cx, |a| a.slot_required()),
        };
        if order.customer_name.is_none() {
            return self.answer(ask, cx, |a| a.name_required());
        }
        if order.phone.is_none() && order.email.is_none() && ask.caller.is_none() {
            return self.answer(ask, cx, |a| a.contact_required());
        }
        let Some(company) = self.company_now() else { return self.answer(ask, cx, |a| a.busy()) };
        let same_staff =
            |o: &Offer| order.staff.is_none() || order.staff == o.wish.staff || order.staff == o.member;
        match offer {
            Some(offer)
                if offer.wish.service == wish.service
                    && offer.wish.start == wish.start
                    && same_staff(&offer) =>
            {
                self.submit(ask, order, &offer, cx);
            }
            _ => match check_notice(&company, wish.start, cx.now()) {
                Err(too_soon) => self.answer(ask, cx, |a| a.done(too_soon)),
                Ok(()) => self.question(ask.clone(), wish, cx),
            },
        }
    }

    /// Writes the booking ahead and posts it; the caller waits until the answer or the end of the budget.
    pub(super) fn submit(
        &mut self,
        ask: &SchedulingAsk,
        order: &BookOrder,
        offer: &Offer,
        cx: &mut Context<'_, Self>,
    ) {
        let now = cx.now();
        let Some(company) = self.company_now() else { return self.answer(ask, cx, |a| a.busy()) };
        if self.ledger.submit(&offer.hold, now).is_err() {
            // The offer ended meanwhile: ask for the slot again.
            self.offers.remove(&ask.call_id);
            return self.question(ask.clone(), offer.wish, cx);
        }
        self.offers.remove(&ask.call_id);
        let booking = Booking::submit(self.booking_order(ask, order, offer, &company), now);
        let appointment = booking.order.appointment.clone();
        let answer_by = ask.deadline.plus_ms(-self.world.settings.answer_margin_ms);
        let waiters = vec![Waiter { reply: ask.reply.clone(), answer_by }];
        let active = Active { booking: booking.clone(), waiters, due: None, forget_when_settled: false };
        match self.record_move(&booking, &[], cx) {
            Ok(durable) => {
                self.bookings.insert(appointment, active);
                self.world.pins.unpin(self.company, &Pin::Hold(offer.hold.clone()));
                self.post(&booking, Some(durable), cx);
            }
            Err(error) => {
                tracing::warn!(%error, "a booking was not journaled and so not sent");
                self.ledger.release(&offer.hold);
                self.record_release(&offer.hold, now);
                self.answer(ask, cx, |a| a.busy());
            }
        }
    }

    fn booking_order(
        &self,
        ask: &SchedulingAsk,
        order: &BookOrder,
        offer: &Offer,
        company: &Company,
    ) -> BookingOrder {
        BookingOrder {
            appointment: self.next_appointment(ask),
            company: self.company,
            branch: ask.placed.branch,
            call_id: ask.call_id.clone(),
            order_key: ask.order_key.clone(),
            service: offer.wish.service,
            staff: offer.member,
            event_type_id: offer.event_type_id,
            interval: offer.interval,
            hold: offer.hold.clone(),
            attendee: Attendee {
                name: order.customer_name.clone().unwrap_or_default(),
                phone: order.phone.clone().or_else(|| ask.caller.clone()),
                email: order.email.clone(),
            },
            notes: order.notes.clone(),
            time_zone: company.time_zone.clone(),
            language: company.language,
        }
    }

    /// The identity of this order: the first that no earlier try of the same order has.
    fn next_appointment(&self, ask: &SchedulingAsk) -> AppointmentId {
        let mut attempt = 1;
        loop {
            let id = AppointmentId::of_order(&ask.call_id, &ask.order_key, attempt);
            if !self.bookings.contains_key(&id) && !ask.earlier.contains_key(&id) {
                return id;
            }
            attempt += 1;
        }
    }
}
