//! Which key of the calendar: told apart without the key itself.

use std::fmt;

use crate::{ids::BodyHash, secret::Secret};

/// Identity of a key: a hash of it, 32 hex digits. Companies with the same key have the same identity. Cheap to
/// copy, and safe to show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(BodyHash);

impl KeyId {
    /// The identity of this key; blanks around it do not count, as they are not sent.
    #[must_use]
    pub fn of(key: &Secret) -> Self {
        Self(BodyHash::of(&[b"calendar key\0", key.expose().trim().as_bytes()]))
    }

    /// Reads what [`fmt::Display`] shows; `None` when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(BodyHash(bytes)))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
