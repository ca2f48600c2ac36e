//! The time.

use askpro_domain::time::UnixMillis;

/// Says what time it is; passed in everywhere, so that tests move time by hand.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> UnixMillis;
}
