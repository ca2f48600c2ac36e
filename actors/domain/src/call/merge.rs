//! The order-free merge of one field.

use std::ops::Deref;

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

/// A value with its provenance. Of the fields of a live call most are empty: an empty one takes the room of a pointer,
/// where it took 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field<T>(Box<Told<T>>);

/// What a [`Field`] holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told<T> {
    /// The value.
    #[serde(rename = "v")]
    pub value: T,
    /// Who said so.
    #[serde(rename = "p")]
    pub from: Provenance,
}

impl<T> Deref for Field<T> {
    type Target = Told<T>;

    fn deref(&self) -> &Told<T> {
        &self.0
    }
}

/// Joins a new version into a field: the higher provenance stays. `None` says nothing.
pub(super) fn join<T: Ord>(field: &mut Option<Field<T>>, value: Option<T>, from: Provenance) {
    let Some(value) = value else { return };
    if wins(field.as_ref(), &value, from) {
        *field = Some(Field(Box::new(Told { value, from })));
    }
}

/// Joins two versions of a field.
pub(super) fn join_field<T: Ord>(field: &mut Option<Field<T>>, other: Option<Field<T>>) {
    if let Some(other) = other
        && wins(field.as_ref(), &other.value, other.from)
    {
        *field = Some(other);
    }
}

fn wins<T: Ord>(field: Option<&Field<T>>, value: &T, from: Provenance) -> bool {
    field.is_none_or(|old| (old.from, &old.value) < (from, value))
}
