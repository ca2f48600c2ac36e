//! Words as people and machines spell them: folded so that case, umlauts and signs do not matter, and the
//! number of typing errors between two of them. Knows no language and no vocabulary.

/// Lower case, umlauts and common accents written out, letters and digits only.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'æ' => out.push_str("ae"),
            'ö' | 'œ' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            '\u{308}' => out.push('e'),
            'á' | 'à' | 'â' | 'å' | 'ã' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'í' | 'ì' | 'î' | 'ï' => out.push('i'),
            'ó' | 'ò' | 'ô' | 'õ' => out.push('o'),
            'ú' | 'ù' | 'û' => out.push('u'),
            'ç' => out.push('c'),
            'ñ' => out.push('n'),
            c if c.is_alphanumeric() => out.push(c),
            _ => {}
        }
    }
    out
}

/// The folded words of a text; apostrophes join, every other sign parts.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || is_within_word(c)));
    parts.map(fold).filter(|word| !word.is_empty()).collect()
}

/// Whether a word is one of a list that is written with spaces between.
#[must_use]
pub fn is_among(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|listed| listed == word)
}

/// Apostrophes, and marks that change the letter before them.
const fn is_within_word(c: char) -> bool {
    matches!(c, '\'' | '’' | '\u{300}'..='\u{36f}')
}

/// Typing errors that are forgiven in a word of so many letters: in short words one letter makes another
/// word.
#[must_use]
pub const fn typos_allowed(letters: usize) -> usize {
    match letters {
        0..=4 => 0,
        5..=8 => 1,
        9..=12 => 2,
        _ => 3,
    }
}

/// Letters added, dropped, changed, or two neighbours swapped, to get from one text to the other. `None` when
/// they are more than `max`.
#[must_use]
pub fn typos(a: &str, b: &str, max: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > max {
        return None;
    }
    let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
    let (mut before, mut above): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = cell(&above, j) + usize::from(x != y);
            let mut best = changed.min(cell(&above, j + 1) + 1).min(cell(&row, j) + 1);
            let crossed = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if crossed {
                best = best.min(cell(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|distance| *distance <= max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_lose_what_does_not_matter() {
        assert_eq!(words("Men's Schnitt,  für-Ma\u{308}nner!"), ["mens", "schnitt", "fuer", "maenner"]);
        assert_eq!(words("🦀 -- "), Vec::<String>::new());
        assert_eq!(fold("Straße N° Ñandú"), "strassennandu");
    }

    #[test]
    fn typing_errors_are_counted() {
        for (a, b, wanted) in [
            ("", "ab", Some(2)),
            ("abc", "abc", Some(0)),
            ("abc", "adc", Some(1)),
            ("abcd", "bcd", Some(1)),
            ("ab", "ba", Some(1)),
            ("schnitt", "shcnitt", Some(1)),
            ("abcdef", "ghi", None),
            ("herren", "damen", None),
        ] {
            assert_eq!(typos(a, b, 3), wanted, "{a} {b}");
        }
        assert_eq!(typos("abcdef", "abcdxy", 1), None);
    }

    proptest! {
        #[test]
        fn typing_errors_are_symmetric(a in "[a-e]{0,9}", b in "[a-e]{0,9}") {
            prop_assert_eq!(typos(&a, &b, 20), typos(&b, &a, 20));
            prop_assert_eq!(typos(&a, &a, 0), Some(0));
        }

        #[test]
        fn any_text_can_be_folded(text in any::<String>()) {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric));
            }
        }
    }
}
