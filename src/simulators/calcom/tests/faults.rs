//! Trouble on order: lost answers, cut lines, hangs and answers that belong to another order.

use std::time::Duration;

use super::*;
use crate::simulators::calcom::{Fault, FaultKind, Operation};

#[tokio::test]
async fn a_dropped_answer_leaves_the_booking_there() {
    let bench = Bench::start();
    bench.calcom.add_fault(Fault::new(FaultKind::DropAfterAccept).key(KEY).on(Operation::Create).times(1));
    let wish = order(2011, "2026-11-24T13:00:00Z");
    let lost = bench.ask(Method::POST, "/v2/bookings", NEWEST, Some(&wish)).await;
    assert!(lost.is_err(), "no answer");
    let found = bench.get("/v2/bookings?afterStart=2026-11-24", "2026-05-01").await.json;
    assert_eq!(found["data"][0]["metadata"]["callId"], "call_c1");
    assert_eq!(bench.book(2011, "2026-11-24T13:00:00Z").await.status, 400, "a blind repeat is refused");
}

#[tokio::test]
async fn a_line_cut_before_the_work_leaves_nothing() {
    let bench = Bench::start();
    bench.calcom.add_fault(Fault::new(FaultKind::DropBefore).on(Operation::Create).times(1));
    let wish = order(2011, "2026-11-24T13:00:00Z");
    assert!(bench.ask(Method::POST, "/v2/bookings", NEWEST, Some(&wish)).await.is_err());
    assert_eq!(bench.calcom.bookings().len(), 0);
    assert_eq!(bench.book(2011, "2026-11-24T13:00:00Z").await.status, 201, "once only");
}

#[tokio::test]
async fn the_work_goes_on_when_the_caller_gives_up() {
    let bench = Bench::start();
    bench.calcom.add_fault(Fault::new(FaultKind::Slow { ms: 300 }).on(Operation::Create));
    let wish = order(2011, "2026-11-24T13:00:00Z");
    tokio::select! {
        _ = bench.ask(Method::POST, "/v2/bookings", NEWEST, Some(&wish)) => panic!("answered too early"),
        () = until(|| !bench.calcom.requests(Some(Operation::Create)).is_empty()) => {}
    }
    assert_eq!(bench.calcom.bookings().len(), 0, "gave up before the work");
    until(|| !bench.calcom.bookings().is_empty()).await;
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "it never came true");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_hanging_answer_never_comes_and_books_nothing() {
    let bench = Bench::start();
    bench.calcom.add_fault(Fault::new(FaultKind::Hang { ms: 30 }).on(Operation::Create));
    let wish = order(2011, "2026-11-24T13:00:00Z");
    assert!(bench.ask(Method::POST, "/v2/bookings", NEWEST, Some(&wish)).await.is_err());
    assert_eq!(bench.calcom.bookings().len(), 0);
}

#[tokio::test]
async fn faults_are_scripted_over_http_by_key_and_operation() {
    let bench = Bench::start();
    let script = json!([
        { "kind": "internal_error", "api_key": KEY, "operation": "create", "count": 1 },
        { "kind": "bad_gateway", "operation": "create", "count": 1 },
        { "kind": "rate_limited", "operation": "list", "count": 1 },
        { "kind": "slow", "ms": 1, "api_key": "cal_test_other" },
    ]);
    assert_eq!(bench.post("/_sim/faults", &script).await.status, 200);
    let start = "2026-11-24T13:00:00Z";
    assert_eq!(bench.book(2011, start).await.refusal(), (500, 'B', "Internal server error".to_owned()));
    assert_eq!(bench.book(2011, start).await.status, 502);
    assert_eq!(bench.book(2011, start).await.status, 201);
    assert_eq!(bench.get("/v2/bookings", "2026-05-01").await.refusal().0, 429);
    let left = bench.get("/_sim/faults", NEWEST).await.json;
    assert_eq!(left.as_array().map(Vec::len), Some(1), "the other key's: {left}");
    let counters = bench.get("/_sim/counters", NEWEST).await.json;
    assert_eq!((&counters["requests"]["create"], &counters["bookings"]["accepted"]), (&json!(3), &json!(1)));
    let log = bench.get("/_sim/requests?operation=create", NEWEST).await.json;
    let statuses: Vec<&Value> =
        log.as_array().expect("a log").iter().map(|record| &record["status"]).collect();
    assert_eq!(statuses, [500, 502, 201]);
    assert_eq!(log[0]["key_suffix"], "st_a");
}

#[tokio::test]
async fn a_stale_answer_names_a_booking_that_nobody_ordered() {
    let bench = Bench::start();
    bench.calcom.add_fault(Fault::new(FaultKind::StaleBooking).on(Operation::Create).times(1));
    let stale = bench.book(2011, "2026-11-24T13:00:00Z").await;
    assert_eq!(stale.status, 201);
    assert_ne!(stale.json["data"]["start"], "2026-11-24T13:00:00.000Z");
    assert_eq!(bench.calcom.bookings().len(), 0);
}

#[tokio::test]
async fn another_limit_holds_for_its_key_until_it_is_cleared() {
    let bench = Bench::start();
    bench.calcom.add_fault(Fault::new(FaultKind::Limited { per_minute: 2 }).key(KEY));
    let list = || bench.get("/v2/bookings", "2026-05-01");
    assert_eq!([list().await.status, list().await.status, list().await.status], [200, 200, 429]);
    bench.calcom.clear_faults();
    assert_eq!(list().await.status, 429, "blocked for a minute all the same");
    bench.clock.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(list().await.status, 200);
}
