//! `GET /v2/get-call/{id}` and `POST /v3/list-calls` for the calls that were generated.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::{Value, json};

use super::filter;
use super::script::{CallScript, DeliveryKind};
use crate::simulators::Now;
use crate::simulators::server::Server;

/// Calls that are remembered; the oldest are forgotten first.
const CALLS_MAX: usize = 20_000;
const LIST_LIMIT_MAX: u64 = 1_000;
const TRANSCRIPTS: [&str; 3] = ["transcript", "transcript_object", "transcript_with_tool_calls"];

/// Starts simulated Retells.
#[derive(Debug)]
pub struct RetellSimulator;

impl RetellSimulator {
    /// Serves on `bind` (`127.0.0.1:0` picks a free port) until the handle is stopped or dropped. Callers show
    /// `api_key` as a bearer.
    ///
    /// # Errors
    /// When the address cannot be bound or the server's thread cannot start.
    pub fn start(bind: &str, api_key: &str, now: Now) -> io::Result<RetellHandle> {
        let shared = Arc::new(Shared { api_key: api_key.to_owned(), now, state: Mutex::default() });
        let served = web::Data::from(shared.clone());
        let server = Server::start(bind, move |config| {
            config.app_data(served.clone()).default_service(web::to(answer));
        })?;
        Ok(RetellHandle { server, shared })
    }
}

/// A running Retell. It stops when this is dropped.
pub struct RetellHandle {
    server: Server,
    shared: Arc<Shared>,
}

impl RetellHandle {
    /// `http://address:port`
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// Closes every connection and waits for the server's threads.
    pub fn stop(self) {
        self.server.stop();
    }

    /// Makes a call known: what is told about it follows the clock through its stages.
    pub fn remember(&self, script: &CallScript) {
        if let Some(call) = Call::of(script) {
            self.shared.state().remember(script.call_id.clone(), call);
        }
    }

    /// Answers everything with this status from now on; `None` ends that.
    pub fn fail_with(&self, status: Option<u16>) {
        self.shared.state().failing = status;
    }

    /// How many requests came in.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.state().requests
    }
}

impl std::fmt::Debug for RetellHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RetellHandle").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

struct Shared {
    api_key: String,
    now: Now,
    state: Mutex<State>,
}

impl Shared {
    /// The state, also after a panic of another thread: each change to it is complete in itself.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct State {
    calls: HashMap<String, Call>,
    order: VecDeque<String>,
    failing: Option<u16>,
    requests: u64,
}

impl State {
    fn remember(&mut self, call_id: String, call: Call) {
        if self.order.len() >= CALLS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
        if self.calls.insert(call_id.clone(), call).is_none() {
            self.order.push_back(call_id);
        }
    }
}

/// A call's stages: from when on they hold, and the event that brought them.
struct Call {
    stages: Vec<(i64, Bytes)>,
}

impl Call {
    fn of(script: &CallScript) -> Option<Self> {
        let event = |name: &str| {
            let mut all = script.deliveries.iter();
            let found = all.find(|delivery| delivery.kind == DeliveryKind::Event && delivery.event == name);
            found.map(|delivery| (delivery.due_ms, delivery.body.clone()))
        };
        let stages: Vec<_> =
            ["call_started", "call_ended", "call_analyzed"].into_iter().filter_map(event).collect();
        (!stages.is_empty()).then_some(Self { stages })
    }

    fn at(&self, now: i64) -> Option<Value> {
        let (_, body) = self.stages.iter().rev().find(|(from, _)| *from <= now)?;
        let mut event: Value = serde_json::from_slice(body).ok()?;
        event.get_mut("call").map(Value::take)
    }

    fn listed_at(&self, now: i64) -> Option<Value> {
        let mut call = self.at(now)?;
        for transcript in TRANSCRIPTS {
            call.as_object_mut()?.remove(transcript);
        }
        Some(call)
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let (status, body) = respond(&request, &body, &shared)
        .unwrap_or_else(|(status, message)| (status, json!({ "status": "error", "message": message })));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(body)
}

type Answer = Result<(u16, Value), (u16, String)>;

fn respond(request: &HttpRequest, body: &[u8], shared: &Shared) -> Answer {
    let mut state = shared.state();
    state.requests += 1;
    if let Some(status) = state.failing {
        return Err((status, "Internal server error".to_owned()));
    }
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if bearer.and_then(|bearer| bearer.strip_prefix("Bearer ")) != Some(shared.api_key.as_str()) {
        return Err((401, "Invalid API Key".to_owned()));
    }
    let now = (shared.now)();
    match (request.method().as_str(), request.path()) {
        ("POST", "/v3/list-calls") => list(&state, body, now),
        ("GET", path) => match path.strip_prefix("/v2/get-call/") {
            Some(call_id) => get(&state, call_id, now),
            None => Err((404, "Not Found".to_owned())),
        },
        _ => Err((404, "Not Found".to_owned())),
    }
}

fn get(state: &State, call_id: &str, now: i64) -> Answer {
    let call = state.calls.get(call_id).and_then(|call| call.at(now));
    call.map(|call| (200, call)).ok_or_else(|| (404, format!("Cannot find requested call: {call_id}")))
}

fn list(state: &State, body: &[u8], now: i64) -> Answer {
    let wish: Value = if body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(body).map_err(|_| (400, "The body is no JSON".to_owned()))?
    };
    let limit = wish
        .get("limit")
        .map_or(Some(50), Value::as_u64)
        .filter(|limit| (1..=LIST_LIMIT_MAX).contains(limit));
    let limit = limit.ok_or_else(|| (400, format!("limit must be between 1 and {LIST_LIMIT_MAX}")))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for call in state.order.iter().filter_map(|id| state.calls.get(id)).filter_map(|call| call.listed_at(now))
    {
        if filter::matches(&call, wish.get("filter_criteria")).map_err(|message| (400, message))? {
            found.push(call);
        }
    }
    let start = |call: &Value| call.get("start_timestamp").and_then(Value::as_i64).unwrap_or(i64::MIN);
    found.sort_by_key(start);
    if wish.get("sort_order").and_then(Value::as_str) != Some("ascending") {
        found.reverse();
    }
    let skip = first_of_page(&wish)?;
    let total = found.len();
    let items: Vec<Value> = found.into_iter().skip(skip).take(limit).collect();
    let end = skip + items.len();
    let mut answer = json!({ "items": items, "has_more": end < total });
    if let Some(answer) = answer.as_object_mut() {
        if end < total {
            answer.insert("pagination_key".to_owned(), json!(format!("p{end}")));
        }
        if wish.get("include_total").and_then(Value::as_bool) == Some(true) {
            answer.insert("total".to_owned(), json!(total));
        }
    }
    Ok((200, answer))
}

fn first_of_page(wish: &Value) -> Result<usize, (u16, String)> {
    let skip =
        wish.get("skip").and_then(Value::as_u64).and_then(|skip| usize::try_from(skip).ok()).unwrap_or(0);
    let Some(key) = wish.get("pagination_key").and_then(Value::as_str) else { return Ok(skip) };
    let place = key.strip_prefix('p').and_then(|place| place.parse().ok());
    place.ok_or_else(|| (400, "Invalid pagination_key".to_owned()))
}
