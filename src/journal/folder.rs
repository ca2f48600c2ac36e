//! The journal's folder: its lock, its id and the names in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::disk::{OWN_FILE, OWN_FOLDER, sync_folder};
use super::error::JournalError;
use super::record::Position;
use super::segment::{ASIDE_SUFFIX, LOG_SUFFIX, SEGMENT_HEADER_BYTES, file_name, parse_file_name};

const LOCK_FILE: &str = "lock";
const ID_FILE: &str = "journal.id";
const ID_BYTES_MAX: usize = 128;
/// No journal gets so far: a file that only its name puts beyond is none of this journal's.
const POSITION_MAX: u64 = 1 << 62;
/// A file at that limit makes the next segment begin beyond it, and so does each later start: what this journal has
/// sealed is taken up to here, 2^35 starts further on. The database can hold it.
const SEALED_POSITION_MAX: u64 = POSITION_MAX + (1 << 61);

/// The segments of a folder by start, and those an operator moved aside with the end of their bytes.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) segments: Vec<Position>,
    pub(super) aside: Vec<(Position, Position)>,
}

/// Creates the folder if need be and takes its lock; the lock lives as long as the file is held.
pub(super) fn lock(dir: &Path) -> Result<File, JournalError> {
    let created = DirBuilder::new().recursive(true).mode(OWN_FOLDER).create(dir);
    created.map_err(JournalError::folder(dir))?;
    let path = dir.join(LOCK_FILE);
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(OWN_FILE).open(&path);
    let file = opened.map_err(JournalError::folder(&path))?;
    locked(dir, file)
}

/// Takes the lock of a folder that was a journal before; nothing when it was none.
pub(super) fn lock_existing(dir: &Path) -> Result<Option<File>, JournalError> {
    let path = dir.join(LOCK_FILE);
    match OpenOptions::new().write(true).open(&path) {
        Ok(file) => locked(dir, file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JournalError::folder(&path)(error)),
    }
}

fn locked(dir: &Path, file: File) -> Result<File, JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(JournalError::folder(&dir.join(LOCK_FILE))(error)),
    }
}

/// Reads the names in the folder; other names are left alone.
pub(super) fn list(dir: &Path) -> Result<Listing, JournalError> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(dir).map_err(JournalError::folder(dir))? {
        let entry = entry.map_err(JournalError::folder(dir))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(start) = parse_file_name(name, LOG_SUFFIX) {
            listing.segments.push(start);
        } else if let Some(start) = parse_file_name(name, ASIDE_SUFFIX) {
            let bytes = entry.metadata().map_err(JournalError::folder(&entry.path()))?.len();
            let end = Position(start.0.saturating_add(bytes));
            check_reach(&entry.path(), end, false)?;
            listing.aside.push((start, end));
        }
    }
    listing.segments.sort_unstable();
    listing.aside.sort_unstable();
    Ok(listing)
}

/// Refuses a file whose positions no journal reaches.
pub(super) fn check_reach(path: &Path, end: Position, is_sealed: bool) -> Result<(), JournalError> {
    if end.0 <= if is_sealed { SEALED_POSITION_MAX } else { POSITION_MAX } {
        return Ok(());
    }
    Err(JournalError::Folder {
        dir: path.to_owned(),
        reason: "its name and size tell positions that no journal reaches".to_owned(),
        remedy: "it is no segment of this journal: move it to another folder".to_owned(),
    })
}

/// The id of the journal that lives here; nothing when the folder holds none yet.
pub(super) fn find_id(dir: &Path, listing: &Listing) -> Result<Option<String>, JournalError> {
    let path = dir.join(ID_FILE);
    let id = match fs::read_to_string(&path) {
        Ok(text) => Some(checked_id(&path, text.trim())?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(JournalError::folder(&path)(error)),
    };
    let empty = listing.segments.is_empty() && listing.aside.is_empty();
    match id {
        Some(_) if empty => Err(JournalError::Folder {
            dir: dir.to_owned(),
            reason: "it has an id but no segments".to_owned(),
            remedy: "restore the segments; or, to begin an empty journal under a new id, remove journal.id"
                .to_owned(),
        }),
        None if !empty && !is_unfinished_creation(dir, listing) => Err(JournalError::Folder {
            dir: dir.to_owned(),
            reason: "it has segments but no journal.id".to_owned(),
            remedy:
                "restore journal.id, without which no record can be verified; or, to begin an empty journal, \
                     move the segments to another folder"
                    .to_owned(),
        }),
        id => Ok(id),
    }
}

/// Writes the id; the last step of creating a journal.
pub(super) fn save_id(dir: &Path, id: &str) -> Result<(), JournalError> {
    let path = dir.join(ID_FILE);
    let id = checked_id(&path, id)?;
    let unfinished = dir.join("journal.id.new");
    let write = || {
        let options = OpenOptions::new().write(true).create(true).truncate(true).mode(OWN_FILE).clone();
        let mut file = options.open(&unfinished)?;
        file.write_all(id.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        sync_folder(dir)
    };
    write().map_err(JournalError::folder(&path))
}

fn checked_id(path: &Path, id: &str) -> Result<String, JournalError> {
    if id.is_empty() || id.len() > ID_BYTES_MAX || id.chars().any(char::is_control) {
        return Err(JournalError::Folder {
            dir: path.to_owned(),
            reason: format!("the id must be 1 to {ID_BYTES_MAX} printable bytes"),
            remedy: "restore journal.id from a copy".to_owned(),
        });
    }
    Ok(id.to_owned())
}

/// The first segment is made before the id: a crash in between leaves it alone and without records.
fn is_unfinished_creation(dir: &Path, listing: &Listing) -> bool {
    let first = Position(0);
    let length = fs::metadata(dir.join(file_name(first))).map_or(u64::MAX, |file| file.len());
    listing.segments == [first] && listing.aside.is_empty() && length <= SEGMENT_HEADER_BYTES
}
