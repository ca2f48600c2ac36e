//! Bookings that somebody made past us: which offers end, and which views they stand against.

use super::*;

const SLOT: i64 = 600;

fn visitor(uid: &str, target: Target, at: UnixMillis) -> OutsideBooking {
    OutsideBooking { uid: uid.to_owned(), target, interval: minutes(SLOT, 30), at }
}

fn seen(at: UnixMillis, units: FreeUnits) -> impl Fn(&Hold) -> Sight {
    move |_| Sight::Free { seen_at: at, units: units.clone() }
}

fn ids(holds: &[Hold]) -> Vec<&str> {
    holds.iter().map(|hold| hold.id.0.as_str()).collect()
}

fn later(ms: i64) -> UnixMillis {
    NOW.plus_ms(ms)
}

#[test]
fn an_offer_of_the_member_ends_and_others_stay() {
    let mut ledger = SlotLedger::default();
    ledger.hold(request("udo", Target::Member(UDO), &[minutes(SLOT + 15, 30)]), NOW).unwrap();
    ledger.hold(request("mia", Target::Member(MIA), &[minutes(SLOT, 30)]), NOW).unwrap();
    ledger.hold(request("after", Target::Member(UDO), &[minutes(SLOT + 45, 30)]), NOW).unwrap();
    let booking = visitor("v", Target::Member(UDO), later(1));
    let ended = ledger.book_outside(booking.clone(), seen(NOW, FreeUnits::Unknown), later(2));
    assert_eq!(ids(&ended), ["hold of udo"]);
    assert!(ledger.held_by(&call("udo")).is_none() && ledger.held_by(&call("mia")).is_some());
    let again = ledger.book_outside(booking, seen(NOW, FreeUnits::Unknown), later(3));
    assert_eq!(again, []);
    assert_eq!(ledger.holds().count(), 2);
}

#[test]
fn what_is_submitted_or_booked_is_never_displaced() {
    let mut ledger = SlotLedger::default();
    ledger.hold(request("a", Target::Member(UDO), &[minutes(SLOT, 30)]), NOW).unwrap();
    ledger.submit(&id("hold of a"), NOW).unwrap();
    booked(&mut ledger, request("b", Target::Member(MIA), &[minutes(SLOT, 30)]), None, NOW);
    for (uid, member) in [("v", UDO), ("w", MIA)] {
        let booking = visitor(uid, Target::Member(member), later(1));
        assert_eq!(ledger.book_outside(booking, |_| Sight::Gone, later(1)), []);
    }
    assert_eq!(ledger.holds().count(), 2);
}

#[test]
fn a_pool_gives_up_its_youngest_offers_when_no_unit_is_left_for_them() {
    let slot = [minutes(SLOT, 30)];
    let mut ledger = SlotLedger::default();
    ledger.hold(pool_request("first", both_free(), &slot), NOW).unwrap();
    ledger.hold(pool_request("second", both_free(), &slot), later(1)).unwrap();
    let visits = |uid: &str, member| visitor(uid, Target::Member(member), later(2));
    let ended = ledger.book_outside(visits("v", UDO), seen(NOW, both_free()), later(2));
    assert_eq!(ids(&ended), ["hold of second"], "Mia is left for the first");
    let stranger = visits("w", StaffId(1));
    assert_eq!(ledger.book_outside(stranger, seen(NOW, both_free()), later(2)), []);
    let ended = ledger.book_outside(visits("x", MIA), seen(NOW, both_free()), later(3));
    assert_eq!(ids(&ended), ["hold of first"]);
}

#[test]
fn a_pool_whose_units_are_not_known_has_none_left() {
    for sight in [Sight::Unseen, Sight::Free { seen_at: NOW, units: FreeUnits::Unknown }, Sight::Gone] {
        let mut ledger = SlotLedger::default();
        ledger.hold(pool_request("a", FreeUnits::Unknown, &[minutes(SLOT, 30)]), NOW).unwrap();
        let booking = visitor("v", Target::Member(UDO), later(1));
        let ended = ledger.book_outside(booking, |_| sight.clone(), later(1));
        assert_eq!(ids(&ended), ["hold of a"], "{sight:?}");
    }
}

#[test]
fn a_view_from_after_the_booking_decides_for_itself() {
    let slot = [minutes(SLOT, 30)];
    let after = later(1 + CALENDAR_CACHE_MS + 1);
    for (sight, stays) in
        [(Sight::Free { seen_at: after, units: FreeUnits::Unknown }, true), (Sight::Gone, false)]
    {
        let mut ledger = SlotLedger::default();
        ledger.hold(pool_request("a", FreeUnits::Unknown, &slot), after).unwrap();
        let booking = visitor("late news", Target::Member(UDO), later(1));
        let ended = ledger.book_outside(booking, |_| sight.clone(), later(60_000));
        assert_eq!(ended.is_empty(), stays, "{sight:?}");
    }
}

#[test]
fn where_the_host_is_not_known_offers_by_name_stay_until_the_calendar_shows_that_they_are_gone() {
    for (sight, stays) in [(Sight::Unseen, true), (Sight::Gone, false)] {
        let mut ledger = SlotLedger::default();
        ledger.hold(request("udo", Target::Member(UDO), &[minutes(SLOT, 30)]), NOW).unwrap();
        let booking = visitor("v", haircut_pool(), later(1));
        assert_eq!(ledger.book_outside(booking, |_| sight.clone(), later(1)).is_empty(), stays);
        let wish = request("new", Target::Member(MIA), &[minutes(SLOT, 30)]);
        assert!(ledger.hold(wish, later(2)).is_err(), "but nothing new is given");
    }
}

#[test]
fn a_booking_from_outside_stands_only_against_views_that_cannot_show_it() {
    let slot = [minutes(SLOT, 30)];
    let mut ledger = SlotLedger::default();
    ledger.book_outside(visitor("v", Target::Member(UDO), later(0)), |_| Sight::Unseen, NOW);
    let free = |ledger: &SlotLedger, seen_at: i64, units: &FreeUnits, target: Target| {
        ledger.is_free(&target, &slot, units, later(seen_at), None, later(9_000))
    };
    let unknown = FreeUnits::Unknown;
    assert!(!free(&ledger, CALENDAR_CACHE_MS, &unknown, Target::Member(UDO)));
    assert!(free(&ledger, CALENDAR_CACHE_MS + 1, &unknown, Target::Member(UDO)));
    assert!(free(&ledger, 0, &unknown, Target::Member(MIA)));
    assert!(!free(&ledger, 0, &unknown, haircut_pool()));
    assert!(free(&ledger, 0, &both_free(), haircut_pool()));
    assert!(!free(&ledger, 0, &FreeUnits::Members([UDO].into()), haircut_pool()));
    assert!(ledger.release_outside("v") && !ledger.release_outside("v"));
    assert!(free(&ledger, 0, &unknown, Target::Member(UDO)));
}

#[test]
fn bookings_from_outside_are_forgotten_in_time_and_never_too_many() {
    let mut ledger = SlotLedger::default();
    for n in 0..OUTSIDE_MAX + 10 {
        let booking = visitor(&format!("v{n}"), Target::Member(UDO), later(i64::try_from(n).unwrap()));
        ledger.book_outside(booking, |_| Sight::Unseen, NOW);
    }
    assert!(!ledger.release_outside("v9") && ledger.release_outside("v10"));
    ledger.forget_outside(later(1_000_000));
    assert!(!ledger.release_outside("v11"));
}
