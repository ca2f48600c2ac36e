//! `/_sim/…`: the levers and gauges of the simulator, over HTTP for those outside its process.
//!
//! | route | |
//! |---|---|
//! | `GET`, `POST`, `DELETE /_sim/faults` | the script: one fault or a list of them; `DELETE` clears it |
//! | `GET`, `POST /_sim/bookings` | all bookings; `{eventTypeId, hostId?, start}` books from outside |
//! | `GET /_sim/reservations` | those that stand |
//! | `GET /_sim/overlaps` | the oracle of double booking |
//! | `GET /_sim/requests?operation=` | the log |
//! | `GET /_sim/counters` | requests by operation, bookings by status |
//! | `POST /_sim/webhooks` | `{"url": …}` sends webhooks from now on |

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Fault;
use super::state::State;
use super::{Shared, bookings, handle, time};

#[derive(Deserialize)]
#[serde(untagged)]
enum Script {
    Many(Vec<Fault>),
    Wrapped { faults: Vec<Fault> },
    One(Fault),
}

/// Answers a request to the simulator itself.
pub(super) fn answer(request: &HttpRequest, body: &[u8], shared: &Shared) -> HttpResponse {
    let answered = match (request.method().as_str(), request.path()) {
        ("GET", "/_sim/faults") => Ok(json!(shared.state().faults)),
        ("POST", "/_sim/faults") => add_faults(shared, body),
        ("DELETE", "/_sim/faults") => {
            shared.state().faults.clear();
            Ok(json!([]))
        }
        ("GET", "/_sim/bookings") => Ok(json!(shared.state().bookings)),
        ("POST", "/_sim/bookings") => book(shared, body),
        ("GET", "/_sim/reservations") => Ok(json!(handle::reservations(&shared.state(), shared.now()))),
        ("GET", "/_sim/overlaps") => Ok(json!(handle::overlaps(&shared.state()))),
        ("GET", "/_sim/requests") => Ok(requests(&shared.state(), request.query_string())),
        ("GET", "/_sim/counters") => Ok(counters(&shared.state())),
        ("POST", "/_sim/webhooks") => set_webhooks(shared, body),
        _ => return HttpResponse::NotFound().json(json!({ "message": "see the simulator's routes" })),
    };
    match answered {
        Ok(body) => HttpResponse::Ok().json(body),
        Err(message) => HttpResponse::BadRequest().json(json!({ "message": message })),
    }
}

fn add_faults(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let script: Script = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let faults = match script {
        Script::Many(faults) | Script::Wrapped { faults } => faults,
        Script::One(fault) => vec![fault],
    };
    let mut state = shared.state();
    state.faults.extend(faults);
    Ok(json!(state.faults))
}

fn book(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let wish: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let event_type = wish.get("eventTypeId").and_then(Value::as_i64).ok_or("eventTypeId is missing")?;
    let start = wish.get("start").and_then(Value::as_str).and_then(time::parse_instant);
    let host = wish.get("hostId").and_then(Value::as_i64);
    let booked = bookings::book_outside(shared, event_type, host, start.ok_or("start is missing")?);
    booked.map(|booking| json!(booking)).map_err(|refusal| format!("{refusal:?}"))
}

fn set_webhooks(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let wish: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let url = wish.get("url").and_then(Value::as_str).map(str::to_owned);
    shared.state().webhook_url.clone_from(&url);
    Ok(json!({ "url": url }))
}

fn requests(state: &State, query: &str) -> Value {
    let only = query.strip_prefix("operation=");
    let wanted = state.requests().filter(|record| only.is_none_or(|only| json!(record.operation) == only));
    json!(wanted.collect::<Vec<_>>())
}

fn counters(state: &State) -> Value {
    let mut requests: BTreeMap<String, u64> = BTreeMap::new();
    for record in state.requests() {
        let operation = json!(record.operation).as_str().unwrap_or_default().to_owned();
        *requests.entry(operation).or_default() += 1;
    }
    let mut bookings: BTreeMap<String, u64> = BTreeMap::new();
    for booking in &state.bookings {
        let status = json!(booking.status).as_str().unwrap_or_default().to_owned();
        *bookings.entry(status).or_default() += 1;
    }
    json!({ "requests": requests, "bookings": bookings, "overlaps": handle::overlaps(state).len() })
}
