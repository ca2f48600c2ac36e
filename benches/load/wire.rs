//! One connection: a request written, an answer read to its length and no further.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Far longer than anybody waits: a machine that stands still for a while is no result.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opened again when it breaks.
pub struct Wire {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Wire {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, buffer: Vec::with_capacity(4_096) }
    }

    /// Sends a request; `None` when nothing was answered.
    pub async fn send(&mut self, request: &[u8]) -> Option<Answer> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(request)).await.ok().flatten();
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &[u8]) -> Option<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address).await.ok()?;
                stream.set_nodelay(true).ok()?;
                self.stream.insert(stream)
            }
        };
        stream.write_all(request).await.ok()?;
        self.buffer.clear();
        loop {
            if stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            if let Some((answer, keep)) = parse(&self.buffer) {
                if !keep {
                    self.stream = None;
                }
                return Some(answer);
            }
        }
    }
}

/// An answer and whether its connection may be used again; `None` while something is missing.
fn parse(buffer: &[u8]) -> Option<(Answer, bool)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&buffer[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let field = |wanted: &str| {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
    };
    let length: usize = field("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let body = buffer.get(end + 4..end + 4 + length)?.to_vec();
    let keep = !field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Some((Answer { status, body }, keep))
}
