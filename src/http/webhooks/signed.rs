//! Bodies that Retell signed: read within bounds, verified over the raw bytes, never parsed before.

use std::time::Instant;

use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use askpro_actors::ports::journal::Signer;
use askpro_domain::{secret::Secret, tenant::Company, time::UnixMillis};

use crate::{
    http::{Edge, connection, extract::room::Share, problem::Refusal},
    providers::retell::inbound::{
        decode::DecodeError,
        signature::{KeyIndex, SIGNATURE_HEADER, SignatureError, precheck, verify},
    },
    usecases::{Services, load::Class},
};

/// A body, and who signed it.
pub(in crate::http) struct Signed {
    /// As sent.
    pub(in crate::http) body: Bytes,
    /// The platform, or the company whose own key fits.
    pub(in crate::http) signer: Signer,
    /// When its last byte arrived.
    pub(in crate::http) at: UnixMillis,
    /// The same moment, for measuring.
    pub(in crate::http) since: Instant,
    /// Its share of the room for bodies.
    _share: Share,
}

/// Reads a body and verifies it: with the platform's keys, and with the own ones of the company with this slug
/// if one is named. What cannot be signed is not read; who has no key does not learn which companies there are.
pub(in crate::http) async fn read(
    edge: &Edge,
    services: &Services,
    slug: Option<&str>,
    class: Class,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Signed, Refusal> {
    let header = signature_header(request)?;
    precheck(header, services.clock.now()).map_err(refused)?;
    let (body, share) = edge.body(class, request, payload).await?;
    let (at, since) = (services.clock.now(), Instant::now());
    let company = slug.and_then(|slug| services.directory.current().by_slug(slug).cloned());
    let signer = signer_of(header, &body, &services.webhook_keys, company.as_deref(), at);
    let signer = signer.map_err(refused)?;
    connection::vouch(request);
    if slug.is_some() && company.is_none() {
        return Err(Refusal::CompanyUnknown);
    }
    Ok(Signed { body, signer, at, since, _share: share })
}

/// Two signatures could be read as two senders.
fn signature_header(request: &HttpRequest) -> Result<Option<&[u8]>, Refusal> {
    let mut headers = request.headers().get_all(SIGNATURE_HEADER);
    let first = headers.next().map(|value| value.as_bytes());
    if headers.next().is_some() { Err(refused(SignatureError::Malformed)) } else { Ok(first) }
}

fn signer_of(
    header: Option<&[u8]>,
    body: &[u8],
    platform: &[Secret],
    company: Option<&Company>,
    now: UnixMillis,
) -> Result<Signer, SignatureError> {
    let own = company.map_or(&[][..], |company| company.keys.retell_webhook_keys.as_slice());
    let keys: Vec<&Secret> = platform.iter().chain(own).collect();
    let KeyIndex(index) = verify(header, body, &keys, now)?;
    Ok(match company {
        Some(company) if index >= platform.len() => Signer::Company(company.id),
        _ => Signer::Platform,
    })
}

fn refused(error: SignatureError) -> Refusal {
    Refusal::BadSignature { code: error.code(), detail: error.to_string() }
}

/// A signed body that cannot be read.
pub(in crate::http) fn unreadable(error: &DecodeError) -> Refusal {
    Refusal::BadBody { code: error.code(), detail: error.to_string().into() }
}
