//! What every use case is given.

use std::sync::{Arc, Mutex, PoisonError};

use askpro_actors::{
    ports::{
        clock::Clock,
        directory::DirectoryView,
        journal::Journal,
        stores::{BookingStore, CallStore, CompanyStore, FigureStore},
    },
    root::Actors,
    runtime::Runtime,
};
use askpro_domain::{secret::Secret, time::UnixMillis};
use tokio::sync::watch;

use super::{FunctionPace, InboundMemory, traffic::Traffic};

/// The running service, as use cases see it. Cheap to clone behind an [`Arc`].
pub struct Services {
    /// The time that everything goes by; it never goes back.
    pub clock: Arc<dyn Clock>,
    /// The machine's time of day, for what others have dated.
    pub machine_clock: Arc<dyn Clock>,
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
    /// The database, counts.
    pub figures: Arc<dyn FigureStore>,
    /// `sqlite`, `mysql` or `mariadb`.
    pub database_kind: &'static str,
    /// When it was ready.
    pub started_at: UnixMillis,
    /// What is wrong with the place of the database.
    pub database_place: DatabasePlace,
    /// What passes the door; a new one starts at zero.
    pub traffic: Traffic,
    /// What was answered before calls began.
    pub inbound: InboundMemory,
    /// How many functions companies call.
    pub function_pace: FunctionPace,
}

/// What is wrong with the place where the database keeps its rows; shared.
#[derive(Clone, Default)]
pub struct DatabasePlace(Arc<Mutex<Option<String>>>);

impl DatabasePlace {
    /// Sets it; gives whether something became wrong or right.
    pub fn set(&self, trouble: Option<String>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.is_some() != trouble.is_some();
        *known = trouble;
        is_news
    }

    /// Reads it.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServiceState {
    /// Opening the journal, recovering.
    #[default]
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
pub struct Readiness {
    state: watch::Sender<ServiceState>,
    /// Who owns the database, while that is another process.
    owner: Arc<Mutex<Option<String>>>,
}

impl Readiness {
    /// Sets it.
    pub fn set(&self, state: ServiceState) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.state.send_replace(state);
    }

    /// Another process owns the database, or the folder of the journal; by its name in the lease, where it is
    /// known.
    pub fn stand_by(&self, owner: Option<String>) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = owner;
        self.state.send_replace(ServiceState::Standby);
    }

    /// Reads it.
    #[must_use]
    pub fn get(&self) -> ServiceState {
        *self.state.borrow()
    }

    /// The process that is waited for.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves when it is `state`.
    pub async fn becomes(&self, state: ServiceState) {
        // The sender lives as long as `self`.
        let _ = self.state.subscribe().wait_for(|now| *now == state).await;
    }

    /// Resolves when it is not `state`.
    pub async fn leaves(&self, state: ServiceState) {
        let _ = self.state.subscribe().wait_for(|now| *now != state).await;
    }
}

/// The word in `/readyz`, and since when it is said.
#[derive(Default)]
pub struct StatusSince(Mutex<Option<(&'static str, UnixMillis)>>);

impl StatusSince {
    /// Since when this word is said; from now on, when it was another one.
    pub fn of(&self, word: &'static str, now: UnixMillis) -> UnixMillis {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *said {
            Some((before, since)) if before == word => since,
            _ => said.insert((word, now)).1,
        }
    }
}

/// What the HTTP server has from its first moment; the services come when they have started.
pub struct Door {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether requests are taken.
    pub readiness: Readiness,
    /// Since when they are, or are not.
    pub since: StatusSince,
    /// Set once, when everything has started.
    pub services: std::sync::OnceLock<Arc<Services>>,
    /// Renders `/metrics`.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// `Retry-After` of refusals, seconds.
    pub retry_after_s: u64,
    /// What opens `/admin`; `None` keeps it shut.
    pub admin_token: Option<Secret>,
}

impl Door {
    /// What the process is doing. A lost fence shows here from its first moment.
    #[must_use]
    pub fn state(&self) -> ServiceState {
        match self.services.get() {
            Some(services) if services.actors.fence.is_lost() => ServiceState::Fenced,
            _ => self.readiness.get(),
        }
    }

    /// Resolves when no requests are taken, at once if so now. Whoever notices that the fence is lost says so in
    /// the readiness too.
    pub async fn closes(&self) {
        self.readiness.leaves(ServiceState::Ready).await;
    }
}
