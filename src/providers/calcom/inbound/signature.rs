//! Cal.com's signature: `X-Cal-Signature-256` is the lower-case hex of HMAC-SHA256 over the raw body, keyed with
//! the webhook's secret. No prefix and no time: an old request passes as well as a new one, so whatever follows
//! must bear being told twice.
//!
//! Must not know what a body means: it is verified before it is parsed.

use askpro_domain::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Name of the header, lower case.
pub const SIGNATURE_HEADER: &str = "x-cal-signature-256";

/// What Cal.com sends in its place when the webhook has no secret.
const NO_SECRET: &[u8] = b"no-secret-provided";
const DIGEST_HEX_CHARS: usize = 64;

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No header, or an empty one.
    #[error("the header X-Cal-Signature-256 is missing")]
    Missing,
    /// The webhook at Cal.com has no secret.
    #[error("the webhook has no secret at Cal.com; set there what calcom_webhook_secret says")]
    NoSecretThere,
    /// Not 64 lower-case hex digits.
    #[error("the header X-Cal-Signature-256 does not have the form of 64 lower-case hex digits")]
    Malformed,
    /// The secret did not make it over this body, or there is none. Which of the two is not told: strangers would
    /// learn which companies there are.
    #[error(
        "no calcom_webhook_secret of this address signed this body: check the slug, and import the secret that the \
         company's webhook has at Cal.com"
    )]
    Mismatch,
}

impl SignatureError {
    /// Stable code for answers and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::NoSecretThere => "signature_without_secret",
            Self::Malformed => "signature_malformed",
            Self::Mismatch => "signature_mismatch",
        }
    }
}

/// Whether a header can be a signature at all, of whatever body.
///
/// # Errors
/// [`SignatureError`].
pub fn precheck(header: Option<&[u8]>) -> Result<(), SignatureError> {
    digest_of(header).map(|_| ())
}

/// Checks a header against a body, in constant time. An empty secret never matches; without one the same work is
/// done for nothing, so that time tells no more than the answer.
///
/// # Errors
/// [`SignatureError`].
pub fn verify(header: Option<&[u8]>, body: &[u8], secret: Option<&Secret>) -> Result<(), SignatureError> {
    let digest = digest_of(header)?;
    let known = secret.filter(|secret| !secret.is_empty());
    let tried = known.map_or(NO_SECRET, |secret| secret.expose().as_bytes());
    let signed = mac(tried, body).is_some_and(|mac| mac.verify_slice(&digest).is_ok());
    if signed && known.is_some() { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// Makes the header's value as Cal.com does, for tools and tests.
#[must_use]
pub fn sign(secret: &Secret, body: &[u8]) -> String {
    let mac = if secret.is_empty() { None } else { mac(secret.expose().as_bytes(), body) };
    match mac {
        Some(mac) => hex::encode(mac.finalize().into_bytes()),
        None => String::from_utf8_lossy(NO_SECRET).into_owned(),
    }
}

fn mac(secret: &[u8], body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(body);
    Some(mac)
}

fn digest_of(header: Option<&[u8]>) -> Result<[u8; 32], SignatureError> {
    let header = header.filter(|header| !header.is_empty()).ok_or(SignatureError::Missing)?;
    if header == NO_SECRET {
        return Err(SignatureError::NoSecretThere);
    }
    parse(header).ok_or(SignatureError::Malformed)
}

fn parse(header: &[u8]) -> Option<[u8; 32]> {
    let lower_hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if header.len() != DIGEST_HEX_CHARS || !header.iter().all(lower_hex) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(header, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const VECTORS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/calcom/signature_vectors.json"));

    #[derive(Deserialize)]
    struct Vector {
        secret: String,
        body: String,
        body_bytes: usize,
        signature: String,
    }

    fn vectors() -> Vec<Vector> {
        let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.len(), 4);
        vectors
    }

    fn verdict(header: Option<&[u8]>, secret: &str) -> Result<(), SignatureError> {
        verify(header, b"{\"a\":1}", Some(&Secret::new(secret)))
    }

    #[test]
    fn every_vector_is_signed_as_cal_com_signs_it_and_counts_if_it_has_a_secret() {
        for v in vectors() {
            let (secret, body) = (Secret::new(v.secret), v.body.as_bytes());
            assert_eq!((body.len(), sign(&secret, body)), (v.body_bytes, v.signature.clone()));
            let verdict = verify(Some(v.signature.as_bytes()), body, Some(&secret));
            let wanted = if secret.is_empty() { Err(SignatureError::NoSecretThere) } else { Ok(()) };
            assert_eq!(verdict, wanted, "{}", v.body);
        }
    }

    #[test]
    fn what_stands_for_a_missing_secret_signs_nothing() {
        let forged = hex::encode(mac(NO_SECRET, b"x").unwrap().finalize().into_bytes());
        for none in [None, Some(&Secret::new(""))] {
            assert_eq!(verify(Some(forged.as_bytes()), b"x", none), Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn a_changed_body_secret_or_digit_is_a_mismatch() {
        let header = sign(&Secret::new("whsec"), b"{\"a\":1}");
        assert_eq!(verdict(Some(header.as_bytes()), "whsec"), Ok(()));
        assert_eq!(verdict(Some(header.as_bytes()), "whsed"), Err(SignatureError::Mismatch));
        let other = verify(Some(header.as_bytes()), b"{\"a\":2}", Some(&Secret::new("whsec")));
        assert_eq!(other, Err(SignatureError::Mismatch));
        let turned: String = header
            .chars()
            .enumerate()
            .map(|(i, c)| if i == 63 { if c == '0' { '1' } else { '0' } } else { c })
            .collect();
        assert_eq!(verdict(Some(turned.as_bytes()), "whsec"), Err(SignatureError::Mismatch));
    }

    #[test]
    fn only_64_lower_case_hex_digits_are_a_signature() {
        let header = sign(&Secret::new("whsec"), b"{\"a\":1}");
        let (upper, prefixed) = (header.to_uppercase(), format!("sha256={header}"));
        let long = format!("{header}0");
        for bad in [upper.as_bytes(), prefixed.as_bytes(), long.as_bytes(), &header.as_bytes()[..63], b"\xff"]
        {
            assert_eq!(verdict(Some(bad), "whsec"), Err(SignatureError::Malformed));
        }
    }

    #[test]
    fn refusals_have_stable_codes() {
        let code = |verdict: Result<(), SignatureError>| verdict.unwrap_err().code();
        assert_eq!(code(verdict(None, "k")), "signature_missing");
        assert_eq!(code(verdict(Some(b""), "k")), "signature_missing");
        assert_eq!(code(verdict(Some(b"no-secret-provided"), "k")), "signature_without_secret");
        let of_nobody = sign(&Secret::new("whsec"), b"");
        assert_eq!(code(verify(Some(of_nobody.as_bytes()), b"", None)), "signature_mismatch");
        assert_eq!(code(verdict(Some(of_nobody.as_bytes()), "")), "signature_mismatch");
        assert_eq!(code(precheck(Some(b"no-secret-provided"))), "signature_without_secret");
        assert_eq!(code(verdict(Some(b"x"), "k")), "signature_malformed");
    }
}
