//! The arguments of a live function as agents send them: English or German names, strings, numbers or
//! booleans, placeholders where nothing is known. What the call is, is never an argument.

use serde_json::{Map, Value};

use crate::phone::PhoneNumber;

/// Longest service or staff name, in characters.
pub const NAME_OF_CHOICE_CHARS_MAX: usize = 120;
/// Longest date, time or date-time, in characters.
pub const WHEN_ARGUMENT_CHARS_MAX: usize = crate::when::WHEN_CHARS_MAX;
/// Longest name of a customer, in characters.
pub const CUSTOMER_NAME_CHARS_MAX: usize = 120;
/// Longest phone number as written, in characters.
pub const PHONE_CHARS_MAX: usize = 40;
/// Longest e-mail address, in characters.
pub const EMAIL_CHARS_MAX: usize = 254;
/// Longest notes, in characters.
pub const NOTES_CHARS_MAX: usize = 500;
/// Longest wish when to be called back, in characters: it is kept as it was said.
const DUE_CHARS_MAX: usize = 200;
/// Longest confirmation, in characters.
const CONFIRM_CHARS_MAX: usize = 40;

/// Each argument with its names, the preferred one first, and its limit.
const ARGUMENTS: [(Argument, &[&str], usize); 13] = [
    (Argument::Service, &["service", "dienstleistung", "service_name"], NAME_OF_CHOICE_CHARS_MAX),
    (Argument::Date, &["date", "datum", "preferred_date"], WHEN_ARGUMENT_CHARS_MAX),
    (Argument::Time, &["time", "uhrzeit", "preferred_time"], WHEN_ARGUMENT_CHARS_MAX),
    (Argument::DateTime, &["datetime"], WHEN_ARGUMENT_CHARS_MAX),
    (Argument::CustomerName, &["customer_name", "name"], CUSTOMER_NAME_CHARS_MAX),
    (Argument::Phone, &["customer_phone", "phone_number"], PHONE_CHARS_MAX),
    (Argument::Email, &["customer_email", "email"], EMAIL_CHARS_MAX),
    (Argument::Staff, &["staff", "mitarbeiter", "preferred_staff"], NAME_OF_CHOICE_CHARS_MAX),
    (Argument::Notes, &["notes", "notizen"], NOTES_CHARS_MAX),
    (Argument::Confirm, &["confirm", "bestaetigung"], CONFIRM_CHARS_MAX),
    (
        Argument::Priority,
        &["priority", "prioritaet", "priorität", "dringlichkeit", "urgency"],
        CONFIRM_CHARS_MAX,
    ),
    (Argument::Reason, &["reason", "grund", "anliegen", "topic", "thema"], NOTES_CHARS_MAX),
    (Argument::Due, &["due", "due_time", "callback_time", "rueckrufzeit", "when", "wann"], DUE_CHARS_MAX),
];
const PLACEHOLDERS: [&str; 12] = [
    "none",
    "null",
    "nil",
    "nan",
    "undefined",
    "n/a",
    "-",
    "--",
    "unknown",
    "unbekannt",
    "keine angabe",
    "not provided",
];
const ANYBODY: [&str; 8] =
    ["egal", "beliebig", "any", "anyone", "anybody", "no preference", "keine präferenz", "jeder"];
const YES: [&str; 9] = ["true", "1", "yes", "y", "ja", "ok", "confirmed", "bestätigt", "bestaetigt"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Argument {
    Service,
    Date,
    Time,
    DateTime,
    CustomerName,
    Phone,
    Email,
    Staff,
    Notes,
    Confirm,
    Priority,
    Reason,
    Due,
}

/// What was given, cleaned: trimmed, inner white space single, no control characters, no placeholders.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Service as named.
    pub service: Option<String>,
    /// Date as written.
    pub date: Option<String>,
    /// Time as written.
    pub time: Option<String>,
    /// Date and time as written.
    pub datetime: Option<String>,
    /// Who comes.
    pub customer_name: Option<String>,
    /// Only what is E.164.
    pub phone: Option<PhoneNumber>,
    /// Only what looks like an address.
    pub email: Option<String>,
    /// Staff as named; "anyone" is nobody.
    pub staff: Option<String>,
    /// Notes of the caller.
    pub notes: Option<String>,
    /// Whether the caller confirmed.
    pub confirm: bool,
    /// How soon somebody shall call back.
    pub priority: Option<String>,
    /// What about.
    pub reason: Option<String>,
    /// When, as written.
    pub due: Option<String>,
    /// Preferred names of arguments that were given but cannot be used.
    pub ignored: Vec<&'static str>,
}

/// An argument that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Longer than its limit; say it shorter.
    #[error("the argument {argument} is longer than {chars_max} characters")]
    TooLong {
        /// Its preferred name.
        argument: &'static str,
        /// The limit.
        chars_max: usize,
    },
}

impl Arguments {
    /// Reads the arguments; unknown ones, `call_id` among them, are left alone. Of several names of one
    /// argument the preferred one with a value counts. Errors: [`ArgumentError`].
    pub fn read(map: &Map<String, Value>) -> Result<Self, ArgumentError> {
        let mut read = Self::default();
        for (argument, names, chars_max) in ARGUMENTS {
            let name = names.first().copied().unwrap_or_default();
            match value_of(map, names) {
                Given::Nothing => {}
                Given::Unusable => read.ignored.push(name),
                Given::Text(text) if text.chars().count() > chars_max => {
                    return Err(ArgumentError::TooLong { argument: name, chars_max });
                }
                Given::Text(text) => read.take(argument, name, text),
            }
        }
        Ok(read)
    }

    fn take(&mut self, argument: Argument, name: &'static str, text: String) {
        match argument {
            Argument::Service => self.service = Some(text),
            Argument::Date => self.date = Some(text),
            Argument::Time => self.time = Some(text),
            Argument::DateTime => self.datetime = Some(text),
            Argument::CustomerName => self.customer_name = Some(text),
            Argument::Staff => self.staff = Some(text).filter(|t| !is_one_of(t, &ANYBODY)),
            Argument::Notes => self.notes = Some(text),
            Argument::Priority => self.priority = Some(text),
            Argument::Reason => self.reason = Some(text),
            Argument::Due => self.due = Some(text),
            Argument::Confirm => self.confirm = is_one_of(&text, &YES),
            Argument::Phone => {
                self.phone = PhoneNumber::parse_e164(&text);
                self.ignored.extend(self.phone.is_none().then_some(name));
            }
            Argument::Email => {
                self.email = is_email(&text).then_some(text);
                self.ignored.extend(self.email.is_none().then_some(name));
            }
        }
    }
}

impl std::fmt::Debug for Arguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arguments").field("ignored", &self.ignored).finish_non_exhaustive()
    }
}

enum Given {
    Nothing,
    Unusable,
    Text(String),
}

/// The value under the first of `names` that has one; keys count in any case, the smallest first.
fn value_of(map: &Map<String, Value>, names: &[&str]) -> Given {
    let mut unusable = false;
    for name in names {
        let mut values: Vec<(&String, &Value)> =
            map.iter().filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).collect();
        values.sort_by_key(|(key, _)| *key);
        for (_, value) in values {
            match text_of(value) {
                Given::Text(text) => return Given::Text(text),
                Given::Unusable => unusable = true,
                Given::Nothing => {}
            }
        }
    }
    if unusable { Given::Unusable } else { Given::Nothing }
}

fn text_of(value: &Value) -> Given {
    let text = match value {
        Value::Null => return Given::Nothing,
        Value::Array(_) | Value::Object(_) => return Given::Unusable,
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => clean(text),
    };
    let absent = text.is_empty() || text.starts_with("{{") || is_one_of(&text, &PLACEHOLDERS);
    if absent { Given::Nothing } else { Given::Text(text) }
}

/// Trimmed, white space single, other control characters dropped.
fn clean(text: &str) -> String {
    let words = text.split_whitespace().map(|w| w.chars().filter(|c| !c.is_control()).collect::<String>());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn is_one_of(text: &str, words: &[&str]) -> bool {
    words.contains(&text.to_lowercase().as_str())
}

/// A light check: one `@` with something before it, a dot inside the domain, no spaces.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let dotted = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
    !local.is_empty() && dotted && !domain.contains('@') && !text.contains([' ', '<', '>', ',', ';'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Arguments, ArgumentError> {
        Arguments::read(value.as_object().unwrap())
    }

    #[test]
    fn both_languages_and_any_case_are_read() {
        for service in ["service", "Dienstleistung", "SERVICE_NAME"] {
            let found = read(json!({ service: "  Herren\n schnitt\u{0} ", "call_id": "None" })).unwrap();
            assert_eq!(found.service.as_deref(), Some("Herren schnitt"), "{service}");
        }
        let german = json!({"datum": "morgen", "Uhrzeit": 14, "mitarbeiter": "Mia", "notizen": "kurz",
            "bestaetigung": "Ja", "name": "Anna", "phone_number": "+49 151 12345678", "email": "a@b.de"});
        let found = read(german).unwrap();
        assert_eq!((found.date.as_deref(), found.time.as_deref()), (Some("morgen"), Some("14")));
        assert_eq!((found.staff.as_deref(), found.notes.as_deref()), (Some("Mia"), Some("kurz")));
        assert_eq!(found.customer_name.as_deref(), Some("Anna"));
        assert_eq!(found.phone.unwrap().as_str(), "+4915112345678");
        assert!(found.confirm && found.email.is_some() && found.ignored.is_empty());
    }

    #[test]
    fn placeholders_are_absent_and_the_next_name_counts() {
        for empty in ["", "  ", "None", "NULL", "undefined", "n/a", "-", "Unbekannt", "{{service}}", "\u{7}"]
        {
            let found = read(json!({"service": empty, "dienstleistung": "Schnitt", "date": empty})).unwrap();
            assert_eq!(found.service.as_deref(), Some("Schnitt"), "{empty:?}");
            assert_eq!(found.date, None, "{empty:?}");
        }
        assert_eq!(read(json!({"staff": "egal"})).unwrap().staff, None);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let found =
            read(json!({"customer_phone": "0151 123", "email": "anna at web", "notes": ["x"]})).unwrap();
        assert_eq!(found.ignored, ["customer_phone", "customer_email", "notes"]);
        assert!(found.phone.is_none() && found.email.is_none() && found.notes.is_none());
    }

    #[test]
    fn an_argument_that_is_too_long_is_refused_by_name() {
        let long = "ü".repeat(NOTES_CHARS_MAX + 1);
        let refused = ArgumentError::TooLong { argument: "notes", chars_max: NOTES_CHARS_MAX };
        assert_eq!(read(json!({"notizen": long})), Err(refused));
        assert!(read(json!({"notes": "ü".repeat(NOTES_CHARS_MAX)})).unwrap().notes.is_some());
    }

    #[test]
    fn confirmation_needs_a_yes() {
        for yes in [json!(true), json!(1), json!("true"), json!("JA"), json!("bestätigt")] {
            assert!(read(json!({"confirm": yes})).unwrap().confirm, "{yes}");
        }
        for no in [json!(false), json!(0), json!("nein"), json!(null), json!("vielleicht"), json!({})] {
            assert!(!read(json!({"confirm": no})).unwrap().confirm, "{no}");
        }
    }

    #[test]
    fn addresses_are_checked_lightly() {
        for good in ["a@b.de", "anna.schmidt+x@mail.example.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["a@b", "@b.de", "a@.de", "a@b.", "a@@b.de", "a b@c.de", "a@b@c.de", "a", "a@b..de"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn debug_shows_nothing_personal() {
        let found = read(json!({"name": "Anna", "email": "x"})).unwrap();
        assert_eq!(format!("{found:?}"), "Arguments { ignored: [\"customer_email\"], .. }");
    }

    proptest! {
        #[test]
        fn no_argument_makes_it_panic(key in "\\PC{0,20}", text in any::<String>(), number in any::<f64>()) {
            let names = ARGUMENTS.iter().flat_map(|(_, names, _)| names.iter());
            let mut map: Map<String, Value> = names.map(|name| ((*name).to_owned(), json!(text))).collect();
            map.insert(key, json!(number));
            let _ = Arguments::read(&map);
        }
    }
}
