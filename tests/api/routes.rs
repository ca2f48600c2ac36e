//! Every address answers as the contract says: status, content type, stable code.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    days::slot,
    retell::{Answer, call, event},
    service::{Service, Setup},
};

const LISTS: [&str; 8] = [
    "/admin/calls",
    "/admin/companies",
    "/admin/schedulers",
    "/admin/writers",
    "/admin/actors",
    "/admin/reconcile",
    "/admin/quarantine",
    "/admin/dead-letters",
];

#[tokio::test(flavor = "multi_thread")]
async fn probes_answer_without_a_token() {
    let service = Service::start().await;
    let alive = service.retell.get("/livez").await;
    assert_eq!((alive.status, alive.content_type.as_str()), (StatusCode::OK, "application/json"));
    let ready = service.retell.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["status"]), (StatusCode::OK, &json!("ready")));
    let metrics = service.retell.get("/metrics").await;
    assert!(metrics.content_type.starts_with("text/plain; version=0.0.4"), "{}", metrics.content_type);
    let text = String::from_utf8(metrics.body).unwrap();
    for name in [
        "askpro_webhook_events_total",
        "askpro_webhook_ack_seconds",
        "askpro_calls_live",
        "askpro_functions_total",
        "askpro_function_seconds",
        "askpro_holds_active",
        "askpro_bookings_total",
        "askpro_writer_batch_rows",
        "askpro_writer_commit_seconds",
        "askpro_journal_unapplied_events",
        "askpro_mailbox_depth",
        "askpro_actor_restarts_total",
        "askpro_calcom_requests_total",
        "askpro_breaker_state",
    ] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is missing");
    }
    for gauge in ["askpro_calls_live", "askpro_holds_active", "askpro_journal_unapplied_events"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{gauge} "))), "{gauge} has labels");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_items_with_ids_and_a_cursor() {
    let service = Service::start().await;
    service.retell.event(&event("call_started", &call("call_r1"))).await;
    // On a day on which the company is open, so that its scheduler is asked.
    let wish = json!({ "service": "Herrenhaarschnitt", "datetime": slot(10, 0).local });
    service.retell.function("check_availability", &call("call_r1"), wish).await;
    service.tables.wait_for(1, "calls").await;
    for path in LISTS {
        let list = service.admin(path).await;
        let items = list["items"].as_array().unwrap_or_else(|| panic!("{path}: {list}"));
        assert!(list.as_object().unwrap().contains_key("next_cursor"), "{path}: {list}");
        assert!(items.iter().all(|item| !item["id"].is_null()), "{path}: {list}");
        let empty = ["/admin/quarantine", "/admin/dead-letters", "/admin/reconcile"].contains(&path);
        assert_eq!(items.is_empty(), empty, "{path}: {list}");
    }
    let actors = service.admin("/admin/actors").await;
    for actor in actors["items"].as_array().unwrap() {
        for field in
            ["kind", "state", "mailbox_depth", "oldest_message_age_ms", "restarts", "last_error", "since"]
        {
            assert!(actor.as_object().unwrap().contains_key(field), "{field}: {actor}");
        }
    }
    service.live_calls(1).await;
    let status = service.admin("/admin/status").await;
    assert_eq!(status["status"], "ready", "{status}");
    let timeline = service.admin("/admin/calls/call_r1/timeline").await;
    assert_eq!(timeline["items"][0]["name"], "call_started", "{timeline}");
    let company = service.admin("/admin/companies/friseur-mitte").await;
    assert!(!company.to_string().contains("cal_test_a") && !company.to_string().contains("key_company_a"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_routes_are_closed_without_the_token() {
    let service = Service::start().await;
    let others = ["/admin/status", "/admin/calls/x", "/admin/companies/x", "/admin/no/such"];
    for path in LISTS.iter().chain(&others) {
        service.retell.get(path).await.assert_problem(401, "token_refused");
        let wrong = service.retell.http.get(format!("{}{path}", service.retell.base)).bearer_auth("wrong");
        Answer::read(wrong.send().await.unwrap()).await.assert_problem(401, "token_refused");
    }
    let replay = service.retell.http.post(format!("{}/admin/quarantine/q_1/replay", service.retell.base));
    Answer::read(replay.send().await.unwrap()).await.assert_problem(401, "token_refused");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_token_opens_nothing() {
    let service = Setup::new().with("ADMIN__TOKEN", "").start().await;
    for path in LISTS {
        service.retell.admin_answer("GET", path).await.assert_problem(401, "token_refused");
        let empty = service.retell.http.get(format!("{}{path}", service.retell.base)).bearer_auth("");
        Answer::read(empty.send().await.unwrap()).await.assert_problem(401, "token_refused");
    }
    service.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_problem_with_a_stable_code() {
    let service = Service::start().await;
    let retell = &service.retell;
    for (method, path, status, code) in [
        ("GET", "/", 404, "no_such_address"),
        ("GET", "/webhooks", 404, "no_such_address"),
        ("GET", "/admin/no/such", 404, "no_such_address"),
        ("GET", "/webhooks/retell", 405, "method_not_allowed"),
        ("PUT", "/functions/retell/list_services", 405, "method_not_allowed"),
        ("POST", "/admin/status", 405, "method_not_allowed"),
        ("PUT", "/admin/reconcile", 405, "method_not_allowed"),
        ("GET", "/admin/calls/call_of_nobody", 404, "not_found"),
        ("GET", "/admin/calls/call_of_nobody/timeline", 404, "not_found"),
        ("GET", "/admin/companies/no-such", 404, "not_found"),
        ("POST", "/admin/quarantine/q_nothing/replay", 404, "not_found"),
        ("POST", "/admin/dead-letters/nothing/replay", 404, "not_found"),
        ("GET", "/admin/calls?limit=0", 400, "parameter_refused"),
        ("GET", "/admin/calls?limit=1001", 400, "parameter_refused"),
        ("GET", "/admin/calls?state=sleeping", 400, "parameter_refused"),
        ("GET", "/admin/calls?company=no-such", 400, "parameter_refused"),
        ("GET", "/admin/calls?limit=1&limit=2", 400, "query_refused"),
        ("GET", "/admin/actors?kind=ghost", 400, "parameter_refused"),
        ("GET", "/admin/schedulers?cursor=x", 400, "parameter_refused"),
    ] {
        let answer = retell.admin_answer(method, path).await;
        assert_eq!(answer.code(), code, "{method} {path}");
        answer.assert_problem(status, code);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_of_the_contract_answers_in_the_companys_language() {
    let service = Service::start().await;
    let call = call("call_f1");
    for name in [
        "check_availability",
        "book_appointment",
        "cancel_appointment",
        "reschedule_appointment",
        "find_appointments",
        "check_customer",
        "list_services",
        "opening_hours",
        "parse_date",
        "request_callback",
    ] {
        let args = json!({ "service": "Herrenhaarschnitt", "text": "morgen um drei" });
        for (path, body) in [
            (format!("/functions/retell/{name}"), json!({ "call": call, "args": args })),
            (
                format!("/functions/retell/{name}_v17"),
                json!({ "name": "ignored", "call": call, "args": args }),
            ),
            ("/functions/retell".to_owned(), json!({ "name": name, "call": call, "args": args })),
        ] {
            let answer = service.retell.post(&path, &body).await;
            assert_eq!(
                (answer.status, answer.content_type.as_str()),
                (StatusCode::OK, "application/json"),
                "{path}"
            );
            let said = answer.json();
            assert!(said["success"].is_boolean(), "{name}: {said}");
            assert!(said["code"].as_str().is_some_and(|code| !code.is_empty()), "{name}: {said}");
            assert!(said["message"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {said}");
        }
    }
    let unknown = json!({ "call": call, "args": {} });
    service
        .retell
        .post("/functions/retell/order_pizza", &unknown)
        .await
        .assert_problem(400, "function_unknown");
    service.retell.post("/functions/retell", &unknown).await.assert_problem(400, "function_missing");
    let elsewhere = "/functions/retell/list_services?company=no-such";
    service.retell.post(elsewhere, &unknown).await.assert_problem(404, "company_unknown");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_agents_invent_is_answered_with_today() {
    let service = Service::start().await;
    let wish = json!({ "service": "Herrenhaarschnitt", "date": "2023-10-05", "time": "10:00" });
    let answer = service.retell.function("check_availability", &call("call_f2"), wish).await;
    assert_eq!((answer.code().as_str(), &answer.json()["success"]), ("date_in_past", &Value::Bool(false)));
    let sunday = json!({ "service": "Herrenhaarschnitt", "date": "2026-12-27", "time": "10:00" });
    let closed = service.retell.function("check_availability", &call("call_f2"), sunday).await;
    assert_eq!(closed.json()["success"], false, "{closed:?}");
    assert!(service.calcom.requests(None).is_empty(), "the calendar was not asked");
    service.stop().await;
}
