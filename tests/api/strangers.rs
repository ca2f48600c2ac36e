//! S7: strangers, forgers, replays.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    days::{now_ms, slot},
    eventually,
    retell::{Answer, call, call_to, event, fixture, over},
    service::{Service, WEBHOOK_KEY, companies},
};

const UNKNOWN_NUMBER: &str = "+49999000111";

/// Everything that a stranger could have changed.
async fn no_row_anywhere(service: &Service) {
    service.settled().await;
    for table in ["calls", "call_events", "quarantine", "platform_events", "dead_letters"] {
        assert_eq!(service.tables.count(table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_nobody_waits_in_quarantine_until_an_import_maps_it() {
    let service = Service::start().await;
    let retell = &service.retell;
    let mut inbound = fixture("call_inbound");
    inbound["call_inbound"]["to_number"] = json!(UNKNOWN_NUMBER);
    inbound["call_inbound"]["agent_id"] = json!("agent_of_nobody");
    let answer = retell.post("/webhooks/retell/inbound", &inbound).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "call_inbound": {} })));

    let call = call_to(UNKNOWN_NUMBER, "agent_of_nobody", "call_s1");
    retell.event(&event("call_started", &call)).await;
    retell.event(&event("call_ended", &over(&call, 60_000, "user_hangup"))).await;
    service.tables.wait_for(2, "quarantine WHERE call_id = 'call_s1'").await;
    assert_eq!(service.tables.count("calls").await + service.tables.count("call_events").await, 0);

    let items = service.admin("/admin/quarantine").await["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 2);
    let path = format!("/admin/quarantine/{}/replay", items[0]["id"].as_str().unwrap());
    let replayed = retell.admin_answer("POST", &path).await;
    assert_eq!(replayed.json()["outcome"], "still_quarantined", "nobody owns the number yet");
    assert_eq!(service.tables.count("quarantine").await, 2);

    let mut mapped = companies();
    mapped["companies"][1]["branches"][0]["phone_numbers"] = json!(["+494035791113", UNKNOWN_NUMBER]);
    service.setup.import(&mapped).await.unwrap();
    eventually("the running service sees the number and replays", async || {
        let replayed = retell.admin_answer("POST", &path).await;
        (replayed.status == StatusCode::NOT_FOUND || replayed.json()["outcome"] == "placed").then_some(())
    })
    .await;
    service.tables.wait_for(0, "quarantine").await;
    let owner = "company_id = (SELECT id FROM companies WHERE slug = 'zahnarzt-hamburg')";
    service
        .tables
        .wait_for(1, &format!("calls WHERE call_id = 'call_s1' AND status = 'ended' AND {owner}"))
        .await;
    assert_eq!(service.tables.count("calls").await, 1, "exactly one call");
    service.tables.wait_for(2, &format!("call_events WHERE {owner}")).await;
    retell.admin_answer("POST", &path).await.assert_problem(404, "not_found");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_for_the_number_releases_what_was_in_quarantine_before() {
    let service = Service::start().await;
    let call = call_to(UNKNOWN_NUMBER, "agent_of_nobody", "call_s2");
    service.retell.event(&event("call_started", &call)).await;
    service.tables.wait_for(1, "quarantine").await;
    let mut mapped = companies();
    mapped["companies"][0]["branches"][0]["phone_numbers"] = json!(["+493083793369", UNKNOWN_NUMBER]);
    service.setup.import(&mapped).await.unwrap();
    eventually("the running service sees the import", async || {
        let shown = service.admin("/admin/companies/friseur-mitte").await;
        shown.to_string().contains(UNKNOWN_NUMBER).then_some(())
    })
    .await;
    service.retell.event(&event("call_ended", &over(&call, 60_000, "user_hangup"))).await;
    service.tables.wait_for(2, "call_events WHERE call_id = 'call_s2'").await;
    service.tables.wait_for(0, "quarantine").await;
    assert_eq!(service.tables.count("calls").await, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_signature_is_refused_and_its_body_never_parsed() {
    let service = Service::start().await;
    let forger = service.retell.with_key("key_of_a_forger");
    let body = event("call_started", &call("call_s3"));
    for path in ["/webhooks/retell", "/webhooks/retell/friseur-mitte", "/webhooks/retell/inbound"] {
        forger.post(path, &body).await.assert_problem(401, "signature_mismatch");
        forger.post_bytes(path, b"{no json at all").await.assert_problem(401, "signature_mismatch");
    }
    for path in
        ["/functions/retell/list_services", "/functions/retell", "/functions/retell?company=friseur-mitte"]
    {
        assert_eq!(forger.post(path, &body).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let unsigned = forger.http.post(format!("{}/webhooks/retell", forger.base)).body(body.to_string());
    let unsigned = Answer::read(unsigned.send().await.unwrap()).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED, "{unsigned:?}");
    no_row_anywhere(&service).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_signature_counts_for_five_minutes_both_ways() {
    let service = Service::start().await;
    let body = event("call_started", &call("call_s4")).to_string();
    let send = async |at_ms| {
        let request = service.retell.signed("/webhooks/retell", body.as_bytes(), at_ms);
        Answer::read(request.send().await.unwrap()).await.status
    };
    for away_ms in [-301_000, 302_000, -86_400_000, i64::MIN / 4] {
        assert_eq!(send(now_ms() + away_ms).await, StatusCode::UNAUTHORIZED, "{away_ms}");
    }
    no_row_anywhere(&service).await;
    for away_ms in [-298_000, 298_000] {
        assert_eq!(send(now_ms() + away_ms).await, StatusCode::NO_CONTENT, "{away_ms}");
    }
    service.tables.wait_for(1, "call_events").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_has_one_effect() {
    let service = Service::start().await;
    let body = event("call_ended", &over(&call("call_s5"), 60_000, "agent_hangup"));
    for _ in 0..2 {
        service.retell.event(&body).await;
    }
    service.retell.with_key("key_of_before").event(&body).await;
    service.settled().await;
    assert_eq!(service.tables.count("call_events").await, 1);
    assert_eq!(service.tables.count("calls").await, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_another_company_is_not_found() {
    let service = Service::start().await;
    let at = slot(10, 0);
    let wish = json!({ "service": "Zahnreinigung", "date": at.german_date, "time": at.time });
    let answer = service.retell.function("check_availability", &call("call_s6"), wish).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::OK, "service_not_found"), "{answer:?}");
    assert_eq!(answer.json()["success"], false);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_latest_call() {
    let service = Service::start().await;
    service.retell.event(&event("call_started", &call("call_s7"))).await;
    for id in ["None", "null", "undefined", "current", "current_call", "dummy_call_id", "", " "] {
        let named = json!({ "call_id": id, "to_number": "+493083793369" });
        let answer = service.retell.function("list_services", &named, json!({ "call_id": "call_s7" })).await;
        answer.assert_problem(400, "call_id_missing");
    }
    for body in [
        json!({ "name": "list_services", "args": { "call_id": "call_s7" } }),
        json!({ "call_id": "call_s7" }),
    ] {
        let answer = service.retell.post("/functions/retell/list_services", &body).await;
        answer.assert_problem(400, "call_id_missing");
    }
    let body = event("call_started", &json!({ "call_type": "phone_call", "to_number": "+493083793369" }));
    service.retell.post("/webhooks/retell", &body).await.assert_problem(400, "call_id_missing");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companys_own_key_touches_only_its_own_calls() {
    let service = Service::start().await;
    let own = service.retell.with_key("key_company_a");
    let sent = own.post("/webhooks/retell/friseur-mitte", &event("call_started", &call("call_s8"))).await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT, "{sent:?}");
    service.tables.wait_for(1, "calls WHERE call_id = 'call_s8'").await;
    own.post("/webhooks/retell", &event("call_started", &call("call_s8")))
        .await
        .assert_problem(401, "signature_mismatch");
    own.post("/webhooks/retell/zahnarzt-hamburg", &event("call_started", &call("call_s8")))
        .await
        .assert_problem(401, "signature_mismatch");
    own.post("/webhooks/retell/no-such", &json!({})).await.assert_problem(401, "signature_mismatch");
    service.retell.post("/webhooks/retell/no-such", &json!({})).await.assert_problem(404, "company_unknown");

    let foreign = event("call_started", &call_to("+494035791113", "agent_b1", "call_s9"));
    assert_eq!(own.post("/webhooks/retell/friseur-mitte", &foreign).await.status, StatusCode::NO_CONTENT);
    let ended = event("call_ended", &over(&call("call_s8"), 9_000, "user_hangup"));
    let other = service.retell.with_key("key_company_b");
    assert_eq!(other.post("/webhooks/retell/zahnarzt-hamburg", &ended).await.status, StatusCode::NO_CONTENT);
    service.tables.wait_for(2, "quarantine").await;
    let rows = service.tables.rows("company_id, call_id, status", "FROM calls").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(service.tables.count("calls").await, 1);

    let asked = json!({ "name": "list_services", "call": call("call_s8"), "args": {} });
    let answer = other.post("/functions/retell?company=zahnarzt-hamburg", &asked).await;
    assert_eq!(answer.code(), "company_unknown", "{answer:?}");
    platform_events_need_the_platforms_key(&own, WEBHOOK_KEY).await;
    service.stop().await;
}

async fn platform_events_need_the_platforms_key(own: &crate::support::retell::Retell, platform: &str) {
    let alert: Value = fixture("alert_triggered");
    own.post("/webhooks/retell/friseur-mitte", &alert).await.assert_problem(403, "platform_key_required");
    let sent = own.with_key(platform).post("/webhooks/retell", &alert).await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT);
}
