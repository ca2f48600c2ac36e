//! `[http]`: where the service listens and how much it takes.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use super::{ConfigError, settings::Settings};

/// The largest body that may be allowed: whatever is taken must fit into one row of any database, packed or not,
/// and be unpacked again.
const BODY_MAX_BYTES_MAX: i64 = 12 * 1024 * 1024;

/// Where the service listens and how much it takes.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Address and port to listen on; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// Threads that answer requests; `None`: one per core, and two at least.
    pub workers: Option<NonZeroUsize>,
    /// Connections open at once, over all threads.
    pub connections_max: usize,
    /// Largest request body; a larger one is answered 413.
    pub body_max_bytes: usize,
    /// All request bodies together, while they are read and verified; past it 503. Half of it is for those alone who showed
    /// a key before, so it takes two of the largest.
    pub bodies_max_bytes: usize,
    /// How long a client may take to send its request head.
    pub head_timeout: Duration,
    /// How long a client may take to send its body, and how long its socket may take nothing of an answer.
    pub body_timeout: Duration,
    /// How long a quiet connection is kept.
    pub keep_alive: Duration,
    /// What `Retry-After` says when a request is turned away with 503, in seconds.
    pub retry_after_s: u64,
    /// How long a stopping service waits for requests under way.
    pub drain_timeout: Duration,
}

impl HttpConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let bind = settings.text("http.bind")?.parse().map_err(|_| {
            settings
                .invalid("http.bind", "give an IP address and a port, such as 127.0.0.1:8080 or [::]:8080")
        })?;
        Ok(Self {
            bind,
            workers: NonZeroUsize::new(settings.number("http.workers", 0..=256)?),
            connections_max: settings.number("http.connections_max", 16..=1_000_000)?,
            body_max_bytes: settings.number("http.body_max_bytes", 1024..=BODY_MAX_BYTES_MAX)?,
            bodies_max_bytes: settings
                .number("http.bodies_max_bytes", 2 * BODY_MAX_BYTES_MAX..=68_719_476_736)?,
            // The server looks at its watch twice a second: shorter limits would refuse whoever is quick.
            head_timeout: settings.milliseconds("http.head_timeout_ms", 1_000..=60_000)?,
            body_timeout: settings.milliseconds("http.body_timeout_ms", 100..=300_000)?,
            keep_alive: settings.seconds("http.keep_alive_s", 1..=3600)?,
            retry_after_s: settings.number("http.retry_after_s", 1..=300)?,
            drain_timeout: settings.seconds("http.drain_timeout_s", 0..=300)?,
        })
    }
}
