//! What Cal.com announces: web bookings that take a held slot, and owners who call off or move what we booked.

use askpro::simulators::calcom::Operation;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    calcom::{SECRET_A, announce, change, created},
    days::{Slot, slot},
    eventually,
    program::Program,
    retell::{call, event, fixture_of, over},
    service::{Service, Setup, companies},
};

const COMPANY: &str = "friseur-mitte";

/// A service whose Cal.com announces everything to it.
async fn listening() -> Service {
    let service = Service::start().await;
    service.calcom.send_webhooks_to(&format!("{}/webhooks/calcom", service.running.base_url()));
    service
}

async fn hold(service: &Service, call: &Value, name: &str, at: &Slot) {
    service.retell.event(&event("call_started", call)).await;
    let wish = json!({ "date": at.german_date, "time": at.time, "service": name });
    let checked = service.retell.function("check_availability", call, wish).await;
    assert_eq!(checked.code(), "available", "{checked:?}");
    assert_eq!(service.holds(COMPANY).await, ["held"]);
}

async fn book(service: &Service, call: &Value) -> Value {
    service.retell.function("book_appointment", call, json!({ "customer_name": "Anna Schmidt" })).await.json()
}

fn iso(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_booking_for_a_slot_that_a_call_holds_revokes_the_hold() {
    let service = listening().await;
    let (call, at) = (call("call_w1"), slot(11, 15));
    hold(&service, &call, "Dauerwelle", &at).await;
    service.calcom.book_outside(2002, None, at.starts_ms).unwrap();
    eventually("the hold is revoked", async || service.holds(COMPANY).await.is_empty().then_some(())).await;
    let answer = book(&service, &call).await;
    assert_eq!((&answer["success"], &answer["code"]), (&json!(false), &json!("slot_taken")), "{answer}");
    let alternatives = answer["alternatives"].as_array().unwrap();
    assert_eq!(alternatives.len(), 2, "{answer}");
    assert!(alternatives.iter().all(|a| !a["slot"].as_str().unwrap().starts_with(&at.local)), "{answer}");
    assert!(service.calcom.requests(Some(Operation::Create)).is_empty(), "nothing was ordered that is gone");
    service.settled().await;
    assert_eq!(service.tables.count("appointments").await, 0);
    let events = service.admin("/admin/companies/friseur-mitte/calendar-events").await;
    assert_eq!(events["items"][0]["event"], "BOOKING_CREATED", "{events}");
    let metrics = String::from_utf8(service.retell.get("/metrics").await.body).unwrap();
    let counted =
        "askpro_webhook_events_total{source=\"calcom\",event=\"booking_created\",outcome=\"accepted\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_announcement_of_our_own_booking_neither_revokes_nor_doubles_it() {
    let service = listening().await;
    let (call, at) = (call("call_w2"), slot(14, 0));
    hold(&service, &call, "Herrenhaarschnitt", &at).await;
    assert_eq!(book(&service, &call).await["status"], "confirmed");
    service.tables.wait_for(1, "calendar_events").await;
    service.settled().await;
    assert_eq!(service.holds(COMPANY).await, ["booked"]);
    assert_eq!(service.tables.texts("status", "FROM appointments").await, ["confirmed"]);
    assert_eq!(service.tables.count("outbox").await, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_follows_what_its_owner_does_at_the_calendar() {
    let service = listening().await;
    let (call, at, later) = (call("call_w3"), slot(10, 0), slot(16, 0));
    hold(&service, &call, "Herrenhaarschnitt", &at).await;
    assert_eq!(book(&service, &call).await["status"], "confirmed");
    service.retell.event(&event("call_ended", &over(&call, 30_000, "user_hangup"))).await;
    let (calcom, first) = (service.calcom.base_url(), service.calcom.bookings().remove(0).uid);
    change(&calcom, &first, "reschedule", &json!({ "start": iso(later.starts_ms) })).await;
    let second = service.calcom.bookings().remove(1).uid;
    service.tables.wait_for_text("calcom_uid", "FROM appointments", &second).await;
    let row = service.tables.rows("starts_at, ends_at, status", "FROM appointments").await.remove(0);
    let (from, to) = (later.starts_ms.to_string(), (later.starts_ms + 30 * 60_000).to_string());
    assert_eq!(row, [&from, &to, "confirmed"].map(|text| Some(text.to_owned())));

    let stopped = service.stop().await;
    let service = stopped.start().await;
    service.calcom.send_webhooks_to(&format!("{}/webhooks/calcom", service.running.base_url()));
    change(&calcom, &second, "cancel", &json!({ "cancellationReason": "krank" })).await;
    service.tables.wait_for_text("status", "FROM appointments", "cancelled").await;
    let timeline = service.admin("/admin/calls/call_w3/timeline").await;
    let items = timeline["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "booking");
    let reasons: Vec<&str> = items.map(|item| item["detail"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        ["submitted", "confirmed", "rescheduled_at_calendar", "cancelled_at_calendar"],
        "{timeline}"
    );
    assert_eq!(
        service.calcom.requests(Some(Operation::Cancel)).len(),
        1,
        "we cancel nothing of it ourselves"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_the_host_must_confirm_is_known_by_start_type_and_phone() {
    let service = listening().await;
    service.calcom.change_world(|world| {
        world.event_types.iter_mut().for_each(|event_type| event_type.requires_confirmation = true);
    });
    let (call, at) = (call("call_w4"), slot(9, 30));
    hold(&service, &call, "Herrenhaarschnitt", &at).await;
    assert_eq!(book(&service, &call).await["status"], "confirmed");
    service.tables.wait_for_text("event", "FROM calendar_events", "BOOKING_REQUESTED").await;
    assert_eq!(service.holds(COMPANY).await, ["booked"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgers_change_nothing_and_repeats_change_it_once() {
    let service = Service::start().await;
    let base = service.running.base_url();
    let body = created("u1", 2002, 9001, ("2026-11-24T10:00:00Z", "2026-11-24T12:15:00Z")).to_string();
    let sent =
        async |company: &str, secret: Option<&str>| announce(&base, company, secret, body.as_bytes()).await;
    sent(COMPANY, None).await.assert_problem(401, "signature_without_secret");
    sent(COMPANY, Some("whsec_other")).await.assert_problem(401, "signature_mismatch");
    sent("zahnarzt-hamburg", Some(SECRET_A)).await.assert_problem(401, "signature_mismatch");
    sent("nobody", Some(SECRET_A)).await.assert_problem(401, "signature_mismatch");
    announce(&base, COMPANY, Some(SECRET_A), b"{}").await.assert_problem(400, "trigger_missing");
    for _ in 0..3 {
        assert_eq!(sent(COMPANY, Some(SECRET_A)).await.status, 204);
    }
    let events = ["ping", "ooo_created", "meeting_ended", "booking_requested", "other_of_the_future"];
    for name in events {
        let body = fixture_of("calcom", name).to_string();
        assert_eq!(announce(&base, COMPANY, Some(SECRET_A), body.as_bytes()).await.status, 204, "{name}");
    }
    service.tables.wait_for(1 + events.len() as u64, "calendar_events").await;
    service.settled().await;
    let list = service.admin("/admin/companies/friseur-mitte/calendar-events").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1 + events.len(), "{list}");
    let other = service.admin("/admin/companies/zahnarzt-hamburg/calendar-events").await;
    assert_eq!(other["items"], json!([]), "another company sees nothing of it");
    for packed in service.tables.blobs("body", "calendar_events").await {
        let body = askpro::compress::decompress(&packed, 100_000).unwrap();
        assert!(!String::from_utf8(body).unwrap().contains("0000000000bb"), "a one-time password is kept");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_in_the_database_after_it() {
    let mut setup = Setup::new().with("DATABASE__LEASE_TTL_MS", "1000");
    let _calcom = setup.calcom();
    setup.import(&companies()).await.unwrap();
    let mut program = Program::start(&setup).await;
    for number in 0..40 {
        let uid = format!("u{number}");
        let body = created(&uid, 2001, 9001, ("2026-11-24T10:00:00Z", "2026-11-24T10:30:00Z")).to_string();
        let answer = announce(&program.retell.base, COMPANY, Some(SECRET_A), body.as_bytes()).await;
        assert_eq!(answer.status, 204);
    }
    program.kill();
    let mut next = Program::start(&setup).await;
    let tables = crate::support::database::Tables::open(setup.database_url()).await;
    tables.wait_for(40, "calendar_events").await;
    next.signal("TERM");
    assert_eq!(next.ended().await.code(), Some(0));
}
