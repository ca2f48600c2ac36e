//! What the callers and the writer thread share: the queue behind one short lock, the list of
//! segments, the outstanding positions.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::error::JournalError;
use super::outstanding::Outstanding;
use super::queue::{Next, Phase, Queue};
use super::record::{MAX_RECORD_BYTES, Position, Record, Seal};
use super::segment::{SEGMENT_HEADER_BYTES, Segment};

pub(super) type Segments = Vec<Arc<Segment>>;

pub(super) struct Shared {
    pub(super) id: String,
    pub(super) seal: Seal,
    pub(super) dir: PathBuf,
    pub(super) max_bytes: u64,
    pub(super) segment_bytes: u64,
    pub(super) outstanding: Outstanding,
    pub(super) fsyncs: AtomicU64,
    /// How the writer ended, once it has.
    pub(super) stopped: watch::Sender<Option<Result<(), JournalError>>>,
    /// In order of start; the last is the one being written.
    pub(super) segments: RwLock<Segments>,
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// What the writer thread should do.
pub(super) enum Work {
    Queued(Next),
    /// The disk failed a while ago: try it again.
    Probe,
    Stop,
}

impl Shared {
    pub(super) fn new(
        id: String,
        dir: PathBuf,
        limits: (u64, u64),
        segments: Segments,
        (end, next): (Position, Position),
    ) -> Shared {
        let (max_bytes, segment_bytes) = limits;
        let stored_bytes = segments.iter().map(|segment| segment.bytes()).sum();
        Shared {
            seal: Seal::of(&id),
            id,
            dir,
            max_bytes,
            // The segment being written is never removed: it must leave room for others.
            segment_bytes: segment_bytes.min(max_bytes / 4),
            outstanding: Outstanding::default(),
            fsyncs: AtomicU64::new(0),
            stopped: watch::Sender::new(None),
            segments: RwLock::new(segments),
            queue: Mutex::new(Queue::new(end, next, stored_bytes, max_bytes)),
            wake: Condvar::new(),
        }
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record into the queue. Wakes the writer only if it may be waiting.
    pub(super) fn enqueue(
        &self,
        record: Record,
        ordered: bool,
    ) -> Result<(Position, oneshot::Receiver<Result<(), JournalError>>), JournalError> {
        let bytes = record.payload.len();
        if bytes > MAX_RECORD_BYTES {
            return Err(JournalError::TooLarge { bytes: bytes as u64, max_bytes: MAX_RECORD_BYTES as u64 });
        }
        let checksum = self.seal.checksum(&record.payload);
        let (answer, answered) = oneshot::channel();
        let mut queue = self.queue();
        let was_empty = queue.is_empty();
        let position = queue.push(record, checksum, ordered, answer)?;
        // Under the queue's lock: a durable record that is not counted yet would let the mark pass it.
        self.outstanding.add(position);
        drop(queue);
        if was_empty {
            self.wake.notify_one();
        }
        Ok((position, answered))
    }

    /// Waits for work; `used` is the bytes of records in the segment being written.
    pub(super) fn next_work(&self, used: u64, probe_at: Instant) -> Work {
        let mut queue = self.queue();
        loop {
            match queue.phase {
                Phase::Failed { .. } => {
                    let wait = probe_at.saturating_duration_since(Instant::now());
                    if wait.is_zero() {
                        return Work::Probe;
                    }
                    let waited = self.wake.wait_timeout(queue, wait);
                    queue = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Phase::Stopped => return Work::Stop,
                Phase::Running | Phase::Closing => match queue.next_batch(used, self.segment_bytes) {
                    Next::Idle if matches!(queue.phase, Phase::Closing) => return Work::Stop,
                    Next::Idle => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
                    next => return Work::Queued(next),
                },
            }
        }
    }

    /// The first `count` records of the queue are on disk.
    pub(super) fn complete(&self, count: usize) {
        let answers = self.queue().complete(count);
        for answer in answers {
            // Whoever stopped waiting does not need the answer.
            let _ = answer.send(Ok(()));
        }
    }

    /// The disk failed with `error`: refuse appends until a segment is begun again.
    pub(super) fn fail(&self, error: &JournalError) {
        let (answers, voided) = self.queue().fail(error.to_string(), self.seal);
        self.outstanding.remove_all(&voided);
        for answer in answers {
            let _ = answer.send(Err(error.clone()));
        }
    }

    /// A new, empty segment is on disk: the log goes on in it.
    pub(super) fn begin_segment(&self, segment: Arc<Segment>) {
        let mut queue = self.queue();
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        if segments.last().is_some_and(|last| last.start == segment.start) {
            segments.pop();
        } else {
            queue.stored_bytes += SEGMENT_HEADER_BYTES;
        }
        queue.durable_end = segment.start;
        if matches!(queue.phase, Phase::Failed { .. }) {
            queue.phase = Phase::Running;
        }
        segments.push(segment);
    }

    /// No more appends; the writer ends once the queue is written.
    pub(super) fn close(&self) {
        let mut queue = self.queue();
        queue.phase = match std::mem::replace(&mut queue.phase, Phase::Closing) {
            Phase::Running | Phase::Closing => Phase::Closing,
            Phase::Failed { .. } | Phase::Stopped => Phase::Stopped,
        };
        drop(queue);
        self.wake.notify_one();
    }

    /// The writer thread has ended, for whatever reason.
    pub(super) fn stop(&self) {
        let (answers, unwritten) = self.queue().stop();
        for answer in answers {
            let _ = answer.send(Err(JournalError::Closed));
        }
        let outcome = match unwritten {
            0 => Ok(()),
            count => Err(JournalError::Failed {
                reason: format!("{count} records were not written before the end"),
            }),
        };
        self.stopped.send_replace(Some(outcome));
    }

    pub(super) fn list_segments(&self) -> Segments {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The segment whose bytes hold `position`.
    pub(super) fn find_segment(&self, position: Position) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let index = segments.partition_point(|segment| segment.start <= position).checked_sub(1)?;
        segments.get(index).filter(|segment| position < segment.end()).map(Arc::clone)
    }

    pub(super) fn count_fsync(&self) {
        self.fsyncs.fetch_add(1, Ordering::Relaxed);
    }
}
