//! The check of all segments at start-up: every checksum, and that no segment is missing.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::chunks::{Chunks, Found};
use super::error::JournalError;
use super::folder::{Listing, check_reach};
use super::given_up::GivenUp;
use super::record::{Position, Seal};
use super::segment::{SEGMENT_HEADER_BYTES, Segment, SegmentHeader, damaged, file_name};
use super::tail::{self, Tail};

/// A checked log.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) segments: Vec<Arc<Segment>>,
    /// End of the last record (or of the last segment, when it has none).
    pub(super) end: Position,
    /// No position below it is free, whatever became of the bytes there.
    pub(super) floor: Position,
    pub(super) torn_tail_bytes: u64,
    /// What an operator moved aside, in order.
    pub(super) given_up: Vec<GivenUp>,
}

/// Checks the segments of `listing`, cuts a torn tail, refuses anything that looks like a loss.
pub(super) fn scan(dir: &Path, seal: Seal, listing: &Listing) -> Result<Scanned, JournalError> {
    let mut scanned = Scanned::default();
    let found = load_segments(dir, seal, listing)?;
    let names = listing.segments.last().copied().into_iter().chain(listing.aside.iter().map(|(_, end)| *end));
    scanned.floor = names.max().unwrap_or_default();
    let (found, removed_bytes) = without_unfinished(seal, found)?;
    scanned.torn_tail_bytes = removed_bytes;
    let following = found.iter().skip(1).map(|(_, header)| Some(*header)).chain([None]);
    for ((segment, header), next) in found.iter().zip(following) {
        scanned.torn_tail_bytes += match next {
            Some(next) => {
                check_followed(seal, segment, next, was_moved_aside(listing, header.start, next.start))?
            }
            None => check_last(seal, segment)?,
        };
        scanned.end = segment.end();
    }
    scanned.floor = scanned.floor.max(scanned.end);
    let headers: Vec<SegmentHeader> = found.iter().map(|(_, header)| *header).collect();
    scanned.given_up = given_up(listing, &headers);
    scanned.segments = found.into_iter().map(|(segment, _)| segment).collect();
    Ok(scanned)
}

type Loaded = (Segment, Option<SegmentHeader>);
type Sound = (Arc<Segment>, SegmentHeader);

fn load_segments(dir: &Path, seal: Seal, listing: &Listing) -> Result<Vec<Loaded>, JournalError> {
    let load = |start: &Position| {
        let path = dir.join(file_name(*start));
        let segment = Segment::open(dir, *start, *start).map_err(JournalError::folder(&path))?;
        let header = read_header(seal, &segment).map_err(JournalError::io("read", &path))?;
        let header = header.filter(|header| header.start == *start);
        check_reach(&path, *start, header.is_some())?;
        Ok((segment, header))
    };
    listing.segments.iter().map(load).collect()
}

/// The segments with a sound header, and the bytes of those that were removed because they never got one: no record
/// of the log lies in a file whose making failed or was interrupted.
fn without_unfinished(seal: Seal, found: Vec<Loaded>) -> Result<(Vec<Sound>, u64), JournalError> {
    let (mut sound, mut removed_bytes) = (Vec::<Sound>::new(), 0);
    let newest = found.last().map(|(segment, _)| segment.start);
    for (segment, header) in found.into_iter().rev() {
        let Some(header) = header else {
            let next = sound.last().map(|(_, next)| *next);
            let is_newest = newest == Some(segment.start);
            removed_bytes += remove_unfinished(seal, &segment, next, is_newest)?;
            continue;
        };
        sound.push((Arc::new(segment), header));
    }
    sound.reverse();
    Ok((sound, removed_bytes))
}

fn read_header(seal: Seal, segment: &Segment) -> io::Result<Option<SegmentHeader>> {
    let mut chunks = Chunks::up_to(SEGMENT_HEADER_BYTES.min(length(segment)?));
    let bytes = chunks.bytes(segment.file(), 0, SEGMENT_HEADER_BYTES as usize)?;
    Ok(bytes.and_then(|bytes| bytes.first_chunk()).and_then(|bytes| SegmentHeader::decode(seal, bytes)))
}

fn was_moved_aside(listing: &Listing, start: Position, next: Position) -> bool {
    listing.aside.iter().any(|(aside, _)| start < *aside && *aside < next)
}

/// What each file that was moved aside held. Its follower knows best where it ended, unless that was begun after
/// the move: then the bytes of the file say it.
fn given_up(listing: &Listing, headers: &[SegmentHeader]) -> Vec<GivenUp> {
    let until = |(from, end): (Position, Position), next_aside: Option<Position>| {
        let follower = headers.iter().find(|header| header.start > from);
        let adjoins = |follower: &&SegmentHeader| next_aside.is_none_or(|aside| follower.start < aside);
        match (follower.filter(adjoins), next_aside) {
            (Some(follower), _) if follower.previous_end > from => follower.previous_end,
            (None, Some(aside)) => aside,
            _ => Position(end.0.saturating_sub(SEGMENT_HEADER_BYTES)).max(from),
        }
    };
    let next_asides = listing.aside.iter().skip(1).map(|(start, _)| Some(*start)).chain([None]);
    let ranges = listing.aside.iter().zip(next_asides);
    ranges.map(|(aside, next)| GivenUp { from: aside.0, until: until(*aside, next) }).collect()
}

/// A segment with a follower holds what that says. Less is a loss, unless an operator gave up what stood between them.
/// More was never acknowledged, unless it proves that it was: then this segment was away when the follower was begun.
fn check_followed(
    seal: Seal,
    segment: &Segment,
    next: SegmentHeader,
    is_gap_given_up: bool,
) -> Result<u64, JournalError> {
    match check_sealed(seal, segment, next.previous_end) {
        Ok(Sealed::AsKnown) => return Ok(0),
        Ok(Sealed::WasAway) => {}
        Err(_) if is_gap_given_up => {}
        Err(error) => return Err(error),
    }
    let cut_bytes = check_last(seal, segment)?;
    if segment.end() > next.start { Err(segment.damaged(next.start)) } else { Ok(cut_bytes) }
}

/// How a segment compares with what its follower says.
enum Sealed {
    AsKnown,
    /// It holds durable records that the follower does not know.
    WasAway,
}

fn check_sealed(seal: Seal, segment: &Segment, expected: Position) -> Result<Sealed, JournalError> {
    let read_error = |error| JournalError::io("read", &segment.path)(error);
    let length = length(segment).map_err(read_error)?;
    let limit = length.min(segment.offset(expected));
    let (end, clean) = walk(seal, segment, limit).map_err(read_error)?;
    segment.set_end(end);
    if end >= expected {
        let was_away = holds_more(seal, segment, expected, length).map_err(read_error)?;
        Ok(if was_away { Sealed::WasAway } else { Sealed::AsKnown })
    } else if clean && limit == length {
        Err(cut_short(segment, expected))
    } else {
        Err(segment.damaged(end))
    }
}

/// Whether a record behind the segment's end was written when more than `expected` was on disk.
fn holds_more(seal: Seal, segment: &Segment, expected: Position, length: u64) -> io::Result<bool> {
    let mut chunks = Chunks::up_to(length);
    let mut position = segment.end();
    while let Found::Record { header, .. } =
        chunks.record(segment.file(), seal, position, segment.offset(position))?
    {
        if position.0.saturating_sub(header.unsynced.into()) > expected.0 {
            return Ok(true);
        }
        position = Position(position.0 + header.record_bytes() as u64);
    }
    Ok(false)
}

fn check_last(seal: Seal, segment: &Segment) -> Result<u64, JournalError> {
    let read_error = |error| JournalError::io("read", &segment.path)(error);
    let length = length(segment).map_err(read_error)?;
    let (end, clean) = walk(seal, segment, length).map_err(read_error)?;
    segment.set_end(end);
    if clean {
        return Ok(0);
    }
    judge_rest(seal, segment, end, length)?;
    let cut = || {
        let file = OpenOptions::new().write(true).open(&segment.path)?;
        file.set_len(segment.offset(end))?;
        file.sync_all()
    };
    cut().map_err(JournalError::io("cut the torn tail of", &segment.path))?;
    Ok(length - segment.offset(end))
}

/// A file that got no header holds nothing, if what was begun after it does not know it either. Of the newest, the
/// header may have been lost: what it holds is looked at.
fn remove_unfinished(
    seal: Seal,
    segment: &Segment,
    next: Option<SegmentHeader>,
    is_newest: bool,
) -> Result<u64, JournalError> {
    let length = length(segment).map_err(JournalError::io("read", &segment.path))?;
    let is_unknown = next.is_none_or(|next| next.previous_end <= segment.start);
    let is_short = length <= SEGMENT_HEADER_BYTES;
    if !is_unknown || !(is_short || is_newest && holds_no_record(seal, segment, length)?) {
        return Err(damaged(&segment.path, 0));
    }
    fs::remove_file(&segment.path).map_err(JournalError::io("remove", &segment.path))?;
    Ok(length)
}

fn holds_no_record(seal: Seal, segment: &Segment, length: u64) -> Result<bool, JournalError> {
    let (end, _) = walk(seal, segment, length).map_err(JournalError::io("read", &segment.path))?;
    Ok(end == segment.start && judge_rest(seal, segment, end, length).is_ok())
}

fn judge_rest(seal: Seal, segment: &Segment, end: Position, length: u64) -> Result<(), JournalError> {
    let offset = segment.offset(end);
    let count = usize::try_from(length - offset).unwrap_or(usize::MAX);
    let mut chunks = Chunks::up_to(length);
    let rest =
        chunks.bytes(segment.file(), offset, count).map_err(JournalError::io("read", &segment.path))?;
    match tail::judge(seal, end, offset, rest.unwrap_or_default()) {
        Tail::Torn => Ok(()),
        Tail::Corrupt => Err(segment.damaged(end)),
    }
}

/// Where the sound records end, and whether that is exactly at `limit`.
fn walk(seal: Seal, segment: &Segment, limit: u64) -> io::Result<(Position, bool)> {
    let mut chunks = Chunks::up_to(limit);
    let mut position = segment.start;
    loop {
        match chunks.record(segment.file(), seal, position, segment.offset(position))? {
            Found::Record { header, .. } => position = Position(position.0 + header.record_bytes() as u64),
            Found::End => return Ok((position, true)),
            Found::Bad => return Ok((position, false)),
        }
    }
}

fn length(segment: &Segment) -> io::Result<u64> {
    Ok(segment.file().metadata()?.len())
}

fn cut_short(segment: &Segment, expected: Position) -> JournalError {
    let end = segment.end();
    let remedy = format!(
        "records from position {end} to {expected} are missing: this file was cut, or the segment after it is gone. \
         Restore it from a copy; or, to go on WITHOUT these records, create an empty file {:020}.aside beside it \
         (`touch`) and start again",
        end.0.max(segment.start.0 + 1)
    );
    JournalError::Corrupt { segment: segment.path.clone(), offset: segment.offset(end), remedy }
}
