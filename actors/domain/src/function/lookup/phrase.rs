//! A name as what it means: concepts of the vocabulary, words that are not in it, numbers. German words are
//! taken apart, "Herrenhaarschnitt" is men, hair and cut.

use std::collections::BTreeSet;

use super::{
    WORD_LETTERS_MAX, WORDS_MAX,
    vocabulary::{Concept, FILLERS, LINKS, PARTS, WORDS},
};
use crate::text::{fold, is_among, typos};

/// Letters that an unknown part of a word must have.
const UNKNOWN_LETTERS_MIN: usize = 4;
/// Letters that a part must have before a typing error in it is forgiven.
const TYPO_LETTERS_MIN: usize = 5;
/// What a typing error costs where an unknown letter costs one.
const TYPO_COST: usize = 3;
/// What an unknown part costs beside its letters.
const UNKNOWN_COST: usize = 2;

/// What letters between parts cost: less than to call them unknown with the next part.
const LINK_COST: usize = 2;

/// A piece of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    /// Of the vocabulary.
    Concept(Concept),
    /// A word or part of one that is not in the vocabulary, without its ending.
    Word(String),
    /// A number.
    Number(String),
    /// A length.
    Minutes(String),
    /// A price in cents.
    Money(i64),
}

impl Piece {
    /// Whether a name means the same without it.
    pub(super) const fn is_weak(&self) -> bool {
        matches!(self, Self::Concept(concept) if concept.is_weak())
    }
}

/// A name taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) pieces: BTreeSet<Piece>,
    /// Typing errors that were forgiven on the way.
    pub(super) typos: usize,
}

impl Phrase {
    /// Takes a name apart; with `forgiving`, parts with a typing error are known too. `None` for more words
    /// than a name has.
    pub(super) fn of(text: &str, forgiving: bool) -> Option<Self> {
        let tokens = tokens(text);
        if tokens.len() > 2 * WORDS_MAX {
            return None;
        }
        let mut phrase = Self::default();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Number(number) => {
                    let unit = tokens.next_if(|next| matches!(next, Token::Word(w) if unit(w).is_some()));
                    phrase.pieces.insert(measured(number, unit.as_ref()));
                }
                Token::Word(word) if is_among(FILLERS, &word) => {}
                Token::Word(word) => phrase.take(take_apart(&word, forgiving)),
            }
        }
        phrase.add_hair();
        Some(phrase)
    }

    /// Whether all of it is understood.
    pub(super) fn is_understood(&self) -> bool {
        !self.pieces.is_empty() && !self.pieces.iter().any(|piece| matches!(piece, Piece::Word(_)))
    }

    fn take(&mut self, parts: Parts) {
        self.typos += parts.typos;
        self.pieces.extend(parts.pieces);
    }

    /// What is cut or dyed is hair, unless something else is named.
    fn add_hair(&mut self) {
        let any = |is: fn(Concept) -> bool| {
            self.pieces.iter().any(|piece| matches!(piece, Piece::Concept(concept) if is(*concept)))
        };
        if any(Concept::is_done_to_hair) && !any(Concept::is_thing) {
            self.pieces.insert(Piece::Concept(Concept::Hair));
        }
    }
}

enum Token {
    Word(String),
    Number(String),
}

/// Words and numbers; `32,00` is one number, `30min` a number and a word.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for part in text.split(|c: char| !(c.is_alphanumeric() || "'’.,€\u{308}".contains(c))) {
        let part = part.trim_matches(['.', ',']);
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let is_number = first.is_ascii_digit();
            let end =
                rest.find(|c: char| (c.is_ascii_digit() || (is_number && ".,".contains(c))) != is_number);
            let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            if is_number {
                tokens.push(Token::Number(token.trim_end_matches(['.', ',']).to_owned()));
            } else {
                tokens.extend(token.split(['.', ',']).map(word).filter(|w| !w.is_empty()).map(Token::Word));
            }
        }
    }
    tokens
}

fn word(text: &str) -> String {
    if text.contains('€') { "eur".to_owned() } else { fold(text) }
}

fn unit(word: &str) -> Option<bool> {
    match word {
        "min" | "minute" | "minuten" | "minutes" | "mins" | "minuetig" | "minuetige" => Some(true),
        "eur" | "euro" | "euros" => Some(false),
        _ => None,
    }
}

fn measured(number: String, unit_word: Option<&Token>) -> Piece {
    let is_minutes = unit_word.and_then(|token| match token {
        Token::Word(word) => unit(word),
        Token::Number(_) => None,
    });
    match is_minutes {
        Some(true) => Piece::Minutes(number),
        Some(false) => cents(&number).map_or(Piece::Number(number), Piece::Money),
        None => Piece::Number(number),
    }
}

/// `32`, `32,00`, `32.5`.
fn cents(number: &str) -> Option<i64> {
    let (whole, part) = number.split_once([',', '.']).unwrap_or((number, "0"));
    let part = match part.len() {
        1 => part.parse::<i64>().ok()? * 10,
        2 => part.parse().ok()?,
        _ => return None,
    };
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

/// A word taken apart, and what that cost.
#[derive(Debug, Clone, Default)]
struct Parts {
    pieces: Vec<Piece>,
    typos: usize,
    cost: usize,
    /// Whether an unknown part is among them: one is enough.
    has_unknown: bool,
    /// Whether letters between parts may come next.
    may_link: bool,
}

/// The cheapest way to read a word.
fn take_apart(word: &str, forgiving: bool) -> Parts {
    let whole = |pieces| Parts { pieces, ..Parts::default() };
    if let Some((_, concepts)) = WORDS.iter().chain(PARTS.iter()).find(|(text, _)| *text == word) {
        return whole(concepts.iter().copied().map(Piece::Concept).collect());
    }
    let unknown = whole(vec![Piece::Word(without_ending(word))]);
    if word.len() > WORD_LETTERS_MAX || !word.is_ascii() {
        return unknown;
    }
    // The cheapest reading of the first n letters, for every n.
    let mut readings: Vec<Option<Parts>> = vec![None; word.len() + 1];
    if let Some(first) = readings.first_mut() {
        *first = Some(Parts::default());
    }
    for at in 0..word.len() {
        let Some(read) = readings.get(at).cloned().flatten() else { continue };
        for (end, parts) in steps(word, at, &read, forgiving) {
            let Some(place) = readings.get_mut(end) else { continue };
            if place.as_ref().is_none_or(|known| parts.cost < known.cost) {
                *place = Some(parts);
            }
        }
    }
    let all_unknown = UNKNOWN_COST + word.len();
    readings.pop().flatten().filter(|parts| parts.cost < all_unknown).unwrap_or(unknown)
}

/// Every way on from a place in a word.
fn steps(word: &str, at: usize, read: &Parts, forgiving: bool) -> Vec<(usize, Parts)> {
    let rest = word.get(at..).unwrap_or_default();
    let mut steps = Vec::new();
    for (text, concepts) in PARTS.iter() {
        if rest.starts_with(text) {
            steps.push((at + text.len(), read.and(concepts, 0)));
        } else if forgiving && text.len() >= TYPO_LETTERS_MIN {
            let ends = text.len() - 1..=text.len() + 1;
            let near = ends.filter(|end| rest.get(..*end).is_some_and(|part| typos(part, text, 1).is_some()));
            steps.extend(near.map(|end| (at + end, read.and(concepts, 1))));
        }
    }
    if read.may_link {
        let links = LINKS.split(' ').filter(|link| rest.starts_with(link));
        steps.extend(links.map(|link| (at + link.len(), read.and_link())));
    }
    if !read.has_unknown {
        let ends = (at + UNKNOWN_LETTERS_MIN)..=word.len();
        steps.extend(ends.filter_map(|end| Some((end, read.and_unknown(word.get(at..end)?)))));
    }
    steps
}

impl Parts {
    fn and(&self, concepts: &[Concept], typos: usize) -> Self {
        let mut parts = self.clone();
        parts.pieces.extend(concepts.iter().copied().map(Piece::Concept));
        parts.typos += typos;
        parts.cost += typos * TYPO_COST;
        parts.may_link = true;
        parts
    }

    fn and_link(&self) -> Self {
        Self { may_link: false, cost: self.cost + LINK_COST, ..self.clone() }
    }

    fn and_unknown(&self, part: &str) -> Self {
        let mut parts = self.clone();
        parts.pieces.push(Piece::Word(without_ending(part)));
        parts.cost += UNKNOWN_COST + part.len();
        parts.has_unknown = true;
        parts.may_link = false;
        parts
    }
}

/// A word without what its case and number add; short words stay as they are.
fn without_ending(word: &str) -> String {
    let stem = LINKS.split(' ').find_map(|ending| word.strip_suffix(ending)).filter(|stem| stem.len() >= 4);
    stem.unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, forgiving: bool) -> Vec<String> {
        let phrase = Phrase::of(text, forgiving).unwrap();
        let show = |piece: &Piece| match piece {
            Piece::Concept(concept) => format!("{concept:?}"),
            Piece::Word(word) => word.clone(),
            other => format!("{other:?}"),
        };
        phrase.pieces.iter().map(show).collect()
    }

    #[test]
    fn words_are_taken_apart() {
        for (text, wanted) in [
            ("Herrenhaarschnitt", vec!["Men", "Hair", "Cut"]),
            ("Schnitt für Männer", vec!["Men", "Hair", "Cut"]),
            ("Bartschnitt", vec!["Cut", "Beard"]),
            ("Zahnreinigungen", vec!["Tooth", "Cleaning"]),
            ("Haarschnitts", vec!["Hair", "Cut"]),
            ("Balayageschnitt", vec!["Hair", "Cut", "balayag"]),
            ("Permanent Make-up", vec!["make", "permanent"]),
            ("Damen", vec!["Women"]),
            ("Behandlung", vec!["Treatment"]),
            ("Massage 60min", vec!["Massage", "Minutes(\"60\")"]),
            ("Farbe 32,00 €", vec!["Hair", "Colour", "Money(3200)"]),
            ("Herrenschnit", vec!["Men", "schnit"]),
        ] {
            assert_eq!(pieces(text, false), wanted, "{text}");
        }
        assert_eq!(pieces("Herrenschnit", true), ["Men", "Hair", "Cut"]);
        assert_eq!(pieces("Herrenhaarshcnitt", true), ["Men", "Hair", "Cut"]);
    }

    #[test]
    fn a_text_with_too_many_words_is_no_name() {
        assert_eq!(Phrase::of(&"schnitt ".repeat(100), true), None);
        assert!(!Phrase::of(&"x".repeat(5_000), true).unwrap().is_understood());
    }
}
