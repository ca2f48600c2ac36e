//! Bodies and clients as they should not be. Nothing of it harms the next request.

use std::time::Duration;

use askpro::simulators::retell::sign;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{
    days::now_ms,
    raw::{Raw, status_of},
    retell::{Answer, call, event, over},
    service::{Service, Setup, WEBHOOK_KEY},
};

/// `http.body_max_bytes`
const LIMIT: usize = 8 * 1024 * 1024;

/// The service takes a normal event as if nothing had happened.
async fn still_serves(service: &Service, call_id: &str) {
    service.retell.event(&event("call_started", &call(call_id))).await;
    service.tables.wait_for(1, &format!("calls WHERE call_id = '{call_id}'")).await;
}

/// An event padded with spaces to exactly so many bytes.
fn padded(call_id: &str, bytes: usize) -> Vec<u8> {
    let mut body = event("call_ended", &over(&call(call_id), 1_000, "user_hangup")).to_string().into_bytes();
    body.resize(bytes, b' ');
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_event_are_refused_with_their_fault() {
    let service = Service::start().await;
    let cases: [(&[u8], &str); 16] = [
        (b"", "body_not_json"),
        (b"{", "body_not_json"),
        (b"{\"event\":\"call_started\",\"call\":{\"call_id\":\"c\"}} trailing", "body_not_json"),
        (b"null", "body_not_an_object"),
        (b"[]", "body_not_an_object"),
        (b"\"call_ended\"", "body_not_an_object"),
        (b"{}", "event_missing"),
        (b"{\"event\":null}", "event_missing"),
        (b"{\"event\":5}", "event_missing"),
        (b"{\"event\":\"\"}", "event_refused"),
        (b"{\"event\":\"call\\u0000ended\",\"call\":{}}", "event_refused"),
        (b"{\"event\":\"call_ended\"}", "object_missing"),
        (b"{\"event\":\"call_ended\",\"call\":[]}", "object_expected"),
        (b"{\"event\":\"call_ended\",\"call\":{\"call_id\":{}}}", "call_id_missing"),
        (b"{\"event\":\"call_ended\",\"call\":{\"call_id\":\"a\\u0000b\"}}", "call_id_missing"),
        (b"{\"event\":\"call_ended\",\"call\":{\"call_id\":\"\xff\xfe\"}}", "body_not_utf8"),
    ];
    for (body, code) in cases {
        let answer = service.retell.post_bytes("/webhooks/retell", body).await;
        assert_eq!(answer.code(), code, "{}", String::from_utf8_lossy(body));
        answer.assert_problem(400, code);
        assert_eq!(service.retell.post_bytes("/functions/retell/list_services", body).await.status, 400);
        assert_eq!(service.retell.post_bytes("/webhooks/retell/inbound", body).await.status, 400);
    }
    service.settled().await;
    assert_eq!(service.tables.count("calls").await + service.tables.count("quarantine").await, 0);
    still_serves(&service, "call_b1").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_nested_without_end_harms_nobody() {
    let service = Service::start().await;
    let (open, close) = ("[".repeat(500_000), "]".repeat(500_000));
    for place in ["\"x\"", "\"metadata\"", "\"transcript_object\"", "\"call_analysis\"", "\"call_id\""] {
        let call =
            format!("{{\"call_id\":\"call_deep\",\"to_number\":\"+493083793369\",{place}:{open}{close}}}");
        let event = format!("{{\"event\":\"call_ended\",\"call\":{call}}}");
        let status = service.retell.post_bytes("/webhooks/retell", event.as_bytes()).await.status.as_u16();
        assert!(matches!(status, 204 | 400), "{place}: {status}");
        let asked = format!("{{\"call\":{call},\"args\":{{\"service\":{open}{close}}}}}");
        let status = service
            .retell
            .post_bytes("/functions/retell/list_services", asked.as_bytes())
            .await
            .status
            .as_u16();
        assert!(matches!(status, 200 | 400), "{place}: {status}");
    }
    still_serves(&service, "call_b12").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_a_wrong_kind_do_not_lose_the_event() {
    let service = Service::start().await;
    let odd = json!({
        "event": "call_ended", "event_timestamp": "yesterday",
        "call": {
            "call_id": "call_b2", "to_number": "+493083793369", "from_number": { "no": "number" }, "agent_id": 17,
            "start_timestamp": -1e300, "end_timestamp": [], "duration_ms": "long", "disconnection_reason": false,
            "transcript": "a\u{0}b\u{1F642}", "call_cost": "free", "call_analysis": 3, "metadata": null,
        },
    });
    service.retell.event(&odd).await;
    service.tables.wait_for(1, "calls WHERE call_id = 'call_b2' AND status = 'ended'").await;
    let asked = json!({ "call": { "call_id": "call_b2", "to_number": "+493083793369" }, "args": { "service": 5, "date": [1], "time": {} } });
    let answer = service.retell.post("/functions/retell/check_availability", &asked).await;
    assert_eq!((answer.status, &answer.json()["success"]), (StatusCode::OK, &json!(false)));
    for args in [json!([1]), json!(5), json!("words")] {
        let asked = json!({ "call": { "call_id": "call_b2" }, "args": args });
        let answer = service.retell.post("/functions/retell/check_availability", &asked).await;
        answer.assert_problem(400, "args_refused");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_eight_megabytes_is_taken_and_a_larger_one_is_not() {
    let service = Service::start().await;
    let taken = service.retell.post_bytes("/webhooks/retell", &padded("call_b3", LIMIT)).await;
    assert_eq!(taken.status, StatusCode::NO_CONTENT, "{taken:?}");
    service.tables.wait_for(1, "calls WHERE call_id = 'call_b3'").await;
    for bytes in [LIMIT + 1, 3 * LIMIT] {
        let body = padded("call_b4", bytes);
        let request = service.retell.signed("/webhooks/retell", &body, now_ms());
        // Who sends much more than is read may find the line closed before it reads the answer.
        if let Ok(response) = request.send().await {
            Answer::read(response).await.assert_problem(413, "body_too_large");
        } else {
            assert!(bytes > LIMIT + 1);
        }
    }
    too_large_in_chunks(&service).await;
    still_serves(&service, "call_b5").await;
    assert_eq!(service.tables.count("calls WHERE call_id = 'call_b4'").await, 0);
    service.stop().await;
}

/// The line of a signature of the right form and time, which nobody made.
fn claim() -> String {
    let now = now_ms();
    format!("X-Retell-Signature: v={now},d={}\r\n", "0".repeat(64))
}

/// Without an announced length, the limit is found on the way.
async fn too_large_in_chunks(service: &Service) {
    let mut raw = Raw::connect(&service.retell.base).await;
    let head =
        format!("POST /webhooks/retell HTTP/1.1\r\nHost: x\r\n{}Transfer-Encoding: chunked\r\n\r\n", claim());
    raw.send(head.as_bytes()).await.unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x10_0000], b"\r\n"].concat();
    for _ in 0..12 {
        if raw.send(&chunk).await.is_err() {
            break;
        }
    }
    let status = raw.read_status(Duration::from_secs(5)).await;
    assert!(matches!(status, Some(413) | None), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_drips_its_body_is_cut() {
    let service =
        Setup::new().with("HTTP__BODY_TIMEOUT_MS", "400").with("HTTP__HEAD_TIMEOUT_MS", "1000").start().await;
    let mut raw = Raw::connect(&service.retell.base).await;
    let head =
        format!("POST /webhooks/retell HTTP/1.1\r\nHost: x\r\n{}Content-Length: 1000\r\n\r\n", claim());
    raw.send(head.as_bytes()).await.unwrap();
    let drip = async {
        while raw.send(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(900), drip).await;
    let answer = raw.read_to_end(Duration::from_secs(5)).await;
    assert!(matches!(status_of(&answer), Some(408) | None), "{answer}");
    let mut raw = Raw::connect(&service.retell.base).await;
    raw.send(b"POST /webhooks/retell HTTP/1.1\r\nHost: ").await.unwrap();
    let answer = raw.read_to_end(Duration::from_secs(5)).await;
    assert!(matches!(status_of(&answer), Some(408) | None), "{answer}");
    still_serves(&service, "call_b6").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_off_leave_nothing_behind() {
    let service = Service::start().await;
    let body = event("call_started", &call("call_b7")).to_string();
    let signature = sign(WEBHOOK_KEY, body.as_bytes(), now_ms());
    let head = format!(
        "POST /webhooks/retell HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nX-Retell-Signature: {signature}\r\n\r\n",
        body.len()
    );
    // Half of the body, then nobody.
    let mut gone = Raw::connect(&service.retell.base).await;
    gone.send(head.as_bytes()).await.unwrap();
    gone.send(&body.as_bytes()[..body.len() / 2]).await.unwrap();
    drop(gone);
    // The whole body, and a writing side that is closed at once: the answer still comes.
    let mut half = Raw::connect(&service.retell.base).await;
    half.send(head.as_bytes()).await.unwrap();
    half.send(body.as_bytes()).await.unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut half.stream).await.unwrap();
    assert_eq!(half.read_status(Duration::from_secs(5)).await, Some(204));
    // The whole body, and nobody who waits for the answer.
    let other = body.replace("call_b7", "call_b8");
    let head = head.replace(&signature, &sign(WEBHOOK_KEY, other.as_bytes(), now_ms()));
    let mut impatient = Raw::connect(&service.retell.base).await;
    impatient.send(head.as_bytes()).await.unwrap();
    impatient.send(other.as_bytes()).await.unwrap();
    drop(impatient);
    service.tables.wait_for(1, "calls WHERE call_id = 'call_b7'").await;
    still_serves(&service, "call_b9").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_heads_are_refused_without_harm() {
    let service = Service::start().await;
    let many: String = (0..1_000).map(|n| format!("X-Header-{n}: {n}\r\n")).collect();
    let heads = [
        format!("POST /webhooks/retell HTTP/1.1\r\nHost: x\r\n{many}Content-Length: 0\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(500_000)),
        "POST /webhooks/retell HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n".to_owned(),
        "POST /webhooks/retell HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}{}{}"
            .to_owned(),
        "POST /webhooks/retell HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n".to_owned(),
        "NONSENSE\r\n\r\n".to_owned(),
    ];
    for head in heads {
        let mut raw = Raw::connect(&service.retell.base).await;
        let _ = raw.send(head.as_bytes()).await;
        let status = raw.read_status(Duration::from_secs(5)).await;
        assert!(status.is_none_or(|s| (400..500).contains(&s)), "{status:?}: {:.60}", head);
    }
    still_serves(&service, "call_b10").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_body_and_two_signatures_are_refused() {
    let service = Service::start().await;
    let body = event("call_started", &call("call_b11")).to_string();
    for encoding in ["gzip", "br", "deflate", "gzip, gzip"] {
        let request = service.retell.signed("/webhooks/retell", body.as_bytes(), now_ms());
        let answer = Answer::read(request.header("content-encoding", encoding).send().await.unwrap()).await;
        answer.assert_problem(415, "body_encoded");
    }
    let request = service.retell.signed("/webhooks/retell", body.as_bytes(), now_ms());
    let twice = request.header("x-retell-signature", sign("another", body.as_bytes(), now_ms()));
    assert_eq!(Answer::read(twice.send().await.unwrap()).await.status, StatusCode::UNAUTHORIZED);
    let request = service.retell.signed("/webhooks/retell", body.as_bytes(), now_ms());
    let text = request.header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(text.status(), StatusCode::NO_CONTENT, "the content type is not looked at");
    service.stop().await;
}
