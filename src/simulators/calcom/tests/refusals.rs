//! Every refusal with its status and its envelope, versions, keys and the rate limit.

use super::*;
use crate::simulators::calcom::{EventType, EventTypeKind};

const TAKEN: &str = "User either already has booking at this time or is not available";

#[tokio::test]
async fn a_taken_time_of_one_host_is_400_in_envelope_a() {
    let bench = Bench::start();
    assert_eq!(bench.book(2002, "2026-11-24T09:00:00Z").await.status, 201);
    let again = bench.book(2002, "2026-11-24T10:00:00Z").await;
    assert_eq!(again.refusal(), (400, 'A', TAKEN.to_owned()));
    assert_eq!(again.json["error"]["code"], "BadRequestException");
    assert_eq!(again.json["path"], "/v2/bookings");
}

#[tokio::test]
async fn a_time_outside_working_hours_is_refused_like_a_taken_one() {
    let bench = Bench::start();
    assert_eq!(bench.book(2002, "2026-11-24T03:00:00Z").await.refusal(), (400, 'A', TAKEN.to_owned()));
    let team = "One of the hosts either already has booking at this time or is not available";
    assert_eq!(bench.book(2001, "2026-11-24T03:00:00Z").await.refusal(), (400, 'A', team.to_owned()));
}

#[tokio::test]
async fn an_exhausted_pool_is_500_in_envelope_b() {
    let bench = Bench::start();
    for phone in ["+4915100000001", "+4915100000002"] {
        let reply = bench.post("/v2/bookings", &order_for(2001, "2026-11-24T09:00:00Z", phone)).await;
        assert_eq!(reply.status, 201);
    }
    let third = bench.post("/v2/bookings", &order_for(2001, "2026-11-24T09:00:00Z", "+4915100000003")).await;
    assert_eq!(third.refusal(), (500, 'B', "Internal server error".to_owned()));
}

#[tokio::test]
async fn too_soon_too_far_and_past_are_400_in_envelope_a() {
    let bench = Bench::with(
        |world| world.event_types.iter_mut().for_each(|event_type| event_type.window_days = Some(30)),
        |_| {},
    );
    for start in ["2026-11-23T08:10:00Z", "2027-03-01T09:00:00Z"] {
        let (status, envelope, message) = bench.book(2002, start).await.refusal();
        assert_eq!((status, envelope), (400, 'A'));
        assert!(
            message.starts_with("The event type can't be booked at the \"start\" time provided."),
            "{message}"
        );
    }
    let past = "Attempting to book a meeting in the past.";
    assert_eq!(bench.book(2002, "2026-11-20T09:00:00Z").await.refusal(), (400, 'A', past.to_owned()));
}

#[tokio::test]
async fn an_unknown_event_type_is_404_and_one_without_hosts_422() {
    let bench = Bench::with(
        |world| {
            world.event_types.push(EventType::new(
                5,
                "friseur-mitte",
                30,
                Vec::new(),
                EventTypeKind::RoundRobin,
            ));
        },
        |_| {},
    );
    assert_eq!(bench.book(999, "2026-11-24T09:00:00Z").await.refusal().0, 404);
    assert_eq!(bench.book(5, "2026-11-24T09:00:00Z").await.refusal().0, 422);
}

#[tokio::test]
async fn bad_orders_are_400_and_name_the_property() {
    let bench = Bench::start();
    let good = order(2002, "2026-11-24T09:00:00Z");
    let many: Value = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    let cases: Vec<(&str, Value, &str)> = vec![
        ("/start", json!("morgen"), "start property is wrong"),
        ("/eventTypeId", json!("x"), "eventTypeId property is wrong"),
        ("/attendee/timeZone", json!(""), "attendee.timeZone property is wrong"),
        ("/attendee/phoneNumber", json!("015112345678"), "Invalid phone number format"),
        ("/attendee/phoneNumber", Value::Null, "at least one contact method"),
        ("/metadata", many, "at most 50 keys"),
        ("/metadata/callId", json!("x".repeat(501)), "up to 500 characters"),
        ("/metadata/callId", json!({}), "up to 500 characters"),
        ("/metadata", json!({ "k".repeat(41): "v" }), "up to 40 characters"),
        ("/surprise", json!(1), "property surprise should not exist"),
        ("/lengthInMinutes", json!(30), "multiple possible lengths"),
        ("/allowConflicts", json!("x"), ""),
    ];
    for (pointer, value, expected) in cases {
        let mut body = good.clone();
        match body.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => body[pointer.trim_start_matches('/')] = value,
        }
        let reply = bench.post("/v2/bookings", &body).await;
        if expected.is_empty() {
            assert_eq!(reply.status, 201, "flags of the newest version are taken: {}", reply.json);
            continue;
        }
        let (status, envelope, message) = reply.refusal();
        assert_eq!((status, envelope), (400, 'A'), "{pointer}");
        assert!(message.contains(expected), "{pointer}: {message}");
    }
}

#[tokio::test]
async fn a_type_that_demands_an_address_refuses_a_phone_only_attendee() {
    let bench = Bench::with(
        |world| world.event_types.iter_mut().for_each(|event_type| event_type.email_required = true),
        |_| {},
    );
    let reply = bench.book(2002, "2026-11-24T09:00:00Z").await;
    let (status, envelope, message) = reply.refusal();
    assert_eq!((status, envelope), (400, 'A'));
    assert_eq!(reply.json["error"]["code"], "BAD_REQUEST");
    assert!(message.contains("responses,email"), "{message}");
}

#[tokio::test]
async fn versions_route_as_documented() {
    let bench = Bench::start();
    let order = order(2002, "2026-11-24T09:00:00Z");
    let ask = async |version: &str| {
        let reply = bench.ask(Method::POST, "/v2/bookings", version, Some(&order)).await;
        reply.expect("an answer").status.as_u16()
    };
    assert_eq!(ask("2024-09-04").await, 404, "known, but not for bookings");
    assert_eq!(ask("2026-02-25x").await, 400, "unknown values fall back to the oldest shape");
    assert_eq!(ask("2024-08-13").await, 201);
    let path = "/v2/slots?eventTypeId=2001&start=2026-11-24&end=2026-11-24";
    assert_eq!(bench.get(path, "2024-04-15").await.status, 404);
    assert_eq!(bench.get("/v2/nothing", NEWEST).await.refusal().0, 404);
}

#[tokio::test]
async fn keys_are_checked_even_where_none_is_needed() {
    let bench = Bench::start();
    let path = format!("{}/v2/bookings/unknown", bench.calcom.base_url());
    let ask = async |token: Option<&str>, path: &str| {
        let mut request = bench.client.get(path).header("cal-api-version", NEWEST);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(ask(None, &path).await, 404);
    assert_eq!(ask(Some("cal_test_wrong"), &path).await, 401);
    assert_eq!(ask(None, &format!("{}/v2/bookings", bench.calcom.base_url())).await, 401);
    assert_eq!(ask(None, &format!("{}/v2/me", bench.calcom.base_url())).await, 401);
}

#[tokio::test]
async fn the_121st_request_of_a_minute_blocks_the_key_for_a_minute() {
    let bench = Bench::start();
    for left in (0..120).rev() {
        let reply = bench.get("/v2/me", NEWEST).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["x-ratelimit-remaining-default"], left.to_string().as_str());
    }
    bench.pass(30_000);
    let refused = bench.get("/v2/me", NEWEST).await;
    assert_eq!(refused.refusal().0, 429);
    assert_eq!(refused.headers["x-ratelimit-reset-default"], "60");
    bench.pass(59_000);
    assert_eq!(bench.get("/v2/me", NEWEST).await.status, 429);
    bench.pass(1_000);
    assert_eq!(bench.get("/v2/me", NEWEST).await.status, 200);
}
