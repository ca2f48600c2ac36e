//! Live function calls: placed, typed, handed on to the company's scheduler.

use std::collections::BTreeMap;

use askpro_domain::{
    call::{AppointmentFact, CallIdentity, PlacedIn},
    function::{
        Caller, FunctionAnswer, FunctionOrder, Speaker, check_customer, find_appointments, list_services,
        opening_hours, order_key, parse_date, parse_order,
    },
    ids::{AppointmentId, CompanyId},
    phone::PhoneNumber,
    tenant::{Branch, Company, Directory, Placement},
    time::UnixMillis,
};

use super::{Answered, AskFunction, CallActor, CallMessage, callback::CallbackAsk};
use crate::{
    ports::journal::Signer,
    runtime::Context,
    scheduling::{SchedulingAsk, SchedulingMessage, answered},
};

/// Orders of one call that may wait for the store; more go on without it.
const ORDERS_WAITING_MAX: usize = 16;

impl CallActor {
    /// An order waits until the store has said what this call has booked before: it may be a repeat. Not long
    /// though, for the database may be away.
    pub(super) fn order_or_ask(&mut self, ask: &AskFunction, cx: &mut Context<'_, Self>) {
        let until = self.wait_until(ask, cx.now());
        let waits = ask.function.repeats_are_bookings() && !self.is_known() && cx.now() < until;
        if !waits || self.orders.len() >= ORDERS_WAITING_MAX {
            return self.ask_function(ask, cx);
        }
        self.orders.push((ask.clone(), until));
        self.arm_orders(cx);
    }

    /// Orders go on when the store has answered, or when their time has come.
    pub(super) fn go_on(&mut self, cx: &mut Context<'_, Self>) {
        let (known, now) = (self.is_known(), cx.now());
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.orders).into_iter().partition(|(_, until)| known || *until <= now);
        self.orders = waiting;
        for (ask, _) in ready {
            self.ask_function(&ask, cx);
        }
        self.answer_unwritten(cx);
        self.arm_orders(cx);
    }

    pub(super) fn arm_orders(&self, cx: &mut Context<'_, Self>) {
        let unwritten = self.unwritten.iter().map(|unwritten| unwritten.answer_by);
        match self.orders.iter().map(|(_, until)| *until).chain(unwritten).min() {
            Some(at) => cx.arm("orders", at, CallMessage::GoOn),
            None => cx.disarm("orders"),
        }
    }

    /// Answers here what needs no calendar; everything else goes to the scheduler with the reply handle.
    pub(super) fn ask_function(&mut self, ask: &AskFunction, cx: &mut Context<'_, Self>) {
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
        let Some(branch) = company.branch(placed.branch).or_else(|| company.branches.first()) else {
            return tell(ask, company, &Speaker::of(company).company_unknown(), cx);
        };
        let read = parse_order(ask.function, &ask.arguments, company, branch, cx.now());
        cx.answer(&ask.remarks, read.remarks);
        match read.order {
            Err(answer) => tell(ask, company, &answer, cx),
            Ok(order) => self.carry_out(ask, order, (placed, company, branch), cx),
        }
    }

    /// Who carries out what: slots are the scheduler's, everything else is answered here.
    fn carry_out(
        &mut self,
        ask: &AskFunction,
        order: FunctionOrder,
        (placed, company, branch): (PlacedIn, &Company, &Branch),
        cx: &mut Context<'_, Self>,
    ) {
        let now = cx.now();
        let number = caller(&self.state.clone().meet(&ask.identity).identity(), company);
        let known = || self.known(company, number.as_ref(), now);
        let answer = match &order {
            FunctionOrder::CheckAvailability(_) | FunctionOrder::BookAppointment(_) => {
                return self.hand_on(self.scheduling_ask(ask, order, placed, number), company, cx);
            }
            FunctionOrder::RequestCallback(callback) => {
                let (order, order_key) = (callback, &order_key(&order));
                let asked = CallbackAsk { ask, order, order_key, company, placed, caller: number };
                return self.request_callback(&asked, cx);
            }
            FunctionOrder::ListServices(list) => list_services(company, branch, list),
            FunctionOrder::OpeningHours(hours) => opening_hours(company, branch, hours, now),
            FunctionOrder::ParseDate(start) => parse_date(company, start, now),
            FunctionOrder::CheckCustomer => check_customer(company, &known()),
            FunctionOrder::FindAppointments => {
                find_appointments(company, &known(), &self.own_ahead(company.id, now))
            }
        };
        tell(ask, company, &answer, cx);
    }

    /// What the customers in memory know of the other side.
    fn known(&self, company: &Company, number: Option<&PhoneNumber>, now: UnixMillis) -> Caller {
        number.map_or(Caller::Anonymous, |number| {
            Caller::Number(self.world.customers.card(company.id, number, now))
        })
    }

    fn scheduling_ask(
        &self,
        ask: &AskFunction,
        order: FunctionOrder,
        placed: PlacedIn,
        caller: Option<PhoneNumber>,
    ) -> SchedulingAsk {
        SchedulingAsk {
            call_id: self.state.call_id.clone(),
            placed,
            claimed: self.is_only_claimed(),
            order_key: order_key(&order),
            order,
            tool_call: ask.tool_call.clone(),
            caller,
            earlier: self.earlier(placed.company),
            deadline: ask.deadline,
            reply: ask.reply.clone(),
        }
    }

    /// Gives where the call belongs, and joins who takes part; of what a company's own key signed only when the
    /// call is known to belong to it. Of a call that a company only claims the platform's word for another one is
    /// answered to nobody.
    fn meet(&mut self, ask: &AskFunction, directory: &Directory) -> Option<PlacedIn> {
        if ask.signer == Signer::Platform && self.state.is_claimed_from(place(directory, &ask.identity)) {
            return None;
        }
        let met = self.state.clone().meet(&ask.identity);
        let placed = met.placed.or_else(|| place(directory, &met.identity()));
        if let Signer::Company(own) = ask.signer {
            let claimed = place(directory, &ask.identity);
            let is_own = |placed: Option<PlacedIn>| placed.is_some_and(|placed| placed.company == own);
            if !is_own(claimed) || !is_own(placed) {
                return None;
            }
            if self.state.placed.is_none() {
                return placed;
            }
        }
        self.state = placed.map_or_else(|| met.clone(), |placed| met.clone().place(placed));
        placed
    }

    /// What the call knows of its bookings in this company.
    fn earlier(&self, company: CompanyId) -> BTreeMap<AppointmentId, AppointmentFact> {
        let mut earlier = self.state.appointments.clone();
        let claims = self.claims.iter().filter(|(_, (of, _))| *of == company);
        earlier.extend(claims.map(|(id, (_, fact))| (id.clone(), *fact)));
        earlier
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
}

/// Where a call with these participants belongs.
fn place(directory: &Directory, identity: &CallIdentity) -> Option<PlacedIn> {
    match directory.place(&identity.placing()) {
        Placement::Placed { company, branch } => Some(PlacedIn { company, branch }),
        Placement::Unplaced(_) => None,
    }
}

/// The number of the other side: the caller's, or the one that was called. One of the company's own says
/// nothing of who is there: calls are put through from it.
fn caller(identity: &CallIdentity, company: &Company) -> Option<PhoneNumber> {
    let outbound = identity.direction.as_deref() == Some("outbound");
    let number = if outbound { &identity.to_number } else { &identity.from_number };
    let number = number.as_deref().and_then(PhoneNumber::parse_e164)?;
    let is_own = company.branches.iter().any(|branch| branch.phone_numbers.contains(&number));
    (!is_own).then_some(number)
}

fn tell(ask: &AskFunction, company: &Company, answer: &FunctionAnswer, cx: &mut Context<'_, CallActor>) {
    say(ask, answered(answer, Some(company.id)), cx);
}

fn say(ask: &AskFunction, answer: Answered, cx: &mut Context<'_, CallActor>) {
    cx.answer(&ask.reply, answer);
}
