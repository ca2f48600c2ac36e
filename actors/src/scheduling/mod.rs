//! One actor per company that holds and books slots.
//!
//! It owns the company's slot ledger and its bookings under way. It never waits in a turn: slots are
//! fetched, orders posted and looks taken outside, and their answers come back as messages. What must
//! survive a crash (holds, orders, every move of a booking) is a journal record, pinned while it is needed
//! and written again before its segment goes.

mod actor;
mod announced;
mod answers;
mod book;
mod breakers;
mod check;
mod conflict;
mod due;
mod earlier;
mod factory;
mod heard;
mod hold;
mod messages;
mod mirror;
mod near;
mod order;
mod outside;
mod pins;
mod plan;
mod post;
mod promise;
mod reservations;
mod reserve;
mod restore;
mod rows;
mod settle;
#[cfg(test)]
mod tests;
mod unheeded;
mod untold;

use std::sync::Arc;

use askpro_domain::policy::BreakerSettings;

pub use actor::SchedulingActor;
pub(crate) use answers::answered;
pub use breakers::{BreakerBoard, BreakerTarget, BreakerView};
pub use factory::SchedulingFactory;
pub use messages::{
    Announcement, BookingView, Earlier, HoldView, HoldWritten, Restore, SchedulerView, SchedulingAsk,
    SchedulingMessage,
};
pub use mirror::WarmSettings;
pub use pins::Pins;
pub use reservations::{AskedReservation, ReservationKey};
pub(crate) use rows::moved_again;
pub use unheeded::Unheeded;

use crate::{
    calls::CallActor,
    customers::CustomerBook,
    outstanding::{Outstanding, PendingLog},
    parked::Parked,
    ports::{
        calendar::{Calendar, Turnstile},
        clock::Clock,
        directory::DirectoryView,
        journal::Journal,
        stores::BookingStore,
    },
    runtime::Peers,
    tenant::TenantActor,
    writer::Writers,
};

/// Limits of scheduling.
#[derive(Debug, Clone)]
pub struct SchedulingSettings {
    /// How long an offered slot stays held (`holds.ttl_s`).
    pub hold_ttl_ms: i64,
    /// Age up to which a fetched view of the calendar answers without asking again.
    pub mirror_fresh_ms: i64,
    /// Age up to which a view answers at once, while the calendar is asked beside it.
    pub mirror_serve_ms: i64,
    /// Age up to which an older view answers when the calendar does not.
    pub mirror_stale_ms_max: i64,
    /// Which views are fetched again before anybody asks.
    pub warm: WarmSettings,
    /// How long before the deadline an answer is given with what is known.
    pub answer_margin_ms: i64,
    /// Questions of one company that may wait for the calendar.
    pub questions_max: usize,
    /// How often records behind the mark are written again.
    pub keep_every_ms: i64,
    /// A POST that was under way when its actor panicked counts as lost after this long.
    pub post_lost_after_ms: i64,
    /// How long until a record that the journal did not take is tried again.
    pub record_again_ms: i64,
    /// How long until a cancellation that the calendar did not take is tried again.
    pub cancel_again_ms: i64,
    /// Settled bookings that will be forgotten, remembered for one company; the first to go goes sooner then.
    pub settled_max: usize,
    /// Alternatives in an answer.
    pub alternatives_max: usize,
    /// Of the breakers.
    pub breaker: BreakerSettings,
    /// Whether held slots are hidden from web bookers (`calcom.reservations`).
    pub reservations: bool,
}

impl Default for SchedulingSettings {
    fn default() -> Self {
        Self {
            hold_ttl_ms: 300_000,
            mirror_fresh_ms: 10_000,
            mirror_serve_ms: 60_000,
            mirror_stale_ms_max: 1_800_000,
            warm: WarmSettings::default(),
            answer_margin_ms: 100,
            questions_max: 512,
            keep_every_ms: 5_000,
            post_lost_after_ms: 35_000,
            record_again_ms: 1_000,
            cancel_again_ms: 60_000,
            settled_max: 4_096,
            alternatives_max: 3,
            breaker: BreakerSettings::default(),
            reservations: false,
        }
    }
}

/// What schedulers need.
pub struct SchedulingWorld {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Companies.
    pub directory: Arc<dyn DirectoryView>,
    /// Cal.com.
    pub calendar: Arc<dyn Calendar>,
    /// The budgets of the calendar's keys.
    pub turnstile: Arc<dyn Turnstile>,
    /// Breakers of all companies.
    pub breakers: BreakerBoard,
    /// Bookings of earlier lives.
    pub store: Arc<dyn BookingStore>,
    /// Where everything is written ahead.
    pub journal: Arc<dyn Journal>,
    /// Which records are still needed.
    pub outstanding: Outstanding,
    /// Moves of bookings that are not yet in the database, by call.
    pub pending: PendingLog,
    /// The records that schedulers need.
    pub pins: Pins,
    /// Announcements that schedulers are not done with.
    pub unheeded: Unheeded,
    /// Customers, told of every move.
    pub customers: CustomerBook,
    /// The database, written: for what must be set aside.
    pub writers: Writers,
    /// What could not be delivered yet.
    pub parked: Parked,
    /// Holds of all companies, for the gauge.
    pub holds_active: Arc<std::sync::atomic::AtomicI64>,
    /// Calls; set once at start.
    pub calls: Peers<CallActor>,
    /// Companies' actors; set once at start.
    pub tenants: Peers<TenantActor>,
    /// Limits.
    pub settings: SchedulingSettings,
}
