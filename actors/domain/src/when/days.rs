//! From what was said of the day to dates, seen from today.
//!
//! Rules where language leaves room:
//! - "Freitag" is the next one; on a Friday it may be today, so that is asked.
//! - "nächsten Freitag", "next Friday" is the first one after today. Where that is only one or two days away
//!   people would say tomorrow, or "diesen": then it is asked which one.
//! - "Freitag in zwei Wochen" counts from the next Friday, today among them; "in zwei Wochen am Freitag" may
//!   also count calendar weeks, and is asked where that makes a difference.
//! - Weeks begin on Monday. "in zwei Wochen" alone is that week, "heute in zwei Wochen" is a day.
//! - "in acht Tagen" is a week for some and eight days for others, so that is asked.
//! - A day without month or year is the next that is not past.
//! - A day of the week that does not fit its date is asked.

use std::collections::BTreeSet;

use jiff::{ToSpan, civil::Date};

use super::{
    day_phrase::{DayPiece, DaySpan, Which},
    literal::date_of,
    opening::weekday_of,
    period::{of_period, within},
    plus_days,
};
use crate::tenant::Weekday;

/// Days that "from Friday on" looks at.
const OPEN_DAYS: i64 = 7;
/// A "next" day that is not further away than this is asked back.
const NEAR_DAYS: i64 = 2;

/// The dates that were meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    /// One of these: sure when it is one.
    AnyOf(BTreeSet<Date>),
    /// All of them; `listed` are those to choose from when a time was said too.
    Span { first: Date, last: Date, listed: BTreeSet<Date> },
    /// Over.
    Past,
    /// Beyond what can be booked.
    Far,
    /// They do not fit together.
    Unclear,
}

impl Days {
    /// The day, when it is sure to be one.
    pub(super) fn only(&self) -> Option<Date> {
        match self {
            Self::AnyOf(dates) if dates.len() == 1 => dates.first().copied(),
            _ => None,
        }
    }
}

/// What the pieces of one day say together.
#[derive(Debug, Clone, Default)]
struct Said {
    relative: Option<i64>,
    in_days: Option<u16>,
    in_weeks: Option<u16>,
    weeks_first: bool,
    later: Option<u16>,
    weekday: Option<(Weekday, Which)>,
    calendar: Option<DayPiece>,
    week: Option<i64>,
    next_year: bool,
    other: Option<DayPiece>,
}

/// What days were meant, from choices and spans.
pub(super) fn resolve(groups: &[Vec<DayPiece>], spans: &[DaySpan], today: Date) -> Days {
    match (groups, spans) {
        ([one], []) => of_group(one, today),
        (groups, []) => of_choice(groups, today),
        ([], [span]) => of_span(span, &[], today),
        ([context], [span]) => of_span(span, context, today),
        _ => Days::Unclear,
    }
}

/// "Dienstag oder Mittwoch": what the one leaves out it has from the other.
fn of_choice(groups: &[Vec<DayPiece>], today: Date) -> Days {
    let is_week = |p: &&DayPiece| matches!(p, DayPiece::Week(_));
    let week = groups.iter().flatten().find(is_week);
    let month = groups.iter().flatten().rev().find_map(month_of);
    let mut all = BTreeSet::new();
    for group in groups {
        let mut group: Vec<DayPiece> = group.iter().map(|piece| with_month(*piece, month)).collect();
        let has_weekday = group.iter().any(|p| matches!(p, DayPiece::Weekday(..)));
        group.extend(week.filter(|week| has_weekday && !group.contains(week)));
        match of_group(&group, today) {
            Days::AnyOf(dates) => all.extend(dates),
            _ => return Days::Unclear,
        }
    }
    Days::AnyOf(all)
}

fn month_of(piece: &DayPiece) -> Option<(u16, Option<u16>)> {
    if let DayPiece::Calendar { month: Some(month), year, .. } = piece { Some((*month, *year)) } else { None }
}

/// The "1." of "vom 1. bis 5. Dezember" is in December too.
fn with_month(piece: DayPiece, of_other: Option<(u16, Option<u16>)>) -> DayPiece {
    match (piece, of_other) {
        (DayPiece::Calendar { day, month: None, year: None }, Some((month, year))) => {
            DayPiece::Calendar { day, month: Some(month), year }
        }
        _ => piece,
    }
}

fn of_span(span: &DaySpan, context: &[DayPiece], today: Date) -> Days {
    let day = |pieces: &[DayPiece], from: Date| of_group(&[pieces, context].concat(), from);
    if let DaySpan::Between(pieces, _) | DaySpan::From(pieces) = span
        && let Days::AnyOf(dates) = day(pieces, today)
        && dates.len() > 1
    {
        // Which one it begins on must be asked first.
        return Days::AnyOf(dates);
    }
    let ends = match span {
        DaySpan::From(pieces) => {
            ends_of(day(pieces, today)).map(|(first, _)| (first, plus_days(first, OPEN_DAYS - 1)))
        }
        DaySpan::After(pieces) => {
            ends_of(day(pieces, today)).map(|(_, last)| (plus_days(last, 1), plus_days(last, OPEN_DAYS)))
        }
        DaySpan::Until(pieces) => ends_of(day(pieces, today)).map(|(_, last)| (today, last)),
        DaySpan::Before(pieces) => {
            ends_of(day(pieces, today)).map(|(first, _)| (today, plus_days(first, -1)))
        }
        DaySpan::Between(first, last) => {
            let month = last.iter().find_map(month_of);
            let first: Vec<DayPiece> = first.iter().map(|piece| with_month(*piece, month)).collect();
            ends_of(day(&first, today)).and_then(|(first, _)| {
                let (_, last) = ends_of(day(last, first))?;
                Some((first, last))
            })
        }
    };
    match ends {
        None => Days::Unclear,
        Some((first, last)) if last < first => Days::Past,
        Some((first, last)) => spanned(first, last, today),
    }
}

fn ends_of(days: Days) -> Option<(Date, Date)> {
    match days {
        Days::AnyOf(dates) if dates.len() == 1 => dates.first().map(|date| (*date, *date)),
        Days::Span { first, last, .. } => Some((first, last)),
        _ => None,
    }
}

/// Whole days that are not over; the two of a short span can be told apart.
pub(super) fn spanned(first: Date, last: Date, today: Date) -> Days {
    if last < today {
        return Days::Past;
    }
    let first = first.max(today);
    let is_short = plus_days(first, 1) >= last;
    let listed = if is_short { BTreeSet::from([first, last]) } else { BTreeSet::new() };
    Days::Span { first, last, listed }
}

fn of_group(pieces: &[DayPiece], today: Date) -> Days {
    if pieces.contains(&DayPiece::Past) {
        return Days::Past;
    }
    if pieces.contains(&DayPiece::InYears) {
        return Days::Far;
    }
    let Some(said) = gathered(pieces) else { return Days::Unclear };
    match (said.calendar, said.weekday, said.relative, said.other) {
        (Some(calendar), ..) => of_calendar(calendar, &said, today),
        (None, Some((weekday, which)), _, None) => of_weekday(weekday, which, &said, today),
        (None, None, Some(relative), None) => of_relative(relative, &said, today),
        (None, None, None, None) => of_distance(&said, today),
        (None, None, None, Some(other)) if !said.next_year => of_period(other, today),
        (None, None, None, Some(other)) => of_period(in_next_year(other, today), today),
        _ => Days::Unclear,
    }
}

/// One of each kind; `None` when two differ.
fn gathered(pieces: &[DayPiece]) -> Option<Said> {
    let mut said = Said::default();
    for piece in pieces {
        match *piece {
            DayPiece::Relative(days) => put(&mut said.relative, days)?,
            DayPiece::InDays(days) => put(&mut said.in_days, days)?,
            DayPiece::InWeeks(weeks) => {
                put(&mut said.in_weeks, weeks)?;
                said.weeks_first = said.weekday.is_none();
            }
            DayPiece::WeeksLater(weeks) => put(&mut said.later, weeks)?,
            DayPiece::Weekday(weekday, which) => put(&mut said.weekday, (weekday, which))?,
            DayPiece::Calendar { .. } | DayPiece::EitherOrder { .. } | DayPiece::OfMonth { .. } => {
                put(&mut said.calendar, *piece)?
            }
            DayPiece::Week(week) => put(&mut said.week, week)?,
            DayPiece::NextYear => said.next_year = true,
            _ => put(&mut said.other, *piece)?,
        }
    }
    Some(said)
}

fn put<T: PartialEq>(place: &mut Option<T>, value: T) -> Option<()> {
    let fits = place.as_ref().is_none_or(|known| *known == value);
    *place = Some(value);
    fits.then_some(())
}

fn of_calendar(calendar: DayPiece, said: &Said, today: Date) -> Days {
    if said.in_days.or(said.in_weeks).or(said.later).is_some() || said.other.is_some() {
        return Days::Unclear;
    }
    let next_year = u16::try_from(today.year() + 1).ok().filter(|_| said.next_year);
    let dates: BTreeSet<Date> = match calendar {
        DayPiece::Calendar { day, month, year } => {
            dated(day, month, year.or(next_year), today).into_iter().collect()
        }
        DayPiece::EitherOrder { first, second, year } => {
            let orders = [(first, second), (second, first)];
            orders.into_iter().filter_map(|(d, m)| dated(d, Some(m), year, today)).collect()
        }
        DayPiece::OfMonth { day, ahead } => of_month_ahead(day, ahead, today).into_iter().collect(),
        _ => return Days::Unclear,
    };
    if dates.is_empty() {
        return Days::Unclear;
    }
    checked(dates, said, today)
}

fn of_month_ahead(day: u16, ahead: i64, today: Date) -> Option<Date> {
    let first = today.first_of_month().checked_add(ahead.months()).ok()?;
    date_of(first.year().unsigned_abs(), u16::from(first.month().unsigned_abs()), day)
}

/// Dates beside a day of the week, a day counted from today, or a week: where they disagree, both are meant.
fn checked(dates: BTreeSet<Date>, said: &Said, today: Date) -> Days {
    let fits = |date: &Date| {
        said.weekday.is_none_or(|(weekday, _)| weekday_of(*date) == weekday)
            && said.relative.is_none_or(|days| plus_days(today, days) == *date)
            && said.week.is_none_or(|week| within(*date, week, today))
    };
    let fitting: BTreeSet<Date> = dates.iter().copied().filter(fits).collect();
    if !fitting.is_empty() {
        return any_of(fitting, today);
    }
    let mut all = dates.clone();
    all.extend(said.weekday.iter().flat_map(|(day, _)| dates.iter().map(|date| nearest(*day, *date))));
    all.extend(said.relative.map(|days| plus_days(today, days)));
    any_of(all, today)
}

/// Without those that are past, unless all are.
fn any_of(dates: BTreeSet<Date>, today: Date) -> Days {
    let ahead: BTreeSet<Date> = dates.into_iter().filter(|date| *date >= today).collect();
    if ahead.is_empty() { Days::Past } else { Days::AnyOf(ahead) }
}

/// The day as it was said; without year or month the next that is not past. 29 February looks eight years on.
pub(super) fn dated(day: u16, month: Option<u16>, year: Option<u16>, today: Date) -> Option<Date> {
    if let Some(year) = year {
        return date_of(year, month?, day);
    }
    let ahead = |date: &Date| *date >= today;
    let Some(month) = month else {
        let months = (0..=12).filter_map(|n: i32| today.first_of_month().checked_add(n.months()).ok());
        let this_day =
            |first: Date| date_of(first.year().unsigned_abs(), u16::from(first.month().unsigned_abs()), day);
        return months.filter_map(this_day).find(ahead);
    };
    let this_year = u16::try_from(today.year()).ok()?;
    (0..=8).filter_map(|n| date_of(this_year + n, month, day)).find(ahead)
}

/// The day of that name that is nearest.
fn nearest(weekday: Weekday, date: Date) -> Date {
    let days = (-3..=3).map(|days| plus_days(date, days));
    days.into_iter().find(|day| weekday_of(*day) == weekday).unwrap_or(date)
}

fn of_weekday(weekday: Weekday, which: Which, said: &Said, today: Date) -> Days {
    let from_today = next_on(weekday, today);
    let after_today = next_on(weekday, plus_days(today, 1));
    let in_weeks = |weeks: u16| plus_days(from_today, 7 * i64::from(weeks));
    let in_week = |week: i64| in_week(weekday, week, today);
    match *said {
        Said { relative: Some(_), in_days: None, in_weeks: None, later: None, week: None, .. } => {
            let relative = said.relative.map(|days| plus_days(today, days)).into_iter().collect();
            checked(relative, &Said { relative: None, ..said.clone() }, today)
        }
        Said { week: Some(week), relative: None, in_days: None, in_weeks: None, later: None, .. } => {
            any_of([in_week(week)].into(), today)
        }
        Said { in_weeks: Some(weeks), relative: None, in_days: None, later: None, week: None, .. } => {
            let counted = in_weeks(weeks);
            let of_calendar = if said.weeks_first { in_week(i64::from(weeks)) } else { counted };
            any_of([counted, of_calendar].into(), today)
        }
        Said { in_days: Some(days), relative: None, in_weeks: None, later: None, week: None, .. } => {
            match if days == 8 { Some(1) } else { (days % 7 == 0).then_some(days / 7) } {
                Some(weeks) => any_of([in_weeks(weeks)].into(), today),
                None => Days::Unclear,
            }
        }
        Said { later: Some(weeks), relative: None, in_days: None, in_weeks: None, week: None, .. } => {
            any_of([in_weeks(weeks)].into(), today)
        }
        Said { relative: None, in_days: None, in_weeks: None, later: None, week: None, .. } => {
            let week_after = plus_days(after_today, 7);
            let is_near = after_today <= plus_days(today, NEAR_DAYS);
            any_of(
                match which {
                    Which::Plain | Which::This => [from_today, after_today].into(),
                    Which::Next if is_near => [after_today, week_after].into(),
                    Which::Coming | Which::Next => [after_today].into(),
                    Which::AfterNext => [week_after].into(),
                },
                today,
            )
        }
        _ => Days::Unclear,
    }
}

/// The first day of that name from `date` on.
pub(super) fn next_on(weekday: Weekday, date: Date) -> Date {
    let mut days = (0..7).map(|days| plus_days(date, days));
    days.find(|day| weekday_of(*day) == weekday).unwrap_or(date)
}

/// The day of that name in a week from this one.
fn in_week(weekday: Weekday, week: i64, today: Date) -> Date {
    next_on(weekday, super::period::monday(week, today))
}

/// "heute in zwei Wochen", "morgen".
fn of_relative(relative: i64, said: &Said, today: Date) -> Days {
    let day = plus_days(today, relative);
    let later = |days: i64| any_of([plus_days(day, days)].into(), today);
    match (said.in_days, said.in_weeks.or(said.later), said.week) {
        (None, None, None) => later(0),
        (Some(8), None, None) => any_of([plus_days(day, 7), plus_days(day, 8)].into(), today),
        (Some(days), None, None) => later(i64::from(days)),
        (None, Some(weeks), None) => later(7 * i64::from(weeks)),
        (None, None, Some(week)) if within(day, week, today) => later(0),
        _ => Days::Unclear,
    }
}

/// "in drei Tagen", "in zwei Wochen", "nächste Woche".
fn of_distance(said: &Said, today: Date) -> Days {
    match (said.in_days, said.in_weeks, said.week) {
        (Some(8), None, None) => any_of([plus_days(today, 7), plus_days(today, 8)].into(), today),
        (Some(days), None, None) => any_of([plus_days(today, i64::from(days))].into(), today),
        (None, Some(weeks), None) => {
            let weeks = i64::from(weeks);
            let monday = super::period::monday(weeks, today);
            let listed = BTreeSet::from([plus_days(today, 7 * weeks)]);
            Days::Span { first: monday.max(today), last: plus_days(monday, 6), listed }
        }
        (None, None, Some(week)) => {
            let monday = super::period::monday(week, today);
            spanned(monday, plus_days(monday, 6), today)
        }
        _ => Days::Unclear,
    }
}

fn in_next_year(piece: DayPiece, today: Date) -> DayPiece {
    use super::day_phrase::Period;
    match piece {
        DayPiece::Span(Period::Month(month, None), edge) => {
            DayPiece::Span(Period::Month(month, u16::try_from(today.year() + 1).ok()), edge)
        }
        other => other,
    }
}
