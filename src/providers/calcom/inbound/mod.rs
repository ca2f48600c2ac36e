//! What Cal.com sends us: signed announcements of bookings and absences.
//!
//! The order is [`signature::verify`] over the raw bytes, [`blank_secrets`], then [`decode::decode`]: what is kept
//! is what was decoded. Nothing here does I/O or knows companies.

pub mod decode;
mod payload;
pub mod signature;
mod trigger;

#[cfg(test)]
mod decode_tests;
#[cfg(test)]
mod fixture_tests;
#[cfg(test)]
mod fuzz_tests;

use std::borrow::Cow;

pub use decode::{DecodeError, Delivery, custom, decode, decode_kept};
pub use signature::{SIGNATURE_HEADER, SignatureError, precheck, sign, verify};
pub use trigger::Trigger;

use crate::providers::redact::blank;

/// With it a stranger could confirm or reject the booking.
const SECRET_KEY: &str = "oneTimePassword";

/// The body with every one-time password in it replaced; see [`blank`].
#[must_use]
pub fn blank_secrets(body: &[u8]) -> Cow<'_, [u8]> {
    blank(body, SECRET_KEY)
}
