//! Names of days and months in spite of a typing error. Whatever could be two of them is neither.

/// Letters that a word must have before typing errors are forgiven.
const LETTERS_MIN: usize = 5;
/// Letters that a word must have before two are forgiven.
const LETTERS_FOR_TWO_MIN: usize = 7;

/// The meaning of the names that come nearest to `word`, within one typing error, two in long words: letters
/// added, dropped, changed, or two neighbours swapped. The first letter must be right.
pub(super) fn nearest<T: Copy + PartialEq>(
    word: &str,
    names: impl Iterator<Item = (&'static str, T)>,
) -> Option<T> {
    let letters: Vec<char> = word.chars().collect();
    if letters.len() < LETTERS_MIN {
        return None;
    }
    let mut best: Option<(usize, T)> = None;
    let mut is_tied = false;
    for (name, meaning) in names {
        let name: Vec<char> = name.chars().collect();
        let shorter = letters.len().min(name.len());
        let allowed = if shorter >= LETTERS_FOR_TWO_MIN { 2 } else { 1 };
        let distance = distance(&letters, &name);
        if letters.first() != name.first() || shorter < LETTERS_MIN || distance > allowed {
            continue;
        }
        match best {
            Some((least, _)) if least < distance => {}
            Some((least, known)) if least == distance => is_tied |= known != meaning,
            _ => (best, is_tied) = (Some((distance, meaning)), false),
        }
    }
    best.filter(|_| !is_tied).map(|(_, meaning)| meaning)
}

/// Letters added, dropped or changed, or neighbours swapped (each pair once).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&row, j) + usize::from(x != y);
            let least = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let is_swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            let swapped = if is_swapped { at(&before, j - 1) + 1 } else { least };
            next.push(least.min(swapped));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [(&str, u8); 6] =
        [("montag", 1), ("dienstag", 2), ("donnerstag", 4), ("sonntag", 7), ("tusday", 2), ("thursday", 4)];

    fn find(word: &str) -> Option<u8> {
        nearest(word, NAMES.into_iter())
    }

    #[test]
    fn one_error_is_forgiven_and_two_in_long_words() {
        for (word, day) in [
            ("donerstag", 4),
            ("donnerstg", 4),
            ("dienstak", 2),
            ("sontag", 7),
            ("motnag", 1),
            ("donerstga", 4),
        ] {
            assert_eq!(find(word), Some(day), "{word}");
        }
    }

    #[test]
    fn what_could_be_two_names_or_none_is_none() {
        for word in ["thusday", "fontag", "mo", "dienst", "moontaag", "herbst", ""] {
            assert_eq!(find(word), None, "{word}");
        }
    }

    #[test]
    fn swapped_neighbours_are_one_error() {
        let count =
            |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, wanted) in
            [("ab", "ba", 1), ("", "ab", 2), ("abc", "abc", 0), ("abcd", "acbd", 1), ("abc", "adc", 1)]
        {
            assert_eq!(count(a, b), wanted, "{a} {b}");
        }
    }
}
