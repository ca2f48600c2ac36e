//! The service from outside: real HTTP, a real database and journal, a simulated Cal.com.
//!
//! Every test starts a service of its own in a folder of its own, or runs the real program where it must die.
//! The clock is the machine's: appointments lie on the next working day of the company's calendar.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests say what is wrong by ending"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody else uses these")]

mod support;

mod bad_input;
mod booking;
mod calendar;
mod conversation;
mod crash;
mod displaced;
mod envelopes;
mod events;
mod functions;
mod hangup;
mod import;
mod inbound;
mod isolation;
mod journal_full;
mod logs;
mod metrics;
mod outage;
mod readiness;
mod real_databases;
mod reconcile;
mod reservations;
mod routes;
mod secrets;
mod strangers;
mod unreadable;
mod upgrade;
