//! The durable journal: an append-only log on this machine's disk. What was appended and awaited is
//! on disk, and stays until it was committed elsewhere. Records are opaque bytes here: this module
//! must not know calls, tenants, HTTP or databases.
//!
//! # Promises
//! - An awaited [`Journal::append`] that gives a position means: the record is synced to disk, and so
//!   is every record placed before it, except those whose own `append` was answered with an error.
//! - An `append` that gives an error put nothing into the log that this process will ever read. (Only
//!   if the disk refused the cut as well, and the process then ends, may a restart find the record:
//!   readers must take a record twice anyway.)
//! - [`Journal::append_ordered`] places a record at once. If the disk fails, its [`Durable`] tells the
//!   error, but the record keeps its place, stays readable and outstanding, and is written before
//!   anything later: so a later acknowledged append covers it even if its `Durable` was dropped.
//! - Positions grow and are never given twice, neither after a failed write nor by a later process:
//!   each process begins a segment of its own, beyond every position the one before can have given.
//! - [`Journal::mark`] never passes what a restart would find: stored marks stay below new positions.
//! - A caller that drops the future of `append` half-way may leave a record that is durable and
//!   outstanding, and which nobody works on before the next replay: append from a task of its own
//!   where the caller may hang up.
//!
//! # On disk
//! `lock` (held by the owner), `journal.id`, and segments named by the position of their first record,
//! `%020d.log`. All integers are little-endian; checksums are CRC-32, seeded with the id.
//! - Segment: `"askproJ1"`, start u64, previous_end u64, checksum u32; then records without gaps, so
//!   that the record at position `p` lies at byte `28 + p - start`. `previous_end` is the end of the
//!   log when the segment was begun: it tells a missing segment, and bytes of a refused write after it
//!   are passed over.
//! - Record: magic `A7 4A`, kind u8, flags u8 (1: void, fills the place of a refused record), length
//!   u32, unsynced u32 (distance back to the end of what was durable when this was written), payload
//!   checksum u32, header checksum u32 (over the position and the fields before it); payload.
//!
//! Between segments positions may jump; inside one they do not.
//!
//! # At start-up
//! Every checksum is verified. Bytes after the last sound record of the last segment are a torn tail:
//! they are cut and reported. Damage that sound records follow, a short segment or a missing one is
//! [`JournalError::Corrupt`] and refuses to open; renaming a segment to `.aside` is how an operator
//! says that its records are to be given up ([`Opened::given_up`]), whichever segment it is. The
//! exception is a power cut that let later pieces of the last, never acknowledged write reach the disk
//! before earlier ones: `unsynced` proves that no later batch followed, and a sector of zeros that the
//! piece was never written; this too is a torn tail. A file without a header that was to be a segment is
//! removed, the newest or one that the segment after it does not know: its making failed.
//!
//! A folder that opened opens again, with the same records; what is to be refused is refused at once.
//!
//! # When the disk fails
//! A failed write or sync leaves unknown bytes, and syncing again proves nothing. The writer cuts the
//! segment to its durable end, answers all who wait with the error, and begins a new segment at once;
//! if that fails too, appends are refused as [`JournalError::Failed`] while the writer tries again
//! every 500 ms, with or without new appends. A full disk heals by itself when space returns.
//!
//! # Cost of an append
//! One allocation (the answer's channel) and now and then a tree node for the outstanding position;
//! one checksum pass over the payload on the caller's thread; one short lock; no system call, except
//! to wake the writer when it was idle. Per batch of up to 8 MiB: one copy of each payload into a
//! reused buffer, one `pwrite`, one `fdatasync`. Payloads are shared, not copied, while they wait. A
//! read of a durable record is two `pread` and one allocation.

mod check;
mod chunks;
mod disk;
mod error;
mod folder;
mod given_up;
mod outstanding;
pub mod port;
mod queue;
mod record;
mod replay;
mod scan;
mod segment;
mod shared;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use check::check;
pub use error::JournalError;
pub use given_up::GivenUp;
pub use record::{MAX_RECORD_BYTES, Position, Record};
pub use replay::Replay;

use disk::{Disk, SystemDisk};
use queue::{Phase, QUEUE_BYTES_MAX};
use record::Seal;
use scan::{Scanned, scan};
use shared::Shared;
use writer::Writer;

/// Default of [`JournalOptions::segment_bytes`].
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Where the journal lives and how large it may become.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// The folder; created if absent.
    pub dir: PathBuf,
    /// Bytes of all segments and of what waits to be written; past it appends are refused.
    pub max_bytes: u64,
    /// A segment is closed at this size (never above a quarter of `max_bytes`, so that there is
    /// always something to remove); a larger record gets a segment of its own.
    pub segment_bytes: u64,
}

/// What was found when the journal was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// The journal's id, from its creation on.
    pub id: String,
    /// Tells this folder from its copies, which have the same id.
    pub lock_inode: u64,
    /// Where the oldest segment starts.
    pub first: Position,
    /// Where the log ended before it was opened, segments that were moved aside included: no mark of this
    /// folder lies beyond it.
    pub found_end: Position,
    /// Where the next record will be placed: far beyond what was found.
    pub end: Position,
    /// Bytes of an unfinished write that were cut off.
    pub torn_tail_bytes: u64,
    /// Number of segments.
    pub segments: usize,
    /// What an operator moved aside, in order.
    pub given_up: Vec<GivenUp>,
    /// Whether an operator says that it belongs to this database although that never saw it: there is a file
    /// [`ADOPT`] in the folder.
    pub is_adopted: bool,
}

/// Name of the file that says so.
pub const ADOPT: &str = "adopt";

/// Figures of a journal at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalStatus {
    /// Bytes in segments and in the queue.
    pub bytes: u64,
    /// The limit.
    pub max_bytes: u64,
    /// Records that were appended or adopted and not committed.
    pub outstanding: usize,
    /// Number of segments.
    pub segments: usize,
    /// Where the next record will be placed.
    pub end: Position,
    /// Everything before it is committed.
    pub mark: Position,
    /// Start of the segment that is being written.
    pub active_segment_start: Position,
    /// Syncs since the start.
    pub fsyncs: u64,
    /// Why appends are refused, while the disk fails.
    pub failed: Option<String>,
}

/// Resolves when the record is on disk, or with the disk's failure to write it for now.
#[derive(Debug)]
pub struct Durable(oneshot::Receiver<Result<(), JournalError>>);

impl Future for Durable {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(JournalError::Closed)))
    }
}

/// The open journal. Dropping it writes what is queued and blocks until that is done; prefer
/// [`Journal::close`].
pub struct Journal {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// One removal at a time.
    removal: Mutex<()>,
}

impl Journal {
    /// Locks, creates or checks the journal in `options.dir` and starts its writer. Blocking: reads
    /// the whole log. `new_id` is asked only when a journal is created.
    ///
    /// A disk without space does not refuse: the log can be replayed and removed, appends fail until
    /// there is space.
    pub fn open(
        options: JournalOptions,
        new_id: impl FnOnce() -> String,
    ) -> Result<(Arc<Journal>, Opened), JournalError> {
        Journal::open_on(Box::new(SystemDisk), options, new_id)
    }

    fn open_on(
        disk: Box<dyn Disk>,
        options: JournalOptions,
        new_id: impl FnOnce() -> String,
    ) -> Result<(Arc<Journal>, Opened), JournalError> {
        let JournalOptions { dir, max_bytes, segment_bytes } = options;
        let lock = folder::lock(&dir)?;
        let listing = folder::list(&dir)?;
        let known_id = folder::find_id(&dir, &listing)?;
        let is_new = known_id.is_none();
        let id = known_id.unwrap_or_else(new_id);
        let Scanned { segments, end, floor, torn_tail_bytes, given_up } =
            if is_new { Scanned::default() } else { scan(&dir, Seal::of(&id), &listing)? };
        // Whoever was here before had at most a full queue of positions beyond the end.
        let next = if is_new { Position(0) } else { Position(floor.0 + QUEUE_BYTES_MAX) };
        let shared = Arc::new(Shared::new(id, dir, (max_bytes, segment_bytes), segments, (end, next)));
        let lock_inode = lock.metadata().map_err(JournalError::folder(&shared.dir))?.ino();
        let mut writer = Writer::new(Arc::clone(&shared), disk, lock);
        match writer.begin_segment(next) {
            Err(error) if !is_new && error.is_disk_full() => shared.fail(&error),
            begun => begun?,
        }
        if is_new {
            folder::save_id(&shared.dir, &shared.id)?;
        }
        let thread = std::thread::Builder::new().name("journal-writer".to_owned());
        let thread = thread
            .spawn(move || writer.run())
            .map_err(JournalError::io("start the writer of", &shared.dir))?;
        let journal = Journal { shared, writer: Mutex::new(Some(thread)), removal: Mutex::new(()) };
        let is_adopted = journal.shared.dir.join(ADOPT).exists();
        let opened = Opened {
            lock_inode,
            found_end: floor,
            torn_tail_bytes,
            given_up,
            is_adopted,
            ..journal.opened()
        };
        tracing::info!(
            journal.id = %opened.id, first = opened.first.0, end = opened.end.0, segments = opened.segments,
            torn_tail_bytes, "journal.opened"
        );
        Ok((Arc::new(journal), opened))
    }

    fn opened(&self) -> Opened {
        let segments = self.shared.list_segments();
        let end = self.shared.queue().next;
        let first = segments.first().map_or(end, |segment| segment.start);
        Opened { id: self.shared.id.clone(), first, end, segments: segments.len(), ..Opened::default() }
    }

    /// The id given at creation.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Appends a record; resolves when it is on disk. It is outstanding from now on.
    pub async fn append(&self, record: Record) -> Result<Position, JournalError> {
        let (position, answer) = self.shared.enqueue(record, false)?;
        Durable(answer).await?;
        Ok(position)
    }

    /// Places a record in order and gives its position at once; the future resolves when it is on
    /// disk and may be dropped where a later awaited append covers it. Outstanding from now on, also
    /// when the future tells a failure: see the module's promises.
    pub fn append_ordered(&self, record: Record) -> Result<(Position, Durable), JournalError> {
        let (position, answer) = self.shared.enqueue(record, true)?;
        Ok((position, Durable(answer)))
    }

    /// The record at `position`, also while it still waits to be written. Blocking but short.
    pub fn read(&self, position: Position) -> Result<Record, JournalError> {
        // The queue first: a record leaves it only after it can be found in its segment.
        if let Some(record) = self.shared.queue().find(position) {
            return Ok(record);
        }
        let segment = self.shared.find_segment(position).ok_or(JournalError::NotFound { position })?;
        segment.read(self.shared.seal, position)
    }

    /// All durable records from `from` on (the position of a record, or an earlier mark), in order,
    /// up to the end as it is now. Blocking; reads a chunk at a time.
    pub fn replay(&self, from: Position) -> Replay {
        Replay::new(self.shared.seal, &self.shared.list_segments(), from)
    }

    /// The records at `positions` are durable elsewhere and no longer outstanding. May be told twice.
    pub fn committed(&self, positions: &[Position]) {
        self.shared.outstanding.remove_all(positions);
    }

    /// Counts replayed records as outstanding. To be done before the mark is asked or stored.
    pub fn adopt(&self, positions: &[Position]) {
        self.shared.outstanding.add_all(positions);
    }

    /// The lowest outstanding position, or the end of what is durable: everything before it is
    /// committed.
    pub fn mark(&self) -> Position {
        // The end first: what is placed later lies beyond it.
        let end = self.shared.queue().durable_end;
        self.shared.outstanding.lowest().map_or(end, |lowest| lowest.min(end))
    }

    /// Removes the segments whose every record lies before `mark` and is not outstanding, never the
    /// one being written; gives the bytes freed. Blocking.
    pub fn remove_before(&self, mark: Position) -> Result<u64, JournalError> {
        let _alone = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(self.shared.queue().phase, Phase::Closing | Phase::Stopped) {
            return Err(JournalError::Closed);
        }
        let mark = mark.min(self.mark());
        let mut removable = self.shared.list_segments();
        removable.pop();
        let mut freed = 0;
        for segment in removable.iter().take_while(|segment| segment.end() <= mark) {
            match fs::remove_file(&segment.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(JournalError::io("remove", &segment.path)(error));
                }
                _ => freed += self.forget(segment),
            }
        }
        if freed > 0 {
            disk::sync_folder(&self.shared.dir).map_err(JournalError::io("sync", &self.shared.dir))?;
        }
        Ok(freed)
    }

    fn forget(&self, removed: &Arc<segment::Segment>) -> u64 {
        let bytes = removed.bytes();
        let mut queue = self.shared.queue();
        queue.stored_bytes = queue.stored_bytes.saturating_sub(bytes);
        let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments.retain(|segment| segment.start != removed.start);
        bytes
    }

    /// Figures for the admin page, the metrics and the probes.
    pub fn status(&self) -> JournalStatus {
        let mark = self.mark();
        let segments = self.shared.list_segments();
        let queue = self.shared.queue();
        JournalStatus {
            bytes: queue.bytes(),
            max_bytes: self.shared.max_bytes,
            outstanding: self.shared.outstanding.len(),
            segments: segments.len(),
            end: queue.next,
            mark,
            active_segment_start: segments.last().map_or(queue.next, |segment| segment.start),
            fsyncs: self.shared.fsyncs.load(Ordering::Relaxed),
            failed: match &queue.phase {
                Phase::Failed { reason } => Some(reason.clone()),
                _ => None,
            },
        }
    }

    /// Takes no more appends, writes and syncs what is queued, ends the writer and gives the folder
    /// back. An error means that ordered records could not be written.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.shared.close();
        let mut stopped = self.shared.stopped.subscribe();
        let outcome = stopped.wait_for(Option::is_some).await;
        outcome.ok().and_then(|outcome| outcome.clone()).unwrap_or(Ok(()))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.close();
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("journal.writer_panicked");
        }
    }
}
