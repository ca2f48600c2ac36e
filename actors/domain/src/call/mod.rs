//! A call as a pure state: events go in in any order and any number, the same state comes out.
//!
//! [`CallState`] is a join of everything heard of a call. Each field remembers where it came from
//! ([`Provenance`]); where two versions compete the later stage wins, then the higher
//! (`event_timestamp`, body hash). Joining is commutative, associative and idempotent, so rows do not
//! depend on the order in which Retell delivered, nor on how often, nor on a crash in between.

mod event;
mod merge;
mod state;

#[cfg(test)]
mod tests;

pub use event::{CallEvent, CallFacts, CallIdentity, EventKind, EventSource, Stage, TranscriptFact};
pub use merge::{Field, Provenance, Told};
pub use state::{AppointmentFact, CallOutcome, CallState, CallStatus, PlacedIn, TranscriptFrom};
