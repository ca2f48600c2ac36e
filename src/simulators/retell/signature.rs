//! `X-Retell-Signature`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of `X-Retell-Signature` for a body sent at `now_ms`: `v=<ms>,d=<hex>`, where the digest is
/// HMAC-SHA256 over the body followed by the decimal milliseconds.
#[must_use]
pub fn sign(key: &str, body: &[u8], now_ms: i64) -> String {
    let digest = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map(|mut mac| {
        mac.update(body);
        mac.update(now_ms.to_string().as_bytes());
        hex::encode(mac.finalize().into_bytes())
    });
    // HMAC takes keys of every length: the error cannot come up.
    format!("v={now_ms},d={}", digest.unwrap_or_default())
}
