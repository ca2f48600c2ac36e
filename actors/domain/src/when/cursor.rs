//! A place in a text whose pieces have their meanings. Grammars move it forward, or leave it where it was.

use super::{
    tag::{Lean, Mark, lean},
    term::Term,
    token::Token,
};

/// What the text is for; decides what `12.11` and a bare `14` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// A date first of all: `12.11` is a date, and so is `14`.
    Date,
    /// A time first of all: `12.11` and `14` are times.
    Time,
    /// Either.
    DateOrTime,
}

/// What `24.11` is in this text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairRole {
    Date,
    Clock,
    Unclear,
}

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    marks: &'a [Mark],
    at: usize,
    pub(super) expect: Expect,
    pub(super) lean: Lean,
    /// Behind "or": "um zehn oder elf".
    pub(super) is_after_or: bool,
    /// A date is written in figures with its year: then `2:30` is meant as it stands.
    pub(super) has_full_date: bool,
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    pub(super) fn new(marks: &'a [Mark], expect: Expect) -> Self {
        let is_full = |mark: &Mark| {
            matches!(
                mark,
                Mark::Figures(
                    Token::IsoDate(_)
                        | Token::Dotted { year: Some(_), .. }
                        | Token::Slashed { year: Some(_), .. }
                )
            )
        };
        let has_full_date = marks.iter().any(is_full);
        Self { marks, at: 0, expect, lean: lean(marks), is_after_or: false, has_full_date }
    }

    /// How far it is.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Whether everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.marks.len()
    }

    /// The piece at `ahead` from here.
    pub(super) fn look(&self, ahead: usize) -> Option<&'a Mark> {
        self.marks.get(self.at + ahead)
    }

    /// All pieces of the text.
    pub(super) const fn all(&self) -> &'a [Mark] {
        self.marks
    }

    /// The piece before this place.
    pub(super) fn before(&self) -> Option<&'a Mark> {
        self.at.checked_sub(1).and_then(|at| self.marks.get(at))
    }

    /// Goes on to the next piece.
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// Whether the piece at `ahead` may mean this.
    pub(super) fn is(&self, ahead: usize, term: Term) -> bool {
        self.look(ahead).is_some_and(|mark| mark.may_be(term))
    }

    /// Takes the next piece when it may mean this.
    pub(super) fn eat(&mut self, term: Term) -> bool {
        let eaten = self.is(0, term);
        self.at += usize::from(eaten);
        eaten
    }

    /// Takes the next piece when it may mean one of these.
    pub(super) fn eat_any(&mut self, terms: &[Term]) -> Option<Term> {
        terms.iter().copied().find(|term| self.eat(*term))
    }

    /// Takes the next piece when `pick` takes one of its meanings.
    pub(super) fn take<T>(&mut self, pick: impl Fn(Term) -> Option<T>) -> Option<T> {
        let found = self.look(0)?.pick(pick)?;
        self.step();
        Some(found)
    }

    /// Takes the next piece when `pick` takes its figures.
    pub(super) fn take_figures<T>(&mut self, pick: impl Fn(&'a Token) -> Option<T>) -> Option<T> {
        let Some(Mark::Figures(token)) = self.look(0) else { return None };
        let found = pick(token)?;
        self.step();
        Some(found)
    }

    /// Steps over words that say nothing.
    pub(super) fn skip_soft(&mut self) {
        while [Term::Filler, Term::On, Term::Article, Term::Of].into_iter().any(|term| self.eat(term)) {}
    }

    /// Does `read`, and stands where it stood when that gives nothing.
    pub(super) fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let at = self.at;
        let found = read(self);
        if found.is_none() {
            self.at = at;
        }
        found
    }

    /// A number in words or in at most two digits; "ein" and "a" are one when `with_article`.
    pub(super) fn count(&mut self, with_article: bool) -> Option<u16> {
        let figures = |token: &Token| match token {
            Token::Number { value, digits: 1 | 2 } => Some(*value),
            _ => None,
        };
        let words = |term| match term {
            Term::Cardinal(value) => Some(value),
            Term::Article if with_article => Some(1),
            _ => None,
        };
        self.take_figures(figures).or_else(|| self.take(words))
    }

    /// What `24.11` is here: what is expected; else a clock beside another date, a date beside a clock; alone
    /// a date, but for the even minutes in which people make appointments.
    pub(super) fn pair_role(&self, second: u16, digits: usize) -> PairRole {
        let has = |is: fn(&Mark) -> bool| self.marks.iter().any(is);
        let is_clock = |m: &Mark| {
            matches!(m, Mark::Figures(Token::Clock { .. })) || m.may_be(Term::Uhr) || m.may_be(Term::Pm)
        };
        match self.expect {
            _ if digits != 2 => PairRole::Date,
            Expect::Date => PairRole::Date,
            Expect::Time => PairRole::Clock,
            Expect::DateOrTime if self.before().is_some_and(|m| m.may_be(Term::On)) => PairRole::Date,
            Expect::DateOrTime if has(names_a_date) => PairRole::Clock,
            Expect::DateOrTime if has(is_clock) || !second.is_multiple_of(5) => PairRole::Date,
            Expect::DateOrTime if has(|m| matches!(m, Mark::Word { .. }) && is_weekday(m)) => {
                PairRole::Unclear
            }
            Expect::DateOrTime => PairRole::Clock,
        }
    }
}

fn names_a_date(mark: &Mark) -> bool {
    let is_month = |term| matches!(term, Term::Month(_)).then_some(());
    mark.pick(is_month).is_some()
        || matches!(
            mark,
            Mark::Figures(
                Token::IsoDate(_) | Token::Dotted { .. } | Token::Slashed { .. } | Token::Ordinal(_)
            )
        )
}

fn is_weekday(mark: &Mark) -> bool {
    mark.pick(|term| matches!(term, Term::Weekday(_)).then_some(())).is_some()
}
