//! The arguments of a function, in whatever wrapping they come: models put an object into `args` once more,
//! beside an `execution_message` for instance, or write it as a text with JSON in it, or both.

use serde_json::{Map, Value};

use super::decode::DecodeError;

/// Wrappings and texts that are opened one in another; what lies deeper is refused.
pub const LAYERS_MAX: usize = 4;

/// Names under which arguments come once more. None of them is an argument of a function.
const WRAPPERS: [&str; 3] = ["args", "arguments", "parameters"];

/// Arguments, and what had to be opened to find them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opened {
    /// The arguments.
    pub args: Map<String, Value>,
    /// They stood in a wrapper inside of the arguments.
    pub unwrapped: bool,
    /// They were the text of an object, or of a text with one.
    pub text_parsed: bool,
}

/// Opens arguments. Null and an empty text are none. What stands beside a wrapper stays; the wrapper's own
/// arguments count before it.
///
/// # Errors
/// What is no object and no text of one; more than [`LAYERS_MAX`] layers.
pub(super) fn open(value: Value) -> Result<Opened, DecodeError> {
    if value.is_null() {
        return Ok(Opened::default());
    }
    open_layer(value, 0)?.ok_or(DecodeError::ArgsRefused)
}

/// `None` for what is neither an object nor the text of one.
fn open_layer(value: Value, layer: usize) -> Result<Option<Opened>, DecodeError> {
    match value {
        Value::Object(_) if layer > LAYERS_MAX => Err(DecodeError::ArgsTooDeep),
        Value::Object(map) => open_object(map, layer).map(Some),
        Value::String(text) => open_text(&text, layer),
        _ => Ok(None),
    }
}

fn open_object(mut map: Map<String, Value>, layer: usize) -> Result<Opened, DecodeError> {
    for name in WRAPPERS {
        let Some(inner) = map.get(name).filter(|inner| may_have_object(inner)) else { continue };
        if let Some(opened) = open_layer(inner.clone(), layer + 1)? {
            map.remove(name);
            map.extend(opened.args);
            return Ok(Opened { args: map, unwrapped: true, ..opened });
        }
    }
    Ok(Opened { args: map, ..Opened::default() })
}

fn open_text(text: &str, layer: usize) -> Result<Option<Opened>, DecodeError> {
    if text.trim().is_empty() {
        return Ok(Some(Opened::default()));
    }
    let Some(value) = serde_json::from_str(text).ok().filter(may_have_object) else { return Ok(None) };
    if layer == LAYERS_MAX {
        return Err(DecodeError::ArgsTooDeep);
    }
    Ok(open_layer(value, layer + 1)?.map(|opened| Opened { text_parsed: true, ..opened }))
}

const fn may_have_object(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::String(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn opened(value: Value) -> (Value, bool, bool) {
        let Opened { args, unwrapped, text_parsed } = open(value).unwrap();
        (Value::Object(args), unwrapped, text_parsed)
    }

    fn text(value: &Value) -> Value {
        Value::String(value.to_string())
    }

    #[test]
    fn every_wrapping_is_opened_and_told() {
        let plain = json!({"datum": "morgen"});
        for (sent, unwrapped, text_parsed) in [
            (plain.clone(), false, false),
            (text(&plain), false, true),
            (text(&text(&plain)), false, true),
            (json!({ "args": plain }), true, false),
            (json!({ "arguments": text(&plain) }), true, true),
            (json!({ "parameters": { "args": plain } }), true, false),
            (text(&json!({ "args": text(&plain) })), true, true),
            (json!({ "args": { "args": { "args": { "args": plain } } } }), true, false),
        ] {
            assert_eq!(opened(sent.clone()), (plain.clone(), unwrapped, text_parsed), "{sent}");
        }
    }

    #[test]
    fn what_stands_beside_a_wrapper_stays_and_the_inner_value_counts() {
        let sent = json!({
            "args": { "datum": "morgen", "service": "Schnitt" },
            "execution_message": "Einen Moment", "datum": "heute", "staff": "Mia",
        });
        let wanted = json!({
            "datum": "morgen", "service": "Schnitt", "staff": "Mia", "execution_message": "Einen Moment",
        });
        assert_eq!(opened(sent), (wanted, true, false));
    }

    #[test]
    fn a_wrapper_without_an_object_is_an_argument_like_others() {
        for odd in [json!(null), json!(5), json!([1]), json!("tomorrow"), json!("\"tomorrow\""), json!("[1]")]
        {
            let sent = json!({ "args": odd, "datum": "morgen" });
            assert_eq!(opened(sent.clone()), (sent, false, false));
        }
        assert_eq!(opened(json!({ "args": " ", "a": 1 })), (json!({ "a": 1 }), true, false));
        for none in [json!(null), json!(""), json!(" "), json!({})] {
            assert_eq!(opened(none), (json!({}), false, false));
        }
        for refused in
            [json!(5), json!([1]), json!("tomorrow"), json!("\"tomorrow\""), json!("[1]"), json!(true)]
        {
            assert_eq!(open(refused.clone()), Err(DecodeError::ArgsRefused), "{refused}");
        }
    }

    #[test]
    fn what_lies_too_deep_is_refused() {
        let plain = json!({"datum": "morgen"});
        let (mut wrapped, mut quoted) = (plain.clone(), plain.clone());
        for _ in 0..LAYERS_MAX {
            (wrapped, quoted) = (json!({ "args": wrapped }), text(&quoted));
            assert_eq!((opened(wrapped.clone()).0, opened(quoted.clone()).0), (plain.clone(), plain.clone()));
        }
        for sent in [json!({ "args": wrapped }), text(&quoted)] {
            assert_eq!(open(sent), Err(DecodeError::ArgsTooDeep));
        }
    }

    proptest! {
        #[test]
        fn arguments_are_the_same_in_any_mix_of_layers(wraps in prop::collection::vec(0_usize..4, 0..=LAYERS_MAX)) {
            let plain = json!({"datum": "morgen", "n": [1, {"args": "deeper is no wrapper"}]});
            let sent = wraps.iter().fold(plain.clone(), |inner, wrap| match WRAPPERS.get(*wrap) {
                Some(name) => json!({ *name: inner }),
                None => text(&inner),
            });
            prop_assert_eq!(opened(sent).0, plain);
        }
    }
}
