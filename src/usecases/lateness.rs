//! How late a thread of the door comes to what is ready, and how much of the work it turns away for that.
//!
//! What waits in queues of ours can be counted; what waits in sockets cannot. So each thread sets an alarm again and
//! again and sees how late it hears it. A late alarm alone says little: one large body may have kept the thread, or
//! the machine was busy with something else. It counts as far as the requests explain it that were begun before it was
//! heard, and as much as the alarm before was late too: a queue stays, a stall does not.
//!
//! Lateness moves a level up or down, in proportion to how far it is from what is aimed at. The level is a number of
//! ranks: at 0.4 two of five requests of the first rank are turned away, at 1.4 all of the first and two of five of
//! the second. So a rank is touched only when everything before it is refused already, and just as much is refused
//! as must be. Each rank bears more lateness than the one before: where the machine is busy with something else,
//! refusing changes nothing, and what matters most goes on.
//!
//! A queue grows by what is let in too much, so a level that only follows the queue swings around what is right, and the
//! queue with it: what is refused is more than the level as long as there is lateness beyond the aim, and less while there
//! is none. And an alarm stands in the queue itself: of one that takes a quarter of a second it tells when it is over. So
//! while something is refused anyway, each request asks how late the alarm is by now.
//!
//! It costs a timer in 10 ms and thread, and for each request a count and an addition; under load a look at the clock more.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

/// Between two alarms.
const ALARM_EVERY: Duration = Duration::from_millis(10);
/// What a request takes at most, of those that make a queue: an alarm is late for as many as were begun before it was
/// heard. Where they do not explain how late it is, something else does, and refusing changes nothing.
const REQUEST_TAKES_MAX: Duration = Duration::from_micros(500);
/// The lateness that each rank bears before any of it is turned away, in ms. Short: what is let in has this queue behind
/// it, and then shares the cores with everything that stands in others.
const AIMS_MS: [f64; RANKS] = [5.0, 8.0, 12.0, 20.0];
/// Ranks that the level rises by in a second when the lateness is twice what is aimed at: what is let in before the
/// level is where it must be waits too long.
const RISE_PER_S: f64 = 2.0;
/// Ranks that it falls by in a second without any lateness.
const FALL_PER_S: f64 = 1.0;
/// As how many times what is aimed at more lateness counts.
const EXCESS_MAX: f64 = 8.0;
/// Ranks that are refused beyond the level while the lateness is twice what is aimed at: one at most, and of the last rank
/// nothing before the level has come to it. So that one is refused from four thirds of the aim on.
const MORE_AT_ONCE: f64 = 3.0;
/// Ranks that are let in below the level while there is no lateness.
const FEWER_AT_ONCE: f64 = 1.0;
/// As how long one late alarm counts at most.
const QUEUE_COUNTED_MAX: Duration = Duration::from_millis(100);
/// The same while nothing is refused: it may be what a stall left behind.
const STALL_COUNTED_MAX: Duration = Duration::from_millis(30);

/// How many ranks of work there are.
pub const RANKS: usize = 4;
/// The level from which on the last rank is refused too.
#[expect(clippy::cast_precision_loss, reason = "a handful")]
const LAST_RANK: f64 = (RANKS - 1) as f64;

/// How much a thread turns away.
#[derive(Debug, Default)]
struct Shed {
    /// Ranks that are refused, from the first: between 0 and [`RANKS`].
    level: f64,
    /// The same for the next requests, after the last alarm.
    now: f64,
    /// For each rank, the part of a refusal that is due.
    due: [f64; RANKS],
    /// How late the alarm before was.
    before: Duration,
}

impl Shed {
    /// Goes on by one alarm, which was so late. A queue is there at the next alarm too; a stall is one alarm, however
    /// long it was, and does not count.
    fn hear(&mut self, late: Duration) {
        let late = late.min(std::mem::replace(&mut self.before, late));
        let counted_max = if self.level > 0.0 { QUEUE_COUNTED_MAX } else { STALL_COUNTED_MAX };
        let passed = (late + ALARM_EVERY).min(counted_max);
        let mut steps = passed.as_millis().checked_div(ALARM_EVERY.as_millis()).unwrap_or_default();
        while steps > 0 {
            self.step(late);
            steps -= 1;
        }
        self.now = self.at_once(late);
    }

    /// What is refused after an alarm that was so late. No rank is touched that bears it.
    fn at_once(&self, late: Duration) -> f64 {
        let (_, excess) = self.excess(late);
        let at_once = if excess > 0.0 { MORE_AT_ONCE } else { FEWER_AT_ONCE };
        let wanted = at_once.mul_add(excess, self.level);
        let late_ms = late.as_secs_f64() * 1_000.0;
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let touched = AIMS_MS.iter().filter(|aim_ms| **aim_ms < late_ms).count() as f64;
        let within = if self.level <= LAST_RANK { LAST_RANK } else { LAST_RANK + 1.0 };
        let most = touched.min(self.level + 1.0).min(within);
        wanted.clamp(0.0, most.max(self.level))
    }

    /// The next alarm is so late already, and nobody heard it yet. It may be a stall: where nothing is refused it does not
    /// count, and of the last rank no more is refused for it than the level says.
    fn hear_so_far(&mut self, late: Duration) {
        if self.level > 0.0 {
            self.now = self.now.max(self.at_once(late).min(self.level.max(LAST_RANK)));
        }
    }

    /// The rank that the level stands in, and how far the lateness is from what that one bears: 0 is just as much.
    fn excess(&self, late: Duration) -> (usize, f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a handful"
        )]
        let rank = (self.level as usize).min(RANKS - 1);
        let aim_ms = AIMS_MS.get(rank).copied().unwrap_or(f64::INFINITY);
        (rank, (late.as_secs_f64() * 1_000.0 / aim_ms - 1.0).min(EXCESS_MAX))
    }

    /// One step of [`ALARM_EVERY`]. It ends at the next rank, which bears more.
    fn step(&mut self, late: Duration) {
        let (rank, excess) = self.excess(late);
        let per_s = if excess > 0.0 { RISE_PER_S } else { FALL_PER_S };
        let level = self.level + excess * ALARM_EVERY.as_secs_f64() * per_s;
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let next_rank = (rank + 1) as f64;
        self.level = level.clamp(0.0, next_rank);
    }

    /// Whether the next request of this rank is turned away: as evenly among them as can be.
    fn refuses(&mut self, rank: usize) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let share = (self.now - rank as f64).clamp(0.0, 1.0);
        let Some(due) = self.due.get_mut(rank) else { return false };
        *due += share;
        let refused = *due >= 1.0;
        if refused {
            *due -= 1.0;
        }
        refused
    }
}

/// An alarm that is set.
#[derive(Debug, Clone, Copy)]
struct Alarm {
    due: Instant,
    /// Requests of this thread that had begun when it was set.
    begun: u64,
}

impl Alarm {
    fn set() -> Self {
        Self { due: Instant::now() + ALARM_EVERY, begun: BEGUN.get() }
    }

    /// How late it is by now, as far as the requests explain it that were begun since it was set.
    fn late(self) -> Duration {
        let begun = u32::try_from(BEGUN.get().wrapping_sub(self.begun)).unwrap_or(u32::MAX);
        self.due.elapsed().min(REQUEST_TAKES_MAX.saturating_mul(begun))
    }
}

thread_local! {
    static BEGUN: Cell<u64> = const { Cell::new(0) };
    static ALARM: Cell<Option<Alarm>> = const { Cell::new(None) };
    static SHED: RefCell<Shed> = RefCell::default();
}

/// A request is begun on this thread.
pub fn begin_request() {
    BEGUN.set(BEGUN.get().wrapping_add(1));
}

/// Measures this thread for ever, and tells every figure to `heard`.
pub async fn measure_this_thread(heard: impl Fn(Duration)) {
    loop {
        let alarm = Alarm::set();
        ALARM.set(Some(alarm));
        tokio::time::sleep(ALARM_EVERY).await;
        let late = alarm.late();
        SHED.with_borrow_mut(|shed| shed.hear(late));
        heard(late);
    }
}

/// Whether this thread must turn away its next request of this rank, the lowest first. Each call counts as one
/// request. Never on a thread that nobody measures.
#[must_use]
pub fn refuses(rank: usize) -> bool {
    SHED.with_borrow_mut(|shed| {
        if let Some(alarm) = ALARM.get().filter(|_| shed.level > 0.0) {
            shed.hear_so_far(alarm.late());
        }
        shed.refuses(rank)
    })
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
        let at = |now| refused(&mut Shed { now, ..Shed::default() });
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
            (0..times).for_each(|_| shed.step(late));
            shed.level
        };
        let ms = Duration::from_millis;
        assert!(hear(ms(5), 100).abs() < 1e-9);
        assert!((hear(ms(10), 20) - RISE_PER_S / 5.0).abs() < 1e-9);
        assert!((hear(ms(5), 100) - RISE_PER_S / 5.0).abs() < 1e-9);
        assert!((hear(ms(5) / 2, 20) - RISE_PER_S / 5.0 + FALL_PER_S / 10.0).abs() < 1e-9);
        assert!((hear(ms(1_000), 1_000) - 4.0).abs() < 1e-9);
        assert!(hear(ms(0), 1_000).abs() < 1e-9);
    }

    #[test]
    fn lateness_refuses_at_once_and_none_lets_in_at_once() {
        let at = |level: f64, late_ms: u64| {
            Shed { level, ..Shed::default() }.at_once(Duration::from_millis(late_ms))
        };
        assert!((at(0.5, 5) - 0.5).abs() < 1e-9, "as late as is aimed at");
        assert!((at(0.2, 6) - 0.8).abs() < 1e-9);
        assert!((at(0.5, 0) - 0.0).abs() < 1e-9);
        assert!((at(0.9, 7) - 1.0).abs() < 1e-9, "the second rank bears 7 ms");
        assert!((at(0.0, 200) - 1.0).abs() < 1e-9, "a stall and what it left behind");
        for level in [2.9, 3.0] {
            assert!(
                (at(level, 200) - 3.0).abs() < 1e-9,
                "nothing that matters most before the level is beyond"
            );
        }
        assert!((at(3.5, 200) - 4.0).abs() < 1e-9);
        assert!((at(3.5, 21) - 3.65).abs() < 1e-9);
        assert!((at(3.5, 15) - 3.25).abs() < 1e-9);
    }

    #[test]
    fn what_is_late_already_counts_before_its_alarm_is_heard_while_something_is_refused() {
        let so_far = |level: f64| {
            ALARM.set(Some(Alarm { due: Instant::now() - Duration::from_millis(50), begun: BEGUN.get() }));
            (0..200).for_each(|_| begin_request());
            SHED.set(Shed { level, now: level, ..Shed::default() });
            [0, 1, 2, 3].map(refuses)
        };
        assert_eq!(so_far(0.0), [false; RANKS]);
        assert_eq!(so_far(0.01), [true, false, false, false]);
        assert_eq!(so_far(1.0), [true, true, false, false]);
        assert_eq!(so_far(3.0), [true, true, true, false]);
        assert_eq!(so_far(3.5), [true, true, true, false]);
        assert!(refuses(3), "of what matters most no more than the level says");
    }

    #[test]
    fn each_rank_bears_more_lateness_than_the_one_before() {
        for (late_ms, level) in [(4, 0.0), (7, 1.0), (11, 2.0), (19, 3.0), (25, 4.0)] {
            let mut shed = Shed::default();
            (0..10_000).for_each(|_| shed.hear(Duration::from_millis(late_ms)));
            assert!((shed.level - level).abs() < 0.1, "{late_ms} ms: {}", shed.level);
        }
    }

    #[test]
    fn stalls_refuse_nothing_however_long_and_a_queue_is_heard_again() {
        let mut shed = Shed::default();
        for _ in 0..100 {
            shed.hear(Duration::from_secs(5));
            shed.hear(Duration::ZERO);
        }
        assert!(shed.level.abs() < 1e-9, "{}", shed.level);
        // What a stall left behind is one alarm more.
        shed.hear(Duration::from_millis(250));
        shed.hear(Duration::from_millis(250));
        let after_one = shed.level;
        assert!(after_one > 0.0 && after_one < 0.5, "{after_one}");
        shed.hear(Duration::from_millis(250));
        assert!(shed.level > after_one + 0.5, "{}", shed.level);
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
        let heard = heard_of(60).await;
        assert!(heard.iter().filter(|late| **late > ALARM_EVERY).count() > 6, "{heard:?}");
        assert!((0..100).any(|_| refuses(0)));
    }

    #[tokio::test]
    async fn a_thread_that_one_large_body_keeps_is_not() {
        assert!(heard_of(1).await.iter().all(|late| *late < Duration::from_millis(8)));
        assert!(!(0..100).any(|_| refuses(0)));
    }
}
