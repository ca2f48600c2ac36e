//! What an error of the database means for the caller.
//!
//! Texts of refusals are made here from numbers, because servers quote the values of rows in theirs.

use askpro_actors::ports::stores::StoreError;
use sqlx::{error::ErrorKind, migrate::MigrateError, mysql::MySqlDatabaseError};

/// Why a statement or a transaction failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The driver's error.
    #[error("{0}")]
    Sql(#[from] sqlx::Error),
    /// Decided already.
    #[error(transparent)]
    Final(#[from] StoreError),
}

/// Deadlock and lock wait time-out of MySQL and MariaDB.
const RETRIED: [u16; 2] = [1213, 1205];
/// Errors of MySQL and MariaDB that lie in the values of a row: NULL where none may be, duplicates, out of
/// range, cut, wrong characters, too long, too large for a page or a packet.
const REFUSED: [u16; 12] = [1048, 1062, 1118, 1153, 1264, 1265, 1292, 1300, 1366, 1406, 1586, 1690];
/// Primary result codes of SQLite that lie in the values of a row: too big, constraint, mismatch.
const REFUSED_BY_SQLITE: [u32; 3] = [18, 19, 20];
/// SQLite's busy and locked.
const BUSY: [u32; 2] = [5, 6];

impl Failure {
    /// The database is there but cannot do it now.
    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Final(StoreError::Unavailable(reason.into()))
    }

    /// Something stored is not as it must be.
    pub(super) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Final(StoreError::Corrupt(reason.into()))
    }

    /// What a failed migration means.
    pub(super) fn of_migration(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => Self::Sql(error),
            MigrateError::VersionMismatch(version) => Self::Final(StoreError::Refused(format!(
                "migration {version} was applied with another text than this release has"
            ))),
            other => Self::Final(StoreError::Refused(format!("a migration failed: {other}"))),
        }
    }

    /// Whether the same transaction may succeed when it is run again at once.
    pub(super) fn may_pass(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else { return false };
        match error.try_downcast_ref::<MySqlDatabaseError>() {
            Some(mysql) => RETRIED.contains(&mysql.number()),
            None => sqlite_code(error.as_ref()).is_some_and(|code| BUSY.contains(&code)),
        }
    }
}

/// The primary result code: the low byte of the extended one.
pub(super) fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<u32> {
    error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff)
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Final(error) => error,
            Failure::Sql(error) => of_driver(&error),
        }
    }
}

fn of_driver(error: &sqlx::Error) -> StoreError {
    use sqlx::Error as E;
    match error {
        E::Database(error) => of_database(error.as_ref()),
        E::ColumnDecode { .. }
        | E::Decode(_)
        | E::ColumnNotFound(_)
        | E::ColumnIndexOutOfBounds { .. }
        | E::TypeNotFound { .. }
        | E::RowNotFound => StoreError::Corrupt(error.to_string()),
        E::Encode(_) => StoreError::Refused("a value cannot be encoded".to_owned()),
        E::Configuration(reason) => StoreError::Refused(format!("the URL cannot be used: {reason}")),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn of_database(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    if let Some(mysql) = error.try_downcast_ref::<MySqlDatabaseError>() {
        let number = mysql.number();
        if REFUSED.contains(&number) || matches!(error.kind(), ErrorKind::CheckViolation) {
            return StoreError::Refused(format!("error {number}, {:?}", error.kind()));
        }
        return StoreError::Unavailable(mysql.to_string());
    }
    match sqlite_code(error) {
        Some(code) if REFUSED_BY_SQLITE.contains(&code) => {
            StoreError::Refused(format!("result code {code}, {:?}", error.kind()))
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}
