//! Reads one text as a date, a time or both. Straight parsers over the rest of the text: each gives its
//! value and what is left, or nothing.

use jiff::{
    civil::{Date, Time},
    tz::Offset,
};

use super::{WHEN_CHARS_MAX, plus_days};
use crate::time::UnixMillis;

/// What the argument is for; decides what `12.11` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// A date first of all: `12.11` is a date.
    Date,
    /// A time first of all: `12.11` and a bare `14` are times.
    Time,
    /// Either: `12.11` is a date only with a time beside it.
    DateOrTime,
}

/// What one text says; at least a date or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) date: Option<Date>,
    pub(super) time: Option<Time>,
    offset: Option<Offset>,
}

impl Reading {
    /// The instant, when date, time and offset were all given.
    pub(super) fn instant(self) -> Option<UnixMillis> {
        let local = self.date?.to_datetime(self.time?);
        self.offset?.to_timestamp(local).ok().map(|t| UnixMillis(t.as_millisecond()))
    }
}

/// Words for days, longest first where one begins like another.
const DAY_WORDS: [(&str, i64); 7] = [
    ("day after tomorrow", 2),
    ("übermorgen", 2),
    ("uebermorgen", 2),
    ("tomorrow", 1),
    ("morgen", 1),
    ("today", 0),
    ("heute", 0),
];
const FILLERS: [&str; 8] = ["am", "um", "at", "on", "den", "dem", "der", "the"];

/// Reads the whole text; `None` when anything in it is left over.
pub(super) fn read(text: &str, expect: Expect, today: Date) -> Option<Reading> {
    if text.chars().count() > WHEN_CHARS_MAX {
        return None;
    }
    let lower = text.trim().to_lowercase().replace('\u{a0}', " ");
    let dotless_dates: &[bool] = match expect {
        Expect::Date => &[true, false],
        Expect::Time => &[false],
        Expect::DateOrTime => &[false, true],
    };
    dotless_dates.iter().find_map(|dotless| {
        date_first(&lower, *dotless, today).or_else(|| time_first(&lower, *dotless, expect, today))
    })
}

fn date_first(text: &str, dotless: bool, today: Date) -> Option<Reading> {
    let (date, rest) = any_date(skip_fillers(text), dotless, today)?;
    if rest.trim().is_empty() {
        return Some(Reading { date: Some(date), time: None, offset: None });
    }
    let (time, offset, rest) = any_time(separated(rest)?)?;
    rest.trim().is_empty().then_some(Reading { date: Some(date), time: Some(time), offset })
}

fn time_first(text: &str, dotless: bool, expect: Expect, today: Date) -> Option<Reading> {
    let text = skip_fillers(text);
    if expect == Expect::Time
        && let Some((hour, "")) = digits(text, 1, 2)
    {
        return Some(Reading { date: None, time: Some(time_of(hour, 0)?), offset: None });
    }
    let (time, offset, rest) = any_time(text)?;
    if rest.trim().is_empty() {
        return offset.is_none().then_some(Reading { date: None, time: Some(time), offset: None });
    }
    let (date, rest) = any_date(separated(rest)?, dotless, today)?;
    (offset.is_none() && rest.trim().is_empty()).then_some(Reading {
        date: Some(date),
        time: Some(time),
        offset: None,
    })
}

/// What follows a separator: space, comma, `T` before a digit, and filling words.
fn separated(rest: &str) -> Option<&str> {
    if let Some(clock) = rest.strip_prefix('t').filter(|r| r.starts_with(|c: char| c.is_ascii_digit())) {
        return Some(clock);
    }
    rest.starts_with([' ', ',', '\t']).then(|| skip_fillers(rest))
}

fn skip_fillers(text: &str) -> &str {
    let mut rest = text.trim_start_matches([' ', ',', '\t']);
    while let Some(after) = FILLERS.iter().find_map(|filler| word(rest, filler)) {
        rest = after.trim_start_matches([' ', ',', '\t']);
    }
    rest
}

fn any_date(text: &str, dotless: bool, today: Date) -> Option<(Date, &str)> {
    day_word(text, today).or_else(|| iso_date(text)).or_else(|| german_date(text, dotless, today))
}

fn day_word(text: &str, today: Date) -> Option<(Date, &str)> {
    DAY_WORDS.iter().find_map(|(name, days)| word(text, name).map(|rest| (plus_days(today, *days), rest)))
}

fn iso_date(text: &str) -> Option<(Date, &str)> {
    let (year, rest) = digits(text, 4, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 1, 2)?;
    Some((date_of(year, month, day)?, rest))
}

/// `24.11.2026`, `24.11.26`, `24.11.`, and `24.11` where the last dot may be missing.
fn german_date(text: &str, dotless: bool, today: Date) -> Option<(Date, &str)> {
    let (day, rest) = digits(text, 1, 2)?;
    let (month, rest) = digits(rest.strip_prefix('.')?.trim_start(), 1, 2)?;
    let Some(rest) = rest.strip_prefix('.') else {
        return if dotless { Some((next_date(day, month, today)?, rest)) } else { None };
    };
    match german_year(rest) {
        Some((year, rest)) => Some((date_of(year, month, day)?, rest)),
        None => Some((next_date(day, month, today)?, rest)),
    }
}

/// Four digits, or two that follow at once and end there; `14:00` is no year.
fn german_year(rest: &str) -> Option<(u16, &str)> {
    if let Some(found) = digits(rest.trim_start(), 4, 4) {
        return Some(found);
    }
    let (year, after) = digits(rest, 2, 2)?;
    let ends = after.is_empty() || after.starts_with([' ', ',', 't']);
    ends.then_some((2000 + year, after))
}

/// The first date with this day and month that is not past; 29 February looks eight years ahead.
fn next_date(day: u16, month: u16, today: Date) -> Option<Date> {
    let this_year = u16::try_from(today.year()).ok()?;
    (0..=8).filter_map(|n| date_of(this_year + n, month, day)).find(|date| *date >= today)
}

/// A time with what marks it as one: `14:00`, `14.00`, `14 Uhr 30`, `14h`, `2 pm`.
fn any_time(text: &str) -> Option<(Time, Option<Offset>, &str)> {
    let (hour, rest) = digits(text, 1, 2)?;
    if let Some((minute, offset, after)) = clock_minutes(rest) {
        let (hour, after) = with_meridiem(hour, after)?;
        let after = word(after.trim_start(), "uhr").unwrap_or(after);
        return Some((time_of(hour, minute)?, offset, after));
    }
    let unit = rest.trim_start();
    if let Some(after) = word(unit, "uhr") {
        let (minute, after) = trailing_minutes(after).unwrap_or((0, after));
        return Some((time_of(hour, minute)?, None, after));
    }
    if let Some(after) = unit.strip_prefix('h') {
        let (minute, after) = digits(after, 2, 2).unwrap_or((0, after));
        return ends_word(after).then_some((time_of(hour, minute)?, None, after));
    }
    meridiem(unit)?;
    let (hour, after) = with_meridiem(hour, rest)?;
    Some((time_of(hour, 0)?, None, after))
}

/// `:30`, `.30`, `:30:00`, `:30:00.000Z`, `:30+01:00`: minutes and offset. Seconds are checked and dropped.
fn clock_minutes(rest: &str) -> Option<(u16, Option<Offset>, &str)> {
    if let Some(rest) = rest.strip_prefix('.') {
        let (minute, rest) = digits(rest, 2, 2)?;
        return (!rest.starts_with('.')).then_some((minute, None, rest));
    }
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    if let Some(seconds) = rest.strip_prefix(':') {
        let (second, after) = digits(seconds, 2, 2)?;
        rest = if second < 60 { after } else { return None };
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = digits(fraction, 1, 9)?.1;
        }
    }
    let (offset, rest) = match offset(rest) {
        Some((offset, rest)) => (Some(offset), rest),
        None => (None, rest),
    };
    Some((minute, offset, rest))
}

fn offset(rest: &str) -> Option<(Offset, &str)> {
    if let Some(rest) = word(rest, "z") {
        return Some((Offset::UTC, rest));
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, rest) = two_digits(rest.get(1..)?)?;
    let minutes = two_digits(rest.strip_prefix(':').unwrap_or(rest));
    let (minutes, rest) = minutes.unwrap_or((0, rest));
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    Some((Offset::from_seconds(seconds).ok()?, rest))
}

/// The `30` of `14 Uhr 30`; the `24` of `14 Uhr 24.11.` is none.
fn trailing_minutes(rest: &str) -> Option<(u16, &str)> {
    let (minute, after) = digits(rest.trim_start(), 1, 2)?;
    (minute < 60 && !after.starts_with(['.', ':', '-'])).then_some((minute, after))
}

/// Applies `am` or `pm` if it follows. `am` after an hour above 12 is the German word and stays.
fn with_meridiem(hour: u16, rest: &str) -> Option<(u16, &str)> {
    match meridiem(rest.trim_start()) {
        None => Some((hour, rest)),
        Some((false, _)) if hour > 12 => Some((hour, rest)),
        Some((false, after)) => Some((hour % 12, after)),
        Some((true, after)) if (1..12).contains(&hour) => Some((hour + 12, after)),
        Some((true, after)) if (12..24).contains(&hour) => Some((hour, after)),
        Some((true, _)) => None,
    }
}

/// Whether it is `pm`, and the rest.
fn meridiem(text: &str) -> Option<(bool, &str)> {
    [("a.m.", false), ("p.m.", true), ("am", false), ("pm", true)]
        .into_iter()
        .find_map(|(name, pm)| word(text, name).map(|rest| (pm, rest)))
}

fn date_of(year: u16, month: u16, day: u16) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn time_of(hour: u16, minute: u16) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

/// A number of `min` to `max` digits that is not followed by another digit. Up to four digits fit.
fn digits(text: &str, min: usize, max: usize) -> Option<(u16, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count < min || count > max {
        return None;
    }
    let (number, rest) = text.split_at_checked(count)?;
    Some((number.get(..count.min(4))?.parse().ok()?, rest))
}

/// Two digits, whatever follows.
fn two_digits(text: &str) -> Option<(u16, &str)> {
    let (number, rest) = text.split_at_checked(2)?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some((number.parse().ok()?, rest))
}

/// The rest after `name`, when `name` stands there as a whole word.
fn word<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name).filter(|rest| ends_word(rest))
}

fn ends_word(rest: &str) -> bool {
    !rest.starts_with(char::is_alphanumeric)
}
