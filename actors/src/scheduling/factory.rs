//! Brings schedulers to life.

use std::sync::Arc;

use askpro_domain::ids::CompanyId;

use super::{SchedulingActor, SchedulingMessage, SchedulingWorld};
use crate::{
    ports::journal::{Record, SchedulingRecord},
    runtime::{Build, Factory, Why},
};

/// Makes schedulers.
pub struct SchedulingFactory {
    /// What they need.
    pub world: Arc<SchedulingWorld>,
}

impl Factory<SchedulingActor> for SchedulingFactory {
    /// From the records that are pinned for this company; none at its first life.
    fn build(&self, key: &CompanyId, _why: Why) -> Build<SchedulingActor> {
        let mut actor = SchedulingActor::new(*key, self.world.clone());
        let records = self.world.pins.of(*key).into_iter().filter_map(|(_, position)| self.read(position));
        actor.restore_pins(records.collect(), self.world.clock.now());
        Build::Ready(actor)
    }

    fn dead_letter(&self, key: &CompanyId, message: SchedulingMessage, error: &str) {
        // The question's reply handle is dropped, so its agent hears an error at once; what was journaled
        // is found again by the rebuilt scheduler.
        tracing::error!(company.id = key.0, error, "a scheduler could not handle a message");
        drop(message);
    }
}

impl SchedulingFactory {
    fn read(&self, position: crate::ports::journal::Position) -> Option<SchedulingRecord> {
        match self.world.journal.read(position) {
            Ok(Record::Scheduling(record)) => Some(record),
            Ok(Record::RetellEvent { .. }) => None,
            Err(error) => {
                tracing::error!(position = position.0, %error, "a pinned record cannot be read");
                None
            }
        }
    }
}
