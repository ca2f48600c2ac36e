//! Room for bodies that are being read: bounds their sum over all connections, whoever sends them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes that all bodies together may take.
#[derive(Debug, Clone)]
pub(in crate::http) struct Room {
    left: Arc<AtomicUsize>,
}

/// A part of the room; it is free again when this is dropped.
#[derive(Debug)]
pub(in crate::http) struct Share {
    left: Arc<AtomicUsize>,
    bytes: usize,
}

impl Room {
    /// Of so many bytes.
    pub(in crate::http) fn of(bytes: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// A share without any bytes yet.
    pub(in crate::http) fn share(&self) -> Share {
        Share { left: self.left.clone(), bytes: 0 }
    }
}

impl Share {
    /// Takes more; `false` when there is no more, and then nothing is taken.
    pub(in crate::http) fn grow(&mut self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        self.bytes += if taken { bytes } else { 0 };
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.left.fetch_add(self.bytes, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_share_the_room_and_give_it_back() {
        let room = Room::of(10);
        let (mut one, mut other) = (room.share(), room.share());
        assert!(one.grow(6) && !other.grow(5) && other.grow(4) && !one.grow(1));
        drop(one);
        assert!(other.grow(6) && !room.share().grow(1));
        drop(other);
        assert!(room.share().grow(10));
    }
}
