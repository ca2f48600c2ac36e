//! Weeks, weekends and months, or a part of one, as days seen from today.

use std::collections::BTreeSet;

use jiff::{ToSpan, civil::Date};

use super::{
    day_phrase::{DayPiece, Period, Which},
    days::{Days, spanned},
    literal::date_of,
    part::Edge,
    plus_days,
};

/// A "next" weekend that begins no further away than this is asked back.
const NEAR_DAYS: i64 = 2;
const SATURDAY: i64 = 5;

/// The Monday of a week from this one.
pub(super) fn monday(week: i64, today: Date) -> Date {
    plus_days(today, 7 * week - i64::from(today.weekday().to_monday_zero_offset()))
}

/// Whether a date lies in a week from this one.
pub(super) fn within(date: Date, week: i64, today: Date) -> bool {
    let monday = monday(week, today);
    monday <= date && date <= plus_days(monday, 6)
}

/// The days of a weekend, a month, a week of the calendar.
pub(super) fn of_period(piece: DayPiece, today: Date) -> Days {
    match piece {
        DayPiece::Weekend(which) => weekend(which, today),
        DayPiece::IsoWeek(week) => iso_week(week, today),
        DayPiece::InMonths(months) => in_months(months, today),
        DayPiece::Span(period, edge) => span(period, edge, today),
        _ => Days::Unclear,
    }
}

fn weekend(which: Which, today: Date) -> Days {
    let this = plus_days(monday(0, today), SATURDAY);
    let next = plus_days(this, 7);
    let both = |first: Date| spanned(first, plus_days(first, 1), today);
    match which {
        Which::Plain | Which::This | Which::Coming => both(this),
        Which::Next if this <= plus_days(today, NEAR_DAYS) => {
            Days::AnyOf([this, next].into_iter().filter(|day| *day > today).collect())
        }
        Which::Next => both(this),
        Which::AfterNext => both(next),
    }
}

/// The next week of that number that is not over.
fn iso_week(week: u16, today: Date) -> Days {
    let year_of = |date: Date| (date.iso_week_date().year(), date.iso_week_date().week());
    let mut mondays = (0..=53).map(|ahead| monday(ahead, today));
    let found = mondays.find(|day| i8::try_from(week).is_ok_and(|week| year_of(*day).1 == week));
    found.map_or(Days::Unclear, |monday| spanned(monday, plus_days(monday, 6), today))
}

/// The week around the same day of a later month.
fn in_months(months: u16, today: Date) -> Days {
    let Ok(day) = today.checked_add(i32::from(months).months()) else { return Days::Far };
    let monday = monday(0, day);
    Days::Span { first: monday.max(today), last: plus_days(monday, 6), listed: BTreeSet::from([day]) }
}

fn span(period: Period, edge: Option<Edge>, today: Date) -> Days {
    let of_week = |week: i64| {
        let monday = monday(week, today);
        let (first, last) = match edge {
            None => (0, 6),
            Some(Edge::Early) => (0, 1),
            Some(Edge::Mid) => (1, 3),
            Some(Edge::Late) => (3, 4),
        };
        spanned(plus_days(monday, first), plus_days(monday, last), today)
    };
    let of_month = |first: Option<Date>| {
        let Some(first) = first else { return Days::Unclear };
        let last = first.last_of_month();
        let (from, to) = match edge {
            None => (first, last),
            Some(Edge::Early) => (first, plus_days(first, 9)),
            Some(Edge::Mid) => (plus_days(first, 10), plus_days(first, 19)),
            Some(Edge::Late) => (plus_days(first, 20), last),
        };
        spanned(from, to, today)
    };
    let months_ahead = |months: i64| today.first_of_month().checked_add(months.months()).ok();
    match period {
        Period::Week(week) => of_week(week),
        Period::OpenWeek => or_next(of_week(0), || of_week(1)),
        Period::MonthAhead(months) => of_month(months_ahead(months)),
        Period::OpenMonth => or_next(of_month(months_ahead(0)), || of_month(months_ahead(1))),
        Period::Month(month, Some(year)) => of_month(date_of(year, month, 1)),
        Period::Month(month, None) => {
            let in_year = |ahead| date_of(today.year().unsigned_abs() + ahead, month, 1);
            or_next(of_month(in_year(0)), || of_month(in_year(1)))
        }
    }
}

fn or_next(this: Days, next: impl FnOnce() -> Days) -> Days {
    if this == Days::Past { next() } else { this }
}
