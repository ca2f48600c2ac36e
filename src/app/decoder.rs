//! Reads journaled bodies again, with the vendor's own decoder.

use askpro_actors::ports::{calendar::CalendarDecoder, voice::EventDecoder};
use askpro_domain::{calendar::CalendarEvent, call::CallEvent};
use bytes::Bytes;

use crate::{
    compress::{DECOMPRESSED_BYTES_MAX, decompress},
    providers::{
        calcom::inbound::decode_kept,
        retell::inbound::decode::{Decoded, PlatformEvent, decode},
    },
};

/// Retell's events.
pub(super) struct RetellDecoder;

impl EventDecoder for RetellDecoder {
    fn decode(&self, body: &Bytes) -> Result<CallEvent, String> {
        match read(body)? {
            Decoded::Call(event) => Ok(*event),
            Decoded::Platform(event) => Err(format!("{} is no event of a call", event.kind.label())),
            Decoded::Inbound(_) => Err("a question before a call is no event of a call".to_owned()),
        }
    }
}

/// Cal.com's announcements.
pub(super) struct CalcomDecoder;

impl CalendarDecoder for CalcomDecoder {
    fn decode(&self, body: &Bytes) -> CalendarEvent {
        // A body that cannot be unpacked says as little as one that cannot be read.
        decode_kept(&decompress(body, DECOMPRESSED_BYTES_MAX).unwrap_or_default())
    }
}

/// The event of the platform in a journaled body, when it is one.
pub(super) fn platform_event(body: &Bytes) -> Option<PlatformEvent> {
    match read(body) {
        Ok(Decoded::Platform(event)) => Some(event),
        _ => None,
    }
}

fn read(body: &Bytes) -> Result<Decoded, String> {
    let json = decompress(body, DECOMPRESSED_BYTES_MAX).map_err(|error| error.to_string())?;
    decode(&json).map(|delivery| delivery.decoded).map_err(|error| error.to_string())
}
