//! What Retell's answers mean: events of a call, as if Retell had sent them, and lines of a list. Pure.
//!
//! A body that is made here says so in itself ([`SOURCE_FIELD`]) and has no `event_timestamp`: of two versions
//! of an event the one that Retell sent stays. Secrets are blanked before anything is kept.

use std::collections::BTreeMap;

use askpro_actors::ports::voice::{CallPage, ListedCall, Looked, Told, VoiceError};
use askpro_domain::{call::EventSource, ids::CallId, time::UnixMillis};
use serde_json::value::RawValue;

use super::{
    inbound::{
        blank_secrets,
        decode::{Decoded, SOURCE_FIELD, decode},
    },
    wire::{CallList, ListedObject},
};
use crate::compress::compress;

/// Fields that `call_started` does not have: words, and what comes of them.
const LATER_FIELDS: [&str; 6] = [
    "transcript",
    "transcript_object",
    "transcript_with_tool_calls",
    "scrubbed_transcript_with_tool_calls",
    "call_cost",
    ANALYSIS,
];
const ANALYSIS: &str = "call_analysis";

/// A call object, its values as they stand in the answer.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// A call as `get-call` tells it.
pub(super) fn looked(asked: &CallId, body: &[u8]) -> Result<Looked, VoiceError> {
    let mut fields: Fields<'_> =
        serde_json::from_slice(body).map_err(|_| VoiceError::Unreadable("no call object"))?;
    if text(&fields, "call_id").as_deref() != Some(asked.as_str()) {
        return Err(VoiceError::Unreadable("another call"));
    }
    if !is_over(text(&fields, "call_status").as_deref(), has(&fields, "end_timestamp")) {
        fields.retain(|name, _| !LATER_FIELDS.contains(&name.as_str()));
        return Ok(Looked::Ongoing(Box::new(told("call_started", EventSource::Reconcile, &fields)?)));
    }
    let analyzed = has(&fields, ANALYSIS);
    let analysis =
        if analyzed { Some(told("call_analyzed", EventSource::Reconcile, &fields)?) } else { None };
    fields.remove(ANALYSIS);
    let end = told("call_ended", EventSource::Reconcile, &fields)?;
    Ok(Looked::Over(std::iter::once(end).chain(analysis).collect()))
}

/// The end of a call that nobody tells of: nothing but that it is over.
pub(super) fn given_up(call_id: &CallId) -> Result<Told, VoiceError> {
    let id = serde_json::value::to_raw_value(call_id).map_err(|_| VoiceError::Unreadable("no call id"))?;
    let fields = Fields::from([("call_id".to_owned(), id.as_ref())]);
    told("call_ended", EventSource::Timeout, &fields)
}

/// A page of `list-calls`.
pub(super) fn page(body: &[u8]) -> Result<CallPage, VoiceError> {
    let list: CallList =
        serde_json::from_slice(body).map_err(|_| VoiceError::Unreadable("no list of calls"))?;
    let next = match (list.has_more, list.pagination_key) {
        (true, None) => return Err(VoiceError::Unreadable("a list that goes on without saying where")),
        (true, next) => next,
        (false, _) => None,
    };
    let calls: Vec<ListedCall> = list.items.iter().filter_map(listed).collect();
    Ok(CallPage { unreadable: list.items.len() - calls.len(), calls, next })
}

fn listed(item: &serde_json::Value) -> Option<ListedCall> {
    let object = ListedObject(item.as_object()?);
    let call_id = object.text("call_id").and_then(CallId::parse)?;
    let ended_at = object.number("end_timestamp").map(UnixMillis);
    Some(ListedCall {
        call_id,
        over: is_over(object.text("call_status"), ended_at.is_some()),
        analyzed: object.has_object(ANALYSIS),
        began_at: object.number("start_timestamp").map(UnixMillis),
        ended_at,
    })
}

/// By its status; of one that is new to us, by whether it has an end.
fn is_over(status: Option<&str>, has_end: bool) -> bool {
    match status {
        Some("ended" | "error" | "not_connected") => true,
        Some("registered" | "ongoing") => false,
        _ => has_end,
    }
}

fn has(fields: &Fields<'_>, name: &str) -> bool {
    fields.get(name).is_some_and(|raw| !matches!(raw.get(), "null" | "{}"))
}

fn text(fields: &Fields<'_>, name: &str) -> Option<String> {
    fields.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// An event with this call object, packed as it is kept.
fn told(event: &str, source: EventSource, fields: &Fields<'_>) -> Result<Told, VoiceError> {
    let unreadable = |_| VoiceError::Unreadable("no event can be made of it");
    let call = serde_json::to_string(fields).map_err(unreadable)?;
    let body =
        format!("{{\"event\":\"{event}\",\"{SOURCE_FIELD}\":\"{}\",\"call\":{call}}}", source.as_str());
    let body = blank_secrets(body.as_bytes());
    let decoded = decode(&body).map_err(|_| VoiceError::Unreadable("no event can be made of it"))?;
    let Decoded::Call(event) = decoded.decoded else {
        return Err(VoiceError::Unreadable("no event of a call"));
    };
    let body = compress(&body).map_err(|_| VoiceError::Unreadable("it cannot be compressed"))?;
    Ok(Told { event: *event, body })
}
