//! The calendar that appointments are booked in (Cal.com).

use std::collections::BTreeSet;

use askpro_domain::{
    booking::{BookingOrder, LookResult, Refusal},
    ids::CompanyId,
    time::{Interval, UnixMillis},
};

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

/// What came of a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome {
    /// Booked, and the answer was checked to be about this order.
    Confirmed {
        /// Cal.com's uid.
        uid: String,
        /// Cal.com's user id of the host.
        host: Option<i64>,
    },
    /// Refused for good.
    Refused(Refusal),
    /// Certainly not processed: no connection, 429.
    NotSent,
    /// Nobody knows.
    AnswerLost,
}

/// The calendar of companies.
#[async_trait::async_trait]
pub trait Calendar: Send + Sync {
    /// Bookable starts of an event type in a window of at most 31 days.
    async fn slots(
        &self,
        company: CompanyId,
        event_type_id: i64,
        window: Interval,
    ) -> Result<Offered, CalendarError>;
    /// Books. `submitted_at` is the first submission of this order: older bookings are not ours.
    async fn create(&self, order: &BookingOrder, submitted_at: UnixMillis) -> CreateOutcome;
    /// Looks for the order by our metadata.
    async fn look(&self, order: &BookingOrder, submitted_at: UnixMillis) -> LookResult;
    /// Cancels; a booking that is already cancelled counts as done.
    async fn cancel(&self, company: CompanyId, uid: &str, reason: &str) -> Result<(), CalendarError>;
}
