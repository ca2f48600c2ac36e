//! Panics that nobody planned: the service mends them, and so nobody would notice.

use std::cell::RefCell;
use std::panic::{set_hook, take_hook};

use askpro_actors::runtime::universe::Universe;

thread_local! {
    static UNPLANNED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What planned panics say.
const PLANNED: &str = "as it was told to";
/// Panics kept of one world.
const KEPT_MAX: usize = 5;

/// Notes panics of all threads, each thread its own.
pub(crate) fn watch() {
    // The service's own hook comes first, and is asked after this one.
    drop(Universe::by_hand(1, 0));
    let before = take_hook();
    set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        if !text.contains(PLANNED) {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            UNPLANNED.with_borrow_mut(|kept| {
                if kept.len() < KEPT_MAX {
                    kept.push(format!("a panic at {place}: {text}"));
                }
            });
        }
        before(info);
    }));
}

/// Forgets those of this thread.
pub(crate) fn forget() {
    UNPLANNED.with_borrow_mut(Vec::clear);
}

/// Those of this thread since they were forgotten.
pub(crate) fn unplanned() -> Vec<String> {
    UNPLANNED.with_borrow_mut(std::mem::take)
}
