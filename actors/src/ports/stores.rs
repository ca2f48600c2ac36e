//! What is kept in the database.

use std::collections::BTreeMap;

use askpro_domain::{
    booking::Booking,
    call::{AppointmentFact, CallIdentity, CallState, EventSource, PlacedIn, Stage},
    callback::Callback,
    ids::{AppointmentId, CallId, CompanyId, CustomerId, StaffId},
    phone::PhoneNumber,
    tenant::{Company, Customer},
    time::UnixMillis,
};
use serde::Serialize;

use super::{journal::Position, rows::Write};

/// Why the database did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Away or overloaded: try again.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Another process owns the database now: stop writing.
    #[error("another process owns the database: epoch {ours} was superseded by {current}")]
    Fenced {
        /// Our epoch.
        ours: i64,
        /// The one in the lease row.
        current: i64,
    },
    /// This will never work, whatever is tried: set it aside.
    #[error("the database refuses it: {0}")]
    Refused(String),
    /// A row cannot be decoded.
    #[error("a row cannot be read: {0}")]
    Corrupt(String),
}

/// Rows on a page of a list whose rows carry bodies, at most: a page has to fit into memory.
pub const HEAVY_PAGE_ROWS_MAX: u16 = 100;

/// A page of rows. Those that cannot be read are logged, counted and left out.
#[derive(Debug, Clone, PartialEq)]
pub struct RowPage<T, P> {
    /// The others, in order; there may be none although more follow.
    pub rows: Vec<T>,
    /// What the next page comes after: the last row that was looked at, whether or not it could be read. `None` when
    /// nothing follows.
    pub next: Option<P>,
}

impl<T, P> RowPage<T, P> {
    /// Of the rows that were looked at, in order: fewer than `limit` are the last ones.
    pub fn of<R>(
        looked_at: Vec<R>,
        limit: usize,
        place: impl Fn(&R) -> Option<P>,
        read: impl Fn(R) -> Option<T>,
    ) -> Self {
        let is_full = looked_at.len() >= limit;
        let next = looked_at.iter().rev().filter(|_| is_full).find_map(place);
        Self { rows: looked_at.into_iter().filter_map(read).collect(), next }
    }
}

/// Where an open callback stands among the others: by the time at which it was asked for, then by its row's key.
pub type CallbackPlace = (UnixMillis, String);

/// Where a booking stands among those that lie ahead.
pub type UpcomingPlace = (UnixMillis, AppointmentId);

/// Commits what the actors want written.
#[async_trait::async_trait]
pub trait BatchStore: Send + Sync {
    /// Writes all in one transaction, fenced by `epoch`: nothing is written when the lease row has another.
    /// Deadlocks and lock time-outs are retried inside. Bodies are inline here.
    /// Errors: [`StoreError`]; nothing was written then.
    async fn commit(&self, epoch: i64, writes: &[Write]) -> Result<(), StoreError>;
    /// Keeps the mark of a journal, never moving it back.
    async fn save_mark(&self, epoch: i64, journal_id: &str, mark: Position) -> Result<(), StoreError>;
    /// The mark of a journal; `None` when this database never saw it.
    async fn load_mark(&self, journal_id: &str) -> Result<Option<Position>, StoreError>;
}

/// An event that waits in quarantine.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantinedEvent {
    /// Row id.
    pub id: String,
    /// The call.
    pub call_id: CallId,
    /// Retell's name of the event.
    pub event: String,
    /// Why.
    pub reason: String,
    /// Company whose key signed it.
    pub signer_company: Option<CompanyId>,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Compressed body.
    pub body: Vec<u8>,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Row id.
    pub id: String,
    /// Kind of actor.
    pub actor: String,
    /// Its key.
    pub actor_id: String,
    /// Kind of message.
    pub message: String,
    /// What went wrong.
    pub error: String,
    /// Company whose key signed it.
    pub signer_company: Option<CompanyId>,
    /// When it was set aside.
    pub created_at: UnixMillis,
    /// Compressed body.
    pub body: Option<Vec<u8>>,
}

/// Reads calls and what belongs to them.
#[async_trait::async_trait]
pub trait CallStore: Send + Sync {
    /// The state of a call, wherever it belongs; only for bringing its actor back to life. Errors:
    /// [`StoreError::Corrupt`] when its row cannot be read; see [`CallStore::find_damaged_call`].
    async fn find_call_state(&self, call_id: &CallId) -> Result<Option<CallState>, StoreError>;
    /// What else is kept of a call whose state cannot be read, wherever it belongs; only for making that anew.
    async fn find_damaged_call(&self, call_id: &CallId) -> Result<Option<DamagedCall>, StoreError>;
    /// Whether a company promised a callback in a call, whether or not the call is known to belong to it.
    async fn has_promised_callback(&self, company: CompanyId, call_id: &CallId) -> Result<bool, StoreError>;
    /// Where the rows of all calls lie that are still `live`, in this order; for restart. So a hundred thousand rows are
    /// read one after the other, not one here and one there.
    async fn live_places(&self) -> Result<Vec<Place>, StoreError>;
    /// Those of them that lie between these two, or there; for restart.
    async fn list_live(&self, first: Place, last: Place) -> Result<Vec<LiveRow>, StoreError>;
    /// Of these calls (at most 1000) the furthest stage that is kept, in whatever company or in quarantine;
    /// those that nobody knows are left out, and so are rows that cannot be read, logged and counted. Only for
    /// comparing with the platform.
    async fn known_stages(&self, call_ids: &[CallId]) -> Result<BTreeMap<CallId, Stage>, StoreError>;
    /// Calls of a company (or of all, for admins), by id.
    async fn list_calls(&self, filter: &CallFilter) -> Result<RowPage<StoredCall, CallId>, StoreError>;
    /// Where the bookings stand that a company made in a call, whether or not the call is known to belong to it.
    /// A row that cannot be read is logged, counted and stands as unknown, at a version before every other.
    async fn bookings_of_call(
        &self,
        company: CompanyId,
        call_id: &CallId,
    ) -> Result<BTreeMap<AppointmentId, AppointmentFact>, StoreError>;
    /// What happened in a call, oldest first. Of a booking whose row cannot be read it tells nothing.
    async fn timeline(&self, company: CompanyId, call_id: &CallId) -> Result<Vec<TimelineEntry>, StoreError>;
    /// Quarantined events, by id, after `after`.
    async fn list_quarantine(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<QuarantinedEvent>, StoreError>;
    /// One of them.
    async fn find_quarantined(&self, id: &str) -> Result<Option<QuarantinedEvent>, StoreError>;
    /// All of one call.
    async fn quarantined_of_call(&self, call_id: &CallId) -> Result<Vec<QuarantinedEvent>, StoreError>;
    /// Dead letters, by id, after `after`.
    async fn list_dead_letters(&self, after: Option<&str>, limit: u32)
    -> Result<Vec<DeadLetter>, StoreError>;
    /// One of them.
    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StoreError>;
}

/// Where a row lies among the others of its table: later rows mostly behind earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub i64);

/// A call that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveCall {
    /// Everything known.
    pub state: CallState,
    /// When the first of its events that are kept arrived; `None` when none is.
    pub heard_first: Option<UnixMillis>,
}

/// The row of a call that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveRow {
    /// It can be read.
    Whole(Box<LiveCall>),
    /// It cannot.
    Damaged {
        /// Whose it is.
        call_id: CallId,
    },
}

/// What is kept of a call beside its state.
#[derive(Debug, Clone, PartialEq)]
pub struct DamagedCall {
    /// Where it belongs.
    pub placed: PlacedIn,
    /// Who takes part.
    pub identity: CallIdentity,
    /// Whether it has ended.
    pub is_over: bool,
    /// All its events, the first that arrived first.
    pub events: Vec<KeptEvent>,
    /// The state that cannot be read.
    pub state: Vec<u8>,
}

/// An event as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Compressed body.
    pub body: Vec<u8>,
}

/// Which calls to list.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Of this company only.
    pub company: Option<CompanyId>,
    /// With this status only.
    pub status: Option<String>,
    /// After this call id (keyset paging, ascending).
    pub after: Option<CallId>,
    /// At most this many, 1 to 1000.
    pub limit: u32,
}

/// A call as its row says.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCall {
    /// The company.
    pub company: CompanyId,
    /// Everything known.
    pub state: CallState,
}

/// One line of a call's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    /// When, RFC 3339 in JSON by the caller.
    pub at: UnixMillis,
    /// `event`, `function`, `booking`, `outbox`, `callback`.
    pub kind: &'static str,
    /// Name: event, function, status.
    pub name: String,
    /// Details: dedup key, code, reason.
    pub detail: String,
    /// The appointment it is about.
    pub appointment_id: Option<AppointmentId>,
    /// Of an event: who told of it.
    pub source: Option<EventSource>,
}

/// Reads bookings.
#[async_trait::async_trait]
pub trait BookingStore: Send + Sync {
    /// Bookings whose outcome is open, of all companies, for restart; at most `limit`, after `after`.
    async fn list_open(
        &self,
        after: Option<&AppointmentId>,
        limit: u32,
    ) -> Result<RowPage<Booking, AppointmentId>, StoreError>;
    /// A booking by id. Errors: [`StoreError::Corrupt`] when its row cannot be read, which may hold an open booking.
    async fn find(
        &self,
        company: CompanyId,
        appointment: &AppointmentId,
    ) -> Result<Option<Booking>, StoreError>;
    /// A booking by the uid that it has at the calendar now.
    async fn find_by_uid(&self, company: CompanyId, uid: &str) -> Result<Option<Booking>, StoreError>;
    /// What a company's calendar announced, newest first, from before `before` (an id of the list).
    async fn list_calendar_events(
        &self,
        company: CompanyId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredCalendarEvent>, StoreError>;
}

/// An announcement of a calendar as its row says; without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCalendarEvent {
    /// Row id, sorts by time of receipt.
    pub id: String,
    /// The calendar's name of the event.
    pub event: String,
    /// Uid of the booking that it is about.
    pub booking_uid: Option<String>,
    /// When it happened, by the calendar's clock.
    pub event_at: Option<UnixMillis>,
    /// When it arrived.
    pub received_at: UnixMillis,
}

/// All companies, as their rows have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompanyRows {
    /// Those that can be read, by id.
    pub whole: Vec<Company>,
    /// The others.
    pub damaged: Vec<CompanyId>,
}

/// Keeps companies.
#[async_trait::async_trait]
pub trait CompanyStore: Send + Sync {
    /// All companies. A row that cannot be read is logged and counted.
    async fn read_companies(&self) -> Result<CompanyRows, StoreError>;
    /// Those that can be read, by id.
    async fn list_companies(&self) -> Result<Vec<Company>, StoreError> {
        Ok(self.read_companies().await?.whole)
    }
    /// Inserts or replaces companies and customers; what is absent stays. Gives how many rows changed.
    async fn save_companies(
        &self,
        companies: &[Company],
        customers: &[(CompanyId, Customer)],
    ) -> Result<u64, StoreError>;
    /// Counts imports, so that a running service notices one cheaply.
    async fn companies_version(&self) -> Result<i64, StoreError>;
}

/// Rows of one kind are counted up to this.
pub const COUNTED_MAX: u32 = 10_000;

/// Rows that want an admin's eye, of each kind at most [`COUNTED_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// Events in quarantine.
    pub quarantined: u32,
    /// Dead letters.
    pub dead_letters: u32,
    /// Bookings of which nobody knows whether they stand.
    pub bookings_unknown: u32,
}

/// Counts rows; of all companies, for admins.
#[async_trait::async_trait]
pub trait FigureStore: Send + Sync {
    /// Counts what was set aside.
    async fn count_set_aside(&self) -> Result<SetAside, StoreError>;
}

/// Where a customer stands in the list of all: what an import changed last stands last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomerPlace {
    /// The count of imports after the one that last changed it; 0 when none did.
    pub import_version: i64,
    /// The company.
    pub company: CompanyId,
    /// The customer.
    pub customer: CustomerId,
}

impl CustomerPlace {
    /// Behind everything that imports up to `import_version` changed.
    #[must_use]
    pub const fn after_import(import_version: i64) -> Self {
        Self { import_version, company: CompanyId(i64::MAX), customer: CustomerId(i64::MAX) }
    }
}

/// A customer with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCustomer {
    /// Where it stands.
    pub place: CustomerPlace,
    /// Name as spoken.
    pub name: String,
    /// `None` when what the row has is no E.164.
    pub phone: Option<PhoneNumber>,
}

/// A booking with the host in its row.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredBooking {
    /// The booking.
    pub booking: Booking,
    /// The host, when known; else the member who was wished for.
    pub staff: Option<StaffId>,
}

/// Reads the open wishes to be called back; of all companies, for start.
#[async_trait::async_trait]
pub trait CallbackStore: Send + Sync {
    /// Those that callers asked for after `since` and that are still open, by their places, after `after`; at most
    /// `limit`.
    async fn list_open_callbacks(
        &self,
        since: UnixMillis,
        after: Option<&CallbackPlace>,
        limit: u32,
    ) -> Result<RowPage<Callback, CallbackPlace>, StoreError>;
}

/// Reads what the book of customers is filled with; of all companies, for start and after imports.
#[async_trait::async_trait]
pub trait CustomerStore: Send + Sync {
    /// Customers with a number, by their places, after `after`; at most `limit`.
    async fn list_customers(
        &self,
        after: Option<CustomerPlace>,
        limit: u32,
    ) -> Result<Vec<StoredCustomer>, StoreError>;
    /// Bookings that are open or confirmed and end after `from`, by end and id, after `after`; at most `limit`.
    async fn list_upcoming(
        &self,
        from: UnixMillis,
        after: Option<&UpcomingPlace>,
        limit: u32,
    ) -> Result<RowPage<StoredBooking, UpcomingPlace>, StoreError>;
}

/// The lease: one process owns a database.
#[async_trait::async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes the lease when it is free, ended or ours. Gives its epoch, or who has it and until when.
    async fn acquire(&self, owner: &str, now: UnixMillis, ttl_ms: i64) -> Result<LeaseAnswer, StoreError>;
    /// Prolongs our lease; false when another took it.
    async fn renew(&self, owner: &str, epoch: i64, now: UnixMillis, ttl_ms: i64) -> Result<bool, StoreError>;
    /// Gives it back, so that the next takes over at once.
    async fn release(&self, owner: &str, epoch: i64) -> Result<(), StoreError>;
}

/// Answer to a wish for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// Ours, with this epoch; higher than every epoch before.
    Acquired {
        /// The fence.
        epoch: i64,
    },
    /// Somebody else's.
    Taken {
        /// Who.
        owner: String,
        /// Until when.
        until: UnixMillis,
    },
}
