//! The disk fails: injected at each operation, and a really full file system.

use std::io;
use std::process::Command;
use std::sync::Condvar;
use std::sync::atomic::{AtomicBool, AtomicI32};

use super::super::disk::SegmentFile;
use super::*;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Error numbers to answer with; 0 works.
#[derive(Default)]
struct Faults {
    create: AtomicI32,
    write: AtomicI32,
    sync: AtomicI32,
    truncate: AtomicI32,
    panic: AtomicBool,
    held: Mutex<bool>,
    released: Condvar,
}

impl Faults {
    fn answer(operation: &AtomicI32) -> io::Result<()> {
        match operation.load(Ordering::SeqCst) {
            0 => Ok(()),
            number => Err(io::Error::from_raw_os_error(number)),
        }
    }

    fn hold_syncs(&self, hold: bool) {
        *self.held.lock().unwrap() = hold;
        self.released.notify_all();
    }
}

struct FaultyDisk(Arc<Faults>);
struct FaultyFile(Box<dyn SegmentFile>, Arc<Faults>);

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Faults::answer(&self.0.create)?;
        Ok(Box::new(FaultyFile(SystemDisk.create(path)?, Arc::clone(&self.0))))
    }

    fn sync_folder(&self, dir: &Path) -> io::Result<()> {
        SystemDisk.sync_folder(dir)
    }
}

impl SegmentFile for FaultyFile {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert!(!self.1.panic.load(Ordering::SeqCst), "injected");
        let answer = Faults::answer(&self.1.write);
        let written = if answer.is_ok() { bytes.len() } else { bytes.len() / 2 };
        self.0.write(&bytes[..written], offset)?;
        answer
    }

    fn sync(&self) -> io::Result<()> {
        let held = self.1.held.lock().unwrap();
        drop(self.1.released.wait_while(held, |held| *held).unwrap());
        Faults::answer(&self.1.sync)?;
        self.0.sync()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        Faults::answer(&self.1.truncate)?;
        self.0.truncate(length)
    }
}

fn open_faulty(dir: &Path) -> (Arc<Journal>, Arc<Faults>) {
    open_faulty_with(options(dir))
}

fn open_faulty_with(options: JournalOptions) -> (Arc<Journal>, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let disk = Box::new(FaultyDisk(Arc::clone(&faults)));
    let (journal, _) = Journal::open_on(disk, options, || "id".to_owned()).unwrap();
    (journal, faults)
}

async fn append_when_it_works(journal: &Journal, text: &str) -> Position {
    eventually(async || journal.append(record(text)).await.ok()).await
}

fn texts(journal: &Journal) -> Vec<String> {
    let text = |(_, record): (Position, Record)| String::from_utf8(record.payload.to_vec()).unwrap();
    replayed(journal).into_iter().map(text).collect()
}

/// The one operation fails with each error number; the journal refuses, heals, and lost nothing.
async fn fails_and_heals(pick: fn(&Faults) -> &AtomicI32, number: i32, cut_fails: bool) {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    journal.append(record("before")).await.unwrap();
    let size = journal.status().bytes;
    pick(&faults).store(number, Ordering::SeqCst);
    faults.truncate.store(if cut_fails { EIO } else { 0 }, Ordering::SeqCst);
    let refused = journal.append(record("refused")).await.unwrap_err();
    assert!(matches!(refused, JournalError::Io { .. }), "{refused}");
    assert_eq!(journal.status().bytes, size);
    assert_eq!(journal.status().outstanding, 1);
    eventually(async || journal.status().failed).await;
    assert!(matches!(journal.append(record("refused")).await, Err(JournalError::Failed { .. })));
    assert_eq!(texts(&journal), ["before"]);
    pick(&faults).store(0, Ordering::SeqCst);
    let after = append_when_it_works(&journal, "after").await;
    assert_eq!(journal.status().failed, None);
    assert_eq!(journal.read(after).unwrap(), record("after"));
    assert_eq!(texts(&journal), ["before", "after"]);
    drop(journal);
    assert_eq!(texts(&open(dir.path()).0), ["before", "after"]);
}

#[tokio::test]
async fn a_failed_write_or_sync_fails_its_waiters_and_heals_without_a_trace() {
    for number in [ENOSPC, EIO] {
        for cut_fails in [false, true] {
            fails_and_heals(|faults| &faults.write, number, cut_fails).await;
            fails_and_heals(|faults| &faults.sync, number, cut_fails).await;
        }
    }
}

#[tokio::test]
async fn a_single_failed_sync_costs_its_batch_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    let before = journal.append(record("before")).await.unwrap();
    faults.hold_syncs(true);
    let appends = (0..50).map(|_| journal.append(record("batch")));
    let outcomes = tokio::join!(futures_util::future::join_all(appends), async {
        eventually(async || (journal.status().outstanding == 51).then_some(())).await;
        faults.sync.store(EIO, Ordering::SeqCst);
        faults.hold_syncs(false);
    });
    assert!(outcomes.0.iter().all(Result::is_err));
    faults.sync.store(0, Ordering::SeqCst);
    let after = append_when_it_works(&journal, "after").await;
    assert_eq!(journal.mark(), before);
    journal.committed(&[before, after]);
    assert_eq!(journal.mark(), journal.status().end);
    drop(journal);
    assert_eq!(texts(&open(dir.path()).0), ["before", "after"]);
}

#[tokio::test]
async fn an_ordered_record_outlives_a_failure_at_its_place_before_later_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    faults.hold_syncs(true);
    faults.sync.store(EIO, Ordering::SeqCst);
    let first = tokio::spawn({
        let journal = Arc::clone(&journal);
        async move { journal.append(record("awaited 1")).await }
    });
    eventually(async || (journal.status().outstanding == 1).then_some(())).await;
    let (hold, durable) = journal.append_ordered(record("hold")).unwrap();
    let (middle, last) = tokio::join!(journal.append(record("awaited 2")), async {
        let placed = journal.append_ordered(record("move")).unwrap();
        faults.hold_syncs(false);
        placed
    });
    assert!(first.await.unwrap().is_err() && middle.is_err());
    assert!(matches!(durable.await, Err(JournalError::Io { .. })));
    assert_eq!(journal.read(hold).unwrap(), record("hold"));
    faults.sync.store(0, Ordering::SeqCst);
    append_when_it_works(&journal, "submit").await;
    assert_eq!(texts(&journal), ["hold", "move", "submit"]);
    assert_eq!(
        (journal.read(hold).unwrap(), journal.read(last.0).unwrap()),
        (record("hold"), record("move"))
    );
    assert_eq!(journal.status().outstanding, 3);
    drop(journal);
    assert_eq!(texts(&open(dir.path()).0), ["hold", "move", "submit"]);
}

/// The next segment cannot be begun: its file lies there, empty, half or whole, and is passed over for good.
#[tokio::test]
async fn a_segment_that_could_not_be_begun_is_no_damage_at_the_next_start() {
    let picks: [fn(&Faults) -> &AtomicI32; 2] = [|faults| &faults.write, |faults| &faults.sync];
    for pick in picks {
        for number in [ENOSPC, EIO] {
            let dir = tempfile::tempdir().unwrap();
            let small = JournalOptions { segment_bytes: 100, ..options(dir.path()) };
            let (journal, faults) = open_faulty_with(small);
            journal.append(record("before")).await.unwrap();
            pick(&faults).store(number, Ordering::SeqCst);
            journal.append(record(noise(1, 90))).await.unwrap_err();
            pick(&faults).store(0, Ordering::SeqCst);
            append_when_it_works(&journal, "after").await;
            drop(journal);
            for _ in 0..2 {
                let (journal, opened) = open(dir.path());
                assert_eq!(
                    (texts(&journal), opened.given_up),
                    (vec!["before".to_owned(), "after".to_owned()], vec![])
                );
            }
        }
    }
}

#[tokio::test]
async fn two_segments_that_could_not_be_begun_are_no_damage_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let small = JournalOptions { segment_bytes: 100, ..options(dir.path()) };
    let (journal, faults) = open_faulty_with(small);
    journal.append(record("before")).await.unwrap();
    faults.write.store(EIO, Ordering::SeqCst);
    journal.append(record(noise(1, 90))).await.unwrap_err();
    // The writer has tried a second place before it answers for good that it does not work.
    eventually(async || journal.status().failed).await;
    drop(journal);
    for _ in 0..2 {
        assert_eq!(texts(&open(dir.path()).0), ["before"]);
    }
}

#[tokio::test]
async fn consent_to_a_gap_brings_no_refused_record_back() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    journal.append(record("before")).await.unwrap();
    faults.sync.store(EIO, Ordering::SeqCst);
    faults.truncate.store(EIO, Ordering::SeqCst);
    journal.append(record("refused")).await.unwrap_err();
    faults.sync.store(0, Ordering::SeqCst);
    append_when_it_works(&journal, "after").await;
    drop(journal);
    fs::write(dir.path().join("00000000000000000001.aside"), "").unwrap();
    assert_eq!(texts(&open(dir.path()).0), ["before", "after"]);
}

#[tokio::test]
async fn an_unwritten_record_is_readable_but_neither_replayed_nor_passed_by_the_mark() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    faults.hold_syncs(true);
    let (position, durable) = journal.append_ordered(record("early")).unwrap();
    assert_eq!(journal.read(position).unwrap(), record("early"));
    journal.committed(&[position]);
    assert_eq!(journal.mark(), position);
    assert!(texts(&journal).is_empty());
    faults.hold_syncs(false);
    durable.await.unwrap();
    assert_eq!(journal.mark(), journal.status().end);
    assert_eq!(texts(&journal), ["early"]);
}

#[tokio::test]
async fn a_slow_disk_refuses_past_the_queue_bound() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    faults.hold_syncs(true);
    let large = record(vec![1; MAX_RECORD_BYTES / 2]);
    let placed: Vec<_> = (0..7).map(|_| journal.append_ordered(large.clone()).unwrap()).collect();
    assert!(matches!(journal.append_ordered(large), Err(JournalError::Busy { .. })));
    faults.hold_syncs(false);
    for (_, durable) in placed {
        durable.await.unwrap();
    }
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_start_lets_the_log_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).0.append(record("kept")).await.unwrap();
    let faults = Arc::new(Faults::default());
    faults.create.store(ENOSPC, Ordering::SeqCst);
    let disk = Box::new(FaultyDisk(Arc::clone(&faults)));
    let (journal, opened) = Journal::open_on(disk, options(dir.path()), || "id".to_owned()).unwrap();
    assert!(journal.mark() < opened.end);
    assert_eq!(texts(&journal), ["kept"]);
    assert!(journal.append(record("x")).await.is_err());
    faults.create.store(0, Ordering::SeqCst);
    assert!(append_when_it_works(&journal, "again").await >= opened.end);
}

#[tokio::test]
async fn closing_with_a_broken_disk_says_what_was_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    faults.sync.store(EIO, Ordering::SeqCst);
    let (_, durable) = journal.append_ordered(record("hold")).unwrap();
    assert!(durable.await.is_err());
    assert!(journal.close().await.is_err());
}

#[tokio::test]
async fn a_writer_that_panicked_refuses_instead_of_hanging() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, faults) = open_faulty(dir.path());
    faults.panic.store(true, Ordering::SeqCst);
    assert!(matches!(journal.append(record("x")).await, Err(JournalError::Closed)));
    assert!(matches!(journal.append(record("x")).await, Err(JournalError::Closed)));
    assert!(journal.close().await.is_err());
}

/// A file system of one megabyte; nothing where mounting is not allowed.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(SmallDisk(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[tokio::test]
async fn a_really_full_disk_refuses_and_heals_when_space_returns() {
    let Some(disk) = SmallDisk::mount() else { return };
    let dir = disk.0.path().join("journal");
    let (journal, _) = open(&dir);
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![1; 600_000]).unwrap();
    let mut kept = Vec::new();
    let refused = loop {
        match journal.append(record(noise(kept.len() as u64, 20_000))).await {
            Ok(position) => kept.push(position),
            Err(error) => break error,
        }
    };
    assert!(refused.is_disk_full(), "{refused}");
    fs::remove_file(&ballast).unwrap();
    kept.push(append_when_it_works(&journal, "again").await);
    drop(journal);
    let (journal, _) = open(&dir);
    assert_eq!(replayed(&journal).into_iter().map(|(position, _)| position).collect::<Vec<_>>(), kept);
    drop(journal);
}
