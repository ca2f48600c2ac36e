//! What calendars announce: in any order, any number of times, the last word is the same.

use super::*;

/// A confirmed booking with uid `uid1` and host 9001.
fn confirmed() -> Booking {
    course([confirmed_event()]).0
}

fn at(ms: i64) -> UnixMillis {
    NOW.plus_ms(ms)
}

fn slot(hours: i64) -> Interval {
    Interval::of_minutes(NOW.plus_ms(hours * 3_600_000), 30).unwrap()
}

/// The booking stands as `uid`, `hours` from now, with this host; said at `ms`.
fn stands(uid: &str, from: Option<&str>, hours: i64, host: i64, ms: i64) -> BookingEvent {
    BookingEvent::StandsAtCalendar(Standing {
        uid: uid.to_owned(),
        from_uid: from.map(str::to_owned),
        interval: slot(hours),
        host: Some(host),
        at: at(ms),
    })
}

fn gone(uid: &str, ms: i64) -> BookingEvent {
    BookingEvent::CancelledAtCalendar { uid: uid.to_owned(), at: at(ms) }
}

/// Applies what means something and passes over the rest.
fn hear(booking: Booking, events: &[BookingEvent]) -> (Booking, Vec<BookingEffect>) {
    let mut effects = Vec::new();
    let booking = events.iter().fold(booking, |booking, event| match booking.apply(event.clone(), at(100)) {
        Ok(step) => {
            effects.extend(step.effects);
            step.booking
        }
        Err(illegal) => *illegal.booking,
    });
    (booking, effects)
}

fn last_reason(booking: &Booking) -> &str {
    &booking.history.last().unwrap().reason
}

#[test]
fn a_booking_follows_when_it_is_moved_at_the_calendar() {
    let (booking, effects) = hear(confirmed(), &[stands("uid2", Some("uid1"), 5, 9002, 10)]);
    assert_eq!(booking.state, BookingState::Confirmed { uid: "uid2".to_owned(), host: Some(9002) });
    assert_eq!((booking.interval(), booking.order.interval), (slot(5), slot(1)));
    assert_eq!(booking.announced.as_ref().unwrap().past_uids, ["uid1"]);
    assert_eq!(effects, [BookingEffect::FollowSlot]);
    assert_eq!((last_reason(&booking), booking.version), ("rescheduled_at_calendar", 3));
}

#[test]
fn another_host_is_taken_over_and_the_time_stays() {
    let (booking, effects) = hear(confirmed(), &[stands("uid1", None, 1, 9002, 10)]);
    assert_eq!(booking.state, BookingState::Confirmed { uid: "uid1".to_owned(), host: Some(9002) });
    assert_eq!((booking.interval(), effects), (slot(1), vec![BookingEffect::FollowSlot]));
    assert_eq!(last_reason(&booking), "reassigned_at_calendar");
    let (again, effects) = hear(booking.clone(), &[stands("uid1", None, 1, 9001, 5)]);
    assert_eq!((again.state, effects), (booking.state, vec![]), "an older word");
}

#[test]
fn the_words_of_its_own_booking_are_no_move() {
    let (booking, effects) = hear(confirmed(), &[stands("uid1", None, 1, 9001, 10), gone("another", 20)]);
    assert_eq!((booking.version, effects), (2, vec![]));
}

#[test]
fn a_booking_that_is_called_off_at_the_calendar_is_cancelled_once() {
    let events = [gone("uid1", 10), gone("uid1", 10), stands("uid1", None, 1, 9001, 5)];
    let (booking, effects) = hear(confirmed(), &events);
    assert_eq!(booking.status(), AppointmentStatus::Cancelled);
    assert_eq!((last_reason(&booking), booking.version), ("cancelled_at_calendar", 3));
    assert_eq!(effects, [BookingEffect::FreeSlot]);
}

#[test]
fn the_end_of_a_uid_from_before_does_not_end_the_booking() {
    let moved = stands("uid2", Some("uid1"), 5, 9001, 10);
    for events in [[moved.clone(), gone("uid1", 11)], [gone("uid1", 11), moved]] {
        let (booking, _) = hear(confirmed(), &events);
        assert_eq!(booking.state, BookingState::Confirmed { uid: "uid2".to_owned(), host: HOST });
        assert_eq!(booking.interval(), slot(5));
    }
}

#[test]
fn what_was_cancelled_by_us_never_stands_again() {
    let lost = [BookingEvent::AnswerLost, ABSENT, ABSENT, ABSENT, surfaced()];
    let booking = course(lost).0;
    assert!(booking.clone().apply(moved(), NOW).is_err());
    assert!(booking.apply(called_off(), NOW).is_err());
}

#[test]
fn a_word_that_came_before_the_confirmation_was_known_does_not_move_it_back() {
    let second = Standing { uid: "uid2".to_owned(), ..as_ordered() };
    let (booking, _) = course([BookingEvent::AnswerLost, BookingEvent::Looked(LookResult::Found(second))]);
    let (heard, effects) = hear(booking, &[stands("uid1", None, 1, 9002, -5)]);
    assert_eq!((heard.uid(), effects), (Some("uid2"), vec![]));
}

#[test]
fn what_was_moved_before_it_was_found_stands_where_it_was_moved_to() {
    let moved = Standing { uid: "uid2".to_owned(), interval: slot(5), at: at(3), ..as_ordered() };
    let found = BookingEvent::Looked(LookResult::Found(moved.clone()));
    for confirms in [vec![BookingEvent::AnswerLost, found], vec![BookingEvent::Confirmed(moved)]] {
        let (booking, effects) = course(confirms);
        assert_eq!((booking.uid(), booking.interval()), (Some("uid2"), slot(5)));
        let wanted = [BookingEffect::FollowSlot, BookingEffect::NotifyConfirmed];
        assert_eq!(effects.into_iter().filter(|e| wanted.contains(e)).collect::<Vec<_>>(), wanted);
        let (heard, _) = hear(booking, &[stands("uid2", Some("uid1"), 5, 9001, 3), gone("uid1", 4)]);
        assert_eq!((heard.status(), heard.interval()), (AppointmentStatus::Confirmed, slot(5)));
    }
}

#[test]
fn a_move_from_before_the_answer_was_heard_is_followed_without_its_link() {
    let heard_late = submitted().apply(confirmed_event(), at(50)).unwrap().booking;
    let (booking, _) = hear(heard_late, &[stands("uid3", Some("uid2"), 7, 9001, 5)]);
    assert_eq!((booking.uid(), booking.interval()), (Some("uid3"), slot(7)));
}

#[test]
fn a_chain_of_many_moves_keeps_its_newest_uids() {
    let links = (1..40).map(|n| {
        let (uid, from) = (format!("uid{}", n + 1), format!("uid{n}"));
        stands(&uid, Some(&from), 5, 9001, n)
    });
    let (booking, _) = hear(confirmed(), &links.collect::<Vec<_>>());
    let past = booking.announced.as_ref().unwrap().past_uids.clone();
    assert_eq!((past.len(), past.last().unwrap().as_str()), (PAST_UIDS_MAX, "uid39"));
    assert_eq!((booking.uid(), booking.history.len()), (Some("uid40"), HISTORY_MAX));
}

/// What happened to one booking at a calendar, in order: moved twice, given to another host, perhaps called off.
fn story(called_off: bool) -> Vec<BookingEvent> {
    let mut story = vec![
        stands("uid1", None, 1, 9001, 1),
        stands("uid1", None, 1, 9002, 2),
        stands("uid2", Some("uid1"), 5, 9002, 3),
        stands("uid2", None, 5, 9001, 4),
        stands("uid3", Some("uid2"), 7, 9001, 5),
    ];
    if called_off {
        story.push(gone("uid3", 6));
    }
    story
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// Whoever hears that a uid is over before it hears of the uid remembers it and says so again.
    #[test]
    fn any_order_and_any_copies_of_announcements_end_the_same(
        called_off in any::<bool>(),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        shuffle in any::<u64>(),
    ) {
        let story = story(called_off);
        let mut heard = story.clone();
        heard.extend(picks.iter().map(|pick| pick.get(&story).clone()));
        let mut seed = shuffle;
        for i in (1..heard.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            heard.swap(i, (seed >> 33) as usize % (i + 1));
        }
        heard.push(if called_off { gone("uid3", 6) } else { heard[0].clone() });
        let (booking, effects) = hear(confirmed(), &heard);
        prop_assert_eq!(booking.interval(), slot(7));
        prop_assert_eq!(booking.uid(), Some("uid3"));
        prop_assert_eq!(booking.status().stands(), !called_off);
        if !called_off {
            prop_assert_eq!(&booking.state, &BookingState::Confirmed { uid: "uid3".to_owned(), host: HOST });
        }
        prop_assert_eq!(effects.iter().filter(|e| **e == BookingEffect::FreeSlot).count(), usize::from(called_off));
        let (same, effects) = hear(booking.clone(), &heard);
        prop_assert_eq!((same, effects), (booking, vec![]), "heard twice");
    }
}
