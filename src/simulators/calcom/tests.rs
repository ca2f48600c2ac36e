//! The simulated Cal.com, asked over HTTP: refusals and envelopes, the race, reservations, faults, limits.

mod bookings;
mod faults;
mod refusals;
mod slots;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CalcomHandle, CalcomOptions, CalcomSimulator, World, time};

const KEY: &str = "cal_test_a";
const NEWEST: &str = "2026-02-25";

/// A Cal.com for the hairdresser of the stories, its clock on Mon 2026-11-23 09:00 in Berlin.
struct Bench {
    calcom: CalcomHandle,
    clock: Arc<AtomicI64>,
    client: reqwest::Client,
}

struct Reply {
    status: StatusCode,
    json: Value,
    headers: reqwest::header::HeaderMap,
}

impl Reply {
    /// `A` or `B`, and the message in it.
    fn refusal(&self) -> (u16, char, String) {
        let framework = self.json.pointer("/error/message").and_then(Value::as_str);
        let engine = self.json.get("message").and_then(Value::as_str);
        let (envelope, message) = framework.map_or(('B', engine), |message| ('A', Some(message)));
        if envelope == 'A' {
            assert_eq!(self.json["status"], "error");
            assert_eq!(self.json["error"]["details"]["statusCode"], self.status.as_u16());
        } else {
            assert_eq!(self.json["statusCode"], self.status.as_u16());
        }
        (self.status.as_u16(), envelope, message.unwrap_or_default().to_owned())
    }

    fn uid(&self) -> String {
        self.json["data"]["uid"].as_str().unwrap_or_default().to_owned()
    }
}

fn instant(written: &str) -> i64 {
    time::parse_instant(written).expect("an instant")
}

fn import() -> Value {
    let week: Value =
        ["mon", "tue", "wed", "thu", "fri"].map(|day| (day, json!(["09:00-18:00"]))).into_iter().collect();
    json!({ "companies": [{
        "slug": "friseur-mitte", "name": "Friseur Mitte", "time_zone": "Europe/Berlin", "notice_minutes": 15,
        "calcom_api_key": KEY, "calcom_webhook_secret": "whsec_a",
        "branches": [{ "slug": "mitte", "name": "Mitte", "opening_hours": week }],
        "staff": [
            { "slug": "udo", "name": "Udo", "branch": "mitte", "calcom_user_id": 9001 },
            { "slug": "mia", "name": "Mia", "branch": "mitte", "calcom_user_id": 9002 },
        ],
        "services": [
            { "slug": "herrenhaarschnitt", "name": "Herrenhaarschnitt", "duration_minutes": 30,
              "calcom_event_type_id": 2001, "staff": ["udo", { "slug": "mia", "calcom_event_type_id": 2011 }] },
            { "slug": "dauerwelle", "duration_minutes": 135, "calcom_event_type_id": 2002, "staff": ["udo"] },
        ],
    }] })
}

impl Bench {
    fn start() -> Self {
        Self::with(|_| {}, |_| {})
    }

    fn with(world: impl FnOnce(&mut World), options: impl FnOnce(&mut CalcomOptions)) -> Self {
        let clock = Arc::new(AtomicI64::new(instant("2026-11-23T08:00:00Z")));
        let read = clock.clone();
        let mut all = CalcomOptions::new(Arc::new(move || read.load(Ordering::SeqCst)));
        all.race_delay_ms = 0..=0;
        options(&mut all);
        let mut built = World::from_import_json(&import()).expect("a world");
        world(&mut built);
        let calcom = CalcomSimulator::start("127.0.0.1:0", built, all).expect("a server");
        Self { calcom, clock, client: crate::simulators::http_client().expect("a client") }
    }

    fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Reply> {
        let url = format!("{}{path}", self.calcom.base_url());
        let mut request =
            self.client.request(method, url).bearer_auth(KEY).header("cal-api-version", version);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let json = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
        Ok(Reply { status, json, headers })
    }

    async fn get(&self, path: &str, version: &str) -> Reply {
        self.ask(Method::GET, path, version, None).await.expect("an answer")
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::POST, path, NEWEST, Some(body)).await.expect("an answer")
    }

    async fn book(&self, event_type: i64, start: &str) -> Reply {
        self.post("/v2/bookings", &order(event_type, start)).await
    }

    async fn slots(&self, event_type: i64, day: &str) -> Vec<String> {
        let path = format!("/v2/slots?eventTypeId={event_type}&start={day}&end={day}");
        let reply = self.get(&path, "2024-09-04").await;
        assert_eq!(reply.status, 200, "{}", reply.json);
        let slots = reply.json["data"][day].as_array().cloned().unwrap_or_default();
        slots.iter().filter_map(|slot| slot["start"].as_str().map(str::to_owned)).collect()
    }
}

fn order(event_type: i64, start: &str) -> Value {
    json!({
        "start": start,
        "eventTypeId": event_type,
        "attendee": { "name": "Anna Schmidt", "timeZone": "Europe/Berlin", "phoneNumber": "+4915112345678" },
        "metadata": { "callId": "call_c1" },
    })
}

fn order_for(event_type: i64, start: &str, phone: &str) -> Value {
    let mut order = order(event_type, start);
    order["attendee"]["phoneNumber"] = json!(phone);
    order
}
