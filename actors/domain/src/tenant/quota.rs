//! Whether one more call may come in: a company's quota, in memory. Pure.
//!
//! A call that was let in counts until it begins (from then on it is counted among the live ones), but not for
//! ever: callers hang up while it rings.

use std::collections::{BTreeMap, VecDeque};

use super::Limits;
use crate::{ids::CallId, pace::SlidingWindow, time::UnixMillis};

/// How long a call that was let in may take to begin.
pub const BEGINS_WITHIN_MS: i64 = 60_000;
/// The stretch of time that `calls_per_minute` counts in.
const MINUTE_MS: i64 = 60_000;

/// Which quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverQuota {
    /// `concurrent_calls`
    #[error("as many calls are live as the company may have")]
    ConcurrentCalls,
    /// `calls_per_minute`
    #[error("as many calls came in this minute as the company may have")]
    CallsPerMinute,
}

/// The calls that a company was let have.
#[derive(Debug)]
pub struct Quota {
    minute: SlidingWindow,
    /// Let in and not begun, with the moment they are forgotten.
    expected: BTreeMap<CallId, UnixMillis>,
    /// The same for calls whose id was not told.
    nameless: VecDeque<UnixMillis>,
}

impl Default for Quota {
    fn default() -> Self {
        Self { minute: SlidingWindow::new(MINUTE_MS), expected: BTreeMap::new(), nameless: VecDeque::new() }
    }
}

impl Quota {
    /// Lets one more call in, or says which quota is used up. `live`: calls that have begun and not ended.
    pub fn admit(
        &mut self,
        limits: Limits,
        live: u32,
        call_id: Option<&CallId>,
        now: UnixMillis,
    ) -> Result<(), OverQuota> {
        if let Some(max) = limits.concurrent_calls
            && u64::from(live) + self.expected_at(now) >= u64::from(max)
        {
            return Err(OverQuota::ConcurrentCalls);
        }
        if let Some(max) = limits.calls_per_minute
            && self.minute.free_at(usize::try_from(max).unwrap_or(usize::MAX), now) > now
        {
            return Err(OverQuota::CallsPerMinute);
        }
        self.let_in(limits, call_id, now);
        Ok(())
    }

    fn let_in(&mut self, limits: Limits, call_id: Option<&CallId>, now: UnixMillis) {
        if limits.calls_per_minute.is_some() {
            self.minute.record(now);
        }
        if limits.concurrent_calls.is_some() {
            let until = now.plus_ms(BEGINS_WITHIN_MS);
            match call_id {
                Some(call_id) => drop(self.expected.insert(call_id.clone(), until)),
                None => self.nameless.push_back(until),
            }
        }
    }

    /// A call began: it is not expected any more, nor is the oldest of those without an id if it is none of the
    /// others.
    pub fn began(&mut self, call_id: &CallId) {
        if self.expected.remove(call_id).is_none() {
            self.nameless.pop_front();
        }
    }

    /// A call is over without ever having begun.
    pub fn never_began(&mut self, call_id: &CallId) {
        self.expected.remove(call_id);
    }

    /// Calls that were let in and have not begun.
    fn expected_at(&mut self, now: UnixMillis) -> u64 {
        self.expected.retain(|_, until| *until > now);
        self.nameless.retain(|until| *until > now);
        u64::try_from(self.expected.len() + self.nameless.len()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_420_800_000);

    fn id(call: &str) -> CallId {
        CallId::parse(call).unwrap()
    }

    fn limits(concurrent_calls: Option<u32>, calls_per_minute: Option<u32>) -> Limits {
        Limits { concurrent_calls, calls_per_minute }
    }

    #[test]
    fn calls_that_ring_count_with_those_that_are_live() {
        let (mut quota, two) = (Quota::default(), limits(Some(2), None));
        assert_eq!(quota.admit(two, 1, Some(&id("a")), NOW), Ok(()));
        assert_eq!(quota.admit(two, 1, Some(&id("b")), NOW), Err(OverQuota::ConcurrentCalls));
        quota.began(&id("a"));
        assert_eq!(quota.admit(two, 2, Some(&id("b")), NOW), Err(OverQuota::ConcurrentCalls));
        assert_eq!(quota.admit(two, 1, Some(&id("b")), NOW), Ok(()), "one has ended");
        assert_eq!(quota.admit(two, 1, Some(&id("c")), NOW), Err(OverQuota::ConcurrentCalls));
        quota.never_began(&id("b"));
        assert_eq!(quota.admit(two, 1, Some(&id("c")), NOW), Ok(()));
    }

    #[test]
    fn a_caller_who_hangs_up_while_it_rings_is_forgotten_after_a_minute() {
        let (mut quota, one) = (Quota::default(), limits(Some(1), None));
        for call in [Some(id("a")), None] {
            assert_eq!(quota.admit(one, 0, call.as_ref(), NOW), Ok(()));
            let before = NOW.plus_ms(BEGINS_WITHIN_MS - 1);
            assert_eq!(quota.admit(one, 0, None, before), Err(OverQuota::ConcurrentCalls));
            assert_eq!(quota.expected_at(NOW.plus_ms(BEGINS_WITHIN_MS)), 0);
        }
    }

    #[test]
    fn a_call_without_an_id_is_taken_for_the_next_one_that_begins() {
        let (mut quota, one) = (Quota::default(), limits(Some(1), None));
        assert_eq!(quota.admit(one, 0, None, NOW), Ok(()));
        quota.began(&id("a"));
        assert_eq!(quota.admit(one, 0, None, NOW), Ok(()));
    }

    #[test]
    fn a_minute_has_so_many_calls_whenever_it_begins() {
        let (mut quota, two) = (Quota::default(), limits(None, Some(2)));
        for ms in [0, 30_000] {
            assert_eq!(quota.admit(two, 900, None, NOW.plus_ms(ms)), Ok(()));
        }
        assert_eq!(quota.admit(two, 0, None, NOW.plus_ms(59_999)), Err(OverQuota::CallsPerMinute));
        assert_eq!(quota.admit(two, 0, None, NOW.plus_ms(60_000)), Ok(()));
        assert_eq!(quota.admit(two, 0, None, NOW.plus_ms(60_001)), Err(OverQuota::CallsPerMinute));
    }

    #[test]
    fn refused_calls_use_nothing_up_and_without_limits_nothing_is_counted() {
        let mut quota = Quota::default();
        let both = limits(Some(1), Some(5));
        assert_eq!(quota.admit(both, 0, Some(&id("a")), NOW), Ok(()));
        for _ in 0..10 {
            assert_eq!(quota.admit(both, 0, Some(&id("b")), NOW), Err(OverQuota::ConcurrentCalls));
        }
        quota.began(&id("a"));
        for call in ["c", "d", "e", "f"] {
            assert_eq!(quota.admit(both, 0, Some(&id(call)), NOW), Ok(()));
            quota.began(&id(call));
        }
        assert_eq!(quota.admit(both, 0, Some(&id("g")), NOW), Err(OverQuota::CallsPerMinute));
        let mut free = Quota::default();
        assert!((0..1_000).all(|_| free.admit(Limits::default(), 9_999, None, NOW).is_ok()));
        assert_eq!((free.expected_at(NOW), free.minute.count(NOW)), (0, 0));
    }
}
