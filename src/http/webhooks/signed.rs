//! Bodies that Retell signed: read within bounds, verified over the raw bytes, never parsed before.

use std::time::Instant;

use actix_web::{
    HttpRequest,
    web::{Bytes, Payload},
};
use askpro_actors::ports::journal::Signer;
use askpro_domain::{secret::Secret, tenant::Company, time::UnixMillis};

pub(in crate::http) use crate::providers::retell::inbound::signature::SIGNATURE_HEADER;
use crate::{
    http::{Edge, connection, extract::room::Share, problem::Refusal, turned_away},
    providers::retell::inbound::{
        decode::DecodeError,
        signature::{KeyIndex, SignatureError, precheck, try_nothing, verify},
    },
    usecases::{
        Services,
        load::{Class, NoRoom, room_at_the_door},
    },
};

/// Keys tried at a company's address beside the platform's, at least: as many as a company has while it changes
/// one. Whether there is such a company, and a key of its own, cannot be told from the time.
const OWN_KEYS_TRIED_MIN: usize = 2;

/// Largest body of an unknown sender that is proved although there is no room for it, in bytes.
const PROVED_BYTES_MAX: usize = 64 * 1024;

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
    /// As what it was let in.
    pub(in crate::http) class: Class,
    /// Its share of the room for bodies.
    _share: Share,
}

/// Reads a body, lets it in or turns it away, and verifies it: with the platform's keys, and with the own ones of the
/// company with this slug if one is named. What cannot be signed is not read; who has no key does not learn which
/// companies there are.
///
/// What finds no room is read all the same: a connection whose body is not read ends, and the next one costs more
/// than reading. Its proof is skipped where the connection has shown a key before, and where it would cost more than
/// another connection.
pub(in crate::http) async fn read(
    edge: &Edge,
    services: &Services,
    slug: Option<&str>,
    class: Class,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Signed, Refusal> {
    let header = signature_header(request)?;
    in_time(services, |now| precheck(header, now)).map_err(refused)?;
    let (body, share) = edge.body(class, request, payload).await?;
    let (at, since) = (services.clock.now(), Instant::now());
    let class = if class == Class::Lifecycle { class_of(&body) } else { class };
    let room = connection::room(request).unwrap_or_else(|| room_at_the_door(services, class));
    if let Err(no_room) = room
        && (connection::is_known(request) || body.len() > PROVED_BYTES_MAX)
    {
        return Err(turn_away(edge, services, request, class, no_room, (body, share)).await);
    }
    let company = slug.and_then(|slug| services.directory.current().by_slug(slug).cloned());
    let signer =
        in_time(services, |now| signer_of(header, &body, &services.webhook_keys, company.as_deref(), now));
    if slug.is_some() {
        (0..tries_for_nothing(company.as_deref())).for_each(|_| try_nothing(&body));
    }
    let signer = signer.map_err(refused)?;
    connection::vouch(request);
    if let Err(no_room) = room {
        return Err(turn_away(edge, services, request, class, no_room, (body, share)).await);
    }
    if slug.is_some() && company.is_none() {
        return Err(Refusal::CompanyUnknown);
    }
    Ok(Signed { body, signer, at, since, class, _share: share })
}

/// Turns a body away, which is given up at once. An event's sender hears of it late, unless its connection ends anyway.
async fn turn_away(
    edge: &Edge,
    services: &Services,
    request: &HttpRequest,
    class: Class,
    no_room: NoRoom,
    body: (Bytes, Share),
) -> Refusal {
    drop(body);
    let refusal = turned_away(services, no_room);
    if class.is_event() && connection::is_known(request) {
        edge.patience.hold_back(&edge.door, services).await;
    }
    refusal
}

/// Bytes of a body in which Retell names the event.
const EVENT_WITHIN_BYTES: usize = 64;

/// The class of an event that nobody has read yet. What most likely is a `transcript_updated` can be spared first of all
/// that comes.
fn class_of(body: &[u8]) -> Class {
    const NAME: &[u8] = b"\"transcript_updated\"";
    let head = body.get(..EVENT_WITHIN_BYTES).unwrap_or(body);
    let is_transcript = head.windows(NAME.len()).any(|window| window == NAME);
    if is_transcript { Class::Transcript } else { Class::Lifecycle }
}

/// The same of an event that begins with these bytes and of which so many are missing; `None` when they do not tell.
pub(in crate::http) fn class_by_first_bytes(body: &[u8], missing: usize) -> Option<Class> {
    (missing == 0 || body.len() >= EVENT_WITHIN_BYTES).then(|| class_of(body))
}

/// Clocks that are this close to each other, in ms, are one.
const SAME_CLOCK_MS: i64 = 1_000;

/// Asks with the machine's time, and again with the service's own while that is another: it is where the machine's
/// clock was put back, and nobody knows yet which of the two times was wrong.
fn in_time<T>(
    services: &Services,
    ask: impl Fn(UnixMillis) -> Result<T, SignatureError>,
) -> Result<T, SignatureError> {
    let (machine, own) = (services.machine_clock.now(), services.clock.now());
    let asked = ask(machine);
    let is_stale = matches!(asked, Err(SignatureError::Stale { .. }));
    if is_stale && own.since(machine).abs() > SAME_CLOCK_MS { ask(own) } else { asked }
}

/// Two signatures could be read as two senders.
fn signature_header(request: &HttpRequest) -> Result<Option<&[u8]>, Refusal> {
    let mut headers = request.headers().get_all(SIGNATURE_HEADER);
    let first = headers.next().map(|value| value.as_bytes());
    if headers.next().is_some() { Err(refused(SignatureError::Malformed)) } else { Ok(first) }
}

fn own_keys(company: Option<&Company>) -> &[Secret] {
    company.map_or(&[], |company| company.keys.retell_webhook_keys.as_slice())
}

fn tries_for_nothing(company: Option<&Company>) -> usize {
    OWN_KEYS_TRIED_MIN.saturating_sub(own_keys(company).len())
}

fn signer_of(
    header: Option<&[u8]>,
    body: &[u8],
    platform: &[Secret],
    company: Option<&Company>,
    now: UnixMillis,
) -> Result<Signer, SignatureError> {
    let keys: Vec<&Secret> = platform.iter().chain(own_keys(company)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::harness::friseur;

    #[test]
    fn as_many_keys_are_tried_whether_or_not_there_is_such_a_company() {
        let tried = |company: Option<&Company>| own_keys(company).len() + tries_for_nothing(company);
        assert_eq!(tried(None), 2);
        let mut company = (**friseur().by_slug("friseur-mitte").unwrap()).clone();
        for keys in [&[][..], &["one"], &["old", "new"]] {
            company.keys.retell_webhook_keys = keys.iter().map(|key| Secret::new(*key)).collect();
            assert_eq!(tried(Some(&company)), 2, "{keys:?}");
        }
    }
}
