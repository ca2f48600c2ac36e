//! A scripted HTTP server for tests, raw enough to break connections and to say nothing.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// `POST /v2/bookings?x=1`
    pub(super) line: String,
    /// Lower-cased names.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A decoded parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let path = self.line.split(' ').nth(1).unwrap();
        let url = reqwest::Url::parse(&format!("http://localhost{path}")).unwrap();
        url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Status, extra header lines, body.
    Answer(u16, Vec<String>, Vec<u8>),
    /// Closes the connection after it has read the whole request.
    Drop,
    /// Answers the head and half of the body, then closes.
    Half(u16),
    /// Reads the request and says nothing.
    Hang,
    /// Answers a byte now and then, without end.
    Drip(u16),
    /// Answers as fast as it is read, without end.
    Flood(u16),
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::Answer(status, Vec::new(), body.to_string().into_bytes())
    }
}

type Script = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// The server; it ends with the test's runtime.
pub(super) struct TestServer {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl TestServer {
    pub(super) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, script): (_, Script) = (Arc::clone(&requests), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&script)));
            }
        });
        Self { url, requests }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The only request.
    pub(super) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1);
        requests[0].clone()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Request>>>, script: Script) {
    let Some(request) = read_request(&mut stream).await else { return };
    let reply = script(&request);
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Answer(status, headers, body) => {
            let extra: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{extra}connection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
        }
        Reply::Half(status) => {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 100\r\n\r\n{{\"status\":");
            let _ = stream.write_all(head.as_bytes()).await;
        }
        Reply::Drop => {}
        Reply::Hang => std::future::pending().await,
        Reply::Drip(status) => {
            without_end(&mut stream, status, b"1\r\n \r\n", Duration::from_millis(20)).await;
        }
        Reply::Flood(status) => {
            let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
            without_end(&mut stream, status, &chunk, Duration::ZERO).await;
        }
    }
}

/// Until nobody reads it any more.
async fn without_end(stream: &mut TcpStream, status: u16, chunk: &[u8], pause: Duration) {
    let head = format!("HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut going = stream.write_all(head.as_bytes()).await;
    while going.is_ok() {
        tokio::time::sleep(pause).await;
        going = stream.write_all(chunk).await;
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(n, _)| n == "content-length").map_or(0, |(_, v)| v.parse().unwrap());
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { line, headers, body })
}
