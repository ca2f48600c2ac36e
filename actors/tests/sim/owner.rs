//! What others do at the calendar, and what the calendar announces: late, twice, in another order, or not at all.

use askpro_domain::{
    calendar::{CalendarEvent, GoneBooking, News, SeenBooking},
    ids::CompanyId,
    time::UnixMillis,
};

use crate::{
    calendar::{Booked, Canceller},
    companies,
    world::{Act, TRIES_MAX, World},
};

impl World {
    /// The calendar announces what was booked there, late, twice or in another order.
    pub(crate) fn announce_news(&mut self) {
        let news = std::mem::take(&mut self.requests.outside().news);
        for booked in news {
            let with_metadata = self.dice.percent(85);
            if self.dice.percent(60) {
                self.plan_announcement(&stands(&booked, with_metadata), booked.company);
            }
        }
    }

    pub(crate) fn plan_announcement(&mut self, event: &CalendarEvent, company: CompanyId) {
        for _ in 0..=self.dice.below(5) / 4 {
            let after = if self.dice.percent(80) { self.dice.between(50, 3_000) } else { self.late() };
            self.in_ms(after, Act::Announce { company, event: Box::new(event.clone()), tries: 0 });
        }
    }

    pub(crate) fn announce(&mut self, company: CompanyId, event: Box<CalendarEvent>, tries: u32) {
        if self.disk_is_slow {
            return self.in_ms(500, Act::Announce { company, event, tries });
        }
        let taken = self.rig.take_announcement(company, &event);
        self.note(format_args!("announced {} {:?} {}", event.name, event.uid, taken.is_ok()));
        if taken.is_err() && tries < TRIES_MAX {
            self.in_ms(9_000, Act::Announce { company, event, tries: tries + 1 });
        }
    }

    pub(crate) fn book_outside(&mut self, shop: usize) {
        let (company, now) = (self.shops[shop].id, self.now());
        let booked = {
            let mut outside = self.requests.outside();
            let types = outside.calendar.types_of(company);
            let Some(event_type) = self.dice.pick(&types).copied() else { return };
            let start = companies::at(self.today, (9 + self.dice.between(0, 9)) * 60);
            if start < now {
                return;
            }
            outside.calendar.book_outside(event_type, start, now)
        };
        let Some(booked) = booked else { return };
        self.note(format_args!("outside {} {:?}", booked.uid, booked.interval));
        if self.dice.percent(85) {
            self.plan_announcement(&stands(&booked, true), company);
        }
    }

    /// The owner moves a booking at the calendar, which gives it another uid.
    pub(crate) fn move_at_calendar(&mut self, shop: usize) {
        let (company, now) = (self.shops[shop].id, self.now());
        let moved = {
            let mut outside = self.requests.outside();
            let of_shop = outside.calendar.standing().filter(|booked| booked.company == company);
            let uids: Vec<String> = of_shop.map(|booked| booked.uid.clone()).collect();
            let Some(uid) = self.dice.pick(&uids).cloned() else { return };
            let later_ms = self.dice.between(1, 6) * 3_600_000;
            outside.calendar.reschedule(&uid, later_ms, now).map(|moved| (uid, moved))
        };
        let Some((from_uid, booked)) = moved else { return };
        self.note(format_args!("moved {from_uid} to {} {:?}", booked.uid, booked.interval));
        let mut event = stands(&booked, true);
        event.name = "BOOKING_RESCHEDULED".to_owned();
        event.dedup_key = format!("rescheduled:{}", booked.uid);
        if let News::Stands(seen) = &mut event.news {
            seen.from_uid = Some(from_uid);
        }
        self.plan_announcement(&event, company);
    }

    /// The owner calls a confirmed booking off at the calendar.
    pub(crate) fn cancel_at_calendar(&mut self, shop: usize) {
        let (company, now) = (self.shops[shop].id, self.now());
        let cancelled = {
            let mut outside = self.requests.outside();
            let of_shop = outside.calendar.standing().filter(|booked| booked.company == company);
            let uids: Vec<String> = of_shop.map(|booked| booked.uid.clone()).collect();
            let Some(uid) = self.dice.pick(&uids).cloned() else { return };
            outside.calendar.cancel(&uid, Canceller::Owner)
        };
        let Some(booked) = cancelled else { return };
        self.note(format_args!("called off {}", booked.uid));
        self.plan_announcement(&gone(&booked, now), company);
    }
}

fn stands(booked: &Booked, with_metadata: bool) -> CalendarEvent {
    CalendarEvent {
        name: "BOOKING_CREATED".to_owned(),
        dedup_key: format!("created:{}", booked.uid),
        uid: Some(booked.uid.clone()),
        at: Some(booked.made_at),
        news: News::Stands(Box::new(SeenBooking {
            uid: booked.uid.clone(),
            from_uid: None,
            interval: booked.interval,
            host: Some(booked.host),
            freed_hosts: Vec::new(),
            seated: false,
            evidence: booked.evidence(with_metadata),
        })),
    }
}

fn gone(booked: &Booked, at: UnixMillis) -> CalendarEvent {
    CalendarEvent {
        name: "BOOKING_CANCELLED".to_owned(),
        dedup_key: format!("cancelled:{}", booked.uid),
        uid: Some(booked.uid.clone()),
        at: Some(at),
        news: News::Gone(Box::new(GoneBooking {
            uid: booked.uid.clone(),
            appointment: booked.order.as_ref().map(|order| order.appointment.as_str().to_owned()),
            event_type_id: Some(booked.event_type_id),
            host: Some(booked.host),
        })),
    }
}
