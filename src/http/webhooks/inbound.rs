//! `POST /webhooks/retell/inbound` and `/webhooks/retell/{company}/inbound`: Retell asks before a call or chat
//! begins, while the caller's phone is ringing. Creates no call.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, Data, Path, Payload},
};

use super::{
    retell::outcome_of,
    signed::{self, unreadable},
};
use crate::{
    http::{Edge, problem::Refusal},
    providers::retell::inbound::decode::{Decoded, InboundKind, decode},
    telemetry::metrics::{WEBHOOK_ACK, WEBHOOK_EVENTS},
    usecases::{
        inbound::{self, InboundQuestion},
        load::Class,
    },
};

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
    let asked = receive(edge, slug, request, payload).await;
    let (event, outcome) = match &asked {
        Ok((kind, _)) => (kind.name(), "accepted"),
        Err(refusal) => ("unknown", outcome_of(refusal)),
    };
    metrics::counter!(WEBHOOK_EVENTS, "source" => "retell", "event" => event, "outcome" => outcome)
        .increment(1);
    asked.map(|(_, body)| {
        HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(body)
    })
}

async fn receive(
    edge: &Edge,
    slug: Option<&str>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(InboundKind, Bytes), Refusal> {
    let services = edge.open_for(Class::Inbound)?;
    let signed = signed::read(edge, services, slug, Class::Inbound, request, payload).await?;
    let delivery = decode(&signed.body).map_err(|error| unreadable(&error))?;
    let Decoded::Inbound(inbound) = delivery.decoded else { return Err(events_elsewhere()) };
    let kind = inbound.kind;
    let question = InboundQuestion {
        kind: kind.name(),
        call_id: inbound.call_id,
        identity: inbound.identity,
        signer: signed.signer,
    };
    let body = inbound::answer(services, &question, signed.at);
    metrics::histogram!(WEBHOOK_ACK).record(signed.since.elapsed().as_secs_f64());
    Ok((kind, body))
}

fn events_elsewhere() -> Refusal {
    let detail = "only call_inbound and chat_inbound are answered here; events go to the same address without \
                  /inbound at its end";
    Refusal::BadBody { code: "not_inbound", detail: detail.into() }
}
