//! The journal's mark: tells the database how far it has the journal, and lets go of segments behind that.

use std::{sync::Arc, time::Duration};

use askpro_actors::{
    outage::{Outage, Witness},
    ports::{
        clock::Clock,
        journal::Position,
        stores::{BatchStore, StoreError},
    },
    writer::Fence,
};

use crate::{journal::Journal, store::Database, usecases::DatabasePlace};

/// How often.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// A database that has not taken the mark by then is away. A frozen one breaks no connection, so that everybody else
/// notices it only when their own patience is over.
const SILENT_MAX: Duration = Duration::from_secs(4);

/// Who does it.
#[derive(Clone)]
pub(super) struct MarkKeeper {
    pub(super) database: Database,
    pub(super) journal: Arc<Journal>,
    pub(super) fence: Arc<Fence>,
    pub(super) outage: Arc<Outage>,
    pub(super) place: DatabasePlace,
    pub(super) clock: Arc<dyn Clock>,
}

impl MarkKeeper {
    /// Does it for ever.
    pub(super) async fn keep(self) {
        loop {
            tokio::time::sleep(MARK_EVERY).await;
            self.save().await;
        }
    }

    /// Does it once. What was committed before the mark was read is in the file that is looked at after it, so
    /// nothing is removed that only a deleted file has.
    pub(super) async fn save(&self) {
        if self.fence.is_lost() {
            return;
        }
        let mark = self.journal.mark();
        if self.is_displaced().await {
            return;
        }
        let mut saving =
            std::pin::pin!(self.database.save_mark(self.fence.epoch(), self.journal.id(), Position(mark.0)));
        let saved = match tokio::time::timeout(SILENT_MAX, &mut saving).await {
            Ok(saved) => saved,
            Err(_) => {
                let silent = format!("no answer within {} s", SILENT_MAX.as_secs());
                self.outage.failed(Witness::Mark, &silent, self.clock.now());
                saving.await
            }
        };
        let now = self.clock.now();
        match saved {
            Ok(()) => {}
            Err(StoreError::Fenced { .. }) => {
                tracing::error!("the mark of the journal is not saved: another process owns the database");
                return self.fence.lose();
            }
            Err(error) => return self.outage.failed(Witness::Mark, &error.to_string(), now),
        }
        self.outage.works(Witness::Mark, now);
        let journal = self.journal.clone();
        let removed = tokio::task::spawn_blocking(move || journal.remove_before(mark)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, "segments behind the mark were not removed");
        }
    }

    /// Whether the database's file is not where it was opened; said once.
    async fn is_displaced(&self) -> bool {
        let displaced = self.database.displaced().await;
        let is_displaced = displaced.is_some();
        if self.place.set(displaced.as_ref().map(ToString::to_string)) {
            match displaced {
                Some(displaced) => tracing::error!(
                    error = %displaced,
                    process.id = std::process::id(),
                    journal.mark = self.journal.mark().0,
                    "what is written to the database now is lost when this process ends; the journal keeps its \
                     segments. Put the file back (while the process runs it and its -wal can be copied out of \
                     /proc/PID/fd, else take the newest backup), then start again: the journal is replayed"
                ),
                None => tracing::info!("the database's file is where it was opened again"),
            }
        }
        is_displaced
    }
}
