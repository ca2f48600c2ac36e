//! Brings schedulers to life.

use std::{collections::BTreeSet, sync::Arc};

use askpro_domain::ids::CompanyId;

use super::{Announcement, SchedulingActor, SchedulingMessage, SchedulingWorld, rows, settle};
use crate::{
    ports::{
        journal::{Position, Record, SchedulingRecord},
        rows::{DeadLetterRow, Write},
    },
    runtime::{Build, Factory, Why},
    writer::WriteOrder,
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
        let now = self.world.clock.now();
        let pinned = self.world.pins.of(*key).into_iter().map(|(_, position)| position);
        let untold = self.world.pins.untold(*key);
        let positions: BTreeSet<Position> = pinned.chain(untold.iter().copied()).collect();
        let records = positions.into_iter().filter_map(|position| self.read(position));
        actor.restore_pins(records.collect(), now);
        actor.hear_unheeded(now);
        for position in untold {
            self.tell(*key, position);
        }
        Build::Ready(actor)
    }

    fn dead_letter(&self, key: &CompanyId, message: SchedulingMessage, error: &str) {
        // The question's reply handle is dropped, so its agent hears an error at once; what was journaled
        // is found again by the rebuilt scheduler.
        tracing::error!(company.id = key.0, error, "a scheduler could not handle a message");
        match message {
            SchedulingMessage::Announced(announcement) => {
                // The turn that panicked may not even have noted it.
                self.world.unheeded.add(*key, &announcement);
                self.set_aside(*key, &announcement, error);
            }
            SchedulingMessage::AnnouncedFound { announcement, .. }
            | SchedulingMessage::Heeded { announcement, .. } => self.set_aside(*key, &announcement, error),
            other => drop(other),
        }
    }
}

impl SchedulingFactory {
    /// An announcement that nothing follows from any more; its own row has the body.
    fn set_aside(&self, company: CompanyId, announcement: &Announcement, error: &str) {
        let row = DeadLetterRow {
            id: format!("announced-{:020}", announcement.position.0),
            actor: "scheduling",
            actor_id: company.to_string(),
            message: "calendar_event".into(),
            error: format!("{error}: {}", announcement.event.dedup_key),
            signer_company: Some(company),
            created_at: self.world.clock.now(),
            body: None,
        };
        if !self.world.unheeded.take(company, announcement.position) {
            return;
        }
        let (writes, positions) = (vec![Write::DeadLetter(row)], vec![announcement.position]);
        self.world.writers.write(WriteOrder { call_id: None, writes, positions });
    }

    /// Tells a call what a turn that panicked did not tell it.
    fn tell(&self, company: CompanyId, position: Position) {
        let Some(SchedulingRecord::Moved { booking }) = self.read(position) else { return };
        let directory = self.world.directory.current();
        let (now, customers) = (self.world.clock.now(), &self.world.customers);
        let settings = directory.company(company).map(AsRef::as_ref);
        customers.note(&booking, settings, now);
        let moved = rows::moved_again(&booking, settings, customers, position, now);
        settle::deliver(&self.world, company, booking.order.call_id.clone(), moved);
    }

    fn read(&self, position: Position) -> Option<SchedulingRecord> {
        match self.world.journal.read(position) {
            Ok(Record::Scheduling(record)) => Some(record),
            Ok(Record::RetellEvent { .. } | Record::CalendarEvent { .. } | Record::Callback(_)) => None,
            Err(error) => {
                tracing::error!(position = position.0, %error, "a pinned record cannot be read");
                None
            }
        }
    }
}
