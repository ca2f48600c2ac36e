//! What waits to be written, in order, and who waits for it. No files, no threads, no clock.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::error::JournalError;
use super::record::{HEADER_BYTES, Header, Position, Record, Seal};
use super::segment::SEGMENT_HEADER_BYTES;

/// Bytes that may wait for the disk; past it appends are refused as busy.
pub(super) const QUEUE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes written and synced at once (one record may be larger).
pub(super) const BATCH_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The answer to one append.
pub(super) type Answer = oneshot::Sender<Result<(), JournalError>>;

/// Whether the journal takes records.
#[derive(Debug)]
pub(super) enum Phase {
    /// The writer has a segment to write to.
    Running,
    /// The disk failed; the writer probes it.
    Failed {
        /// The last failure.
        reason: String,
    },
    /// No more appends; what is queued is written.
    Closing,
    /// The writer has ended.
    Stopped,
}

/// A record with its place in the log.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) position: Position,
    pub(super) kind: u8,
    pub(super) void: bool,
    pub(super) payload: Bytes,
    pub(super) payload_checksum: u32,
}

impl Placed {
    pub(super) fn bytes(&self) -> u64 {
        (HEADER_BYTES + self.payload.len()) as u64
    }

    /// Appends the record as it lies on disk; `durable_end` is the end of what is synced.
    pub(super) fn encode(&self, seal: Seal, durable_end: Position, out: &mut Vec<u8>) {
        let header = Header {
            kind: self.kind,
            void: self.void,
            length: u32::try_from(self.payload.len()).unwrap_or(u32::MAX),
            unsynced: u32::try_from(self.position.0 - durable_end.0).unwrap_or(u32::MAX),
            payload_checksum: self.payload_checksum,
        };
        header.encode(seal, self.position, out);
        out.extend_from_slice(&self.payload);
    }
}

#[derive(Debug)]
struct Entry {
    placed: Placed,
    /// Written after a failure too, at its place, before anything later.
    ordered: bool,
    answer: Option<Answer>,
}

/// What the writer should do next.
#[derive(Debug)]
pub(super) enum Next {
    /// Write these and sync.
    Batch(Vec<Placed>),
    /// The segment has no room for the next record.
    Rotate,
    /// Nothing waits.
    Idle,
}

/// The queue and the sums that decide whether it takes more. Entries stay (and stay readable) until
/// they are durable.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) phase: Phase,
    /// Position of the next record.
    pub(super) next: Position,
    /// End of the log as a restart would find it.
    pub(super) durable_end: Position,
    /// Bytes of all segments.
    pub(super) stored_bytes: u64,
    queued_bytes: u64,
    max_bytes: u64,
    entries: VecDeque<Entry>,
}

impl Queue {
    pub(super) fn new(end: Position, next: Position, stored_bytes: u64, max_bytes: u64) -> Queue {
        let phase = Phase::Failed { reason: "not started".to_owned() };
        let entries = VecDeque::new();
        Queue { phase, next, durable_end: end, stored_bytes, queued_bytes: 0, max_bytes, entries }
    }

    /// Bytes that count against the limit.
    pub(super) fn bytes(&self) -> u64 {
        self.stored_bytes + self.queued_bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives the record the next position, or says why it is not taken.
    pub(super) fn push(
        &mut self,
        record: Record,
        payload_checksum: u32,
        ordered: bool,
        answer: Answer,
    ) -> Result<Position, JournalError> {
        let position = self.next;
        let Record { kind, payload } = record;
        let placed = Placed { position, kind, void: false, payload, payload_checksum };
        self.admit(placed.bytes())?;
        self.queued_bytes += placed.bytes();
        self.next = Position(position.0 + placed.bytes());
        self.entries.push_back(Entry { placed, ordered, answer: Some(answer) });
        Ok(position)
    }

    fn admit(&self, bytes: u64) -> Result<(), JournalError> {
        match &self.phase {
            Phase::Running => {}
            Phase::Failed { reason } => return Err(JournalError::Failed { reason: reason.clone() }),
            Phase::Closing | Phase::Stopped => return Err(JournalError::Closed),
        }
        if self.bytes() + bytes > self.max_bytes {
            return Err(JournalError::Full { bytes: self.bytes(), max_bytes: self.max_bytes });
        }
        if self.queued_bytes + bytes > QUEUE_BYTES_MAX {
            return Err(JournalError::Busy { queued_bytes: self.queued_bytes, max_bytes: QUEUE_BYTES_MAX });
        }
        Ok(())
    }

    /// The record at `position`, if it is not durable yet.
    pub(super) fn find(&self, position: Position) -> Option<Record> {
        let index = self.entries.binary_search_by_key(&position, |entry| entry.placed.position).ok()?;
        let placed = &self.entries.get(index).filter(|entry| !entry.placed.void)?.placed;
        Some(Record { kind: placed.kind, payload: placed.payload.clone() })
    }

    /// The next batch for a segment of `segment_bytes` that holds `used` bytes of records.
    pub(super) fn next_batch(&self, used: u64, segment_bytes: u64) -> Next {
        let Some(first) = self.entries.front() else { return Next::Idle };
        let room = segment_bytes.saturating_sub(used + SEGMENT_HEADER_BYTES);
        if used > 0 && first.placed.bytes() > room {
            return Next::Rotate;
        }
        let limit = room.min(BATCH_BYTES_MAX);
        let mut bytes = 0;
        let batch = self.entries.iter().map(|entry| &entry.placed).take_while(|placed| {
            let is_first = bytes == 0;
            bytes += placed.bytes();
            is_first || bytes <= limit
        });
        Next::Batch(batch.cloned().collect())
    }

    /// The first `count` entries are on disk; gives back who waits for them.
    pub(super) fn complete(&mut self, count: usize) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(count);
        for entry in self.entries.drain(..count.min(self.entries.len())) {
            let bytes = entry.placed.bytes();
            self.queued_bytes -= bytes;
            self.stored_bytes += bytes;
            self.durable_end = Position(entry.placed.position.0 + bytes);
            answers.extend(entry.answer);
        }
        answers
    }

    /// Position of the first record of the segment that is begun after a failure.
    pub(super) fn restart_position(&self) -> Position {
        self.entries.front().map_or(self.next, |entry| entry.placed.position)
    }

    /// The disk failed: everybody who waits is to be told. Awaited records are void from here on;
    /// ordered ones stay. Gives back the answers and the positions that became void.
    pub(super) fn fail(&mut self, reason: String, seal: Seal) -> (Vec<Answer>, Vec<Position>) {
        self.phase = match self.phase {
            Phase::Running | Phase::Failed { .. } => Phase::Failed { reason },
            Phase::Closing | Phase::Stopped => Phase::Stopped,
        };
        let mut answers = Vec::new();
        let mut voided = Vec::new();
        for entry in &mut self.entries {
            answers.extend(entry.answer.take());
            if !entry.ordered && !entry.placed.void {
                voided.push(entry.placed.position);
                entry.placed.void = true;
                entry.placed.payload = Bytes::from(vec![0; entry.placed.payload.len()]);
                entry.placed.payload_checksum = seal.checksum(&entry.placed.payload);
            }
        }
        while self.entries.front().is_some_and(|entry| entry.placed.void) {
            self.entries.pop_front();
        }
        self.queued_bytes = self.entries.iter().map(|entry| entry.placed.bytes()).sum();
        (answers, voided)
    }

    /// The writer has ended: gives back who still waits, and how many records were not written.
    pub(super) fn stop(&mut self) -> (Vec<Answer>, usize) {
        self.phase = Phase::Stopped;
        let unwritten = self.entries.len();
        (self.entries.drain(..).filter_map(|entry| entry.answer).collect(), unwritten)
    }
}
