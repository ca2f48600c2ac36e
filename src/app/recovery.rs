//! What journal and database remember, given back to the actors before the first request.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use askpro_actors::{
    metrics::{DEAD_LETTERS, JOURNAL},
    ports::{
        journal::{self as port, Signer},
        rows::{Body, DeadLetterRow, PlatformEventRow, Write},
        stores::BatchStore,
    },
    root::{Actors, Journaled, Ports, Restored},
    writer::WriteOrder,
};
use askpro_domain::{ids::CompanyId, time::UnixMillis};
use bytes::Bytes;

use super::{decoder::platform_event, tasks::set};
use crate::{
    app::TAKEN_OVER,
    compress::compress,
    journal::{
        ADOPT, GivenUp, Journal, Opened, Position, Record,
        port::{decode, name_of},
    },
    store::Database,
    telemetry::metrics::JOURNAL_GIVEN_UP,
};

/// How often it is looked whether the schedulers have taken over what they find again, and whether the writers have
/// room.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// Orders that may wait for the writers before another record that cannot be read is taken.
const BACKLOG_MAX: usize = 1_000;
/// A letter that is larger waits until it is written before anything more is read.
const LETTER_BYTES_LARGE: usize = 64 * 1024;
/// How long the database may take for any of them.
const LETTERS_WITHIN: Duration = Duration::from_secs(60);

/// Why a journal is refused that this database never saw.
const FOREIGN: &str = "journal.dir belongs to another database: it holds records, or has given some away, that this \
                       one never got; use the folder that belongs to database.url, or a new one";

/// Replays the journal from its mark and brings back live calls and open bookings.
///
/// # Errors
/// When the journal belongs to another database or lost records that are still needed, or when the database
/// does not answer.
pub(super) async fn recover(
    database: &Database,
    journal: &Arc<Journal>,
    opened: &Opened,
    ports: &Ports,
    actors: &Actors,
) -> anyhow::Result<()> {
    let mark = database.load_mark(&opened.id).await.context("the journal's mark cannot be read")?;
    let mark = mark.map(|m| Position(m.0));
    let from = replay_from(mark, opened)?;
    if mark.is_none() {
        begin(database, opened, actors.fence.epoch()).await?;
    }
    warn_of_given_up(mark.unwrap_or_default(), opened);
    let since = Instant::now();
    actors.writers.rest();
    let mut journaled = Journaled::default();
    for item in journal.replay(from) {
        let (position, record) = item.context("journal.dir: the journal cannot be replayed")?;
        journal.adopt(&[position]);
        let at = port::Position(position.0);
        let unread = match decode(record.clone()) {
            Ok(typed) => take(actors, &mut journaled, at, typed, &record),
            Err(error) => Err((Unread::record(&record), error)),
        };
        if let Err((unread, error)) = unread {
            set_aside(actors, ports, (&opened.id, at), unread, &error).await?;
        }
    }
    tracing::info!(events = journaled.events, took_ms = millis(since), "the journal was replayed");
    let restored = actors.restore(ports, journaled).await;
    let restored = restored.context("live calls and open bookings cannot be read")?;
    while actors.schedulers.queued() > 0 {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let Restored { calls, bookings, events } = restored;
    tracing::info!(calls, bookings, events, took_ms = millis(since), "recovered");
    Ok(())
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The first time that this database sees this journal. One that holds records is taken by a database that never
/// had a journal: it is the one that was lost, made anew. Any other has got its records from elsewhere.
async fn begin(database: &Database, opened: &Opened, epoch: i64) -> anyhow::Result<()> {
    if opened.found_end > opened.first {
        let knows_others = database.knows_a_journal().await.context("the journals' marks cannot be read")?;
        if knows_others && !opened.is_adopted {
            bail!(
                "{FOREIGN}; where it does belong here, after a restore, create an empty file `{ADOPT}` in it"
            );
        }
        tracing::warn!(
            journal.id = opened.id,
            bytes = opened.found_end.0 - opened.first.0,
            "this database never saw this journal; it takes everything that is in it"
        );
    }
    let first = port::Position(opened.first.0);
    database.save_mark(epoch, &opened.id, first).await.context("the journal's mark cannot be saved")
}

/// Says what is lost because its segment was moved aside, as long as the database has not passed it.
fn warn_of_given_up(mark: Position, opened: &Opened) {
    let lost: Vec<GivenUp> = opened.given_up.iter().filter_map(|given_up| given_up.behind(mark)).collect();
    for given_up in &lost {
        tracing::warn!(
            journal.id = opened.id,
            from = given_up.from.0,
            until = given_up.until.0,
            "a segment of the journal was moved aside: the acknowledged records in it are lost"
        );
    }
    let bytes: u64 = lost.into_iter().map(GivenUp::bytes).sum();
    set(JOURNAL_GIVEN_UP, bytes);
}

/// Where to begin: the mark, or the start of a journal that this database never saw; behind what was moved aside
/// when that is the oldest.
fn replay_from(mark: Option<Position>, opened: &Opened) -> anyhow::Result<Position> {
    match mark {
        Some(mark) if mark > opened.found_end => bail!(
            "journal.dir: the database has this journal up to {mark}, the folder ends at {}: it is an older copy; \
             restore the newest folder, or point journal.dir to a new one",
            opened.found_end
        ),
        Some(mark) if mark >= opened.first => Ok(mark),
        _ if opened.given_up.iter().any(|given_up| given_up.covers(mark.unwrap_or_default())) => {
            Ok(opened.first)
        }
        Some(mark) => bail!(
            "journal.dir: records from {mark} to {} are missing that the database never got; restore the folder; \
             or, to go on WITHOUT them, create an empty file {:020}.aside in it (`touch`) and start again",
            opened.first,
            mark.0
        ),
        None if opened.first == Position(0) => Ok(opened.first),
        None => bail!(FOREIGN),
    }
}

/// Almost all records are of calls: whether one is the platform's is asked only of what calls do not take, so that a
/// body is unpacked and read once. Gives back what this release cannot read, and why.
fn take(
    actors: &Actors,
    journaled: &mut Journaled,
    at: port::Position,
    typed: port::Record,
    record: &Record,
) -> Result<(), (Unread, String)> {
    let event = match &typed {
        port::Record::RetellEvent { signer, received_at, body } => {
            Some((*signer, *received_at, body.clone()))
        }
        port::Record::Scheduling(_) | port::Record::CalendarEvent { .. } | port::Record::Callback(_) => None,
    };
    let Err(error) = journaled.take(&actors.calls, at, typed) else { return Ok(()) };
    let Some((signer, received_at, body)) = event else { return Err((Unread::record(record), error)) };
    let Some(row) = platform_row(received_at, &body) else {
        return Err((Unread::event(signer, body), error));
    };
    let writes = vec![Write::PlatformEvent(row)];
    actors.writers.write(WriteOrder { call_id: None, writes, positions: vec![at] });
    Ok(())
}

fn platform_row(received_at: UnixMillis, body: &Bytes) -> Option<PlatformEventRow> {
    let event = platform_event(body)?;
    let (name, dedup_key) = (event.kind.name().to_owned(), event.dedup_key);
    Some(PlatformEventRow { event: name, dedup_key, received_at, body: Body::Inline(body.clone()) })
}

/// What is kept of what this release cannot read.
struct Unread {
    message: Cow<'static, str>,
    signer_company: Option<CompanyId>,
    /// Compressed.
    body: Bytes,
}

impl Unread {
    /// An event of Retell. Its replay counts as its signer's.
    fn event(signer: Signer, body: Bytes) -> Self {
        let signer_company = match signer {
            Signer::Company(company) => Some(company),
            Signer::Platform => None,
        };
        Self { message: "retell_event".into(), signer_company, body }
    }

    /// The payload of a whole record, as one frame like every other body. It is kept as it is where even that fails.
    fn record(record: &Record) -> Self {
        let body = compress(&record.payload).unwrap_or_else(|error| {
            tracing::error!(%error, "the payload of a journal record is kept as it is");
            record.payload.clone()
        });
        Self { message: name_of(record.kind), signer_company: None, body }
    }
}

/// A record that this release cannot read is kept as a dead letter, in sight. It is whole in memory until it is in the
/// database: so the writers go on, and nothing more is read while many orders wait, or any with a large one.
///
/// # Errors
/// When the database does not take them, or belongs to another process by now.
async fn set_aside(
    actors: &Actors,
    ports: &Ports,
    (journal, at): (&str, port::Position),
    unread: Unread,
    error: &str,
) -> anyhow::Result<()> {
    tracing::error!(
        position = at.0,
        message = %unread.message,
        error,
        "a journal record cannot be read; it goes to the dead letters"
    );
    metrics::counter!(DEAD_LETTERS.name, "actor" => JOURNAL).increment(1);
    let backlog_max = if unread.body.len() > LETTER_BYTES_LARGE { 0 } else { BACKLOG_MAX };
    let writes = vec![Write::DeadLetter(dead_letter((journal, at), unread, error, ports.clock.now()))];
    actors.writers.write(WriteOrder { call_id: None, writes, positions: vec![at] });
    actors.writers.go_on();
    let (mut since, mut least) = (Instant::now(), usize::MAX);
    while actors.writers.backlog() > backlog_max {
        if actors.writers.backlog() < least {
            (since, least) = (Instant::now(), actors.writers.backlog());
        }
        if actors.fence.is_lost() {
            bail!(TAKEN_OVER);
        }
        if since.elapsed() > LETTERS_WITHIN {
            bail!("the database does not take what the journal holds for it");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

fn dead_letter(
    (journal, at): (&str, port::Position),
    unread: Unread,
    error: &str,
    created_at: UnixMillis,
) -> DeadLetterRow {
    DeadLetterRow {
        // Every journal begins with the same position.
        id: format!("journal-{journal}-{:020}", at.0),
        actor: JOURNAL,
        actor_id: at.0.to_string(),
        message: unread.message,
        error: error.to_owned(),
        signer_company: unread.signer_company,
        created_at,
        body: Some(Body::Inline(unread.body)),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{compress::decompress, journal::JournalOptions};

    /// Small enough that each record has a segment of its own.
    fn open(dir: &Path) -> (Arc<Journal>, Opened) {
        let options = JournalOptions { dir: dir.to_owned(), max_bytes: 1 << 20, segment_bytes: 256 };
        Journal::open(options, || "journal-1".to_owned()).unwrap()
    }

    async fn append(journal: &Journal, records: usize) {
        for _ in 0..records {
            journal.append(Record { kind: 1, payload: Bytes::from(vec![7; 300]) }).await.unwrap();
        }
    }

    /// Everything up to here is in the database.
    fn commit_all(journal: &Journal) -> Position {
        let outstanding: Vec<Position> = journal.replay(Position(0)).map(|item| item.unwrap().0).collect();
        journal.committed(&outstanding);
        journal.mark()
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }

    #[tokio::test]
    async fn a_new_journal_is_replayed_from_its_start_and_a_known_one_from_its_mark() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, opened) = open(dir.path());
        assert_eq!(replay_from(None, &opened).unwrap(), Position(0));
        append(&journal, 3).await;
        let mark = commit_all(&journal);
        append(&journal, 1).await;
        journal.close().await.unwrap();
        let (journal, opened) = open(dir.path());
        assert_eq!(replay_from(Some(mark), &opened).unwrap(), mark);
        assert_eq!(journal.replay(mark).count(), 1);
        // The mark of a journal that holds nothing any more is where its next record will be.
        let mark = commit_all(&journal);
        journal.close().await.unwrap();
        assert_eq!(replay_from(Some(mark), &open(dir.path()).1).unwrap(), mark);
    }

    #[tokio::test]
    async fn a_journal_of_another_database_and_one_with_a_hole_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = open(dir.path());
        append(&journal, 1).await;
        let before = commit_all(&journal);
        append(&journal, 3).await;
        let mark = commit_all(&journal);
        assert!(journal.remove_before(mark).unwrap() > 0);
        journal.close().await.unwrap();
        let (_journal, opened) = open(dir.path());
        assert!(replay_from(None, &opened).unwrap_err().to_string().contains("another database"));
        assert!(replay_from(Some(before), &opened).unwrap_err().to_string().contains("missing"));
    }

    #[tokio::test]
    async fn an_older_copy_of_the_folder_is_refused_although_its_next_record_would_lie_behind_the_mark() {
        let root = tempfile::tempdir().unwrap();
        let (dir, older) = (root.path().join("journal"), root.path().join("older"));
        let (journal, _) = open(&dir);
        append(&journal, 2).await;
        commit_all(&journal);
        copy(&dir, &older);
        append(&journal, 1).await;
        let mark = commit_all(&journal);
        journal.close().await.unwrap();
        let (_journal, opened) = open(&older);
        assert!(mark < opened.end, "positions jump at an opening");
        assert!(replay_from(Some(mark), &opened).unwrap_err().to_string().contains("older copy"));
        assert!(replay_from(Some(mark), &open(&dir).1).is_ok());
    }

    #[tokio::test]
    async fn a_newest_segment_that_was_given_up_is_no_older_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = open(dir.path());
        append(&journal, 3).await;
        let mark = commit_all(&journal);
        journal.close().await.unwrap();
        let logs = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let newest = logs.filter(|path| path.extension().is_some_and(|e| e == "log")).max().unwrap();
        fs::rename(&newest, newest.with_extension("aside")).unwrap();
        assert_eq!(replay_from(Some(mark), &open(dir.path()).1).unwrap(), mark);
    }

    /// The segments of a folder, oldest first.
    fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
        let logs = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let mut logs: Vec<_> = logs.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
        logs.sort();
        logs
    }

    fn lost(mark: Position, opened: &Opened) -> Vec<GivenUp> {
        opened.given_up.iter().filter_map(|given_up| given_up.behind(mark)).collect()
    }

    #[tokio::test]
    async fn a_segment_that_was_moved_aside_is_given_up_whichever_it_is() {
        for (aside, mark_after) in [(0, 0), (0, 1), (1, 1), (0, 2), (2, 0)] {
            let dir = tempfile::tempdir().unwrap();
            let (journal, _) = open(dir.path());
            append(&journal, mark_after).await;
            let mark = (mark_after > 0).then(|| commit_all(&journal));
            append(&journal, 4 - mark_after).await;
            journal.remove_before(mark.unwrap_or_default()).unwrap();
            journal.close().await.unwrap();
            let paths = segments(dir.path());
            let start = |path: &Path| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
            let (moved, next) = (&paths[aside], start(&paths[aside + 1]));
            fs::rename(moved, moved.with_extension("aside")).unwrap();
            for opening in 1..=2 {
                let (journal, opened) = open(dir.path());
                let from = replay_from(mark, &opened).unwrap();
                let records = journal.replay(from).map(Result::unwrap).count();
                assert_eq!(records, 3 - mark_after, "{aside} {mark_after}, opening {opening}");
                let expected = GivenUp { from: Position(start(moved)), until: Position(next) };
                assert_eq!(lost(mark.unwrap_or_default(), &opened), [expected]);
                assert_eq!(lost(Position(next), &opened), [], "what the database has is lost to nobody");
                journal.close().await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn the_only_segment_can_be_moved_aside() {
        let dir = tempfile::tempdir().unwrap();
        let options =
            JournalOptions { dir: dir.path().to_owned(), max_bytes: 1 << 20, segment_bytes: 1 << 18 };
        let (journal, _) = Journal::open(options, || "journal-1".to_owned()).unwrap();
        append(&journal, 1).await;
        let mark = commit_all(&journal);
        append(&journal, 2).await;
        let end = journal.status().end;
        journal.close().await.unwrap();
        let path = &segments(dir.path())[0];
        fs::rename(path, path.with_extension("aside")).unwrap();
        let (_journal, opened) = open(dir.path());
        assert_eq!(replay_from(Some(mark), &opened).unwrap(), opened.first);
        assert_eq!(lost(mark, &opened), [GivenUp { from: mark, until: end }]);
    }

    #[tokio::test]
    async fn records_that_are_missing_are_given_up_by_the_file_that_the_refusal_names() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = open(dir.path());
        append(&journal, 1).await;
        let mark = commit_all(&journal);
        append(&journal, 3).await;
        journal.remove_before(mark).unwrap();
        journal.close().await.unwrap();
        fs::remove_file(&segments(dir.path())[0]).unwrap();
        let (journal, opened) = open(dir.path());
        let refused = replay_from(Some(mark), &opened).unwrap_err().to_string();
        journal.close().await.unwrap();
        let named = refused.split_whitespace().find(|word| word.ends_with(".aside")).unwrap();
        fs::write(dir.path().join(named), "").unwrap();
        let (_journal, opened) = open(dir.path());
        assert_eq!(replay_from(Some(mark), &opened).unwrap(), opened.first);
        assert_eq!(lost(mark, &opened), [GivenUp { from: mark, until: opened.first }]);
    }

    #[test]
    fn an_event_that_cannot_be_read_keeps_its_signer() {
        let letter_of = |signer| {
            let unread = Unread::event(signer, Bytes::from_static(b"packed"));
            dead_letter(("1f", port::Position(7)), unread, "unreadable", UnixMillis(2))
        };
        let foreign = letter_of(Signer::Company(CompanyId(42)));
        assert_eq!((foreign.signer_company, &*foreign.message), (Some(CompanyId(42)), "retell_event"));
        assert_eq!(foreign.body, Some(Body::Inline(Bytes::from_static(b"packed"))));
        assert_eq!(letter_of(Signer::Platform).signer_company, None);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_kept_whole_and_named_and_is_no_event() {
        let kinds =
            [(1, "event_record"), (2, "scheduling_record"), (3, "calendar_record"), (4, "callback_record")];
        for (kind, name) in kinds.into_iter().chain([(9, "record_kind_9"), (255, "record_kind_255")]) {
            let record = Record { kind, payload: Bytes::from_static(b"{\"of\":1") };
            let unreadable = decode(record.clone()).unwrap_err();
            let letter =
                dead_letter(("1f", port::Position(7)), Unread::record(&record), &unreadable, UnixMillis(2));
            let Some(Body::Inline(body)) = letter.body else { panic!("{name} has no body") };
            assert_eq!((&*letter.message, letter.actor), (name, "journal"));
            assert_eq!(decompress(&body, 1_000).unwrap(), record.payload, "{name}");
        }
    }
}
