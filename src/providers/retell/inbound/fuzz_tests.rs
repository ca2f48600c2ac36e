//! Signatures, webhooks and function calls of any bytes: nothing panics, a signature stands for its own body and
//! key alone, and what is kept has the identity of what was sent.

use askpro_domain::{function::FunctionName, secret::Secret, time::UnixMillis};
use askpro_fuzz::{Target, fixtures, fuzz};
use serde_json::Value;

use super::{
    DecodeError, Decoded, blank_secrets, decode, decode_function,
    functions::AskingCall,
    signature::{WINDOW_MS, precheck, sign, verify},
};

const KEY: &str = "key_fuzz_0123456789abcdef";
const NOW: UnixMillis = UnixMillis(1_795_420_800_000);
/// Longest identity of an event: its name, an id, a hash.
const DEDUP_KEY_BYTES_MAX: usize = 64 + 1 + 128 + 1 + 64;
const ERROR_BYTES_MAX: usize = 400;

const SIGNATURE: Target = Target {
    name: "retell_signature",
    inputs: 10_000,
    bytes_max: 600,
    words: &[
        "v=",
        ",d=",
        "V=",
        "v=0",
        "1795420800000",
        "1795420500000",
        "1795421100001",
        "99999999999999999999",
        "\n",
        "0000000000000000000000000000000000000000000000000000000000000000",
        ",",
        "=",
        "\u{665}",
        "%",
        " ",
    ],
    seeds: signature_seeds,
};

const WEBHOOK: Target = Target {
    name: "retell_webhook",
    inputs: 1_500,
    bytes_max: 20_000,
    words: &[
        "\"event\":",
        "\"call\":{",
        "\"chat\":{",
        "\"call_id\":\"c1\"",
        "\"chat_id\":\"c2\"",
        "\"event_timestamp\":",
        "\"call_analysis\":{",
        "\"access_token\":\"tok\"",
        "\"acc\\u0065ss_token\":",
        "\"call_ended\"",
        "\"call_started\"",
        "\"call_analyzed\"",
        "\"transcript_updated\"",
        "\"transfer_started\"",
        "\"alert_triggered\"",
        "\"alert\":{",
        "\"call_inbound\"",
        "\"call_inbound\":{",
        "\"chat_inbound\":{",
        "\"from_number\":\"+491\"",
        "\"transcript_with_tool_calls\":[",
        "\"askpro_source\":\"reconciler\"",
        "\"start_timestamp\":",
        "\"disconnection_reason\":",
        "\"call_cost\":{\"combined_cost\":",
        "\"event\":null",
    ],
    seeds: || fixtures("tests/fixtures/retell", ".json"),
};

const FUNCTION: Target = Target {
    name: "retell_function",
    inputs: 1_500,
    bytes_max: 20_000,
    words: &[
        "\"name\":",
        "\"call\":{",
        "\"chat\":{",
        "\"call_id\":\"c1\"",
        "\"args\":{",
        "\"arguments\":",
        "\"parameters\":",
        "\"{\\\"args\\\":{}}\"",
        "{{call_id}}",
        "None",
        "call_1\n",
        "\"transcript_with_tool_calls\":[",
        "{\"role\":\"tool_call_invocation\",\"tool_call_id\":\"t1\",\"name\":\"f\"},",
        "\"content\":\"{}\"",
        "\"event\":1",
        "\"execution_message\":\"x\"",
        "\"datum\":\"morgen\"",
        "book_appointment_v17",
    ],
    seeds: function_seeds,
};

/// A header and, on the next line, a body: rightly signed ones, others are mutations of them.
fn signature_seeds() -> Vec<Vec<u8>> {
    let vectors: Value = serde_json::from_slice(
        &fixtures("tests/fixtures/retell", "signature_vectors.json").pop().unwrap_or_default(),
    )
    .unwrap();
    let texts = vectors["verify_checks"].as_array().unwrap().iter().map(|check| {
        format!("{}\n{}", check["signature"].as_str().unwrap(), check["body"].as_str().unwrap()).into_bytes()
    });
    let signed = ["{}", "{\"event\":\"call_ended\"}", ""].into_iter().flat_map(|body| {
        [0, WINDOW_MS, -WINDOW_MS, WINDOW_MS + 1].into_iter().map(move |age| {
            let header = sign(&Secret::new(KEY), body.as_bytes(), NOW.0 - age);
            format!("{header}\n{body}").into_bytes()
        })
    });
    signed.chain(texts).collect()
}

/// An id beside the body and, from the next line on, the body.
fn function_seeds() -> Vec<Vec<u8>> {
    let files = fixtures("tests/fixtures/retell", ".json").into_iter();
    let functions = files.filter(|body| !decode_function(body, None).is_err_and(|_| decode(body).is_ok()));
    functions.map(|body| [b"call_1\n", body.as_slice()].concat()).collect()
}

fn two_parts(input: &[u8]) -> (&[u8], &[u8]) {
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (input.get(..at).unwrap_or_default(), input.get(at + 1..).unwrap_or_default())
}

fn a_signature_stands_for_its_body_and_key(input: &[u8]) {
    let (header, body) = two_parts(input);
    let (key, other) = (Secret::new(KEY), Secret::new("key_fuzz_of_another"));
    let verdict = verify(Some(header), body, &[&other, &key], NOW);
    if let Err(error) = verdict {
        let text = error.to_string();
        assert!(text.len() <= ERROR_BYTES_MAX && !text.contains(KEY), "{text}");
    }
    assert!(
        verdict.is_err() || precheck(Some(header), NOW).is_ok(),
        "what is refused unread is never accepted"
    );
    // Ours is accepted over any body, and over no other one, by no other key and at no other time.
    let at_ms = NOW.0 - WINDOW_MS + i64::try_from(body.len()).unwrap();
    let ours = sign(&key, body, at_ms);
    let accepted = |header: &str, body: &[u8], key: &Secret, now| {
        verify(Some(header.as_bytes()), body, &[key], now).is_ok()
    };
    assert!(accepted(&ours, body, &key, NOW));
    assert!(!accepted(&ours, body, &other, NOW));
    assert!(!accepted(&ours, body, &key, UnixMillis(at_ms + WINDOW_MS + 1)));
    for changed in
        [[body, b" "].concat(), body.iter().map(|byte| byte ^ 1).collect(), ours.clone().into_bytes()]
    {
        assert!(changed == body || !accepted(&ours, &changed, &key, NOW));
    }
    // Whatever is accepted of strangers says a time and the digest over exactly this body and time.
    if verdict.is_ok() {
        let text = std::str::from_utf8(header).unwrap();
        let claimed: i64 = text["v=".len()..text.find(",d=").unwrap()].parse().unwrap();
        let digest = |header: &str| header.split_once(",d=").unwrap().1.to_owned();
        assert_eq!(digest(text), digest(&sign(&key, body, claimed)));
        assert!((NOW.0 - claimed).abs() <= WINDOW_MS);
    }
}

/// An error's type has room for places and names of ours alone, so nothing of a body can be in its text.
fn an_error_tells_nothing(error: &DecodeError) {
    let text = error.to_string();
    assert!(text.len() <= ERROR_BYTES_MAX, "{text}");
    assert!(!error.code().is_empty());
}

fn what_is_kept_is_what_was_sent(body: &[u8]) {
    let kept = blank_secrets(body);
    assert_eq!(blank_secrets(&kept), kept, "blanking twice changes nothing more");
    no_token_is_left(&kept);
    let (sent, read) = (decode(body), decode(&kept));
    assert_eq!(sent, read, "as sent and as kept");
    let delivery = match read {
        Ok(delivery) => delivery,
        Err(error) => return an_error_tells_nothing(&error),
    };
    let (dedup_key, name) = match &delivery.decoded {
        Decoded::Call(event) => {
            assert!(!event.call_id.is_placeholder());
            (Some(event.dedup_key.as_str()), event.kind.name())
        }
        Decoded::Platform(event) => (Some(event.dedup_key.as_str()), event.kind.name()),
        Decoded::Inbound(question) => (None, question.kind.name()),
    };
    assert!(name.len() <= 64 && !name.chars().any(char::is_control), "{name:?}");
    if let Some(key) = dedup_key {
        assert!(key.len() <= DEDUP_KEY_BYTES_MAX && !key.chars().any(char::is_control), "{key:?}");
        assert!(key.starts_with(name), "{key:?}");
    }
}

fn no_token_is_left(kept: &[u8]) {
    fn look(value: &Value) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                assert!(key != "access_token" || value == "[redacted]", "a token is left: {value}");
                look(value);
            }),
            Value::Array(items) => items.iter().for_each(look),
            _ => {}
        }
    }
    if let Ok(value) = serde_json::from_slice(kept) {
        look(&value);
    }
}

fn a_function_asks_for_its_own_call(input: &[u8]) {
    let (beside, body) = two_parts(input);
    let beside = std::str::from_utf8(beside).ok();
    let alone = decode_function(body, None);
    let with_id = decode_function(body, beside);
    assert_eq!(with_id, decode_function(body, beside));
    for refused in [&alone, &with_id].into_iter().filter_map(|call| call.as_ref().err()) {
        an_error_tells_nothing(refused);
    }
    let Ok(call) = with_id else { return };
    match &call.call {
        // An id beside the body never replaces the body's own.
        AskingCall::Signed { .. } => assert_eq!(Ok(&call), alone.as_ref()),
        AskingCall::Beside { call_id } => {
            assert_eq!(Some(call_id.as_str()), beside);
            assert!(alone.is_err(), "without the id nothing says whose call it is");
        }
    }
    assert!(call.name.as_deref().is_none_or(|name| name.len() <= 128));
    let bytes = serde_json::to_vec(&call.args.args).unwrap().len();
    // A text of a text loses a layer of escapes and never grows; a number may be written longer than it came.
    assert!(bytes <= 2 * body.len() + 64, "{bytes} bytes of arguments in {} of body", body.len());
    if let Some(name) = &call.name {
        let _ = FunctionName::parse(name);
    }
}

#[test]
fn whatever_header_is_sent_a_signature_stands_for_its_own_body_and_key_alone() {
    fuzz(&SIGNATURE, a_signature_stands_for_its_body_and_key);
}

#[test]
fn whatever_body_a_webhook_has_it_is_kept_as_the_event_that_was_sent() {
    fuzz(&WEBHOOK, what_is_kept_is_what_was_sent);
}

#[test]
fn whatever_a_function_sends_it_asks_for_the_call_of_its_own_body() {
    fuzz(&FUNCTION, a_function_asks_for_its_own_call);
}
