//! What a body may look like, and what comes of it.

use askpro_domain::call::{Stage, TranscriptFact};

use super::*;

fn call_event(body: &str) -> CallEvent {
    match decode(body.as_bytes()) {
        Ok(Delivery { decoded: Decoded::Call(event), .. }) => *event,
        other => panic!("{body}: {other:?}"),
    }
}

fn platform_event(body: &str) -> PlatformEvent {
    match decode(body.as_bytes()).unwrap().decoded {
        Decoded::Platform(event) => event,
        other => panic!("{body}: {other:?}"),
    }
}

fn code(body: impl AsRef<[u8]>) -> &'static str {
    let error = decode(body.as_ref()).unwrap_err();
    assert!(!error.to_string().contains("geheim"), "{error}");
    error.code()
}

#[test]
fn bodies_that_are_no_json_object_are_refused_by_name() {
    assert_eq!(code(""), "body_not_json");
    assert_eq!(code("{"), "body_not_json");
    assert_eq!(code(b"{\"event\":\"\xff\"}"), "body_not_utf8");
    assert_eq!(code("\u{feff}{\"event\":\"call_started\",\"call\":{\"call_id\":\"a\"}}"), "body_not_json");
    assert_eq!(code("{\"event\":\"call\0\"}"), "body_not_json");
    assert_eq!(code("{\"event\":\"call_started\",\"call\":{\"call_id\":\"a\"}} x"), "body_not_json");
    assert_eq!(code("{\"event\":\"call_started\",\"call\":{\"call_id\":\"a\"}}{}"), "body_not_json");
    for (body, found) in [
        ("[{}]", "an array"),
        ("\"a\"", "a string"),
        ("1", "a number"),
        ("null", "null"),
        ("true", "a boolean"),
    ] {
        assert_eq!(decode(body.as_bytes()), Err(DecodeError::NotAnObject { found }));
    }
    assert_eq!(code("[\"call_started\",null,{\"call_id\":\"a\"}]"), "body_not_an_object");
}

#[test]
fn an_event_without_a_usable_name_is_refused() {
    for body in
        ["{}", "{\"event\":null}", "{\"event\":1}", "{\"event\":{\"a\":1}}", "{\"event\":\"\\ud800\"}"]
    {
        assert_eq!(code(body), "event_missing", "{body}");
    }
    assert_eq!(code("{\"event\":\"\",\"call\":{\"call_id\":\"a\"}}"), "event_refused");
    assert_eq!(code("{\"event\":\"a\\nb\",\"call\":{\"call_id\":\"a\"}}"), "event_refused");
    let long = format!("{{\"event\":\"{}\",\"call\":{{\"call_id\":\"a\"}}}}", "e".repeat(65));
    assert_eq!(code(long), "event_refused");
}

#[test]
fn an_event_without_its_call_is_refused() {
    assert_eq!(code("{\"event\":\"call_ended\"}"), "object_missing");
    assert_eq!(code("{\"event\":\"call_ended\",\"call\":null}"), "object_missing");
    for bad in ["\"geheim\"", "[1]", "3", "true"] {
        assert_eq!(code(format!("{{\"event\":\"call_ended\",\"call\":{bad}}}")), "object_expected");
    }
    for bad in
        ["{}", "{\"call_id\":null}", "{\"call_id\":\"\"}", "{\"call_id\":7}", "{\"call_id\":\"a\\u0000\"}"]
    {
        assert_eq!(code(format!("{{\"event\":\"call_ended\",\"call\":{bad}}}")), "call_id_missing", "{bad}");
    }
    let long = format!("{{\"event\":\"call_ended\",\"call\":{{\"call_id\":\"{}\"}}}}", "x".repeat(129));
    assert_eq!(code(long), "call_id_missing");
    assert_eq!(code("{\"event\":\"alert_triggered\"}"), "object_missing");
}

#[test]
fn a_field_that_matters_must_not_be_there_twice() {
    assert_eq!(
        code("{\"event\":\"call_ended\",\"call\":{\"call_id\":\"a\"},\"call\":{\"call_id\":\"b\"}}"),
        "duplicate_field"
    );
    assert_eq!(
        code("{\"event\":\"call_ended\",\"call\":{\"call_id\":\"a\",\"call_id\":\"b\"}}"),
        "duplicate_field"
    );
    let unknown = "{\"event\":\"call_ended\",\"x\":1,\"x\":2,\"call\":{\"call_id\":\"a\",\"y\":1,\"y\":2}}";
    assert_eq!(call_event(unknown).call_id.as_str(), "a");
}

#[test]
fn a_deep_body_neither_overflows_nor_costs_the_event() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let body = format!("{{\"event\":\"call_ended\",\"call\":{{\"call_id\":\"a\",\"metadata\":{deep}}}}}");
    assert_eq!(call_event(&body).call_id.as_str(), "a");
    assert_eq!(code(&deep), "body_not_an_object");
    assert_eq!(code("{\"event\":".repeat(200_000)), "body_not_json");
}

#[test]
fn wrong_types_of_what_is_not_essential_are_counted_and_absent() {
    let body = r#"{"event":"call_ended","event_timestamp":"soon","call":{"call_id":"a","from_number":5,
        "agent_version":"x","start_timestamp":1788771600,"duration_ms":-1,"call_cost":[],"call_analysis":"none",
        "transcript":{"a":1},"transfer_destination":{"number":"+12025550105"},"end_timestamp":"","to_number":""}}"#;
    let delivery = decode(body.as_bytes()).unwrap();
    assert_eq!(delivery.tolerated, 9);
    let Decoded::Call(event) = delivery.decoded else { panic!() };
    assert_eq!((event.event_timestamp, event.facts), (None, askpro_domain::call::CallFacts::default()));
}

#[test]
fn the_time_of_the_event_is_no_part_of_its_identity() {
    let body = |time: &str| {
        format!(
            "{{\"event\":\"transfer_started\",\"call\":{{\"call_id\":\"a\",\"event_timestamp\":5}}{time}}}"
        )
    };
    let first = call_event(&body(",\"event_timestamp\":1788771600000"));
    let again = call_event(&body(",\"event_timestamp\":1788771699999"));
    let null = call_event(&body(",\"event_timestamp\":null"));
    assert_eq!(first.body_hash, again.body_hash);
    assert_eq!(first.dedup_key, again.dedup_key);
    assert_eq!(first.body_hash, null.body_hash);
    assert_eq!(null.event_timestamp, None);
    let other = call_event(&body(",\"event_timestamp\":1788771600000").replace("5}", "6}"));
    assert_ne!(first.dedup_key, other.dedup_key);
    let wanted = BodyHash::of(&[body(",\"event_timestamp\":").as_bytes()]);
    assert_eq!(first.body_hash, wanted);
}

#[test]
fn a_body_as_kept_has_the_identity_of_the_body_as_sent() {
    let sent = r#"{"event":"transfer_started","call":{"call_id":"a","access_token":"secret"},"event_timestamp":1788771600000}"#;
    let kept = blank_secrets(sent.as_bytes()).into_owned();
    assert_ne!(sent.as_bytes(), kept);
    assert_eq!(decode(sent.as_bytes()), decode(&kept));
}

#[test]
fn an_analysis_is_known_by_its_text_and_a_lifecycle_event_by_its_name() {
    let body = |analysis: &str, cost: u32| {
        format!(
            "{{\"event\":\"call_analyzed\",\"call\":{{\"call_id\":\"a\",\"call_cost\":{{\"combined_cost\":{cost}}},\"call_analysis\":{analysis}}}}}"
        )
    };
    let first = call_event(&body("{\"call_summary\":\"a\"}", 1));
    assert_eq!(first.dedup_key, call_event(&body("{\"call_summary\":\"a\"}", 2)).dedup_key);
    assert_ne!(first.dedup_key, call_event(&body("{\"call_summary\":\"b\"}", 1)).dedup_key);
    assert_eq!(first.kind.stage(), Stage::Analyzed);
    assert_eq!(call_event("{\"event\":\"call_ended\",\"call\":{\"call_id\":\"a\"}}").dedup_key, "call_ended");
}

#[test]
fn unknown_kinds_are_kept_with_and_without_a_call() {
    let event = call_event("{\"event\":\"call_whispered\",\"call\":{\"call_id\":\"a\"}}");
    assert_eq!(event.kind, EventKind::Other("call_whispered".to_owned()));
    let event = platform_event("{\"event\":\"workspace_renamed\"}");
    assert!(event.dedup_key.starts_with("workspace_renamed:-:"));
}

#[test]
fn an_alert_is_known_by_its_incident_and_body() {
    let body = |value: u32| {
        format!(
            "{{\"event\":\"alert_triggered\",\"alert\":{{\"alert_incident_id\":\"inc_1\",\"current_value\":{value}}}}}"
        )
    };
    let (first, other) = (platform_event(&body(1)), platform_event(&body(2)));
    assert!(first.dedup_key.starts_with("alert_triggered:inc_1:"));
    assert_ne!(first.dedup_key, other.dedup_key);
}

#[test]
fn transcripts_are_measured_wherever_they_stand() {
    let event = |rest: &str| {
        call_event(&format!("{{\"event\":\"transcript_updated\",\"call\":{{\"call_id\":\"a\"{rest}}}"))
            .facts
            .transcript
    };
    assert_eq!(event(",\"transcript\":\"Gr\\u00fc\\u00df\\n\"}"), Some(TranscriptFact { bytes: 7 }));
    assert_eq!(event(",\"transcript\":\"\"}"), None);
    assert_eq!(event("},\"transcript_with_tool_calls\":[{}]"), Some(TranscriptFact { bytes: 4 }));
    assert_eq!(event(",\"transcript_with_tool_calls\":[ ]}"), None);
}

#[test]
fn a_chat_may_use_either_name_for_its_id() {
    for id in ["\"chat_id\":\"chat_1\"", "\"call_id\":\"chat_1\"", "\"chat_id\":\"chat_1\",\"call_id\":\"x\""]
    {
        let event = call_event(&format!("{{\"event\":\"transcript_updated\",\"chat\":{{{id}}}}}"));
        assert_eq!(event.call_id.as_str(), "chat_1");
    }
}
