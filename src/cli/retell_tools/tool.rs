//! One function as a custom tool of Retell's. Fields and their limits: Retell's custom functions, as of
//! `retell-sdk` 6.2.13.

use std::time::Duration;

use askpro_domain::{
    function::{
        FunctionName,
        briefing::{self, ArgumentKind},
    },
    tenant::Language,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use super::public_url::PublicUrl;
use crate::usecases::functions::ANSWER_GRACE;

/// Time-outs that Retell takes.
pub(super) const TIMEOUT_RANGE_MS: std::ops::RangeInclusive<u128> = 1_000..=600_000;

/// Between Retell and the service: a new TLS connection over an ocean, and the body, which carries the
/// transcript of the whole call (1.25 MB after an hour).
const NETWORK_ROOM: Duration = Duration::from_millis(2_000);

/// Attempts after the first. All functions may be repeated: a read changes nothing, a write joins what is under
/// way or is answered as before. So one more attempt mends a lost connection, or a 503 while the service changes
/// hands. More would be silence on the line: Retell waits a whole time-out for each.
const RETRIES_READ: u8 = 1;
/// A write has one more: whoever does not hear its answer does not know what came of it.
const RETRIES_WRITE: u8 = 2;

/// Where the service is, and how long it takes.
#[derive(Debug)]
pub(super) struct Place {
    /// Its address.
    pub(super) url: PublicUrl,
    /// The company whose own key signs.
    pub(super) company: Option<String>,
    /// `functions.budget_ms`.
    pub(super) budget: Duration,
}

/// A custom tool.
#[derive(Debug, Serialize)]
pub(super) struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    description: &'static str,
    url: String,
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_params: Option<Value>,
    parameters: Parameters,
    /// The body must carry the call: nothing else says whose question it is.
    args_at_root: bool,
    timeout_ms: u128,
    max_retry: u8,
    speak_during_execution: bool,
    /// Retell's documentation and its SDK disagree on what it is by default.
    speak_after_execution: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    meanwhile: Option<Meanwhile>,
}

/// What the agent says while the function runs.
#[derive(Debug, Serialize)]
struct Meanwhile {
    execution_message_type: &'static str,
    execution_message_description: &'static str,
}

impl Tool {
    /// The tool for a function with these arguments.
    pub(super) fn of(
        function: FunctionName,
        arguments: &[&'static str],
        place: &Place,
        language: Language,
    ) -> Self {
        let brief = briefing::function(function, language);
        let name = function.as_str();
        Self {
            kind: "custom",
            name,
            description: brief.says,
            url: place.url.join(&format!("/functions/retell/{name}")),
            method: "POST",
            query_params: place.company.as_ref().map(|slug| json!({ "company": slug })),
            parameters: Parameters::of(function, arguments, language),
            args_at_root: false,
            timeout_ms: timeout_ms(place.budget),
            max_retry: if function.is_write() { RETRIES_WRITE } else { RETRIES_READ },
            speak_during_execution: brief.meanwhile.is_some(),
            speak_after_execution: true,
            meanwhile: brief.meanwhile.map(|text| Meanwhile {
                execution_message_type: "static_text",
                execution_message_description: text,
            }),
        }
    }
}

/// Long enough for the latest answer that the service gives, and within Retell's own limits.
pub(super) fn timeout_ms(budget: Duration) -> u128 {
    let latest = (budget + ANSWER_GRACE + NETWORK_ROOM).as_millis();
    latest.clamp(*TIMEOUT_RANGE_MS.start(), *TIMEOUT_RANGE_MS.end())
}

/// The schema of the arguments.
#[derive(Debug, Serialize)]
struct Parameters {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Properties,
    required: Vec<&'static str>,
}

impl Parameters {
    fn of(function: FunctionName, arguments: &[&'static str], language: Language) -> Self {
        let property = |name: &&'static str| Some((*name, property(name, language)?));
        let properties = Properties(arguments.iter().filter_map(property).collect());
        Self { kind: "object", properties, required: required(function).to_vec() }
    }
}

/// Without which a function says nothing. All else may be left out: it is known, as checked before, or asked
/// back. A model that must give an argument invents one.
const fn required(function: FunctionName) -> &'static [&'static str] {
    match function {
        FunctionName::ParseDate => &["text"],
        _ => &[],
    }
}

/// In the order in which the arguments stand in the domain.
#[derive(Debug)]
struct Properties(Vec<(&'static str, Property)>);

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, property) in &self.0 {
            map.serialize_entry(name, property)?;
        }
        map.end()
    }
}

#[derive(Debug, Serialize)]
struct Property {
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
    #[serde(rename = "enum", skip_serializing_if = "<[_]>::is_empty")]
    choices: &'static [&'static str],
}

fn property(name: &str, language: Language) -> Option<Property> {
    let brief = briefing::argument(name, language)?;
    let (kind, choices): (_, &'static [&'static str]) = match brief.kind {
        ArgumentKind::Words => ("string", &[]),
        ArgumentKind::YesOrNo => ("boolean", &[]),
        ArgumentKind::OneOf(words) => ("string", words),
    };
    let description = match (brief.kind, language) {
        (ArgumentKind::Words, Language::De) => format!("{} Beispiel: {}", brief.says, brief.example),
        (ArgumentKind::Words, Language::En) => format!("{} Example: {}", brief.says, brief.example),
        (ArgumentKind::YesOrNo | ArgumentKind::OneOf(_), _) => brief.says.to_owned(),
    };
    Some(Property { kind, description, choices })
}
