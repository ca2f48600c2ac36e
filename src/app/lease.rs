//! Who owns the database, and the journal that goes with it.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use askpro_actors::{
    ports::{
        clock::Clock,
        stores::{LeaseAnswer, LeaseStore, StoreError},
    },
    writer::Fence,
};

use crate::{
    config::JournalConfig,
    journal::{Journal, JournalError, JournalOptions, Opened},
    store::Database,
    usecases::{Readiness, ServiceState},
};

/// How often a second process asks whether it may take over.
const STANDBY_POLL: Duration = Duration::from_millis(200);
/// How long the owner before us may take to let go of the journal after its lease ended.
const JOURNAL_WAIT: Duration = Duration::from_secs(15);

/// Our lease.
#[derive(Clone)]
pub(super) struct Lease {
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    fence: Arc<Fence>,
    owner: String,
    pub(super) ttl: Duration,
}

/// A lease is kept while this exists.
pub(super) struct Kept(tokio::task::JoinHandle<()>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lease {
    /// Takes the lease; stands by while another process has it.
    pub(super) async fn wait_for(
        database: &Database,
        clock: &Arc<dyn Clock>,
        fence: &Arc<Fence>,
        ttl: Duration,
        readiness: &Readiness,
    ) -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the owner's name is the one random thing here")]
        let owner = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
        let store: Arc<dyn LeaseStore> = Arc::new(database.clone());
        let lease = Self { store, clock: clock.clone(), fence: fence.clone(), owner, ttl };
        loop {
            let answer = match lease.store.acquire(&lease.owner, clock.now(), lease.ttl_ms()).await {
                // Whoever stands by outlives a database that is away for a while.
                Err(StoreError::Unavailable(error)) if readiness.get() == ServiceState::Standby => {
                    tracing::warn!(error, "the lease of the database cannot be read; still standing by");
                    tokio::time::sleep(STANDBY_POLL).await;
                    continue;
                }
                answer => answer.context("the lease of the database cannot be read")?,
            };
            match answer {
                LeaseAnswer::Acquired { epoch } => {
                    fence.set_epoch(epoch);
                    readiness.set(ServiceState::Starting);
                    return Ok(lease);
                }
                LeaseAnswer::Taken { owner, until } => {
                    if readiness.get() != ServiceState::Standby {
                        tracing::info!(owner, %until, "another process owns the database; standing by");
                        readiness.set(ServiceState::Standby);
                    }
                    tokio::time::sleep(STANDBY_POLL).await;
                }
            }
        }
    }

    /// Keeps it while the journal is waited for and read, which may take longer than it lasts; until the
    /// guard goes. Losing it fences this process.
    pub(super) fn keep(&self) -> Kept {
        let lease = self.clone();
        Kept(tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease.ttl / 3).await;
                match lease.renew().await {
                    Ok(true) => {}
                    Ok(false) => return lease.fence.lose(),
                    Err(error) => tracing::warn!(%error, "the lease was not prolonged"),
                }
            }
        }))
    }

    /// Prolongs it. `false`: another process has it now.
    pub(super) async fn renew(&self) -> Result<bool, StoreError> {
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

/// Opens the journal; the owner before us may still be closing it.
pub(super) async fn open_journal(config: &JournalConfig) -> anyhow::Result<(Arc<Journal>, Opened)> {
    let options = JournalOptions {
        dir: config.dir.clone(),
        max_bytes: config.max_bytes,
        segment_bytes: config.segment_bytes,
    };
    let started = std::time::Instant::now();
    loop {
        let options = options.clone();
        let opened = tokio::task::spawn_blocking(move || Journal::open(options, new_id)).await;
        match opened.context("opening the journal panicked")? {
            Err(JournalError::Locked { .. }) if started.elapsed() < JOURNAL_WAIT => {
                tokio::time::sleep(STANDBY_POLL).await;
            }
            opened => return opened.context("journal.dir"),
        }
    }
}

fn new_id() -> String {
    #[expect(clippy::disallowed_methods, reason = "a new journal's identity is random")]
    let id = uuid::Uuid::new_v4();
    id.simple().to_string()
}
