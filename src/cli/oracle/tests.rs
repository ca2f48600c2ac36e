//! Hand-made ledgers, each with one thing wrong.

use super::*;

fn sent(call_id: &str) -> SentCall {
    let event = |event| SentEvent { event, acknowledged: true };
    SentCall {
        call_id: call_id.to_owned(),
        events: vec![event("call_started"), event("call_ended"), event("call_analyzed")],
        status: "ended",
        told: Vec::new(),
    }
}

fn stored_event(event: &str) -> StoredEvent {
    StoredEvent { event: event.to_owned(), dedup_key: format!("{event}:key") }
}

fn stored() -> StoredCall {
    StoredCall {
        status: "ended".to_owned(),
        events: ["call_started", "call_ended", "call_analyzed"].map(stored_event).to_vec(),
        appointments: Vec::new(),
    }
}

fn booked(mut call: SentCall, confirmed: bool) -> SentCall {
    call.told = vec![Told { appointment_id: "a1".to_owned(), confirmed }];
    call
}

fn appointment(status: &str, calcom_uid: Option<&str>) -> StoredAppointment {
    StoredAppointment {
        appointment_id: "a1".to_owned(),
        status: status.to_owned(),
        calcom_uid: calcom_uid.map(str::to_owned),
    }
}

fn booking(uid: &str, host_id: i64, start_min: i64) -> CalcomBooking {
    CalcomBooking {
        uid: uid.to_owned(),
        host_id,
        start_ms: start_min * 60_000,
        end_ms: (start_min + 30) * 60_000,
        stands: true,
        metadata: vec!["a1".to_owned(), "call_1".to_owned()],
    }
}

fn verdict(sent: SentCall, stored: StoredCall, calcom: &[CalcomBooking]) -> Verdict {
    let stored = HashMap::from([(sent.call_id.clone(), stored)]);
    judge(&[sent], &stored, Some(calcom))
}

fn kinds(verdict: &Verdict) -> Vec<&'static str> {
    verdict.faults.iter().map(Fault::kind).collect()
}

#[test]
fn a_service_that_kept_everything_is_sound() {
    let verdict = verdict(sent("call_1"), stored(), &[]);
    assert!(verdict.is_sound(), "{verdict:?}");
    assert_eq!((verdict.calls, verdict.events_checked), (1, 3));
    assert!(verdict.by_kind().values().all(|count| *count == 0));
}

#[test]
fn an_acknowledged_event_that_is_not_there_is_lost() {
    let mut is = stored();
    is.events.retain(|event| event.event != "call_analyzed");
    let verdict = verdict(sent("call_1"), is, &[]);
    assert_eq!(
        verdict.faults,
        [Fault::Lost { call_id: "call_1".to_owned(), event: "call_analyzed".to_owned() }]
    );
}

#[test]
fn a_call_that_nobody_knows_has_lost_all_its_events() {
    let verdict = judge(&[sent("call_1")], &HashMap::new(), None);
    assert_eq!(verdict.by_kind()["lost"], 3);
    assert_eq!(verdict.by_kind()["out_of_state"], 1);
}

#[test]
fn an_event_that_was_never_acknowledged_may_be_there_or_not() {
    let mut call = sent("call_1");
    call.events[2].acknowledged = false;
    let mut is = stored();
    assert!(verdict(call.clone(), is.clone(), &[]).is_sound());
    is.events.pop();
    assert!(verdict(call, is, &[]).is_sound());
}

#[test]
fn an_event_that_is_there_twice_is_doubled() {
    let mut is = stored();
    is.events.push(StoredEvent { event: "call_ended".to_owned(), dedup_key: "another".to_owned() });
    let verdict = verdict(sent("call_1"), is, &[]);
    assert_eq!(
        verdict.faults,
        [Fault::Doubled { call_id: "call_1".to_owned(), event: "call_ended".to_owned(), times: 2 }]
    );
}

#[test]
fn events_outside_the_ledger_are_told_apart_by_their_identity() {
    let mut is = stored();
    is.events.extend([stored_event("function_booked"), stored_event("function_booked")]);
    is.events[4].dedup_key = "another".to_owned();
    assert!(verdict(sent("call_1"), is.clone(), &[]).is_sound());
    is.events[4].dedup_key = is.events[3].dedup_key.clone();
    assert_eq!(kinds(&verdict(sent("call_1"), is, &[])), ["doubled"]);
}

#[test]
fn a_call_that_ended_and_is_still_live_is_out_of_state() {
    let mut is = stored();
    "live".clone_into(&mut is.status);
    let expected = Fault::OutOfState {
        call_id: "call_1".to_owned(),
        expected: "ended".to_owned(),
        found: "live".to_owned(),
    };
    assert_eq!(verdict(sent("call_1"), is, &[]).faults, [expected]);
}

#[test]
fn a_call_whose_end_was_never_acknowledged_may_be_live() {
    let mut call = sent("call_1");
    call.events[1].acknowledged = false;
    call.events[2].acknowledged = false;
    let mut is = stored();
    is.events.truncate(1);
    "live".clone_into(&mut is.status);
    assert!(verdict(call, is, &[]).is_sound());
}

#[test]
fn a_transfer_that_ended_does_not_end_the_call() {
    let mut call = sent("call_1");
    call.events = vec![SentEvent { event: "transfer_ended", acknowledged: true }];
    let is = StoredCall {
        status: "live".to_owned(),
        events: vec![stored_event("transfer_ended")],
        ..StoredCall::default()
    };
    assert!(verdict(call, is, &[]).is_sound());
}

#[test]
fn two_bookings_of_one_host_at_one_time_overlap() {
    let (mut one, mut two) = (booking("u1", 9001, 0), booking("u2", 9001, 15));
    one.metadata.clear();
    two.metadata.clear();
    let expected = Fault::Overlap { host_id: 9001, first: "u1".to_owned(), second: "u2".to_owned() };
    assert_eq!(verdict(sent("call_1"), stored(), &[one.clone(), two.clone()]).faults, [expected]);
    two.start_ms = one.end_ms;
    assert!(verdict(sent("call_1"), stored(), &[one.clone(), two.clone()]).is_sound());
    (two.start_ms, two.host_id) = (one.start_ms, 9002);
    assert!(verdict(sent("call_1"), stored(), &[one.clone(), two.clone()]).is_sound());
    (two.host_id, two.stands) = (9001, false);
    assert!(verdict(sent("call_1"), stored(), &[one, two]).is_sound());
}

#[test]
fn a_confirmed_booking_needs_its_row_and_its_booking() {
    let call = || booked(sent("call_1"), true);
    let mut is = stored();
    assert_eq!(kinds(&verdict(call(), is.clone(), &[])), ["unknown_appointment"]);
    is.appointments = vec![appointment("refused", None)];
    assert_eq!(kinds(&verdict(call(), is.clone(), &[])), ["unknown_appointment"]);
    is.appointments = vec![appointment("confirmed", Some("u1"))];
    assert_eq!(kinds(&verdict(call(), is.clone(), &[])), ["unknown_appointment"]);
    let mut cancelled = booking("u1", 9001, 0);
    cancelled.stands = false;
    assert_eq!(kinds(&verdict(call(), is.clone(), &[cancelled])), ["unknown_appointment"]);
    assert!(verdict(call(), is, &[booking("u1", 9001, 0)]).is_sound());
}

#[test]
fn a_confirmed_answer_without_an_id_is_an_unknown_appointment() {
    let mut call = booked(sent("call_1"), true);
    call.told[0].appointment_id.clear();
    assert_eq!(kinds(&verdict(call, stored(), &[])), ["unknown_appointment"]);
}

#[test]
fn a_pending_booking_may_come_to_any_end_but_not_vanish() {
    let call = || booked(sent("call_1"), false);
    let mut is = stored();
    assert_eq!(kinds(&verdict(call(), is.clone(), &[])), ["unknown_appointment"]);
    is.appointments = vec![appointment("conflict", None)];
    assert!(verdict(call(), is.clone(), &[]).is_sound());
    is.appointments = vec![appointment("pending_confirmation", None)];
    let open = verdict(call(), is, &[booking("u1", 9001, 0)]);
    assert!(open.is_sound());
    assert_eq!(open.appointments_open, 1);
}

#[test]
fn an_order_with_two_bookings_is_doubled() {
    let mut is = stored();
    is.appointments = vec![appointment("confirmed", Some("u1"))];
    let bookings = [booking("u1", 9001, 0), booking("u2", 9002, 0)];
    assert!(kinds(&verdict(booked(sent("call_1"), true), is, &bookings)).contains(&"doubled"));
}

#[test]
fn a_booking_that_no_appointment_knows_is_unknown() {
    let mut is = stored();
    is.appointments = vec![appointment("refused", None)];
    assert_eq!(kinds(&verdict(sent("call_1"), is, &[booking("u1", 9001, 0)])), ["unknown_appointment"]);
}
