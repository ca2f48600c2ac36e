//! S4: the caller hangs up while the booking is under way, or before it.

use std::time::Duration;

use askpro::simulators::calcom::{Fault, FaultKind, Operation};
use serde_json::{Value, json};

use crate::support::{
    days::slot,
    eventually,
    retell::{call, event, over},
    service::{Service, Setup},
    within,
};

const COMPANY: &str = "friseur-mitte";

/// Holds a slot for a call.
async fn hold(service: &Service, call: &Value, hour: i8) {
    let at = slot(hour, 0);
    let wish = json!({ "date": at.german_date, "time": at.time, "service": "Herrenhaarschnitt" });
    service.retell.event(&event("call_started", call)).await;
    let checked = service.retell.function("check_availability", call, wish).await;
    assert_eq!(checked.code(), "available", "{checked:?}");
    assert_eq!(service.holds(COMPANY).await, ["held"]);
}

/// Orders it in the background: the agent waits while the caller goes.
fn order(service: &Service, call: &Value) -> tokio::task::JoinHandle<Value> {
    let (retell, call) = (service.retell.clone(), call.clone());
    tokio::spawn(async move {
        retell.function("book_appointment", &call, json!({ "customer_name": "Anna Schmidt" })).await.json()
    })
}

/// `[(status, reason), ...]` of the bookings in a call's timeline.
async fn moves(service: &Service, call_id: &str) -> Vec<(String, String)> {
    let timeline = service.admin(&format!("/admin/calls/{call_id}/timeline")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = timeline["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "booking");
    items.map(|item| (text(&item["name"]), text(&item["detail"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_whose_answer_was_lost_is_found_after_the_caller_hung_up() {
    let service = Service::start().await;
    let call = call("call_h1");
    hold(&service, &call, 11).await;
    service.calcom.add_fault(Fault::new(FaultKind::DropAfterAccept).on(Operation::Create).times(1));
    let agent = order(&service, &call);
    eventually("Cal.com has accepted", async || (!service.calcom.bookings().is_empty()).then_some(())).await;
    service.retell.event(&event("call_ended", &over(&call, 30_000, "user_hangup"))).await;
    eventually("the booking's outcome is unknown", async || {
        moves(&service, "call_h1").await.iter().any(|(status, _)| status == "unknown").then_some(())
    })
    .await;
    assert_ne!(service.holds(COMPANY).await, [""; 0], "the hold stays");
    within(Duration::from_secs(5), "it is found by its metadata", async || {
        let status = service.tables.texts("status", "FROM appointments").await;
        (status == ["confirmed"]).then_some(())
    })
    .await;
    let last = moves(&service, "call_h1").await.pop().unwrap();
    assert_eq!(last, ("confirmed".to_owned(), "confirmed_after_hangup".to_owned()));
    assert_eq!(
        service.tables.count("outbox WHERE call_id = 'call_h1'").await,
        1,
        "the caller never heard it"
    );
    assert_eq!(service.calcom.requests(Some(Operation::Create)).len(), 1, "never a second blind POST");
    agent.await.unwrap();
    let outcome = service.tables.texts("outcome", "FROM calls").await;
    assert_eq!(outcome, ["booked"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_never_reached_the_calendar_is_given_back_with_a_callback() {
    let service = Service::start().await;
    let call = call("call_h2");
    hold(&service, &call, 12).await;
    service.calcom.add_fault(Fault::new(FaultKind::DropBefore).on(Operation::Create).times(1));
    let agent = order(&service, &call);
    service.tables.wait_for_text("status", "FROM appointments", "unknown").await;
    service.retell.event(&event("call_ended", &over(&call, 30_000, "user_hangup"))).await;
    let heard = agent.await.unwrap();
    assert_eq!((&heard["success"], &heard["code"]), (&json!(false), &json!("outcome_unknown")), "{heard}");
    assert_eq!(service.holds(COMPANY).await, ["submitted"], "not yet looked three times");
    within(Duration::from_secs(60), "three looks find nothing", async || {
        let status = service.tables.texts("status", "FROM appointments").await;
        (status == ["abandoned"]).then_some(())
    })
    .await;
    let callbacks = service.tables.rows("call_id, priority", "FROM callbacks").await;
    assert_eq!(callbacks, [["call_h2", "high"].map(|text| Some(text.to_owned()))]);
    assert_eq!(service.holds(COMPANY).await, [""; 0]);
    assert_eq!(service.calcom.requests(Some(Operation::Create)).len(), 1);
    assert!(service.calcom.bookings().is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_slot_is_free_after_the_hang_up() {
    let service = Service::start().await;
    let call = call("call_h3");
    hold(&service, &call, 13).await;
    service.retell.event(&event("call_ended", &over(&call, 30_000, "user_hangup"))).await;
    // Long before its time is over, which is five minutes.
    eventually("the hold is gone", async || service.holds(COMPANY).await.is_empty().then_some(())).await;
    assert_eq!(service.tables.count("appointments").await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_slot_is_free_after_its_time_when_nobody_says_that_the_call_ended() {
    let service = Setup::new().with("HOLDS__TTL_S", "5").start().await;
    hold(&service, &call("call_h4"), 14).await;
    eventually("the hold has expired", async || service.holds(COMPANY).await.is_empty().then_some(())).await;
    service.stop().await;
}
