//! The edge over a real port.

mod admin;
mod calendar;
mod client;
mod fakes;
mod harness;
mod hostile;
mod webhooks;
