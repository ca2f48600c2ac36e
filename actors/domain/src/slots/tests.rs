//! Stories of the ledger; the random interleavings are in `properties`.

mod outside;
mod properties;
mod races;

use super::*;

const UDO: StaffId = StaffId(9001);
const MIA: StaffId = StaffId(9002);
const NOW: UnixMillis = UnixMillis(0);
const TTL_MS: i64 = 300_000;

fn call(name: &str) -> CallId {
    CallId::parse(name).unwrap()
}

fn id(name: &str) -> HoldId {
    HoldId(name.to_owned())
}

/// `minutes(600, 30)` is 10:00 to 10:30.
fn minutes(from: i64, length: u32) -> Interval {
    Interval::of_minutes(UnixMillis(from * 60_000), length).unwrap()
}

fn haircut_pool() -> Target {
    Target::Pool { event_type_id: 2001, members: vec![UDO, MIA] }
}

fn both_free() -> FreeUnits {
    FreeUnits::Members([UDO, MIA].into())
}

/// A request whose hold is called `hold of <call>`, of a view fetched now.
fn request(of: &str, target: Target, segments: &[Interval]) -> HoldRequest {
    HoldRequest {
        id: id(&format!("hold of {of}")),
        call_id: call(of),
        target,
        segments: segments.to_vec(),
        units: FreeUnits::Unknown,
        seen_at: NOW,
        until: NOW.plus_ms(TTL_MS),
    }
}

fn pool_request(of: &str, units: FreeUnits, segments: &[Interval]) -> HoldRequest {
    HoldRequest { units, ..request(of, haircut_pool(), segments) }
}

/// Holds, submits and books in one go.
fn booked(ledger: &mut SlotLedger, request: HoldRequest, host: Option<StaffId>, at: UnixMillis) -> Hold {
    let hold = ledger.hold(request, at).unwrap().hold;
    ledger.submit(&hold.id, at).unwrap();
    ledger.book(&hold.id, host, at).unwrap().hold
}

#[test]
fn a_perm_leaves_its_pause_to_a_cut_that_fits_into_it() {
    let mut ledger = SlotLedger::default();
    let (ten, busy_a, busy_b) = (600, 50, 60);
    let perm = [minutes(ten, busy_a), minutes(ten + 75, busy_b)];
    ledger.hold(request("perm", Target::Member(UDO), &perm), NOW).unwrap();
    let after_a = ten + 50;
    let long = request("long", Target::Member(UDO), &[minutes(after_a, 30)]);
    assert_eq!(ledger.hold(long, NOW), Err(Taken { by: vec![id("hold of perm")] }));
    ledger.hold(request("short", Target::Member(UDO), &[minutes(after_a, 25)]), NOW).unwrap();
    ledger.hold(request("after", Target::Member(UDO), &[minutes(ten + 135, 30)]), NOW).unwrap();
}

#[test]
fn touching_intervals_do_not_clash() {
    let mut ledger = SlotLedger::default();
    for (of, from) in [("a", 600), ("b", 570), ("c", 630)] {
        ledger.hold(request(of, Target::Member(UDO), &[minutes(from, 30)]), NOW).unwrap();
    }
    assert!(ledger.hold(request("d", Target::Member(UDO), &[minutes(629, 1)]), NOW).is_err());
}

#[test]
fn segments_come_in_any_order_and_touching_ones_are_joined() {
    let mut ledger = SlotLedger::default();
    let segments = [minutes(630, 30), minutes(600, 30)];
    let placed = ledger.hold(request("a", Target::Member(UDO), &segments), NOW).unwrap();
    assert_eq!(placed.hold.segments, [minutes(600, 60)]);
    assert_eq!(ledger.hold(request("b", Target::Member(UDO), &[]), NOW), Err(Taken { by: vec![] }));
}

#[test]
fn a_new_offer_moves_the_old_one_and_does_not_clash_with_it() {
    let mut ledger = SlotLedger::default();
    let first = ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap().hold;
    let moved = HoldRequest { id: id("second"), ..request("a", Target::Member(UDO), &[minutes(615, 30)]) };
    let placed = ledger.hold(moved, NOW).unwrap();
    assert_eq!(placed.replaced, Some(first));
    assert_eq!(ledger.held_by(&call("a")).unwrap().id, id("second"));
    assert_eq!(ledger.holds().count(), 1);
}

#[test]
fn a_refused_offer_leaves_the_one_before_it() {
    let mut ledger = SlotLedger::default();
    ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap();
    ledger.hold(request("b", Target::Member(UDO), &[minutes(660, 30)]), NOW).unwrap();
    let before = ledger.clone();
    let wish = HoldRequest { id: id("new"), ..request("b", Target::Member(UDO), &[minutes(600, 30)]) };
    assert_eq!(ledger.hold(wish, NOW), Err(Taken { by: vec![id("hold of a")] }));
    assert_eq!(ledger, before);
}

#[test]
fn the_same_offer_again_prolongs_the_same_hold() {
    let mut ledger = SlotLedger::default();
    ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap();
    let later = NOW.plus_ms(TTL_MS / 2);
    let again = HoldRequest {
        id: id("another"),
        until: later.plus_ms(TTL_MS),
        ..request("a", Target::Member(UDO), &[minutes(600, 30)])
    };
    let placed = ledger.hold(again, later).unwrap();
    assert_eq!((placed.hold.id, placed.replaced), (id("hold of a"), None));
    assert_eq!(ledger.next_expiry(), Some(later.plus_ms(TTL_MS)));
    assert_eq!(ledger.holds().count(), 1);
}

#[test]
fn a_submitted_hold_stands_against_a_new_offer_of_its_own_call() {
    let mut ledger = SlotLedger::default();
    ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap();
    ledger.submit(&id("hold of a"), NOW).unwrap();
    let again = HoldRequest { id: id("another"), ..request("a", Target::Member(UDO), &[minutes(600, 30)]) };
    assert!(ledger.hold(again, NOW).is_err());
    let reused = request("a", Target::Member(UDO), &[minutes(660, 30)]);
    assert_eq!(ledger.hold(reused, NOW), Err(Taken { by: vec![id("hold of a")] }));
    let other = HoldRequest { id: id("another"), ..request("a", Target::Member(UDO), &[minutes(660, 30)]) };
    assert_eq!(ledger.hold(other, NOW).unwrap().replaced, None);
    assert_eq!(ledger.holds().count(), 2);
}

#[test]
fn a_pool_offer_stands_against_single_offers_of_every_member() {
    let mut ledger = SlotLedger::default();
    ledger.hold(pool_request("pool", both_free(), &[minutes(600, 30)]), NOW).unwrap();
    for member in [UDO, MIA] {
        assert!(ledger.hold(request("one", Target::Member(member), &[minutes(615, 30)]), NOW).is_err());
    }
    ledger.hold(request("one", Target::Member(StaffId(1)), &[minutes(615, 30)]), NOW).unwrap();
}

#[test]
fn a_pool_gives_as_many_units_as_its_members_show_free() {
    let slot = [minutes(600, 30)];
    let mut ledger = SlotLedger::default();
    ledger.hold(pool_request("a", both_free(), &slot), NOW).unwrap();
    ledger.hold(pool_request("b", both_free(), &slot), NOW).unwrap();
    assert!(ledger.hold(pool_request("c", both_free(), &slot), NOW).is_err());

    let mut ledger = SlotLedger::default();
    let only_mia = || FreeUnits::Members([MIA].into());
    ledger.hold(pool_request("a", only_mia(), &slot), NOW).unwrap();
    assert!(ledger.hold(pool_request("b", only_mia(), &slot), NOW).is_err());
    let nobody = FreeUnits::Members([StaffId(1)].into());
    let taken = SlotLedger::default().hold(pool_request("a", nobody, &slot), NOW);
    assert_eq!(taken, Err(Taken { by: vec![] }), "strangers to the pool are no units of it");
}

#[test]
fn a_single_offer_takes_its_member_out_of_the_pool() {
    let slot = [minutes(600, 30)];
    let mut ledger = SlotLedger::default();
    ledger.hold(request("udo", Target::Member(UDO), &[minutes(620, 60)]), NOW).unwrap();
    ledger.hold(pool_request("a", both_free(), &slot), NOW).unwrap();
    assert!(ledger.hold(pool_request("b", both_free(), &slot), NOW).is_err());
}

#[test]
fn a_pool_of_unknown_units_has_one() {
    let slot = [minutes(600, 30)];
    let mut ledger = SlotLedger::default();
    ledger.hold(pool_request("a", FreeUnits::Unknown, &slot), NOW).unwrap();
    assert!(ledger.hold(pool_request("b", FreeUnits::Unknown, &slot), NOW).is_err());

    let mut ledger = SlotLedger::default();
    ledger.hold(request("udo", Target::Member(UDO), &slot), NOW).unwrap();
    assert!(ledger.hold(pool_request("b", FreeUnits::Unknown, &slot), NOW).is_err());

    let nameless = || Target::Pool { event_type_id: 7, members: vec![] };
    ledger.hold(request("c", nameless(), &slot), NOW).unwrap();
    assert!(ledger.hold(request("d", nameless(), &slot), NOW).is_err(), "it stands against itself");
}

#[test]
fn pools_that_share_a_member_share_their_units() {
    let slot = [minutes(600, 30)];
    let colour = |of| HoldRequest {
        target: Target::Pool { event_type_id: 2003, members: vec![MIA, StaffId(9003)] },
        units: FreeUnits::Members([MIA].into()),
        ..request(of, haircut_pool(), &slot)
    };
    let mut ledger = SlotLedger::default();
    ledger.hold(pool_request("cut", both_free(), &slot), NOW).unwrap();
    assert!(ledger.hold(colour("colour"), NOW).is_err());
}

#[test]
fn pool_entries_one_after_the_other_may_fall_on_both_members() {
    let mut ledger = SlotLedger::default();
    let across = || pool_request("c", both_free(), &[minutes(615, 30)]);
    let first = ledger.hold(pool_request("a", both_free(), &[minutes(600, 30)]), NOW).unwrap().hold;
    ledger.hold(pool_request("b", both_free(), &[minutes(630, 30)]), NOW).unwrap();
    assert!(ledger.hold(across(), NOW).is_err());
    ledger.release(&first.id);
    ledger.hold(across(), NOW).unwrap();
}

#[test]
fn a_pool_entry_keeps_its_only_member_from_one_that_begins_before_it() {
    let mut ledger = SlotLedger::default();
    let only_udo = FreeUnits::Members([UDO].into());
    ledger.hold(pool_request("a", only_udo, &[minutes(600, 45)]), NOW).unwrap();
    // Mia is free before ten, but the calendar may pick Udo all the same.
    let before = pool_request("b", both_free(), &[minutes(570, 45)]);
    assert_eq!(ledger.hold(before, NOW), Err(Taken { by: vec![id("hold of a")] }));
    ledger.hold(pool_request("b", both_free(), &[minutes(555, 45)]), NOW).unwrap();
}

#[test]
fn a_known_host_frees_the_rest_of_the_pool_and_an_unknown_one_does_not() {
    let slot = [minutes(600, 30)];
    for (host, mia_is_free) in [(Some(UDO), true), (None, false)] {
        let mut ledger = SlotLedger::default();
        let hold = booked(&mut ledger, pool_request("a", both_free(), &slot), host, NOW);
        let expected = host.map_or_else(|| hold.target.clone(), Target::Member);
        assert_eq!(hold.target, expected);
        let mia = ledger.hold(request("b", Target::Member(MIA), &slot), NOW);
        assert_eq!(mia.is_ok(), mia_is_free);
        assert!(ledger.hold(request("c", Target::Member(UDO), &slot), NOW).is_err());
    }
}

#[test]
fn an_offer_of_the_member_that_the_calendar_picked_is_displaced() {
    let slot = [minutes(600, 30)];
    let mut ledger = SlotLedger::default();
    let by_name = ledger.hold(request("udo", Target::Member(UDO), &slot), NOW).unwrap().hold;
    ledger.hold(pool_request("pool", both_free(), &slot), NOW).unwrap();
    ledger.submit(&id("hold of pool"), NOW).unwrap();
    let answer = ledger.book(&id("hold of pool"), Some(UDO), NOW).unwrap();
    assert_eq!(answer.displaced, [by_name]);
    assert!(ledger.held_by(&call("udo")).is_none());
}

#[test]
fn a_booking_stands_only_against_views_that_cannot_show_it() {
    let slot = [minutes(600, 30)];
    let at = UnixMillis(10_000);
    let mut ledger = SlotLedger::default();
    booked(&mut ledger, request("a", Target::Member(UDO), &slot), None, at);
    let free_in_view = |seen_at: i64| {
        let seen_at = UnixMillis(seen_at);
        ledger.is_free(&Target::Member(UDO), &slot, &FreeUnits::Unknown, seen_at, None, at.plus_ms(60_000))
    };
    assert!(!free_in_view(0) && !free_in_view(10_000 + CALENDAR_CACHE_MS));
    assert!(free_in_view(10_001 + CALENDAR_CACHE_MS), "the calendar knows it by then");
}

#[test]
fn an_expired_offer_does_not_stand_even_before_it_is_swept() {
    let slot = [minutes(600, 30)];
    let mut ledger = SlotLedger::default();
    ledger.hold(request("a", Target::Member(UDO), &slot), NOW).unwrap();
    let end = NOW.plus_ms(TTL_MS);
    assert!(ledger.hold(request("b", Target::Member(UDO), &slot), end.plus_ms(-1)).is_err());
    let late = HoldRequest { until: end.plus_ms(TTL_MS), ..request("b", Target::Member(UDO), &slot) };
    ledger.hold(late, end).unwrap();
    assert_eq!(ledger.submit(&id("hold of a"), end), Err(LedgerError::Expired { until: end }));
    let longer = end.plus_ms(1);
    assert_eq!(ledger.extend(&id("hold of a"), longer, end), Err(LedgerError::Expired { until: end }));
    assert_eq!(ledger.expire(end).len(), 1);
    assert_eq!(ledger.next_expiry(), Some(end.plus_ms(TTL_MS)));
}

#[test]
fn a_hang_up_releases_the_offer_but_not_what_is_submitted() {
    let mut ledger = SlotLedger::default();
    ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap();
    ledger.submit(&id("hold of a"), NOW).unwrap();
    let other = HoldRequest { id: id("other"), ..request("a", Target::Member(UDO), &[minutes(660, 30)]) };
    ledger.hold(other, NOW).unwrap();
    let released = ledger.release_call(&call("a"));
    assert_eq!(released.iter().map(|h| h.id.clone()).collect::<Vec<_>>(), [id("other")]);
    assert!(ledger.get(&id("hold of a")).is_some());
    assert!(ledger.release_call(&call("a")).is_empty());
}

#[test]
fn moves_that_cannot_be_made_name_the_state() {
    let mut ledger = SlotLedger::default();
    assert_eq!(ledger.submit(&id("x"), NOW), Err(LedgerError::NotFound(id("x"))));
    ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap();
    let (hold, held) = (id("hold of a"), HoldState::Held { until: NOW.plus_ms(TTL_MS) });
    assert_eq!(ledger.book(&hold, None, NOW), Err(LedgerError::WrongState { state: held }));
    ledger.submit(&hold, NOW).unwrap();
    let submitted = LedgerError::WrongState { state: HoldState::Submitted };
    assert_eq!(ledger.submit(&hold, NOW), Err(submitted.clone()));
    assert_eq!(ledger.extend(&hold, NOW.plus_ms(9), NOW), Err(submitted));
    ledger.book(&hold, None, NOW).unwrap();
    assert!(ledger.book(&hold, None, NOW).is_err());
}

#[test]
fn a_submitted_hold_never_expires_and_an_extended_offer_does_later() {
    let mut ledger = SlotLedger::default();
    ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap();
    ledger.hold(request("b", Target::Member(MIA), &[minutes(600, 30)]), NOW).unwrap();
    ledger.submit(&id("hold of a"), NOW).unwrap();
    let later = NOW.plus_ms(2 * TTL_MS);
    ledger.extend(&id("hold of b"), later, NOW).unwrap();
    ledger.extend(&id("hold of b"), NOW, NOW).unwrap();
    assert!(ledger.expire(later.plus_ms(-1)).is_empty());
    assert_eq!(ledger.expire(later).len(), 1);
    assert_eq!((ledger.holds().count(), ledger.next_expiry()), (1, None));
}

#[test]
fn past_bookings_are_forgotten_and_nothing_else() {
    let mut ledger = SlotLedger::default();
    let segments = [minutes(600, 30), minutes(660, 30)];
    booked(&mut ledger, request("a", Target::Member(UDO), &segments), None, NOW);
    ledger.hold(request("b", Target::Member(MIA), &[minutes(1, 30)]), NOW).unwrap();
    ledger.forget_past(minutes(600, 89).end());
    assert_eq!(ledger.holds().count(), 2);
    ledger.forget_past(minutes(600, 90).end());
    assert_eq!(ledger.holds().map(|h| &h.id).collect::<Vec<_>>(), [&id("hold of b")]);
}

#[test]
fn a_call_restored_with_two_offers_keeps_the_last_in_either_order() {
    let mut ledger = SlotLedger::default();
    let old = ledger.hold(request("a", Target::Member(UDO), &[minutes(600, 30)]), NOW).unwrap().hold;
    let wish = HoldRequest { id: id("new"), ..request("a", Target::Member(UDO), &[minutes(660, 30)]) };
    let new = ledger.hold(wish, UnixMillis(5)).unwrap().hold;
    for pair in [[old.clone(), new.clone()], [new.clone(), old]] {
        let mut restored = SlotLedger::default();
        pair.into_iter().for_each(|hold| restored.restore(hold));
        assert_eq!(restored, ledger);
        restored.restore(new.clone());
        assert_eq!(restored, ledger, "twice is once");
    }
}

#[test]
fn a_long_entry_is_found_by_a_short_wish_inside_it() {
    let mut ledger = SlotLedger::default();
    for day in 0..200 {
        let of = format!("short {day}");
        ledger.hold(request(&of, Target::Member(UDO), &[minutes(day * 30, 30)]), NOW).unwrap();
    }
    let from = 200 * 30;
    ledger.hold(request("long", Target::Member(UDO), &[minutes(from, 1440)]), NOW).unwrap();
    let wish = [minutes(from + 1439, 10)];
    let overlapping = ledger.overlapping(&Target::Member(UDO), &wish, NOW);
    assert_eq!(overlapping.iter().map(|h| &h.id).collect::<Vec<_>>(), [&id("hold of long")]);
}
