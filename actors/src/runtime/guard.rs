//! Where panics end. It says where one came from, and never what was in it: a formatted panic text may hold
//! a caller's words, so only literal texts and places in the code are passed on.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// Lines about caught panics per second; the rest is counted.
const LINES_PER_SECOND: u32 = 10;

thread_local! {
    static SUPERVISED: Cell<bool> = const { Cell::new(false) };
    static LAST_PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught: its place in the code, and its text if that is a literal.
#[derive(Debug)]
pub(super) struct Fault(pub(super) String);

/// Runs `work`; a panic in it ends here.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).map_err(fault)
}

/// Drops `thing`; a panic in that ends here.
pub(super) fn drop_guarded<T>(thing: T) {
    let _ = guarded(move || drop(thing));
}

pub(super) fn fault(payload: Box<dyn Any + Send>) -> Fault {
    let place = LAST_PLACE.with(|last| last.borrow_mut().take());
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    let text = payload.downcast_ref::<&'static str>().copied();
    if let Err(again) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(again);
    }
    Fault(text.map_or_else(|| format!("panicked at {place}"), |text| format!("panicked at {place}: {text}")))
}

/// Says that panics of this thread are caught by supervision.
pub(super) fn supervise_this_thread() {
    SUPERVISED.set(true);
}

/// Runs `work` as on a thread whose panics are caught by supervision.
pub(super) fn supervised<T>(work: impl FnOnce() -> T) -> T {
    let before = SUPERVISED.replace(true);
    let done = work();
    SUPERVISED.set(before);
    done
}

/// Whether this thread belongs to an arbiter.
pub(super) fn is_supervised() -> bool {
    SUPERVISED.get()
}

/// Puts a hook in front of the one that is there: panics of supervised threads become at most ten log lines
/// per second, all others go on as before. Does it once per process.
pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string);
            let _ = LAST_PLACE.try_with(|last| *last.borrow_mut() = place);
            if SUPERVISED.try_with(Cell::get).unwrap_or(false) { report(info) } else { before(info) }
        }));
    });
}

fn report(info: &PanicHookInfo<'_>) {
    static WINDOW: Mutex<Option<Window>> = Mutex::new(None);
    let allowed = {
        let mut window = WINDOW.lock().unwrap_or_else(PoisonError::into_inner);
        window.get_or_insert_with(Window::new).allow(Instant::now())
    };
    let Some(suppressed) = allowed else { return };
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(panic.place = %place, panic.suppressed = suppressed, "a panic was caught");
}

/// Counts the lines of one second.
struct Window {
    began: Instant,
    lines: u32,
    suppressed: u64,
}

impl Window {
    fn new() -> Self {
        Window { began: Instant::now(), lines: 0, suppressed: 0 }
    }

    /// Whether a line may be written at `now`, and how many were not since the last one.
    fn allow(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.began) >= Duration::from_secs(1) {
            self.began = now;
            self.lines = 0;
        }
        if self.lines == LINES_PER_SECOND {
            self.suppressed += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_written_and_the_rest_is_counted() {
        let mut window = Window::new();
        let now = window.began;
        let written = (0..25).filter(|_| window.allow(now).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(window.allow(now + Duration::from_secs(1)), Some(15));
        assert_eq!(window.allow(now + Duration::from_secs(1)), Some(0));
    }

    #[test]
    fn a_formatted_panic_text_is_not_passed_on() {
        install_hook();
        supervise_this_thread();
        let caller = "Erika";
        let fault = guarded(|| panic!("no slot for {caller}")).unwrap_err();
        assert!(fault.0.contains("guard.rs") && !fault.0.contains("Erika"), "{}", fault.0);
        let fault = guarded(|| panic!("a literal")).unwrap_err();
        assert!(fault.0.ends_with("a literal"), "{}", fault.0);
    }
}
