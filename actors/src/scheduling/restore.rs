//! What a scheduler finds again: after a restart from journal and database, after a panic from its pins.

use std::collections::BTreeMap;

use askpro_domain::{
    booking::{Booking, BookingEvent, BookingOrder, BookingState},
    ids::AppointmentId,
    slots::{Hold, HoldState},
    time::UnixMillis,
};

use super::{
    Restore, SchedulingActor,
    actor::{Active, DueStep, Offer, is_needed},
    pins::Pin,
    plan::{self, Wish},
    rows,
};
use crate::{
    ports::journal::{Position, SchedulingRecord},
    runtime::Context,
};

impl SchedulingActor {
    /// At restart: takes over what the journal and the database know, and goes on from there. What was
    /// submitted is looked up, never sent again; what was ordered only is closed.
    pub(super) fn restore(&mut self, restore: &Restore, cx: &mut Context<'_, Self>) {
        let mut orders: BTreeMap<AppointmentId, BookingOrder> = BTreeMap::new();
        for (position, record) in &restore.records {
            self.restore_record(*position, record, &mut orders, cx);
        }
        for booking in &restore.bookings {
            self.restore_booking(booking, cx.now());
        }
        let held: Vec<Hold> = self.ledger.holds().filter(|hold| hold.is_held()).cloned().collect();
        held.iter().for_each(|hold| self.restore_offer(hold));
        let open: Vec<AppointmentId> = self
            .bookings
            .iter()
            .filter(|(_, a)| a.booking.status().is_open())
            .map(|(id, _)| id.clone())
            .collect();
        for appointment in open {
            self.apply(&appointment, BookingEvent::Restarted, cx);
        }
        self.go_on_after_release(cx.now());
        self.cut_off.extend(orders.into_values());
        self.abandon_cut_off(cx);
        for call_id in &restore.calls_over {
            self.call_finished(call_id, cx);
        }
        self.unpin_what_is_gone();
    }

    /// What is still to be done for bookings whose slot was given back.
    fn go_on_after_release(&mut self, now: UnixMillis) {
        for active in self.bookings.values_mut() {
            if active.is_being_cancelled {
                active.due = Some((now, DueStep::Cancel));
            } else if let Some(at) = active.booking.late_look_at {
                active.due = Some((at, DueStep::Look));
            }
        }
    }

    /// A crash between two records may have left a pin on what is over: the ledger and the bookings decide.
    fn unpin_what_is_gone(&self) {
        for (pin, _) in self.world.pins.of(self.company) {
            let needed = match &pin {
                Pin::Hold(id) => self.ledger.get(id).is_some_and(Hold::is_held),
                Pin::Booking(id) => self.bookings.get(id).is_some_and(|a| is_needed(&a.booking)),
                Pin::Order(id) => self.cut_off.iter().any(|order| order.appointment == *id),
            };
            if !needed {
                self.world.pins.unpin(self.company, &pin);
            }
        }
    }

    fn restore_record(
        &mut self,
        position: Position,
        record: &SchedulingRecord,
        orders: &mut BTreeMap<AppointmentId, BookingOrder>,
        cx: &mut Context<'_, Self>,
    ) {
        match record {
            SchedulingRecord::Held { hold, .. } => {
                self.world.pins.pin(self.company, Pin::Hold(hold.id.clone()), position);
                self.ledger.restore((**hold).clone());
            }
            SchedulingRecord::Released { hold, .. } => {
                self.ledger.release(hold);
                self.world.pins.unpin(self.company, &Pin::Hold(hold.clone()));
                self.world.outstanding.done(&[position]);
            }
            SchedulingRecord::Ordered { order, .. } => {
                self.world.pins.pin(self.company, Pin::Order(order.appointment.clone()), position);
                orders.insert(order.appointment.clone(), (**order).clone());
            }
            SchedulingRecord::OrderClosed { appointment, .. } => {
                orders.remove(appointment);
                self.world.pins.unpin(self.company, &Pin::Order(appointment.clone()));
                self.world.outstanding.done(&[position]);
            }
            SchedulingRecord::Moved { booking } => {
                orders.remove(&booking.order.appointment);
                self.world.pins.unpin(self.company, &Pin::Order(booking.order.appointment.clone()));
                self.restore_move(position, booking, cx);
            }
        }
    }

    /// A move that may not be in the database yet: its call writes it again, and the newest open one is pinned.
    fn restore_move(&mut self, position: Position, booking: &Booking, cx: &mut Context<'_, Self>) {
        let pin = Pin::Booking(booking.order.appointment.clone());
        self.world.pins.unpin(self.company, &Pin::Hold(booking.order.hold.clone()));
        if is_needed(booking) {
            self.world.outstanding.retain(position);
            self.world.pins.pin(self.company, pin, position);
        } else {
            self.world.pins.unpin(self.company, &pin);
        }
        let company = self.company_now();
        self.world.customers.note(booking, company.as_deref(), cx.now());
        let customers = &self.world.customers;
        let moved = rows::moved_again(booking, company.as_deref(), customers, position, cx.now());
        self.tell_call(booking, moved, cx);
        self.restore_booking(booking, cx.now());
    }

    fn restore_booking(&mut self, booking: &Booking, now: UnixMillis) {
        let order = &booking.order;
        if self.bookings.get(&order.appointment).is_some_and(|a| a.booking.version >= booking.version) {
            return;
        }
        self.ledger.release(&order.hold);
        if let Some(state) = hold_state_of(booking, now) {
            self.ledger.restore(self.hold_of(booking, state));
        }
        self.bookings.insert(order.appointment.clone(), Active::of(booking.clone()));
        self.forget_if_done(&order.appointment, now);
    }

    /// A booking that is not in memory, as the store has it: of an earlier life, forgotten since, or with a row that
    /// could not be read before. One that is open is looked up as at a restart. One that surfaced was cancelled then:
    /// until that it is in memory.
    pub(super) fn restore_stored(&mut self, booking: &Booking, cx: &mut Context<'_, Self>) {
        let appointment = &booking.order.appointment;
        if self.bookings.contains_key(appointment) {
            return;
        }
        self.restore_booking(booking, cx.now());
        if let Some(active) = self.bookings.get_mut(appointment) {
            active.call_finished = true;
            active.is_being_cancelled = false;
            active.due = booking.late_look_at.map(|at| (at, DueStep::Look));
        }
        if booking.status().is_open() {
            self.apply(appointment, BookingEvent::Restarted, cx);
        }
        self.forget_if_done(appointment, cx.now());
    }

    /// How a booking stands in the ledger: with its host, else with the member it was ordered of.
    pub(super) fn hold_of(&self, booking: &Booking, state: HoldState) -> Hold {
        let (company, order) = (self.company_now(), &booking.order);
        let host = match booking.state {
            BookingState::Confirmed { host: Some(user), .. } => {
                company.as_ref().and_then(|c| c.staff_by_calcom_user(user)).map(|s| s.id)
            }
            _ => None,
        };
        let target =
            plan::target_of(company.as_deref(), order.service, host.or(order.staff), order.event_type_id);
        Hold {
            id: order.hold.clone(),
            call_id: order.call_id.clone(),
            target,
            segments: vec![booking.interval()],
            placed_at: booking.submitted_at,
            fits: std::collections::BTreeSet::new(),
            state,
        }
    }

    /// Orders that were journaled and never submitted: their agents heard an error, so they are closed.
    pub(super) fn abandon_cut_off(&mut self, cx: &mut Context<'_, Self>) {
        for order in std::mem::take(&mut self.cut_off) {
            let booking = Booking::abandon(order.clone(), cx.now());
            match self.record_move(&booking, &[], cx) {
                Ok(_durable) => {
                    self.count_move(&booking, cx);
                    // Its identity is used up: the same order again is another appointment.
                    self.bookings.insert(order.appointment.clone(), Active::of(booking));
                    self.forget_if_done(&order.appointment, cx.now());
                }
                Err(error) => {
                    tracing::warn!(%error, "an order that was cut off was not journaled as abandoned; tried again");
                    self.cut_off.push(order);
                }
            }
        }
    }

    /// After a panic: the pinned records alone; rows and counts are as they were.
    pub(super) fn restore_pins(&mut self, records: Vec<SchedulingRecord>, now: UnixMillis) {
        for record in records {
            match record {
                SchedulingRecord::Held { hold, .. } => {
                    self.restore_offer(&hold);
                    self.ledger.restore(*hold);
                }
                SchedulingRecord::Moved { booking } => self.restore_booking(&booking, now),
                SchedulingRecord::Ordered { order, .. } => self.cut_off.push(*order),
                SchedulingRecord::Released { .. } | SchedulingRecord::OrderClosed { .. } => {}
            }
        }
        let give_up = now.plus_ms(self.world.settings.post_lost_after_ms);
        for active in self.bookings.values_mut() {
            active.call_finished |= active.booking.call_over;
            match active.booking.state {
                BookingState::Submitted { .. } => active.due = Some((give_up, DueStep::GiveUpPost)),
                BookingState::Unknown { .. } => active.due = Some((now, DueStep::Look)),
                _ => {}
            }
        }
        self.go_on_after_release(now);
    }

    /// The offer behind a hold is not journaled itself; it is found again where the company leaves no doubt.
    fn restore_offer(&mut self, hold: &Hold) {
        let (Some(company), [interval]) = (self.company_now(), hold.segments.as_slice()) else { return };
        let minutes = interval.end().since(interval.start()) / 60_000;
        let fits: Vec<Offer> = company
            .services
            .iter()
            .filter(|s| i64::from(s.duration_minutes) == minutes)
            .flat_map(|s| {
                let staff = match hold.target {
                    askpro_domain::slots::Target::Member(member) => Some(member),
                    askpro_domain::slots::Target::Pool { .. } => None,
                };
                plan::candidates(s, staff).into_iter().filter(|c| c.target == hold.target).map(move |c| {
                    Offer {
                        hold: hold.id.clone(),
                        wish: Wish::at(s.id, staff, interval.start()),
                        event_type_id: c.event_type_id,
                        member: c.member(),
                        interval: *interval,
                        proposed: None,
                    }
                })
            })
            .collect();
        if let [only] = fits.as_slice() {
            self.offers.insert(hold.call_id.clone(), only.clone());
        }
    }
}

/// How a booking stands in the ledger; `None` when its slot is free, or past.
pub(super) fn hold_state_of(booking: &Booking, now: UnixMillis) -> Option<HoldState> {
    match booking.state {
        BookingState::Submitted { .. } | BookingState::Unknown { .. } => Some(HoldState::Submitted),
        BookingState::Confirmed { .. } if booking.interval().end() > now => {
            let at = booking.history.last().map_or(now, |last| last.at);
            Some(HoldState::Booked { at })
        }
        _ => None,
    }
}
