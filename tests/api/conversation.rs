//! What callers say, in words: windows, questions, what was understood, and orders that are given again.

use askpro::simulators::calcom::Operation;
use serde_json::{Value, json};

use crate::support::{days::slot, retell::call, service::Service};

async fn ask(service: &Service, function: &str, call: &Value, args: Value) -> Value {
    let answer = service.retell.function(function, call, args).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_day_is_answered_with_its_first_free_slots_and_booked_when_the_caller_agrees() {
    let service = Service::start().await;
    let (call, nine) = (call("call_v1"), slot(9, 0));
    let morning = format!("am {} zwischen neun und zwölf", nine.german_date);
    let wish = json!({ "dienstleistung": "Herrenschnitt", "datum": morning });
    let offered = ask(&service, "check_availability", &call, wish).await;
    assert_eq!((&offered["available"], &offered["code"]), (&json!(true), &json!("available")), "{offered}");
    assert!(offered["slot"].as_str().unwrap().starts_with(&nine.local), "{offered}");
    assert_eq!(offered["alternatives"].as_array().unwrap().len(), 3, "{offered}");
    let understood = offered["understood"].as_str().unwrap();
    assert!(understood.ends_with("zwischen 9 Uhr und 12 Uhr"), "{understood}");
    assert_eq!(service.holds("friseur-mitte").await, ["held"]);

    let order = json!({ "customer_name": "Anna Schmidt", "datum": morning });
    let booked = ask(&service, "book_appointment", &call, order).await;
    assert_eq!(booked["status"], "confirmed", "{booked}");
    assert_eq!(booked["slot"], offered["slot"]);

    // Another caller hears the next one, and a booking that leaves the time open is not made unheard.
    let other = crate::support::retell::call("call_v2");
    let order = json!({ "service": "Herrenhaarschnitt", "date": morning, "name": "Bernd Maier" });
    let offered = ask(&service, "book_appointment", &other, order).await;
    assert_eq!((&offered["success"], &offered["code"]), (&json!(false), &json!("confirmation_required")));
    assert!(offered["slot"].as_str().unwrap().starts_with(&nine.local[..10]), "{offered}");
    assert_eq!(service.calcom.requests(Some(Operation::Create)).len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sure_is_asked_back_with_what_it_may_mean() {
    let service = Service::start().await;
    let (call, day) = (call("call_v3"), slot(9, 0).german_date);
    let seven = json!({ "service": "Herrenhaarschnitt", "datetime": format!("{day} um sieben") });
    let asked = ask(&service, "check_availability", &call, seven).await;
    assert_eq!(
        (&asked["code"], &asked["candidates"]),
        (&json!("time_ambiguous"), &json!(["07:00", "19:00"]))
    );
    assert_eq!(asked["available"], false);
    assert!(asked["message"].as_str().unwrap().contains("7 Uhr morgens oder 19 Uhr"), "{asked}");
    assert!(service.calcom.requests(None).is_empty(), "the calendar was not asked");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_become_a_date_that_is_said_back() {
    let service = Service::start().await;
    let (call, at) = (call("call_v4"), slot(14, 30));
    let text = json!({ "text": format!("am {} um halb drei nachmittags", at.german_date) });
    let parsed = ask(&service, "parse_date", &call, text).await;
    assert_eq!((&parsed["success"], &parsed["code"]), (&json!(true), &json!("date_understood")), "{parsed}");
    assert_eq!(
        (&parsed["date"], &parsed["time"], &parsed["window"]),
        (&json!(at.local[..10]), &json!("14:30"), &Value::Null)
    );
    let vague =
        ask(&service, "parse_date", &call, json!({ "text": format!("{} nachmittags", at.german_date) }))
            .await;
    let (from, to) = (vague["window"]["from"].as_str().unwrap(), vague["window"]["to"].as_str().unwrap());
    assert!(from.starts_with(&at.local[..10]) && from < to, "{vague}");
    assert_eq!(vague["time"], Value::Null);
    let invented = ask(&service, "parse_date", &call, json!({ "text": "5. Oktober 2023" })).await;
    assert_eq!((&invented["success"], &invented["code"]), (&json!(false), &json!("date_in_past")));
    assert!(invented["today"].is_string(), "{invented}");
    service.stop().await;
}

/// The call's own words, with the tool calls of its agent.
fn with_tool_call(call: &Value, id: &str) -> Value {
    let mut call = call.clone();
    call["transcript_with_tool_calls"] = json!([
        { "role": "user", "content": "Ja, bitte." },
        { "role": "tool_call_invocation", "tool_call_id": id, "name": "book_appointment", "arguments": "{}" },
    ]);
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_of_another_tool_call_is_told_as_booked_already() {
    let service = Service::start().await;
    let (call, at) = (call("call_v5"), slot(15, 0));
    let order = |confirm: bool| json!({ "service": "Herrenhaarschnitt", "datetime": at.local, "customer_name": "Anna Schmidt", "confirm": confirm });
    let first =
        service.retell.function("book_appointment", &with_tool_call(&call, "tool_1"), order(true)).await;
    assert_eq!(first.json()["status"], "confirmed", "{first:?}");
    let repeated =
        service.retell.function("book_appointment", &with_tool_call(&call, "tool_1"), order(true)).await;
    assert_eq!(repeated.body, first.body, "the same request again");
    let again = service
        .retell
        .function("book_appointment", &with_tool_call(&call, "tool_2"), order(true))
        .await
        .json();
    assert_eq!((&again["success"], &again["code"]), (&json!(false), &json!("already_booked")), "{again}");
    assert_eq!(
        (&again["status"], &again["appointment_id"]),
        (&json!("confirmed"), &first.json()["appointment_id"])
    );
    assert_eq!(service.calcom.requests(Some(Operation::Create)).len(), 1);
    service.stop().await;
}
