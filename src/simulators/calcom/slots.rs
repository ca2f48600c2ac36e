//! `GET /v2/slots`: what seems free, for up to two seconds longer than it is.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::api::{Call, Success};
use super::refusal::Refusal;
use super::state::State;
use super::world::{EventType, Span};
use super::{Shared, availability, time};

const COMMON: [&str; 7] =
    ["start", "end", "timeZone", "duration", "format", "bookingUidToReschedule", "rrHostSubsetIds"];

/// Answers with the free slots by day.
pub(super) fn list(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let now = shared.now();
    let mut query = call.query.clone();
    query.sort();
    let question = format!("{query:?}");
    let mut state = shared.state();
    if let Some(answer) = state.slot_answer(&question, now) {
        return Ok((200, answer));
    }
    let event_type = find_event_type(&state, call)?;
    let range = range(call)?;
    let zone = call.parameter("timeZone").map(|name| {
        let wrong = || Refusal::property("timeZone", "timeZone must be a valid IANA time-zone");
        time::zone(name).ok_or_else(wrong)
    });
    let zone = zone.transpose()?;
    let length_ms = match call.parameter("duration").map(str::parse::<i64>) {
        None => event_type.length_ms(),
        Some(Ok(minutes)) if (1..=1440).contains(&minutes) => minutes * 60_000,
        Some(_) => return Err(Refusal::property("duration", "duration must be a positive number")),
    };
    let starts = free_starts(&state, &event_type, call, range, length_ms, now);
    let with_end = call.parameter("format") == Some("range");
    let answer = json!({ "status": "success", "data": by_day(&starts, length_ms, zone.as_ref(), with_end) });
    let until = now + shared.options.slots_cache_ms;
    state.keep_slot_answer(question, until, now, answer.clone());
    Ok((200, answer))
}

fn find_event_type(state: &State, call: &Call) -> Result<EventType, Refusal> {
    let allow = |own: &[&str]| {
        let allowed: Vec<&str> = own.iter().chain(&COMMON).copied().collect();
        call.allow_parameters(&allowed)
    };
    if let Some(id) = call.parameter("eventTypeId") {
        allow(&["eventTypeId"])?;
        let id: i64 =
            id.parse().map_err(|_| Refusal::property("eventTypeId", "eventTypeId must be a number"))?;
        let missing = || Refusal::not_found(format!("Event Type with ID={id} does not exist!"));
        return state.world.event_type(id).cloned().ok_or_else(missing);
    }
    if let (Some(slug), Some(username)) = (call.parameter("eventTypeSlug"), call.parameter("username")) {
        allow(&["eventTypeSlug", "username", "organizationSlug"])?;
        let user = state.world.users.iter().find(|user| user.username == username);
        let user =
            user.ok_or_else(|| Refusal::not_found(format!("User with username={username} not found")))?;
        let mut types = state.world.event_types.iter();
        let found = types.find(|event_type| event_type.slug == slug && event_type.hosts.contains(&user.id));
        return found.cloned().ok_or_else(|| Refusal::not_found(format!("Event type {slug} not found")));
    }
    if let Some(team) = call.parameter("teamSlug") {
        return Err(Refusal::not_found(format!("Team with slug={team} not found")));
    }
    let message = "eventTypeId, eventTypeSlug with username, eventTypeSlug with teamSlug, or usernames with \
                   organizationSlug must be provided";
    Err(Refusal::bad_request(message))
}

fn range(call: &Call) -> Result<Span, Refusal> {
    let instant = |name: &str, parse: fn(&str) -> Option<i64>| {
        let wrong = || Refusal::property(name, &format!("{name} must be a valid ISO 8601 date string"));
        call.parameter(name).and_then(parse).ok_or_else(wrong)
    };
    let (from, to) = (instant("start", time::parse_instant_or_date)?, instant("end", time::parse_range_end)?);
    if from >= to {
        let message = "Invalid time range given - check the 'start' and 'end' query parameters.";
        return Err(Refusal::bad_request(message));
    }
    Ok((from, to))
}

fn free_starts(
    state: &State,
    event_type: &EventType,
    call: &Call,
    range: Span,
    length_ms: i64,
    now: i64,
) -> BTreeSet<i64> {
    let only = call.parameter("rrHostSubsetIds").map(|ids| ids.split(',').map(str::trim).collect::<Vec<_>>());
    let moved = call.parameter("bookingUidToReschedule");
    let earliest = range.0.max(now + i64::from(event_type.min_notice_minutes) * 60_000);
    let window_end = event_type.window_days.map(|days| now + i64::from(days) * 86_400_000);
    let latest = range.1.min(window_end.unwrap_or(range.1));
    // The day's spans start before the range does: their grid is the working day's, not the question's.
    let around = (range.0, range.1 + length_ms);
    let mut starts = BTreeSet::new();
    for host in &event_type.hosts {
        let wanted = only.as_ref().is_none_or(|only| only.contains(&host.to_string().as_str()));
        let Some(user) = state.world.user(*host).filter(|_| wanted) else { continue };
        let busy = state.busy(*host, around, moved);
        let free = availability::without(availability::working(user, around.0, around.1), &busy);
        let mut of_host = availability::starts(&free, length_ms, earliest, latest);
        of_host.retain(|start| !state.is_reserved(*host, (*start, start + length_ms), now));
        starts.extend(of_host);
    }
    starts
}

fn by_day(starts: &BTreeSet<i64>, length_ms: i64, zone: Option<&TimeZone>, with_end: bool) -> Value {
    let written = |ms: i64| zone.map_or_else(|| time::iso(ms), |zone| time::iso_in(ms, zone));
    let mut days: Map<String, Value> = Map::new();
    for start in starts {
        let day = time::at(*start, zone.unwrap_or(&TimeZone::UTC)).date().to_string();
        let slot = if with_end {
            json!({ "start": written(*start), "end": written(start + length_ms) })
        } else {
            json!({ "start": written(*start) })
        };
        if let Value::Array(slots) = days.entry(day).or_insert_with(|| json!([])) {
            slots.push(slot);
        }
    }
    Value::Object(days)
}
