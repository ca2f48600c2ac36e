//! What every use case is given.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use askpro_actors::{
    ports::{
        clock::Clock,
        directory::DirectoryView,
        journal::Journal,
        stores::{BookingStore, CallStore, CompanyStore},
    },
    root::Actors,
    runtime::Runtime,
};
use askpro_domain::secret::Secret;

use super::{FunctionPace, InboundMemory, traffic::Traffic};

/// The running service, as use cases see it. Cheap to clone behind an [`Arc`].
pub struct Services {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Companies.
    pub directory: Arc<dyn DirectoryView>,
    /// The durable log.
    pub journal: Arc<dyn Journal>,
    /// Identity of the journal folder.
    pub journal_id: String,
    /// The actors.
    pub actors: Actors,
    /// Where the actors run.
    pub runtime: Runtime,
    /// The database, calls.
    pub calls: Arc<dyn CallStore>,
    /// The database, bookings.
    pub bookings: Arc<dyn BookingStore>,
    /// The database, companies.
    pub companies: Arc<dyn CompanyStore>,
    /// Platform keys of Retell's webhooks; all are accepted.
    pub webhook_keys: Vec<Secret>,
    /// The caller's patience.
    pub function_budget_ms: i64,
    /// Largest body, bytes.
    pub body_bytes_max: usize,
    /// `Retry-After` of refusals, seconds.
    pub retry_after_s: u64,
    /// Whether requests are taken.
    pub readiness: Readiness,
    /// Whether the database answered lately.
    pub database_up: Arc<std::sync::atomic::AtomicBool>,
    /// What passes the door; a new one starts at zero.
    pub traffic: Traffic,
    /// What was answered before calls began.
    pub inbound: InboundMemory,
    /// How many functions companies call.
    pub function_pace: FunctionPace,
}

/// What the process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// Opening the journal, recovering.
    Starting,
    /// Another process owns the database; waiting.
    Standby,
    /// Taking requests.
    Ready,
    /// Taking no more, finishing what was taken.
    Draining,
    /// Another process took the database over.
    Fenced,
}

impl ServiceState {
    /// The word in `/readyz`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Standby => "standby",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Fenced => "fenced",
        }
    }
}

/// The state, shared.
#[derive(Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// Sets it.
    pub fn set(&self, state: ServiceState) {
        let code = match state {
            ServiceState::Starting => 0,
            ServiceState::Standby => 1,
            ServiceState::Ready => 2,
            ServiceState::Draining => 3,
            ServiceState::Fenced => 4,
        };
        self.0.store(code, Ordering::SeqCst);
    }

    /// Reads it.
    #[must_use]
    pub fn get(&self) -> ServiceState {
        match self.0.load(Ordering::SeqCst) {
            0 => ServiceState::Starting,
            1 => ServiceState::Standby,
            2 => ServiceState::Ready,
            3 => ServiceState::Draining,
            _ => ServiceState::Fenced,
        }
    }
}

/// What the HTTP server has from its first moment; the services come when they have started.
pub struct Door {
    /// Whether requests are taken.
    pub readiness: Readiness,
    /// Set once, when everything has started.
    pub services: std::sync::OnceLock<Arc<Services>>,
    /// Renders `/metrics`.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// `Retry-After` of refusals, seconds.
    pub retry_after_s: u64,
    /// What opens `/admin`; `None` keeps it shut.
    pub admin_token: Option<Secret>,
}
