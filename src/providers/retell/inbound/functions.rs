//! Decodes the body of a live function call: `{"name", "call": {...}, "args": {...}}`.
//!
//! Agents and templates vary in how they wrap the arguments, so those are taken with tolerance; the call is
//! the signed body's own and never an argument. The call's transcripts are skipped, not built. What the
//! arguments mean is decided elsewhere.

use askpro_domain::{
    call::CallIdentity,
    ids::{CALL_ID_BYTES_MAX, CallId},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    decode::{DecodeError, call_id_of, parse_object},
    lenient::{Lenient, Part, Raw},
    object::CallObject,
};

/// Longest name of a function, in bytes (Retell allows 64).
const FUNCTION_NAME_BYTES_MAX: usize = 128;

/// A live function call.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCall {
    /// `name`, when the body has one.
    pub name: Option<String>,
    /// The call (or chat) whose agent asks.
    pub call_id: CallId,
    /// Who takes part in it.
    pub identity: CallIdentity,
    /// The arguments.
    pub args: Map<String, Value>,
    /// `tool_call_id` of the newest invocation in `call.transcript_with_tool_calls`, of this function where
    /// the name is known: tells a new order from one that Retell sends again.
    pub tool_call_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    call: Option<Part<CallObject<'a>>>,
    chat: Option<Part<CallObject<'a>>>,
    args: Raw<'a>,
    arguments: Raw<'a>,
}

/// Decodes a function call. A body without a usable `call.call_id` (or `chat.chat_id`) is refused as
/// `call_id_missing`, whatever else is in it: there is no latest call.
pub fn decode_function(body: &[u8]) -> Result<FunctionCall, DecodeError> {
    let body: Body<'_> = parse_object(body)?;
    let (object, part) = match (body.call, body.chat) {
        (Some(Part::Object(call)), _) => (call, "call"),
        (None, Some(Part::Object(chat))) => (chat, "chat"),
        _ => return Err(DecodeError::CallIdMissing { field: "call.call_id" }),
    };
    let call_id = call_id_of(&object, part)?;
    if call_id.is_placeholder() {
        return Err(DecodeError::CallIdMissing { field: "call.call_id" });
    }
    let mut read = Lenient::default();
    let name = read.text(body.name, FUNCTION_NAME_BYTES_MAX);
    Ok(FunctionCall {
        tool_call_id: newest_invocation(object.transcript_with_tool_calls, name.as_deref()),
        name,
        call_id,
        identity: object.identity(&mut read),
        args: arguments(body.args.or(body.arguments))?,
    })
}

/// The arguments as an object: as such, as a string with one, wrapped once more, or none at all.
fn arguments(raw: Raw<'_>) -> Result<Map<String, Value>, DecodeError> {
    let Some(raw) = raw else { return Ok(Map::new()) };
    let value = serde_json::from_str(raw.get()).map_err(|_| DecodeError::ArgsRefused)?;
    let mut args = as_object(value).ok_or(DecodeError::ArgsRefused)?;
    if args.len() == 1 {
        let inner = args.get("args").or_else(|| args.get("arguments")).cloned();
        if let Some(inner) = inner.and_then(as_object) {
            args = inner;
        }
    }
    Ok(args)
}

fn as_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => serde_json::from_str(&text).ok(),
        _ => None,
    }
}

/// Looks through the items from the end; they are skipped over, only their places are noted.
fn newest_invocation(items: Raw<'_>, name: Option<&str>) -> Option<String> {
    let items: Vec<Part<Item<'_>>> = serde_json::from_str(items?.get()).ok()?;
    let text = |raw: Raw<'_>| serde_json::from_str::<String>(raw?.get()).ok();
    let wanted = |item: &&Item<'_>| {
        text(item.role).as_deref() == Some("tool_call_invocation")
            && name.is_none_or(|name| text(item.name).as_deref() == Some(name))
    };
    let invocations = items.iter().rev().filter_map(|part| match part {
        Part::Object(item) => Some(item),
        Part::Other(_) => None,
    });
    let id = text(invocations.into_iter().find(wanted)?.tool_call_id)?;
    (!id.is_empty() && id.len() <= CALL_ID_BYTES_MAX).then_some(id)
}

#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    role: Raw<'a>,
    name: Raw<'a>,
    tool_call_id: Raw<'a>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decoded(body: &Value) -> FunctionCall {
        decode_function(body.to_string().as_bytes()).unwrap()
    }

    fn code(body: &Value) -> &'static str {
        decode_function(body.to_string().as_bytes()).unwrap_err().code()
    }

    #[test]
    fn arguments_are_taken_in_every_wrapping() {
        let wanted = json!({"datum": "morgen"});
        for args in [
            json!({"datum": "morgen"}),
            json!("{\"datum\": \"morgen\"}"),
            json!({"args": {"datum": "morgen"}}),
            json!({"arguments": {"datum": "morgen"}}),
            json!({"arguments": "{\"datum\":\"morgen\"}"}),
        ] {
            let call = decoded(&json!({"name": "f", "call": {"call_id": "c1"}, "args": args}));
            assert_eq!(Value::Object(call.args), wanted, "{args}");
        }
        let call = decoded(&json!({"call": {"call_id": "c1"}, "arguments": {"datum": "morgen"}}));
        assert_eq!((Value::Object(call.args), call.name), (wanted, None));
    }

    #[test]
    fn no_arguments_are_an_empty_object_and_others_are_refused() {
        for args in [json!(null), json!(""), json!({})] {
            assert!(decoded(&json!({"call": {"call_id": "c1"}, "args": args})).args.is_empty());
        }
        assert!(decoded(&json!({"call": {"call_id": "c1"}})).args.is_empty());
        for args in [json!(5), json!([1]), json!("tomorrow"), json!("[1]"), json!(true)] {
            assert_eq!(code(&json!({"call": {"call_id": "c1"}, "args": args})), "args_refused", "{args}");
        }
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let body = format!("{{\"call\":{{\"call_id\":\"c1\"}},\"args\":{{\"a\":{deep}}}}}");
        assert_eq!(decode_function(body.as_bytes()), Err(DecodeError::ArgsRefused));
    }

    #[test]
    fn a_body_without_its_call_is_refused() {
        for id in ["None", "null", "undefined", "current", "current_call", "dummy_call_id", "", "{{call_id}}"]
        {
            assert_eq!(code(&json!({"call": {"call_id": id}, "args": {}})), "call_id_missing", "{id}");
        }
        for body in [
            json!({"order_id": 1, "name": {"first_name": "Zoe"}}),
            json!({"name": "f", "args": {"call_id": "call_1"}}),
            json!({"call": null, "args": {}}),
            json!({"call": "c1"}),
            json!({"call": {}}),
            json!({"call": {"call_id": 5}}),
        ] {
            assert_eq!(code(&body), "call_id_missing", "{body}");
        }
        assert_eq!(code(&json!([1])), "body_not_an_object");
        assert_eq!(decode_function(b"").unwrap_err().code(), "body_not_json");
    }

    #[test]
    fn a_chat_may_ask_too() {
        let call = decoded(&json!({"chat": {"chat_id": "chat_1", "agent_id": "agent_a1"}, "args": {}}));
        assert_eq!((call.call_id.as_str(), call.identity.agent_id.as_deref()), ("chat_1", Some("agent_a1")));
    }

    #[test]
    fn the_newest_invocation_of_the_function_is_found() {
        let items = json!([
            {"role": "tool_call_invocation", "tool_call_id": "t1", "name": "book"},
            {"role": "tool_call_invocation", "tool_call_id": "t2", "name": "book"},
            {"role": "user", "content": "ja", "tool_call_id": 7},
            {"role": "tool_call_invocation", "tool_call_id": "t3", "name": "check"},
            "odd",
        ]);
        let body = |name: Value| json!({"name": name, "call": {"call_id": "c1", "transcript_with_tool_calls": items}, "args": {}});
        assert_eq!(decoded(&body(json!("book"))).tool_call_id.as_deref(), Some("t2"));
        assert_eq!(decoded(&body(json!(null))).tool_call_id.as_deref(), Some("t3"));
        assert_eq!(decoded(&body(json!("other"))).tool_call_id, None);
    }
}
