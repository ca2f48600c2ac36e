//! The arguments: what each is called, and how long it may be.

use crate::function::FunctionName;

/// Longest service or staff name, in characters.
pub const NAME_OF_CHOICE_CHARS_MAX: usize = 120;
/// Longest date, time or date-time, in characters.
pub const WHEN_ARGUMENT_CHARS_MAX: usize = crate::when::WHEN_CHARS_MAX;
/// Longest name of a customer, in characters.
pub const CUSTOMER_NAME_CHARS_MAX: usize = 120;
/// Longest phone number as written or said, in characters.
pub const PHONE_CHARS_MAX: usize = 200;
/// Longest e-mail address as written or spelled, in characters.
pub const EMAIL_CHARS_MAX: usize = 400;
/// Longest notes, in characters.
pub const NOTES_CHARS_MAX: usize = 500;
/// Longest wish when to be called back, in characters: it is kept as it was said.
pub(super) const DUE_CHARS_MAX: usize = 200;
/// Longest confirmation, in characters.
pub const CONFIRM_CHARS_MAX: usize = 40;

/// An argument of a live function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Argument {
    /// What is wanted.
    Service,
    /// Its day.
    Date,
    /// Its time.
    Time,
    /// Both.
    DateTime,
    /// Who comes.
    CustomerName,
    /// Number to reach them.
    Phone,
    /// Address to reach them.
    Email,
    /// With whom.
    Staff,
    /// Anything else that the caller said.
    Notes,
    /// Whether the caller confirmed.
    Confirm,
    /// How soon somebody shall call back.
    Priority,
    /// What a callback is about.
    Reason,
    /// When to call back.
    Due,
    /// Words that mean a date.
    Text,
}

impl Argument {
    /// Every argument.
    pub const ALL: [Self; 14] = [
        Self::Service,
        Self::Date,
        Self::Time,
        Self::DateTime,
        Self::CustomerName,
        Self::Phone,
        Self::Email,
        Self::Staff,
        Self::Notes,
        Self::Confirm,
        Self::Priority,
        Self::Reason,
        Self::Due,
        Self::Text,
    ];

    /// Its names in the order in which they count.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Service => &["service", "dienstleistung", "service_name", "leistung", "treatment"],
            Self::Date => &["date", "datum", "preferred_date", "wunschdatum", "tag", "day"],
            Self::Time => &["time", "uhrzeit", "preferred_time", "wunschzeit", "zeit"],
            Self::DateTime => &["datetime", "date_time", "start", "start_time", "slot", "wunschtermin"],
            Self::CustomerName => &["customer_name", "name", "kundenname", "full_name", "caller_name"],
            Self::Phone => &[
                "customer_phone",
                "phone_number",
                "phone",
                "telefon",
                "telefonnummer",
                "telefonnr",
                "phone_no",
            ],
            Self::Email => &["customer_email", "email", "e_mail", "mail", "email_address"],
            Self::Staff => {
                &["staff", "mitarbeiter", "preferred_staff", "staff_name", "mitarbeiterin", "employee"]
            }
            Self::Notes => &["notes", "notizen", "note", "notiz", "bemerkung", "comment"],
            Self::Confirm => &["confirm", "bestaetigung", "confirmed", "confirmation", "bestaetigt"],
            Self::Priority => &["priority", "prioritaet", "priorität", "dringlichkeit", "urgency"],
            Self::Reason => &["reason", "grund", "anliegen", "topic", "thema"],
            Self::Due => &["due", "due_time", "callback_time", "rueckrufzeit", "when", "wann"],
            Self::Text => &["text", "phrase", "words", "ausdruck", "angabe"],
        }
    }

    /// The preferred name, used in answers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.names() {
            [name, ..] => name,
            [] => "",
        }
    }

    /// Characters that its text may have.
    #[must_use]
    pub const fn chars_max(self) -> usize {
        match self {
            Self::Service | Self::Staff => NAME_OF_CHOICE_CHARS_MAX,
            Self::Date | Self::Time | Self::DateTime | Self::Text => WHEN_ARGUMENT_CHARS_MAX,
            Self::CustomerName => CUSTOMER_NAME_CHARS_MAX,
            Self::Phone => PHONE_CHARS_MAX,
            Self::Email => EMAIL_CHARS_MAX,
            Self::Notes | Self::Reason => NOTES_CHARS_MAX,
            Self::Confirm | Self::Priority => CONFIRM_CHARS_MAX,
            Self::Due => DUE_CHARS_MAX,
        }
    }

    /// The arguments that a function reads; `None` for functions that are not built.
    #[must_use]
    pub const fn of(function: FunctionName) -> Option<&'static [Self]> {
        match function {
            FunctionName::CheckAvailability => {
                Some(&[Self::Service, Self::Date, Self::Time, Self::DateTime, Self::Staff])
            }
            FunctionName::BookAppointment => Some(&[
                Self::Service,
                Self::Date,
                Self::Time,
                Self::DateTime,
                Self::CustomerName,
                Self::Phone,
                Self::Email,
                Self::Staff,
                Self::Notes,
                Self::Confirm,
            ]),
            FunctionName::ListServices => Some(&[Self::Service, Self::Staff]),
            FunctionName::OpeningHours => Some(&[Self::Date, Self::DateTime]),
            FunctionName::CheckCustomer | FunctionName::FindAppointments => Some(&[]),
            FunctionName::RequestCallback => Some(&[
                Self::Priority,
                Self::Reason,
                Self::Due,
                Self::Date,
                Self::Time,
                Self::DateTime,
                Self::CustomerName,
                Self::Phone,
                Self::Notes,
            ]),
            FunctionName::ParseDate => Some(&[Self::Text, Self::Date, Self::Time, Self::DateTime]),
            FunctionName::CancelAppointment | FunctionName::RescheduleAppointment => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_two_arguments() {
        let names: Vec<&str> = Argument::ALL.iter().flat_map(|argument| argument.names()).copied().collect();
        for (at, name) in names.iter().enumerate() {
            assert!(!names.iter().skip(at + 1).any(|other| other == name), "{name}");
        }
    }
}
