//! The cheapest way to send a POST: kept connections, one write, one read.
//!
//! On the machine that also runs the service, whatever the sender costs is taken from the service. It speaks
//! plain HTTP/1.1 and must not know what it sends.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Room for an answer's head and a small body.
const BUFFER_BYTES: usize = 2_048;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body without transfer coding.
    pub(super) body: Vec<u8>,
}

/// One address with its connections.
#[derive(Debug)]
pub(super) struct Wire {
    authority: String,
    address: String,
    prefix: String,
    time_max: Duration,
    idle: Mutex<Vec<TcpStream>>,
    permits: Semaphore,
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--url {0} cannot be used: give http://HOST:PORT (TLS ends at the proxy; measure what is behind it)")]
pub(super) struct BadUrl(String);

impl Wire {
    /// For a base URL; at most `connections_max` at a time, each request `time_max` at most.
    pub(super) fn new(base_url: &str, connections_max: usize, time_max: Duration) -> Result<Self, BadUrl> {
        let rest = base_url.strip_prefix("http://").ok_or_else(|| BadUrl(base_url.to_owned()))?;
        let (authority, prefix) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        if authority.is_empty() || authority.contains(char::is_whitespace) {
            return Err(BadUrl(base_url.to_owned()));
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let prefix = prefix.trim_end_matches('/');
        Ok(Self {
            authority: authority.to_owned(),
            address: if has_port { authority.to_owned() } else { format!("{authority}:80") },
            prefix: if prefix.is_empty() { String::new() } else { format!("/{prefix}") },
            time_max,
            idle: Mutex::default(),
            permits: Semaphore::new(connections_max),
        })
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// When nobody answered in time, or not in HTTP.
    pub(super) async fn post(&self, path: &str, signature: &str, body: &[u8]) -> io::Result<Answer> {
        let _permit = self.permits.acquire().await.map_err(io::Error::other)?;
        let mut request = format!(
            "POST {}{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Retell-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
            self.prefix,
            self.authority,
            body.len(),
        )
        .into_bytes();
        request.extend_from_slice(body);
        timeout(self.time_max, self.exchange(&request)).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    async fn exchange(&self, request: &[u8]) -> io::Result<Answer> {
        if let Some(mut stream) = self.take_idle() {
            match ask(&mut stream, request).await {
                Ok((answer, keep)) => return Ok(self.done(stream, answer, keep)),
                // The other side closed it while it was idle: nobody has read the request.
                Err(Broken { cause: _, answered: false }) => {}
                Err(Broken { cause, answered: true }) => return Err(cause),
            }
        }
        let mut stream = TcpStream::connect(self.address.as_str()).await?;
        stream.set_nodelay(true)?;
        let (answer, keep) = ask(&mut stream, request).await.map_err(|broken| broken.cause)?;
        Ok(self.done(stream, answer, keep))
    }

    fn done(&self, stream: TcpStream, answer: Answer, keep: bool) -> Answer {
        if keep {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
        answer
    }

    fn take_idle(&self) -> Option<TcpStream> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A connection that broke, before or after the answer began.
struct Broken {
    cause: io::Error,
    answered: bool,
}

async fn ask(stream: &mut TcpStream, request: &[u8]) -> Result<(Answer, bool), Broken> {
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    let broken = |cause: io::Error, buffer: &[u8]| Broken { cause, answered: !buffer.is_empty() };
    stream.write_all(request).await.map_err(|cause| broken(cause, &[]))?;
    loop {
        let read = stream.read_buf(&mut buffer).await.map_err(|cause| broken(cause, &buffer))?;
        if read == 0 {
            return Err(broken(io::ErrorKind::UnexpectedEof.into(), &buffer));
        }
        if buffer.len() > ANSWER_BYTES_MAX {
            return Err(broken(io::Error::other("the answer is too large"), &buffer));
        }
        match parse(&buffer) {
            Ok(Some(parsed)) => return Ok(parsed),
            Ok(None) => {}
            Err(cause) => return Err(Broken { cause, answered: true }),
        }
    }
}

/// An answer and whether its connection may be used again; `None` while something is missing.
fn parse(buffer: &[u8]) -> io::Result<Option<(Answer, bool)>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (buffer.get(..end).unwrap_or_default(), buffer.get(end + 4..).unwrap_or_default());
    let head = std::str::from_utf8(head).map_err(io::Error::other)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
    let status = status.ok_or_else(|| io::Error::other("the answer is not HTTP"))?;
    let field = |wanted: &str| {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
    };
    let keep = !field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let body = if status == 204 || status == 304 {
        Some(Vec::new())
    } else if field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        dechunk(body)?
    } else {
        let length = field("content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
        body.get(..length).map(<[u8]>::to_vec)
    };
    Ok(body.map(|body| (Answer { status, body }, keep)))
}

/// The body of a chunked answer; `None` while something is missing.
fn dechunk(mut rest: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        let Some(after) = rest.get(end + 2..) else { return Ok(None) };
        let (Some(chunk), Some(next)) = (after.get(..size), after.get(size.saturating_add(2)..)) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(chunk);
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(u16, String, bool)> {
        let parsed = parse(text.as_bytes()).unwrap();
        parsed.map(|(answer, keep)| (answer.status, String::from_utf8(answer.body).unwrap(), keep))
    }

    #[test]
    fn answers_of_every_form_are_read() {
        assert_eq!(parsed("HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n"), Some((204, String::new(), true)));
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        assert_eq!(parsed(sized), Some((200, "{}".to_owned(), false)));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        assert_eq!(parsed(chunked), Some((200, "{}".to_owned(), true)));
    }

    #[test]
    fn an_answer_that_is_not_complete_is_waited_for() {
        for text in [
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
        assert!(parse(b"SMTP\r\n\r\n").is_err());
    }

    #[test]
    fn only_plain_addresses_are_taken() {
        for url in ["https://x", "ftp://x", "http://", "127.0.0.1:80"] {
            assert!(Wire::new(url, 1, Duration::from_secs(1)).is_err(), "{url}");
        }
        let wire = Wire::new("http://localhost/base/", 1, Duration::from_secs(1)).unwrap();
        assert_eq!((wire.address.as_str(), wire.prefix.as_str()), ("localhost:80", "/base"));
    }
}
