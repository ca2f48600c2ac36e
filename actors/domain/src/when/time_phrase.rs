//! The grammar of times: a clock with what stands around it, parts of the day, and what is said instead.

use jiff::tz::Offset;

use super::{
    clock::Clock,
    clock_phrase::{Lead, clock, longest},
    cursor::{Cursor, Expect},
    part::{Edge, Part},
    tag::{Lean, Mark},
    term::Term,
    token::Token,
};

/// What was said of the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimePiece {
    At(Clock),
    /// A clock with its offset, which counts only beside a date.
    Instant(Clock, Offset),
    Around(Clock),
    From(Clock),
    Until(Clock),
    Between(Clock, Clock),
    JustAfter(Clock),
    JustBefore(Clock),
    Midnight,
    /// So many minutes from now.
    InMinutes(i64),
    Part(Part),
    Edge(Edge),
    AnyTime,
    Soon,
    /// A time that must be asked.
    Vague,
}

/// Minutes that could be said before an hour: "ten to four" is a clock or a span.
const COULD_BE_MINUTES: [u16; 4] = [5, 10, 20, 25];

/// The next piece that says something of the time.
pub(super) fn time_piece(c: &mut Cursor<'_>) -> Option<TimePiece> {
    longest(c, &[&instant, &span, &open_span, &roughly, &at_clock, &in_a_while, &part_of_day, &other])
}

fn instant(c: &mut Cursor<'_>) -> Option<TimePiece> {
    c.eat(Term::At);
    c.take_figures(|token| match *token {
        Token::Clock { hour, minute, offset: Some(offset), .. } => {
            Some(TimePiece::Instant(Clock::sure(hour, minute)?, offset))
        }
        _ => None,
    })
}

/// "zwischen zwei und vier", "von neun bis eins", "14-16 Uhr", "2 to 4 pm".
fn span(c: &mut Cursor<'_>) -> Option<TimePiece> {
    let is_between = c.eat(Term::Between);
    let is_led = is_between || c.eat_any(&[Term::From, Term::Of]).is_some();
    let is_at = c.eat(Term::At);
    let first = c.look(0).cloned();
    let from = clock(c, Lead::Span)?;
    let links = [Term::Until, Term::Till, Term::To];
    let link = if is_between { c.eat_any(&[Term::And]) } else { c.eat_any(&links) };
    if link.is_none() {
        let is_dash = |token: &Token| (*token == Token::Dash).then_some(());
        c.take_figures(is_dash).filter(|()| !is_between)?;
    }
    c.eat(Term::At);
    let to = clock(c, Lead::Span)?;
    // "8 to 8:30 pm" is all in the evening.
    let is_half_said = c.before().is_some_and(|mark| mark.may_be(Term::Pm));
    let from = if is_half_said { from.last_before(&to) } else { from };
    c.eat(Term::AtLatest);
    if link == Some(Term::To) && !is_led && first.as_ref().is_some_and(could_be_minutes) {
        return (!is_at).then_some(TimePiece::Vague);
    }
    Some(TimePiece::Between(from, to))
}

fn could_be_minutes(mark: &Mark) -> bool {
    let in_figures =
        matches!(mark, Mark::Figures(Token::Number { value, .. }) if COULD_BE_MINUTES.contains(value));
    in_figures || COULD_BE_MINUTES.iter().any(|minutes| mark.may_be(Term::Cardinal(*minutes)))
}

/// "ab drei", "nach 17 Uhr", "bis zwölf", "kurz vor drei", "by eleven".
fn open_span(c: &mut Cursor<'_>) -> Option<TimePiece> {
    let is_short = c.eat(Term::Shortly);
    let lead = c.eat_any(&[
        Term::After,
        Term::Before,
        Term::From,
        Term::AtEarliest,
        Term::Until,
        Term::AtLatest,
        Term::Till,
    ])?;
    c.eat(Term::AtLatest);
    c.skip_soft();
    c.eat_any(&[Term::At, Term::Around]);
    let clock = c.attempt(part_as_clock).or_else(|| clock(c, Lead::Span))?;
    c.eat_any(&[Term::AtLatest, Term::AtEarliest]);
    match (lead, is_short) {
        (Term::After, true) => Some(TimePiece::JustAfter(clock)),
        (Term::Before, true) => Some(TimePiece::JustBefore(clock)),
        (_, true) => None,
        (Term::After | Term::From | Term::AtEarliest, false) => Some(TimePiece::From(clock)),
        _ => Some(TimePiece::Until(clock)),
    }
}

/// The beginning of a part: "ab Mittag", "bis abends".
fn part_as_clock(c: &mut Cursor<'_>) -> Option<Clock> {
    let part = c.take(part_term)?;
    Clock::sure(part.window()?.from_minute / 60, 0)
}

/// "gegen drei", "so um zehn", "at about three", "around noon".
fn roughly(c: &mut Cursor<'_>) -> Option<TimePiece> {
    c.eat(Term::At);
    let is_so = c.lean != Lean::English && c.eat(Term::So);
    let is_rough = c.eat(Term::Around) || is_so;
    is_rough.then_some(())?;
    c.eat(Term::At);
    if c.eat(Term::Part(Part::Noon)) {
        return Clock::sure(12, 0).map(TimePiece::Around);
    }
    if let Some(part) = c.attempt(|c| c.take(part_term)) {
        return Some(TimePiece::Part(part));
    }
    let clock = clock(c, Lead::At)?;
    c.eat(Term::OrSo);
    Some(TimePiece::Around(clock))
}

/// "um drei", "15 Uhr", "at three at the earliest", "zehn Uhr herum".
fn at_clock(c: &mut Cursor<'_>) -> Option<TimePiece> {
    let is_led = c.eat(Term::At);
    if is_led {
        c.skip_soft();
        c.eat(Term::At);
    }
    if c.eat(Term::Midnight) {
        return Some(TimePiece::Midnight);
    }
    let is_clock = is_led || c.is_after_or || c.expect == Expect::Time;
    let lead = if is_clock { Lead::At } else { Lead::None };
    let clock = clock(c, lead)?;
    Some(match c.eat_any(&[Term::OrSo, Term::AtEarliest, Term::AtLatest]) {
        Some(Term::OrSo) => TimePiece::Around(clock),
        Some(Term::AtEarliest) => TimePiece::From(clock),
        Some(Term::AtLatest) => TimePiece::Until(clock),
        _ => TimePiece::At(clock),
    })
}

/// "in einer Stunde", "in half an hour", "two hours from now".
fn in_a_while(c: &mut Cursor<'_>) -> Option<TimePiece> {
    let is_in = c.eat(Term::In);
    let minutes = c.attempt(part_of_hour).or_else(|| c.attempt(hours_or_minutes))?;
    (is_in || c.eat(Term::FromNow)).then_some(TimePiece::InMinutes(minutes))
}

fn part_of_hour(c: &mut Cursor<'_>) -> Option<i64> {
    c.eat(Term::Article);
    let minutes = match c.eat_any(&[Term::Halb, Term::Half, Term::Quarter])? {
        Term::Quarter => 15,
        _ => 30,
    };
    c.eat(Term::Of);
    c.eat(Term::Article);
    c.eat(Term::Hour).then_some(minutes)
}

fn hours_or_minutes(c: &mut Cursor<'_>) -> Option<i64> {
    let count = i64::from(c.count(true)?);
    match c.eat_any(&[Term::Hour, Term::Minute])? {
        Term::Hour => Some(count * 60),
        _ => Some(count),
    }
}

/// "am späten Nachmittag", "early evening", "am Morgen".
fn part_of_day(c: &mut Cursor<'_>) -> Option<TimePiece> {
    if is_morning_here(c) {
        c.step();
        return Some(TimePiece::Part(Part::Morning));
    }
    let edge = c.take(edge_term);
    let part = c.attempt(|c| c.take(part_term));
    match (edge, part) {
        (None, part) => part.map(TimePiece::Part),
        (Some(edge), None) => Some(TimePiece::Edge(edge)),
        (Some(edge), Some(part)) => part.at_edge(edge).map(TimePiece::Part),
    }
}

fn edge_term(term: Term) -> Option<Edge> {
    if let Term::Edge(edge) = term { Some(edge) } else { None }
}

fn part_term(term: Term) -> Option<Part> {
    if let Term::Part(part) = term { Some(part) } else { None }
}

/// Whether "morgen" is the morning here: behind "am" or behind a day.
pub(super) fn is_morning_here(c: &Cursor<'_>) -> bool {
    let leads = |term| {
        matches!(term, Term::Weekday(_) | Term::Day(_) | Term::Morgen | Term::Month(_) | Term::Am)
            .then_some(())
    };
    let is_date = |mark: &Mark| {
        matches!(mark, Mark::Figures(Token::Dotted { .. } | Token::IsoDate(_) | Token::Ordinal(_)))
    };
    c.is(0, Term::Morgen) && c.before().is_some_and(|mark| mark.pick(leads).is_some() || is_date(mark))
}

fn other(c: &mut Cursor<'_>) -> Option<TimePiece> {
    c.take(|term| match term {
        Term::AnyTime => Some(TimePiece::AnyTime),
        Term::Soon => Some(TimePiece::Soon),
        Term::Vague => Some(TimePiece::Vague),
        _ => None,
    })
}
