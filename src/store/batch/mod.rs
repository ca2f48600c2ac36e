//! Commits what the actors want written: one transaction, fenced, whatever the mixture of rows.

mod fold;
mod rows;
mod tables;

use askpro_actors::ports::{
    journal::Position,
    rows::Write,
    stores::{BatchStore, StoreError},
};

use super::{
    Database,
    dialect::{Lock, OnConflict, Table, Transaction, Value, Work},
    failure::Failure,
    text,
};
use fold::Folded;

const SELECT_EPOCH: &str = "SELECT epoch FROM lease WHERE id = 1";
const SELECT_MARK: &str = "SELECT mark FROM journal_marks WHERE journal_id = ?";
const SELECT_ANY_MARK: &str = "SELECT 1 FROM journal_marks LIMIT 1";
const JOURNAL_ID_CHARS_MAX: usize = 128;

/// Never moves back.
const JOURNAL_MARKS: Table = Table {
    name: "journal_marks",
    columns: &["journal_id", "mark"],
    key_columns: 1,
    on_conflict: OnConflict::ReplaceWhenHigher("mark"),
};

#[async_trait::async_trait]
impl BatchStore for Database {
    async fn commit(&self, epoch: i64, writes: &[Write]) -> Result<(), StoreError> {
        let batch = Folded::of(writes)?;
        self.transact(&CommitBatch { epoch, batch }).await
    }

    async fn save_mark(&self, epoch: i64, journal_id: &str, mark: Position) -> Result<(), StoreError> {
        let journal_id = text::id("journal_id", journal_id, JOURNAL_ID_CHARS_MAX)?;
        let mark = i64::try_from(mark.0)
            .map_err(|_| StoreError::Refused("a journal position beyond 2^63".to_owned()))?;
        self.transact(&SaveMark { epoch, journal_id, mark }).await
    }

    async fn load_mark(&self, journal_id: &str) -> Result<Option<Position>, StoreError> {
        let rows: Vec<(i64,)> = self.fetch(SELECT_MARK, &[Value::from(journal_id)]).await?;
        let Some((mark,)) = rows.first() else { return Ok(None) };
        let mark = u64::try_from(*mark)
            .map_err(|_| StoreError::Corrupt(format!("the mark of journal {journal_id} is negative")))?;
        Ok(Some(Position(mark)))
    }
}

impl Database {
    /// Whether it has ever had a journal.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn knows_a_journal(&self) -> Result<bool, StoreError> {
        let rows: Vec<(i64,)> = self.fetch(SELECT_ANY_MARK, &[]).await?;
        Ok(!rows.is_empty())
    }
}

struct CommitBatch<'a> {
    epoch: i64,
    batch: Folded<'a>,
}

#[async_trait::async_trait]
impl Work for CommitBatch<'_> {
    type Output = ();

    /// Tables and keys always in the same order, so that two batches seldom wait for each other in a ring.
    async fn run(&self, transaction: &mut Transaction) -> Result<(), Failure> {
        check_fence(transaction, self.epoch).await?;
        transaction.delete("quarantine", "call_id", &self.batch.released).await?;
        transaction.delete("dead_letters", "id", &self.batch.replayed).await?;
        for (table, rows) in &self.batch.tables {
            transaction.upsert(table, rows).await?;
        }
        Ok(())
    }
}

struct SaveMark<'a> {
    epoch: i64,
    journal_id: &'a str,
    mark: i64,
}

#[async_trait::async_trait]
impl Work for SaveMark<'_> {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> Result<(), Failure> {
        check_fence(transaction, self.epoch).await?;
        let row = vec![Value::from(self.journal_id), Value::from(self.mark)];
        transaction.upsert(&JOURNAL_MARKS, &[row]).await
    }
}

/// Locks the lease row shared until the end of the transaction: batches of one owner run side by side, and
/// a new owner's epoch waits for those that are under way.
async fn check_fence(transaction: &mut Transaction, ours: i64) -> Result<(), Failure> {
    let rows: Vec<(i64,)> = transaction.fetch_locked(SELECT_EPOCH, Lock::Shared).await?;
    match rows.first() {
        Some((current,)) if *current == ours => Ok(()),
        Some((current,)) => Err(StoreError::Fenced { ours, current: *current }.into()),
        None => Err(Failure::corrupt("the lease row is missing")),
    }
}
