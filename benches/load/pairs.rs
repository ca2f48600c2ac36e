//! Calls that end and are analyzed: two bodies each, of which the second repeats the first.
//!
//! A body differs from call to call in its last bytes alone, the call's id and the event's time. All before them is
//! made and hashed ahead of time, so a signed request costs a copy and the end of a hash.

use hmac::{Hmac, KeyInit, Mac};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use sha2::Sha256;

use super::{
    Source, head,
    words::{Talk, Vocabulary},
};
use crate::{
    companies,
    support::{days::now_ms, service::WEBHOOK_KEY},
};

/// Different conversations; then they come again under other ids.
const CONVERSATIONS: u64 = 256;
/// Bytes of a body beside its conversation, about.
const FIXED_BYTES: usize = 1_900;

/// Of a `call_ended`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Kb6,
    Kb24,
    Kb75,
}

impl Size {
    pub const fn bytes(self) -> usize {
        match self {
            Self::Kb6 => 6_000,
            Self::Kb24 => 24_000,
            Self::Kb75 => 75_000,
        }
    }
}

/// See the module.
pub struct Pairs {
    pub size: Size,
    ended: Vec<Template>,
    analyzed: Vec<Template>,
    /// Who calls whom, as JSON fields.
    numbers: Vec<String>,
    /// Tells the calls of one load from those of others.
    series: u32,
}

/// A body without its end.
struct Template {
    begin: Vec<u8>,
    hashed: Hmac<Sha256>,
}

impl Pairs {
    /// Of calls to so many companies.
    pub fn new(size: Size, companies: usize) -> Self {
        let mut rng = SmallRng::seed_from_u64(size.bytes() as u64);
        let vocabulary = Vocabulary::new(7);
        let (mut ended, mut analyzed, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..CONVERSATIONS {
            let talk = Talk::of(size.bytes().saturating_sub(FIXED_BYTES), &vocabulary, &mut rng);
            let company = rng.random_range(0..companies);
            let ends = ends(company, &mut rng);
            let fields = fields(&talk, company, &ends, &mut rng);
            ended.push(Template::new(format!(
                "{{\"event\":\"call_ended\",\"call\":{{{fields},\"call_id\":\""
            )));
            let analysis = analysis(&vocabulary, &mut rng);
            analyzed.push(Template::new(format!(
                "{{\"event\":\"call_analyzed\",\"call\":{{{fields},{analysis},\"call_id\":\""
            )));
            numbers.push(ends);
        }
        Self { size, ended, analyzed, numbers, series: rand::random() }
    }

    /// Bytes of all bodies of so many calls.
    pub fn bytes(&self, calls: u64) -> u64 {
        (0..calls).map(|call| (self.length(call, 0) + self.length(call, 1)) as u64).sum()
    }

    /// The body of an event.
    pub fn body(&self, call: u64, step: u64) -> Vec<u8> {
        [self.template(call, step).begin.as_slice(), self.end(call, now_ms()).as_bytes()].concat()
    }

    /// `call_started` of the same call.
    pub fn started(&self, call: u64) -> Vec<u8> {
        let begin = std::str::from_utf8(&self.template(call, 0).begin).unwrap();
        let begin = begin.split(",\"end_timestamp\"").next().unwrap();
        let begin = begin.replace("call_ended", "call_started").replace(":\"ended\"", ":\"ongoing\"");
        let numbers = self.numbers[(call % CONVERSATIONS) as usize].as_str();
        format!("{begin},{numbers},\"call_id\":\"{}", self.end(call, now_ms())).into_bytes()
    }

    fn length(&self, call: u64, step: u64) -> usize {
        self.template(call, step).begin.len() + self.end(call, now_ms()).len()
    }

    fn template(&self, call: u64, step: u64) -> &Template {
        let templates = if step == 0 { &self.ended } else { &self.analyzed };
        &templates[(call % CONVERSATIONS) as usize]
    }

    pub fn id(&self, call: u64) -> String {
        format!("call_{:016x}{call:016x}", u64::from(self.series).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn end(&self, call: u64, at_ms: i64) -> String {
        format!("{}\"}},\"event_timestamp\":{at_ms}}}", self.id(call))
    }
}

impl Source for Pairs {
    fn steps(&self) -> u64 {
        2
    }

    fn fill(&self, call: u64, step: u64, request: &mut Vec<u8>) {
        let (template, now) = (self.template(call, step), now_ms());
        let end = self.end(call, now);
        let mut hashed = template.hashed.clone();
        hashed.update(end.as_bytes());
        hashed.update(now.to_string().as_bytes());
        let signature = format!("v={now},d={}", hex::encode(hashed.finalize().into_bytes()));
        head("/webhooks/retell", &signature, template.begin.len() + end.len(), request);
        request.extend_from_slice(&template.begin);
        request.extend_from_slice(end.as_bytes());
    }
}

impl Template {
    fn new(begin: String) -> Self {
        let mut hashed = Hmac::<Sha256>::new_from_slice(WEBHOOK_KEY.as_bytes()).unwrap();
        hashed.update(begin.as_bytes());
        Self { begin: begin.into_bytes(), hashed }
    }
}

fn ends(company: usize, rng: &mut SmallRng) -> String {
    let (caller, number) = (rng.random_range(0..1_000_000_000_u32), companies::number(company));
    format!("\"direction\":\"inbound\",\"from_number\":\"+4915{caller:09}\",\"to_number\":\"{number}\"")
}

/// The fields of a call object but its id, as Retell sends them.
fn fields(talk: &Talk, company: usize, ends: &str, rng: &mut SmallRng) -> String {
    let Talk { transcript, utterances, duration_s } = talk;
    let duration_ms = (duration_s * 1_000.0) as i64;
    let start_ms = now_ms() - duration_ms - rng.random_range(2_000..60_000);
    let end_ms = start_ms + duration_ms;
    let recording: String = (0..4).map(|_| format!("{:016x}", rng.random::<u64>())).collect();
    let recording = format!("https://dxc03zgurdly9.cloudfront.net/{recording}");
    let latencies: Vec<String> = (0..12).map(|_| rng.random_range(600..2_400_u32).to_string()).collect();
    let latencies = latencies.join(",");
    format!(
        "\"call_type\":\"phone_call\",\"agent_id\":\"agent_salon_{company:03}\",\"agent_version\":3,\
         \"agent_name\":\"Reception\",\"call_status\":\"ended\",\"data_storage_setting\":\"everything\",\
         \"opt_in_signed_url\":false,\"metadata\":{{\"campaign\":\"everyday\"}},\"start_timestamp\":{start_ms},\
         \"end_timestamp\":{end_ms},\"duration_ms\":{duration_ms},{ends},\
         \"disconnection_reason\":\"user_hangup\",\
         \"transcript\":\"{transcript}\",\"transcript_object\":[{utterances}],\
         \"transcript_with_tool_calls\":[{utterances}],\"recording_url\":\"{recording}/recording.wav\",\
         \"recording_multi_channel_url\":\"{recording}/recording_multichannel.wav\",\
         \"public_log_url\":\"{recording}/public.log\",\"latency\":{{\"e2e\":{{\"p50\":1100,\"p90\":1900,\
         \"max\":2400,\"min\":600,\"num\":12,\"values\":[{latencies}]}}}},\"call_cost\":{{\"product_costs\":[\
         {{\"product\":\"elevenlabs_tts\",\"unit_price\":0.1166667,\"cost\":{:.4}}},\
         {{\"product\":\"gpt_5_mini\",\"unit_price\":0.04,\"cost\":{:.4}}}],\"combined_cost\":{:.4}}},\
         \"llm_token_usage\":{{\"values\":[{latencies}],\"average\":{:.3},\"num_requests\":12}}",
        duration_s * 0.116,
        duration_s * 0.04,
        duration_s * 0.156,
        rng.random_range(2_000.0..4_000.0),
    )
}

fn analysis(vocabulary: &Vocabulary, rng: &mut SmallRng) -> String {
    let summary: Vec<&str> = (0..40).map(|_| vocabulary.pick(rng)).collect();
    format!(
        "\"call_analysis\":{{\"call_summary\":\"{}\",\"in_voicemail\":false,\"user_sentiment\":\"Positive\",\
         \"call_successful\":true,\"custom_analysis_data\":{{\"appointment_wanted\":true,\"turns\":{}}}}}",
        summary.join(" "),
        rng.random_range(4..40),
    )
}
