//! Live function calls: placed, typed, handed on to the company's scheduler.

use askpro_domain::{
    call::CallState,
    function::{FunctionAnswer, FunctionName, Speaker, order_key, parse_order},
    phone::PhoneNumber,
    tenant::Company,
};

use super::{Answered, AskFunction, CallActor};
use crate::{
    ports::journal::Signer,
    runtime::Context,
    scheduling::{SchedulingAsk, SchedulingMessage, answered},
};

impl CallActor {
    /// Answers here what needs no calendar; everything else goes to the scheduler with the reply handle.
    pub(super) fn ask_function(&mut self, ask: &AskFunction, cx: &mut Context<'_, Self>) {
        let call_id = self.state.call_id.clone();
        let state = std::mem::replace(&mut self.state, CallState::new(call_id.clone()));
        self.state = state.meet(&ask.identity);
        self.place();
        let directory = self.world.directory.current();
        let placed = self.state.placed.filter(|p| may_ask(ask.signer, p.company));
        let Some((placed, company)) = placed.and_then(|p| directory.company(p.company).map(|c| (p, c)))
        else {
            let answer = Speaker::of_nobody().company_unknown();
            return say(ask, answered(&answer, None), cx);
        };
        if !matches!(ask.function, FunctionName::CheckAvailability | FunctionName::BookAppointment) {
            return refuse(ask, company, &Speaker::of(company).function_unavailable(), cx);
        }
        let Some(branch) = company.branch(placed.branch).or_else(|| company.branches.first()) else {
            return refuse(ask, company, &Speaker::of(company).company_unknown(), cx);
        };
        match parse_order(ask.function, &ask.arguments, company, branch, cx.now()) {
            Err(answer) => refuse(ask, company, &answer, cx),
            Ok(order) => {
                let asked = SchedulingAsk {
                    call_id,
                    placed,
                    order_key: order_key(&order),
                    order,
                    caller: self.caller(),
                    earlier: self.state.appointments.clone(),
                    deadline: ask.deadline,
                    reply: ask.reply.clone(),
                };
                self.hand_on(asked, company, cx);
            }
        }
    }

    fn hand_on(&self, asked: SchedulingAsk, company: &Company, cx: &mut Context<'_, Self>) {
        let busy = answered(&Speaker::of(company).busy(), Some(company.id));
        let (world, id) = (self.world.clone(), company.id);
        cx.effect(move || {
            let reply = asked.reply.clone();
            let message = SchedulingMessage::Ask(Box::new(asked));
            let taken = world.schedulers.get().is_some_and(|s| s.offer(id, message).is_ok());
            if !taken {
                reply.send(busy);
            }
        });
    }

    /// The number of the other side: the caller's, or the one that was called.
    fn caller(&self) -> Option<PhoneNumber> {
        let identity = self.state.identity();
        let outbound = identity.direction.as_deref() == Some("outbound");
        let number = if outbound { identity.to_number } else { identity.from_number };
        number.as_deref().and_then(PhoneNumber::parse_e164)
    }
}

/// A company's own key may ask only for calls of that company.
fn may_ask(signer: Signer, company: askpro_domain::ids::CompanyId) -> bool {
    match signer {
        Signer::Platform => true,
        Signer::Company(own) => own == company,
    }
}

fn refuse(ask: &AskFunction, company: &Company, answer: &FunctionAnswer, cx: &mut Context<'_, CallActor>) {
    say(ask, answered(answer, Some(company.id)), cx);
}

fn say(ask: &AskFunction, answer: Answered, cx: &mut Context<'_, CallActor>) {
    cx.answer(&ask.reply, answer);
}
