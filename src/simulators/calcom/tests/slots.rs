//! What slot queries show: hours, zones, the cache, pools and reservations.

use super::*;

#[tokio::test]
async fn slots_follow_hours_zone_and_format() {
    let bench = Bench::start();
    let slots = bench.slots(2001, "2026-11-24").await;
    assert_eq!(slots.first().map(String::as_str), Some("2026-11-24T08:00:00.000Z"));
    assert_eq!(slots.len(), 18);
    let path =
        "/v2/slots?eventTypeId=2001&start=2026-11-24&end=2026-11-24&timeZone=Europe/Berlin&format=range";
    let reply = bench.get(path, "2024-09-04").await;
    let first = &reply.json["data"]["2026-11-24"][0];
    assert_eq!(first["start"], "2026-11-24T09:00:00.000+01:00");
    assert_eq!(first["end"], "2026-11-24T09:30:00.000+01:00");
    let sunday = bench.get("/v2/slots?eventTypeId=2001&start=2026-11-29&end=2026-11-29", "2024-09-04").await;
    assert_eq!(sunday.json["data"], json!({}));
}

#[tokio::test]
async fn today_begins_after_the_notice() {
    let bench = Bench::start();
    let slots = bench.slots(2001, "2026-11-23").await;
    assert_eq!(slots.first().map(String::as_str), Some("2026-11-23T08:30:00.000Z"));
}

#[tokio::test]
async fn extra_parameters_and_bad_ranges_are_400() {
    let bench = Bench::start();
    for query in [
        "eventTypeId=2001&eventTypeSlug=x&start=2026-11-24&end=2026-11-24",
        "eventTypeId=2001&start=2026-11-25&end=2026-11-24",
        "eventTypeId=2001&start=2026-11-25",
        "start=2026-11-25&end=2026-11-26",
    ] {
        let reply = bench.get(&format!("/v2/slots?{query}"), "2024-09-04").await;
        assert_eq!(reply.refusal().0, 400, "{query}");
    }
    let unknown = bench.get("/v2/slots?eventTypeId=1&start=2026-11-24&end=2026-11-24", "2024-09-04").await;
    assert_eq!(unknown.refusal().0, 404);
}

#[tokio::test]
async fn a_booked_slot_survives_in_the_cache_for_two_seconds() {
    let bench = Bench::start();
    let wanted = "2026-11-24T13:00:00.000Z".to_owned();
    assert!(bench.slots(2011, "2026-11-24").await.contains(&wanted));
    assert_eq!(bench.book(2011, "2026-11-24T13:00:00Z").await.status, 201);
    assert!(bench.slots(2011, "2026-11-24").await.contains(&wanted), "stale within the cache's time");
    bench.pass(2_000);
    assert!(!bench.slots(2011, "2026-11-24").await.contains(&wanted));
}

#[tokio::test]
async fn a_pool_offers_a_slot_while_one_host_is_free_and_own_types_follow_their_host() {
    let bench = Bench::start();
    let noon = "2026-11-24T11:00:00.000Z".to_owned();
    bench.calcom.book_outside(2001, Some(9002), instant("2026-11-24T11:00:00Z")).expect("a booking");
    assert!(bench.slots(2001, "2026-11-24").await.contains(&noon));
    assert!(!bench.slots(2011, "2026-11-24").await.contains(&noon), "Mia is taken");
    let only = "/v2/slots?eventTypeId=2001&start=2026-11-24&end=2026-11-24&rrHostSubsetIds=9002";
    let reply = bench.get(only, "2024-09-04").await;
    assert!(!reply.json.to_string().contains(&noon));
}

#[tokio::test]
async fn a_reservation_hides_the_slot_but_protects_nothing() {
    let bench = Bench::start();
    let wish = json!({ "eventTypeId": 2011, "slotStart": "2026-11-24T13:00:00Z", "reservationDuration": 10 });
    let path = "/v2/slots/reservations";
    let held = bench.ask(Method::POST, path, "2024-09-04", Some(&wish)).await.expect("an answer");
    assert_eq!(held.status, 201);
    assert_eq!(held.json["data"]["reservationUntil"], "2026-11-23T08:10:00.000Z");
    assert!(!bench.slots(2011, "2026-11-24").await.contains(&"2026-11-24T13:00:00.000Z".to_owned()));

    let second = bench.ask(Method::POST, path, "2024-09-04", Some(&wish)).await.expect("an answer");
    assert_eq!(second.refusal().0, 422);
    let uid = held.json["data"]["reservationUid"].as_str().expect("a uid").to_owned();
    let own = format!("{path}/{uid}");
    let prolonged = bench.ask(Method::PATCH, &own, "2024-09-04", Some(&wish)).await.expect("an answer");
    assert_eq!(prolonged.status, 422, "it does not exclude itself");

    assert_eq!(bench.book(2011, "2026-11-24T13:00:00Z").await.status, 201, "anybody can book over it");
    let booked = bench.ask(Method::POST, path, "2024-09-04", Some(&wish)).await.expect("an answer");
    assert_eq!(
        booked.refusal(),
        (422, 'A', "Can't reserve a slot if the event is already booked.".to_owned())
    );

    assert_eq!(bench.get(&own, "2024-09-04").await.json["data"]["eventTypeId"], 2011);
    for _ in 0..2 {
        let released = bench.ask(Method::DELETE, &own, "2024-09-04", None).await.expect("an answer");
        assert_eq!((released.status.as_u16(), &released.json), (200, &json!({ "status": "success" })));
    }
    assert_eq!(bench.get(&own, "2024-09-04").await.json, json!({ "status": "success", "data": null }));
}

#[tokio::test]
async fn a_pools_reservation_hides_its_first_host_only_and_night_can_be_reserved() {
    let bench = Bench::start();
    for start in ["2026-11-24T13:00:00Z", "2026-11-29T02:00:00Z"] {
        let wish = json!({ "eventTypeId": 2001, "slotStart": start });
        let path = "/v2/slots/reservations";
        let held = bench.ask(Method::POST, path, "2024-09-04", Some(&wish)).await.expect("an answer");
        assert_eq!(held.status, 201);
    }
    let slot = "2026-11-24T13:00:00.000Z".to_owned();
    assert!(bench.slots(2001, "2026-11-24").await.contains(&slot), "Mia is not hidden");
    bench.pass(5 * 60_000);
    assert!(bench.slots(2001, "2026-11-24").await.contains(&slot));
}

#[tokio::test]
async fn a_reservation_hides_what_overlaps_it_of_all_types_of_the_host_and_moves_no_grid() {
    let bench = Bench::start();
    let before = bench.slots(2002, "2026-11-24").await;
    let wish = json!({ "eventTypeId": 2001, "slotStart": "2026-11-24T11:00:00Z", "reservationDuration": 10 });
    let path = "/v2/slots/reservations";
    let held = bench.ask(Method::POST, path, "2024-09-04", Some(&wish)).await.expect("an answer");
    let standing = bench.calcom.reservations();
    assert_eq!((standing.len(), standing[0].host_id, standing[0].event_type_id), (1, 9001, 2001));
    bench.pass(2_000);
    let (taken, length_ms) = (standing[0].span, 135 * 60_000);
    let overlaps = |start: &String| instant(start) < taken.1 && taken.0 < instant(start) + length_ms;
    let left: Vec<String> = before.iter().filter(|start| !overlaps(start)).cloned().collect();
    assert!(left.len() < before.len());
    assert_eq!(bench.slots(2002, "2026-11-24").await, left);
    let uid = held.json["data"]["reservationUid"].as_str().expect("a uid");
    bench.ask(Method::DELETE, &format!("{path}/{uid}"), "2024-09-04", None).await.expect("an answer");
    bench.pass(2_000);
    assert_eq!(bench.slots(2002, "2026-11-24").await, before);
    assert!(bench.calcom.reservations().is_empty());
}
