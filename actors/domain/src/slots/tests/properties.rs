//! Random interleavings of everything that can happen to a ledger, step by step beside a naive model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const MEMBERS: std::ops::RangeInclusive<i64> = 1..=4;
const LAST_INSTANT: i64 = 48;

#[derive(Debug, Clone)]
enum Op {
    Hold { call: u8, target: u8, start: i64, pieces: (i64, i64, i64), ttl: i64, units: u8, fresh: bool },
    Submit { call: u8 },
    Book { nth: usize, host: usize },
    Release { nth: usize },
    ReleaseCall { call: u8 },
    Extend { call: u8, by: i64 },
    Pass { ms: i64 },
    Expire,
    ForgetPast,
}

fn op() -> impl Strategy<Value = Op> {
    let hold =
        (0..5_u8, 0..7_u8, 0..30_i64, (1..6_i64, 1..4_i64, 0..6_i64), 1..25_i64, 0..16_u8, any::<bool>())
            .prop_map(|(call, target, start, pieces, ttl, units, fresh)| Op::Hold {
                call,
                target,
                start,
                pieces,
                ttl,
                units,
                fresh,
            });
    prop_oneof![
        10 => hold,
        3 => (0..5_u8).prop_map(|call| Op::Submit { call }),
        3 => (0..9_usize, 0..5_usize).prop_map(|(nth, host)| Op::Book { nth, host }),
        2 => (0..20_usize).prop_map(|nth| Op::Release { nth }),
        1 => (0..5_u8).prop_map(|call| Op::ReleaseCall { call }),
        1 => (0..5_u8, 0..20_i64).prop_map(|(call, by)| Op::Extend { call, by }),
        2 => (0..6_i64).prop_map(|ms| Op::Pass { ms }),
        1 => Just(Op::Expire),
        1 => Just(Op::ForgetPast),
    ]
}

/// Four members alone, two pools that share a member, and a second event type on the first pool.
fn target(number: u8) -> Target {
    let pool = |event_type_id, members: &[i64]| Target::Pool {
        event_type_id,
        members: members.iter().copied().map(StaffId).collect(),
    };
    match number {
        0..=3 => Target::Member(StaffId(i64::from(number) + 1)),
        4 => pool(10, &[1, 2]),
        5 => pool(20, &[2, 3, 4]),
        _ => pool(30, &[1, 2]),
    }
}

fn members_of(target: &Target) -> Vec<StaffId> {
    match target {
        Target::Member(staff) => vec![*staff],
        Target::Pool { members, .. } => members.clone(),
    }
}

/// Bits name the members that the calendar shows free; none at all is "not known".
fn units(bits: u8) -> FreeUnits {
    let free: BTreeSet<StaffId> = MEMBERS.filter(|m| (bits >> (m - 1)) & 1 == 1).map(StaffId).collect();
    if free.is_empty() { FreeUnits::Unknown } else { FreeUnits::Members(free) }
}

fn segments(start: i64, (first, pause, second): (i64, i64, i64)) -> Vec<Interval> {
    let piece = |from: i64, length: i64| Interval::new(UnixMillis(from), UnixMillis(from + length));
    piece(start, first).into_iter().chain(piece(start + first + pause, second)).collect()
}

fn covers(hold: &Hold, instant: i64) -> bool {
    hold.segments.iter().any(|s| s.start().0 <= instant && instant < s.end().0)
}

/// The rules once more, by looking at every hold at every instant.
fn model_is_free(holds: &BTreeMap<HoldId, Hold>, wish: &HoldRequest, now: UnixMillis) -> bool {
    let counts = |hold: &Hold| match hold.state {
        HoldState::Held { until } => now < until && hold.call_id != wish.call_id,
        HoldState::Submitted | HoldState::Booked { .. } => true,
    };
    let is_seen = |hold: &Hold| match hold.state {
        HoldState::Booked { at } => wish.seen_at.0 > at.0 + CALENDAR_CACHE_MS,
        _ => false,
    };
    let beside = |segments: &[Interval], hold: &Hold| {
        let instants = segments.iter().flat_map(|s| s.start().0..s.end().0);
        counts(hold) && instants.into_iter().any(|t| covers(hold, t))
    };
    let standing: Vec<&Hold> = holds
        .values()
        .filter(|h| beside(&wish.segments, h) && !is_seen(h) && shares(&h.target, &wish.target))
        .collect();
    let (Target::Pool { members, .. }, FreeUnits::Members(free)) = (&wish.target, &wish.units) else {
        return standing.is_empty();
    };
    let left = |fits: Vec<StaffId>, beside: &[&Hold]| {
        let named = |m: &StaffId| beside.iter().any(|h| h.target == Target::Member(*m));
        fits.into_iter().filter(|m| !named(m)).count()
    };
    let pools = |beside: &[&Hold]| beside.iter().filter(|h| matches!(h.target, Target::Pool { .. })).count();
    let fits = members.iter().copied().filter(|m| free.contains(m)).collect();
    let entries = standing.iter().filter(|h| matches!(h.target, Target::Pool { .. }));
    left(fits, &standing) > pools(&standing)
        && entries.into_iter().all(|entry| {
            let others: Vec<&Hold> = holds
                .values()
                .filter(|h| {
                    h.id != entry.id && beside(&entry.segments, h) && shares(&h.target, &entry.target)
                })
                .collect();
            left(entry.fits.iter().copied().collect(), &others) > pools(&others) + 1
        })
}

fn shares(a: &Target, b: &Target) -> bool {
    let same_type = match (a, b) {
        (Target::Pool { event_type_id: a, .. }, Target::Pool { event_type_id: b, .. }) => a == b,
        _ => false,
    };
    same_type || members_of(a).iter().any(|m| members_of(b).contains(m))
}

/// Members who can serve a hold as everything else stands: those that fit a pool's entry (all of them where
/// it is not known who fits) and are not busy with an overlapping entry of their own.
fn hosts_of(hold: &Hold, holds: &[&Hold]) -> Vec<StaffId> {
    let fitting = match &hold.target {
        Target::Pool { .. } if !hold.fits.is_empty() => hold.fits.iter().copied().collect(),
        target => members_of(target),
    };
    let is_busy = |m: &StaffId| {
        let others = holds.iter().filter(|h| h.id != hold.id && h.target == Target::Member(*m));
        others.into_iter().any(|h| h.overlaps(&hold.segments))
    };
    fitting.into_iter().filter(|m| !is_busy(m)).collect()
}

/// Whether every standing hold still has a member, whomever the calendar picked for the others.
fn everybody_has_a_member<'a>(holds: impl Iterator<Item = &'a Hold>, now: UnixMillis) -> bool {
    let standing: Vec<&Hold> = holds.filter(|h| h.until().is_none_or(|until| now < until)).collect();
    standing.iter().all(|hold| !hosts_of(hold, &standing).is_empty())
}

struct World {
    ledger: SlotLedger,
    model: BTreeMap<HoldId, Hold>,
    now: UnixMillis,
    next_id: u32,
}

impl World {
    fn new() -> Self {
        Self { ledger: SlotLedger::default(), model: BTreeMap::new(), now: UnixMillis(0), next_id: 0 }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Hold { call, target: number, start, pieces, ttl, units: bits, fresh } => {
                self.next_id += 1;
                let far_future = self.now.plus_ms(2 * CALENDAR_CACHE_MS);
                self.hold(HoldRequest {
                    id: id(&format!("{:04}", self.next_id)),
                    call_id: caller(*call),
                    target: target(*number),
                    segments: segments(*start, *pieces),
                    units: units(*bits),
                    seen_at: if *fresh { far_future } else { UnixMillis(0) },
                    until: self.now.plus_ms(*ttl),
                });
            }
            Op::Submit { call } => self.submit(*call),
            Op::Book { nth, host } => self.book(*nth, *host),
            Op::Release { nth } => {
                let Some(id) = self.model.keys().nth(*nth).cloned() else { return };
                assert_eq!(self.ledger.release(&id), self.model.remove(&id));
            }
            Op::ReleaseCall { call } => {
                let released = self.ledger.release_call(&caller(*call));
                self.forget(&released, |h| h.is_held() && h.call_id == caller(*call));
            }
            Op::Extend { call, by } => self.extend(*call, *by),
            Op::Pass { ms } => self.now = self.now.plus_ms(*ms),
            Op::Expire => {
                let now = self.now;
                let ended = self.ledger.expire(now);
                assert!(ended.is_sorted_by_key(Hold::until));
                self.forget(&ended, |h| h.until().is_some_and(|until| until <= now));
                assert!(self.ledger.next_expiry().is_none_or(|next| next > now));
            }
            Op::ForgetPast => {
                let now = self.now;
                self.ledger.forget_past(now);
                self.model
                    .retain(|_, h| !matches!(h.state, HoldState::Booked { .. }) || h.end().unwrap() > now);
            }
        }
    }

    /// What was taken out is exactly what the model says.
    fn forget(&mut self, gone: &[Hold], which: impl Fn(&Hold) -> bool) {
        let expected: Vec<Hold> = self.model.values().filter(|h| which(h)).cloned().collect();
        let mut gone = gone.to_vec();
        gone.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(gone, expected);
        self.model.retain(|_, h| !which(h));
    }

    fn hold(&mut self, wish: HoldRequest) {
        let free = model_is_free(&self.model, &wish, self.now);
        let before = self.ledger.clone();
        let said = self.ledger.is_free(
            &wish.target,
            &wish.segments,
            &wish.units,
            wish.seen_at,
            Some(&wish.call_id),
            self.now,
        );
        assert_eq!(said, free, "{wish:?}");
        let Ok(placed) = self.ledger.hold(wish.clone(), self.now) else {
            assert!(!free);
            assert_eq!(self.ledger, before, "a refused hold changes nothing");
            return;
        };
        assert!(free, "{wish:?}");
        let old = self.model.values().find(|h| h.is_held() && h.call_id == wish.call_id).cloned();
        let same = old.as_ref().is_some_and(|o| o.target == wish.target && o.segments == wish.segments);
        if let Some(old) = &old {
            self.model.remove(&old.id);
        }
        if same {
            assert_eq!((Some(&placed.hold.id), &placed.replaced), (old.as_ref().map(|o| &o.id), &None));
        } else {
            assert_eq!((&placed.hold.id, &placed.replaced), (&wish.id, &old));
        }
        if old.is_none() {
            let mut given_back = self.ledger.clone();
            assert_eq!(given_back.release(&placed.hold.id).as_ref(), Some(&placed.hold));
            assert_eq!(given_back, before, "a release gives back exactly");
        }
        self.model.insert(placed.hold.id.clone(), placed.hold);
    }

    fn submit(&mut self, number: u8) {
        let Some(held) = self.ledger.held_by(&caller(number)).cloned() else { return };
        let in_time = held.until().unwrap() > self.now;
        assert_eq!(self.ledger.submit(&held.id, self.now).is_ok(), in_time);
        if in_time {
            self.model.get_mut(&held.id).unwrap().state = HoldState::Submitted;
        }
    }

    fn extend(&mut self, number: u8, by: i64) {
        let Some(held) = self.ledger.held_by(&caller(number)).cloned() else { return };
        let (ends, until) = (held.until().unwrap(), self.now.plus_ms(by));
        let in_time = ends > self.now;
        assert_eq!(self.ledger.extend(&held.id, until, self.now).is_ok(), in_time);
        if in_time {
            self.model.get_mut(&held.id).unwrap().state = HoldState::Held { until: until.max(ends) };
        }
    }

    /// The calendar picks any host that is free, or does not say whom it picked.
    fn book(&mut self, nth: usize, host: usize) {
        let mut open = self.model.values().filter(|h| h.state == HoldState::Submitted);
        let Some(hold) = open.nth(nth).cloned() else { return };
        let now = self.now;
        let standing =
            self.model.values().filter(|h| h.until().is_none_or(|until| now < until)).collect::<Vec<_>>();
        let possible = hosts_of(&hold, &standing);
        let host = possible.get(host).copied();
        let answer = self.ledger.book(&hold.id, host, self.now).unwrap();
        let target = host.map_or(hold.target.clone(), Target::Member);
        let booked = Hold { state: HoldState::Booked { at: self.now }, target, ..hold };
        assert_eq!((&answer.hold, answer.displaced.is_empty()), (&booked, true));
        self.model.insert(booked.id.clone(), booked);
    }

    fn agrees_with_the_model(&self) {
        assert!(self.ledger.holds().eq(self.model.values()));
        let mut held_calls = BTreeSet::new();
        for hold in self.ledger.holds().filter(|h| h.is_held()) {
            assert!(held_calls.insert(&hold.call_id), "two offers of one call");
            assert_eq!(self.ledger.held_by(&hold.call_id), Some(hold));
        }
        let first = self.ledger.holds().filter_map(Hold::until).min();
        assert_eq!(self.ledger.next_expiry(), first);
    }

    /// Restored from its holds in another order, the ledger is the same and answers the same.
    fn survives_a_restart(&self, rotate: usize) {
        let mut holds: Vec<Hold> = self.ledger.holds().cloned().collect();
        let middle = rotate.checked_rem(holds.len()).unwrap_or_default();
        holds.rotate_left(middle);
        let mut restored = SlotLedger::default();
        for hold in holds.iter().chain(holds.first()) {
            restored.restore(hold.clone());
        }
        assert_eq!(restored, self.ledger);
        assert_eq!(restored.next_expiry(), self.ledger.next_expiry());
        for number in 0..7 {
            for start in 0..LAST_INSTANT {
                let slot = [Interval::new(UnixMillis(start), UnixMillis(start + 1)).unwrap()];
                let ask = |ledger: &SlotLedger| {
                    ledger.is_free(&target(number), &slot, &units(15), UnixMillis(0), None, self.now)
                };
                assert_eq!(ask(&restored), ask(&self.ledger));
            }
        }
    }
}

fn caller(number: u8) -> CallId {
    call(&format!("call {number}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_member_is_sold_twice_and_a_pool_entry_keeps_one_whomever_the_calendar_picks(
        ops in proptest::collection::vec(op(), 1..80),
        rotate in 0..50_usize,
    ) {
        let mut world = World::new();
        for mut op in ops {
            if let Op::Hold { fresh, .. } = &mut op {
                *fresh = false;
            }
            world.step(&op);
            world.agrees_with_the_model();
            prop_assert!(everybody_has_a_member(world.ledger.holds(), world.now), "after {op:?}");
        }
        world.survives_a_restart(rotate);
    }

    #[test]
    fn the_ledger_does_what_the_naive_rules_say_with_old_and_new_views(
        ops in proptest::collection::vec(op(), 1..80),
        rotate in 0..50_usize,
    ) {
        let mut world = World::new();
        for op in ops {
            world.step(&op);
            world.agrees_with_the_model();
        }
        world.survives_a_restart(rotate);
    }
}
