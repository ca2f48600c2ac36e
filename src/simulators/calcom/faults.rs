//! Trouble on order: what goes wrong, for whom, on which operation, how often.

use serde::{Deserialize, Serialize};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `GET /v2/slots`
    Slots,
    /// `POST /v2/slots/reservations`
    Reserve,
    /// `GET /v2/slots/reservations/{uid}`
    ReservationGet,
    /// `PATCH /v2/slots/reservations/{uid}`
    ReservationChange,
    /// `DELETE /v2/slots/reservations/{uid}`
    ReservationRelease,
    /// `POST /v2/bookings`
    Create,
    /// `GET /v2/bookings/{uid}`
    Get,
    /// `GET /v2/bookings`
    List,
    /// `POST /v2/bookings/{uid}/cancel`
    Cancel,
    /// `POST /v2/bookings/{uid}/reschedule`
    Reschedule,
    /// `GET /v2/me`
    Me,
    /// Anything else.
    Unknown,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// Waits, then does the work; other faults for the same request still apply.
    Slow {
        /// How long.
        ms: u64,
    },
    /// Does the work at once, but answers late.
    SlowAnswer {
        /// How long.
        ms: u64,
    },
    /// Does nothing and answers 500 in envelope B.
    InternalError,
    /// Does nothing and answers 502 with a page of HTML.
    BadGateway,
    /// Does nothing, says nothing, then closes the connection.
    Hang {
        /// How long.
        ms: u64,
    },
    /// Does the work, then closes the connection without an answer.
    DropAfterAccept,
    /// Closes the connection before doing anything.
    DropBefore,
    /// Does nothing and answers 201 with an old booking that is not the one ordered.
    StaleBooking,
    /// Does nothing and answers 429.
    RateLimited,
    /// Another limit than the usual one; past it the key is blocked as usual.
    Limited {
        /// Requests per minute and key.
        per_minute: u32,
    },
}

/// One order for trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// Only for this API key; `None` for all.
    #[serde(default)]
    pub api_key: Option<String>,
    /// Only for this operation; `None` for all.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// How many requests it still hits; `None` until it is cleared.
    #[serde(default)]
    pub count: Option<u32>,
}

impl Fault {
    /// Hits every operation of every key until it is cleared.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, api_key: None, operation: None, count: None }
    }

    /// Only requests with this API key.
    #[must_use]
    pub fn key(mut self, api_key: &str) -> Self {
        self.api_key = Some(api_key.to_owned());
        self
    }

    /// Only this operation.
    #[must_use]
    pub fn on(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Only the next `count` matching requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    fn hits(&self, api_key: Option<&str>, operation: Operation) -> bool {
        self.count != Some(0)
            && self.operation.is_none_or(|only| only == operation)
            && self.api_key.as_deref().is_none_or(|only| Some(only) == api_key)
    }
}

/// What one request has to suffer.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub(super) wait_ms: u64,
    pub(super) fault: Option<FaultKind>,
}

/// The limit that the script sets for a request, per minute and key.
pub(super) fn limit(script: &[Fault], api_key: Option<&str>, operation: Operation) -> Option<u32> {
    script.iter().filter(|fault| fault.hits(api_key, operation)).find_map(|fault| match fault.kind {
        FaultKind::Limited { per_minute } => Some(per_minute),
        _ => None,
    })
}

/// Takes the faults of one request from the script: every `slow`, and the first of the others.
pub(super) fn take(script: &mut Vec<Fault>, api_key: Option<&str>, operation: Operation) -> Trouble {
    let mut trouble = Trouble::default();
    for fault in script.iter_mut().filter(|fault| fault.hits(api_key, operation)) {
        match &fault.kind {
            FaultKind::Slow { ms } => trouble.wait_ms += ms,
            FaultKind::Limited { .. } => {}
            _ if trouble.fault.is_some() => continue,
            kind => trouble.fault = Some(kind.clone()),
        }
        fault.count = fault.count.map(|left| left.saturating_sub(1));
    }
    script.retain(|fault| fault.count != Some(0));
    trouble
}
