//! What the calendar announces on its own, and what follows for our bookings.
//!
//! An announcement is in the journal until everything that follows from it is on disk. It may come twice, late
//! and in any order: hearing it again changes nothing. One about a booking of ours moves that booking, like an
//! answer would; what it means for slots is in `outside`.

use std::sync::Arc;

use askpro_domain::{
    booking::{Booking, BookingEvent, BookingState, Claim, LookResult, PAST_UIDS_MAX, Standing},
    calendar::{CalendarEvent, GoneBooking, News, SeenBooking},
    ids::{AppointmentId, CompanyId},
    time::UnixMillis,
};

use super::{Announcement, SchedulingActor, SchedulingMessage, actor::Active, heard::Fate};
use crate::{
    ports::stores::{BookingStore, StoreError},
    runtime::Context,
};

impl SchedulingActor {
    /// The calendar announced something, or it is heard again.
    pub(super) fn announced(&mut self, announcement: &Arc<Announcement>, cx: &mut Context<'_, Self>) {
        let event = &announcement.event;
        self.world.unheeded.add(self.company, announcement);
        let own = self.own_booking(event);
        self.heard.released = None;
        self.heed_calendar(event, own.is_some(), cx.now());
        match own {
            Some(appointment) => {
                self.heed_own(&appointment, event, cx);
                self.finish(announcement, Some(appointment), cx);
            }
            None if may_be_ours(event) => self.look_up(announcement, cx),
            None => self.finish(announcement, None, cx),
        }
    }

    /// Announcements that could not be heeded before.
    pub(super) fn heed_again(&mut self, cx: &mut Context<'_, Self>) {
        for announcement in self.heard.take_due(cx.now()) {
            if self.world.unheeded.has(self.company, announcement.position) {
                self.announced(&announcement, cx);
            }
        }
    }

    /// After a panic: what the one before was not done with is heard again.
    pub(super) fn hear_unheeded(&mut self, now: UnixMillis) {
        for announcement in self.world.unheeded.of(self.company) {
            self.heard.hear_again(announcement, now.plus_ms(self.world.settings.record_again_ms));
        }
    }

    /// The booking in memory that an announcement is about: by our id, by its uid, or, while its outcome is
    /// open, by everything else.
    fn own_booking(&self, event: &CalendarEvent) -> Option<AppointmentId> {
        let by_uid = |uid: &str| self.bookings.values().find(|active| has_uid(&active.booking, uid));
        let by_id = |id: &str| self.bookings.get(&AppointmentId(id.to_owned()));
        let found = match &event.news {
            News::Stands(seen) => seen
                .evidence
                .appointment
                .as_deref()
                .and_then(by_id)
                .or_else(|| by_uid(&seen.uid))
                .or_else(|| seen.from_uid.as_deref().and_then(by_uid))
                .or_else(|| self.bookings.values().find(|active| is_open_and_found(&active.booking, seen))),
            News::Gone(gone) => gone.appointment.as_deref().and_then(by_id).or_else(|| by_uid(&gone.uid)),
            News::HostAway { .. } | News::Changed | News::Nothing => None,
        };
        found.map(|active| active.booking.order.appointment.clone())
    }

    fn heed_own(&mut self, appointment: &AppointmentId, event: &CalendarEvent, cx: &mut Context<'_, Self>) {
        let at = event.at.unwrap_or_default();
        match &event.news {
            News::Stands(seen) => self.heed_standing(appointment, seen, at, cx),
            News::Gone(gone) => {
                let uid = gone.uid.clone();
                self.apply(appointment, BookingEvent::CancelledAtCalendar { uid, at }, cx);
            }
            News::HostAway { .. } | News::Changed | News::Nothing => {}
        }
    }

    /// A booking of ours stands: perhaps that is how we hear that it was made at all. What was heard before of
    /// its new uid follows now.
    fn heed_standing(
        &mut self,
        appointment: &AppointmentId,
        seen: &SeenBooking,
        at: UnixMillis,
        cx: &mut Context<'_, Self>,
    ) {
        let (mut seen, mut at) = (seen.clone(), at);
        for _ in 0..=PAST_UIDS_MAX {
            self.heed_link(appointment, &seen, at, cx);
            match self.heard.fate(&seen.uid) {
                None => return,
                Some(Fate::CalledOff { at }) => {
                    let event = BookingEvent::CancelledAtCalendar { uid: seen.uid, at };
                    return self.apply(appointment, event, cx);
                }
                Some(Fate::Moved(next, moved_at)) => (seen, at) = (*next, moved_at),
            }
        }
    }

    fn heed_link(
        &mut self,
        appointment: &AppointmentId,
        seen: &SeenBooking,
        at: UnixMillis,
        cx: &mut Context<'_, Self>,
    ) {
        self.ledger.release_outside(&seen.uid);
        let Some(active) = self.bookings.get(appointment) else { return };
        if let Some(outcome) = self.outcome_of(&active.booking, seen) {
            self.apply(appointment, outcome, cx);
        }
        let standing = Standing {
            uid: seen.uid.clone(),
            from_uid: seen.from_uid.clone(),
            interval: seen.interval,
            host: seen.host,
            at,
        };
        self.apply(appointment, BookingEvent::StandsAtCalendar(standing), cx);
    }

    /// What it means that a booking stands whose outcome was open, or that was given up. It is believed as an
    /// answer or a look would be; one that was given up only by our own id.
    fn outcome_of(&self, booking: &Booking, seen: &SeenBooking) -> Option<BookingEvent> {
        let (uid, host, evidence) = (seen.uid.clone(), seen.host, &seen.evidence);
        let (order, submitted_at) = (&booking.order, booking.submitted_at);
        match booking.state {
            BookingState::Submitted { .. } if evidence.claim(order, submitted_at) == Claim::Ours => {
                Some(BookingEvent::Confirmed { uid, host })
            }
            BookingState::Unknown { .. } if evidence.is_found(order, submitted_at) => {
                Some(BookingEvent::Looked(LookResult::Found { uid, host }))
            }
            BookingState::Abandoned | BookingState::Refused { .. } | BookingState::Conflict { .. }
                if evidence.appointment.as_deref() == Some(order.appointment.as_str())
                    && !self.heard.is_over(&uid) =>
            {
                Some(BookingEvent::Surfaced { uid })
            }
            _ => None,
        }
    }

    /// Whether it is a booking of an earlier life is known to the store, once it has every move that was made before
    /// the announcement came: one that is on its way there may be of this very booking.
    fn look_up(&mut self, announcement: &Arc<Announcement>, cx: &mut Context<'_, Self>) {
        let (store, company) = (self.world.store.clone(), self.company);
        let pending = self.world.pending.clone();
        let (announcement, again) = (announcement.clone(), announcement.clone());
        let released = self.heard.released.take();
        let find = async move {
            let on_disk = match released {
                Some(released) => released.await.is_ok(),
                None => true,
            };
            let may_be_on_its_way = pending.has_move_before(company, announcement.position);
            let found = find_ours(store.as_ref(), company, &announcement.event).await;
            let found = found.ok().filter(|found| on_disk && (found.is_some() || !may_be_on_its_way));
            let found = found.map(|booking| booking.map(Box::new));
            SchedulingMessage::AnnouncedFound { announcement, found }
        };
        cx.start(find, || SchedulingMessage::AnnouncedFound { announcement: again, found: None });
    }

    pub(super) fn announced_found(
        &mut self,
        announcement: &Arc<Announcement>,
        found: Option<&Option<Box<Booking>>>,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(found) = found else { return self.again_later(announcement, cx) };
        let Some(booking) = found else { return self.finish(announcement, None, cx) };
        let appointment = booking.order.appointment.clone();
        let active = || Active { call_finished: true, ..Active::of((**booking).clone()) };
        self.bookings.entry(appointment.clone()).or_insert_with(active);
        self.heard.released = None;
        self.heed_own(&appointment, &announcement.event, cx);
        self.forget_if_done(&appointment, cx.now());
        self.finish(announcement, Some(appointment), cx);
    }

    /// The record of an announcement may go when all that follows from it is on disk.
    fn finish(
        &mut self,
        announcement: &Arc<Announcement>,
        appointment: Option<AppointmentId>,
        cx: &mut Context<'_, Self>,
    ) {
        let active = appointment.as_ref().and_then(|appointment| self.bookings.get(appointment));
        if active.is_some_and(|active| active.unrecorded.is_some()) {
            return self.again_later(announcement, cx);
        }
        let moved = active.and_then(|active| active.written_ahead.0.clone());
        let released = self.heard.released.take();
        if moved.is_none() && released.is_none() {
            let (world, company, position) = (self.world.clone(), self.company, announcement.position);
            return cx.effect(move || {
                if world.unheeded.take(company, position) {
                    world.outstanding.done(&[position]);
                }
            });
        }
        let (announcement, lost) = (announcement.clone(), announcement.clone());
        let (of, lost_of) = (appointment.clone(), appointment);
        let wait = async move {
            let moved = match moved {
                Some(moved) => moved.await.is_ok(),
                None => true,
            };
            let released = match released {
                Some(released) => released.await.is_ok(),
                None => true,
            };
            SchedulingMessage::Heeded { announcement, appointment: of, is_durable: moved && released }
        };
        cx.start(wait, || SchedulingMessage::Heeded {
            announcement: lost,
            appointment: lost_of,
            is_durable: false,
        });
    }

    /// What the disk did not take is written once more, and the announcement is heard again.
    pub(super) fn heeded(
        &mut self,
        announcement: &Arc<Announcement>,
        appointment: Option<&AppointmentId>,
        is_durable: bool,
        cx: &mut Context<'_, Self>,
    ) {
        if is_durable {
            if self.world.unheeded.take(self.company, announcement.position) {
                self.world.outstanding.done(&[announcement.position]);
            }
            return;
        }
        let active = appointment.and_then(|appointment| self.bookings.get(appointment));
        if let Some(booking) = active.map(|active| active.booking.clone()) {
            self.record(&booking, &[], cx);
        }
        self.again_later(announcement, cx);
    }

    fn again_later(&mut self, announcement: &Arc<Announcement>, cx: &mut Context<'_, Self>) {
        let at = cx.now().plus_ms(self.world.settings.record_again_ms);
        self.heard.hear_again(announcement.clone(), at);
    }
}

/// Whether an announcement may be about a booking of ours that is not in memory.
fn may_be_ours(event: &CalendarEvent) -> bool {
    match &event.news {
        News::Stands(seen) => {
            seen.evidence.appointment.is_some() || seen.from_uid.is_some() || !seen.freed_hosts.is_empty()
        }
        News::Gone(_) => true,
        News::HostAway { .. } | News::Changed | News::Nothing => false,
    }
}

/// By our id, by the uid, by the uid before.
async fn find_ours(
    store: &dyn BookingStore,
    company: CompanyId,
    event: &CalendarEvent,
) -> Result<Option<Booking>, StoreError> {
    let (appointment, uids) = match &event.news {
        News::Stands(seen) => {
            (seen.evidence.appointment.clone(), vec![Some(seen.uid.clone()), seen.from_uid.clone()])
        }
        News::Gone(gone) => {
            let GoneBooking { uid, appointment, .. } = &**gone;
            (appointment.clone(), vec![Some(uid.clone())])
        }
        News::HostAway { .. } | News::Changed | News::Nothing => return Ok(None),
    };
    if let Some(appointment) = appointment
        && let Some(booking) = store.find(company, &AppointmentId(appointment)).await?
    {
        return Ok(Some(booking));
    }
    for uid in uids.into_iter().flatten() {
        if let Some(booking) = store.find_by_uid(company, &uid).await? {
            return Ok(Some(booking));
        }
    }
    Ok(None)
}

fn has_uid(booking: &Booking, uid: &str) -> bool {
    let was = booking.announced.as_ref().is_some_and(|a| a.past_uids.iter().any(|past| past == uid));
    was || booking.uid() == Some(uid)
}

fn is_open_and_found(booking: &Booking, seen: &SeenBooking) -> bool {
    booking.status().is_open() && seen.evidence.is_found(&booking.order, booking.submitted_at)
}
