//! Agents that hear of a hold when it is on disk. The scheduler itself answers them, so that no hold ends in the same
//! moment in which somebody hears that it is theirs.

use askpro_domain::{
    ids::CallId,
    slots::{Hold, HoldId},
    time::{Interval, UnixMillis},
};

use super::{
    HoldWritten, SchedulingActor, SchedulingMessage, actor::Untold, answers::Answers, plan::Candidate,
};
use crate::{calls::Answered, ports::journal::Durable, runtime::Context};

/// What a hold is of.
#[derive(Debug, Clone)]
pub(super) struct HeldOf {
    pub(super) candidate: Candidate,
    pub(super) start: UnixMillis,
    pub(super) interval: Interval,
}

impl SchedulingActor {
    /// Answers when the record of the hold is on disk.
    pub(super) fn tell_when_written(
        &mut self,
        untold: Untold,
        slot: HeldOf,
        answer: Answered,
        durable: Durable,
        cx: &mut Context<'_, Self>,
    ) {
        let Untold { waiter, call_id, hold, prolongs } = &untold;
        let (call_id, hold, reply) = (call_id.clone(), hold.clone(), waiter.reply.clone());
        let lost = HoldWritten { call_id, hold, slot, prolongs: *prolongs, reply, answer, is_durable: false };
        let written = lost.clone();
        self.untold.push(untold);
        let wait = async move {
            let is_durable = durable.await.is_ok();
            SchedulingMessage::HoldWritten(Box::new(HoldWritten { is_durable, ..written }))
        };
        cx.start(wait, || SchedulingMessage::HoldWritten(Box::new(lost)));
    }

    /// Who heard already that it is not given keeps that answer.
    pub(super) fn hold_written(&mut self, written: &HoldWritten, cx: &mut Context<'_, Self>) {
        let HoldWritten { call_id, hold, slot, prolongs, reply, answer, is_durable } = written;
        self.untold.retain(|untold| !untold.waiter.reply.is(reply));
        if !is_durable {
            cx.answer(reply, self.not_given());
            if !prolongs {
                self.hold_lost(call_id, hold, cx);
            }
            return;
        }
        if self.ledger.get(hold).is_none() {
            // The call has asked for another slot meanwhile, and another call may have taken this one.
            let HeldOf { candidate, start, interval } = slot;
            let is_free = self.is_free_for(call_id, candidate, (*start, *interval), cx.now());
            let answer = if is_free { self.answers().unheld(answer) } else { self.not_given() };
            return cx.answer(reply, answer);
        }
        cx.answer(reply, answer.clone());
        // It was told: whoever else waits for it waits for a prolongation.
        self.untold
            .iter_mut()
            .filter(|untold| untold.hold == *hold)
            .for_each(|untold| untold.prolongs = true);
        self.hold_told(call_id, hold, cx);
    }

    /// Agents whose hold the disk did not take in time: it is not given. One that the call had before stays its own.
    pub(super) fn answer_untold(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let overdue: Vec<_> = self.untold.extract_if(.., |untold| untold.waiter.answer_by <= now).collect();
        for Untold { waiter, call_id, hold, prolongs } in overdue {
            cx.answer(&waiter.reply, self.not_given());
            if !prolongs {
                self.hold_lost(&call_id, &hold, cx);
            }
        }
    }

    fn answers(&self) -> Answers {
        Answers::new(self.company, self.company_now())
    }

    fn not_given(&self) -> Answered {
        self.answers().busy()
    }

    /// A hold that is not on disk ends at once, and everybody who waits for it hears that it is not given.
    fn hold_lost(&mut self, call_id: &CallId, hold: &HoldId, cx: &mut Context<'_, Self>) {
        self.refuse_untold(hold, cx);
        if self.offers.get(call_id).is_some_and(|offer| offer.hold == *hold) {
            self.offers.remove(call_id);
        }
        if self.ledger.get(hold).is_some_and(Hold::is_held) {
            self.ledger.release(hold);
            self.record_release(hold, cx.now());
        }
    }

    /// Everybody who has not heard yet of a hold that is over hears that it is not given; they may ask again.
    pub(super) fn refuse_untold(&mut self, hold: &HoldId, cx: &mut Context<'_, Self>) {
        let theirs: Vec<_> = self.untold.extract_if(.., |untold| untold.hold == *hold).collect();
        theirs.iter().for_each(|untold| cx.answer(&untold.waiter.reply, self.not_given()));
    }
}
