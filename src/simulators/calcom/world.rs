//! Who can be booked, for what and when: the part of Cal.com that its owners set up by hand.

use jiff::civil::Weekday;

/// A half-open interval of instants, in ms since 1970 (UTC).
pub(super) type Span = (i64, i64);

/// Everything set up beforehand.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The accounts; several may share an API key.
    pub companies: Vec<Company>,
    /// The hosts.
    pub users: Vec<User>,
    /// What can be booked.
    pub event_types: Vec<EventType>,
}

/// One account with its API key.
#[derive(Debug, Clone)]
pub struct Company {
    /// Stands at the end of the webhook address.
    pub slug: String,
    /// The name of the account's owner.
    pub name: String,
    /// `cal_…`
    pub api_key: String,
    /// Signs the webhooks; without one Cal.com writes `no-secret-provided` there.
    pub webhook_secret: Option<String>,
    /// Cal.com's id of the account's owner, as `/v2/me` tells it.
    pub owner_id: i64,
    /// IANA name.
    pub time_zone: String,
}

/// A host.
#[derive(Debug, Clone)]
pub struct User {
    /// Cal.com's id.
    pub id: i64,
    /// The name bookings carry.
    pub name: String,
    /// The host's address.
    pub email: String,
    /// For `eventTypeSlug` + `username`.
    pub username: String,
    /// IANA name; the working hours are in it.
    pub time_zone: String,
    /// When the host works.
    pub hours: Hours,
    /// Times taken in other calendars: half-open, ms since 1970.
    pub busy: Vec<(i64, i64)>,
}

/// Working hours of a week.
#[derive(Debug, Clone, Default)]
pub struct Hours {
    spans: Vec<(Weekday, u32, u32)>,
}

impl Hours {
    /// Adds a span of one weekday, in minutes from midnight (`1440` is the day's end).
    pub fn add(&mut self, weekday: Weekday, from_minute: u32, to_minute: u32) {
        self.spans.push((weekday, from_minute, to_minute));
        self.spans.sort_by_key(|(day, from, _)| (day.to_monday_zero_offset(), *from));
    }

    /// The spans of a weekday, in minutes from midnight, earliest first.
    pub fn of(&self, weekday: Weekday) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.spans.iter().filter(move |(day, ..)| *day == weekday).map(|(_, from, to)| (*from, *to))
    }
}

/// How hosts are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTypeKind {
    /// One host.
    Individual,
    /// Cal.com picks a free one of several.
    RoundRobin,
}

/// Something that can be booked.
#[derive(Debug, Clone)]
pub struct EventType {
    /// Cal.com's id.
    pub id: i64,
    /// For `eventTypeSlug` + `username`.
    pub slug: String,
    /// Shown in the booking's title.
    pub title: String,
    /// The account it belongs to.
    pub company: String,
    /// Length of a booking.
    pub length_minutes: u32,
    /// Users who can be booked.
    pub hosts: Vec<i64>,
    /// How hosts are chosen.
    pub kind: EventTypeKind,
    /// Refuses attendees without an e-mail address.
    pub email_required: bool,
    /// How long before its start a booking must be made.
    pub min_notice_minutes: u32,
    /// How many days ahead can be booked; `None` for no end.
    pub window_days: Option<u32>,
    /// New bookings are `pending` until the host confirms.
    pub requires_confirmation: bool,
    /// Cancelling without a reason is refused.
    pub cancellation_reason_required: bool,
}

impl EventType {
    /// A plain type: no notice, no window, no confirmation, phone-only attendees welcome.
    #[must_use]
    pub fn new(id: i64, company: &str, length_minutes: u32, hosts: Vec<i64>, kind: EventTypeKind) -> Self {
        Self {
            id,
            slug: format!("type-{id}"),
            title: format!("Type {id}"),
            company: company.to_owned(),
            length_minutes,
            hosts,
            kind,
            email_required: false,
            min_notice_minutes: 0,
            window_days: None,
            requires_confirmation: false,
            cancellation_reason_required: false,
        }
    }

    pub(super) fn length_ms(&self) -> i64 {
        i64::from(self.length_minutes) * 60_000
    }
}

impl World {
    /// The event type of this id.
    #[must_use]
    pub fn event_type(&self, id: i64) -> Option<&EventType> {
        self.event_types.iter().find(|event_type| event_type.id == id)
    }

    /// The user of this id.
    #[must_use]
    pub fn user(&self, id: i64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The account of this slug.
    #[must_use]
    pub fn company(&self, slug: &str) -> Option<&Company> {
        self.companies.iter().find(|company| company.slug == slug)
    }

    /// The first account with this API key.
    #[must_use]
    pub fn company_of_key(&self, api_key: &str) -> Option<&Company> {
        self.companies.iter().find(|company| company.api_key == api_key)
    }

    /// Whether the API key belongs to the account that owns the event type.
    pub(super) fn owns(&self, api_key: Option<&str>, event_type: &EventType) -> bool {
        self.company(&event_type.company).is_some_and(|company| Some(company.api_key.as_str()) == api_key)
    }
}
