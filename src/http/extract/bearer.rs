//! The token in front of everything under `/admin`.

use actix_web::{
    Error, HttpRequest, ResponseError as _,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::AUTHORIZATION,
    middleware::Next,
    web,
};
use askpro_domain::secret::Secret;
use sha2::{Digest, Sha256};

use crate::{
    http::{Edge, connection, problem::Refusal},
    telemetry::metrics::REFUSED,
};

/// Lets a request pass that carries the token; without a token in the configuration nothing passes. What does not
/// pass is counted: many of them are somebody who guesses.
pub(in crate::http) async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let edge = request.app_data::<web::Data<Edge>>().ok_or(Refusal::Fault)?;
    let token = edge.door.admin_token.as_ref();
    if !is_allowed(sent(request.request()), token) {
        metrics::counter!(REFUSED, "class" => "admin", "reason" => "bad_token").increment(1);
        return Ok(request.into_response(Refusal::BadToken.error_response()).map_into_right_body());
    }
    connection::vouch(request.request());
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

fn sent(request: &HttpRequest) -> Option<&[u8]> {
    let value = request.headers().get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Compares hashes, and all of their bytes, so that time tells nothing of where a wrong token differs.
fn is_allowed(sent: Option<&[u8]>, token: Option<&Secret>) -> bool {
    let (Some(sent), Some(token)) = (sent, token.filter(|token| !token.is_empty())) else { return false };
    let (one, other) = (Sha256::digest(sent), Sha256::digest(token.expose().as_bytes()));
    one.iter().zip(other.iter()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        let token = Secret::new("let-me-in");
        let opens = |header: &str, token: Option<&Secret>| {
            let request = TestRequest::get().insert_header((AUTHORIZATION, header)).to_http_request();
            is_allowed(sent(&request), token)
        };
        assert!(opens("Bearer let-me-in", Some(&token)) && opens("bearer  let-me-in", Some(&token)));
        for wrong in
            ["", "Bearer", "Bearer ", "let-me-in", "Basic let-me-in", "Bearer let-me-i", "Bearer let-me-inn"]
        {
            assert!(!opens(wrong, Some(&token)), "{wrong}");
        }
        assert!(!opens("Bearer ", Some(&Secret::new(""))), "an empty token opens nothing");
        assert!(!opens("Bearer let-me-in", None));
        assert!(!is_allowed(sent(&TestRequest::get().to_http_request()), Some(&token)));
    }
}
