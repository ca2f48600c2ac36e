//! Finds what somebody named: by slug or name, without regard to case, spaces and the spelling of
//! umlauts, by a unique beginning, and in spite of a typing error or two.

/// Letters that a beginning must have before it stands for the whole.
pub const PREFIX_LETTERS_MIN: usize = 3;
/// Letters that a name must have before typing errors are forgiven.
pub const TYPO_LETTERS_MIN: usize = 6;
/// Typing errors that are forgiven.
pub const TYPOS_MAX: usize = 2;

/// Something that can be named.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a, Id> {
    /// What is found.
    pub id: Id,
    /// Its slug.
    pub slug: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What a name led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<Id> {
    /// Exactly one.
    One(Id),
    /// Several that fit equally well, in the order of the candidates.
    Several(Vec<Id>),
    /// None.
    Nobody,
}

/// Looks `wanted` up: exact slug, exact name, unique beginning, then fewest typing errors. The first of
/// these that fits anything decides.
#[must_use]
pub fn look_up<Id: Copy + PartialEq>(wanted: &str, candidates: &[Candidate<'_, Id>]) -> Found<Id> {
    let wanted = fold(wanted);
    if wanted.is_empty() {
        return Found::Nobody;
    }
    let long_enough = wanted.chars().count() >= PREFIX_LETTERS_MIN;
    let folded: Vec<(Id, String, String)> =
        candidates.iter().map(|c| (c.id, fold(c.slug), fold(c.name))).collect();
    let fitting = |fits: &dyn Fn(&str, &str) -> bool| -> Vec<Id> {
        folded.iter().filter(|(_, slug, name)| fits(slug, name)).map(|(id, ..)| *id).collect()
    };
    let stages = [
        fitting(&|slug, _| slug == wanted),
        fitting(&|_, name| name == wanted),
        fitting(&|slug, name| long_enough && (name.starts_with(&wanted) || slug.starts_with(&wanted))),
        nearest(&wanted, &folded),
    ];
    let first = stages.into_iter().find(|ids| !ids.is_empty()).unwrap_or_default();
    match first.as_slice() {
        [] => Found::Nobody,
        [id] => Found::One(*id),
        _ => Found::Several(first),
    }
}

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

/// Those with the fewest typing errors within the limit; digits must agree, `Schnitt 1` is not `Schnitt 2`.
fn nearest<Id: Copy>(wanted: &str, folded: &[(Id, String, String)]) -> Vec<Id> {
    let distance = |name: &str| {
        let same_digits = digits_of(name).eq(digits_of(wanted));
        let long_enough = name.chars().count() >= TYPO_LETTERS_MIN;
        if same_digits && long_enough { Some(typos(wanted, name)).filter(|d| *d <= TYPOS_MAX) } else { None }
    };
    let distances: Vec<(Id, usize)> = folded
        .iter()
        .filter_map(|(id, slug, name)| Some((*id, distance(slug).into_iter().chain(distance(name)).min()?)))
        .collect();
    let best = distances.iter().map(|(_, d)| *d).min();
    distances.into_iter().filter(|(_, d)| Some(*d) == best).map(|(id, _)| id).collect()
}

fn digits_of(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(char::is_ascii_digit)
}

/// Levenshtein's distance: letters added, dropped or changed.
pub(crate) fn typos(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    if a.chars().count().abs_diff(b.len()) > TYPOS_MAX {
        return TYPOS_MAX + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let next = (diagonal + usize::from(x != *y)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVICES: [(u8, &str, &str); 6] = [
        (1, "herrenhaarschnitt", "Herrenhaarschnitt"),
        (2, "damenhaarschnitt", "Damenhaarschnitt"),
        (3, "dauerwelle", "Dauerwelle"),
        (4, "faerben-kurz", "Färben kurz"),
        (5, "faerben-lang", "Färben lang"),
        (6, "fusspflege-30", "Fußpflege 30"),
    ];

    fn find(wanted: &str) -> Found<u8> {
        let candidates: Vec<_> =
            SERVICES.iter().map(|(id, slug, name)| Candidate { id: *id, slug, name }).collect();
        look_up(wanted, &candidates)
    }

    #[test]
    fn names_are_found_however_they_are_spelled() {
        let cases = [
            ("Herrenhaarschnitt", 1),
            ("HERRENHAARSCHNITT ", 1),
            ("herren haarschnitt", 1),
            ("Herrenhaarschnit", 1),
            ("Herrnhaarschnit", 1),
            ("herren", 1),
            ("damen-haarschnitt", 2),
            ("dauer", 3),
            ("Dauerwele", 3),
            ("Färben kurz", 4),
            ("faerben kurz", 4),
            ("fa\u{308}rben KURZ", 4),
            ("faerben_lang", 5),
            ("fusspflege 30", 6),
            ("Fußpflege", 6),
        ];
        for (wanted, id) in cases {
            assert_eq!(find(wanted), Found::One(id), "{wanted}");
        }
    }

    #[test]
    fn what_fits_several_is_not_guessed() {
        assert_eq!(find("Färben"), Found::Several(vec![4, 5]));
        assert_eq!(find("faer"), Found::Several(vec![4, 5]));
    }

    #[test]
    fn what_fits_nothing_is_nobody() {
        for wanted in ["", "  ", "!!", "da", "Maniküre", "Herrenschnitt", "Fußpflege 45", "🦀"] {
            assert_eq!(find(wanted), Found::Nobody, "{wanted}");
        }
        let udo = [Candidate { id: 1, slug: "udo", name: "Udo" }];
        assert_eq!(look_up("Uda", &udo), Found::Nobody);
    }

    #[test]
    fn typing_errors_are_counted() {
        for (a, b, wanted) in
            [("", "ab", 2), ("abc", "abc", 0), ("abc", "adc", 1), ("abcd", "bcd", 1), ("ab", "ba", 2)]
        {
            assert_eq!(typos(a, b), wanted, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn any_name_can_be_looked_up(wanted in any::<String>()) {
            let _ = find(&wanted);
        }

        #[test]
        fn typing_errors_are_symmetric(a in "[a-z]{0,12}", b in "[a-z]{0,12}") {
            prop_assert_eq!(typos(&a, &b), typos(&b, &a));
        }
    }
}
