//! The book itself.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use askpro_domain::{
    booking::{Booking, BookingState},
    customer::{Card, Known, Person, Upcoming, own_number, owners, row_of, same_person},
    ids::{CompanyId, CustomerId},
    phone::PhoneNumber,
    tenant::Company,
    time::UnixMillis,
};
use dashmap::DashMap;

use crate::ports::{rows::CustomerRow, stores::StoredCustomer};

/// The customers of all companies. Cheap to clone.
#[derive(Clone, Default)]
pub struct CustomerBook {
    pages: Arc<DashMap<Number, Page>>,
    /// The import whose customers are in it.
    pub(super) import_version: Arc<AtomicI64>,
}

/// A number in a company: the digits of its E.164, which begins with no zero and has 15 at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Number {
    company: CompanyId,
    digits: u64,
}

#[derive(Debug, Default)]
struct Page {
    people: Vec<Person>,
    upcoming: Vec<Upcoming>,
}

impl Number {
    fn of(company: CompanyId, phone: &PhoneNumber) -> Self {
        let digits = phone.as_str().bytes().filter(u8::is_ascii_digit);
        Self { company, digits: digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')) }
    }
}

impl CustomerBook {
    /// What is known of a number.
    #[must_use]
    pub fn card(&self, company: CompanyId, phone: &PhoneNumber, now: UnixMillis) -> Card {
        self.pages.get(&Number::of(company, phone)).map(|page| page.card(now)).unwrap_or_default()
    }

    /// A booking moved, and the move is in the journal. An older move than the newest known changes nothing.
    pub fn note(&self, booking: &Booking, company: Option<&Company>, now: UnixMillis) {
        self.note_appointment(booking, &Upcoming::of(booking, company), now);
        if let Some(row) = self.row_of(booking, company) {
            let mut page = self.pages.entry(Number::of(row.company, &row.phone)).or_default();
            page.meet(row.id, &row.name);
        }
    }

    /// The appointment alone: whom it made a customer is in the database already.
    pub(super) fn note_appointment(&self, booking: &Booking, upcoming: &Upcoming, now: UnixMillis) {
        for phone in owners(&booking.order) {
            let mut page = self.pages.entry(Number::of(booking.order.company, phone)).or_default();
            page.note(upcoming, now);
        }
    }

    /// The row that a confirmed booking makes of its caller.
    #[must_use]
    pub fn row_of(&self, booking: &Booking, company: Option<&Company>) -> Option<CustomerRow> {
        let BookingState::Confirmed { .. } = booking.state else { return None };
        let (order, phone) = (&booking.order, own_number(&booking.order)?);
        let name = &order.attendee.name;
        let page = self.pages.get(&Number::of(order.company, phone));
        let people = page.as_ref().map_or(&[][..], |page| page.people.as_slice());
        Some(CustomerRow {
            company: order.company,
            id: row_of(people, name, phone, company?),
            name: name.clone(),
            phone: phone.clone(),
            email: order.attendee.email.clone(),
        })
    }

    /// A customer as the database has it; its name is the one that counts.
    pub(super) fn learn(&self, customer: &StoredCustomer) {
        let (place, Some(phone)) = (customer.place, &customer.phone) else { return };
        let mut page = self.pages.entry(Number::of(place.company, phone)).or_default();
        page.people.retain(|person| person.id != place.customer);
        page.meet(place.customer, &customer.name);
    }

    /// Forgets appointments that are past, and numbers of which nothing is known any more.
    pub fn forget_past(&self, now: UnixMillis) {
        self.pages.retain(|_, page| {
            page.upcoming.retain(|upcoming| upcoming.lies_ahead(now));
            page.upcoming.shrink_to_fit();
            !page.people.is_empty() || !page.upcoming.is_empty()
        });
    }

    /// How many numbers are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether it has no number at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The import whose customers are in it.
    #[must_use]
    pub fn import_version(&self) -> i64 {
        self.import_version.load(Ordering::SeqCst)
    }
}

impl Page {
    fn card(&self, now: UnixMillis) -> Card {
        let mut upcoming: Vec<Upcoming> =
            self.upcoming.iter().filter(|upcoming| upcoming.lies_ahead(now)).cloned().collect();
        upcoming.sort_by(|a, b| (a.interval, &a.appointment).cmp(&(b.interval, &b.appointment)));
        Card { known: self.known(), upcoming }
    }

    fn known(&self) -> Known {
        match self.people.as_slice() {
            [] => Known::Nobody,
            [first, others @ ..] if others.iter().all(|other| same_person(&first.name, &other.name)) => {
                Known::One(first.name.to_string())
            }
            _ => Known::Several,
        }
    }

    /// What does not lie ahead is kept as well until it is past: an older move must not bring it back.
    fn note(&mut self, upcoming: &Upcoming, now: UnixMillis) {
        if upcoming.interval.end() <= now {
            return;
        }
        match self.upcoming.iter_mut().find(|known| known.appointment == upcoming.appointment) {
            Some(known) if known.version < upcoming.version => *known = upcoming.clone(),
            Some(_) => {}
            None => self.upcoming.push(upcoming.clone()),
        }
    }

    fn meet(&mut self, id: CustomerId, name: &str) {
        if self.people.iter().all(|person| person.id != id) {
            self.people.reserve_exact(1);
            self.people.push(Person { id, name: name.into() });
        }
    }
}

#[cfg(test)]
pub(super) const PAGE_BYTES: usize = size_of::<(Number, Page)>();
