//! The arguments of a live function as agents send them: English or German names, strings, numbers or
//! booleans, placeholders where nothing is known. What the call is, is never an argument.
//!
//! What is read here needs no company but its country; what a name means is looked up by whoever knows the
//! company.

mod email;
mod table;
mod text;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use self::table::{
    Argument, CONFIRM_CHARS_MAX, CUSTOMER_NAME_CHARS_MAX, EMAIL_CHARS_MAX, NAME_OF_CHOICE_CHARS_MAX,
    NOTES_CHARS_MAX, PHONE_CHARS_MAX, WHEN_ARGUMENT_CHARS_MAX,
};
use self::{
    email::read_email,
    text::{Given, value_of},
};
use crate::{
    phone::{Country, PhoneNumber},
    text::is_among,
};

const YES: &str = "\
    true 1 yes y yeah yep sure correct ja j jo jawohl gerne genau ok okay confirmed bestätigt bestaetigt";

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
    /// E.164, from any form that is used in the country.
    pub phone: Option<PhoneNumber>,
    /// Only what looks like an address, written or spoken.
    pub email: Option<String>,
    /// Staff as named.
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
    /// Words that mean a date.
    pub text: Option<String>,
    /// What was noticed on the way.
    pub remarks: Remarks,
}

/// What was noticed of the arguments of one order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Given, and of no use.
    pub ignored: Vec<Argument>,
    /// Given under the name of another argument, and taken as what they are.
    pub moved: Vec<Argument>,
    /// Longer than its limit, so that the order was refused.
    pub too_long: Option<Argument>,
    /// The wished time as it was understood, said back in the company's language.
    pub understood: Option<String>,
}

impl Remarks {
    /// Notes an argument that is of no use; once.
    pub fn ignore(&mut self, argument: Argument) {
        if !self.ignored.contains(&argument) {
            self.ignored.push(argument);
        }
    }

    /// Preferred names of what was given and is of no use.
    pub fn ignored_names(&self) -> impl Iterator<Item = &'static str> {
        self.ignored.iter().map(|argument| argument.name())
    }
}

/// An argument that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Longer than its limit; say it shorter.
    #[error("the argument {} is longer than {} characters", .0.name(), .0.chars_max())]
    TooLong(Argument),
}

impl Arguments {
    /// Reads these arguments; all others, `call_id` among them, are left alone. Of several names of one
    /// argument the preferred one with a value counts. National numbers are those of `country`.
    /// Errors: [`ArgumentError`].
    pub fn read(
        map: &Map<String, Value>,
        arguments: &[Argument],
        country: Option<Country>,
    ) -> Result<Self, ArgumentError> {
        let mut read = Self::default();
        for argument in arguments.iter().copied() {
            match value_of(map, argument.names(), argument == Argument::Confirm) {
                Given::Nothing => {}
                Given::Unusable => read.remarks.ignore(argument),
                Given::Text(text) if text.chars().count() > argument.chars_max() => {
                    return Err(ArgumentError::TooLong(argument));
                }
                Given::Text(text) => read.take(argument, text, country),
            }
        }
        Ok(read)
    }

    fn take(&mut self, argument: Argument, text: String, country: Option<Country>) {
        match argument {
            Argument::Service => self.service = Some(text),
            Argument::Date => self.date = Some(text),
            Argument::Time => self.time = Some(text),
            Argument::DateTime => self.datetime = Some(text),
            Argument::CustomerName => self.customer_name = Some(text),
            Argument::Staff => self.staff = Some(text),
            Argument::Notes => self.notes = Some(text),
            Argument::Confirm => self.confirm = is_yes(&text),
            Argument::Priority => self.priority = Some(text),
            Argument::Reason => self.reason = Some(text),
            Argument::Due => self.due = Some(text),
            Argument::Text => self.text = Some(text),
            Argument::Phone => {
                self.phone = PhoneNumber::parse_in(&text, country);
                if self.phone.is_none() {
                    self.remarks.ignore(argument);
                }
            }
            Argument::Email => {
                self.email = read_email(&text);
                if self.email.is_none() {
                    self.remarks.ignore(argument);
                }
            }
        }
    }
}

impl std::fmt::Debug for Arguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arguments").field("remarks", &self.remarks).finish_non_exhaustive()
    }
}

/// "Ja", "ja, bitte", "yes please": the first word decides.
fn is_yes(text: &str) -> bool {
    let first = text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    is_among(YES, &first.to_lowercase())
}
