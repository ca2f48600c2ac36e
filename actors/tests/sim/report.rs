//! What is counted, and the line that machines read.

use std::fmt;

use crate::ledger::{Kind, Violation};

/// Sums over seeds and races.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) seeds: u64,
    pub(crate) races: u64,
    pub(crate) calls: u64,
    pub(crate) acknowledged: u64,
    pub(crate) answers: u64,
    pub(crate) bookings: u64,
    pub(crate) crashes: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) violations: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.races += other.races;
        self.calls += other.calls;
        self.acknowledged += other.acknowledged;
        self.answers += other.answers;
        self.bookings += other.bookings;
        self.crashes += other.crashes;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.violations += other.violations;
    }

    pub(crate) fn count(&mut self, violations: &[Violation]) {
        let of = |kind| violations.iter().filter(|violation| violation.kind == kind).count() as u64;
        self.lost += of(Kind::Lost);
        self.doubled += of(Kind::Doubled);
        self.violations += violations.len() as u64;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, races, calls, acknowledged, answers, bookings, crashes, .. } = self;
        let Self { lost, doubled, violations, .. } = self;
        write!(
            f,
            "sim: seeds={seeds} races={races} calls={calls} acknowledged={acknowledged} answers={answers} \
             bookings={bookings} crashes={crashes} lost={lost} doubled={doubled} violations={violations}"
        )
    }
}
