//! What announcements mean for slots: bookings that somebody made past us take times away, bookings that are
//! gone and hosts who are away change what the calendar offers.

use std::collections::{BTreeMap, BTreeSet};

use askpro_domain::{
    booking::Booking,
    calendar::{CalendarEvent, GoneBooking, News, SeenBooking},
    ids::{CallId, StaffId},
    slots::{Hold, OutsideBooking, Sight, Target},
    tenant::{Company, Service},
    time::UnixMillis,
};

use super::{
    SchedulingActor, actor::Offer, heard::Fate, mirror::Mirror, plan::candidates, restore::hold_state_of,
};
use crate::runtime::Context;

/// Where an offer is looked up to see whether it still has room.
struct Eyes<'a> {
    mirror: &'a Mirror,
    offers: &'a BTreeMap<CallId, Offer>,
    company: Option<&'a Company>,
    age_ms_max: i64,
    now: UnixMillis,
}

impl SchedulingActor {
    /// Takes over what an announcement says of slots. A booking of ours is in the ledger already.
    pub(super) fn heed_calendar(&mut self, event: &CalendarEvent, is_own: bool, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        match &event.news {
            News::Stands(seen) => self.heed_seen(seen, event.at, is_own, cx),
            News::Gone(gone) => self.heed_gone(gone, event.at, now),
            News::HostAway { host } => self.mark_changed(None, &[*host], now),
            News::Changed => self.mirror.mark_all_changed(now),
            News::Nothing => {}
        }
    }

    fn heed_gone(&mut self, gone: &GoneBooking, at: Option<UnixMillis>, now: UnixMillis) {
        self.heard.remember(&gone.uid, Fate::CalledOff { at: at.unwrap_or_default() });
        self.ledger.release_outside(&gone.uid);
        self.mark_changed(gone.event_type_id, gone.host.as_slice(), now);
    }

    fn heed_seen(
        &mut self,
        seen: &SeenBooking,
        at: Option<UnixMillis>,
        is_own: bool,
        cx: &mut Context<'_, Self>,
    ) {
        let now = cx.now();
        let hosts: Vec<i64> = seen.host.iter().chain(&seen.freed_hosts).copied().collect();
        self.mark_changed(seen.evidence.event_type_id, &hosts, now);
        if let Some(from) = seen.from_uid.as_ref().filter(|from| **from != seen.uid) {
            self.heard.remember(from, Fate::Moved(Box::new(seen.clone()), at.unwrap_or_default()));
            self.ledger.release_outside(from);
        }
        let takes_time = !is_own && !seen.seated && !self.heard.is_over(&seen.uid);
        if !takes_time || seen.interval.end() <= now {
            return;
        }
        let company = self.company_now();
        let Some(target) = company.as_deref().and_then(|company| outside_target(company, seen)) else {
            return;
        };
        let at = at.map_or(now, |at| at.min(now));
        let booking = OutsideBooking { uid: seen.uid.clone(), target, interval: seen.interval, at };
        let age_ms_max = self.world.settings.mirror_stale_ms_max;
        self.ledger.forget_outside(now.plus_ms(-age_ms_max));
        let (mirror, offers) = (&self.mirror, &self.offers);
        let eyes = Eyes { mirror, offers, company: company.as_deref(), age_ms_max, now };
        let ended = self.ledger.book_outside(booking, |hold| eyes.sight(hold), now);
        self.end_offers(ended, cx);
    }

    /// A booking of ours was moved, or given to another host: it stands there now, and offers that it leaves no
    /// room for end.
    pub(super) fn follow_slot(&mut self, booking: &Booking, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        self.ledger.release(&booking.order.hold);
        let Some(state) = hold_state_of(booking, now) else { return };
        let hold = self.hold_of(booking, state);
        let (target, segments) = (hold.target.clone(), hold.segments.clone());
        self.ledger.restore(hold);
        let company = self.company_now();
        let age_ms_max = self.world.settings.mirror_stale_ms_max;
        let (mirror, offers) = (&self.mirror, &self.offers);
        let eyes = Eyes { mirror, offers, company: company.as_deref(), age_ms_max, now };
        let ended = self.ledger.displace(&target, &segments, |hold| eyes.sight(hold), now);
        self.end_offers(ended, cx);
    }

    /// Offers that the calendar overruled. What their calls were offered is remembered: an order of it is
    /// answered that it is taken. Whoever has not heard of theirs yet never does.
    pub(super) fn end_offers(&mut self, ended: Vec<Hold>, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        for hold in ended {
            self.refuse_untold(&hold.id, cx);
            if let Some(offer) = self.offers.get(&hold.call_id).filter(|offer| offer.hold == hold.id) {
                self.heard.revoke(hold.call_id.clone(), offer.wish, now);
                self.offers.remove(&hold.call_id);
            }
            if let Some(durable) = self.record_release(&hold.id, now) {
                self.heard.released = Some(durable);
            }
        }
    }

    /// Views of what these hosts offer, and of this event type, are to be asked for again.
    fn mark_changed(&mut self, event_type_id: Option<i64>, hosts: &[i64], now: UnixMillis) {
        if let Some(company) = self.company_now() {
            self.mirror.mark_changed(event_types_touched(&company, event_type_id, hosts), now);
        }
    }
}

impl Eyes<'_> {
    fn sight(&self, hold: &Hold) -> Sight {
        self.look(hold).unwrap_or(Sight::Unseen)
    }

    fn look(&self, hold: &Hold) -> Option<Sight> {
        let start = hold.segments.first()?.start();
        let offer = self.offers.get(&hold.call_id).filter(|offer| offer.hold == hold.id)?;
        let service = self.company?.service(offer.wish.service)?;
        let candidate =
            candidates(service, offer.wish.staff).into_iter().find(|c| c.target == hold.target)?;
        let view = |event_type| self.mirror.view(event_type, start, self.age_ms_max, self.now);
        let own = view(candidate.event_type_id)?;
        if !own.starts.contains(&start) {
            return Some(Sight::Gone);
        }
        let oldest = candidate.event_types().filter_map(|t| view(t).map(|v| v.seen_at(start))).min();
        let units = candidate.units(|t, at| view(t).is_some_and(|v| v.starts.contains(&at)), start);
        Some(Sight::Free { seen_at: oldest.unwrap_or(own.seen_at(start)), units })
    }
}

/// Whose time a booking from outside takes. A host that we know is its member. Otherwise it is one of those who
/// serve the event type and whose user id is not known; `None` when it is nobody of ours.
fn outside_target(company: &Company, seen: &SeenBooking) -> Option<Target> {
    if let Some(member) = seen.host.and_then(|user| company.staff_by_calcom_user(user)) {
        return Some(Target::Member(member.id));
    }
    let event_type_id = seen.evidence.event_type_id?;
    let has_user = |id: StaffId| company.staff_member(id).is_some_and(|s| s.calcom_user_id.is_some());
    let may_be = |id: &StaffId| seen.host.is_none() || !has_user(*id);
    let members = company.services.iter().flat_map(|service| serve(service, event_type_id)).filter(may_be);
    let members: Vec<StaffId> = members.collect::<BTreeSet<StaffId>>().into_iter().collect();
    match members.as_slice() {
        [] => None,
        [only] => Some(Target::Member(*only)),
        _ => Some(Target::Pool { event_type_id, members }),
    }
}

/// Who serves an event type of a service: everybody if it is the service's own, one if it is a member's.
fn serve(service: &Service, event_type_id: i64) -> Vec<StaffId> {
    let pooled = service.calcom_event_type_id == Some(event_type_id);
    let serves = service.staff.iter().filter(|s| pooled || s.calcom_event_type_id == Some(event_type_id));
    serves.map(|s| s.staff).collect()
}

/// Event types whose offers change with these hosts' time. Where a host is not known, those of everybody who
/// serves this event type.
fn event_types_touched(company: &Company, event_type_id: Option<i64>, hosts: &[i64]) -> BTreeSet<i64> {
    let known = |user: &i64| company.staff_by_calcom_user(*user).map(|staff| staff.id);
    let mut members: BTreeSet<StaffId> = hosts.iter().filter_map(known).collect();
    if let Some(event_type_id) = event_type_id.filter(|_| members.len() < hosts.len() || hosts.is_empty()) {
        members.extend(company.services.iter().flat_map(|service| serve(service, event_type_id)));
    }
    let of_members = company.services.iter().flat_map(|service| {
        let theirs: Vec<_> = service.staff.iter().filter(|s| members.contains(&s.staff)).collect();
        let pooled = service.calcom_event_type_id.filter(|_| !theirs.is_empty());
        theirs.into_iter().filter_map(|s| s.calcom_event_type_id).chain(pooled).collect::<Vec<_>>()
    });
    let is_ours = |event_type: &i64| {
        let pooled = |service: &Service| service.calcom_event_type_id == Some(*event_type);
        company.services.iter().any(|s| pooled(s) || !serve(s, *event_type).is_empty())
    };
    of_members.chain(event_type_id.filter(is_ours)).collect()
}
