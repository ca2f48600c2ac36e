//! Decodes announcements: strict in that it must be one, lenient in everything else. What cannot be understood of
//! a booking's announcement still says that something changed.
//!
//! Most are `{triggerEvent, createdAt, payload}`; `MEETING_STARTED` and `MEETING_ENDED` are flat rows whose
//! `createdAt` is the booking's. An owner may shape bodies with a template of their own: those are kept, and
//! nothing of them is believed but that something happened.

use askpro_domain::{
    booking::Evidence,
    calendar::{CalendarEvent, GoneBooking, News, SeenBooking},
    ids::BodyHash,
    time::UnixMillis,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::plain::is_plain,
    payload::{Payload, tolerant},
    trigger::Trigger,
};

/// Longest name of a trigger.
const TRIGGER_CHARS_MAX: usize = 100;
/// Longest time that becomes a part of an identity.
const TIME_CHARS_MAX: usize = 40;
/// Name of what an owner's template made.
const CUSTOM_TEMPLATE: &str = "custom_template";

/// A decoded announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What Cal.com says happened.
    pub trigger: Trigger,
    /// What it means.
    pub event: CalendarEvent,
}

/// Why a body is no announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or no object.
    #[error("the body is no JSON object")]
    NotAnObject,
    /// Nothing says what happened.
    #[error("the body has no triggerEvent; take the custom payload template off the webhook")]
    NoTrigger,
}

impl DecodeError {
    /// Stable code for answers and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnObject => "body_not_an_object",
            Self::NoTrigger => "trigger_missing",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(default, deserialize_with = "tolerant")]
    trigger_event: Option<String>,
    #[serde(default, deserialize_with = "tolerant")]
    created_at: Option<String>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

/// Decodes a body.
///
/// # Errors
/// [`DecodeError`] when it is no announcement.
pub fn decode(body: &[u8]) -> Result<Delivery, DecodeError> {
    // What is passed over unread may be anything but UTF-8, and blanking a password in there breaks the body.
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::NotAnObject)?;
    // An array would be read as the fields in order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::NotAnObject);
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| DecodeError::NotAnObject)?;
    let name = envelope
        .trigger_event
        .filter(|name| is_plain(name, TRIGGER_CHARS_MAX))
        .ok_or(DecodeError::NoTrigger)?;
    let enveloped = envelope.payload.map(RawValue::get).filter(|payload| payload.starts_with('{'));
    let payload: Payload = serde_json::from_str(enveloped.unwrap_or(text)).unwrap_or_default();
    let trigger = Trigger::parse(&name);
    let at = envelope.created_at.as_deref().filter(|_| enveloped.is_some());
    let at = at.and_then(UnixMillis::parse_rfc3339);
    let event = CalendarEvent {
        dedup_key: dedup_key(&name, &payload, envelope.created_at.as_deref(), body),
        uid: payload.uid().map(str::to_owned),
        at,
        news: news(trigger, &payload, at),
        name,
    };
    Ok(Delivery { trigger, event })
}

/// What an owner's template made: kept, and all that is believed is that something changed. Equal bodies are one.
#[must_use]
pub fn custom(body: &[u8]) -> Delivery {
    let event = CalendarEvent {
        name: CUSTOM_TEMPLATE.to_owned(),
        dedup_key: format!("{CUSTOM_TEMPLATE}:{}", BodyHash::of(&[body]).to_hex()),
        uid: None,
        at: None,
        news: News::Changed,
    };
    Delivery { trigger: Trigger::CustomTemplate, event }
}

/// Decodes a body that was accepted before.
#[must_use]
pub fn decode_kept(body: &[u8]) -> CalendarEvent {
    decode(body).unwrap_or_else(|_| custom(body)).event
}

/// Trigger, subject, time and sequence, as they were sent; the body's hash where they do not tell it apart.
fn dedup_key(name: &str, payload: &Payload, created_at: Option<&str>, body: &[u8]) -> String {
    let created_at = created_at.filter(|at| is_plain(at, TIME_CHARS_MAX));
    match (payload.subject(), created_at) {
        (Some(subject), Some(at)) => {
            let sequence = payload.ical_sequence.map_or_else(String::new, |sequence| format!(":{sequence}"));
            format!("{name}:{subject}:{at}{sequence}")
        }
        _ => format!("{name}:{}", BodyHash::of(&[body]).to_hex()),
    }
}

fn news(trigger: Trigger, payload: &Payload, at: Option<UnixMillis>) -> News {
    match trigger {
        Trigger::BookingCreated
        | Trigger::BookingRequested
        | Trigger::BookingRescheduled
        | Trigger::BookingReassigned => stands(trigger, payload, at).unwrap_or(News::Changed),
        Trigger::BookingCancelled | Trigger::BookingRejected => gone(payload).unwrap_or(News::Changed),
        Trigger::OooCreated => payload.away().map_or(News::Changed, |host| News::HostAway { host }),
        Trigger::BookingPaymentInitiated | Trigger::BookingPaid | Trigger::CustomTemplate => News::Changed,
        Trigger::BookingNoShowUpdated
        | Trigger::BookingLocationUpdated
        | Trigger::MeetingStarted
        | Trigger::MeetingEnded
        | Trigger::Ping
        | Trigger::Other => News::Nothing,
    }
}

fn stands(trigger: Trigger, payload: &Payload, at: Option<UnixMillis>) -> Option<News> {
    let interval = payload.interval()?;
    let from_uid = payload.uid_before().map(str::to_owned);
    // Only the announcement of a new booking says when it was made.
    let is_new = matches!(trigger, Trigger::BookingCreated | Trigger::BookingRequested) && from_uid.is_none();
    Some(News::Stands(Box::new(SeenBooking {
        uid: payload.uid()?.to_owned(),
        from_uid,
        interval,
        host: payload.host(),
        freed_hosts: payload.freed_hosts(),
        seated: payload.is_seated(),
        evidence: Evidence {
            appointment: payload.appointment(),
            start: Some(interval.start()),
            event_type_id: payload.event_type_id,
            contacts: payload.contacts(),
            created_at: at.filter(|_| is_new),
        },
    })))
}

/// One seat that is given up leaves the booking of the others as it is.
fn gone(payload: &Payload) -> Option<News> {
    let uid = payload.uid().filter(|_| !payload.is_seated())?.to_owned();
    Some(News::Gone(Box::new(GoneBooking {
        uid,
        appointment: payload.appointment(),
        event_type_id: payload.event_type_id,
        host: payload.host(),
    })))
}
