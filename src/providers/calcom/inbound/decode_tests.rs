//! Bodies that are odd, old, new or broken.

use askpro_domain::calendar::News;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DecodeError, blank_secrets, custom, decode, decode_kept, trigger::Trigger};

fn created() -> Value {
    json!({ "triggerEvent": "BOOKING_CREATED", "createdAt": "2026-11-23T08:00:00.000Z", "payload": {
        "uid": "u1", "startTime": "2026-11-24T13:00:00Z", "endTime": "2026-11-24T13:30:00Z", "eventTypeId": 2001,
        "organizer": { "id": 9001 }, "iCalSequence": 0,
    }})
}

fn event(body: &Value) -> askpro_domain::calendar::CalendarEvent {
    decode(body.to_string().as_bytes()).unwrap().event
}

#[test]
fn what_is_no_announcement_is_refused_by_name() {
    for (body, error) in [
        ("", DecodeError::NotAnObject),
        ("Neuer+Termin=1", DecodeError::NotAnObject),
        ("[]", DecodeError::NotAnObject),
        ("{\"triggerEvent\":\"PING\"", DecodeError::NotAnObject),
        ("{\"triggerEvent\":\"PING\",\"triggerEvent\":\"PING\"}", DecodeError::NotAnObject),
        ("{}", DecodeError::NoTrigger),
        ("{\"triggerEvent\":null}", DecodeError::NoTrigger),
        ("{\"triggerEvent\":5}", DecodeError::NoTrigger),
        ("{\"triggerEvent\":\"\"}", DecodeError::NoTrigger),
        ("{\"triggerEvent\":\"A B\"}", DecodeError::NoTrigger),
    ] {
        assert_eq!(decode(body.as_bytes()), Err(error), "{body}");
    }
    let long = json!({ "triggerEvent": "X".repeat(101) }).to_string();
    assert_eq!(decode(long.as_bytes()), Err(DecodeError::NoTrigger));
    assert_eq!(decode(b"{\"triggerEvent\":\"\xff\"}"), Err(DecodeError::NotAnObject));
}

#[test]
fn an_odd_field_costs_itself_and_never_the_announcement() {
    let oddities: [(&str, Value); 8] = [
        ("organizer", json!("nobody")),
        ("organizer", json!({ "id": "9001" })),
        ("attendees", json!({})),
        ("attendees", json!([{ "email": 5, "phoneNumber": [] }])),
        ("metadata", json!([])),
        ("responses", json!([1])),
        ("iCalSequence", json!("one")),
        ("eventTypeId", json!(null)),
    ];
    for (field, odd) in oddities {
        let mut body = created();
        body["payload"][field] = odd;
        assert!(matches!(event(&body).news, News::Stands(_)), "{body}");
    }
}

#[test]
fn an_announcement_of_a_booking_that_cannot_be_understood_says_that_something_changed() {
    let broken: [(&str, Value); 6] = [
        ("uid", json!(null)),
        ("uid", json!("with space")),
        ("uid", json!("x".repeat(101))),
        ("startTime", json!("tomorrow")),
        ("endTime", json!("2026-11-24T13:00:00Z")),
        ("startTime", json!(1_795_525_200_000_i64)),
    ];
    for (field, value) in broken {
        let mut body = created();
        body["payload"][field] = value;
        assert_eq!(event(&body).news, News::Changed, "{body}");
    }
    for payload in [json!(null), json!([]), json!("x")] {
        let body = json!({ "triggerEvent": "BOOKING_CANCELLED", "payload": payload });
        assert_eq!(event(&body).news, News::Changed);
    }
}

#[test]
fn a_seat_that_is_given_up_ends_no_booking() {
    let mut body = created();
    body["triggerEvent"] = json!("BOOKING_CANCELLED");
    assert!(matches!(event(&body).news, News::Gone(_)));
    body["payload"]["seatsPerTimeSlot"] = json!(6);
    assert_eq!(event(&body).news, News::Changed);
}

#[test]
fn the_identity_is_trigger_subject_time_and_sequence() {
    let key = event(&created()).dedup_key;
    assert_eq!(key, "BOOKING_CREATED:u1:2026-11-23T08:00:00.000Z:0");
    let changes: [(&str, Value); 4] = [
        ("/triggerEvent", json!("BOOKING_REQUESTED")),
        ("/createdAt", json!("2026-11-23T08:00:00.001Z")),
        ("/payload/uid", json!("u2")),
        ("/payload/iCalSequence", json!(1)),
    ];
    for (path, value) in changes {
        let mut body = created();
        *body.pointer_mut(path).unwrap() = value;
        assert_ne!(event(&body).dedup_key, key, "{path}");
    }
    let mut timeless = created();
    timeless["createdAt"] = json!(null);
    let hashed = event(&timeless).dedup_key;
    assert_eq!(hashed.len(), "BOOKING_CREATED:".len() + 32);
    assert_eq!(event(&timeless).dedup_key, hashed);
}

#[test]
fn one_time_passwords_are_blanked_and_change_no_identity() {
    let mut body = created();
    body["payload"]["oneTimePassword"] = json!("secret");
    body["createdAt"] = json!(null);
    let sent = body.to_string();
    let kept = blank_secrets(sent.as_bytes()).into_owned();
    assert!(!String::from_utf8_lossy(&kept).contains("secret"));
    assert_eq!(decode_kept(&blank_secrets(&kept)), decode(&kept).unwrap().event);
}

#[test]
fn what_a_template_made_is_kept_and_only_says_that_something_changed() {
    let delivery = custom(b"a=1&b=2");
    assert_eq!((delivery.trigger, &delivery.event.news), (Trigger::CustomTemplate, &News::Changed));
    assert_eq!(decode_kept(b"a=1&b=2"), delivery.event);
    assert_ne!(custom(b"a=1&b=3").event.dedup_key, delivery.event.dedup_key);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_kept(&body);
    }

    #[test]
    fn no_value_anywhere_makes_it_panic(path in 0..8_usize, odd in ".{0,20}", number in any::<i64>(), kind in 0..5) {
        let mut body = created();
        let value = match kind {
            0 => json!(odd),
            1 => json!(number),
            2 => json!([odd]),
            3 => json!({ "id": number, "value": odd }),
            _ => json!(null),
        };
        let paths = ["/triggerEvent", "/createdAt", "/payload", "/payload/uid", "/payload/startTime",
            "/payload/organizer", "/payload/organizer/id", "/payload/iCalSequence"];
        *body.pointer_mut(paths[path]).unwrap() = value;
        let _ = decode_kept(body.to_string().as_bytes());
    }
}

#[test]
fn a_body_that_is_not_utf_8_is_no_announcement_with_and_without_a_password_in_it() {
    for field in ["\"title\"", "\"oneTimePassword\""] {
        let body = [b"{\"triggerEvent\":\"PING\",".as_slice(), field.as_bytes(), b":\"\xff\"}"].concat();
        assert_eq!(decode(&body), Err(DecodeError::NotAnObject), "{field}");
        assert!(decode(&crate::providers::calcom::inbound::blank_secrets(&body)).is_err(), "{field}");
    }
}
