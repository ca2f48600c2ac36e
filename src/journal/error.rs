//! What can go wrong in the journal, told so that a caller or an operator knows what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::Position;

/// A failure of the journal; cheap to clone, because one failed write answers many waiters.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The journal holds as many bytes as it may. Works again once segments are removed.
    #[error(
        "the journal is full: {bytes} of {max_bytes} bytes (journal.max_bytes); it takes records again once \
         older ones are committed"
    )]
    Full {
        /// Bytes in live segments and in the queue.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The disk is slower than the appends: the bounded queue has no room. Try again soon.
    #[error("the journal's write queue is full: {queued_bytes} of {max_bytes} bytes wait for the disk")]
    Busy {
        /// Bytes that wait.
        queued_bytes: u64,
        /// The bound.
        max_bytes: u64,
    },
    /// A record above [`super::MAX_RECORD_BYTES`]. Never works; nothing was written.
    #[error("a record of {bytes} bytes is larger than the journal takes ({max_bytes})")]
    TooLarge {
        /// Bytes of the payload.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The operating system refused. The record of an awaited append is not in the journal.
    #[error("the journal could not {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: Arc<io::Error>,
    },
    /// Writing failed before and has not worked since; nothing was tried for this append.
    #[error("the journal is out of service until its disk works again: {reason}")]
    Failed {
        /// The failure that put it out of service.
        reason: String,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// No record starts at this position: removed, never durable, or not a record's start.
    #[error("the journal has no record at position {position}")]
    NotFound {
        /// The position asked for.
        position: Position,
    },
    /// A record that was durable is damaged, or a segment is missing. Never skipped in silence.
    #[error("the journal segment {} is damaged at byte {offset}: {remedy}", segment.display())]
    Corrupt {
        /// The damaged (or missing) segment.
        segment: PathBuf,
        /// Byte offset in the file.
        offset: u64,
        /// What an operator can do.
        remedy: String,
    },
    /// Another process (or another journal in this one) owns the folder.
    #[error(
        "the journal folder {} is in use by another process: stop it, or give this one a folder of its own \
         (journal.dir)",
        dir.display()
    )]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder cannot be used as a journal.
    #[error("the journal folder {} cannot be used ({reason}): {remedy}", dir.display())]
    Folder {
        /// The folder or the file in it.
        dir: PathBuf,
        /// What is wrong.
        reason: String,
        /// What an operator can do.
        remedy: String,
    },
}

impl JournalError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        move |source| JournalError::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }

    /// A failure to use the folder at start-up, with the remedy for this kind of failure.
    pub(super) fn folder(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        move |source| JournalError::Folder {
            dir: path.to_owned(),
            reason: source.to_string(),
            remedy: folder_remedy(source.kind()).to_owned(),
        }
    }

    pub(super) fn is_disk_full(&self) -> bool {
        matches!(self, JournalError::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

fn folder_remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied => {
            "give the service's user the right to read and write it, or set journal.dir to a folder it owns"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file is in the way; move it, or set journal.dir to a folder"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is mounted read-only; mount it writable, or set journal.dir to another disk"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free space on the disk, or set journal.dir to another one"
        }
        _ => "check that journal.dir names a writable folder on a healthy local disk",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_names_the_path_and_the_remedy() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        let text = JournalError::folder(Path::new("/var/lib/askpro"))(refused).to_string();
        assert!(text.contains("/var/lib/askpro") && text.contains("journal.dir"), "{text}");
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let path = Path::new("x");
        assert!(JournalError::io("write", path)(io::Error::from_raw_os_error(28)).is_disk_full());
        assert!(!JournalError::io("write", path)(io::Error::from_raw_os_error(5)).is_disk_full());
    }
}
