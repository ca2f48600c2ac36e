//! S1: a booking, and Retell repeats it while Cal.com is slow.

use std::time::Duration;

use askpro::simulators::calcom::{Fault, FaultKind, Operation};
use jiff::Timestamp;
use serde_json::json;

use crate::support::{
    days::{now_ms, slot},
    eventually,
    retell::{call, event, merge, over},
    service::Service,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_retell_repeats_is_made_once_and_answered_byte_for_byte() {
    let service = Service::start().await;
    let (retell, call, at) = (&service.retell, call("call_c1"), slot(14, 0));
    let rings = json!({ "event": "call_inbound", "call_inbound": {
        "call_id": "call_c1", "from_number": call["from_number"], "to_number": call["to_number"],
    }});
    let told = retell.post("/webhooks/retell/inbound", &rings).await.json();
    assert_eq!(told["call_inbound"]["dynamic_variables"]["customer_name"], "Anna Schmidt", "{told}");
    retell.event(&event("call_started", &call)).await;
    let wish = json!({ "datum": at.german_date, "uhrzeit": "14:00", "dienstleistung": "Herrenhaarschnit", "call_id": "None" });
    let checked = retell.function("check_availability_v17", &call, wish).await.json();
    assert_eq!((&checked["success"], &checked["available"]), (&json!(true), &json!(true)), "{checked}");
    assert!(checked["slot"].as_str().unwrap().starts_with(&at.local), "{checked}");
    assert_eq!(checked["service"], "Herrenhaarschnitt");
    let held_until: Timestamp = checked["held_until"].as_str().unwrap().parse().unwrap();
    let held_s = (held_until.as_millisecond() - now_ms()) / 1_000;
    assert!((240..=300).contains(&held_s), "held for {held_s} s");
    let metrics = String::from_utf8(retell.get("/metrics").await.body).unwrap();
    assert!(
        metrics.contains("askpro_functions_versioned_total{function=\"check_availability\"} "),
        "{metrics}"
    );
    assert!(!metrics.contains("askpro_functions_versioned_total{function=\"check_availability\"} 0"));
    assert_eq!(service.holds("friseur-mitte").await, ["held"]);

    service.calcom.add_fault(Fault::new(FaultKind::Slow { ms: 14_000 }).on(Operation::Create).times(1));
    let order = json!({ "datetime": format!("{} 14:00", at.german_date), "customer_name": "Anna Schmidt" });
    let ordered_at = tokio::time::Instant::now();
    let first = retell.function("book_appointment", &call, order.clone()).await;
    assert_eq!(first.json()["status"], "pending_confirmation", "{first:?}");
    assert_eq!(first.json()["success"], true);
    // Retell gives up after 10 s and asks again, while Cal.com is still at it.
    tokio::time::sleep_until(ordered_at + Duration::from_secs(10)).await;
    let repeat = retell.function("book_appointment", &call, order.clone()).await;
    assert_eq!(repeat.body, first.body, "before settlement a repeat says the same");

    service.tables.wait_for_text("status", "FROM appointments", "confirmed").await;
    let confirmed = retell.function("book_appointment", &call, order.clone()).await;
    assert_eq!(confirmed.json()["status"], "confirmed", "{confirmed:?}");
    let again = retell.function("book_appointment", &call, order).await;
    assert_eq!(again.body, confirmed.body, "after settlement too");

    let posts = service.calcom.requests(Some(Operation::Create));
    assert_eq!(posts.len(), 1, "{posts:?}");
    let booked = service.calcom.bookings().remove(0);
    assert_eq!((booked.start_ms, booked.end_ms), (at.starts_ms, at.starts_ms + 30 * 60_000));
    let metadata = json!(booked.metadata).to_string();
    assert!(metadata.contains("call_c1"), "our metadata is on it: {metadata}");
    let staff = if booked.host_id == 9001 { "udo" } else { "mia" };
    let shown = service.admin("/admin/calls/call_c1").await;
    assert_eq!(shown["appointments"][0]["staff"], staff, "the host that Cal.com named: {shown}");

    let columns = "call_id, starts_at, ends_at, status, calcom_uid";
    let rows = service.tables.rows(columns, "FROM appointments").await;
    let (from, to) = (at.starts_ms.to_string(), (at.starts_ms + 30 * 60_000).to_string());
    let wanted = ["call_c1", &from, &to, "confirmed", &booked.uid].map(|text| Some(text.to_owned()));
    assert_eq!(rows, [wanted]);
    assert!(service.tables.texts("staff_id", "FROM appointments").await.iter().all(|id| !id.is_empty()));
    assert_eq!(service.tables.count("outbox WHERE call_id = 'call_c1'").await, 1, "one confirmation");
    assert_eq!(service.holds("friseur-mitte").await, ["booked"], "the hold is used up");

    assert_outcome_stays_booked(&service, &call).await;
    service.stop().await;
}

/// Retell thinks the call failed; our books know better, and keep its verdict beside.
async fn assert_outcome_stays_booked(service: &Service, call: &serde_json::Value) {
    let ended = over(call, 144_000, "user_hangup");
    service.retell.event(&event("call_ended", &ended)).await;
    let mut analyzed = ended;
    merge(
        &mut analyzed,
        json!({ "call_analysis": { "call_successful": false, "user_sentiment": "Negative" } }),
    );
    service.retell.event(&event("call_analyzed", &analyzed)).await;
    service.tables.wait_for(3, "call_events WHERE call_id = 'call_c1'").await;
    let columns = "status, outcome, duration_ms, disconnection_reason, retell_successful";
    let row = eventually("the call is analyzed", async || {
        let row = service.tables.rows(columns, "FROM calls").await.remove(0);
        row[4].is_some().then_some(row)
    })
    .await;
    assert_eq!(row, ["ended", "booked", "144000", "user_hangup", "0"].map(|text| Some(text.to_owned())));
    let shown = service.admin("/admin/calls/call_c1").await;
    assert_eq!((&shown["outcome"], &shown["retell"]["call_successful"]), (&json!("booked"), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_in_other_words_is_the_same_booking_and_another_persons_is_not() {
    let service = Service::start().await;
    let (retell, call, at) = (&service.retell, call("call_c2"), slot(11, 30));
    let wish = json!({ "date": at.german_date, "time": at.time, "service": "Herrenhaarschnitt" });
    assert_eq!(retell.function("check_availability", &call, wish).await.code(), "available");
    let first = retell.function("book_appointment", &call, json!({ "name": "Anna Schmidt" })).await;
    assert_eq!(first.json()["status"], "confirmed", "{first:?}");
    let spelled_out = |name: &str| json!({ "dienstleistung": "Herrenhaarschnitt", "datetime": at.local, "customer_name": name });
    let again = retell.function("book_appointment", &call, spelled_out("anna schmidt")).await.json();
    assert_eq!(again["success"], true, "{again}");
    assert_eq!(again["appointment_id"], first.json()["appointment_id"]);
    assert_eq!(service.calcom.requests(Some(Operation::Create)).len(), 1);
    // A second person needs a second place, and it is not known that there is one.
    let other = retell.function("book_appointment", &call, spelled_out("Bernd Schmidt")).await.json();
    assert_eq!((&other["success"], &other["code"]), (&json!(false), &json!("slot_taken")), "{other}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_sold_once_when_ten_calls_want_it_at_the_same_time() {
    let service = Service::start().await;
    let at = slot(11, 15);
    let book = async |number: usize| {
        let call = call(&format!("call_race_{number}"));
        let order = json!({ "service": "Dauerwelle", "date": at.german_date, "time": at.time, "name": "Anna Schmidt" });
        service.retell.function("book_appointment", &call, order).await.json()
    };
    let answers = futures_util::future::join_all((0..10).map(book)).await;
    let confirmed = answers.iter().filter(|answer| answer["status"] == "confirmed").count();
    assert_eq!(confirmed, 1, "{answers:#?}");
    for loser in answers.iter().filter(|answer| answer["success"] == false) {
        assert_eq!(loser["code"], "slot_taken", "{loser}");
        assert!(!loser["alternatives"].as_array().unwrap().is_empty(), "{loser}");
    }
    service.settled().await;
    assert_eq!(service.tables.count("appointments").await, 1, "the losers have no row");
    assert!(service.calcom.overlaps().is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_hold_is_no_record_that_the_database_lacks() {
    let service = Service::start().await;
    let (retell, call, at) = (&service.retell, call("call_c9"), slot(16, 0));
    let wait_for = async |what: &str, pinned: u64| {
        eventually(what, async || {
            let journal = retell.get("/readyz").await.json()["journal"].clone();
            (journal["outstanding"] == 0 && journal["pinned"] == pinned).then_some(())
        })
        .await;
    };
    retell.event(&event("call_started", &call)).await;
    wait_for("all is in the database", 0).await;
    let wish = json!({ "datum": at.german_date, "uhrzeit": "16:00", "dienstleistung": "Herrenhaarschnitt" });
    assert_eq!(retell.function("check_availability", &call, wish).await.code(), "available");
    wait_for("the hold alone is kept", 1).await;
    let order = json!({ "customer_name": "Anna Schmidt" });
    assert_eq!(retell.function("book_appointment", &call, order).await.code(), "confirmed");
    retell.event(&event("call_ended", &over(&call, 9_000, "user_hangup"))).await;
    wait_for("nothing is kept any more", 0).await;
    service.stop().await;
}
