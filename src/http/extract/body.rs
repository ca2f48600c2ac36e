//! Reads the bytes of a body exactly as they were sent, at most so many and at most so long.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;

use super::room::{Room, Share};
use crate::http::{connection::is_known, problem::Refusal};

/// Room that is set aside at once, whatever a client announces.
const CAPACITY_FIRST_MAX: usize = 64 * 1024;

/// How much of a body is read, and how long that may take.
#[derive(Debug, Clone)]
pub(in crate::http) struct BodyLimits {
    /// Of one body.
    pub(in crate::http) bytes_max: usize,
    /// Of all bodies together.
    pub(in crate::http) room: Room,
    /// From the end of the head to the end of the body.
    pub(in crate::http) within: Duration,
    /// What a client is told that finds no room.
    pub(in crate::http) retry_after_s: u64,
}

/// The whole body, and its share of the room, to be kept as long as the body. A larger one, one that comes too
/// slowly, one that is encoded and one that finds no room are refused; a length that is announced too large is
/// refused before anything is read.
pub(in crate::http) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &BodyLimits,
) -> Result<(Bytes, Share), Refusal> {
    let bytes_max = limits.bytes_max;
    if is_encoded(request) {
        return Err(Refusal::EncodedBody);
    }
    let announced = announced_bytes(request)?;
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(Refusal::BodyTooLarge { bytes_max });
    }
    let capacity = announced.unwrap_or(0).min(CAPACITY_FIRST_MAX);
    let share = limits.room.share(is_known(request));
    match tokio::time::timeout(limits.within, gather(payload, limits, capacity, share)).await {
        Ok(body) => body,
        Err(_) => Err(Refusal::BodyTooSlow),
    }
}

async fn gather(
    mut payload: Payload,
    limits: &BodyLimits,
    capacity: usize,
    mut share: Share,
) -> Result<(Bytes, Share), Refusal> {
    let BodyLimits { bytes_max, retry_after_s, .. } = *limits;
    let mut body = BytesMut::with_capacity(capacity);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::BodyBroken)?;
        if body.len() + chunk.len() > bytes_max {
            return Err(Refusal::BodyTooLarge { bytes_max });
        }
        if !share.grow(chunk.len()) {
            return Err(Refusal::BodiesFull { retry_after_s });
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body.freeze(), share))
}

/// Signatures are over the bytes before any encoding: an encoded body is never unpacked here.
fn is_encoded(request: &HttpRequest) -> bool {
    request
        .headers()
        .get_all(CONTENT_ENCODING)
        .any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

fn announced_bytes(request: &HttpRequest) -> Result<Option<usize>, Refusal> {
    let Some(value) = request.headers().get(CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or(Refusal::BodyBroken)
}

#[cfg(test)]
mod tests {
    use actix_web::{FromRequest, test::TestRequest};

    use super::*;

    async fn read_in(room: &Room, request: TestRequest, bytes_max: usize) -> Result<(Bytes, Share), Refusal> {
        let (request, mut payload) = request.to_http_parts();
        let payload = Payload::from_request(&request, &mut payload).await.unwrap();
        let within = Duration::from_secs(5);
        let limits = BodyLimits { bytes_max, room: room.clone(), within, retry_after_s: 2 };
        read(&request, payload, &limits).await
    }

    async fn read_body(request: TestRequest, bytes_max: usize) -> Result<Bytes, Refusal> {
        read_in(&Room::of(100), request, bytes_max).await.map(|(body, _)| body)
    }

    #[actix_web::test]
    async fn a_body_that_finds_no_room_is_refused_until_another_one_is_gone() {
        let room = Room::of(16);
        let post = || TestRequest::post().set_payload("12345");
        let first = read_in(&room, post(), 5).await.unwrap();
        assert!(matches!(read_in(&room, post(), 5).await, Err(Refusal::BodiesFull { retry_after_s: 2 })));
        drop(first);
        assert!(read_in(&room, post(), 5).await.is_ok());
    }

    #[actix_web::test]
    async fn a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
        let of = |bytes: &'static [u8]| TestRequest::post().set_payload(bytes);
        assert_eq!(read_body(of(b"12345"), 5).await.unwrap(), "12345");
        assert_eq!(read_body(of(b"123456"), 5).await, Err(Refusal::BodyTooLarge { bytes_max: 5 }));
        assert_eq!(read_body(TestRequest::post(), 5).await.unwrap(), "");
    }

    #[actix_web::test]
    async fn a_length_that_is_announced_too_large_is_believed() {
        let request = TestRequest::post().insert_header((CONTENT_LENGTH, "6"));
        assert_eq!(read_body(request, 5).await, Err(Refusal::BodyTooLarge { bytes_max: 5 }));
    }

    #[actix_web::test]
    async fn an_encoded_body_is_refused_unread() {
        for (encoding, fits) in
            [("gzip", false), ("br", false), ("identity", true), ("Identity", true), ("", false)]
        {
            let request = TestRequest::post().insert_header((CONTENT_ENCODING, encoding)).set_payload("x");
            assert_eq!(read_body(request, 5).await.is_ok(), fits, "{encoding}");
        }
    }
}
