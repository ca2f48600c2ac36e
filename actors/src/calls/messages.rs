//! What a call's actor hears and shows.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::{
    call::{AppointmentFact, CallEvent, CallIdentity, CallState},
    function::{FunctionName, Remarks, ToolCall},
    ids::{AppointmentId, CompanyId},
    time::UnixMillis,
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    ports::{
        journal::{CallbackRecord, Position, Signer},
        rows::{DeadLetterRow, Write},
        stores::{LiveCall, QuarantinedEvent},
    },
    runtime::Reply,
};

/// What a call's actor hears.
#[derive(Debug)]
pub enum CallMessage {
    /// Fact, from ingest, replay or quarantine: Retell told something. Not answered.
    EventReceived(Box<EventReceived>),
    /// Question, from a live function call; answered by the scheduler or here, by its deadline.
    AskFunction(Box<AskFunction>),
    /// Fact, from the scheduler: one of this call's bookings moved; carries the rows to write. Not answered.
    BookingMoved(Box<BookingMoved>),
    /// Fact, at restart: this call asked for a callback, and its rows may not be written. Not answered.
    CallbackTaken(Box<CallbackTaken>),
    /// Fact, from itself: what the store knows of this call.
    Loaded {
        /// Which of its questions it answers; an answer to an earlier life of this actor may be too old.
        question: u64,
        /// The answer.
        loaded: Box<Loaded>,
    },
    /// Fact, at restart: the store's state of a live call. Not answered.
    Restored(Box<LiveCall>),
    /// Fact, from the account's reconciler: the platform says that the call goes on. Not answered.
    StillOngoing,
    /// Order, from its own timer: its end should have come by now.
    Silent,
    /// Order, from its own timer: write the newest transcript.
    FlushTranscript,
    /// Order, from its own timer: leave memory when nothing is left to do.
    Leave,
    /// Order, from its own timer: orders that waited for the store go on without it, and agents that
    /// waited for the disk are answered without it.
    GoOn,
    /// Order, from its own timer: ask the store again. At restart also: the row of this call cannot be read.
    LoadAgain,
    /// Fact, from itself: an agent was answered outside a turn; nothing follows from it.
    Answered,
    /// Question, from admins; answered at once.
    GetCall(Reply<CallView>),
}

/// An event with its body.
#[derive(Debug, Clone)]
pub struct EventReceived {
    /// Decoded.
    pub event: CallEvent,
    /// Compressed body.
    pub body: Bytes,
    /// Where it is in the journal; `None` for transcripts and for events out of the database.
    pub position: Option<Position>,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Who signed it.
    pub signer: Signer,
}

/// A live function call.
#[derive(Debug, Clone)]
pub struct AskFunction {
    /// Which function.
    pub function: FunctionName,
    /// Its arguments as sent.
    pub arguments: Map<String, Value>,
    /// What the body tells of the tool call.
    pub tool_call: ToolCall,
    /// Who takes part, by the body's call object.
    pub identity: CallIdentity,
    /// When the call began, by the same.
    pub started_at: Option<UnixMillis>,
    /// Who signed it.
    pub signer: Signer,
    /// When it arrived.
    pub asked_at: UnixMillis,
    /// When the agent must have an answer.
    pub deadline: UnixMillis,
    /// What was noticed of the arguments, told before the answer; nothing when no arguments were read.
    pub remarks: Reply<Remarks>,
    /// The waiting socket.
    pub reply: Reply<Answered>,
}

/// An answer to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// JSON.
    pub body: Bytes,
    /// `success`.
    pub success: bool,
    /// `code`.
    pub code: String,
    /// The company, when the call could be placed.
    pub company: Option<CompanyId>,
}

/// A booking's move, as its scheduler tells it.
#[derive(Debug, Clone)]
pub struct BookingMoved {
    /// Which appointment.
    pub appointment: AppointmentId,
    /// Where it stands.
    pub fact: AppointmentFact,
    /// Its company: a call that only ever booked is placed by it.
    pub placed: askpro_domain::call::PlacedIn,
    /// Only the company's own key said so: it places no call.
    pub claimed: bool,
    /// Whether a callback was promised with it.
    pub callback: bool,
    /// Rows: the appointment, notices, callbacks.
    pub writes: Vec<Write>,
    /// Its record.
    pub position: Position,
}

/// A callback that a call asked for.
#[derive(Debug, Clone)]
pub struct CallbackTaken {
    /// As it is in the journal.
    pub record: CallbackRecord,
    /// Where.
    pub position: Position,
}

/// What the store knows of a call.
#[derive(Debug)]
pub enum Loaded {
    /// This.
    Known {
        /// As its row says.
        state: Option<Box<CallState>>,
        /// Its events that are still in quarantine.
        quarantined: Vec<QuarantinedEvent>,
        /// What companies booked in it that may have claimed it, where that was asked.
        claims: BTreeMap<AppointmentId, (CompanyId, AppointmentFact)>,
        /// Companies among these that promised a callback in it.
        claimed_callbacks: BTreeSet<CompanyId>,
        /// The row that could not be read, where `state` was made anew of what else is kept.
        repair: Option<Box<Repair>>,
    },
    /// The store did not answer.
    Failed(String),
}

/// What became of the row of a call that could not be read.
#[derive(Debug)]
pub struct Repair {
    /// It was set aside as this.
    pub letter: DeadLetterRow,
    /// When the first of the call's events arrived that are kept.
    pub heard_first: Option<UnixMillis>,
}

/// A call as admins see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallView {
    /// Everything known.
    #[serde(skip)]
    pub state: CallState,
    /// Whether it waits for a company.
    pub unplaced: bool,
    /// Whether the store was asked for what it knew before.
    pub loaded: bool,
    /// Orders of rows that wait for the store's answer.
    pub withheld_orders: usize,
    /// When something was last heard of it.
    pub heard_at: UnixMillis,
}
