//! What tests need of the vendors: their signatures, and their decoders.

use askpro_actors::ports::{calendar::CalendarDecoder, voice::EventDecoder};
use askpro_domain::{calendar::CalendarEvent, call::CallEvent};
use bytes::Bytes;

use crate::{
    compress::{DECOMPRESSED_BYTES_MAX, decompress},
    providers::{
        calcom::inbound::decode_kept,
        retell::inbound::decode::{Decoded, decode},
    },
};

pub(in crate::http) use crate::providers::{
    calcom::inbound::sign as sign_calcom, retell::inbound::signature::sign,
};

/// Reads kept bodies.
pub(in crate::http) struct Decoder;

impl EventDecoder for Decoder {
    fn decode(&self, body: &Bytes) -> Result<CallEvent, String> {
        let json = decompress(body, DECOMPRESSED_BYTES_MAX).map_err(|error| error.to_string())?;
        match decode(&json).map_err(|error| error.to_string())?.decoded {
            Decoded::Call(event) => Ok(*event),
            _ => Err("no event of a call".to_owned()),
        }
    }
}

impl CalendarDecoder for Decoder {
    fn decode(&self, body: &Bytes) -> CalendarEvent {
        decode_kept(&decompress(body, DECOMPRESSED_BYTES_MAX).unwrap_or_default())
    }
}
