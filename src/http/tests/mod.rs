//! The edge over a real port.

mod access;
mod admin;
mod calendar;
mod client;
mod connections;
mod fakes;
mod gate;
pub(in crate::http) mod harness;
mod hostile;
mod webhooks;
