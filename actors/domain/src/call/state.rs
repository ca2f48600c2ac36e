//! The state of a call and what its row says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    event::{CallEvent, CallFacts, CallIdentity, EventSource, Stage},
    merge::{Field, Provenance, join, join_field},
};
use crate::{
    booking::AppointmentStatus,
    ids::{AppointmentId, BodyHash, BranchId, CallId, CompanyId},
    time::UnixMillis,
};

/// Everything known of a call. Serialised as JSON into `calls.state`, so that a late event can bring the
/// call back exactly as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallState {
    /// Its id.
    pub call_id: CallId,
    /// The company it belongs to; its first placing stays.
    pub placed: Option<PlacedIn>,
    /// The furthest stage heard of.
    pub stage: Stage,
    /// `direction`.
    pub direction: Option<Field<String>>,
    /// `from_number`.
    pub from_number: Option<Field<String>>,
    /// `to_number`.
    pub to_number: Option<Field<String>>,
    /// `agent_id`.
    pub agent_id: Option<Field<String>>,
    /// `agent_version`.
    pub agent_version: Option<Field<i64>>,
    /// `agent_name`.
    pub agent_name: Option<Field<String>>,
    /// `call_status`, as Retell last said.
    pub retell_status: Option<Field<String>>,
    /// `call_type`.
    pub call_type: Option<Field<String>>,
    /// `start_timestamp`.
    pub started_at: Option<Field<UnixMillis>>,
    /// `end_timestamp`.
    pub ended_at: Option<Field<UnixMillis>>,
    /// `duration_ms`.
    pub duration_ms: Option<Field<i64>>,
    /// `disconnection_reason`.
    pub disconnection_reason: Option<Field<String>>,
    /// `recording_url`.
    pub recording_url: Option<Field<String>>,
    /// `transfer_destination`.
    pub transfer_destination: Option<Field<String>>,
    /// Cost in thousandths of a cent.
    pub cost_millicents: Option<Field<i64>>,
    /// Summary of the analysis.
    pub summary: Option<Field<String>>,
    /// Sentiment of the analysis.
    pub sentiment: Option<Field<String>>,
    /// Retell's own verdict; never our outcome.
    pub retell_successful: Option<Field<bool>>,
    /// Whether a voicemail answered.
    pub in_voicemail: Option<Field<bool>>,
    /// Which event has the best transcript.
    pub transcript: Option<TranscriptFrom>,
    /// Who told that it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<Field<EventSource>>,
    /// Our own bookings in this call.
    pub appointments: BTreeMap<AppointmentId, AppointmentFact>,
    /// Whether a callback was promised.
    pub callback_requested: bool,
    /// Only a company's own key says that it belongs where it is placed; the platform has not agreed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claimed: bool,
}

/// Where a call belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlacedIn {
    /// The company.
    pub company: CompanyId,
    /// The branch whose number or agent it was.
    pub branch: BranchId,
}

/// Which event carries the transcript: later stage, then newer, then longer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TranscriptFrom {
    /// Stage of that event.
    pub stage: Stage,
    /// Its `event_timestamp`.
    pub at: Option<UnixMillis>,
    /// Length of its transcript in bytes.
    pub bytes: u32,
    /// Hash of its body.
    pub hash: BodyHash,
    /// Its `dedup_key`: the row that has the body.
    pub dedup_key: String,
}

/// Where one of our bookings stands, as its scheduler last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppointmentFact {
    /// Counts the moves of the booking; the higher is newer.
    pub version: u32,
    /// Its status at that version.
    pub status: AppointmentStatus,
}

/// `calls.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Not yet ended.
    Live,
    /// Ended after a conversation.
    Ended,
    /// Nobody answered, or the destination could not be reached.
    NotConnected,
    /// Ended by a fault.
    Error,
}

impl CallStatus {
    /// The word in rows and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ended => "ended",
            Self::NotConnected => "not_connected",
            Self::Error => "error",
        }
    }
}

/// `calls.outcome`: what came of the call for the company, by our own books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// At least one booking is confirmed.
    Booked,
    /// A booking is under way or unknown.
    BookingPending,
    /// Bookings were tried and none stands.
    BookingFailed,
    /// A callback was promised.
    CallbackRequested,
}

impl CallOutcome {
    /// The word in rows and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::BookingPending => "booking_pending",
            Self::BookingFailed => "booking_failed",
            Self::CallbackRequested => "callback_requested",
        }
    }
}

impl CallState {
    /// A call of which nothing is known but its id.
    #[must_use]
    pub fn new(call_id: CallId) -> Self {
        Self {
            call_id,
            placed: None,
            stage: Stage::Started,
            direction: None,
            from_number: None,
            to_number: None,
            agent_id: None,
            agent_version: None,
            agent_name: None,
            retell_status: None,
            call_type: None,
            started_at: None,
            ended_at: None,
            duration_ms: None,
            disconnection_reason: None,
            recording_url: None,
            transfer_destination: None,
            cost_millicents: None,
            summary: None,
            sentiment: None,
            retell_successful: None,
            in_voicemail: None,
            transcript: None,
            closed_by: None,
            appointments: BTreeMap::new(),
            callback_requested: false,
            claimed: false,
        }
    }

    /// Joins an event. Any order and any number of copies give the same state.
    #[must_use]
    pub fn apply(mut self, event: &CallEvent) -> Self {
        let from = event.provenance();
        self.stage = self.stage.max(from.stage);
        self.join_identity(&event.facts.identity, from);
        self.join_course(&event.facts, from);
        self.join_analysis(&event.facts, from);
        if let Some(fact) = event.facts.transcript {
            let candidate = TranscriptFrom {
                stage: from.stage,
                at: from.at,
                bytes: fact.bytes,
                hash: from.hash,
                dedup_key: event.dedup_key.clone(),
            };
            self.transcript = self.transcript.max(Some(candidate));
        }
        if from.stage >= Stage::Ended {
            join(&mut self.closed_by, Some(event.source), from);
        }
        self
    }

    /// Joins everything another state of the same call knows; its placing wins, for it is the older.
    #[must_use]
    pub fn join_older(mut self, older: Self) -> Self {
        self.claimed = match (older.placed, self.placed) {
            (Some(older_placed), Some(placed)) if older_placed.company == placed.company => {
                older.claimed && self.claimed
            }
            (Some(_), _) => older.claimed,
            (None, _) => self.claimed,
        };
        self.placed = older.placed.or(self.placed);
        self.stage = self.stage.max(older.stage);
        join_field(&mut self.direction, older.direction);
        join_field(&mut self.from_number, older.from_number);
        join_field(&mut self.to_number, older.to_number);
        join_field(&mut self.agent_id, older.agent_id);
        join_field(&mut self.agent_version, older.agent_version);
        join_field(&mut self.agent_name, older.agent_name);
        join_field(&mut self.retell_status, older.retell_status);
        join_field(&mut self.call_type, older.call_type);
        join_field(&mut self.started_at, older.started_at);
        join_field(&mut self.ended_at, older.ended_at);
        join_field(&mut self.duration_ms, older.duration_ms);
        join_field(&mut self.disconnection_reason, older.disconnection_reason);
        join_field(&mut self.recording_url, older.recording_url);
        join_field(&mut self.transfer_destination, older.transfer_destination);
        join_field(&mut self.cost_millicents, older.cost_millicents);
        join_field(&mut self.summary, older.summary);
        join_field(&mut self.sentiment, older.sentiment);
        join_field(&mut self.retell_successful, older.retell_successful);
        join_field(&mut self.in_voicemail, older.in_voicemail);
        self.transcript = self.transcript.max(older.transcript);
        join_field(&mut self.closed_by, older.closed_by);
        for (id, fact) in older.appointments {
            self = self.settle(id, fact);
        }
        self.callback_requested |= older.callback_requested;
        self
    }

    /// Joins where the call belongs; the first placing stays.
    #[must_use]
    pub fn place(mut self, placed: PlacedIn) -> Self {
        self.placed.get_or_insert(placed);
        self
    }

    /// Whether somebody other than the company's own key names the company: `named`, as an event or a question says
    /// by itself.
    #[must_use]
    pub fn is_claimed_from(&self, named: Option<PlacedIn>) -> bool {
        let differs = |placed: PlacedIn| named.is_some_and(|named| named.company != placed.company);
        self.claimed && self.placed.is_some_and(differs)
    }

    /// Joins who takes part, as a function call's body tells it, without any event.
    #[must_use]
    pub fn meet(mut self, identity: &CallIdentity) -> Self {
        let from = Provenance { stage: Stage::Started, at: None, hash: BodyHash::default() };
        self.join_identity(identity, from);
        self
    }

    /// Joins where one of our bookings stands.
    #[must_use]
    pub fn settle(mut self, appointment: AppointmentId, fact: AppointmentFact) -> Self {
        let entry = self.appointments.entry(appointment).or_insert(fact);
        *entry = (*entry).max(fact);
        self
    }

    /// Joins that a callback was promised.
    #[must_use]
    pub fn promise_callback(mut self) -> Self {
        self.callback_requested = true;
        self
    }

    /// The identity as merged.
    #[must_use]
    pub fn identity(&self) -> CallIdentity {
        let text = |f: &Option<Field<String>>| f.as_ref().map(|f| f.value.clone());
        CallIdentity {
            direction: text(&self.direction),
            from_number: text(&self.from_number),
            to_number: text(&self.to_number),
            agent_id: text(&self.agent_id),
        }
    }

    /// Live until an event of a later stage came; then by Retell's status, else by the reason.
    #[must_use]
    pub fn status(&self) -> CallStatus {
        if self.stage < Stage::Ended {
            return CallStatus::Live;
        }
        match self.retell_status.as_ref().map(|f| f.value.as_str()) {
            Some("not_connected") => CallStatus::NotConnected,
            Some("error") => CallStatus::Error,
            Some("ended") => CallStatus::Ended,
            _ => self.disconnection_reason.as_ref().map_or(CallStatus::Ended, |f| status_of_reason(&f.value)),
        }
    }

    /// Whether no further conversation can come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stage >= Stage::Ended
    }

    /// Length in milliseconds: as Retell says, else end minus start; zero when it never connected.
    #[must_use]
    pub fn duration_ms(&self) -> Option<i64> {
        match self.status() {
            CallStatus::NotConnected => Some(0),
            CallStatus::Live => None,
            CallStatus::Ended | CallStatus::Error => {
                let spoken = || {
                    let (start, end) = (self.started_at.as_ref()?, self.ended_at.as_ref()?);
                    Some(end.value.since(start.value).max(0))
                };
                self.duration_ms.as_ref().map(|f| f.value).or_else(spoken)
            }
        }
    }

    /// What came of it, by our own books.
    #[must_use]
    pub fn outcome(&self) -> Option<CallOutcome> {
        let any =
            |wanted: fn(AppointmentStatus) -> bool| self.appointments.values().any(|f| wanted(f.status));
        if any(AppointmentStatus::stands) {
            Some(CallOutcome::Booked)
        } else if any(AppointmentStatus::is_open) {
            Some(CallOutcome::BookingPending)
        } else if self.callback_requested {
            Some(CallOutcome::CallbackRequested)
        } else if any(|s| s != AppointmentStatus::Cancelled && s != AppointmentStatus::Rescheduled) {
            Some(CallOutcome::BookingFailed)
        } else {
            None
        }
    }

    fn join_identity(&mut self, identity: &CallIdentity, from: Provenance) {
        join(&mut self.direction, identity.direction.clone(), from);
        join(&mut self.from_number, identity.from_number.clone(), from);
        join(&mut self.to_number, identity.to_number.clone(), from);
        join(&mut self.agent_id, identity.agent_id.clone(), from);
    }

    fn join_course(&mut self, facts: &CallFacts, from: Provenance) {
        join(&mut self.agent_version, facts.agent_version, from);
        join(&mut self.agent_name, facts.agent_name.clone(), from);
        join(&mut self.retell_status, facts.status.clone(), from);
        join(&mut self.call_type, facts.call_type.clone(), from);
        join(&mut self.started_at, facts.started_at, from);
        join(&mut self.ended_at, facts.ended_at, from);
        join(&mut self.duration_ms, facts.duration_ms, from);
        join(&mut self.disconnection_reason, facts.disconnection_reason.clone(), from);
        join(&mut self.recording_url, facts.recording_url.clone(), from);
        join(&mut self.transfer_destination, facts.transfer_destination.clone(), from);
        join(&mut self.cost_millicents, facts.cost_millicents, from);
    }

    fn join_analysis(&mut self, facts: &CallFacts, from: Provenance) {
        join(&mut self.summary, facts.summary.clone(), from);
        join(&mut self.sentiment, facts.sentiment.clone(), from);
        join(&mut self.retell_successful, facts.retell_successful, from);
        join(&mut self.in_voicemail, facts.in_voicemail, from);
    }
}

/// Status by `disconnection_reason`, for ended calls whose status says nothing. Source: facts, Retell's
/// page on disconnections; unknown reasons are `ended`.
fn status_of_reason(reason: &str) -> CallStatus {
    match reason {
        "dial_busy"
        | "dial_failed"
        | "dial_no_answer"
        | "invalid_destination"
        | "sip_routing_error"
        | "marked_as_spam"
        | "user_declined" => CallStatus::NotConnected,
        "concurrency_limit_reached" | "no_valid_payment" | "scam_detected" | "registered_call_timeout" => {
            CallStatus::Error
        }
        r if r.starts_with("telephony_provider_") => CallStatus::NotConnected,
        r if r.starts_with("error_") => CallStatus::Error,
        _ => CallStatus::Ended,
    }
}
