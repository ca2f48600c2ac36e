//! Retell's signature: `X-Retell-Signature: v=<unix ms>,d=<hex>`, where `d` is HMAC-SHA256 over the raw
//! body followed by the milliseconds in ASCII, keyed with a workspace API key.
//!
//! Where Retell's two SDKs disagree (upper-case hex, `V=`, digits beyond ASCII) we refuse; where they agree
//! we follow, also in reading `v=017...` as the integer `17...` and hashing that. Must not know what a body
//! means: it is verified before it is parsed.

use askpro_domain::{secret::Secret, time::UnixMillis};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Name of the header, lower case.
pub const SIGNATURE_HEADER: &str = "x-retell-signature";

/// Largest distance between the signature's time and now, both ways, inclusive.
pub const WINDOW_MS: i64 = 300_000;

/// Longest header that is read, in bytes; a genuine one has 82.
const HEADER_BYTES_MAX: usize = 256;
const DIGEST_HEX_CHARS: usize = 64;

/// Which of the given keys signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyIndex(pub usize);

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No header, or an empty one.
    #[error("the header X-Retell-Signature is missing")]
    Missing,
    /// Not `v=<digits>,d=<64 lower-case hex digits>`.
    #[error("the header X-Retell-Signature does not have the form v=<unix ms>,d=<64 hex digits>")]
    Malformed,
    /// Further from now than [`WINDOW_MS`].
    #[error("the signature is {age_ms} ms old, at most 300000 either way are accepted; check the clock")]
    Stale {
        /// Its age; negative when it lies ahead.
        age_ms: i64,
    },
    /// None of the keys made it over this body.
    #[error("no configured key signed this body; set retell.webhook_keys to the key with the webhook badge")]
    Mismatch,
}

impl SignatureError {
    /// Stable code for answers and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Malformed => "signature_malformed",
            Self::Stale { .. } => "signature_stale",
            Self::Mismatch => "signature_mismatch",
        }
    }
}

/// Whether a header can be a signature at all: its form and its time. Needs no body, so what cannot be signed
/// is not even read.
pub fn precheck(header: Option<&[u8]>, now: UnixMillis) -> Result<(), SignatureError> {
    claim(header, now).map(|_| ())
}

/// Checks a header against a body and says which key signed. Every key is tried, each in constant time and also
/// after one that fits; empty keys never match.
pub fn verify(
    header: Option<&[u8]>,
    body: &[u8],
    keys: &[&Secret],
    now: UnixMillis,
) -> Result<KeyIndex, SignatureError> {
    let (at, digest) = claim(header, now)?;
    let signed = |key: &Secret| mac(key, body, at).is_some_and(|m| m.verify_slice(&digest).is_ok());
    let tried: Vec<bool> = keys.iter().map(|key| signed(key)).collect();
    tried.iter().position(|fits| *fits).map(KeyIndex).ok_or(SignatureError::Mismatch)
}

/// The work of trying one key, for nothing: where a key is missing, time must not tell.
pub fn try_nothing(body: &[u8]) {
    let nobodys = mac(&Secret::new("nobody's"), body, UnixMillis(0));
    std::hint::black_box(nobodys.map(|mac| mac.finalize().into_bytes()));
}

/// What a header claims: when it was signed, and the digest.
fn claim(header: Option<&[u8]>, now: UnixMillis) -> Result<(UnixMillis, [u8; 32]), SignatureError> {
    let header = header.filter(|h| !h.is_empty()).ok_or(SignatureError::Missing)?;
    let (at, digest) = parse(header).ok_or(SignatureError::Malformed)?;
    let age_ms = now.since(at);
    if (-WINDOW_MS..=WINDOW_MS).contains(&age_ms) {
        Ok((at, digest))
    } else {
        Err(SignatureError::Stale { age_ms })
    }
}

/// Makes the header's value, for tools, simulators and tests. An empty key gives an empty text.
#[must_use]
pub fn sign(key: &Secret, body: &[u8], at_ms: i64) -> String {
    let Some(mac) = mac(key, body, UnixMillis(at_ms)) else { return String::new() };
    format!("v={at_ms},d={}", hex::encode(mac.finalize().into_bytes()))
}

fn mac(key: &Secret, body: &[u8], at: UnixMillis) -> Option<Hmac<Sha256>> {
    if key.is_empty() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).ok()?;
    mac.update(body);
    mac.update(at.0.to_string().as_bytes());
    Some(mac)
}

fn parse(header: &[u8]) -> Option<(UnixMillis, [u8; 32])> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let rest = std::str::from_utf8(header).ok()?.strip_prefix("v=")?;
    let (digits, digest) = rest.split_once(",d=")?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if digest.len() != DIGEST_HEX_CHARS || !digest.bytes().all(lower_hex) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(digest, &mut bytes).ok()?;
    Some((UnixMillis(digits.parse().ok()?), bytes))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const VECTORS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/retell/signature_vectors.json"));

    #[derive(Deserialize)]
    struct Vectors {
        positive_vectors: Vec<Positive>,
        verify_checks: Vec<Check>,
    }

    #[derive(Deserialize)]
    struct Positive {
        name: String,
        api_key: String,
        body: String,
        timestamp_ms: i64,
        header_x_retell_signature: String,
    }

    #[derive(Deserialize)]
    struct Check {
        name: String,
        body: String,
        api_key: String,
        signature: String,
        now_ms: i64,
        node_sdk_verify: bool,
        python_sdk_verify: bool,
    }

    #[test]
    fn every_vector_is_signed_as_the_sdks_sign_it() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.positive_vectors.len(), 10);
        for v in vectors.positive_vectors {
            let header = sign(&Secret::new(v.api_key), v.body.as_bytes(), v.timestamp_ms);
            assert_eq!(header, v.header_x_retell_signature, "{}", v.name);
        }
    }

    #[test]
    fn a_signature_counts_exactly_when_both_sdks_accept_it() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.verify_checks.len(), 39);
        for v in vectors.verify_checks {
            let key = Secret::new(v.api_key);
            let header = Some(v.signature.as_bytes());
            let verdict = verify(header, v.body.as_bytes(), &[&key], UnixMillis(v.now_ms));
            assert_eq!(verdict.is_ok(), v.node_sdk_verify && v.python_sdk_verify, "{}: {verdict:?}", v.name);
        }
    }

    #[test]
    fn each_of_several_keys_is_tried_and_named() {
        let (old, new, other) = (Secret::new("key_old"), Secret::new("key_new"), Secret::new("key_x"));
        let header = sign(&new, b"{}", 1_000);
        let now = UnixMillis(1_000);
        assert_eq!(verify(Some(header.as_bytes()), b"{}", &[&old, &new], now), Ok(KeyIndex(1)));
        let mismatch = verify(Some(header.as_bytes()), b"{}", &[&old, &other], now);
        assert_eq!(mismatch, Err(SignatureError::Mismatch));
        assert_eq!(verify(Some(header.as_bytes()), b"{}", &[], now), Err(SignatureError::Mismatch));
    }

    #[test]
    fn an_empty_key_signs_nothing() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(b"{}1000");
        let forged = format!("v=1000,d={}", hex::encode(mac.finalize().into_bytes()));
        let empty = Secret::new("");
        let verdict = verify(Some(forged.as_bytes()), b"{}", &[&empty], UnixMillis(1_000));
        assert_eq!(verdict, Err(SignatureError::Mismatch));
        assert_eq!(sign(&empty, b"{}", 1_000), "");
    }

    #[test]
    fn refusals_have_stable_codes() {
        let key = Secret::new("k");
        let header = sign(&key, b"", 1_000_000);
        let verdict = |header: Option<&[u8]>, now| verify(header, b"", &[&key], UnixMillis(now));
        let code = |verdict: Result<KeyIndex, SignatureError>| verdict.unwrap_err().code();
        assert_eq!(code(verdict(None, 0)), "signature_missing");
        assert_eq!(code(verdict(Some(b""), 0)), "signature_missing");
        assert_eq!(code(verdict(Some(b"\xff\xfe"), 0)), "signature_malformed");
        assert_eq!(code(verdict(Some(&[b'v'; 5_000]), 0)), "signature_malformed");
        assert_eq!(code(verdict(Some(header.as_bytes()), 2_000_000)), "signature_stale");
        let ahead = verdict(Some(header.as_bytes()), 699_999);
        assert_eq!(ahead, Err(SignatureError::Stale { age_ms: -300_001 }));
    }
}
