//! What a branch answers before a call begins, in the import file.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    DYNAMIC_VARIABLES_MAX, METADATA_BYTES_MAX, VARIABLE_CHARS_MAX, VARIABLE_NAME_CHARS_MAX,
    reader::{Fields, Item, Reader, quoted},
};
use crate::{
    greeting::VARIABLES,
    tenant::{AgentVersion, InboundSettings},
};

const FIELDS: [&str; 4] = ["override_agent_id", "override_agent_version", "dynamic_variables", "metadata"];

/// Settings of a branch whose agents are these. Retell drops an answer with anything wrong in it, so all of it
/// is checked here.
pub(super) fn inbound(reader: &mut Reader, item: &Item<'_>, agents: &[String]) -> Option<InboundSettings> {
    let fields = reader.fields(item, &FIELDS)?;
    let override_agent_id = agent(reader, &fields, agents);
    let override_agent_version = version(reader, &fields);
    if override_agent_version.is_some() && fields.item("override_agent_id").is_none() {
        let message = "a version needs its agent; add \"override_agent_id\"";
        reader.refuse(&fields.place_of("override_agent_version"), "missing", message);
    }
    Some(InboundSettings {
        override_agent_id,
        override_agent_version,
        dynamic_variables: variables(reader, &fields),
        metadata: metadata(reader, &fields),
    })
}

/// An agent of another company would place the call there.
fn agent(reader: &mut Reader, fields: &Fields<'_>, agents: &[String]) -> Option<String> {
    let item = fields.item("override_agent_id")?;
    let agent = reader.text(&item)?;
    if !agents.iter().any(|known| known == agent) {
        let message = format!("{} is no agent of this branch; list it under \"agents\" too", quoted(agent));
        reader.refuse(&item.place, "agent_unknown", message);
        return None;
    }
    Some(agent.to_owned())
}

fn version(reader: &mut Reader, fields: &Fields<'_>) -> Option<AgentVersion> {
    let item = fields.item("override_agent_version")?;
    match item.value {
        Value::Number(_) => reader.integer(&item, 0..=i64::from(i32::MAX)).map(AgentVersion::Number),
        Value::String(_) => reader.text(&item).map(|tag| AgentVersion::Tag(tag.to_owned())),
        _ => {
            reader.wrong_type(&item, "a whole number or a tag");
            None
        }
    }
}

fn variables(reader: &mut Reader, fields: &Fields<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (item, name) in entries(reader, fields) {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.len() > VARIABLE_NAME_CHARS_MAX || !name.chars().all(fits) {
            let message = format!("use 1 to {VARIABLE_NAME_CHARS_MAX} of the characters a-z, A-Z, 0-9 and _");
            reader.refuse(&item.place, "variable_invalid", message);
        } else if VARIABLES.contains(&name) {
            let message = "this variable is filled in for each caller; choose another name";
            reader.refuse(&item.place, "variable_reserved", message);
        } else if let Some(value) = reader.raw_text(&item) {
            if value.chars().count() > VARIABLE_CHARS_MAX {
                let message = format!("it is too long; at most {VARIABLE_CHARS_MAX} characters are taken");
                reader.refuse(&item.place, "too_long", message);
            }
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    variables
}

fn entries<'v>(reader: &mut Reader, fields: &Fields<'v>) -> Vec<(Item<'v>, &'v str)> {
    let Some(item) = fields.item("dynamic_variables") else { return Vec::new() };
    let Value::Object(map) = item.value else {
        reader.wrong_type(&item, "an object");
        return Vec::new();
    };
    if map.len() > DYNAMIC_VARIABLES_MAX {
        let message =
            format!("{} entries are too many; at most {DYNAMIC_VARIABLES_MAX} are taken", map.len());
        reader.refuse(&item.place, "too_many", message);
        return Vec::new();
    }
    let entry = |(name, value): (&'v String, &'v Value)| {
        (Item { value, place: format!("{}.{}", item.place, shown(name)) }, name.as_str())
    };
    map.iter().map(entry).collect()
}

fn metadata(reader: &mut Reader, fields: &Fields<'_>) -> Map<String, Value> {
    let Some(item) = fields.item("metadata") else { return Map::new() };
    let Value::Object(map) = item.value else {
        reader.wrong_type(&item, "an object");
        return Map::new();
    };
    let bytes = item.value.to_string().len();
    if bytes > METADATA_BYTES_MAX {
        let message = format!("it has {bytes} bytes; at most {METADATA_BYTES_MAX} are taken");
        reader.refuse(&item.place, "too_long", message);
        return Map::new();
    }
    map.clone()
}

/// A name for a place, without what would spoil a line.
fn shown(name: &str) -> String {
    quoted(name).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tenant::parse_import;

    fn file(inbound: Value) -> Value {
        let branch =
            json!({"slug": "one", "name": "One", "agents": ["agent_a1", "agent_a2"], "inbound": inbound});
        json!({"companies": [{"slug": "a", "name": "A", "time_zone": "Europe/Berlin", "branches": [branch]}]})
    }

    fn read(inbound: Value) -> InboundSettings {
        parse_import(&file(inbound)).unwrap().companies.remove(0).branches.remove(0).inbound
    }

    fn errors(inbound: Value) -> Vec<(String, &'static str)> {
        let place = "companies[0].branches[0].inbound";
        let errors = parse_import(&file(inbound)).unwrap_err();
        let short = |place_of: String| place_of.trim_start_matches(place).trim_start_matches('.').to_owned();
        errors.into_iter().map(|error| (short(error.place), error.code)).collect()
    }

    #[test]
    fn what_a_branch_answers_is_read_as_it_stands() {
        let inbound = json!({"override_agent_id": "agent_a2", "override_agent_version": 4,
            "dynamic_variables": {"parking": "Im Hof", "empty": ""}, "metadata": {"campaign": 7}});
        let settings = read(inbound.clone());
        assert_eq!(settings.override_agent_id.as_deref(), Some("agent_a2"));
        assert_eq!(settings.override_agent_version, Some(AgentVersion::Number(4)));
        assert_eq!(settings.dynamic_variables["parking"], "Im Hof");
        assert_eq!(settings.metadata["campaign"], 7);
        assert_eq!(serde_json::to_value(&settings).unwrap(), inbound);
        let tagged = read(json!({"override_agent_id": "agent_a1", "override_agent_version": "production"}));
        assert_eq!(tagged.override_agent_version, Some(AgentVersion::Tag("production".to_owned())));
        assert_eq!(read(json!(null)), InboundSettings::default());
        assert_eq!(read(json!({})), InboundSettings::default());
    }

    #[test]
    fn whatever_would_spoil_an_answer_is_refused_with_its_place() {
        for (inbound, place, code) in [
            (json!("agent_a1"), "", "wrong_type"),
            (json!({"reject": true}), "reject", "unknown_field"),
            (json!({"override_agent_id": 5}), "override_agent_id", "wrong_type"),
            (json!({"override_agent_id": "agent_b1"}), "override_agent_id", "agent_unknown"),
            (json!({"override_agent_version": 1}), "override_agent_version", "missing"),
            (
                json!({"override_agent_id": "agent_a1", "override_agent_version": 1.5}),
                "override_agent_version",
                "wrong_type",
            ),
            (
                json!({"override_agent_id": "agent_a1", "override_agent_version": -1}),
                "override_agent_version",
                "out_of_range",
            ),
            (
                json!({"override_agent_id": "agent_a1", "override_agent_version": true}),
                "override_agent_version",
                "wrong_type",
            ),
            (json!({"dynamic_variables": ["a"]}), "dynamic_variables", "wrong_type"),
            (json!({"dynamic_variables": {"a": 5}}), "dynamic_variables.a", "wrong_type"),
            (json!({"dynamic_variables": {"a": null}}), "dynamic_variables.a", "wrong_type"),
            (json!({"dynamic_variables": {"a b": "x"}}), "dynamic_variables.a b", "variable_invalid"),
            (json!({"dynamic_variables": {"": "x"}}), "dynamic_variables.", "variable_invalid"),
            (
                json!({"dynamic_variables": {"customer_name": "x"}}),
                "dynamic_variables.customer_name",
                "variable_reserved",
            ),
            (json!({"dynamic_variables": {"a": "x".repeat(1_001)}}), "dynamic_variables.a", "too_long"),
            (json!({"metadata": "x"}), "metadata", "wrong_type"),
            (json!({"metadata": {"a": "x".repeat(8_192)}}), "metadata", "too_long"),
        ] {
            assert_eq!(errors(inbound.clone()), [(place.to_owned(), code)], "{inbound}");
        }
        let many: Map<String, Value> = (0..51).map(|n| (format!("v{n}"), json!("x"))).collect();
        let too_many = errors(json!({ "dynamic_variables": many }));
        assert_eq!(too_many, [("dynamic_variables".to_owned(), "too_many")]);
    }
}
