//! `POST /webhooks/calcom/{company}`: what a company's calendar announces, signed with that company's secret.

use std::{sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::CONTENT_TYPE,
    web::{Bytes, Data, Path, Payload},
};
use askpro_domain::tenant::Company;

use super::retell::outcome_of;
use crate::{
    http::{Edge, connection, overloaded, problem::Refusal},
    providers::calcom::inbound::{
        DecodeError, Delivery, SIGNATURE_HEADER, SignatureError, blank_secrets, custom, decode, precheck,
        verify,
    },
    telemetry::metrics::{WEBHOOK_ACK, WEBHOOK_EVENTS},
    usecases::{
        Services,
        ingest::take_calendar_event,
        load::{Class, Overloaded, admit_on},
    },
};

/// What an owner's template makes, where it is no JSON.
const FORM: &str = "application/x-www-form-urlencoded";

/// Signed by the company that the address names.
pub(in crate::http) async fn of_company(
    edge: Data<Edge>,
    slug: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let mut event = "unknown";
    let taken = receive(&edge, &slug, &request, payload, &mut event).await;
    let outcome = taken.as_ref().map_or_else(outcome_of, |()| "accepted");
    metrics::counter!(WEBHOOK_EVENTS, "source" => "calcom", "event" => event, "outcome" => outcome)
        .increment(1);
    taken.map(|()| HttpResponse::NoContent().finish())
}

/// Names the event in `event` as soon as its kind is known. Cal.com may not send it again, and few come: a thread that is
/// late refuses none. What cannot be signed is not read, and whoever has no
/// secret is not told whether there is such a company.
async fn receive(
    edge: &Edge,
    slug: &str,
    request: &HttpRequest,
    payload: Payload,
    event: &mut &'static str,
) -> Result<(), Refusal> {
    let services = edge.open_for(Class::Lifecycle)?;
    let header = signature_header(request).map_err(refused)?;
    precheck(header).map_err(refused)?;
    let (body, _share) = edge.body(Class::Lifecycle, request, payload).await?;
    let since = Instant::now();
    let admit = || admit_on(services, Class::Lifecycle).map_err(|Overloaded| overloaded(services));
    if connection::is_known(request) {
        admit()?;
    }
    let company = services.directory.current().by_slug(slug).cloned();
    let secret = company.as_ref().and_then(|company| company.keys.calcom_webhook_secret.as_ref());
    verify(header, &body, secret).map_err(refused)?;
    connection::vouch(request);
    admit()?;
    let company = company.ok_or(Refusal::CompanyUnknown)?;
    take(services, &company, request, &body, event).await?;
    metrics::histogram!(WEBHOOK_ACK).record(since.elapsed().as_secs_f64());
    Ok(())
}

/// Two signatures could be read as two senders.
fn signature_header(request: &HttpRequest) -> Result<Option<&[u8]>, SignatureError> {
    let mut headers = request.headers().get_all(SIGNATURE_HEADER);
    let first = headers.next().map(|value| value.as_bytes());
    if headers.next().is_some() { Err(SignatureError::Malformed) } else { Ok(first) }
}

fn refused(error: SignatureError) -> Refusal {
    Refusal::BadSignature { code: error.code(), detail: error.to_string() }
}

async fn take(
    services: &Arc<Services>,
    company: &Company,
    request: &HttpRequest,
    body: &Bytes,
    event: &mut &'static str,
) -> Result<(), Refusal> {
    let received_at = services.clock.now();
    let body = blank_secrets(body);
    let delivery = read(request, &body)?;
    *event = delivery.trigger.label();
    let taken = take_calendar_event(services, company.id, delivery.event, &body, received_at).await;
    taken.map_err(|error| Refusal::of_ingest(&error, services.retry_after_s))
}

/// A form is what an owner's template made; it is taken as it is.
fn read(request: &HttpRequest, body: &[u8]) -> Result<Delivery, Refusal> {
    let unreadable =
        |error: DecodeError| Refusal::BadBody { code: error.code(), detail: error.to_string().into() };
    match decode(body) {
        Err(_) if is_form(request) && !body.is_empty() => Ok(custom(body)),
        decoded => decoded.map_err(unreadable),
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|text| text.split(';').next());
    media_type.is_some_and(|text| text.trim().eq_ignore_ascii_case(FORM))
}
