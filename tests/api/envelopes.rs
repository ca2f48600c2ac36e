//! Function calls in another form than Retell's own: arguments in wrappers and texts, and arguments alone.

use serde_json::{Value, json};

use crate::support::{
    days::slot,
    retell::{Answer, Retell, call, event, over},
    service::Service,
};

/// Arguments alone, signed, with the call's id in the query.
async fn bare(retell: &Retell, function: &str, query: &str, args: &Value) -> Answer {
    retell.post(&format!("/functions/retell/{function}{query}"), args).await
}

async fn bare_with_header(retell: &Retell, function: &str, call_id: &str, args: &Value) -> Answer {
    let signed = retell.signed(
        &format!("/functions/retell/{function}"),
        args.to_string().as_bytes(),
        crate::support::days::now_ms(),
    );
    Answer::read(signed.header("x-retell-call-id", call_id).send().await.unwrap()).await
}

async fn envelopes(service: &Service, remark: &str) -> u64 {
    let text = String::from_utf8(service.retell.get("/metrics").await.body).unwrap();
    let start = format!("askpro_function_envelopes_total{{remark=\"{remark}\"}} ");
    let value =
        text.lines().find_map(|line| line.strip_prefix(start.as_str())).unwrap_or_else(|| panic!("{remark}"));
    value.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_none_is_named_in_the_answer() {
    let service = Service::start().await;
    let at = slot(10, 0);
    let order = json!({
        "service": "Herrenhaarschnitt", "date": at.german_date, "time": at.time, "name": "Anna Schmidt",
        "customer_phone": "0151 12", "customer_email": "anna at web",
    });
    let answer = service.retell.function("book_appointment", &call("call_i1"), order).await.json();
    assert_eq!((&answer["code"], &answer["status"]), (&json!("confirmed"), &json!("confirmed")), "{answer}");
    assert_eq!(answer["ignored"], json!(["customer_phone", "customer_email"]));
    let clean = service.retell.function("list_services", &call("call_i1"), json!({})).await.json();
    assert_eq!(clean.get("ignored"), None, "{clean}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_answered_alike_in_every_form() {
    let service = Service::start().await;
    let call = call("call_e1");
    service.retell.event(&event("call_started", &call)).await;
    let plain = json!({ "mitarbeiter": "Mia" });
    let wanted = service.retell.function("list_services", &call, plain.clone()).await;
    assert_eq!(wanted.json()["services"].as_array().unwrap().len(), 1, "{wanted:?}");
    let text = |value: &Value| Value::String(value.to_string());
    for (args, remark) in [
        (json!({ "args": plain, "execution_message": "Einen Moment" }), "unwrapped"),
        (json!({ "args": { "args": plain } }), "unwrapped"),
        (text(&plain), "text_parsed"),
        (text(&text(&plain)), "text_parsed"),
        (json!({ "arguments": text(&plain) }), "text_parsed"),
    ] {
        let before = envelopes(&service, remark).await;
        let answer = service.retell.function("list_services", &call, args.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &wanted.body), "{args}");
        assert!(envelopes(&service, remark).await > before, "{args}");
    }
    let deep = (0..6).fold(plain.clone(), |inner, _| json!({ "args": inner }));
    let refused = service.retell.function("list_services", &call, deep).await;
    refused.assert_problem(400, "args_too_deep");
    assert!(envelopes(&service, "too_deep").await > 0);

    let by_query = bare(&service.retell, "list_services_v3", "?call_id=call_e1", &plain).await;
    let by_header = bare_with_header(&service.retell, "list_services", "call_e1", &plain).await;
    let wrapped = bare(&service.retell, "list_services", "?call_id=call_e1", &json!({ "args": plain })).await;
    for answer in [by_query, by_header, wrapped] {
        assert_eq!((answer.status.as_u16(), answer.body), (200, wanted.body.clone()));
    }
    for remark in ["id_in_query", "id_in_header"] {
        assert!(envelopes(&service, remark).await > 0, "{remark}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_alone_act_only_on_a_call_that_is_live_here() {
    let service = Service::start().await;
    let (retell, call) = (&service.retell, call("call_a1"));
    let none = json!({});
    let ask = async |query: &str| bare(retell, "check_customer", query, &none).await;
    ask("?call_id=call_a1").await.assert_problem(404, "call_unknown");
    let (status, _) = retell.admin("/admin/calls/call_a1").await;
    assert_eq!(status, 404, "asking for a call that nobody knows makes none");
    ask("").await.assert_problem(400, "call_id_missing");
    bare(retell, "check_customer", "", &json!({ "call_id": "call_a1" }))
        .await
        .assert_problem(400, "call_id_missing");

    retell.event(&event("call_started", &call)).await;
    let known = ask("?call_id=call_a1").await;
    assert_eq!(known.json()["name"], "Anna Schmidt");
    assert_eq!(known.body, retell.function("check_customer", &call, none.clone()).await.body);
    for placeholder in ["%7B%7Bcall_id%7D%7D", "null", "current_call"] {
        ask(&format!("?call_id={placeholder}")).await.assert_problem(400, "call_id_missing");
    }
    ask("?call_id=call_a2").await.assert_problem(404, "call_unknown");
    let body = json!({ "name": "check_customer", "call": call, "args": {} });
    let conflict = retell.post("/functions/retell/check_customer?call_id=call_a2", &body).await;
    conflict.assert_problem(400, "call_id_conflict");
    let same = retell.post("/functions/retell/check_customer?call_id=call_a1", &body).await;
    assert_eq!(same.body, known.body);
    bare(retell, "", "?call_id=call_a1", &json!({ "name": "check_customer" }))
        .await
        .assert_problem(404, "no_such_address");
    let unnamed =
        retell.post("/functions/retell?call_id=call_a1", &json!({ "name": "check_customer" })).await;
    unnamed.assert_problem(400, "function_missing");
    let alert = json!({ "event": "alert_triggered", "alert": { "alert_incident_id": "i1" } });
    bare(retell, "check_customer", "?call_id=call_a1", &alert).await.assert_problem(400, "call_id_missing");

    retell.event(&event("call_ended", &over(&call, 60_000, "user_hangup"))).await;
    ask("?call_id=call_a1").await.assert_problem(404, "call_unknown");
    for remark in ["call_unknown", "id_conflict"] {
        assert!(envelopes(&service, remark).await > 0, "{remark}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companys_key_reaches_only_its_own_calls_with_arguments_alone() {
    let service = Service::start().await;
    let (of_a, of_b) =
        (call("call_s1"), crate::support::retell::call_to("+494035791113", "agent_b1", "call_s2"));
    for call in [&of_a, &of_b] {
        service.retell.event(&event("call_started", call)).await;
    }
    let key_of_b = service.retell.with_key("key_company_b");
    let ask = async |call_id: &str| {
        let query = format!("?company=zahnarzt-hamburg&call_id={call_id}");
        bare(&key_of_b, "list_services", &query, &json!({})).await
    };
    ask("call_s1").await.assert_problem(404, "call_unknown");
    let own = ask("call_s2").await;
    assert_eq!((own.status.as_u16(), own.code()), (200, "services_listed".to_owned()));
    let unsigned = service.retell.with_key("key_of_nobody");
    bare(&unsigned, "list_services", "?call_id=call_s2", &json!({}))
        .await
        .assert_problem(401, "signature_mismatch");
    // A call that only a company's key has told of belongs nowhere yet.
    let told = json!({ "call": crate::support::retell::call_to("+494035791113", "agent_b1", "call_s3"), "args": {} });
    let first = key_of_b.post("/functions/retell/list_services?company=zahnarzt-hamburg", &told).await;
    assert_eq!(first.code(), "services_listed");
    ask("call_s3").await.assert_problem(404, "call_unknown");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_alone_book_once_for_the_calls_own_number() {
    let service = Service::start().await;
    let call = call("call_b1");
    service.retell.event(&event("call_started", &call)).await;
    let at = slot(11, 0);
    let order = json!({ "service": "Herrenhaarschnitt", "date": at.german_date, "time": at.time, "name": "Anna Schmidt" });
    let first = bare(&service.retell, "book_appointment", "?call_id=call_b1", &order).await;
    assert_eq!(first.json()["status"], "confirmed", "{first:?}");
    let again = bare(&service.retell, "book_appointment", "?call_id=call_b1", &order).await;
    assert_eq!(again.body, first.body);
    service.settled().await;
    let rows = service.tables.texts("call_id", "FROM appointments").await;
    assert_eq!(rows, ["call_b1"]);
    assert_eq!(service.tables.texts("from_number", "FROM calls").await, ["+4915112345678"]);
    service.stop().await;
}
