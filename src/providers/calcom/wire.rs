//! Shapes of Cal.com's API v2, as far as they are needed. Everything that may be missing is optional, and
//! unknown fields are ignored. Source: facts on versions 2024-09-04 (slots), 2026-02-25 (bookings) and
//! 2026-05-01 (list of bookings).

use std::collections::BTreeMap;

use askpro_actors::ports::calendar::ReserveWish;
use askpro_domain::{
    booking::{BookingOrder, Evidence},
    tenant::Language,
    time::UnixMillis,
};
use serde::{Deserialize, Serialize};

use super::{METADATA_APPOINTMENT, METADATA_CALL, METADATA_COMPANY, contacts::contacts};

/// Longest value of a metadata entry, in characters.
const METADATA_CHARS_MAX: usize = 500;

/// `{"status":"success","data":...,"pagination":...}`; `status` is not relied on.
#[derive(Debug, Deserialize)]
pub(super) struct Success<T> {
    pub(super) data: T,
    pub(super) pagination: Option<Pagination>,
}

/// Paging of lists: `nextCursor`/`hasMore` since 2026-05-01, `hasNextPage` before.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    pub(super) next_cursor: Option<Cursor>,
    has_more: Option<bool>,
    has_next_page: Option<bool>,
}

impl Pagination {
    /// Whether more pages follow; `None` when the answer does not say.
    pub(super) fn has_more(&self) -> Option<bool> {
        self.has_more.or(self.has_next_page)
    }
}

/// An opaque cursor; sent back as it came.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Cursor {
    /// As text.
    Text(String),
    /// As a number.
    Number(i64),
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Starts by day.
pub(super) type SlotDays = BTreeMap<String, Vec<Slot>>;

/// A bookable start.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Slot {
    pub(super) start: String,
    /// Of seated event types.
    pub(super) seats_remaining: Option<i64>,
}

/// One booking, or the occurrences of a recurring one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    /// Recurring.
    Many(Vec<Booking>),
    /// Ordinary.
    One(Box<Booking>),
}

impl OneOrMany {
    /// As a list.
    pub(super) fn into_vec(self) -> Vec<Booking> {
        match self {
            Self::Many(bookings) => bookings,
            Self::One(booking) => vec![*booking],
        }
    }
}

/// A booking.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Booking {
    pub(super) uid: String,
    pub(super) status: Option<String>,
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) updated_at: Option<String>,
    event_type_id: Option<i64>,
    event_type: Option<EventTypeRef>,
    metadata: Option<serde_json::Value>,
    hosts: Option<Vec<Host>>,
    pub(super) attendees: Option<Vec<BookedAttendee>>,
}

#[derive(Debug, Deserialize)]
struct EventTypeRef {
    id: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Host {
    id: Option<i64>,
}

/// Who comes, as Cal.com has it; without an e-mail it makes `<digits>@sms.cal.com`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BookedAttendee {
    pub(super) email: Option<String>,
    pub(super) phone_number: Option<String>,
}

impl Booking {
    /// The event type, in the new or the deprecated place.
    pub(super) fn event_type_id(&self) -> Option<i64> {
        self.event_type.as_ref().and_then(|e| e.id).or(self.event_type_id)
    }

    /// When it starts.
    pub(super) fn starts_at(&self) -> Option<UnixMillis> {
        self.start.as_deref().and_then(UnixMillis::parse_rfc3339)
    }

    /// When it ends.
    pub(super) fn ends_at(&self) -> Option<UnixMillis> {
        self.end.as_deref().and_then(UnixMillis::parse_rfc3339)
    }

    /// When it was last changed, by Cal.com's clock. What was never changed since it was made may say nothing.
    pub(super) fn changed_at(&self) -> Option<UnixMillis> {
        let told = [&self.created_at, &self.updated_at].into_iter().flatten();
        told.filter_map(|at| UnixMillis::parse_rfc3339(at)).max()
    }

    /// What it shows of where it comes from.
    pub(super) fn evidence(&self) -> Evidence {
        let attendees = self.attendees.iter().flatten();
        Evidence {
            appointment: self.appointment().map(str::to_owned),
            start: self.starts_at(),
            event_type_id: self.event_type_id(),
            contacts: attendees
                .flat_map(|a| contacts(a.email.as_deref(), a.phone_number.as_deref()))
                .collect(),
            created_at: self.created_at.as_deref().and_then(UnixMillis::parse_rfc3339),
        }
    }

    /// The appointment id in our metadata.
    fn appointment(&self) -> Option<&str> {
        self.metadata.as_ref()?.get(METADATA_APPOINTMENT)?.as_str()
    }

    /// User id of the host: the list has always one entry.
    pub(super) fn host(&self) -> Option<i64> {
        self.hosts.as_ref()?.first()?.id
    }

    /// Whether it stands: not cancelled and not rejected.
    pub(super) fn stands(&self) -> bool {
        !matches!(self.status.as_deref(), Some("cancelled" | "rejected"))
    }
}

/// Both shapes of errors: `{"status":"error","error":{...}}` of the framework and
/// `{"statusCode":409,"message":"..."}` of the booking engine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    pub(super) error: Option<serde_json::Value>,
    pub(super) status_code: Option<i64>,
    pub(super) message: Option<serde_json::Value>,
}

/// Body of `POST /v2/bookings`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateBooking<'a> {
    start: String,
    event_type_id: i64,
    attendee: NewAttendee<'a>,
    metadata: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_fields_responses: Option<BookingFields<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewAttendee<'a> {
    name: &'a str,
    time_zone: &'a str,
    language: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct BookingFields<'a> {
    notes: &'a str,
}

impl<'a> CreateBooking<'a> {
    /// The body of an order. No e-mail is ever invented: Cal.com checks whether mail can be delivered.
    pub(super) fn of(order: &'a BookingOrder) -> Self {
        let metadata = [
            (METADATA_APPOINTMENT, order.appointment.as_str().to_owned()),
            (METADATA_CALL, order.call_id.as_str().chars().take(METADATA_CHARS_MAX).collect()),
            (METADATA_COMPANY, order.company.to_string()),
        ];
        Self {
            start: order.interval.start().to_rfc3339(),
            event_type_id: order.event_type_id,
            attendee: NewAttendee {
                name: &order.attendee.name,
                time_zone: &order.time_zone,
                language: match order.language {
                    Language::De => "de",
                    Language::En => "en",
                },
                phone_number: order.attendee.phone.as_ref().map(|phone| phone.as_str()),
                email: email_of(order),
            },
            metadata: metadata.into(),
            booking_fields_responses: order
                .notes
                .as_deref()
                .filter(|notes| !notes.trim().is_empty())
                .map(|notes| BookingFields { notes }),
        }
    }
}

/// The e-mail of an order, unless it is blank.
pub(super) fn email_of(order: &BookingOrder) -> Option<&str> {
    order.attendee.email.as_deref().map(str::trim).filter(|email| !email.is_empty())
}

/// Body of `POST /v2/bookings/{uid}/cancel`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelBooking<'a> {
    pub(super) cancellation_reason: &'a str,
}

/// Body of `POST /v2/slots/reservations`. With a `reservationDuration` the caller must be authenticated and own
/// the event type, or share a team with its owner.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReserveSlot {
    event_type_id: i64,
    slot_start: String,
    reservation_duration: i64,
}

impl ReserveSlot {
    /// The body of a wish.
    pub(super) fn of(wish: &ReserveWish) -> Self {
        Self {
            event_type_id: wish.event_type_id,
            slot_start: wish.start.to_rfc3339(),
            reservation_duration: wish.minutes,
        }
    }
}

/// A reservation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReservedSlot {
    pub(super) event_type_id: i64,
    pub(super) slot_start: String,
    pub(super) reservation_uid: String,
    pub(super) reservation_until: String,
}
