//! A whole text: the pieces that say something of day and time, in order. Whatever is left over makes that it
//! is not understood.

use super::{
    cursor::{Cursor, Expect},
    day_phrase::{DayPiece, DaySpan, day_piece, day_span},
    tag::{Mark, tag},
    term::Term,
    time_phrase::{TimePiece, time_piece},
    token::cut,
};

/// What one text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Phrase {
    /// Days: each group is one, in pieces; several groups are a choice.
    pub(super) days: Vec<Vec<DayPiece>>,
    /// Days from one to another, instead.
    pub(super) spans: Vec<DaySpan>,
    /// Times.
    pub(super) times: Vec<TimePiece>,
    /// The times are a choice.
    pub(super) is_choice_of_times: bool,
    /// A number that nothing makes a clock.
    pub(super) has_loose_number: bool,
}

impl Phrase {
    /// Whether it says something of the day.
    pub(super) fn has_day(&self) -> bool {
        !self.days.is_empty() || !self.spans.is_empty()
    }
}

/// Reads a text; `None` when anything in it is not known, or nothing is said.
pub(super) fn read(text: &str, expect: Expect) -> Option<Phrase> {
    let marks = tag(cut(text));
    if marks.contains(&Mark::Strange) {
        return None;
    }
    let mut c = Cursor::new(&marks, expect);
    let mut phrase = Phrase::default();
    let mut is_or = false;
    while !c.is_at_end() {
        c.is_after_or = is_or && !phrase.times.is_empty();
        if piece(&mut c, &mut phrase, is_or) {
            is_or = false;
        } else if c.eat_any(&[Term::Or, Term::And]).is_some() {
            is_or = true;
        } else if !skip(&mut c) && !loose_number(&mut c, &mut phrase) {
            return None;
        }
    }
    let says_nothing = !phrase.has_day() && phrase.times.is_empty();
    let is_left_over = phrase.has_loose_number && !phrase.times.is_empty();
    (!says_nothing && !is_left_over).then_some(phrase)
}

/// Takes the longest piece that begins here, if any. After "or" it is a choice beside the pieces of its kind.
fn piece(c: &mut Cursor<'_>, phrase: &mut Phrase, is_or: bool) -> bool {
    let (mut of_time, mut of_day, mut of_span) = (c.clone(), c.clone(), c.clone());
    let (time, day, span) = (time_piece(&mut of_time), day_piece(&mut of_day), day_span(&mut of_span));
    let reach = |there: &Cursor<'_>, is_found: bool| if is_found { there.position() } else { 0 };
    let time_end = reach(&of_time, time.is_some());
    let day_end = reach(&of_day, day.is_some());
    let span_end = reach(&of_span, span.is_some());
    if let Some(span) = span.filter(|_| span_end > day_end && span_end > time_end) {
        phrase.spans.push(span);
        *c = of_span;
    } else if let Some(day) = day.filter(|_| day_end >= time_end) {
        match phrase.days.last_mut().filter(|_| !is_or) {
            Some(group) => group.push(day),
            None => phrase.days.push(vec![day]),
        }
        *c = of_day;
    } else if let Some(time) = time {
        phrase.is_choice_of_times |= is_or && !phrase.times.is_empty();
        phrase.times.push(time);
        *c = of_time;
    } else {
        return false;
    }
    true
}

/// Steps over a word that says nothing in its place.
fn skip(c: &mut Cursor<'_>) -> bool {
    let soft = [
        Term::Filler,
        Term::On,
        Term::Article,
        Term::Of,
        Term::In,
        Term::At,
        Term::To,
        Term::So,
        Term::Shortly,
    ];
    // "am" leads on to something, or it was a clock's.
    if c.is(0, Term::Am) && c.look(1).is_none() {
        return false;
    }
    c.eat_any(&soft).is_some()
}

fn loose_number(c: &mut Cursor<'_>, phrase: &mut Phrase) -> bool {
    let is_hour = c.attempt(|c| c.count(false).filter(|hour| *hour <= 24)).is_some();
    phrase.has_loose_number |= is_hour;
    is_hour
}
