//! What tests need of the vendor: its signature, and its decoder.

use askpro_actors::ports::voice::EventDecoder;
use askpro_domain::call::CallEvent;
use bytes::Bytes;

use crate::{
    compress::{DECOMPRESSED_BYTES_MAX, decompress},
    providers::retell::inbound::decode::{Decoded, decode},
};

pub(in crate::http) use crate::providers::retell::inbound::signature::sign;

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
