//! Brings the schema up to date.
//!
//! A migration may write a whole table anew. Whoever writes to it meanwhile waits, the owner of the database with the
//! row of its lease locked, so migrations are the owner's: a service migrates when it has the lease, a command takes
//! the lease for it. Nobody can own a database without a table for the lease: it gets its whole schema at once.

use std::time::Duration;

use anyhow::Context as _;

use super::lease::Lease;
use crate::store::{Database, Schema};

/// Makes the tables of a new database; changes no other one.
///
/// # Errors
/// A database that cannot be reached or refuses.
pub(super) async fn make_if_new(database: &Database) -> anyhow::Result<()> {
    match stand_of(database).await? {
        stand @ Schema::New => apply(database, stand).await,
        Schema::Behind | Schema::UpToDate => Ok(()),
    }
}

/// Applies what is missing, for the owner of the database.
///
/// # Errors
/// A schema that is not what this release knows; a database that cannot be reached or refuses.
pub(super) async fn migrate(database: &Database) -> anyhow::Result<()> {
    apply(database, stand_of(database).await?).await
}

/// Applies what is missing, for a command.
///
/// # Errors
/// As [`migrate`]; and an owner that is at work, where something is missing.
pub(super) async fn bring_up_to_date(database: &Database, lease_ttl: Duration) -> anyhow::Result<()> {
    let stand = stand_of(database).await?;
    if stand != Schema::Behind {
        return apply(database, stand).await;
    }
    let borrowed = Lease::borrow(database, lease_ttl).await;
    let (lease, keeper) = borrowed.context("database.url: the schema is not up to date")?;
    let migrated = apply(database, stand).await;
    keeper.abort();
    lease.release().await;
    migrated
}

async fn apply(database: &Database, stand: Schema) -> anyhow::Result<()> {
    if stand == Schema::Behind {
        tracing::info!("the schema is brought up to date");
    }
    database.migrate().await.context("database.url: the schema cannot be brought up to date")
}

async fn stand_of(database: &Database) -> anyhow::Result<Schema> {
    database.schema().await.context("database.url: the schema cannot be read")
}
