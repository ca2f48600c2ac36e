//! Reads JSON values with their places and collects what is wrong. Knows nothing of companies.
//!
//! Every method that gives `None` for a value that is there has told why.

use std::{collections::BTreeMap, fmt::Write as _, ops::RangeInclusive};

use serde_json::{Map, Value};

use super::{ERRORS_MAX, ImportError, SECRET_BYTES_MAX, SLUG_CHARS_MAX, TEXT_CHARS_MAX};
use crate::{phone::PhoneNumber, secret::Secret};

/// Characters of a value or of a field's name that a message or a place repeats.
const SHOWN_CHARS_MAX: usize = 48;

/// A value and its place.
pub(super) struct Item<'v> {
    pub(super) value: &'v Value,
    pub(super) place: String,
}

/// An object whose field names were checked.
pub(super) struct Fields<'v> {
    map: &'v Map<String, Value>,
    place: String,
}

impl<'v> Fields<'v> {
    /// A field; `None` when it is absent or null.
    pub(super) fn item(&self, name: &str) -> Option<Item<'v>> {
        let value = self.map.get(name).filter(|value| !value.is_null())?;
        Some(Item { value, place: self.place_of(name) })
    }

    /// Place of a field, whether it is there or not.
    pub(super) fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { shown(name) } else { format!("{}.{}", self.place, shown(name)) }
    }
}

/// Collects errors.
#[derive(Default)]
pub(super) struct Reader {
    errors: Vec<ImportError>,
    left_out: usize,
}

impl Reader {
    /// Tells a fault.
    pub(super) fn refuse(&mut self, place: &str, code: &'static str, message: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(ImportError { place: place.to_owned(), code, message: message.into() });
        } else {
            self.left_out += 1;
        }
    }

    /// Everything told.
    pub(super) fn into_errors(mut self) -> Vec<ImportError> {
        if self.left_out > 0 {
            let message = format!("{} more errors are not listed; correct these first", self.left_out);
            self.errors.push(ImportError { place: String::new(), code: "too_many_errors", message });
        }
        self.errors
    }

    /// An object that has no other fields than `known`.
    pub(super) fn fields<'v>(&mut self, item: &Item<'v>, known: &[&str]) -> Option<Fields<'v>> {
        let Value::Object(map) = item.value else {
            self.wrong_type(item, "an object");
            return None;
        };
        let fields = Fields { map, place: item.place.clone() };
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            let remedy = match near_miss(name, known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("remove it; known are {}", known.join(", ")),
            };
            self.refuse(
                &fields.place_of(name),
                "unknown_field",
                format!("this field is not known; {remedy}"),
            );
        }
        Some(fields)
    }

    /// A field that must be there.
    pub(super) fn required<'v>(&mut self, fields: &Fields<'v>, name: &str) -> Option<Item<'v>> {
        let item = fields.item(name);
        if item.is_none() {
            self.refuse(&fields.place_of(name), "missing", format!("\"{name}\" is missing; add it"));
        }
        item
    }

    /// The items of a list of at most `max`.
    pub(super) fn list<'v>(&mut self, list: &Item<'v>, max: usize) -> Vec<Item<'v>> {
        let Value::Array(values) = list.value else {
            self.wrong_type(list, "a list");
            return Vec::new();
        };
        if values.len() > max {
            let message = format!("{} entries are too many; at most {max} are taken", values.len());
            self.refuse(&list.place, "too_many", message);
            return Vec::new();
        }
        let item = |(index, value)| Item { value, place: format!("{}[{index}]", list.place) };
        values.iter().enumerate().map(item).collect()
    }

    /// The items of a list that may be left out.
    pub(super) fn optional_list<'v>(&mut self, fields: &Fields<'v>, name: &str, max: usize) -> Vec<Item<'v>> {
        fields.item(name).map(|list| self.list(&list, max)).unwrap_or_default()
    }

    /// A text as it is.
    pub(super) fn raw_text<'v>(&mut self, item: &Item<'v>) -> Option<&'v str> {
        let text = item.value.as_str();
        if text.is_none() {
            self.wrong_type(item, "a text");
        }
        text
    }

    /// A text of one line, trimmed, not empty.
    pub(super) fn text<'v>(&mut self, item: &Item<'v>) -> Option<&'v str> {
        let text = self.raw_text(item)?.trim();
        if text.is_empty() {
            self.refuse(&item.place, "empty", "it is empty; fill it in or leave the field out");
        } else if text.chars().count() > TEXT_CHARS_MAX {
            let message = format!("it is too long; at most {TEXT_CHARS_MAX} characters are taken");
            self.refuse(&item.place, "too_long", message);
        } else if text.chars().any(char::is_control) {
            self.refuse(&item.place, "control_character", "it has a control character in it; remove it");
        } else {
            return Some(text);
        }
        None
    }

    /// The text of a field that must be there.
    pub(super) fn required_text(&mut self, fields: &Fields<'_>, name: &str) -> Option<String> {
        let item = self.required(fields, name)?;
        self.text(&item).map(str::to_owned)
    }

    /// A slug that must be there, used once only in `seen`.
    pub(super) fn slug(
        &mut self,
        fields: &Fields<'_>,
        seen: &mut BTreeMap<String, String>,
    ) -> Option<String> {
        let item = self.required(fields, "slug")?;
        let slug = self.raw_text(&item)?;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if slug.is_empty() || slug.len() > SLUG_CHARS_MAX || !slug.chars().all(fits) {
            let message = format!(
                "{} is no slug; use 1 to {SLUG_CHARS_MAX} of the characters a-z, 0-9 and -",
                quoted(slug)
            );
            self.refuse(&item.place, "slug_invalid", message);
            return None;
        }
        self.once(seen, slug.to_owned(), &item.place).then(|| slug.to_owned())
    }

    /// Whether a key is new in `seen`; where it was first is told otherwise, but not what it is.
    pub(super) fn once<K: Ord>(&mut self, seen: &mut BTreeMap<K, String>, key: K, place: &str) -> bool {
        if let Some(first) = seen.get(&key) {
            let message = format!("it is already used at {first}; each may be used once");
            self.refuse(place, "duplicate", message);
            return false;
        }
        seen.insert(key, place.to_owned());
        true
    }

    /// A whole number in a range.
    pub(super) fn integer(&mut self, item: &Item<'_>, range: RangeInclusive<i64>) -> Option<i64> {
        let Some(number) = item.value.as_i64() else {
            self.wrong_type(item, "a whole number");
            return None;
        };
        if !range.contains(&number) {
            let message = if *range.end() == i64::MAX {
                format!("{number} is out of range; use {} or more", range.start())
            } else {
                format!("{number} is out of range; use {} to {}", range.start(), range.end())
            };
            self.refuse(&item.place, "out_of_range", message);
            return None;
        }
        Some(number)
    }

    /// An integer that may be left out.
    pub(super) fn optional_integer(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let item = fields.item(name)?;
        self.integer(&item, range)
    }

    /// An integer above zero that may be left out, such as an id at Cal.com.
    pub(super) fn optional_id(&mut self, fields: &Fields<'_>, name: &str) -> Option<i64> {
        self.optional_integer(fields, name, 1..=i64::MAX)
    }

    /// A key or secret; never repeated in a message.
    pub(super) fn secret(&mut self, item: &Item<'_>) -> Option<Secret> {
        let text = self.raw_text(item)?;
        let fits = (1..=SECRET_BYTES_MAX).contains(&text.len());
        if !fits || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let message = "it is empty, too long, or has white space in it; copy it again, or leave it out";
            self.refuse(&item.place, "secret_invalid", message);
            return None;
        }
        Some(Secret::new(text))
    }

    /// A secret that may be left out.
    pub(super) fn optional_secret(&mut self, fields: &Fields<'_>, name: &str) -> Option<Secret> {
        let item = fields.item(name)?;
        self.secret(&item)
    }

    /// A number in E.164; not repeated in a message, since it may be a customer's.
    pub(super) fn phone(&mut self, item: &Item<'_>) -> Option<PhoneNumber> {
        let number = PhoneNumber::parse_e164(self.raw_text(item)?);
        if number.is_none() {
            let message = "it is no international number; write it as +493083793369";
            self.refuse(&item.place, "phone_invalid", message);
        }
        number
    }

    /// Tells that a value has another type than `expected`; the value itself is not repeated.
    pub(super) fn wrong_type(&mut self, item: &Item<'_>, expected: &str) {
        let found = match item.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(number) if number.is_f64() => "a number with a fraction",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.refuse(&item.place, "wrong_type", format!("{expected} is expected here, not {found}"));
    }
}

/// A text for a message, cut and with control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(SHOWN_CHARS_MAX) {
        let _ = if c.is_control() { write!(out, "{}", c.escape_default()) } else { out.write_char(c) };
    }
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        out.push('…');
    }
    out
}

/// The known name that a wrong one most likely means: an edit or two away, or its beginning.
pub(super) fn near_miss<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    if wrong.len() > SLUG_CHARS_MAX {
        return None;
    }
    let lower = wrong.to_lowercase();
    let edits_max = (lower.chars().count() / 3).clamp(1, 2);
    let scored = known.iter().map(|name| {
        let begins = name.len() >= 3 && lower.starts_with(name);
        (if begins { 0 } else { edit_distance(&lower, name) }, *name)
    });
    scored.filter(|(edits, _)| *edits <= edits_max).min().map(|(_, name)| name)
}

/// Levenshtein distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, pair) in b.iter().zip(row.windows(2)) {
            let (diagonal, above) = (pair.first().copied(), pair.last().copied());
            let replace = diagonal.unwrap_or_default() + usize::from(from != *to);
            left = replace.min(above.unwrap_or_default() + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
