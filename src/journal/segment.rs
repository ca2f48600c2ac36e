//! One file of the log: its name, its own header and the reading of it. Writing is the writer's.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::error::JournalError;
use super::record::{HEADER_BYTES, Header, Position, Record, Seal};

/// Bytes before the first record of a file.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 28;
/// What a segment's file name ends with.
pub(super) const LOG_SUFFIX: &str = ".log";
/// What an operator renames a damaged segment to, to go on without it.
pub(super) const ASIDE_SUFFIX: &str = ".aside";

const MAGIC: [u8; 8] = *b"askproJ1";

/// `00000000000000000042.log` for the segment whose first record is at position 42.
pub(super) fn file_name(start: Position) -> String {
    format!("{:020}{LOG_SUFFIX}", start.0)
}

/// The start that a file name tells.
pub(super) fn parse_file_name(name: &str, suffix: &str) -> Option<Position> {
    let digits = name.strip_suffix(suffix)?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().map(Position)
}

/// The first bytes of a segment. `previous_end` is the end of the log when the segment was begun:
/// what the file before holds beyond it was never acknowledged, and less than it is a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) start: Position,
    pub(super) previous_end: Position,
}

impl SegmentHeader {
    pub(super) fn encode(&self, seal: Seal) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.start.0.to_le_bytes());
        bytes.extend_from_slice(&self.previous_end.0.to_le_bytes());
        let checksum = seal.checksum(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(seal: Seal, bytes: &[u8; SEGMENT_HEADER_BYTES as usize]) -> Option<SegmentHeader> {
        let (fields, checksum) = bytes.split_last_chunk::<4>()?;
        let (magic, positions) = fields.split_first_chunk::<8>()?;
        let (start, previous_end) = positions.split_first_chunk::<8>()?;
        let sound = *magic == MAGIC && seal.checksum(fields) == u32::from_le_bytes(*checksum);
        let position = |bytes: [u8; 8]| Position(u64::from_le_bytes(bytes));
        let (start, previous_end) = (position(*start), position(*previous_end.first_chunk::<8>()?));
        (sound && previous_end <= start).then_some(SegmentHeader { start, previous_end })
    }
}

/// A segment open for reading. Stays readable for those who hold it after its file was removed.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) start: Position,
    pub(super) path: PathBuf,
    file: File,
    end: AtomicU64,
}

impl Segment {
    pub(super) fn open(dir: &Path, start: Position, end: Position) -> io::Result<Segment> {
        let path = dir.join(file_name(start));
        let file = File::open(&path)?;
        Ok(Segment { start, path, file, end: AtomicU64::new(end.0) })
    }

    /// End of what is on disk.
    pub(super) fn end(&self) -> Position {
        Position(self.end.load(Ordering::Acquire))
    }

    pub(super) fn set_end(&self, end: Position) {
        self.end.store(end.0, Ordering::Release);
    }

    /// Bytes of the file that count.
    pub(super) fn bytes(&self) -> u64 {
        SEGMENT_HEADER_BYTES + self.end().0.saturating_sub(self.start.0)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Byte offset of `position` in the file.
    pub(super) fn offset(&self, position: Position) -> u64 {
        SEGMENT_HEADER_BYTES + position.0.saturating_sub(self.start.0)
    }

    /// Reads one record with its checksums: two `pread` calls.
    pub(super) fn read(&self, seal: Seal, position: Position) -> Result<Record, JournalError> {
        let offset = self.offset(position);
        let mut bytes = [0; HEADER_BYTES];
        self.read_exact(&mut bytes, offset)?;
        let header = Header::decode(seal, position, &bytes).ok_or_else(|| self.damaged(position))?;
        if header.void {
            return Err(JournalError::NotFound { position });
        }
        let mut payload = vec![0; header.payload_bytes()];
        self.read_exact(&mut payload, offset + HEADER_BYTES as u64)?;
        if seal.checksum(&payload) != header.payload_checksum {
            return Err(self.damaged(position));
        }
        Ok(Record { kind: header.kind, payload: Bytes::from(payload) })
    }

    pub(super) fn damaged(&self, position: Position) -> JournalError {
        damaged(&self.path, self.offset(position))
    }

    fn read_exact(&self, bytes: &mut [u8], offset: u64) -> Result<(), JournalError> {
        self.file.read_exact_at(bytes, offset).map_err(JournalError::io("read", &self.path))
    }
}

/// The error for damage at a byte of a segment, with what an operator can do about it.
pub(super) fn damaged(path: &Path, offset: u64) -> JournalError {
    let aside = path.with_extension("aside");
    let remedy = format!(
        "acknowledged records may be lost here, so nothing was skipped. Check the disk, then restore this file \
         from a copy; or, to go on WITHOUT all records of this segment, rename it to {} and start again; if \
         the machine just lost power and this is the newest segment, `truncate --size={offset}` keeps the \
         records before the damage",
        aside.display()
    );
    JournalError::Corrupt { segment: path.to_owned(), offset, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_tells_its_start() {
        let name = file_name(Position(42));
        assert_eq!(name, "00000000000000000042.log");
        assert_eq!(parse_file_name(&name, LOG_SUFFIX), Some(Position(42)));
        assert_eq!(parse_file_name("42.log", LOG_SUFFIX), None);
        assert_eq!(parse_file_name("journal.id", LOG_SUFFIX), None);
    }

    #[test]
    fn a_segment_header_of_another_journal_is_not_taken() {
        let header = SegmentHeader { start: Position(9), previous_end: Position(4) };
        let bytes: [u8; 28] = header.encode(Seal::of("a")).try_into().unwrap();
        assert_eq!(SegmentHeader::decode(Seal::of("a"), &bytes), Some(header));
        assert_eq!(SegmentHeader::decode(Seal::of("b"), &bytes), None);
    }

    #[test]
    fn a_log_that_ended_behind_the_start_of_its_next_segment_is_not_taken() {
        let header = SegmentHeader { start: Position(9), previous_end: Position(10) };
        let bytes: [u8; 28] = header.encode(Seal::of("a")).try_into().unwrap();
        assert_eq!(SegmentHeader::decode(Seal::of("a"), &bytes), None);
    }
}
