//! A held slot is hidden from web bookers by a reservation at Cal.com, as long as it is held.

use askpro::simulators::calcom::Operation;
use serde_json::{Value, json};

use crate::support::{
    days::{Slot, slot},
    eventually,
    retell::{call, event, over},
    service::{Service, Setup, http},
};

const COMPANY: &str = "friseur-mitte";
/// Udo's alone.
const PERM: i64 = 2002;

async fn hinting() -> Service {
    Setup::new().with("CALCOM__RESERVATIONS", "true").start().await
}

async fn check(service: &Service, call: &Value, name: &str, at: &Slot) {
    let wish = json!({ "date": at.german_date, "time": at.time, "service": name });
    let checked = service.retell.function("check_availability", call, wish).await;
    assert_eq!(checked.code(), "available", "{checked:?}");
}

/// What a web booker sees: whether the perm is offered then. `asked` makes every question a new one, so that none
/// is answered from the calendar's cache.
async fn web_booker_sees(service: &Service, at: &Slot, asked: u32) -> bool {
    let day = &at.local[..10];
    let zone = ["Europe/Berlin", "Europe/Vienna", "Europe/Zurich"][asked as usize];
    let url = format!(
        "{}/v2/slots?eventTypeId={PERM}&start={day}&end={day}&timeZone={zone}",
        service.calcom.base_url()
    );
    let answer = http().get(url).header("cal-api-version", "2024-09-04").send().await.unwrap();
    answer.text().await.unwrap().contains(&format!("{}:00.000", at.local))
}

async fn reserved(service: &Service) {
    eventually("the hold is reserved", async || (service.calcom.reservations().len() == 1).then_some(()))
        .await;
    eventually("the scheduler knows", async || {
        service.scheduler(COMPANY).await["holds"][0]["reserved_until"].is_string().then_some(())
    })
    .await;
}

async fn taken_away(service: &Service) {
    eventually("the reservation is gone", async || service.calcom.reservations().is_empty().then_some(()))
        .await;
    assert_eq!(service.calcom.requests(Some(Operation::ReservationRelease)).len(), 1);
}

/// What a counter stands at.
async fn counted(service: &Service, series: &str) -> u64 {
    let metrics = String::from_utf8(service.retell.get("/metrics").await.body).unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_slot_is_hidden_from_web_bookers_until_it_is_booked() {
    let service = hinting().await;
    let (call, at) = (call("call_n1"), slot(11, 15));
    service.retell.event(&event("call_started", &call)).await;
    assert!(web_booker_sees(&service, &at, 0).await);
    check(&service, &call, "Dauerwelle", &at).await;
    reserved(&service).await;
    let standing = service.calcom.reservations().remove(0);
    assert_eq!((standing.event_type_id, standing.span.0), (PERM, at.starts_ms));
    assert!(!web_booker_sees(&service, &at, 1).await);
    check(&service, &call, "Dauerwelle", &at).await;
    let order = json!({ "customer_name": "Anna Schmidt" });
    let booked = service.retell.function("book_appointment", &call, order).await.json();
    assert_eq!(booked["status"], "confirmed", "{booked}");
    taken_away(&service).await;
    assert!(!web_booker_sees(&service, &at, 2).await, "it is booked");
    assert_eq!(service.calcom.requests(Some(Operation::Reserve)).len(), 1);
    for operation in ["reserve", "unreserve"] {
        let series = format!("askpro_calcom_requests_total{{operation=\"{operation}\",outcome=\"ok\"}}");
        eventually(&series, async || (counted(&service, &series).await > 0).then_some(())).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_slot_is_shown_to_web_bookers_again_after_the_hang_up() {
    let service = hinting().await;
    let (call, at) = (call("call_n2"), slot(11, 15));
    service.retell.event(&event("call_started", &call)).await;
    check(&service, &call, "Dauerwelle", &at).await;
    reserved(&service).await;
    assert!(!web_booker_sees(&service, &at, 0).await);
    service.retell.event(&event("call_ended", &over(&call, 30_000, "user_hangup"))).await;
    taken_away(&service).await;
    assert!(web_booker_sees(&service, &at, 1).await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_pool_is_not_reserved_and_says_so() {
    let service = hinting().await;
    let (call, at) = (call("call_n3"), slot(11, 0));
    service.retell.event(&event("call_started", &call)).await;
    check(&service, &call, "Herrenhaarschnitt", &at).await;
    let series = "askpro_reservations_skipped_total{reason=\"pool\"}";
    eventually(series, async || (counted(&service, series).await > 0).then_some(())).await;
    assert!(service.calcom.requests(Some(Operation::Reserve)).is_empty());
    service.stop().await;
}
