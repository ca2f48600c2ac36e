//! The only map from errors to status codes. Every refusal is `application/problem+json` (RFC 9457) with a
//! stable `code` and a `detail` that says what to do. Nothing that was sent is repeated in it.

use std::borrow::Cow;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use askpro_actors::ports::stores::StoreError;
use serde::Serialize;

use crate::usecases::{AdminError, ingest::IngestError};

/// Why a request is not answered as wished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub(super) enum Refusal {
    /// Nothing is at this address.
    NoSuchAddress,
    /// Something is there, for another method.
    MethodNotAllowed {
        /// The method.
        allow: &'static str,
    },
    /// No company has this slug.
    CompanyUnknown,
    /// A function names its call beside the body, and no such call is live here.
    CallUnknown,
    /// There is no such thing.
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The signature of a webhook or function was not accepted.
    BadSignature {
        /// Stable code.
        code: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The token of an admin is missing or wrong.
    BadToken,
    /// Signed by a company's key, which is not enough here.
    PlatformKeyRequired,
    /// The body is not what is expected here.
    BadBody {
        /// Stable code.
        code: &'static str,
        /// What is wrong with it.
        detail: Cow<'static, str>,
    },
    /// A parameter has a value that cannot be.
    BadParameter {
        /// Its name.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// The address's query cannot be read.
    BadQuery,
    /// The body is larger than allowed.
    BodyTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The body came too slowly.
    BodyTooSlow,
    /// The connection broke, or the framing of the body is wrong.
    BodyBroken,
    /// The body is compressed or otherwise encoded.
    EncodedBody,
    /// It needs a setting that is empty.
    NotConfigured {
        /// The setting.
        key: &'static str,
    },
    /// It exists, but cannot be replayed.
    NotReplayable {
        /// Why.
        reason: String,
    },
    /// Too much to do.
    Overloaded {
        /// When to come again.
        retry_after_s: u64,
    },
    /// The journal takes nothing for want of room.
    JournalFull {
        /// When to come again.
        retry_after_s: u64,
    },
    /// The journal's disk takes nothing.
    JournalUnavailable {
        /// When to come again.
        retry_after_s: u64,
    },
    /// A row of the database is damaged.
    RowUnreadable {
        /// Which, without its content.
        row: String,
    },
    /// The database does not answer.
    DatabaseUnavailable {
        /// When to come again.
        retry_after_s: u64,
    },
    /// Too many bytes of bodies are being read.
    BodiesFull {
        /// When to come again.
        retry_after_s: u64,
    },
    /// The service takes no requests now.
    NotReady {
        /// What it is doing.
        state: &'static str,
        /// When to come again.
        retry_after_s: u64,
    },
    /// A fault of ours.
    Fault,
}

/// Each refusal's status, code and title.
const fn entry(refusal: &Refusal) -> (StatusCode, &'static str, &'static str) {
    use Refusal as R;
    use StatusCode as S;
    match refusal {
        R::NoSuchAddress => (S::NOT_FOUND, "no_such_address", "Nothing is at this address"),
        R::MethodNotAllowed { .. } => {
            (S::METHOD_NOT_ALLOWED, "method_not_allowed", "This address takes another method")
        }
        R::CompanyUnknown => (S::NOT_FOUND, "company_unknown", "No company has this slug"),
        R::CallUnknown => (S::NOT_FOUND, "call_unknown", "No such call is live here"),
        R::NotFound { .. } => (S::NOT_FOUND, "not_found", "There is no such thing"),
        R::BadSignature { code, .. } => (S::UNAUTHORIZED, code, "The signature was not accepted"),
        R::BadToken => (S::UNAUTHORIZED, "token_refused", "The admin token was not accepted"),
        R::PlatformKeyRequired => {
            (S::FORBIDDEN, "platform_key_required", "A company's own key is not enough here")
        }
        R::BadBody { code, .. } => (S::BAD_REQUEST, code, "The body is not what is expected here"),
        R::BadParameter { .. } => {
            (S::BAD_REQUEST, "parameter_refused", "A parameter has an impossible value")
        }
        R::BadQuery => (S::BAD_REQUEST, "query_refused", "The query of the address cannot be read"),
        R::BodyTooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
        R::BodyTooSlow => (S::REQUEST_TIMEOUT, "body_too_slow", "The body came too slowly"),
        R::BodyBroken => (S::BAD_REQUEST, "body_broken", "The body did not arrive whole"),
        R::EncodedBody => (S::UNSUPPORTED_MEDIA_TYPE, "body_encoded", "The body is encoded"),
        R::NotConfigured { .. } => (S::CONFLICT, "not_configured", "A setting that it needs is empty"),
        R::NotReplayable { .. } => (S::CONFLICT, "not_replayable", "It cannot be replayed"),
        R::BodiesFull { .. } => (S::SERVICE_UNAVAILABLE, "bodies_full", "Too much is being sent at once"),
        R::Overloaded { .. } => (S::SERVICE_UNAVAILABLE, "overloaded", "Too much to do"),
        R::JournalFull { .. } => (S::SERVICE_UNAVAILABLE, "journal_full", "The journal is full"),
        R::JournalUnavailable { .. } => {
            (S::SERVICE_UNAVAILABLE, "journal_unavailable", "The journal cannot be written")
        }
        R::DatabaseUnavailable { .. } => {
            (S::SERVICE_UNAVAILABLE, "database_unavailable", "The database does not answer")
        }
        R::RowUnreadable { .. } => {
            (S::INTERNAL_SERVER_ERROR, "row_unreadable", "A row of the database cannot be read")
        }
        R::NotReady { state, .. } => (S::SERVICE_UNAVAILABLE, state, "The service takes no requests now"),
        R::Fault => (S::INTERNAL_SERVER_ERROR, "fault", "Something is wrong inside"),
    }
}

impl Refusal {
    /// Stable code, for answers and metrics.
    pub(super) const fn code(&self) -> &'static str {
        entry(self).1
    }

    /// Of the outcome of taking an event.
    pub(super) fn of_ingest(error: &IngestError, retry_after_s: u64) -> Self {
        match error {
            IngestError::Overloaded(_) => Self::Overloaded { retry_after_s },
            IngestError::JournalFull => Self::JournalFull { retry_after_s },
            IngestError::JournalUnavailable => Self::JournalUnavailable { retry_after_s },
        }
    }

    /// Of an admin's wish.
    pub(super) fn of_admin(error: AdminError, retry_after_s: u64) -> Self {
        match error {
            AdminError::Store(StoreError::Unavailable(error)) => {
                tracing::warn!(error, "an admin could not be answered: the database is away");
                Self::DatabaseUnavailable { retry_after_s }
            }
            AdminError::Store(StoreError::Corrupt(row)) => {
                tracing::error!(row, "an admin could not be answered: a row cannot be read");
                Self::RowUnreadable { row }
            }
            AdminError::Store(error) => {
                tracing::error!(%error, "an admin could not be answered");
                Self::Fault
            }
            AdminError::Ingest(error) => Self::of_ingest(&error, retry_after_s),
            AdminError::BadParameter { name, expected } => Self::BadParameter { name, expected },
            AdminError::NotConfigured { key } => Self::NotConfigured { key },
            AdminError::NotFound { what } => Self::NotFound { what },
            AdminError::NotReplayable { reason } => Self::NotReplayable { reason },
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::NoSuchAddress => "check the address; the README lists all of them".into(),
            Self::MethodNotAllowed { allow } => format!("send it with {allow}").into(),
            Self::CompanyUnknown => {
                "check the slug in the address, or import the company with `askpro import`".into()
            }
            Self::CallUnknown => {
                "the body has no call, and the id beside it is none of a live call of yours; switch \"Payload: args \
                 only\" off, so that Retell signs the call with the arguments"
                    .into()
            }
            Self::NotFound { what } => format!("there is no such {what}; it may have been dealt with").into(),
            Self::BadSignature { detail, .. } => detail.clone().into(),
            Self::BadToken => {
                "send `Authorization: Bearer` with the value of admin.token; while that is empty, nothing under \
                 /admin is open"
                    .into()
            }
            Self::PlatformKeyRequired => {
                "events that belong to no call must be signed with one of retell.webhook_keys".into()
            }
            Self::BadBody { detail, .. } => detail.clone(),
            Self::BadParameter { name, expected } => format!("`{name}` must be {expected}").into(),
            Self::BadQuery => "send the query as name=value pairs, percent-encoded, each name once".into(),
            Self::BodyTooLarge { bytes_max } => {
                format!("at most {bytes_max} bytes are taken; http.body_max_bytes raises it").into()
            }
            Self::BodyTooSlow => "send the body without pauses, or raise http.body_timeout_ms".into(),
            Self::BodyBroken => "send the request again".into(),
            Self::EncodedBody => "send the body as it was signed, without Content-Encoding".into(),
            Self::NotConfigured { key } => format!("set {key}, or import a company with a key of its own").into(),
            Self::NotReplayable { reason } => reason.clone().into(),
            Self::Overloaded { .. } => "send it again after the time in Retry-After".into(),
            Self::BodiesFull { .. } => {
                "send it again after the time in Retry-After; http.bodies_max_bytes raises the bound".into()
            }
            Self::JournalFull { .. } => {
                "send it again later; bring the database back or raise journal.max_bytes".into()
            }
            Self::JournalUnavailable { .. } => "send it again later; check the disk of journal.dir".into(),
            Self::RowUnreadable { row } => {
                format!("{row}; the README says what becomes of it (Rows that cannot be read)").into()
            }
            Self::DatabaseUnavailable { .. } => "ask again later; check database.url".into(),
            Self::NotReady { state, .. } => {
                format!("the service is {state}: send it again after the time in Retry-After").into()
            }
            Self::Fault => "the service's log says more".into(),
        }
    }

    const fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Overloaded { retry_after_s }
            | Self::BodiesFull { retry_after_s }
            | Self::JournalFull { retry_after_s }
            | Self::JournalUnavailable { retry_after_s }
            | Self::DatabaseUnavailable { retry_after_s }
            | Self::NotReady { retry_after_s, .. } => Some(*retry_after_s),
            _ => None,
        }
    }

    /// Whether the rest of the request is not worth reading, or the next one belongs to another process.
    const fn closes(&self) -> bool {
        matches!(
            self,
            Self::BodyTooLarge { .. }
                | Self::BodiesFull { .. }
                | Self::BodyTooSlow
                | Self::BodyBroken
                | Self::NotReady { .. }
        )
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        entry(self).0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code, title) = entry(self);
        let mut answer = HttpResponse::build(status);
        if let Some(seconds) = self.retry_after_s() {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        match self {
            Self::MethodNotAllowed { allow } => _ = answer.insert_header((header::ALLOW, *allow)),
            Self::BadToken => _ = answer.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"admin\"")),
            _ => {}
        }
        if self.closes() {
            answer.force_close();
        }
        let detail = self.detail();
        let kind = format!("urn:askpro:problem:{code}");
        let problem = Problem { kind, title, status: status.as_u16(), code, detail: &detail };
        // Texts and numbers always serialise; the fallback is never seen.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        answer
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::Value;

    use super::*;

    fn every_refusal() -> Vec<Refusal> {
        vec![
            Refusal::NoSuchAddress,
            Refusal::MethodNotAllowed { allow: "POST" },
            Refusal::CompanyUnknown,
            Refusal::CallUnknown,
            Refusal::NotFound { what: "call" },
            Refusal::BadSignature { code: "signature_stale", detail: "too old".to_owned() },
            Refusal::BadToken,
            Refusal::PlatformKeyRequired,
            Refusal::BadBody { code: "body_not_json", detail: "no JSON".into() },
            Refusal::BadParameter { name: "limit", expected: "a number" },
            Refusal::BadQuery,
            Refusal::BodyTooLarge { bytes_max: 5 },
            Refusal::BodyTooSlow,
            Refusal::BodyBroken,
            Refusal::EncodedBody,
            Refusal::NotConfigured { key: "retell.api_key" },
            Refusal::NotReplayable { reason: "no".to_owned() },
            Refusal::Overloaded { retry_after_s: 7 },
            Refusal::BodiesFull { retry_after_s: 7 },
            Refusal::JournalFull { retry_after_s: 7 },
            Refusal::JournalUnavailable { retry_after_s: 7 },
            Refusal::RowUnreadable { row: "call call_1".to_owned() },
            Refusal::DatabaseUnavailable { retry_after_s: 7 },
            Refusal::NotReady { state: "draining", retry_after_s: 7 },
            Refusal::Fault,
        ]
    }

    #[actix_web::test]
    async fn every_refusal_is_a_problem_that_says_what_to_do() {
        for refusal in every_refusal() {
            let answer = refusal.error_response();
            let status = answer.status();
            let header = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
            assert_eq!(header("content-type").as_deref(), Some("application/problem+json"));
            assert_eq!(
                header("retry-after").as_deref(),
                (status.as_u16() == 503).then_some("7"),
                "{refusal:?}"
            );
            let body = to_bytes(answer.into_body()).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], status.as_u16());
            assert_eq!(problem["code"], refusal.code());
            assert!(
                !problem["detail"].as_str().unwrap().is_empty()
                    && !problem["title"].as_str().unwrap().is_empty()
            );
        }
    }

    #[test]
    fn what_the_use_cases_refuse_keeps_its_meaning() {
        let status = |error| Refusal::of_admin(error, 1).status_code().as_u16();
        assert_eq!(status(AdminError::NotFound { what: "call" }), 404);
        assert_eq!(status(AdminError::BadParameter { name: "limit", expected: "x" }), 400);
        assert_eq!(status(AdminError::NotReplayable { reason: String::new() }), 409);
        assert_eq!(status(AdminError::Store(StoreError::Unavailable(String::new()))), 503);
        assert_eq!(status(AdminError::Store(StoreError::Corrupt(String::new()))), 500);
        assert_eq!(status(AdminError::Store(StoreError::Refused(String::new()))), 500);
        assert_eq!(status(AdminError::Ingest(IngestError::JournalFull)), 503);
        assert_eq!(Refusal::of_ingest(&IngestError::JournalFull, 1).code(), "journal_full");
    }
}
