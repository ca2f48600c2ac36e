//! Requests that nobody should send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    client::{exchange, read, request},
    harness::{BODY_BYTES_MAX, Edge, NOW, PLATFORM_KEY, event},
};
use crate::{
    telemetry::recorder::Recorder,
    usecases::{ServiceState, load::WRITES_REFUSED_AT},
};

const SIGNATURE_HEADER: &str = "x-retell-signature";

/// A header of the right form and time, which nobody signed.
fn claimed() -> String {
    format!("v={},d={}", NOW.0, "0".repeat(64))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_is_refused_unread() {
    let edge = Edge::start();
    let stale = format!("v={},d={}", NOW.0 - 300_001, "0".repeat(64));
    for (headers, code) in [
        (vec![("content-length", "100")], "signature_missing"),
        (vec![("content-length", "100"), (SIGNATURE_HEADER, "v=1")], "signature_malformed"),
        (vec![("content-length", "100"), (SIGNATURE_HEADER, stale.as_str())], "signature_stale"),
    ] {
        for path in ["/webhooks/retell", "/webhooks/retell/inbound", "/functions/retell"] {
            let mut line = TcpStream::connect(edge.address).await.unwrap();
            line.write_all(&request("POST", path, &headers, b"half of")).await.unwrap();
            let answer = read(line).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, code), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_key_does_not_learn_which_companies_there_are() {
    let edge = Edge::start();
    let body = event("call_started", "call_1", "+493083793369");
    for path in
        ["/webhooks/retell/no-such", "/webhooks/retell/friseur-mitte", "/functions/retell?company=no-such"]
    {
        let answer = edge.post(path, "not_a_key", &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "signature_mismatch"), "{path}");
    }
    let answer = edge.post("/webhooks/retell/no-such", PLATFORM_KEY, &body).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "company_unknown"));
}

/// How often a question before a call found no room: no other test counts these.
fn questions_turned_away(recorder: &Recorder) -> u64 {
    let text = recorder.render();
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("askpro_refused_total{class=\"inbound\",reason=\"queue_full\"} "));
    count.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_signed_is_no_work_that_was_turned_away() {
    let recorder = Recorder::install().unwrap();
    let edge = Edge::start();
    let waiting: Vec<_> = (0..WRITES_REFUSED_AT).map(|_| edge.services.traffic.begin_append()).collect();
    let path = "/webhooks/retell/inbound";
    let before = questions_turned_away(&recorder);
    for forged in 1..=3 {
        assert_eq!(edge.post(path, "not_a_key", b"{}").await.status, 401, "{forged}");
    }
    assert_eq!(questions_turned_away(&recorder), before);
    let refused = edge.post(path, PLATFORM_KEY, b"{}").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    assert_eq!(questions_turned_away(&recorder), before + 1);
    drop(waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_placeholder_is_no_event() {
    let edge = Edge::start();
    for id in ["None", "null", "current_call", "{{call_id}}"] {
        let answer =
            edge.post("/webhooks/retell", PLATFORM_KEY, &event("call_ended", id, "+493083793369")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "call_id_missing"), "{id}");
    }
    assert_eq!(edge.journaled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_and_the_line_closed() {
    let edge = Edge::start();
    let body = vec![b'x'; BODY_BYTES_MAX + 1];
    let claimed = claimed();
    let claim = (SIGNATURE_HEADER, claimed.as_str());
    let announced = edge.send("POST", "/webhooks/retell", &[claim], &body).await;
    let chunked = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let headers = [claim, ("transfer-encoding", "chunked")];
    let streamed = edge.send("POST", "/webhooks/retell", &headers, &chunked).await;
    for answer in [announced, streamed] {
        assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert_eq!(edge.post("/webhooks/retell", PLATFORM_KEY, &body[..BODY_BYTES_MAX]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let edge = Edge::start();
    let mut line = TcpStream::connect(edge.address).await.unwrap();
    let claimed = claimed();
    let headers = [(SIGNATURE_HEADER, claimed.as_str()), ("content-length", "100")];
    line.write_all(&request("POST", "/webhooks/retell", &headers, b"half of")).await.unwrap();
    let answer = read(line).await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "body_too_slow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_is_given_up_when_no_more_requests_are_taken() {
    let edge = Edge::start_with_patience(Duration::from_secs(600));
    let claimed = claimed();
    let headers =
        [(SIGNATURE_HEADER, claimed.as_str()), ("content-length", "100"), ("expect", "100-continue")];
    for (path, state, code) in [
        ("/webhooks/retell", ServiceState::Draining, "draining"),
        ("/webhooks/calcom/friseur-mitte", ServiceState::Draining, "draining"),
        ("/functions/retell", ServiceState::Fenced, "fenced"),
    ] {
        edge.services.readiness.set(ServiceState::Ready);
        let calcom = ("x-cal-signature-256", &*"0".repeat(64));
        let mut line = TcpStream::connect(edge.address).await.unwrap();
        line.write_all(&request("POST", path, &[&headers[..], &[calcom]].concat(), b"half of"))
            .await
            .unwrap();
        let mut went_on = [0; 25];
        line.read_exact(&mut went_on).await.unwrap();
        assert_eq!(&went_on, b"HTTP/1.1 100 Continue\r\n\r\n", "the request was let in");
        edge.services.readiness.set(state);
        let answer = read(line).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, code), "{path}");
        assert_eq!((answer.header("retry-after"), answer.header("connection")), (Some("2"), Some("close")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_body_is_refused() {
    let edge = Edge::start();
    let claimed = claimed();
    let headers = [(SIGNATURE_HEADER, claimed.as_str()), ("content-encoding", "gzip")];
    let answer = edge.send("POST", "/functions/retell", &headers, b"x").await;
    assert_eq!((answer.status, answer.code().as_str()), (415, "body_encoded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_nonsense_is_no_event() {
    let edge = Edge::start();
    for (body, code) in [
        (&b"{"[..], "body_not_json"),
        (b"", "body_not_json"),
        (b"[]", "body_not_an_object"),
        (b"{\"event\":5}", "event_missing"),
        (b"{\"event\":\"call_ended\",\"call\":5}", "object_expected"),
        (b"{\"event\":\"call_ended\"}", "object_missing"),
        (b"{\"event\":\"a\\u0000b\"}", "event_refused"),
        (b"{\"event\":\"call_\xff\"}", "body_not_utf8"),
    ] {
        let answer = edge.post("/webhooks/retell", PLATFORM_KEY, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{body:?}");
    }
    assert_eq!(edge.journaled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_answer_head_without_a_body() {
    let edge = Edge::start();
    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = edge.send("HEAD", path, &[], b"").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
        assert_eq!(edge.send("DELETE", path, &[], b"").await.header("allow"), Some("get, head"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_address_and_method_is_a_problem() {
    let edge = Edge::start();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/webhooks/retell", 405),
        ("POST", "/livez", 405),
        ("PUT", "/webhooks/retell/inbound", 405),
        ("POST", "/webhooks/retell/a/b/c", 404),
        ("POST", "/webhooks/retell/%ff", 401),
        ("POST", "/webhooks/retell/..%2f..", 401),
        ("POST", "/webhooks/retell/%00", 401),
    ] {
        let answer = edge.send(method, path, &[], b"").await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
    }
    assert_eq!(edge.send("GET", "/webhooks/retell", &[], b"").await.header("allow"), Some("post"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_head_is_refused() {
    let edge = Edge::start();
    let huge = "x".repeat(200_000);
    let bytes = request("GET", "/livez", &[("x-huge", &huge)], b"");
    let mut line = TcpStream::connect(edge.address).await.unwrap();
    // The server may close before all of it is sent.
    let _ = line.write_all(&bytes).await;
    let mut many = Vec::new();
    many.resize(200, ("x-many", "1"));
    let answer = exchange(edge.address, &request("GET", "/livez", &many, b"")).await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert_eq!(edge.send("GET", "/livez", &[], b"").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_from_the_moment_the_fence_is_lost() {
    let edge = Edge::start();
    edge.services.actors.fence.lose();
    for path in ["/webhooks/retell", "/functions/retell/opening_hours"] {
        let answer = edge.post(path, PLATFORM_KEY, b"{}").await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "fenced"));
    }
    let probe = edge.send("GET", "/readyz", &[], b"").await;
    assert_eq!((probe.status, probe.json()["status"].as_str()), (503, Some("fenced")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_in_any_state_but_ready() {
    let edge = Edge::start();
    for (state, word) in [
        (ServiceState::Starting, "starting"),
        (ServiceState::Standby, "standby"),
        (ServiceState::Draining, "draining"),
        (ServiceState::Fenced, "fenced"),
    ] {
        edge.services.readiness.set(state);
        for path in ["/webhooks/retell", "/webhooks/retell/inbound", "/functions/retell/opening_hours"] {
            let answer = edge.post(path, PLATFORM_KEY, b"{}").await;
            assert_eq!((answer.status, answer.code().as_str()), (503, word));
            assert_eq!(answer.header("retry-after"), Some("2"));
        }
        let probe = edge.send("GET", "/readyz", &[], b"").await;
        assert_eq!((probe.status, probe.json()["status"].as_str()), (503, Some(word)));
    }
    assert_eq!(edge.send("GET", "/livez", &[], b"").await.status, 200);
}
