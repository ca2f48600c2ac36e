//! The lease row: one process owns a database, and every write is fenced by the owner's epoch.

use askpro_actors::ports::stores::{LeaseAnswer, LeaseStore, StoreError};
use askpro_domain::time::UnixMillis;

use super::{
    Database,
    dialect::{Lock, Transaction, Value, Work},
    failure::Failure,
    text,
};

/// The migration that makes the lease's table.
pub(super) const MIGRATION: i64 = 5;
const SELECT_LEASE: &str = "SELECT owner, epoch, until_ms FROM lease WHERE id = 1";
const TAKE: &str = "UPDATE lease SET owner = ?, epoch = ?, until_ms = ? WHERE id = 1";
const RENEW: &str = "UPDATE lease SET until_ms = ? WHERE id = 1 AND owner = ? AND epoch = ?";
const OWNER_CHARS_MAX: usize = 255;

#[async_trait::async_trait]
impl LeaseStore for Database {
    async fn acquire(&self, owner: &str, now: UnixMillis, ttl_ms: i64) -> Result<LeaseAnswer, StoreError> {
        let owner = text::id("owner", owner, OWNER_CHARS_MAX)?;
        self.transact(&Acquire { owner, now, ttl_ms }).await
    }

    async fn renew(&self, owner: &str, epoch: i64, now: UnixMillis, ttl_ms: i64) -> Result<bool, StoreError> {
        self.transact(&Prolong { owner, epoch, until: now.plus_ms(ttl_ms) }).await
    }

    async fn release(&self, owner: &str, epoch: i64) -> Result<(), StoreError> {
        self.transact(&Prolong { owner, epoch, until: UnixMillis(0) }).await.map(|_| ())
    }
}

impl Database {
    /// Who has the lease, by name; `None` when it was given back or never taken. An ended one still names who had
    /// it.
    pub async fn lease_owner(&self) -> Result<Option<String>, StoreError> {
        let rows: Vec<(String, i64, i64)> = self.fetch(SELECT_LEASE, &[]).await?;
        let taken = |(owner, _, until): (String, i64, i64)| (until > 0).then_some(owner);
        Ok(rows.into_iter().next().and_then(taken))
    }
}

struct Acquire<'a> {
    owner: &'a str,
    now: UnixMillis,
    ttl_ms: i64,
}

#[async_trait::async_trait]
impl Work for Acquire<'_> {
    type Output = LeaseAnswer;

    async fn run(&self, transaction: &mut Transaction) -> Result<LeaseAnswer, Failure> {
        let rows: Vec<(String, i64, i64)> = transaction.fetch_locked(SELECT_LEASE, Lock::Exclusive).await?;
        let Some((owner, epoch, until)) = rows.into_iter().next() else {
            return Err(Failure::corrupt("the lease row is missing"));
        };
        if owner != self.owner && until > self.now.0 {
            return Ok(LeaseAnswer::Taken { owner, until: UnixMillis(until) });
        }
        let epoch = epoch.saturating_add(1);
        let until = self.now.plus_ms(self.ttl_ms);
        transaction.execute(TAKE, &[self.owner.into(), epoch.into(), until.0.into()]).await?;
        Ok(LeaseAnswer::Acquired { epoch })
    }
}

/// Moves the end of a lease that is still this owner's in this epoch.
struct Prolong<'a> {
    owner: &'a str,
    epoch: i64,
    until: UnixMillis,
}

#[async_trait::async_trait]
impl Work for Prolong<'_> {
    type Output = bool;

    async fn run(&self, transaction: &mut Transaction) -> Result<bool, Failure> {
        let values: [Value<'_>; 3] = [self.until.0.into(), self.owner.into(), self.epoch.into()];
        Ok(transaction.execute(RENEW, &values).await? > 0)
    }
}
