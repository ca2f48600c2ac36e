//! Kinds of requests, by how long they can wait.

/// What a request is for, in the order in which requests are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Books, cancels, looks for a booking.
    Bookings,
    /// Slots that a caller asks for.
    Checks,
    /// Slots that are fetched again before anybody asks, and reservations that are taken away.
    Refresh,
    /// Reservations that are placed beside a hold.
    Hints,
}

impl Class {
    /// Every class, the first served first.
    pub const ALL: [Self; 4] = [Self::Bookings, Self::Checks, Self::Refresh, Self::Hints];

    /// The word in metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bookings => "bookings",
            Self::Checks => "checks",
            Self::Refresh => "refresh",
            Self::Hints => "hints",
        }
    }

    /// How much of a window this class leaves for those before it, in percent. Bookings leave a little too: what
    /// is under way or sent by others with the same key may not be counted yet.
    const fn kept_percent(self) -> u64 {
        match self {
            Self::Bookings => 5,
            Self::Checks => 25,
            Self::Refresh => 50,
            Self::Hints => 65,
        }
    }

    /// How much of a burst this class leaves for those before it: hints never make a caller's check wait for the
    /// rate after a burst.
    pub(super) const fn kept_of_burst(self) -> usize {
        match self {
            Self::Bookings | Self::Checks | Self::Refresh => 0,
            Self::Hints => 4,
        }
    }

    /// Requests of a window of `limit` that this class leaves.
    pub(super) fn kept(self, limit: u32) -> u32 {
        u32::try_from(u64::from(limit) * self.kept_percent() / 100).unwrap_or(limit)
    }
}
