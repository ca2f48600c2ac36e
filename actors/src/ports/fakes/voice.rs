//! Events of calls as small JSON bodies.

use std::sync::atomic::{AtomicU32, Ordering};

use askpro_domain::{
    call::{CallEvent, CallFacts, CallIdentity, EventKind, EventSource, TranscriptFact},
    ids::{BodyHash, CallId},
    time::UnixMillis,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ports::voice::EventDecoder;

/// An event; what is absent is not sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventBody {
    /// Retell's name.
    pub event: String,
    /// The call.
    pub call_id: String,
    /// `event_timestamp`.
    pub at: Option<i64>,
    /// `direction`.
    pub direction: Option<String>,
    /// `from_number`.
    pub from: Option<String>,
    /// `to_number`.
    pub to: Option<String>,
    /// `agent_id`.
    pub agent: Option<String>,
    /// `call_status`.
    pub status: Option<String>,
    /// `start_timestamp`.
    pub started_at: Option<i64>,
    /// `end_timestamp`.
    pub ended_at: Option<i64>,
    /// `duration_ms`.
    pub duration_ms: Option<i64>,
    /// `disconnection_reason`.
    pub reason: Option<String>,
    /// `call_summary`.
    pub summary: Option<String>,
    /// `call_successful`.
    pub successful: Option<bool>,
    /// `transcript`.
    pub transcript: Option<String>,
    /// Who told of it, when no webhook did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Anything, to make bodies differ or large.
    pub filler: Option<String>,
}

impl EventBody {
    /// An event of a call.
    #[must_use]
    pub fn new(event: &str, call_id: &str, at: i64) -> Self {
        Self { event: event.to_owned(), call_id: call_id.to_owned(), at: Some(at), ..Self::default() }
    }

    /// The bytes that arrive.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Decoded.
    ///
    /// # Errors
    /// A text when the id of the call cannot be one.
    pub fn decode(&self) -> Result<CallEvent, String> {
        let call_id = CallId::parse(&self.call_id).ok_or("no call id")?;
        let kind = EventKind::parse(&self.event);
        let timeless = Self { at: None, ..self.clone() }.bytes();
        let body_hash = BodyHash::of(&[&timeless]);
        let analysis = self.summary.as_ref().map(|summary| BodyHash::of(&[summary.as_bytes()]));
        let millis = |at: Option<i64>| at.map(UnixMillis);
        let transcript = self.transcript.as_ref();
        Ok(CallEvent {
            call_id,
            dedup_key: kind.dedup_key(analysis, body_hash),
            kind,
            source: self.source.as_deref().and_then(EventSource::parse).unwrap_or_default(),
            event_timestamp: millis(self.at),
            body_hash,
            body_bytes: u32::try_from(self.bytes().len()).unwrap_or(u32::MAX),
            facts: CallFacts {
                identity: CallIdentity {
                    direction: self.direction.clone(),
                    from_number: self.from.clone(),
                    to_number: self.to.clone(),
                    agent_id: self.agent.clone(),
                },
                status: self.status.clone(),
                started_at: millis(self.started_at),
                ended_at: millis(self.ended_at),
                duration_ms: self.duration_ms,
                disconnection_reason: self.reason.clone(),
                summary: self.summary.clone(),
                retell_successful: self.successful,
                transcript: transcript
                    .map(|text| TranscriptFact { bytes: u32::try_from(text.len()).unwrap_or(u32::MAX) }),
                ..CallFacts::default()
            },
        })
    }
}

/// Reads [`EventBody`]s.
#[derive(Debug, Default)]
pub struct FakeDecoder {
    panics: AtomicU32,
}

impl FakeDecoder {
    /// The next `bodies` bodies panic.
    pub fn panic_next(&self, bodies: u32) {
        self.panics.store(bodies, Ordering::SeqCst);
    }
}

impl EventDecoder for FakeDecoder {
    fn decode(&self, body: &Bytes) -> Result<CallEvent, String> {
        let left = self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        assert!(left.is_err(), "the decoder panics as it was told to");
        let body: EventBody = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        body.decode()
    }
}
