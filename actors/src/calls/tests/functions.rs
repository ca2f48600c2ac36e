//! Live functions that a call answers itself: who calls counts, and nothing that the agent says of it.

use askpro_domain::ids::CustomerId;
use serde_json::{Value, json};

use super::*;
use crate::{
    ports::{fakes::company_b, rows::CustomerRow},
    rig::{Asked, Asking},
};

const ANNA: &str = "+4915112345678";

fn answer(rig: &Rig, mut asked: Asked) -> Value {
    rig.settle();
    asked.json()
}

fn from<'a>(call: &'a str, from: Option<&'a str>, function: FunctionName) -> Asking<'a> {
    Asking { from, ..Asking::of(call, function) }
}

fn asked(rig: &Rig, asking: &Asking<'_>, arguments: Value) -> Value {
    answer(rig, rig.ask_as(asking, arguments))
}

fn rig() -> Rig {
    let rig = Rig::new();
    let day = FIXTURE_NOW.plus_ms(86_400_000);
    rig.calendar.offer(2001, &[9001, 9002], (0..18).map(|half| day.plus_ms(half * 1_800_000)));
    rig
}

fn book(rig: &Rig, asking: &Asking<'_>, time: &str, more: Value) -> Value {
    let mut order = json!({"datetime": format!("24.11.2026 {time}"), "service": "Herrenhaarschnitt",
        "customer_name": "Anna Schmidt"});
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    asked(rig, &Asking { function: FunctionName::BookAppointment, ..*asking }, order)
}

fn import_anna(rig: &Rig) {
    let anna = |company, slug| CustomerRow {
        company,
        id: CustomerId::of_slugs(&[slug, ANNA]),
        name: "Anna Schmidt".to_owned(),
        phone: askpro_domain::phone::PhoneNumber::parse_e164(ANNA).unwrap(),
        email: None,
    };
    rig.database.import_customers(1, [anna(company_a(), "friseur-mitte")]);
    let followed = rig.actors.customers.follow(rig.database.as_ref(), 1);
    assert!(futures_util::FutureExt::now_or_never(followed).unwrap().unwrap());
}

#[test]
fn services_and_hours_are_told_at_once_with_everything_away() {
    let rig = Rig::new();
    rig.database.set_away(true);
    rig.database.reads.close();
    rig.calendar.set_down(true);
    let services = asked(&rig, &from("c", None, FunctionName::ListServices), json!({"mitarbeiter": "Mia"}));
    let names: Vec<&str> =
        services["services"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Herrenhaarschnitt", "Damenhaarschnitt"]);
    let hours = asked(&rig, &from("c", None, FunctionName::OpeningHours), json!({"datum": "heute"}));
    assert_eq!((&hours["open_now"], &hours["hours"][0]["hours"]), (&json!(true), &json!(["09:00-18:00"])));
    assert!(rig.calendar.slot_fetches().is_empty());
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn only_the_number_of_the_other_side_says_who_calls() {
    let rig = rig();
    import_anna(&rig);
    book(&rig, &from("before", Some(ANNA), FunctionName::BookAppointment), "14:00", json!({}));
    rig.event(&ended("before"));
    let known = asked(&rig, &from("c", Some(ANNA), FunctionName::CheckCustomer), json!({"name": "Otto"}));
    assert_eq!((&known["known"], &known["name"]), (&json!(true), &json!("Anna Schmidt")));
    assert_eq!(known["next_appointment"]["slot"], "2026-11-24T14:00:00+01:00");
    let found = asked(&rig, &from("c", Some(ANNA), FunctionName::FindAppointments), json!({}));
    assert_eq!((&found["code"], &found["appointments_total"]), (&json!("appointments_found"), &json!(1)));
    assert_eq!(found["appointments"][0]["status"], "confirmed");

    let lies =
        json!({"phone_number": ANNA, "customer_phone": ANNA, "name": "Anna Schmidt", "call_id": "before"});
    for stranger in ["+4315112345678", "+15112345678", "+4915112345679", "+4915187654321"] {
        let call = format!("c{stranger}");
        let customer = asked(&rig, &from(&call, Some(stranger), FunctionName::CheckCustomer), lies.clone());
        assert_eq!((&customer["known"], &customer["name"]), (&json!(false), &Value::Null), "{stranger}");
        let found = asked(&rig, &from(&call, Some(stranger), FunctionName::FindAppointments), lies.clone());
        assert_eq!(
            (&found["code"], &found["appointments"]),
            (&json!("no_appointments"), &json!([])),
            "{stranger}"
        );
        rig.event(&ended(&call));
    }
    for nobody in [None, Some("anonymous"), Some("11111"), Some(NUMBER_A)] {
        let call = format!("c{nobody:?}");
        let customer = asked(&rig, &from(&call, nobody, FunctionName::CheckCustomer), lies.clone());
        assert_eq!(
            (&customer["known"], &customer["code"]),
            (&json!(false), &json!("customer_unknown")),
            "{nobody:?}"
        );
        let found = asked(&rig, &from(&call, nobody, FunctionName::FindAppointments), lies.clone());
        assert_eq!((&found["code"], &found["callback_offered"]), (&json!("identity_required"), &json!(true)));
        rig.event(&ended(&call));
    }
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn a_customer_of_one_company_is_nobody_at_another() {
    let rig = rig();
    import_anna(&rig);
    book(&rig, &Asking::of("c1", FunctionName::BookAppointment), "14:00", json!({}));
    let at_b = |function| Asking { to: NUMBER_B, ..Asking::of("cb", function) };
    assert_eq!(asked(&rig, &at_b(FunctionName::CheckCustomer), json!({}))["known"], false);
    assert_eq!(asked(&rig, &at_b(FunctionName::FindAppointments), json!({}))["code"], "no_appointments");
    let own_key = Asking {
        signer: crate::ports::journal::Signer::Company(company_b()),
        ..at_b(FunctionName::FindAppointments)
    };
    assert_eq!(asked(&rig, &own_key, json!({}))["code"], "no_appointments");
    let on_as_line = Asking { to: NUMBER_A, ..own_key };
    assert_eq!(asked(&rig, &on_as_line, json!({}))["code"], "company_unknown");
    rig.event(&ended("c1"));
    rig.event(&EventBody { to: Some(NUMBER_B.to_owned()), ..ended("cb") });
    rig.finish();
}

#[test]
fn an_outbound_call_is_the_called_numbers() {
    let rig = rig();
    import_anna(&rig);
    let outbound = EventBody {
        direction: Some("outbound".to_owned()),
        from: Some(NUMBER_A.to_owned()),
        to: Some(ANNA.to_owned()),
        ..started("c")
    };
    rig.event(&outbound);
    rig.settle();
    // What the body of the function says of the call does not outrank the events.
    let known = asked(&rig, &from("c", Some("+4915187654321"), FunctionName::CheckCustomer), json!({}));
    assert_eq!(known["name"], "Anna Schmidt");
    rig.event(&EventBody { event: "call_ended".to_owned(), ..outbound });
    rig.finish();
}

#[test]
fn an_appointment_is_found_in_every_state_in_which_it_lies_ahead() {
    let rig = rig();
    let find = |rig: &Rig| asked(rig, &Asking::of("c", FunctionName::FindAppointments), json!({}));
    rig.calendar.create_answers.close();
    let order = json!({"datetime": "24.11.2026 14:00", "service": "Herrenhaarschnitt", "name": "Anna"});
    let _asked = rig.ask_as(&Asking::of("c", FunctionName::BookAppointment), order);
    rig.settle();
    assert_eq!(find(&rig)["appointments"][0]["status"], "submitted");
    rig.advance(2_500);
    let pending = find(&rig);
    assert_eq!(pending["appointments"][0]["status"], "pending_confirmation");
    assert!(pending["message"].as_str().unwrap().contains("noch nicht bestätigt"), "{pending}");
    rig.calendar.create_answers.open();
    rig.settle();
    assert_eq!(find(&rig)["appointments"][0]["status"], "confirmed");
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn an_anonymous_caller_hears_of_what_the_call_itself_has_booked() {
    let rig = rig();
    let anonymous = from("c", None, FunctionName::FindAppointments);
    book(&rig, &anonymous, "14:00", json!({"email": "anna@example.org"}));
    let found = asked(&rig, &anonymous, json!({}));
    assert_eq!((&found["code"], &found["appointments_total"]), (&json!("appointments_found"), &json!(1)));
    let other = asked(&rig, &from("other", None, FunctionName::FindAppointments), json!({}));
    assert_eq!(other["code"], "identity_required");
    for call in ["c", "other"] {
        rig.event(&ended(call));
    }
    rig.finish();
}

#[test]
fn who_booked_is_greeted_by_name_also_after_a_restart() {
    let mut rig = rig();
    let first = |rig: &Rig, call: &str| asked(rig, &Asking::of(call, FunctionName::CheckCustomer), json!({}));
    assert_eq!(first(&rig, "c1")["code"], "customer_unknown");
    book(&rig, &Asking::of("c1", FunctionName::BookAppointment), "14:00", json!({}));
    rig.event(&ended("c1"));
    let greeted = first(&rig, "c2");
    assert_eq!(greeted["name"], "Anna Schmidt");
    rig.crash_and_restart();
    assert_eq!(first(&rig, "c3"), greeted);
    book(
        &rig,
        &Asking::of("c3", FunctionName::BookAppointment),
        "15:00",
        json!({"customer_name": "Bernd Schmidt"}),
    );
    for call in ["c2", "c3"] {
        rig.event(&ended(call));
    }
    rig.crash_and_restart();
    let shared = first(&rig, "c4");
    assert_eq!(
        (&shared["code"], &shared["name"], &shared["known"]),
        (&json!("customer_ambiguous"), &Value::Null, &json!(true))
    );
    rig.event(&ended("c4"));
    rig.finish();
}

#[test]
fn what_is_not_built_offers_a_callback() {
    let rig = Rig::new();
    for function in [FunctionName::CancelAppointment, FunctionName::RescheduleAppointment] {
        let refused = asked(&rig, &Asking::of("c", function), json!({}));
        assert_eq!(
            (&refused["code"], &refused["callback_offered"]),
            (&json!("function_unavailable"), &json!(true))
        );
    }
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn with_the_database_silent_only_a_call_from_before_this_life_waits_for_what_it_booked() {
    for (began_after_ms, waits_ms) in [(0, 1_500), (6_000, 250)] {
        let rig = rig();
        rig.advance(10_000);
        rig.database.reads.close();
        rig.event(&EventBody { started_at: Some(FIXTURE_NOW.0 + began_after_ms), ..started("c") });
        let order = json!({"datetime": "24.11.2026 14:00", "service": "Herrenhaarschnitt",
            "customer_name": "Anna Schmidt"});
        let mut order = rig.ask_as(&from("c", Some(ANNA), FunctionName::BookAppointment), order);
        rig.advance(waits_ms - 1);
        assert!(order.heard().is_none());
        rig.advance(1);
        rig.settle();
        assert_eq!(order.json()["status"], "confirmed");
        rig.database.reads.open();
        rig.event(&ended("c"));
        rig.finish();
    }
}
