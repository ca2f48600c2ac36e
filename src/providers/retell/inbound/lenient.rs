//! Reads single JSON values of fields that an event can do without: a wrong type is counted and the field
//! counts as absent, so that one odd field never costs an event.

use std::marker::PhantomData;

use askpro_domain::time::UnixMillis;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

/// The text of a JSON value as it stands in the body; `None` when absent or null.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// Longest id, number or word that is kept, in bytes.
pub(super) const WORD_BYTES_MAX: usize = 255;
/// Longest address that is kept, in bytes.
pub(super) const URL_BYTES_MAX: usize = 2_048;
/// Longest free text that is kept, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 16_384;

/// 2000-01-01 and 2200-01-01: instants outside are faults of a clock or unit.
const INSTANT_RANGE: std::ops::Range<i64> = 946_684_800_000..7_258_118_400_000;
/// Largest integer that a float carries exactly.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Counts what was tolerated while it reads.
#[derive(Debug, Default)]
pub(super) struct Lenient {
    /// Fields that were there with a wrong type or an absurd value.
    pub(super) tolerated: u32,
}

impl Lenient {
    /// A text of at most `bytes_max`, as sent but for NULs; an empty one is absent.
    pub(super) fn text(&mut self, raw: Raw<'_>, bytes_max: usize) -> Option<String> {
        let text: String = self.parsed(raw?)?;
        if text.is_empty() {
            return None;
        }
        if text.len() > bytes_max {
            return self.refuse();
        }
        if text.contains('\0') {
            self.tolerated += 1;
            return Some(text.replace('\0', "")).filter(|t| !t.is_empty());
        }
        Some(text)
    }

    /// A word: an id, a number, a status.
    pub(super) fn word(&mut self, raw: Raw<'_>) -> Option<String> {
        self.text(raw, WORD_BYTES_MAX)
    }

    /// An integer that is not negative; whole floats count.
    pub(super) fn count(&mut self, raw: Raw<'_>) -> Option<i64> {
        let number = self.number(raw)?;
        let whole = number.round();
        if !(0.0..=INTEGER_MAX).contains(&whole) {
            return self.refuse();
        }
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, checked above")]
        Some(whole as i64)
    }

    /// Milliseconds since 1970 between the years 2000 and 2200.
    pub(super) fn instant(&mut self, raw: Raw<'_>) -> Option<UnixMillis> {
        let ms = self.count(raw)?;
        if !INSTANT_RANGE.contains(&ms) {
            return self.refuse();
        }
        Some(UnixMillis(ms))
    }

    /// Cents as a float, in thousandths of a cent, rounded.
    pub(super) fn millicents(&mut self, raw: Raw<'_>) -> Option<i64> {
        let millicents = (self.number(raw)? * 1_000.0).round();
        if !(0.0..=INTEGER_MAX).contains(&millicents) {
            return self.refuse();
        }
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, checked above")]
        Some(millicents as i64)
    }

    /// `true` or `false`; an empty text is absent.
    pub(super) fn flag(&mut self, raw: Raw<'_>) -> Option<bool> {
        let raw = raw.filter(|r| r.get() != "\"\"")?;
        self.parsed(raw)
    }

    /// An object with the fields of `T`.
    pub(super) fn object<'a, T: Deserialize<'a>>(&mut self, raw: Raw<'a>) -> Option<T> {
        let raw = raw?;
        if !raw.get().starts_with('{') {
            return self.refuse();
        }
        self.parsed(raw)
    }

    fn number(&mut self, raw: Raw<'_>) -> Option<f64> {
        let raw = raw.filter(|r| r.get() != "\"\"")?;
        self.parsed(raw)
    }

    fn parsed<'a, T: Deserialize<'a>>(&mut self, raw: &'a RawValue) -> Option<T> {
        serde_json::from_str(raw.get()).ok().or_else(|| self.refuse())
    }

    fn refuse<T>(&mut self) -> Option<T> {
        self.tolerated += 1;
        None
    }
}

/// Length in bytes that a JSON string has when it is unescaped, without unescaping it. `None` when it is
/// no string.
pub(super) fn unescaped_len(raw: &RawValue) -> Option<u32> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    let (mut length, mut rest) = (0_usize, inner);
    while let Some(at) = rest.find('\\') {
        let escape = rest.get(at + 1..)?;
        let (bytes, chars) = if escape.starts_with('u') {
            (utf8_len(escape.get(1..5).and_then(|hex| u32::from_str_radix(hex, 16).ok())?), 5)
        } else {
            (1, 1)
        };
        length += at + bytes;
        rest = escape.get(chars..)?;
    }
    u32::try_from(length + rest.len()).ok()
}

/// Bytes of a `\u` escape's unit in UTF-8; a pair of surrogates has four, all counted at the first.
const fn utf8_len(unit: u32) -> usize {
    match unit {
        0..=0x7f => 1,
        0x80..=0x7ff => 2,
        0xd800..=0xdbff => 4,
        0xdc00..=0xdfff => 0,
        _ => 3,
    }
}

/// A value that should be an object: the object, or what else it was.
#[derive(Debug)]
pub(super) enum Part<T> {
    /// It is one.
    Object(T),
    /// It is something else, in words.
    Other(&'static str),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor(PhantomData))
    }
}

struct PartVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PartVisitor<T> {
    type Value = Part<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Part::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Part::Other("an array"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Part::Other("a string"))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Part::Other("a boolean"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Part::Other("a number"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Part::Other("a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Part::Other("a number"))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Part::Other("null"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn wrong_types_are_counted_and_empty_texts_are_not() {
        let mut read = Lenient::default();
        assert_eq!(read.count(Some(&raw("\"\""))), None);
        assert_eq!(read.word(Some(&raw("\"\""))), None);
        assert_eq!(read.flag(None), None);
        assert_eq!(read.tolerated, 0);
        assert_eq!(read.count(Some(&raw("\"12\""))), None);
        assert_eq!(read.count(Some(&raw("-1"))), None);
        assert_eq!(read.count(Some(&raw("1e999"))), None);
        assert_eq!(read.word(Some(&raw("{}"))), None);
        assert_eq!(read.word(Some(&raw("\"\\ud800\""))), None);
        assert_eq!(read.flag(Some(&raw("1"))), None);
        assert_eq!(read.tolerated, 6);
        assert_eq!(read.count(Some(&raw("12.0"))), Some(12));
        assert_eq!(read.word(Some(&raw("\"a\\u0000b\""))), Some("ab".to_owned()));
        assert_eq!(read.tolerated, 7);
    }

    #[test]
    fn absurd_instants_are_absent() {
        let mut read = Lenient::default();
        for bad in ["0", "1788771600", "1788771600000000", "-1788771600000", "9e99"] {
            assert_eq!(read.instant(Some(&raw(bad))), None, "{bad}");
        }
        assert_eq!(read.instant(Some(&raw("1788771600000"))), Some(UnixMillis(1_788_771_600_000)));
    }

    #[test]
    fn cents_become_thousandths_of_a_cent() {
        let mut read = Lenient::default();
        assert_eq!(read.millicents(Some(&raw("16.35"))), Some(16_350));
        assert_eq!(read.millicents(Some(&raw("0.1166667"))), Some(117));
        assert_eq!(read.millicents(Some(&raw("0"))), Some(0));
    }

    proptest! {
        #[test]
        fn a_text_is_measured_as_long_as_it_is(text in "[a\"\\\\\n\u{0}-\u{1f}é€😀]{0,20}", ascii in any::<bool>()) {
            let mut quoted = serde_json::to_string(&text).unwrap();
            if ascii {
                quoted = quoted.encode_utf16().map(|u| match u8::try_from(u) {
                    Ok(b) if b.is_ascii() => char::from(b).to_string(),
                    _ => format!("\\u{u:04x}"),
                }).collect();
            }
            prop_assert_eq!(unescaped_len(&raw(&quoted)), u32::try_from(text.len()).ok());
        }
    }
}
