//! Clients that no library would be: slow, broken, half gone.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A plain connection to the service.
pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    /// `base` as in `http://127.0.0.1:8080`.
    pub async fn connect(base: &str) -> Self {
        let stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Sends what the other side still takes.
    pub async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads until the other side closes, or nothing came for `limit`.
    pub async fn read_to_end(&mut self, limit: Duration) -> String {
        let mut answer = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(Ok(read @ 1..)) = tokio::time::timeout(limit, self.stream.read(&mut chunk)).await {
            answer.extend_from_slice(&chunk[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reads one answer's head.
    pub async fn read_status(&mut self, limit: Duration) -> Option<u16> {
        let mut answer = Vec::new();
        let mut chunk = [0; 1024];
        while !answer.windows(4).any(|w| w == b"\r\n\r\n") {
            match tokio::time::timeout(limit, self.stream.read(&mut chunk)).await {
                Ok(Ok(read @ 1..)) => answer.extend_from_slice(&chunk[..read]),
                _ => return None,
            }
        }
        status_of(&String::from_utf8_lossy(&answer))
    }
}

/// The status in the first line of an answer.
pub fn status_of(answer: &str) -> Option<u16> {
    answer.split(' ').nth(1)?.parse().ok()
}
