//! `check_customer` and `find_appointments`: who calls, and what they have booked. Both go by the number of
//! the call's other side alone; whatever the agent says of a name or a number is not even read.

use serde_json::{Value, json};

use super::{
    FunctionAnswer, Speaker,
    told::{AppointmentLine, Told},
};
use crate::{
    customer::{Card, Known, Upcoming},
    tenant::Company,
    when::local,
};

/// Appointments that are spoken; more are only counted.
const APPOINTMENTS_SPOKEN_MAX: usize = 3;
/// Appointments in an answer at most.
const APPOINTMENTS_LISTED_MAX: usize = 20;

/// The other side of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A web call, or a number that is withheld.
    Anonymous,
    /// A number, with what is known of it.
    Number(Card),
}

/// The answer to `check_customer`.
#[must_use]
pub fn check_customer(company: &Company, caller: &Caller) -> FunctionAnswer {
    let desk = Desk { company, speaker: Speaker::of(company) };
    let nobody = Card::default();
    let card = if let Caller::Number(card) = caller { card } else { &nobody };
    let next = card.upcoming.first();
    let (told, name, next) = match &card.known {
        Known::One(name) => (Told::CustomerKnown(name, next.map(|it| desk.line(it))), Some(name), next),
        Known::Several => (Told::CustomersSeveral, None, None),
        Known::Nobody => (Told::CustomerUnknown, None, None),
    };
    desk.speaker
        .tell(&told)
        .with("known", card.known != Known::Nobody)
        .with("name", name.cloned())
        .with("next_appointment", next.map(|it| desk.fields(it)))
}

/// The answer to `find_appointments`: those of the number, and those that this very call has booked.
#[must_use]
pub fn find_appointments(company: &Company, caller: &Caller, of_this_call: &[Upcoming]) -> FunctionAnswer {
    let desk = Desk { company, speaker: Speaker::of(company) };
    let mut all = of_this_call.to_vec();
    if let Caller::Number(card) = caller {
        all.retain(|own| card.upcoming.iter().all(|known| known.appointment != own.appointment));
        all.extend_from_slice(&card.upcoming);
    }
    all.sort_by(|a, b| (a.interval, &a.appointment).cmp(&(b.interval, &b.appointment)));
    let lines: Vec<AppointmentLine<'_>> = all.iter().map(|it| desk.line(it)).collect();
    let told = match (lines.as_slice(), caller) {
        ([], Caller::Anonymous) => Told::IdentityMissing,
        ([], Caller::Number(_)) => Told::NoAppointments,
        (lines, _) => {
            let spoken = lines.get(..APPOINTMENTS_SPOKEN_MAX).unwrap_or(lines);
            Told::Appointments(spoken, lines.len() - spoken.len())
        }
    };
    let listed: Vec<Value> = all.iter().take(APPOINTMENTS_LISTED_MAX).map(|it| desk.fields(it)).collect();
    desk.speaker.tell(&told).with("appointments", listed).with("appointments_total", all.len())
}

struct Desk<'a> {
    company: &'a Company,
    speaker: Speaker,
}

impl<'a> Desk<'a> {
    fn line(&self, it: &Upcoming) -> AppointmentLine<'a> {
        AppointmentLine {
            at: local(it.interval.start(), &self.company.zone()).unwrap_or_default(),
            service: self.service(it),
            staff: self.staff(it),
            is_confirmed: it.status.stands(),
        }
    }

    fn fields(&self, it: &Upcoming) -> Value {
        json!({
            "appointment_id": it.appointment,
            "slot": it.interval.start().to_rfc3339_in(&self.company.zone()),
            "service": self.service(it),
            "staff": self.staff(it),
            "status": it.status,
        })
    }

    fn service(&self, it: &Upcoming) -> Option<&'a str> {
        self.company.service(it.service).map(|s| s.name.as_str())
    }

    fn staff(&self, it: &Upcoming) -> Option<&'a str> {
        it.staff.and_then(|id| self.company.staff_member(id)).map(|s| s.name.as_str())
    }
}
