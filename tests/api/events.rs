//! Every kind of event ends in the right table, whatever its order and however often it comes.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    days::now_ms,
    retell::{call, event, fixture, merge, over},
    service::Service,
};

/// A recorded body with another id of its call or chat.
fn fixture_of(name: &str, id: &str) -> Value {
    let mut body = fixture(name);
    for (part, field) in [("call", "call_id"), ("chat", "chat_id")] {
        if body[part].is_object() {
            body[part][field] = json!(id);
        }
    }
    body
}

async fn events_of(service: &Service, call_id: &str) -> Vec<String> {
    service
        .tables
        .texts("event", &format!("FROM call_events WHERE call_id = '{call_id}' ORDER BY event"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_event_of_a_call_has_its_row() {
    let service = Service::start().await;
    let names = [
        "call_started_inbound",
        "transcript_updated_tools_in_call",
        "transfer_started",
        "transfer_bridged",
        "transfer_ended",
        "transfer_cancelled",
        "call_ended_inbound",
        "call_analyzed_inbound",
    ];
    // The last stage first: any message may be the first one, and copies change nothing.
    for name in names.iter().rev().chain(&names) {
        service.retell.event(&fixture_of(name, "call_e1")).await;
    }
    let future = json!({ "event": "call_dreamt_of", "call": call("call_e1"), "dream": { "sheep": 3 } });
    service.retell.event(&future).await;
    let wanted = [
        "call_analyzed",
        "call_dreamt_of",
        "call_ended",
        "call_started",
        "transcript_updated",
        "transfer_bridged",
        "transfer_cancelled",
        "transfer_ended",
        "transfer_started",
    ];
    service.tables.wait_for(9, "call_events").await;
    assert_eq!(events_of(&service, "call_e1").await, wanted);
    let rows =
        service.tables.rows("status, from_number, to_number, agent_id, duration_ms", "FROM calls").await;
    let row = ["ended", "+4915112345678", "+493083793369", "agent_a1", "144000"].map(|t| Some(t.to_owned()));
    assert_eq!(rows, [row]);
    let shown = service.admin("/admin/calls/call_e1").await;
    assert_eq!(shown["events"].as_array().unwrap().len(), 9, "{shown}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transcripts_are_one_row_and_never_younger_than_the_end() {
    let service = Service::start().await;
    let base = call("call_e2");
    service.retell.event(&event("call_started", &base)).await;
    for turn in 1..=20 {
        let mut body = event("transcript_updated", &base);
        body["call"]["transcript"] = json!("Agent: Guten Tag!\n".repeat(turn));
        body["event_timestamp"] = json!(now_ms() + i64::try_from(turn).unwrap());
        service.retell.event(&body).await;
    }
    service.retell.event(&event("call_ended", &over(&base, 60_000, "user_hangup"))).await;
    service.tables.wait_for(3, "call_events WHERE call_id = 'call_e2'").await;
    assert_eq!(events_of(&service, "call_e2").await, ["call_ended", "call_started", "transcript_updated"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_unknown_events_without_a_call_belong_to_the_platform() {
    let service = Service::start().await;
    for name in ["alert_triggered", "alert_resolved", "alert_triggered"] {
        service.retell.event(&fixture(name)).await;
    }
    service.retell.event(&json!({ "event": "workspace_moved", "workspace": { "to": "eu" } })).await;
    service.tables.wait_for(3, "platform_events").await;
    let kinds = service.tables.texts("event", "FROM platform_events ORDER BY event").await;
    assert_eq!(kinds, ["alert_resolved", "alert_triggered", "workspace_moved"]);
    assert_eq!(service.tables.count("calls").await + service.tables.count("quarantine").await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_are_calls_with_their_chat_id() {
    let service = Service::start().await;
    for name in ["chat_analyzed", "chat_started", "chat_ended", "transcript_updated_chat"] {
        service.retell.event(&fixture_of(name, "chat_e3")).await;
    }
    service.tables.wait_for(4, "call_events WHERE call_id = 'chat_e3'").await;
    service.tables.wait_for_text("status", "FROM calls WHERE call_id = 'chat_e3'", "ended").await;
    let answer = service.retell.post("/webhooks/retell/inbound", &fixture("chat_inbound")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["chat_inbound"]["dynamic_variables"]["customer_name"], "Anna Schmidt");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_never_connected_count_no_minutes() {
    let service = Service::start().await;
    let cases = [
        ("call_ended_dial_no_answer", "call_n1", "not_connected"),
        ("call_ended_dial_busy", "call_n2", "not_connected"),
        ("call_analyzed_invalid_destination", "call_n3", "not_connected"),
        ("call_ended_concurrency_limit", "call_n4", "error"),
    ];
    for (name, id, _) in cases {
        let mut body = fixture_of(name, id);
        // Captured shapes carry numbers of nobody: the company is called from its own number.
        merge(
            &mut body["call"],
            json!({ "direction": "outbound", "from_number": "+493083793369", "agent_id": "agent_a1" }),
        );
        service.retell.event(&body).await;
    }
    service.tables.wait_for(4, "calls").await;
    for (name, id, status) in cases {
        let rows =
            service.tables.rows("status, duration_ms", &format!("FROM calls WHERE call_id = '{id}'")).await;
        assert_eq!(rows[0][0].as_deref(), Some(status), "{name}");
        assert_eq!(rows[0][1].as_deref().unwrap_or("0"), "0", "{name}");
    }
    service.live_calls(0).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_numbers_is_placed_by_its_agent_and_one_that_is_torn_between_two_is_not() {
    let service = Service::start().await;
    service.retell.event(&fixture_of("call_ended_web", "call_w1")).await;
    service.tables.wait_for(1, "calls WHERE call_id = 'call_w1' AND status = 'ended'").await;
    let mut torn = event("call_started", &call("call_w2"));
    torn["call"]["agent_id"] = json!("agent_b1");
    service.retell.event(&torn).await;
    let mut nobody = event("call_started", &call("call_w3"));
    nobody["call"]["agent_id"] = Value::Null;
    nobody["call"]["to_number"] = Value::Null;
    service.retell.event(&nobody).await;
    service.tables.wait_for(2, "quarantine").await;
    assert_eq!(service.tables.count("calls").await, 1);
    let reasons = service.tables.texts("reason", "FROM quarantine ORDER BY call_id").await;
    assert_eq!(reasons.len(), 2);
    assert_ne!(reasons[0], reasons[1]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_calls_are_shown_by_their_actors_and_ended_ones_by_the_store() {
    let service = Service::start().await;
    for number in 0..3 {
        service.retell.event(&event("call_started", &call(&format!("call_l{number}")))).await;
    }
    let live = service.admin("/admin/calls?state=live").await;
    assert_eq!(live["items"].as_array().unwrap().len(), 3, "{live}");
    assert!(live["items"].as_array().unwrap().iter().all(|call| call["in_memory"] == true));
    service.live_calls(3).await;
    service.retell.event(&event("call_ended", &over(&call("call_l1"), 5_000, "agent_hangup"))).await;
    service.tables.wait_for(1, "calls WHERE status = 'ended'").await;
    let live = service.admin("/admin/calls?state=live&company=friseur-mitte").await;
    assert_eq!(live["items"].as_array().unwrap().len(), 2);
    let other = service.admin("/admin/calls?state=live&company=zahnarzt-hamburg").await;
    assert!(other["items"].as_array().unwrap().is_empty());
    let ended = service.admin("/admin/calls?state=ended").await;
    assert_eq!(ended["items"][0]["id"], "call_l1");
    let first = service.admin("/admin/calls?state=all&limit=2").await;
    let next = format!("/admin/calls?state=all&limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = service.admin(&next).await;
    let ids =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|c| c["id"].clone()).collect::<Vec<_>>();
    assert_eq!([ids(&first), ids(&second)].concat(), ["call_l0", "call_l1", "call_l2"]);
    service.stop().await;
}
