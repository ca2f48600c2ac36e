//! How late a thread of the door comes to what is ready: the time that a request waits before anybody looks at it.
//!
//! What waits in queues of ours can be counted; what waits in sockets cannot. So each thread sets an alarm again and
//! again and sees how late it hears it. A single late alarm says little (the machine was busy with something else);
//! the least of the last few is a queue that stands. It costs a timer in 10 ms and thread.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Between two alarms.
const ALARM_EVERY: Duration = Duration::from_millis(10);
/// Alarms that all have to be late.
const ALARMS: usize = 4;

thread_local! {
    static LATE_MS: Cell<u64> = const { Cell::new(0) };
}

/// Measures this thread for ever, and tells every figure to `heard`.
pub async fn measure_this_thread(heard: impl Fn(Duration)) {
    let mut last = [Duration::ZERO; ALARMS];
    let mut place = 0;
    loop {
        let set_at = Instant::now();
        tokio::time::sleep(ALARM_EVERY).await;
        let late = set_at.elapsed().saturating_sub(ALARM_EVERY);
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

    #[tokio::test]
    async fn a_thread_whose_work_stands_in_a_queue_is_late_and_one_that_rests_is_not() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let told = heard.clone();
        let local = tokio::task::LocalSet::new();
        local.spawn_local(measure_this_thread(move |late| told.borrow_mut().push(late)));
        local
            .run_until(async {
                while heard.borrow().len() < 12 {
                    // Longer than the alarm: every one is heard late.
                    #[expect(clippy::disallowed_methods, reason = "the thread shall be busy")]
                    std::thread::sleep(ALARM_EVERY * 3);
                    tokio::task::yield_now().await;
                }
            })
            .await;
        assert!(*heard.borrow().last().unwrap() > Duration::ZERO, "{heard:?}");
        assert_eq!(heard.borrow()[0], Duration::ZERO, "one late alarm says nothing");
        assert_eq!(of_this_thread(), u64::try_from(heard.borrow().last().unwrap().as_millis()).unwrap());
    }
}
