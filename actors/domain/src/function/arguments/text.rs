//! The text of an argument: found under any of its names, cleaned, and absent where a template or a model only
//! filled the place.

use serde_json::{Map, Value};

/// Values that look into others, and so far down only.
const DEPTH_MAX: usize = 2;
/// Names under which an object has its one text.
const TEXT_NAMES: [&str; 4] = ["value", "name", "text", "title"];

/// What models write where nothing is known; compared in lower case.
const PLACEHOLDERS: [&str; 40] = [
    "none",
    "null",
    "nil",
    "nan",
    "undefined",
    "false",
    "n/a",
    "n.a.",
    "na",
    "-",
    "--",
    "—",
    "...",
    "…",
    "?",
    "unknown",
    "unbekannt",
    "k.a.",
    "k. a.",
    "keine",
    "keine angabe",
    "keine angaben",
    "nicht angegeben",
    "nicht genannt",
    "nicht bekannt",
    "not provided",
    "not specified",
    "not given",
    "not known",
    "not available",
    "not mentioned",
    "empty",
    "leer",
    "blank",
    "string",
    "optional",
    "tbd",
    "xxx",
    "default",
    "placeholder",
];

/// What was given for an argument.
pub(super) enum Given {
    /// Nothing, or a placeholder.
    Nothing,
    /// Something that is no text: a list, an object, a yes where words belong.
    Unusable,
    /// Text.
    Text(String),
}

/// The value under the first of `names` that has one. Names count in any case and with any separator; of two
/// spellings of one name the smaller one counts.
pub(super) fn value_of(map: &Map<String, Value>, names: &[&str], is_yes_or_no: bool) -> Given {
    let mut unusable = false;
    for name in names {
        let mut values: Vec<(&String, &Value)> = map.iter().filter(|(key, _)| is_name(key, name)).collect();
        values.sort_by_key(|(key, _)| *key);
        for (_, value) in values {
            match text_of(value, is_yes_or_no, 0) {
                Given::Text(text) => return Given::Text(text),
                Given::Unusable => unusable = true,
                Given::Nothing => {}
            }
        }
    }
    if unusable { Given::Unusable } else { Given::Nothing }
}

/// `customerName`, `Customer-Name` and `CUSTOMER NAME` are `customer_name`. Asked for every name of every argument,
/// so nothing is allocated, and most names differ in their first letter.
fn is_name(key: &str, name: &str) -> bool {
    letters(key).eq(letters(name))
}

/// Letters and digits in lower case, `ä` as `ae`.
fn letters(text: &str) -> impl Iterator<Item = char> {
    let lower = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    lower.flat_map(|letter| {
        let (letter, second) = if letter == 'ä' { ('a', Some('e')) } else { (letter, None) };
        std::iter::once(letter).chain(second)
    })
}

fn text_of(value: &Value, is_yes_or_no: bool, depth: usize) -> Given {
    let text = match value {
        Value::Null => return Given::Nothing,
        Value::Bool(yes) if is_yes_or_no => yes.to_string(),
        Value::Bool(false) => return Given::Nothing,
        Value::Bool(true) => return Given::Unusable,
        Value::Number(number) => plain_number(number),
        Value::String(text) => clean(text),
        Value::Array(items) => return only(items.iter(), is_yes_or_no, depth),
        Value::Object(map) => {
            let named =
                map.iter().filter(|(key, _)| TEXT_NAMES.contains(&key.as_str())).map(|(_, value)| value);
            return only(named, is_yes_or_no, depth);
        }
    };
    if is_placeholder(&text) { Given::Nothing } else { Given::Text(text) }
}

/// The one value of a list or an object.
fn only<'v>(mut values: impl Iterator<Item = &'v Value>, is_yes_or_no: bool, depth: usize) -> Given {
    match (values.next(), values.next()) {
        (Some(value), None) if depth < DEPTH_MAX => text_of(value, is_yes_or_no, depth + 1),
        _ => Given::Unusable,
    }
}

/// `14.0` is 14.
fn plain_number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn is_placeholder(text: &str) -> bool {
    let framed = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    let is_template = text.starts_with("{{")
        || text.starts_with("${")
        || framed("[", "]")
        || (framed("<", ">") && !text.contains('@'));
    text.is_empty() || is_template || PLACEHOLDERS.contains(&text.to_lowercase().as_str())
}

/// Trimmed, without quotes around it, white space single, other control characters dropped.
fn clean(text: &str) -> String {
    let words = text.split_whitespace().map(|w| w.chars().filter(|c| !c.is_control()).collect::<String>());
    let text = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.trim_matches(|c: char| c.is_whitespace() || "\"'„“”‚‘’«»`".contains(c)).to_owned()
}
