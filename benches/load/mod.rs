//! Load that costs little: bodies made ahead of time, one thread that sends them.

mod crowd;
mod flood;
mod pace;
mod pairs;
mod wire;
mod words;

pub use crowd::Crowd;
pub use flood::Flood;
pub use pace::pace;
pub use pairs::{Pairs, Size};
pub use wire::{Answer, Wire};

/// Before what was refused is sent again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Requests, made when they are sent.
pub trait Source: Send + Sync {
    /// Requests of one call; each follows the answer to the one before.
    fn steps(&self) -> u64;
    /// Writes a whole request, head and signed body.
    fn fill(&self, call: u64, step: u64, request: &mut Vec<u8>);
    /// Whether this is what must be answered.
    fn is_right(&self, answer: &Answer) -> bool {
        answer.status == 204
    }
}

/// Writes the head of a POST.
pub fn head(path: &str, signature: &str, length: usize, request: &mut Vec<u8>) {
    use std::io::Write as _;
    request.clear();
    write!(
        request,
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Retell-Signature: {signature}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .unwrap();
}

/// Signs a body now.
pub fn signature(body: &[u8]) -> String {
    askpro::simulators::retell::sign(
        crate::support::service::WEBHOOK_KEY,
        body,
        crate::support::days::now_ms(),
    )
}
