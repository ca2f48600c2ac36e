//! Answers of any bytes: what is offered lies in its window, what is believed is proved to be ours, and no error
//! repeats what Cal.com said.

use askpro_actors::ports::calendar::{
    CalendarError, CreateOutcome, FoundBooking, ReserveOutcome, ReserveWish,
};
use askpro_domain::time::{Interval, UnixMillis};
use askpro_fuzz::{Target, fuzz};
use serde_json::{Value, json};

use super::{
    map,
    plain::UID_CHARS_MAX,
    tests::{booking, ok, order, submitted_at, window},
    transport::{Answer, Operation},
    wire::{OneOrMany, SlotDays},
};

/// Statuses by the first byte of an input.
const STATUSES: [u16; 12] = [200, 201, 204, 400, 401, 403, 404, 409, 422, 429, 500, 599];

const TARGET: Target = Target {
    name: "calcom_answer",
    inputs: 6_000,
    bytes_max: 8_000,
    words: &[
        "\"status\":\"success\"",
        "\"data\":",
        "\"2026-11-24\":[",
        "\"start\":\"2026-11-24T13:00:00.000Z\"",
        "\"seatsRemaining\":",
        "\"uid\":\"uid_1\"",
        "\"uid\":\"\"",
        "\"status\":\"accepted\"",
        "\"eventTypeId\":2001",
        "\"hosts\":[{\"id\":",
        "\"metadata\":{\"askpro_appointment\":",
        "\"attendees\":[",
        "\"phoneNumber\":\"+4915112345678\"",
        "\"createdAt\":",
        "\"error\":{\"code\":\"",
        "\"message\":\"",
        "already has booking",
        "no_available_users_found",
        "\"statusCode\":400",
        "\"reservationUid\":",
        "\"reservationUntil\":",
        "\"slotStart\":",
        "\"pagination\":{\"hasMore\":",
    ],
    seeds: || {
        let slots = json!({"2026-11-24": [{"start": "2026-11-24T13:00:00.000Z"},
            {"start": "2026-11-24T14:00:00.000+01:00", "seatsRemaining": 2}]});
        let reserved = json!({"eventTypeId": 2001, "slotStart": "2026-11-24T13:00:00.000Z",
            "reservationUid": "r1", "reservationUntil": "2026-11-24T12:05:00.000Z"});
        let listed = json!({"status": "success", "data": [booking()], "pagination": {"nextCursor": "x", "hasMore": true}});
        let framework = json!({"status": "error", "error": {"code": "BadRequestException",
            "message": "User either already has booking at this time or is not available", "details": {}}});
        let engine = json!({"statusCode": 400, "message": "no_available_users_found_error"});
        let bodies =
            [ok(&slots), ok(&booking()), ok(&json!([booking()])), ok(&reserved), listed, framework, engine];
        let coded =
            |body: &Value| (0..2_u8).map(|at| [&[at * 3], body.to_string().as_bytes()].concat()).collect();
        bodies.iter().flat_map(|body| -> Vec<Vec<u8>> { coded(body) }).collect()
    },
};

fn wish() -> ReserveWish {
    let order = order();
    ReserveWish {
        company: order.company,
        event_type_id: order.event_type_id,
        start: order.interval.start(),
        minutes: 5,
    }
}

fn answers_prove_what_is_believed(input: &[u8]) {
    let (first, body) = input.split_first().unwrap_or((&0, &[]));
    let status = STATUSES[usize::from(*first) % STATUSES.len()];
    let answer = || Answer { status, retry_after_ms: 1_000, body: Some(body.to_vec()) };
    offered_lies_in_its_window(&answer(), window());
    created_is_ours(&answer(), body);
    if let ReserveOutcome::Refused(text) = map::reserved(Ok(answer()), &wish()) {
        tells_nothing(&text, status);
    }
    for operation in [Operation::Slots, Operation::Create, Operation::Look, Operation::Cancel, Operation::Get]
    {
        match map::question_failed(operation, &answer()) {
            CalendarError::Refused(text) | CalendarError::Unavailable(text) => tells_nothing(&text, status),
            _ => {}
        }
    }
}

fn offered_lies_in_its_window(answer: &Answer, window: Interval) {
    let Some(slots) = map::success::<SlotDays>(answer) else { return };
    match map::starts_in(&slots.data, window) {
        Ok(starts) => assert!(starts.iter().all(|start| window.start() <= *start && *start < window.end())),
        Err(error) => tells_nothing(&error.to_string(), answer.status),
    }
}

/// Only a success with a booking of this start, and one of our marks, confirms.
fn created_is_ours(answer: &Answer, body: &[u8]) {
    let CreateOutcome::Confirmed(FoundBooking { uid, .. }) =
        map::created(Ok(Answer { body: Some(body.to_vec()), ..*answer }), &order(), submitted_at())
    else {
        return;
    };
    assert!(answer.is_success(), "{}", answer.status);
    assert!(!uid.is_empty() && uid.chars().count() <= UID_CHARS_MAX, "a uid that no row can hold: {uid:?}");
    assert!(!uid.chars().any(char::is_control), "{uid:?}");
    let believed = map::success::<OneOrMany>(answer).unwrap().data.into_vec();
    let believed = believed.iter().filter(|booking| booking.uid == uid);
    let is_ours = |start: Option<UnixMillis>| start == Some(order().interval.start());
    assert!(believed.into_iter().any(|booking| is_ours(booking.starts_at())), "a booking of another time");
}

/// What is said of an answer is what would be said without its body, and at most the class of an error.
fn tells_nothing(text: &str, status: u16) {
    let said = ["slots", "book", "find", "cancel", "reserve"].iter().find_map(|operation| {
        let plain = [
            format!("{operation} answered {status}"),
            format!("{operation} got an answer that cannot be read"),
        ];
        plain.iter().find_map(|plain| text.split_once(plain.as_str())).map(|(_, class)| class.to_owned())
    });
    let class = said.unwrap_or_else(|| panic!("an error of another form: {text}"));
    let is_class = class.trim().bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    assert!(is_class && class.len() <= 50, "{text}");
}

#[test]
fn whatever_cal_com_answers_only_what_is_proved_is_believed() {
    fuzz(&TARGET, answers_prove_what_is_believed);
}
