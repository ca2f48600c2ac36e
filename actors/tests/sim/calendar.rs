//! A calendar with everybody's bookings: what it offers, takes, finds and cancels, at the moment it does so.
//!
//! Written from the vendor's documentation alone. Between its look whether a host is free and its writing of the
//! booking lies a gap, as in life: two orders for the same member of staff that come at once are both taken. Who
//! must not let that happen is the service. It knows nothing of requests and time-outs: those are in `requests`.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::{
    booking::{BookingOrder, Contact, Evidence},
    ids::CompanyId,
    time::{Interval, UnixMillis},
};

/// How long slot lists are kept (`SLOTS_CACHE_TTL`).
const CACHE_MS: i64 = 2_000;
/// The longest booking, for the search of overlaps.
const LONGEST_MS: i64 = 4 * 3_600_000;

/// What can be booked.
#[derive(Debug, Clone)]
pub(crate) struct EventType {
    pub(crate) company: CompanyId,
    pub(crate) hosts: Vec<i64>,
    pub(crate) minutes: i64,
    pub(crate) starts: BTreeSet<UnixMillis>,
}

/// A booking.
#[derive(Debug, Clone)]
pub(crate) struct Booked {
    pub(crate) uid: String,
    pub(crate) company: CompanyId,
    pub(crate) event_type_id: i64,
    pub(crate) host: i64,
    pub(crate) interval: Interval,
    pub(crate) order: Option<BookingOrder>,
    pub(crate) made_at: UnixMillis,
    pub(crate) cancelled_by: Option<Canceller>,
}

/// Who cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Canceller {
    Service,
    Owner,
}

/// A host that was free when it was looked, or that nobody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A member's own type: free when looked at.
    Free(i64),
    /// Of a pool: whom it was chosen for. When it is written he must not have the very same slot; where he is not free
    /// for another reason somebody else is taken.
    FreeInPool(i64),
    Nobody,
}

/// What came of an order at the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    Booked {
        uid: String,
        host: i64,
    },
    /// The same person has the same slot by another order.
    HasIt,
    Taken,
    /// Of a pool nobody is free: it answers like a server that fails.
    PoolEmpty,
    /// The very slot of the host that was seen to be free was given away in between.
    HostRaced,
}

#[derive(Debug, Default)]
pub(crate) struct Calendar {
    types: BTreeMap<i64, EventType>,
    booked: Vec<Booked>,
    by_host: BTreeMap<i64, BTreeMap<(UnixMillis, usize), usize>>,
    by_order: BTreeMap<String, Vec<usize>>,
    cache: BTreeMap<(i64, Interval), (UnixMillis, BTreeSet<UnixMillis>)>,
}

impl Calendar {
    pub(crate) fn offer(&mut self, id: i64, event_type: EventType) {
        self.types.insert(id, event_type);
    }

    pub(crate) fn types_of(&self, company: CompanyId) -> Vec<i64> {
        self.types.iter().filter(|(_, t)| t.company == company).map(|(id, _)| *id).collect()
    }

    pub(crate) fn bookings(&self) -> &[Booked] {
        &self.booked
    }

    pub(crate) fn standing(&self) -> impl Iterator<Item = &Booked> {
        self.booked.iter().filter(|booked| booked.cancelled_by.is_none())
    }

    pub(crate) fn is_free(&self, host: i64, interval: Interval) -> bool {
        self.overlapping(host, interval).next().is_none()
    }

    fn overlapping(&self, host: i64, interval: Interval) -> impl Iterator<Item = &Booked> {
        let from = (interval.start().plus_ms(-LONGEST_MS), 0);
        let near = self.by_host.get(&host).into_iter();
        let near = near.flat_map(move |of_host| of_host.range(from..(interval.end(), 0)));
        let near = near.filter_map(|(_, place)| self.booked.get(*place));
        near.filter(move |booked| booked.cancelled_by.is_none() && booked.interval.overlaps(interval))
    }

    fn interval_of(&self, id: i64, start: UnixMillis) -> Option<Interval> {
        Interval::new(start, start.plus_ms(self.types.get(&id)?.minutes * 60_000))
    }

    /// Starts that are offered in a window; up to [`CACHE_MS`] old.
    pub(crate) fn slots(&mut self, id: i64, window: Interval, now: UnixMillis) -> BTreeSet<UnixMillis> {
        if let Some((at, starts)) = self.cache.get(&(id, window))
            && now.since(*at) < CACHE_MS
        {
            return starts.clone();
        }
        let starts: BTreeSet<UnixMillis> = self.free_starts(id, window, now);
        self.cache.insert((id, window), (now, starts.clone()));
        starts
    }

    /// Starts that are free this very moment.
    pub(crate) fn free_starts(&self, id: i64, window: Interval, now: UnixMillis) -> BTreeSet<UnixMillis> {
        let Some(event_type) = self.types.get(&id) else { return BTreeSet::new() };
        let from = window.start().max(now);
        let starts = event_type.starts.iter().filter(|start| from <= **start && **start < window.end());
        let is_free = |start: &UnixMillis| {
            let interval = self.interval_of(id, *start);
            interval.is_some_and(|i| event_type.hosts.iter().any(|host| self.is_free(*host, i)))
        };
        starts.copied().filter(is_free).collect()
    }

    /// Hosts of a type that are free at a time.
    pub(crate) fn free_hosts(&self, id: i64, interval: Interval) -> Vec<i64> {
        let hosts = self.types.get(&id).map(|t| t.hosts.clone()).unwrap_or_default();
        hosts.into_iter().filter(|host| self.is_free(*host, interval)).collect()
    }

    /// The first half of an order: looks whether somebody is free.
    pub(crate) fn look_at(&self, order: &BookingOrder) -> Seen {
        let free = self.free_hosts(order.event_type_id, order.interval);
        let is_pool = self.types.get(&order.event_type_id).is_some_and(|t| t.hosts.len() > 1);
        match free.first() {
            None => Seen::Nobody,
            Some(host) if is_pool => Seen::FreeInPool(*host),
            Some(host) => Seen::Free(*host),
        }
    }

    /// The second half: writes it, for the host that was seen to be free. Only what is identical is refused, and
    /// what somebody else than a named order of ours has taken since.
    pub(crate) fn write(
        &mut self,
        order: &BookingOrder,
        seen: Seen,
        pick: usize,
        now: UnixMillis,
    ) -> Written {
        if let Some(standing) = self.same_person_has(order) {
            let is_same = standing.order.as_ref().is_some_and(|o| o.appointment == order.appointment);
            let (uid, host) = (standing.uid.clone(), standing.host);
            return if is_same { Written::Booked { uid, host } } else { Written::HasIt };
        }
        let host = match seen {
            Seen::Nobody if order.staff.is_none() => return Written::PoolEmpty,
            Seen::Nobody => return Written::Taken,
            Seen::FreeInPool(host) if self.has_identical(host, order.interval) => return Written::HostRaced,
            Seen::FreeInPool(host) if self.is_free(host, order.interval) => host,
            Seen::FreeInPool(_) => {
                let free = self.free_hosts(order.event_type_id, order.interval);
                let Some(host) = free.get(pick % free.len().max(1)) else { return Written::PoolEmpty };
                *host
            }
            Seen::Free(host) => {
                let raced = self.overlapping(host, order.interval).all(is_named);
                if self.has_identical(host, order.interval) {
                    return Written::HostRaced;
                }
                if !raced {
                    return Written::Taken;
                }
                host
            }
        };
        let uid =
            self.insert(order.company, order.event_type_id, host, order.interval, Some(order.clone()), now);
        Written::Booked { uid, host }
    }

    fn has_identical(&self, host: i64, interval: Interval) -> bool {
        self.overlapping(host, interval).any(|booked| booked.interval == interval)
    }

    /// On a pool's type the same person with the same start is given the booking that is there.
    fn same_person_has(&self, order: &BookingOrder) -> Option<&Booked> {
        let hosts = self.types.get(&order.event_type_id).map(|t| t.hosts.as_slice()).unwrap_or_default();
        if hosts.len() < 2 {
            return None;
        }
        let overlapping = hosts.iter().flat_map(|host| self.overlapping(*host, order.interval));
        let mut same = overlapping.filter(|b| {
            b.event_type_id == order.event_type_id
                && b.interval.start() == order.interval.start()
                && b.order.as_ref().is_some_and(|o| o.attendee.phone == order.attendee.phone)
        });
        same.next()
    }

    /// Somebody books past us, if the host is free.
    pub(crate) fn book_outside(&mut self, id: i64, start: UnixMillis, now: UnixMillis) -> Option<Booked> {
        let interval = self.interval_of(id, start)?;
        let host = *self.free_hosts(id, interval).first()?;
        let company = self.types.get(&id)?.company;
        let uid = self.insert(company, id, host, interval, None, now);
        self.booked.iter().find(|booked| booked.uid == uid).cloned()
    }

    fn insert(
        &mut self,
        company: CompanyId,
        event_type_id: i64,
        host: i64,
        interval: Interval,
        order: Option<BookingOrder>,
        now: UnixMillis,
    ) -> String {
        let place = self.booked.len();
        let uid = format!("uid_{place}");
        self.by_host.entry(host).or_default().insert((interval.start(), place), place);
        if let Some(order) = &order {
            self.by_order.entry(order.appointment.as_str().to_owned()).or_default().push(place);
        }
        let (made_at, cancelled_by) = (now, None);
        let booked = Booked { uid, company, event_type_id, host, interval, order, made_at, cancelled_by };
        let uid = booked.uid.clone();
        self.booked.push(booked);
        uid
    }

    /// Moves what stands, if its host is free then. Gives what it has become.
    pub(crate) fn reschedule(&mut self, uid: &str, later_ms: i64, now: UnixMillis) -> Option<Booked> {
        let old = self.standing().find(|booked| booked.uid == uid)?.clone();
        let (start, end) = (old.interval.start().plus_ms(later_ms), old.interval.end().plus_ms(later_ms));
        let interval = Interval::new(start, end).filter(|interval| self.is_free(old.host, *interval))?;
        self.cancel(uid, Canceller::Owner);
        let uid = self.insert(old.company, old.event_type_id, old.host, interval, old.order, now);
        self.booked.iter().find(|booked| booked.uid == uid).cloned()
    }

    /// Cancels what stands. Gives what it was.
    pub(crate) fn cancel(&mut self, uid: &str, by: Canceller) -> Option<Booked> {
        let mut standing = self.booked.iter_mut().filter(|booked| booked.cancelled_by.is_none());
        let booked = standing.find(|booked| booked.uid == uid)?;
        booked.cancelled_by = Some(by);
        Some(booked.clone())
    }

    /// The standing booking with our metadata.
    pub(crate) fn find(&self, order: &BookingOrder) -> Option<&Booked> {
        let places = self.by_order.get(order.appointment.as_str()).into_iter().flatten();
        let mut made = places.filter_map(|place| self.booked.get(*place));
        made.find(|booked| booked.cancelled_by.is_none())
    }
}

fn is_named(booked: &Booked) -> bool {
    booked.order.as_ref().is_some_and(|order| order.staff.is_some())
}

impl Booked {
    /// What the calendar shows of where it comes from. Without metadata, what the form had.
    pub(crate) fn evidence(&self, with_metadata: bool) -> Evidence {
        let order = self.order.as_ref();
        Evidence {
            appointment: order.filter(|_| with_metadata).map(|o| o.appointment.as_str().to_owned()),
            start: Some(self.interval.start()),
            event_type_id: Some(self.event_type_id),
            contacts: order.and_then(|o| o.attendee.phone.clone()).into_iter().map(Contact::Phone).collect(),
            created_at: Some(self.made_at),
        }
    }
}
