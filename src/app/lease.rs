//! Who owns the database, and the journal that goes with it.
//!
//! The journal's folder is locked first, and only then the lease is asked for. The owner's name begins with a
//! hash that tells the folder: who has that folder's lock knows that an owner of it is dead, and takes over
//! without waiting for its lease to end. Of any other owner nothing is known, whatever its machine or its paths
//! are called.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use askpro_actors::{
    outage::{Outage, Witness},
    ports::{
        clock::Clock,
        stores::{LeaseAnswer, LeaseStore, StoreError},
    },
    writer::Fence,
};

use askpro_domain::{ids::BodyHash, time::UnixMillis};
use tokio::task::JoinHandle;

use super::SystemClock;
use crate::{
    config::JournalConfig,
    journal::{Journal, JournalError, JournalOptions, Opened},
    store::Database,
    usecases::{Readiness, ServiceState},
};

/// How often a second process asks whether it may take over.
const STANDBY_POLL: Duration = Duration::from_millis(200);
/// How many leases long a command waits for that of a dead owner: it ends within one, if clocks agree.
const LEASES_WAITED: u32 = 3;
/// Begins the name of an owner that is no service, where others have the hash of their folder.
const COMMAND: &str = "command";

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
    pub(super) outage: Arc<Outage>,
    pub(super) readiness: Readiness,
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
    /// Locks the journal's folder and takes the lease; stands by while another living process has one of them.
    ///
    /// # Errors
    /// A folder that cannot be a journal, or a database without answer.
    pub(super) async fn own(
        database: &Database,
        clock: &Arc<dyn Clock>,
        fence: &Arc<Fence>,
        ttl: Duration,
        journal: &JournalConfig,
        signals: &Signals,
    ) -> anyhow::Result<Owned> {
        let (journal, opened) = wait_for_folder(database, journal, &signals.readiness).await?;
        let place = place_of(&opened);
        let lease = Self::of(database, clock.clone(), fence.clone(), &place, ttl);
        let keeper = lease.wait_for(&place, signals).await?;
        Ok(Owned { lease, journal, opened, keeper })
    }

    /// Takes the lease for a command, which has no journal, and keeps it until the task is ended. Waits for the lease
    /// of an owner that is dead to end, and says so.
    ///
    /// # Errors
    /// An owner that lives, a lease that does not end, or a database without answer.
    pub(super) async fn borrow(database: &Database, ttl: Duration) -> anyhow::Result<(Self, JoinHandle<()>)> {
        let signals = Signals { outage: Arc::default(), readiness: Readiness::default() };
        let lease = Self::of(database, Arc::new(SystemClock), Arc::default(), COMMAND, ttl);
        let mut seen = None;
        let since = tokio::time::Instant::now();
        loop {
            match lease.ask(lease.clock.now(), &signals).await? {
                LeaseAnswer::Acquired { epoch } => {
                    let keeper = lease.keep(epoch, &signals);
                    return Ok((lease, keeper));
                }
                // Only one that lives prolongs it.
                LeaseAnswer::Taken { owner, until } if seen.is_some_and(|seen| seen != until) => bail!(
                    "{owner} owns the database and is at work: stop it first, or start this release's service beside \
                     it, which migrates when it takes over"
                ),
                LeaseAnswer::Taken { owner, until } if since.elapsed() > LEASES_WAITED * ttl => bail!(
                    "{owner} owns the database until {until} and does not prolong that: its clock was ahead, or its \
                     database.lease_ttl_ms is longer. Start the service with its journal.dir, which takes over at once; \
                     or make sure that it is gone and end its lease: UPDATE lease SET until_ms = 0 WHERE id = 1"
                ),
                LeaseAnswer::Taken { owner, until } => {
                    if seen.is_none() {
                        tracing::warn!(owner, %until, "waiting for the lease of this owner to end, unless it is at work");
                    }
                    seen = Some(until);
                    tokio::time::sleep(STANDBY_POLL).await;
                }
            }
        }
    }

    /// Under a name of its own.
    fn of(database: &Database, clock: Arc<dyn Clock>, fence: Arc<Fence>, place: &str, ttl: Duration) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the owner's name is the one random thing here")]
        let owner = format!("{place}:{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
        Self { store: Arc::new(database.clone()), clock, fence, owner, ttl }
    }

    /// Waits for the lease; the lock of the folder is ours, so an owner of this very folder is dead.
    async fn wait_for(&self, place: &str, signals: &Signals) -> anyhow::Result<JoinHandle<()>> {
        let mut now = self.clock.now();
        loop {
            now = match self.ask(now, signals).await? {
                LeaseAnswer::Acquired { epoch } => return Ok(self.keep(epoch, signals)),
                LeaseAnswer::Taken { owner, until } if owner.split(':').next() == Some(place) => {
                    tracing::info!(owner, "the owner of the database is gone; taking over");
                    until.plus_ms(1)
                }
                LeaseAnswer::Taken { owner, until } => {
                    if stand_by(&signals.readiness, &owner) {
                        tracing::info!(owner, %until, "another process owns the database; standing by");
                    }
                    tokio::time::sleep(STANDBY_POLL).await;
                    self.clock.now()
                }
            };
        }
    }

    /// Whoever stands by outlives a database that is away for a while.
    async fn ask(&self, now: UnixMillis, signals: &Signals) -> anyhow::Result<LeaseAnswer> {
        let stands_by = || signals.readiness.get() == ServiceState::Standby;
        loop {
            match self.store.acquire(&self.owner, now, self.ttl_ms()).await {
                Err(StoreError::Unavailable(error)) if stands_by() => {
                    signals.outage.failed(Witness::Lease, &error, self.clock.now());
                    tokio::time::sleep(STANDBY_POLL).await;
                }
                answer => {
                    let answer = answer.context("the lease of the database cannot be read")?;
                    signals.outage.works(Witness::Lease, self.clock.now());
                    return Ok(answer);
                }
            }
        }
    }

    /// Prolongs it three times in its life, from now on, and says so as soon as the fence is lost.
    fn keep(&self, epoch: i64, signals: &Signals) -> JoinHandle<()> {
        self.fence.set_epoch(epoch);
        signals.readiness.set(ServiceState::Starting);
        let (lease, signals) = (self.clone(), signals.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = lease.prolong(&signals.outage) => lease.fence.lose(),
                () = lease.fence.lost() => {}
            }
            tracing::error!("another process owns the database now; this one stops");
            signals.readiness.set(ServiceState::Fenced);
        })
    }

    /// Prolongs it as long as it is ours.
    async fn prolong(&self, outage: &Outage) {
        loop {
            tokio::time::sleep(self.ttl / 3).await;
            match self.renew().await {
                Ok(true) => outage.works(Witness::Lease, self.clock.now()),
                Ok(false) => return,
                Err(error) => outage.failed(Witness::Lease, &error.to_string(), self.clock.now()),
            }
        }
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

/// Whether this is news.
fn stand_by(readiness: &Readiness, owner: &str) -> bool {
    let is_news = readiness.get() != ServiceState::Standby;
    readiness.stand_by(Some(owner.to_owned()));
    is_news
}

/// The folder, as the beginning of an owner's name: the journal's id, and what tells it from a copy.
fn place_of(opened: &Opened) -> String {
    BodyHash::of(&[opened.id.as_bytes(), &[0], &opened.lock_inode.to_le_bytes()]).to_hex()
}

/// Opens the journal as soon as nobody else has its folder. Without it the lease would be of no use: the owner
/// that has the folder, however long it sleeps, is the only one that can go on.
async fn wait_for_folder(
    database: &Database,
    journal: &JournalConfig,
    readiness: &Readiness,
) -> anyhow::Result<(Arc<Journal>, Opened)> {
    loop {
        match open_journal(journal).await? {
            Err(error @ JournalError::Locked { .. }) => {
                if readiness.get() != ServiceState::Standby {
                    readiness.stand_by(None);
                    tracing::info!(%error, "standing by until the journal's folder is free");
                }
                // Who has the folder most likely has the lease too; a database without answer delays nothing.
                let (owner, ()) = tokio::join!(
                    tokio::time::timeout(STANDBY_POLL, database.lease_owner()),
                    tokio::time::sleep(STANDBY_POLL)
                );
                readiness.stand_by(owner.ok().and_then(Result::ok).flatten());
            }
            opened => return opened.context("journal.dir"),
        }
    }
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
