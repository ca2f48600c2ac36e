//! How late a thread of the door comes to what is ready, and how much of the work it turns away for that.
//!
//! What waits in queues of ours can be counted; what waits in sockets cannot. So each thread sets an alarm again and
//! again and sees how late it hears it. A late alarm alone says little: one large body may have kept the thread, or
//! the machine was busy with something else. It counts when many requests were begun before it was heard.
//!
//! Lateness moves a level up or down, in proportion to how far it is from what is aimed at. The level is a number of
//! ranks: at 0.4 two of five requests of the first rank are turned away, at 1.4 all of the first and two of five of
//! the second. So a rank is touched only when everything before it is refused already, and just as much is refused
//! as must be. It costs a timer in 10 ms and thread, and for each request a count and an addition.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

/// Between two alarms.
const ALARM_EVERY: Duration = Duration::from_millis(10);
/// Requests that have to be begun while an alarm is late: fewer are no queue.
const QUEUE_MIN: u64 = 8;
/// The lateness that is aimed at under too much work. It is a queue of that length, in front of everything else that
/// an answer takes.
const AIM: Duration = Duration::from_millis(10);
/// Ranks that the level moves by in a second when the lateness is off by as much as is aimed at.
const RANKS_PER_S: f64 = 1.5;
/// As how many times what is aimed at more lateness counts.
const EXCESS_MAX: f64 = 4.0;

/// How many ranks of work there are.
pub const RANKS: usize = 4;

/// How much a thread turns away.
#[derive(Debug, Default)]
struct Shed {
    /// Ranks that are refused, from the first: between 0 and [`RANKS`].
    level: f64,
    /// For each rank, the part of a refusal that is due.
    due: [f64; RANKS],
}

impl Shed {
    /// Goes on by `passed`, in which the thread was `late`.
    fn hear(&mut self, late: Duration, passed: Duration) {
        let excess = (late.as_secs_f64() / AIM.as_secs_f64() - 1.0).min(EXCESS_MAX);
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let most = RANKS as f64;
        self.level = (self.level + excess * passed.as_secs_f64() * RANKS_PER_S).clamp(0.0, most);
    }

    /// Whether the next request of this rank is turned away: as evenly among them as can be.
    fn refuses(&mut self, rank: usize) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let share = (self.level - rank as f64).clamp(0.0, 1.0);
        let Some(due) = self.due.get_mut(rank) else { return false };
        *due += share;
        let refused = *due >= 1.0;
        if refused {
            *due -= 1.0;
        }
        refused
    }
}

thread_local! {
    static BEGUN: Cell<u64> = const { Cell::new(0) };
    static SHED: RefCell<Shed> = RefCell::default();
}

/// A request is begun on this thread.
pub fn begin_request() {
    BEGUN.set(BEGUN.get().wrapping_add(1));
}

/// Measures this thread for ever, and tells every figure to `heard`.
pub async fn measure_this_thread(heard: impl Fn(Duration)) {
    loop {
        let (set_at, begun) = (Instant::now(), BEGUN.get());
        tokio::time::sleep(ALARM_EVERY).await;
        let is_queue = BEGUN.get().wrapping_sub(begun) >= QUEUE_MIN;
        let passed = set_at.elapsed();
        let late = if is_queue { passed.saturating_sub(ALARM_EVERY) } else { Duration::ZERO };
        SHED.with_borrow_mut(|shed| shed.hear(late, passed));
        heard(late);
    }
}

/// Whether this thread must turn away its next request of this rank, the lowest first. Each call counts as one
/// request. Never on a thread that nobody measures.
#[must_use]
pub fn refuses(rank: usize) -> bool {
    SHED.with_borrow_mut(|shed| shed.refuses(rank))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    /// How many of 1,000 requests of each rank are refused.
    fn refused(shed: &mut Shed) -> [usize; RANKS] {
        std::array::from_fn(|rank| (0..1_000).filter(|_| shed.refuses(rank)).count())
    }

    #[test]
    fn a_rank_is_refused_only_when_all_before_it_are() {
        let at = |level| refused(&mut Shed { level, ..Shed::default() });
        assert_eq!(at(0.0), [0, 0, 0, 0]);
        assert_eq!(at(0.25), [250, 0, 0, 0]);
        assert_eq!(at(1.5), [1_000, 500, 0, 0]);
        assert_eq!(at(3.0), [1_000, 1_000, 1_000, 0]);
        assert_eq!(at(4.0), [1_000; RANKS]);
    }

    #[test]
    fn lateness_beyond_the_aim_raises_the_level_and_less_lowers_it() {
        let mut shed = Shed::default();
        let mut hear = |late: Duration, times: u32| {
            (0..times).for_each(|_| shed.hear(late, ALARM_EVERY));
            shed.level
        };
        assert!(hear(AIM, 100).abs() < 1e-9);
        assert!((hear(2 * AIM, 100) - RANKS_PER_S).abs() < 1e-9);
        assert!((hear(AIM, 100) - RANKS_PER_S).abs() < 1e-9);
        assert!((hear(100 * AIM, 1_000) - 4.0).abs() < 1e-9);
        assert!(hear(Duration::ZERO, 1_000).abs() < 1e-9);
    }

    /// What was heard of a thread that is kept three alarms long again and again, each time by so many requests.
    async fn heard_of(requests: u64) -> Vec<Duration> {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let told = heard.clone();
        let local = tokio::task::LocalSet::new();
        local.spawn_local(measure_this_thread(move |late| told.borrow_mut().push(late)));
        local
            .run_until(async {
                while heard.borrow().len() < 12 {
                    (0..requests).for_each(|_| begin_request());
                    #[expect(clippy::disallowed_methods, reason = "the thread shall be busy")]
                    std::thread::sleep(ALARM_EVERY * 3);
                    tokio::task::yield_now().await;
                }
            })
            .await;
        heard.take()
    }

    #[tokio::test]
    async fn a_thread_whose_requests_stand_in_a_queue_is_late_and_refuses_some() {
        let heard = heard_of(QUEUE_MIN).await;
        assert!(heard.iter().filter(|late| **late > AIM).count() > 6, "{heard:?}");
        assert!((0..100).any(|_| refuses(0)));
    }

    #[tokio::test]
    async fn a_thread_that_one_large_body_keeps_is_not() {
        assert!(heard_of(1).await.iter().all(Duration::is_zero));
        assert!(!(0..100).any(|_| refuses(0)));
    }
}
