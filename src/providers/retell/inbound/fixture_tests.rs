//! Every recorded shape decodes to what its name says, and no token survives redaction.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    decode::{Decoded, decode},
    functions::{AskingCall, decode_function},
    redact::blank_secrets,
};

fn json_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (stem(path), fs::read(path).unwrap())).collect()
}

/// Tokens that were in there are gone, and nothing but them has changed.
fn assert_no_token(name: &str, value: &Value) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| {
            assert!(key != "access_token" || inner == "[redacted]", "{name}: a token is left");
            assert_no_token(name, inner);
        }),
        Value::Array(items) => items.iter().for_each(|item| assert_no_token(name, item)),
        _ => {}
    }
}

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str)
}

fn assert_webhook(name: &str, body: &[u8], value: &Value) {
    let delivery = decode(body).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(delivery.tolerated, 0, "{name}");
    let event = text(value, "/event").unwrap();
    match delivery.decoded {
        Decoded::Call(call) => {
            let id = text(value, "/call/call_id").or_else(|| text(value, "/chat/chat_id")).unwrap();
            assert_eq!((call.kind.name(), call.call_id.as_str()), (event, id), "{name}");
            assert_eq!(call.event_timestamp.map(|t| t.0), value["event_timestamp"].as_i64(), "{name}");
            assert_ne!(call.kind.label(), "other", "{name}");
            assert!(call.dedup_key.starts_with(event), "{name}");
            assert_eq!(call.facts.identity.to_number.as_deref(), text(value, "/call/to_number"), "{name}");
            let spoken = text(value, "/call/transcript").or_else(|| text(value, "/chat/transcript"));
            if let Some(spoken) = spoken.filter(|s| !s.is_empty()) {
                assert_eq!(call.facts.transcript.unwrap().bytes as usize, spoken.len(), "{name}");
            }
            let summary = value.pointer("/call/call_analysis/call_summary").and_then(Value::as_str);
            if let Some(summary) = summary.filter(|s| !s.is_empty()) {
                assert_eq!(call.facts.summary.as_deref(), Some(summary), "{name}");
            }
        }
        Decoded::Platform(platform) => {
            assert_eq!(platform.kind.name(), event, "{name}");
            let incident = text(value, "/alert/alert_incident_id").unwrap();
            assert!(platform.dedup_key.starts_with(&format!("{event}:{incident}:")), "{name}");
        }
        Decoded::Inbound(request) => {
            assert_eq!(request.kind.name(), event, "{name}");
            let id = request.call_id.as_ref().map(ToString::to_string);
            assert_eq!(id.as_deref(), text(value, &format!("/{event}/call_id")), "{name}");
            let number = text(value, &format!("/{event}/to_number"));
            assert_eq!(request.identity.to_number.as_deref(), number, "{name}");
        }
    }
}

fn assert_function(name: &str, body: &[u8], value: &Value) {
    let decoded = decode_function(body, None);
    if name.contains("args_only") {
        assert_eq!(decoded.unwrap_err().code(), "call_id_missing", "{name}");
        let call = decode_function(body, Some("call_1")).unwrap();
        assert_eq!((call.name, Value::Object(call.args.args)), (None, value.clone()), "{name}");
        assert!(matches!(call.call, AskingCall::Beside { call_id } if call_id.as_str() == "call_1"));
        return;
    }
    let call = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
    let id = text(value, "/call/call_id").or_else(|| text(value, "/chat/chat_id")).unwrap();
    let AskingCall::Signed { call_id, .. } = call.call else { panic!("{name}") };
    assert_eq!((call.name.as_deref(), call_id.as_str()), (text(value, "/name"), id), "{name}");
    assert_eq!(Value::Object(call.args.args), value["args"], "{name}");
}

fn assert_file(name: &str, body: &[u8]) {
    let value: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(value.is_object(), "{name}");
    let blanked: Value = serde_json::from_slice(&blank_secrets(body)).unwrap();
    assert_no_token(name, &blanked);
    if name.starts_with("rest_") || name.contains("_response") || name == "signature_vectors" {
        return;
    }
    if name.starts_with("custom_function") {
        assert_function(name, body, &value);
    } else {
        assert_webhook(name, body, &value);
    }
}

#[test]
fn every_fixture_decodes_to_what_its_name_says() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retell");
    let mut folders = vec![own];
    if let Some(facts) = std::env::var_os("ASKPRO_FACTS_DIR") {
        folders.push(Path::new(&facts).join("retell/fixtures"));
    }
    for folder in folders {
        let files = json_files(&folder);
        assert!(files.len() >= 30, "{} has only {} fixtures", folder.display(), files.len());
        for (name, body) in files {
            assert_file(&name, &body);
        }
    }
}
