//! The few file operations by which the journal changes the disk, behind a small trait so that a
//! test can make each of them fail. Reading is not behind it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt as _};
use std::path::Path;

/// Rights of a new folder and of a new file: calls are in them, for nobody but the service's user. What is there
/// already keeps the rights that it has.
pub(super) const OWN_FOLDER: u32 = 0o700;
pub(super) const OWN_FILE: u32 = 0o600;

/// Creates segments and makes the folder's entries durable.
pub(super) trait Disk: Send {
    /// An empty file for writing; what was under this name is gone.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
    /// Makes created and removed names durable.
    fn sync_folder(&self, dir: &Path) -> io::Result<()>;
}

/// One segment open for writing.
pub(super) trait SegmentFile: Send {
    /// Writes all of `bytes` at `offset`.
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Data and size are on disk when this returns.
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file.
    fn truncate(&self, length: u64) -> io::Result<()>;
}

/// The operating system's files.
pub(super) struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(OWN_FILE).open(path)?;
        Ok(Box::new(file))
    }

    fn sync_folder(&self, dir: &Path) -> io::Result<()> {
        sync_folder(dir)
    }
}

impl SegmentFile for File {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Makes created, renamed and removed names in `dir` durable.
pub(super) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
