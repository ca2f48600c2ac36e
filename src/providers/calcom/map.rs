//! What Cal.com's answers mean. Pure.
//!
//! The HTTP status and the text of the message are all there is to go by: an ordinary clash is a 400 like
//! any other, told apart by its text only (facts, table of refusals). What cannot be told apart for sure
//! counts as lost, never as refused and never as booked.

use std::collections::BTreeSet;

use askpro_actors::ports::calendar::{
    CalendarError, CreateOutcome, FoundBooking, Reservation, ReserveOutcome, ReserveWish,
};
use askpro_domain::{
    booking::{BookingOrder, Claim, Refusal},
    time::{Interval, UnixMillis},
};
use serde::de::DeserializeOwned;

use super::{
    plain::is_uid,
    transport::{Answer, Operation, TransportError},
    wire::{Booking, ErrorBody, OneOrMany, ReservedSlot, SlotDays, Success},
};

/// Longest class name of an error that is passed on.
const FAULT_CODE_BYTES_MAX: usize = 48;

/// Reads a 2xx body.
pub(super) fn success<T: DeserializeOwned>(answer: &Answer) -> Option<Success<T>> {
    serde_json::from_slice(answer.body.as_deref()?).ok()
}

/// What a POST of an order came to.
pub(super) fn created(
    result: Result<Answer, TransportError>,
    order: &BookingOrder,
    submitted_at: UnixMillis,
) -> CreateOutcome {
    match result {
        Err(TransportError::Limited(limited)) => {
            CreateOutcome::Limited { retry_after_ms: limited.retry_after_ms }
        }
        Err(TransportError::NotSent) => CreateOutcome::NotSent,
        Err(TransportError::TimedOut | TransportError::Broken) => CreateOutcome::AnswerLost,
        Ok(answer) if answer.is_success() => believed(&answer, order, submitted_at),
        Ok(answer) => refused(&answer),
    }
}

/// A 2xx is believed only when the booking in it is proved to be this order's. Round robin and unconfirmed
/// types answer 201 with an existing booking of the same attendee; that one is not ours.
fn believed(answer: &Answer, order: &BookingOrder, submitted_at: UnixMillis) -> CreateOutcome {
    let Some(body) = success::<OneOrMany>(answer) else { return CreateOutcome::AnswerLost };
    let bookings = body.data.into_vec();
    let booking = bookings.iter().find(|b| starts_at(b, order)).or_else(|| bookings.first());
    let Some(booking) = booking.filter(|b| b.stands()) else { return CreateOutcome::AnswerLost };
    match booking.evidence().claim(order, submitted_at) {
        Claim::Ours if !is_uid(&booking.uid) => CreateOutcome::AnswerLost,
        Claim::Ours => CreateOutcome::Confirmed(found(booking, order)),
        Claim::SameAttendee => CreateOutcome::Refused(Refusal::AlreadyBooked),
        Claim::Unproved => CreateOutcome::AnswerLost,
    }
}

/// A booking that was proved to be this order's, as it stands now. One that does not say when it ends is as long as
/// it was ordered.
pub(super) fn found(booking: &Booking, order: &BookingOrder) -> FoundBooking {
    let ordered = order.interval;
    let starts_at = booking.starts_at().unwrap_or(ordered.start());
    let as_long = || Interval::new(starts_at, starts_at.plus_ms(ordered.end().since(ordered.start())));
    let interval = booking.ends_at().and_then(|end| Interval::new(starts_at, end)).or_else(as_long);
    FoundBooking {
        uid: booking.uid.clone(),
        host: booking.host(),
        interval: interval.unwrap_or(ordered),
        changed_at: booking.changed_at(),
    }
}

/// Whether a listed booking is this order's and stands.
pub(super) fn is_found(booking: &Booking, order: &BookingOrder, submitted_at: UnixMillis) -> bool {
    booking.stands() && booking.evidence().is_found(order, submitted_at)
}

fn starts_at(booking: &Booking, order: &BookingOrder) -> bool {
    booking.starts_at() == Some(order.interval.start())
}

/// What a refusal of a POST means, by status and text.
fn refused(answer: &Answer) -> CreateOutcome {
    use CreateOutcome::{AnswerLost, HostRaced, Limited, Refused};
    let fault = Fault::of(answer);
    match answer.status {
        401 | 498 => Refused(Refusal::NotAuthorized),
        404 | 422 => Refused(Refusal::ServiceMisconfigured),
        429 => Limited { retry_after_ms: answer.retry_after_ms },
        408 | 425 | 499 => AnswerLost,
        409 if fault.as_ref().is_some_and(Fault::is_race) => HostRaced,
        400 | 402 | 403 | 405..=498 => fault.map_or(AnswerLost, |f| Refused(f.refusal(answer.status))),
        500..=599 if fault.as_ref().is_some_and(Fault::is_pool_exhausted) => Refused(Refusal::SlotTaken),
        _ => AnswerLost,
    }
}

/// What a POST of a reservation came to. All three 422 say that the slot is booked, reserved or full.
pub(super) fn reserved(result: Result<Answer, TransportError>, wish: &ReserveWish) -> ReserveOutcome {
    let answer = match result {
        Err(TransportError::Limited(_)) => return ReserveOutcome::Limited,
        Err(TransportError::NotSent) => return ReserveOutcome::NotSent,
        Err(TransportError::TimedOut | TransportError::Broken) => return ReserveOutcome::AnswerLost,
        Ok(answer) => answer,
    };
    match answer.status {
        200..=299 => {
            reservation_in(&answer, wish).map_or(ReserveOutcome::AnswerLost, ReserveOutcome::Reserved)
        }
        422 => ReserveOutcome::Taken,
        429 => ReserveOutcome::Limited,
        400..=498 if !matches!(answer.status, 408 | 425) => {
            ReserveOutcome::Refused(question_failed(Operation::Reserve, &answer).to_string())
        }
        _ => ReserveOutcome::AnswerLost,
    }
}

/// The reservation that an answer proves; `None` when it is about another slot or cannot be read.
fn reservation_in(answer: &Answer, wish: &ReserveWish) -> Option<Reservation> {
    let reserved = success::<ReservedSlot>(answer)?.data;
    let is_wished = reserved.event_type_id == wish.event_type_id
        && UnixMillis::parse_rfc3339(&reserved.slot_start) == Some(wish.start);
    let until = UnixMillis::parse_rfc3339(&reserved.reservation_until)?;
    (is_wished && is_uid(&reserved.reservation_uid))
        .then_some(Reservation { uid: reserved.reservation_uid, until })
}

/// An error of Cal.com itself (not of a proxy before it), in either of its two shapes.
struct Fault {
    /// Lower-cased message, for matching only: it may repeat what was sent.
    text: String,
    /// `error.code`, the class of the exception.
    code: Option<String>,
    /// Whether the booking engine refused (`{"statusCode","message"}`), not the framework.
    of_engine: bool,
}

impl Fault {
    fn of(answer: &Answer) -> Option<Self> {
        let body: ErrorBody = serde_json::from_slice(answer.body.as_deref()?).ok()?;
        let text = |value: &serde_json::Value| match value.as_str() {
            Some(text) => text.to_lowercase(),
            None => value.to_string().to_lowercase(),
        };
        if let Some(error) = body.error.as_ref().filter(|e| e.is_object()) {
            let code = error.get("code").and_then(|c| c.as_str()).map(str::to_owned);
            let said = [error.get("message"), error.get("details")];
            let text = said.into_iter().flatten().map(text).collect::<Vec<_>>().join(" ");
            return Some(Self { text, code, of_engine: false });
        }
        body.status_code.or_else(|| body.message.as_ref().map(|_| 0))?;
        Some(Self { text: body.message.as_ref().map(text).unwrap_or_default(), code: None, of_engine: true })
    }

    fn says(&self, any_of: &[&str]) -> bool {
        any_of.iter().any(|words| self.text.contains(words))
    }

    /// A pool without a free host should be a 400, but its name is not mapped and becomes a 500; only the
    /// name itself, where it shows, tells it from a real failure.
    fn is_pool_exhausted(&self) -> bool {
        self.says(&[
            "hosts_unavailable_for_booking",
            "round_robin_host_unavailable",
            "no_available_users_found",
        ])
    }

    /// The one thing that its database guards: no second booking of the same host with the same start and end.
    fn is_race(&self) -> bool {
        self.says(&["booking_conflict"])
    }

    fn refusal(&self, status: u16) -> Refusal {
        const RULES: [(&[&str], Refusal); 9] = [
            (&["already_signed_up"], Refusal::AlreadyBooked),
            (&["already has booking", "hosts either already", "is not available"], Refusal::SlotTaken),
            (&["booking_conflict", "no more seats", "no longer available"], Refusal::SlotTaken),
            (&["meeting in the past"], Refusal::DateInPast),
            (&["can't be booked at the"], Refusal::OutOfBounds),
            (&["maximum number of active bookings"], Refusal::BookerLimit),
            (&["verification_required", "verification_code", "managed"], Refusal::ServiceMisconfigured),
            (&["email", "phone", "attendee"], Refusal::ContactRejected),
            (&["event type", "eventtype", "booking field", "bookingfields"], Refusal::ServiceMisconfigured),
        ];
        if self.is_pool_exhausted() {
            return Refusal::SlotTaken;
        }
        let by_text = RULES.iter().find(|(words, _)| self.says(words)).map(|(_, refusal)| *refusal);
        match status {
            403 if self.of_engine => Refusal::BookerBlocked,
            403 => Refusal::NotAuthorized,
            409 => by_text.unwrap_or(Refusal::SlotTaken),
            _ => by_text.unwrap_or(Refusal::Other),
        }
    }
}

/// Starts inside the window. Cal.com pushes some ends to the end of their day, and a seated type also lists
/// starts without seats.
pub(super) fn starts_in(days: &SlotDays, window: Interval) -> Result<BTreeSet<UnixMillis>, CalendarError> {
    let free = days.values().flatten().filter(|slot| slot.seats_remaining.is_none_or(|seats| seats > 0));
    let mut starts = BTreeSet::new();
    for slot in free {
        let start = UnixMillis::parse_rfc3339(&slot.start).ok_or_else(|| unreadable(Operation::Slots))?;
        if (window.start()..window.end()).contains(&start) {
            starts.insert(start);
        }
    }
    Ok(starts)
}

/// The error of a question that got no 2xx. Nothing of the message is in it: it may repeat what was sent.
pub(super) fn question_failed(operation: Operation, answer: &Answer) -> CalendarError {
    let status = answer.status;
    match status {
        429 => CalendarError::Limited { retry_after_ms: answer.retry_after_ms },
        400..=499 if status != 408 => {
            let code = Fault::of(answer).and_then(|f| f.code).map(class_name).unwrap_or_default();
            CalendarError::Refused(
                format!("{} answered {status} {code}", operation.label()).trim_end().to_owned(),
            )
        }
        _ => CalendarError::Unavailable(format!("{} answered {status}", operation.label())),
    }
}

/// The error of a question without an answer.
pub(super) fn question_lost(operation: Operation, error: TransportError) -> CalendarError {
    let what = match error {
        TransportError::Limited(limited) => return limited.into(),
        TransportError::NotSent => "could not be sent",
        TransportError::TimedOut => "got no answer in time",
        TransportError::Broken => "broke off before the answer",
    };
    CalendarError::Unavailable(format!("{} {what}", operation.label()))
}

/// The error of a 2xx that cannot be read.
pub(super) fn unreadable(operation: Operation) -> CalendarError {
    CalendarError::Unavailable(format!("{} got an answer that cannot be read", operation.label()))
}

/// A class name as such; anything else is left out.
fn class_name(code: String) -> String {
    let is_name =
        code.len() <= FAULT_CODE_BYTES_MAX && code.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if is_name { code } else { String::new() }
}
