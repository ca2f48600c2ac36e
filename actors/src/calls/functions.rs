//! Live function calls: placed, typed, handed on to the company's scheduler.

use askpro_domain::{
    call::PlacedIn,
    function::{FunctionAnswer, FunctionName, Speaker, order_key, parse_order},
    phone::PhoneNumber,
    tenant::{Company, Directory, Placement},
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
        let directory = self.world.directory.current();
        let placed = self.meet(ask, &directory);
        let Some((placed, company)) = placed.and_then(|p| directory.company(p.company).map(|c| (p, c)))
        else {
            let answer = Speaker::of_nobody().company_unknown();
            return say(ask, answered(&answer, None), cx);
        };
        if self.state.is_over() {
            // Whatever this question is given, the call cannot keep: the scheduler hears again that it is over.
            self.told_over = false;
        }
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

    /// Joins who takes part, unless the key of another company signed for it. Gives where the call belongs.
    fn meet(&mut self, ask: &AskFunction, directory: &Directory) -> Option<PlacedIn> {
        let met = self.state.clone().meet(&ask.identity);
        let placed = met.placed.or_else(|| match directory.place(&met.identity().placing()) {
            Placement::Placed { company, branch } => Some(PlacedIn { company, branch }),
            Placement::Unplaced(_) => None,
        });
        if let Signer::Company(own) = ask.signer
            && placed.is_none_or(|placed| placed.company != own)
        {
            return None;
        }
        self.state = placed.map_or_else(|| met.clone(), |placed| met.clone().place(placed));
        placed
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

fn refuse(ask: &AskFunction, company: &Company, answer: &FunctionAnswer, cx: &mut Context<'_, CallActor>) {
    say(ask, answered(answer, Some(company.id)), cx);
}

fn say(ask: &AskFunction, answer: Answered, cx: &mut Context<'_, CallActor>) {
    cx.answer(&ask.reply, answer);
}
