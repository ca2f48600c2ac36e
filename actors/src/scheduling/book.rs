//! From an order to a booking that is written ahead and posted.

use askpro_domain::{
    booking::{AppointmentStatus, Attendee, Booking, BookingOrder, BookingState, OrderedBy, Refusal},
    function::{
        ALREADY_BOOKED, BookOrder, FunctionAnswer, FunctionOrder, WishedStart, check_filled_in, check_notice,
        lookup::fold, order_key,
    },
    ids::{AppointmentId, CallId},
    tenant::Company,
    time::UnixMillis,
};

use futures_util::FutureExt;

use super::{
    SchedulingActor, SchedulingAsk,
    actor::{Active, Offer, Waiter, WrittenAhead},
    answers::HeldUntil,
    pins::Pin,
    plan::Wish,
};
use crate::runtime::Context;

impl SchedulingActor {
    /// A repeat joins or is answered again; anything else is held first, then booked.
    pub(super) fn book(&mut self, ask: &SchedulingAsk, order: &BookOrder, cx: &mut Context<'_, Self>) {
        if let Some((offer, until)) = self.unheard_proposal(ask, order) {
            let untold = self.untold.iter().find(|untold| untold.hold == offer.hold);
            if untold.is_some_and(|untold| untold.waiter.reply.join(&ask.reply)) {
                return;
            }
            let held = HeldUntil { until, others: &[], mirror_age_ms: None };
            return self.answer(ask, cx, |a| a.held(&offer, &held, true));
        }
        let (ask, order) = self.fill_in(ask, order);
        if let Some(appointment) = self.same_order(&ask, &order) {
            return self.answer_repeat(&appointment, &ask, cx);
        }
        let matters = |status: AppointmentStatus| {
            status.stands() || status.is_open() || status == AppointmentStatus::Cancelled
        };
        let earlier = ask.earlier.iter().filter(|(_, fact)| matters(fact.status));
        let elsewhere = earlier.filter(|(id, _)| !self.bookings.contains_key(*id));
        let elsewhere: Vec<_> = elsewhere.map(|(id, fact)| (id.clone(), *fact)).collect();
        if !elsewhere.is_empty() {
            return self.find_earlier(elsewhere, &ask, cx);
        }
        if let Some(booking) = self.called_off(&ask, &order) {
            let now = cx.now();
            return self.answer(&ask, cx, |a| a.refused(Refusal::Other, &booking, &[], now));
        }
        self.book_anew(&ask, &order, cx);
    }

    /// A time that was proposed to an order which left it open, when the same order may just have been sent again:
    /// the caller has not heard yet which time it is. Where tool calls are not known, a confirmation tells.
    fn unheard_proposal(&self, ask: &SchedulingAsk, order: &BookOrder) -> Option<(Offer, UnixMillis)> {
        let WishedStart::Within(window) = order.start? else { return None };
        let offer = self.offers.get(&ask.call_id)?;
        let by = offer.proposed.as_ref()?.tool_call_id.as_ref();
        let is_unheard = match (by, ask.tool_call.id.as_ref()) {
            (Some(by), Some(asks)) => by == asks,
            _ => !order.confirm,
        };
        let is_it = is_unheard && window.contains(offer.wish.start) && is_of(offer, order);
        let until = self.ledger.get(&offer.hold)?.until()?;
        is_it.then(|| (offer.clone(), until))
    }

    /// The order with what it leaves open as the call holds it, and with the key that it has then.
    fn fill_in(&self, ask: &SchedulingAsk, order: &BookOrder) -> (SchedulingAsk, BookOrder) {
        let Some(held) = self.offered_to(&ask.call_id) else { return (ask.clone(), order.clone()) };
        let is_held = |start: WishedStart| {
            let offer = self.offers.get(&ask.call_id);
            offer.is_some_and(|offer| start.admits(offer.wish.start) && is_of(offer, order))
        };
        let start = match order.start {
            Some(start) if !is_held(start) => start,
            _ => WishedStart::At(held.start),
        };
        let order =
            BookOrder { service: order.service.or(Some(held.service)), start: Some(start), ..order.clone() };
        let filled = FunctionOrder::BookAppointment(order.clone());
        let order_key = order_key(&filled);
        (SchedulingAsk { order: filled, order_key, ..ask.clone() }, order)
    }

    /// What a call was offered last, although it may have been revoked since.
    fn offered_to(&self, call_id: &CallId) -> Option<Wish> {
        let offered = self.offers.get(call_id).map(|offer| offer.wish);
        offered.or_else(|| self.heard.revoked_wish(call_id))
    }

    /// The same order in the same call, open or standing: by its key, or for the same person by service and
    /// start. What an order leaves open fits any.
    pub(super) fn same_order(&self, ask: &SchedulingAsk, order: &BookOrder) -> Option<AppointmentId> {
        let live = self.bookings_of(ask, order).filter(|booking| {
            let status = booking.status();
            status.is_open() || (status.stands() && !is_one_more(booking, ask, order))
        });
        let by_this_call = |booking: &Booking| ask.tool_call.id.is_some() && !is_new_call(booking, ask);
        let same = live.max_by_key(|booking| (by_this_call(booking), booking.submitted_at));
        same.map(|booking| booking.order.appointment.clone())
    }

    /// What this very tool call booked and the calendar has called off since: sent again it would bring back what
    /// somebody there does not want.
    fn called_off(&self, ask: &SchedulingAsk, order: &BookOrder) -> Option<Booking> {
        let by = ask.tool_call.id.as_ref()?;
        let made = |booking: &&Booking| booking.order.by.tool_call_id.as_ref() == Some(by);
        self.bookings_of(ask, order).filter(made).find(|booking| booking.was_called_off()).cloned()
    }

    /// Bookings of the same order in the same call, whatever became of them.
    fn bookings_of(&self, ask: &SchedulingAsk, order: &BookOrder) -> impl Iterator<Item = &Booking> {
        let name = order.customer_name.as_deref().map(fold);
        let is_same = move |booked: &BookingOrder| {
            booked.order_key == ask.order_key
                || (order.service.is_none_or(|service| service == booked.service)
                    && order.start.is_none_or(|start| start.admits(booked.interval.start()))
                    && name.as_ref().is_none_or(|name| *name == fold(&booked.attendee.name)))
        };
        let bookings = self.bookings.values().map(|active| &active.booking);
        bookings.filter(move |booking| booking.order.call_id == ask.call_id && is_same(&booking.order))
    }

    pub(super) fn answer_repeat(
        &mut self,
        appointment: &AppointmentId,
        ask: &SchedulingAsk,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get_mut(appointment) else { return };
        let booking = active.booking.clone();
        match &booking.state {
            BookingState::Confirmed { .. } if is_new_call(&booking, ask) => {
                self.answer(ask, cx, |a| a.already_booked(&booking));
            }
            BookingState::Confirmed { .. } => self.answer(ask, cx, |a| a.confirmed(&booking)),
            _ => {
                let answer_by = ask.deadline.plus_ms(-self.world.settings.answer_margin_ms);
                let waiter = Waiter { reply: ask.reply.clone(), answer_by };
                if booking.is_promised() {
                    return self.answer_open(appointment, waiter, cx);
                }
                active.waiters.push(waiter);
            }
        }
    }

    /// When an agent must be answered.
    pub(super) fn answer_by(&self, ask: &SchedulingAsk) -> UnixMillis {
        ask.deadline.plus_ms(-self.world.settings.answer_margin_ms)
    }

    fn book_anew(&mut self, ask: &SchedulingAsk, order: &BookOrder, cx: &mut Context<'_, Self>) {
        let offer = self.offers.get(&ask.call_id).cloned();
        let (Some(service), Some(start)) = (order.service, order.start) else {
            return self.answer(ask, cx, |a| a.slot_required());
        };
        let held = self.offered_to(&ask.call_id).filter(|held| held.service == service);
        let held_staff = held.and_then(|held| held.staff);
        let wish = Wish::of(service, order.staff.or(held_staff), start);
        if order.customer_name.is_none() {
            return self.answer(ask, cx, |a| a.name_required());
        }
        if order.phone.is_none() && order.email.is_none() && ask.caller.is_none() {
            return self.answer(ask, cx, |a| a.contact_required());
        }
        let Some(company) = self.company_now() else { return self.answer(ask, cx, |a| a.busy()) };
        match offer {
            Some(offer)
                if wish.window.is_none() && offer.wish.start == wish.start && is_of(&offer, order) =>
            {
                self.submit(ask, order, &offer, None, cx);
            }
            _ => match may_be_booked(&company, ask, wish, cx.now()) {
                Err(refusal) => self.answer(ask, cx, |a| a.done(refusal)),
                Ok(()) => self.question(ask.clone(), wish, cx),
            },
        }
    }

    /// Writes the booking ahead, and posts it when it is on disk; the caller waits until the answer or the end of the
    /// budget.
    pub(super) fn submit(
        &mut self,
        ask: &SchedulingAsk,
        order: &BookOrder,
        offer: &Offer,
        ordered: Option<AppointmentId>,
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
        let held_since = self.ledger.get(&offer.hold).map_or(now, |hold| hold.placed_at);
        let booking = Booking::submit(self.booking_order(ask, order, offer, ordered, &company), now);
        let booking = booking.held_since(held_since);
        let appointment = booking.order.appointment.clone();
        let answer_by = ask.deadline.plus_ms(-self.world.settings.answer_margin_ms);
        let waiters = vec![Waiter { reply: ask.reply.clone(), answer_by }];
        let mut active = Active { waiters, is_on_disk: false, ..Active::of(booking.clone()) };
        match self.record_move(&booking, &[], cx) {
            Ok(durable) => {
                let written = durable.shared();
                active.written_ahead = WrittenAhead(Some(written.clone()));
                self.count_move(&booking, cx);
                self.bookings.insert(appointment.clone(), active);
                self.world.pins.unpin(self.company, &Pin::Hold(offer.hold.clone()));
                self.post_when_written(appointment, answer_by, written, cx);
            }
            Err(error) => {
                tracing::warn!(%error, "a booking was not journaled and so not sent");
                self.ledger.release(&offer.hold);
                self.record_release(&offer.hold, now);
                self.answer(ask, cx, |a| a.busy());
            }
        }
    }

    pub(super) fn booking_order(
        &self,
        ask: &SchedulingAsk,
        order: &BookOrder,
        offer: &Offer,
        ordered: Option<AppointmentId>,
        company: &Company,
    ) -> BookingOrder {
        BookingOrder {
            appointment: ordered.unwrap_or_else(|| self.next_appointment(ask)),
            company: self.company,
            branch: ask.placed.branch,
            call_id: ask.call_id.clone(),
            claimed: ask.claimed,
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
            by: OrderedBy {
                caller: ask.caller.clone(),
                tool_call_id: ask.tool_call.id.clone(),
                confirmed: order.confirm,
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

/// Whether an offer is of the service and the member of staff that an order names.
fn is_of(offer: &Offer, order: &BookOrder) -> bool {
    let same_staff = order.staff.is_none() || order.staff == offer.wish.staff || order.staff == offer.member;
    order.service.is_none_or(|service| service == offer.wish.service) && same_staff
}

/// Whether an order comes from another tool call than the one that made this booking, as far as both are known.
fn is_new_call(booking: &Booking, ask: &SchedulingAsk) -> bool {
    let ids = (booking.order.by.tool_call_id.as_ref(), ask.tool_call.id.as_ref());
    matches!(ids, (Some(made_by), Some(asked_by)) if made_by != asked_by)
}

/// Whether the caller wants the same once more: confirmed after the agent has heard, last of all, that it is booked
/// already. Agents confirm by habit, so a confirmation that was not asked for says nothing, nor does one after an
/// answer that was lost.
fn is_one_more(booking: &Booking, ask: &SchedulingAsk, order: &BookOrder) -> bool {
    let was_told = ask.tool_call.heard.as_deref() == Some(ALREADY_BOOKED);
    was_told && order.confirm && is_new_call(booking, ask)
}

/// What could not be checked before the order was filled in; for slots that the call does not hold.
fn may_be_booked(
    company: &Company,
    ask: &SchedulingAsk,
    wish: Wish,
    now: UnixMillis,
) -> Result<(), FunctionAnswer> {
    let branch = company.branch(ask.placed.branch).or_else(|| company.branches.first());
    match (company.service(wish.service), branch) {
        (Some(service), Some(branch)) => {
            check_filled_in(company, branch, service, wish.staff, &wish.wished(), now)
        }
        _ => check_notice(company, &wish.wished(), now),
    }
}
