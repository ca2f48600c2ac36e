//! What a restart makes of a log that was torn, damaged or copied at a bad moment.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::PathBuf;

use tokio::sync::Semaphore;

use super::*;
use crate::journal::segment::SegmentHeader;

fn try_open(dir: &Path) -> Result<(Arc<Journal>, Opened), JournalError> {
    Journal::open(options(dir), || "other".to_owned())
}

/// A closed journal with these records, each in a batch of its own; the path of its only segment.
async fn written(dir: &Path, records: &[Record]) -> (PathBuf, Vec<Position>) {
    let (journal, _) = open(dir);
    let mut positions = Vec::new();
    for record in records {
        positions.push(journal.append(record.clone()).await.unwrap());
    }
    journal.close().await.unwrap();
    (dir.join(segment::file_name(Position(0))), positions)
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_of_the_last_record_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, positions) = written(dir.path(), &[record("first"), record(noise(1, 60))]).await;
    let whole = fs::read(&segment).unwrap();
    let last = 28 + positions[1].0 as usize;
    for length in last..whole.len() {
        for zeros in [0, 3, 5_000] {
            let copy = tempfile::tempdir().unwrap();
            let mut torn = whole[..length].to_vec();
            torn.extend(std::iter::repeat_n(0, zeros));
            fs::write(copy.path().join("00000000000000000000.log"), &torn).unwrap();
            fs::copy(dir.path().join("journal.id"), copy.path().join("journal.id")).unwrap();
            let (journal, opened) = try_open(copy.path()).unwrap();
            assert_eq!(opened.torn_tail_bytes, (torn.len() - last) as u64, "cut at {length}");
            assert_eq!(replayed(&journal), [(positions[0], record("first"))]);
            drop(journal);
            assert_eq!(try_open(copy.path()).unwrap().1.torn_tail_bytes, 0);
        }
    }
}

#[tokio::test]
async fn a_byte_flipped_anywhere_before_the_last_record_refuses_to_open() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, positions) =
        written(dir.path(), &[record("first"), record(noise(1, 40)), record("last")]).await;
    for offset in 0..28 + positions[2].0 as usize {
        flip(&segment, offset);
        let refused = try_open(dir.path()).err().unwrap();
        let JournalError::Corrupt { segment: path, remedy, .. } = &refused else { panic!("{refused}") };
        assert_eq!(path, &segment);
        assert!(remedy.contains("restore") && remedy.contains(".aside"), "{remedy}");
        flip(&segment, offset);
    }
    assert_eq!(replayed(&try_open(dir.path()).unwrap().0).len(), 3);
}

#[tokio::test]
async fn a_flipped_byte_in_the_only_batch_refuses_to_open() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    let appends = (0..5).map(|seed| journal.append(record(noise(seed, 100))));
    futures_util::future::try_join_all(appends).await.unwrap();
    drop(journal);
    flip(&dir.path().join("00000000000000000000.log"), 28 + 150);
    assert!(matches!(try_open(dir.path()), Err(JournalError::Corrupt { .. })));
}

/// A closed journal of several segments.
async fn segmented(dir: &Path) -> Vec<PathBuf> {
    let options = JournalOptions { segment_bytes: 1_000, ..options(dir) };
    let (journal, _) = Journal::open(options, || "id".to_owned()).unwrap();
    for seed in 0..8 {
        journal.append(record(noise(seed, 400))).await.unwrap();
    }
    journal.close().await.unwrap();
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    assert_eq!(paths.len(), 4);
    paths
}

#[tokio::test]
async fn damage_or_a_cut_in_an_older_segment_refuses_to_open_until_it_is_moved_aside() {
    for cut in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let paths = segmented(dir.path()).await;
        let length = fs::metadata(&paths[1]).unwrap().len();
        if cut {
            OpenOptions::new().write(true).open(&paths[1]).unwrap().set_len(length - 420).unwrap();
        } else {
            flip(&paths[1], length as usize - 1);
        }
        let refused = try_open(dir.path()).err().unwrap();
        assert!(
            matches!(&refused, JournalError::Corrupt { segment, .. } if *segment == paths[1]),
            "{refused}"
        );
        fs::rename(&paths[1], paths[1].with_extension("aside")).unwrap();
        let (journal, _) = try_open(dir.path()).unwrap();
        assert_eq!(replayed(&journal).len(), 6);
    }
}

#[tokio::test]
async fn a_missing_segment_refuses_to_open() {
    let dir = tempfile::tempdir().unwrap();
    let paths = segmented(dir.path()).await;
    fs::remove_file(&paths[2]).unwrap();
    let refused = try_open(dir.path()).err().unwrap();
    let JournalError::Corrupt { segment, remedy, .. } = &refused else { panic!("{refused}") };
    assert_eq!(segment, &paths[1]);
    let aside = remedy.split_whitespace().find(|word| word.ends_with(".aside")).unwrap();
    fs::write(dir.path().join(aside), "").unwrap();
    assert_eq!(replayed(&try_open(dir.path()).unwrap().0).len(), 6);
}

#[tokio::test]
async fn the_newest_segment_moved_aside_frees_no_position() {
    let dir = tempfile::tempdir().unwrap();
    let paths = segmented(dir.path()).await;
    let last = fs::metadata(&paths[3]).unwrap().len();
    let start: u64 = paths[3].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    fs::rename(&paths[3], paths[3].with_extension("aside")).unwrap();
    let (journal, opened) = try_open(dir.path()).unwrap();
    assert!(opened.end.0 >= start + last);
    let position = journal.append(record("new")).await.unwrap();
    drop(journal);
    assert_eq!(try_open(dir.path()).unwrap().0.read(position).unwrap(), record("new"));
}

#[tokio::test]
async fn a_file_named_beyond_every_position_is_refused_and_nothing_is_lost() {
    for name in ["18446744073709551615.log", "18446744073709551615.aside", "09223372036854775807.aside"] {
        let dir = tempfile::tempdir().unwrap();
        segmented(dir.path()).await;
        fs::write(dir.path().join(name), "").unwrap();
        let refused = try_open(dir.path()).err().unwrap().to_string();
        assert!(refused.contains(name) && refused.contains("move it"), "{refused}");
        fs::remove_file(dir.path().join(name)).unwrap();
        assert_eq!(replayed(&try_open(dir.path()).unwrap().0).len(), 8);
    }
}

#[tokio::test]
async fn a_file_named_close_to_the_last_position_is_taken_at_every_start() {
    for below in [0, QUEUE_BYTES_MAX, 2 * QUEUE_BYTES_MAX - 1] {
        for end in ["aside", "log"] {
            let dir = tempfile::tempdir().unwrap();
            segmented(dir.path()).await;
            let name = format!("{:020}.{end}", (1u64 << 62) - below);
            fs::write(dir.path().join(&name), "").unwrap();
            for opening in 0..4 {
                let found = try_open(dir.path()).map(|(journal, _)| replayed(&journal).len());
                assert_eq!(found.map_err(|error| error.to_string()), Ok(8), "{name}, opening {opening}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_moved_aside_that_reaches_beyond_every_position_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    segmented(dir.path()).await;
    let path = dir.path().join("04611686018427387904.aside");
    fs::write(&path, "x").unwrap();
    let refused = try_open(dir.path()).err().unwrap().to_string();
    assert!(refused.contains(path.to_str().unwrap()) && refused.contains("move it"), "{refused}");
}

/// Moved aside, started without, moved back.
async fn came_back(dir: &Path, segment: &Path) {
    let aside = segment.with_extension("aside");
    fs::rename(segment, &aside).unwrap();
    drop(try_open(dir).unwrap());
    fs::rename(&aside, segment).unwrap();
}

#[tokio::test]
async fn a_segment_that_comes_back_is_read_again_also_where_the_next_was_begun_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = segmented(dir.path()).await;
    let (journal, opened) = try_open(dir.path()).unwrap();
    journal.append(record("new")).await.unwrap();
    drop(journal);
    paths.push(dir.path().join(segment::file_name(opened.end)));
    let texts = replayed(&try_open(dir.path()).unwrap().0);
    assert_eq!(texts.len(), 9);
    for path in &paths {
        came_back(dir.path(), path).await;
        for _ in 0..2 {
            let (journal, opened) = try_open(dir.path()).unwrap();
            assert_eq!(replayed(&journal), texts, "{}", path.display());
            assert_eq!(opened.given_up, []);
        }
    }
}

#[tokio::test]
async fn the_newest_segment_that_comes_back_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let paths = segmented(dir.path()).await;
    came_back(dir.path(), &paths[3]).await;
    assert_eq!(replayed(&try_open(dir.path()).unwrap().0).len(), 8);
}

#[tokio::test]
async fn a_segment_that_reaches_into_the_next_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (long, positions) = written(dir.path(), &[record("one"), record("two"), record("three")]).await;
    let header = SegmentHeader { start: positions[2], previous_end: positions[1] };
    let next = dir.path().join(segment::file_name(header.start));
    fs::write(next, header.encode(record::Seal::of("id-1"))).unwrap();
    let refused = try_open(dir.path()).err().unwrap().to_string();
    assert!(refused.contains(long.to_str().unwrap()) && refused.contains(".aside"), "{refused}");
}

#[tokio::test]
async fn a_segment_that_was_being_made_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let paths = segmented(dir.path()).await;
    for content in [&b""[..], b"askproJ1", &[0; 28], &[0; 4096]] {
        fs::write(dir.path().join("00000000000000100000.log"), content).unwrap();
        let (journal, opened) = try_open(dir.path()).unwrap();
        assert_eq!(opened.torn_tail_bytes, content.len() as u64);
        assert!(opened.end > Position(100_000));
        assert_eq!(replayed(&journal).len(), 8);
        drop(journal);
        fs::remove_file(dir.path().join(segment::file_name(opened.end))).unwrap();
    }
    assert!(paths.iter().all(|path| path.exists()));
}

#[tokio::test]
async fn an_interrupted_creation_begins_anew_and_lost_parts_are_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("00000000000000000000.log"), "ask").unwrap();
    let (journal, _) = open(dir.path());
    journal.append(record("x")).await.unwrap();
    drop(journal);

    let id = dir.path().join("journal.id");
    fs::rename(&id, dir.path().join("hidden")).unwrap();
    assert!(try_open(dir.path()).err().unwrap().to_string().contains("restore journal.id"));
    fs::rename(dir.path().join("hidden"), &id).unwrap();
    fs::remove_file(dir.path().join("00000000000000000000.log")).unwrap();
    assert!(try_open(dir.path()).err().unwrap().to_string().contains("no segments"));
}

#[test]
fn a_folder_that_is_a_file_names_path_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("deeper")] {
        let refused = try_open(&path).err().unwrap().to_string();
        assert!(refused.contains(path.to_str().unwrap()) && refused.contains("in the way"), "{refused}");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    let mut names: Vec<_> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    for name in names {
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_folder_at_any_moment_holds_everything_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { segment_bytes: 200_000, ..options(dir.path()) };
    let (journal, _) = Journal::open(options, || "id".to_owned()).unwrap();
    let acknowledged = Arc::new(Mutex::new(BTreeMap::new()));
    // Each round lets some more appends through, which go on while the folder is copied.
    let allowed = Arc::new(Semaphore::new(0));
    let appender = |worker: u64| {
        let (journal, acknowledged) = (Arc::clone(&journal), Arc::clone(&acknowledged));
        let allowed = Arc::clone(&allowed);
        tokio::spawn(async move {
            for seed in (worker << 32).. {
                let Ok(permit) = allowed.acquire().await else { return };
                permit.forget();
                let position = journal.append(record(noise(seed, (seed % 9_000) as usize))).await.unwrap();
                acknowledged.lock().unwrap().insert(position, seed);
            }
        })
    };
    let appenders: Vec<_> = (1..=6).map(appender).collect();
    for round in 1..=12 {
        allowed.add_permits(300);
        eventually(async || (acknowledged.lock().unwrap().len() > (round - 1) * 300 + 20).then_some(()))
            .await;
        let expected = acknowledged.lock().unwrap().clone();
        let copy = tempfile::tempdir().unwrap();
        copy_folder(dir.path(), copy.path());
        let (restarted, _) = try_open(copy.path()).unwrap();
        let found: BTreeMap<_, _> = replayed(&restarted).into_iter().collect();
        for (position, seed) in expected {
            let payload = noise(seed, (seed % 9_000) as usize);
            assert_eq!(found.get(&position), Some(&record(payload)), "{position}");
        }
    }
    allowed.close();
    for appender in appenders {
        appender.await.unwrap();
    }
}
