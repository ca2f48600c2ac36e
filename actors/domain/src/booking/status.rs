//! `appointments.status`.

use serde::{Deserialize, Serialize};

/// Where an appointment stands, as rows and JSON say it. Ordered only to break ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// Ordered at Cal.com, no answer yet.
    Submitted,
    /// The caller was told that it is pending.
    PendingConfirmation,
    /// The answer was lost; being looked up.
    Unknown,
    /// Stands at Cal.com.
    Confirmed,
    /// Refused by Cal.com.
    Refused,
    /// Refused after the caller had been told that it is pending.
    Conflict,
    /// Cancelled.
    Cancelled,
    /// Moved to another appointment.
    Rescheduled,
    /// Given up.
    Abandoned,
}

impl AppointmentStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Submitted,
        Self::PendingConfirmation,
        Self::Unknown,
        Self::Confirmed,
        Self::Refused,
        Self::Conflict,
        Self::Cancelled,
        Self::Rescheduled,
        Self::Abandoned,
    ];

    /// The word in rows and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::PendingConfirmation => "pending_confirmation",
            Self::Unknown => "unknown",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::Rescheduled => "rescheduled",
            Self::Abandoned => "abandoned",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether the appointment stands.
    #[must_use]
    pub fn stands(self) -> bool {
        self == Self::Confirmed
    }

    /// Whether its outcome is still open.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Submitted | Self::PendingConfirmation | Self::Unknown)
    }
}
