//! What a scheduler says to agents, in the company's language.

use std::sync::Arc;

use askpro_domain::{
    booking::{Booking, BookingState, Refusal},
    function::{Alternative, Appointment, Confidence, FreeSlot, FunctionAnswer, MissingSlot, Speaker},
    ids::{CompanyId, ServiceId},
    tenant::Company,
    time::UnixMillis,
};
use bytes::Bytes;
use serde_json::Value;

use super::{actor::Offer, plan::Wish};
use crate::calls::Answered;

/// What is said of a slot that is held.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldUntil<'a> {
    /// When the hold ends.
    pub(super) until: UnixMillis,
    /// Other starts of the wished window that are free.
    pub(super) others: &'a [UnixMillis],
    /// Age of the view it relies on; `None` when that is as good as live.
    pub(super) mirror_age_ms: Option<i64>,
}

/// Speaks for one company.
pub(super) struct Answers {
    company_id: CompanyId,
    company: Option<Arc<Company>>,
    speaker: Speaker,
}

impl Answers {
    /// For a company as it is now.
    pub(super) fn new(company_id: CompanyId, company: Option<Arc<Company>>) -> Self {
        let speaker = company.as_ref().map_or_else(Speaker::of_nobody, |c| Speaker::of(c));
        Self { company_id, company, speaker }
    }

    /// A slot is held, and what else of the wished window is free. A booking that left its time open is not made
    /// before the caller has heard which it is.
    pub(super) fn held(&self, offer: &Offer, held: &HeldUntil<'_>, books: bool) -> Answered {
        let staff = offer.member.and_then(|m| self.company.as_ref()?.staff_member(m).map(|s| s.name.clone()));
        let service = self.service_name(offer.wish.service);
        let free = FreeSlot {
            slot: offer.wish.start,
            held_until: held.until,
            service: &service,
            staff: staff.as_deref(),
            alternatives: &alternatives(held.others),
            confidence: if held.mirror_age_ms.is_some() { Confidence::Mirror } else { Confidence::Live },
            age_s: age_s(held.mirror_age_ms.unwrap_or_default()),
        };
        self.done(if books {
            self.speaker.confirmation_required(&free)
        } else {
            self.speaker.available(&free)
        })
    }

    /// The wished slot is not free; `free` times are.
    pub(super) fn taken(
        &self,
        wish: Wish,
        free: &[UnixMillis],
        mirror_age_ms: Option<i64>,
        now: UnixMillis,
    ) -> Answered {
        let staff = wish.staff.and_then(|m| self.company.as_ref()?.staff_member(m).map(|s| s.name.clone()));
        let service = self.service_name(wish.service);
        self.done(self.speaker.not_available(&MissingSlot {
            wish: wish.wished(),
            now,
            service: &service,
            staff: staff.as_deref(),
            alternatives: &alternatives(free),
            confidence: if mirror_age_ms.is_some() { Confidence::Mirror } else { Confidence::Live },
            age_s: age_s(mirror_age_ms.unwrap_or_default()),
        }))
    }

    /// A booking's wished slot is somebody else's.
    pub(super) fn slot_taken(&self, wish: Wish, free: &[UnixMillis], now: UnixMillis) -> Answered {
        self.done(self.speaker.slot_taken(&wish.wished(), &alternatives(free), now))
    }

    pub(super) fn confirmed(&self, booking: &Booking) -> Answered {
        self.about(booking, |it| self.speaker.confirmed(it))
    }

    /// The same order again, under another tool call.
    pub(super) fn already_booked(&self, booking: &Booking) -> Answered {
        self.about(booking, |it| self.speaker.already_booked(it, booking.status()))
    }

    pub(super) fn pending(&self, booking: &Booking) -> Answered {
        self.about(booking, |it| self.speaker.pending_confirmation(it))
    }

    pub(super) fn unknown(&self, booking: &Booking) -> Answered {
        self.about(booking, |it| self.speaker.outcome_unknown(it))
    }

    pub(super) fn refused(
        &self,
        refusal: Refusal,
        booking: &Booking,
        free: &[UnixMillis],
        now: UnixMillis,
    ) -> Answered {
        self.about(booking, |it| self.speaker.refused(refusal, it, &alternatives(free), now))
    }

    pub(super) fn service_not_bookable(&self) -> Answered {
        self.done(self.speaker.say(&askpro_domain::function::Outcome::Refused(Refusal::ServiceMisconfigured)))
    }

    pub(super) fn calendar_unavailable(&self) -> Answered {
        self.done(self.speaker.calendar_unavailable())
    }

    pub(super) fn contact_required(&self) -> Answered {
        self.done(self.speaker.contact_required())
    }

    pub(super) fn name_required(&self) -> Answered {
        self.done(self.speaker.name_required())
    }

    pub(super) fn slot_required(&self) -> Answered {
        self.done(self.speaker.slot_required())
    }

    pub(super) fn busy(&self) -> Answered {
        self.done(self.speaker.busy())
    }

    /// Of a slot whose hold ended before its agent heard of it: it was found free, and nobody holds it. An order that left
    /// its time open hears that it is not given.
    pub(super) fn unheld(&self, held: &Answered) -> Answered {
        match serde_json::from_slice(&held.body) {
            Ok(Value::Object(mut fields)) if held.code == "available" => {
                fields.insert("held_until".to_owned(), Value::Null);
                Answered { body: Value::Object(fields).to_string().into(), ..held.clone() }
            }
            _ => self.busy(),
        }
    }

    /// An answer that was made elsewhere.
    pub(super) fn done(&self, answer: FunctionAnswer) -> Answered {
        answered(&answer, Some(self.company_id))
    }

    fn about(&self, booking: &Booking, say: impl FnOnce(&Appointment<'_>) -> FunctionAnswer) -> Answered {
        let order = &booking.order;
        let host = match &booking.state {
            BookingState::Confirmed { host: Some(user), .. } => {
                self.company.as_ref().and_then(|c| c.staff_by_calcom_user(*user)).map(|s| s.name.clone())
            }
            _ => None,
        };
        let by_name =
            || order.staff.and_then(|m| self.company.as_ref()?.staff_member(m).map(|s| s.name.clone()));
        let staff = host.or_else(by_name);
        let service = self.service_name(order.service);
        let it = Appointment {
            id: &order.appointment,
            slot: booking.interval().start(),
            staff: staff.as_deref(),
            service: &service,
        };
        self.done(say(&it))
    }

    fn service_name(&self, id: ServiceId) -> String {
        self.company.as_ref().and_then(|c| c.service(id)).map(|s| s.name.clone()).unwrap_or_default()
    }
}

/// An answer as bytes.
pub(crate) fn answered(answer: &FunctionAnswer, company: Option<CompanyId>) -> Answered {
    Answered {
        body: Bytes::from(answer.to_bytes()),
        success: answer.success,
        code: answer.code.to_owned(),
        company,
    }
}

fn alternatives(free: &[UnixMillis]) -> Vec<Alternative> {
    free.iter().map(|slot| Alternative { slot: *slot, staff: None }).collect()
}

fn age_s(age_ms: i64) -> u64 {
    u64::try_from(age_ms / 1_000).unwrap_or_default()
}
