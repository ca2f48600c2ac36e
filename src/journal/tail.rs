//! Tells a torn write at the end of the log from damage to durable records. Pure.

use super::record::{HEADER_BYTES, Header, MAGIC_FIRST, Position, Seal};

/// What disks and file systems write at once; an unwritten piece reads as zeros.
const SECTOR_BYTES: usize = 512;

/// What the bytes from the first bad record on are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// The rest of a write that was never acknowledged.
    Torn,
    /// A durable record is damaged.
    Corrupt,
}

/// Judges `rest`, the bytes of the last segment from the bad record at `position` (byte `offset` of
/// the file) to the end of the file.
///
/// - No sound record follows: torn.
/// - A sound record follows that was written after the bad one was known to be on disk: corrupt.
/// - All sound records that follow were written in the same batch as the bad one: torn if a piece of
///   the bad one was never written (a power cut lets later pieces reach the disk first), else corrupt.
pub(super) fn judge(seal: Seal, position: Position, offset: u64, rest: &[u8]) -> Tail {
    let Some((first, header)) = next_record(seal, position, rest, 1) else {
        return Tail::Torn;
    };
    let mut found = Some((first, header));
    while let Some((index, header)) = found {
        if (index as u64) > u64::from(header.unsynced) {
            return Tail::Corrupt;
        }
        found = next_record(seal, position, rest, index + header.record_bytes());
    }
    let bad = rest.get(..first).unwrap_or_default();
    if has_hole(offset, bad) { Tail::Torn } else { Tail::Corrupt }
}

fn next_record(seal: Seal, position: Position, rest: &[u8], from: usize) -> Option<(usize, Header)> {
    let mut index = from;
    loop {
        index += rest.get(index..)?.iter().position(|byte| *byte == MAGIC_FIRST)?;
        if let Some(header) = sound_record(seal, Position(position.0 + index as u64), rest.get(index..)?) {
            return Some((index, header));
        }
        index += 1;
    }
}

fn sound_record(seal: Seal, position: Position, bytes: &[u8]) -> Option<Header> {
    let header = Header::decode(seal, position, bytes.first_chunk()?)?;
    let payload = bytes.get(HEADER_BYTES..header.record_bytes())?;
    (seal.checksum(payload) == header.payload_checksum).then_some(header)
}

/// Whether a whole sector, or all from the record's start to the end of its sector, is zero.
fn has_hole(offset: u64, bad: &[u8]) -> bool {
    let to_sector = (SECTOR_BYTES - (offset % SECTOR_BYTES as u64) as usize) % SECTOR_BYTES;
    let (head, sectors) = bad.split_at(to_sector.min(bad.len()));
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    (head.len() > 1 && is_zero(head)) || sectors.chunks_exact(SECTOR_BYTES).any(is_zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAL: fn() -> Seal = || Seal::of("id");

    /// Records one after the other from position 1000 on; each is `(payload bytes, unsynced)`.
    fn log(records: &[(usize, u32)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (length, unsynced) in records {
            let payload = vec![0x55; *length];
            let header = Header {
                kind: 1,
                void: false,
                length: *length as u32,
                unsynced: *unsynced,
                payload_checksum: SEAL().checksum(&payload),
            };
            header.encode(SEAL(), Position(1000 + out.len() as u64), &mut out);
            out.extend_from_slice(&payload);
        }
        out
    }

    #[test]
    fn zeros_and_noise_without_a_record_are_a_torn_tail() {
        assert_eq!(judge(SEAL(), Position(1000), 28, &[0; 5000]), Tail::Torn);
        assert_eq!(judge(SEAL(), Position(1000), 28, &[MAGIC_FIRST; 5000]), Tail::Torn);
    }

    #[test]
    fn damage_before_a_record_of_a_later_batch_is_corruption_even_if_it_is_a_hole() {
        let mut bytes = log(&[(2000, 0), (10, 0)]);
        bytes[..1500].fill(0);
        assert_eq!(judge(SEAL(), Position(1000), 28, &bytes), Tail::Corrupt);
    }

    #[test]
    fn a_piece_of_the_last_batch_that_never_reached_the_disk_is_a_torn_tail() {
        let mut bytes = log(&[(2000, 0), (10, 2020)]);
        bytes[512..1536].fill(0);
        assert_eq!(judge(SEAL(), Position(1000), 0, &bytes), Tail::Torn);
    }

    #[test]
    fn a_flipped_bit_in_the_last_batch_is_corruption() {
        let mut bytes = log(&[(2000, 0), (10, 2020)]);
        bytes[700] ^= 1;
        assert_eq!(judge(SEAL(), Position(1000), 28, &bytes), Tail::Corrupt);
    }
}
