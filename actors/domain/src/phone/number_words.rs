//! Digits as they are spoken, in German and English: "null", "zwo", "einundfünfzig", "fifty", "achthundert".

const SMALL: [(&str, u8); 43] = [
    ("null", 0),
    ("zero", 0),
    ("nought", 0),
    ("ein", 1),
    ("eins", 1),
    ("one", 1),
    ("zwei", 2),
    ("zwo", 2),
    ("two", 2),
    ("drei", 3),
    ("three", 3),
    ("vier", 4),
    ("four", 4),
    ("fuenf", 5),
    ("five", 5),
    ("sechs", 6),
    ("six", 6),
    ("sieben", 7),
    ("seven", 7),
    ("acht", 8),
    ("eight", 8),
    ("neun", 9),
    ("nine", 9),
    ("zehn", 10),
    ("ten", 10),
    ("elf", 11),
    ("eleven", 11),
    ("zwoelf", 12),
    ("twelve", 12),
    ("dreizehn", 13),
    ("thirteen", 13),
    ("vierzehn", 14),
    ("fourteen", 14),
    ("fuenfzehn", 15),
    ("fifteen", 15),
    ("sechzehn", 16),
    ("sixteen", 16),
    ("siebzehn", 17),
    ("seventeen", 17),
    ("achtzehn", 18),
    ("eighteen", 18),
    ("neunzehn", 19),
    ("nineteen", 19),
];
const TENS: [(&str, u8); 16] = [
    ("zwanzig", 20),
    ("twenty", 20),
    ("dreissig", 30),
    ("thirty", 30),
    ("vierzig", 40),
    ("forty", 40),
    ("fuenfzig", 50),
    ("fifty", 50),
    ("sechzig", 60),
    ("sixty", 60),
    ("siebzig", 70),
    ("seventy", 70),
    ("achtzig", 80),
    ("eighty", 80),
    ("neunzig", 90),
    ("ninety", 90),
];

/// A word that says digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NumberWord {
    /// One digit.
    Digit(u8),
    /// 20, 30 … 90: a digit may follow and belong to it.
    Tens(u8),
    /// Anything else that is written in digits as it is said.
    Written(String),
    /// The word before it, so many times: "doppel", "triple".
    Times(usize),
    /// Two zeros after a digit: "eight hundred".
    Hundred,
}

/// Reads a folded word.
pub(crate) fn number_word(word: &str) -> Option<NumberWord> {
    let found = |table: &[(&str, u8)], word: &str| table.iter().find(|(w, _)| *w == word).map(|(_, n)| *n);
    let small = |word: &str| found(&SMALL, word);
    if let Some(number) = small(word) {
        return Some(if number < 10 {
            NumberWord::Digit(number)
        } else {
            NumberWord::Written(number.to_string())
        });
    }
    if let Some(tens) = found(&TENS, word) {
        return Some(NumberWord::Tens(tens));
    }
    match word {
        "doppel" | "doppelt" | "doppelte" | "double" | "zweimal" => return Some(NumberWord::Times(2)),
        "dreifach" | "dreifache" | "triple" | "dreimal" => return Some(NumberWord::Times(3)),
        "hundert" | "hundred" => return Some(NumberWord::Hundred),
        _ => {}
    }
    if let Some(digit) = word.strip_suffix("hundert").and_then(small).filter(|n| *n < 10) {
        return Some(NumberWord::Written(format!("{digit}00")));
    }
    // "einundfuenfzig": the parts may hold "und" themselves, so the last one parts them.
    let (unit, tens) = word.rsplit_once("und")?;
    let (unit, tens) = (small(unit).filter(|n| (1..10).contains(n))?, found(&TENS, tens)?);
    Some(NumberWord::Written((tens + unit).to_string()))
}

/// Whether a word counts in hundreds or thousands in a way that is not read here.
pub(crate) fn is_large_number(word: &str) -> bool {
    ["hundert", "tausend", "hundred", "thousand"].iter().any(|part| word.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_both_languages() {
        let written = |text: &str| Some(NumberWord::Written(text.to_owned()));
        for (word, wanted) in [
            ("null", Some(NumberWord::Digit(0))),
            ("zwo", Some(NumberWord::Digit(2))),
            ("seven", Some(NumberWord::Digit(7))),
            ("fifty", Some(NumberWord::Tens(50))),
            ("einundfuenfzig", written("51")),
            ("neunundneunzig", written("99")),
            ("zwoelf", written("12")),
            ("achthundert", written("800")),
            ("doppel", Some(NumberWord::Times(2))),
            ("hundred", Some(NumberWord::Hundred)),
            ("nullundzwanzig", None),
            ("zehnundzwanzig", None),
            ("hund", None),
            ("und", None),
            ("anna", None),
        ] {
            assert_eq!(number_word(word), wanted, "{word}");
        }
    }
}
