//! Announcements of any bytes: nothing panics, one-time passwords are gone, and what is kept is read as the same
//! announcement again.

use askpro_domain::{calendar::News, secret::Secret};
use askpro_fuzz::{Target, fixtures, fuzz};
use serde_json::Value;

use super::{blank_secrets, custom, decode, decode_kept, precheck, sign, verify};

const SECRET: &str = "whsec_fuzz_0123456789";
/// Longest identity: a trigger's name, a subject, a time, a sequence, or a hash.
const DEDUP_KEY_BYTES_MAX: usize = 1_000;

const TARGET: Target = Target {
    name: "calcom_webhook",
    inputs: 2_000,
    bytes_max: 20_000,
    words: &[
        "\"triggerEvent\":",
        "\"BOOKING_CREATED\"",
        "\"BOOKING_RESCHEDULED\"",
        "\"BOOKING_CANCELLED\"",
        "\"BOOKING_REQUESTED\"",
        "\"OOO_CREATED\"",
        "\"MEETING_ENDED\"",
        "\"PING\"",
        "\"createdAt\":",
        "\"payload\":{",
        "\"uid\":\"u1\"",
        "\"rescheduleUid\":",
        "\"startTime\":\"2026-11-24T13:00:00Z\"",
        "\"endTime\":",
        "\"oneTimePassword\":\"otp\"",
        "\"metadata\":{\"askpro_appointment\":\"a\"}",
        "\"attendees\":[{",
        "\"organizer\":{\"id\":9001}",
        "\"iCalSequence\":",
        "\"eventTypeId\":",
        "\"seatsPerTimeSlot\":",
        "\"responses\":",
    ],
    seeds: || fixtures("tests/fixtures/calcom", ".json"),
};

fn what_is_kept_is_what_was_announced(body: &[u8]) {
    a_signature_stands_for_its_body(body);
    let kept = blank_secrets(body);
    assert_eq!(blank_secrets(&kept), kept, "blanking twice changes nothing more");
    if let Ok(value) = serde_json::from_slice(&kept) {
        no_password_is_left(&value);
    }
    match decode(&kept) {
        Ok(delivery) => {
            assert_eq!(decode_kept(&kept), delivery.event, "what was taken is read again as the same");
            let (event, as_sent) = (delivery.event, decode(body).unwrap().event);
            assert_eq!((&as_sent.name, &as_sent.news, &as_sent.uid), (&event.name, &event.news, &event.uid));
            is_bounded(&event.dedup_key);
            if let News::Stands(seen) = &event.news {
                assert!(seen.interval.start() < seen.interval.end());
            }
        }
        Err(_) => {
            assert!(decode(body).is_err());
            assert_eq!(decode_kept(&kept), custom(&kept).event);
            is_bounded(&custom(&kept).event.dedup_key);
        }
    }
}

fn is_bounded(dedup_key: &str) {
    assert!(dedup_key.len() <= DEDUP_KEY_BYTES_MAX, "{} bytes", dedup_key.len());
    assert!(!dedup_key.chars().any(char::is_control), "{dedup_key:?}");
}

fn no_password_is_left(value: &Value) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            assert!(key != "oneTimePassword" || value == "[redacted]", "a password is left: {value}");
            no_password_is_left(value);
        }),
        Value::Array(items) => items.iter().for_each(no_password_is_left),
        _ => {}
    }
}

fn a_signature_stands_for_its_body(body: &[u8]) {
    let secret = Secret::new(SECRET);
    // The body taken as a header too.
    if verify(Some(body), b"{}", Some(&secret)).is_ok() {
        assert_eq!(body, sign(&secret, b"{}").as_bytes());
    }
    let _ = precheck(Some(body));
    let header = sign(&secret, body);
    let accepted =
        |body: &[u8], secret: &str| verify(Some(header.as_bytes()), body, Some(&Secret::new(secret))).is_ok();
    assert!(accepted(body, SECRET) && !accepted(body, "whsec_of_another") && !accepted(body, ""));
    assert!(!accepted(&[body, b" "].concat(), SECRET));
}

#[test]
fn whatever_is_announced_is_kept_and_read_as_the_same_announcement() {
    fuzz(&TARGET, what_is_kept_is_what_was_announced);
}
