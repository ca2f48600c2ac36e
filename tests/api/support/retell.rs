//! Retell's side of the line: signed events and function calls.

use askpro::simulators::retell::sign;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{
    days::now_ms,
    service::{ADMIN_TOKEN, http},
};

/// A Retell that signs with one key. Clones share connections.
#[derive(Clone)]
pub struct Retell {
    pub http: Client,
    pub base: String,
    pub key: String,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    pub content_type: String,
    pub retry_after: Option<u64>,
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Self {
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        Self {
            status: response.status(),
            content_type: header("content-type").unwrap_or_default(),
            retry_after: header("retry-after").map(|v| v.parse().unwrap()),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// `code` of a function's answer or of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Checks that it is a problem as RFC 9457 has it.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{body}");
        assert_eq!(self.content_type, "application/problem+json", "{body}");
        let json = self.json();
        assert_eq!(json["code"], code, "{body}");
        assert_eq!(json["status"], status, "{body}");
        for field in ["type", "title", "detail"] {
            assert!(json[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {body}");
        }
    }
}

impl Retell {
    pub fn new(base: &str, key: &str) -> Self {
        Self { http: http(), base: base.to_owned(), key: key.to_owned() }
    }

    /// The same voice with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// A signed POST that was not sent yet.
    pub fn signed(&self, path: &str, body: &[u8], at_ms: i64) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header("x-retell-signature", sign(&self.key, body, at_ms))
            .body(body.to_vec())
    }

    pub async fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        Answer::read(self.signed(path, body, now_ms()).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string().as_bytes()).await
    }

    /// Sends an event, which must be taken.
    #[track_caller]
    pub fn event(&self, body: &Value) -> impl Future<Output = ()> {
        let (retell, body) = (self.clone(), body.clone());
        async move {
            let answer = retell.post("/webhooks/retell", &body).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}: {:?}", body["event"], answer);
        }
    }

    /// Calls a function by its address and gives the whole answer.
    pub async fn function(&self, name: &str, call: &Value, args: Value) -> Answer {
        let body = json!({ "name": name, "call": call, "args": args });
        self.post(&format!("/functions/retell/{name}"), &body).await
    }

    /// Asks an admin route with the token.
    pub async fn admin(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.admin_answer("GET", path).await;
        (answer.status, answer.json())
    }

    pub async fn admin_answer(&self, method: &str, path: &str) -> Answer {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        Answer::read(request.bearer_auth(ADMIN_TOKEN).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::read(self.http.get(format!("{}{path}", self.base)).send().await.unwrap()).await
    }
}

/// A call of Anna's to company A, as far as it has come.
pub fn call(call_id: &str) -> Value {
    call_to("+493083793369", "agent_a1", call_id)
}

/// A call of Anna's to this number.
pub fn call_to(number: &str, agent: &str, call_id: &str) -> Value {
    json!({
        "call_id": call_id, "call_type": "phone_call", "agent_id": agent, "agent_version": 4,
        "call_status": "ongoing", "start_timestamp": now_ms() - 1_000, "direction": "inbound",
        "from_number": "+4915112345678", "to_number": number,
    })
}

/// An event of a call.
pub fn event(name: &str, call: &Value) -> Value {
    json!({ "event": name, "call": call, "event_timestamp": now_ms() })
}

/// The call as it is when it is over.
pub fn over(call: &Value, duration_ms: i64, reason: &str) -> Value {
    let mut call = call.clone();
    let start = call["start_timestamp"].as_i64().unwrap_or_else(now_ms);
    let end = json!({
        "call_status": "ended", "end_timestamp": start + duration_ms, "duration_ms": duration_ms,
        "disconnection_reason": reason, "transcript": "Agent: Guten Tag!\nUser: Hallo.\n",
    });
    merge(&mut call, end);
    call
}

/// Sets the fields of `changes` in `object`.
pub fn merge(object: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else { panic!("an object is expected") };
    object.as_object_mut().unwrap().extend(changes);
}

/// A recorded shape of Retell's from the fixtures.
pub fn fixture(name: &str) -> Value {
    fixture_of("retell", name)
}

/// A recorded shape of a vendor's from the fixtures.
pub fn fixture_of(vendor: &str, name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{vendor}/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))).unwrap()
}
