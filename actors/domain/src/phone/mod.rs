//! Phone numbers in E.164. What Retell sends is read strictly; what people say is read by the numbering plan
//! of the company's country, and this folder alone knows the library that has the plans.

mod country;
mod dialled;
mod national;
pub(crate) mod number_words;
#[cfg(test)]
mod tests;

use std::fmt;

pub use country::Country;
pub(crate) use dialled::spoken_digits;

use serde::{Deserialize, Serialize};

/// A number in E.164: `+`, then 7 to 15 digits, the first not 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads E.164; spaces, dashes, dots, slashes and brackets between digits are dropped.
    /// National forms give `None`: a number without its country is not known.
    #[must_use]
    pub fn parse_e164(text: &str) -> Option<Self> {
        let mut out = String::with_capacity(16);
        for (i, c) in text.trim().chars().enumerate() {
            match c {
                '+' if i == 0 => out.push(c),
                '0'..='9' if !out.is_empty() => out.push(c),
                ' ' | '-' | '.' | '/' | '(' | ')' if !out.is_empty() => {}
                _ => return None,
            }
        }
        let digits = out.strip_prefix('+')?;
        ((7..=15).contains(&digits.len()) && !digits.starts_with('0')).then_some(Self(out))
    }

    /// The text, `+493083793369`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_e164(&text).ok_or_else(|| {
            serde::de::Error::custom("a phone number in E.164 is expected, such as +493083793369")
        })
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default();
        write!(f, "PhoneNumber(…{tail})")
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
