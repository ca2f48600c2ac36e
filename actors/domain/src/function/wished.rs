//! When something is wished: at a moment, or at any time in a window.

use serde::{Deserialize, Serialize};

use crate::{
    time::UnixMillis,
    when::{Shape, Window},
};

/// A wished start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WishedStart {
    /// This very moment.
    At(UnixMillis),
    /// Any start in a window.
    Within(Window),
}

impl WishedStart {
    /// Whether a start fulfils the wish.
    #[must_use]
    pub fn admits(&self, start: UnixMillis) -> bool {
        match self {
            Self::At(at) => *at == start,
            Self::Within(window) => window.contains(start),
        }
    }

    /// The moment, if it is one.
    #[must_use]
    pub const fn exact(&self) -> Option<UnixMillis> {
        match self {
            Self::At(at) => Some(*at),
            Self::Within(_) => None,
        }
    }

    /// The same for the same wish, however much of its window is over by now.
    pub(super) fn key(&self) -> String {
        match self {
            Self::At(at) => at.0.to_string(),
            Self::Within(Window { shape, from, .. }) => match shape {
                Shape::Days { first, last } => format!("{first}/{last}"),
                Shape::Hours { date, hours } => format!("{date}/{}-{}", hours.from_minute, hours.to_minute),
                Shape::Around { at } => format!("~{at}"),
                Shape::Soon => format!("soon/{}", from.0 / 86_400_000),
            },
        }
    }
}
