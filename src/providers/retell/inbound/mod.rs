//! What Retell sends us: signed webhooks and live function calls.
//!
//! The order is [`signature::verify`] over the raw bytes, [`redact::blank_secrets`], then
//! [`decode::decode`] or [`functions::decode_function`]. Nothing here does I/O or knows companies.

pub mod decode;
pub mod functions;
mod lenient;
mod object;
pub mod redact;
pub mod signature;

#[cfg(test)]
mod fixture_tests;
