//! Reservations: what is sent, and what is believed of the answers.

use askpro_actors::ports::calendar::{Reservation, ReserveOutcome, ReserveWish};

use super::*;

fn wish() -> ReserveWish {
    let order = order();
    ReserveWish {
        company: order.company,
        event_type_id: EVENT_TYPE,
        start: order.interval.start(),
        minutes: 5,
    }
}

/// As Cal.com tells it.
fn reservation() -> Value {
    json!({
        "eventTypeId": EVENT_TYPE, "slotStart": "2026-11-24T13:00:00.000Z", "slotEnd": "2026-11-24T13:30:00.000Z",
        "slotDuration": 30, "reservationUid": "7e7a3c5e-0000-4000-8000-000000000001", "reservationDuration": 5,
        "reservationUntil": "2026-11-23T08:05:00.000Z",
    })
}

async fn reserved_by(reply: Reply) -> ReserveOutcome {
    let (server, client) = served(move |_| reply.clone()).await;
    let outcome = client.reserve(&wish(), &turn()).await;
    assert_eq!(server.requests().len(), 1, "a POST is never sent twice by itself");
    outcome
}

#[tokio::test]
async fn a_slot_is_reserved_for_so_many_minutes_and_taken_away_by_its_uid() {
    let (server, client) = served(|request| {
        let is_new = request.line.starts_with("POST ");
        let taken_away = json!({"status": "success"});
        if is_new { Reply::json(201, &ok(&reservation())) } else { Reply::json(200, &taken_away) }
    })
    .await;
    let outcome = client.reserve(&wish(), &turn()).await;
    let uid = "7e7a3c5e-0000-4000-8000-000000000001".to_owned();
    let until = at("2026-11-23T08:05:00Z");
    assert_eq!(outcome, ReserveOutcome::Reserved(Reservation { uid: uid.clone(), until }));
    client.unreserve(order().company, &uid, &turn()).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].line, "POST /v2/slots/reservations");
    assert_eq!(
        requests[0].json(),
        json!({"eventTypeId": EVENT_TYPE, "slotStart": "2026-11-24T13:00:00Z", "reservationDuration": 5})
    );
    assert_eq!(requests[1].line, format!("DELETE /v2/slots/reservations/{uid}"));
    for request in requests {
        assert_eq!(request.header("cal-api-version"), Some("2024-09-04"));
        assert_eq!(request.header("authorization"), Some("Bearer cal_test_platform"));
    }
}

#[tokio::test]
async fn a_reservation_without_a_usable_uid_is_none() {
    for uid in ["", "..", "a b", "\u{fc}"] {
        let odd = with(reservation(), &[("reservationUid", json!(uid))]);
        assert_eq!(reserved_by(Reply::json(201, &ok(&odd))).await, ReserveOutcome::AnswerLost, "{uid:?}");
    }
}

#[tokio::test]
async fn whoever_has_the_slot_is_told_from_other_refusals() {
    let full = "Booking with id=7 at 2026-11-24T13:00:00.000Z has no more seats left.";
    for message in [
        "Can't reserve a slot if the event is already booked.",
        "This time slot is already reserved by another user. Please choose a different time.",
        full,
    ] {
        let reply = envelope_a(422, "UnprocessableEntityException", message);
        assert_eq!(reserved_by(reply).await, ReserveOutcome::Taken, "{message}");
    }
    let duration = "reservationDuration can only be used for authenticated requests - use access token, api key or OAuth credentials";
    for (status, code, message) in [
        (401, "UnauthorizedException", duration),
        (403, "ForbiddenException", "not the owner"),
        (404, "NotFoundException", "Event Type with ID=2001 not found"),
        (400, "BadRequestException", "slotDuration can't be used"),
    ] {
        let refused = ReserveOutcome::Refused(format!(
            "the calendar refused the question: reserve answered {status} {code}"
        ));
        assert_eq!(reserved_by(envelope_a(status, code, message)).await, refused);
    }
    assert_eq!(reserved_by(envelope_a(429, "ThrottlerException", "x")).await, ReserveOutcome::Limited);
}

#[tokio::test]
async fn what_proves_no_reservation_is_lost() {
    let other_slot = with(reservation(), &[("slotStart", json!("2026-11-24T13:30:00Z"))]);
    let other_type = with(reservation(), &[("eventTypeId", json!(1))]);
    let endless = with(reservation(), &[("reservationUntil", json!("soon"))]);
    for reply in [
        Reply::json(201, &ok(&other_slot)),
        Reply::json(201, &ok(&other_type)),
        Reply::json(201, &ok(&endless)),
        Reply::json(201, &ok(&json!(null))),
        envelope_b(500, "Internal server error"),
        Reply::Answer(408, Vec::new(), Vec::new()),
        Reply::Half(201),
        Reply::Drop,
        Reply::Hang,
    ] {
        let what = format!("{reply:?}");
        assert_eq!(reserved_by(reply).await, ReserveOutcome::AnswerLost, "{what}");
    }
}

#[tokio::test]
async fn what_is_not_sent_is_told_as_such() {
    let (server, client) = served(|_| Reply::Drop).await;
    let turnstile = Arc::new(FreeTurnstile::default());
    turnstile.limit(7_000);
    assert_eq!(client.reserve(&wish(), &turnstile.turn()).await, ReserveOutcome::Limited);
    let removed = client.unreserve(order().company, "u", &turnstile.turn()).await;
    assert_eq!(removed, Err(CalendarError::Limited { retry_after_ms: 7_000 }));
    let keyless = client_at(&server.url, None);
    assert_eq!(keyless.reserve(&wish(), &turn()).await, ReserveOutcome::NotSent);
    assert_eq!(keyless.unreserve(order().company, "u", &turn()).await, Err(CalendarError::NoKey));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_removal_fails_by_kind() {
    let remove = async |reply: Reply| {
        let (_server, client) = served(move |_| reply.clone()).await;
        client.unreserve(order().company, "u", &turn()).await.unwrap_err()
    };
    assert!(matches!(remove(envelope_b(500, "x")).await, CalendarError::Unavailable(_)));
    assert!(matches!(remove(Reply::Drop).await, CalendarError::Unavailable(_)));
    assert!(matches!(remove(envelope_a(401, "x", "x")).await, CalendarError::Refused(_)));
    assert!(matches!(remove(envelope_a(429, "x", "x")).await, CalendarError::Limited { .. }));
}
