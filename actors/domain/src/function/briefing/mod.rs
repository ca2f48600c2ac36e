//! What a language model is told of the functions and their arguments before it calls any: one text for each,
//! in both languages, with an example that the service understands.
//!
//! Knows names and meanings. How a vendor wants its tools written down, and how an agent shall talk, is decided
//! elsewhere.

mod de;
mod en;

use super::FunctionName;
use crate::{callback::Priority, tenant::Language};

/// What a model is told of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionBrief {
    /// What it does, in a few words: `Termin prüfen`.
    pub title: &'static str,
    /// When to call it, and what comes back.
    pub says: &'static str,
    /// What to say while the caller waits; only of those that may wait for a calendar.
    pub meanwhile: Option<&'static str>,
}

/// What a model is told of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgumentBrief {
    /// What belongs there.
    pub says: &'static str,
    /// A value that is understood, as text; a yes is `true`.
    pub example: &'static str,
    /// Of which kind its values are.
    pub kind: ArgumentKind,
}

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// Words, as they were said.
    Words,
    /// Yes or no.
    YesOrNo,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

const PRIORITIES: &[&str] = &[Priority::Normal.as_str(), Priority::High.as_str(), Priority::Urgent.as_str()];

/// What a model is told of a function, whether it is built or not.
#[must_use]
pub const fn function(function: FunctionName, language: Language) -> FunctionBrief {
    match language {
        Language::De => de::function(function),
        Language::En => en::function(function),
    }
}

/// What a model is told of the argument with this preferred name; `None` for a name that is none.
#[must_use]
pub fn argument(name: &str, language: Language) -> Option<ArgumentBrief> {
    let (says, example) = match language {
        Language::De => de::argument(name)?,
        Language::En => en::argument(name)?,
    };
    let kind = match name {
        "confirm" => ArgumentKind::YesOrNo,
        "priority" => ArgumentKind::OneOf(PRIORITIES),
        _ => ArgumentKind::Words,
    };
    Some(ArgumentBrief { says, example, kind })
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::{
        function::{Argument, arguments::Arguments},
        phone::Country,
    };

    const BOTH: [Language; 2] = [Language::De, Language::En];

    #[test]
    fn every_function_and_every_argument_is_described_in_both_languages() {
        for name in FunctionName::ALL {
            let [de, en] = BOTH.map(|language| function(name, language));
            for (one, other) in [(de.title, en.title), (de.says, en.says)] {
                assert!(!one.is_empty() && !other.is_empty() && one != other, "{}", name.as_str());
            }
            assert_eq!(de.meanwhile.is_some(), en.meanwhile.is_some(), "{}", name.as_str());
        }
        for name in Argument::ALL.map(Argument::name) {
            let [de, en] = BOTH.map(|language| argument(name, language).unwrap_or_else(|| panic!("{name}")));
            assert!(de.says.len() > 10 && en.says.len() > 10 && de.says != en.says, "{name}");
            assert_eq!(de.kind, en.kind);
        }
        assert_eq!(argument("call_id", Language::De), None);
    }

    #[test]
    fn every_example_is_understood_as_the_argument_that_it_stands_for() {
        for language in BOTH {
            let example = |argument: Argument| {
                let brief = super::argument(argument.name(), language).unwrap();
                let value =
                    if brief.kind == ArgumentKind::YesOrNo { json!(true) } else { json!(brief.example) };
                (argument.name().to_owned(), value)
            };
            let given: Map<String, Value> = Argument::ALL.into_iter().map(example).collect();
            let read = Arguments::read(&given, &Argument::ALL, Country::of_zone("Europe/Berlin")).unwrap();
            assert_eq!(read.remarks, crate::function::Remarks::default());
            let texts = [
                &read.service,
                &read.date,
                &read.time,
                &read.datetime,
                &read.customer_name,
                &read.email,
                &read.staff,
                &read.notes,
                &read.priority,
                &read.reason,
                &read.due,
            ];
            assert!(texts.into_iter().all(Option::is_some) && read.phone.is_some() && read.confirm);
        }
    }

    #[test]
    fn every_word_of_a_choice_is_one() {
        for word in PRIORITIES {
            assert_eq!(Priority::parse(word).map(Priority::as_str), Some(*word));
        }
    }
}
