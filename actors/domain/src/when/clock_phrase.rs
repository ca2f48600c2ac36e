//! The grammar of clocks: "halb elf", "viertel vor neun", "14 Uhr 30", "half past ten", "3 pm".

use super::{
    clock::Clock,
    cursor::{Cursor, PairRole},
    literal::date_of,
    tag::{Lean, Mark},
    term::Term,
    token::Token,
};

/// Minutes that are said before or after an hour at most.
const MINUTES_SAID_MAX: u16 = 29;

/// What stands before a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nothing: a bare number is no clock.
    None,
    /// "um", "at", "gegen" and the like.
    At,
    /// "von", "between": then "ten to four" is a span.
    Span,
}

/// A clock, the longest way that it can be read.
pub(super) fn clock(c: &mut Cursor<'_>, lead: Lead) -> Option<Clock> {
    let ways: [Way<'_, Clock>; 10] = [
        &written,
        &|c| pair(c, lead),
        &hour_and_uhr,
        &|c| run_of_digits(c, lead),
        &half,
        &|c| minutes_and_hour(c, lead),
        &quarter_of_hour,
        &|c| hour_and_minute(c, lead),
        &noon,
        &|c| bare_hour(c, lead),
    ];
    longest(c, &ways)
}

/// One of the ways to read something.
pub(super) type Way<'a, T> = &'a dyn Fn(&mut Cursor<'_>) -> Option<T>;

/// The reading that goes furthest; the first of several.
pub(super) fn longest<T>(c: &mut Cursor<'_>, ways: &[Way<'_, T>]) -> Option<T> {
    let mut best: Option<(T, Cursor<'_>)> = None;
    for way in ways {
        let mut there = c.clone();
        let Some(found) = way(&mut there) else { continue };
        if best.as_ref().is_none_or(|(_, b)| there.position() > b.position()) {
            best = Some((found, there));
        }
    }
    let (found, there) = best?;
    *c = there;
    Some(found)
}

/// `9:30`, `14h30`. With a full date beside it, or padded, it is meant as it stands.
fn written(c: &mut Cursor<'_>) -> Option<Clock> {
    let (hour, minute, is_padded) = c.take_figures(|token| match *token {
        Token::Clock { hour, minute, is_padded, offset: None } => Some((hour, minute, is_padded)),
        _ => None,
    })?;
    let is_literal = is_padded || c.has_full_date;
    finish(c, Clock::said(hour, minute)?, is_literal.then_some((hour, minute)))
}

/// `14.30`, where it is no date.
fn pair(c: &mut Cursor<'_>, lead: Lead) -> Option<Clock> {
    let (hour, minute, digits) = c.take_figures(|token| match *token {
        Token::Pair { first, second, digits } => Some((first, second, digits)),
        _ => None,
    })?;
    let is_date = date_of(2024, minute, hour).is_some();
    let is_marked = lead != Lead::None || c.is(0, Term::Uhr) || c.is(0, Term::Pm) || is_am(c);
    if digits != 2 || !(is_marked || !is_date || c.pair_role(minute, digits) == PairRole::Clock) {
        return None;
    }
    finish(c, Clock::said(hour, minute)?, None)
}

/// `14 Uhr`, "drei Uhr dreißig".
fn hour_and_uhr(c: &mut Cursor<'_>) -> Option<Clock> {
    let (hour, is_padded) = hour(c, true)?;
    c.eat(Term::Uhr).then_some(())?;
    let minute = c.attempt(minute_after_uhr).unwrap_or(0);
    finish(c, Clock::said(hour, minute)?, is_padded.then_some((hour, minute)))
}

/// The "30" of "14 Uhr 30"; the "24" of "14 Uhr, 24 November" is none.
fn minute_after_uhr(c: &mut Cursor<'_>) -> Option<u16> {
    let minute = c.count(false)?;
    let is_day = c.look(0).is_some_and(|next| month(next).is_some());
    let is_hour = c.is(0, Term::Uhr) || c.is(0, Term::Before) || c.is(0, Term::After);
    (!is_day && !is_hour).then_some(minute)
}

fn month(mark: &Mark) -> Option<u16> {
    mark.pick(|term| if let Term::Month(month) = term { Some(month) } else { None })
}

/// `1430`, `0900`, `930`, "1400 hours": in the 24-hour way when it has four digits.
fn run_of_digits(c: &mut Cursor<'_>, lead: Lead) -> Option<Clock> {
    let (value, digits) = c.take_figures(|token| match *token {
        Token::Number { value, digits: digits @ 3..=4 } => Some((value, digits)),
        _ => None,
    })?;
    let has_unit = c.eat(Term::Hour) || c.is(0, Term::Uhr);
    let is_marked = has_unit || lead != Lead::None || (digits == 4 && value < 1000);
    if !is_marked || value % 5 != 0 {
        return None;
    }
    let (hour, minute) = (value / 100, value % 100);
    finish(c, Clock::said(hour, minute)?, (digits == 4).then_some((hour, minute)))
}

/// "halb elf" is half an hour before eleven; so is "half past ten". "half ten" is English for it, and nobody
/// knows which when German is spoken around it.
fn half(c: &mut Cursor<'_>) -> Option<Clock> {
    if c.eat(Term::Halb) {
        let (hour, _) = hour(c, false)?;
        let clock = Clock::said(hour, 0).filter(|_| hour <= 12)?;
        return finish(c, clock.shifted(-30), None);
    }
    c.eat(Term::Half).then_some(())?;
    let is_past = c.eat(Term::Past);
    let (hour, _) = hour(c, false)?;
    let after = Clock::said(hour, 30).filter(|_| hour <= 12)?;
    let clock = if is_past || c.lean == Lean::English {
        after
    } else {
        Clock::any_of([after.clone().shifted(-60), after])?
    };
    finish(c, clock, None)
}

/// "zehn nach drei", "viertel vor neun", "twenty to three", "fünf vor halb vier".
fn minutes_and_hour(c: &mut Cursor<'_>, lead: Lead) -> Option<Clock> {
    c.eat(Term::Article);
    let is_quarter = c.eat(Term::Quarter);
    let minutes = if is_quarter { 15 } else { c.count(false)? };
    let has_unit = c.eat(Term::Minute);
    let is_later = c.eat_any(&[Term::After, Term::Past]).is_some();
    let may_be_to = is_quarter || has_unit || lead == Lead::At;
    let is_earlier = ((is_quarter || lead != Lead::Span) && c.eat(Term::Before))
        || (is_quarter && c.eat_any(&[Term::Till, Term::Of]).is_some())
        || (may_be_to && c.eat(Term::To));
    if !(1..=MINUTES_SAID_MAX).contains(&minutes) || is_later == is_earlier {
        return None;
    }
    let hour = whole_or_half_hour(c)?;
    let minutes = i32::from(minutes);
    finish(c, hour.shifted(if is_later { minutes } else { -minutes }), None)
}

fn whole_or_half_hour(c: &mut Cursor<'_>) -> Option<Clock> {
    if c.eat(Term::Noon) {
        return Clock::sure(12, 0);
    }
    let is_half = c.eat(Term::Halb);
    let (hour, _) = hour(c, true)?;
    let clock = Clock::said(hour, 0)?;
    Some(if is_half { clock.shifted(-30) } else { clock })
}

/// "dreiviertel acht" is a quarter to eight. "viertel acht" is a quarter past seven in some regions; elsewhere
/// a "vor" or "nach" was lost on the way: all three are possible.
fn quarter_of_hour(c: &mut Cursor<'_>) -> Option<Clock> {
    let is_three = c.eat(Term::ThreeQuarters)
        || (c.is(0, Term::Cardinal(3))
            && c.is(1, Term::Quarter)
            && c.eat(Term::Cardinal(3))
            && c.eat(Term::Quarter));
    if !is_three && !c.eat(Term::Quarter) {
        return None;
    }
    let (hour, _) = hour(c, false)?;
    let to = Clock::said(hour, 0).filter(|_| hour <= 12)?.shifted(-15);
    let clock = if is_three { to } else { Clock::any_of([-30, 0, 30].map(|by| to.clone().shifted(by)))? };
    finish(c, clock, None)
}

/// "two thirty", "vierzehn dreißig", "nine oh five", "fourteen hundred".
fn hour_and_minute(c: &mut Cursor<'_>, lead: Lead) -> Option<Clock> {
    let in_words = matches!(c.look(0), Some(Mark::Word { .. }));
    let (hour, _) = hour(c, false)?;
    if c.eat(Term::Hundred) {
        c.eat(Term::Hour);
        return finish(c, Clock::sure(hour, 0)?, None);
    }
    let minute = if c.eat(Term::Oh) {
        c.count(false).filter(|minute| (1..10).contains(minute))?
    } else {
        c.count(false).filter(|minute| (10..60).contains(minute))?
    };
    let is_marked = lead != Lead::None || (in_words && minute % 5 == 0);
    if !is_marked || c.is(0, Term::Uhr) {
        return None;
    }
    finish(c, Clock::said(hour, minute)?, None)
}

fn noon(c: &mut Cursor<'_>) -> Option<Clock> {
    c.eat(Term::Noon).then_some(())?;
    Clock::sure(12, 0)
}

/// "drei", where something says that it is a clock.
fn bare_hour(c: &mut Cursor<'_>, lead: Lead) -> Option<Clock> {
    let at_end = |c: &mut Cursor<'_>| {
        let hour =
            c.take_figures(|token| if let Token::Ordinal(hour) = *token { Some(hour) } else { None })?;
        (lead == Lead::At && c.is_at_end()).then_some((hour, false))
    };
    let (hour, is_padded) = c.attempt(|c| hour(c, false)).or_else(|| c.attempt(at_end))?;
    let is_marked = lead != Lead::None || c.is(0, Term::Pm) || is_am(c) || c.is(0, Term::OrSo) || is_part(c);
    is_marked.then_some(())?;
    let clock = Clock::said(hour, 0)?;
    if hour == 12 && c.eat(Term::Noon) {
        return Clock::sure(12, 0);
    }
    finish(c, clock, is_padded.then_some((hour, 0)))
}

fn is_part(c: &Cursor<'_>) -> bool {
    c.look(0).is_some_and(|next| part(next).is_some())
}

fn part(mark: &Mark) -> Option<super::part::Part> {
    mark.pick(|term| if let Term::Part(part) = term { Some(part) } else { None })
}

/// An hour and whether it was padded like `09`. "ein" is one when `with_article`, before "Uhr".
fn hour(c: &mut Cursor<'_>, with_article: bool) -> Option<(u16, bool)> {
    let is_padded = matches!(c.look(0), Some(Mark::Figures(Token::Number { value: 0..10, digits: 2 })));
    let is_one = with_article && c.is(0, Term::Article) && c.is(1, Term::Uhr);
    let hour = c.count(is_one)?;
    (hour <= 24).then_some((hour, is_padded))
}

/// What stands behind a clock: "Uhr", am and pm, a part of the day. Without any of these, a `literal` one is
/// meant as it stands.
fn finish(c: &mut Cursor<'_>, clock: Clock, literal: Option<(u16, u16)>) -> Option<Clock> {
    c.eat(Term::Uhr);
    if c.eat(Term::Pm) {
        return clock.pm();
    }
    if is_am(c) && !clock.is_past_noon() {
        c.step();
        return clock.am();
    }
    if let Some((hour, minute)) = literal {
        return Clock::sure(hour, minute);
    }
    let here = c.look(0).and_then(part).and_then(|part| clock.within(Some(part)));
    // Whose midnight "zwölf Uhr nachts" is must be asked.
    let Some(narrowed) = here.filter(|narrowed| narrowed.plausible() != [0]) else { return Some(clock) };
    c.step();
    Some(narrowed)
}

/// Whether "am" stands here as before noon, and not as the German preposition of what follows.
fn is_am(c: &Cursor<'_>) -> bool {
    let is_german = c.look(0).is_some_and(|mark| mark.may_be(Term::On));
    let leads_on = match c.look(1) {
        Some(Mark::Word { de, en }) => de.is_some() && en.is_none(),
        Some(Mark::Figures(token)) => !matches!(token, Token::Dash),
        _ => false,
    };
    c.is(0, Term::Am) && !(is_german && leads_on)
}
