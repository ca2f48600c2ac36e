//! A Cal.com and a Retell to talk to, over real HTTP: used by the demo, the benchmark and the tests.
//!
//! They are independent programs in spirit and must not know anything else of this project: they are written
//! from the vendors' documented behaviour, so that a wrong belief of ours about a vendor shows as a failure
//! instead of being repeated here. Time is passed in, randomness is seeded.

use std::sync::Arc;

pub mod calcom;
pub mod retell;
mod server;

/// The time as the simulators see it, in milliseconds since 1970 (UTC).
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// An HTTP client without a time-out of its own.
///
/// Installs the process-wide TLS provider if nobody did before: building a client needs one even when every
/// address is `http://`.
///
/// # Errors
/// What `reqwest` says when the client cannot be built.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    // An error here only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build()
}
