//! Who owns the database, and the journal that goes with it.
//!
//! The journal's folder is locked first, then the lease is taken. The owner's name begins with a hash of this
//! machine and the folder: who has the folder's lock knows that an owner of that very folder is dead, and takes
//! over without waiting for its lease to end.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use askpro_actors::{
    ports::{
        clock::Clock,
        stores::{LeaseAnswer, LeaseStore, StoreError},
    },
    writer::Fence,
};

use askpro_domain::{ids::BodyHash, time::UnixMillis};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    config::JournalConfig,
    journal::{Journal, JournalError, JournalOptions, Opened},
    store::Database,
    usecases::{Readiness, ServiceState},
};

/// How often a second process asks whether it may take over.
const STANDBY_POLL: Duration = Duration::from_millis(200);
/// How long a process that has the folder, but not the lease, may take to let go of it.
const JOURNAL_WAIT: Duration = Duration::from_secs(15);

/// What belongs to the owner of the database.
pub(super) struct Owned {
    pub(super) lease: Lease,
    pub(super) journal: Arc<Journal>,
    pub(super) opened: Opened,
    /// Prolongs the lease, from its first moment on.
    pub(super) keeper: JoinHandle<()>,
}

/// What tells the others how the ownership goes.
#[derive(Clone)]
pub(super) struct Signals {
    pub(super) database_up: Arc<AtomicBool>,
    pub(super) readiness: Readiness,
    /// `true` once another process has the database.
    pub(super) end: watch::Sender<bool>,
}

/// Our lease.
#[derive(Clone)]
pub(super) struct Lease {
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    fence: Arc<Fence>,
    owner: String,
    ttl: Duration,
}

impl Lease {
    /// Locks the journal's folder and takes the lease; stands by while another living process has them.
    ///
    /// # Errors
    /// A folder that cannot be a journal, that a process of another database has, or a database without answer.
    pub(super) async fn own(
        database: &Database,
        clock: &Arc<dyn Clock>,
        fence: &Arc<Fence>,
        ttl: Duration,
        journal: &JournalConfig,
        signals: &Signals,
    ) -> anyhow::Result<Owned> {
        let place = place_of(&journal.dir);
        #[expect(clippy::disallowed_methods, reason = "the owner's name is the one random thing here")]
        let owner = format!("{place}:{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
        let store: Arc<dyn LeaseStore> = Arc::new(database.clone());
        let lease = Self { store, clock: clock.clone(), fence: fence.clone(), owner, ttl };
        let mut kept: Option<(JoinHandle<()>, std::time::Instant)> = None;
        loop {
            match (open_journal(journal).await?, &kept) {
                (Ok((journal, opened)), _) => {
                    let keeper = match kept {
                        Some((keeper, _)) => keeper,
                        None => lease.wait_for(&place, signals).await?,
                    };
                    return Ok(Owned { lease, journal, opened, keeper });
                }
                (Err(JournalError::Locked { .. }), None) => {
                    kept = lease.try_once(signals).await?.map(|keeper| (keeper, std::time::Instant::now()));
                }
                (Err(JournalError::Locked { .. }), Some((_, since))) if since.elapsed() < JOURNAL_WAIT => {}
                (Err(error), _) => {
                    if let Some((keeper, _)) = kept {
                        keeper.abort();
                        lease.release().await;
                    }
                    return Err(error).context("journal.dir");
                }
            }
            tokio::time::sleep(STANDBY_POLL).await;
        }
    }

    /// Takes the lease when it is free; the lock of the folder is somebody else's.
    async fn try_once(&self, signals: &Signals) -> anyhow::Result<Option<JoinHandle<()>>> {
        match self.ask(self.clock.now(), &signals.readiness).await? {
            LeaseAnswer::Acquired { epoch } => Ok(Some(self.keep(epoch, signals))),
            LeaseAnswer::Taken { owner, until } => {
                stand_by(&signals.readiness, &owner, until);
                Ok(None)
            }
        }
    }

    /// Waits for the lease; the lock of the folder is ours, so an owner of this very folder is dead.
    async fn wait_for(&self, place: &str, signals: &Signals) -> anyhow::Result<JoinHandle<()>> {
        let mut now = self.clock.now();
        loop {
            now = match self.ask(now, &signals.readiness).await? {
                LeaseAnswer::Acquired { epoch } => return Ok(self.keep(epoch, signals)),
                LeaseAnswer::Taken { owner, until } if owner.split(':').next() == Some(place) => {
                    tracing::info!(owner, "the owner of the database is gone; taking over");
                    until.plus_ms(1)
                }
                LeaseAnswer::Taken { owner, until } => {
                    stand_by(&signals.readiness, &owner, until);
                    tokio::time::sleep(STANDBY_POLL).await;
                    self.clock.now()
                }
            };
        }
    }

    /// Whoever stands by outlives a database that is away for a while.
    async fn ask(&self, now: UnixMillis, readiness: &Readiness) -> anyhow::Result<LeaseAnswer> {
        loop {
            match self.store.acquire(&self.owner, now, self.ttl_ms()).await {
                Err(StoreError::Unavailable(error)) if readiness.get() == ServiceState::Standby => {
                    tracing::warn!(error, "the lease of the database cannot be read; still standing by");
                    tokio::time::sleep(STANDBY_POLL).await;
                }
                answer => return answer.context("the lease of the database cannot be read"),
            }
        }
    }

    /// Prolongs it three times in its life, from now on.
    fn keep(&self, epoch: i64, signals: &Signals) -> JoinHandle<()> {
        self.fence.set_epoch(epoch);
        signals.readiness.set(ServiceState::Starting);
        let (lease, signals) = (self.clone(), signals.clone());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease.ttl / 3).await;
                let renewed = if lease.fence.is_lost() { Ok(false) } else { lease.renew().await };
                signals.database_up.store(renewed.is_ok(), Ordering::SeqCst);
                match renewed {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::error!("another process owns the database now; this one stops");
                        lease.fence.lose();
                        signals.readiness.set(ServiceState::Fenced);
                        let _ = signals.end.send(true);
                        return;
                    }
                    Err(error) => tracing::warn!(%error, "the lease was not prolonged"),
                }
            }
        })
    }

    /// Prolongs it. `false`: another process has it now.
    async fn renew(&self) -> Result<bool, StoreError> {
        self.store.renew(&self.owner, self.fence.epoch(), self.clock.now(), self.ttl_ms()).await
    }

    /// Gives it back, unless it was lost.
    pub(super) async fn release(&self) {
        if self.fence.is_lost() {
            return;
        }
        if let Err(error) = self.store.release(&self.owner, self.fence.epoch()).await {
            tracing::warn!(%error, "the lease was not given back; it ends by itself");
        }
    }

    fn ttl_ms(&self) -> i64 {
        super::millis(self.ttl)
    }
}

fn stand_by(readiness: &Readiness, owner: &str, until: UnixMillis) {
    if readiness.get() != ServiceState::Standby {
        tracing::info!(owner, %until, "another process owns the database; standing by");
        readiness.set(ServiceState::Standby);
    }
}

/// This machine and this folder, as the beginning of an owner's name.
fn place_of(journal: &Path) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    // A folder that cannot be made is refused with its reason when the journal is opened.
    let _ = std::fs::create_dir_all(journal);
    let folder = std::fs::canonicalize(journal).unwrap_or_else(|_| journal.to_path_buf());
    BodyHash::of(&[host.trim().as_bytes(), &[0], folder.as_os_str().as_encoded_bytes()]).to_hex()
}

/// Opens the journal, off the async threads.
async fn open_journal(
    config: &JournalConfig,
) -> anyhow::Result<Result<(Arc<Journal>, Opened), JournalError>> {
    let options = JournalOptions {
        dir: config.dir.clone(),
        max_bytes: config.max_bytes,
        segment_bytes: config.segment_bytes,
    };
    tokio::task::spawn_blocking(move || Journal::open(options, new_id))
        .await
        .context("opening the journal panicked")
}

fn new_id() -> String {
    #[expect(clippy::disallowed_methods, reason = "a new journal's identity is random")]
    let id = uuid::Uuid::new_v4();
    id.simple().to_string()
}
