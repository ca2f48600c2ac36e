//! Live functions over HTTP: what a caller can ask, and what nobody hears of another.

use askpro::simulators::calcom::Operation;
use serde_json::{Value, json};

use crate::support::{
    days::slot,
    eventually,
    program::Program,
    retell::{Answer, call, call_to, event, merge, over},
    service::{Service, Setup, companies},
};

const ANNA: &str = "+4915112345678";

/// A call from this number; `None` is a web call.
fn call_from(from: Option<&str>, call_id: &str) -> Value {
    let mut call = call(call_id);
    match from {
        Some(from) => call["from_number"] = json!(from),
        None => {
            call.as_object_mut().unwrap().remove("from_number");
            call["call_type"] = json!("web_call");
        }
    }
    call
}

async fn ask(service: &Service, function: &str, call: &Value, args: Value) -> Value {
    let answer = service.retell.function(function, call, args).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn book(service: &Service, call: &Value, time: i8, name: &str) -> Answer {
    let at = slot(time, 0);
    let order =
        json!({ "service": "Herrenhaarschnitt", "date": at.german_date, "time": at.time, "name": name });
    service.retell.function("book_appointment", call, order).await
}

#[tokio::test(flavor = "multi_thread")]
async fn services_and_opening_hours_are_told_in_the_companys_language() {
    let mut english = companies();
    english["companies"][1]["language"] = json!("en");
    let mut setup = Setup::new();
    let calcom = setup.calcom();
    setup.import(&english).await.unwrap();
    let running = askpro::app::start(setup.config()).await.unwrap();
    let tables = crate::support::database::Tables::open(setup.database_url()).await;
    let retell =
        crate::support::retell::Retell::new(&running.base_url(), crate::support::service::WEBHOOK_KEY);
    let service = Service { setup, calcom, running, tables, retell };
    let (a, b) = (call("call_f1"), call_to("+494035791113", "agent_b1", "call_f2"));

    let services = ask(&service, "list_services_v3", &a, json!({})).await;
    assert_eq!(services["code"], "services_listed");
    let perm = json!({ "name": "Dauerwelle", "duration_minutes": 135, "price_cents": 9500, "currency": "EUR", "staff": ["Udo"] });
    assert_eq!(services["services"][1], perm);
    assert_eq!(
        services["message"],
        "Wir bieten an: Herrenhaarschnitt, 30 Minuten für 32 Euro; Dauerwelle, 135 Minuten für 95 Euro. Was darf es sein?"
    );
    let of_mia = ask(&service, "list_services", &a, json!({ "mitarbeiter": "Mia" })).await;
    assert_eq!(of_mia["services"].as_array().unwrap().len(), 1);
    let foreign = ask(&service, "list_services", &a, json!({ "service": "Zahnreinigung" })).await;
    assert_eq!((&foreign["success"], &foreign["code"]), (&json!(false), &json!("service_not_found")));
    let cleaning = ask(&service, "list_services", &b, json!({})).await;
    assert_eq!(
        cleaning["message"],
        "Zahnreinigung, 1 hour for 110 euros, with Dr. Petersen. Would you like to book it?"
    );

    let week = ask(&service, "opening_hours", &a, json!({})).await;
    assert_eq!((&week["code"], week["hours"].as_array().unwrap().len()), (&json!("opening_hours"), 7));
    assert_eq!(
        week["message"],
        "Unsere Öffnungszeiten sind: Montag bis Freitag von 9 Uhr bis 18 Uhr; Samstag und Sonntag geschlossen. Möchten Sie einen Termin?"
    );
    assert!(week["open_now"].is_boolean() && week["next_opening"].is_string(), "{week}");
    let at = slot(12, 0);
    let day = ask(&service, "opening_hours", &b, json!({ "datum": at.german_date })).await;
    assert_eq!(day["hours"][0]["hours"], json!(["08:00-17:00"]));
    assert!(day["message"].as_str().unwrap().contains("from 8 am to 5 pm"), "{day}");
    assert_eq!(service.calcom.requests(Some(Operation::Slots)).len(), 0, "no calendar was asked");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_known_by_the_own_number_in_the_own_company_alone() {
    let service = Service::start().await;
    let known = ask(&service, "check_customer", &call("call_k1"), json!({})).await;
    assert_eq!((&known["known"], &known["name"]), (&json!(true), &json!("Anna Schmidt")));
    assert_eq!(known["next_appointment"], Value::Null);
    assert_eq!(book(&service, &call("call_k1"), 14, "Anna Schmidt").await.json()["status"], "confirmed");
    let next = ask(&service, "check_customer", &call("call_k2"), json!({})).await["next_appointment"].clone();
    assert_eq!((&next["status"], &next["service"]), (&json!("confirmed"), &json!("Herrenhaarschnitt")));
    assert!(next["slot"].as_str().unwrap().starts_with(&slot(14, 0).local), "{next}");
    let found = ask(&service, "find_appointments", &call("call_k2"), json!({})).await;
    assert_eq!((&found["code"], &found["appointments"][0]), (&json!("appointments_found"), &next));

    let lies = json!({ "phone_number": ANNA, "customer_phone": ANNA, "name": "Anna Schmidt" });
    let strangers = [
        call_from(Some("+4315112345678"), "call_k3"),
        call_from(Some("+4915187654321"), "call_k4"),
        call_to("+494035791113", "agent_b1", "call_k5"),
    ];
    for stranger in strangers {
        let customer = ask(&service, "check_customer", &stranger, lies.clone()).await;
        assert_eq!((&customer["known"], &customer["name"]), (&json!(false), &Value::Null), "{stranger}");
        let found = ask(&service, "find_appointments", &stranger, lies.clone()).await;
        assert_eq!(
            (&found["code"], &found["appointments"]),
            (&json!("no_appointments"), &json!([])),
            "{stranger}"
        );
    }
    for nobody in [call_from(None, "call_k6"), call_from(Some("anonymous"), "call_k7")] {
        let found = ask(&service, "find_appointments", &nobody, lies.clone()).await;
        assert_eq!((&found["success"], &found["code"]), (&json!(false), &json!("identity_required")));
        assert_eq!(found["callback_offered"], true);
        assert_eq!(ask(&service, "check_customer", &nobody, lies.clone()).await["code"], "customer_unknown");
    }
    let key_of_b = service.retell.with_key("key_company_b");
    let body = json!({ "call": call("call_k2"), "args": {} });
    let foreign = key_of_b.post("/functions/retell/find_appointments?company=zahnarzt-hamburg", &body).await;
    assert_eq!(foreign.code(), "company_unknown", "a company's key opens no call of another");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_booked_is_greeted_by_name_after_a_restart_and_an_import_is_seen() {
    let service = Service::start().await;
    let new = "+4915155500011";
    let first = call_from(Some(new), "call_g1");
    assert_eq!(ask(&service, "check_customer", &first, json!({})).await["known"], false);
    assert_eq!(book(&service, &first, 10, "Carla Sommer").await.json()["status"], "confirmed");
    service.retell.event(&event("call_ended", &over(&first, 60_000, "user_hangup"))).await;
    let second = call_from(Some(new), "call_g2");
    let greeted = ask(&service, "check_customer", &second, json!({})).await;
    assert_eq!(greeted["name"], "Carla Sommer");
    service.settled().await;
    let name_of = format!("FROM customers WHERE phone = '{new}'");
    assert_eq!(service.tables.texts("name", &name_of).await, ["Carla Sommer"]);
    let service = service.stop().await.start().await;
    assert_eq!(ask(&service, "check_customer", &call_from(Some(new), "call_g3"), json!({})).await, greeted);

    let mut renamed = companies();
    renamed["companies"][0]["customers"] = json!([
        { "name": "Carla Winter", "phone": new, "email": null },
        { "name": "Dora", "phone": "+4915155500012", "email": null },
    ]);
    service.setup.import(&renamed).await.unwrap();
    eventually("the import is known", async || {
        let dora =
            ask(&service, "check_customer", &call_from(Some("+4915155500012"), "call_g4"), json!({})).await;
        (dora["name"] == "Dora").then_some(())
    })
    .await;
    let carla = ask(&service, "check_customer", &call_from(Some(new), "call_g5"), json!({})).await;
    assert_eq!(carla["name"], "Carla Winter", "the imported name counts");
    let other = call_from(Some(new), "call_g6");
    assert_eq!(book(&service, &other, 15, "Otto Winter").await.json()["status"], "confirmed");
    let shared = ask(&service, "check_customer", &other, json!({})).await;
    assert_eq!((&shared["code"], &shared["name"]), (&json!("customer_ambiguous"), &Value::Null));
    service.settled().await;
    assert_eq!(
        service.tables.texts("name", &format!("{name_of} ORDER BY name")).await,
        ["Carla Winter", "Otto Winter"]
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_one_row_and_one_notice_whoever_asks_again() {
    let service = Service::start().await;
    let at = slot(17, 0);
    let wish = json!({ "prioritaet": "hoch", "grund": "Preise", "due": format!("{} 17:00", at.german_date) });
    let first = service.retell.function("request_callback", &call("call_r1"), wish.clone()).await;
    let answer = first.json();
    assert_eq!(
        (&answer["success"], &answer["code"], &answer["phone"]),
        (&json!(true), &json!("callback_requested"), &json!(ANNA))
    );
    assert!(answer["due_at"].as_str().unwrap().starts_with(&at.local), "{answer}");
    let again = service.retell.function("request_callback_v2", &call("call_r1"), wish.clone()).await;
    assert_eq!(again.body, first.body);
    let urgent = json!({ "priority": "urgent", "reason": "Absage" });
    let joined = ask(&service, "request_callback", &call("call_r2"), urgent).await;
    assert_eq!((&joined["callback_id"], &joined["due_at"]), (&answer["callback_id"], &Value::Null));
    service.settled().await;
    let columns = "call_id, phone, priority, reason, due_at, status";
    let rows = service.tables.rows(columns, "FROM callbacks").await;
    let due = at.starts_ms.to_string();
    let wanted =
        ["call_r1", ANNA, "urgent", "Preise; Absage", &due, "open"].map(|text| Some(text.to_owned()));
    assert_eq!(rows, [wanted]);
    assert_eq!(service.tables.texts("kind", "FROM outbox").await, ["callback_requested"]);
    for call_id in ["call_r1", "call_r2"] {
        let from = format!("FROM calls WHERE call_id = '{call_id}'");
        service.tables.wait_for_text("outcome", &from, "callback_requested").await;
    }
    let service = service.stop().await.start().await;
    let again = service.retell.function("request_callback", &call("call_r1"), wish).await;
    assert_eq!(again.body, first.body, "also after a restart");
    let nobody = ask(&service, "request_callback", &call_from(None, "call_r3"), json!({})).await;
    assert_eq!((&nobody["success"], &nobody["code"]), (&json!(false), &json!("phone_required")));
    let elsewhere = call_to("+494035791113", "agent_b1", "call_r4");
    let other = ask(&service, "request_callback", &elsewhere, json!({})).await;
    assert_ne!(other["callback_id"], answer["callback_id"]);
    service.tables.wait_for(2, "callbacks").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_survives_kill_9_and_is_answered_as_before() {
    let mut setup = Setup::new();
    let _calcom = setup.calcom();
    setup.import(&companies()).await.unwrap();
    let mut program = Program::start(&setup).await;
    let wish = json!({ "priority": "high", "due": format!("{} 17:00", slot(17, 0).german_date) });
    let mut told = Vec::new();
    for number in 0..8 {
        let call = call_from(Some(&format!("+491515550{number:04}")), &format!("call_kill_{number}"));
        told.push((call.clone(), program.retell.function("request_callback", &call, wish.clone()).await));
    }
    program.kill();
    let program = Program::start(&setup).await;
    for (call, first) in &told {
        assert_eq!(first.code(), "callback_requested");
        let again = program.retell.function("request_callback", call, wish.clone()).await;
        assert_eq!(again.body, first.body);
    }
    let tables = crate::support::database::Tables::open(setup.database_url()).await;
    tables.wait_for(8, "callbacks WHERE version = 1 AND priority = 'high'").await;
    tables.wait_for(8, "outbox WHERE kind = 'callback_requested'").await;
    let outcomes = "calls WHERE outcome = 'callback_requested'";
    eventually("every call knows of it", async || (tables.count(outcomes).await == 8).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_built_yet_offers_a_callback() {
    let service = Service::start().await;
    for function in ["cancel_appointment", "reschedule_appointment"] {
        let mut call = call("call_u1");
        merge(&mut call, json!({ "call_status": "ongoing" }));
        let refused = ask(&service, function, &call, json!({})).await;
        assert_eq!((&refused["success"], &refused["code"]), (&json!(false), &json!("function_unavailable")));
        assert_eq!(refused["callback_offered"], true);
    }
    service.stop().await;
}
