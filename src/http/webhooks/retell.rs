//! `POST /webhooks/retell` and `/webhooks/retell/{company}`: events of calls, chats and the platform.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use askpro_actors::ports::journal::Signer;

use super::signed::{self, Signed, unreadable};
use crate::{
    http::{Edge, admit, problem::Refusal},
    providers::retell::inbound::{
        decode::{Decoded, decode},
        redact::blank_secrets,
    },
    telemetry::metrics::{WEBHOOK_ACK, WEBHOOK_EVENTS},
    usecases::{
        Services,
        ingest::{Arrival, PlatformNotice, take_call_event, take_platform_event},
        load::Class,
    },
};

/// Stands for an event whose kind was not read.
const UNKNOWN: &str = "unknown";

/// Signed by the platform.
pub(in crate::http) async fn of_platform(
    edge: Data<Edge>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    answer(&edge, None, &request, payload).await
}

/// Signed by the platform, or by the company that the address names.
pub(in crate::http) async fn of_company(
    edge: Data<Edge>,
    slug: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    answer(&edge, Some(&slug), &request, payload).await
}

async fn answer(
    edge: &Edge,
    slug: Option<&str>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let mut event = UNKNOWN;
    let taken = receive(edge, slug, request, payload, &mut event).await;
    count(event, taken.as_ref().map_or_else(outcome_of, |()| "accepted"));
    taken.map(|()| HttpResponse::NoContent().finish())
}

/// Names the event in `event` as soon as its kind is known and it is wanted.
async fn receive(
    edge: &Edge,
    slug: Option<&str>,
    request: &HttpRequest,
    payload: Payload,
    event: &mut &'static str,
) -> Result<(), Refusal> {
    let services = edge.open_for(Class::Lifecycle)?;
    let signed = signed::read(edge, services, slug, Class::Lifecycle, request, payload).await?;
    take(services, &signed, event).await?;
    metrics::histogram!(WEBHOOK_ACK).record(signed.since.elapsed().as_secs_f64());
    Ok(())
}

async fn take(services: &Arc<Services>, signed: &Signed, event: &mut &'static str) -> Result<(), Refusal> {
    let delivery = decode(&signed.body).map_err(|error| unreadable(&error))?;
    let body = blank_secrets(&signed.body);
    let arrival = Arrival { body: &body, signer: signed.signer, at: signed.at };
    let taken = match delivery.decoded {
        Decoded::Call(call) => {
            *event = call.kind.label();
            if call.kind.is_supersedable() && signed.class != Class::Transcript {
                admit(services, Class::Transcript)?;
            }
            take_call_event(services, *call, arrival).await
        }
        Decoded::Platform(notice) => {
            if signed.signer != Signer::Platform {
                return Err(Refusal::PlatformKeyRequired);
            }
            *event = notice.kind.label();
            let notice = PlatformNotice { event: notice.kind.name().to_owned(), dedup_key: notice.dedup_key };
            take_platform_event(services, notice, arrival).await
        }
        Decoded::Inbound(_) => return Err(inbound_elsewhere()),
    };
    taken.map_err(|error| Refusal::of_ingest(&error, services.retry_after_s))
}

fn inbound_elsewhere() -> Refusal {
    let detail = "questions before a call are answered at the same address with /inbound at its end: set that as \
                  the number's inbound webhook";
    Refusal::BadBody { code: "not_an_event", detail: detail.into() }
}

/// Counts an event that was refused before it was read.
pub(in crate::http) fn count_unread(refusal: &Refusal) {
    count(UNKNOWN, outcome_of(refusal));
}

fn count(event: &'static str, outcome: &'static str) {
    metrics::counter!(WEBHOOK_EVENTS, "source" => "retell", "event" => event, "outcome" => outcome)
        .increment(1);
}

/// The word for metrics: a closed set.
pub(super) const fn outcome_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::BadSignature { .. } | Refusal::PlatformKeyRequired => "unauthorized",
        Refusal::BodyTooLarge { .. } => "too_large",
        Refusal::JournalFull { .. } | Refusal::JournalUnavailable { .. } => "journal_full",
        Refusal::Overloaded { .. } | Refusal::BodiesFull { .. } | Refusal::NotReady { .. } => "shed",
        _ => "invalid",
    }
}
