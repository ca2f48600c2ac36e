//! Whether a pool has somebody else when the calendar gave its choice away.

use super::*;

const EVA: StaffId = StaffId(9003);
const SLOT: (i64, u32) = (600, 30);
const ORDERED_AT: UnixMillis = UnixMillis(10_000);

fn slot() -> [Interval; 1] {
    [minutes(SLOT.0, SLOT.1)]
}

fn of_pool(of: &str, free: &[StaffId]) -> HoldRequest {
    let target = Target::Pool { event_type_id: 2001, members: vec![UDO, MIA, EVA] };
    let units = FreeUnits::Members(free.iter().copied().collect());
    HoldRequest { units, ..request(of, target, &slot()) }
}

/// A caller who has ordered one of these.
fn ordered(ledger: &mut SlotLedger, of: &str, free: &[StaffId]) -> HoldId {
    let hold = ledger.hold(of_pool(of, free), NOW).unwrap().hold.id;
    ledger.submit(&hold, ORDERED_AT).unwrap();
    hold
}

fn has_another(ledger: &SlotLedger, id: &HoldId, races_lost: usize) -> bool {
    ledger.has_another_member(id, ORDERED_AT, races_lost, ORDERED_AT)
}

#[test]
fn of_callers_who_order_in_the_same_moment_each_has_a_member() {
    let mut ledger = SlotLedger::default();
    let [a, b, c] = ["a", "b", "c"].map(|of| ordered(&mut ledger, of, &[UDO, MIA, EVA]));
    assert!([&b, &c].into_iter().all(|id| has_another(&ledger, id, 1)));
    ledger.book(&a, Some(UDO), ORDERED_AT).unwrap();
    assert!([&b, &c].into_iter().all(|id| has_another(&ledger, id, 1)));
    ledger.book(&b, Some(MIA), ORDERED_AT).unwrap();
    assert!(has_another(&ledger, &c, 2), "both went to those");
    assert!(!has_another(&ledger, &c, 3), "the third one went to somebody outside");
}

#[test]
fn the_last_member_that_somebody_outside_took_leaves_nobody() {
    let mut ledger = SlotLedger::default();
    let alone = ordered(&mut ledger, "a", &[EVA]);
    assert!(!has_another(&ledger, &alone, 1));
    let mut ledger = SlotLedger::default();
    let one_of_two = ordered(&mut ledger, "a", &[UDO, EVA]);
    assert!(has_another(&ledger, &one_of_two, 1));
    assert!(!has_another(&ledger, &one_of_two, 2));
}

#[test]
fn bookings_from_before_and_of_other_times_have_won_nothing() {
    let mut ledger = SlotLedger::default();
    booked(&mut ledger, request("old", Target::Member(UDO), &slot()), Some(UDO), NOW);
    let longer = [minutes(SLOT.0 - 15, 30)];
    booked(&mut ledger, request("other", Target::Member(MIA), &longer), Some(MIA), ORDERED_AT);
    let last = ordered(&mut ledger, "a", &[EVA]);
    assert!(!has_another(&ledger, &last, 1));
}

#[test]
fn what_is_offered_to_others_is_theirs() {
    let mut ledger = SlotLedger::default();
    let first = ordered(&mut ledger, "a", &[UDO, MIA]);
    ledger.hold(of_pool("b", &[UDO, MIA]), NOW).unwrap();
    assert!(!has_another(&ledger, &first, 1));
}

#[test]
fn nobody_is_known_to_be_free_where_the_members_times_are_not() {
    let mut ledger = SlotLedger::default();
    let hold = ledger.hold(request("a", haircut_pool(), &slot()), NOW).unwrap().hold.id;
    ledger.submit(&hold, ORDERED_AT).unwrap();
    assert!(!has_another(&ledger, &hold, 1));
    assert!(!has_another(&ledger, &id("gone"), 1));
}
