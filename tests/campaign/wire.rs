//! A client that costs little: one connection, prepared requests, answers read to their length and no further.

use std::time::Duration;

use askpro::simulators::retell::sign;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{days::now_ms, service::WEBHOOK_KEY};

/// Retell waits as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection, opened again when it breaks.
pub struct Wire {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Its head names a time to come again.
    pub retry_after: bool,
    pub body: Vec<u8>,
}

impl Wire {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, buffer: Vec::with_capacity(4_096) }
    }

    /// Signs and posts a body; `None` when nothing was answered.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> Option<Answer> {
        let signature = sign(WEBHOOK_KEY, body, now_ms());
        let mut request = Vec::with_capacity(body.len() + 256);
        request.extend_from_slice(
            format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n\
                 X-Retell-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .as_bytes(),
        );
        request.extend_from_slice(body);
        let answer = tokio::time::timeout(PATIENCE, self.exchange(&request)).await.ok().flatten();
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &[u8]) -> Option<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut()?;
        stream.write_all(request).await.ok()?;
        self.buffer.clear();
        let head = loop {
            if stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let length: usize = header("content-length:").and_then(|text| text.parse().ok()).unwrap_or(0);
        while self.buffer.len() < head + length {
            if stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
        let answer = Answer {
            status: text.split(' ').nth(1)?.parse().ok()?,
            retry_after: header("retry-after:").is_some(),
            body: self.buffer[head..head + length].to_vec(),
        };
        if header("connection:") == Some("close") {
            self.stream = None;
        }
        Some(answer)
    }
}
