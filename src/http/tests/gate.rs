//! What is refused before the HTTP library has it, over real connections.

use std::time::Duration;

use askpro_domain::secret::Secret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::harness::{Edge, NOW, PLATFORM_KEY, event};
use crate::{
    http::{
        gate::{EVENTS, FUNCTIONS},
        routes::ADDRESSES,
        webhooks::testing::sign,
    },
    usecases::load::{LIFECYCLE_REFUSED_AT, TRANSCRIPTS_REFUSED_AT},
};

/// Not waited for when all is well.
const FOREVER: Duration = Duration::from_secs(20);
const TO: &str = "+493083793369";

/// A connection, and what came on it beyond the last answer.
struct Line {
    stream: TcpStream,
    rest: Vec<u8>,
}

/// Status, head in small letters, and body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    status: u16,
    /// Without the date.
    headers: Vec<String>,
    /// Only the library says what time it is.
    by_library: bool,
    body: String,
}

impl Line {
    async fn to(edge: &Edge) -> Self {
        Self { stream: TcpStream::connect(edge.address).await.unwrap(), rest: Vec::new() }
    }

    /// A connection on which a key was shown.
    async fn known(edge: &Edge) -> Self {
        let mut line = Self::to(edge).await;
        let body = event("call_started", "call_known", TO);
        line.send(&post("/webhooks/retell", &body)).await;
        assert_eq!(line.hear().await.status, 204);
        line
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next answer.
    async fn hear(&mut self) -> Heard {
        loop {
            if let Some((heard, bytes)) = whole(&self.rest) {
                self.rest.drain(..bytes);
                return heard;
            }
            let read = timeout(FOREVER, self.stream.read_buf(&mut self.rest)).await.unwrap().unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&self.rest));
        }
    }

    async fn ask(&mut self, path: &str, body: &[u8]) -> Heard {
        self.send(&post(path, body)).await;
        self.hear().await
    }
}

/// The first answer in these bytes, and how many it has.
fn whole(bytes: &[u8]) -> Option<(Heard, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let (dates, mut headers): (Vec<String>, Vec<String>) =
        lines.filter(|line| !line.is_empty()).map(str::to_owned).partition(|line| line.starts_with("date:"));
    headers.sort();
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
    let whole = end + length.map_or(0, |length| length.parse().unwrap());
    let body = String::from_utf8(bytes.get(end..whole)?.to_vec()).unwrap();
    Some((Heard { status, headers, by_library: !dates.is_empty(), body }, whole))
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    post_with(path, "", body)
}

/// Signed, with further lines of a head.
fn post_with(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let signature = sign(&Secret::new(PLATFORM_KEY), body, NOW.0);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\nx-retell-signature: {signature}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// So much to do that everything is refused, as long as this exists.
fn too_much(edge: &Edge) -> Vec<impl Sized + use<>> {
    (0..LIFECYCLE_REFUSED_AT).map(|_| edge.services.traffic.begin_append()).collect()
}

/// A transcript with so many bytes more than it needs.
fn transcript(bytes: usize) -> Vec<u8> {
    let mut body = event("transcript_updated", "call_known", TO);
    assert_eq!(body.pop(), Some(b'}'));
    body.extend_from_slice(format!(r#","more":"{}"}}"#, "x".repeat(bytes)).as_bytes());
    // The name of the event stands in the first bytes, as Retell sends it.
    let text = String::from_utf8(body).unwrap();
    let name = r#""event":"transcript_updated""#;
    assert!(text.contains(name));
    format!("{{{name},{}", text.replacen(&format!(",{name}"), "", 1).strip_prefix('{').unwrap()).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_early_is_told_the_same_as_by_the_library() {
    let edge = Edge::start();
    let mut line = Line::known(&edge).await;
    let _load = too_much(&edge);
    let ended = event("call_ended", "call_known", TO);
    // The first request of a connection is the library's.
    let told = Line::to(&edge).await.ask("/webhooks/retell", &ended).await;
    assert_eq!((told.status, told.by_library), (503, true));
    let told = Heard { by_library: false, ..told };
    for (path, body) in [
        ("/webhooks/retell", ended.clone()),
        ("/webhooks/retell", transcript(10)),
        ("/webhooks/retell/friseur-mitte", ended.clone()),
        ("/functions/retell/list_services", br#"{"name":"x","call":{"call_id":"c"},"args":{}}"#.to_vec()),
        ("/functions/retell", br#"{"name":"x","call":{"call_id":"c"},"args":{}}"#.to_vec()),
        ("/webhooks/retell", transcript(15_000)),
    ] {
        assert_eq!(line.ask(path, &body).await, told, "{path}");
    }
    line.send(&post_with("/webhooks/retell", "connection: keep-alive\r\n", &ended)).await;
    assert_eq!(line.hear().await, told);
    assert_eq!(edge.journaled(), 1, "what is refused is nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_followed_beyond_an_answer_that_is_sent_in_pieces() {
    let edge = Edge::start();
    let mut line = Line::known(&edge).await;
    line.send(b"GET /metrics HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert!(line.hear().await.body.len() > 2 * 32_768, "the library sends 32 KiB before it asks for more");
    let _load = too_much(&edge);
    let heard = line.ask("/webhooks/retell", &event("call_ended", "call_known", TO)).await;
    assert_eq!((heard.status, heard.by_library), (503, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_is_read_past_however_it_comes_and_the_next_request_is_answered() {
    let edge = Edge::start_with_patience(FOREVER);
    let mut line = Line::known(&edge).await;
    let load = too_much(&edge);
    let request = post("/webhooks/retell", &transcript(18_000));
    for part in request.chunks(2_000) {
        line.send(part).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(line.hear().await.status, 503);
    drop(load);
    assert_eq!(line.ask("/webhooks/retell", &event("call_ended", "call_known", TO)).await.status, 204);
    assert_eq!(edge.journaled(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_in_the_order_of_the_questions() {
    let edge = Edge::start();
    let (mut line, mut in_pieces) = (Line::known(&edge).await, Line::known(&edge).await);
    let _load = too_much(&edge);
    let body = event("call_ended", "call_known", TO);
    let (event, nowhere) = (post("/webhooks/retell", &body), post("/nowhere", &body));
    // Two at once, then a head in pieces: from the first on nobody follows this connection.
    line.send(&[&nowhere[..], &event, &nowhere].concat()).await;
    assert_eq!(
        [line.hear().await.status, line.hear().await.status, line.hear().await.status],
        [404, 503, 404]
    );
    for part in [&event[..20], &event[20..]] {
        line.send(part).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(line.hear().await.status, 503);
    // A head in pieces is the library's, and what comes after it is followed again.
    for _ in 0..2 {
        for part in event.chunks(90) {
            in_pieces.send(part).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(in_pieces.hear().await.status, 503);
        assert_eq!(in_pieces.ask("/webhooks/retell", &body).await.status, 503);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_that_does_not_come_ends_its_connection() {
    let edge = Edge::start();
    let mut line = Line::known(&edge).await;
    let _load = too_much(&edge);
    let request = post("/webhooks/retell", &transcript(10_000));
    line.send(&request[..2_000]).await;
    let read = timeout(FOREVER, line.stream.read_buf(&mut line.rest)).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_before_one_behind_it_is_refused() {
    let edge = Edge::start();
    // Transcripts are refused, and nothing else.
    let _load: Vec<_> = (0..TRANSCRIPTS_REFUSED_AT).map(|_| edge.services.traffic.begin_append()).collect();
    let ended = post("/webhooks/retell", &event("call_ended", "call_known", TO));
    let refused = post("/webhooks/retell", &transcript(10));
    let (first, rest) = ended.split_at(ended.len() - 10);
    for parts in [[&ended[..], &refused], [first, &[rest, &refused].concat()]] {
        let mut line = Line::known(&edge).await;
        assert_eq!(line.ask("/webhooks/retell", &transcript(10)).await.status, 503);
        for part in parts {
            line.send(part).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!([line.hear().await.status, line.hear().await.status], [204, 503]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gate_does_not_know_is_left_to_the_library() {
    let edge = Edge::start();
    let _load = too_much(&edge);
    let body = event("call_ended", "call_known", TO);
    let forged = sign(&Secret::new("another"), &body, NOW.0);
    let mut stranger = Line::to(&edge).await;
    let forged = format!(
        "POST /webhooks/retell HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\nx-retell-signature: {forged}\r\n\r\n",
        body.len()
    );
    stranger.send(&[forged.as_bytes(), &body].concat()).await;
    assert_eq!(stranger.hear().await.status, 401, "who showed no key is not told how busy it is");
    for (headers, path, status) in [
        ("content-encoding: gzip\r\n", "/webhooks/retell", 415),
        ("", "/webhooks/retellx", 404),
        ("", "/webhooks/calcom/friseur-mitte", 401),
    ] {
        let mut line = Line::to(&edge).await;
        line.send(&post("/webhooks/retell", &body)).await;
        assert_eq!(line.hear().await.status, 503);
        line.send(&post_with(path, headers, &body)).await;
        assert_eq!(line.hear().await.status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_held_is_told_when_the_service_closes() {
    let edge = Edge::start();
    let mut line = Line::known(&edge).await;
    let _load = too_much(&edge);
    line.send(&post("/webhooks/retell", &transcript(10))).await;
    timeout(FOREVER, async {
        while edge.services.traffic.refusals_held() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
    edge.stop().await;
    let heard = line.hear().await;
    assert_eq!(heard.status, 503);
    assert!(heard.headers.contains(&"connection: close".to_owned()), "{heard:?}");
}

#[test]
fn the_addresses_of_the_gate_are_those_of_the_service() {
    for path in [EVENTS, FUNCTIONS] {
        assert!(ADDRESSES.iter().any(|address| address.path == path), "{path}");
    }
}
