//! The one part that knows everybody: makes the adapters, starts the actors, opens the door, and drains.
//!
//! Order at start: the port answers probes at once; journal and lease (another owner: stand by); schema;
//! companies; actors; what journal and database remember; ready. Order at the end: no new requests; the
//! actors finish; the journal closes; the lease is given back.

mod clock;
mod commands;
mod decoder;
mod directory;
mod doctor;
mod fenced;
#[cfg(test)]
mod fuzz_tests;
mod greeting;
mod lease;
mod mark;
mod process;
mod recovery;
mod schema;
mod strict_json;
mod tasks;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use askpro_actors::{
    calls::{CallSettings, SILENT_MARGIN_MS},
    outage::Outage,
    ports::{clock::Clock, directory::DirectoryView},
    root::{Actors, Ports, Settings},
    runtime::{Heartbeat, Probe, Runtime},
    scheduling::SchedulingSettings,
    writer::{Fence, WriterSettings},
};
use askpro_domain::{policy::BudgetSettings, secret::Secret};
use secrecy::{ExposeSecret, SecretString};

use clock::SteadyClock;
pub use clock::SystemClock;
pub use commands::{CompanyThere, ImportOutcome, ImportReport, companies_there, import, migrate};
pub use doctor::{DoctorReport, doctor};

use crate::{
    config::{Config, HttpConfig},
    http,
    journal::{Journal, port::JournalPort},
    providers::{
        calcom::{self, CalcomClient, CalcomOptions, CalcomSetupError},
        retell::{self, RetellClient, RetellOptions, RetellSetupError},
    },
    store::{Database, StoreOptions},
    telemetry::recorder::Recorder,
    usecases::{
        DatabasePlace, Door, FunctionPace, InboundMemory, Readiness, ServiceState, Services, StatusSince,
        traffic::Traffic,
    },
};
use directory::{LiveDirectory, calendar_key};
use fenced::Fenced;
use lease::{Lease, Owned, Signals};
use mark::MarkKeeper;

/// Why a start ends whose lease is lost.
const TAKEN_OVER: &str = "another process took the database over while this one was starting";

/// How long the actors may take to finish at the end; Retell retries what is not answered within 10 s.
const DRAIN_LIMIT: Duration = Duration::from_secs(7);
/// How long the last words to the database may take, each time: without them the lease ends by itself, and the
/// next process reads more of the journal again.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);

/// The service while it runs.
pub struct Running {
    address: std::net::SocketAddr,
    parts: Parts,
    server: http::Server,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// What must be closed at the end, in this order.
struct Parts {
    services: Arc<Services>,
    journal: Arc<Journal>,
    database: Database,
    lease: Lease,
    keeper: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Running {
    /// Where it listens, `http://127.0.0.1:8080`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Resolves when it must stop by itself: another process owns the database now.
    pub async fn stopped(&self) {
        self.parts.services.actors.fence.lost().await;
    }

    /// Takes no more requests, finishes what was taken, closes everything.
    ///
    /// # Errors
    /// When something taken could not be finished; it is in the journal and comes back at the next start.
    pub async fn stop(self) -> anyhow::Result<()> {
        let services = &self.parts.services;
        services.readiness.set(ServiceState::Draining);
        tracing::info!("draining");
        // Probes go on answering; new requests hear 503 at the door, running ones get their answers.
        let done = services.actors.drain(DRAIN_LIMIT).await;
        self.server.stop().await;
        for task in self.tasks {
            task.abort();
        }
        self.parts.close().await?;
        if done {
            tracing::info!("drained");
            Ok(())
        } else {
            Err(anyhow!("not everything was finished in time; what is left is in the journal"))
        }
    }
}

impl Parts {
    fn mark_keeper(&self) -> MarkKeeper {
        let Services { actors, clock, database_place: place, .. } = &*self.services;
        MarkKeeper {
            database: self.database.clone(),
            journal: self.journal.clone(),
            fence: actors.fence.clone(),
            outage: actors.outage.clone(),
            place: place.clone(),
            clock: clock.clone(),
        }
    }

    async fn close(self) -> anyhow::Result<()> {
        self.keeper.abort();
        at_most(self.mark_keeper().save()).await;
        let closed = self.journal.close().await;
        at_most(async {
            self.lease.release().await;
            self.database.close().await;
        })
        .await;
        self.services.runtime.shutdown();
        closed.context("the journal could not be closed")?;
        match self.services.database_place.trouble() {
            Some(trouble) => Err(anyhow!("{trouble}: what was written since is in the journal alone")),
            None => Ok(()),
        }
    }
}

/// A database that is away keeps nobody from ending.
async fn at_most(last_words: impl Future<Output = ()>) {
    if tokio::time::timeout(LAST_WORDS_LIMIT, last_words).await.is_err() {
        tracing::warn!("the database did not answer at the end");
    }
}

/// Starts the service with this configuration and waits until it is ready (or stands by and took over).
///
/// # Errors
/// Everything that keeps it from being ready, with its remedy.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    start_with(config, Readiness::default(), None).await
}

/// As [`start`]; `readiness` tells meanwhile whether it stands by, and `probe` looks at every turn of an actor.
///
/// # Errors
/// As [`start`].
pub async fn start_with(
    config: Config,
    readiness: Readiness,
    probe: Option<Probe>,
) -> anyhow::Result<Running> {
    let recorder = Arc::new(Recorder::install().map_err(|e| anyhow!("the metrics cannot be recorded: {e}"))?);
    askpro_actors::metrics::describe();
    let listener = http::listen(config.http.bind)
        .with_context(|| format!("http.bind {}: choose a free address", config.http.bind))?;
    let address = listener.local_addr().context("http.bind has no address")?;
    let rendered = recorder.clone();
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::default());
    let door = Arc::new(Door {
        clock: clock.clone(),
        readiness: readiness.clone(),
        since: StatusSince::default(),
        services: OnceLock::new(),
        render_metrics: Arc::new(move || rendered.render()),
        retry_after_s: config.http.retry_after_s,
        admin_token: config.admin.token.as_ref().map(secret),
    });
    let connections_max = process::connections_that_fit(config.http.connections_max);
    let http = HttpConfig { connections_max, ..config.http.clone() };
    let server = http::serve(door.clone(), &http, listener).context("the HTTP server cannot start")?;
    let signals = Signals { outage: Arc::new(Outage::default()), readiness };
    let status = tokio::spawn(tasks::follow_status(door.clone()));
    match bring_up(&config, signals, &door, probe).await {
        Ok((parts, directory)) => {
            let mut tasks = tasks::spawn(&parts, directory, recorder, &config.retell);
            tasks.push(status);
            greeting::say(&config, address, &parts);
            Ok(Running { address, parts, server, tasks })
        }
        Err(error) => {
            status.abort();
            server.close().await;
            Err(error)
        }
    }
}

/// `askpro serve`: runs until SIGTERM or SIGINT, then drains. A second signal does not skip the flush.
///
/// # Errors
/// When it cannot start, was fenced out, or could not finish everything.
pub async fn run_until_signal(config: Config) -> anyhow::Result<()> {
    run_probed(config, None).await
}

/// As [`run_until_signal`]; `probe` looks at every turn of an actor.
///
/// # Errors
/// As [`run_until_signal`].
pub async fn run_probed(config: Config, probe: Option<Probe>) -> anyhow::Result<()> {
    process::leave_no_core();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let readiness = Readiness::default();
    let mut starting = std::pin::pin!(start_with(config, readiness.clone(), probe));
    let mut asked_to_stop = false;
    let running = loop {
        tokio::select! {
            running = &mut starting => break running?,
            _ = terminate.recv() => asked_to_stop = true,
            _ = interrupt.recv() => asked_to_stop = true,
            // Whoever stands by has nothing to give back; a start under way is finished first, then drained.
            () = readiness.becomes(ServiceState::Standby), if asked_to_stop => return Ok(()),
        }
    };
    if asked_to_stop {
        return running.stop().await;
    }
    let fenced = tokio::select! {
        () = running.stopped() => true,
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
    };
    let mut stopping = std::pin::pin!(running.stop());
    let stopped = loop {
        tokio::select! {
            stopped = &mut stopping => break stopped,
            _ = terminate.recv() => tracing::warn!("still draining; another signal changes nothing"),
            _ = interrupt.recv() => tracing::warn!("still draining; another signal changes nothing"),
        }
    };
    if fenced { Err(anyhow!("another process owns the database now")) } else { stopped }
}

/// From nothing to ready. What was taken is given back when it fails.
async fn bring_up(
    config: &Config,
    signals: Signals,
    door: &Door,
    probe: Option<Probe>,
) -> anyhow::Result<(Parts, Arc<LiveDirectory>)> {
    let database = connect(config).await?;
    schema::make_if_new(&database).await?;
    let fence = Arc::new(Fence::default());
    let ttl = config.database.lease_ttl;
    // What other machines go by as well is the time of day.
    let machine: Arc<dyn Clock> = Arc::new(SystemClock);
    let owned = Lease::own(&database, &machine, &fence, ttl, &config.journal, &signals).await?;
    let (lease, keeper) = (owned.lease.clone(), owned.keeper.abort_handle());
    let runtime = Runtime::start(shards(), Heartbeat::default(), probe, tokio::runtime::Handle::current());
    let up = match runtime.context("the actors' threads cannot be started") {
        Ok(runtime) => bring_up_owned(config, signals, door, database, runtime, fence, owned).await,
        Err(error) => Err(error),
    };
    if up.is_err() {
        keeper.abort();
        lease.release().await;
    }
    up
}

async fn bring_up_owned(
    config: &Config,
    signals: Signals,
    door: &Door,
    database: Database,
    runtime: Runtime,
    fence: Arc<Fence>,
    owned: Owned,
) -> anyhow::Result<(Parts, Arc<LiveDirectory>)> {
    let Owned { lease, journal, opened, keeper } = owned;
    schema::migrate(&database).await?;
    let directory = Arc::new(LiveDirectory::default());
    directory.fill(&database).await.context("the companies cannot be read")?;
    let clock = door.clock.clone();
    let ports = ports(config, &database, journal.clone(), directory.clone(), clock.clone(), &fence)?;
    let outage = signals.outage.clone();
    let actors = Actors::start(&runtime, &ports, &settings(config), fence.clone(), outage);
    recovery::recover(&database, &journal, &opened, &ports, &actors).await?;
    runtime.watch();
    let services = Arc::new(Services {
        clock: clock.clone(),
        machine_clock: Arc::new(SystemClock),
        directory: directory.clone(),
        journal: ports.journal.clone(),
        journal_id: opened.id.clone(),
        actors,
        runtime,
        calls: ports.calls.clone(),
        bookings: ports.bookings.clone(),
        companies: Arc::new(database.clone()),
        webhook_keys: config.retell.webhook_keys.iter().map(secret).collect(),
        function_budget_ms: millis(config.functions.budget),
        body_bytes_max: config.http.body_max_bytes,
        retry_after_s: config.http.retry_after_s,
        readiness: signals.readiness.clone(),
        figures: Arc::new(database.clone()),
        database_kind: database.kind(),
        started_at: clock.now(),
        database_place: DatabasePlace::default(),
        traffic: Traffic::default(),
        inbound: InboundMemory::default(),
        function_pace: FunctionPace::default(),
    });
    if fence.is_lost() {
        bail!(TAKEN_OVER);
    }
    let _ = door.services.set(services.clone());
    signals.readiness.set(ServiceState::Ready);
    Ok((Parts { services, journal, database, lease, keeper }, directory))
}

/// Connects to the configured database.
async fn connect(config: &Config) -> anyhow::Result<Database> {
    let url = config.database.url.expose_secret();
    Database::connect(url, store_options(config)).await.context("database.url")
}

/// Connects only to look; `None` when SQLite's file is not there yet.
async fn look(config: &Config) -> anyhow::Result<Option<Database>> {
    let url = config.database.url.expose_secret();
    Database::look(url, store_options(config)).await.context("database.url")
}

fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        connections_max: config.database.pool_max,
        acquire_timeout_ms: u64::try_from(config.database.acquire_timeout.as_millis()).unwrap_or(u64::MAX),
        ..StoreOptions::default()
    }
}

fn ports(
    config: &Config,
    database: &Database,
    journal: Arc<Journal>,
    directory: Arc<LiveDirectory>,
    clock: Arc<dyn Clock>,
    fence: &Arc<Fence>,
) -> anyhow::Result<Ports> {
    let companies = directory.clone();
    let platform = config.calcom.api_key.as_ref().map(secret);
    let key_of = move |company| {
        let directory = companies.current();
        calendar_key(directory.company(company).map(AsRef::as_ref), platform.as_ref())
    };
    let companies = directory.clone();
    let retell_key_of = move |company| {
        let directory = companies.current();
        directory.company(company).and_then(|c| c.keys.retell_api_key.clone())
    };
    let database = Arc::new(database.clone());
    Ok(Ports {
        clock,
        directory,
        journal: Arc::new(Fenced::new(JournalPort(journal), fence.clone())),
        batches: database.clone(),
        calls: database.clone(),
        bookings: database.clone(),
        callbacks: database.clone(),
        customers: database,
        calendar: Arc::new(Fenced::new(calcom_client(config, Arc::new(key_of))?, fence.clone())),
        voice: Arc::new(retell_client(config, Arc::new(retell_key_of))?),
        decoder: Arc::new(decoder::RetellDecoder),
        calendar_decoder: Arc::new(decoder::CalcomDecoder),
    })
}

/// Cal.com, asked with the key that `keys` gives for a company.
fn calcom_client(config: &Config, keys: calcom::KeyDirectory) -> Result<CalcomClient, CalcomSetupError> {
    let options = CalcomOptions {
        base_url: config.calcom.base_url.clone(),
        connect_timeout: config.calcom.connect_timeout,
        read_timeout: config.calcom.read_timeout,
        write_timeout: config.calcom.write_timeout,
        ..CalcomOptions::default()
    };
    CalcomClient::new(options, keys)
}

/// Retell, asked with the platform's key and with companies' own.
fn retell_client(config: &Config, keys: retell::KeyDirectory) -> Result<RetellClient, RetellSetupError> {
    let options = RetellOptions {
        base_url: config.retell.base_url.clone(),
        platform_key: config.retell.api_key.as_ref().map(secret),
        ..RetellOptions::default()
    };
    RetellClient::new(options, keys)
}

/// Tables are so much behind at most, and a service under load has statements of hundreds of rows.
const COMMIT_EVERY_MS: i64 = 100;

fn settings(config: &Config) -> Settings {
    let defaults = CallSettings::default();
    let silent_after_ms = millis(config.calls.max_duration).saturating_add(SILENT_MARGIN_MS);
    Settings {
        calls: CallSettings {
            transcript_flush_ms: millis(config.calls.transcript_flush),
            linger_ms: millis(config.calls.idle),
            silent_after_ms,
            given_up_after_ms: defaults.given_up_after_ms.max(silent_after_ms.saturating_mul(2)),
            ..defaults
        },
        scheduling: SchedulingSettings {
            hold_ttl_ms: millis(config.holds.ttl),
            mirror_fresh_ms: millis(config.calcom.mirror_fresh),
            mirror_serve_ms: millis(config.calcom.mirror_serve),
            reservations: config.calcom.reservations,
            ..SchedulingSettings::default()
        },
        writers: WriterSettings {
            writers: config.writers.count,
            batch_orders_max: config.writers.batch_orders_max,
            commit_every_ms: COMMIT_EVERY_MS,
            ..WriterSettings::default()
        },
        budget: BudgetSettings {
            requests_per_minute: config.calcom.requests_per_minute,
            ..BudgetSettings::default()
        },
        ..Settings::default()
    }
}

/// One shard of actors for each core.
fn shards() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get)
}

fn secret(value: &SecretString) -> Secret {
    Secret::new(value.expose_secret())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
