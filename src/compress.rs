//! Compression of bodies that are kept: transcripts shrink to a tenth.

use std::{cell::RefCell, io::Read};

use bytes::Bytes;
use zstd::bulk::{Compressor, Decompressor};

/// Level of zstd: 1 is the fastest and near the best for JSON of this size.
const LEVEL: i32 = 1;

/// Largest body that is unpacked, in bytes.
pub const DECOMPRESSED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why bytes could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum CompressError {
    /// Packing failed, in practice for want of memory.
    #[error("the body could not be compressed")]
    Pack(#[source] std::io::Error),
    /// The bytes are no zstd frame, or damaged.
    #[error("the compressed body is damaged")]
    Damaged(#[source] std::io::Error),
    /// Unpacked, it would be larger than allowed.
    #[error("the compressed body unpacks to more than {limit} bytes")]
    TooLarge {
        /// The limit that was asked for.
        limit: usize,
    },
}

/// What a frame claims to hold is believed up to so many bytes.
const BELIEVED_BYTES_MAX: usize = 256 * 1024;

thread_local! {
    // Making one costs more than packing or unpacking a small body.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs a body into one zstd frame.
pub fn compress(body: &[u8]) -> Result<Bytes, CompressError> {
    let packed = COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(body)
    });
    packed.map(Bytes::from).map_err(CompressError::Pack)
}

/// Unpacks a body of at most `limit` bytes, and never more than [`DECOMPRESSED_BYTES_MAX`]; memory grows
/// with what really comes out, not with what the frame claims beyond a few pages.
pub fn decompress(packed: &[u8], limit: usize) -> Result<Vec<u8>, CompressError> {
    let limit = limit.min(DECOMPRESSED_BYTES_MAX);
    if let Some(body) = decompress_small(packed, limit.min(BELIEVED_BYTES_MAX)) {
        return Ok(body);
    }
    let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(CompressError::Damaged)?;
    let mut body = Vec::new();
    let ceiling = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(ceiling).read_to_end(&mut body).map_err(CompressError::Damaged)?;
    if body.len() > limit {
        return Err(CompressError::TooLarge { limit });
    }
    Ok(body)
}

/// A frame that tells its size, and is whole.
fn decompress_small(packed: &[u8], limit: usize) -> Option<Vec<u8>> {
    let claimed = Decompressor::upper_bound(packed).filter(|claimed| *claimed <= limit)?;
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new().ok()?),
        };
        decompressor.decompress(packed, claimed).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_again_byte_for_byte() {
        for body in [&b""[..], b"{}", &b"{\"event\":\"call_ended\"}".repeat(10_000)] {
            let packed = compress(body).unwrap();
            assert_eq!(decompress(&packed, DECOMPRESSED_BYTES_MAX).unwrap(), body);
        }
    }

    #[test]
    fn a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let packed = compress(&[7; 1_000]).unwrap();
        assert_eq!(decompress(&packed, 1_000).unwrap().len(), 1_000);
        assert!(matches!(decompress(&packed, 999), Err(CompressError::TooLarge { limit: 999 })));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let packed = compress(&vec![0; DECOMPRESSED_BYTES_MAX + 1]).unwrap();
        assert!(packed.len() < 10_000);
        assert!(matches!(decompress(&packed, usize::MAX), Err(CompressError::TooLarge { .. })));
    }

    #[test]
    fn two_frames_are_one_body() {
        let packed = [compress(b"one ").unwrap(), compress(b"and another").unwrap()].concat();
        assert_eq!(decompress(&packed, 1_000).unwrap(), b"one and another");
        assert!(matches!(decompress(&packed, 5), Err(CompressError::TooLarge { limit: 5 })));
    }

    #[test]
    fn damaged_and_cut_bytes_are_errors() {
        let packed = compress(&b"a transcript ".repeat(100)).unwrap();
        assert!(matches!(decompress(&packed[..packed.len() / 2], 10_000), Err(CompressError::Damaged(_))));
        assert!(matches!(decompress(b"no zstd at all", 10_000), Err(CompressError::Damaged(_))));
        assert_eq!(decompress(&packed, 10_000).unwrap().len(), 1_300, "an error leaves nothing behind");
    }
}
