//! Messages that were set aside after their second panic, and the way back for events among them.

use std::sync::Arc;

use askpro_actors::{
    calls::EventReceived,
    ports::{journal::Signer, rows::Write, stores::DeadLetter},
    writer::WriteOrder,
};
use bytes::Bytes;
use serde::Serialize;

use super::{
    AdminError, Page, PageRequest, Services,
    ingest::{IngestError, append, finish},
    quarantine::{ReplayOutcome, Replayed, slug_of},
};

/// The only kind of message that can be replayed.
const REPLAYABLE: &str = "retell_event";

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetterLine {
    /// Its id.
    pub id: String,
    /// Kind of the actor that could not handle it.
    pub actor: String,
    /// Key of that actor.
    pub actor_id: String,
    /// Kind of message.
    pub message: String,
    /// What went wrong.
    pub error: String,
    /// Slug of the company whose own key signed it.
    pub signer_company: Option<String>,
    /// When it was set aside, RFC 3339.
    pub created_at: String,
    /// Whether it can be replayed.
    pub replayable: bool,
}

/// Dead letters, by id.
///
/// # Errors
/// When the database does not answer.
pub async fn list(services: &Services, page: &PageRequest) -> Result<Page<DeadLetterLine>, AdminError> {
    let letters = services.calls.list_dead_letters(page.cursor(), page.heavy_limit_u32()).await?;
    let items = letters.into_iter().map(|letter| line(services, letter)).collect();
    Ok(Page::of_source(items, page.heavy_limit(), |line: &DeadLetterLine| line.id.clone()))
}

fn line(services: &Services, letter: DeadLetter) -> DeadLetterLine {
    DeadLetterLine {
        replayable: letter.message == REPLAYABLE && letter.body.is_some(),
        id: letter.id,
        actor: letter.actor,
        actor_id: letter.actor_id,
        message: letter.message,
        error: letter.error,
        signer_company: letter.signer_company.and_then(|id| slug_of(services, id)),
        created_at: letter.created_at.to_rfc3339(),
    }
}

/// Gives an event to its call once more. It goes through the journal again, so that it is lost at no moment;
/// should it fail again, it is a dead letter again.
///
/// # Errors
/// [`AdminError::NotFound`], [`AdminError::NotReplayable`], or database or journal take nothing now.
pub async fn replay(services: &Arc<Services>, id: &str) -> Result<Replayed, AdminError> {
    let letter = services.calls.find_dead_letter(id).await?;
    let letter = letter.ok_or(AdminError::NotFound { what: "dead letter" })?;
    let body = letter.body.filter(|_| letter.message == REPLAYABLE);
    let body = body.ok_or_else(|| AdminError::NotReplayable {
        reason: "only events of calls can be replayed; this one is kept to be read".to_owned(),
    })?;
    let body = Bytes::from(body);
    let decoder = &services.actors.calls.world().decoder;
    let event = decoder.decode(&body).map_err(|reason| AdminError::NotReplayable { reason })?;
    let call_id = event.call_id.as_str().to_owned();
    let signer = letter.signer_company.map_or(Signer::Platform, Signer::Company);
    let received_at = letter.created_at;
    let received = EventReceived { event, body, position: None, received_at, signer };
    finish(bring_back(services.clone(), letter.id, received)).await?;
    Ok(Replayed { id: id.to_owned(), call_id, outcome: ReplayOutcome::Delivered, company: None })
}

/// The letter goes before the event is delivered: should that fail again, the new letter must stay.
async fn bring_back(
    services: Arc<Services>,
    letter_id: String,
    mut received: EventReceived,
) -> Result<(), IngestError> {
    let body = received.body.clone();
    let position = append(&services, received.received_at, received.signer, body).await?;
    received.position = Some(position);
    services.actors.writers.write(WriteOrder {
        call_id: Some(received.event.call_id.clone()),
        writes: vec![Write::DeadLetterReplayed(letter_id)],
        positions: Vec::new(),
    });
    services.actors.calls.deliver(received);
    Ok(())
}
