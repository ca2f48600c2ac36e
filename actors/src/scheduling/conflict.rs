//! A promise that cannot be kept: whoever calls back needs to know what is free instead.
//!
//! The calendar is asked for it before the booking becomes a conflict, for a short while, where the view of it is
//! old: after an outage it always is.

use askpro_domain::{
    booking::{Booking, BookingEvent, BookingState},
    ids::AppointmentId,
    policy::Class,
    time::UnixMillis,
};

use super::{
    SchedulingActor,
    mirror::window_for,
    near::Seeker,
    plan::{self, Wish},
};
use crate::runtime::Context;

/// How long a conflict waits for what is free instead.
const WAIT_MS: i64 = 6_000;
/// Times that are told to whoever calls back.
const ALTERNATIVES: usize = 2;

/// What came of a booking, while it waits for what is free instead.
#[derive(Debug)]
pub(super) struct Settling {
    pub event: BookingEvent,
    pub until: UnixMillis,
}

impl SchedulingActor {
    /// Takes over what came of a booking; a conflict waits for what is free instead.
    pub(super) fn settle(
        &mut self,
        appointment: &AppointmentId,
        event: BookingEvent,
        cx: &mut Context<'_, Self>,
    ) {
        let booking = self.bookings.get(appointment).map(|active| active.booking.clone());
        if booking.is_some_and(|b| breaks_promise(&b, &event, cx.now()) && self.look_for_instead(&b, cx))
            && let Some(active) = self.bookings.get_mut(appointment)
        {
            active.settling = Some(Settling { event, until: cx.now().plus_ms(WAIT_MS) });
            return;
        }
        self.apply(appointment, event, cx);
    }

    /// Conflicts that wait no longer: what is free instead is known, or does not come.
    pub(super) fn settle_conflicts(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let waiting = self.bookings.iter().filter(|(_, active)| {
            active.settling.as_ref().is_some_and(|s| s.until <= now || !self.is_asked_for(&active.booking))
        });
        let ready: Vec<AppointmentId> = waiting.map(|(id, _)| id.clone()).collect();
        for appointment in ready {
            let settling = self.bookings.get_mut(&appointment).and_then(|active| active.settling.take());
            if let Some(settling) = settling {
                self.apply(&appointment, settling.event, cx);
            }
        }
    }

    /// The conflict with what is free instead. Its slot is given back for that: it is taken by somebody else.
    pub(super) fn with_alternatives(&mut self, booking: Booking, now: UnixMillis) -> Booking {
        let order = &booking.order;
        self.ledger.release(&order.hold);
        self.mirror.strike(order.event_type_id, order.interval.start(), now);
        self.mirror.lend(&self.reservations);
        let free = self.instead_of(&booking, now).into_iter().take(ALTERNATIVES).collect();
        booking.offer_instead(free)
    }

    /// Times instead of a booking's that was refused.
    pub(super) fn instead_of(&self, booking: &Booking, now: UnixMillis) -> Vec<UnixMillis> {
        let company = self.company_now();
        let wish = wish_of(booking);
        let service = company.as_ref().and_then(|c| c.service(wish.service).map(|s| (c, s)));
        let Some((company, service)) = service else { return Vec::new() };
        let (order, known) = (&booking.order, plan::candidates(service, wish.staff));
        let seeker = Seeker {
            company,
            branch: company.branch(order.branch),
            service,
            known: &known,
            call_id: &order.call_id,
            occupied: self.occupied(order.by.caller.as_ref(), Some(&order.appointment), now),
            now,
        };
        self.free_near(&seeker, wish)
    }

    /// Asks the calendar where our view is not fresh. Gives whether an answer is to be waited for.
    fn look_for_instead(&mut self, booking: &Booking, cx: &mut Context<'_, Self>) -> bool {
        let wish = wish_of(booking);
        let until = cx.now().plus_ms(WAIT_MS);
        let mut waits = false;
        for event_type_id in self.event_types(wish) {
            let fresh = self.world.settings.mirror_fresh_ms;
            if !self.mirror.is_fresh(event_type_id, wish.start, fresh, cx.now()) {
                waits |= self.fetch_for(event_type_id, wish.start, Class::Checks, until, cx);
            }
        }
        waits
    }

    fn is_asked_for(&self, booking: &Booking) -> bool {
        let wish = wish_of(booking);
        let Some(window) = window_for(wish.start) else { return false };
        self.event_types(wish).iter().any(|t| self.mirror.is_fetching(*t, window))
    }
}

/// What was wished for with a booking.
fn wish_of(booking: &Booking) -> Wish {
    let order = &booking.order;
    Wish::at(order.service, order.staff, order.interval.start())
}

fn breaks_promise(booking: &Booking, event: &BookingEvent, now: UnixMillis) -> bool {
    let moved = booking.clone().apply(event.clone(), now);
    moved.is_ok_and(|step| is_conflict(&step.booking) && !is_conflict(booking))
}

/// Whether a promise of it was broken.
pub(super) const fn is_conflict(booking: &Booking) -> bool {
    matches!(booking.state, BookingState::Conflict { .. })
}
