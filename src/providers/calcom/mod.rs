//! Cal.com, the calendar that appointments are booked in: its API v2 behind the port
//! [`askpro_actors::ports::calendar::Calendar`].
//!
//! `inbound` reads its webhooks. `client` asks, `transport` carries, `wire` has the shapes, `map` decides what an
//! answer means. The rule of `map`: a booking counts as booked or refused only when the answer proves it;
//! everything else is lost, and whoever ordered has to look.

mod client;
mod contacts;
pub mod inbound;
mod limits;
mod map;
mod plain;
mod transport;
mod wire;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tests;

pub use client::{CalcomClient, CalcomOptions, CalcomSetupError, KeyDirectory, KeyError};

/// Key of our metadata on a booking: the appointment id.
pub const METADATA_APPOINTMENT: &str = "askpro_appointment";
/// Key of our metadata on a booking: the call id.
pub const METADATA_CALL: &str = "askpro_call";
/// Key of our metadata on a booking: the company id.
pub const METADATA_COMPANY: &str = "askpro_company";
