//! Bookings of a call, as its company's scheduler tells of them.

use askpro_domain::{
    call::{AppointmentFact, CallState},
    customer::Upcoming,
    ids::{AppointmentId, CompanyId, ServiceId, StaffId},
    time::{Interval, UnixMillis},
};

use super::{BookingMoved, CallActor};
use crate::{ports::rows::Write, writer::WriteOrder};

impl CallActor {
    /// A booking's move that was journaled before a panic.
    pub(super) fn replay_booking(mut self, moved: &BookingMoved, handed: bool) -> Self {
        self.join_move(moved);
        if !handed {
            self.write(order_of(moved));
        }
        self
    }

    pub(super) fn booking_moved(&mut self, moved: &BookingMoved) {
        self.join_move(moved);
        self.withheld.push(order_of(moved));
        self.hand_over();
    }

    fn join_move(&mut self, moved: &BookingMoved) {
        self.note_own(moved);
        let company = moved.placed.company;
        if moved.claimed && self.state.placed.is_none_or(|placed| placed.company != company) {
            self.note_claim(&moved.appointment, (company, moved.fact));
            if moved.callback {
                self.claimed_callbacks.insert(company);
            }
            return;
        }
        let call_id = self.state.call_id.clone();
        let mut state = std::mem::replace(&mut self.state, CallState::new(call_id));
        state = state.place(moved.placed).settle(moved.appointment.clone(), moved.fact);
        self.state = if moved.callback { state.promise_callback() } else { state };
    }

    /// A booking of a company that claims the call; the newest move of it counts.
    pub(super) fn note_claim(&mut self, appointment: &AppointmentId, claim: (CompanyId, AppointmentFact)) {
        let known = self.claims.entry(appointment.clone()).or_insert(claim);
        *known = (*known).max(claim);
    }

    /// An older move than the newest known changes nothing.
    fn note_own(&mut self, moved: &BookingMoved) {
        let Some(upcoming) = own_booking(moved) else { return };
        let known = self.own.get(&moved.appointment).map(|(_, known)| known.version);
        if known.is_none_or(|version| version < upcoming.version) {
            self.own.insert(moved.appointment.clone(), (moved.placed.company, upcoming));
        }
    }

    /// What this call has booked in a company and still lies ahead.
    pub(super) fn own_ahead(&self, company: CompanyId, now: UnixMillis) -> Vec<Upcoming> {
        let own = self.own.values().filter(|(of, own)| *of == company && own.lies_ahead(now));
        own.map(|(_, own)| own.clone()).collect()
    }

    /// Joins the bookings that the company claimed to which the call turned out to belong; others were made by
    /// companies to which it does not.
    pub(super) fn join_claims(&mut self) {
        let Some(placed) = self.state.placed else { return };
        if std::mem::take(&mut self.claimed_callbacks).contains(&placed.company) {
            self.state = self.state.clone().promise_callback();
        }
        for (appointment, (company, fact)) in std::mem::take(&mut self.claims) {
            if company == placed.company {
                let call_id = self.state.call_id.clone();
                let state = std::mem::replace(&mut self.state, CallState::new(call_id));
                self.state = state.settle(appointment, fact);
            }
        }
    }
}

/// What a move says of the appointment.
fn own_booking(moved: &BookingMoved) -> Option<Upcoming> {
    let row = moved.writes.iter().find_map(|write| match write {
        Write::Appointment(row) => Some(row),
        _ => None,
    })?;
    Some(Upcoming {
        appointment: row.appointment.clone(),
        interval: Interval::new(row.starts_at, row.ends_at)?,
        service: ServiceId(row.service_id),
        staff: row.staff_id.map(StaffId),
        status: row.status,
        version: row.version,
    })
}

fn order_of(moved: &BookingMoved) -> WriteOrder {
    WriteOrder { call_id: None, writes: moved.writes.clone(), positions: vec![moved.position] }
}
