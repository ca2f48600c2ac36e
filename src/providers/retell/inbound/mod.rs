//! What Retell sends us: signed webhooks and live function calls.
//!
//! The order is [`signature::verify`] over the raw bytes, [`redact::blank_secrets`], then
//! [`decode::decode`] or [`functions::decode_function`]. Nothing here does I/O or knows companies.

pub mod arguments;
pub mod decode;
pub mod functions;
mod lenient;
mod object;
pub mod redact;
pub mod signature;

pub use decode::{DecodeError, Decoded, Delivery, InboundKind, InboundRequest, PlatformEvent, decode};
pub use functions::{AskingCall, FunctionCall, decode_function};
pub use redact::blank_secrets;
pub use signature::{KeyIndex, SIGNATURE_HEADER, SignatureError, sign, verify};

#[cfg(test)]
mod fixture_tests;
#[cfg(test)]
mod fuzz_tests;
