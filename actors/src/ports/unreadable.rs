//! Rows that cannot be read. One of them must not keep the others from whoever reads many, nor a company from its work.

use super::stores::StoreError;
use crate::metrics::ROWS_UNREADABLE;

/// A table whose rows stop nobody when they cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// `appointments`.
    Appointments,
    /// `callbacks`.
    Callbacks,
    /// `calls`.
    Calls,
    /// `companies`.
    Companies,
}

impl Table {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Appointments => "appointments",
            Self::Callbacks => "callbacks",
            Self::Calls => "calls",
            Self::Companies => "companies",
        }
    }
}

/// The row, unless it cannot be read.
pub fn unless_unreadable<T>(table: Table, row: Result<T, StoreError>) -> Option<T> {
    row.inspect_err(|error| tell_unreadable(table, error)).ok()
}

/// Tells operators which row cannot be read, never what is in it.
pub fn tell_unreadable(table: Table, error: &StoreError) {
    tracing::error!(table = table.name(), %error, "a row cannot be read");
    metrics::counter!(ROWS_UNREADABLE.name, "table" => table.name()).increment(1);
}
