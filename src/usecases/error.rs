//! Why an admin's wish was not fulfilled.

use askpro_actors::ports::stores::StoreError;

use super::ingest::IngestError;

/// Why an admin's wish was not fulfilled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AdminError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal did not take it, or there is too much to do: try again.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A parameter has a value that cannot be.
    #[error("the parameter `{name}` must be {expected}")]
    BadParameter {
        /// Its name.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// It needs a setting that is empty.
    #[error("`{key}` is empty")]
    NotConfigured {
        /// The setting.
        key: &'static str,
    },
    /// There is no such thing.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// It is kept for people to read; it cannot be played again.
    #[error("it cannot be replayed: {reason}")]
    NotReplayable {
        /// Why.
        reason: String,
    },
}
