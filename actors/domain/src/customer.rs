//! Customers as a call meets them: who answers to a number, and what lies ahead of them.
//!
//! A number is known by its full E.164 and by nothing else. Knows nothing of where customers are kept.

use crate::{
    booking::{AppointmentStatus, Booking, BookingOrder, BookingState},
    ids::{AppointmentId, CustomerId, ServiceId, StaffId},
    phone::PhoneNumber,
    tenant::Company,
    text::{fold, typos},
    time::{Interval, UnixMillis},
};

/// Letters that a part of a name must have before a typing error is forgiven.
const TYPO_LETTERS_MIN: usize = 6;
/// Parts of a name that say nothing of who it is.
const TITLES: [&str; 9] = ["herr", "herrn", "frau", "dr", "prof", "mr", "mrs", "ms", "miss"];

/// An appointment that is under way or stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// Its id.
    pub appointment: AppointmentId,
    /// When.
    pub interval: Interval,
    /// The service.
    pub service: ServiceId,
    /// The host, once known; before that the member who was wished for by name.
    pub staff: Option<StaffId>,
    /// Where it stands.
    pub status: AppointmentStatus,
    /// Counts the moves of the booking; the higher is newer.
    pub version: u32,
}

impl Upcoming {
    /// As a booking says it.
    #[must_use]
    pub fn of(booking: &Booking, company: Option<&Company>) -> Self {
        let order = &booking.order;
        let host = match booking.state {
            BookingState::Confirmed { host: Some(user), .. } => {
                company.and_then(|c| c.staff_by_calcom_user(user)).map(|s| s.id)
            }
            _ => None,
        };
        Self {
            appointment: order.appointment.clone(),
            interval: booking.interval(),
            service: order.service,
            staff: host.or(order.staff),
            status: booking.status(),
            version: booking.version,
        }
    }

    /// Whether somebody can still come to it, or is to hear of it.
    #[must_use]
    pub fn lies_ahead(&self, now: UnixMillis) -> bool {
        (self.status.stands() || self.status.is_open()) && self.interval.end() > now
    }
}

/// Numbers that an appointment belongs to, none twice: the one that ordered it, and the one it was ordered for.
pub fn owners(order: &BookingOrder) -> impl Iterator<Item = &PhoneNumber> {
    let (caller, attendee) = (order.by.caller.as_ref(), order.attendee.phone.as_ref());
    caller.into_iter().chain(attendee.filter(|phone| Some(*phone) != caller))
}

/// The number that a booking makes a customer of: the caller's own, if it is also the one it was made for. A
/// number that was only said proves nothing.
#[must_use]
pub fn own_number(order: &BookingOrder) -> Option<&PhoneNumber> {
    order.attendee.phone.as_ref().filter(|phone| order.by.caller.as_ref() == Some(*phone))
}

/// Who answers to a number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Known {
    /// Nobody is known.
    #[default]
    Nobody,
    /// One person, by name.
    One(String),
    /// Several: no name is spoken, for it may be the wrong one.
    Several,
}

/// What is known of a number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Card {
    /// Who answers to it.
    pub known: Known,
    /// What lies ahead, the nearest first.
    pub upcoming: Vec<Upcoming>,
}

/// A customer's name, with the row it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The row.
    pub id: CustomerId,
    /// As imported, or as the customer said it.
    pub name: Box<str>,
}

/// The row that `name` has or would have among those who are known to answer to `phone`: theirs who bear that
/// name; without anybody known the one that an import would make; else one of its own.
#[must_use]
pub fn row_of(people: &[Person], name: &str, phone: &PhoneNumber, company: &Company) -> CustomerId {
    match people.iter().find(|person| same_person(&person.name, name)) {
        Some(person) => person.id,
        None if people.is_empty() => CustomerId::of_slugs(&[&company.slug, phone.as_str()]),
        None => CustomerId::of_slugs(&[&company.slug, phone.as_str(), &fold(name)]),
    }
}

/// Whether two names may be one person's: every part of the shorter is in the longer, titles aside and a typing
/// error forgiven.
#[must_use]
pub fn same_person(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (parts(one), parts(other));
    if one.len() > other.len() {
        std::mem::swap(&mut one, &mut other);
    }
    !one.is_empty() && one.iter().all(|part| other.iter().any(|there| same_part(part, there)))
}

fn parts(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '\u{308}').map(fold);
    words.filter(|word| !word.is_empty() && !TITLES.contains(&word.as_str())).collect()
}

fn same_part(one: &str, other: &str) -> bool {
    let long_enough = one.chars().count().min(other.chars().count()) >= TYPO_LETTERS_MIN;
    one == other || (long_enough && typos(one, other, 1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{booking::tests::order, function::fixture::friseur_mitte};

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse_e164(text).unwrap()
    }

    #[test]
    fn one_person_may_be_named_in_several_ways() {
        for (one, other) in [
            ("Anna Schmidt", "anna schmidt"),
            ("Anna Schmidt", "Schmidt, Anna"),
            ("Anna Schmidt", "Frau Schmidt"),
            ("Anna Schmidt", "Anna"),
            ("Anna Schmidt", "Anna Schmitt"),
            ("Jürgen Groß", "Dr. Juergen Gross"),
            ("Ju\u{308}rgen Groß", "Jürgen Gross"),
            ("Anna-Lena Schmidt", "Anna Lena Schmidt"),
        ] {
            assert!(same_person(one, other) && same_person(other, one), "{one} {other}");
        }
    }

    #[test]
    fn other_names_are_other_people() {
        for (one, other) in [
            ("Anna Schmidt", "Bernd Schmidt"),
            ("Anna Schmidt", "Anna Müller"),
            ("Udo", "Uda"),
            ("Frau", "Herr"),
            ("", "Anna"),
            ("!!", "!!"),
        ] {
            assert!(!same_person(one, other) && !same_person(other, one), "{one} {other}");
        }
    }

    #[test]
    fn the_first_name_of_a_number_has_the_row_of_an_import_and_another_one_of_its_own() {
        let (company, number) = (friseur_mitte(), phone("+4915112345678"));
        let imported = CustomerId::of_slugs(&[&company.slug, "+4915112345678"]);
        assert_eq!(row_of(&[], "Anna Schmidt", &number, &company), imported);
        let anna = [Person { id: imported, name: "Anna Schmidt".into() }];
        assert_eq!(row_of(&anna, "Frau Schmidt", &number, &company), imported);
        let bernd = row_of(&anna, "Bernd Schmidt", &number, &company);
        assert_ne!(bernd, imported);
        assert_eq!(row_of(&anna, "BERND  SCHMIDT", &number, &company), bernd, "the same row every time");
    }

    #[test]
    fn an_appointment_belongs_to_who_ordered_it_and_for_whom() {
        let (caller, other) = (phone("+4915112345678"), phone("+4915187654321"));
        let with = |by: Option<&PhoneNumber>, attendee: Option<&PhoneNumber>| {
            let mut order = order();
            order.by.caller = by.cloned();
            order.attendee.phone = attendee.cloned();
            order
        };
        let of = |order: &BookingOrder| owners(order).cloned().collect::<Vec<_>>();
        let own = with(Some(&caller), Some(&caller));
        assert_eq!((of(&own), own_number(&own)), (vec![caller.clone()], Some(&caller)));
        let for_another = with(Some(&caller), Some(&other));
        assert_eq!((of(&for_another), own_number(&for_another)), (vec![caller, other.clone()], None));
        let anonymous = with(None, Some(&other));
        assert_eq!((of(&anonymous), own_number(&anonymous)), (vec![other], None));
    }
}
