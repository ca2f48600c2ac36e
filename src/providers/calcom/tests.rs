//! The client against a scripted server: every row of the table of refusals, lost answers, other people's
//! bookings, paging, reservations.

mod reservations;

use std::{sync::Arc, time::Duration};

use askpro_actors::ports::{
    calendar::{Calendar, CalendarError, CreateOutcome, FoundBooking, Turn},
    fakes::FreeTurnstile,
};
use askpro_domain::{
    booking::{Attendee, BookingOrder, LookResult, OrderedBy, Refusal},
    ids::{AppointmentId, BranchId, CallId, CompanyId, ServiceId},
    phone::PhoneNumber,
    policy::{Heard, RateLimits},
    secret::Secret,
    slots::HoldId,
    tenant::Language,
    time::{Interval, UnixMillis},
};
use serde_json::{Value, json};

use super::{CalcomClient, CalcomOptions, CalcomSetupError, transport::ANSWER_BYTES_MAX};
use crate::providers::test_server::{Reply, Request, TestServer};

const EVENT_TYPE: i64 = 2001;

/// What a gzip bomb looks like: 8 kB that unpack to more than may be read.
const EIGHT_MIB_OF_SPACES_PACKED: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/calcom/eight_mib_of_spaces.gz"));

fn at(text: &str) -> UnixMillis {
    UnixMillis::parse_rfc3339(text).unwrap()
}

pub(super) fn submitted_at() -> UnixMillis {
    at("2026-11-23T08:00:00Z")
}

pub(super) fn order() -> BookingOrder {
    let call_id = CallId::parse("call_c1").unwrap();
    BookingOrder {
        claimed: false,
        appointment: AppointmentId::of_order(&call_id, "book", 1),
        company: CompanyId::of_slugs(&["friseur-mitte"]),
        branch: BranchId::of_slugs(&["friseur-mitte", "mitte"]),
        call_id,
        order_key: "book".to_owned(),
        service: ServiceId::of_slugs(&["friseur-mitte", "herrenhaarschnitt"]),
        staff: None,
        event_type_id: EVENT_TYPE,
        interval: Interval::of_minutes(at("2026-11-24T13:00:00Z"), 30).unwrap(),
        hold: HoldId("hold_1".to_owned()),
        attendee: Attendee {
            name: "Anna Schmidt".to_owned(),
            phone: PhoneNumber::parse_e164("+4915112345678"),
            email: None,
        },
        by: OrderedBy::default(),
        notes: None,
        time_zone: "Europe/Berlin".to_owned(),
        language: Language::De,
    }
}

/// A booking of [`order`] as Cal.com tells it.
pub(super) fn booking() -> Value {
    json!({
        "id": 7, "uid": "uid_1", "status": "accepted", "start": "2026-11-24T13:00:00.000Z",
        "end": "2026-11-24T13:30:00.000Z", "eventTypeId": EVENT_TYPE,
        "eventType": {"id": EVENT_TYPE, "slug": "cut"},
        "hosts": [{"id": 9001, "name": "Udo"}], "createdAt": "2026-11-23T08:00:01.000Z", "updatedAt": null,
        "attendees": [{"name": "Anna Schmidt", "email": "4915112345678@sms.cal.com", "timeZone": "Europe/Berlin",
            "phoneNumber": "+4915112345678"}],
        "metadata": {"askpro_appointment": order().appointment.as_str(), "askpro_call": "call_c1"},
    })
}

fn with(mut booking: Value, changes: &[(&str, Value)]) -> Value {
    for (key, value) in changes {
        booking[*key] = value.clone();
    }
    booking
}

pub(super) fn ok(data: &Value) -> Value {
    json!({"status": "success", "data": data})
}

/// An error of the framework.
fn envelope_a(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"status": "error", "timestamp": "2026-11-23T08:00:01Z", "path": "/v2/bookings",
            "error": {"code": code, "message": message, "details": {"message": message, "statusCode": status}}}),
    )
}

/// An error of the booking engine.
fn envelope_b(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"statusCode": status, "message": message}))
}

fn client_at(url: &str, key: Option<&str>) -> CalcomClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = CalcomOptions {
        base_url: url.to_owned(),
        read_timeout: Duration::from_millis(1_500),
        write_timeout: Duration::from_millis(1_500),
        ..CalcomOptions::default()
    };
    let own = CompanyId::of_slugs(&["with-own-key"]);
    let others = key.map(Secret::new);
    let key_of = move |company| if company == own { Some(Secret::new("cal_own")) } else { others.clone() };
    CalcomClient::new(options, Arc::new(key_of)).unwrap()
}

async fn served(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (TestServer, CalcomClient) {
    let server = TestServer::start(script).await;
    let client = client_at(&server.url, Some("cal_test_platform"));
    (server, client)
}

/// A turn at a turnstile that lets everything through.
fn turn() -> Turn {
    Arc::new(FreeTurnstile::default()).turn()
}

/// What a look means for a booking.
fn seen(looked: Result<Option<FoundBooking>, CalendarError>) -> LookResult {
    match looked {
        Ok(Some(found)) => LookResult::Found(found.standing(submitted_at())),
        Ok(None) => LookResult::Absent,
        Err(_) => LookResult::NoAnswer,
    }
}

async fn created_by(reply: Reply) -> CreateOutcome {
    let (server, client) = served(move |_| reply.clone()).await;
    let outcome = client.create(&order(), submitted_at(), &turn()).await;
    assert_eq!(server.requests().len(), 1, "a POST is never sent twice by itself");
    outcome
}

async fn looked_at(pages: Vec<Value>) -> (LookResult, Vec<Request>) {
    let (server, client) = served(move |request| {
        let page: usize = request.query("cursor").map_or(0, |c| c.parse().unwrap());
        Reply::json(200, &pages[page])
    })
    .await;
    (seen(client.look(&order(), submitted_at(), &turn()).await), server.requests())
}

fn page(bookings: &[Value], next: Option<&str>) -> Value {
    json!({"status": "success", "data": bookings,
        "pagination": {"nextCursor": next, "hasMore": next.is_some()}})
}

/// [`booking`] as it was ordered, last changed then.
fn as_ordered(changed_at: Option<&str>) -> FoundBooking {
    let (uid, interval, changed_at) = ("uid_1".to_owned(), order().interval, changed_at.map(at));
    FoundBooking { uid, host: Some(9001), interval, changed_at }
}

fn confirmed_at(changed_at: Option<&str>) -> CreateOutcome {
    CreateOutcome::Confirmed(as_ordered(changed_at))
}

fn confirmed() -> CreateOutcome {
    confirmed_at(Some("2026-11-23T08:00:01Z"))
}

/// Found where it was ordered, or where it stands since.
fn found_at(interval: Interval) -> LookResult {
    let found = FoundBooking { interval, ..as_ordered(Some("2026-11-23T08:00:01Z")) };
    LookResult::Found(found.standing(submitted_at()))
}

fn found() -> LookResult {
    found_at(order().interval)
}

pub(super) fn window() -> Interval {
    Interval::new(at("2026-11-24T00:00:00Z"), at("2026-11-25T00:00:00Z")).unwrap()
}

#[tokio::test]
async fn a_booking_without_a_usable_uid_proves_nothing() {
    let long = "u".repeat(101);
    for uid in ["", "..", "a b", "uid\u{0}", "uid ", "\u{fc}", &long] {
        let odd = with(booking(), &[("uid", json!(uid))]);
        assert_eq!(created_by(Reply::json(201, &ok(&odd))).await, CreateOutcome::AnswerLost, "{uid:?}");
        let (seen, _) = looked_at(vec![page(&[odd], None)]).await;
        assert_eq!(seen, LookResult::NoAnswer, "{uid:?}");
    }
}

#[tokio::test]
async fn an_order_is_posted_with_our_metadata_and_without_an_invented_e_mail() {
    let (server, client) = served(|_| Reply::json(201, &ok(&booking()))).await;
    assert_eq!(client.create(&order(), submitted_at(), &turn()).await, confirmed());
    let request = server.request();
    assert_eq!(request.line, "POST /v2/bookings");
    assert_eq!(request.header("authorization"), Some("Bearer cal_test_platform"));
    assert_eq!(request.header("cal-api-version"), Some("2026-02-25"));
    assert!(request.header("user-agent").unwrap().starts_with("askpro/"));
    let wanted = json!({
        "start": "2026-11-24T13:00:00Z", "eventTypeId": EVENT_TYPE,
        "attendee": {"name": "Anna Schmidt", "timeZone": "Europe/Berlin", "language": "de",
            "phoneNumber": "+4915112345678"},
        "metadata": {"askpro_appointment": order().appointment.as_str(), "askpro_call": "call_c1",
            "askpro_company": order().company.to_string()},
    });
    assert_eq!(request.json(), wanted);
}

#[tokio::test]
async fn notes_and_an_e_mail_go_along_when_there_are_some() {
    let (server, client) = served(|_| Reply::json(201, &ok(&booking()))).await;
    let mut order = order();
    order.notes = Some("short at the sides".to_owned());
    order.attendee.email = Some("anna@example.com".to_owned());
    order.language = Language::En;
    client.create(&order, submitted_at(), &turn()).await;
    let body = server.request().json();
    assert_eq!(body["bookingFieldsResponses"], json!({"notes": "short at the sides"}));
    assert_eq!(body["attendee"]["email"], json!("anna@example.com"));
    assert_eq!(body["attendee"]["language"], json!("en"));
}

#[tokio::test]
async fn an_order_without_contact_or_key_is_not_sent() {
    let (server, client) = served(|_| Reply::Drop).await;
    let mut silent = order();
    silent.attendee.phone = None;
    silent.attendee.email = Some(" ".to_owned());
    let outcome = client.create(&silent, submitted_at(), &turn()).await;
    assert_eq!(outcome, CreateOutcome::Refused(Refusal::ContactRejected));
    let client = client_at(&server.url, None);
    let outcome = client.create(&order(), submitted_at(), &turn()).await;
    assert_eq!(outcome, CreateOutcome::Refused(Refusal::NotAuthorized));
    assert_eq!(seen(client.look(&order(), submitted_at(), &turn()).await), LookResult::NoAnswer);
    assert_eq!(client.slots(order().company, 1, window(), &turn()).await, Err(CalendarError::NoKey));
    assert_eq!(client.cancel(order().company, "u", "r", &turn()).await, Err(CalendarError::NoKey));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_company_books_with_its_own_key() {
    let (server, client) = served(|_| Reply::json(200, &json!({"status": "success", "data": {}}))).await;
    client.slots(CompanyId::of_slugs(&["with-own-key"]), 1, window(), &turn()).await.unwrap();
    assert_eq!(server.request().header("authorization"), Some("Bearer cal_own"));
}

#[tokio::test]
async fn every_refusal_has_its_meaning() {
    let bad = "BadRequestException";
    let busy = "User either already has booking at this time or is not available";
    let team = "One of the hosts either already has booking at this time or is not available";
    let bounds = "The event type can't be booked at the \"start\" time provided. This could be because it's too soon (violating the minimum booking notice) or too far in the future.";
    let limit =
        "Attendee with this email can't book because the maximum number of active bookings has been reached.";
    let phone = "Invalid phone number format. Please use international format.";
    let email = "expected ZodError, {email}email_validation_error";
    let managed = "Event type with id=1 is the parent managed event type that can't be booked.";
    let cases = [
        (envelope_a(400, bad, busy), Refusal::SlotTaken),
        (envelope_a(400, bad, team), Refusal::SlotTaken),
        (
            envelope_a(409, "ConflictException", "No more seats left at this seated booking."),
            Refusal::SlotTaken,
        ),
        (envelope_b(409, "already_signed_up_for_this_booking_error"), Refusal::AlreadyBooked),
        (envelope_b(500, "round_robin_host_unavailable_for_booking"), Refusal::SlotTaken),
        (envelope_b(500, "fixed_hosts_unavailable_for_booking"), Refusal::SlotTaken),
        (envelope_a(400, bad, bounds), Refusal::OutOfBounds),
        (envelope_a(400, bad, "Attempting to book a meeting in the past."), Refusal::DateInPast),
        (envelope_a(400, bad, limit), Refusal::BookerLimit),
        (envelope_b(403, "Cannot use this email to create the booking."), Refusal::BookerBlocked),
        (envelope_a(403, "ForbiddenException", "not allowed"), Refusal::NotAuthorized),
        (envelope_a(400, bad, phone), Refusal::ContactRejected),
        (envelope_a(400, "BAD_REQUEST", email), Refusal::ContactRejected),
        (envelope_b(400, "email_verification_required"), Refusal::ServiceMisconfigured),
        (envelope_a(400, bad, managed), Refusal::ServiceMisconfigured),
        (envelope_a(400, bad, "Missing required booking field: reason"), Refusal::ServiceMisconfigured),
        (envelope_a(404, "NotFoundException", "Event type not found"), Refusal::ServiceMisconfigured),
        (envelope_a(422, "UnprocessableEntityException", "no hosts"), Refusal::ServiceMisconfigured),
        (envelope_a(401, "UnauthorizedException", "Invalid API Key"), Refusal::NotAuthorized),
        (envelope_a(498, "TokenExpired", "expired"), Refusal::NotAuthorized),
        (envelope_a(400, bad, "something new"), Refusal::Other),
    ];
    for (reply, refusal) in cases {
        let what = format!("{reply:?}");
        assert_eq!(created_by(reply).await, CreateOutcome::Refused(refusal), "{what}");
    }
    let raced = envelope_b(409, "booking_conflict_error");
    assert_eq!(created_by(raced).await, CreateOutcome::HostRaced);
}

#[tokio::test]
async fn what_proves_nothing_is_lost_and_never_refused() {
    let cases = [
        envelope_b(500, "Internal server error"),
        Reply::Answer(502, Vec::new(), b"<html>bad gateway</html>".to_vec()),
        Reply::Answer(503, Vec::new(), Vec::new()),
        Reply::Answer(400, Vec::new(), b"<html>blocked</html>".to_vec()),
        Reply::Answer(408, Vec::new(), Vec::new()),
        Reply::Answer(302, vec!["location: /elsewhere".to_owned()], Vec::new()),
        Reply::Answer(201, Vec::new(), b"{\"status\":\"success\"".to_vec()),
        Reply::json(201, &json!({"status": "success", "data": {}})),
        Reply::json(201, &json!({"status": "success", "data": []})),
        Reply::Answer(201, Vec::new(), vec![b' '; ANSWER_BYTES_MAX + 1]),
        Reply::Half(201),
        Reply::Half(400),
        Reply::Drop,
        Reply::Hang,
        Reply::Drip(201),
        Reply::Flood(201),
        Reply::Answer(201, vec!["content-encoding: gzip".to_owned()], EIGHT_MIB_OF_SPACES_PACKED.to_vec()),
    ];
    for reply in cases {
        let what = format!("{reply:?}").chars().take(80).collect::<String>();
        assert_eq!(created_by(reply).await, CreateOutcome::AnswerLost, "{what}");
    }
}

#[tokio::test]
async fn a_limit_and_a_dead_host_mean_not_sent() {
    let limited = envelope_a(429, "ThrottlerException", "CustomThrottlerGuard - Too many requests.");
    assert_eq!(created_by(limited).await, CreateOutcome::Limited { retry_after_ms: 60_000 });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client_at(&url, Some("cal_x"));
    assert_eq!(client.create(&order(), submitted_at(), &turn()).await, CreateOutcome::NotSent);
    assert_eq!(seen(client.look(&order(), submitted_at(), &turn()).await), LookResult::NoAnswer);
    let slots = client.slots(order().company, 1, window(), &turn()).await;
    assert_eq!(slots, Err(CalendarError::Unavailable("slots could not be sent".to_owned())));
}

#[tokio::test]
async fn a_created_booking_is_believed_only_when_it_is_ours() {
    let other = json!({"askpro_appointment": "apt_of_another_call"});
    let stranger = json!([{"email": "x@example.com", "phoneNumber": "+4915187654321"}]);
    let by_digits = json!([{"email": "4915112345678@sms.cal.com"}]);
    let old = json!("2026-11-23T07:54:59.000Z");
    let already = CreateOutcome::Refused(Refusal::AlreadyBooked);
    let lost = CreateOutcome::AnswerLost;
    let cases = [
        (vec![("createdAt", json!("2026-11-23T07:55:00.000Z"))], confirmed_at(Some("2026-11-23T07:55:00Z"))),
        (vec![("createdAt", json!(null))], confirmed_at(None)),
        (vec![("createdAt", old.clone())], confirmed_at(Some("2026-11-23T07:54:59Z"))),
        (vec![("updatedAt", json!("2026-11-23T08:00:09Z"))], confirmed_at(Some("2026-11-23T08:00:09Z"))),
        (vec![("start", json!("2026-11-24T13:30:00.000Z"))], lost.clone()),
        (vec![("status", json!("cancelled"))], lost.clone()),
        (vec![("status", json!("pending"))], confirmed()),
        (vec![("metadata", json!({}))], confirmed()),
        (vec![("metadata", json!(null)), ("attendees", by_digits)], confirmed()),
        (vec![("metadata", json!({})), ("createdAt", old.clone())], already.clone()),
        (vec![("metadata", json!({})), ("createdAt", json!(null))], already.clone()),
        (vec![("metadata", json!({})), ("attendees", stranger.clone())], lost.clone()),
        (vec![("metadata", json!({})), ("eventType", json!({"id": 1}))], lost.clone()),
        (vec![("metadata", json!({})), ("start", json!("2026-11-24T13:30:00Z"))], lost.clone()),
        (vec![("metadata", other.clone())], already.clone()),
        (vec![("metadata", other.clone()), ("createdAt", old)], already),
        (vec![("metadata", other), ("attendees", stranger)], lost),
    ];
    for (changes, outcome) in cases {
        let body = ok(&with(booking(), &changes));
        assert_eq!(created_by(Reply::json(201, &body)).await, outcome, "{changes:?}");
    }
}

#[tokio::test]
async fn of_a_recurring_booking_the_occurrence_that_was_ordered_counts() {
    let later = with(booking(), &[("start", json!("2026-12-01T13:00:00Z")), ("uid", json!("uid_2"))]);
    assert_eq!(created_by(Reply::json(201, &ok(&json!([later, booking()])))).await, confirmed());
}

#[tokio::test]
async fn a_look_asks_around_the_start_and_finds_our_metadata() {
    let (result, requests) = looked_at(vec![page(&[booking()], None)]).await;
    assert_eq!(result, found());
    let request = &requests[0];
    assert!(request.line.starts_with("GET /v2/bookings?"));
    assert_eq!(request.header("cal-api-version"), Some("2026-05-01"));
    assert_eq!(request.query("eventTypeIds").as_deref(), Some("2001"));
    assert_eq!(request.query("afterStart").as_deref(), Some("2026-11-24T12:00:00Z"));
    assert_eq!(request.query("beforeEnd").as_deref(), Some("2026-11-24T14:30:00Z"));
    assert_eq!(request.query("limit").as_deref(), Some("100"));
}

#[tokio::test]
async fn a_look_reads_every_page_before_it_says_absent() {
    let other = with(booking(), &[("metadata", json!({"askpro_appointment": "apt_x"}))]);
    let pages =
        vec![page(std::slice::from_ref(&other), Some("1")), page(&[], Some("2")), page(&[booking()], None)];
    let (result, requests) = looked_at(pages).await;
    assert_eq!((result, requests.len()), (found(), 3));
    let (result, requests) = looked_at(vec![page(&[other], Some("1")), page(&[], None)]).await;
    assert_eq!((result, requests.len()), (LookResult::Absent, 2));
}

#[tokio::test]
async fn a_cancelled_or_foreign_booking_is_absent_and_one_with_empty_metadata_is_found_by_the_rest() {
    let moved = |minutes| Interval::of_minutes(at("2026-11-24T13:15:00Z"), minutes).unwrap();
    let cases = [
        (vec![("status", json!("cancelled"))], LookResult::Absent),
        (vec![("status", json!("rejected"))], LookResult::Absent),
        (vec![("status", json!("pending"))], found()),
        (vec![("start", json!("2026-11-24T13:15:00Z"))], found_at(moved(15))),
        (vec![("start", json!("2026-11-24T13:15:00Z")), ("end", json!(null))], found_at(moved(30))),
        (vec![("metadata", json!({}))], found()),
        (vec![("metadata", json!({})), ("createdAt", json!("2026-11-20T08:00:00Z"))], LookResult::Absent),
        (vec![("metadata", json!({})), ("attendees", json!([]))], LookResult::Absent),
    ];
    for (changes, wanted) in cases {
        let (result, _) = looked_at(vec![page(&[with(booking(), &changes)], None)]).await;
        assert_eq!(result, wanted, "{changes:?}");
    }
}

#[tokio::test]
async fn only_a_complete_answer_says_absent() {
    let endless = page(&[], Some("0"));
    let (result, requests) = looked_at(vec![endless]).await;
    assert_eq!((result, requests.len()), (LookResult::NoAnswer, 2));
    let (result, requests) = looked_at((1..=30).map(|n| page(&[], Some(&n.to_string()))).collect()).await;
    assert_eq!((result, requests.len()), (LookResult::NoAnswer, 10));
    for body in [
        json!({"status": "success", "data": []}),
        json!({"status": "success", "data": [], "pagination": {"hasMore": true, "nextCursor": null}}),
        json!({"status": "success", "data": [{"no": "uid"}], "pagination": {"hasMore": false}}),
        json!([]),
    ] {
        let (result, _) = looked_at(vec![body.clone()]).await;
        assert_eq!(result, LookResult::NoAnswer, "{body}");
    }
    for reply in [Reply::Drop, Reply::Hang, Reply::Half(200), envelope_b(500, "x"), envelope_a(401, "X", "x")]
    {
        let (_server, client) = served(move |_| reply.clone()).await;
        assert_eq!(seen(client.look(&order(), submitted_at(), &turn()).await), LookResult::NoAnswer);
    }
}

#[tokio::test]
async fn slots_outside_the_window_or_without_seats_are_dropped() {
    let days = json!({
        "2026-11-24": [{"start": "2026-11-24T09:00:00.000+01:00"}, {"start": "2026-11-24T14:00:00.000Z", "seatsRemaining": 2},
            {"start": "2026-11-24T15:00:00.000Z", "seatsRemaining": 0}],
        "2026-11-25": [{"start": "2026-11-25T00:00:00.000Z"}, {"start": "2026-11-25T09:00:00.000Z"}],
    });
    let (server, client) = served(move |_| Reply::json(200, &ok(&days))).await;
    let offered = client.slots(order().company, EVENT_TYPE, window(), &turn()).await.unwrap();
    let starts = [at("2026-11-24T08:00:00Z"), at("2026-11-24T14:00:00Z")];
    assert_eq!(offered.starts.into_iter().collect::<Vec<_>>(), starts);
    let request = server.request();
    assert_eq!(request.header("cal-api-version"), Some("2024-09-04"));
    assert_eq!(request.query("eventTypeId").as_deref(), Some("2001"));
    assert_eq!(request.query("start").as_deref(), Some("2026-11-24T00:00:00Z"));
    assert_eq!(request.query("end").as_deref(), Some("2026-11-24T23:59:59Z"));
    assert_eq!(request.query("timeZone").as_deref(), Some("UTC"));
}

#[tokio::test]
async fn a_question_about_slots_fails_by_kind() {
    let ask = async |reply: Reply| {
        let (_server, client) = served(move |_| reply.clone()).await;
        client.slots(order().company, EVENT_TYPE, window(), &turn()).await.unwrap_err()
    };
    let reset = vec!["X-RateLimit-Reset-Default: 42".to_owned()];
    assert_eq!(
        ask(Reply::Answer(429, reset, b"{}".to_vec())).await,
        CalendarError::Limited { retry_after_ms: 42_000 }
    );
    let gone = envelope_a(404, "NotFoundException", "Anna Schmidt");
    assert_eq!(ask(gone).await, CalendarError::Refused("slots answered 404 NotFoundException".to_owned()));
    let odd = envelope_a(400, "Anna <anna@example.com>", "x");
    assert_eq!(ask(odd).await, CalendarError::Refused("slots answered 400".to_owned()));
    for reply in [
        envelope_b(500, "x"),
        Reply::Drop,
        Reply::Hang,
        Reply::Half(200),
        Reply::Answer(200, Vec::new(), b"<html>".to_vec()),
        Reply::json(200, &ok(&json!({"2026-11-24": [{"start": "soon"}]}))),
    ] {
        assert!(matches!(ask(reply).await, CalendarError::Unavailable(_)));
    }
    let long = Interval::new(at("2026-11-01T00:00:00Z"), at("2026-12-03T00:00:00Z")).unwrap();
    let (server, client) = served(|_| Reply::Drop).await;
    assert!(matches!(client.slots(order().company, 1, long, &turn()).await, Err(CalendarError::Refused(_))));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_booking_is_cancelled_with_a_reason() {
    let (server, client) = served(|_| Reply::json(200, &ok(&booking()))).await;
    client.cancel(order().company, "uid/1", " ", &turn()).await.unwrap();
    assert!(client.cancel(order().company, "..", " ", &turn()).await.is_err(), "nothing is sent of it");
    let request = server.request();
    assert_eq!(request.line, "POST /v2/bookings/uid%2F1/cancel");
    assert_eq!(request.header("cal-api-version"), Some("2026-02-25"));
    assert_eq!(request.json(), json!({"cancellationReason": "Cancelled by telephone"}));
}

#[tokio::test]
async fn a_booking_that_is_cancelled_already_counts_as_done_and_one_that_stands_does_not() {
    let cancel = async |status: &'static str| {
        let (server, client) = served(move |request| {
            if request.line.starts_with("GET /v2/bookings/uid_1") {
                return Reply::json(200, &ok(&with(booking(), &[("status", json!(status))])));
            }
            envelope_a(
                400,
                "BadRequestException",
                "Can't cancel booking with uid=uid_1 because it has been cancelled already.",
            )
        })
        .await;
        let result = client.cancel(order().company, "uid_1", "moved", &turn()).await;
        (result, server.requests().len())
    };
    assert_eq!(cancel("cancelled").await, (Ok(()), 2));
    let refused = CalendarError::Refused("cancel answered 400 BadRequestException".to_owned());
    assert_eq!(cancel("accepted").await, (Err(refused), 2));
}

#[tokio::test]
async fn a_cancellation_fails_by_kind() {
    let cancel = async |reply: Reply| {
        let (_server, client) = served(move |_| reply.clone()).await;
        client.cancel(order().company, "uid_1", "moved", &turn()).await.unwrap_err()
    };
    assert!(matches!(cancel(envelope_a(404, "NotFoundException", "x")).await, CalendarError::Refused(_)));
    assert!(matches!(cancel(envelope_b(500, "x")).await, CalendarError::Unavailable(_)));
    assert!(matches!(cancel(Reply::Drop).await, CalendarError::Unavailable(_)));
    assert!(matches!(cancel(envelope_a(429, "x", "x")).await, CalendarError::Limited { .. }));
}

#[test]
fn an_address_that_is_none_is_refused_and_keys_do_not_print() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for bad in ["", "api.cal.com", "ftp://x", "mailto:a@example.com"] {
        let options = CalcomOptions { base_url: bad.to_owned(), ..CalcomOptions::default() };
        let refused = CalcomClient::new(options, Arc::new(|_| None));
        assert!(matches!(refused, Err(CalcomSetupError::BaseUrl(_))), "{bad}");
    }
    assert!(!format!("{:?}", client_at("http://localhost/", Some("cal_geheim"))).contains("geheim"));
}

#[tokio::test]
async fn every_single_request_passes_the_turnstile_and_tells_it_what_the_answer_told() {
    let pages = [page(&[], Some("1")), page(&[booking()], None)];
    let (_server, client) = served(move |request| {
        let number: usize = request.query("cursor").map_or(0, |c| c.parse().unwrap());
        let remaining = 100 - number;
        let headers = ["Limit-Default: 120", &format!("Remaining-Default: {remaining}"), "Reset-Default: 20"]
            .map(|header| format!("X-RateLimit-{header}"));
        Reply::Answer(200, headers.to_vec(), pages[number].to_string().into_bytes())
    })
    .await;
    let turnstile = Arc::new(FreeTurnstile::default());
    assert_eq!(seen(client.look(&order(), submitted_at(), &turnstile.turn()).await), found());
    let told = |remaining| Heard::Limits(RateLimits { limit: 120, remaining, reset_ms: 20_000 });
    assert_eq!(turnstile.heard(), [told(100), told(99)]);
}

#[tokio::test]
async fn what_does_not_pass_the_turnstile_is_not_sent() {
    let (server, client) = served(|_| Reply::Drop).await;
    let turnstile = Arc::new(FreeTurnstile::default());
    turnstile.limit(7_000);
    let (order, turn) = (order(), turnstile.turn());
    let limited = CalendarError::Limited { retry_after_ms: 7_000 };
    let outcome = client.create(&order, submitted_at(), &turn).await;
    assert_eq!(outcome, CreateOutcome::Limited { retry_after_ms: 7_000 });
    assert_eq!(client.look(&order, submitted_at(), &turn).await, Err(limited.clone()));
    assert_eq!(client.slots(order.company, 1, window(), &turn).await, Err(limited.clone()));
    assert_eq!(client.cancel(order.company, "u", "r", &turn).await, Err(limited));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_request_without_an_answer_is_told_as_such_and_a_429_blocks() {
    for (reply, heard) in [
        (Reply::Drop, Heard::Nothing),
        (Reply::Hang, Heard::Nothing),
        (envelope_a(429, "ThrottlerException", "x"), Heard::Blocked { retry_after_ms: 60_000 }),
    ] {
        let (_server, client) = served(move |_| reply.clone()).await;
        let turnstile = Arc::new(FreeTurnstile::default());
        assert!(client.slots(order().company, 1, window(), &turnstile.turn()).await.is_err());
        assert_eq!(turnstile.heard(), [heard]);
    }
}
