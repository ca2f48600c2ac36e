//! Bodies that Retell signed: read within bounds, verified over the raw bytes, never parsed before.

use std::time::Instant;

use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use askpro_actors::ports::journal::Signer;
use askpro_domain::{secret::Secret, tenant::Company, time::UnixMillis};

use crate::{
    http::{Edge, extract::body, problem::Refusal},
    providers::retell::inbound::{
        decode::DecodeError,
        signature::{KeyIndex, SIGNATURE_HEADER, SignatureError, verify},
    },
    usecases::Services,
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
}

/// Reads a body and verifies it: with the platform's keys, and with the company's own if one is named.
pub(in crate::http) async fn read(
    edge: &Edge,
    services: &Services,
    company: Option<&Company>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Signed, Refusal> {
    let body = body::read(request, payload, edge.body_bytes_max, edge.body_timeout).await?;
    let (at, since) = (services.clock.now(), Instant::now());
    let header = signature_header(request)?;
    let signer = signer_of(header, &body, &services.webhook_keys, company, at).map_err(refused)?;
    Ok(Signed { body, signer, at, since })
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
