//! Decodes the body of a live function call: `{"name", "call": {...}, "args": {...}}`.
//!
//! Agents and templates vary in how they wrap the arguments, so those are taken with tolerance; the call is
//! the signed body's own and never an argument. A body of arguments alone ("Payload: args only") has no call:
//! its id may come beside the body, where no signature covers it, and then proves nothing. The call's
//! transcripts are skipped, not built. What the arguments mean is decided elsewhere.

use askpro_domain::{
    call::CallIdentity,
    function::ToolCall,
    ids::{CALL_ID_BYTES_MAX, CallId},
    time::UnixMillis,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{
    arguments::{Opened, open},
    decode::{DecodeError, call_id_of, parse_object},
    lenient::{Lenient, Part, Raw},
    object::CallObject,
};

/// Longest name of a function, in bytes (Retell allows 64).
const FUNCTION_NAME_BYTES_MAX: usize = 128;

/// A live function call.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCall {
    /// `name`, when the body has one and is not the arguments alone.
    pub name: Option<String>,
    /// The call (or chat) whose agent asks.
    pub call: AskingCall,
    /// The arguments.
    pub args: Opened,
}

/// How the call of a function is known.
#[derive(Debug, Clone, PartialEq)]
pub enum AskingCall {
    /// The signed body has it.
    Signed {
        /// Which.
        call_id: CallId,
        /// Who takes part in it.
        identity: CallIdentity,
        /// When the call began, as its object says.
        started_at: Option<UnixMillis>,
        /// From `call.transcript_with_tool_calls`, of this function where the name is known.
        tool_call: ToolCall,
    },
    /// Only its id is known, from beside the body: no signature covers it.
    Beside {
        /// Which, it is said.
        call_id: CallId,
    },
}

#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(default, deserialize_with = "if_there")]
    call: Option<Option<Part<CallObject<'a>>>>,
    #[serde(default, deserialize_with = "if_there")]
    chat: Option<Option<Part<CallObject<'a>>>>,
    args: Raw<'a>,
    arguments: Raw<'a>,
    event: Raw<'a>,
}

/// Decodes a function call. `beside`: the id that came beside the body, if one did. It counts only for a body
/// that names no call at all; where the body has one, another call's is a conflict.
///
/// # Errors
/// A body without a usable `call.call_id` (or `chat.chat_id`) and without a usable id beside it is refused as
/// `call_id_missing`, whatever else is in it: there is no latest call.
pub fn decode_function(body: &[u8], beside: Option<&str>) -> Result<FunctionCall, DecodeError> {
    let parsed: Body<'_> = parse_object(body)?;
    let (object, part) = match (parsed.call, parsed.chat) {
        (None, None) => {
            return bare(body, &parsed.name, parsed.args.or(parsed.arguments), parsed.event, beside);
        }
        (Some(Some(Part::Object(call))), _) => (call, "call"),
        (None | Some(None), Some(Some(Part::Object(chat)))) => (chat, "chat"),
        _ => return Err(DecodeError::CallIdMissing { field: "call.call_id" }),
    };
    let call_id = call_id_of(&object, part)?;
    if beside.is_some_and(|beside| is_another(beside, &call_id)) {
        return Err(DecodeError::CallIdConflict);
    }
    let mut read = Lenient::default();
    let name = read.text(parsed.name, FUNCTION_NAME_BYTES_MAX);
    let tool_call = tool_call(object.transcript_with_tool_calls, name.as_deref());
    let (identity, started_at) = (object.identity(&mut read), object.started_at(&mut read));
    let call = AskingCall::Signed { call_id, identity, started_at, tool_call };
    Ok(FunctionCall { name, call, args: arguments(parsed.args.or(parsed.arguments))? })
}

/// Whether what came beside a body is the id of another call; a variable that nobody filled in is none.
fn is_another(beside: &str, call_id: &CallId) -> bool {
    let named = CallId::parse(beside).filter(|id| !id.is_placeholder());
    named.is_some_and(|named| named != *call_id)
}

/// A body without a call: an envelope that lacks it, or the arguments alone, where `name` is one of them. A
/// webhook's body, which the same key signs, is neither.
fn bare(
    body: &[u8],
    name: &Raw<'_>,
    args: Raw<'_>,
    event: Raw<'_>,
    beside: Option<&str>,
) -> Result<FunctionCall, DecodeError> {
    let missing = DecodeError::CallIdMissing { field: "call.call_id" };
    let beside = beside.filter(|_| event.is_none()).ok_or(missing)?;
    let call_id = CallId::parse(beside).filter(|id| !id.is_placeholder());
    let call_id = call_id.ok_or(DecodeError::CallIdMissing { field: "call_id" })?;
    let call = AskingCall::Beside { call_id };
    if args.is_some() {
        let name = Lenient::default().text(*name, FUNCTION_NAME_BYTES_MAX);
        return Ok(FunctionCall { name, call, args: arguments(args)? });
    }
    let root: Map<String, Value> = parse_object(body)?;
    Ok(FunctionCall { name: None, call, args: open(Value::Object(root))? })
}

fn arguments(raw: Raw<'_>) -> Result<Opened, DecodeError> {
    let Some(raw) = raw else { return Ok(Opened::default()) };
    open(serde_json::from_str(raw.get()).map_err(|_| DecodeError::ArgsRefused)?)
}

/// Tells a field that is null from one that is not there.
fn if_there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What the call's items tell of the tool call that asks: the newest invocation of this function (of any where
/// the name is not known), and what was heard of the ones before. Items are skipped over, only their places are
/// noted.
fn tool_call(items: Raw<'_>, name: Option<&str>) -> ToolCall {
    let items = items.and_then(|items| serde_json::from_str::<Vec<Part<Item<'_>>>>(items.get()).ok());
    let items: Vec<Item<'_>> = items.into_iter().flatten().filter_map(object_of).collect();
    let text = |raw: Raw<'_>| serde_json::from_str::<String>(raw?.get()).ok();
    let has_role = |item: &&Item<'_>, role: &str| text(item.role).as_deref() == Some(role);
    let invoked = |item: &&Item<'_>| {
        has_role(item, "tool_call_invocation")
            && name.is_none_or(|name| text(item.name).as_deref() == Some(name))
    };
    let ids: Vec<String> = items.iter().filter(invoked).filter_map(|item| text(item.tool_call_id)).collect();
    let is_answer = |item: &&Item<'_>| {
        has_role(item, "tool_call_result") && text(item.tool_call_id).is_some_and(|id| ids.contains(&id))
    };
    let answer = items.iter().rev().find(is_answer).and_then(|item| text(item.content));
    let heard = answer.and_then(|content| serde_json::from_str::<Answered>(&content).ok());
    let id = ids.last().filter(|id| !id.is_empty() && id.len() <= CALL_ID_BYTES_MAX);
    ToolCall { id: id.cloned(), heard: heard.map(|answered| answered.code) }
}

fn object_of<T>(part: Part<T>) -> Option<T> {
    if let Part::Object(object) = part { Some(object) } else { None }
}

#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    role: Raw<'a>,
    name: Raw<'a>,
    tool_call_id: Raw<'a>,
    content: Raw<'a>,
}

/// An answer of ours, as it stands in the call.
#[derive(Debug, Deserialize)]
struct Answered {
    code: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decoded(body: &Value) -> FunctionCall {
        decode_function(body.to_string().as_bytes(), None).unwrap()
    }

    fn code(body: &Value) -> &'static str {
        code_beside(body, None)
    }

    fn code_beside(body: &Value, beside: Option<&str>) -> &'static str {
        decode_function(body.to_string().as_bytes(), beside).unwrap_err().code()
    }

    fn tool_call_id(body: &Value) -> Option<String> {
        match decoded(body).call {
            AskingCall::Signed { tool_call, .. } => tool_call.id,
            AskingCall::Beside { .. } => panic!("{body}"),
        }
    }

    #[test]
    fn arguments_are_taken_in_every_wrapping() {
        let wanted = json!({"datum": "morgen"});
        for args in [
            json!({"datum": "morgen"}),
            json!("{\"datum\": \"morgen\"}"),
            json!({"args": {"datum": "morgen"}}),
            json!({"args": {"args": {"datum": "morgen"}}}),
            json!({"arguments": {"datum": "morgen"}}),
            json!({"arguments": "{\"datum\":\"morgen\"}"}),
        ] {
            let call = decoded(&json!({"name": "f", "call": {"call_id": "c1"}, "args": args}));
            assert_eq!(Value::Object(call.args.args), wanted, "{args}");
        }
        let call = decoded(&json!({"call": {"call_id": "c1"}, "arguments": {"datum": "morgen"}}));
        assert_eq!((Value::Object(call.args.args), call.name), (wanted, None));
    }

    #[test]
    fn no_arguments_are_an_empty_object_and_others_are_refused() {
        for args in [json!(null), json!(""), json!({})] {
            assert!(decoded(&json!({"call": {"call_id": "c1"}, "args": args})).args.args.is_empty());
        }
        assert!(decoded(&json!({"call": {"call_id": "c1"}})).args.args.is_empty());
        for args in [json!(5), json!([1]), json!("tomorrow"), json!("[1]"), json!(true)] {
            assert_eq!(code(&json!({"call": {"call_id": "c1"}, "args": args})), "args_refused", "{args}");
        }
        let five = json!({"args": {"args": {"args": {"args": {"args": {}}}}}});
        assert_eq!(code(&json!({"call": {"call_id": "c1"}, "args": five})), "args_too_deep");
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let body = format!("{{\"call\":{{\"call_id\":\"c1\"}},\"args\":{{\"a\":{deep}}}}}");
        assert_eq!(decode_function(body.as_bytes(), None), Err(DecodeError::ArgsRefused));
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
        assert_eq!(decode_function(b"", None).unwrap_err().code(), "body_not_json");
    }

    #[test]
    fn arguments_alone_belong_to_the_call_that_is_named_beside_them() {
        let bare = json!({"datum": "morgen", "name": "Anna", "call_id": "call_2"});
        let beside = |body: &Value| decode_function(body.to_string().as_bytes(), Some("call_1")).unwrap();
        let call = beside(&bare);
        let id = CallId::parse("call_1").unwrap();
        assert_eq!((call.name, call.call), (None, AskingCall::Beside { call_id: id.clone() }));
        assert_eq!(Value::Object(call.args.args), bare);
        let envelope = beside(&json!({"name": "f", "args": {"datum": "morgen"}}));
        assert_eq!(
            (envelope.name.as_deref(), envelope.call),
            (Some("f"), AskingCall::Beside { call_id: id })
        );
        assert_eq!(Value::Object(envelope.args.args), json!({"datum": "morgen"}));
        let wrapped = beside(&json!({"parameters": {"datum": "morgen"}, "execution_message": "Moment"}));
        assert!(wrapped.args.unwrapped && wrapped.args.args.contains_key("datum"));
        assert!(beside(&json!({})).args.args.is_empty());
    }

    #[test]
    fn an_id_beside_a_body_never_replaces_what_the_body_says() {
        let with_call = json!({"call": {"call_id": "call_1"}, "args": {}});
        let same = decode_function(with_call.to_string().as_bytes(), Some("call_1")).unwrap();
        assert!(matches!(same.call, AskingCall::Signed { .. }), "{same:?}");
        for other in ["call_2", "CALL_1"] {
            assert_eq!(code_beside(&with_call, Some(other)), "call_id_conflict", "{other}");
        }
        // A variable that nobody filled in says nothing.
        for nothing in ["{{call_id}}", "None", " call_1", ""] {
            let call = decode_function(with_call.to_string().as_bytes(), Some(nothing)).unwrap();
            assert!(matches!(call.call, AskingCall::Signed { .. }), "{nothing}");
        }
        for unusable in [
            json!({"call": null, "args": {}}),
            json!({"chat": null}),
            json!({"call": {}, "args": {}}),
            json!({"call": "call_1"}),
            json!({"call": {"call_id": "{{call_id}}"}}),
            json!({"event": "alert_triggered", "alert": {}}),
            json!({"event": "call_inbound", "call_inbound": {"from_number": "+491"}}),
        ] {
            assert_eq!(code_beside(&unusable, Some("call_1")), "call_id_missing", "{unusable}");
        }
    }

    #[test]
    fn a_placeholder_beside_a_body_is_no_id() {
        for id in ["None", "null", "undefined", "{{call_id}}", "call_id", " call_1", "a\u{0}b"] {
            assert_eq!(code_beside(&json!({"datum": "morgen"}), Some(id)), "call_id_missing", "{id}");
        }
        let long = "c".repeat(CALL_ID_BYTES_MAX + 1);
        assert_eq!(code_beside(&json!({}), Some(&long)), "call_id_missing");
    }

    #[test]
    fn a_chat_may_ask_too() {
        let call = decoded(&json!({"chat": {"chat_id": "chat_1", "agent_id": "agent_a1"}, "args": {}}));
        let AskingCall::Signed { call_id, identity, .. } = call.call else { panic!("{call:?}") };
        assert_eq!((call_id.as_str(), identity.agent_id.as_deref()), ("chat_1", Some("agent_a1")));
        let both = decoded(&json!({"call": null, "chat": {"chat_id": "chat_1"}}));
        assert!(matches!(both.call, AskingCall::Signed { .. }));
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
        assert_eq!(tool_call_id(&body(json!("book"))).as_deref(), Some("t2"));
        assert_eq!(tool_call_id(&body(json!(null))).as_deref(), Some("t3"));
        assert_eq!(tool_call_id(&body(json!("other"))), None);
    }

    #[test]
    fn what_the_function_answered_last_is_known_when_the_agent_has_heard_it() {
        let heard = |items: Value| {
            let body =
                json!({"name": "book", "call": {"call_id": "call_x1", "transcript_with_tool_calls": items}});
            let AskingCall::Signed { tool_call, .. } = decoded(&body).call else { panic!("{body}") };
            tool_call.heard
        };
        let invoked =
            |id: &str, name: &str| json!({"role": "tool_call_invocation", "tool_call_id": id, "name": name});
        let told = |id: &str, content: &str| json!({"role": "tool_call_result", "tool_call_id": id, "content": content});
        let (first, second) = (invoked("t1", "book"), invoked("t2", "book"));
        let (confirmed, again) = (
            told("t1", r#"{"code":"confirmed"}"#),
            told("t2", r#"{"success":false,"code":"already_booked"}"#),
        );
        let third = invoked("t3", "book");
        assert_eq!(heard(json!([first, confirmed, second, again, third])).as_deref(), Some("already_booked"));
        assert_eq!(heard(json!([first, confirmed, second])).as_deref(), Some("confirmed"));
        // An answer that was lost, and one of another function.
        assert_eq!(heard(json!([first, second, told("t2", "Error: request timed out"), third])), None);
        let check = [invoked("t0", "check"), told("t0", r#"{"code":"available"}"#)];
        assert_eq!(heard(json!([check[0], check[1], first])), None);
        assert_eq!(heard(json!("none")), None);
    }
}
