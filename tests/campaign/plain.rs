//! Plain bodies, cheap to make: for courses in which the number of requests counts and not what is said.

use std::sync::OnceLock;

use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::{companies, support::days::now_ms};

/// One call: who calls whom.
#[derive(Debug, Clone)]
pub struct PlainCall {
    pub id: String,
    company: usize,
    started_ms: i64,
    caller: u32,
}

impl PlainCall {
    /// A new call to one of `companies`; its id begins with this word.
    pub fn new(rng: &mut SmallRng, word: &str, companies: usize) -> Self {
        Self {
            id: format!("{word}_{:016x}{:016x}", rng.random::<u64>(), rng.random::<u64>()),
            company: rng.random_range(0..companies),
            started_ms: now_ms(),
            caller: rng.random_range(0..100_000_000),
        }
    }

    /// A new call to this company.
    pub fn to(rng: &mut SmallRng, word: &str, company: usize) -> Self {
        Self { company, ..Self::new(rng, word, company + 1) }
    }

    /// `call_started`.
    pub fn started(&self) -> String {
        self.event("call_started", &format!(r#""call_status":"ongoing",{}"#, self.facts()))
    }

    /// `transcript_updated` with so many bytes of talk.
    pub fn transcript(&self, rng: &mut SmallRng, bytes: usize) -> String {
        let talk = talk(rng, bytes);
        let facts = format!(r#""call_status":"ongoing","transcript":"{talk}",{}"#, self.facts());
        self.event("transcript_updated", &facts)
    }

    /// `call_ended` with so many bytes of talk.
    pub fn ended(&self, rng: &mut SmallRng, bytes: usize) -> String {
        let talk = talk(rng, bytes);
        let end = format!(
            r#""call_status":"ended","end_timestamp":{},"duration_ms":60000,"disconnection_reason":"user_hangup","transcript":"{talk}",{}"#,
            self.started_ms + 60_000,
            self.facts()
        );
        self.event("call_ended", &end)
    }

    /// The body of a live function.
    pub fn function(&self, name: &str, arguments: &str) -> String {
        let facts = self.facts();
        format!(
            r#"{{"name":"{name}","call":{{"call_id":"{}","call_status":"ongoing",{facts}}},"args":{arguments}}}"#,
            self.id
        )
    }

    fn event(&self, event: &str, facts: &str) -> String {
        let id = &self.id;
        format!(r#"{{"event":"{event}","call":{{"call_id":"{id}",{facts}}},"event_timestamp":{}}}"#, now_ms())
    }

    fn facts(&self) -> String {
        format!(
            r#""call_type":"phone_call","agent_id":"agent_salon_{:03}","agent_version":3,"start_timestamp":{},"direction":"inbound","from_number":"+4915{:09}","to_number":"{}""#,
            self.company,
            self.started_ms,
            self.caller,
            companies::number(self.company)
        )
    }
}

const WORDS: [&str; 24] = [
    "gerne",
    "morgen",
    "halb",
    "zehn",
    "bei",
    "Mia",
    "Haarschnitt",
    "Termin",
    "frei",
    "leider",
    "nachmittags",
    "danke",
    "bitte",
    "Namen",
    "Nummer",
    "buchstabieren",
    "Donnerstag",
    "Freitag",
    "vielleicht",
    "passt",
    "wunderbar",
    "noch",
    "etwas",
    "Wiederhoeren",
];

/// Bytes of talk that all bodies are cut from: far more than a body, or they would repeat each other.
const TALK_BYTES: usize = 8 * 1024 * 1024;

/// A piece of a long talk, which is made once: who makes twice as much as goes through has no time to invent words.
fn talk(rng: &mut SmallRng, bytes: usize) -> &'static str {
    static TALK: OnceLock<String> = OnceLock::new();
    let all = TALK.get_or_init(|| invent(TALK_BYTES));
    let begin = rng.random_range(0..all.len() - bytes);
    // Every word ends with a space, so that no escape is cut in two.
    let [begin, end] = [begin, begin + bytes].map(|at| all[at..].find(' ').map_or(all.len(), |to| at + to));
    &all[begin..end]
}

/// Words by chance: sentences that repeat flatter every compression.
fn invent(bytes: usize) -> String {
    let mut rng = SmallRng::seed_from_u64(bytes as u64);
    let mut talk = String::with_capacity(bytes + 32);
    while talk.len() < bytes {
        talk.push_str(WORDS[rng.random_range(0..WORDS.len())]);
        talk.push_str(if rng.random_ratio(1, 9) { ".\\nUser: " } else { " " });
        if rng.random_ratio(1, 6) {
            talk.push_str(&format!("{:x} ", rng.random::<u32>()));
        }
    }
    talk
}
