//! Reading the log in order, a chunk at a time. Sees what was durable when the replay was begun.

use std::sync::Arc;

use bytes::Bytes;

use super::chunks::{Chunks, Found};
use super::error::JournalError;
use super::record::{Position, Record, Seal};
use super::segment::Segment;

/// Records in order of position. Ends after the first error. Blocking: use it on a thread that may.
#[derive(Debug)]
pub struct Replay {
    seal: Seal,
    /// Last first.
    ahead: Vec<(Arc<Segment>, Position)>,
    position: Position,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    segment: Arc<Segment>,
    chunks: Chunks,
}

impl Replay {
    pub(super) fn new(seal: Seal, segments: &[Arc<Segment>], from: Position) -> Replay {
        let ahead = segments.iter().rev().map(|segment| (Arc::clone(segment), segment.end()));
        let ahead = ahead.filter(|(segment, end)| *end > from && *end > segment.start).collect();
        Replay { seal, ahead, position: from, current: None }
    }

    fn begin_next_segment(&mut self) -> bool {
        self.current = self.ahead.pop().map(|(segment, end)| {
            self.position = self.position.max(segment.start);
            let chunks = Chunks::up_to(segment.offset(end));
            Current { segment, chunks }
        });
        self.current.is_some()
    }

    fn stop(&mut self) {
        self.current = None;
        self.ahead.clear();
    }
}

impl Iterator for Replay {
    type Item = Result<(Position, Record), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(current) = &mut self.current else {
                if self.begin_next_segment() {
                    continue;
                }
                return None;
            };
            let (segment, position) = (&current.segment, self.position);
            let offset = segment.offset(position);
            match current.chunks.record(segment.file(), self.seal, position, offset) {
                Ok(Found::End) => self.current = None,
                Ok(Found::Record { header, payload }) => {
                    self.position = Position(position.0 + header.record_bytes() as u64);
                    if !header.void {
                        let payload = Bytes::copy_from_slice(payload);
                        return Some(Ok((position, Record { kind: header.kind, payload })));
                    }
                }
                Ok(Found::Bad) => {
                    let error = segment.damaged(position);
                    self.stop();
                    return Some(Err(error));
                }
                Err(error) => {
                    let error = JournalError::io("read", &segment.path)(error);
                    self.stop();
                    return Some(Err(error));
                }
            }
        }
    }
}
