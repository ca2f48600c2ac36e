//! A journal in memory that knows what a crash leaves of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use super::{Gate, lock};
use crate::ports::journal::{
    Durable, Journal, JournalError, JournalStatus, Position, Record, SchedulingRecord,
};

/// Distance between two records.
const RECORD_BYTES: u64 = 64;

type Check = Box<dyn Fn(Position, &Record) -> Result<(), String> + Send + Sync>;

/// A journal in memory.
#[derive(Default)]
pub struct FakeJournal {
    log: Mutex<Log>,
    /// Closed, records get places but are not on disk.
    pub syncs: Arc<Gate>,
    check: Mutex<Option<Check>>,
}

#[derive(Default)]
struct Log {
    records: BTreeMap<Position, Record>,
    outstanding: BTreeSet<Position>,
    unsynced: BTreeSet<Position>,
    end: u64,
    room: Option<usize>,
    /// Records that the disk still takes, when it is to fail.
    fails_after: Option<usize>,
    /// Everything before it counts as lying in an old segment.
    behind: u64,
    twice: Vec<Position>,
    violations: Vec<String>,
}

impl Log {
    /// Whether another outstanding record has the same move of a booking, or a later one: records that lie behind
    /// are written again, and of such two either may go first.
    fn has_elsewhere(&self, record: &Record) -> bool {
        let Record::Scheduling(SchedulingRecord::Moved { booking }) = record else { return false };
        let outstanding = self.outstanding.iter().filter_map(|position| self.records.get(position));
        outstanding.into_iter().any(|other| match other {
            Record::Scheduling(SchedulingRecord::Moved { booking: other }) => {
                other.order.appointment == booking.order.appointment && other.version >= booking.version
            }
            _ => false,
        })
    }
}

impl FakeJournal {
    /// Is full from now on, or no longer.
    pub fn set_full(&self, full: bool) {
        lock(&self.log).room = full.then_some(0);
    }

    /// Takes this many records more, then is full.
    pub fn set_room(&self, records: usize) {
        lock(&self.log).room = Some(records);
    }

    /// The disk fails from now on, or no longer.
    pub fn set_failing(&self, failing: bool) {
        lock(&self.log).fails_after = failing.then_some(0);
    }

    /// The disk takes this many records more, then fails.
    pub fn fail_after(&self, records: usize) {
        lock(&self.log).fails_after = Some(records);
    }

    /// Everything there is now lies in old segments that wait to be removed.
    pub fn age(&self) {
        let mut log = lock(&self.log);
        log.behind = log.end;
    }

    /// Looks at every record that is committed, such as whether its rows are there.
    pub fn check_commits(
        &self,
        check: impl Fn(Position, &Record) -> Result<(), String> + Send + Sync + 'static,
    ) {
        *lock(&self.check) = Some(Box::new(check));
    }

    /// What was committed and should not have been.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.log).violations.clone()
    }

    /// Records that were committed more than once.
    #[must_use]
    pub fn committed_twice(&self) -> Vec<Position> {
        lock(&self.log).twice.clone()
    }

    /// Records that are not committed.
    #[must_use]
    pub fn outstanding(&self) -> Vec<(Position, Record)> {
        let log = lock(&self.log);
        log.outstanding.iter().filter_map(|p| Some((*p, log.records.get(p)?.clone()))).collect()
    }

    /// Every record that was ever taken.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        lock(&self.log).records.values().cloned().collect()
    }

    /// Its disk is lost: nothing is in it any more.
    pub fn lose(&self) {
        let mut log = lock(&self.log);
        log.records.clear();
        log.outstanding.clear();
        log.unsynced.clear();
    }

    /// Whether a record that is on disk is like this.
    pub fn has_on_disk(&self, is_it: impl Fn(&Record) -> bool) -> bool {
        let log = lock(&self.log);
        log.records.iter().any(|(position, record)| !log.unsynced.contains(position) && is_it(record))
    }

    /// The process ends: what is not on disk is gone, and everything from the mark on (the lowest outstanding
    /// position) is to be replayed and is outstanding again.
    #[must_use]
    pub fn crash(&self) -> Vec<(Position, Record)> {
        let mark = lock(&self.log).outstanding.first().copied();
        self.crash_with_mark(mark.unwrap_or(Position(u64::MAX)))
    }

    /// The same with a mark that was kept long before.
    #[must_use]
    pub fn crash_with_mark(&self, mark: Position) -> Vec<(Position, Record)> {
        let mut log = lock(&self.log);
        for lost in std::mem::take(&mut log.unsynced) {
            log.records.remove(&lost);
            log.outstanding.remove(&lost);
        }
        let replayed: Vec<(Position, Record)> =
            log.records.range(mark..).map(|(p, record)| (*p, record.clone())).collect();
        log.outstanding.extend(replayed.iter().map(|(p, _)| *p));
        self.syncs.open();
        replayed
    }

    fn place(&self, record: Record) -> Result<(Position, bool), JournalError> {
        let mut log = lock(&self.log);
        match &mut log.room {
            Some(0) => return Err(JournalError::Full { bytes: log.end, max_bytes: log.end }),
            Some(room) => *room -= 1,
            None => {}
        }
        let position = Position(log.end);
        log.end += RECORD_BYTES;
        log.records.insert(position, record);
        log.outstanding.insert(position);
        if !self.syncs.is_open() {
            log.unsynced.insert(position);
        }
        let fails = match &mut log.fails_after {
            Some(0) => true,
            Some(records) => {
                *records -= 1;
                false
            }
            None => false,
        };
        Ok((position, fails))
    }

    fn forget(&self, position: Position) {
        let mut log = lock(&self.log);
        log.records.remove(&position);
        log.outstanding.remove(&position);
        log.unsynced.remove(&position);
    }

    /// Opens the gate of the disk: what waited is on disk.
    pub fn sync(&self) {
        lock(&self.log).unsynced.clear();
        self.syncs.open();
    }
}

#[async_trait::async_trait]
impl Journal for FakeJournal {
    async fn append(&self, record: Record) -> Result<Position, JournalError> {
        let (position, failing) = self.place(record)?;
        if failing {
            self.forget(position);
            return Err(JournalError::Unavailable("the disk fails".to_owned()));
        }
        self.syncs.pass().await;
        Ok(position)
    }

    fn append_ordered(&self, record: Record) -> Result<(Position, Durable), JournalError> {
        let (position, failing) = self.place(record)?;
        let syncs = self.syncs.clone();
        let durable = async move {
            if failing {
                return Err(JournalError::Unavailable("the disk fails".to_owned()));
            }
            syncs.pass().await;
            Ok(())
        };
        Ok((position, Box::pin(durable)))
    }

    fn read(&self, position: Position) -> Result<Record, JournalError> {
        let record = lock(&self.log).records.get(&position).cloned();
        record
            .ok_or_else(|| JournalError::Unreadable { position: position.0, reason: "not there".to_owned() })
    }

    fn committed(&self, positions: &[Position]) {
        for position in positions {
            let record = {
                let mut log = lock(&self.log);
                if !log.outstanding.remove(position) {
                    log.twice.push(*position);
                }
                log.records.get(position).cloned()
            };
            let verdict = match (&record, &*lock(&self.check)) {
                (Some(record), Some(check)) => check(*position, record),
                _ => Ok(()),
            };
            if let Err(violation) = verdict {
                let mut log = lock(&self.log);
                if !record.as_ref().is_some_and(|record| log.has_elsewhere(record)) {
                    log.violations.push(violation);
                }
            }
        }
    }

    fn is_behind(&self, position: Position) -> bool {
        position.0 < lock(&self.log).behind
    }

    fn status(&self) -> JournalStatus {
        let log = lock(&self.log);
        JournalStatus {
            bytes: log.end,
            max_bytes: u64::MAX,
            outstanding: log.outstanding.len() as u64,
            mark: log.outstanding.first().map_or(log.end, |p| p.0),
            end: log.end,
            segments: 1,
            failed: None,
        }
    }
}
