//! Blanks secrets in a body before it is kept anywhere. Works on bytes and must not know what else a body holds;
//! which key holds a secret is each vendor's own.

use std::borrow::Cow;

use memchr::memmem;
use serde::de::IgnoredAny;

const BLANK: &[u8] = b"\"[redacted]\"";
/// Stands for a value that is no JSON, so that the body stays none.
const BLANK_BROKEN: &[u8] = b"[redacted]";

/// Gives the body with the value of every object key `key` (ASCII letters and `_`), at any depth and however it
/// is escaped, replaced by `"[redacted]"`. The result is valid JSON exactly when the body was; blanking twice
/// changes nothing more. A value that is no JSON is cut off together with everything after it.
#[must_use]
pub(super) fn blank<'a>(body: &'a [u8], key: &str) -> Cow<'a, [u8]> {
    if !may_hold_secret(body, key) {
        return Cow::Borrowed(body);
    }
    let (mut out, mut copied, mut at) = (Vec::new(), 0, 0);
    while let Some((open, close)) = next_string(body, at) {
        at = close;
        let Some(value) = value_of_secret_key(body, open, close, key) else { continue };
        out.extend_from_slice(slice(body, copied, value));
        let Some(end) = end_of_value(body, value) else {
            out.extend_from_slice(BLANK_BROKEN);
            return Cow::Owned(out);
        };
        out.extend_from_slice(BLANK);
        (copied, at) = (end, end);
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    out.extend_from_slice(slice(body, copied, body.len()));
    Cow::Owned(out)
}

/// Whether the key can be in there: plainly, or with a letter written as `\u00XX` (no letter of it has a
/// shorter escape).
fn may_hold_secret(body: &[u8], key: &str) -> bool {
    memmem::find(body, key.as_bytes()).is_some() || memmem::find(body, b"\\u00").is_some()
}

/// First string at or after `at`: where its quote opens, and the position after the one that closes it.
fn next_string(body: &[u8], at: usize) -> Option<(usize, usize)> {
    let open = at + body.get(at..)?.iter().position(|b| *b == b'"')?;
    let mut here = open + 1;
    loop {
        here += body.get(here..)?.iter().position(|b| matches!(b, b'"' | b'\\'))?;
        if body.get(here) == Some(&b'"') {
            return Some((open, here + 1));
        }
        here += 2;
    }
}

/// Where the value starts, when the string is a key that reads `key`.
fn value_of_secret_key(body: &[u8], open: usize, close: usize, key: &str) -> Option<usize> {
    let colon = skip_whitespace(body, close);
    let is_key = body.get(colon) == Some(&b':');
    (is_key && reads_as_secret(slice(body, open, close), key)).then(|| skip_whitespace(body, colon + 1))
}

fn reads_as_secret(quoted: &[u8], key: &str) -> bool {
    if quoted.contains(&b'\\') {
        return serde_json::from_slice::<String>(quoted).is_ok_and(|read| read == key);
    }
    quoted.get(1..quoted.len().saturating_sub(1)) == Some(key.as_bytes())
}

/// The position after the JSON value that starts at `start`; `None` when there is none.
fn end_of_value(body: &[u8], start: usize) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(body.get(start..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let end = start + values.byte_offset();
    std::str::from_utf8(slice(body, start, end)).is_ok().then_some(end)
}

fn skip_whitespace(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

fn slice(body: &[u8], from: usize, to: usize) -> &[u8] {
    body.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const SECRET_KEY: &str = "access_token";

    fn blank_secrets(body: &[u8]) -> Cow<'_, [u8]> {
        blank(body, SECRET_KEY)
    }

    fn blanked(text: &str) -> String {
        String::from_utf8(blank_secrets(text.as_bytes()).into_owned()).unwrap()
    }

    fn is_json(body: &[u8]) -> bool {
        std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
    }

    #[test]
    fn every_value_of_the_key_is_blanked_whatever_it_is() {
        for value in ["\"secret\"", "\"se\\\"cret\"", "null", "12.5", "{\"a\":[\"}\"]}", "[1,[2]]", "true"] {
            let body = format!("{{\"a\":{{\"access_token\" : {value} ,\"b\":1}},\"access_token\":{value}}}");
            let wanted =
                "{\"a\":{\"access_token\" : \"[redacted]\" ,\"b\":1},\"access_token\":\"[redacted]\"}";
            assert_eq!(blanked(&body), wanted);
        }
    }

    #[test]
    fn an_escaped_key_is_blanked_too() {
        let wanted = "{\"acc\\u0065ss\\u005ftoken\":\"[redacted]\"}";
        assert_eq!(blanked("{\"acc\\u0065ss\\u005ftoken\":\"secret\"}"), wanted);
    }

    #[test]
    fn the_words_elsewhere_stay_and_nothing_is_copied() {
        for body in [
            "{\"a\":\"access_token\"}",
            "{\"a\":\"\\\"access_token\\\":1\"}",
            "{\"access_tokens\":\"x\",\"xaccess_token\":\"x\",\"\\u00e4\":1}",
            "[\"access_token\", 1]",
            "{}",
            "",
        ] {
            assert!(
                matches!(blank_secrets(body.as_bytes()), Cow::Borrowed(b) if b == body.as_bytes()),
                "{body}"
            );
        }
    }

    #[test]
    fn a_broken_value_is_cut_off_and_the_body_stays_broken() {
        for value in ["\"secret", "[1,2}", "truex", "", "{\"a\":}"] {
            let body = format!("{{\"a\":1,\"access_token\":{value}}} and a secret");
            let out = blanked(&body);
            assert!(!is_json(out.as_bytes()) && !out.contains("secret"), "{out}");
        }
        let out = blank_secrets(b"{\"access_token\":\"\xff\"}").into_owned();
        assert!(!is_json(&out) && !out.contains(&0xff));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let key = prop_oneof![Just("access_token".to_owned()), "[a\"\\\\é]{0,3}"];
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i32>().prop_map(|n| json!(n)),
            "[a\"\\\\:{}é\n]{0,6}".prop_map(|s| json!(s)),
            Just(json!("access_token")),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    fn blank_value(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(blank_value),
            Value::Object(map) => {
                for (key, inner) in map.iter_mut() {
                    if key == SECRET_KEY {
                        *inner = json!("[redacted]");
                    } else {
                        blank_value(inner);
                    }
                }
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn blanking_text_is_blanking_the_value(value in any_value(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let out = blank_secrets(text.unwrap().as_bytes()).into_owned();
            let mut wanted = value;
            blank_value(&mut wanted);
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), wanted);
            prop_assert_eq!(blank_secrets(&out).into_owned(), out);
        }

        #[test]
        fn damaged_bodies_stay_damaged_and_whole_ones_whole(
            value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3,
        ) {
            let mut body = serde_json::to_vec(&json!({"access_token": value, "z": {"access_token": 1}})).unwrap();
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => body.truncate(at),
                _ => body.insert(at, byte),
            }
            prop_assert_eq!(is_json(&body), is_json(&blank_secrets(&body)), "{}", String::from_utf8_lossy(&body));
        }
    }
}
