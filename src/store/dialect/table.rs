//! What a multi-row insert needs to know of a table, and how many rows go into one statement.

use std::iter;

/// Rows in one statement at most; with 20 columns far below the placeholder limits (SQLite 32,766).
pub(in crate::store) const CHUNK_ROWS_MAX: usize = 512;
/// Bytes in one statement at most, unless a single row is larger; half of MariaDB's default packet.
pub(in crate::store) const CHUNK_BYTES_MAX: usize = 8 << 20;
/// Bytes of a single row at most; what is left of a packet of 16 MB is for the statement itself.
pub(in crate::store) const ROW_BYTES_MAX: usize = 15 << 20;

/// A table that batches write.
#[derive(Debug)]
pub(in crate::store) struct Table {
    /// Its name.
    pub(in crate::store) name: &'static str,
    /// All columns; those of its unique key first.
    pub(in crate::store) columns: &'static [&'static str],
    /// How many columns that key has.
    pub(in crate::store) key_columns: usize,
    /// What happens to a row that is there.
    pub(in crate::store) on_conflict: OnConflict,
}

/// What happens to a row that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum OnConflict {
    /// It stays.
    Keep,
    /// Its columns beside the key are replaced. When a unique column outside of the key names a row of
    /// another company, the database refuses.
    Replace,
    /// As `Replace`, but only when the new value of this column (never one of the key) is higher.
    ReplaceWhenHigher(&'static str),
}

impl Table {
    /// Columns of that key.
    pub(in crate::store) fn key(&self) -> &'static [&'static str] {
        self.columns.get(..self.key_columns).unwrap_or(self.columns)
    }

    /// The other columns.
    pub(in crate::store) fn payload(&self) -> &'static [&'static str] {
        self.columns.get(self.key_columns..).unwrap_or_default()
    }

    /// Where a column stands in a row.
    pub(in crate::store) fn index_of(&self, column: &str) -> usize {
        self.columns.iter().position(|c| *c == column).unwrap_or_default()
    }

    /// `INSERT INTO t (a, b) VALUES (?, ?), (?, ?)`, the part that both dialects share.
    pub(super) fn insert_text(&self, rows: usize) -> String {
        let row = format!("({})", placeholders(self.columns.len()));
        let rows = iter::repeat_n(row.as_str(), rows).collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {} ({}) VALUES {rows}", self.name, self.columns.join(", "))
    }
}

/// `?, ?, ?`
pub(in crate::store) fn placeholders(count: usize) -> String {
    iter::repeat_n("?", count).collect::<Vec<_>>().join(", ")
}

/// How many rows go into each statement: powers of two, so that few distinct statements are prepared.
pub(in crate::store) fn plan_chunks(row_bytes: &[usize]) -> Vec<usize> {
    let mut rest = row_bytes;
    let mut plan = Vec::new();
    while !rest.is_empty() {
        let rows = chunk_of(rest);
        plan.push(rows);
        rest = rest.get(rows..).unwrap_or_default();
    }
    plan
}

fn chunk_of(row_bytes: &[usize]) -> usize {
    let mut rows = 1;
    while rows * 2 <= CHUNK_ROWS_MAX {
        match row_bytes.get(..rows * 2) {
            Some(twice) if twice.iter().sum::<usize>() <= CHUNK_BYTES_MAX => rows *= 2,
            _ => break,
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_and_respect_rows_and_bytes() {
        assert_eq!(plan_chunks(&[1; 1300]), [512, 512, 256, 16, 4]);
        assert_eq!(plan_chunks(&[3 << 20; 5]), [2, 2, 1]);
        assert_eq!(plan_chunks(&[10 << 20, 1, 1]), [1, 2]);
        assert!(plan_chunks(&[]).is_empty());
    }
}
