//! The first of three ledgers: what was acknowledged, and what agents were told. The calendar and the database are
//! the other two.

use std::collections::BTreeMap;

use askpro_domain::time::UnixMillis;
use serde_json::Value;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Something acknowledged or promised is not there.
    Lost,
    /// Something is there twice.
    Doubled,
    /// Something else is not as it must be.
    Untrue,
}

/// One thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

/// The last word about an appointment.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) call: String,
    pub(crate) at: UnixMillis,
    pub(crate) status: String,
    pub(crate) slot: Option<UnixMillis>,
}

/// An event that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) event: String,
    pub(crate) is_strange: bool,
}

/// What was acknowledged and told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) acknowledged: BTreeMap<(String, String), Acknowledged>,
    pub(crate) copies: u64,
    pub(crate) told: BTreeMap<String, Told>,
    confirmed: BTreeMap<(String, String, String), Vec<u8>>,
    /// What each tool call booked.
    made: BTreeMap<(String, String), String>,
    pub(crate) answers: u64,
    pub(crate) violations: Vec<Violation>,
}

impl Ledger {
    pub(crate) fn complain(&mut self, kind: Kind, what: String) {
        self.violations.push(Violation { kind, what });
    }

    pub(crate) fn acknowledge(&mut self, call: &str, dedup_key: &str, event: &str, is_strange: bool) {
        self.copies += 1;
        let acknowledged = Acknowledged { event: event.to_owned(), is_strange };
        self.acknowledged.entry((call.to_owned(), dedup_key.to_owned())).or_insert(acknowledged);
    }

    /// An agent heard an answer about an appointment: the newest counts.
    pub(crate) fn tell(&mut self, call: &str, at: UnixMillis, answer: &Value) {
        self.answers += 1;
        let Some(appointment) = answer.get("appointment_id").and_then(Value::as_str) else { return };
        let status = answer.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
        let slot = answer.get("slot").and_then(Value::as_str).and_then(UnixMillis::parse_rfc3339);
        self.told.insert(appointment.to_owned(), Told { call: call.to_owned(), at, status, slot });
    }

    /// A tool call makes one booking at most, however often it is sent and whatever becomes of that.
    pub(crate) fn makes_one(&mut self, call: &str, tool_call: &str, answer: &Value) {
        let Some(appointment) = answer.get("appointment_id").and_then(Value::as_str) else { return };
        let made = self.made.entry((call.to_owned(), tool_call.to_owned()));
        let first = made.or_insert_with(|| appointment.to_owned()).clone();
        if first != appointment {
            self.complain(Kind::Doubled, format!("{call} {tool_call} booked {first} and {appointment}"));
        }
    }

    /// A confirmed answer is given again byte for byte to whoever sends the same tool call again, as long as the
    /// appointment stays where it is.
    pub(crate) fn compare(&mut self, call: &str, tool_call: &str, order: &str, body: &[u8]) {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let slot = answer.get("slot").map(Value::to_string).unwrap_or_default();
        let key = (call.to_owned(), tool_call.to_owned(), format!("{order} {slot}"));
        let first = self.confirmed.entry(key).or_insert_with(|| body.to_vec());
        if first != body {
            let (first, again) = (String::from_utf8_lossy(first), String::from_utf8_lossy(body));
            let what = format!("{call} {tool_call} heard {first} and then {again}");
            self.complain(Kind::Untrue, what);
        }
    }
}
