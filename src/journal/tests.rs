//! The journal as its users see it; helpers for the other test files.

mod faults;
mod fuzz;
mod recovery;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const MIB: u64 = 1024 * 1024;

fn options(dir: &Path) -> JournalOptions {
    JournalOptions { dir: dir.to_owned(), max_bytes: 256 * MIB, segment_bytes: SEGMENT_BYTES }
}

fn open(dir: &Path) -> (Arc<Journal>, Opened) {
    Journal::open(options(dir), || "id-1".to_owned()).unwrap()
}

fn record(text: impl Into<Vec<u8>>) -> Record {
    Record { kind: 1, payload: Bytes::from(text.into()) }
}

/// Bytes without long runs of zeros, different for each seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8 | 1
    };
    (0..length).map(|_| next()).collect()
}

fn replayed(journal: &Journal) -> Vec<(Position, Record)> {
    journal.replay(Position(0)).collect::<Result<_, _>>().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Looks until `done` gives something; real files and threads take real time.
async fn eventually<T>(mut done: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = done().await {
            return value;
        }
        assert!(Instant::now() < deadline, "it did not come about in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_was_appended_is_read_replayed_and_found_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, opened) = open(dir.path());
    assert_eq!((opened.first, opened.end, opened.segments), (Position(0), Position(0), 1));
    let first = journal.append(record("one")).await.unwrap();
    let second = journal.append(Record { kind: 9, payload: Bytes::new() }).await.unwrap();
    assert_eq!(journal.read(first).unwrap(), record("one"));
    let before = replayed(&journal);
    assert_eq!(before.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [first, second]);
    journal.close().await.unwrap();

    let (journal, opened) = open(dir.path());
    assert_eq!(journal.id(), "id-1");
    assert_eq!(opened.torn_tail_bytes, 0);
    assert_eq!(replayed(&journal), before);
    assert_eq!(journal.read(second).unwrap().kind, 9);
    assert!(journal.append(record("three")).await.unwrap() >= opened.end);
    assert_eq!(journal.replay(second).count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn records_of_any_size_come_back_equal_and_in_order(
        sizes in prop::collection::vec(prop_oneof![0usize..200, 0usize..6_000], 1..40),
        segment_bytes in 100u64..8_000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let options = || JournalOptions { segment_bytes, ..options(dir.path()) };
        let sent: Vec<_> = sizes.iter().enumerate().map(|(seed, size)| record(noise(seed as u64, *size))).collect();
        let (journal, _) = Journal::open(options(), || "id".to_owned()).unwrap();
        let positions: Vec<_> = runtime().block_on(async {
            let placed: Vec<_> = sent.iter().map(|record| journal.append_ordered(record.clone()).unwrap()).collect();
            futures_util::future::join_all(placed.into_iter().map(async |(position, durable)| {
                durable.await.unwrap();
                position
            })).await
        });
        drop(journal);
        let (journal, _) = Journal::open(options(), || "other".to_owned()).unwrap();
        let expected: Vec<_> = positions.iter().copied().zip(sent).collect();
        prop_assert!(positions.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(&replayed(&journal), &expected);
        for (position, record) in &expected {
            prop_assert_eq!(&journal.read(*position).unwrap(), record);
            prop_assert_eq!(journal.replay(*position).next().unwrap().unwrap().0, *position);
        }
    }
}

#[tokio::test]
async fn many_appends_share_few_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let appends = (0..2_000u32).map(|index| journal.append(record(index.to_le_bytes())));
    let positions = futures_util::future::try_join_all(appends).await.unwrap();
    assert!(journal.status().fsyncs < 200, "{} syncs", journal.status().fsyncs);
    for (index, position) in positions.iter().enumerate() {
        assert_eq!(journal.read(*position).unwrap(), record((index as u32).to_le_bytes()));
    }
}

#[tokio::test]
async fn a_second_open_is_refused_while_the_first_lives_and_taken_after_its_close() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let refused = Journal::open(options(dir.path()), || "x".to_owned()).err().unwrap();
    assert!(matches!(refused, JournalError::Locked { .. }));
    assert!(refused.to_string().contains(dir.path().to_str().unwrap()), "{refused}");
    journal.close().await.unwrap();
    open(dir.path());
    assert!(matches!(journal.append(record("late")).await, Err(JournalError::Closed)));
    assert!(matches!(journal.remove_before(Position(0)), Err(JournalError::Closed)));
}

#[tokio::test]
async fn a_record_above_the_limit_is_refused_and_the_largest_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let too_large = journal.append(record(vec![1; MAX_RECORD_BYTES + 1])).await;
    assert!(matches!(too_large, Err(JournalError::TooLarge { .. })));
    let position = journal.append(record(vec![1; MAX_RECORD_BYTES])).await.unwrap();
    assert_eq!(journal.read(position).unwrap().payload.len(), MAX_RECORD_BYTES);
}

#[tokio::test]
async fn a_full_journal_refuses_at_once_and_takes_records_again_after_removal() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { max_bytes: 100_000, ..options(dir.path()) };
    let (journal, _) = Journal::open(options, || "id".to_owned()).unwrap();
    let mut positions = Vec::new();
    let refused = loop {
        match journal.append(record(noise(1, 5_000))).await {
            Ok(position) => positions.push(position),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, JournalError::Full { max_bytes: 100_000, .. }), "{refused}");
    assert!(journal.status().bytes <= 100_000);
    assert_eq!(replayed(&journal).len(), positions.len());

    assert_eq!(journal.remove_before(journal.mark()).unwrap(), 0);
    journal.committed(&positions);
    assert!(journal.remove_before(journal.mark()).unwrap() > 50_000);
    journal.append(record(noise(1, 5_000))).await.unwrap();
}

#[tokio::test]
async fn removal_keeps_every_segment_with_an_outstanding_record() {
    let dir = tempfile::tempdir().unwrap();
    let small = || JournalOptions { segment_bytes: 2_000, ..options(dir.path()) };
    let (journal, _) = Journal::open(small(), || "id".to_owned()).unwrap();
    let mut positions = Vec::new();
    for seed in 0..20 {
        positions.push(journal.append(record(noise(seed, 900))).await.unwrap());
    }
    let kept = positions.remove(7);
    journal.committed(&positions);
    assert_eq!(journal.mark(), kept);
    assert!(journal.remove_before(Position(u64::MAX)).unwrap() > 0);
    assert_eq!(journal.read(kept).unwrap(), record(noise(7, 900)));
    assert!(matches!(journal.read(positions[0]), Err(JournalError::NotFound { .. })));
    assert_eq!(journal.status().outstanding, 1);
    drop(journal);

    let (journal, opened) = Journal::open(small(), || "id".to_owned()).unwrap();
    assert!(opened.first > Position(0) && opened.first <= kept);
    journal.adopt(&[kept]);
    assert_eq!(journal.mark(), kept);
    journal.committed(&[kept]);
    assert_eq!(journal.mark(), journal.status().end);
    journal.remove_before(journal.mark()).unwrap();
    assert_eq!(journal.status().segments, 1);
}

#[tokio::test]
async fn an_emptied_journal_never_gives_a_position_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut highest = Position(0);
    for _ in 0..5 {
        let (journal, _) = open(dir.path());
        let position = journal.append(record("x")).await.unwrap();
        assert!(position >= highest);
        journal.committed(&[position]);
        highest = journal.mark();
        assert!(highest > position);
        journal.remove_before(highest).unwrap();
    }
}

#[tokio::test]
async fn an_awaited_append_covers_the_ordered_ones_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let (first, _) = journal.append_ordered(record("hold")).unwrap();
    let (second, _) = journal.append_ordered(record("move")).unwrap();
    let third = journal.append(record("submit")).await.unwrap();
    assert!(first < second && second < third);
    let names: Vec<_> = replayed(&journal).into_iter().map(|(position, _)| position).collect();
    assert_eq!(names, [first, second, third]);
}

#[test]
fn dropping_the_journal_writes_what_is_queued() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for index in 0..100u8 {
        drop(journal.append_ordered(record([index])).unwrap());
    }
    drop(journal);
    assert_eq!(replayed(&open(dir.path()).0).len(), 100);
}

#[test]
fn nobody_but_its_user_may_read_the_journal() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("new");
    let (journal, _) = open(&dir);
    runtime().block_on(async {
        journal.append(record("a call")).await.unwrap();
        journal.close().await.unwrap();
    });
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
