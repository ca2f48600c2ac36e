//! Everything decided about one call before its bodies are written.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Map, Value, json};

use super::conversation::{Conversation, ToolUse};
use super::line::CompanyLine;
use super::script::{CallKind, Expected, ExpectedBooking, Mix, share};
use super::vocabulary::{self, pick, pick_name};

const NOT_CONNECTED: [&str; 4] = ["dial_no_answer", "dial_busy", "dial_failed", "invalid_destination"];
const ERRORS: [&str; 4] =
    ["error_llm_websocket_open", "error_asr", "error_retell", "error_no_audio_received"];

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    UserHangup,
    AgentHangup,
    /// Handed over, or handed over in vain.
    Transfer {
        bridged: bool,
    },
    Voicemail,
    Inactivity,
    NotConnected(&'static str),
    Error(&'static str),
}

impl Ending {
    /// Retell's word.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::UserHangup | Self::Transfer { bridged: false } => "user_hangup",
            Self::AgentHangup => "agent_hangup",
            Self::Transfer { bridged: true } => "call_transfer",
            Self::Voicemail => "voicemail_reached",
            Self::Inactivity => "inactivity",
            Self::NotConnected(reason) | Self::Error(reason) => reason,
        }
    }

    /// Retell's status of the call when it is over.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::NotConnected(_) => "not_connected",
            Self::Error(_) => "error",
            _ => "ended",
        }
    }
}

/// What the caller wants to book, as it is and as the agent writes it.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) booking: ExpectedBooking,
    /// `24.11.2026` and `14:00`
    pub(super) german: (String, String),
    /// `2026-11-24` and `14:00`
    pub(super) iso: (String, String),
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) call_id: String,
    pub(super) kind: CallKind,
    pub(super) ending: Ending,
    pub(super) line: CompanyLine,
    pub(super) customer_number: String,
    pub(super) customer_name: String,
    pub(super) start_ms: i64,
    pub(super) duration_ms: i64,
    pub(super) conversation: Conversation,
    pub(super) functions: Vec<ToolUse>,
    pub(super) booking: Option<ExpectedBooking>,
    /// One of these per agent turn, in ms.
    pub(super) latencies: Vec<u32>,
    /// 64 hex digits: a part of recording addresses.
    pub(super) recording: String,
    pub(super) transcript_updates: bool,
    pub(super) ask_before: bool,
    /// How long Retell takes to analyse the call.
    pub(super) analysis_ms: i64,
}

impl Scene {
    /// Decides everything about a call that starts at `start_ms`.
    pub(super) fn invent(rng: &mut SmallRng, line: &CompanyLine, mix: &Mix, start_ms: i64) -> Self {
        let kind = invent_kind(rng, mix);
        let ending = invent_ending(rng, mix, kind);
        let duration_s = invent_length(rng, mix, ending);
        let mut scene = Self {
            call_id: format!("{}_{}", if kind == CallKind::Chat { "chat" } else { "call" }, hex_id(rng, 27)),
            kind,
            ending,
            line: line.clone(),
            customer_number: format!("+4915{:09}", rng.random_range(0..1_000_000_000_u32)),
            customer_name: vocabulary::person(rng),
            start_ms,
            duration_ms: (duration_s * 1000.0) as i64,
            conversation: Conversation::default(),
            functions: Vec::new(),
            booking: None,
            latencies: Vec::new(),
            recording: hex_id(rng, 64),
            transcript_updates: mix.transcript_updates,
            ask_before: mix.ask_before_inbound && kind == CallKind::Inbound,
            analysis_ms: rng.random_range(3_000..20_000),
        };
        scene.talk(rng, duration_s);
        if kind != CallKind::Chat && duration_s >= 20.0 && rng.random_bool(share(mix.function_share)) {
            scene.ask_functions(rng, mix, duration_s);
        }
        scene.latencies =
            (0..scene.conversation.agent_turns()).map(|_| rng.random_range(280..2_600)).collect();
        scene
    }

    /// Seconds from the start to the end.
    pub(super) fn duration_s(&self) -> f64 {
        self.duration_ms as f64 / 1000.0
    }

    pub(super) fn end_ms(&self) -> i64 {
        self.start_ms + self.duration_ms
    }

    /// What should come of it.
    pub(super) fn expected(&self, events: Vec<&'static str>) -> Expected {
        let chat = self.kind == CallKind::Chat;
        Expected {
            kind: self.kind,
            status: self.ending.status(),
            disconnection_reason: (!chat).then(|| self.ending.reason()),
            duration_ms: self.duration_ms,
            events,
            functions: self.functions.iter().map(|function| function.name).collect(),
            booking: self.booking.clone(),
        }
    }

    fn talk(&mut self, rng: &mut SmallRng, duration_s: f64) {
        self.conversation = match self.ending {
            Ending::NotConnected(_) => Conversation::default(),
            Ending::Voicemail => Conversation::message(rng, &self.line),
            _ => Conversation::of_length(rng, &self.line, duration_s),
        };
    }

    fn ask_functions(&mut self, rng: &mut SmallRng, mix: &Mix, duration_s: f64) {
        if matches!(self.ending, Ending::Voicemail) || self.line.services.is_empty() {
            return;
        }
        let Some(wish) = invent_wish(rng, self, mix.booking_days.max(1)) else { return };
        let german = rng.random_bool(0.5);
        let check = check_arguments(rng, &wish, german);
        self.use_tool(rng, duration_s * 0.4, "check_availability", check);
        if rng.random_bool(share(mix.booking_share)) {
            let book = book_arguments(rng, self, &wish, german);
            self.use_tool(rng, duration_s * 0.7, "book_appointment", book);
            self.booking = Some(wish.booking);
        }
    }

    fn use_tool(&mut self, rng: &mut SmallRng, at_s: f64, name: &'static str, arguments: Value) {
        let tool = ToolUse { at_s, id: format!("tool_call_{}", hex_id(rng, 6)), name, arguments };
        self.conversation.use_tool(tool.clone());
        self.functions.push(tool);
    }
}

fn invent_kind(rng: &mut SmallRng, mix: &Mix) -> CallKind {
    let dice: f64 = rng.random();
    if dice < mix.chat_share {
        CallKind::Chat
    } else if dice < mix.chat_share + mix.web_share {
        CallKind::Web
    } else if dice < mix.chat_share + mix.web_share + mix.outbound_share {
        CallKind::Outbound
    } else {
        CallKind::Inbound
    }
}

fn invent_ending(rng: &mut SmallRng, mix: &Mix, kind: CallKind) -> Ending {
    let dice: f64 = rng.random();
    if kind == CallKind::Outbound {
        let reached = mix.not_connected_share + mix.voicemail_share;
        if dice < mix.not_connected_share {
            return Ending::NotConnected(pick(rng, &NOT_CONNECTED));
        }
        return if dice < reached { Ending::Voicemail } else { Ending::AgentHangup };
    }
    let phone = kind == CallKind::Inbound;
    if phone && dice < mix.transfer_share {
        Ending::Transfer { bridged: rng.random_bool(0.8) }
    } else if kind != CallKind::Chat && dice < mix.transfer_share + mix.error_share {
        Ending::Error(pick(rng, &ERRORS))
    } else if dice < mix.transfer_share + mix.error_share + mix.inactivity_share {
        Ending::Inactivity
    } else if rng.random_bool(0.6) {
        Ending::UserHangup
    } else {
        Ending::AgentHangup
    }
}

/// Log-normal around the median: half of the calls between 0.6 and 1.6 times of it, a tail up to the longest.
fn invent_length(rng: &mut SmallRng, mix: &Mix, ending: Ending) -> f64 {
    match ending {
        Ending::NotConnected(_) => return 0.0,
        Ending::Voicemail => return rng.random_range(12.0..30.0),
        _ => {}
    }
    let normal: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let longest = mix.longest_s.max(15.0);
    let seconds = (mix.median_s.max(1.0).ln() + 0.7 * normal).exp().clamp(15.0, longest);
    (seconds * 1000.0).round() / 1000.0
}

/// A weekday within the next days, at a quarter past nine or later.
fn invent_wish(rng: &mut SmallRng, scene: &Scene, days: u32) -> Option<Wish> {
    let zone = TimeZone::get(&scene.line.time_zone).unwrap_or(TimeZone::UTC);
    let today = Timestamp::from_millisecond(scene.start_ms).ok()?.to_zoned_datetime(zone.clone()).date();
    let mut day = today.checked_add(i64::from(rng.random_range(1..=days)).days()).ok()?;
    while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        day = day.tomorrow().ok()?;
    }
    let at = day.at(rng.random_range(9..17), pick_quarter(rng), 0, 0);
    let start_ms = at.to_zoned_datetime(zone).ok()?.timestamp().as_millisecond();
    let clock = at.strftime("%H:%M").to_string();
    let staff = rng.random_bool(0.35).then(|| pick_name(rng, &scene.line.staff, ""));
    Some(Wish {
        booking: ExpectedBooking {
            service: pick_name(rng, &scene.line.services, ""),
            staff: staff.filter(|name| !name.is_empty()),
            start_ms,
            customer_name: scene.customer_name.clone(),
        },
        german: (at.strftime("%d.%m.%Y").to_string(), clock.clone()),
        iso: (at.strftime("%Y-%m-%d").to_string(), clock),
    })
}

/// Mostly full and half hours.
fn pick_quarter(rng: &mut SmallRng) -> i8 {
    match rng.random_range(0..10) {
        0..5 => 0,
        5..8 => 30,
        8 => 15,
        _ => 45,
    }
}

fn check_arguments(rng: &mut SmallRng, wish: &Wish, german: bool) -> Value {
    let mut arguments = Map::new();
    let mut put = |name: &str, value: &str| arguments.insert(name.to_owned(), json!(value));
    let service = wish.booking.service.as_str();
    if german {
        put("dienstleistung", service);
        put("datum", &wish.german.0);
        put("uhrzeit", &wish.german.1);
    } else {
        put(if rng.random_bool(0.5) { "service" } else { "service_name" }, service);
        put("date", &wish.iso.0);
        put("time", &wish.iso.1);
    }
    if let Some(staff) = &wish.booking.staff {
        put(if german { "mitarbeiter" } else { "preferred_staff" }, staff);
    }
    // Agents fill in an id that they do not know.
    put("call_id", "None");
    Value::Object(arguments)
}

fn book_arguments(rng: &mut SmallRng, scene: &Scene, wish: &Wish, german: bool) -> Value {
    let mut arguments = Map::new();
    let mut put = |name: &str, value: &str| arguments.insert(name.to_owned(), json!(value));
    if german {
        put("datetime", &format!("{} {}", wish.german.0, wish.german.1));
        put("dienstleistung", &wish.booking.service);
    } else {
        put("datetime", &format!("{}T{}", wish.iso.0, wish.iso.1));
        put("service", &wish.booking.service);
    }
    if let Some(staff) = &wish.booking.staff {
        put(if german { "mitarbeiter" } else { "staff" }, staff);
    }
    put("customer_name", &scene.customer_name);
    if scene.kind == CallKind::Web || rng.random_bool(0.6) {
        put("customer_phone", &scene.customer_number);
    }
    Value::Object(arguments)
}

fn hex_id(rng: &mut SmallRng, digits: usize) -> String {
    (0..digits).map(|_| char::from_digit(rng.random_range(0..16), 16).unwrap_or('0')).collect()
}
