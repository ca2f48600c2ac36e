//! `GET /v2/bookings`: with a cursor since 2026-05-01, with take and skip before.

use serde_json::{Value, json};

use super::super::api::{Call, Success};
use super::super::refusal::Refusal;
use super::super::state::{Booking, BookingStatus, State};
use super::super::{Shared, time, view};

const FILTERS: [&str; 18] = [
    "status",
    "attendeeEmail",
    "attendeeName",
    "bookingUid",
    "eventTypeId",
    "eventTypeIds",
    "teamId",
    "teamsIds",
    "afterStart",
    "beforeEnd",
    "afterCreatedAt",
    "beforeCreatedAt",
    "afterUpdatedAt",
    "beforeUpdatedAt",
    "sortStart",
    "sortEnd",
    "sortCreated",
    "sortUpdatedAt",
];
const STATUSES: [&str; 5] = ["upcoming", "recurring", "past", "cancelled", "unconfirmed"];

/// Lists the bookings of the caller's account.
pub(in super::super) fn list(shared: &Shared, call: &Call) -> Result<Success, Refusal> {
    let state = shared.state();
    match call.version {
        "2026-05-01" => by_cursor(&state, call, shared.now()),
        "2024-04-15" => Ok(unfiltered(&state, call)),
        _ => by_page(&state, call, shared.now()),
    }
}

/// The oldest version does not know the filters and ignores them.
fn unfiltered(state: &State, call: &Call) -> Success {
    let bookings: Vec<Value> =
        own(state, call).take(100).map(|booking| view::booking(&state.world, booking)).collect();
    (
        200,
        json!({ "status": "success", "data": { "bookings": bookings, "recurringInfo": [], "nextCursor": null } }),
    )
}

fn by_cursor(state: &State, call: &Call, now: i64) -> Result<Success, Refusal> {
    allow(call, &["cursor", "limit"])?;
    if call.parameter("status").is_some_and(|status| status.contains(',')) {
        return Err(Refusal::property("status", "status must be one of the following values"));
    }
    let limit = number(call, "limit", 50, 1, 100)?;
    let skip = match call.parameter("cursor") {
        None => 0,
        Some(cursor) => read_cursor(cursor).ok_or_else(|| Refusal::bad_request("Invalid cursor"))?,
    };
    let found = filtered(state, call, now)?;
    let has_more = found.len() > skip + limit;
    let next = has_more.then(|| format!("c{:x}", skip + limit));
    let data: Vec<Value> =
        found.iter().skip(skip).take(limit).map(|booking| view::booking(&state.world, booking)).collect();
    let pagination = json!({ "nextCursor": next, "hasMore": has_more });
    Ok((200, json!({ "status": "success", "data": data, "pagination": pagination })))
}

fn read_cursor(cursor: &str) -> Option<usize> {
    usize::from_str_radix(cursor.strip_prefix('c')?, 16).ok()
}

fn by_page(state: &State, call: &Call, now: i64) -> Result<Success, Refusal> {
    allow(call, &["take", "skip"])?;
    let take = number(call, "take", 100, 1, 250)?;
    let skip = number(call, "skip", 0, 0, usize::MAX)?;
    let found = filtered(state, call, now)?;
    let data: Vec<Value> =
        found.iter().skip(skip).take(take).map(|booking| view::booking(&state.world, booking)).collect();
    let remaining = found.len().saturating_sub(skip + data.len());
    let pagination = json!({
        "totalItems": found.len(),
        "remainingItems": remaining,
        "returnedItems": data.len(),
        "itemsPerPage": take,
        "currentPage": skip / take + 1,
        "totalPages": found.len().div_ceil(take),
        "hasNextPage": remaining > 0,
        "hasPreviousPage": skip > 0,
    });
    Ok((200, json!({ "status": "success", "data": data, "pagination": pagination })))
}

fn allow(call: &Call, paging: &[&str]) -> Result<(), Refusal> {
    let allowed: Vec<&str> = FILTERS.iter().chain(paging).copied().collect();
    call.allow_parameters(&allowed)
}

fn number(call: &Call, name: &str, default: usize, least: usize, most: usize) -> Result<usize, Refusal> {
    let Some(written) = call.parameter(name) else { return Ok(default) };
    let read = written.parse().ok().filter(|number| (least..=most).contains(number));
    let constraint = format!("{name} must not be less than {least} and not be greater than {most}");
    read.ok_or_else(|| Refusal::property(name, &constraint))
}

fn own<'a>(state: &'a State, call: &'a Call) -> impl Iterator<Item = &'a Booking> {
    let key = call.token.as_deref();
    state.bookings.iter().filter(move |booking| {
        state.world.company(&booking.company).is_some_and(|company| Some(company.api_key.as_str()) == key)
    })
}

fn filtered<'a>(state: &'a State, call: &'a Call, now: i64) -> Result<Vec<&'a Booking>, Refusal> {
    let statuses: Vec<&str> =
        call.parameter("status").map(|given| given.split(',').collect()).unwrap_or_default();
    if statuses.iter().any(|status| !STATUSES.contains(status)) {
        let constraint = format!("status must be one of the following values: {}", STATUSES.join(", "));
        return Err(Refusal::property("status", &constraint));
    }
    let types = event_types(call)?;
    let bounds = Bounds::read(call)?;
    let same = |wanted: Option<&str>, is: &str| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(is));
    let mut found: Vec<&Booking> = own(state, call)
        .filter(|booking| {
            statuses.is_empty() || statuses.iter().any(|status| in_status(booking, status, now))
        })
        .filter(|booking| types.is_empty() || types.contains(&booking.event_type_id))
        .filter(|booking| same(call.parameter("attendeeEmail"), &booking.attendee.email))
        .filter(|booking| same(call.parameter("attendeeName"), &booking.attendee.name))
        .filter(|booking| call.parameter("bookingUid").is_none_or(|uid| uid == booking.uid))
        .filter(|booking| bounds.hold(booking))
        .collect();
    sort(&mut found, call);
    Ok(found)
}

fn in_status(booking: &Booking, status: &str, now: i64) -> bool {
    match status {
        "upcoming" => booking.stands() && booking.end_ms >= now,
        "past" => booking.stands() && booking.end_ms < now,
        "cancelled" => !booking.stands(),
        "unconfirmed" => booking.status == BookingStatus::Pending && booking.end_ms >= now,
        _ => false,
    }
}

fn event_types(call: &Call) -> Result<Vec<i64>, Refusal> {
    let given = call.parameter("eventTypeIds").or_else(|| call.parameter("eventTypeId"));
    let ids: Result<Vec<i64>, _> =
        given.into_iter().flat_map(|ids| ids.split(',')).map(|id| id.trim().parse()).collect();
    ids.map_err(|_| Refusal::property("eventTypeIds", "eventTypeIds must be numbers"))
}

struct Bounds {
    after_start: i64,
    before_end: i64,
    created: (i64, i64),
    updated: (i64, i64),
}

impl Bounds {
    fn read(call: &Call) -> Result<Self, Refusal> {
        let instant = |name: &str, open: i64| match call.parameter(name) {
            None => Ok(open),
            Some(written) => time::parse_instant_or_date(written).ok_or_else(|| {
                Refusal::property(name, &format!("{name} must be a valid ISO 8601 date string"))
            }),
        };
        Ok(Self {
            after_start: instant("afterStart", i64::MIN)?,
            before_end: instant("beforeEnd", i64::MAX)?,
            created: (instant("afterCreatedAt", i64::MIN)?, instant("beforeCreatedAt", i64::MAX)?),
            updated: (instant("afterUpdatedAt", i64::MIN)?, instant("beforeUpdatedAt", i64::MAX)?),
        })
    }

    fn hold(&self, booking: &Booking) -> bool {
        booking.start_ms >= self.after_start
            && booking.end_ms <= self.before_end
            && (self.created.0..=self.created.1).contains(&booking.created_ms)
            && (self.updated.0..=self.updated.1).contains(&booking.updated_ms)
    }
}

fn sort(found: &mut [&Booking], call: &Call) {
    type Key = fn(&Booking) -> i64;
    let keys: [(&str, Key); 4] = [
        ("sortStart", |booking| booking.start_ms),
        ("sortEnd", |booking| booking.end_ms),
        ("sortCreated", |booking| booking.created_ms),
        ("sortUpdatedAt", |booking| booking.updated_ms),
    ];
    for (name, key) in keys {
        match call.parameter(name) {
            Some("desc") => found.sort_by_key(|booking| (std::cmp::Reverse(key(booking)), booking.id)),
            Some(_) => found.sort_by_key(|booking| (key(booking), booking.id)),
            None => {}
        }
    }
}
