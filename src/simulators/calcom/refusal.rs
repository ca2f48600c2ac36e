//! The two shapes in which Cal.com refuses.

use serde_json::{Value, json};

use super::time;

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refusal {
    /// Envelope A: `{"status":"error",…,"error":{…}}`, from the framework.
    Framework { status: u16, code: &'static str, message: String },
    /// Envelope B: `{"statusCode":…,"message":…}`, from the booking engine.
    Engine { status: u16, message: String },
    /// What a gateway in front answers: no JSON at all.
    Gateway,
}

impl Refusal {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::Framework { status: 400, code: "BadRequestException", message: message.into() }
    }

    /// The text of the validation pipes for one property.
    pub(super) fn property(property: &str, constraint: &str) -> Self {
        Self::bad_request(format!("{property} property is wrong,{constraint} "))
    }

    pub(super) fn unknown_property(property: &str) -> Self {
        Self::property(property, &format!("property {property} should not exist"))
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::Framework { status: 401, code: "UnauthorizedException", message: message.to_owned() }
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::Framework { status: 403, code: "ForbiddenException", message: message.to_owned() }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::Framework { status: 404, code: "NotFoundException", message: message.into() }
    }

    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::Framework { status: 422, code: "UnprocessableEntityException", message: message.into() }
    }

    pub(super) fn too_many() -> Self {
        let message = "CustomThrottlerGuard - Too many requests. Please try again later.".to_owned();
        Self::Framework { status: 429, code: "ThrottlerException", message }
    }

    pub(super) fn engine(status: u16, message: &str) -> Self {
        Self::Engine { status, message: message.to_owned() }
    }

    pub(super) fn internal() -> Self {
        Self::engine(500, "Internal server error")
    }

    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Framework { status, .. } | Self::Engine { status, .. } => *status,
            Self::Gateway => 502,
        }
    }

    /// The JSON body; `None` where the answer is no JSON.
    pub(super) fn body(&self, path: &str, now: i64) -> Option<Value> {
        match self {
            Self::Framework { status, code, message } => Some(json!({
                "status": "error",
                "timestamp": time::iso(now),
                "path": path,
                "error": {
                    "code": code,
                    "message": message,
                    "details": { "message": message, "error": reason(*status), "statusCode": status },
                },
            })),
            Self::Engine { status, message } => Some(json!({ "statusCode": status, "message": message })),
            Self::Gateway => None,
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        _ => "Error",
    }
}
