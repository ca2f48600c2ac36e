//! The order-free merge of one field.

use serde::{Deserialize, Serialize};

use super::event::Stage;
use crate::{ids::BodyHash, time::UnixMillis};

/// Where a value came from; the order of provenances is the order in which values win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Provenance {
    /// Stage of the call that told it; later stages win.
    #[serde(rename = "s")]
    pub stage: Stage,
    /// `event_timestamp`; events without one lose.
    #[serde(rename = "t")]
    pub at: Option<UnixMillis>,
    /// Hash of the body, so that equal times still have one winner.
    #[serde(rename = "h")]
    pub hash: BodyHash,
}

/// A value with its provenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field<T> {
    /// The value.
    #[serde(rename = "v")]
    pub value: T,
    /// Who said so.
    #[serde(rename = "p")]
    pub from: Provenance,
}

/// Joins a new version into a field: the higher provenance stays. `None` says nothing.
pub(super) fn join<T: Ord>(field: &mut Option<Field<T>>, value: Option<T>, from: Provenance) {
    let Some(value) = value else { return };
    match field {
        Some(old) if (old.from, &old.value) >= (from, &value) => {}
        _ => *field = Some(Field { value, from }),
    }
}

/// Joins two versions of a field.
pub(super) fn join_field<T: Ord>(field: &mut Option<Field<T>>, other: Option<Field<T>>) {
    if let Some(other) = other {
        join(field, Some(other.value), other.from);
    }
}
