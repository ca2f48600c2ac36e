//! Identities. Companies and their parts get theirs from their slugs, so an import gives the same ids
//! on every database and every run; appointments get theirs from the order they came from.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The largest whole number that every JSON reader keeps, those with doubles too: 2^53 - 1.
const JSON_EXACT_MAX: i64 = (1 << 53) - 1;

macro_rules! slug_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The id of a slug path: 53 bits of SHA-256 over kind and path, never 0, so that a JSON number
            /// carries it whole to any reader. Two of a million ids share one with a chance of 1 in 18,000.
            #[must_use]
            pub fn of_slugs(path: &[&str]) -> Self {
                Self(slug_hash($kind, path))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

fn slug_hash(kind: &str, path: &[&str]) -> i64 {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    for part in path {
        hash.update([0]);
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let head: [u8; 8] = std::array::from_fn(|i| digest.get(i).copied().unwrap_or_default());
    (i64::from_be_bytes(head) & JSON_EXACT_MAX).max(1)
}

slug_id!(
    /// A company (tenant), of `[company slug]`.
    CompanyId, "company"
);
slug_id!(
    /// A branch, of `[company slug, branch slug]`.
    BranchId, "branch"
);
slug_id!(
    /// A member of staff, of `[company slug, staff slug]`.
    StaffId, "staff"
);
slug_id!(
    /// A service, of `[company slug, service slug]`.
    ServiceId, "service"
);
slug_id!(
    /// A customer, of `[company slug, E.164 phone or e-mail]`.
    CustomerId, "customer"
);

/// Retell's `call_id` or `chat_id`: 1 to 128 bytes without control characters and without whitespace at its
/// ends, which databases do not keep apart. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CallId(Arc<str>);

/// Longest id of a call, in bytes.
pub const CALL_ID_BYTES_MAX: usize = 128;

impl CallId {
    /// Checks an id as it came. Errors: `None` when it is empty, too long, begins or ends with whitespace, or
    /// has control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= CALL_ID_BYTES_MAX && text.trim() == text;
        (fits && !text.chars().any(char::is_control)).then(|| Self(Arc::from(text)))
    }

    /// Whether an agent or a template invented it: `None`, `null`, `undefined`, `current` and the like.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        const PLACEHOLDERS: [&str; 8] =
            ["none", "null", "undefined", "current", "current_call", "dummy_call_id", "call_id", "string"];
        let lower = self.0.trim().to_ascii_lowercase();
        lower.is_empty() || lower.starts_with("{{") || PLACEHOLDERS.contains(&lower.as_str())
    }

    /// The text as Retell sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CallId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(
                "a call id of 1 to 128 bytes without control characters or outer whitespace is expected",
            )
        })
    }
}

/// Identity of an appointment: `apt_` and 24 hex digits, made from the call and its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppointmentId(pub String);

impl AppointmentId {
    /// The id of the `attempt`-th order with this key in this call: the same order gives the same id,
    /// also when it is replayed after a crash.
    #[must_use]
    pub fn of_order(call: &CallId, order_key: &str, attempt: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [call.as_str(), order_key, &attempt.to_string()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let text = hex::encode(hash.finalize());
        Self(format!("apt_{}", text.get(..24).unwrap_or_default()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppointmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hash of the bytes of a body: the first 16 bytes of SHA-256, as 32 hex digits in JSON and columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BodyHash(pub [u8; 16]);

impl BodyHash {
    /// Hash of parts that stand one after the other.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        let digest = hash.finalize();
        Self(std::array::from_fn(|i| digest.get(i).copied().unwrap_or_default()))
    }

    /// 32 lower-case hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        let mut digits = [0; 32];
        // Two digits for each byte: there is room for all of them.
        let _ = hex::encode_to_slice(self.0, &mut digits);
        String::from_utf8_lossy(&digits).into_owned()
    }
}

impl fmt::Debug for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl Serialize for BodyHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for BodyHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 16];
        hex::decode_to_slice(&text, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_give_the_same_ids_every_time_and_kinds_differ() {
        assert_eq!(CompanyId::of_slugs(&["a"]), CompanyId::of_slugs(&["a"]));
        assert_ne!(CompanyId::of_slugs(&["a"]).0, BranchId::of_slugs(&["a"]).0);
        assert_ne!(StaffId::of_slugs(&["a", "bc"]), StaffId::of_slugs(&["ab", "c"]));
        assert!(CompanyId::of_slugs(&["a"]).0 > 0);
    }

    #[test]
    fn readers_that_know_only_doubles_keep_every_id_apart() {
        for number in 0..1_000 {
            let id = CustomerId::of_slugs(&["friseur-mitte", &number.to_string()]).0;
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "what is tested"
            )]
            let read = id as f64 as i64;
            assert_eq!((read, (id + 1) as f64 == id as f64), (id, false));
        }
    }

    #[test]
    fn placeholders_are_no_calls() {
        for bad in ["None", "null", "undefined", "current", "current_call", "dummy_call_id", "{{call_id}}"] {
            assert!(CallId::parse(bad).unwrap().is_placeholder(), "{bad}");
        }
        assert!(!CallId::parse("call_ü").unwrap().is_placeholder());
        assert!(CallId::parse("a\u{0}b").is_none() && CallId::parse("").is_none());
    }

    #[test]
    fn an_id_with_whitespace_at_its_ends_is_no_id() {
        for bad in [" ", "call_1 ", " call_1", "call_1\u{a0}", "\u{3000}call_1"] {
            assert!(CallId::parse(bad).is_none(), "{bad:?}");
        }
        assert!(CallId::parse("call 1").is_some());
    }
}
