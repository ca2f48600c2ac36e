//! How late a thread of the door comes to what is ready: the time that a request waits before anybody looks at it.
//!
//! What waits in queues of ours can be counted; what waits in sockets cannot. So each thread sets an alarm again and
//! again and sees how late it hears it. A late alarm alone says little: one large body may have kept the thread, or
//! the machine was busy with something else. It counts when many requests were begun before it was heard, and the
//! least of the last few is a queue that stands. It costs a timer in 10 ms and thread, and a count for each request.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Between two alarms.
const ALARM_EVERY: Duration = Duration::from_millis(10);
/// Alarms that all have to be late.
const ALARMS: usize = 4;

/// Requests that have to be begun while an alarm is late: fewer are no queue.
const QUEUE_MIN: u64 = 8;

thread_local! {
    static BEGUN: Cell<u64> = const { Cell::new(0) };
    static LATE_MS: Cell<u64> = const { Cell::new(0) };
}

/// A request is begun on this thread.
pub fn begin_request() {
    BEGUN.set(BEGUN.get().wrapping_add(1));
}

/// Measures this thread for ever, and tells every figure to `heard`.
pub async fn measure_this_thread(heard: impl Fn(Duration)) {
    let mut last = [Duration::ZERO; ALARMS];
    let mut place = 0;
    loop {
        let (set_at, begun) = (Instant::now(), BEGUN.get());
        tokio::time::sleep(ALARM_EVERY).await;
        let is_queue = BEGUN.get().wrapping_sub(begun) >= QUEUE_MIN;
        let late = if is_queue { set_at.elapsed().saturating_sub(ALARM_EVERY) } else { Duration::ZERO };
        if let Some(one) = last.get_mut(place) {
            *one = late;
        }
        place = (place + 1) % ALARMS;
        let standing = last.iter().min().copied().unwrap_or_default();
        LATE_MS.set(u64::try_from(standing.as_millis()).unwrap_or(u64::MAX));
        heard(standing);
    }
}

/// How late this thread is, in ms; 0 on a thread that nobody measures.
#[must_use]
pub fn of_this_thread() -> u64 {
    LATE_MS.get()
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

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
    async fn a_thread_whose_requests_stand_in_a_queue_is_late() {
        let heard = heard_of(QUEUE_MIN).await;
        let last = *heard.last().unwrap();
        assert!(last > Duration::ZERO, "{heard:?}");
        assert_eq!(heard[0], Duration::ZERO, "one late alarm says nothing");
        assert_eq!(of_this_thread(), u64::try_from(last.as_millis()).unwrap());
    }

    #[tokio::test]
    async fn a_thread_that_one_large_body_keeps_is_not() {
        assert!(heard_of(1).await.iter().all(Duration::is_zero));
    }
}
