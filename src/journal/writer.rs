//! The one thread that writes: takes what is queued, writes it at once, syncs once, answers all who
//! wait. After a failure it leaves the segment behind and goes on in a new one.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk::{Disk, SegmentFile};
use super::error::JournalError;
use super::queue::{BATCH_BYTES_MAX, Next, Placed};
use super::record::Position;
use super::segment::{Segment, SegmentHeader, file_name};
use super::shared::{Shared, Work};
use crate::telemetry::metrics::JOURNAL_FSYNC;

/// How often a failed disk is tried again.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_millis(500);

pub(super) struct Writer {
    shared: Arc<Shared>,
    disk: Box<dyn Disk>,
    active: Option<Active>,
    buffer: Vec<u8>,
    probe_at: Instant,
    /// Given back when the thread ends.
    _lock: File,
}

struct Active {
    file: Box<dyn SegmentFile>,
    segment: Arc<Segment>,
}

/// Tells those who wait that the thread is gone, also when it panicked.
struct Sentinel(Arc<Shared>);

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, disk: Box<dyn Disk>, lock: File) -> Writer {
        Writer { shared, disk, active: None, buffer: Vec::new(), probe_at: Instant::now(), _lock: lock }
    }

    /// Works until the journal is closed and everything queued is written.
    pub(super) fn run(self) {
        let _sentinel = Sentinel(Arc::clone(&self.shared));
        let mut writer = self;
        loop {
            let done = match writer.shared.next_work(writer.used(), writer.probe_at) {
                Work::Stop => return,
                Work::Probe => {
                    writer.probe();
                    continue;
                }
                Work::Queued(Next::Batch(batch)) => writer.commit(&batch),
                Work::Queued(Next::Rotate | Next::Idle) => writer.rotate(),
            };
            if let Err(error) = done {
                writer.recover(&error);
            }
        }
    }

    /// Begins a segment whose first record will be at `start`; durable when this returns.
    pub(super) fn begin_segment(&mut self, start: Position) -> Result<(), JournalError> {
        let dir = &self.shared.dir;
        let path = dir.join(file_name(start));
        let segments = self.shared.list_segments();
        let previous = segments.iter().rev().find(|segment| segment.start < start);
        let header = SegmentHeader { start, previous_end: previous.map_or(start, |segment| segment.end()) };
        let create = || {
            let file = self.disk.create(&path)?;
            file.write(&header.encode(self.shared.seal), 0)?;
            file.sync()?;
            self.disk.sync_folder(dir)?;
            Ok((file, Segment::open(dir, start, start)?))
        };
        let (file, segment) = create().map_err(JournalError::io("create", &path))?;
        let segment = Arc::new(segment);
        self.shared.count_fsync();
        self.shared.begin_segment(Arc::clone(&segment));
        self.active = Some(Active { file, segment });
        Ok(())
    }

    fn used(&self) -> u64 {
        self.active.as_ref().map_or(0, |active| active.segment.end().0 - active.segment.start.0)
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        let start = self.shared.queue().restart_position();
        self.begin_segment(start)
    }

    fn commit(&mut self, batch: &[Placed]) -> Result<(), JournalError> {
        let Some(active) = &self.active else {
            return self.rotate();
        };
        let durable_end = active.segment.end();
        self.buffer.clear();
        for placed in batch {
            placed.encode(self.shared.seal, durable_end, &mut self.buffer);
        }
        let path = &active.segment.path;
        let written = active.file.write(&self.buffer, active.segment.offset(durable_end));
        written.map_err(JournalError::io("write to", path))?;
        let started = Instant::now();
        let synced = active.file.sync();
        metrics::histogram!(JOURNAL_FSYNC).record(started.elapsed().as_secs_f64());
        synced.map_err(JournalError::io("sync", path))?;
        active.segment.set_end(Position(durable_end.0 + self.buffer.len() as u64));
        self.shared.count_fsync();
        self.shared.complete(batch.len());
        self.buffer.shrink_to(BATCH_BYTES_MAX as usize);
        Ok(())
    }

    /// After a failed write or sync nobody knows what of the batch is on disk, and a second sync
    /// would not tell: the segment is cut to what is known, and the log goes on in a new one.
    fn recover(&mut self, error: &JournalError) {
        tracing::error!(error = %error, "journal.write_failed");
        if let Some(Active { file, segment }) = self.active.take()
            && let Err(error) = file.truncate(segment.offset(segment.end())).and_then(|()| file.sync())
        {
            tracing::warn!(error = %error, segment = %segment.path.display(), "journal.cut_failed");
        }
        self.shared.fail(error);
        if self.probe_at <= Instant::now() {
            self.probe();
        }
    }

    fn probe(&mut self) {
        self.probe_at = Instant::now() + PROBE_INTERVAL;
        match self.rotate() {
            Ok(()) => tracing::info!("journal.works_again"),
            Err(error) => self.shared.fail(&error),
        }
    }
}
