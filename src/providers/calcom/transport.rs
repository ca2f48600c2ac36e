//! Carries one request to Cal.com and says what is certain about it: that it was never sent, that no answer
//! came, or which answer. Counts and measures every exchange. Knows nothing of what answers mean.

use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, Response, header::HeaderMap};

use crate::telemetry::metrics::{CALCOM_REQUEST_DURATION, CALCOM_REQUESTS};

/// Largest answer that is read, in bytes.
pub(super) const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long to wait when Cal.com limits us and does not say how long: its window is a minute.
const RETRY_AFTER_DEFAULT_MS: i64 = 60_000;
/// Longest wait that is believed.
const RETRY_AFTER_MS_MAX: i64 = 600_000;

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
}

impl Operation {
    /// Label in metrics (of the catalogue's closed set) and errors.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Slots => "slots",
            Self::Create => "book",
            Self::Look | Self::Get => "find",
            Self::Cancel => "cancel",
        }
    }

    /// `cal-api-version`: a date per endpoint; a value that the server does not know silently means 2024.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::Slots => "2024-09-04",
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
    /// No connection: certainly not processed.
    NotSent,
    /// Sent, or perhaps sent, and no answer in time: nobody knows.
    TimedOut,
    /// Sent, or perhaps sent, and the connection broke: nobody knows.
    Broken,
}

/// Sends a request and reads its answer within `timeout`.
pub(super) async fn exchange(
    operation: Operation,
    request: RequestBuilder,
    timeout: Duration,
) -> Result<Answer, TransportError> {
    let started = Instant::now();
    let result = match request.timeout(timeout).send().await {
        Ok(response) => Ok(read(response).await),
        Err(error) if error.is_connect() || error.is_builder() => Err(TransportError::NotSent),
        Err(error) if error.is_timeout() => Err(TransportError::TimedOut),
        Err(_) => Err(TransportError::Broken),
    };
    metrics::histogram!(CALCOM_REQUEST_DURATION, "operation" => operation.label())
        .record(started.elapsed().as_secs_f64());
    metrics::counter!(CALCOM_REQUESTS, "operation" => operation.label(), "outcome" => outcome(&result))
        .increment(1);
    result
}

/// Label of the catalogue's closed set.
fn outcome(result: &Result<Answer, TransportError>) -> &'static str {
    match result {
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
    let retry_after_ms = retry_after_ms(response.headers());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => body.extend_from_slice(&chunk),
            Ok(None) => return Answer { status, retry_after_ms, body: Some(body) },
            Ok(Some(_)) | Err(_) => return Answer { status, retry_after_ms, body: None },
        }
    }
}

/// `Retry-After`, else the longest of `X-RateLimit-Reset-<name>`: whole seconds from now, by limit name.
fn retry_after_ms(headers: &HeaderMap) -> i64 {
    let seconds = |value: &reqwest::header::HeaderValue| value.to_str().ok()?.trim().parse::<i64>().ok();
    let resets = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-ratelimit-reset"))
        .filter_map(|(_, value)| seconds(value))
        .max();
    let wait = headers.get("retry-after").and_then(seconds).or(resets);
    wait.map_or(RETRY_AFTER_DEFAULT_MS, |s| s.saturating_mul(1_000).clamp(1_000, RETRY_AFTER_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> i64 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        retry_after_ms(&map)
    }

    #[test]
    fn the_wait_is_in_seconds_and_the_longest_limit_counts() {
        assert_eq!(wait(&[]), 60_000);
        assert_eq!(wait(&[("x-ratelimit-reset-default", "7"), ("x-ratelimit-reset-burst", "12")]), 12_000);
        assert_eq!(wait(&[("retry-after", "3"), ("x-ratelimit-reset-default", "7")]), 3_000);
        assert_eq!(wait(&[("x-ratelimit-reset-default", "0")]), 1_000);
        assert_eq!(wait(&[("x-ratelimit-reset-default", "1795424400")]), 600_000);
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 09:00:00 GMT")]), 60_000);
    }
}
