//! Rows that the writers commit. Each carries what a row of the contract needs; ids are made by us.

use std::borrow::Cow;

use askpro_domain::{
    booking::AppointmentStatus,
    call::EventSource,
    ids::{AppointmentId, BodyHash, CallId, CompanyId, CustomerId},
    phone::PhoneNumber,
    time::UnixMillis,
};
use bytes::Bytes;

use super::journal::Position;

/// One row per distinct event of a call. The row with the higher [`EventRow::rank`] stays.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// The company.
    pub company: CompanyId,
    /// The call.
    pub call_id: CallId,
    /// Retell's name of the event.
    pub event: String,
    /// Identity within the call.
    pub dedup_key: String,
    /// `event_timestamp`, when sent.
    pub event_timestamp: Option<UnixMillis>,
    /// Hash of the body.
    pub body_hash: BodyHash,
    /// Length of the body before compression.
    pub body_bytes: u32,
    /// Who told of it.
    pub source: EventSource,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Company whose own key signed it, if one did; no column, for the dead letter that it may become.
    pub signer_company: Option<CompanyId>,
    /// The body, or where it is in the journal.
    pub body: Body,
}

/// A compressed body, in memory or still in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// zstd.
    Inline(Bytes),
    /// Read it at this position when it is written.
    InJournal(Position),
}

impl EventRow {
    /// Which version of the same event stays: newer, then (transcripts only) longer, then higher hash.
    /// 20 + 10 + 32 characters that sort as text.
    #[must_use]
    pub fn rank(&self) -> String {
        let at = self.event_timestamp.map_or(0, |t| t.0.max(0));
        let bytes = if self.event == "transcript_updated" { self.body_bytes } else { 0 };
        format!("{at:020}{bytes:010}{}", self.body_hash.to_hex())
    }
}

/// The row of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRow {
    /// The company.
    pub company: CompanyId,
    /// The branch.
    pub branch: askpro_domain::ids::BranchId,
    /// The call.
    pub call_id: CallId,
    /// `live`, `ended`, `not_connected`, `error`.
    pub status: &'static str,
    /// `direction`, when known.
    pub direction: Option<String>,
    /// `call_type`.
    pub call_type: Option<String>,
    /// As sent.
    pub from_number: Option<String>,
    /// As sent.
    pub to_number: Option<String>,
    /// As sent.
    pub agent_id: Option<String>,
    /// When it began.
    pub started_at: Option<UnixMillis>,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
    /// Length.
    pub duration_ms: Option<i64>,
    /// Why it ended.
    pub disconnection_reason: Option<String>,
    /// Our own outcome.
    pub outcome: Option<&'static str>,
    /// Retell's verdict.
    pub retell_successful: Option<bool>,
    /// The whole state as JSON.
    pub state: Bytes,
}

/// The row of an appointment; the higher version stays.
#[derive(Debug, Clone, PartialEq)]
pub struct AppointmentRow {
    /// Its id.
    pub appointment: AppointmentId,
    /// The company.
    pub company: CompanyId,
    /// The call that ordered.
    pub call_id: CallId,
    /// The service.
    pub service_id: i64,
    /// The host, when known.
    pub staff_id: Option<i64>,
    /// Start.
    pub starts_at: UnixMillis,
    /// End.
    pub ends_at: UnixMillis,
    /// Its status.
    pub status: AppointmentStatus,
    /// Cal.com's uid.
    pub calcom_uid: Option<String>,
    /// Counts moves.
    pub version: u32,
    /// The whole booking as JSON.
    pub state: Bytes,
}

/// A notice to be sent; the pair (company, key) exists once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The company.
    pub company: CompanyId,
    /// Idempotency key, such as `booking_confirmed:apt_…`.
    pub key: String,
    /// Kind of notice.
    pub kind: &'static str,
    /// The call it came from.
    pub call_id: Option<CallId>,
    /// What the notice needs, JSON.
    pub payload: String,
    /// When it was wanted.
    pub created_at: UnixMillis,
}

/// A wish to be called back; the pair (company, key) exists once, and the higher version stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackRow {
    /// The company.
    pub company: CompanyId,
    /// Idempotency key.
    pub key: String,
    /// The call it came from.
    pub call_id: Option<CallId>,
    /// Whom to call.
    pub phone: Option<String>,
    /// Name, when known.
    pub name: Option<String>,
    /// `urgent`, `high` or `normal`.
    pub priority: &'static str,
    /// Stable reason, or what the caller said.
    pub reason: String,
    /// From when on, when that was understood.
    pub due_at: Option<UnixMillis>,
    /// When, in the caller's words.
    pub due_text: Option<String>,
    /// When it was wanted.
    pub created_at: UnixMillis,
    /// Counts what joined it; 1 when nothing can.
    pub version: u32,
}

/// A caller who became a customer by a booking; a row that is there stays as it is, the imported name among it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRow {
    /// The company.
    pub company: CompanyId,
    /// Its id.
    pub id: CustomerId,
    /// As the booking has it.
    pub name: String,
    /// The caller's own number.
    pub phone: PhoneNumber,
    /// As the booking has it.
    pub email: Option<String>,
}

/// An event of the platform (alerts); identity `dedup_key`.
#[derive(Debug, Clone, PartialEq)]
pub struct PlatformEventRow {
    /// Retell's name of the event.
    pub event: String,
    /// Identity.
    pub dedup_key: String,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Compressed body.
    pub body: Body,
}

/// An announcement of the calendar; the pair (company, dedup key) exists once.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarEventRow {
    /// The company.
    pub company: CompanyId,
    /// Identity within the company.
    pub dedup_key: String,
    /// The calendar's name of the event.
    pub event: String,
    /// Uid of the booking that it is about.
    pub booking_uid: Option<String>,
    /// When it happened, by the calendar's clock.
    pub event_at: Option<UnixMillis>,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Compressed body.
    pub body: Body,
}

impl CalendarEventRow {
    /// Id in lists, `ce_` and 15 digits of time and 16 of a hash: sorts by time of receipt.
    #[must_use]
    pub fn id(&self) -> String {
        let hash = BodyHash::of(&[self.dedup_key.as_bytes()]).to_hex();
        format!("ce_{:015}{}", self.received_at.0.max(0), hash.get(..16).unwrap_or_default())
    }
}

/// An event that could not be placed; identity (call, dedup key, company whose own key signed it).
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantineRow {
    /// Its id, made from its identity.
    pub id: String,
    /// The call.
    pub call_id: CallId,
    /// Retell's name of the event.
    pub event: String,
    /// Identity within the call.
    pub dedup_key: String,
    /// Why it could not be placed.
    pub reason: &'static str,
    /// Company whose own key signed it, if one did.
    pub signer_company: Option<CompanyId>,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Which version stays, as [`EventRow::rank`].
    pub rank: String,
    /// Compressed body.
    pub body: Body,
}

/// A message that panicked twice.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetterRow {
    /// Its id.
    pub id: String,
    /// Kind of actor.
    pub actor: &'static str,
    /// The actor's key.
    pub actor_id: String,
    /// Kind of message; only `retell_event` can be replayed.
    pub message: Cow<'static, str>,
    /// What went wrong.
    pub error: String,
    /// Company whose own key signed it, if one did.
    pub signer_company: Option<CompanyId>,
    /// When it was set aside.
    pub created_at: UnixMillis,
    /// Compressed body, when the message had one.
    pub body: Option<Body>,
}

/// An answered live function call, for "why did this booking fail".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCallRow {
    /// The company.
    pub company: CompanyId,
    /// The call.
    pub call_id: CallId,
    /// When it was answered.
    pub answered_at: UnixMillis,
    /// Function name, a closed set.
    pub function: &'static str,
    /// `success` of the answer.
    pub success: bool,
    /// `code` of the answer.
    pub code: String,
    /// How long the agent waited.
    pub took_ms: i64,
}

/// One thing to write. Everything of one order of the writers goes in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Insert, or replace when its rank is higher.
    Event(EventRow),
    /// Insert or replace.
    Call(Box<CallRow>),
    /// Insert, or replace when its version is higher.
    Appointment(Box<AppointmentRow>),
    /// Insert unless there.
    Outbox(OutboxRow),
    /// Insert, or replace when its version is higher.
    Callback(CallbackRow),
    /// Insert unless there.
    Customer(CustomerRow),
    /// Insert unless there.
    PlatformEvent(PlatformEventRow),
    /// Insert unless there.
    CalendarEvent(CalendarEventRow),
    /// Insert, or replace when its rank is higher.
    Quarantine(QuarantineRow),
    /// Delete all quarantined events of a call: it was placed.
    QuarantineReleased(CallId),
    /// Insert unless there.
    DeadLetter(DeadLetterRow),
    /// Delete: it was replayed.
    DeadLetterReplayed(String),
    /// Insert.
    FunctionCall(FunctionCallRow),
}
