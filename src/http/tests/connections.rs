//! What a connection may cost that nobody with a key is behind.

use std::time::Duration;

use askpro_domain::secret::Secret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::harness::{BODIES_BYTES_MAX, BODY_BYTES_MAX, Edge, NOW, PLATFORM_KEY, TOKEN, event};
use crate::{http::webhooks::testing::sign, usecases::load::LIFECYCLE_REFUSED_AT};

/// Far more than a connection may live on; not waited for when all is well.
const FOREVER: Duration = Duration::from_secs(20);

/// Sends a head, then pieces of a body until the other side hears no more; gives what was answered.
async fn endless(edge: &Edge, path: &str) -> String {
    let line = TcpStream::connect(edge.address).await.unwrap();
    let (mut reading, mut writing) = line.into_split();
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    writing.write_all(head.as_bytes()).await.unwrap();
    let sending = tokio::spawn(async move {
        while writing.write_all(b"1\r\nx\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let (mut heard, mut part) = (Vec::new(), [0; 4_096]);
    let read_all = async {
        while let Ok(bytes @ 1..) = reading.read(&mut part).await {
            heard.extend_from_slice(&part[..bytes]);
        }
    };
    let ended = timeout(FOREVER, read_all).await;
    assert!(ended.is_ok(), "{path} is still read: {}", String::from_utf8_lossy(&heard));
    sending.abort();
    String::from_utf8(heard).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_that_nobody_reads_ends_its_connection() {
    let edge = Edge::start();
    let (hook, admin, nowhere, probe) = tokio::join!(
        endless(&edge, "/webhooks/retell"),
        endless(&edge, "/admin/quarantine/q/replay"),
        endless(&edge, "/nowhere"),
        endless(&edge, "/livez"),
    );
    for (heard, status) in [(hook, "401"), (admin, "401"), (nowhere, "404"), (probe, "405")] {
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{heard}");
    }
}

/// Asks on a connection that may be kept; gives the head of the answer.
async fn asked(edge: &Edge, line: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    asked_on(&mut TcpStream::connect(edge.address).await.unwrap(), line, headers, body).await
}

/// Asks on this connection; gives the head of the answer, which must come whole and at once.
async fn asked_on(stream: &mut TcpStream, line: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    let mut text = format!("{line} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(&[text.as_bytes(), b"\r\n", body].concat()).await.unwrap();
    let mut heard = Vec::new();
    while !heard.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 4_096];
        let bytes = timeout(FOREVER, stream.read(&mut part)).await.unwrap().unwrap();
        assert!(bytes > 0, "closed without an answer");
        heard.extend_from_slice(&part[..bytes]);
    }
    String::from_utf8(heard).unwrap().to_lowercase()
}

fn is_kept(head: &str) -> bool {
    !head.contains("connection: close")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_kept_only_for_whoever_showed_a_key() {
    let edge = Edge::start();
    for line in ["GET /livez", "HEAD /readyz", "GET /metrics", "GET /nowhere", "OPTIONS /webhooks/retell"] {
        let head = asked(&edge, line, &[], b"").await;
        assert!(!is_kept(&head), "{line}: {head}");
    }
    let wrong = ("authorization", "Bearer wrong");
    for line in ["GET /admin/status", "POST /webhooks/retell", "POST /functions/retell/list_services"] {
        let head = asked(&edge, line, &[wrong], b"").await;
        assert!(head.starts_with("http/1.1 401 ") && !is_kept(&head), "{line}: {head}");
    }
    let token = format!("Bearer {TOKEN}");
    for line in ["GET /admin/status", "GET /admin/calls/none", "PUT /admin/status"] {
        let head = asked(&edge, line, &[("authorization", &token)], b"").await;
        assert!(is_kept(&head), "{line}: {head}");
    }
    let started = event("call_started", "call_1", "+493083793369");
    for (body, status) in [(&started[..], "204"), (&b"{"[..], "400")] {
        let signature = sign(&Secret::new(PLATFORM_KEY), body, NOW.0);
        let head = asked(&edge, "POST /webhooks/retell", &[("x-retell-signature", &signature)], body).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")) && is_kept(&head), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_showed_a_key_keeps_the_connection_when_everything_is_turned_away() {
    let edge = Edge::start();
    let _load: Vec<_> = (0..LIFECYCLE_REFUSED_AT).map(|_| edge.services.traffic.begin_append()).collect();
    let (ended, function) = (
        event("call_ended", "call_1", "+493083793369"),
        br#"{"name":"x","call":{"call_id":"call_1"},"args":{}}"#.to_vec(),
    );
    for line in [
        "POST /webhooks/retell",
        "POST /webhooks/retell/inbound",
        "POST /functions/retell/list_services",
        "POST /functions/retell/request_callback",
    ] {
        let mut stream = TcpStream::connect(edge.address).await.unwrap();
        for body in [&ended, &function, &ended] {
            let signature = sign(&Secret::new(PLATFORM_KEY), body, NOW.0);
            let head = asked_on(&mut stream, line, &[("x-retell-signature", &signature)], body).await;
            assert!(head.starts_with("http/1.1 503 ") && is_kept(&head), "{line}: {head}");
        }
        let forged = sign(&Secret::new("another"), &ended, NOW.0);
        let head = asked(&edge, line, &[("x-retell-signature", &forged)], &ended).await;
        assert!(head.starts_with("http/1.1 401 ") && !is_kept(&head), "{line}: {head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_answered_is_kept_by_anybody_on_the_way() {
    let edge = Edge::start();
    let token = format!("Bearer {TOKEN}");
    let signature = sign(&Secret::new(PLATFORM_KEY), b"{}", NOW.0);
    let headers = [("authorization", token.as_str()), ("x-retell-signature", signature.as_str())];
    for line in [
        "GET /livez",
        "GET /metrics",
        "GET /nowhere",
        "GET /admin/status",
        "POST /admin/quarantine/q/replay",
        "POST /functions/retell/list_services",
        "POST /webhooks/retell",
    ] {
        let head = asked(&edge, line, &headers, b"{}").await;
        assert!(head.contains("cache-control: no-store\r\n"), "{line}: {head}");
        assert!(head.contains("x-content-type-options: nosniff\r\n"), "{line}: {head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_nothing_of_the_answers_loses_the_connection() {
    let edge = Edge::start_with_patience(Duration::from_millis(300));
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let request =
        format!("GET /admin/status HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    let asking = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    assert!(timeout(FOREVER, asking).await.is_ok(), "it is kept, though nobody reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_keep_those_from_being_read_who_showed_a_key() {
    let edge = Edge::start();
    let started = event("call_started", "call_1", "+493083793369");
    let signature = sign(&Secret::new(PLATFORM_KEY), &started, NOW.0);
    let signed = [("x-retell-signature", signature.as_str())];
    let mut known = TcpStream::connect(edge.address).await.unwrap();
    let head = asked_on(&mut known, "POST /webhooks/retell", &signed, &started).await;
    assert!(head.starts_with("http/1.1 204 "), "{head}");
    // Nobody looks at a signature before its body is whole.
    let beginning = format!(
        "POST /webhooks/retell HTTP/1.1\r\nhost: test\r\nx-retell-signature: {signature}\r\ncontent-length: {BODY_BYTES_MAX}\r\n\r\n"
    );
    let mut strangers = Vec::new();
    let fill = async {
        loop {
            let head = asked(&edge, "POST /webhooks/retell", &signed, &started).await;
            if head.starts_with("http/1.1 503 ") {
                break;
            }
            let mut stranger = TcpStream::connect(edge.address).await.unwrap();
            let rest = vec![b' '; BODY_BYTES_MAX - 1];
            if stranger.write_all(&[beginning.as_bytes(), &rest].concat()).await.is_ok() {
                strangers.push(stranger);
            }
            assert!(strangers.len() < BODIES_BYTES_MAX / BODY_BYTES_MAX, "strangers have all of the room");
        }
    };
    timeout(FOREVER, fill).await.unwrap();
    let head = asked_on(&mut known, "POST /webhooks/retell", &signed, &started).await;
    assert!(head.starts_with("http/1.1 204 "), "{head}");
}
