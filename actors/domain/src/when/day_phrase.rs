//! The grammar of days: dates, days of the week, weeks and months, from and until.

use super::{
    clock_phrase::longest,
    cursor::Cursor,
    date_phrase::{date, month_term, year},
    part::Edge,
    tag::{Lean, Mark},
    term::Term,
    time_phrase::is_morning_here,
    token::Token,
};
use crate::tenant::Weekday;

/// What was said of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayPiece {
    /// So many days from today.
    Relative(i64),
    /// "in drei Tagen".
    InDays(u16),
    /// "in drei Wochen".
    InWeeks(u16),
    /// "in einem Monat".
    InMonths(u16),
    /// "in zwei Jahren".
    InYears,
    /// So many weeks after the day beside it.
    WeeksLater(u16),
    Weekday(Weekday, Which),
    /// A day, and as much of its month and year as was said.
    Calendar {
        day: u16,
        month: Option<u16>,
        year: Option<u16>,
    },
    /// A day of a month from this one.
    OfMonth {
        day: u16,
        ahead: i64,
    },
    /// Day and month in either order.
    EitherOrder {
        first: u16,
        second: u16,
        year: Option<u16>,
    },
    /// A week from this one.
    Week(i64),
    /// A week of the calendar.
    IsoWeek(u16),
    Weekend(Which),
    /// A part of a week or month, or all of it.
    Span(Period, Option<Edge>),
    /// "nächsten Jahres".
    NextYear,
    /// Over, whenever it was.
    Past,
}

/// Which of the days of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// "Freitag".
    Plain,
    /// "diesen Freitag".
    This,
    /// "kommenden Freitag".
    Coming,
    /// "nächsten Freitag".
    Next,
    /// "übernächsten Freitag".
    AfterNext,
}

/// What a span is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// "der Woche": this one, or the next when that part of it is over.
    OpenWeek,
    /// A week from this one.
    Week(i64),
    /// "des Monats": this one, or the next when that part of it is over.
    OpenMonth,
    /// A month from this one.
    MonthAhead(i64),
    /// The next month of this name, or that of a year.
    Month(u16, Option<u16>),
}

/// Days from one to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DaySpan {
    From(Vec<DayPiece>),
    Until(Vec<DayPiece>),
    Before(Vec<DayPiece>),
    After(Vec<DayPiece>),
    Between(Vec<DayPiece>, Vec<DayPiece>),
}

/// The next piece that says something of the day.
pub(super) fn day_piece(c: &mut Cursor<'_>) -> Option<DayPiece> {
    longest(
        c,
        &[
            &date,
            &weekday,
            &day_word,
            &ahead,
            &weeks_later,
            &past,
            &week,
            &iso_week,
            &weekend,
            &span,
            &next_year,
            &this_part,
        ],
    )
}

/// "von Montag bis Mittwoch", "ab dem 1. Dezember", "by Friday".
pub(super) fn day_span(c: &mut Cursor<'_>) -> Option<DaySpan> {
    longest(c, &[&between, &open_end])
}

fn between(c: &mut Cursor<'_>) -> Option<DaySpan> {
    let is_between = c.eat(Term::Between);
    if !is_between {
        c.eat_any(&[Term::From, Term::Of]);
    }
    let first = day(c)?;
    let links = [Term::Until, Term::Till, Term::To];
    let link = if is_between { c.eat(Term::And) } else { c.eat_any(&links).is_some() };
    if !link {
        let is_dash = |token: &Token| (*token == Token::Dash).then_some(());
        c.take_figures(is_dash).filter(|()| !is_between)?;
    }
    Some(DaySpan::Between(first, day(c)?))
}

fn open_end(c: &mut Cursor<'_>) -> Option<DaySpan> {
    if c.eat(Term::FromNow) {
        return Some(DaySpan::From(vec![DayPiece::Relative(0)]));
    }
    let leads =
        [Term::From, Term::Until, Term::Till, Term::AtLatest, Term::Before, Term::After, Term::AtEarliest];
    let lead = c.eat_any(&leads)?;
    c.eat(Term::AtLatest);
    let day = day(c)?;
    Some(match lead {
        Term::From | Term::AtEarliest => DaySpan::From(day),
        Term::Before => DaySpan::Before(day),
        Term::After => DaySpan::After(day),
        _ => DaySpan::Until(day),
    })
}

/// A day in all the pieces that it is said in: "Montag, den 30. November".
fn day(c: &mut Cursor<'_>) -> Option<Vec<DayPiece>> {
    let mut pieces = Vec::new();
    while let Some(piece) = c.attempt(|c| {
        c.skip_soft();
        day_piece(c)
    }) {
        pieces.push(piece);
    }
    (!pieces.is_empty()).then_some(pieces)
}

fn weekday(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let which = which(c);
    let is_led = c.lean != Lean::English && c.before().is_some_and(|mark| mark.may_be(Term::On));
    let is_named = is_led || (which != Some(Which::Plain) && which.is_some());
    let day = c.attempt(|c| short_weekday(c, is_named)).or_else(|| c.take(weekday_term))?;
    let which = which?;
    if c.eat(Term::AfterNext) {
        return Some(DayPiece::Weekday(day, Which::AfterNext));
    }
    Some(DayPiece::Weekday(day, which))
}

fn weekday_term(term: Term) -> Option<Weekday> {
    if let Term::Weekday(day) = term { Some(day) } else { None }
}

/// "Do 26.11.", "So 29.11.", "nächsten Do": words of other meanings elsewhere.
fn short_weekday(c: &mut Cursor<'_>, is_named: bool) -> Option<Weekday> {
    let is_date = matches!(
        c.look(1),
        Some(Mark::Figures(
            Token::Dotted { .. } | Token::Pair { .. } | Token::Ordinal(_) | Token::IsoDate(_)
        ))
    );
    if c.is(0, Term::So) && is_date {
        c.step();
        return Some(Weekday::Sun);
    }
    let is_figure = matches!(c.look(1), Some(Mark::Figures(_)));
    let is_meant = is_named || (c.lean != Lean::English && is_figure);
    c.take(|term| if let Term::ShortWeekday(day) = term { Some(day) } else { None }).filter(|_| is_meant)
}

/// "this", "kommenden", "this coming"; plain where none stands, `None` for one that is over.
fn which(c: &mut Cursor<'_>) -> Option<Which> {
    let mut which = Some(Which::Plain);
    while let Some(term) = c.eat_any(&[Term::This, Term::Coming, Term::Next, Term::AfterNext, Term::Last]) {
        which = match term {
            Term::This => Some(Which::This),
            Term::Coming => Some(Which::Coming),
            Term::Next => Some(Which::Next),
            Term::AfterNext => Some(Which::AfterNext),
            _ => None,
        };
    }
    which
}

fn day_word(c: &mut Cursor<'_>) -> Option<DayPiece> {
    if c.is(0, Term::Morgen) && is_morning_here(c) {
        return None;
    }
    c.take(|term| match term {
        Term::Day(days) if days < 0 => Some(DayPiece::Past),
        Term::Day(days) => Some(DayPiece::Relative(days)),
        Term::Morgen => Some(DayPiece::Relative(1)),
        Term::Feast(month, day) => Some(DayPiece::Calendar { day, month: Some(month), year: None }),
        _ => None,
    })
}

/// "in drei Wochen", "in 14 Tagen", "three days from now".
fn ahead(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let is_in = c.eat(Term::In);
    let (count, unit) = counted(c)?;
    if !is_in {
        c.eat(Term::FromNow).then_some(())?;
        return match unit {
            Term::DayUnit => Some(DayPiece::Relative(i64::from(count))),
            Term::Week => Some(DayPiece::Relative(i64::from(count) * 7)),
            _ => None,
        };
    }
    match unit {
        Term::DayUnit => Some(DayPiece::InDays(count)),
        Term::Week => Some(DayPiece::InWeeks(count)),
        Term::MonthUnit => Some(DayPiece::InMonths(count)),
        _ if count > 1 => Some(DayPiece::InYears),
        _ => None,
    }
}

/// A number and its unit; a fortnight is two weeks.
fn counted(c: &mut Cursor<'_>) -> Option<(u16, Term)> {
    let count = c.count(true)?;
    match c.eat_any(&[Term::DayUnit, Term::Week, Term::MonthUnit, Term::Year, Term::Fortnight])? {
        Term::Fortnight => Some((count.saturating_mul(2), Term::Week)),
        unit => Some((count, unit)),
    }
}

/// "a week on Friday", "two weeks from tomorrow", "a week today", "Friday week".
fn weeks_later(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let is_day = |mark: &Mark| {
        let is = |term| matches!(term, Term::Weekday(_) | Term::Day(0..) | Term::Morgen).then_some(());
        mark.pick(is).is_some()
    };
    if c.before().is_some_and(is_day) && c.eat(Term::Week) {
        return Some(DayPiece::WeeksLater(1));
    }
    let (count, unit) = counted(c)?;
    c.eat(Term::From);
    c.skip_soft();
    (unit == Term::Week && c.look(0).is_some_and(is_day)).then_some(DayPiece::WeeksLater(count))
}

/// "vor drei Tagen", "a week ago", "letzte Woche".
fn past(c: &mut Cursor<'_>) -> Option<DayPiece> {
    if c.eat(Term::Last) {
        c.eat_any(&[Term::Week, Term::MonthUnit, Term::Year, Term::Weekend])
            .or_else(|| c.take(|term| matches!(term, Term::Weekday(_) | Term::Month(_)).then_some(term)))?;
        // "the last week of November" lies ahead.
        let leads_on =
            [Term::Of, Term::In, Term::On].into_iter().any(|term| c.is(0, term) && !c.is(0, Term::Am));
        (!leads_on).then_some(())?;
        return Some(DayPiece::Past);
    }
    let is_before = c.eat(Term::Before);
    counted(c)?;
    (is_before || c.eat(Term::Ago)).then_some(DayPiece::Past)
}

/// "diese Woche", "nächste Woche", "the week after next".
fn week(c: &mut Cursor<'_>) -> Option<DayPiece> {
    weeks_ahead(c).map(DayPiece::Week)
}

fn weeks_ahead(c: &mut Cursor<'_>) -> Option<i64> {
    let which = which(c)?;
    c.eat(Term::Week).then_some(())?;
    match (which, c.eat(Term::AfterNext)) {
        (Which::Plain, true) | (Which::AfterNext, false) => Some(2),
        (Which::This, false) => Some(0),
        (Which::Coming | Which::Next, false) => Some(1),
        _ => None,
    }
}

fn iso_week(c: &mut Cursor<'_>) -> Option<DayPiece> {
    c.eat_any(&[Term::CalendarWeek, Term::Week])?;
    let week = c.count(false).filter(|week| (1..=53).contains(week))?;
    Some(DayPiece::IsoWeek(week))
}

fn weekend(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let which = which(c)?;
    c.eat(Term::Weekend).then_some(DayPiece::Weekend(which))
}

/// "Anfang Dezember", "Ende der Woche", "early next month", "im Dezember", "nächsten Monat".
fn span(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let edge = c.take(|term| match term {
        Term::Third(edge) | Term::Edge(edge) => Some(edge),
        _ => None,
    });
    if edge.is_some() {
        c.skip_soft();
    }
    let period = longest(c, &[&month_named, &month_ahead, &|c| weeks_ahead(c).map(Period::Week), &open])?;
    let is_open = matches!(period, Period::OpenWeek | Period::OpenMonth);
    let is_week = matches!(period, Period::Week(_));
    (edge.is_some() || !(is_open || is_week)).then_some(DayPiece::Span(period, edge))
}

fn month_named(c: &mut Cursor<'_>) -> Option<Period> {
    c.eat(Term::In);
    let month = c.take(month_term)?;
    Some(Period::Month(month, c.attempt(year)))
}

fn month_ahead(c: &mut Cursor<'_>) -> Option<Period> {
    months_ahead(c).map(Period::MonthAhead)
}

/// "diesen Monat", "next month".
pub(super) fn months_ahead(c: &mut Cursor<'_>) -> Option<i64> {
    let which = which(c)?;
    c.eat(Term::MonthUnit).then_some(())?;
    match which {
        Which::This => Some(0),
        Which::Coming | Which::Next => Some(1),
        Which::AfterNext => Some(2),
        Which::Plain => None,
    }
}

fn open(c: &mut Cursor<'_>) -> Option<Period> {
    match c.eat_any(&[Term::Week, Term::MonthUnit])? {
        Term::Week => Some(Period::OpenWeek),
        _ => Some(Period::OpenMonth),
    }
}

/// The "this" of "this afternoon".
fn this_part(c: &mut Cursor<'_>) -> Option<DayPiece> {
    let is_part =
        |mark: &Mark| mark.pick(|term| matches!(term, Term::Part(_) | Term::Edge(_)).then_some(())).is_some();
    (c.eat(Term::This) && c.look(0).is_some_and(is_part)).then_some(DayPiece::Relative(0))
}

fn next_year(c: &mut Cursor<'_>) -> Option<DayPiece> {
    (which(c)? == Which::Next && c.eat(Term::Year)).then_some(DayPiece::NextYear)
}
