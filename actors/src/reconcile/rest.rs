//! How long an account rests after the platform did not answer. Pure.

use askpro_domain::time::UnixMillis;

/// Longest wait that the platform's own word is believed for.
const ASKED_MS_MAX: i64 = 600_000;

/// How it went lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rest {
    /// Failures in a row.
    pub(super) failures: u32,
    until: UnixMillis,
}

impl Rest {
    /// When the next question may go out.
    pub(super) fn over_at(&self, now: UnixMillis) -> UnixMillis {
        self.until.max(now)
    }

    /// Until when it rests; `None` when it does not.
    pub(super) fn until(&self, now: UnixMillis) -> Option<UnixMillis> {
        Some(self.until).filter(|until| *until > now)
    }

    /// The platform answered.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// It did not. Questions that were under way together count once. `asked_ms`: how long it wants to be left
    /// alone.
    pub(super) fn failed(&mut self, now: UnixMillis, asked_ms: i64, first_ms: i64, max_ms: i64) {
        if self.until(now).is_none() {
            let doubled = first_ms.saturating_mul(1_i64 << self.failures.min(20)).min(max_ms);
            self.failures = self.failures.saturating_add(1);
            self.until = now.plus_ms(doubled);
        }
        self.until = self.until.max(now.plus_ms(asked_ms.min(ASKED_MS_MAX)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_doubles_the_rest_and_an_answer_ends_it() {
        let (mut rest, mut now) = (Rest::default(), UnixMillis(0));
        let mut waits = Vec::new();
        for _ in 0..6 {
            rest.failed(now, 0, 1_000, 10_000);
            rest.failed(now, 0, 1_000, 10_000);
            waits.push(rest.over_at(now).since(now));
            now = rest.over_at(now);
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        rest.answered();
        assert_eq!((rest.failures, rest.until(now)), (0, None));
        rest.failed(now, 7_000, 1_000, 10_000);
        assert_eq!(rest.over_at(now).since(now), 7_000, "what it asked for is given");
        rest.answered();
        rest.failed(now, i64::MAX, 1_000, 10_000);
        assert_eq!(rest.over_at(now).since(now), 600_000, "within reason");
    }
}
