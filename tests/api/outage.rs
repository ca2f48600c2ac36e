//! S6: Cal.com is slow, down or limited in mid-call. What callers hear, and what becomes of what they were promised.

use std::collections::BTreeSet;

use askpro::simulators::calcom::{BookingStatus, CalcomHandle, Fault, FaultKind, Operation};
use serde_json::{Value, json};

use crate::support::{
    days::{Slot, slot},
    eventually,
    retell::{Answer, call, call_to},
    service::{Service, Setup},
};

const KEY_A: &str = "cal_test_a";
const CUT: &str = "Herrenhaarschnitt";
const PERM: &str = "Dauerwelle";

fn wish(service: &str, at: &Slot) -> Value {
    json!({ "datum": at.german_date, "uhrzeit": at.time, "dienstleistung": service })
}

/// Holds a slot for a call, whatever Cal.com does.
async fn hold(service: &Service, call_id: &str, what: &str, at: &Slot) -> Value {
    let checked = service.retell.function("check_availability", &call(call_id), wish(what, at)).await.json();
    assert_eq!((&checked["success"], &checked["available"]), (&json!(true), &json!(true)), "{checked}");
    checked
}

/// Books what the call holds.
async fn book(service: &Service, call_id: &str) -> Value {
    let order = json!({ "customer_name": "Anna Schmidt" });
    service.retell.function("book_appointment", &call(call_id), order).await.json()
}

/// Calls of accepted bookings at Cal.com, in the order in which they were made.
fn booked_calls(calcom: &CalcomHandle) -> Vec<String> {
    let accepted = calcom.bookings().into_iter().filter(|b| b.status == BookingStatus::Accepted);
    accepted.filter_map(|b| b.metadata.get("askpro_call")?.as_str().map(str::to_owned)).collect()
}

async fn breakers(service: &Service, company: &str) -> Vec<(String, String)> {
    let view = service.scheduler(company).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    view["breakers"].as_array().unwrap().iter().map(|b| (text(&b["target"]), text(&b["state"]))).collect()
}

/// Three bookings arrive at Cal.com and nobody hears of it; then it answers nothing but errors. Gives the calls.
async fn go_down(service: &Service) -> [&'static str; 3] {
    let calls = ["call_o1", "call_o2", "call_o3"];
    for (call_id, at) in calls.into_iter().zip([slot(9, 0), slot(9, 30), slot(10, 0)]) {
        hold(service, call_id, CUT, &at).await;
    }
    hold(service, "call_warm", PERM, &slot(15, 45)).await;
    let lost = Fault::new(FaultKind::DropAfterAccept).key(KEY_A).on(Operation::Create).times(3);
    service.calcom.add_fault(lost);
    for operation in [Operation::Slots, Operation::List, Operation::Get, Operation::Cancel] {
        service.calcom.add_fault(Fault::new(FaultKind::InternalError).key(KEY_A).on(operation));
    }
    let answers = futures_util::future::join_all(calls.map(|call_id| book(service, call_id))).await;
    for answer in answers {
        assert_eq!(
            (&answer["success"], &answer["status"]),
            (&json!(true), &json!("pending_confirmation")),
            "{answer}"
        );
    }
    service.calcom.add_fault(Fault::new(FaultKind::InternalError).key(KEY_A).on(Operation::Create));
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_calendar_down_in_mid_call_callers_are_served_and_every_promise_is_kept_or_told() {
    let service =
        Setup::new().with("FUNCTIONS__BUDGET_MS", "1500").with("CALCOM__MIRROR_FRESH_MS", "0").start().await;
    let lost = go_down(&service).await;
    let posts = service.calcom.requests(Some(Operation::Create)).len();
    assert_eq!(posts, 3);

    let later = eventually("the view has an age", async || {
        let checked = hold(&service, "call_p1", CUT, &slot(14, 0)).await;
        (checked["confidence"] == "mirror").then_some(checked)
    })
    .await;
    assert!(later["age_s"].as_i64().unwrap() >= 1, "{later}");
    hold(&service, "call_p2", PERM, &slot(11, 15)).await;
    hold(&service, "call_p3", CUT, &slot(15, 0)).await;
    let pending = ["call_p1", "call_p2", "call_p3"];
    for call_id in pending.into_iter().rev() {
        let answer = book(&service, call_id).await;
        assert_eq!((&answer["success"], &answer["status"]), (&json!(true), &json!("pending_confirmation")));
        assert_eq!(book(&service, call_id).await, answer, "a repeat hears the same");
    }
    assert_eq!(
        service.calcom.requests(Some(Operation::Create)).len(),
        posts,
        "the breaker lets nothing through"
    );
    assert_breaker_is_open(&service).await;
    assert_other_company_notices_nothing(&service).await;

    // Udo is booked on the web for the time of the perm.
    service.calcom.book_outside(2002, Some(9001), slot(11, 15).starts_ms).unwrap();
    service.calcom.clear_faults();
    let open = "appointments WHERE status IN ('submitted', 'pending_confirmation', 'unknown')";
    service.tables.wait_for(0, open).await;
    let statuses = service.tables.rows("call_id, status", "FROM appointments ORDER BY call_id").await;
    let told = |call_id: &str, status: &str| vec![Some(call_id.to_owned()), Some(status.to_owned())];
    let wanted = lost.map(|call_id| told(call_id, "confirmed")).into_iter().chain([
        told("call_b1", "confirmed"),
        told("call_p1", "confirmed"),
        told("call_p2", "conflict"),
        told("call_p3", "confirmed"),
    ]);
    assert_eq!(statuses.into_iter().collect::<BTreeSet<_>>(), wanted.collect::<BTreeSet<_>>());
    let of_pending: Vec<String> =
        booked_calls(&service.calcom).into_iter().filter(|id| id.starts_with("call_p")).collect();
    assert_eq!(of_pending, ["call_p1", "call_p3"], "in the order of their holds, each once");
    assert!(service.calcom.overlaps().is_empty());
    assert_conflict_is_told(&service).await;
    service.stop().await;
}

async fn assert_breaker_is_open(service: &Service) {
    let of_a = breakers(service, "friseur-mitte").await;
    assert!(of_a.contains(&("calcom_bookings".to_owned(), "open".to_owned())), "{of_a:?}");
    let status = service.admin("/admin/status").await;
    let shown = status["breakers"].as_array().unwrap().iter();
    let companies: BTreeSet<&str> = shown.map(|breaker| breaker["company"].as_str().unwrap()).collect();
    assert_eq!(companies, BTreeSet::from(["friseur-mitte"]), "{status}");
    assert_eq!(status["status"], "degraded");
}

/// B's questions go out and are answered, and nobody else's go out with its key.
async fn assert_other_company_notices_nothing(service: &Service) {
    let (call, at) = (call_to("+494035791113", "agent_b1", "call_b1"), slot(10, 0));
    let retell = &service.retell;
    let checked = retell.function("check_availability", &call, wish("Zahnreinigung", &at)).await.json();
    assert_eq!((&checked["available"], &checked["confidence"]), (&json!(true), &json!("live")), "{checked}");
    let order = json!({ "customer_name": "Berta Schmidt" });
    let booked = retell.function("book_appointment", &call, order).await.json();
    assert_eq!(booked["status"], "confirmed", "{booked}");
    let of_b = service.calcom.requests(None).into_iter().filter(|request| request.key_suffix == "st_b");
    let of_b: Vec<Operation> = of_b.map(|request| request.operation).collect();
    let hints = [Operation::Reserve, Operation::ReservationRelease];
    let of_b: Vec<Operation> = of_b.into_iter().filter(|operation| !hints.contains(operation)).collect();
    assert_eq!(of_b, [Operation::Slots, Operation::Create]);
    let closed = |target: &str| (target.to_owned(), "closed".to_owned());
    let wanted = [closed("calcom_slots"), closed("calcom_bookings")];
    assert_eq!(breakers(service, "zahnarzt-hamburg").await, wanted);
}

/// Somebody calls back at once, and knows what is free instead.
async fn assert_conflict_is_told(service: &Service) {
    let callbacks = service.tables.rows("call_id, priority, reason", "FROM callbacks").await;
    let wanted = ["call_p2", "urgent", "booking_conflict"].map(|text| Some(text.to_owned()));
    assert_eq!(callbacks, [wanted]);
    let notices = service.tables.texts("payload", "FROM outbox WHERE kind = 'booking_conflict'").await;
    assert_eq!(notices.len(), 1);
    let notice: Value = serde_json::from_str(&notices[0]).unwrap();
    assert_eq!(notice["alternatives"].as_array().map(Vec::len), Some(2), "{notice}");
}

/// Requests a minute of a key that is limited.
const LIMIT: u32 = 10;
/// Rounds of six calls: far more questions than the limit allows.
const ROUNDS: u32 = 6;
/// What an agent may hear of a check: each is true whatever Cal.com does.
const TRUE_OF_A_CHECK: [&str; 3] = ["available", "slot_taken", "calendar_unavailable"];
/// The same of a booking.
const TRUE_OF_A_BOOKING: [&str; 6] = [
    "confirmed",
    "pending_confirmation",
    "slot_taken",
    "already_booked",
    "outcome_unknown",
    "calendar_unavailable",
];

/// What an agent hears in time when the machine was busy with something else.
const BUSY: &str = "busy";

/// Six calls check and book at the same time. Gives the codes that they heard.
async fn six_calls(service: &Service, round: &str, service_name: &str) -> Vec<String> {
    let one = async |number: i8| {
        let call = call(&format!("call_{round}_{number}"));
        let at = slot(9 + number, if number % 2 == 0 { 0 } else { 30 });
        let checked = service.retell.function("check_availability", &call, wish(service_name, &at)).await;
        let order = json!({ "service": service_name, "datetime": at.local, "customer_name": "Anna Schmidt" });
        let booked = service.retell.function("book_appointment", &call, order).await;
        [heard(&checked, &TRUE_OF_A_CHECK), heard(&booked, &TRUE_OF_A_BOOKING)]
    };
    let heard: Vec<String> =
        futures_util::future::join_all((0..6).map(one)).await.into_iter().flatten().collect();
    assert!(heard.iter().filter(|code| *code == BUSY).count() <= 2, "{heard:?}");
    heard
}

#[track_caller]
fn heard(answer: &Answer, allowed: &[&str]) -> String {
    let code = answer.code();
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    assert!(allowed.contains(&code.as_str()) || code == BUSY, "{}", answer.json());
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_call_is_answered_truthfully_with_the_calendar_slow_down_or_limited() {
    for kind in [
        FaultKind::SlowAnswer { ms: 1_500 },
        FaultKind::InternalError,
        FaultKind::BadGateway,
        FaultKind::Hang { ms: 1_500 },
        FaultKind::DropBefore,
        FaultKind::DropAfterAccept,
        FaultKind::StaleBooking,
        FaultKind::RateLimited,
    ] {
        let service = Setup::new().with("FUNCTIONS__BUDGET_MS", "1000").start().await;
        let what = format!("{kind:?}");
        hold(&service, "call_warm", CUT, &slot(17, 0)).await;
        service.calcom.add_fault(Fault::new(kind).key(KEY_A));
        let known = six_calls(&service, "known", CUT).await;
        assert!(!known.contains(&"calendar_unavailable".to_owned()), "{what}: there was a view: {known:?}");
        six_calls(&service, "new", PERM).await;
        service.calcom.clear_faults();
        assert!(service.calcom.overlaps().is_empty(), "{what}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_never_driven_beyond_its_limit_and_its_callers_are_answered() {
    let service = Setup::new()
        .with("FUNCTIONS__BUDGET_MS", "600")
        .with("CALCOM__MIRROR_FRESH_MS", "0")
        .with("CALCOM__REQUESTS_PER_MINUTE", "120")
        .start()
        .await;
    service.calcom.add_fault(Fault::new(FaultKind::Limited { per_minute: LIMIT }).key(KEY_A));
    for round in 0..ROUNDS {
        six_calls(&service, &format!("round{round}"), if round % 2 == 0 { CUT } else { PERM }).await;
    }
    let requests = service.calcom.requests(None);
    assert!(requests.iter().all(|request| request.status != Some(429)), "{requests:?}");
    let sent = u32::try_from(requests.len()).unwrap();
    assert!((LIMIT / 2..=LIMIT).contains(&sent), "{sent} requests of {ROUNDS} rounds of twelve questions");
    let status = service.admin("/admin/status").await;
    assert_eq!(status["budgets"]["keys_blocked"], 0, "{status}");
    assert!(status["budgets"]["used_ratio_max"].as_f64().unwrap() >= 0.5, "{status}");
    let keys = service.admin("/admin/actors?kind=budget").await;
    assert_eq!(keys["items"].as_array().map(Vec::len), Some(1));
    assert!(!keys.to_string().contains(KEY_A));
    service.stop().await;
}
