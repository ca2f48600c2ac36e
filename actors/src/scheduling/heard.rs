//! What a scheduler heard from the calendar and must remember: uids that are over, offers that were revoked,
//! announcements that could not be heeded yet. In memory only: after a crash the journal and the calendar's own
//! answers tell it again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use askpro_domain::{calendar::SeenBooking, ids::CallId, time::UnixMillis};

use super::{Announcement, plan::Wish};
use crate::ports::journal::Durable;

/// Uids whose fate is remembered, for news of them that come late; the oldest goes first.
const FATES_MAX: usize = 4_096;
/// How long a call is remembered whose offer was revoked, should its end never be heard.
const REVOKED_KEPT_MS: i64 = 3_600_000;
/// Alternatives for a caller who was just told that the slot is theirs.
const ALTERNATIVES_AFTER_REVOCATION: usize = 2;

/// What was heard and must be remembered.
#[derive(Default)]
pub(super) struct Heard {
    fates: BTreeMap<String, Fate>,
    fates_in_order: VecDeque<String>,
    /// Offers that were revoked, by call, and when.
    revoked: BTreeMap<CallId, (Wish, UnixMillis)>,
    /// Announcements that could not be heeded, and when they are heard again. The journal bounds them.
    again: Vec<(UnixMillis, Arc<Announcement>)>,
    /// When the last release that followed is on disk.
    pub(super) released: Option<Durable>,
}

/// What became of a uid.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// Called off or rejected.
    CalledOff {
        /// When, by the calendar's clock.
        at: UnixMillis,
    },
    /// Its booking has another uid since.
    Moved(Box<SeenBooking>, UnixMillis),
}

impl Heard {
    /// Remembers what became of a uid. That its booking was moved on says more than that it was called off, which
    /// some calendars say of it too; otherwise the first word stays.
    pub(super) fn remember(&mut self, uid: &str, fate: Fate) {
        if let Some(known) = self.fates.get_mut(uid) {
            if matches!((&known, &fate), (Fate::CalledOff { .. }, Fate::Moved(..))) {
                *known = fate;
            }
            return;
        }
        self.fates.insert(uid.to_owned(), fate);
        self.fates_in_order.push_back(uid.to_owned());
        if self.fates_in_order.len() > FATES_MAX
            && let Some(oldest) = self.fates_in_order.pop_front()
        {
            self.fates.remove(&oldest);
        }
    }

    /// Whether nothing stands under this uid any more.
    pub(super) fn is_over(&self, uid: &str) -> bool {
        self.fates.contains_key(uid)
    }

    /// A call's offer was revoked.
    pub(super) fn revoke(&mut self, call_id: CallId, wish: Wish, now: UnixMillis) {
        self.revoked.retain(|_, (_, at)| now.since(*at) <= REVOKED_KEPT_MS);
        self.revoked.insert(call_id, (wish, now));
    }

    /// What a call was offered before it was revoked.
    pub(super) fn revoked_wish(&self, call_id: &CallId) -> Option<Wish> {
        self.revoked.get(call_id).map(|(wish, _)| *wish)
    }

    /// A call was offered something else, or is over.
    pub(super) fn forget_call(&mut self, call_id: &CallId) {
        self.revoked.remove(call_id);
    }

    /// Alternatives to a wish, few for a caller whose offer of it was revoked.
    pub(super) fn after_revocation(
        &self,
        call_id: &CallId,
        wish: Wish,
        mut free: Vec<UnixMillis>,
    ) -> Vec<UnixMillis> {
        let revoked = self.revoked_wish(call_id);
        if revoked.is_some_and(|r| (r.service, r.start) == (wish.service, wish.start)) {
            free.truncate(ALTERNATIVES_AFTER_REVOCATION);
        }
        free
    }

    /// What became of a uid.
    pub(super) fn fate(&self, uid: &str) -> Option<Fate> {
        self.fates.get(uid).cloned()
    }

    /// An announcement is to be heard again.
    pub(super) fn hear_again(&mut self, announcement: Arc<Announcement>, at: UnixMillis) {
        self.again.push((at, announcement));
    }

    /// What is to be heard again by now.
    pub(super) fn take_due(&mut self, now: UnixMillis) -> Vec<Arc<Announcement>> {
        let (due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.again).into_iter().partition(|(at, _)| *at <= now);
        self.again = waiting;
        due.into_iter().map(|(_, announcement)| announcement).collect()
    }

    /// When something is to be heard again.
    pub(super) fn next_again(&self) -> Option<UnixMillis> {
        self.again.iter().map(|(at, _)| *at).min()
    }
}
