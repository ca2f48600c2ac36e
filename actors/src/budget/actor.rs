//! A key's actor: who waits, and what they are told.

use std::{collections::BTreeMap, sync::Arc};

use askpro_domain::{
    policy::{Budget, Class, Decision, KeyId, Limited, Ticket},
    time::UnixMillis,
};

use super::{BudgetMessage, BudgetWorld};
use crate::runtime::{Actor, Build, Context, Factory, Reply, Why};

/// How often a key that has nothing to do is looked at, whether it may leave memory.
const IDLE_LOOK_MS: i64 = 60_000;

/// The budget of one key, with those who wait for it.
pub struct BudgetActor {
    key: KeyId,
    world: Arc<BudgetWorld>,
    budget: Budget,
    waiting: BTreeMap<Ticket, Waiting>,
}

struct Waiting {
    class: Class,
    reply: Reply<Result<Ticket, Limited>>,
}

/// Makes them.
pub struct BudgetFactory {
    /// What they need.
    pub world: Arc<BudgetWorld>,
}

impl Factory<BudgetActor> for BudgetFactory {
    /// What was counted before is lost with a panic, so the key is careful then; a first request knows of no
    /// other.
    fn build(&self, key: &KeyId, why: Why) -> Build<BudgetActor> {
        let (settings, now) = (&self.world.settings, self.world.clock.now());
        let budget = match why {
            Why::First => Budget::new(settings, now),
            Why::AfterPanic => Budget::of_lost_count(settings, now),
        };
        Build::Ready(BudgetActor { key: *key, world: self.world.clone(), budget, waiting: BTreeMap::new() })
    }

    fn dead_letter(&self, key: &KeyId, message: BudgetMessage, error: &str) {
        // The reply handle is dropped with the message: whoever waits hears that nothing may be sent.
        tracing::error!(calendar.key = %key, error, "a key's budget could not handle a message");
        drop(message);
    }
}

impl Actor for BudgetActor {
    const KIND: &'static str = "budget";
    type Key = KeyId;
    type Message = BudgetMessage;

    fn handle(&mut self, message: &BudgetMessage, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        match message {
            BudgetMessage::Pass { request, reply } => {
                let (ticket, decisions) = self.budget.ask(*request, now);
                self.waiting.insert(ticket, Waiting { class: request.class, reply: reply.clone() });
                self.tell(decisions, cx);
            }
            BudgetMessage::Heard { ticket, heard } => {
                let decisions = self.budget.heard(*ticket, *heard, now);
                self.tell(decisions, cx);
            }
            BudgetMessage::Due => {
                let decisions = self.budget.tick(now);
                self.tell(decisions, cx);
                if self.budget.is_idle(now) {
                    return cx.stop();
                }
            }
            BudgetMessage::GetBudget(reply) => return cx.answer(reply, self.budget.view(now)),
        }
        self.world.board.note(self.key, &self.budget, now);
        cx.arm("due", self.due_at(now), BudgetMessage::Due);
    }

    fn stopping(&mut self) {
        self.world.board.forget(self.key);
    }
}

impl BudgetActor {
    fn tell(&mut self, decisions: Vec<Decision>, cx: &mut Context<'_, Self>) {
        for Decision { ticket, verdict } in decisions {
            let Some(Waiting { class, reply }) = self.waiting.remove(&ticket) else { continue };
            if verdict.is_err() {
                count_refused(class, cx);
            }
            cx.answer(&reply, verdict.map(|()| ticket));
        }
    }

    fn due_at(&self, now: UnixMillis) -> UnixMillis {
        let idle = now.plus_ms(IDLE_LOOK_MS);
        self.budget.wake_at(now).map_or(idle, |at| at.min(idle))
    }
}

fn count_refused(class: Class, cx: &mut Context<'_, BudgetActor>) {
    cx.effect(move || {
        metrics::counter!(crate::metrics::BUDGET_REFUSED.name, "class" => class.as_str()).increment(1);
    });
}
