//! When: what callers say of dates and times, in German or English, becomes a moment or a window; and opening
//! hours.
//!
//! A text is cut into pieces (`token`, `literal`), these get their meanings from the vocabulary (`tag`,
//! `words_de`, `words_en`, `numbers`, `typos`), grammars read them (`phrase`, `day_phrase`,
//! `date_phrase`, `time_phrase`, `clock_phrase`), and what they say is laid on the calendar (`days`, `period`, `times`, `resolve`).
//!
//! Knows zones and calendars, nothing of services, calls or answers. Whatever it is not sure of it asks back:
//! a wrong date is worse than a question. The rules are written where they are applied: those of days in
//! `days`, those of clocks in `clock`.

mod clock;
mod clock_phrase;
mod cursor;
mod date_phrase;
mod day_phrase;
mod days;
mod literal;
mod numbers;
pub mod opening;
mod part;
mod period;
mod phrase;
mod resolve;
mod tag;
mod term;
mod time_phrase;
mod times;
mod token;
mod typos;
mod understood;
mod words_de;
mod words_en;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;

use jiff::{
    SignedDuration,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, Offset, TimeZone},
};

pub use self::understood::{AROUND_MINUTES, Moment, Question, Refusal, SOON_DAYS, Shape, When, Window};
use self::{
    clock::Clock,
    cursor::Expect,
    days::Days,
    phrase::{Phrase, read},
    resolve::Here,
    time_phrase::TimePiece,
    times::{ClockSaid, Times},
};
use crate::time::UnixMillis;

/// How far ahead a date may lie, in days.
pub const DAYS_AHEAD_MAX: i64 = 366;
/// Longest text that is read as a date or a time, in characters: a date and a time in words, with some
/// politeness around them.
pub const WHEN_CHARS_MAX: usize = 120;

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

/// The instant at which a local date and time has come: behind the jump where the clock jumps over it.
fn first_instant_of(local: DateTime, zone: &TimeZone) -> Option<UnixMillis> {
    zone.to_ambiguous_timestamp(local).compatible().ok().map(|t| UnixMillis(t.as_millisecond()))
}

/// What the texts mean in `zone`, said at `now`; `None` when nothing was given. Either language is understood.
/// Nothing that is understood lies before `now` or more than [`DAYS_AHEAD_MAX`] days ahead.
#[must_use]
pub fn read_when(texts: &WhenTexts<'_>, zone: &TimeZone, now: UnixMillis) -> Option<When> {
    let given =
        [(texts.datetime, Expect::DateOrTime), (texts.date, Expect::Date), (texts.time, Expect::Time)];
    let given: Vec<(&str, Expect)> = given
        .into_iter()
        .filter_map(|(text, expect)| Some((text?.trim(), expect)))
        .filter(|(text, _)| !text.is_empty())
        .collect();
    if given.is_empty() {
        return None;
    }
    let here = Here { zone, now, today: local(now, zone).unwrap_or_default().date() };
    if given.iter().any(|(text, _)| text.chars().count() > WHEN_CHARS_MAX) {
        return Some(When::Refusal(Refusal::TooLong { chars_max: WHEN_CHARS_MAX }));
    }
    let phrases: Option<Vec<(Phrase, Expect)>> =
        given.into_iter().map(|(text, expect)| Some((read(text, expect)?, expect))).collect();
    Some(phrases.map_or_else(|| here.not_understood(), |phrases| joined(&phrases, here)))
}

/// The date of the first text that has one, the clock of the first in the order datetime, time, date, with
/// every part of the day that was said.
fn joined(phrases: &[(Phrase, Expect)], here: Here<'_>) -> When {
    let day_from = phrases.iter().find(|(phrase, _)| phrase.has_day()).map(|(phrase, _)| phrase);
    let clock_of = |phrase: &Phrase| Times::of(&phrase.times, phrase.is_choice_of_times);
    let mut by_clock: Vec<&(Phrase, Expect)> = phrases.iter().collect();
    by_clock.sort_by_key(|(_, expect)| *expect == Expect::Date);
    let clocks = || by_clock.iter().map(|(phrase, _)| phrase);
    let clock_from = clocks().find(|phrase| clock_of(phrase).clock != ClockSaid::Nothing);
    let mut pieces: Vec<TimePiece> = clock_from.map(|phrase| phrase.times.clone()).unwrap_or_default();
    for phrase in clocks().filter(|phrase| Some(*phrase) != clock_from) {
        let is_part = |piece: &&TimePiece| matches!(piece, TimePiece::Part(_) | TimePiece::Edge(_));
        let is_kept = |piece: &&TimePiece| clock_from.is_none() || is_part(piece);
        pieces.extend(phrase.times.iter().filter(is_kept).cloned());
    }
    let times = Times::of(&pieces, phrases.iter().any(|(phrase, _)| phrase.is_choice_of_times));
    let days = day_from.map(|phrase| days::resolve(&phrase.days, &phrase.spans, here.today));
    if let ClockSaid::One(TimePiece::Instant(clock, offset)) = &times.clock {
        let day_from = day_from.filter(|phrase| Some(*phrase) == clock_from);
        return day_from
            .map_or_else(|| here.not_understood(), |phrase| instant(phrase, clock, *offset, here));
    }
    let is_loose = phrases.iter().any(|(phrase, _)| phrase.has_loose_number);
    match (is_loose, days.as_ref().and_then(Days::only)) {
        (false, _) => here.resolve(days, &times),
        (true, Some(_)) if times.is_empty() => {
            here.resolve(days, &Times { clock: ClockSaid::Vague, ..times })
        }
        (true, _) => here.not_understood(),
    }
}

/// A clock with an offset on a date of the same text. Elsewhere the date may be another one: yesterday counts.
fn instant(phrase: &Phrase, clock: &Clock, offset: Offset, here: Here<'_>) -> When {
    let yesterday = plus_days(here.today, -1);
    let days = days::resolve(&phrase.days, &phrase.spans, yesterday);
    let is_far = days.only().is_some_and(|date| date > plus_days(here.today, DAYS_AHEAD_MAX + 1));
    match (days, clock.plausible().first()) {
        (Days::Past, _) => here.past(),
        _ if is_far => here.too_far(),
        (days, Some(minute)) => {
            let at = days.only().map(|date| understood::clock(date, *minute));
            let start = at.and_then(|at| offset.to_timestamp(at).ok());
            start.map_or_else(|| here.not_understood(), |t| here.exact(UnixMillis(t.as_millisecond())))
        }
        _ => here.not_understood(),
    }
}

/// Whether a date must be said with its year: without it another day would be meant.
#[must_use]
pub fn needs_year(date: Date, today: Date) -> bool {
    let (day, month) = (u16::from(date.day().unsigned_abs()), u16::from(date.month().unsigned_abs()));
    days::dated(day, Some(month), None, today) != Some(date)
}

/// The date `days` later, saturating at the last one that jiff knows.
pub(crate) fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(SignedDuration::from_secs(days.saturating_mul(86_400)))
}
