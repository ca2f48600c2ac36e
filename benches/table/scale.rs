//! How much is measured.

use std::time::Duration;

/// Sizes of everything.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Everything at its real size; else figures prove nothing.
    pub full: bool,
    /// Interleaved runs of which the median counts.
    pub runs: u32,
    /// How long the sustained load of one run lasts.
    pub seconds: u32,
    /// How long everything else of one run lasts.
    pub brief: Duration,
    /// Live calls: few, many, all.
    pub live: [u64; 3],
    /// Requests of which a percentile is taken where nothing has a rate.
    pub requests: u64,
    /// Bookings of which a percentile is taken.
    pub bookings: u64,
    /// Messages between actors.
    pub messages: u64,
    /// Panics.
    pub panics: u32,
}

impl Scale {
    /// What the table in the README comes from.
    pub const FULL: Self = Self {
        full: true,
        runs: 5,
        seconds: 20,
        brief: Duration::from_secs(5),
        live: [1_000, 100_000, 1_000_000],
        requests: 500,
        bookings: 500,
        messages: 2_000_000,
        panics: 2_000,
    };

    /// Everything once and small.
    pub const SHORT: Self = Self {
        full: false,
        runs: 1,
        seconds: 2,
        brief: Duration::from_secs(1),
        live: [100, 1_000, 3_000],
        requests: 20,
        bookings: 40,
        messages: 100_000,
        panics: 100,
    };

    /// How long a sustained load lasts.
    pub const fn sustained(self) -> Duration {
        Duration::from_secs(self.seconds as u64)
    }
}
