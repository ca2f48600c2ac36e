//! What is printed, against Retell's rules for tools and against what the service understands and answers.

use std::{collections::BTreeSet, time::Duration};

use askpro_domain::{
    function::parse_order,
    greeting,
    tenant::{Company, parse_import},
    time::UnixMillis,
};
use serde_json::{Map, Value, json};

use super::{tool::timeout_ms, *};

const LANGUAGES: [Language; 2] = [Language::De, Language::En];
/// 2026-11-23, a Monday.
const NOW: UnixMillis = UnixMillis(1_795_420_800_000);

fn place() -> Place {
    let url = PublicUrl::parse("https://api.example.com/").unwrap();
    Place { url, company: None, budget: Duration::from_millis(2_500) }
}

fn shown(place: &Place, language: Language) -> Value {
    serde_json::to_value(printed(place, language)).unwrap()
}

fn tools(language: Language) -> Vec<Value> {
    shown(&place(), language)["tools"].as_array().unwrap().clone()
}

fn names() -> Vec<String> {
    tools(Language::De).iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn company() -> Company {
    let file = json!({"companies": [{
        "slug": "a", "name": "A", "time_zone": "Europe/Berlin",
        "branches": [{"slug": "one", "name": "One", "phone_numbers": ["+493083793369"]}],
        "staff": [{"slug": "udo", "name": "Udo", "branch": "one"}],
        "services": [{"slug": "herrenhaarschnitt", "name": "Herrenhaarschnitt", "duration_minutes": 30}],
    }]});
    parse_import(&file).unwrap().companies.remove(0)
}

/// A call with every argument of the tool, as a model makes it from the schema.
fn example_call(tool: &Value, language: Language) -> Map<String, Value> {
    let properties = tool["parameters"]["properties"].as_object().unwrap();
    let value = |(name, schema): (&String, &Value)| {
        let value = match (schema["type"].as_str().unwrap(), schema["enum"].as_array()) {
            ("boolean", _) => json!(true),
            ("string", Some(words)) => words[0].clone(),
            ("string", None) => {
                let example = askpro_domain::function::briefing::argument(name, language).unwrap().example;
                assert!(schema["description"].as_str().unwrap().ends_with(example), "{name}");
                json!(example)
            }
            other => panic!("{other:?}"),
        };
        (name.clone(), value)
    };
    properties.iter().map(value).collect()
}

#[test]
fn every_tool_keeps_to_retells_rules() {
    for language in LANGUAGES {
        for tool in tools(language) {
            let name = tool["name"].as_str().unwrap();
            assert!((1..=64).contains(&name.len()), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{name}");
            assert_eq!(tool["type"], "custom", "{name}");
            assert_eq!(tool["method"], "POST", "{name}");
            assert_eq!(tool["url"], format!("https://api.example.com/functions/retell/{name}"));
            assert_eq!(tool["args_at_root"], false, "{name}");
            assert!((1_000..=600_000).contains(&tool["timeout_ms"].as_u64().unwrap()), "{name}");
            assert!(tool["max_retry"].as_u64().unwrap() <= 5, "{name}");
            assert_eq!(tool["speak_after_execution"], true, "{name}");
            let speaks = tool["speak_during_execution"].as_bool().unwrap();
            assert_eq!(tool.get("execution_message_description").is_some(), speaks, "{name}");
            assert_eq!(tool.get("execution_message_type").is_some(), speaks, "{name}");
            assert!(tool["description"].as_str().unwrap().len() > 20, "{name}");
            let parameters = &tool["parameters"];
            assert_eq!(parameters["type"], "object", "{name}");
            for required in parameters["required"].as_array().unwrap() {
                assert!(parameters["properties"].get(required.as_str().unwrap()).is_some(), "{required}");
            }
        }
    }
}

#[test]
fn every_function_that_is_answered_has_one_tool() {
    let names = names();
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "two tools of one name");
    for function in FunctionName::ALL {
        let has_tool = names.iter().any(|name| name == function.as_str());
        assert!(has_tool || Argument::of(function).is_none(), "{} has no tool", function.as_str());
        assert_eq!(has_tool, !left_out().contains(&function), "{}", function.as_str());
    }
    let note = left_out_note().unwrap();
    assert!(note.contains("cancel_appointment, reschedule_appointment"), "{note}");
}

#[test]
fn every_argument_of_a_schema_is_one_of_the_function_and_has_a_text() {
    for language in LANGUAGES {
        for tool in tools(language) {
            let function = FunctionName::parse(tool["name"].as_str().unwrap()).unwrap().0;
            let mut wanted = arguments_of(function).unwrap();
            wanted.sort_unstable();
            let properties = tool["parameters"]["properties"].as_object().unwrap();
            assert_eq!(properties.keys().collect::<Vec<_>>(), wanted, "{}", function.as_str());
        }
    }
}

#[test]
fn a_call_made_from_a_schema_is_read_without_a_remark() {
    let company = company();
    for language in LANGUAGES {
        for tool in tools(language) {
            let function = FunctionName::parse(tool["name"].as_str().unwrap()).unwrap().0;
            let call = example_call(&tool, language);
            let read = parse_order(function, &call, &company, &company.branches[0], NOW);
            let remarks = askpro_domain::function::Remarks { understood: None, ..read.remarks };
            assert_eq!(remarks, askpro_domain::function::Remarks::default(), "{call:?}");
        }
    }
}

#[test]
fn the_german_example_of_a_check_and_of_a_booking_is_an_order() {
    let company = company();
    for tool in tools(Language::De) {
        let function = FunctionName::parse(tool["name"].as_str().unwrap()).unwrap().0;
        if Argument::of(function).is_none() {
            continue;
        }
        let mut call = example_call(&tool, Language::De);
        // Either both in one, or each alone: all three may name different moments.
        if call.contains_key("datetime") {
            call.remove("date");
            call.remove("time");
        }
        let read = parse_order(function, &call, &company, &company.branches[0], NOW);
        assert!(read.order.is_ok(), "{}: {:?}", function.as_str(), read.order);
    }
}

#[test]
fn a_time_out_leaves_room_for_the_latest_answer_and_stays_in_retells_range() {
    let of_budget = |ms| timeout_ms(Duration::from_millis(ms));
    assert_eq!(of_budget(2_500), 4_700);
    assert!(of_budget(30_000) > 30_200);
    for extreme in [0, 100, 10_000_000] {
        assert!(tool::TIMEOUT_RANGE_MS.contains(&of_budget(extreme)), "{extreme}");
    }
    for tool in tools(Language::En) {
        assert_eq!(tool["timeout_ms"], 4_700);
    }
}

#[test]
fn a_write_is_tried_once_more_than_a_read() {
    let retries = |name: &str| {
        let tools = tools(Language::De);
        tools.iter().find(|tool| tool["name"] == name).unwrap()["max_retry"].clone()
    };
    assert_eq!((retries("check_availability"), retries("book_appointment")), (json!(1), json!(2)));
}

#[test]
fn a_companys_own_key_is_named_in_every_address() {
    let of_company = Place { company: Some("friseur-mitte".to_owned()), ..place() };
    for tool in shown(&of_company, Language::De)["tools"].as_array().unwrap() {
        assert_eq!(tool["query_params"], json!({ "company": "friseur-mitte" }));
    }
    assert!(tools(Language::De).iter().all(|tool| tool.get("query_params").is_none()));
    assert!(slug("friseur-mitte").is_ok() && slug("").is_err() && slug("a&b=c").is_err());
}

/// Sources of the domain that say what is answered.
const ANSWERS: [&str; 9] = [
    include_str!("../../../actors/domain/src/function/outcome.rs"),
    include_str!("../../../actors/domain/src/function/objection.rs"),
    include_str!("../../../actors/domain/src/function/told.rs"),
    include_str!("../../../actors/domain/src/function/speaker.rs"),
    include_str!("../../../actors/domain/src/function/answer.rs"),
    include_str!("../../../actors/domain/src/function/services.rs"),
    include_str!("../../../actors/domain/src/function/callback.rs"),
    include_str!("../../../actors/domain/src/booking/saga.rs"),
    include_str!("../../usecases/functions.rs"),
];

/// Words in quotes: codes and names of fields.
fn answered_words() -> BTreeSet<&'static str> {
    let quoted = |text: &'static str| text.split('"').skip(1).step_by(2);
    ANSWERS.into_iter().flat_map(quoted).filter(|word| is_word(word)).collect()
}

/// Codes: what stands behind the arrows of a `code()`.
fn codes() -> BTreeSet<&'static str> {
    let bodies = ANSWERS.into_iter().filter_map(|text| {
        let (_, body) = text.split_once("fn code(")?;
        body.split_once("\n    }\n").map(|(body, _)| body)
    });
    bodies.flat_map(|body| body.split("=> \"").skip(1)).filter_map(|arm| arm.split('"').next()).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// Words in backticks, without variables.
fn named_in(prompt: &str) -> Vec<&str> {
    prompt.split('`').skip(1).step_by(2).filter(|word| !word.starts_with("{{")).collect()
}

#[test]
fn the_prompt_names_only_what_the_service_has() {
    let (answered, codes, tools) = (answered_words(), codes(), names());
    assert!(
        codes.len() > 40 && codes.contains("slot_taken") && codes.contains("callback_requested"),
        "{codes:?}"
    );
    let arguments = Argument::ALL.map(Argument::name);
    for language in LANGUAGES {
        let prompt = prompt::section(&left_out(), language);
        let named = named_in(&prompt);
        for word in &named {
            let is_known =
                answered.contains(word) || tools.iter().any(|name| name == word) || arguments.contains(word);
            assert!(is_known, "{word} is nothing of the service");
        }
        for code in ["pending_confirmation", "outcome_unknown", "slot_taken", "busy", "callback_requested"] {
            assert!(named.contains(&code) && codes.contains(code), "{code}");
        }
        for word in ["message", "ignored", "alternatives", "check_availability", "book_appointment"] {
            assert!(named.contains(&word), "{word}");
        }
    }
}

#[test]
fn both_prompts_name_the_same_things() {
    let [de, en] = LANGUAGES.map(|language| prompt::section(&left_out(), language));
    let all = |prompt: &str| prompt.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(all(&de), all(&en));
    assert_eq!(de.lines().count(), en.lines().count());
    assert!(de.ends_with("(`request_callback`).\n"), "{de}");
    assert!(!prompt::section(&[], Language::De).contains("nicht selbst"));
}

#[test]
fn the_prompt_uses_only_variables_that_the_inbound_webhook_sets() {
    for language in LANGUAGES {
        let prompt = prompt::section(&left_out(), language);
        let variables: Vec<&str> =
            prompt.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).collect();
        assert!(variables.contains(&"customer_name") && variables.contains(&"today_spoken"));
        for variable in variables {
            assert!(greeting::VARIABLES.contains(&variable), "{variable}");
        }
    }
}
