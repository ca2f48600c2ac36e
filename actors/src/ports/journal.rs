//! The durable log in front of everything.

use askpro_domain::{
    booking::{Booking, BookingOrder},
    call::PlacedIn,
    callback::Callback,
    ids::{CallId, CompanyId},
    slots::{Hold, HoldId},
    tenant::Language,
    time::UnixMillis,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Where a record stands: its byte offset in the log. Later records have higher positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// Who signed a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// A platform key: may speak for every company.
    Platform,
    /// A company's own key: may touch only calls placed in it.
    Company(CompanyId),
}

/// What is written ahead.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A Retell event as received; the body is compressed (zstd) and has its secrets blanked.
    RetellEvent {
        /// Who signed it.
        signer: Signer,
        /// When it arrived.
        received_at: UnixMillis,
        /// Compressed body.
        body: Bytes,
    },
    /// Anything a scheduler must find again after a crash.
    Scheduling(SchedulingRecord),
    /// A call asked for a callback.
    Callback(Box<CallbackRecord>),
    /// An announcement of the calendar as received; the body is compressed (zstd) and has its secrets blanked.
    CalendarEvent {
        /// The company whose secret signed it.
        company: CompanyId,
        /// When it arrived.
        received_at: UnixMillis,
        /// Compressed body.
        body: Bytes,
    },
}

/// A wish to be called back as it stands, and the call that last joined it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallbackRecord {
    /// The whole wish.
    pub callback: Callback,
    /// The call that asked; its actor writes the rows.
    pub by: CallId,
    /// Where that call was placed.
    pub placed: PlacedIn,
    /// Only the company's own key says that it belongs there.
    pub claimed: bool,
    /// Language of the notice.
    pub language: Language,
}

/// Records of the scheduling actors, all of one company.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum SchedulingRecord {
    /// A hold was placed, moved to new times, or written again behind the mark.
    Held {
        /// The company.
        company: CompanyId,
        /// The whole hold.
        hold: Box<Hold>,
    },
    /// A hold ended.
    Released {
        /// The company.
        company: CompanyId,
        /// Which.
        hold: HoldId,
        /// When.
        at: UnixMillis,
    },
    /// A write order was taken, before anything else.
    Ordered {
        /// The order, with the identity it will have.
        order: Box<BookingOrder>,
        /// When.
        at: UnixMillis,
    },
    /// An order ended without being submitted (refused before Cal.com was asked).
    OrderClosed {
        /// The company.
        company: CompanyId,
        /// The call.
        call_id: CallId,
        /// Which order.
        appointment: askpro_domain::ids::AppointmentId,
    },
    /// A booking moved; the whole booking as it stands. Written ahead of each POST.
    Moved {
        /// The booking.
        booking: Box<Booking>,
    },
}

/// Why the journal did not take a record.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// `journal.max_bytes` is reached: wait until the database has caught up.
    #[error(
        "the journal is full: {bytes} of {max_bytes} bytes; raise journal.max_bytes or bring the database back"
    )]
    Full {
        /// Bytes in use.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The disk did not take it; nothing was acknowledged.
    #[error("the journal cannot write: {0}")]
    Unavailable(String),
    /// A record cannot be read or decoded.
    #[error("the journal record at {position} cannot be read: {reason}")]
    Unreadable {
        /// Where.
        position: u64,
        /// Why.
        reason: String,
    },
}

/// Resolves when a record is on disk.
pub type Durable = std::pin::Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>;

/// The durable log. Every appended record is outstanding until it was given to [`Journal::committed`].
#[async_trait::async_trait]
pub trait Journal: Send + Sync {
    /// Appends and waits until it is on disk. Errors: [`JournalError`]; nothing was kept then.
    async fn append(&self, record: Record) -> Result<Position, JournalError>;
    /// Takes a place in the log at once; the returned future resolves when it is on disk. Records appended
    /// later are never on disk before it. Errors: as [`Journal::append`].
    fn append_ordered(&self, record: Record) -> Result<(Position, Durable), JournalError>;
    /// Reads a record again.
    fn read(&self, position: Position) -> Result<Record, JournalError>;
    /// The effects of these records are in the database (or need no database): they may go.
    fn committed(&self, positions: &[Position]);
    /// Whether `position` lies in an old segment that waits only to be removed, so that what is still
    /// needed of it should be written again.
    fn is_behind(&self, position: Position) -> bool;
    /// Figures.
    fn status(&self) -> JournalStatus;
}

/// Figures of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct JournalStatus {
    /// Bytes on disk.
    pub bytes: u64,
    /// `journal.max_bytes`.
    pub max_bytes: u64,
    /// Records that are still needed: those whose effects are not yet in the database, and those that live holds
    /// and open bookings need.
    pub outstanding: u64,
    /// Lowest outstanding position, or the end.
    pub mark: u64,
    /// End of the log.
    pub end: u64,
    /// Segments on disk.
    pub segments: u64,
    /// The last error, while appends are refused.
    pub failed: Option<String>,
}
