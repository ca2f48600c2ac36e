//! The `filter_criteria` of `list-calls`.

use serde_json::Value;

/// Whether a call meets all criteria.
///
/// # Errors
/// The text of a 400, where a criterion cannot be understood.
pub(super) fn matches(call: &Value, criteria: Option<&Value>) -> Result<bool, String> {
    let Some(criteria) = criteria.and_then(Value::as_object) else { return Ok(true) };
    for (field, criterion) in criteria {
        let met = match (field.as_str(), criterion) {
            ("agent", Value::Array(agents)) => agents.iter().any(|agent| is_agent(call, agent)),
            (_, Value::Array(keyed)) => all_keyed(call.get(field), keyed)?,
            (_, Value::Object(_)) => meets(call.get(field), criterion)?,
            _ => return Err(format!("filter_criteria.{field} must be an object")),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_agent(call: &Value, agent: &Value) -> bool {
    let versions = agent.get("version").and_then(Value::as_array);
    let version_fits =
        versions.is_none_or(|versions| call.get("agent_version").is_some_and(|is| versions.contains(is)));
    call.get("agent_id") == agent.get("agent_id") && version_fits
}

fn all_keyed(object: Option<&Value>, criteria: &[Value]) -> Result<bool, String> {
    for criterion in criteria {
        let key = criterion.get("key").and_then(Value::as_str).ok_or("a keyed filter needs a key")?;
        if !meets(object.and_then(|object| object.get(key)), criterion)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn meets(is: Option<&Value>, criterion: &Value) -> Result<bool, String> {
    let op = criterion.get("op").and_then(Value::as_str).ok_or("a filter needs an op")?;
    let wanted = criterion.get("value").unwrap_or(&Value::Null);
    let text = |test: fn(&str, &str) -> bool| {
        is.and_then(Value::as_str).zip(wanted.as_str()).is_some_and(|(is, wanted)| test(is, wanted))
    };
    let number = |test: fn(&f64, &f64) -> bool| {
        is.and_then(Value::as_f64).zip(wanted.as_f64()).is_some_and(|(is, wanted)| test(&is, &wanted))
    };
    Ok(match op {
        "pr" => is.is_some(),
        "np" => is.is_none(),
        "eq" => is == Some(wanted),
        "ne" => is != Some(wanted),
        "in" => wanted.as_array().zip(is).is_some_and(|(list, is)| list.contains(is)),
        "sw" => text(|is, wanted| is.starts_with(wanted)),
        "ew" => text(|is, wanted| is.ends_with(wanted)),
        "co" => text(|is, wanted| is.contains(wanted)),
        "gt" => number(f64::gt),
        "ge" => number(f64::ge),
        "lt" => number(f64::lt),
        "le" => number(f64::le),
        "bt" => between(is, wanted),
        _ => return Err(format!("unknown op {op}")),
    })
}

fn between(is: Option<&Value>, range: &Value) -> bool {
    let bound = |place: usize| range.get(place).and_then(Value::as_f64);
    let (is, low, high) = (is.and_then(Value::as_f64), bound(0), bound(1));
    is.zip(low).zip(high).is_some_and(|((is, low), high)| (low..=high).contains(&is))
}
