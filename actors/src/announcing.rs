//! The way of a calendar's announcement, once it is in the journal: its row goes to a writer, and the company's
//! scheduler heeds it. Its record may go when both are done.

use std::sync::Arc;

use askpro_domain::{calendar::CalendarEvent, ids::CompanyId, time::UnixMillis};
use bytes::Bytes;

use crate::{
    parked::ParkedItem,
    ports::{
        calendar::CalendarDecoder,
        journal::Position,
        rows::{Body, CalendarEventRow, Write},
    },
    root::Actors,
    scheduling::{Announcement, SchedulingMessage},
    writer::WriteOrder,
};

/// An announcement as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournaledAnnouncement {
    /// Where it is.
    pub position: Position,
    /// The company whose secret signed it.
    pub company: CompanyId,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// Compressed body.
    pub body: Bytes,
}

impl JournaledAnnouncement {
    /// With what its body says.
    #[must_use]
    pub fn decoded(self, decoder: &dyn CalendarDecoder) -> (Self, CalendarEvent) {
        let event = decoder.decode(&self.body);
        (self, event)
    }
}

impl Actors {
    /// Takes a journaled announcement. It is never refused: what finds no room waits.
    pub fn announce(&self, (journaled, event): (JournaledAnnouncement, CalendarEvent)) {
        let JournaledAnnouncement { position, company, received_at, body } = journaled;
        // The writer and the scheduler need it.
        self.outstanding.retain(position);
        let row = CalendarEventRow {
            company,
            dedup_key: event.dedup_key.clone(),
            event: event.name.clone(),
            booking_uid: event.uid.clone(),
            event_at: event.at,
            received_at,
            body: Body::Inline(body),
        };
        let writes = vec![Write::CalendarEvent(row)];
        self.writers.write(WriteOrder { call_id: None, writes, positions: vec![position] });
        let announcement = Arc::new(Announcement { position, event });
        let message = SchedulingMessage::Announced(announcement.clone());
        if self.schedulers.offer(company, message).is_err() {
            self.parked.park(ParkedItem::Announced { company, announcement });
        }
    }
}
