//! One actor per live call. Any message may be the first: it brings the actor to life, which works at once
//! on what it hears and asks the store beside that what was known before; states of one call join in any
//! order. Rows wait for the store's answer, callers do not. Ended calls leave memory; a late event brings
//! them back for a moment.

mod actor;
mod bookings;
mod callback;
mod factory;
mod functions;
mod load;
mod messages;
mod placing;
mod repair;
mod router;
mod rows;
mod silence;
#[cfg(test)]
mod tests;
mod transcript;

use std::sync::Arc;

pub use actor::CallActor;
pub use factory::CallFactory;
pub use messages::{
    Answered, AskFunction, BookingMoved, CallMessage, CallView, CallbackTaken, EventReceived, Loaded, Repair,
};
pub use router::{Calls, Delivered};

use askpro_domain::time::UnixMillis;

use crate::{
    callbacks::OpenCallbacks,
    customers::CustomerBook,
    outstanding::PendingLog,
    ports::{
        clock::Clock,
        directory::DirectoryView,
        journal::Journal,
        stores::CallStore,
        voice::{EventDecoder, Voice},
    },
    reconcile::ReconcileActor,
    runtime::Peers,
    scheduling::SchedulingActor,
    tenant::{Admissions, LiveCounts, TenantActor},
    writer::Writers,
};

/// How much later than the longest call a call counts as silent.
pub const SILENT_MARGIN_MS: i64 = 120_000;

/// Limits of calls.
#[derive(Debug, Clone)]
pub struct CallSettings {
    /// How long the newest transcript may wait before it is written.
    pub transcript_flush_ms: i64,
    /// How long an ended or unplaced call stays in memory after its last message.
    pub linger_ms: i64,
    /// Delay before the store is asked again when it did not answer.
    pub load_again_ms: i64,
    /// How long after its first word a call without an end is asked for at the platform
    /// (`calls.max_duration_s` and two minutes).
    pub silent_after_ms: i64,
    /// How long until it is asked for again; twice as long each time.
    pub silent_again_ms: i64,
    /// The longest of these times, and how long the platform's word that it goes on is believed.
    pub silent_again_ms_max: i64,
    /// How long after its first word a call is given up for which the platform does not vouch.
    pub given_up_after_ms: i64,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            transcript_flush_ms: 5_000,
            linger_ms: 10_000,
            load_again_ms: 500,
            silent_after_ms: 7_200_000 + SILENT_MARGIN_MS,
            silent_again_ms: 600_000,
            silent_again_ms_max: 3_600_000,
            given_up_after_ms: 86_400_000,
        }
    }
}

/// What calls need.
pub struct CallWorld {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Since when this process has owned the database.
    pub owner_since: UnixMillis,
    /// Companies.
    pub directory: Arc<dyn DirectoryView>,
    /// The database, read.
    pub store: Arc<dyn CallStore>,
    /// The database, written.
    pub writers: Writers,
    /// To read events again after a panic.
    pub journal: Arc<dyn Journal>,
    /// What is not yet in the database.
    pub pending: PendingLog,
    /// Reads bodies again.
    pub decoder: Arc<dyn EventDecoder>,
    /// Who calls.
    pub customers: CustomerBook,
    /// Who shall be called back.
    pub callbacks: OpenCallbacks,
    /// Retell: which account a company's calls are asked for with.
    pub voice: Arc<dyn Voice>,
    /// Live calls.
    pub live: LiveCounts,
    /// Calls that were let in and are expected.
    pub admissions: Admissions,
    /// Counts the questions of all calls to the store.
    pub questions: std::sync::atomic::AtomicU64,
    /// Schedulers, by company; set once at start.
    pub schedulers: Peers<SchedulingActor>,
    /// Companies' actors; set once at start.
    pub tenants: Peers<TenantActor>,
    /// Who asks the platform for calls; set once at start.
    pub reconcilers: Peers<ReconcileActor>,
    /// What could not be delivered yet.
    pub parked: crate::parked::Parked,
    /// Limits.
    pub settings: CallSettings,
}
