//! What a scheduler finds again: after a restart from journal and database, after a panic from its pins.

use std::collections::BTreeMap;

use askpro_domain::{
    booking::{Booking, BookingEvent, BookingOrder},
    ids::AppointmentId,
    slots::{Hold, HoldState},
    time::UnixMillis,
};

use super::{
    Restore, SchedulingActor,
    actor::{Active, DueStep, Offer},
    pins::Pin,
    plan::{self, Wish},
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
            self.restore_booking(booking);
        }
        for call_id in &restore.calls_over {
            for hold in self.ledger.release_call(call_id) {
                self.record_release(&hold.id, cx.now());
            }
        }
        for (appointment, order) in orders {
            self.abandon(&appointment, order, cx);
        }
        let open: Vec<AppointmentId> = self
            .bookings
            .iter()
            .filter(|(_, a)| a.booking.status().is_open())
            .map(|(id, _)| id.clone())
            .collect();
        self.bookings.retain(|_, a| a.booking.status().is_open());
        for appointment in open {
            self.apply(&appointment, BookingEvent::Restarted, cx);
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
        if booking.status().is_open() {
            self.world.outstanding.retain(position);
            self.world.pins.pin(self.company, pin, position);
        } else {
            self.world.pins.unpin(self.company, &pin);
            self.ledger.release(&booking.order.hold);
        }
        let effects = effects_of_history(booking);
        self.tell_call(booking, &effects, position, cx);
        self.restore_booking(booking);
    }

    fn restore_booking(&mut self, booking: &Booking) {
        let order = &booking.order;
        if self.bookings.get(&order.appointment).is_some_and(|a| a.booking.version >= booking.version) {
            return;
        }
        if booking.status().is_open() {
            let company = self.company_now();
            let target = plan::target_of(company.as_deref(), order.service, order.staff, order.event_type_id);
            self.ledger.restore(Hold {
                id: order.hold.clone(),
                call_id: order.call_id.clone(),
                target,
                segments: vec![order.interval],
                placed_at: booking.submitted_at,
                state: HoldState::Submitted,
            });
        }
        let active =
            Active { booking: booking.clone(), waiters: Vec::new(), due: None, forget_when_settled: false };
        self.bookings.insert(order.appointment.clone(), active);
    }

    /// An order that was journaled and never submitted: the agent heard an error, so it is closed.
    fn abandon(&mut self, appointment: &AppointmentId, order: BookingOrder, cx: &mut Context<'_, Self>) {
        let booking = Booking::abandon(order, cx.now());
        match self.record_move(&booking, &[], cx) {
            Ok(_durable) => self.world.pins.unpin(self.company, &Pin::Order(appointment.clone())),
            Err(error) => tracing::warn!(%error, "an abandoned order was not journaled; it stays open"),
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
                SchedulingRecord::Moved { booking } => self.restore_booking(&booking),
                _ => {}
            }
        }
        let give_up = now.plus_ms(self.world.settings.post_lost_after_ms);
        for active in self.bookings.values_mut() {
            let submitted =
                matches!(active.booking.state, askpro_domain::booking::BookingState::Submitted { .. });
            active.due = Some(if submitted { (give_up, DueStep::GiveUpPost) } else { (now, DueStep::Look) });
        }
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
                        wish: Wish { service: s.id, staff, start: interval.start() },
                        event_type_id: c.event_type_id,
                        member: c.member(),
                        interval: *interval,
                    }
                })
            })
            .collect();
        if let [only] = fits.as_slice() {
            self.offers.insert(hold.call_id.clone(), only.clone());
        }
    }
}

/// Notices that belong to a booking's last move; written again at restart, where each exists once.
fn effects_of_history(booking: &Booking) -> Vec<askpro_domain::booking::BookingEffect> {
    use askpro_domain::booking::{BookingEffect, BookingState};
    match booking.state {
        BookingState::Confirmed { .. } => vec![BookingEffect::NotifyConfirmed],
        BookingState::Conflict { .. } => {
            vec![BookingEffect::RequestCallback { urgent: true, reason: "booking_conflict" }]
        }
        BookingState::Abandoned if booking.version > 1 => {
            vec![BookingEffect::RequestCallback { urgent: true, reason: "booking_not_found" }]
        }
        BookingState::Refused { .. } if booking.call_over => {
            vec![BookingEffect::RequestCallback { urgent: true, reason: "refused_after_hangup" }]
        }
        _ => Vec::new(),
    }
}
