//! What agents ask, and what they hear.

use askpro_actors::rig::{Asking, BUDGET_MS, Heard};
use askpro_domain::function::FunctionName;
use serde_json::Value;

use crate::{
    callers::{Next, Pending},
    ledger::Kind,
    world::{Act, Told, World},
};

impl World {
    pub(crate) fn go_on(&mut self, caller: usize) {
        if self.callers[caller].is_over {
            return;
        }
        if !self.callers[caller].pending.is_empty() {
            return self.in_ms(700, Act::GoOn(caller));
        }
        let shop = self.shops[self.callers[caller].shop].clone();
        match self.callers[caller].next(&shop, &mut self.dice) {
            Next::HangUp => self.in_ms(0, Act::HangUp(caller)),
            Next::Ask { function, arguments, tool_call } => {
                self.ask(caller, function, arguments, tool_call.clone(), false);
                if self.dice.percent(9) {
                    let after = self.dice.between(10, 3_500);
                    self.in_ms(after, Act::HangUp(caller));
                }
                if self.dice.percent(12) {
                    let after = self.dice.between(10, 12_000);
                    self.in_ms(after, Act::AskAgain { caller, tool_call });
                }
            }
        }
    }

    pub(crate) fn ask(
        &mut self,
        caller: usize,
        function: FunctionName,
        arguments: Value,
        tool_call: Option<String>,
        is_copy: bool,
    ) {
        let at = self.now();
        let asker = &self.callers[caller];
        self.note(format_args!("{} asks {function:?} {tool_call:?} {arguments}", asker.call));
        let asking = Asking {
            from: asker.from.as_deref(),
            to: &asker.to,
            tool_call_id: tool_call.as_deref(),
            heard: asker.heard.as_deref(),
            ..Asking::of(&asker.call, function)
        };
        let asked = self.rig.ask_as(&asking, arguments.clone());
        if !is_copy {
            self.callers[caller].last_asked = Some((function, arguments.clone(), tool_call.clone()));
        }
        let pending = Pending { asked, at, tool_call, function, arguments, is_copy };
        self.callers[caller].pending.push(pending);
    }

    /// The last question is sent again, as it was.
    pub(crate) fn ask_again(&mut self, caller: usize, tool_call: Option<&str>) {
        let of_call = self.callers[caller].last_asked.clone();
        let Some((function, arguments, asked_by)) = of_call else { return };
        if asked_by.as_deref() == tool_call && !self.callers[caller].is_over {
            self.ask(caller, function, arguments, asked_by, true);
        }
    }

    /// Hears what agents were answered by now, and notices who was not.
    pub(crate) fn listen(&mut self) {
        let now = self.now();
        for caller in 0..self.callers.len() {
            if self.callers[caller].pending.is_empty() {
                continue;
            }
            for mut pending in std::mem::take(&mut self.callers[caller].pending) {
                match pending.asked.heard() {
                    Some(heard) => self.heard(caller, pending, heard),
                    None => {
                        if now.since(pending.at) >= BUDGET_MS {
                            let (call, function) = (self.callers[caller].call.clone(), pending.function);
                            let what = format!("{call} waits for {function:?} since {}", pending.at);
                            self.ledger.complain(Kind::Untrue, what);
                        } else {
                            self.callers[caller].pending.push(pending);
                        }
                    }
                }
            }
        }
        self.announce_news();
    }

    pub(crate) fn heard(&mut self, caller: usize, pending: Pending, heard: Heard) {
        let now = self.now();
        let call = self.callers[caller].call.clone();
        let answer = match heard {
            Heard::Answer(answered) => {
                self.note(format_args!("{call} hears {}", String::from_utf8_lossy(&answered.body)));
                let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
                self.ledger.tell(&call, now, &answer);
                if !self.agents_think {
                    let (call, answer) = (call.clone(), answer.clone());
                    self.heard.push(Told { call, answer });
                }
                if answered.code == "confirmed"
                    && let Some(tool_call) = &pending.tool_call
                {
                    let order = pending.arguments.to_string();
                    self.ledger.compare(&call, tool_call, &order, &answered.body);
                    self.ledger.makes_one(&call, tool_call, &answer);
                }
                Some(answer)
            }
            Heard::Nothing => {
                self.note(format_args!("{call} hears nothing"));
                if now > self.panics_until {
                    let what = format!("{call} was never answered by {:?}", pending.function);
                    self.ledger.complain(Kind::Untrue, what);
                }
                None
            }
        };
        let who = &mut self.callers[caller];
        if !pending.is_copy && !who.is_over {
            who.hear(answer);
            if !self.agents_think {
                return;
            }
            let think = self.dice.between(300, 8_000);
            self.in_ms(think, Act::GoOn(caller));
        }
    }
}
