//! The fence before everything that a turn cannot take back. A thread that stood still and was replaced wakes up in
//! the midst of a turn that is void: its actor was built anew, and others may have written since.
//!
//! Whatever writes at once, without waiting for the end of the turn, calls [`pass`] first. A void turn ends there
//! by a panic, which costs what any panic costs: its message is tried again. Between the look and the write lie
//! nanoseconds; a thread that stands still just there for as long as it takes to be replaced still writes.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whose turn it is: the epoch of the thread, and the shard's own.
pub(super) struct Fence {
    shards: Arc<AtomicU64>,
    mine: u64,
}

thread_local! {
    static TURN: RefCell<Option<Fence>> = const { RefCell::new(None) };
}

impl Fence {
    pub(super) fn new(shards: Arc<AtomicU64>, mine: u64) -> Self {
        Fence { shards, mine }
    }

    fn is_passed(&self) -> bool {
        self.shards.load(Ordering::SeqCst) == self.mine
    }
}

/// Runs `turn` before this fence; it must not unwind. Costs two writes to memory of this thread.
pub(super) fn before<T>(fence: &mut Option<Fence>, turn: impl FnOnce() -> T) -> T {
    TURN.with(|here| std::mem::swap(&mut *here.borrow_mut(), fence));
    let done = turn();
    TURN.with(|here| std::mem::swap(&mut *here.borrow_mut(), fence));
    done
}

/// Goes on if the turn on this thread still counts, or if there is none.
///
/// # Panics
/// When the thread was replaced since the turn began.
pub fn pass() {
    let stands = TURN.with(|here| here.borrow().as_ref().is_none_or(Fence::is_passed));
    assert!(stands, "its thread was replaced in this turn");
}
