//! What is shown of a call. Instants are RFC 3339.

use askpro_actors::{calls::CallView, ports::stores::TimelineEntry};
use askpro_domain::{
    call::{CallOutcome, CallState, EventSource, Field},
    time::UnixMillis,
};
use serde::Serialize;

use super::super::{Services, actors::ActorLine};

/// A call in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallLine {
    /// The call's id.
    pub id: String,
    /// The same, under its own name.
    pub call_id: String,
    /// Slug of its company; `None` while it belongs to nobody.
    pub company: Option<String>,
    /// Slug of the branch that was called.
    pub branch: Option<String>,
    /// `live`, `ended`, `not_connected`, `error`.
    pub status: &'static str,
    /// What came of it, by our own books.
    pub outcome: Option<&'static str>,
    /// `inbound` or `outbound`.
    pub direction: Option<String>,
    /// `phone_call`, `web_call`, ...
    pub call_type: Option<String>,
    /// As sent.
    pub from_number: Option<String>,
    /// As sent.
    pub to_number: Option<String>,
    /// As sent.
    pub agent_id: Option<String>,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Length.
    pub duration_ms: Option<i64>,
    /// Why it ended.
    pub disconnection_reason: Option<String>,
    /// Who told that it is over: `webhook`, `reconcile` or `timeout`.
    pub closed_by: Option<&'static str>,
    /// Whether an actor has it in memory.
    pub in_memory: bool,
}

/// A call on its own page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallDetail {
    /// What lists show.
    #[serde(flatten)]
    pub line: CallLine,
    /// What Retell says of it.
    pub retell: RetellLine,
    /// Whether a callback was promised.
    pub callback_requested: bool,
    /// Our own bookings in it.
    pub appointments: Vec<AppointmentLine>,
    /// Its distinct events that are in the database.
    pub events: Vec<EventLine>,
    /// The actor, while it is in memory.
    pub live: Option<LiveLine>,
    /// Whether the database answered; without it, bookings and events are incomplete.
    pub store_answered: bool,
}

/// What Retell says of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetellLine {
    /// `call_status`.
    pub call_status: Option<String>,
    /// `call_analysis.call_successful`.
    pub call_successful: Option<bool>,
    /// `call_analysis.user_sentiment`.
    pub sentiment: Option<String>,
    /// `call_analysis.call_summary`.
    pub summary: Option<String>,
    /// `call_analysis.in_voicemail`.
    pub in_voicemail: Option<bool>,
    /// `agent_name`.
    pub agent_name: Option<String>,
    /// `agent_version`.
    pub agent_version: Option<i64>,
    /// `transfer_destination`.
    pub transfer_destination: Option<String>,
    /// Cost in thousandths of a cent.
    pub cost_millicents: Option<i64>,
}

/// A booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppointmentLine {
    /// Its id.
    pub appointment_id: String,
    /// Where it stands.
    pub status: &'static str,
    /// Counts its moves.
    pub version: u32,
    /// Cal.com's uid.
    pub calcom_uid: Option<String>,
    /// Slug of the service.
    pub service: Option<String>,
    /// Slug of the host.
    pub staff: Option<String>,
    /// Start.
    pub starts_at: Option<String>,
    /// End.
    pub ends_at: Option<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventLine {
    /// Retell's name of it.
    pub event: String,
    /// Identity within the call.
    pub dedup_key: String,
    /// When it arrived.
    pub received_at: String,
    /// Who told of it: `webhook`, `reconcile` or `timeout`.
    pub source: Option<&'static str>,
}

/// The actor of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveLine {
    /// Whether it waits for a company.
    pub unplaced: bool,
    /// Whether the store has told what it knew before.
    pub loaded: bool,
    /// Orders of rows that wait for the store's answer.
    pub withheld_orders: usize,
    /// When something was last heard of it.
    pub heard_at: String,
    /// What every actor tells.
    pub actor: Option<ActorLine>,
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineLine {
    /// Its place in the timeline.
    pub id: String,
    /// When.
    pub at: String,
    /// `event`, `function`, `booking`, `outbox`, `callback`.
    pub kind: &'static str,
    /// Event, function, status.
    pub name: String,
    /// Dedup key, code, reason.
    pub detail: String,
    /// The appointment it is about.
    pub appointment_id: Option<String>,
    /// Of an event, who told of it: `webhook`, `reconcile` or `timeout`.
    pub source: Option<&'static str>,
}

impl CallLine {
    /// Of what is known.
    pub(super) fn of(services: &Services, state: &CallState, in_memory: bool) -> Self {
        let directory = services.directory.current();
        let company = state.placed.and_then(|placed| directory.company(placed.company));
        let branch = state.placed.and_then(|placed| company?.branch(placed.branch));
        let identity = state.identity();
        let text = |at: &Option<Field<UnixMillis>>| at.as_ref().map(|field| field.value.to_rfc3339());
        Self {
            id: state.call_id.as_str().to_owned(),
            call_id: state.call_id.as_str().to_owned(),
            company: company.map(|c| c.slug.clone()),
            branch: branch.map(|b| b.slug.clone()),
            status: state.status().as_str(),
            outcome: state.outcome().map(CallOutcome::as_str),
            direction: identity.direction,
            call_type: value(&state.call_type),
            from_number: identity.from_number,
            to_number: identity.to_number,
            agent_id: identity.agent_id,
            started_at: text(&state.started_at),
            ended_at: text(&state.ended_at),
            duration_ms: state.duration_ms(),
            disconnection_reason: value(&state.disconnection_reason),
            closed_by: state.closed_by.as_ref().map(|field| field.value.as_str()),
            in_memory,
        }
    }
}

impl CallDetail {
    /// Of what is known without the database.
    pub(super) fn of(services: &Services, state: &CallState, live: Option<&CallView>) -> Self {
        let status = services.actors.calls.registry().status(&state.call_id);
        Self {
            line: CallLine::of(services, state, live.is_some()),
            retell: RetellLine {
                call_status: value(&state.retell_status),
                call_successful: value(&state.retell_successful),
                sentiment: value(&state.sentiment),
                summary: value(&state.summary),
                in_voicemail: value(&state.in_voicemail),
                agent_name: value(&state.agent_name),
                agent_version: value(&state.agent_version),
                transfer_destination: value(&state.transfer_destination),
                cost_millicents: value(&state.cost_millicents),
            },
            callback_requested: state.callback_requested,
            appointments: Vec::new(),
            events: Vec::new(),
            live: live.map(|view| LiveLine {
                unplaced: view.unplaced,
                loaded: view.loaded,
                withheld_orders: view.withheld_orders,
                heard_at: view.heard_at.to_rfc3339(),
                actor: status.map(ActorLine::from),
            }),
            store_answered: true,
        }
    }
}

impl From<TimelineEntry> for EventLine {
    fn from(entry: TimelineEntry) -> Self {
        Self {
            event: entry.name,
            dedup_key: entry.detail,
            received_at: entry.at.to_rfc3339(),
            source: entry.source.map(EventSource::as_str),
        }
    }
}

impl From<(usize, TimelineEntry)> for TimelineLine {
    fn from((place, entry): (usize, TimelineEntry)) -> Self {
        Self {
            id: format!("{place:06}"),
            at: entry.at.to_rfc3339(),
            kind: entry.kind,
            name: entry.name,
            detail: entry.detail,
            appointment_id: entry.appointment_id.map(|id| id.0),
            source: entry.source.map(EventSource::as_str),
        }
    }
}

fn value<T: Clone>(field: &Option<Field<T>>) -> Option<T> {
    field.as_ref().map(|field| field.value.clone())
}
