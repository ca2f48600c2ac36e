//! The bodies of a call: its object at each stage, and the envelopes around it.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::conversation::ToolUse;
use super::scene::{Ending, Scene};
use super::script::CallKind;

const TRANSFER_TARGET: &str = "+493012345678";

/// A call object: small fields, and transcripts that are text already.
#[derive(Debug, Clone)]
pub(super) struct CallBody {
    fields: Map<String, Value>,
    transcript_object: Option<String>,
    with_tool_calls: Option<String>,
}

impl CallBody {
    /// Sets a field.
    pub(super) fn put(&mut self, name: &str, value: Value) {
        self.fields.insert(name.to_owned(), value);
    }

    fn json(&self) -> String {
        let mut text = serde_json::to_string(&self.fields).unwrap_or_default();
        let raw = [
            ("transcript_object", &self.transcript_object),
            ("transcript_with_tool_calls", &self.with_tool_calls),
        ];
        for (name, raw) in raw {
            if let Some(raw) = raw {
                // There are always fields before: the object ends with a brace and needs a comma.
                text.pop();
                text.reserve(raw.len() + 64);
                text += &format!(",\"{name}\":");
                text += raw;
                text.push('}');
            }
        }
        text
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `{"event", "call", "event_timestamp"}`
pub(super) fn event(event: &str, call: &CallBody, at_ms: i64) -> Bytes {
    envelope(event, call, "", at_ms)
}

/// A transfer event: the destination stands beside the call.
pub(super) fn transfer_event(event: &str, call: &CallBody, at_ms: i64) -> Bytes {
    let destination = json!({ "number": TRANSFER_TARGET });
    let option = json!({ "type": "cold_transfer", "showTransfereeAsCaller": true });
    let beside = format!(",\"transfer_destination\":{destination},\"transfer_option\":{option}");
    envelope(event, call, if event == "transfer_ended" { "" } else { &beside }, at_ms)
}

fn envelope(event: &str, call: &CallBody, beside: &str, at_ms: i64) -> Bytes {
    let call = call.json();
    Bytes::from(format!("{{\"event\":\"{event}\",\"call\":{call}{beside},\"event_timestamp\":{at_ms}}}"))
}

/// `call_inbound`
pub(super) fn inbound(scene: &Scene, at_ms: i64) -> Bytes {
    bytes(&json!({
        "event": "call_inbound",
        "event_timestamp": at_ms,
        "call_inbound": {
            "call_id": scene.call_id,
            "agent_id": scene.line.agent_id,
            "agent_version": 1,
            "from_number": scene.customer_number,
            "to_number": scene.line.to_number,
        },
    }))
}

/// A function call: name, arguments and the call so far.
pub(super) fn function(scene: &Scene, tool: &ToolUse) -> Bytes {
    let (name, call) = (tool.name, ongoing(scene, tool.at_s).json());
    Bytes::from(format!("{{\"name\":\"{name}\",\"call\":{call},\"args\":{}}}", tool.arguments))
}

/// `transcript_updated` at a moment: the items with tool calls stand beside the call.
pub(super) fn transcript_updated(scene: &Scene, at_s: f64, at_ms: i64) -> Bytes {
    let mut call = ongoing(scene, at_s);
    let items = call.with_tool_calls.take().unwrap_or_else(|| "[]".to_owned());
    envelope("transcript_updated", &call, &format!(",\"transcript_with_tool_calls\":{items}"), at_ms)
}

/// The call while it lasts, `at_s` seconds after its start.
pub(super) fn ongoing(scene: &Scene, at_s: f64) -> CallBody {
    let mut call = basics(scene, "ongoing");
    call.put("start_timestamp", json!(scene.start_ms));
    put_transcript(&mut call, scene, at_s);
    call.put("latency", json!({}));
    call.put("call_cost", cost(0.0));
    call
}

/// The call when it is over.
pub(super) fn ended(scene: &Scene) -> CallBody {
    let mut call = basics(scene, scene.ending.status());
    call.put("duration_ms", json!(scene.duration_ms));
    call.put("disconnection_reason", json!(scene.ending.reason()));
    if matches!(scene.ending, Ending::NotConnected(_)) {
        call.put("transcript", json!(""));
        call.with_tool_calls = Some("[]".to_owned());
        call.put("call_cost", json!({ "product_costs": [], "combined_cost": 0 }));
        return call;
    }
    call.put("start_timestamp", json!(scene.start_ms));
    call.put("end_timestamp", json!(scene.end_ms()));
    put_transcript(&mut call, scene, f64::INFINITY);
    let recording = format!("https://dxc03zgurdly9.cloudfront.net/{}", scene.recording);
    call.put("recording_url", json!(format!("{recording}/recording.wav")));
    call.put("recording_multi_channel_url", json!(format!("{recording}/recording_multichannel.wav")));
    call.put("public_log_url", json!(format!("{recording}/public.log")));
    call.put("latency", latency(scene));
    call.put("call_cost", cost(scene.duration_s()));
    call.put("llm_token_usage", tokens(scene));
    if let Some(booking) = &scene.booking {
        let collected = json!({ "last_node_name": "booking", "service": booking.service });
        call.put("collected_dynamic_variables", collected);
    }
    if scene.ending == (Ending::Transfer { bridged: true }) {
        call.put("transfer_destination", json!(TRANSFER_TARGET));
    }
    call
}

/// The analysis that `call_analyzed` adds.
pub(super) fn analysis(scene: &Scene) -> Value {
    if matches!(scene.ending, Ending::NotConnected(_)) {
        return json!({
            "call_summary": "",
            "user_sentiment": "Unknown",
            "call_successful": false,
            "custom_analysis_data": {},
        });
    }
    let voicemail = scene.ending == Ending::Voicemail;
    let booked = scene.booking.is_some();
    let summary = match &scene.booking {
        Some(booking) => format!("The caller wanted {} and asked for a time.", booking.service),
        None if voicemail => "The agent left a message.".to_owned(),
        None => "The caller asked about the company's services.".to_owned(),
    };
    json!({
        "call_summary": summary,
        "in_voicemail": voicemail,
        "user_sentiment": if booked { "Positive" } else { "Neutral" },
        "call_successful": booked && !matches!(scene.ending, Ending::Error(_)),
        "custom_analysis_data": { "appointment_wanted": booked, "turns": scene.latencies.len() },
    })
}

/// `{"event", "chat"}` at one of the three stages of a chat.
pub(super) fn chat(scene: &Scene, event: &str, at_ms: i64) -> Bytes {
    let mut chat = Map::new();
    put(&mut chat, "chat_id", json!(scene.call_id));
    put(&mut chat, "agent_id", json!(scene.line.agent_id));
    put(&mut chat, "chat_type", json!("sms_chat"));
    put(&mut chat, "start_timestamp", json!(scene.start_ms));
    put(&mut chat, "chat_status", json!(if event == "chat_started" { "ongoing" } else { "ended" }));
    put(&mut chat, "metadata", numbers(scene));
    if event != "chat_started" {
        put(&mut chat, "end_timestamp", json!(scene.end_ms()));
        put(&mut chat, "transcript", json!(scene.conversation.transcript(f64::INFINITY)));
        put(&mut chat, "message_with_tool_calls", messages(scene));
    }
    if event == "chat_analyzed" {
        put(&mut chat, "chat_cost", json!({ "product_costs": [], "combined_cost": 0.4 }));
        let analysis = json!({
            "chat_summary": "The customer asked about the company's services.",
            "user_sentiment": "Neutral",
            "chat_successful": true,
            "custom_analysis_data": {},
        });
        put(&mut chat, "chat_analysis", analysis);
    }
    bytes(&json!({ "event": event, "chat": chat, "event_timestamp": at_ms }))
}

fn basics(scene: &Scene, status: &str) -> CallBody {
    let mut call = CallBody { fields: Map::new(), transcript_object: None, with_tool_calls: None };
    call.put("call_id", json!(scene.call_id));
    call.put("agent_id", json!(scene.line.agent_id));
    call.put("agent_version", json!(1));
    call.put("agent_name", json!("Reception"));
    call.put("call_status", json!(status));
    call.put("data_storage_setting", json!("everything"));
    call.put("opt_in_signed_url", json!(false));
    call.put("metadata", json!({ "campaign": "everyday" }));
    let (kind, ends) = match scene.kind {
        CallKind::Inbound => ("phone_call", Some((&scene.customer_number, &scene.line.to_number, "inbound"))),
        CallKind::Outbound => {
            ("phone_call", Some((&scene.line.to_number, &scene.customer_number, "outbound")))
        }
        CallKind::Web | CallKind::Chat => ("web_call", None),
    };
    call.put("call_type", json!(kind));
    match ends {
        Some((from, to, direction)) => {
            call.put("from_number", json!(from));
            call.put("to_number", json!(to));
            call.put("direction", json!(direction));
            let twilio = scene.recording.get(..32).unwrap_or_default();
            call.put("telephony_identifier", json!({ "twilio_call_sid": format!("CA{twilio}") }));
        }
        None => call.put("access_token", json!(format!("eyJhbGciOiJIUzI1NiJ9.{}", scene.recording))),
    }
    call
}

fn numbers(scene: &Scene) -> Value {
    json!({ "from_number": scene.customer_number, "to_number": scene.line.to_number })
}

fn put_transcript(call: &mut CallBody, scene: &Scene, at_s: f64) {
    call.put("transcript", json!(scene.conversation.transcript(at_s)));
    call.transcript_object = Some(scene.conversation.transcript_object(at_s));
    call.with_tool_calls = Some(scene.conversation.with_tool_calls(at_s));
}

fn messages(scene: &Scene) -> Value {
    let message = |(place, (role, content)): (i64, (&str, &str))| {
        json!({
            "message_id": format!("msg_{place:03}"),
            "role": role,
            "content": content,
            "created_timestamp": scene.start_ms + place * 9_000,
        })
    };
    (0..).zip(scene.conversation.said()).map(message).collect()
}

fn latency(scene: &Scene) -> Value {
    let spread = |part: f64| {
        let mut values: Vec<f64> = scene.latencies.iter().map(|ms| f64::from(*ms) * part).collect();
        let unsorted = values.clone();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values.get((values.len().saturating_sub(1) as f64 * share) as usize).copied();
        json!({
            "p50": at(0.5), "p90": at(0.9), "p95": at(0.95), "p99": at(0.99),
            "min": at(0.0), "max": at(1.0), "num": values.len(), "values": unsorted,
        })
    };
    if scene.latencies.is_empty() {
        return json!({});
    }
    json!({ "e2e": spread(1.0), "llm": spread(0.45), "tts": spread(0.2) })
}

fn cost(seconds: f64) -> Value {
    let product = |product: &str, per_second: f64| json!({ "product": product, "unit_price": per_second, "cost": per_second * seconds });
    if seconds == 0.0 {
        return json!({
            "product_costs": [], "total_duration_seconds": 0, "total_duration_unit_price": 0, "combined_cost": 0,
        });
    }
    json!({
        "product_costs": [
            product("elevenlabs_tts", 0.116_666_7),
            product("gpt_5_mini", 0.04),
            product("us_telephony", 0.025),
        ],
        "total_duration_seconds": seconds.round(),
        "total_duration_unit_price": 0.181_666_7,
        "combined_cost": 0.181_666_7 * seconds,
    })
}

fn tokens(scene: &Scene) -> Value {
    let values: Vec<u32> =
        (0_u32..).zip(&scene.latencies).map(|(turn, ms)| 2_000 + turn * 90 + ms % 60).collect();
    let sum: u32 = values.iter().sum();
    let average = f64::from(sum) / (values.len().max(1) as f64);
    json!({ "values": values, "average": average, "num_requests": values.len() })
}

fn put(call: &mut Map<String, Value>, name: &str, value: Value) {
    call.insert(name.to_owned(), value);
}

fn bytes(body: &Value) -> Bytes {
    Bytes::from(body.to_string())
}
