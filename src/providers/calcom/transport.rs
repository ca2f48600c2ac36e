//! Carries one request to Cal.com through the turnstile and says what is certain about it: that it was never
//! sent, that no answer came, or which answer. Counts and measures every exchange. Knows nothing of what answers
//! mean.

use std::time::{Duration, Instant};

use askpro_actors::ports::calendar::Turn;
use askpro_domain::{
    ids::CompanyId,
    policy::{KeyId, Limited},
};
use reqwest::{RequestBuilder, Response};

use super::limits;
use crate::telemetry::metrics::{CALCOM_REQUEST_DURATION, CALCOM_REQUESTS};

/// Largest answer that is read, in bytes.
pub(super) const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What is asked, with the version of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `GET /v2/slots`
    Slots,
    /// `POST /v2/bookings`
    Create,
    /// `GET /v2/bookings`
    Look,
    /// `POST /v2/bookings/{uid}/cancel`
    Cancel,
    /// `GET /v2/bookings/{uid}`
    Get,
    /// `POST /v2/slots/reservations`
    Reserve,
    /// `DELETE /v2/slots/reservations/{uid}`
    Unreserve,
}

impl Operation {
    /// Label in metrics (of the catalogue's closed set) and errors.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Slots => "slots",
            Self::Create => "book",
            Self::Look | Self::Get => "find",
            Self::Cancel => "cancel",
            Self::Reserve => "reserve",
            Self::Unreserve => "unreserve",
        }
    }

    /// `cal-api-version`: a date per endpoint; a value that the server does not know silently means 2024.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::Slots | Self::Reserve | Self::Unreserve => "2024-09-04",
            Self::Create | Self::Cancel | Self::Get => "2026-02-25",
            Self::Look => "2026-05-01",
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// How long to wait, when the answer says so or should have.
    pub(super) retry_after_ms: i64,
    /// The body; `None` when it broke off or is larger than [`ANSWER_BYTES_MAX`].
    pub(super) body: Option<Vec<u8>>,
}

impl Answer {
    /// Whether the status is 2xx.
    pub(super) const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// No answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransportError {
    /// Its key's budget does not allow it: not sent.
    Limited(Limited),
    /// No connection: certainly not processed.
    NotSent,
    /// Sent, or perhaps sent, and no answer in time: nobody knows.
    TimedOut,
    /// Sent, or perhaps sent, and the connection broke: nobody knows.
    Broken,
}

/// A request that is ready to be sent.
pub(super) struct Prepared {
    pub(super) operation: Operation,
    pub(super) company: CompanyId,
    /// The key that it is sent with.
    pub(super) key: KeyId,
    pub(super) builder: RequestBuilder,
}

impl Prepared {
    /// With more in it.
    pub(super) fn with(self, more: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self { builder: more(self.builder), ..self }
    }
}

/// Passes the turnstile, sends a request and reads its answer within `timeout`.
pub(super) async fn exchange(
    request: Prepared,
    timeout: Duration,
    turn: &Turn,
) -> Result<Answer, TransportError> {
    let Prepared { operation, company, key, builder } = request;
    let result = match turn.pass(key, company).await {
        Err(limited) => Err(TransportError::Limited(limited)),
        Ok(permit) => {
            let started = Instant::now();
            let result = match builder.timeout(timeout).send().await {
                Ok(response) => {
                    permit.heard(limits::told(response.status().as_u16(), response.headers()));
                    Ok(read(response).await)
                }
                Err(error) => Err(not_answered(&error)),
            };
            metrics::histogram!(CALCOM_REQUEST_DURATION, "operation" => operation.label())
                .record(started.elapsed().as_secs_f64());
            result
        }
    };
    metrics::counter!(CALCOM_REQUESTS, "operation" => operation.label(), "outcome" => outcome(&result))
        .increment(1);
    result
}

fn not_answered(error: &reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Broken
    }
}

/// Label of the catalogue's closed set.
fn outcome(result: &Result<Answer, TransportError>) -> &'static str {
    match result {
        Err(TransportError::Limited(_)) => "budget_spent",
        Err(TransportError::NotSent) => "unreachable",
        Err(TransportError::TimedOut) => "timeout",
        Err(TransportError::Broken) | Ok(Answer { body: None, .. }) => "server_error",
        Ok(answer) => match answer.status {
            200..=299 => "ok",
            401 | 403 | 498 => "unauthorized",
            429 => "rate_limited",
            400..=499 => "refused",
            _ => "server_error",
        },
    }
}

async fn read(mut response: Response) -> Answer {
    let status = response.status().as_u16();
    let retry_after_ms = limits::retry_after_ms(response.headers());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(None) => return Answer { status, retry_after_ms, body: Some(body) },
            Ok(Some(_)) | Err(_) => return Answer { status, retry_after_ms, body: None },
        }
    }
}
