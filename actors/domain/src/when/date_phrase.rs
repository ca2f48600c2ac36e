//! The grammar of dates: a day with its month and year, in words or figures.

use super::{
    clock_phrase::longest,
    cursor::{Cursor, Expect, PairRole},
    day_phrase::{DayPiece, months_ahead},
    tag::Mark,
    term::Term,
    token::Token,
};

/// Years that a number behind a date may be; `1400` is a clock.
const YEARS: std::ops::RangeInclusive<u16> = 1900..=2199;

/// A date, as much of it as is said.
pub(super) fn date(c: &mut Cursor<'_>) -> Option<DayPiece> {
    longest(c, &[&in_figures, &day_and_month, &month_and_day, &day_of_month_ahead, &bare_day])
}

fn in_figures(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let role = |c: &Cursor<'_>| match c.look(0) {
        Some(Mark::Figures(Token::Pair { second, digits, .. })) => c.pair_role(*second, *digits),
        _ => PairRole::Date,
    };
    let role = role(c);
    let piece = c.take_figures(|token| match *token {
        Token::IsoDate(date) => Some(DayPiece::Calendar {
            day: u16::from(date.day().unsigned_abs()),
            month: Some(u16::from(date.month().unsigned_abs())),
            year: Some(date.year().unsigned_abs()),
        }),
        Token::Dotted { day, month, year } => Some(DayPiece::Calendar { day, month: Some(month), year }),
        Token::Pair { first, second, .. } if role == PairRole::Date && second <= 12 => {
            Some(DayPiece::Calendar { day: first, month: Some(second), year: None })
        }
        Token::Slashed { first, second, year } => Some(DayPiece::EitherOrder { first, second, year }),
        _ => None,
    })?;
    Some(with_year(c, piece))
}

/// "24. November", "the 24th of November", "24. 11.", "vierundzwanzigster elfter".
fn day_and_month(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let (day, is_ordinal) = c
        .attempt(|c| ordinal(c).map(|day| (day, true)))
        .or_else(|| c.attempt(|c| c.count(false).map(|day| (day, false))))?;
    c.skip_soft();
    let month = match c.attempt(|c| c.take(month_term)) {
        Some(month) => month,
        None => ordinal(c).filter(|month| is_ordinal && *month <= 12)?,
    };
    is_day(day).then(|| with_year(c, DayPiece::Calendar { day, month: Some(month), year: None }))
}

/// "am 3. nächsten Monats", "the 24th of this month".
fn day_of_month_ahead(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let day = ordinal(c).filter(|day| is_day(*day))?;
    c.skip_soft();
    Some(DayPiece::OfMonth { day, ahead: months_ahead(c)? })
}

/// "November 24", "December first", "May the 5th"; the "14" of "Dezember 14 Uhr" is a clock.
fn month_and_day(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let month = c.take(month_term)?;
    c.skip_soft();
    let day = c.attempt(ordinal).or_else(|| c.count(false)).filter(|day| is_day(*day))?;
    let is_clock = [Term::Uhr, Term::Pm, Term::Am].into_iter().any(|term| c.is(0, term));
    (!is_clock).then(|| with_year(c, DayPiece::Calendar { day, month: Some(month), year: None }))
}

/// "am 24.", "the 24th"; a bare number only where a date is expected.
fn bare_day(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let is_alone = c.all().len() == 1 && c.expect == Expect::Date;
    let day = c.attempt(ordinal).or_else(|| c.count(false).filter(|_| is_alone))?;
    is_day(day).then_some(DayPiece::Calendar { day, month: None, year: None })
}

fn is_day(day: u16) -> bool {
    (1..=31).contains(&day)
}

fn ordinal(c: &mut Cursor<'_>) -> Option<u16> {
    let figures = |token: &Token| if let Token::Ordinal(value) = *token { Some(value) } else { None };
    let words = |term| if let Term::Ordinal(value) = term { Some(value) } else { None };
    c.take_figures(figures).or_else(|| c.take(words))
}

pub(super) fn month_term(term: Term) -> Option<u16> {
    if let Term::Month(month) = term { Some(month) } else { None }
}

/// A year that follows, unless it is a clock.
fn with_year(c: &mut Cursor<'_>, piece: DayPiece) -> DayPiece {
    let DayPiece::Calendar { day, month, year: None } = piece else { return piece };
    DayPiece::Calendar { day, month, year: c.attempt(year) }
}

pub(super) fn year(c: &mut Cursor<'_>) -> Option<u16> {
    let year = c.take_figures(|token| match *token {
        Token::Number { value, digits: 4 } => Some(value).filter(|year| YEARS.contains(year)),
        _ => None,
    })?;
    (!c.is(0, Term::Uhr) && !c.is(0, Term::Hour)).then_some(year)
}
