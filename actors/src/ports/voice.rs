//! The voice platform (Retell), as far as the actors need it: reading its events again.

use askpro_domain::call::CallEvent;
use bytes::Bytes;

/// Reads a compressed body again, after a crash or a panic.
pub trait EventDecoder: Send + Sync {
    /// The event of a call. Errors: a text for the dead letter when it is none.
    fn decode(&self, body: &Bytes) -> Result<CallEvent, String>;
}
