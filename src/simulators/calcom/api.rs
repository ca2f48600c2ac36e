//! One request from arrival to answer: version, key, limit, faults, log, and the way to its operation.

use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};

use super::faults::{FaultKind, Operation, Trouble};
use super::refusal::Refusal;
use super::state::RequestRecord;
use super::throttle::Pass;
use super::{Shared, bookings, control, faults, reservations, slots, view};
use crate::simulators::server;

/// The version of callers that send none, or one that Cal.com does not know.
const VERSION_FALLBACK: &str = "2024-04-15";
const VERSIONS: [&str; 8] = [
    "2024-06-11",
    "2024-06-14",
    "2024-08-13",
    "2024-09-04",
    "2026-02-25",
    "2026-05-01",
    "2026-06-12",
    VERSION_FALLBACK,
];

/// A success: status and body.
pub(super) type Success = (u16, Value);

/// A request, read but not judged.
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// With the query.
    pub(super) path: String,
    /// From the path.
    pub(super) uid: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) version: &'static str,
    /// The bearer token, known or not.
    pub(super) token: Option<String>,
    pub(super) body: web::Bytes,
}

impl Call {
    fn read(request: &HttpRequest, body: web::Bytes) -> Self {
        let (operation, uid) = route(request.method(), request.path());
        let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let sent = header("cal-api-version").unwrap_or(VERSION_FALLBACK);
        let token = header(header::AUTHORIZATION.as_str()).map(|value| value.trim_start_matches("Bearer "));
        Self {
            operation,
            method: request.method().clone(),
            path: request.uri().to_string(),
            uid,
            query: query.map(web::Query::into_inner).unwrap_or_default(),
            version: VERSIONS.into_iter().find(|known| *known == sent).unwrap_or(VERSION_FALLBACK),
            token: token.filter(|token| !token.is_empty()).map(str::to_owned),
            body,
        }
    }

    /// A query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses query parameters that are not in `allowed`.
    pub(super) fn allow_parameters(&self, allowed: &[&str]) -> Result<(), Refusal> {
        let unknown = self.query.iter().find(|(key, _)| !allowed.contains(&key.as_str()));
        unknown.map_or(Ok(()), |(key, _)| Err(Refusal::unknown_property(key)))
    }

    /// The body as an object.
    pub(super) fn json(&self) -> Result<Map<String, Value>, Refusal> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::bad_request("Request body must be an object")),
            Err(_) if self.body.is_empty() => Ok(Map::new()),
            Err(_) => Err(Refusal::bad_request("Unexpected token in JSON")),
        }
    }

    /// Event type of an order, and what it carries for whoever ordered.
    fn ordered(&self) -> (Option<i64>, Map<String, Value>) {
        let of = |mut body: Map<String, Value>| {
            let metadata = match body.remove("metadata") {
                Some(Value::Object(metadata)) => metadata,
                _ => Map::new(),
            };
            (body.get("eventTypeId").and_then(Value::as_i64), metadata)
        };
        let is_order = self.operation == Operation::Create;
        if is_order { self.json().map(of).unwrap_or_default() } else { Default::default() }
    }

    fn no_such_route(&self) -> Refusal {
        Refusal::not_found(format!("Cannot {} {}", self.method, self.path))
    }
}

fn route(method: &Method, path: &str) -> (Operation, String) {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (operation, uid) = match (method.as_str(), parts.as_slice()) {
        ("GET", ["v2", "slots"]) => (Operation::Slots, ""),
        ("POST", ["v2", "slots", "reservations"]) => (Operation::Reserve, ""),
        ("GET", ["v2", "slots", "reservations", uid]) => (Operation::ReservationGet, *uid),
        ("PATCH", ["v2", "slots", "reservations", uid]) => (Operation::ReservationChange, *uid),
        ("DELETE", ["v2", "slots", "reservations", uid]) => (Operation::ReservationRelease, *uid),
        ("POST", ["v2", "bookings"]) => (Operation::Create, ""),
        ("GET", ["v2", "bookings"]) => (Operation::List, ""),
        ("GET", ["v2", "bookings", uid]) => (Operation::Get, *uid),
        ("POST", ["v2", "bookings", uid, "cancel"]) => (Operation::Cancel, *uid),
        ("POST", ["v2", "bookings", uid, "reschedule"]) => (Operation::Reschedule, *uid),
        ("GET", ["v2", "me"]) => (Operation::Me, ""),
        _ => (Operation::Unknown, ""),
    };
    (operation, uid.to_owned())
}

/// How a request ends.
enum Outcome {
    Success(Success),
    Refusal(Refusal),
    /// Without an answer.
    Cut,
}

impl From<Result<Success, Refusal>> for Outcome {
    fn from(result: Result<Success, Refusal>) -> Self {
        result.map_or_else(Self::Refusal, Self::Success)
    }
}

/// Answers every request.
pub(super) async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> HttpResponse {
    if request.path().starts_with("/_sim/") {
        return control::answer(&request, &body, &shared);
    }
    let call = Call::read(&request, body);
    let path = call.path.clone();
    let now = shared.now();
    let (place, pass, admitted) = admit(&shared, &call, now);
    let outcome = match admitted {
        Err(refusal) => Outcome::Refusal(refusal),
        Ok(trouble) => serve_to_the_end(shared.clone(), call, trouble).await,
    };
    let response = match outcome {
        Outcome::Success((status, body)) => respond(status, Some(&body), pass),
        Outcome::Refusal(refusal) => respond(refusal.status(), refusal.body(&path, now).as_ref(), pass),
        Outcome::Cut => {
            server::cut_line(&request);
            return HttpResponse::InternalServerError().finish();
        }
    };
    shared.state().log_status(place, response.status().as_u16());
    response
}

/// Logs the request, counts it against its limit, checks its key and takes its faults from the script.
fn admit(shared: &Shared, call: &Call, now: i64) -> (usize, Option<Pass>, Result<Trouble, Refusal>) {
    let mut state = shared.state();
    let token = call.token.as_deref();
    let suffix = token.map(|token| token.chars().skip(token.chars().count().saturating_sub(4)).collect());
    let (event_type_id, metadata) = call.ordered();
    let place = state.log_request(RequestRecord {
        at_ms: now,
        operation: call.operation,
        key_suffix: suffix.unwrap_or_default(),
        status: None,
        event_type_id,
        metadata,
    });
    if let Some(refusal) = token.and_then(|token| unknown_token(&state.world, token)) {
        return (place, None, Err(refusal));
    }
    let limit = faults::limit(&state.faults, token, call.operation).or(shared.options.requests_per_minute);
    let pass = limit.map(|limit| state.throttle(token, now, limit));
    if pass.is_some_and(|pass| !pass.allowed) {
        return (place, pass, Err(Refusal::too_many()));
    }
    let trouble = faults::take(&mut state.faults, token, call.operation);
    (place, pass, Ok(trouble))
}

fn unknown_token(world: &super::World, token: &str) -> Option<Refusal> {
    let known = world.company_of_key(token).is_some();
    let message = if token.starts_with("cal_") { "Invalid API Key" } else { "Invalid Access Token." };
    (!known).then(|| Refusal::unauthorized(message))
}

/// Goes on when the caller hangs up, as a real server does.
async fn serve_to_the_end(shared: web::Data<Shared>, call: Call, trouble: Trouble) -> Outcome {
    let work = actix_web::rt::spawn(async move { serve(&shared, &call, trouble).await });
    work.await.unwrap_or_else(|_| Outcome::Refusal(Refusal::internal()))
}

async fn serve(shared: &Shared, call: &Call, trouble: Trouble) -> Outcome {
    if trouble.wait_ms > 0 {
        wait(trouble.wait_ms).await;
    }
    match trouble.fault {
        None | Some(FaultKind::Slow { .. } | FaultKind::Limited { .. }) => perform(shared, call).await.into(),
        Some(FaultKind::SlowAnswer { ms }) => {
            let result = perform(shared, call).await;
            wait(ms).await;
            result.into()
        }
        Some(FaultKind::InternalError) => Outcome::Refusal(Refusal::internal()),
        Some(FaultKind::BadGateway) => Outcome::Refusal(Refusal::Gateway),
        Some(FaultKind::RateLimited) => Outcome::Refusal(Refusal::too_many()),
        Some(FaultKind::Hang { ms }) => {
            wait(ms).await;
            Outcome::Cut
        }
        Some(FaultKind::DropAfterAccept) => {
            let _ = perform(shared, call).await;
            Outcome::Cut
        }
        Some(FaultKind::DropBefore) => Outcome::Cut,
        Some(FaultKind::StaleBooking) => Outcome::Success(bookings::stale(shared)),
    }
}

async fn wait(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

async fn perform(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let reservation_versions = &["2024-09-04"][..];
    let booking_versions = &["2024-08-13", "2026-02-25"][..];
    let (versions, signed_in) = match call.operation {
        Operation::Slots
        | Operation::Reserve
        | Operation::ReservationGet
        | Operation::ReservationChange
        | Operation::ReservationRelease => (reservation_versions, false),
        Operation::Get | Operation::Cancel | Operation::Reschedule => (booking_versions, false),
        Operation::Create | Operation::Me => (&VERSIONS[..], call.operation == Operation::Me),
        Operation::List => (&["2024-08-13", "2026-02-25", "2026-05-01", VERSION_FALLBACK][..], true),
        Operation::Unknown => return Err(call.no_such_route()),
    };
    if !versions.contains(&call.version) {
        return Err(call.no_such_route());
    }
    if signed_in && call.token.is_none() {
        return Err(Refusal::unauthorized(
            "ApiAuthStrategy - No authentication method provided. Either pass an API key as 'Bearer' header \
             or OAuth client credentials as 'x-cal-secret-key' and 'x-cal-client-id' headers",
        ));
    }
    match call.operation {
        Operation::Slots => slots::list(shared, call),
        Operation::Reserve => reservations::create(shared, call).await,
        Operation::ReservationGet => Ok(reservations::get(shared, &call.uid)),
        Operation::ReservationChange => reservations::change(shared, call),
        Operation::ReservationRelease => Ok(reservations::release(shared, &call.uid)),
        Operation::Create => match call.version {
            "2024-08-13" | "2026-02-25" => bookings::create(shared, call).await,
            VERSION_FALLBACK => Err(bookings::refuse_old_shape(call)),
            _ => Err(call.no_such_route()),
        },
        Operation::Get => bookings::get(shared, &call.uid),
        Operation::List => bookings::list(shared, call),
        Operation::Cancel => bookings::cancel(shared, call),
        Operation::Reschedule => bookings::reschedule(shared, call).await,
        Operation::Me => view::me(&shared.state().world, call.token.as_deref()),
        Operation::Unknown => Err(call.no_such_route()),
    }
}

fn respond(status: u16, body: Option<&Value>, pass: Option<Pass>) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(pass) = pass {
        response.insert_header(("X-RateLimit-Limit-Default", pass.limit.to_string()));
        response.insert_header(("X-RateLimit-Remaining-Default", pass.remaining.to_string()));
        response.insert_header(("X-RateLimit-Reset-Default", pass.reset_s.to_string()));
    }
    match body {
        Some(body) => response.json(body),
        None => response.content_type("text/html").body("<html><h1>502 Bad Gateway</h1></html>"),
    }
}
