//! Retell, the vendor of the voice agents.

pub mod inbound;
