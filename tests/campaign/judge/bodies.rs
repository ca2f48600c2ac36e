//! What is stored of an event is what was sent, but for its secrets.

use std::collections::BTreeMap;

use askpro::compress::{DECOMPRESSED_BYTES_MAX, decompress};
use serde_json::Value;

use super::Findings;
use crate::{ledger::SentCall, support::database::Tables};

/// Calls whose bodies are compared, at most.
const CALLS_MAX: usize = 1_000;
/// Calls that one statement asks about.
const AT_ONCE: usize = 100;
/// Retell's name of what may be kept nowhere: with it a stranger could join the call.
const SECRET: &str = "access_token";

/// Compares the durable events of some of the calls, evenly chosen.
pub async fn bodies(tables: &Tables, calls: &BTreeMap<String, SentCall>, findings: &mut Findings) {
    let step = calls.len().div_ceil(CALLS_MAX).max(1);
    let some: Vec<&String> = calls.keys().step_by(step).collect();
    for ids in some.chunks(AT_ONCE) {
        let among = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
        let of_these =
            format!("FROM call_events WHERE call_id IN ({among}) AND event <> 'transcript_updated'");
        for row in tables.rows("call_id, event, HEX(body)", &of_these).await {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            let [call_id, event, body] = std::array::from_fn(|_| cells.next().unwrap_or_default());
            let Some(sent) = calls[&call_id].events.get(&event) else { continue };
            let stored = hex::decode(body).unwrap();
            if let Err(why) = is_one_of(&stored, sent.bodies()) {
                findings.wrong.push(format!("the body of {event} of {call_id} {why}"));
            }
        }
    }
}

/// Whether what is stored says the same as one of these.
fn is_one_of<'a>(stored: &[u8], sent: impl Iterator<Item = &'a [u8]>) -> Result<(), &'static str> {
    let stored = decompress(stored, DECOMPRESSED_BYTES_MAX).map_err(|_| "cannot be unpacked")?;
    let mut is_it = false;
    let without_secrets = split(&stored).ok_or("is no JSON")?.0;
    for body in sent {
        let (sent, secrets) = split(body).unwrap();
        if secrets.iter().any(|secret| holds(&stored, secret.as_bytes())) {
            return Err("has a secret in it");
        }
        is_it |= sent == without_secrets;
    }
    if is_it { Ok(()) } else { Err("is none of those that were sent") }
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// A body without its secrets, and these.
fn split(body: &[u8]) -> Option<(Value, Vec<String>)> {
    let (mut value, mut secrets) = (serde_json::from_slice(body).ok()?, Vec::new());
    take_out(&mut value, &mut secrets);
    Some((value, secrets))
}

fn take_out(value: &mut Value, secrets: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(secret)) = fields.remove(SECRET) {
                secrets.push(secret);
            }
            fields.values_mut().for_each(|value| take_out(value, secrets));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_out(item, secrets)),
        _ => {}
    }
}
