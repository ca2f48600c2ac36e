//! Numbers in words, up to 59. Words are folded.

const UNITS_DE: [(&str, u16); 21] = [
    ("null", 0),
    ("eins", 1),
    ("zwei", 2),
    ("zwo", 2),
    ("drei", 3),
    ("vier", 4),
    ("funf", 5),
    ("sechs", 6),
    ("sieben", 7),
    ("acht", 8),
    ("neun", 9),
    ("zehn", 10),
    ("elf", 11),
    ("zwolf", 12),
    ("dreizehn", 13),
    ("vierzehn", 14),
    ("funfzehn", 15),
    ("sechzehn", 16),
    ("siebzehn", 17),
    ("achtzehn", 18),
    ("neunzehn", 19),
];
const TENS_DE: [(&str, u16); 4] = [("zwanzig", 20), ("dreissig", 30), ("vierzig", 40), ("funfzig", 50)];
/// Ordinals that are not their cardinal with a `t`.
const STEMS_DE: [(&str, u16); 7] =
    [("erst", 1), ("zweit", 2), ("zwot", 2), ("dritt", 3), ("siebt", 7), ("siebent", 7), ("acht", 8)];
const CARDINALS_EN: [(&str, u16); 25] = [
    ("zero", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fourty", 40),
    ("fifty", 50),
];
const ORDINALS_EN: [(&str, u16); 22] = [
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("seventh", 7),
    ("eighth", 8),
    ("ninth", 9),
    ("nineth", 9),
    ("tenth", 10),
    ("eleventh", 11),
    ("twelfth", 12),
    ("thirteenth", 13),
    ("fourteenth", 14),
    ("fifteenth", 15),
    ("sixteenth", 16),
    ("seventeenth", 17),
    ("eighteenth", 18),
    ("nineteenth", 19),
    ("twentieth", 20),
    ("thirtieth", 30),
];

/// `vierundzwanzig`.
pub(super) fn cardinal_de(word: &str) -> Option<u16> {
    find(&UNITS_DE, word).or_else(|| find(&TENS_DE, word)).or_else(|| {
        let (tens, value) = TENS_DE.iter().find(|(tens, _)| word.ends_with(tens))?;
        let unit = word.strip_suffix(tens)?.strip_suffix("und")?;
        let unit = if unit == "ein" { 1 } else { find(&UNITS_DE, unit)? };
        (1..10).contains(&unit).then_some(value + unit)
    })
}

/// `vierundzwanzigster`, `ersten`.
pub(super) fn ordinal_de(word: &str) -> Option<u16> {
    let stem = ["er", "en", "es", "em", "e"].into_iter().find_map(|ending| word.strip_suffix(ending))?;
    let of_tens = || stem.strip_suffix("st").and_then(cardinal_de).filter(|n| *n >= 20);
    let of_units = || stem.strip_suffix('t').and_then(cardinal_de).filter(|n| (4..20).contains(n));
    find(&STEMS_DE, stem).or_else(of_tens).or_else(of_units)
}

/// `twenty`; compounds are two words.
pub(super) fn cardinal_en(word: &str) -> Option<u16> {
    find(&CARDINALS_EN, word)
}

/// `twelfth`.
pub(super) fn ordinal_en(word: &str) -> Option<u16> {
    find(&ORDINALS_EN, word)
}

fn find(table: &[(&str, u16)], word: &str) -> Option<u16> {
    table.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn german_numbers_are_read_up_to_fifty_nine() {
        let cases =
            [("eins", 1), ("zwolf", 12), ("zwanzig", 20), ("einundzwanzig", 21), ("funfundvierzig", 45)];
        for (word, value) in cases {
            assert_eq!(cardinal_de(word), Some(value), "{word}");
        }
        for word in ["ein", "zehnundzwanzig", "undzwanzig", "zweiundvierzigst", ""] {
            assert_eq!(cardinal_de(word), None, "{word}");
        }
    }

    #[test]
    fn german_ordinals_have_any_ending() {
        let cases = [
            ("erster", 1),
            ("zweiten", 2),
            ("dritte", 3),
            ("vierten", 4),
            ("siebenten", 7),
            ("siebter", 7),
            ("achten", 8),
            ("elfter", 11),
            ("zwolften", 12),
            ("neunzehnte", 19),
            ("zwanzigster", 20),
            ("vierundzwanzigsten", 24),
            ("dreissigsten", 30),
            ("einunddreissigsten", 31),
        ];
        for (word, value) in cases {
            assert_eq!(ordinal_de(word), Some(value), "{word}");
        }
        for word in ["vier", "weiter", "guten", "zwanzigten", "ersteres"] {
            assert_eq!(ordinal_de(word), None, "{word}");
        }
    }
}
