//! The edge over a real port.

mod admin;
mod client;
mod fakes;
mod harness;
mod hostile;
mod webhooks;
