//! Folds the writes of a batch into rows: one per key, sorted, by table. Pure.

use std::collections::{BTreeMap, BTreeSet};

use askpro_actors::ports::{rows::Write, stores::StoreError};

use super::{
    super::{
        dialect::{OnConflict, ROW_BYTES_MAX, Row, Table, Value},
        text,
    },
    rows, tables,
};

/// A batch as it goes to the database. Deletions come first: what was written before one in the same batch
/// is dropped from it here.
pub(super) struct Folded<'a> {
    /// Calls whose quarantined events go.
    pub(super) released: Vec<Value<'a>>,
    /// Dead letters that go.
    pub(super) replayed: Vec<Value<'a>>,
    /// Rows, in a fixed order of tables.
    pub(super) tables: Vec<(&'static Table, Vec<Row<'a>>)>,
}

/// Rows of one table by key.
#[derive(Default)]
struct Rows<'a>(BTreeMap<Vec<Value<'a>>, Row<'a>>);

#[derive(Default)]
struct Folding<'a> {
    released: BTreeSet<&'a str>,
    replayed: BTreeSet<&'a str>,
    tables: BTreeMap<usize, Rows<'a>>,
}

impl<'a> Folded<'a> {
    /// Folds. Errors: [`StoreError::Refused`] when a row can never be stored.
    pub(super) fn of(writes: &'a [Write]) -> Result<Self, StoreError> {
        let mut folding = Folding::default();
        for write in writes {
            folding.take(write)?;
        }
        Ok(folding.done())
    }
}

impl<'a> Folding<'a> {
    fn take(&mut self, write: &'a Write) -> Result<(), StoreError> {
        match write {
            Write::Event(row) => self.put(tables::CALL_EVENTS, rows::event(row)?),
            Write::Call(row) => self.put(tables::CALLS, rows::call(row)?),
            Write::Appointment(row) => self.put(tables::APPOINTMENTS, rows::appointment(row)?),
            Write::Outbox(row) => self.put(tables::OUTBOX, rows::outbox(row)?),
            Write::Callback(row) => self.put(tables::CALLBACKS, rows::callback(row)?),
            Write::Customer(row) => self.put(tables::CUSTOMERS, rows::customer(row)?),
            Write::PlatformEvent(row) => self.put(tables::PLATFORM_EVENTS, rows::platform_event(row)?),
            Write::CalendarEvent(row) => self.put(tables::CALENDAR_EVENTS, rows::calendar_event(row)?),
            Write::Quarantine(row) => self.put(tables::QUARANTINE, rows::quarantine(row)?),
            Write::DeadLetter(row) => self.put(tables::DEAD_LETTERS, rows::dead_letter(row)?),
            Write::FunctionCall(row) => self.put(tables::FUNCTION_CALLS, rows::function_call(row)?),
            Write::QuarantineReleased(call_id) => {
                self.forget(tables::QUARANTINE, "call_id", call_id.as_str());
                if text::is_id(call_id.as_str(), rows::CALL_ID_CHARS_MAX) {
                    self.released.insert(call_id.as_str());
                }
                Ok(())
            }
            Write::DeadLetterReplayed(id) => {
                self.forget(tables::DEAD_LETTERS, "id", id);
                if text::is_id(id, rows::DEAD_LETTER_ID_CHARS_MAX) {
                    self.replayed.insert(id);
                }
                Ok(())
            }
        }
    }

    fn put(&mut self, index: usize, row: Row<'a>) -> Result<(), StoreError> {
        let Some(table) = tables::ALL.get(index) else { return Ok(()) };
        let bytes: usize = row.iter().map(Value::bytes).sum();
        if bytes > ROW_BYTES_MAX {
            return Err(StoreError::Refused(format!(
                "a row of {} with {bytes} bytes; {ROW_BYTES_MAX} are possible",
                table.name
            )));
        }
        self.tables.entry(index).or_default().put(table, row);
        Ok(())
    }

    fn forget(&mut self, index: usize, column: &str, value: &str) {
        let (Some(table), Some(rows)) = (tables::ALL.get(index), self.tables.get_mut(&index)) else { return };
        let (at, gone) = (table.index_of(column), Value::from(value));
        rows.0.retain(|_, row| row.get(at) != Some(&gone));
    }

    fn done(self) -> Folded<'a> {
        let values = |set: BTreeSet<&'a str>| set.into_iter().map(Value::from).collect();
        let sorted = self.tables.into_iter().filter_map(|(index, rows)| {
            let table = tables::ALL.get(index)?;
            let mut rows: Vec<Row<'a>> = rows.0.into_values().collect();
            if index == tables::CALLS {
                // MySQL and MariaDB find a call that is there by its id alone, and lock in the order of that index.
                let at = table.index_of("call_id");
                rows.sort_by(|one, other| one.get(at).cmp(&other.get(at)));
            }
            Some((table, rows))
        });
        Folded { tables: sorted.collect(), released: values(self.released), replayed: values(self.replayed) }
    }
}

impl<'a> Rows<'a> {
    /// The same rule as the database's, so that a batch gives what its writes one by one would give.
    fn put(&mut self, table: &Table, row: Row<'a>) {
        let key = row.get(..table.key_columns).unwrap_or(&row).to_vec();
        let replaces = match (table.on_conflict, self.0.get(&key)) {
            (_, None) | (OnConflict::Replace, Some(_)) => true,
            (OnConflict::Keep, Some(_)) => false,
            (OnConflict::ReplaceWhenHigher(guard), Some(there)) => {
                let at = table.index_of(guard);
                row.get(at) > there.get(at)
            }
        };
        if replaces {
            self.0.insert(key, row);
        }
    }
}
