//! What a date and a time were understood as: a moment, a window, a question to ask back, or a refusal. Each
//! carries what is needed to say it back.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use super::{DAYS_AHEAD_MAX, first_instant_of, local, plus_days};
use crate::{tenant::HourRange, time::UnixMillis};

/// Minutes before and after a time that was only said roughly.
pub const AROUND_MINUTES: u16 = 30;
/// Days that "as soon as possible" looks ahead, today among them.
pub const SOON_DAYS: i64 = 7;

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A moment that is not past and not too far ahead.
    Exact(Moment),
    /// Any time in a window.
    Window(Window),
    /// Not sure enough: ask.
    Question(Question),
    /// Understood, and not possible.
    Refusal(Refusal),
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The instant; seconds are dropped.
    pub start: UnixMillis,
    /// Its date and wall clock in the zone it was read in.
    pub local: DateTime,
}

/// A window of starts `[from, to)`, not past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First instant, never before now.
    pub from: UnixMillis,
    /// First instant after; beyond `from`.
    pub to: UnixMillis,
    /// The instant inside that fits best: what was said roughly, else `from`.
    pub best: UnixMillis,
    /// How it was meant, to be said back.
    pub shape: Shape,
}

/// How a window was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Whole days, both among them.
    Days {
        /// First day, not before today.
        first: Date,
        /// Last day.
        last: Date,
    },
    /// A part of one day.
    Hours {
        /// The day.
        date: Date,
        /// The part, as said: its beginning may be past by now.
        hours: HourRange,
    },
    /// [`AROUND_MINUTES`] around a time.
    Around {
        /// The time.
        at: DateTime,
    },
    /// As soon as possible, within [`SOON_DAYS`].
    Soon,
}

/// What must be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Nothing sure was understood; today is this day.
    NotUnderstood {
        /// Today.
        today: Date,
    },
    /// Which day? Of these, in order of time, if any are known.
    WhichDay {
        /// Days that it may be.
        candidates: Vec<Date>,
        /// The time, when that was understood.
        time: Option<Time>,
    },
    /// Which time on this day? Of these, if any are known.
    WhichTime {
        /// The day.
        date: Date,
        /// Times that it may be, in order.
        candidates: Vec<Time>,
    },
}

/// Why it cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Before now; agents invent years, so tell them today's date.
    Past {
        /// Today.
        today: Date,
    },
    /// More than [`DAYS_AHEAD_MAX`] days ahead.
    TooFar {
        /// Today.
        today: Date,
    },
    /// The clock jumps over this local time.
    DoesNotExist {
        /// The day it was asked for.
        date: Date,
    },
    /// Longer than is read.
    TooLong {
        /// The limit, in characters.
        chars_max: usize,
    },
}

impl Window {
    /// The window of a shape, without what is past; a refusal when nothing of it is left, or when it begins
    /// too far ahead.
    pub(super) fn of(shape: Shape, zone: &TimeZone, now: UnixMillis, today: Date) -> Result<Self, Refusal> {
        let (first, last) = match shape {
            Shape::Days { first, last } => (midnight(first), midnight(plus_days(last, 1))),
            Shape::Hours { date, hours } => (clock(date, hours.from_minute), clock(date, hours.to_minute)),
            Shape::Around { at } => around(at),
            Shape::Soon => (midnight(today), midnight(plus_days(today, SOON_DAYS))),
        };
        let instant = |local| first_instant_of(local, zone).ok_or(Refusal::TooFar { today });
        let (from, to) = (instant(first)?, instant(last)?);
        // Where the clock jumps over the half hour before it, a rough time begins with itself.
        let from = if let Shape::Around { at } = shape { from.min(instant(at)?) } else { from };
        if to <= now || from >= to {
            return Err(Refusal::Past { today });
        }
        if first.date() > plus_days(today, DAYS_AHEAD_MAX) {
            return Err(Refusal::TooFar { today });
        }
        let end = instant(midnight(plus_days(today, DAYS_AHEAD_MAX + 1)))?;
        let from = from.max(now);
        let best = if let Shape::Around { at } = shape { instant(at)?.max(from) } else { from };
        Ok(Self { from, to: to.min(end), best, shape })
    }

    /// The whole days of it before an instant; all of it when it ends before that.
    #[must_use]
    pub fn up_to(self, to: UnixMillis, zone: &TimeZone) -> Self {
        let date = |at| local(at, zone).map(|here| here.date());
        match (date(self.from), date(to)) {
            (Some(first), Some(end)) if to < self.to => {
                let shape = Shape::Days { first, last: plus_days(end, -1).max(first) };
                Self { to, shape, ..self }
            }
            _ => self,
        }
    }

    /// Whether an instant lies inside.
    #[must_use]
    pub fn contains(&self, at: UnixMillis) -> bool {
        self.from <= at && at < self.to
    }
}

impl Shape {
    /// The only day that it touches, if it is one.
    #[must_use]
    pub fn day(&self) -> Option<Date> {
        match *self {
            Self::Days { first, last } => (first == last).then_some(first),
            Self::Hours { date, .. } => Some(date),
            Self::Around { at } => Some(at.date()),
            Self::Soon => None,
        }
    }
}

/// Stays within the day.
fn around(at: DateTime) -> (DateTime, DateTime) {
    let minute = minute_of(at.time());
    let last = (minute + AROUND_MINUTES).min(1440);
    (clock(at.date(), minute.saturating_sub(AROUND_MINUTES)), clock(at.date(), last))
}

fn midnight(date: Date) -> DateTime {
    date.to_datetime(Time::midnight())
}

/// A minute of a day as a wall clock; 1440 is the midnight that ends it.
pub(super) fn clock(date: Date, minute: u16) -> DateTime {
    let (hour, minute) = (minute / 60, minute % 60);
    match (i8::try_from(hour), i8::try_from(minute)) {
        (Ok(hour), Ok(minute)) if hour < 24 => date.at(hour, minute, 0, 0),
        _ => midnight(plus_days(date, 1)),
    }
}

/// Minutes from midnight.
pub(super) fn minute_of(time: Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}
