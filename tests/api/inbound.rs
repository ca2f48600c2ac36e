//! Questions before a call begins: who calls, what lies ahead, how many calls a company may have.

use serde_json::{Value, json};

use crate::support::{
    days::{now_ms, slot},
    eventually,
    retell::{Answer, Retell, call, event, merge, over},
    service::{Service, companies},
};

const NUMBER_A: &str = "+493083793369";
const ANNA: &str = "+4915112345678";

/// A question of a caller at A's number.
fn question(call_id: &str, from: &str) -> Value {
    json!({ "event": "call_inbound", "event_timestamp": now_ms(), "call_inbound": {
        "call_id": call_id, "agent_id": "agent_a1", "agent_version": 4, "from_number": from, "to_number": NUMBER_A,
    }})
}

async fn ask(retell: &Retell, question: &Value) -> Answer {
    let answer = retell.post("/webhooks/retell/inbound", question).await;
    assert_eq!(
        (answer.status.as_u16(), answer.content_type.as_str()),
        (200, "application/json"),
        "{answer:?}"
    );
    answer
}

async fn asked(retell: &Retell, call_id: &str, from: &str) -> Value {
    ask(retell, &question(call_id, from)).await.json()["call_inbound"].clone()
}

/// The fixture with changes of company A.
async fn with_company_a(change: impl FnOnce(&mut Value)) -> Service {
    let service = Service::start().await;
    let mut file = companies();
    change(&mut file["companies"][0]);
    service.setup.import(&file).await.unwrap();
    let wanted = file["companies"][0]["branches"][0]["inbound"].clone();
    let limits = file["companies"][0]["limits"].clone();
    eventually("the running service sees the import", async || {
        let shown = service.admin("/admin/companies/friseur-mitte").await;
        let inbound = &shown["branches"][0]["inbound"];
        let same_limits = limits.is_null() || shown["limits"] == limits;
        let same_agent = inbound["override_agent_id"] == wanted["override_agent_id"];
        (same_limits && same_agent).then_some(())
    })
    .await;
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_customer_is_told_by_name_with_the_next_appointment() {
    let service = Service::start().await;
    let (retell, at) = (&service.retell, slot(14, 0));
    let before = asked(retell, "call_i1", ANNA).await;
    let variables = before["dynamic_variables"].as_object().unwrap();
    assert_eq!(variables["customer_name"], "Anna Schmidt");
    assert_eq!((&variables["next_appointment"], &variables["next_appointment_at"]), (&json!(""), &json!("")));
    assert!(variables.values().all(Value::is_string), "{before}");
    assert_eq!(before.as_object().unwrap().len(), 1, "nothing is overridden: {before}");

    let order = json!({ "service": "Herrenhaarschnitt", "datetime": at.local, "name": "Anna Schmidt" });
    let booked = retell.function("book_appointment", &call("call_i1"), order).await.json();
    assert_eq!(booked["status"], "confirmed", "{booked}");
    let staff = booked["staff"].as_str().unwrap();
    let after = asked(retell, "call_i2", ANNA).await["dynamic_variables"].clone();
    assert!(after["next_appointment_at"].as_str().unwrap().starts_with(&at.local), "{after}");
    let spoken = after["next_appointment"].as_str().unwrap();
    assert!(spoken.ends_with(&format!(" um 14 Uhr, Herrenhaarschnitt bei {staff}")), "{after}");

    // The same number at another company, and others at this one, are nobody's.
    let mut at_b = question("call_i3", ANNA);
    merge(&mut at_b["call_inbound"], json!({ "to_number": "+494035791113", "agent_id": "agent_b1" }));
    let at_b = ask(retell, &at_b).await.json()["call_inbound"]["dynamic_variables"].clone();
    assert_eq!((&at_b["customer_name"], &at_b["company_name"]), (&json!(""), &json!("Zahnarzt Hamburg")));
    for stranger in ["+4915187654321", "+4315112345678", "anonymous", "11111", ""] {
        let told = asked(retell, &format!("call_of_{stranger}"), stranger).await["dynamic_variables"].clone();
        assert_eq!(
            (&told["customer_name"], &told["customer_known"]),
            (&json!(""), &json!("false")),
            "{stranger}"
        );
        assert_eq!(told["next_appointment_at"], "", "{stranger}");
    }
    assert_eq!(service.tables.count("calls WHERE call_id <> 'call_i1'").await, 0, "a question is no call");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_is_asked_about_in_the_same_way() {
    let service = Service::start().await;
    let chat = json!({ "event": "chat_inbound", "chat_inbound": {
        "chat_id": "chat_i1", "agent_id": "agent_a1", "from_number": ANNA, "to_number": NUMBER_A,
    }});
    for path in ["/webhooks/retell/inbound", "/webhooks/retell/friseur-mitte/inbound"] {
        let answer = service.retell.post(path, &chat).await.json();
        assert_eq!(answer["chat_inbound"]["dynamic_variables"]["customer_name"], "Anna Schmidt", "{answer}");
        assert_eq!(answer.as_object().unwrap().len(), 1);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_belongs_nowhere_goes_on_as_configured() {
    let service = Service::start().await;
    let with = |changes: Value| {
        let mut question = question("call_i9", ANNA);
        merge(&mut question["call_inbound"], changes);
        question
    };
    for nowhere in [
        with(json!({ "to_number": "+49999000111", "agent_id": "agent_of_nobody" })),
        with(json!({ "to_number": NUMBER_A, "agent_id": "agent_b1" })),
        with(json!({ "to_number": null, "agent_id": null })),
    ] {
        let answer = ask(&service.retell, &nowhere).await;
        assert_eq!(answer.body, br#"{"call_inbound":{}}"#, "{nowhere}");
    }
    // A company's own key learns nothing of another company's callers.
    let own = service.retell.with_key("key_company_b");
    let foreign = own.post("/webhooks/retell/zahnarzt-hamburg/inbound", &question("call_i9", ANNA)).await;
    assert_eq!(foreign.json(), json!({ "call_inbound": {} }));
    let platform = asked(&service.retell, "call_i9", ANNA).await;
    assert_eq!(platform["dynamic_variables"]["customer_name"], "Anna Schmidt", "{platform}");
    let foreign = own.post("/webhooks/retell/zahnarzt-hamburg/inbound", &question("call_i9", ANNA)).await;
    assert_eq!(foreign.json(), json!({ "call_inbound": {} }), "not even what was answered before");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_may_answer_with_an_agent_and_variables_of_its_own() {
    let inbound = json!({ "override_agent_id": "agent_a2", "override_agent_version": "production",
        "dynamic_variables": { "parking": "Im Hof" }, "metadata": { "campaign": 7 } });
    let service = with_company_a(|company| {
        company["branches"][0]["agents"] = json!(["agent_a1", "agent_a2"]);
        company["branches"][0]["inbound"] = inbound.clone();
    })
    .await;
    let answer = asked(&service.retell, "call_i4", ANNA).await;
    assert_eq!(answer["override_agent_id"], "agent_a2");
    assert_eq!(
        (&answer["override_agent_version"], &answer["metadata"]),
        (&json!("production"), &inbound["metadata"])
    );
    let told = &answer["dynamic_variables"];
    assert_eq!((&told["parking"], &told["customer_name"]), (&json!("Im Hof"), &json!("Anna Schmidt")));
    let mut file = companies();
    file["companies"][0]["branches"][0]["inbound"] = json!({ "override_agent_id": "agent_b1" });
    let refused = service.setup.import(&file).await.unwrap_err().to_string();
    assert!(refused.contains("inbound.override_agent_id") && refused.contains("agent_unknown"), "{refused}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_at_a_time_than_the_company_may_have_are_turned_away() {
    let service = with_company_a(|company| {
        company["limits"] = json!({ "concurrent_calls": 2, "calls_per_minute": null })
    })
    .await;
    let retell = &service.retell;
    assert!(asked(retell, "call_q1", ANNA).await["reject"].is_null());
    retell.event(&event("call_started", &call("call_q1"))).await;
    service.tables.wait_for(1, "calls").await;
    let second = ask(retell, &question("call_q2", ANNA)).await;
    assert!(second.json()["call_inbound"]["reject"].is_null(), "{second:?}");
    let third = ask(retell, &question("call_q3", ANNA)).await;
    assert_eq!(third.body, br#"{"call_inbound":{"reject":true}}"#);

    // Retell asks again: the same answers, and nothing is counted again.
    assert_eq!(ask(retell, &question("call_q2", ANNA)).await.body, second.body);
    retell.event(&event("call_ended", &over(&call("call_q1"), 9_000, "user_hangup"))).await;
    service.tables.wait_for(1, "calls WHERE status = 'ended'").await;
    assert_eq!(ask(retell, &question("call_q3", ANNA)).await.body, third.body);
    let fourth = asked(retell, "call_q4", ANNA).await;
    assert!(fourth["reject"].is_null(), "one has ended: {fourth}");

    // Whoever comes all the same is a call like any other: events are always taken.
    for id in ["call_q2", "call_q4", "call_q5", "call_q6"] {
        retell.event(&event("call_started", &call(id))).await;
    }
    service.tables.wait_for(4, "calls WHERE status = 'live'").await;
    let of_b = json!({ "to_number": "+494035791113", "agent_id": "agent_b1" });
    let mut at_b = question("call_q7", ANNA);
    merge(&mut at_b["call_inbound"], of_b);
    assert!(ask(retell, &at_b).await.json()["call_inbound"]["reject"].is_null(), "B has no limit");
    let metrics = String::from_utf8(retell.get("/metrics").await.body).unwrap();
    let refused = "askpro_refused_total{class=\"inbound\",reason=\"quota\"} ";
    assert!(metrics.lines().any(|line| line.starts_with(refused) && !line.ends_with(" 0")), "{metrics}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_in_a_minute_than_the_company_may_have_are_turned_away() {
    let service = with_company_a(|company| {
        company["limits"] = json!({ "concurrent_calls": null, "calls_per_minute": 3 })
    })
    .await;
    let rejected = async |id: &str| asked(&service.retell, id, ANNA).await["reject"] == true;
    for id in ["call_m1", "call_m1", "call_m2", "call_m2", "call_m3"] {
        assert!(!rejected(id).await, "{id}");
    }
    assert!(rejected("call_m4").await && rejected("call_m4").await && rejected("call_m5").await);
    assert!(!rejected("call_m2").await, "it was let in before");
    let old =
        json!({ "event": "call_inbound", "call_inbound": { "from_number": ANNA, "to_number": NUMBER_A } });
    assert_eq!(ask(&service.retell, &old).await.json()["call_inbound"]["reject"], true, "without an id too");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_runs_wild_is_told_that_everything_is_busy() {
    let service = with_company_a(|company| {
        company["limits"] = json!({ "concurrent_calls": 1, "calls_per_minute": null })
    })
    .await;
    let ask = async |name: &str| {
        let answer = service.retell.function(name, &call("call_w1"), json!({ "text": "morgen" })).await;
        (answer.status.as_u16(), answer.code() == "busy")
    };
    for n in 0..30 {
        assert_eq!(ask("parse_date").await, (200, false), "{n}");
    }
    assert_eq!(ask("parse_date").await, (200, true));
    assert_eq!(ask("request_callback").await, (200, false), "what writes is turned away last");
    let at_b = crate::support::retell::call_to("+494035791113", "agent_b1", "call_w2");
    let other = service.retell.function("parse_date", &at_b, json!({ "text": "morgen" })).await;
    assert_ne!(other.code(), "busy");
    service.stop().await;
}
