//! Reservations of the calendar in memory: they hide slots from slot queries and protect nothing.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use askpro_domain::time::{Interval, UnixMillis};

use super::{Gate, lock};
use crate::ports::{
    calendar::{CalendarError, Reservation, ReserveOutcome, ReserveWish},
    clock::Clock,
};

/// What becomes of a wish for a reservation that is scripted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserving {
    /// Reserved, and the answer is lost.
    ReservesAndIsLost,
    /// Somebody else has the slot.
    IsTaken,
    /// Refused for good: the key may not.
    IsRefused,
    /// Never sent.
    IsNotSent,
}

/// A reservation that was made and not taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingReservation {
    /// Its uid.
    pub uid: String,
    /// What was wished.
    pub wish: ReserveWish,
    /// Whose slots it hides.
    pub host: i64,
    /// When.
    pub interval: Interval,
    /// When it ends by itself.
    pub until: UnixMillis,
}

#[derive(Default)]
struct World {
    made: Vec<StandingReservation>,
    wishes: Vec<ReserveWish>,
    removed: Vec<String>,
    script: VecDeque<Reserving>,
    clock: Option<Arc<dyn Clock>>,
}

impl World {
    fn now(&self) -> UnixMillis {
        self.clock.as_ref().map(|clock| clock.now()).unwrap_or_default()
    }

    fn reserve(&mut self, wish: &ReserveWish, host: i64, interval: Interval) -> ReserveOutcome {
        let now = self.now();
        let mut of_type = self.made.iter().filter(|made| made.wish.event_type_id == wish.event_type_id);
        if of_type.any(|made| now < made.until && made.interval.overlaps(interval)) {
            return ReserveOutcome::Taken;
        }
        let uid = format!("reservation_{}", self.wishes.len());
        let until = now.plus_ms(wish.minutes * 60_000);
        self.made.push(StandingReservation { uid: uid.clone(), wish: wish.clone(), host, interval, until });
        ReserveOutcome::Reserved(Reservation { uid, until })
    }
}

/// Reservations in memory.
#[derive(Default)]
pub struct FakeReservations {
    world: Mutex<World>,
    failing_removals: AtomicU32,
    /// Closed, wishes that were done wait with their answer.
    pub answers: Gate,
}

impl FakeReservations {
    /// Whose time they end by; without one they never do.
    pub fn follow(&self, clock: Arc<dyn Clock>) {
        lock(&self.world).clock = Some(clock);
    }

    /// What becomes of the next wishes, in order; then they are reserved.
    pub fn script(&self, outcomes: impl IntoIterator<Item = Reserving>) {
        lock(&self.world).script.extend(outcomes);
    }

    /// The next removals are not taken.
    pub fn fail_removals(&self, removals: u32) {
        self.failing_removals.store(removals, Ordering::SeqCst);
    }

    /// Wishes that came, in order.
    #[must_use]
    pub fn wishes(&self) -> Vec<ReserveWish> {
        lock(&self.world).wishes.clone()
    }

    /// Those that stand now.
    #[must_use]
    pub fn standing(&self) -> Vec<StandingReservation> {
        let world = lock(&self.world);
        let now = world.now();
        world.made.iter().filter(|made| now < made.until).cloned().collect()
    }

    /// Uids that were taken away, in order.
    #[must_use]
    pub fn removed(&self) -> Vec<String> {
        lock(&self.world).removed.clone()
    }

    /// Whether one that stands hides this time of a host.
    pub(super) fn hides(&self, host: i64, interval: Interval) -> bool {
        self.standing().iter().any(|made| made.host == host && made.interval.overlaps(interval))
    }

    pub(super) async fn reserve(&self, wish: &ReserveWish, host: i64, interval: Interval) -> ReserveOutcome {
        let outcome = {
            let mut world = lock(&self.world);
            world.wishes.push(wish.clone());
            match world.script.pop_front() {
                None => world.reserve(wish, host, interval),
                Some(Reserving::ReservesAndIsLost) => {
                    let _ = world.reserve(wish, host, interval);
                    ReserveOutcome::AnswerLost
                }
                Some(Reserving::IsTaken) => ReserveOutcome::Taken,
                Some(Reserving::IsRefused) => ReserveOutcome::Refused("not this key's".to_owned()),
                Some(Reserving::IsNotSent) => ReserveOutcome::NotSent,
            }
        };
        self.answers.pass().await;
        outcome
    }

    pub(super) fn unreserve(&self, uid: &str) -> Result<(), CalendarError> {
        let failing =
            self.failing_removals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if failing.is_ok() {
            return Err(CalendarError::Unavailable("failed as it was told to".to_owned()));
        }
        let mut world = lock(&self.world);
        world.removed.push(uid.to_owned());
        world.made.retain(|made| made.uid != uid);
        Ok(())
    }
}
