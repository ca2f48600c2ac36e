//! Reads the bytes of a body exactly as they were sent, at most so many and at most so long.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;

use crate::http::problem::Refusal;

/// Room that is set aside at once, whatever a client announces.
const CAPACITY_FIRST_MAX: usize = 64 * 1024;

/// The whole body. A larger one, one that comes too slowly, and one that is encoded are refused; a length
/// that is announced too large is refused before anything is read.
pub(in crate::http) async fn read(
    request: &HttpRequest,
    payload: Payload,
    bytes_max: usize,
    within: Duration,
) -> Result<Bytes, Refusal> {
    if is_encoded(request) {
        return Err(Refusal::EncodedBody);
    }
    let announced = announced_bytes(request)?;
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(Refusal::BodyTooLarge { bytes_max });
    }
    let capacity = announced.unwrap_or(0).min(CAPACITY_FIRST_MAX);
    match tokio::time::timeout(within, gather(payload, bytes_max, capacity)).await {
        Ok(body) => body,
        Err(_) => Err(Refusal::BodyTooSlow),
    }
}

async fn gather(mut payload: Payload, bytes_max: usize, capacity: usize) -> Result<Bytes, Refusal> {
    let mut body = BytesMut::with_capacity(capacity);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::BodyBroken)?;
        if body.len() + chunk.len() > bytes_max {
            return Err(Refusal::BodyTooLarge { bytes_max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
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

    async fn read_body(request: TestRequest, bytes_max: usize) -> Result<Bytes, Refusal> {
        let (request, mut payload) = request.to_http_parts();
        let payload = Payload::from_request(&request, &mut payload).await.unwrap();
        read(&request, payload, bytes_max, Duration::from_secs(5)).await
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
