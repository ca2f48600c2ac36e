//! Wishes to be called back: joined to the open one of their number, journaled, and only then answered.

use askpro_domain::{
    call::PlacedIn,
    callback::CallbackOrder,
    function::{Speaker, callback_requested, phone_required},
    phone::PhoneNumber,
    tenant::Company,
    time::UnixMillis,
};

use super::{Answered, AskFunction, CallActor, CallMessage, CallbackTaken};
use crate::{
    callbacks::{Wanted, rows_of},
    ports::journal::{CallbackRecord, Record},
    runtime::{Context, Reply, fence},
    scheduling::answered,
    writer::WriteOrder,
};

/// How long before its deadline an order is answered that the disk has not taken by then.
const DISK_MARGIN_MS: i64 = 50;

/// An order for a callback, and who gives it.
pub(super) struct CallbackAsk<'a> {
    pub ask: &'a AskFunction,
    pub order: &'a CallbackOrder,
    pub order_key: &'a str,
    pub company: &'a Company,
    pub placed: PlacedIn,
    pub caller: Option<PhoneNumber>,
}

/// An agent whose callback may not be on disk yet.
pub(super) struct Unwritten {
    pub reply: Reply<Answered>,
    pub busy: Answered,
    pub answer_by: UnixMillis,
}

impl CallActor {
    /// The answer is the order's alone, so that a repeat has the same bytes; it waits for the disk.
    pub(super) fn request_callback(&mut self, asked: &CallbackAsk<'_>, cx: &mut Context<'_, Self>) {
        let CallbackAsk { ask, order, order_key, company, placed, caller } = asked;
        let Some(phone) = order.phone.as_ref().or(caller.as_ref()) else {
            return cx.answer(&ask.reply, answered(&phone_required(company), Some(company.id)));
        };
        let call_id = self.state.call_id.clone();
        let claimed = self.is_only_claimed();
        let is_known_to_call = self.state.callback_requested || self.claimed_callbacks.contains(&company.id);
        let wanted =
            Wanted { company: company.id, call_id: &call_id, phone, order, order_key, is_known_to_call };
        let (journal, pending) = (self.world.journal.clone(), self.world.pending.clone());
        let mut record = None;
        let taken = self.world.callbacks.take(&wanted, cx.now(), |callback| {
            let written = record.insert(CallbackRecord {
                callback: callback.clone(),
                by: call_id.clone(),
                placed: *placed,
                claimed,
                language: company.language,
            });
            fence::pass();
            let appended = journal.append_ordered(Record::Callback(Box::new(written.clone())))?;
            // From here on a rebuilt actor finds it again.
            pending.add(&call_id, appended.0);
            Ok(appended)
        });
        let busy = answered(&Speaker::of(company).busy(), Some(company.id));
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "a callback was not journaled and so not taken");
                return cx.answer(&ask.reply, busy);
            }
        };
        let answer = callback_requested(company, &taken.callback.id, order, phone, caller.as_ref());
        let (answer, reply) = (answered(&answer, Some(company.id)), ask.reply.clone());
        if let (Some(record), Some(position)) = (record, taken.position) {
            self.callback_taken(&CallbackTaken { record, position });
        }
        let written = taken.written;
        let answer_by = ask.deadline.plus_ms(-DISK_MARGIN_MS);
        self.unwritten.push(Unwritten { reply: reply.clone(), busy: busy.clone(), answer_by });
        self.arm_orders(cx);
        let say = async move {
            reply.send(if written.await.is_ok() { answer } else { busy });
            CallMessage::Answered
        };
        cx.start(say, || CallMessage::Answered);
    }

    /// Whoever can wait no longer for the disk asks again, and joins the same callback then.
    pub(super) fn answer_unwritten(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let (overdue, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.unwritten).into_iter().partition(|u| u.answer_by <= now);
        self.unwritten = waiting;
        overdue.into_iter().for_each(|unwritten| cx.answer(&unwritten.reply, unwritten.busy));
    }

    /// Writes the rows of a callback that is in the journal.
    pub(super) fn callback_taken(&mut self, taken: &CallbackTaken) {
        self.join_callback(&taken.record);
        self.withheld.push(rows(taken));
        self.hand_over();
    }

    /// A callback that was journaled before a panic.
    pub(super) fn replay_callback(mut self, taken: &CallbackTaken, handed: bool) -> Self {
        self.join_callback(&taken.record);
        if !handed {
            self.write(rows(taken));
        }
        self
    }

    /// What a company's own key claims says nothing of a call that belongs elsewhere, or nowhere yet.
    fn join_callback(&mut self, record: &CallbackRecord) {
        let company = record.placed.company;
        if record.claimed && self.state.placed.is_none_or(|placed| placed.company != company) {
            self.claimed_callbacks.insert(company);
            return;
        }
        self.state = self.state.clone().place(record.placed).promise_callback();
    }
}

fn rows(taken: &CallbackTaken) -> WriteOrder {
    WriteOrder { call_id: None, writes: rows_of(&taken.record), positions: vec![taken.position] }
}
