//! Retell, the vendor of the voice agents: what it sends us, and what we ask it.
//!
//! `inbound` reads its webhooks and function calls. The client is behind the port
//! [`askpro_actors::ports::voice::Voice`]: `client` asks, `transport` carries, `wire` has the shapes, `map`
//! makes events of answers, as if Retell had sent them.

mod client;
pub mod inbound;
mod map;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{KeyDirectory, RetellClient, RetellOptions, RetellSetupError};
