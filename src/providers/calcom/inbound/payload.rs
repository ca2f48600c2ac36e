//! Fields of a payload that something follows from. One with an unexpected type counts as absent, so that an odd
//! field never costs an announcement.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use askpro_domain::{
    booking::Contact,
    time::{Interval, UnixMillis},
};

use super::super::{contacts::contacts, plain::is_uid};

/// A payload: of a booking, of a flat booking row, or of an absence.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Payload {
    #[serde(deserialize_with = "tolerant")]
    uid: Option<String>,
    #[serde(deserialize_with = "tolerant")]
    booking_uid: Option<String>,
    #[serde(deserialize_with = "tolerant")]
    reschedule_uid: Option<String>,
    #[serde(deserialize_with = "tolerant")]
    start_time: Option<String>,
    #[serde(deserialize_with = "tolerant")]
    end_time: Option<String>,
    #[serde(deserialize_with = "tolerant")]
    pub(super) event_type_id: Option<i64>,
    #[serde(deserialize_with = "tolerant")]
    organizer: Option<Person>,
    #[serde(deserialize_with = "tolerant")]
    attendees: Option<Vec<Attendee>>,
    #[serde(deserialize_with = "tolerant")]
    responses: Option<Responses>,
    #[serde(deserialize_with = "tolerant")]
    metadata: Option<Metadata>,
    #[serde(rename = "iCalSequence", deserialize_with = "tolerant")]
    pub(super) ical_sequence: Option<i64>,
    #[serde(deserialize_with = "tolerant")]
    seats_per_time_slot: Option<i64>,
    #[serde(deserialize_with = "tolerant")]
    removed_host_user_ids: Option<Vec<i64>>,
    #[serde(deserialize_with = "tolerant")]
    ooo_entry: Option<Absence>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Person {
    #[serde(deserialize_with = "tolerant")]
    id: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Attendee {
    #[serde(deserialize_with = "tolerant")]
    email: Option<String>,
    #[serde(deserialize_with = "tolerant")]
    phone_number: Option<String>,
}

/// Answers to the questions of the event type; where an attendee's number stands is not documented for all.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Responses {
    #[serde(deserialize_with = "tolerant")]
    attendee_phone_number: Option<Response>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    #[serde(deserialize_with = "tolerant")]
    value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    /// [`super::super::METADATA_APPOINTMENT`].
    #[serde(deserialize_with = "tolerant")]
    askpro_appointment: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Absence {
    #[serde(deserialize_with = "tolerant")]
    uuid: Option<String>,
    #[serde(deserialize_with = "tolerant")]
    user: Option<Person>,
}

/// A value of the wrong type is absent.
pub(super) fn tolerant<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw: Option<&'de RawValue> = Option::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

impl Payload {
    /// Uid of the booking that it is about.
    pub(super) fn uid(&self) -> Option<&str> {
        self.uid.as_deref().or(self.booking_uid.as_deref()).filter(|uid| is_uid(uid))
    }

    /// Identity of whatever it is about: a booking, else an absence.
    pub(super) fn subject(&self) -> Option<&str> {
        let absence = self.ooo_entry.as_ref().and_then(|entry| entry.uuid.as_deref());
        self.uid().or(absence.filter(|uuid| is_uid(uuid)))
    }

    /// Its uid before it was moved.
    pub(super) fn uid_before(&self) -> Option<&str> {
        self.reschedule_uid.as_deref().filter(|uid| is_uid(uid))
    }

    /// When the booking takes place.
    pub(super) fn interval(&self) -> Option<Interval> {
        let instant = |text: &Option<String>| text.as_deref().and_then(UnixMillis::parse_rfc3339);
        Interval::new(instant(&self.start_time)?, instant(&self.end_time)?)
    }

    /// User id of the host.
    pub(super) fn host(&self) -> Option<i64> {
        self.organizer.as_ref().and_then(|organizer| organizer.id)
    }

    /// User ids of hosts who had the booking before.
    pub(super) fn freed_hosts(&self) -> Vec<i64> {
        self.removed_host_user_ids.clone().unwrap_or_default()
    }

    /// User id of a host who is away.
    pub(super) fn away(&self) -> Option<i64> {
        self.ooo_entry.as_ref()?.user.as_ref()?.id
    }

    /// Whether the booking has one seat of several.
    pub(super) fn is_seated(&self) -> bool {
        self.seats_per_time_slot.is_some()
    }

    /// The appointment id in our metadata.
    pub(super) fn appointment(&self) -> Option<String> {
        self.metadata.as_ref().and_then(|metadata| metadata.askpro_appointment.clone())
    }

    /// How everybody who comes can be reached.
    pub(super) fn contacts(&self) -> Vec<Contact> {
        let attendees = self.attendees.iter().flatten();
        let listed = attendees.flat_map(|a| contacts(a.email.as_deref(), a.phone_number.as_deref()));
        let answered = self.responses.as_ref().and_then(|r| r.attendee_phone_number.as_ref());
        let answered = contacts(None, answered.and_then(|answer| answer.value.as_deref()));
        listed.chain(answered).collect()
    }
}
