//! `POST /v2/bookings`: looks, waits a moment, then inserts without looking again.

use super::super::api::{Call, Success};
use super::super::refusal::Refusal;
use super::super::state::{Attendee, Booking, BookingStatus, Origin, State};
use super::super::webhooks::{self, Trigger};
use super::super::world::{EventType, EventTypeKind, Span};
use super::super::{Shared, view};
use super::order::{self, Order, Target};
use super::{pause, success};

const OUT_OF_BOUNDS: &str = "The event type can't be booked at the \"start\" time provided. This could be because \
                             it's too soon (violating the minimum booking notice) or too far in the future \
                             (outside the event's scheduling window). Try fetching available slots first using \
                             the GET /v2/slots endpoint and then make a booking with \"start\" time equal to one \
                             of the available slots.";

/// What the look at the calendar gave.
enum Look {
    /// The same booking stands already: it is answered again.
    Standing(Box<Booking>),
    /// Free for this host.
    Free(EventType, i64),
}

/// Books.
pub(in super::super) async fn create(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let order = order::read(call)?;
    let look = look(&shared.state(), call, &order, shared.now())?;
    let (event_type, host) = match look {
        Look::Standing(booking) => {
            return Ok((201, success(view::booking(&shared.state().world, &booking))));
        }
        Look::Free(event_type, host) => (event_type, host),
    };
    pause(shared).await;
    let mut state = shared.state();
    let booking = booked(&mut state, &event_type, host, order, shared.now());
    let booking = insert_unique(&mut state, booking)?;
    let body = success(view::booking(&state.world, &booking));
    webhooks::announce(shared, &state, &booking, created_trigger(&booking), None);
    Ok((201, body))
}

/// A booking made on the web page: same rules, no gap.
pub(in super::super) fn book_outside(
    shared: &Shared,
    event_type_id: i64,
    host: Option<i64>,
    start_ms: i64,
) -> Result<Booking, Refusal> {
    let now = shared.now();
    let mut state = shared.state();
    let event_type = find_by_id(&state, event_type_id)?;
    let span = (start_ms, start_ms + event_type.length_ms());
    let free = match host {
        Some(host) if state.is_free(host, span, None) => host,
        Some(_) => return Err(taken(EventTypeKind::Individual)),
        None => choose_host(&state, &event_type, span, None)?,
    };
    let order = Order {
        target: Target::Id(event_type_id),
        start_ms,
        name: "Web Visitor".to_owned(),
        email: Some("visitor@example.com".to_owned()),
        phone: None,
        time_zone: "Europe/Berlin".to_owned(),
        language: "de".to_owned(),
        guests: Vec::new(),
        metadata: serde_json::Map::new(),
        fields: serde_json::Map::new(),
        location: None,
        gives_length: false,
        allow_conflicts: false,
        allow_out_of_bounds: false,
    };
    let mut booking = booked(&mut state, &event_type, free, order, now);
    booking.origin = Origin::Outside;
    let booking = insert_unique(&mut state, booking)?;
    webhooks::announce(shared, &state, &booking, created_trigger(&booking), None);
    Ok(booking)
}

fn look(state: &State, call: &Call, order: &Order, now: i64) -> Result<Look, Refusal> {
    let event_type = match &order.target {
        Target::Id(id) => find_by_id(state, *id)?,
        Target::Slug { slug, username } => find_by_slug(state, slug, username)?,
    };
    order.suits(&event_type)?;
    if let Some(standing) = standing(state, &event_type, order) {
        return Ok(Look::Standing(Box::new(standing.clone())));
    }
    let owner = call.token.as_deref().and_then(|key| state.world.company_of_key(key)).map(|c| c.owner_id);
    let is_host = owner.is_some_and(|owner| event_type.hosts.contains(&owner));
    if !(is_host && order.allow_out_of_bounds) {
        check_bounds(&event_type, order.start_ms, now)?;
    }
    let span = (order.start_ms, order.start_ms + event_type.length_ms());
    let host = match event_type.hosts.first() {
        Some(host) if is_host && order.allow_conflicts => *host,
        _ => choose_host(state, &event_type, span, None)?,
    };
    Ok(Look::Free(event_type, host))
}

fn find_by_id(state: &State, id: i64) -> Result<EventType, Refusal> {
    let missing = || Refusal::not_found(format!("Event type with id {id} not found."));
    let event_type = state.world.event_type(id).cloned().ok_or_else(missing)?;
    if event_type.hosts.is_empty() {
        let message = format!("Can't book this team event type because it has no hosts: id={id}");
        return Err(Refusal::unprocessable(message));
    }
    Ok(event_type)
}

fn find_by_slug(state: &State, slug: &str, username: &str) -> Result<EventType, Refusal> {
    let user = state.world.users.iter().find(|user| user.username == username);
    let user = user.ok_or_else(|| Refusal::not_found(format!("User with username {username} not found")))?;
    let mut types = state.world.event_types.iter();
    let found = types.find(|event_type| event_type.slug == slug && event_type.hosts.contains(&user.id));
    found.cloned().ok_or_else(|| Refusal::not_found(format!("Event type with slug {slug} not found.")))
}

/// Round robins and types that wait for the host know the same order again; others do not.
fn standing<'a>(state: &'a State, event_type: &EventType, order: &Order) -> Option<&'a Booking> {
    if event_type.kind != EventTypeKind::RoundRobin && !event_type.requires_confirmation {
        return None;
    }
    let email = order.attendee_email();
    let same_person = |booking: &Booking| {
        booking.attendee.email == email || (order.phone.is_some() && booking.attendee.phone == order.phone)
    };
    let same_time = |booking: &Booking| {
        booking.stands() && booking.event_type_id == event_type.id && booking.start_ms == order.start_ms
    };
    let mut hosts = event_type.hosts.iter().flat_map(|host| state.bookings_of(*host));
    hosts.find(|booking| same_time(booking) && same_person(booking))
}

/// Not past, not too soon, not too far.
pub(super) fn check_bounds(event_type: &EventType, start_ms: i64, now: i64) -> Result<(), Refusal> {
    if start_ms < now {
        return Err(Refusal::bad_request("Attempting to book a meeting in the past."));
    }
    let too_soon = start_ms < now + i64::from(event_type.min_notice_minutes) * 60_000;
    let too_far = event_type.window_days.is_some_and(|days| start_ms > now + i64::from(days) * 86_400_000);
    if too_soon || too_far { Err(Refusal::bad_request(OUT_OF_BOUNDS)) } else { Ok(()) }
}

/// The free host with the fewest bookings.
pub(super) fn choose_host(
    state: &State,
    event_type: &EventType,
    span: Span,
    except: Option<&str>,
) -> Result<i64, Refusal> {
    let free = event_type.hosts.iter().copied().filter(|host| state.is_free(*host, span, except));
    let load = |host: &i64| state.bookings_of(*host).filter(|booking| booking.stands()).count();
    if let Some(host) = free.min_by_key(|host| (load(host), *host)) {
        return Ok(host);
    }
    let pool_exhausted = event_type.hosts.iter().any(|host| state.works(*host, span));
    match event_type.kind {
        // The vendor's error mapper looks for a message that is no longer thrown.
        EventTypeKind::RoundRobin if pool_exhausted => Err(Refusal::internal()),
        kind => Err(taken(kind)),
    }
}

fn taken(kind: EventTypeKind) -> Refusal {
    Refusal::bad_request(match kind {
        EventTypeKind::Individual => "User either already has booking at this time or is not available",
        EventTypeKind::RoundRobin => {
            "One of the hosts either already has booking at this time or is not available"
        }
    })
}

/// The one thing the database guards: no second accepted booking of the same start, end and host.
pub(super) fn insert_unique(state: &mut State, booking: Booking) -> Result<Booking, Refusal> {
    let accepted =
        |other: &Booking| other.status == BookingStatus::Accepted && other.span() == booking.span();
    if booking.status == BookingStatus::Accepted && state.bookings_of(booking.host_id).any(accepted) {
        return Err(Refusal::engine(409, "booking_conflict_error"));
    }
    Ok(state.insert(booking))
}

/// What a new booking is announced as.
pub(super) fn created_trigger(booking: &Booking) -> Trigger {
    if booking.status == BookingStatus::Pending { Trigger::Requested } else { Trigger::Created }
}

fn booked(state: &mut State, event_type: &EventType, host_id: i64, order: Order, now: i64) -> Booking {
    let uid = state.new_uid();
    let email = order.attendee_email();
    let pending = event_type.requires_confirmation;
    Booking {
        id: 0,
        ics_uid: format!("{uid}@Cal.com"),
        uid,
        event_type_id: event_type.id,
        company: event_type.company.clone(),
        host_id,
        start_ms: order.start_ms,
        end_ms: order.start_ms + event_type.length_ms(),
        status: if pending { BookingStatus::Pending } else { BookingStatus::Accepted },
        attendee: Attendee {
            name: order.name,
            email,
            phone: order.phone,
            time_zone: order.time_zone,
            language: order.language,
        },
        guests: order.guests,
        metadata: order.metadata,
        fields: order.fields,
        location: order.location.unwrap_or_else(|| "integrations:daily".to_owned()),
        created_ms: now,
        updated_ms: now,
        cancellation_reason: None,
        cancelled_by: None,
        rescheduling_reason: None,
        rescheduled_by: None,
        rescheduled_from: None,
        rescheduled_to: None,
        ics_sequence: 0,
        origin: Origin::Api,
    }
}
