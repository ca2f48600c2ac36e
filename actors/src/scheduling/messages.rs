//! What a scheduler hears and shows.

use std::{collections::BTreeMap, sync::Arc};

use askpro_domain::{
    booking::Booking,
    calendar::CalendarEvent,
    call::{AppointmentFact, PlacedIn},
    function::{FunctionOrder, ToolCall},
    ids::{AppointmentId, CallId},
    phone::PhoneNumber,
    policy::Pass,
    slots::HoldId,
    time::{Interval, UnixMillis},
};
use serde::Serialize;

use super::{
    breakers::BreakerView,
    pins::Pin,
    reservations::{AskedReservation, ReservationKey},
    untold::HeldOf,
};
use crate::{
    calls::Answered,
    ports::{
        calendar::{CalendarError, CreateOutcome, FoundBooking, Offered, ReserveOutcome},
        journal::{Position, SchedulingRecord},
    },
    runtime::Reply,
};

/// What a scheduler hears.
#[derive(Debug)]
pub enum SchedulingMessage {
    /// Question, from a call: a slot is wanted, or a booking. Answered straight to the agent's socket.
    Ask(Box<SchedulingAsk>),
    /// Fact, from a call: it is over. Its offers end.
    CallFinished(CallId),
    /// Fact, at restart: what the journal and the database know.
    Restore(Box<Restore>),
    /// Fact, from itself: the calendar answered.
    SlotsFetched {
        /// The event type that was asked for.
        event_type_id: i64,
        /// The window that was asked for.
        window: Interval,
        /// How it passed the breaker.
        pass: Pass,
        /// The answer.
        result: Result<Offered, CalendarError>,
    },
    /// Fact, from itself: a new order is on disk, or the disk did not take it.
    OrderWritten {
        /// Which booking.
        appointment: AppointmentId,
        /// When its agent must be answered.
        answer_by: UnixMillis,
        /// Whether it is on disk.
        is_durable: bool,
    },
    /// Fact, from itself: a POST came back.
    Posted {
        /// Which booking.
        appointment: AppointmentId,
        /// How it passed the breaker.
        pass: Pass,
        /// What came of it; `None` when it was not written ahead and so never sent.
        outcome: Option<CreateOutcome>,
    },
    /// Fact, from itself: a look came back.
    Looked {
        /// Which booking.
        appointment: AppointmentId,
        /// How it passed the breaker.
        pass: Pass,
        /// How often it had been posted and looked for in vain when the look was begun: an absence counts once.
        looked_before: Option<(u32, u32)>,
        /// What it gave; `None` when the booking is not there.
        result: Result<Option<FoundBooking>, CalendarError>,
    },
    /// Fact, from itself: earlier bookings of this call were read from the store.
    EarlierFound {
        /// The order that may be a repeat of one of them.
        ask: Box<SchedulingAsk>,
        /// What the store has of them.
        earlier: Earlier,
    },
    /// Fact, from itself: a hold is on disk, or the disk did not take it. Its agent hears so now, unless it could wait
    /// no longer.
    HoldWritten(Box<HoldWritten>),
    /// Fact, from itself: a wish for a reservation came back.
    Reserved {
        /// What was asked for.
        asked: Box<AskedReservation>,
        /// How it passed the breaker before reservations.
        pass: Pass,
        /// What came of it.
        outcome: ReserveOutcome,
    },
    /// Fact, from itself: the removal of a reservation came back.
    Unreserved {
        /// Which.
        key: ReservationKey,
        /// Whether it is gone.
        result: Result<(), CalendarError>,
    },
    /// Fact, from itself: the cancellation of a booking that surfaced came back.
    CancelReturned {
        /// Which booking.
        appointment: AppointmentId,
        /// How it passed the breaker.
        pass: Pass,
        /// Whether it is cancelled.
        result: Result<(), CalendarError>,
    },
    /// Fact, from the door: the calendar announced something. It is in the journal until it was heeded.
    Announced(Arc<Announcement>),
    /// Fact, from itself: the store said whether an announcement is about a booking of ours.
    AnnouncedFound {
        /// What was announced.
        announcement: Arc<Announcement>,
        /// The booking, if it is one of ours; `None` when the store (or the disk) did not answer.
        found: Option<Option<Box<Booking>>>,
    },
    /// Fact, from itself: what followed from an announcement is on disk, or the disk did not take it.
    Heeded {
        /// What was announced.
        announcement: Arc<Announcement>,
        /// The booking of ours that it was about.
        appointment: Option<AppointmentId>,
        /// Whether all of it is on disk.
        is_durable: bool,
    },
    /// Fact, from itself: a record behind the mark was written again.
    Kept {
        /// What it is about.
        pin: Pin,
        /// The old record.
        old: Position,
        /// The new one.
        again: Position,
        /// Whether the new one is on disk.
        is_durable: bool,
    },
    /// Order, from its own timer: do what is due.
    Due,
    /// Fact, from itself: something that needs no more was done.
    Done,
    /// Question, from admins; answered at once.
    GetScheduler(Reply<SchedulerView>),
}

/// A question of a live call.
#[derive(Debug, Clone)]
pub struct SchedulingAsk {
    /// The call.
    pub call_id: CallId,
    /// Where it was placed.
    pub placed: PlacedIn,
    /// Only the company's own key says that it belongs there.
    pub claimed: bool,
    /// What is wanted.
    pub order: FunctionOrder,
    /// Canonical key of it.
    pub order_key: String,
    /// What the body tells of the tool call.
    pub tool_call: ToolCall,
    /// The caller's number, when it is E.164.
    pub caller: Option<PhoneNumber>,
    /// What the call knows of its bookings.
    pub earlier: BTreeMap<AppointmentId, AppointmentFact>,
    /// When the agent must have an answer.
    pub deadline: UnixMillis,
    /// The waiting socket.
    pub reply: Reply<Answered>,
}

/// What became of the record of a hold, and what its agent hears of it.
#[derive(Debug, Clone)]
pub struct HoldWritten {
    /// Whose it is.
    pub call_id: CallId,
    /// Which.
    pub hold: HoldId,
    /// Of what.
    pub(super) slot: HeldOf,
    /// The call had it before: it stays as it was when this is not on disk.
    pub prolongs: bool,
    /// The waiting socket.
    pub reply: Reply<Answered>,
    /// What it hears when it is on disk.
    pub answer: Answered,
    /// Whether it is.
    pub is_durable: bool,
}

/// What the store has of a call's earlier bookings.
#[derive(Debug)]
pub enum Earlier {
    /// These.
    Found(Vec<Booking>),
    /// Not all of them can be had now, as the call knows them or newer.
    NotNow,
    /// Not all of their rows can be read: nobody knows whether what is wanted was booked.
    Unreadable,
}

/// Something that the calendar announced, and the record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Where it is in the journal.
    pub position: Position,
    /// What was announced.
    pub event: CalendarEvent,
}

/// What a scheduler finds again at restart.
#[derive(Debug, Default)]
pub struct Restore {
    /// Records of the journal, oldest first.
    pub records: Vec<(Position, SchedulingRecord)>,
    /// Bookings that the database has as open.
    pub bookings: Vec<Booking>,
    /// Calls that are over, of those that have holds or bookings here.
    pub calls_over: Vec<CallId>,
}

/// A scheduler as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchedulerView {
    /// Holds.
    pub holds: Vec<HoldView>,
    /// Bookings under way or lately settled.
    pub bookings: Vec<BookingView>,
    /// Questions that wait for the calendar.
    pub questions_waiting: usize,
    /// Reservations that stand at the calendar, or may.
    pub reservations: usize,
    /// Views of the calendar in memory.
    pub views: usize,
    /// Its breakers.
    pub breakers: Vec<BreakerView>,
    /// Why the calendar last gave no answer.
    pub last_calendar_error: Option<String>,
}

/// A hold as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldView {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub call_id: CallId,
    /// First start.
    pub starts_at: String,
    /// `held`, `submitted`, `booked`.
    pub state: &'static str,
    /// When it ends by itself.
    pub until: Option<String>,
    /// Until when the calendar hides it from web bookers, while it is reserved there.
    pub reserved_until: Option<String>,
}

/// A booking as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BookingView {
    /// Its id.
    pub appointment_id: AppointmentId,
    /// The call that ordered.
    pub call_id: CallId,
    /// Its status.
    pub status: &'static str,
    /// Why it is so.
    pub reason: String,
    /// Its start.
    pub starts_at: String,
}
