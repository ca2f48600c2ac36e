//! How the calendar behaves towards one company at a time: how long it takes, and what goes wrong how often.

use askpro_actors::runtime::Dice;

/// How the calendar behaves. Chances are of a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weather {
    /// How long a request takes at least.
    pub(crate) latency_ms_min: i64,
    /// How long it takes at most.
    pub(crate) latency_ms_max: i64,
    /// No connection: nothing is sent.
    pub(crate) unreachable: usize,
    /// It is sent and nobody ever sees it again: not done, and no answer.
    pub(crate) swallowed: usize,
    /// It is done and its answer is lost (a connection that dies, a 500 after the fact).
    pub(crate) answer_lost: usize,
    /// It is done long after everybody has given up.
    pub(crate) belated: usize,
    /// Refused by the key's limit.
    pub(crate) limited: usize,
    /// The adapter panics before it sends anything.
    pub(crate) panics: usize,
}

impl Weather {
    /// Nothing goes wrong.
    pub(crate) const FAIR: Self = Self {
        latency_ms_min: 40,
        latency_ms_max: 900,
        unreachable: 0,
        swallowed: 0,
        answer_lost: 0,
        belated: 0,
        limited: 0,
        panics: 0,
    };

    /// Something does.
    pub(crate) fn foul(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 => Self { latency_ms_min: 2_000, latency_ms_max: 12_000, ..Self::FAIR },
            1 => Self { unreachable: 100, ..Self::FAIR },
            2 => Self { swallowed: 100, ..Self::FAIR },
            3 => Self { answer_lost: 70, ..Self::FAIR },
            4 => Self { limited: 60, ..Self::FAIR },
            5 => Self { belated: 50, answer_lost: 20, ..Self::FAIR },
            6 => Self { panics: 30, ..Self::FAIR },
            _ => Self {
                latency_ms_min: 10,
                latency_ms_max: 4_000,
                unreachable: 15,
                swallowed: 15,
                answer_lost: 20,
                belated: 10,
                limited: 10,
                panics: 3,
            },
        }
    }
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Journey {
    /// The adapter panics.
    Panics,
    /// Nothing is sent; known after so long.
    Unreachable { after_ms: i64 },
    /// Refused by the limit after so long.
    Limited { after_ms: i64, retry_after_ms: i64 },
    /// Nothing is done, and after so long it is given up.
    Swallowed { after_ms: i64 },
    /// Done at the first time; the answer is there at the second.
    Answered { done_ms: i64, after_ms: i64 },
    /// Done at the first time; given up at the second.
    Lost { done_ms: i64, after_ms: i64 },
}

/// The client gives a request up after this long.
const TIMEOUT_MS: i64 = 30_000;

impl Journey {
    /// What this weather makes of a request.
    pub(crate) fn roll(weather: &Weather, dice: &mut Dice) -> Self {
        let after_ms = dice.between(weather.latency_ms_min, weather.latency_ms_max + 1);
        let done_ms = dice.between(1, after_ms.max(2));
        let soon_or_late = if dice.percent(50) { after_ms } else { TIMEOUT_MS };
        if dice.percent(weather.panics) {
            Self::Panics
        } else if dice.percent(weather.unreachable) {
            Self::Unreachable { after_ms: after_ms.min(3_000) }
        } else if dice.percent(weather.limited) {
            Self::Limited { after_ms, retry_after_ms: dice.between(1_000, 60_000) }
        } else if dice.percent(weather.swallowed) {
            Self::Swallowed { after_ms: soon_or_late }
        } else if dice.percent(weather.answer_lost) {
            Self::Lost { done_ms, after_ms: soon_or_late }
        } else if dice.percent(weather.belated) {
            Self::Lost { done_ms: dice.between(1_000, 45_000), after_ms: soon_or_late }
        } else {
            Self::Answered { done_ms, after_ms }
        }
    }
}
