//! The journal as the actors know it: typed records over opaque ones.
//!
//! A record costs one copy of its (compressed) body into the payload; nothing else is copied.

use std::{borrow::Cow, sync::Arc};

use askpro_actors::ports::journal as port;
use askpro_domain::{ids::CompanyId, time::UnixMillis};
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{Journal, JournalError, Position, Record};

const KIND_RETELL_EVENT: u8 = 1;
const KIND_SCHEDULING: u8 = 2;
const KIND_CALENDAR_EVENT: u8 = 3;
const KIND_CALLBACK: u8 = 4;
/// Bytes before the body of an event: company of the signer (0 is the platform) or of the calendar, time of
/// receipt.
const EVENT_HEADER_BYTES: usize = 16;

/// The journal behind the actors' port.
pub struct JournalPort(pub Arc<Journal>);

#[async_trait::async_trait]
impl port::Journal for JournalPort {
    async fn append(&self, record: port::Record) -> Result<port::Position, port::JournalError> {
        let position = self.0.append(encode(record)?).await.map_err(refusal)?;
        Ok(port::Position(position.0))
    }

    fn append_ordered(
        &self,
        record: port::Record,
    ) -> Result<(port::Position, port::Durable), port::JournalError> {
        let (position, durable) = self.0.append_ordered(encode(record)?).map_err(refusal)?;
        Ok((port::Position(position.0), Box::pin(async move { durable.await.map_err(refusal) })))
    }

    fn read(&self, position: port::Position) -> Result<port::Record, port::JournalError> {
        let record = self.0.read(Position(position.0)).map_err(|error| port::JournalError::Unreadable {
            position: position.0,
            reason: error.to_string(),
        })?;
        decode(record).map_err(|reason| port::JournalError::Unreadable { position: position.0, reason })
    }

    fn committed(&self, positions: &[port::Position]) {
        let positions: Vec<Position> = positions.iter().map(|p| Position(p.0)).collect();
        self.0.committed(&positions);
    }

    fn is_behind(&self, position: port::Position) -> bool {
        position.0 < self.0.status().active_segment_start.0
    }

    fn status(&self) -> port::JournalStatus {
        let status = self.0.status();
        port::JournalStatus {
            bytes: status.bytes,
            max_bytes: status.max_bytes,
            outstanding: u64::try_from(status.outstanding).unwrap_or(u64::MAX),
            mark: status.mark.0,
            end: status.end.0,
            segments: u64::try_from(status.segments).unwrap_or(u64::MAX),
            failed: status.failed,
        }
    }
}

/// Bytes of a typed record.
pub(super) fn encode(record: port::Record) -> Result<Record, port::JournalError> {
    match record {
        port::Record::RetellEvent { signer, received_at, body } => {
            let company = match signer {
                port::Signer::Platform => 0,
                port::Signer::Company(company) => company.0,
            };
            Ok(event(KIND_RETELL_EVENT, company, received_at, body))
        }
        port::Record::CalendarEvent { company, received_at, body } => {
            Ok(event(KIND_CALENDAR_EVENT, company.0, received_at, body))
        }
        port::Record::Scheduling(record) => encode_json(KIND_SCHEDULING, &record),
        port::Record::Callback(record) => encode_json(KIND_CALLBACK, &record),
    }
}

fn encode_json(kind: u8, record: &impl serde::Serialize) -> Result<Record, port::JournalError> {
    serde_json::to_vec(record)
        .map(|json| Record { kind, payload: Bytes::from(json) })
        .map_err(|error| port::JournalError::Unavailable(error.to_string()))
}

fn event(kind: u8, company: i64, received_at: UnixMillis, body: Bytes) -> Record {
    let mut payload = BytesMut::with_capacity(EVENT_HEADER_BYTES + body.len());
    payload.put_i64_le(company);
    payload.put_i64_le(received_at.0);
    payload.put(body);
    Record { kind, payload: payload.freeze() }
}

/// A typed record of bytes.
///
/// # Errors
/// A text when the kind is not known or the payload is not of that kind.
pub fn decode(record: Record) -> Result<port::Record, String> {
    let Record { kind, mut payload } = record;
    match kind {
        KIND_RETELL_EVENT if payload.len() >= EVENT_HEADER_BYTES => {
            let signer = match payload.get_i64_le() {
                0 => port::Signer::Platform,
                company => port::Signer::Company(CompanyId(company)),
            };
            let received_at = UnixMillis(payload.get_i64_le());
            Ok(port::Record::RetellEvent { signer, received_at, body: payload })
        }
        KIND_CALENDAR_EVENT if payload.len() >= EVENT_HEADER_BYTES => {
            let company = CompanyId(payload.get_i64_le());
            let received_at = UnixMillis(payload.get_i64_le());
            Ok(port::Record::CalendarEvent { company, received_at, body: payload })
        }
        KIND_SCHEDULING => decode_json("scheduling", &payload).map(port::Record::Scheduling),
        KIND_CALLBACK => decode_json("callback", &payload).map(port::Record::Callback),
        KIND_RETELL_EVENT | KIND_CALENDAR_EVENT => Err("an event record is too short".to_owned()),
        other => Err(format!("records of kind {other} are not known to this release")),
    }
}

/// What a record is called among the dead letters, when its payload cannot be read.
pub fn name_of(kind: u8) -> Cow<'static, str> {
    match kind {
        KIND_RETELL_EVENT => "event_record".into(),
        KIND_SCHEDULING => "scheduling_record".into(),
        KIND_CALENDAR_EVENT => "calendar_record".into(),
        KIND_CALLBACK => "callback_record".into(),
        other => format!("record_kind_{other}").into(),
    }
}

fn decode_json<T: serde::de::DeserializeOwned>(what: &str, payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload)
        .map_err(|error| format!("a {what} record is not readable: {:?}", error.classify()))
}

fn refusal(error: JournalError) -> port::JournalError {
    match error {
        JournalError::Full { bytes, max_bytes } => port::JournalError::Full { bytes, max_bytes },
        other => port::JournalError::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use askpro_domain::{
        call::PlacedIn,
        callback::{Callback, CallbackOrder, Due, Priority},
        ids::{BranchId, CallId},
        phone::PhoneNumber,
        tenant::Language,
    };

    use super::*;

    #[test]
    fn an_event_comes_back_as_it_was_written() {
        for signer in [port::Signer::Platform, port::Signer::Company(CompanyId(42))] {
            let event = port::Record::RetellEvent {
                signer,
                received_at: UnixMillis(1_795_420_800_000),
                body: Bytes::from_static(b"compressed"),
            };
            assert_eq!(decode(encode(event.clone()).unwrap()).unwrap(), event);
        }
        let announced = port::Record::CalendarEvent {
            company: CompanyId(42),
            received_at: UnixMillis(1_795_420_800_000),
            body: Bytes::from_static(b"compressed"),
        };
        assert_eq!(decode(encode(announced.clone()).unwrap()).unwrap(), announced);
    }

    #[test]
    fn a_callback_comes_back_as_it_was_written() {
        let (call, phone) = (CallId::parse("c").unwrap(), PhoneNumber::parse_e164("+4915112345678").unwrap());
        let due = Some(Due { from: Some(UnixMillis(7)), said: "morgen".to_owned() });
        let order = CallbackOrder { phone: None, name: None, priority: Priority::High, reason: None, due };
        let record = port::Record::Callback(Box::new(port::CallbackRecord {
            callback: Callback::open(CompanyId(1), &call, phone, &order, "key", UnixMillis(5)),
            by: call,
            placed: PlacedIn { company: CompanyId(1), branch: BranchId(2) },
            claimed: false,
            language: Language::En,
        }));
        assert_eq!(decode(encode(record.clone()).unwrap()).unwrap(), record);
    }

    #[test]
    fn unknown_kinds_and_short_records_are_refused_by_name() {
        let record = |kind, payload: &'static [u8]| Record { kind, payload: Bytes::from_static(payload) };
        assert!(decode(record(9, b"x")).unwrap_err().contains("kind 9"));
        assert!(decode(record(KIND_RETELL_EVENT, b"short")).unwrap_err().contains("too short"));
        assert!(decode(record(KIND_CALENDAR_EVENT, b"short")).unwrap_err().contains("too short"));
        assert!(decode(record(KIND_SCHEDULING, b"{}")).is_err());
    }
}
