//! What a caller or an agent says of a number becomes the digits to dial: separators, words for digits and
//! words around the number are read; whatever else is in the text refuses it.

use super::number_words::{NumberWord, number_word};
use crate::text::fold;

/// Digits in one number at most, prefixes included.
pub(super) const DIGITS_MAX: usize = 20;

/// Words that say nothing of the number.
const FILLERS: [&str; 38] = [
    "und",
    "and",
    "dann",
    "then",
    "die",
    "der",
    "the",
    "my",
    "meine",
    "ist",
    "is",
    "lautet",
    "nummer",
    "number",
    "vorwahl",
    "tel",
    "telefon",
    "telefonnummer",
    "phone",
    "fon",
    "handy",
    "handynummer",
    "mobil",
    "mobile",
    "cell",
    "rufnummer",
    "klammer",
    "auf",
    "zu",
    "strich",
    "minus",
    "bindestrich",
    "dash",
    "schraegstrich",
    "slash",
    "area",
    "code",
    "country",
];

/// `+` if it was given, then digits; `None` when anything in the text is not understood.
pub(super) fn dialled(text: &str) -> Option<String> {
    let digits = spoken_digits(tokens(text)?.iter().map(String::as_str))?;
    let count = digits.chars().filter(char::is_ascii_digit).count();
    (1..=DIGITS_MAX).contains(&count).then_some(digits)
}

/// The digits that words and numerals say, one after the other.
pub(crate) fn spoken_digits<'t>(tokens: impl Iterator<Item = &'t str>) -> Option<String> {
    let mut number = Number::default();
    for token in tokens {
        number.take(token)?;
    }
    number.finish()
}

/// Runs of digits, runs of letters and plus signs; `None` for signs that no number has.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut tokens: Vec<String> = Vec::new();
    let mut kind = None;
    for c in text.chars() {
        let now = match c {
            '0'..='9' => Some('0'),
            '+' => Some('+'),
            '\u{308}' => Some('a'),
            c if c.is_alphabetic() => Some('a'),
            c if c.is_whitespace() || "-–—‑‐./()[],:;\u{200b}\u{2060}\u{feff}".contains(c) => None,
            _ => return None,
        };
        match (now, tokens.last_mut()) {
            (Some(same), Some(token)) if kind == Some(same) && same != '+' => token.push(c),
            (Some(_), _) => tokens.push(c.to_string()),
            (None, _) => {}
        }
        kind = now;
    }
    Some(tokens)
}

#[derive(Default)]
struct Number {
    digits: String,
    /// How often the next digit counts.
    times: Option<usize>,
    /// A unit that "und" may join to the tens that follow, or tens that a unit may follow.
    open: Option<Open>,
}

#[derive(Clone, Copy)]
enum Open {
    /// A digit was the last word.
    Unit(u8),
    /// "fünf und …".
    UnitAnd(u8),
    /// "twenty …".
    Tens,
}

impl Number {
    fn take(&mut self, token: &str) -> Option<()> {
        if token == "+" {
            return self.plus();
        }
        if token.starts_with(|c: char| c.is_ascii_digit()) {
            return self.write(token);
        }
        let word = fold(token);
        match (word.as_str(), self.open) {
            ("plus", _) => return self.plus(),
            ("und", Some(Open::Unit(unit))) => {
                self.open = Some(Open::UnitAnd(unit));
                return Some(());
            }
            ("o" | "oh", _) => return self.write("0"),
            _ => {}
        }
        match number_word(&word) {
            Some(number) => self.say(number),
            None if FILLERS.contains(&word.as_str()) => Some(()),
            None => None,
        }
    }

    fn say(&mut self, word: NumberWord) -> Option<()> {
        match (word, self.open) {
            (NumberWord::Digit(unit), Some(Open::Tens)) if unit > 0 => {
                self.digits.pop();
                self.write(&unit.to_string())?;
            }
            (NumberWord::Digit(unit), _) => {
                let alone = self.times.is_none();
                self.write(&unit.to_string())?;
                self.open = (alone && unit > 0).then_some(Open::Unit(unit));
            }
            (NumberWord::Tens(tens), Some(Open::UnitAnd(unit))) => {
                self.digits.pop();
                self.write(&(tens + unit).to_string())?;
            }
            (NumberWord::Tens(tens), _) => {
                self.write(&tens.to_string())?;
                self.open = Some(Open::Tens);
            }
            (NumberWord::Written(digits), _) => self.write(&digits)?,
            (NumberWord::Times(times), _) => {
                if self.times.replace(times).is_some() {
                    return None;
                }
                self.open = None;
            }
            (NumberWord::Hundred, Some(Open::Unit(_))) => self.write("00")?,
            (NumberWord::Hundred, _) => self.write("100")?,
        }
        Some(())
    }

    fn plus(&mut self) -> Option<()> {
        self.digits.is_empty().then(|| self.digits.push('+'))
    }

    fn write(&mut self, digits: &str) -> Option<()> {
        self.open = None;
        if self.digits.len() > 2 * DIGITS_MAX {
            return None;
        }
        match self.times.take() {
            // "doppel drei", "double 3"; what else should be doubled is not known.
            Some(times) if digits.len() == 1 => self.digits.push_str(&digits.repeat(times)),
            Some(_) => return None,
            None => self.digits.push_str(digits),
        }
        Some(())
    }

    fn finish(self) -> Option<String> {
        self.times.is_none().then_some(self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_they_are_said() {
        for (text, wanted) in [
            ("null eins fünf eins 123", "0151123"),
            ("+49 (0)30 8379-3369", "+4903083793369"),
            ("plus vier neun", "+49"),
            ("doppel drei, double 4, triple five", "3344555"),
            ("oh one five one", "0151"),
            ("null einundfünfzig", "051"),
            ("fünf und zwanzig", "25"),
            ("fünf und drei", "53"),
            ("twenty five fifty", "2550"),
            ("twenty zero", "200"),
            ("null acht hundert", "0800"),
            ("null achthundert", "0800"),
            ("Tel.: 030/1234", "0301234"),
        ] {
            assert_eq!(dialled(text).as_deref(), Some(wanted), "{text}");
        }
        for bad in ["", "+", "anna", "12#", "1+2", "doppel", "doppel 12", "030 1234 Durchwahl 5", "1@2"] {
            assert_eq!(dialled(bad), None, "{bad}");
        }
        assert_eq!(dialled(&"1".repeat(DIGITS_MAX + 1)), None);
        assert_eq!(dialled(&"eins ".repeat(500)), None);
    }
}
