//! Calls written beforehand: bodies whose ids, numbers and times are filled in when they are sent, so that
//! inventing conversations costs nothing while something is measured.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::wish::Wish;
use crate::simulators::retell::{
    CallScript, CompanyLine, Delivery, DeliveryKind, Disorder, Expected, Mix, ScriptGenerator,
};

/// Median length of the conversations that the bodies tell of, in seconds.
const MEDIAN_S: f64 = 35.0;
/// The longest of these.
const LONGEST_S: f64 = 90.0;
/// Of the running transcripts one in so many is sent.
const TRANSCRIPTS_ONE_IN: usize = 3;
/// After a call's end time passes so many times faster: analyses come within two seconds.
const AFTERWARDS_FASTER: i64 = 10;
/// Digits of an instant in ms since 1970.
const INSTANT_DIGITS: usize = 13;
/// Mobile numbers of the invented callers: these digits and nine more.
const CALLER_PREFIX: &[u8] = b"+4915";
const CALLER_LENGTH: usize = 14;

/// What is sent where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// A webhook event.
    Event(&'static str),
    /// A live function call.
    Function(&'static str),
}

/// What stands at a place of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filling {
    CallId,
    Caller,
    /// An instant so many ms after the script's start.
    Instant(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Patch {
    at: usize,
    filling: Filling,
}

/// One request, to be filled in.
#[derive(Debug, Clone)]
pub(super) struct TemplateDelivery {
    /// When it is due in the script, in ms after its start.
    pub(super) offset_ms: i64,
    /// What it is.
    pub(super) route: Route,
    body: Bytes,
    patches: Vec<Patch>,
}

/// One call, to be filled in.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// Which line of the pool is called.
    pub(super) line: usize,
    /// The id it was written with: new ids have the same shape.
    pub(super) call_id: String,
    /// How long the script's people talk, in ms.
    pub(super) talk_ms: i64,
    /// What should come of it.
    pub(super) expected: Expected,
    /// In the order of their offsets.
    pub(super) deliveries: Vec<TemplateDelivery>,
}

/// What is filled in.
#[derive(Debug)]
pub(super) struct Filled<'a> {
    /// The call's own id.
    pub(super) call_id: &'a str,
    /// Who calls.
    pub(super) caller: &'a str,
    /// What the caller wants.
    pub(super) wish: &'a Wish,
}

/// All templates, and the lines that they call.
#[derive(Debug)]
pub(super) struct Pool {
    /// The companies' lines.
    pub(super) lines: Vec<CompanyLine>,
    /// The templates, every line among them.
    pub(super) templates: Vec<Arc<Template>>,
}

impl Pool {
    /// Writes `calls` calls, but at least one for each line. The same arguments write the same calls.
    pub(super) fn write(
        seed: u64,
        calls: usize,
        lines: Vec<CompanyLine>,
        function_share: f64,
        disorder: Disorder,
        now_ms: i64,
    ) -> Self {
        let mix = Mix {
            function_share,
            booking_share: 1.0,
            transcript_updates: true,
            ask_before_inbound: false,
            median_s: MEDIAN_S,
            longest_s: LONGEST_S,
            ..Mix::default()
        };
        let per_line = calls.div_ceil(lines.len().max(1));
        let mut templates = Vec::with_capacity(lines.len() * per_line);
        for (line, place) in lines.iter().zip(0_u64..) {
            let mut generator =
                ScriptGenerator::new(seed.wrapping_add(place), vec![line.clone()], mix.clone());
            for number in 0..per_line {
                let mut script = generator.next(now_ms);
                thin_out(&mut script.deliveries);
                disorder.apply(&mut script, seed.wrapping_add(place * 1_000 + number as u64));
                templates.push(Arc::new(Template::of(script, templates.len() / per_line)));
            }
        }
        Self { lines, templates }
    }

    /// Webhook events of one call on average, copies included.
    pub(super) fn events_per_call(&self) -> f64 {
        let is_event = |delivery: &&TemplateDelivery| matches!(delivery.route, Route::Event(_));
        let events: usize =
            self.templates.iter().map(|template| template.deliveries.iter().filter(is_event).count()).sum();
        events as f64 / self.templates.len().max(1) as f64
    }
}

/// Keeps one running transcript in so many.
fn thin_out(deliveries: &mut Vec<Delivery>) {
    let mut transcripts = 0;
    deliveries.retain(|delivery| {
        let is_transcript = delivery.event == "transcript_updated";
        transcripts += usize::from(is_transcript);
        !is_transcript || transcripts % TRANSCRIPTS_ONE_IN == 1
    });
}

impl Template {
    fn of(script: CallScript, line: usize) -> Self {
        let deliveries = script.deliveries.iter().filter_map(|delivery| {
            let route = match &delivery.kind {
                DeliveryKind::Inbound => return None,
                DeliveryKind::Event => Route::Event(known_name(&script.expected.events, &delivery.event)),
                DeliveryKind::Function { name } => {
                    Route::Function(known_name(&script.expected.functions, name))
                }
            };
            Some(TemplateDelivery {
                offset_ms: delivery.due_ms - script.start_ms,
                route,
                body: cut_arguments(route, &delivery.body),
                patches: patches(&delivery.body, &script.call_id, script.start_ms),
            })
        });
        Self {
            line,
            deliveries: deliveries.collect(),
            talk_ms: script.expected.duration_ms.max(1),
            call_id: script.call_id,
            expected: script.expected,
        }
    }

    /// When something of the script happens in a call that talks for `talk_us`, in us after its start.
    pub(super) fn stretch(&self, offset_ms: i64, talk_us: u64) -> u64 {
        let offset_ms = offset_ms.max(0);
        let within = offset_ms.min(self.talk_ms);
        let talked = talk_us as f64 * (within as f64 / self.talk_ms as f64);
        let afterwards = (offset_ms - within) * 1_000 / AFTERWARDS_FASTER;
        talked as u64 + afterwards.unsigned_abs()
    }
}

impl TemplateDelivery {
    /// The bytes to send. `instant` tells when an offset of the script happens, in ms since 1970.
    pub(super) fn fill(&self, filled: &Filled<'_>, instant: impl Fn(i64) -> i64) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.body.len() + 256);
        body.extend_from_slice(&self.body);
        for patch in &self.patches {
            match patch.filling {
                Filling::CallId => put(&mut body, patch.at, filled.call_id.as_bytes()),
                Filling::Caller => put(&mut body, patch.at, filled.caller.as_bytes()),
                Filling::Instant(offset) => {
                    put(&mut body, patch.at, format!("{:013}", instant(offset)).as_bytes());
                }
            }
        }
        if let Route::Function(name) = self.route {
            body.extend_from_slice(filled.wish.arguments(name, filled.caller).as_bytes());
            body.push(b'}');
        }
        body
    }
}

/// The same name, for good; everything outside the list is a running transcript.
fn known_name(known: &[&'static str], name: &str) -> &'static str {
    known.iter().copied().find(|known| *known == name).unwrap_or("transcript_updated")
}

/// A function's body ends before its arguments: each call brings its own.
fn cut_arguments(route: Route, body: &Bytes) -> Bytes {
    const ARGUMENTS: &[u8] = b",\"args\":";
    let at = match route {
        Route::Function(_) => body.windows(ARGUMENTS.len()).rposition(|window| window == ARGUMENTS),
        Route::Event(_) => None,
    };
    at.map_or_else(|| body.clone(), |at| body.slice(..at + ARGUMENTS.len()))
}

fn patches(body: &[u8], call_id: &str, start_ms: i64) -> Vec<Patch> {
    const INSTANT: &[u8] = b"timestamp\":";
    let mut patches = Vec::new();
    let mut add = |at, filling| patches.push(Patch { at, filling });
    for at in places(body, call_id.as_bytes()) {
        add(at, Filling::CallId);
    }
    for at in places(body, CALLER_PREFIX) {
        let digits = body.get(at + CALLER_PREFIX.len()..at + CALLER_LENGTH);
        if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit)) {
            add(at, Filling::Caller);
        }
    }
    for at in places(body, INSTANT).map(|at| at + INSTANT.len()) {
        if let Some(instant_ms) = instant_at(body, at..at + INSTANT_DIGITS) {
            add(at, Filling::Instant(instant_ms - start_ms));
        }
    }
    patches
}

fn instant_at(body: &[u8], place: Range<usize>) -> Option<i64> {
    std::str::from_utf8(body.get(place)?).ok()?.parse().ok()
}

fn places<'a>(body: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let windows = body.windows(wanted.len().max(1)).enumerate();
    windows.filter(move |(_, window)| *window == wanted).map(|(at, _)| at)
}

fn put(body: &mut [u8], at: usize, text: &[u8]) {
    // A text of another length or beyond the end would break the JSON around it: the old one stays.
    if let Some(place) = body.get_mut(at..at + text.len()) {
        place.copy_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::cli::bench::companies;

    const NOW_MS: i64 = 1_795_420_800_000;

    fn pool() -> Pool {
        let lines = CompanyLine::from_import_json(&companies::generate(3));
        let disorder = Disorder { duplicate_share: 0.1, reorder_share: 0.1, retry_share: 0.05 };
        Pool::write(7, 120, lines, 1.0, disorder, NOW_MS)
    }

    #[test]
    fn every_filled_body_is_json_about_the_new_call_alone() {
        let pool = pool();
        let wish = Wish::sample();
        for template in &pool.templates {
            let call_id: String =
                template.call_id.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            let filled = Filled { call_id: &call_id, caller: "+4915000000000", wish: &wish };
            for delivery in &template.deliveries {
                let body = delivery.fill(&filled, |offset| 1_900_000_000_000 + offset);
                let json: Value = serde_json::from_slice(&body).unwrap();
                let call = json.get("call").or_else(|| json.get("chat")).unwrap();
                let id = call.get("call_id").or_else(|| call.get("chat_id")).unwrap();
                assert_eq!(id, &Value::from(call_id.as_str()));
                let text = String::from_utf8(body).unwrap();
                assert!(call_id == template.call_id || !text.contains(&template.call_id));
                assert!(!text.contains("timestamp\":179"), "an old instant stays");
                if let Route::Function(name) = delivery.route {
                    assert_eq!(json["name"], name);
                    assert_eq!(
                        json["args"]["call_id"],
                        if name == "check_availability" { Value::from("None") } else { Value::Null }
                    );
                }
                if let Some(from) = call.get("from_number").and_then(Value::as_str) {
                    assert!(from == "+4915000000000" || from == pool.lines[template.line].to_number);
                }
            }
        }
    }

    #[test]
    fn the_pool_calls_every_line_with_every_kind_of_call() {
        let pool = pool();
        for line in 0..3 {
            assert!(pool.templates.iter().any(|template| template.line == line));
        }
        for status in ["ended", "not_connected", "error"] {
            assert!(pool.templates.iter().any(|template| template.expected.status == status), "{status}");
        }
        assert!((3.0..9.0).contains(&pool.events_per_call()), "{}", pool.events_per_call());
    }

    #[test]
    fn a_call_is_stretched_while_people_talk_and_hurries_afterwards() {
        let mut template = (*pool().templates[0].as_ref()).clone();
        template.talk_ms = 40_000;
        assert_eq!(template.stretch(0, 1_000_000), 0);
        assert_eq!(template.stretch(20_000, 1_000_000), 500_000);
        assert_eq!(template.stretch(40_000, 1_000_000), 1_000_000);
        assert_eq!(template.stretch(50_000, 1_000_000), 2_000_000);
        assert_eq!(template.stretch(-5, 1_000_000), 0);
    }
}
