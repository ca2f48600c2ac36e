//! A record and its layout on disk; pure functions over bytes. The layout is described in the
//! module doc of the journal. Knows nothing of files.

use std::fmt;

use bytes::Bytes;

/// Largest payload of one record.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// Bytes before each payload.
pub(super) const HEADER_BYTES: usize = 20;

/// First byte of every record, where a search for the next record stops to look.
pub(super) const MAGIC_FIRST: u8 = 0xA7;
const MAGIC_SECOND: u8 = 0x4A;
const FLAG_VOID: u8 = 1;

/// Where a record starts in the virtual log: a byte offset that only grows and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What is appended and read: opaque bytes with a kind that the caller chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The caller's own label.
    pub kind: u8,
    /// At most [`MAX_RECORD_BYTES`].
    pub payload: Bytes,
}

/// Start value of every checksum, taken from the journal's id: bytes of another journal, or bytes
/// inside a payload that look like a record, do not pass as records of this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seal(u32);

impl Seal {
    pub(super) fn of(id: &str) -> Seal {
        Seal(crc32fast::hash(id.as_bytes()))
    }

    /// Checksum of a payload.
    pub(super) fn checksum(self, payload: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.0);
        hasher.update(payload);
        hasher.finalize()
    }

    fn header_checksum(self, position: Position, fields: &[u8; 16]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.0);
        hasher.update(&position.0.to_le_bytes());
        hasher.update(fields);
        hasher.finalize()
    }
}

/// The bytes before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    /// Fills the place of a record that was refused; readers pass over it.
    pub(super) void: bool,
    pub(super) length: u32,
    /// Distance back to the end of what was known to be on disk when this record was written.
    pub(super) unsynced: u32,
    pub(super) payload_checksum: u32,
}

impl Header {
    /// Appends the encoded header to `out`.
    pub(super) fn encode(&self, seal: Seal, position: Position, out: &mut Vec<u8>) {
        let fields = self.fields();
        out.extend_from_slice(&fields);
        out.extend_from_slice(&seal.header_checksum(position, &fields).to_le_bytes());
    }

    /// The header at `position`; nothing when the bytes are not a header written for that position.
    pub(super) fn decode(seal: Seal, position: Position, bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
        let (fields, rest) = bytes.split_first_chunk::<16>()?;
        let checksum = u32::from_le_bytes(*rest.first_chunk::<4>()?);
        let [m0, m1, kind, flags, l0, l1, l2, l3, u0, u1, u2, u3, p0, p1, p2, p3] = *fields;
        if [m0, m1] != [MAGIC_FIRST, MAGIC_SECOND] || seal.header_checksum(position, fields) != checksum {
            return None;
        }
        let header = Header {
            kind,
            void: flags & FLAG_VOID != 0,
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            unsynced: u32::from_le_bytes([u0, u1, u2, u3]),
            payload_checksum: u32::from_le_bytes([p0, p1, p2, p3]),
        };
        (header.payload_bytes() <= MAX_RECORD_BYTES).then_some(header)
    }

    pub(super) fn payload_bytes(&self) -> usize {
        self.length as usize
    }

    /// Bytes of the whole record.
    pub(super) fn record_bytes(&self) -> usize {
        HEADER_BYTES + self.payload_bytes()
    }

    fn fields(&self) -> [u8; 16] {
        let [l0, l1, l2, l3] = self.length.to_le_bytes();
        let [u0, u1, u2, u3] = self.unsynced.to_le_bytes();
        let [p0, p1, p2, p3] = self.payload_checksum.to_le_bytes();
        let flags = if self.void { FLAG_VOID } else { 0 };
        [MAGIC_FIRST, MAGIC_SECOND, self.kind, flags, l0, l1, l2, l3, u0, u1, u2, u3, p0, p1, p2, p3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { kind: 7, void: false, length: 3, unsynced: 9, payload_checksum: 5 };

    fn encoded(position: u64) -> [u8; HEADER_BYTES] {
        let mut out = Vec::new();
        HEADER.encode(Seal::of("id"), Position(position), &mut out);
        out.try_into().unwrap()
    }

    #[test]
    fn a_header_reads_back_only_at_its_own_position_in_its_own_journal() {
        let bytes = encoded(40);
        assert_eq!(Header::decode(Seal::of("id"), Position(40), &bytes), Some(HEADER));
        assert_eq!(Header::decode(Seal::of("id"), Position(41), &bytes), None);
        assert_eq!(Header::decode(Seal::of("other"), Position(40), &bytes), None);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let bytes = encoded(40);
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(Seal::of("id"), Position(40), &flipped), None, "bit {bit}");
        }
    }
}
