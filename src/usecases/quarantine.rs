//! Events that belong to no single company, and the way back for them.
//!
//! A replay takes all events of the call that the named one belongs to: they are placed together or not at
//! all. They stay in quarantine until their call is placed and its rows are with the writer.

use std::time::Duration;

use askpro_actors::{
    calls::{CallMessage, CallView, Delivered, EventReceived},
    ports::{journal::Signer, rows::Write, stores::QuarantinedEvent},
    writer::WriteOrder,
};
use askpro_domain::{
    call::{CallState, PlacedIn},
    ids::{CallId, CompanyId},
    tenant::Placement,
};
use bytes::Bytes;
use serde::Serialize;

use super::{
    AdminError, Page, PageRequest, Services,
    ask::ask_one,
    ingest::IngestError,
    load::{Class, Overloaded, Reason, count_refused},
};

/// How long the call may take to be placed before the answer says only that it was told.
const PLACED_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait between two looks at the call.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// An event in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineLine {
    /// Its id.
    pub id: String,
    /// The call.
    pub call_id: String,
    /// Retell's name of the event.
    pub event: String,
    /// Why it is here.
    pub reason: String,
    /// Slug of the company whose own key signed it.
    pub signer_company: Option<String>,
    /// When it arrived, RFC 3339.
    pub received_at: String,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// What was replayed.
    pub id: String,
    /// The call.
    pub call_id: String,
    /// How it ended.
    pub outcome: ReplayOutcome,
    /// Slug of the company that the call belongs to now.
    pub company: Option<String>,
}

/// How a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOutcome {
    /// The call belongs to a company now, and the events are out of quarantine.
    Placed,
    /// The call still belongs to nobody (or not to the company whose key signed): the events stay.
    StillQuarantined,
    /// The call was told; what comes of it is not known yet.
    Delivered,
}

/// Events in quarantine, by id.
///
/// # Errors
/// When the database does not answer.
pub async fn list(services: &Services, page: &PageRequest) -> Result<Page<QuarantineLine>, AdminError> {
    let events = services.calls.list_quarantine(page.cursor(), page.heavy_limit_u32()).await?;
    let items = events.into_iter().map(|event| line(services, event)).collect();
    Ok(Page::of_source(items, page.heavy_limit(), |line: &QuarantineLine| line.id.clone()))
}

fn line(services: &Services, event: QuarantinedEvent) -> QuarantineLine {
    QuarantineLine {
        id: event.id,
        call_id: event.call_id.as_str().to_owned(),
        event: event.event,
        reason: event.reason,
        signer_company: event.signer_company.and_then(|id| slug_of(services, id)),
        received_at: event.received_at.to_rfc3339(),
    }
}

/// The slug of a company that still exists.
pub(super) fn slug_of(services: &Services, company: CompanyId) -> Option<String> {
    services.directory.current().company(company).map(|company| company.slug.clone())
}

/// Tells the call again what is in quarantine of it.
///
/// # Errors
/// [`AdminError::NotFound`], an event that cannot be read, or the database or the call take nothing now.
pub async fn replay(services: &Services, id: &str) -> Result<Replayed, AdminError> {
    let wanted = services.calls.find_quarantined(id).await?;
    let wanted = wanted.ok_or(AdminError::NotFound { what: "event in quarantine" })?;
    let call_id = wanted.call_id;
    let events = services.calls.quarantined_of_call(&call_id).await?;
    let signers: Vec<CompanyId> = events.iter().filter_map(|event| event.signer_company).collect();
    let mut named = Vec::new();
    for event in events {
        named.extend(deliver(services, event)?);
    }
    let state = wait_until_loaded(services, &call_id).await.map(|view| view.state);
    let is_claimed = |state: &CallState| named.iter().any(|named| state.is_claimed_from(Some(*named)));
    let is_foreign = state.as_ref().is_some_and(is_claimed);
    let (outcome, company) = match state.map(|state| state.placed) {
        None => (ReplayOutcome::Delivered, None),
        Some(Some(placed)) if !is_foreign && signers.iter().all(|signer| *signer == placed.company) => {
            release(services, &call_id);
            (ReplayOutcome::Placed, slug_of(services, placed.company))
        }
        Some(_) => (ReplayOutcome::StillQuarantined, None),
    };
    Ok(Replayed { id: id.to_owned(), call_id: call_id.as_str().to_owned(), outcome, company })
}

/// Tells the call of an event; gives where the event alone says that it belongs.
fn deliver(services: &Services, stored: QuarantinedEvent) -> Result<Option<PlacedIn>, AdminError> {
    let body = Bytes::from(stored.body);
    let decoder = &services.actors.calls.world().decoder;
    let event = decoder.decode(&body).map_err(|reason| AdminError::NotReplayable { reason })?;
    let named = match services.directory.current().place(&event.facts.identity.placing()) {
        Placement::Placed { company, branch } => Some(PlacedIn { company, branch }),
        Placement::Unplaced(_) => None,
    };
    let signer = stored.signer_company.map_or(Signer::Platform, Signer::Company);
    let received = EventReceived { event, body, position: None, received_at: stored.received_at, signer };
    if let Delivered::Refused { .. } = services.actors.calls.deliver(received) {
        count_refused(Class::Lifecycle, Reason::QueueFull);
        return Err(IngestError::Overloaded(Overloaded).into());
    }
    Ok(named)
}

/// The call, once the store has told it what was known before: its rows are with the writer then.
async fn wait_until_loaded(services: &Services, call_id: &CallId) -> Option<CallView> {
    let look = async {
        loop {
            let view =
                ask_one(services.actors.calls.registry(), call_id.clone(), CallMessage::GetCall).await?;
            if view.loaded {
                return Some(view);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(PLACED_WITHIN, look).await.ok().flatten()
}

/// Goes to the same writer as the call's own rows, and after them.
fn release(services: &Services, call_id: &CallId) {
    let writes = vec![Write::QuarantineReleased(call_id.clone())];
    let order = WriteOrder { call_id: Some(call_id.clone()), writes, positions: Vec::new() };
    services.actors.writers.write(order);
}
