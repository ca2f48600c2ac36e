//! Reads and judges the body of `POST /v2/bookings`, before anything is looked up.

use serde_json::{Map, Value};

use super::super::api::Call;
use super::super::refusal::Refusal;
use super::super::{time, world::EventType};

const FIELDS: [&str; 17] = [
    "start",
    "attendee",
    "eventTypeId",
    "eventTypeSlug",
    "username",
    "teamSlug",
    "organizationSlug",
    "guests",
    "meetingUrl",
    "location",
    "metadata",
    "lengthInMinutes",
    "bookingFieldsResponses",
    "emailVerificationCode",
    "routing",
    "instant",
    "recurrenceCount",
];
const FIELDS_SINCE_2026: [&str; 3] = ["allowConflicts", "allowBookingOutOfBounds", "skipBookingLimits"];
const ATTENDEE_FIELDS: [&str; 5] = ["name", "timeZone", "phoneNumber", "language", "email"];
const LOCATION_KINDS: [(&str, &str); 8] = [
    ("address", ""),
    ("link", ""),
    ("phone", ""),
    ("organizersDefaultApp", ""),
    ("integration", "integration"),
    ("attendeeAddress", "address"),
    ("attendeePhone", "phone"),
    ("attendeeDefined", "location"),
];

/// A booking as wished for.
pub(super) struct Order {
    pub(super) target: Target,
    pub(super) start_ms: i64,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) time_zone: String,
    pub(super) language: String,
    pub(super) guests: Vec<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) fields: Map<String, Value>,
    pub(super) location: Option<String>,
    pub(super) gives_length: bool,
    pub(super) allow_conflicts: bool,
    pub(super) allow_out_of_bounds: bool,
}

/// How an order names its event type.
pub(super) enum Target {
    Id(i64),
    Slug { slug: String, username: String },
}

impl Order {
    /// The address bookings carry: the placeholder where only a number is known.
    pub(super) fn attendee_email(&self) -> String {
        let digits = || self.phone.iter().flat_map(|phone| phone.chars()).filter(char::is_ascii_digit);
        self.email.clone().unwrap_or_else(|| format!("{}@sms.cal.com", digits().collect::<String>()))
    }

    /// What the event type itself demands.
    pub(super) fn suits(&self, event_type: &EventType) -> Result<(), Refusal> {
        if self.gives_length {
            return Err(Refusal::bad_request(
                "Can't specify 'lengthInMinutes' because event type does not have multiple possible lengths. \
                 Please, remove the 'lengthInMinutes' field from the request.",
            ));
        }
        if event_type.email_required && self.email.is_none() {
            return Err(Refusal::Framework {
                status: 400,
                code: "BAD_REQUEST",
                message:
                    "responses - {email}error_required_field, invalid_type in 'responses,email': Required"
                        .to_owned(),
            });
        }
        Ok(())
    }
}

/// Bodies of the new shape fail the validation of the old version that callers without a header get.
pub(in super::super) fn refuse_old_shape(call: &Call) -> Refusal {
    let unknown = call.json().ok().and_then(|body| body.keys().next().cloned());
    unknown.map_or_else(
        || Refusal::property("responses", "responses must be an object"),
        |key| Refusal::unknown_property(&key),
    )
}

/// Reads an order.
pub(super) fn read(call: &Call) -> Result<Order, Refusal> {
    let body = call.json()?;
    let newer = call.version == "2026-02-25";
    let known = |key: &str| FIELDS.contains(&key) || (newer && FIELDS_SINCE_2026.contains(&key));
    refuse_unknown(&body, known)?;
    let attendee = body.get("attendee").and_then(Value::as_object);
    let attendee = attendee.ok_or_else(|| Refusal::property("attendee", "attendee must be an object"))?;
    refuse_unknown(attendee, |key| ATTENDEE_FIELDS.contains(&key))?;
    let start = body.get("start").and_then(Value::as_str).and_then(time::parse_instant);
    let wrong = || Refusal::property("start", "start must be a valid ISO 8601 date string");
    let time_zone = required(attendee, "timeZone", "attendee.timeZone")?;
    if time::zone(&time_zone).is_none() {
        return Err(Refusal::property("attendee.timeZone", "timeZone must be a valid IANA time-zone"));
    }
    let (email, phone) = read_contact(attendee)?;
    Ok(Order {
        start_ms: start.ok_or_else(wrong)?,
        target: read_target(&body)?,
        name: required(attendee, "name", "attendee.name")?,
        email,
        phone,
        time_zone,
        language: text(attendee, "language").unwrap_or("en").to_owned(),
        guests: read_guests(&body)?,
        metadata: read_metadata(&body)?,
        fields: body.get("bookingFieldsResponses").and_then(Value::as_object).cloned().unwrap_or_default(),
        location: body.get("location").map(read_location).transpose()?,
        gives_length: body.contains_key("lengthInMinutes"),
        allow_conflicts: flag(&body, "allowConflicts"),
        allow_out_of_bounds: flag(&body, "allowBookingOutOfBounds"),
    })
}

fn read_target(body: &Map<String, Value>) -> Result<Target, Refusal> {
    if let Some(id) = body.get("eventTypeId") {
        let wrong = || Refusal::property("eventTypeId", "eventTypeId must be an integer number");
        return id.as_i64().map(Target::Id).ok_or_else(wrong);
    }
    match (text(body, "eventTypeSlug"), text(body, "username"), text(body, "teamSlug")) {
        (Some(slug), Some(username), _) => {
            Ok(Target::Slug { slug: slug.to_owned(), username: username.to_owned() })
        }
        (Some(_), None, Some(team)) => Err(Refusal::not_found(format!("Team with slug {team} not found"))),
        _ => Err(Refusal::bad_request(
            "Either eventTypeId or eventTypeSlug + username or eventTypeSlug + teamSlug must be provided",
        )),
    }
}

fn read_contact(attendee: &Map<String, Value>) -> Result<(Option<String>, Option<String>), Refusal> {
    let (email, phone) = (text(attendee, "email"), text(attendee, "phoneNumber"));
    if email.is_none() && phone.is_none() {
        let message = "Attendee must have at least one contact method (email or phone number)";
        return Err(Refusal::bad_request(message));
    }
    if email.is_some_and(|email| !is_email(email)) {
        return Err(Refusal::property("attendee.email", "email must be an email"));
    }
    if phone.is_some_and(|phone| !is_phone(phone)) {
        let message = "Invalid phone number format. Please use international format.";
        return Err(Refusal::property("attendee.phoneNumber", message));
    }
    Ok((email.map(str::to_owned), phone.map(str::to_owned)))
}

fn read_guests(body: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let Some(guests) = body.get("guests") else { return Ok(Vec::new()) };
    let emails: Option<Vec<String>> = guests.as_array().and_then(|guests| {
        let email = |guest: &Value| guest.as_str().filter(|email| is_email(email)).map(str::to_owned);
        guests.iter().map(email).collect()
    });
    emails.ok_or_else(|| Refusal::property("guests", "each value in guests must be an email"))
}

fn read_metadata(body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let Some(metadata) = body.get("metadata") else { return Ok(Map::new()) };
    let fits = |(key, value): (&String, &Value)| {
        let value_fits = match value {
            Value::String(text) => text.chars().count() <= 500,
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        key.chars().count() <= 40 && value_fits
    };
    let fitting = metadata.as_object().filter(|metadata| metadata.len() <= 50 && metadata.iter().all(fits));
    fitting.cloned().ok_or_else(|| {
        let message = "Metadata must have at most 50 keys, each key up to 40 characters, and string values up to \
                       500 characters.";
        Refusal::property("metadata", message)
    })
}

fn read_location(location: &Value) -> Result<String, Refusal> {
    if let Some(written) = location.as_str() {
        return Ok(written.to_owned());
    }
    let kind = location.get("type").and_then(Value::as_str);
    let known = LOCATION_KINDS.into_iter().find(|(name, _)| Some(*name) == kind);
    let (name, value) = known.ok_or_else(|| Refusal::property("location", "location type is not valid"))?;
    if value.is_empty() {
        return Ok(name.to_owned());
    }
    let given = location.get(value).and_then(Value::as_str).map(str::to_owned);
    given.ok_or_else(|| Refusal::property(&format!("location.{value}"), &format!("{value} must be a string")))
}

fn refuse_unknown(object: &Map<String, Value>, known: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    let unknown = object.keys().find(|key| !known(key));
    unknown.map_or(Ok(()), |key| Err(Refusal::unknown_property(key)))
}

fn required(object: &Map<String, Value>, name: &str, path: &str) -> Result<String, Refusal> {
    let given = text(object, name).filter(|text| !text.is_empty()).map(str::to_owned);
    given.ok_or_else(|| Refusal::property(path, &format!("{name} should not be empty")))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn flag(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@').map(|(local, domain)| (local.len(), domain.contains('.')));
    parts.is_some_and(|(local, dotted)| local > 0 && dotted) && !text.contains(char::is_whitespace)
}

/// E.164 with a country code and 8 to 15 digits.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.chars().all(|digit| digit.is_ascii_digit())
}
