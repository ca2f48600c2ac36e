//! What the calendar announces on its own, and what follows for our bookings.
//!
//! An announcement is in the journal until everything that follows from it is on disk. It may come twice, late
//! and in any order: hearing it again changes nothing. One about a booking of ours moves that booking, like an
//! answer would; what it means for slots is in `outside`.

use std::sync::Arc;

use askpro_domain::{
    booking::{Booking, BookingEvent, BookingState, LookResult, PAST_UIDS_MAX, Standing},
    calendar::{CalendarEvent, GoneBooking, News, SeenBooking},
    ids::{AppointmentId, CompanyId},
    time::UnixMillis,
};

use super::{Announcement, SchedulingActor, SchedulingMessage, heard::Fate};
use crate::{
    ports::{
        stores::{BookingStore, StoreError},
        unreadable::{Table, tell_unreadable},
    },
    runtime::Context,
};

/// What the calendar says of a booking.
pub(super) enum Word {
    /// It means this.
    Means(BookingEvent),
    /// It stands there, since then by the calendar's clock; what that means depends on where the booking was before.
    Stands(Box<SeenBooking>, UnixMillis),
}

impl SchedulingActor {
    /// The calendar announced something, or it is heard again.
    pub(super) fn announced(&mut self, announcement: &Arc<Announcement>, cx: &mut Context<'_, Self>) {
        let event = &announcement.event;
        self.world.unheeded.add(self.company, announcement);
        let own = self.own_booking(event);
        self.heard.released = None;
        self.heed_calendar(event, own.is_some(), cx);
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
            News::Stands(seen) => {
                self.hear_out(appointment, vec![Word::Stands(seen.clone(), at)], &seen.uid, cx);
            }
            News::Gone(gone) => self.heed_end(appointment, gone, at, cx),
            News::HostAway { .. } | News::Changed | News::Nothing => {}
        }
    }

    /// A booking of ours was called off: perhaps that is how we hear that it was made at all.
    fn heed_end(
        &mut self,
        appointment: &AppointmentId,
        gone: &GoneBooking,
        at: UnixMillis,
        cx: &mut Context<'_, Self>,
    ) {
        let Some(active) = self.bookings.get(appointment) else { return };
        let interval = active.booking.order.interval;
        let (uid, host) = (gone.uid.clone(), gone.host);
        let made = Standing { uid: uid.clone(), from_uid: None, interval, host, at };
        let is_proof = proves_it_was_made(gone, &active.booking);
        let made = is_proof.then_some(Word::Means(BookingEvent::Confirmed(made)));
        let over = Word::Means(BookingEvent::CancelledAtCalendar { uid, at });
        self.hear_out(appointment, made.into_iter().chain([over]).collect(), &gone.uid, cx);
    }

    /// Takes over what the calendar says of a booking, and with it what was heard of this uid before anybody knew
    /// whose it is.
    pub(super) fn hear_out(
        &mut self,
        appointment: &AppointmentId,
        mut words: Vec<Word>,
        uid: &str,
        cx: &mut Context<'_, Self>,
    ) {
        words.extend(self.heard_of(uid));
        self.apply_all(appointment, words, cx);
    }

    fn heard_of(&self, uid: &str) -> Vec<Word> {
        let (mut words, mut uid) = (Vec::new(), uid.to_owned());
        for _ in 0..=PAST_UIDS_MAX {
            match self.heard.fate(&uid) {
                None => break,
                Some(Fate::CalledOff { at }) => {
                    words.push(Word::Means(BookingEvent::CancelledAtCalendar { uid, at }));
                    break;
                }
                Some(Fate::Moved(next, at)) => {
                    uid.clone_from(&next.uid);
                    words.push(Word::Stands(next, at));
                }
            }
        }
        words
    }

    /// What a word means for a booking as it is by then.
    pub(super) fn meaning_of(&mut self, word: Word, booking: &Booking) -> BookingEvent {
        let (seen, at) = match word {
            Word::Means(event) => return event,
            Word::Stands(seen, at) => (seen, at),
        };
        self.ledger.release_outside(&seen.uid);
        let standing = Standing {
            uid: seen.uid.clone(),
            from_uid: seen.from_uid.clone(),
            interval: seen.interval,
            host: seen.host,
            at,
        };
        self.meaning_of_standing(standing, &seen, booking)
    }

    /// What it means that a booking stands. One whose outcome was open, or that was given up, is believed as a look
    /// would be, wherever it was moved to since; one that was given up only by our own id.
    fn meaning_of_standing(&self, standing: Standing, seen: &SeenBooking, booking: &Booking) -> BookingEvent {
        let (order, evidence) = (&booking.order, &seen.evidence);
        let is_found = evidence.is_found(order, booking.submitted_at);
        match booking.state {
            BookingState::Submitted { .. } if is_found => BookingEvent::Confirmed(standing),
            BookingState::Unknown { .. } if is_found => BookingEvent::Looked(LookResult::Found(standing)),
            BookingState::Abandoned | BookingState::Refused { .. } | BookingState::Conflict { .. }
                if names(evidence.appointment.as_deref(), booking) && !self.heard.is_over(&seen.uid) =>
            {
                BookingEvent::Surfaced { uid: standing.uid }
            }
            _ => BookingEvent::StandsAtCalendar(standing),
        }
    }

    /// Whether it is a booking of an earlier life is known to the store. What it has is believed once no move of that
    /// booking's call is on its way there, which may be a newer one; that it has none, once it has every move that was
    /// made before the announcement came, which may be of this very booking.
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
            let on_the_way = pending.moves_of(company);
            let found = find_ours(store.as_ref(), company, &announcement.event).await;
            let is_behind = |found: &Option<Booking>| match found {
                Some(booking) => on_the_way.iter().any(|(_, call_id)| *call_id == booking.order.call_id),
                None => on_the_way.iter().any(|(position, _)| *position < announcement.position),
            };
            let found = found.ok().filter(|found| on_disk && !is_behind(found));
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
        self.restore_stored(booking, cx);
        self.heard.released = None;
        self.heed_own(&appointment, &announcement.event, cx);
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
        && let Some(booking) = readable(store.find(company, &AppointmentId(appointment)).await)?
    {
        return Ok(Some(booking));
    }
    for uid in uids.into_iter().flatten() {
        if let Some(booking) = readable(store.find_by_uid(company, &uid).await)? {
            return Ok(Some(booking));
        }
    }
    Ok(None)
}

/// A booking whose row cannot be read is nobody's here: asked for it again, the store would say the same for ever, and
/// the record of the announcement would stay in the journal. The slot is taken as one from outside.
fn readable(found: Result<Option<Booking>, StoreError>) -> Result<Option<Booking>, StoreError> {
    match found {
        Err(unreadable @ StoreError::Corrupt(_)) => {
            tell_unreadable(Table::Appointments, &unreadable);
            Ok(None)
        }
        found => found,
    }
}

/// Whether what was called off is what the open POST of a booking made. Of several it may have been an earlier one.
fn proves_it_was_made(gone: &GoneBooking, booking: &Booking) -> bool {
    let posted_once =
        matches!(booking.state, BookingState::Submitted { post: 1 } | BookingState::Unknown { post: 1, .. });
    posted_once && names(gone.appointment.as_deref(), booking)
}

/// Whether this is our id of a booking.
fn names(id: Option<&str>, booking: &Booking) -> bool {
    id == Some(booking.order.appointment.as_str())
}

fn has_uid(booking: &Booking, uid: &str) -> bool {
    let was = booking.announced.as_ref().is_some_and(|a| a.past_uids.iter().any(|past| past == uid));
    was || booking.uid() == Some(uid)
}

fn is_open_and_found(booking: &Booking, seen: &SeenBooking) -> bool {
    booking.status().is_open() && seen.evidence.is_found(&booking.order, booking.submitted_at)
}
