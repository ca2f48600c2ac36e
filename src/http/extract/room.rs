//! Room for bodies that are being read: bounds their sum over all connections, whoever sends them. Those that come on
//! connections on which nobody showed a key yet take half of it at most, so that whoever has none cannot keep those from
//! being read who showed one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes that all bodies together may take.
#[derive(Debug, Clone)]
pub(in crate::http) struct Room {
    left: Arc<AtomicUsize>,
    left_to_strangers: Arc<AtomicUsize>,
}

/// A part of the room; it is free again when this is dropped.
#[derive(Debug)]
pub(in crate::http) struct Share {
    room: Room,
    bytes: usize,
    is_strangers: bool,
}

impl Room {
    /// Of so many bytes.
    pub(in crate::http) fn of(bytes: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(bytes)),
            left_to_strangers: Arc::new(AtomicUsize::new(bytes / 2)),
        }
    }

    /// A share without any bytes yet, on a connection on which somebody showed a key, or nobody did.
    pub(in crate::http) fn share(&self, is_known: bool) -> Share {
        Share { room: self.clone(), bytes: 0, is_strangers: !is_known }
    }
}

impl Share {
    /// Takes more; `false` when there is no more, and then nothing is taken.
    pub(in crate::http) fn grow(&mut self, bytes: usize) -> bool {
        if self.is_strangers && !take(&self.room.left_to_strangers, bytes) {
            return false;
        }
        let is_taken = take(&self.room.left, bytes);
        if is_taken {
            self.bytes += bytes;
        } else if self.is_strangers {
            self.room.left_to_strangers.fetch_add(bytes, Ordering::SeqCst);
        }
        is_taken
    }
}

fn take(left: &AtomicUsize, bytes: usize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(bytes)).is_ok()
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.left.fetch_add(self.bytes, Ordering::SeqCst);
        if self.is_strangers {
            self.room.left_to_strangers.fetch_add(self.bytes, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_share_the_room_and_give_it_back() {
        let room = Room::of(10);
        let (mut one, mut other) = (room.share(true), room.share(true));
        assert!(one.grow(6) && !other.grow(5) && other.grow(4) && !one.grow(1));
        drop(one);
        assert!(other.grow(6) && !room.share(true).grow(1));
        drop(other);
        assert!(room.share(true).grow(10));
    }

    #[test]
    fn strangers_take_half_of_it_and_what_others_take_is_not_theirs() {
        let room = Room::of(10);
        let (mut one, mut other) = (room.share(false), room.share(false));
        assert!(one.grow(4) && !other.grow(2) && other.grow(1));
        let mut known = room.share(true);
        assert!(known.grow(5) && !known.grow(1));
        drop((one, other));
        let mut third = room.share(false);
        assert!(known.grow(2) && third.grow(3) && !third.grow(1), "all of it is taken");
        drop(known);
        assert!(third.grow(2) && !third.grow(1));
    }
}
