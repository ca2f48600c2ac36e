//! Records that an operator gave up: a segment renamed to `.aside`, or an empty file of such a name in the place of
//! a missing one, is the consent to go on without them.

use super::record::Position;

/// Records that are not read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp {
    /// Where the first of them began.
    pub from: Position,
    /// Where the last of them ended.
    pub until: Position,
}

impl GivenUp {
    /// The part at and behind `mark`: what was committed before is lost to nobody.
    #[must_use]
    pub fn behind(self, mark: Position) -> Option<GivenUp> {
        let from = self.from.max(mark);
        (from < self.until).then_some(GivenUp { from, ..self })
    }

    /// Whether a log that is read from `mark` on may begin behind these records.
    #[must_use]
    pub fn covers(self, mark: Position) -> bool {
        self.from <= mark && mark <= self.until
    }

    /// How much it is.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.until.0.saturating_sub(self.from.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_committed_is_lost() {
        let given_up = GivenUp { from: Position(100), until: Position(200) };
        assert_eq!(given_up.behind(Position(0)), Some(given_up));
        assert_eq!(given_up.behind(Position(150)).map(GivenUp::bytes), Some(50));
        assert_eq!(given_up.behind(Position(200)), None);
    }

    #[test]
    fn consent_reaches_from_its_first_record_to_its_last() {
        let given_up = GivenUp { from: Position(100), until: Position(200) };
        let covered = [99, 100, 200, 201].map(|mark| given_up.covers(Position(mark)));
        assert_eq!(covered, [false, true, true, false]);
    }
}
