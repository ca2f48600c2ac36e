//! Gives words their meanings: together with their neighbours first, then alone, then in spite of typing
//! errors.

use super::{
    numbers::{cardinal_de, cardinal_en, ordinal_de, ordinal_en},
    part::{Edge, Part},
    term::Term,
    token::Token,
    typos::nearest,
    words_de, words_en,
};

/// German words that say two things.
const COMPOUNDS: [(&str, [Term; 2]); 6] = [
    ("viertelstunde", [Term::Quarter, Term::Hour]),
    ("wochenanfang", [Term::Third(Edge::Early), Term::Week]),
    ("wochenmitte", [Term::Third(Edge::Mid), Term::Week]),
    ("monatsanfang", [Term::Third(Edge::Early), Term::MonthUnit]),
    ("monatsmitte", [Term::Third(Edge::Mid), Term::MonthUnit]),
    ("monatsende", [Term::Third(Edge::Late), Term::MonthUnit]),
];

/// A piece with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// A word, as it would be meant in German and in English; at least one of them.
    Word { de: Option<Term>, en: Option<Term> },
    /// Figures and dashes.
    Figures(Token),
    /// What is not known here.
    Strange,
}

/// Which language the words speak that belong to one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lean {
    German,
    English,
    /// Neither, or both.
    Unclear,
}

impl Mark {
    const fn german(term: Term) -> Self {
        Self::Word { de: Some(term), en: None }
    }

    const fn english(term: Term) -> Self {
        Self::Word { de: None, en: Some(term) }
    }

    /// Whether it may mean this.
    pub(super) fn may_be(&self, term: Term) -> bool {
        matches!(self, Self::Word { de, en } if *de == Some(term) || *en == Some(term))
    }

    /// What `pick` takes of its meanings, the German one first.
    pub(super) fn pick<T>(&self, pick: impl Fn(Term) -> Option<T>) -> Option<T> {
        let Self::Word { de, en } = self else { return None };
        de.and_then(&pick).or_else(|| en.and_then(&pick))
    }
}

/// The meanings of all pieces.
pub(super) fn tag(tokens: Vec<Token>) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        if let Some((mark, count)) = phrase(rest) {
            marks.push(mark);
            rest = rest.get(count..).unwrap_or_default();
            continue;
        }
        match token {
            Token::Word(word) => marks.extend(meanings(word)),
            Token::Strange => marks.push(Mark::Strange),
            figures => marks.push(Mark::Figures(figures.clone())),
        }
        rest = after;
    }
    joined(marks)
}

/// The longest words at the beginning that mean something together.
fn phrase(tokens: &[Token]) -> Option<(Mark, usize)> {
    let fits = |words: &[&str]| {
        let is_word = |(token, word): (&Token, &&str)| matches!(token, Token::Word(text) if text == word);
        words.len() <= tokens.len() && tokens.iter().zip(words).all(is_word)
    };
    let longest = |table: &[(&[&str], Term)]| {
        let fitting = table.iter().filter(|(words, _)| fits(words));
        fitting.max_by_key(|(words, _)| words.len()).map(|(words, term)| (words.len(), *term))
    };
    let german = longest(words_de::PHRASES).map(|(count, term)| (Mark::german(term), count));
    let english = longest(words_en::PHRASES).map(|(count, term)| (Mark::english(term), count));
    german.into_iter().chain(english).max_by_key(|(_, count)| *count)
}

/// What a word means; compounds are two.
fn meanings(word: &str) -> Vec<Mark> {
    let (de, en) = (german(word), english(word));
    if de.is_some() || en.is_some() {
        return vec![Mark::Word { de, en }];
    }
    compound(word).unwrap_or_else(|| vec![misspelt(word).unwrap_or(Mark::Strange)])
}

fn german(word: &str) -> Option<Term> {
    let number = || cardinal_de(word).map(Term::Cardinal).or_else(|| ordinal_de(word).map(Term::Ordinal));
    find(words_de::WORDS, word).or_else(|| find(&words_de::NAMES, word)).or_else(number)
}

fn english(word: &str) -> Option<Term> {
    let number = || cardinal_en(word).map(Term::Cardinal).or_else(|| ordinal_en(word).map(Term::Ordinal));
    find(words_en::WORDS, word).or_else(|| find(&words_en::NAMES, word)).or_else(number)
}

fn find(table: &[(&'static str, Term)], word: &str) -> Option<Term> {
    table.iter().find(|(name, _)| *name == word).map(|(_, term)| *term)
}

/// `freitagnachmittag`, `halbdrei`, `threeish`.
fn compound(word: &str) -> Option<Vec<Mark>> {
    let of_weekday = || {
        let is_weekday = |(_, term): &&(&str, Term)| matches!(term, Term::Weekday(_));
        let (name, weekday) =
            words_de::NAMES.iter().filter(is_weekday).find(|(name, _)| word.starts_with(name))?;
        let part = match word.strip_prefix(name)? {
            "morgen" | "fruh" => Term::Part(Part::Morning),
            rest => find(words_de::WORDS, rest).filter(|term| matches!(term, Term::Part(_)))?,
        };
        Some(vec![Mark::german(*weekday), Mark::german(part)])
    };
    let of_half = || {
        let hour = cardinal_de(word.strip_prefix("halb")?)?;
        Some(vec![Mark::german(Term::Halb), Mark::german(Term::Cardinal(hour))])
    };
    let of_ish = || {
        let term = match word.strip_suffix("ish")? {
            "noon" => Term::Noon,
            hour => Term::Cardinal(cardinal_en(hour)?),
        };
        Some(vec![Mark::english(term), Mark::english(Term::OrSo)])
    };
    let of_two = || {
        let (_, terms) = COMPOUNDS.iter().find(|(name, _)| *name == word)?;
        Some(terms.iter().map(|term| Mark::german(*term)).collect())
    };
    let of_tonight = || {
        let terms = [Term::Day(0), Term::Part(Part::Evening)];
        (word == "tonight").then(|| terms.map(Mark::english).to_vec())
    };
    of_two().or_else(of_weekday).or_else(of_half).or_else(of_ish).or_else(of_tonight)
}

fn misspelt(word: &str) -> Option<Mark> {
    let names =
        || words_de::NAMES.iter().map(|n| (n, true)).chain(words_en::NAMES.iter().map(|n| (n, false)));
    let term = nearest(word, names().map(|((name, term), _)| (*name, *term)))?;
    let is_german = names().any(|((_, known), german)| german && *known == term);
    let is_english = names().any(|((_, known), german)| !german && *known == term);
    Some(Mark::Word { de: is_german.then_some(term), en: is_english.then_some(term) })
}

/// Numbers that stand apart: `twenty fourth`, `vier und zwanzigsten`.
fn joined(marks: Vec<Mark>) -> Vec<Mark> {
    let mut out: Vec<Mark> = Vec::with_capacity(marks.len());
    for mark in marks {
        let before = out.len().checked_sub(1).and_then(|last| out.get(last).and_then(cardinal));
        let of_english =
            before.filter(|tens| matches!(tens, 20 | 30 | 40 | 50)).and_then(|tens| match mark {
                Mark::Word { en: Some(Term::Cardinal(unit)), de: None } if (1..10).contains(&unit) => {
                    Some(Term::Cardinal(tens + unit))
                }
                Mark::Word { en: Some(Term::Ordinal(unit)), de: None } if unit < 10 => {
                    Some(Term::Ordinal(tens + unit))
                }
                _ => None,
            });
        if let Some(term) = of_english {
            out.pop();
            out.push(Mark::english(term));
            continue;
        }
        if let Some(term) = german_ordinal(&out, &mark) {
            out.truncate(out.len().saturating_sub(2));
            out.push(Mark::german(term));
            continue;
        }
        out.push(mark);
    }
    out
}

fn german_ordinal(before: &[Mark], mark: &Mark) -> Option<Term> {
    let Mark::Word { de: Some(Term::Ordinal(tens @ (20 | 30))), .. } = mark else { return None };
    let [.., unit, and] = before else { return None };
    let unit = cardinal(unit).filter(|unit| (1..10).contains(unit) && and.may_be(Term::And))?;
    Some(Term::Ordinal(tens + unit))
}

fn cardinal(mark: &Mark) -> Option<u16> {
    mark.pick(|term| if let Term::Cardinal(value) = term { Some(value) } else { None })
}

/// The language of the words around a clock; numbers and "half" itself do not count.
pub(super) fn lean(marks: &[Mark]) -> Lean {
    let counts = |term: &Term| !matches!(term, Term::Cardinal(_) | Term::Ordinal(_) | Term::Half);
    let german = marks.iter().any(|m| matches!(m, Mark::Word { de: Some(t), en: None } if counts(t)));
    let english = marks.iter().any(|m| matches!(m, Mark::Word { de: None, en: Some(t) } if counts(t)));
    match (german, english) {
        (true, false) => Lean::German,
        (false, true) => Lean::English,
        _ => Lean::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::token::{cut, fold},
        *,
    };
    use crate::tenant::Weekday;

    fn marks(text: &str) -> Vec<Mark> {
        tag(cut(text))
    }

    #[test]
    fn the_vocabulary_is_written_as_it_is_compared() {
        let names = words_de::NAMES.iter().chain(&words_en::NAMES);
        let words = names.chain(words_de::WORDS).chain(words_en::WORDS).map(|(word, _)| *word);
        let phrases =
            words_de::PHRASES.iter().chain(words_en::PHRASES).flat_map(|(words, _)| words.iter().copied());
        for word in words.chain(phrases) {
            assert_eq!(fold(word), word);
        }
    }

    #[test]
    fn no_word_stands_twice_in_a_table() {
        for tables in [[words_de::WORDS, &words_de::NAMES], [words_en::WORDS, &words_en::NAMES]] {
            let words: Vec<&str> = tables.into_iter().flatten().map(|(word, _)| *word).collect();
            let distinct: std::collections::BTreeSet<&str> = words.iter().copied().collect();
            assert_eq!(words.len(), distinct.len());
        }
    }

    #[test]
    fn compounds_and_numbers_apart_are_found() {
        assert_eq!(marks("Freitagnachmittag").len(), 2);
        assert!(marks("Freitagmorgen")[1].may_be(Term::Part(Part::Morning)));
        assert!(marks("halbdrei")[1].may_be(Term::Cardinal(3)));
        assert!(marks("twenty-fourth")[0].may_be(Term::Ordinal(24)));
        assert!(marks("vier und zwanzigsten")[0].may_be(Term::Ordinal(24)));
        assert!(marks("two twenty five")[1].may_be(Term::Cardinal(25)));
    }

    #[test]
    fn a_misspelt_day_is_found_and_an_unknown_word_is_strange() {
        assert!(marks("Donerstag")[0].may_be(Term::Weekday(Weekday::Thu)));
        assert!(marks("wensday")[0].may_be(Term::Weekday(Weekday::Wed)));
        assert_eq!(marks("thuesday"), [Mark::Strange]);
        assert_eq!(marks("Herrenhaarschnitt"), [Mark::Strange]);
    }

    #[test]
    fn words_lean_to_their_language() {
        for (text, wanted) in [
            ("half ten", Lean::Unclear),
            ("tomorrow at half ten", Lean::English),
            ("morgen half ten", Lean::German),
            ("august", Lean::Unclear),
            ("morgen at ten", Lean::Unclear),
        ] {
            assert_eq!(lean(&marks(text)), wanted, "{text}");
        }
    }
}
