//! Booking, the gap in which two overlap, moving, cancelling, listing and webhooks.

use super::*;
use crate::simulators::calcom::Operation;

fn with_gap() -> Bench {
    Bench::with(|_| {}, |options| options.race_delay_ms = 300..=300)
}

#[tokio::test]
async fn overlapping_but_different_starts_slip_through_the_gap() {
    let bench = with_gap();
    let (one, other) =
        tokio::join!(bench.book(2011, "2026-11-24T13:00:00Z"), bench.book(2011, "2026-11-24T13:15:00Z"));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (201, 201));
    let overlaps = bench.calcom.overlaps();
    assert_eq!(overlaps.len(), 1);
    assert_eq!(overlaps[0].first.host_id, 9002);
}

#[tokio::test]
async fn different_event_types_of_one_host_slip_through_as_well() {
    let bench = with_gap();
    let long = bench.book(2002, "2026-11-24T13:00:00Z");
    let (one, other) = tokio::join!(long, bench.book(2001, "2026-11-24T13:30:00Z"));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (201, 201));
    assert_eq!(bench.calcom.overlaps().len(), 1);
}

#[tokio::test]
async fn identical_times_collide_at_the_insert() {
    let bench = with_gap();
    let (one, other) =
        tokio::join!(bench.book(2011, "2026-11-24T13:00:00Z"), bench.book(2011, "2026-11-24T13:00:00Z"));
    let loser = if one.status == 201 { other } else { one };
    assert_eq!(loser.refusal(), (409, 'B', "booking_conflict_error".to_owned()));
    assert_eq!(bench.calcom.overlaps(), Vec::new());
    assert_eq!(bench.calcom.bookings().len(), 1);
}

#[tokio::test]
async fn a_round_robin_knows_the_same_order_again() {
    let bench = Bench::start();
    let first = bench.book(2001, "2026-11-24T13:00:00Z").await;
    let again = bench.book(2001, "2026-11-24T13:00:00Z").await;
    assert_eq!(again.status, 201);
    assert_eq!(first.uid(), again.uid());
    let placeholder = "4915112345678@sms.cal.com";
    assert_eq!(first.json["data"]["attendees"][0]["email"], placeholder);
    assert_eq!(first.json["data"]["metadata"]["callId"], "call_c1");
    assert_eq!(first.json["data"]["hosts"][0]["id"], 9001);
}

#[tokio::test]
async fn a_move_gives_a_new_uid_and_closes_the_old_one() {
    let bench = Bench::start();
    let old = bench.book(2011, "2026-11-25T09:00:00Z").await.uid();
    let path = format!("/v2/bookings/{old}/reschedule");
    let moved = bench.post(&path, &json!({ "start": "2026-11-25T09:15:00Z" })).await;
    assert_eq!(moved.status, 201, "its own old time does not stand in its way: {}", moved.json);
    assert_ne!(moved.uid(), old);
    assert_eq!(moved.json["data"]["rescheduledFromUid"], old);
    let before = bench.get(&format!("/v2/bookings/{old}"), NEWEST).await.json;
    assert_eq!(
        (&before["data"]["status"], &before["data"]["rescheduledToUid"]),
        (&json!("cancelled"), &json!(moved.uid()))
    );
    let again = bench.post(&path, &json!({ "start": "2026-11-25T10:00:00Z" })).await;
    let (status, envelope, message) = again.refusal();
    assert_eq!((status, envelope), (400, 'A'));
    assert!(message.contains(&format!("rescheduled already to booking with uid={}", moved.uid())));
}

#[tokio::test]
async fn cancelling_frees_the_time_and_works_once() {
    let bench = Bench::start();
    let uid = bench.book(2011, "2026-11-25T09:00:00Z").await.uid();
    let path = format!("/v2/bookings/{uid}/cancel");
    let cancelled = bench.post(&path, &json!({ "cancellationReason": "krank" })).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json["data"]["status"]), (200, &json!("cancelled")));
    let (status, envelope, message) = bench.post(&path, &json!({})).await.refusal();
    assert_eq!((status, envelope), (400, 'A'));
    assert!(message.contains("because it has been cancelled already"));
    assert_eq!(bench.book(2011, "2026-11-25T09:00:00Z").await.status, 201);
    assert_eq!(bench.post("/v2/bookings/nobody/cancel", &json!({})).await.status, 404);
}

#[tokio::test]
async fn lists_page_by_cursor_or_by_number_and_filter() {
    let bench = Bench::start();
    for hour in 8..13 {
        assert_eq!(bench.book(2011, &format!("2026-11-24T{hour:02}:00:00Z")).await.status, 201);
        bench.pass(1_000);
    }
    let first = bench.get("/v2/bookings?limit=3", "2026-05-01").await.json;
    assert_eq!(first["data"].as_array().map(Vec::len), Some(3));
    let cursor = first["pagination"]["nextCursor"].as_str().expect("a cursor").to_owned();
    let rest = bench.get(&format!("/v2/bookings?limit=3&cursor={cursor}"), "2026-05-01").await.json;
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(rest["pagination"], json!({ "nextCursor": null, "hasMore": false }));

    let late = "/v2/bookings?attendeeEmail=4915112345678@sms.cal.com&afterStart=2026-11-24T11:00:00Z&eventTypeIds=2011";
    assert_eq!(bench.get(late, "2026-05-01").await.json["data"].as_array().map(Vec::len), Some(2));
    let fresh = "/v2/bookings?afterUpdatedAt=2026-11-23T08:00:03Z";
    assert_eq!(bench.get(fresh, "2026-05-01").await.json["data"].as_array().map(Vec::len), Some(2));
    let paged = bench.get("/v2/bookings?take=2&skip=2&status=upcoming", NEWEST).await.json;
    assert_eq!(paged["pagination"]["remainingItems"], 1);
    for bad in ["take=2", "status=past,upcoming", "limit=101"] {
        assert_eq!(bench.get(&format!("/v2/bookings?{bad}"), "2026-05-01").await.refusal().0, 400, "{bad}");
    }
    assert_eq!(bench.calcom.requests(Some(Operation::Create)).len(), 5);
}

#[tokio::test]
async fn a_web_booking_is_announced_with_a_signature() {
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let server = crate::simulators::server::Server::start("127.0.0.1:0", move |config| {
        let send = send.clone();
        config.default_service(actix_web::web::to(
            move |request: actix_web::HttpRequest, body: actix_web::web::Bytes| {
                let signature = request.headers().get("x-cal-signature-256").cloned();
                let _ = send.send((request.path().to_owned(), signature, body));
                async { actix_web::HttpResponse::NoContent().finish() }
            },
        ));
    })
    .expect("a listener");
    let bench = Bench::start();
    bench.calcom.send_webhooks_to(&format!("{}/webhooks/calcom", server.base_url()));
    bench.calcom.book_outside(2011, None, instant("2026-11-24T13:00:00Z")).expect("a booking");
    let (path, signature, body) = receive.recv().await.expect("a webhook");
    assert_eq!(path, "/webhooks/calcom/friseur-mitte");
    let expected = crate::simulators::calcom::sign(Some("whsec_a"), &body);
    assert_eq!(signature.expect("a signature").to_str().expect("text"), expected);
    let event: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(event["triggerEvent"], "BOOKING_CREATED");
    assert_eq!(event["payload"]["startTime"], "2026-11-24T13:00:00Z");
    assert_eq!(event["payload"]["organizer"]["id"], 9002);
}

#[test]
fn webhook_signatures_equal_the_known_vectors() {
    let ping = br#"{"triggerEvent":"PING","createdAt":"2024-01-01T00:00:00.000Z","payload":{}}"#;
    use crate::simulators::calcom::sign;
    assert_eq!(
        sign(Some("my-secret"), ping),
        "06b1280b35dae72b63a18b755afc26a11f54913b68fd01198832613cddfd9cb6"
    );
    assert_eq!(sign(None, ping), "no-secret-provided");
}
