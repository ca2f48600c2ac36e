//! Walks over the records of a file in large reads; used by the check at start-up and by replay.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::record::{HEADER_BYTES, Header, Position, Seal};

/// Bytes asked of the operating system at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A window over the bytes of a file up to `limit`; grows to the largest record met.
#[derive(Debug)]
pub(super) struct Chunks {
    buffer: Vec<u8>,
    offset: u64,
    limit: u64,
}

/// What lies at a position.
pub(super) enum Found<'a> {
    /// A sound record.
    Record { header: Header, payload: &'a [u8] },
    /// The limit is reached exactly.
    End,
    /// Bytes that are no whole, sound record.
    Bad,
}

impl Chunks {
    pub(super) fn up_to(limit: u64) -> Chunks {
        Chunks { buffer: Vec::new(), offset: 0, limit }
    }

    /// The record of `position`, which lies at byte `offset` of the file.
    pub(super) fn record(
        &mut self,
        file: &File,
        seal: Seal,
        position: Position,
        offset: u64,
    ) -> io::Result<Found<'_>> {
        if offset >= self.limit {
            return Ok(Found::End);
        }
        let header = self.bytes(file, offset, HEADER_BYTES)?.and_then(|bytes| bytes.first_chunk());
        let Some(header) = header.and_then(|bytes| Header::decode(seal, position, bytes)) else {
            return Ok(Found::Bad);
        };
        let payload = self.bytes(file, offset + HEADER_BYTES as u64, header.payload_bytes())?;
        Ok(match payload {
            Some(payload) if seal.checksum(payload) == header.payload_checksum => {
                Found::Record { header, payload }
            }
            _ => Found::Bad,
        })
    }

    /// `count` bytes from `offset` on; nothing when the file has fewer up to the limit.
    pub(super) fn bytes(&mut self, file: &File, offset: u64, count: usize) -> io::Result<Option<&[u8]>> {
        if offset + count as u64 > self.limit {
            return Ok(None);
        }
        let held = self.offset..self.offset + self.buffer.len() as u64;
        if offset < held.start || offset + count as u64 > held.end {
            let rest = usize::try_from(self.limit - offset).unwrap_or(usize::MAX);
            self.buffer.resize(count.max(CHUNK_BYTES).min(rest), 0);
            self.offset = offset;
            if let Err(error) = file.read_exact_at(&mut self.buffer, offset) {
                self.buffer.clear();
                return Err(error);
            }
        }
        let from = usize::try_from(offset - self.offset).unwrap_or(usize::MAX);
        Ok(self.buffer.get(from..from.saturating_add(count)))
    }
}
