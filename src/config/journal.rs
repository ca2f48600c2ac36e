//! `[journal]`: the durable log's folder and room.

use std::path::PathBuf;

use super::{ConfigError, settings::Settings};

/// The durable log's folder and room.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// Folder of the log, locked by the process that uses it.
    pub dir: PathBuf,
    /// Room for the journal; past it webhooks are answered 503.
    pub max_bytes: u64,
    /// Size at which a segment is closed: as configured, but never more than a quarter of `max_bytes`, so that
    /// a small journal too can let go of what is done.
    pub segment_bytes: u64,
}

impl JournalConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let dir = settings.text("journal.dir")?;
        if dir.is_empty() {
            return Err(settings.invalid("journal.dir", "give a folder that this process may write to"));
        }
        let max_bytes: u64 = settings.number("journal.max_bytes", 65_536..=1_099_511_627_776)?;
        let segment_bytes: u64 = settings.number("journal.segment_bytes", 4096..=1_073_741_824)?;
        Ok(Self { dir: PathBuf::from(dir), max_bytes, segment_bytes: segment_bytes.min(max_bytes / 4) })
    }
}
