//! The calendar that appointments are booked in (Cal.com), and the turnstile before it.
//!
//! An adapter asks the turnstile before every single request, since only it knows which key a request is sent
//! with, and tells it afterwards what the answer said of the key's limit.

use std::{collections::BTreeSet, fmt, sync::Arc};

use askpro_domain::{
    booking::{BookingOrder, Refusal, Standing},
    calendar::CalendarEvent,
    ids::CompanyId,
    policy::{Class, Heard, KeyId, Limited, Request, Ticket},
    time::{Interval, UnixMillis},
};
use bytes::Bytes;

/// Starts that the calendar offers for an event type in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The event type.
    pub event_type_id: i64,
    /// The window that was asked for.
    pub window: Interval,
    /// Starts, each bookable at the time of the answer.
    pub starts: BTreeSet<UnixMillis>,
}

/// Why the calendar gave no answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Cannot be reached, timed out, or failed inside.
    #[error("the calendar did not answer: {0}")]
    Unavailable(String),
    /// Too many requests; not before this many milliseconds.
    #[error("the calendar asks to wait {retry_after_ms} ms")]
    Limited {
        /// How long.
        retry_after_ms: i64,
    },
    /// It refused the question for good: wrong key, unknown event type.
    #[error("the calendar refused the question: {0}")]
    Refused(String),
    /// The company has no key and the platform has none.
    #[error("no Cal.com key is configured for this company")]
    NoKey,
}

impl From<Limited> for CalendarError {
    fn from(limited: Limited) -> Self {
        Self::Limited { retry_after_ms: limited.retry_after_ms }
    }
}

/// What came of a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome {
    /// Booked, and the answer was checked to be about this order.
    Confirmed(FoundBooking),
    /// Refused for good.
    Refused(Refusal),
    /// Refused because the host that the calendar had chosen was given to another booking in the same moment.
    HostRaced,
    /// Certainly not processed: no connection.
    NotSent,
    /// Certainly not processed: the key's limit forbids it, by our count or by Cal.com's.
    Limited {
        /// How long.
        retry_after_ms: i64,
    },
    /// Nobody knows.
    AnswerLost,
}

/// A booking that stands at the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBooking {
    /// Cal.com's uid.
    pub uid: String,
    /// Cal.com's user id of the host.
    pub host: Option<i64>,
    /// When it takes place: it may have been moved since it was ordered.
    pub interval: Interval,
    /// When it was last changed, by Cal.com's clock; `None` when it does not say.
    pub changed_at: Option<UnixMillis>,
}

impl FoundBooking {
    /// As a word of the calendar that was heard now.
    #[must_use]
    pub fn standing(&self, now: UnixMillis) -> Standing {
        Standing {
            uid: self.uid.clone(),
            from_uid: None,
            interval: self.interval,
            host: self.host,
            at: self.changed_at.unwrap_or(now),
        }
    }
}

/// A slot that web bookers are not to see for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReserveWish {
    /// Whose calendar.
    pub company: CompanyId,
    /// The event type, of one host alone.
    pub event_type_id: i64,
    /// The slot's start; its length is the event type's.
    pub start: UnixMillis,
    /// For how long, at least 1.
    pub minutes: i64,
}

/// A reservation that stands at the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Cal.com's uid of it: whoever knows it can take it away.
    pub uid: String,
    /// When it ends by itself, by Cal.com's clock.
    pub until: UnixMillis,
}

/// What came of a wish for a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// It stands, and the answer was checked to be about this slot.
    Reserved(Reservation),
    /// The slot is booked, or somebody else reserved it.
    Taken,
    /// Refused for another reason: wrong key, not this key's event type, not known to the calendar.
    Refused(String),
    /// Certainly not processed: no key, or no connection.
    NotSent,
    /// Certainly not processed: the key's limit forbids it, by our count or by Cal.com's.
    Limited,
    /// Nobody knows. If it stands it ends by itself.
    AnswerLost,
}

/// The calendar of companies. Every request passes the turnstile of its `turn` first.
#[async_trait::async_trait]
pub trait Calendar: Send + Sync {
    /// Bookable starts of an event type in a window of at most 31 days.
    async fn slots(
        &self,
        company: CompanyId,
        event_type_id: i64,
        window: Interval,
        turn: &Turn,
    ) -> Result<Offered, CalendarError>;
    /// Books. `submitted_at` is the first submission of this order: older bookings are not ours.
    async fn create(&self, order: &BookingOrder, submitted_at: UnixMillis, turn: &Turn) -> CreateOutcome;
    /// Looks for the order by our metadata; `None` when the calendar answered completely and it is not there.
    async fn look(
        &self,
        order: &BookingOrder,
        submitted_at: UnixMillis,
        turn: &Turn,
    ) -> Result<Option<FoundBooking>, CalendarError>;
    /// Cancels; a booking that is already cancelled counts as done.
    async fn cancel(
        &self,
        company: CompanyId,
        uid: &str,
        reason: &str,
        turn: &Turn,
    ) -> Result<(), CalendarError>;
    /// Hides a slot, and what overlaps it of all event types of its host, from slot queries, ours among them. It
    /// protects nothing: whoever books is not asked for it.
    async fn reserve(&self, wish: &ReserveWish, turn: &Turn) -> ReserveOutcome;
    /// Takes a reservation away; one that is not there counts as done.
    async fn unreserve(&self, company: CompanyId, uid: &str, turn: &Turn) -> Result<(), CalendarError>;
}

/// Lets requests to the calendar through, as far as the budget of their key allows.
#[async_trait::async_trait]
pub trait Turnstile: Send + Sync {
    /// Waits until the request may be sent, at most until its time is over. Errors: it cannot be sent in time,
    /// told as soon as that is known.
    async fn pass(&self, key: KeyId, request: Request) -> Result<Ticket, Limited>;
    /// A request that was let through is over.
    fn heard(&self, key: KeyId, ticket: Ticket, heard: Heard);
}

/// How a question or an order may pass the turnstile.
#[derive(Clone)]
pub struct Turn {
    turnstile: Arc<dyn Turnstile>,
    class: Class,
    until: UnixMillis,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("class", &self.class).field("until", &self.until).finish_non_exhaustive()
    }
}

impl Turn {
    /// For requests of this class that can wait until then.
    #[must_use]
    pub fn new(turnstile: Arc<dyn Turnstile>, class: Class, until: UnixMillis) -> Self {
        Self { turnstile, class, until }
    }

    /// One request with this key wants to be sent. Errors: [`Limited`].
    pub async fn pass(&self, key: KeyId, company: CompanyId) -> Result<Permit, Limited> {
        let request = Request { company, class: self.class, until: self.until };
        let ticket = self.turnstile.pass(key, request).await?;
        Ok(Permit { turnstile: self.turnstile.clone(), key, ticket, heard: Heard::Nothing })
    }
}

/// One request may be sent. When it is dropped the turnstile hears that the request is over.
#[must_use]
pub struct Permit {
    turnstile: Arc<dyn Turnstile>,
    key: KeyId,
    ticket: Ticket,
    heard: Heard,
}

impl Permit {
    /// The request is over, and its answer told this.
    pub fn heard(mut self, heard: Heard) {
        self.heard = heard;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.turnstile.heard(self.key, self.ticket, self.heard);
    }
}

/// Reads announcements of calendars again, as they are kept.
pub trait CalendarDecoder: Send + Sync {
    /// Reads a compressed body. One that cannot be read is an event too: something changed.
    fn decode(&self, body: &Bytes) -> CalendarEvent;
}
