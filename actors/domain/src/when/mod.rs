//! When: what an agent says of a date and a time becomes an instant, and opening hours.
//!
//! Knows zones and calendars, nothing of services, calls or answers. Whatever it is not sure of it does
//! not understand: a wrong date is worse than a question.

pub mod opening;
mod read;

#[cfg(test)]
mod tests;

use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};

use self::read::{Expect, Reading, read};
use crate::time::UnixMillis;

/// How far ahead a date may lie, in days.
pub const DAYS_AHEAD_MAX: i64 = 366;
/// Longest text that is read as a date or a time, in characters.
pub const WHEN_CHARS_MAX: usize = 64;

const DAY_MS: i64 = 86_400_000;

/// What the agent gave; each may hold a date, a time or both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WhenTexts<'a> {
    /// Argument `datetime`; its date wins over `date`, its time over `time`.
    pub datetime: Option<&'a str>,
    /// Argument `date`.
    pub date: Option<&'a str>,
    /// Argument `time`.
    pub time: Option<&'a str>,
}

/// A moment that was understood, not past and not too far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The instant; seconds are dropped.
    pub start: UnixMillis,
    /// Its date in the zone it was read in.
    pub date: Date,
}

/// Why there is no moment. Dates are in the zone that was asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// Nothing was given.
    #[error("neither date nor time was given")]
    Absent,
    /// One of the texts is no date or time; ask for it as numbers.
    #[error("the date or the time was not understood")]
    NotUnderstood,
    /// A time without a date; ask for the date.
    #[error("the date is missing")]
    DateMissing,
    /// A date without a time; ask for the time.
    #[error("the time on {date} is missing")]
    TimeMissing {
        /// The date that was understood.
        date: Date,
    },
    /// The clock jumps over this local time.
    #[error("this time does not exist on {date}")]
    TimeDoesNotExist {
        /// The date it was asked for.
        date: Date,
    },
    /// Before now; agents invent years, so tell them today's date.
    #[error("the date is past, today is {today}")]
    DateInPast {
        /// Today.
        today: Date,
    },
    /// More than [`DAYS_AHEAD_MAX`] days ahead.
    #[error("the date is too far ahead, today is {today}")]
    TooFar {
        /// Today.
        today: Date,
    },
}

/// The local date and wall clock of an instant; `None` beyond the years that jiff knows.
#[must_use]
pub fn local(instant: UnixMillis, zone: &TimeZone) -> Option<DateTime> {
    instant.timestamp().map(|t| zone.to_datetime(t))
}

/// The instant of a local date and time: the first one of a doubled hour, `None` where the clock jumps
/// over it.
#[must_use]
pub fn instant_of(local: DateTime, zone: &TimeZone) -> Option<UnixMillis> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    if let AmbiguousOffset::Gap { .. } = ambiguous.offset() {
        return None;
    }
    ambiguous.earlier().ok().map(|t| UnixMillis(t.as_millisecond()))
}

/// Reads a moment in `zone`. Understood are ISO dates and date-times (with an offset it counts), German
/// numeric dates with and without year (the next that is not past), times of both languages, and the
/// words for today, tomorrow and the day after. Errors: [`WhenError`]; past means before `now`.
pub fn parse_when(texts: &WhenTexts<'_>, zone: &TimeZone, now: UnixMillis) -> Result<When, WhenError> {
    let here = local(now, zone).ok_or(WhenError::NotUnderstood)?;
    let today = here.date();
    let readings = [
        read_one(texts.datetime, Expect::DateOrTime, today)?,
        read_one(texts.date, Expect::Date, today)?,
        read_one(texts.time, Expect::Time, today)?,
    ];
    if readings.iter().all(Option::is_none) {
        return Err(WhenError::Absent);
    }
    let [datetime, date, time] = readings;
    let day_from = [datetime, date, time].into_iter().flatten().find(|r| r.date.is_some());
    let clock_from = [datetime, time, date].into_iter().flatten().find(|r| r.time.is_some());
    let day = day_from.and_then(|r| r.date).ok_or(WhenError::DateMissing)?;
    let exact = day_from.filter(|_| day_from == clock_from).and_then(Reading::instant);
    if let Some(start) = exact {
        return in_bounds(start, zone, today, now);
    }
    let clock = clock_from.and_then(|r| r.time);
    resolve(day, clock, zone, today, now)
}

fn read_one(text: Option<&str>, expect: Expect, today: Date) -> Result<Option<Reading>, WhenError> {
    match text.map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => read(text, expect, today).map(Some).ok_or(WhenError::NotUnderstood),
    }
}

fn resolve(
    day: Date,
    clock: Option<Time>,
    zone: &TimeZone,
    today: Date,
    now: UnixMillis,
) -> Result<When, WhenError> {
    if day < today {
        return Err(WhenError::DateInPast { today });
    }
    if day > plus_days(today, DAYS_AHEAD_MAX) {
        return Err(WhenError::TooFar { today });
    }
    let clock = clock.ok_or(WhenError::TimeMissing { date: day })?;
    let start = instant_of(day.to_datetime(clock), zone).ok_or(WhenError::TimeDoesNotExist { date: day })?;
    in_bounds(start, zone, today, now)
}

fn in_bounds(start: UnixMillis, zone: &TimeZone, today: Date, now: UnixMillis) -> Result<When, WhenError> {
    if start < now {
        return Err(WhenError::DateInPast { today });
    }
    if start.since(now) > DAYS_AHEAD_MAX * DAY_MS {
        return Err(WhenError::TooFar { today });
    }
    let date = local(start, zone).ok_or(WhenError::NotUnderstood)?.date();
    Ok(When { start, date })
}

/// The date `days` later, saturating at the last one that jiff knows.
pub(crate) fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(SignedDuration::from_secs(days.saturating_mul(86_400)))
}
