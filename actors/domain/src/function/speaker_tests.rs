//! Every answer in both languages: what is said, which code it has, and that the same inputs give the same bytes.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    fixture::*,
    spoken::{Age, Notice},
    told_tests::everything_told,
    *,
};
use crate::{
    booking::{AppointmentStatus, Refusal},
    ids::{AppointmentId, CallId},
    tenant::{HourRange, Language},
};

const REFUSALS: [Refusal; 10] = [
    Refusal::SlotTaken,
    Refusal::OutOfBounds,
    Refusal::DateInPast,
    Refusal::BookerLimit,
    Refusal::BookerBlocked,
    Refusal::AlreadyBooked,
    Refusal::ContactRejected,
    Refusal::ServiceMisconfigured,
    Refusal::NotAuthorized,
    Refusal::Other,
];

fn speaker(language: Language) -> Speaker {
    Speaker::new(language, TimeZone::get("Europe/Berlin").unwrap())
}

fn others() -> Vec<Alternative> {
    ["2026-11-24T14:30:00+01:00", "2026-11-25T14:00:00+01:00"]
        .map(|t| Alternative { slot: at(t), staff: None })
        .into()
}

fn free(confidence: Confidence, alternatives: &[Alternative]) -> FreeSlot<'_> {
    FreeSlot {
        slot: at("2026-11-24T14:00:00+01:00"),
        held_until: at("2026-11-23T09:05:00+01:00"),
        service: "Herrenhaarschnitt",
        staff: Some("Mia"),
        alternatives,
        confidence,
        age_s: 40,
    }
}

fn missing(alternatives: &[Alternative]) -> MissingSlot<'_> {
    MissingSlot {
        wish: WishedStart::At(at("2026-11-24T14:00:00+01:00")),
        now: now(),
        service: "Herrenhaarschnitt",
        staff: None,
        alternatives,
        confidence: Confidence::Live,
        age_s: 0,
    }
}

fn appointment(id: &AppointmentId) -> Appointment<'_> {
    Appointment {
        id,
        slot: at("2026-11-24T14:00:00+01:00"),
        staff: Some("Mia"),
        service: "Herrenhaarschnitt",
    }
}

fn an_id() -> AppointmentId {
    AppointmentId::of_order(&CallId::parse("call_c1").unwrap(), "key", 0)
}

/// Every answer that can be built.
fn everything(speaker: &Speaker) -> Vec<FunctionAnswer> {
    let (id, others) = (an_id(), others());
    let booked = appointment(&id);
    let mut answers = vec![
        speaker.available(&free(Confidence::Live, &others)),
        speaker.available(&free(Confidence::Mirror, &[])),
        speaker.available(&FreeSlot { staff: None, ..free(Confidence::Mirror, &[]) }),
        speaker.not_available(&missing(&others)),
        speaker.not_available(&missing(&[])),
        speaker.calendar_unavailable(),
        speaker.confirmed(&booked),
        speaker.confirmed(&Appointment { staff: None, ..booked }),
        speaker.pending_confirmation(&booked),
        speaker.outcome_unknown(&booked),
        speaker.already_booked(&booked, AppointmentStatus::Confirmed),
        speaker.slot_taken(&WishedStart::At(booked.slot), &others, now()),
        speaker.slot_taken(&WishedStart::At(booked.slot), &[], now()),
        speaker.contact_required(),
        speaker.name_required(),
        speaker.slot_required(),
        speaker.function_unavailable(),
        speaker.company_unknown(),
        speaker.busy(),
    ];
    answers.extend(REFUSALS.map(|refusal| speaker.refused(refusal, &booked, &others, now())));
    answers.extend(REFUSALS.map(|refusal| speaker.say(&Outcome::Refused(refusal))));
    answers.extend(objections(speaker));
    answers.extend(everything_told(speaker));
    answers
}

fn objections(speaker: &Speaker) -> Vec<FunctionAnswer> {
    let names = ["Udo", "Mia"].map(str::to_owned);
    let day = "2026-11-24".parse().unwrap();
    let hours = [HourRange { from_minute: 540, to_minute: 1080 }];
    let all = [
        Objection::ArgumentTooLong("notes", 500),
        Objection::ServiceMissing(&names),
        Objection::ServiceMissing(&[]),
        Objection::ServiceNotFound(&names),
        Objection::ServiceNotFound(&[]),
        Objection::ServiceAmbiguous(&names),
        Objection::StaffNotFound(&names),
        Objection::StaffNotFound(&[]),
        Objection::StaffAmbiguous(&names),
        Objection::StaffNotForService(&names),
        Objection::StaffNotForService(&[]),
        Objection::DateMissing,
        Objection::DateNotUnderstood(day),
        Objection::DateInPast(day),
        Objection::DateTooFar(day),
        Objection::TimeMissing(day),
        Objection::TimeDoesNotExist(day),
        Objection::ClosedOnHoliday(day),
        Objection::ClosedOnDay(day),
        Objection::OutsideHours(day, &hours),
        Objection::TooSoon(Notice { minutes: 15 }),
    ];
    all.iter().map(|objection| speaker.object(objection)).collect()
}

#[test]
fn every_answer_is_spoken_in_both_languages() {
    let (german, english) = (everything(&speaker(Language::De)), everything(&speaker(Language::En)));
    assert_eq!(german.len(), english.len());
    for (de, en) in german.iter().zip(&english) {
        assert_eq!((de.code, de.success), (en.code, en.success));
        assert_ne!(de.message, en.message, "{}", de.code);
        assert!(de.fields().eq(en.fields()), "{}", de.code);
        for message in [&de.message, &en.message] {
            assert!(message.ends_with(['.', '?']) && !message.contains(['{', '}', '\n']), "{message}");
            assert!(!message.contains("  "), "{message}");
        }
        assert!(!["Uhr", "Soll", "Termin"].iter().any(|word| en.message.contains(word)), "{}", en.message);
    }
}

#[test]
fn one_code_has_one_success() {
    let answers = everything(&speaker(Language::De));
    let good: BTreeSet<_> = answers.iter().filter(|a| a.success).map(|a| a.code).collect();
    let wanted = [
        "appointments_found",
        "available",
        "callback_requested",
        "confirmed",
        "customer_ambiguous",
        "customer_known",
        "customer_unknown",
        "no_appointments",
        "opening_hours",
        "pending_confirmation",
        "services_listed",
    ];
    assert_eq!(good, BTreeSet::from(wanted));
    assert!(answers.iter().all(|a| a.success == good.contains(a.code)));
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    for language in [Language::De, Language::En] {
        let bytes =
            || everything(&speaker(language)).iter().map(FunctionAnswer::to_bytes).collect::<Vec<_>>();
        assert_eq!(bytes(), bytes());
        assert!(bytes().iter().all(|b| b.len() < ANSWER_CHARS_MAX && b.starts_with(b"{\"success\":")));
    }
}

#[test]
fn a_free_slot_is_offered_as_people_speak() {
    let live = speaker(Language::De).available(&free(Confidence::Live, &[]));
    assert_eq!(
        live.message,
        "Am Dienstag, den 24. November um 14 Uhr ist bei Mia frei. Soll ich das eintragen?"
    );
    let wanted = json!({"success": true, "code": "available", "message": live.message, "available": true,
        "slot": "2026-11-24T14:00:00+01:00", "held_until": "2026-11-23T09:05:00+01:00",
        "service": "Herrenhaarschnitt", "staff": "Mia", "alternatives": [], "confidence": "live", "age_s": 40});
    assert_eq!(serde_json::from_slice::<Value>(&live.to_bytes()).unwrap(), wanted);
    let english = speaker(Language::En);
    let spoken = "Tuesday, November 24 at 2 pm with Mia is free. Shall I book it?";
    assert_eq!(english.available(&free(Confidence::Live, &[])).message, spoken);
    let mirror = english.available(&free(Confidence::Mirror, &[]));
    assert!(mirror.message.contains("as of 40 seconds ago"), "{}", mirror.message);
    assert_eq!(mirror.field("confidence"), Some(&json!("mirror")));
}

#[test]
fn a_taken_slot_comes_with_what_is_free_instead() {
    let taken = speaker(Language::De).not_available(&missing(&others()));
    assert_eq!((taken.code, taken.field("available")), ("slot_taken", Some(&json!(false))));
    let spoken = "Dienstag, den 24. November um 14 Uhr 30 oder Mittwoch, den 25. November um 14 Uhr";
    assert!(taken.message.contains(spoken), "{}", taken.message);
    let listed = json!([{"slot": "2026-11-24T14:30:00+01:00", "staff": null},
        {"slot": "2026-11-25T14:00:00+01:00", "staff": null}]);
    assert_eq!(taken.field("alternatives"), Some(&listed));
    let nothing = speaker(Language::De).not_available(&missing(&[]));
    assert_eq!((nothing.code, nothing.field("callback_offered")), ("nothing_free", Some(&json!(true))));
}

#[test]
fn bookings_say_their_status() {
    let (id, speaker) = (an_id(), speaker(Language::De));
    let booked = appointment(&id);
    let cases = [
        (speaker.confirmed(&booked), true, "confirmed", "confirmed"),
        (speaker.pending_confirmation(&booked), true, "pending_confirmation", "pending_confirmation"),
        (speaker.outcome_unknown(&booked), false, "outcome_unknown", "unknown"),
        (speaker.already_booked(&booked, AppointmentStatus::Confirmed), false, "already_booked", "confirmed"),
        (speaker.refused(Refusal::Other, &booked, &[], now()), false, "refused", "refused"),
    ];
    for (answer, success, code, status) in cases {
        assert_eq!((answer.success, answer.code), (success, code));
        assert_eq!(answer.field("status"), Some(&json!(status)), "{code}");
        assert_eq!(answer.field("appointment_id"), Some(&json!(id.as_str())), "{code}");
        assert_eq!(answer.field("slot"), Some(&json!("2026-11-24T14:00:00+01:00")), "{code}");
    }
}

#[test]
fn refusals_of_the_calendar_keep_their_codes() {
    let (id, speaker) = (an_id(), speaker(Language::De));
    for refusal in REFUSALS {
        let answer = speaker.refused(refusal, &appointment(&id), &others(), now());
        assert_eq!((answer.success, answer.code), (false, refusal.code()));
    }
    let taken = speaker.refused(Refusal::SlotTaken, &appointment(&id), &others(), now());
    assert_eq!(taken.field("alternatives").and_then(Value::as_array).map(Vec::len), Some(2));
    let past = speaker.refused(Refusal::DateInPast, &appointment(&id), &[], now());
    assert_eq!(past.field("today"), Some(&json!("2026-11-23")));
}

#[test]
fn long_lists_are_cut() {
    let names: Vec<String> = (0..1_000).map(|n| format!("Leistung mit Namen {n}")).collect();
    let answer = speaker(Language::De).object(&Objection::ServiceNotFound(&names));
    assert_eq!(answer.field("services").and_then(Value::as_array).map(Vec::len), Some(50));
    assert!(answer.message.len() < 500);
    let many = vec![Alternative { slot: now(), staff: Some("Mia".to_owned()) }; 1_000];
    let taken = speaker(Language::En).slot_taken(&WishedStart::At(now()), &many, now());
    assert_eq!(taken.field("alternatives").and_then(Value::as_array).map(Vec::len), Some(10));
    assert_eq!(taken.message.matches("with Mia").count(), 3);
    assert_eq!(spoken::age(Language::De, Age { seconds: 0 }), "0 Sekunden");
}
