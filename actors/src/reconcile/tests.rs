//! Calls that fell silent and calls that were missed, over fakes.

mod limits;
mod runs;
mod silent;

use askpro_domain::ids::CallId;

use crate::{
    ports::fakes::{EventBody, FIXTURE_NOW},
    rig::Rig,
};

pub(super) const NUMBER_A: &str = "+493083793369";
/// How long after its first word a call counts as silent: two hours and two minutes.
pub(super) const SILENT_MS: u64 = 7_320_000;
pub(super) const MINUTE_MS: u64 = 60_000;
pub(super) const HOUR_MS: u64 = 3_600_000;

pub(super) fn id(call: &str) -> CallId {
    CallId::parse(call).unwrap()
}

/// An event of a call to A's number, sent `after_ms` after the fixture's time.
pub(super) fn event(name: &str, call: &str, after_ms: i64) -> EventBody {
    EventBody {
        direction: Some("inbound".to_owned()),
        from: Some("+4915112345678".to_owned()),
        to: Some(NUMBER_A.to_owned()),
        started_at: Some(FIXTURE_NOW.0),
        ..EventBody::new(name, call, FIXTURE_NOW.0 + after_ms)
    }
}

pub(super) fn started(call: &str) -> EventBody {
    EventBody { status: Some("ongoing".to_owned()), ..event("call_started", call, 0) }
}

pub(super) fn ended(call: &str) -> EventBody {
    EventBody {
        status: Some("ended".to_owned()),
        ended_at: Some(FIXTURE_NOW.0 + 90_000),
        duration_ms: Some(90_000),
        reason: Some("user_hangup".to_owned()),
        transcript: Some("the whole conversation".to_owned()),
        ..event("call_ended", call, 91_000)
    }
}

pub(super) fn analyzed(call: &str) -> EventBody {
    EventBody {
        event: "call_analyzed".to_owned(),
        at: Some(FIXTURE_NOW.0 + 95_000),
        summary: Some("wanted a cut".to_owned()),
        successful: Some(true),
        ..ended(call)
    }
}

/// Calls that were asked for, in order.
pub(super) fn asked_for(rig: &Rig) -> Vec<String> {
    rig.voice.questions().into_iter().map(|(_, question)| question).collect()
}

/// `calls.status`, and who closed it.
pub(super) fn row(rig: &Rig, call: &str) -> (&'static str, Option<&'static str>) {
    let tables = rig.database.tables();
    let closed_by = tables.call_state(&id(call)).and_then(|state| state.closed_by);
    (tables.calls[&id(call)].status, closed_by.map(|field| field.value.as_str()))
}
