//! Carries one question to Retell and says what came of it. Counts and measures every one. Knows nothing of
//! what answers mean.

use std::time::{Duration, Instant};

use askpro_actors::ports::voice::VoiceError;
use reqwest::{RequestBuilder, header::HeaderMap};

use crate::{
    providers::http_client::read_body,
    telemetry::metrics::{RETELL_REQUEST_DURATION, RETELL_REQUESTS},
};

/// Largest answer that is read, in bytes: a call of two hours has about 2.5 MB, with a scrubbed copy 4 MB.
pub(super) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long to wait when Retell limits us and does not say how long: it counts over ten seconds.
const RETRY_AFTER_DEFAULT_MS: i64 = 10_000;
/// Longest wait that is believed.
const RETRY_AFTER_MS_MAX: i64 = 600_000;

/// What is asked; the label in metrics, of the catalogue's closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `GET /v2/get-call/{id}`
    GetCall,
    /// `POST /v3/list-calls`
    ListCalls,
}

impl Operation {
    const fn label(self) -> &'static str {
        match self {
            Self::GetCall => "get_call",
            Self::ListCalls => "list_calls",
        }
    }
}

/// Sends a question and reads its answer within `timeout`.
pub(super) async fn exchange(
    operation: Operation,
    request: RequestBuilder,
    timeout: Duration,
) -> Result<Vec<u8>, VoiceError> {
    let started = Instant::now();
    let (result, outcome) = match tokio::time::timeout(timeout, ask(request)).await {
        Ok(answered) => answered,
        Err(_) => (Err(VoiceError::Unreachable("no answer in time")), "timeout"),
    };
    metrics::histogram!(RETELL_REQUEST_DURATION, "operation" => operation.label())
        .record(started.elapsed().as_secs_f64());
    metrics::counter!(RETELL_REQUESTS, "operation" => operation.label(), "outcome" => outcome).increment(1);
    result
}

/// The answer, and its label of the catalogue's closed set.
async fn ask(request: RequestBuilder) -> (Result<Vec<u8>, VoiceError>, &'static str) {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => {
            return (Err(VoiceError::Unreachable("no connection")), "unreachable");
        }
        Err(error) if error.is_timeout() => {
            return (Err(VoiceError::Unreachable("no answer in time")), "timeout");
        }
        Err(_) => return (Err(VoiceError::Unreachable("the connection broke")), "unreachable"),
    };
    let retry_after_ms = retry_after_ms(response.headers());
    match response.status().as_u16() {
        200..=299 => match read_body(response, ANSWER_BYTES_MAX).await {
            Some(body) => (Ok(body), "ok"),
            None => (Err(VoiceError::Unreadable("too large, or broken off")), "unreadable"),
        },
        401 | 403 => (Err(VoiceError::Unauthorized), "unauthorized"),
        404 => (Err(VoiceError::NotFound), "not_found"),
        429 => (Err(VoiceError::Limited { retry_after_ms }), "rate_limited"),
        400..=499 => (Err(VoiceError::Unreadable("the question was refused")), "refused"),
        _ => (Err(VoiceError::Unreachable("a fault at Retell")), "server_error"),
    }
}

/// `Retry-After-Ms`, else `Retry-After` in seconds.
fn retry_after_ms(headers: &HeaderMap) -> i64 {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let asked = number("retry-after-ms").or_else(|| Some(number("retry-after")?.saturating_mul(1_000)));
    asked.unwrap_or(RETRY_AFTER_DEFAULT_MS).clamp(1_000, RETRY_AFTER_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_that_retell_asks_for_is_believed_within_reason() {
        let wait = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            retry_after_ms(&map)
        };
        assert_eq!(wait(&[]), 10_000);
        assert_eq!(wait(&[("retry-after", "3")]), 3_000);
        assert_eq!(wait(&[("retry-after", "3"), ("retry-after-ms", "1500")]), 1_500);
        assert_eq!(wait(&[("retry-after", "0")]), 1_000);
        assert_eq!(wait(&[("retry-after", "99999999")]), 600_000);
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 09:00:00 GMT")]), 10_000);
    }
}
