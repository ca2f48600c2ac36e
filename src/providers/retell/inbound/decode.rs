//! Decodes the body of a Retell webhook in one pass over borrowed bytes.
//!
//! Strict where an event could not be told from another (what it is, whose it is), lenient everywhere else:
//! fields appear, disappear and change over time, and an event that exists must not be lost for one of
//! them. Knows nothing of companies; placing comes later.

use askpro_domain::{
    call::{CallEvent, CallIdentity, EventKind, EventSource},
    ids::{BodyHash, CALL_ID_BYTES_MAX, CallId},
    time::UnixMillis,
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    lenient::{Lenient, Part, Raw},
    object::CallObject,
    redact::blank_secrets,
};

/// Longest name of an event, in bytes.
pub const EVENT_NAME_BYTES_MAX: usize = 64;
/// Where a body that we made ourselves says who told of the event; Retell's own have no such field. It is a
/// label for admins and decides nothing.
pub const SOURCE_FIELD: &str = "askpro_source";

/// A webhook's body, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What it is.
    pub decoded: Decoded,
    /// Fields that were there with a wrong type or an absurd value, and count as absent.
    pub tolerated: u32,
}

/// What a body tells of.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// An event of a call or chat.
    Call(Box<CallEvent>),
    /// An event of the platform: alerts, and new kinds that name neither call nor chat.
    Platform(PlatformEvent),
    /// A question before a call or chat exists.
    Inbound(InboundRequest),
}

/// An event that belongs to no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformEvent {
    /// Its kind.
    pub kind: EventKind,
    /// Its identity: name, `alert_incident_id` (`-` without one), hash of the body.
    pub dedup_key: String,
    /// `event_timestamp`, when sent.
    pub event_timestamp: Option<UnixMillis>,
    /// Hash of the body without the root's `event_timestamp`.
    pub body_hash: BodyHash,
}

/// Which question it is, and under which name the answer's object goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboundKind {
    /// `call_inbound`
    Call,
    /// `chat_inbound`
    Chat,
}

impl InboundKind {
    /// Name of the event and of the object in request and answer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call_inbound",
            Self::Chat => "chat_inbound",
        }
    }
}

/// A call or chat that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundRequest {
    /// Call or chat.
    pub kind: InboundKind,
    /// `call_id` or `chat_id`; older senders have none.
    pub call_id: Option<CallId>,
    /// Who takes part; the direction is always `inbound`.
    pub identity: CallIdentity,
    /// `event_timestamp`, when sent.
    pub event_timestamp: Option<UnixMillis>,
}

/// Why a body is no event. Answers say it to whoever sent the body; no content of the body is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not UTF-8.
    #[error("the body is not UTF-8; send the JSON exactly as Retell does")]
    NotUtf8,
    /// Not JSON, or more than one value.
    #[error("the body is not one JSON value (line {line}, column {column}); send the JSON as Retell does")]
    NotJson {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault.
        column: usize,
    },
    /// A field that matters is there twice, so that two readers could read two events.
    #[error("the body has a field twice (line {line}, column {column}); send each field once")]
    DuplicateKey {
        /// Line of the second one.
        line: usize,
        /// Column of the second one.
        column: usize,
    },
    /// The root is no object.
    #[error("the body is {found}; an object is expected")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// `event` is absent, null or no string.
    #[error("`event` is missing or no string; name the event, such as call_ended")]
    EventMissing,
    /// `event` is empty, too long, or has control characters.
    #[error("the name in `event` is empty, longer than 64 bytes, or has control characters")]
    EventRefused,
    /// The object that the event tells of is absent.
    #[error("the object `{part}` is missing; an event of this kind must carry it")]
    ObjectMissing {
        /// Its name.
        part: &'static str,
    },
    /// The object that the event tells of is something else.
    #[error("`{part}` is {found}; an object is expected")]
    ObjectExpected {
        /// Its name.
        part: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The id of the call is absent, empty, a placeholder or unusable.
    #[error(
        "`{field}` is missing, empty, a placeholder, longer than 128 bytes or no string; for functions, \
         switch \"Payload: args only\" off so that Retell sends the call, or name it in the query parameter \
         call_id"
    )]
    CallIdMissing {
        /// Its path.
        field: &'static str,
    },
    /// The id beside the body is another one than the body's.
    #[error(
        "the call_id beside the body is not that of the signed body; leave it out, the body names the call"
    )]
    CallIdConflict,
    /// A function's arguments are wrapped more often than anybody does.
    #[error("`args` is wrapped too often; send the arguments as one object")]
    ArgsTooDeep,
    /// A function's arguments are neither an object nor the text of one.
    #[error("`args` is neither an object nor a string with one; send the arguments as an object")]
    ArgsRefused,
}

impl DecodeError {
    /// Stable code for answers and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "body_not_utf8",
            Self::NotJson { .. } => "body_not_json",
            Self::DuplicateKey { .. } => "duplicate_field",
            Self::NotAnObject { .. } => "body_not_an_object",
            Self::EventMissing => "event_missing",
            Self::EventRefused => "event_refused",
            Self::ObjectMissing { .. } => "object_missing",
            Self::ObjectExpected { .. } => "object_expected",
            Self::CallIdMissing { .. } => "call_id_missing",
            Self::CallIdConflict => "call_id_conflict",
            Self::ArgsTooDeep => "args_too_deep",
            Self::ArgsRefused => "args_refused",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Raw<'a>,
    #[serde(default, deserialize_with = "even_null")]
    event_timestamp: Raw<'a>,
    call: Option<Part<CallObject<'a>>>,
    chat: Option<Part<CallObject<'a>>>,
    alert: Option<Part<Alert<'a>>>,
    call_inbound: Option<Part<CallObject<'a>>>,
    chat_inbound: Option<Part<CallObject<'a>>>,
    transcript_with_tool_calls: Raw<'a>,
    askpro_source: Raw<'a>,
}

#[derive(Debug, Deserialize)]
struct Alert<'a> {
    #[serde(borrow)]
    alert_incident_id: Raw<'a>,
}

/// What every kind of body has.
struct Root<'a> {
    kind: EventKind,
    source: EventSource,
    event_timestamp: Option<UnixMillis>,
    body_hash: BodyHash,
    body_bytes: u32,
    transcript: Raw<'a>,
}

/// Decodes a body. Secrets are blanked first, so that the body as sent and the body as kept give the same
/// hashes and identities.
pub fn decode(body: &[u8]) -> Result<Delivery, DecodeError> {
    let body = blank_secrets(body);
    let mut envelope: Envelope<'_> = parse_object(&body)?;
    let mut read = Lenient::default();
    let root = Root {
        kind: parse_kind(envelope.event)?,
        source: source_of(envelope.askpro_source),
        event_timestamp: read.instant(envelope.event_timestamp.filter(|raw| raw.get() != "null")),
        body_hash: hash_without(&body, envelope.event_timestamp),
        body_bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
        transcript: envelope.transcript_with_tool_calls,
    };
    let decoded = match root.kind.name() {
        "call_inbound" => inbound(InboundKind::Call, envelope.call_inbound.take(), &root, &mut read)?,
        "chat_inbound" => inbound(InboundKind::Chat, envelope.chat_inbound.take(), &root, &mut read)?,
        _ if root.kind.is_platform() => {
            platform(root, Some(required(envelope.alert.take(), "alert")?), &mut read)
        }
        _ => match (envelope.call.take(), envelope.chat.take()) {
            (None, None) if matches!(root.kind, EventKind::Other(_)) => platform(root, None, &mut read),
            (None, Some(chat)) => call(root, chat, "chat", &mut read)?,
            (None, None) => return Err(DecodeError::ObjectMissing { part: "call" }),
            (Some(object), _) => call(root, object, "call", &mut read)?,
        },
    };
    Ok(Delivery { decoded, tolerated: read.tolerated })
}

fn call(
    root: Root<'_>,
    part: Part<CallObject<'_>>,
    name: &'static str,
    read: &mut Lenient,
) -> Result<Decoded, DecodeError> {
    let object = required(Some(part), name)?;
    let call_id = call_id_of(&object, name)?;
    let analysis = object.analysis().map(|raw| BodyHash::of(&[raw.get().as_bytes()]));
    Ok(Decoded::Call(Box::new(CallEvent {
        call_id,
        dedup_key: root.kind.dedup_key(analysis, root.body_hash),
        event_timestamp: root.event_timestamp,
        body_hash: root.body_hash,
        body_bytes: root.body_bytes,
        source: root.source,
        facts: object.facts(root.transcript, read),
        kind: root.kind,
    })))
}

fn platform(root: Root<'_>, alert: Option<Alert<'_>>, read: &mut Lenient) -> Decoded {
    let incident = alert.and_then(|a| read.text(a.alert_incident_id, CALL_ID_BYTES_MAX));
    let incident = incident.filter(|id| !id.chars().any(char::is_control));
    let incident = incident.as_deref().unwrap_or("-");
    Decoded::Platform(PlatformEvent {
        dedup_key: format!("{}:{incident}:{}", root.kind.name(), root.body_hash.to_hex()),
        event_timestamp: root.event_timestamp,
        body_hash: root.body_hash,
        kind: root.kind,
    })
}

fn inbound(
    kind: InboundKind,
    part: Option<Part<CallObject<'_>>>,
    root: &Root<'_>,
    read: &mut Lenient,
) -> Result<Decoded, DecodeError> {
    let object = required(part, kind.name())?;
    let id = read.text(object.call_id.or(object.chat_id), CALL_ID_BYTES_MAX);
    let identity = CallIdentity { direction: Some("inbound".to_owned()), ..object.identity(read) };
    Ok(Decoded::Inbound(InboundRequest {
        kind,
        call_id: id.as_deref().and_then(CallId::parse).filter(|id| !id.is_placeholder()),
        identity,
        event_timestamp: root.event_timestamp,
    }))
}

/// Reads the id of an object named `call` or `chat`; the object's own kind of id goes first.
pub(super) fn call_id_of(object: &CallObject<'_>, name: &'static str) -> Result<CallId, DecodeError> {
    let (raw, field) = if name == "chat" {
        (object.chat_id.or(object.call_id), "chat.chat_id")
    } else {
        (object.call_id, "call.call_id")
    };
    let text = raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let id = text.as_deref().and_then(CallId::parse).filter(|id| !id.is_placeholder());
    id.ok_or(DecodeError::CallIdMissing { field })
}

/// Parses a body whose root must be an object.
pub(super) fn parse_object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, DecodeError> {
    let text = simdutf8::basic::from_utf8(body).map_err(|_| DecodeError::NotUtf8)?;
    match serde_json::from_str::<Part<T>>(text) {
        Ok(Part::Object(object)) => Ok(object),
        Ok(Part::Other(found)) => Err(DecodeError::NotAnObject { found }),
        Err(error) => Err(json_error(&error)),
    }
}

fn json_error(error: &serde_json::Error) -> DecodeError {
    let (line, column) = (error.line(), error.column());
    if error.is_data() && error.to_string().starts_with("duplicate field") {
        return DecodeError::DuplicateKey { line, column };
    }
    DecodeError::NotJson { line, column }
}

pub(super) fn required<T>(part: Option<Part<T>>, name: &'static str) -> Result<T, DecodeError> {
    match part {
        Some(Part::Object(object)) => Ok(object),
        Some(Part::Other(found)) => Err(DecodeError::ObjectExpected { part: name, found }),
        None => Err(DecodeError::ObjectMissing { part: name }),
    }
}

fn parse_kind(raw: Raw<'_>) -> Result<EventKind, DecodeError> {
    let name: String =
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).ok_or(DecodeError::EventMissing)?;
    let fits = !name.is_empty() && name.len() <= EVENT_NAME_BYTES_MAX;
    if !fits || name.chars().any(char::is_control) {
        return Err(DecodeError::EventRefused);
    }
    Ok(EventKind::parse(&name))
}

fn source_of(raw: Raw<'_>) -> EventSource {
    let word: Option<String> = raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
    word.as_deref().and_then(EventSource::parse).unwrap_or_default()
}

/// Hash of the body with the value at `left_out` (which borrows from it) left out.
fn hash_without(body: &[u8], left_out: Raw<'_>) -> BodyHash {
    let spans = left_out.and_then(|raw| {
        let start = raw.get().as_ptr().addr().checked_sub(body.as_ptr().addr())?;
        Some((body.get(..start)?, body.get(start + raw.get().len()..)?))
    });
    match spans {
        Some((before, after)) => BodyHash::of(&[before, after]),
        None => BodyHash::of(&[body]),
    }
}

/// Reads a value as it stands, `null` included.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Raw<'a>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
