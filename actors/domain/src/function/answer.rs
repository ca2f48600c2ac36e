//! What a live function answers: the same inputs give the same bytes.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

/// Longest answer, in characters: Retell cuts results beyond.
pub const ANSWER_CHARS_MAX: usize = 15_000;
/// Longest message, in characters.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// An answer: `success`, `code` and `message` first, then its fields in the order they were added.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionAnswer {
    /// Whether the order was carried out.
    pub success: bool,
    /// Stable word for machines; one code has one `success`.
    pub code: &'static str,
    /// May be spoken, in the company's language.
    pub message: String,
    fields: Vec<(&'static str, Value)>,
}

impl FunctionAnswer {
    /// An answer without further fields; a message that is too long is cut.
    #[must_use]
    pub fn new(success: bool, code: &'static str, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
            message.truncate(end);
        }
        Self { success, code, message, fields: Vec::new() }
    }

    /// Adds a field, or gives it another value in its old place. The three leading fields stay as they are.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if ["success", "code", "message"].contains(&name) {
            return self;
        }
        let value = value.into();
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name, value)),
        }
        self
    }

    /// A field by name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The fields after `message`, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }

    /// The JSON that is sent, at most [`ANSWER_CHARS_MAX`] characters: past that the last fields go first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = self.to_json();
        if text.chars().count() <= ANSWER_CHARS_MAX {
            return text.into_bytes();
        }
        let mut shorter = self.clone();
        while shorter.fields.pop().is_some() {
            let text = shorter.to_json();
            if text.chars().count() <= ANSWER_CHARS_MAX {
                return text.into_bytes();
            }
        }
        shorter.to_json().into_bytes()
    }

    /// Strings, numbers and string keys always serialise; the fallback is never seen.
    fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An answer's JSON with one more field at its end; `None` when that would be longer than allowed, or when it
/// is no object with fields.
#[must_use]
pub fn with_last_field(body: &[u8], name: &str, value: &Value) -> Option<Vec<u8>> {
    let open = std::str::from_utf8(body).ok()?.strip_suffix('}').filter(|open| open.len() > 1)?;
    let text = format!("{open},{}:{value}}}", Value::from(name));
    (text.chars().count() <= ANSWER_CHARS_MAX).then(|| text.into_bytes())
}

impl Serialize for FunctionAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3 + self.fields.len()))?;
        map.serialize_entry("success", &self.success)?;
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("message", &self.message)?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_fields_come_first_and_the_others_in_order() {
        let answer = FunctionAnswer::new(true, "confirmed", "Ja.")
            .with("status", "confirmed")
            .with("appointment_id", "apt_1")
            .with("code", "other")
            .with("status", "pending");
        let wanted = r#"{"success":true,"code":"confirmed","message":"Ja.","status":"pending","appointment_id":"apt_1"}"#;
        assert_eq!(String::from_utf8(answer.to_bytes()).unwrap(), wanted);
        assert_eq!(answer.field("appointment_id"), Some(&Value::from("apt_1")));
    }

    #[test]
    fn a_field_is_added_at_the_end_where_it_fits() {
        let body = FunctionAnswer::new(true, "confirmed", "Ja.").with("status", "confirmed").to_bytes();
        let longer = with_last_field(&body, "ignored", &Value::from(vec!["notes"])).unwrap();
        let wanted =
            r#"{"success":true,"code":"confirmed","message":"Ja.","status":"confirmed","ignored":["notes"]}"#;
        assert_eq!(String::from_utf8(longer).unwrap(), wanted);
        let long = Value::from("x".repeat(ANSWER_CHARS_MAX));
        assert_eq!(with_last_field(&body, "x", &long), None);
        for bad in ["", "{}", "5", "[1]"] {
            assert_eq!(with_last_field(bad.as_bytes(), "x", &Value::Null), None, "{bad}");
        }
    }

    #[test]
    fn an_answer_is_never_longer_than_allowed() {
        let long = "\u{1}".repeat(20_000);
        let answer = FunctionAnswer::new(false, "busy", long.clone()).with("a", 1).with("b", long);
        let bytes = answer.to_bytes();
        assert!(String::from_utf8(bytes.clone()).unwrap().chars().count() <= ANSWER_CHARS_MAX);
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap()["a"], 1);
    }
}
