//! Every state times every event, and random courses of a booking.

mod announced;
mod claim;

use proptest::prelude::*;

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_420_800_000);
const HOST: Option<i64> = Some(9001);

pub(crate) fn order() -> BookingOrder {
    let call_id = CallId::parse("call_c1").unwrap();
    BookingOrder {
        claimed: false,
        appointment: AppointmentId::of_order(&call_id, "book", 1),
        company: CompanyId(1),
        branch: BranchId(2),
        call_id,
        order_key: "book".to_owned(),
        service: ServiceId(3),
        staff: None,
        event_type_id: 2001,
        interval: Interval::of_minutes(NOW.plus_ms(3_600_000), 30).unwrap(),
        hold: HoldId("hold_1".to_owned()),
        attendee: Attendee { name: "Anna".to_owned(), phone: None, email: Some("a@example.org".to_owned()) },
        by: OrderedBy::default(),
        notes: None,
        time_zone: "Europe/Berlin".to_owned(),
        language: Language::De,
    }
}

fn submitted() -> Booking {
    Booking::submit(order(), NOW)
}

fn uid() -> String {
    "uid1".to_owned()
}

/// It stands as it was ordered.
fn as_ordered() -> Standing {
    Standing { uid: uid(), from_uid: None, interval: order().interval, host: HOST, at: NOW }
}

fn confirmed_event() -> BookingEvent {
    BookingEvent::Confirmed(as_ordered())
}

fn found() -> BookingEvent {
    BookingEvent::Looked(LookResult::Found(as_ordered()))
}

const ABSENT: BookingEvent = BookingEvent::Looked(LookResult::Absent);
const NO_ANSWER: BookingEvent = BookingEvent::Looked(LookResult::NoAnswer);

fn surfaced() -> BookingEvent {
    BookingEvent::Surfaced { uid: uid() }
}

fn called_off() -> BookingEvent {
    BookingEvent::CancelledAtCalendar { uid: uid(), at: NOW.plus_ms(2) }
}

/// Moved by an hour at the calendar, under a new uid.
fn moved() -> BookingEvent {
    BookingEvent::StandsAtCalendar(Standing {
        uid: "uid2".to_owned(),
        from_uid: Some(uid()),
        interval: Interval::of_minutes(NOW.plus_ms(7_200_000), 30).unwrap(),
        host: HOST,
        at: NOW.plus_ms(1),
    })
}

/// The booking after events that are all legal, with everything it wanted on the way.
fn course(events: impl IntoIterator<Item = BookingEvent>) -> (Booking, Vec<BookingEffect>) {
    let mut effects = Vec::new();
    let booking = events.into_iter().fold(submitted(), |booking, event| {
        let step = booking.apply(event, NOW).unwrap();
        effects.extend(step.effects);
        step.booking
    });
    (booking, effects)
}

/// Every state, reached by its own way.
fn every_state() -> [Booking; 12] {
    use BookingEvent as E;
    let by = |events: &[BookingEvent]| course(events.iter().cloned()).0;
    let lost = [E::AnswerLost, ABSENT, ABSENT, ABSENT];
    [
        submitted(),
        by(&[E::ToldPending]),
        by(&[E::AnswerLost]),
        by(&[confirmed_event()]),
        by(&[E::Refused(Refusal::SlotTaken)]),
        by(&[E::ToldPending, E::Refused(Refusal::SlotTaken)]),
        by(&lost),
        Booking::abandon(order(), NOW),
        by(&[lost.as_slice(), &[surfaced()]].concat()),
        by(&doubtful()),
        by(&[confirmed_event(), moved()]),
        by(&[confirmed_event(), called_off()]),
    ]
}

/// The second POST of a promised booking is refused, perhaps because of the first.
fn doubtful() -> Vec<BookingEvent> {
    use BookingEvent as E;
    vec![E::ToldPending, E::AnswerLost, ABSENT, ABSENT, ABSENT, E::Refused(Refusal::SlotTaken)]
}

fn every_event() -> [BookingEvent; 14] {
    use BookingEvent as E;
    [
        confirmed_event(),
        E::Refused(Refusal::OutOfBounds),
        E::HostRaced,
        E::NotSent,
        E::AnswerLost,
        E::Restarted,
        E::ToldPending,
        found(),
        ABSENT,
        NO_ANSWER,
        E::CallEnded,
        surfaced(),
        moved(),
        called_off(),
    ]
}

/// Status after a legal event; `None` for an illegal one. The documented table, once more.
fn table(from: &Booking, event: &BookingEvent) -> Option<AppointmentStatus> {
    use AppointmentStatus as S;
    use BookingEvent as E;
    let status = from.status();
    match (status, event) {
        (_, E::CallEnded) => Some(status),
        (S::Submitted | S::PendingConfirmation, event) => match event {
            E::Confirmed(_) => Some(S::Confirmed),
            E::HostRaced if from.order.staff.is_none() => Some(status),
            E::Refused(_) | E::HostRaced if from.told_pending => Some(S::Conflict),
            E::Refused(_) | E::HostRaced => Some(S::Refused),
            E::NotSent => Some(status),
            E::AnswerLost | E::Restarted => Some(S::Unknown),
            E::ToldPending => Some(S::PendingConfirmation),
            _ => None,
        },
        (S::Unknown, event) => match event {
            E::Confirmed(_) | E::Looked(LookResult::Found(_)) => Some(S::Confirmed),
            E::HostRaced if is_doubtful(from) => Some(S::Unknown),
            E::Refused(_) | E::HostRaced if from.told_pending => Some(S::Conflict),
            E::Refused(_) | E::HostRaced => Some(S::Refused),
            E::Looked(LookResult::Absent) if is_doubtful(from) => Some(S::Conflict),
            E::Restarted | E::ToldPending | E::Looked(_) => Some(S::Unknown),
            _ => None,
        },
        (S::Abandoned | S::Refused | S::Conflict, E::Surfaced { .. }) => Some(S::Cancelled),
        (S::Confirmed, E::StandsAtCalendar(_)) => Some(S::Confirmed),
        (S::Confirmed, E::CancelledAtCalendar { uid, .. }) => {
            Some(if from.uid() == Some(uid) { S::Cancelled } else { S::Confirmed })
        }
        // What we cancelled ourselves is over; what was cancelled there may have been moved there.
        (S::Cancelled, E::StandsAtCalendar(_)) if from.announced.is_some() => Some(S::Confirmed),
        (S::Abandoned | S::Refused | S::Conflict, E::Looked(look)) if from.late_look_at.is_some() => {
            Some(if matches!(look, LookResult::Found(_)) { S::Cancelled } else { status })
        }
        _ => None,
    }
}

fn is_doubtful(booking: &Booking) -> bool {
    matches!(booking.state, BookingState::Unknown { refusal: Some(_), .. })
}

#[test]
fn every_event_in_every_state_moves_as_documented_or_changes_nothing() {
    for booking in every_state() {
        for event in every_event() {
            let what = format!("{:?} takes {event:?}", booking.state);
            let later = NOW.plus_ms(5);
            match (booking.clone().apply(event.clone(), later), table(&booking, &event)) {
                (Ok(step), Some(status)) => {
                    assert_eq!(step.booking.status(), status, "{what}");
                    is_one_move_or_none(&booking, &step.booking, &event);
                }
                (Err(error), None) => {
                    assert_eq!(*error.booking, booking, "{what}");
                    assert_eq!((error.status, error.event), (booking.status(), event), "{what}");
                }
                (answer, expected) => panic!("{what}: {answer:?} instead of {expected:?}"),
            }
        }
    }
}

/// A move adds one to the version and one line to the history; what is no move (a look without an answer,
/// "pending" told again, the end of a call after its booking was settled, the late look) adds nothing.
fn is_one_move_or_none(before: &Booking, after: &Booking, event: &BookingEvent) {
    let no_move = match event {
        BookingEvent::Looked(LookResult::NoAnswer) => true,
        BookingEvent::Looked(LookResult::Absent) => !before.status().is_open(),
        BookingEvent::CallEnded => before.call_over || !before.status().is_open(),
        BookingEvent::NotSent => {
            let of_this_post = before.history.iter().rev().take_while(|m| m.reason != "posted_again");
            of_this_post.into_iter().any(|m| m.reason == "calendar_unreachable")
        }
        BookingEvent::ToldPending => before.told_pending,
        BookingEvent::StandsAtCalendar(standing) => before.uid() == Some(&standing.uid),
        BookingEvent::CancelledAtCalendar { uid, .. } => before.uid() != Some(uid),
        _ => false,
    };
    assert_eq!(after.version, before.version + u32::from(!no_move), "{event:?}");
    assert_eq!(after.history.last() != before.history.last(), !no_move, "{event:?}");
    let last = after.history.last().unwrap();
    assert!(no_move || last.status == after.status());
    assert_eq!((&after.order, after.submitted_at), (&before.order, before.submitted_at));
}

#[test]
fn a_confirmed_booking_occupies_its_slot_and_tells_the_customer() {
    let (booking, effects) = course([confirmed_event()]);
    assert_eq!(effects, [BookingEffect::OccupySlot { host: HOST }, BookingEffect::NotifyConfirmed]);
    assert_eq!((booking.version, booking.uid()), (2, Some("uid1")));
}

#[test]
fn a_booking_found_after_the_hang_up_says_so_in_its_history() {
    let (booking, effects) = course([BookingEvent::AnswerLost, BookingEvent::CallEnded, found()]);
    assert_eq!(booking.history.last().unwrap().reason, "confirmed_after_hangup");
    assert!(effects.contains(&BookingEffect::NotifyConfirmed));
    let (booking, _) = course([BookingEvent::AnswerLost, found()]);
    assert_eq!(booking.history.last().unwrap().reason, "confirmed_by_look");
}

#[test]
fn a_lost_booking_is_looked_for_three_times_within_a_minute() {
    let (mut booking, mut at) = (submitted(), NOW);
    let mut event = BookingEvent::AnswerLost;
    for _ in 0..LOOKS_MAX {
        let step = booking.apply(event, at).unwrap();
        let [BookingEffect::Look { at: due }] = step.effects.as_slice() else { panic!("{:?}", step.effects) };
        assert!(*due > at);
        (booking, at, event) = (step.booking, *due, ABSENT);
    }
    assert!(at.since(NOW) <= 60_000);
    let step = booking.apply(ABSENT, at).unwrap();
    assert_eq!(step.booking.status(), AppointmentStatus::Abandoned);
    let callback = BookingEffect::RequestCallback { urgent: true, reason: "booking_not_found" };
    let late_look = BookingEffect::Look { at: at.plus_ms(LATE_LOOK_MS) };
    assert_eq!(step.effects, [BookingEffect::ReleaseSlot, late_look, callback]);
}

#[test]
fn a_refusal_that_our_own_lost_post_may_have_caused_is_looked_at_before_it_is_believed() {
    let (booking, effects) = course(doubtful());
    assert!(is_doubtful(&booking));
    assert!(!effects.contains(&BookingEffect::ReleaseSlot));
    assert_eq!(booking.clone().apply(found(), NOW).unwrap().booking.status(), AppointmentStatus::Confirmed);
    let restarted = booking.clone().apply(BookingEvent::Restarted, NOW).unwrap().booking;
    for doubtful in [booking, restarted] {
        let step = doubtful.apply(ABSENT, NOW).unwrap();
        let conflict = BookingState::Conflict { refusal: Refusal::SlotTaken, alternatives: Vec::new() };
        assert_eq!(step.booking.state, conflict);
        assert_eq!(step.effects[0], BookingEffect::ReleaseSlot);
        assert_eq!(step.booking.late_look_at, Some(NOW.plus_ms(LATE_LOOK_MS)));
    }
    let (booking, _) = course([BookingEvent::Refused(Refusal::SlotTaken)]);
    assert_eq!((booking.status(), booking.late_look_at), (AppointmentStatus::Refused, None), "a first POST");
}

#[test]
fn a_booking_that_was_given_up_is_looked_for_once_more_much_later() {
    let (given_up, _) = course([BookingEvent::AnswerLost, ABSENT, ABSENT, ABSENT]);
    let again = given_up.clone().apply(NO_ANSWER, NOW).unwrap();
    assert!(matches!(again.effects.as_slice(), [BookingEffect::Look { at }] if *at > NOW));
    let gone = given_up.clone().apply(ABSENT, NOW).unwrap();
    assert_eq!((gone.booking.late_look_at, gone.effects.len()), (None, 0));
    assert!(gone.booking.apply(found(), NOW).is_err(), "once");
    let surfaced = given_up.apply(found(), NOW).unwrap();
    assert_eq!(surfaced.effects, [BookingEffect::CancelAtCalendar { uid: uid() }]);
    assert_eq!(surfaced.booking.status(), AppointmentStatus::Cancelled);
}

#[test]
fn looks_without_an_answer_do_not_count() {
    let mut events = vec![BookingEvent::AnswerLost];
    events.extend(std::iter::repeat_n(NO_ANSWER, 40));
    events.extend([ABSENT, NO_ANSWER, ABSENT]);
    let (booking, effects) = course(events);
    assert_eq!(booking.status(), AppointmentStatus::Unknown);
    assert!(effects.iter().all(|e| matches!(e, BookingEffect::Look { at } if *at > NOW)));
}

#[test]
fn a_promised_booking_is_posted_again_three_times_at_most_and_then_a_conflict() {
    let mut events = vec![BookingEvent::ToldPending];
    for _ in 0..=POSTS_AGAIN_MAX {
        events.extend([BookingEvent::AnswerLost, ABSENT, ABSENT, ABSENT]);
    }
    let (booking, effects) = course(events);
    let posts = effects.iter().filter(|e| matches!(e, BookingEffect::Post { .. })).count();
    assert_eq!(posts, 3);
    assert_eq!(booking.status(), AppointmentStatus::Conflict);
    assert_eq!(effects.iter().filter(|e| **e == BookingEffect::ReleaseSlot).count(), 1);
    let urgent = |e: &BookingEffect| matches!(e, BookingEffect::RequestCallback { urgent: true, .. });
    assert!(urgent(effects.last().unwrap()));
}

#[test]
fn an_order_for_a_pool_whose_host_was_given_away_is_posted_again_three_times_at_most() {
    let (booking, effects) =
        course([BookingEvent::HostRaced, BookingEvent::HostRaced, BookingEvent::HostRaced]);
    assert_eq!(effects, [const { BookingEffect::PostAtOnce }; 3]);
    assert_eq!(booking.state, BookingState::Submitted { post: 1 }, "nothing was made");
    let last = booking.apply(BookingEvent::HostRaced, NOW).unwrap();
    assert_eq!(last.booking.state, BookingState::Refused { refusal: Refusal::SlotTaken });

    // It may have been its own lost one that has the host.
    let lost = [BookingEvent::ToldPending, BookingEvent::AnswerLost, ABSENT, ABSENT, ABSENT];
    let (second_post, _) = course(lost);
    assert_eq!(second_post.state, BookingState::Submitted { post: 2 });
    assert!(is_doubtful(&second_post.apply(BookingEvent::HostRaced, NOW).unwrap().booking));

    let named = BookingOrder { staff: Some(StaffId(4)), ..order() };
    let of_a_member = Booking::submit(named, NOW).apply(BookingEvent::HostRaced, NOW).unwrap();
    assert_eq!(of_a_member.booking.state, BookingState::Refused { refusal: Refusal::SlotTaken });
}

#[test]
fn a_promise_that_is_refused_is_a_conflict_with_an_urgent_callback() {
    let refused = BookingEvent::Refused(Refusal::SlotTaken);
    let (booking, effects) = course([BookingEvent::ToldPending, refused.clone()]);
    assert_eq!(booking.status(), AppointmentStatus::Conflict);
    let callback = BookingEffect::RequestCallback { urgent: true, reason: "booking_conflict" };
    assert_eq!(effects, [BookingEffect::ReleaseSlot, callback]);

    let (booking, effects) = course([refused.clone()]);
    assert_eq!((booking.status(), effects), (AppointmentStatus::Refused, vec![BookingEffect::ReleaseSlot]));

    let (_, effects) = course([BookingEvent::CallEnded, refused]);
    let callback = BookingEffect::RequestCallback { urgent: true, reason: "refused_after_hangup" };
    assert_eq!(effects, [BookingEffect::ReleaseSlot, callback]);
}

#[test]
fn a_booking_that_surfaces_after_its_release_is_cancelled() {
    let lost = [BookingEvent::AnswerLost, ABSENT, ABSENT, ABSENT];
    let refused = [BookingEvent::ToldPending]
        .into_iter()
        .chain(lost.clone())
        .chain([BookingEvent::Refused(Refusal::OutOfBounds)]);
    for events in [lost.to_vec(), refused.collect()] {
        let step = course(events).0.apply(surfaced(), NOW).unwrap();
        assert_eq!(step.effects, [BookingEffect::CancelAtCalendar { uid: uid() }]);
        assert_eq!(step.booking.status(), AppointmentStatus::Cancelled);
        assert_eq!(step.booking.history.last().unwrap().reason, "surfaced_after_release");
        assert!(step.booking.apply(surfaced(), NOW).is_err(), "once");
    }
}

#[test]
fn a_request_that_never_left_is_posted_again_as_the_same_post() {
    let (booking, effects) = course([BookingEvent::NotSent]);
    assert_eq!(booking.state, BookingState::Submitted { post: 1 });
    assert!(matches!(effects.as_slice(), [BookingEffect::Post { at }] if *at > NOW));
}

#[test]
fn what_is_never_sent_is_tried_with_a_growing_delay_and_moves_once() {
    let (mut booking, _) = course([]);
    let (mut now, mut delays) = (NOW, Vec::new());
    for try_no in 0..8 {
        if try_no == 2 {
            booking = booking.apply(BookingEvent::ToldPending, now).unwrap().booking;
        }
        let step = booking.apply(BookingEvent::NotSent, now).unwrap();
        let [BookingEffect::Post { at }] = step.effects.as_slice() else { panic!("{:?}", step.effects) };
        delays.push(at.since(now) / 1_000);
        (booking, now) = (step.booking, *at);
    }
    assert_eq!(delays, [5, 5, 10, 20, 40, 60, 60, 60]);
    assert_eq!(booking.history.iter().filter(|m| m.reason == "calendar_unreachable").count(), 1);
}

#[test]
fn a_restart_looks_before_anything_is_sent_again() {
    let states = [vec![], vec![BookingEvent::AnswerLost, ABSENT, ABSENT]];
    for before in states {
        let (booking, effects) = course(before.into_iter().chain([BookingEvent::Restarted]));
        let unknown = BookingState::Unknown { post: 1, since: NOW, absent_looks: 0, refusal: None };
        assert_eq!(booking.state, unknown);
        assert!(matches!(effects.last(), Some(BookingEffect::Look { .. })));
        assert!(!effects.iter().any(|e| matches!(e, BookingEffect::Post { .. })));
    }
}

#[test]
fn an_order_that_was_never_submitted_is_abandoned_and_says_why() {
    let booking = Booking::abandon(order(), NOW);
    assert_eq!((booking.version, booking.status()), (1, AppointmentStatus::Abandoned));
    let reasons: Vec<&str> = booking.history.iter().map(|m| m.reason.as_str()).collect();
    assert_eq!(reasons, ["not_submitted_before_restart"]);
}

#[test]
fn every_status_is_read_back_from_its_word() {
    for status in AppointmentStatus::ALL {
        assert_eq!(AppointmentStatus::parse(status.as_str()), Some(status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    assert_eq!(AppointmentStatus::parse("booked"), None);
}

/// How often each kind of effect was wanted.
#[derive(Debug, Default)]
struct Wanted {
    occupied: usize,
    released: usize,
    told: usize,
    cancelled: usize,
}

impl Wanted {
    fn add(&mut self, effects: &[BookingEffect]) {
        for effect in effects {
            match effect {
                BookingEffect::OccupySlot { .. } => self.occupied += 1,
                BookingEffect::ReleaseSlot => self.released += 1,
                BookingEffect::NotifyConfirmed => self.told += 1,
                BookingEffect::CancelAtCalendar { .. } => self.cancelled += 1,
                BookingEffect::Post { .. }
                | BookingEffect::PostAtOnce
                | BookingEffect::Look { .. }
                | BookingEffect::FollowSlot
                | BookingEffect::FreeSlot
                | BookingEffect::RequestCallback { .. } => {}
            }
        }
    }

    fn is_sound(&self) -> bool {
        self.occupied + self.released <= 1 && self.told == self.occupied && self.cancelled <= self.released
    }
}

/// Events that keep a booking open come often, so that courses get long.
fn any_event() -> impl Strategy<Value = BookingEvent> {
    let all = proptest::sample::select(every_event().to_vec());
    let open = vec![
        BookingEvent::NotSent,
        BookingEvent::AnswerLost,
        BookingEvent::Restarted,
        ABSENT,
        BookingEvent::ToldPending,
    ];
    prop_oneof![1 => all, 3 => proptest::sample::select(open)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn whatever_happens_a_slot_is_settled_once_and_the_customer_is_told_once(
        events in proptest::collection::vec((any_event(), 0..60_000_i64), 0..150),
    ) {
        let (mut booking, mut now, mut wanted) = (submitted(), NOW, Wanted::default());
        for (event, ms) in events {
            now = now.plus_ms(ms);
            let before = booking.clone();
            booking = match booking.apply(event.clone(), now) {
                Ok(step) => {
                    wanted.add(&step.effects);
                    is_one_move_or_none(&before, &step.booking, &event);
                    step.booking
                }
                Err(refused) => {
                    prop_assert_eq!(&*refused.booking, &before);
                    *refused.booking
                }
            };
            prop_assert!(wanted.is_sound(), "{wanted:?}");
            prop_assert!(booking.history.len() <= HISTORY_MAX);
            prop_assert_eq!(&booking.history[0].reason, "submitted");
            let settled = wanted.occupied + wanted.released == 1;
            prop_assert_eq!(settled, !booking.status().is_open());
            let back: Booking = serde_json::from_value(serde_json::to_value(&booking).unwrap()).unwrap();
            prop_assert_eq!(back, booking.clone());
        }
    }
}
