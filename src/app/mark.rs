//! The journal's mark: tells the database how far it has the journal, and lets go of segments behind that.

use std::{sync::Arc, time::Duration};

use askpro_actors::{
    outage::{Outage, Witness},
    ports::{clock::Clock, journal::Position, stores::BatchStore},
    writer::Fence,
};

use crate::{journal::Journal, store::Database};

/// How often.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// Who does it.
#[derive(Clone)]
pub(super) struct MarkKeeper {
    pub(super) database: Database,
    pub(super) journal: Arc<Journal>,
    pub(super) fence: Arc<Fence>,
    pub(super) outage: Arc<Outage>,
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

    /// Does it once.
    pub(super) async fn save(&self) {
        if self.fence.is_lost() {
            return;
        }
        let mark = self.journal.mark();
        let saved = self.database.save_mark(self.fence.epoch(), self.journal.id(), Position(mark.0)).await;
        let now = self.clock.now();
        if let Err(error) = saved {
            return self.outage.failed(Witness::Mark, &error.to_string(), now);
        }
        self.outage.works(Witness::Mark, now);
        let journal = self.journal.clone();
        let removed = tokio::task::spawn_blocking(move || journal.remove_before(mark)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, "segments behind the mark were not removed");
        }
    }
}
