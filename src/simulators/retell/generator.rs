//! Invents call after call; the same seed invents the same calls.

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::body::{self, CallBody};
use super::line::CompanyLine;
use super::scene::{Ending, Scene};
use super::script::{CallKind, CallScript, Delivery, DeliveryKind, Mix};

/// How long it rings between `call_inbound` and the start.
const RING_MS: i64 = 1_500;

/// See the module.
#[derive(Debug, Clone)]
pub struct ScriptGenerator {
    rng: SmallRng,
    companies: Vec<CompanyLine>,
    mix: Mix,
}

impl ScriptGenerator {
    /// Calls to `companies`; without any, to a number that belongs to nobody.
    #[must_use]
    pub fn new(seed: u64, mut companies: Vec<CompanyLine>, mix: Mix) -> Self {
        if companies.is_empty() {
            companies.push(CompanyLine {
                to_number: "+49999000111".to_owned(),
                agent_id: "agent_nobody".to_owned(),
                services: Vec::new(),
                staff: Vec::new(),
                language: super::Language::German,
                time_zone: "UTC".to_owned(),
            });
        }
        Self { rng: SmallRng::seed_from_u64(seed), companies, mix }
    }

    /// The next call; its first delivery is due at `now_ms`.
    pub fn next(&mut self, now_ms: i64) -> CallScript {
        let company_index = self.rng.random_range(0..self.companies.len());
        // Each call has dice of its own: how many it throws does not change the calls after it.
        let mut rng = SmallRng::seed_from_u64(self.rng.random());
        let Some(line) = self.companies.get(company_index) else {
            return CallScript::empty(company_index, now_ms);
        };
        let rings = self.mix.ask_before_inbound;
        let start_ms = if rings { now_ms + RING_MS } else { now_ms };
        let scene = Scene::invent(&mut rng, line, &self.mix, start_ms);
        let mut writer = Writer { scene: &scene, deliveries: Vec::new(), events: Vec::new() };
        if scene.kind == CallKind::Chat {
            writer.chat()
        } else {
            writer.call(now_ms)
        }
        let Writer { mut deliveries, events, .. } = writer;
        deliveries.sort_by_key(|delivery| delivery.due_ms);
        CallScript {
            company_index,
            start_ms: now_ms,
            deliveries,
            expected: scene.expected(events),
            call_id: scene.call_id,
        }
    }
}

impl CallScript {
    fn empty(company_index: usize, now_ms: i64) -> Self {
        let expected = super::Expected {
            kind: CallKind::Inbound,
            status: "not_connected",
            disconnection_reason: None,
            duration_ms: 0,
            events: Vec::new(),
            functions: Vec::new(),
            booking: None,
        };
        Self { call_id: String::new(), company_index, start_ms: now_ms, deliveries: Vec::new(), expected }
    }
}

/// Writes the deliveries of one scene.
struct Writer<'a> {
    scene: &'a Scene,
    deliveries: Vec<Delivery>,
    events: Vec<&'static str>,
}

impl Writer<'_> {
    fn chat(&mut self) {
        let (start, end) = (self.scene.start_ms, self.scene.end_ms());
        let stages = [
            ("chat_started", start),
            ("chat_ended", end + 300),
            ("chat_analyzed", end + 300 + self.scene.analysis_ms),
        ];
        for (event, at_ms) in stages {
            let body = body::chat(self.scene, event, at_ms);
            self.event(event, at_ms, body);
        }
    }

    fn call(&mut self, now_ms: i64) {
        let scene = self.scene;
        let ended = body::ended(scene);
        let ended_ms = scene.end_ms() + 400;
        if scene.ask_before {
            self.push(DeliveryKind::Inbound, "call_inbound", now_ms, body::inbound(scene, now_ms));
        }
        if !matches!(scene.ending, Ending::NotConnected(_)) {
            let body = body::event("call_started", &body::ongoing(scene, 0.0), scene.start_ms + 120);
            self.event("call_started", scene.start_ms + 120, body);
            self.live();
        }
        if let Ending::Transfer { bridged } = scene.ending {
            self.transfer(bridged, &ended, ended_ms);
        }
        self.event("call_ended", ended_ms, body::event("call_ended", &ended, ended_ms));
        let analyzed_ms = ended_ms + scene.analysis_ms;
        let mut analyzed = ended;
        analyzed.put("call_analysis", body::analysis(scene));
        self.event("call_analyzed", analyzed_ms, body::event("call_analyzed", &analyzed, analyzed_ms));
    }

    /// What is sent while people talk.
    fn live(&mut self) {
        let scene = self.scene;
        for tool in &scene.functions {
            let kind = DeliveryKind::Function { name: tool.name.to_owned() };
            self.push(kind, tool.name, scene.start_ms + ms(tool.at_s), body::function(scene, tool));
        }
        if !scene.transcript_updates {
            return;
        }
        for turn_s in scene.conversation.turn_ends() {
            let at_ms = scene.start_ms + ms(turn_s);
            let body = body::transcript_updated(scene, turn_s, at_ms);
            self.push(DeliveryKind::Event, "transcript_updated", at_ms, body);
        }
    }

    fn transfer(&mut self, bridged: bool, ended: &CallBody, ended_ms: i64) {
        let scene = self.scene;
        let at_s = scene.duration_s() * 0.9;
        let at_ms = scene.start_ms + ms(at_s);
        let call = body::ongoing(scene, at_s);
        self.event("transfer_started", at_ms, body::transfer_event("transfer_started", &call, at_ms));
        let answered_ms = at_ms + 900;
        let answer = if bridged { "transfer_bridged" } else { "transfer_cancelled" };
        self.event(answer, answered_ms, body::transfer_event(answer, &call, answered_ms));
        if bridged {
            let over_ms = ended_ms + 60_000;
            let mut call = ended.clone();
            call.put("transfer_end_timestamp", Value::from(over_ms - 100));
            self.event("transfer_ended", over_ms, body::transfer_event("transfer_ended", &call, over_ms));
        }
    }

    fn event(&mut self, event: &'static str, due_ms: i64, body: Bytes) {
        self.events.push(event);
        self.push(DeliveryKind::Event, event, due_ms, body);
    }

    fn push(&mut self, kind: DeliveryKind, event: &str, due_ms: i64, body: Bytes) {
        let call_id = self.scene.call_id.clone();
        self.deliveries.push(Delivery { due_ms, kind, call_id, event: event.to_owned(), body });
    }
}

fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
