//! What is due, and the one timer for all of it.

use askpro_domain::{ids::AppointmentId, slots::HoldState, time::UnixMillis};

use super::{
    SchedulingActor, SchedulingMessage,
    actor::{Active, DueStep},
};
use crate::runtime::Context;

impl SchedulingActor {
    /// Does everything whose time has come.
    pub(super) fn do_due(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        for hold in self.ledger.expire(now) {
            self.offers.retain(|_, offer| offer.hold != hold.id);
            self.record_release(&hold.id, now);
        }
        self.ledger.forget_past(now);
        self.bookings.retain(|_, active| active.is_busy() || active.forget_at.is_none_or(|at| at > now));
        self.answer_overdue_questions(cx);
        self.answer_untold(cx);
        self.answer_without_store(cx);
        self.settle_conflicts(cx);
        for (appointment, step) in self.steps_due(now) {
            self.take_step(&appointment, step, cx);
        }
        self.post_next(cx);
        self.warm_views(cx);
        self.answer_overdue_waiters(cx);
        self.record_again(cx);
        self.heed_again(cx);
        if self.keep_at <= now {
            self.keep_records(cx);
            self.keep_at = now.plus_ms(self.world.settings.keep_every_ms);
        }
    }

    /// Steps of bookings whose time has come, but for POSTs, which go one after the other.
    fn steps_due(&self, now: UnixMillis) -> Vec<(AppointmentId, DueStep)> {
        let due = self.bookings.iter().filter_map(|(id, active)| {
            let (at, step) = active.due?;
            (at <= now && step != DueStep::Post).then(|| (id.clone(), step))
        });
        due.collect()
    }

    /// One timer for all that is due.
    pub(super) fn arm_next(&mut self, cx: &mut Context<'_, Self>) {
        let questions = self.questions.iter().map(|q| q.answer_by);
        let bookings = self.bookings.values().flat_map(next_of);
        let cut_off =
            (!self.cut_off.is_empty()).then(|| cx.now().plus_ms(self.world.settings.record_again_ms));
        let asked_store = self.asked_store.iter().map(|ask| self.answer_by(ask));
        let untold = self.untold.iter().map(|untold| untold.waiter.answer_by);
        let next = questions.chain(untold).chain(asked_store).chain(bookings).chain(cut_off);
        let next = next.chain(self.next_post_at()).chain(self.next_warm_at(cx.now()));
        let next = next.chain(self.heard.next_again()).chain(self.reservations.next_at());
        let next = next.chain(self.ledger.next_expiry()).min();
        let pinned = self.ledger.holds().any(|h| !matches!(h.state, HoldState::Booked { .. }));
        let needed = self.bookings.values().any(Active::is_busy) || !self.questions.is_empty();
        let keep = (pinned || needed).then_some(self.keep_at);
        match next.into_iter().chain(keep).min() {
            Some(at) => cx.arm("due", at, SchedulingMessage::Due),
            None => cx.disarm("due"),
        }
    }
}

/// When something is due for a booking; POSTs are not its own to decide.
fn next_of(active: &Active) -> impl Iterator<Item = UnixMillis> {
    let step = active.due.filter(|(_, step)| *step != DueStep::Post).map(|(at, _)| at);
    let waiter = active.waiters.iter().chain(&active.promised).map(|waiter| waiter.answer_by).min();
    let record = active.unrecorded.as_ref().map(|(at, _)| *at);
    let conflict = active.settling.as_ref().map(|settling| settling.until);
    let forget = active.forget_at.filter(|_| !active.is_busy());
    [step, waiter, record, conflict, forget].into_iter().flatten()
}
