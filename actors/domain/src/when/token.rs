//! The pieces of a text: words as they are compared, and everything that is written in figures. Knows the
//! shapes of numeric dates and clocks, not what they mean.

use jiff::{civil::Date, tz::Offset};

use super::literal;

/// A piece of a text. What is neither a word nor one of the shapes is `Strange`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, folded by [`fold`].
    Word(String),
    /// Digits; how many tells `9` from `09` and `0900`.
    Number { value: u16, digits: usize },
    /// `24.`, `24th`, `24ten`.
    Ordinal(u16),
    /// `2026-11-24`, as a day that exists.
    IsoDate(Date),
    /// `24.11.`, `24.11.26`, `24.11.2026`.
    Dotted { day: u16, month: u16, year: Option<u16> },
    /// `24.11` or `14.30`: a day and a month, or a clock when the second has two digits.
    Pair { first: u16, second: u16, digits: usize },
    /// `24/11`, `11/24/2026`.
    Slashed { first: u16, second: u16, year: Option<u16> },
    /// `9:30`, `14h30`, `14:30:00+01:00`.
    Clock { hour: u16, minute: u16, is_padded: bool, offset: Option<Offset> },
    /// Between two numbers, or with space around it.
    Dash,
    /// Anything else.
    Strange,
}

/// Cuts a text into its pieces; punctuation between them is dropped.
pub(super) fn cut(text: &str) -> Vec<Token> {
    let lower = text.to_lowercase();
    let mut rest = lower.as_str();
    let mut tokens = Vec::new();
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let (token, after) = one(next, rest, before);
        tokens.extend(token);
        before = rest.get(..rest.len() - after.len()).and_then(|t| t.chars().next_back()).unwrap_or(' ');
        rest = after;
    }
    tokens
}

/// The first piece of a text that begins with `next`, and what follows it.
fn one(next: char, rest: &str, before: char) -> (Option<Token>, &str) {
    let after = rest.get(next.len_utf8()..).unwrap_or_default();
    if next.is_ascii_digit() {
        return literal::figures(rest, before == 't').map_or_else(
            || (Some(Token::Strange), rest.trim_start_matches(|c: char| c.is_ascii_digit())),
            |(token, rest)| (Some(token), rest),
        );
    }
    if next.is_alphabetic() {
        let (word, rest) = word(rest);
        return (Some(word), rest);
    }
    match next {
        '-' | '–' | '—' | '−' => (is_dash(before, after).then_some(Token::Dash), after),
        '@' => (Some(Token::Word("at".to_owned())), after),
        ' ' | '\t' | '\n' | '\r' | '\u{a0}' | '\u{202f}' => (None, after),
        ',' | ';' | ':' | '.' | '!' | '?' | '"' | '\'' | '’' | '„' | '“' | '”' | '(' | ')' => {
            (None, after)
        }
        _ => (Some(Token::Strange), after),
    }
}

/// Between digits, or free-standing: `14-16`, `10am-2pm`, `Montag - Mittwoch`; not `mid-december`.
fn is_dash(before: char, after: &str) -> bool {
    let is_free = before == ' ' && after.starts_with(' ');
    is_free || after.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

fn word(rest: &str) -> (Token, &str) {
    if let Some((half, after)) = dotted_meridiem(rest) {
        return (Token::Word(half.to_owned()), after);
    }
    let is_inner = |c: char| c.is_alphabetic() || matches!(c, '\'' | '’' | '\u{308}');
    let end = rest.find(|c: char| !is_inner(c)).unwrap_or(rest.len());
    let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (Token::Word(fold(word)), after)
}

/// `a.m.`, `p.m`: never the German "am".
fn dotted_meridiem(rest: &str) -> Option<(&'static str, &str)> {
    [("a.m", "antemeridiem"), ("p.m", "pm")].into_iter().find_map(|(written, word)| {
        let after = rest.strip_prefix(written)?;
        let after = after.strip_prefix('.').unwrap_or(after);
        (!after.starts_with(char::is_alphanumeric)).then_some((word, after))
    })
}

/// How words are compared: lower case, without apostrophes, umlauts as their plain vowel whether they were
/// typed, written out or left out (`übermorgen`, `uebermorgen` and `ubermorgen` are `ubermorgen`).
pub(super) fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'á' | 'à' | 'â' => out.push('a'),
            'ö' | 'ó' | 'ò' | 'ô' => out.push('o'),
            'ü' | 'ú' | 'ù' | 'û' => out.push('u'),
            'é' | 'è' | 'ê' => out.push('e'),
            'ß' => out.push_str("ss"),
            'e' if ends_in_umlaut(&out) => {}
            c if c.is_alphanumeric() => out.push(c),
            _ => {}
        }
    }
    out
}

/// Whether an `e` would make it an umlaut that is written out: not after another vowel, as in "neuen".
fn ends_in_umlaut(word: &str) -> bool {
    let mut last = word.chars().rev();
    let is_vowel = |c: Option<char>| c.is_some_and(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u'));
    matches!(last.next(), Some('a' | 'o' | 'u')) && !is_vowel(last.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn umlauts_are_one_however_they_are_typed() {
        for spelling in ["Übermorgen", "uebermorgen", "ubermorgen", "U\u{308}bermorgen"] {
            assert_eq!(fold(spelling), "ubermorgen");
        }
        assert_eq!(
            (fold("Dreißig"), fold("März"), fold("o’clock")),
            ("dreissig".into(), "marz".into(), "oclock".into())
        );
        assert_eq!((fold("neuen"), fold("heute")), ("neuen".into(), "heute".into()));
    }

    #[test]
    fn a_dash_stands_between_numbers_or_alone() {
        let dashes = |text| cut(text).into_iter().filter(|t| *t == Token::Dash).count();
        for text in ["14-16 Uhr", "10am-2pm", "14 – 16", "Montag - Mittwoch"] {
            assert_eq!(dashes(text), 1, "{text}");
        }
        for text in ["mid-December", "twenty-fourth", "Montag-Nachmittag", "3-ish"] {
            assert_eq!(dashes(text), 0, "{text}");
        }
    }

    #[test]
    fn what_nobody_says_is_strange() {
        for text in ["👍", "€", "24 + 1"] {
            assert!(cut(text).contains(&Token::Strange), "{text}");
        }
        assert!(!cut("passt Freitag, 11 Uhr?").contains(&Token::Strange));
    }
}
