//! Events come in: into the journal first, then to the actor of their call, or to their company's scheduler.
//!
//! An event is taken when this returns `Ok`: it is on the journal's disk (transcripts excepted, which the
//! next one replaces). Bodies are handed in as they are kept: verified, secrets blanked, not compressed.

use std::{sync::Arc, time::Duration};

use askpro_actors::{
    announcing::JournaledAnnouncement,
    calls::{Delivered, EventReceived},
    ports::{
        journal::{JournalError, Position, Record, Signer},
        rows::{Body, PlatformEventRow, Write},
    },
    writer::WriteOrder,
};
use askpro_domain::{
    calendar::CalendarEvent,
    call::{CallEvent, EventKind},
    ids::CompanyId,
    time::UnixMillis,
};
use bytes::Bytes;

use super::{
    Services,
    load::{Class, Overloaded, Reason, admit_on, count_refused},
    own_key, to_the_end,
};
use crate::compress::compress;

/// How long an event may wait for the disk before its sender hears that it should come again; Retell gives
/// up after ten seconds.
const DURABLE_WITHIN: Duration = Duration::from_secs(8);

/// How an event arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The body with its secrets blanked.
    pub body: &'a [u8],
    /// Who signed it.
    pub signer: Signer,
    /// When.
    pub at: UnixMillis,
}

/// An event that belongs to no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformNotice {
    /// Retell's name of it.
    pub event: String,
    /// Identity.
    pub dedup_key: String,
}

/// Why an event was not taken. In every case it may be sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// Too much waits already.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The journal has no room until the database has caught up.
    #[error("the journal is full")]
    JournalFull,
    /// The journal's disk did not take it, or not in time.
    #[error("the journal cannot write")]
    JournalUnavailable,
}

/// Takes an event of a call.
///
/// # Errors
/// [`IngestError`]; the event is nowhere then, or (when the disk was too slow) comes a second time.
pub async fn take_call_event(
    services: &Arc<Services>,
    event: CallEvent,
    arrival: Arrival<'_>,
) -> Result<(), IngestError> {
    let supersedable = event.kind.is_supersedable();
    let class = if supersedable { Class::Transcript } else { Class::Lifecycle };
    admit_on(services, class)?;
    if matches!(event.kind, EventKind::CallStarted | EventKind::TranscriptUpdated) {
        // Of these a call can do without one; what ends or sums one up may belong to a call that left memory.
        own_key::admit(services, class, arrival.signer, &event.call_id)?;
    }
    let body = pack(arrival.body)?;
    let (received_at, signer) = (arrival.at, arrival.signer);
    let received = EventReceived { event, body, position: None, received_at, signer };
    if supersedable {
        if let Delivered::Refused { .. } = services.actors.calls.deliver(received) {
            count_refused(class, Reason::QueueFull);
            return Err(IngestError::Overloaded(Overloaded));
        }
    } else {
        finish(append_and_deliver(services.clone(), received)).await?;
    }
    services.traffic.record_event(received_at);
    Ok(())
}

/// Takes an event of the platform.
///
/// # Errors
/// As [`take_call_event`].
pub async fn take_platform_event(
    services: &Arc<Services>,
    notice: PlatformNotice,
    arrival: Arrival<'_>,
) -> Result<(), IngestError> {
    admit_on(services, Class::Lifecycle)?;
    let body = pack(arrival.body)?;
    let (received_at, signer) = (arrival.at, arrival.signer);
    let journaled = services.clone();
    finish(async move {
        let position = append(&journaled, received_at, signer, body.clone()).await?;
        journaled.actors.writers.write(platform_order(notice, position, received_at, body));
        Ok(())
    })
    .await?;
    services.traffic.record_event(received_at);
    Ok(())
}

/// Takes an announcement of a company's calendar.
///
/// # Errors
/// As [`take_call_event`].
pub async fn take_calendar_event(
    services: &Arc<Services>,
    company: CompanyId,
    event: CalendarEvent,
    body: &[u8],
    received_at: UnixMillis,
) -> Result<(), IngestError> {
    admit_on(services, Class::Lifecycle)?;
    let body = pack(body)?;
    let journaled = services.clone();
    finish(async move {
        let record = Record::CalendarEvent { company, received_at, body: body.clone() };
        let position = append_record(&journaled, record).await?;
        let announced = JournaledAnnouncement { position, company, received_at, body };
        journaled.actors.announce((announced, event));
        Ok(())
    })
    .await?;
    services.traffic.record_event(received_at);
    Ok(())
}

/// The row of a journaled event of the platform.
fn platform_order(
    notice: PlatformNotice,
    position: Position,
    received_at: UnixMillis,
    body: Bytes,
) -> WriteOrder {
    let PlatformNotice { event, dedup_key } = notice;
    let row = PlatformEventRow { event, dedup_key, received_at, body: Body::Inline(body) };
    WriteOrder { call_id: None, writes: vec![Write::PlatformEvent(row)], positions: vec![position] }
}

/// Writes an event into the journal, then hands it to its call. Not to be dropped on the way: what is in the
/// journal must be delivered.
pub(super) async fn append_and_deliver(
    services: Arc<Services>,
    mut received: EventReceived,
) -> Result<(), IngestError> {
    let body = received.body.clone();
    let position = append(&services, received.received_at, received.signer, body).await?;
    received.position = Some(position);
    // With a position nothing is refused: what finds no room waits in the journal.
    services.actors.calls.deliver(received);
    Ok(())
}

pub(super) async fn append(
    services: &Services,
    received_at: UnixMillis,
    signer: Signer,
    body: Bytes,
) -> Result<Position, IngestError> {
    append_record(services, Record::RetellEvent { signer, received_at, body }).await
}

async fn append_record(services: &Services, record: Record) -> Result<Position, IngestError> {
    let _appending = services.traffic.begin_append();
    match services.journal.append(record).await {
        Ok(position) => {
            services.traffic.journal_took();
            Ok(position)
        }
        Err(error) => Err(refused(services, &error)),
    }
}

fn refused(services: &Services, error: &JournalError) -> IngestError {
    count_refused(Class::Lifecycle, Reason::JournalFull);
    match error {
        JournalError::Full { bytes, .. } => {
            services.traffic.journal_refused(*bytes);
            IngestError::JournalFull
        }
        JournalError::Unavailable(_) | JournalError::Unreadable { .. } => {
            tracing::error!(%error, "the journal did not take an event");
            IngestError::JournalUnavailable
        }
    }
}

/// Runs work to its end even when whoever waits for it goes away, which it does when the disk takes too long.
pub(super) async fn finish<F>(work: F) -> Result<(), IngestError>
where
    F: Future<Output = Result<(), IngestError>> + Send + 'static,
{
    match tokio::time::timeout(DURABLE_WITHIN, to_the_end(work)).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            tracing::error!("taking an event was broken off by a panic");
            Err(IngestError::JournalUnavailable)
        }
        Err(_) => {
            tracing::error!("the journal's disk is too slow");
            count_refused(Class::Lifecycle, Reason::JournalSlow);
            Err(IngestError::JournalUnavailable)
        }
    }
}

fn pack(body: &[u8]) -> Result<Bytes, IngestError> {
    compress(body).map_err(|error| {
        tracing::error!(%error, "an event could not be compressed");
        IngestError::JournalUnavailable
    })
}
