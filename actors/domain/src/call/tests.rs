//! The merge of a call under any order, any copies and crashes in between.

use proptest::prelude::*;

use super::*;
use crate::{
    booking::AppointmentStatus,
    ids::{AppointmentId, BodyHash, BranchId, CallId, CompanyId},
    time::UnixMillis,
};

/// Every reason of `retell-sdk` 6.2.13 (facts on the call object) with the status that its page on
/// disconnections gives it; those it does not name are conversations that ended.
const REASONS: [(&str, CallStatus); 40] = {
    use CallStatus::{Ended, Error, NotConnected};
    [
        ("user_hangup", Ended),
        ("agent_hangup", Ended),
        ("user_requested_dnc", Ended),
        ("user_requested_callback", Ended),
        ("call_transfer", Ended),
        ("voicemail_reached", Ended),
        ("ivr_reached", Ended),
        ("inactivity", Ended),
        ("max_duration_reached", Ended),
        ("concurrency_limit_reached", Error),
        ("no_concurrency_fallback", Ended),
        ("no_valid_payment", Error),
        ("credit_exhausted", Ended),
        ("budget_reached", Ended),
        ("scam_detected", Error),
        ("dial_busy", NotConnected),
        ("dial_failed", NotConnected),
        ("dial_no_answer", NotConnected),
        ("invalid_destination", NotConnected),
        ("telephony_provider_permission_denied", NotConnected),
        ("telephony_provider_unavailable", NotConnected),
        ("sip_routing_error", NotConnected),
        ("marked_as_spam", NotConnected),
        ("network_blocked", Ended),
        ("user_declined", NotConnected),
        ("error_llm_websocket_open", Error),
        ("error_llm_websocket_lost_connection", Error),
        ("error_llm_websocket_runtime", Error),
        ("error_llm_websocket_corrupt_payload", Error),
        ("error_no_audio_received", Error),
        ("error_asr", Error),
        ("error_retell", Error),
        ("error_unknown", Error),
        ("error_user_not_joined", Error),
        ("registered_call_timeout", Error),
        ("transfer_bridged", Ended),
        ("transfer_cancelled", Ended),
        ("manual_stopped", Ended),
        ("call_take_over", Ended),
        ("a_reason_of_next_year", Ended),
    ]
};

fn call_id() -> CallId {
    CallId::parse("call_c1").unwrap()
}

fn state() -> CallState {
    CallState::new(call_id())
}

/// An event of `call_c1`; its body hash is made of everything in it but the timestamp.
fn event(name: &str, at: Option<i64>, facts: CallFacts) -> CallEvent {
    let kind = EventKind::parse(name);
    let body_hash = BodyHash::of(&[name.as_bytes(), format!("{facts:?}").as_bytes()]);
    let analysis = facts.summary.as_deref().map(|summary| BodyHash::of(&[summary.as_bytes()]));
    CallEvent {
        call_id: call_id(),
        dedup_key: kind.dedup_key(analysis, body_hash),
        kind,
        source: EventSource::Webhook,
        event_timestamp: at.map(UnixMillis),
        body_hash,
        body_bytes: 1_000,
        facts,
    }
}

fn said(status: &str) -> CallFacts {
    CallFacts { status: Some(status.to_owned()), ..CallFacts::default() }
}

fn ended(facts: CallFacts) -> CallState {
    state().apply(&event("call_ended", Some(9), facts))
}

fn with_transcript(bytes: u32) -> CallFacts {
    CallFacts { transcript: Some(TranscriptFact { bytes }), ..CallFacts::default() }
}

fn optional<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = Option<T>> + use<T> {
    proptest::option::of(proptest::sample::select(values.to_vec()))
}

fn optional_text(words: &[&str]) -> impl Strategy<Value = Option<String>> + use<> {
    optional(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
}

/// Facts from small sets of values, so that versions compete and tie.
fn any_facts() -> impl Strategy<Value = CallFacts> {
    let identity = (
        optional_text(&["inbound", "outbound"]),
        optional_text(&["+4915112345678", "anonymous"]),
        optional_text(&["+493083793369", "+494035791113"]),
        optional_text(&["agent_a1", "agent_b1"]),
    )
        .prop_map(|(direction, from_number, to_number, agent_id)| CallIdentity {
            direction,
            from_number,
            to_number,
            agent_id,
        });
    let course = (
        optional_text(&["registered", "ongoing", "ended", "not_connected", "error"]),
        optional(&[UnixMillis(1_000), UnixMillis(2_000)]),
        optional(&[UnixMillis(5_000), UnixMillis(6_000)]),
        optional(&[0_i64, 144_000]),
        optional_text(&["user_hangup", "dial_no_answer", "error_asr"]),
        optional_text(&["https://a.invalid/1.wav", "https://a.invalid/2.wav"]),
        optional(&[120_i64, 121]),
    );
    let analysis = (
        optional_text(&["asked for a cut", "booked a cut"]),
        optional_text(&["Positive", "Negative"]),
        optional(&[true, false]),
        optional(&[true, false]),
        optional(&[10_u32, 20, 30]),
    );
    (identity, course, analysis).prop_map(|(identity, course, analysis)| CallFacts {
        identity,
        status: course.0,
        started_at: course.1,
        ended_at: course.2,
        duration_ms: course.3,
        disconnection_reason: course.4,
        recording_url: course.5,
        cost_millicents: course.6,
        summary: analysis.0,
        sentiment: analysis.1,
        retell_successful: analysis.2,
        in_voicemail: analysis.3,
        transcript: analysis.4.map(|bytes| TranscriptFact { bytes }),
        ..CallFacts::default()
    })
}

fn any_event() -> impl Strategy<Value = CallEvent> {
    let names = [
        "call_started",
        "call_ended",
        "call_analyzed",
        "transcript_updated",
        "transfer_started",
        "transfer_ended",
        "call_from_the_future",
    ];
    let source = proptest::sample::select(EventSource::ALL.to_vec());
    (proptest::sample::select(names.to_vec()), optional(&[100_i64, 200]), any_facts(), source)
        .prop_map(|(name, at, facts, source)| CallEvent { source, ..event(name, at, facts) })
}

/// Everything that joins into a call without regard to order.
#[derive(Debug, Clone)]
enum Input {
    Event(Box<CallEvent>),
    Meet(CallIdentity),
    Settle(u8, u32, AppointmentStatus),
    Callback,
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        12 => any_event().prop_map(|e| Input::Event(Box::new(e))),
        1 => any_facts().prop_map(|f| Input::Meet(f.identity)),
        2 => (0..2_u8, 1..4_u32, proptest::sample::select(AppointmentStatus::ALL.to_vec()))
            .prop_map(|(appointment, version, status)| Input::Settle(appointment, version, status)),
        1 => Just(Input::Callback),
    ]
}

fn join(state: CallState, input: &Input) -> CallState {
    match input {
        Input::Event(event) => state.apply(event),
        Input::Meet(identity) => state.meet(identity),
        Input::Settle(number, version, status) => state.settle(
            AppointmentId(format!("apt_{number}")),
            AppointmentFact { version: *version, status: *status },
        ),
        Input::Callback => state.promise_callback(),
    }
}

fn bytes(state: &CallState) -> String {
    serde_json::to_string(state).unwrap()
}

/// The call as it comes back from its row.
fn after_a_crash(state: &CallState) -> CallState {
    let back: CallState = serde_json::from_str(&bytes(state)).unwrap();
    assert_eq!(&back, state);
    back
}

/// Inputs, an order of them with every one at least once and some again, and where crashes come.
fn shuffled_inputs() -> impl Strategy<Value = (Vec<Input>, Vec<usize>, Vec<bool>)> {
    proptest::collection::vec(any_input(), 1..10).prop_flat_map(|inputs| {
        let all: Vec<usize> = (0..inputs.len()).collect();
        let again = proptest::collection::vec(0..inputs.len(), 0..6);
        let order = again.prop_flat_map(move |again| Just([all.clone(), again].concat()).prop_shuffle());
        (Just(inputs), order, proptest::collection::vec(any::<bool>(), 16))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn any_order_any_copies_and_any_crash_give_the_same_bytes(
        (inputs, order, crashes) in shuffled_inputs(),
    ) {
        let plain = inputs.iter().fold(state(), join);
        let shuffled = order.iter().zip(crashes.iter().cycle()).fold(state(), |call, (index, crash)| {
            let call = join(call, &inputs[*index]);
            if *crash { after_a_crash(&call) } else { call }
        });
        prop_assert_eq!(bytes(&shuffled), bytes(&plain));
    }

    #[test]
    fn the_later_stage_wins_every_field_it_tells(early in any_facts(), late in any_facts()) {
        let (first, last) = (event("call_ended", Some(900), early.clone()), event("call_analyzed", None, late.clone()));
        let call = state().apply(&last).apply(&first);
        let expected = late.summary.or(early.summary);
        prop_assert_eq!(call.summary.map(|f| f.value.clone()), expected);
        let expected = late.ended_at.or(early.ended_at);
        prop_assert_eq!(call.ended_at.map(|f| f.value), expected);
        let expected = late.identity.from_number.or(early.identity.from_number);
        prop_assert_eq!(call.from_number.map(|f| f.value.clone()), expected);
    }

    #[test]
    fn the_outcome_is_ours_whatever_retell_says(events in proptest::collection::vec(any_event(), 0..8)) {
        let booked = AppointmentFact { version: 2, status: AppointmentStatus::Confirmed };
        let settled = state().settle(AppointmentId("apt_1".to_owned()), booked);
        let call = events.iter().fold(settled, |call, e| call.apply(e));
        prop_assert_eq!(call.outcome(), Some(CallOutcome::Booked));
        let call = events.iter().fold(state(), |call, e| call.apply(e));
        prop_assert_eq!(call.outcome(), None);
    }

    #[test]
    fn the_first_placing_stays(events in proptest::collection::vec(any_event(), 0..8), at in 0..8_usize) {
        let place = |n| PlacedIn { company: CompanyId(n), branch: BranchId(n) };
        let mut call = state().place(place(2));
        for (index, event) in events.iter().enumerate() {
            call = call.apply(event);
            if index == at {
                call = after_a_crash(&call).place(place(1));
            }
        }
        prop_assert_eq!(call.place(place(3)).placed, Some(place(2)));
    }
}

#[test]
fn a_booked_call_that_retell_calls_unsuccessful_is_booked() {
    let facts = CallFacts { retell_successful: Some(false), ..CallFacts::default() };
    let booked = AppointmentFact { version: 3, status: AppointmentStatus::Confirmed };
    let call = state().settle(AppointmentId("apt_1".to_owned()), booked).apply(&event(
        "call_analyzed",
        Some(9),
        facts,
    ));
    assert_eq!(call.outcome(), Some(CallOutcome::Booked));
    assert!(!call.retell_successful.unwrap().value);
}

#[test]
fn the_outcome_is_the_best_that_stands() {
    use AppointmentStatus as S;
    let outcome_of = |statuses: &[S], callback: bool| {
        let call = statuses.iter().zip(0_u8..).fold(state(), |call, (status, n)| {
            call.settle(AppointmentId(format!("apt_{n}")), AppointmentFact { version: 1, status: *status })
        });
        if callback { call.promise_callback().outcome() } else { call.outcome() }
    };
    assert_eq!(outcome_of(&[], false), None);
    assert_eq!(outcome_of(&[], true), Some(CallOutcome::CallbackRequested));
    assert_eq!(outcome_of(&[S::Refused, S::Confirmed, S::Unknown], true), Some(CallOutcome::Booked));
    for open in [S::Submitted, S::PendingConfirmation, S::Unknown] {
        assert_eq!(outcome_of(&[S::Refused, open], true), Some(CallOutcome::BookingPending));
    }
    for failed in [S::Refused, S::Conflict, S::Abandoned] {
        assert_eq!(outcome_of(&[failed], false), Some(CallOutcome::BookingFailed));
        assert_eq!(outcome_of(&[failed], true), Some(CallOutcome::CallbackRequested));
    }
    assert_eq!(outcome_of(&[S::Cancelled, S::Rescheduled], false), None);
}

#[test]
fn an_older_move_of_a_booking_does_not_undo_a_newer_one() {
    let fact = |version, status| AppointmentFact { version, status };
    let id = AppointmentId("apt_1".to_owned());
    let call = state()
        .settle(id.clone(), fact(3, AppointmentStatus::Confirmed))
        .settle(id.clone(), fact(2, AppointmentStatus::Unknown));
    assert_eq!(call.appointments.get(&id), Some(&fact(3, AppointmentStatus::Confirmed)));
}

#[test]
fn every_reason_gives_its_status_whatever_useless_status_came_with_it() {
    for (reason, expected) in REASONS {
        for status in [None, Some("registered"), Some("ongoing"), Some("a_new_status")] {
            let facts = CallFacts {
                status: status.map(str::to_owned),
                disconnection_reason: Some(reason.to_owned()),
                duration_ms: Some(61_000),
                ..CallFacts::default()
            };
            let call = ended(facts);
            assert_eq!(call.status(), expected, "{reason} with {status:?}");
            let duration = if expected == CallStatus::NotConnected { 0 } else { 61_000 };
            assert_eq!(call.duration_ms(), Some(duration), "{reason}");
        }
    }
}

#[test]
fn a_plain_status_outranks_the_reason() {
    let table = [
        ("ended", CallStatus::Ended),
        ("error", CallStatus::Error),
        ("not_connected", CallStatus::NotConnected),
    ];
    for (status, expected) in table {
        for (reason, _) in REASONS {
            let reason = Some(reason.to_owned());
            let call = ended(CallFacts { disconnection_reason: reason, ..said(status) });
            assert_eq!(call.status(), expected);
        }
        assert_eq!(ended(said(status)).status(), expected);
        let still_live = state().apply(&event("transcript_updated", Some(1), said(status)));
        assert_eq!(still_live.status(), CallStatus::Live, "{status}");
    }
    assert_eq!(ended(CallFacts::default()).status(), CallStatus::Ended);
}

#[test]
fn a_call_lives_until_it_ended_or_was_analyzed() {
    for (name, live) in [
        ("call_started", true),
        ("transcript_updated", true),
        ("transfer_ended", true),
        ("call_from_the_future", true),
        ("call_ended", false),
        ("call_analyzed", false),
        ("chat_ended", false),
        ("chat_analyzed", false),
    ] {
        let call = state().apply(&event(name, Some(1), CallFacts::default()));
        assert_eq!((call.status() == CallStatus::Live, call.is_over()), (live, !live), "{name}");
    }
    assert_eq!(state().status(), CallStatus::Live);
    assert_eq!(state().duration_ms(), None);
}

#[test]
fn the_length_is_what_retell_says_or_else_end_minus_start() {
    let times = |start, end| CallFacts {
        started_at: Some(UnixMillis(start)),
        ended_at: Some(UnixMillis(end)),
        ..said("ended")
    };
    assert_eq!(ended(times(1_000, 5_000)).duration_ms(), Some(4_000));
    assert_eq!(ended(times(5_000, 1_000)).duration_ms(), Some(0), "clocks that run backwards");
    let told = CallFacts { duration_ms: Some(144_000), ..times(1_000, 5_000) };
    assert_eq!(ended(told).duration_ms(), Some(144_000));
    assert_eq!(ended(said("ended")).duration_ms(), None);
    let silent = CallFacts { status: Some("not_connected".to_owned()), ..times(1_000, 5_000) };
    assert_eq!(ended(silent).duration_ms(), Some(0));
}

#[test]
fn of_two_versions_of_one_event_the_newer_wins_and_one_without_a_time_loses() {
    let version = |at, summary: &str| {
        event("call_analyzed", at, CallFacts { summary: Some(summary.to_owned()), ..CallFacts::default() })
    };
    let summary_of = |events: &[CallEvent]| {
        events.iter().fold(state(), |call, e| call.apply(e)).summary.unwrap().value.clone()
    };
    let (old, new, timeless) = (version(Some(1), "old"), version(Some(2), "new"), version(None, "timeless"));
    assert_eq!(summary_of(&[new.clone(), old.clone(), timeless.clone()]), "new");
    assert_eq!(summary_of(&[timeless, old]), "old");
    assert_ne!(new.dedup_key, version(Some(2), "newest").dedup_key, "each analysis has a row");
}

#[test]
fn a_transcript_in_mid_call_never_replaces_what_call_ended_brought() {
    let call = state().apply(&event("call_ended", Some(5), with_transcript(10))).apply(&event(
        "transcript_updated",
        Some(900),
        with_transcript(99),
    ));
    let transcript = call.transcript.unwrap();
    assert_eq!((transcript.stage, transcript.bytes), (Stage::Ended, 10));
    assert_eq!(transcript.dedup_key, "call_ended");
}

#[test]
fn of_two_transcripts_in_mid_call_the_newer_wins_then_the_longer() {
    let best = |events: &[(Option<i64>, u32)]| {
        let call = events.iter().fold(state(), |call, (at, bytes)| {
            call.apply(&event("transcript_updated", *at, with_transcript(*bytes)))
        });
        call.transcript.unwrap().bytes
    };
    assert_eq!(best(&[(Some(2), 10), (Some(1), 90)]), 10);
    assert_eq!(best(&[(Some(2), 10), (Some(2), 90), (Some(2), 50)]), 90);
    assert_eq!(best(&[(Some(1), 10), (None, 90)]), 10);
}

#[test]
fn a_function_call_tells_who_calls_and_any_event_outranks_it() {
    let identity = |number: &str| CallIdentity {
        to_number: Some(number.to_owned()),
        agent_id: Some("agent_a1".to_owned()),
        ..CallIdentity::default()
    };
    let met = state().meet(&identity("+490000000000"));
    assert_eq!(met.identity().agent_id.as_deref(), Some("agent_a1"));
    assert_eq!(met.status(), CallStatus::Live);
    let facts = CallFacts { identity: identity("+493083793369"), ..CallFacts::default() };
    let call = met.apply(&event("call_started", None, facts));
    assert_eq!(call.identity().to_number.as_deref(), Some("+493083793369"));
}

#[test]
fn what_we_asked_for_closes_a_call_until_its_webhook_comes() {
    let of = |source, at| CallEvent { source, ..event("call_ended", at, said("ended")) };
    let (asked, told) = (of(EventSource::Reconcile, None), of(EventSource::Webhook, Some(9)));
    let closed_by = |events: &[&CallEvent]| {
        let call = events.iter().fold(state(), |call, event| call.apply(event));
        call.closed_by.map(|field| field.value)
    };
    assert_eq!(closed_by(&[&asked]), Some(EventSource::Reconcile));
    assert_eq!(closed_by(&[&asked, &told]), Some(EventSource::Webhook));
    assert_eq!(bytes(&state().apply(&told).apply(&asked)), bytes(&state().apply(&told)));
    assert_eq!(closed_by(&[&event("call_started", Some(1), said("ongoing"))]), None);
    for source in EventSource::ALL {
        assert_eq!(EventSource::parse(source.as_str()), Some(source));
    }
    assert_eq!(EventSource::parse("rumour"), None);
}
