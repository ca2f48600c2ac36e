//! Everything that changes: bookings, reservations, caches, limits, the log of requests, the script of faults.

use std::collections::{HashMap, VecDeque};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use serde_json::{Map, Value};

use super::availability;
use super::faults::{Fault, Operation};
use super::throttle::{Pass, Window};
use super::world::{Span, World};

/// Requests kept in the log; older ones are forgotten.
const LOG_REQUESTS_MAX: usize = 200_000;
/// Slot answers kept; beyond it the expired ones are swept.
const SLOT_ANSWERS_MAX: usize = 2_000;
const UID_ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Where a booking stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BookingStatus {
    /// Stands in the host's calendar.
    Accepted,
    /// Waits for the host; takes the time already.
    Pending,
    /// Called off, or moved to another booking.
    Cancelled,
}

/// Who made a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Ordered over the API.
    Api,
    /// Made on the web page, past the API.
    Outside,
}

/// Whom a booking is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attendee {
    /// As ordered.
    pub name: String,
    /// As ordered, or `<digits>@sms.cal.com`.
    pub email: String,
    /// E.164.
    pub phone: Option<String>,
    /// IANA name.
    pub time_zone: String,
    /// Two letters.
    pub language: String,
}

/// One booking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Booking {
    /// Cal.com's number.
    pub id: i64,
    /// Cal.com's name for it; a moved booking gets a new one.
    pub uid: String,
    /// What was booked.
    pub event_type_id: i64,
    /// The account that owns the event type.
    pub company: String,
    /// The user who does the work.
    pub host_id: i64,
    /// ms since 1970.
    pub start_ms: i64,
    /// ms since 1970, exclusive.
    pub end_ms: i64,
    /// Where it stands.
    pub status: BookingStatus,
    /// Whom it is for.
    pub attendee: Attendee,
    /// Further addresses.
    pub guests: Vec<String>,
    /// As ordered.
    pub metadata: Map<String, Value>,
    /// Answers to the event type's questions.
    pub fields: Map<String, Value>,
    /// A place, number or link.
    pub location: String,
    /// ms since 1970.
    pub created_ms: i64,
    /// ms since 1970.
    pub updated_ms: i64,
    /// Why it was called off.
    pub cancellation_reason: Option<String>,
    /// Who called it off.
    pub cancelled_by: Option<String>,
    /// Why it was moved.
    pub rescheduling_reason: Option<String>,
    /// Who moved it.
    pub rescheduled_by: Option<String>,
    /// The booking before it.
    pub rescheduled_from: Option<String>,
    /// The booking after it.
    pub rescheduled_to: Option<String>,
    /// Stays the same along a chain of moves.
    pub ics_uid: String,
    /// Grows with each move.
    pub ics_sequence: u32,
    /// Who made it.
    pub origin: Origin,
}

impl Booking {
    /// When it takes place, half-open.
    #[must_use]
    pub fn span(&self) -> (i64, i64) {
        (self.start_ms, self.end_ms)
    }

    /// Whether it takes the host's time.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.status != BookingStatus::Cancelled
    }
}

/// A hold on a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reservation {
    /// Its name: a UUID.
    pub uid: String,
    /// Event type.
    pub event_type_id: i64,
    /// Whose slots it hides.
    pub host_id: i64,
    /// When, half-open, in ms since 1970.
    pub span: (i64, i64),
    /// When it ends by itself, in ms since 1970.
    pub until_ms: i64,
}

/// One request that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// ms since 1970.
    pub at_ms: i64,
    /// What it asked for.
    pub operation: Operation,
    /// The last four characters of its key; empty without one.
    pub key_suffix: String,
    /// `None` while it is in progress and when the connection was cut without an answer.
    pub status: Option<u16>,
    /// Event type of an order by id; `None` for everything else.
    pub event_type_id: Option<i64>,
    /// `metadata` of an order's body; empty for everything else.
    pub metadata: Map<String, Value>,
}

/// See the module.
pub(super) struct State {
    pub(super) world: World,
    pub(super) bookings: Vec<Booking>,
    pub(super) reservations: Vec<Reservation>,
    pub(super) faults: Vec<Fault>,
    pub(super) webhook_url: Option<String>,
    pub(super) rng: SmallRng,
    by_uid: HashMap<String, usize>,
    by_host: HashMap<i64, Vec<usize>>,
    windows: HashMap<String, Window>,
    slot_answers: HashMap<String, (i64, Value)>,
    log: VecDeque<RequestRecord>,
    forgotten: usize,
}

impl State {
    pub(super) fn new(world: World, seed: u64, webhook_url: Option<String>) -> Self {
        Self {
            world,
            bookings: Vec::new(),
            reservations: Vec::new(),
            faults: Vec::new(),
            webhook_url,
            rng: SmallRng::seed_from_u64(seed),
            by_uid: HashMap::new(),
            by_host: HashMap::new(),
            windows: HashMap::new(),
            slot_answers: HashMap::new(),
            log: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// The booking of this uid.
    pub(super) fn booking(&self, uid: &str) -> Option<&Booking> {
        self.by_uid.get(uid).and_then(|place| self.bookings.get(*place))
    }

    /// The booking of this uid, to change it.
    pub(super) fn booking_mut(&mut self, uid: &str) -> Option<&mut Booking> {
        self.by_uid.get(uid).and_then(|place| self.bookings.get_mut(*place))
    }

    /// Stores a booking under a number of its own.
    pub(super) fn insert(&mut self, mut booking: Booking) -> Booking {
        let place = self.bookings.len();
        booking.id = 91_000 + i64::try_from(place).unwrap_or(0);
        self.by_uid.insert(booking.uid.clone(), place);
        self.by_host.entry(booking.host_id).or_default().push(place);
        self.bookings.push(booking.clone());
        booking
    }

    /// All bookings of a host, oldest order first.
    pub(super) fn bookings_of(&self, host_id: i64) -> impl Iterator<Item = &Booking> {
        let places = self.by_host.get(&host_id).into_iter().flatten();
        places.filter_map(|place| self.bookings.get(*place))
    }

    /// When a host is taken within `range`, by bookings (but `except`) and by other calendars.
    pub(super) fn busy(&self, host_id: i64, range: Span, except: Option<&str>) -> Vec<Span> {
        let booked = self.bookings_of(host_id);
        let booked = booked.filter(|booking| booking.stands() && Some(booking.uid.as_str()) != except);
        let elsewhere = self.world.user(host_id).into_iter().flat_map(|user| user.busy.iter().copied());
        let all = booked.map(Booking::span).chain(elsewhere);
        all.filter(|busy| availability::overlap(*busy, range)).collect()
    }

    /// Whether a host's working hours cover all of `span`.
    pub(super) fn works(&self, host_id: i64, span: Span) -> bool {
        let user = self.world.user(host_id);
        user.is_some_and(|user| availability::covers(&availability::working(user, span.0, span.1), span))
    }

    /// Whether a host works and has nothing else during `span`; reservations do not count.
    pub(super) fn is_free(&self, host_id: i64, span: Span, except: Option<&str>) -> bool {
        self.works(host_id, span) && self.busy(host_id, span, except).is_empty()
    }

    /// Whether a reservation that stands hides this time of a host. It hides starts and moves no grid.
    pub(super) fn is_reserved(&self, host_id: i64, span: Span, now: i64) -> bool {
        let of_host = self.reservations.iter().filter(|held| held.host_id == host_id && now < held.until_ms);
        of_host.into_iter().any(|held| availability::overlap(held.span, span))
    }

    /// A name like Cal.com's: 22 characters.
    pub(super) fn new_uid(&mut self) -> String {
        (0..22)
            .filter_map(|_| UID_ALPHABET.get(self.rng.random_range(0..UID_ALPHABET.len())))
            .map(|byte| char::from(*byte))
            .collect()
    }

    /// A name like that of a reservation: a UUID of version 4.
    pub(super) fn new_uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().to_string()
    }

    /// Counts a request against the limit of its key or, without one, of the address.
    pub(super) fn throttle(&mut self, api_key: Option<&str>, now: i64, limit: u32) -> Pass {
        let bucket = api_key.unwrap_or("ip").to_owned();
        self.windows.entry(bucket).or_insert_with(|| Window::starting(now)).pass(now, limit)
    }

    /// A stored answer to the same question that is not too old.
    pub(super) fn slot_answer(&self, question: &str, now: i64) -> Option<Value> {
        self.slot_answers.get(question).filter(|(until, _)| now < *until).map(|(_, answer)| answer.clone())
    }

    /// Stores an answer about slots until an instant.
    pub(super) fn keep_slot_answer(&mut self, question: String, until: i64, now: i64, answer: Value) {
        if self.slot_answers.len() >= SLOT_ANSWERS_MAX {
            self.slot_answers.retain(|_, (until, _)| now < *until);
        }
        self.slot_answers.insert(question, (until, answer));
    }

    /// Writes a request into the log and gives its place there.
    pub(super) fn log_request(&mut self, record: RequestRecord) -> usize {
        if self.log.len() >= LOG_REQUESTS_MAX {
            self.log.pop_front();
            self.forgotten += 1;
        }
        self.log.push_back(record);
        self.forgotten + self.log.len() - 1
    }

    /// Notes how a logged request was answered.
    pub(super) fn log_status(&mut self, place: usize, status: u16) {
        let position = place.checked_sub(self.forgotten);
        if let Some(record) = position.and_then(|position| self.log.get_mut(position)) {
            record.status = Some(status);
        }
    }

    /// The log, oldest first.
    pub(super) fn requests(&self) -> impl Iterator<Item = &RequestRecord> {
        self.log.iter()
    }
}
