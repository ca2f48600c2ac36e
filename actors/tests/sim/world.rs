//! One simulated world: companies, their calendar, callers, and the service between them, on virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use askpro_actors::{
    ports::{
        fakes::{EventBody, FakeDirectory},
        journal::Signer,
    },
    rig::{Asking, BUDGET_MS, Heard, Rig, Stage},
    root::Settings,
    runtime::{Dice, universe::Universe},
};
use askpro_domain::{
    function::FunctionName,
    calendar::{CalendarEvent, GoneBooking, News, SeenBooking},
    ids::CompanyId,
    tenant::Company,
    time::UnixMillis,
};
use jiff::civil::Date;
use serde_json::Value;

use crate::{
    calendar::{Booked, Calendar, Canceller},
    callers::{Caller, Next, Pending},
    companies::{self, FIRST_DAY, Shop},
    faults::{Fault, Trouble},
    ledger::{Kind, Ledger},
    requests::Requests,
    days::Size,
};

/// Something that happens at a time of its own.
pub(crate) enum Act {
    /// A call comes in.
    Ring(usize),
    /// Retell delivers an event; how often it was tried.
    Deliver { body: EventBody, tries: u32, is_strange: bool },
    /// An agent goes on.
    GoOn(usize),
    /// An agent's question is sent again.
    AskAgain { caller: usize, tool_call: Option<String> },
    /// A caller hangs up.
    HangUp(usize),
    /// The calendar announces something.
    Announce { company: CompanyId, event: Box<CalendarEvent>, tries: u32 },
    /// Somebody books past us.
    BookOutside(usize),
    /// The owner cancels a booking of ours at the calendar.
    CancelAtCalendar(usize),
    /// Something begins to go wrong.
    Begin(Fault),
    /// It ends.
    End(Fault),
    /// A second after its end a call holds nothing.
    HoldsNothing(String, CompanyId),
}

/// How often Retell and the calendar try to deliver; here until it is taken.
const TRIES_MAX: u32 = 40;

/// What an agent heard.
pub(crate) struct Told {
    pub(crate) call: String,
    pub(crate) function: FunctionName,
    pub(crate) answer: Value,
}

impl Told {
    pub(crate) fn status(&self) -> Option<&str> {
        self.answer.get("status")?.as_str()
    }

    pub(crate) fn code(&self) -> &str {
        self.answer.get("code").and_then(Value::as_str).unwrap_or_default()
    }
}

pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) requests: Requests,
    pub(crate) shops: Vec<Shop>,
    pub(crate) callers: Vec<Caller>,
    pub(crate) ledger: Ledger,
    pub(crate) dice: Dice,
    pub(crate) today: Date,
    /// Bookings of ours that their owner cancelled and announced.
    pub(crate) called_off: BTreeMap<String, UnixMillis>,
    pub(crate) crashes: u64,
    /// What agents heard, where that is kept.
    pub(crate) heard: Vec<Told>,
    /// Whether agents go on by themselves.
    pub(crate) agents_think: bool,
    /// Until when a turn may have panicked, so that an agent may hear an error.
    panics_until: UnixMillis,
    queue: BTreeMap<(UnixMillis, u64), Act>,
    acts: u64,
    number: usize,
}

impl World {
    pub(crate) fn new(seed: u64, size: &Size) -> Self {
        let mut dice = Dice::new(seed);
        let companies = companies::companies(size.companies, &mut dice);
        let mut calendar = Calendar::default();
        companies.iter().for_each(|company| companies::offer(&mut calendar, company));
        Self::of(companies, calendar, dice)
    }

    /// These companies, with this calendar.
    pub(crate) fn of(companies: Vec<Company>, calendar: Calendar, mut dice: Dice) -> Self {
        let shards = 1 + dice.below(4);
        let universe = Universe::by_hand(shards, dice.roll());
        let shops: Vec<Shop> = companies.iter().map(companies::shop).collect();
        let begins = companies::at(FIRST_DAY, 8 * 60);
        universe.manual_clock().set(begins);
        let alarms = universe.alarms().clone();
        let requests = Requests::new(calendar, universe.manual_clock().clone(), alarms, dice.fork());
        let sharing = shops.iter().map(|shop| shop.id).filter(|_| dice.percent(30)).collect();
        requests.outside().shares_key = sharing;
        let mut settings = Settings::default();
        settings.limits.turns_before_yield = 1 + dice.below(3);
        settings.writers.writers = 1 + dice.below(3);
        let rig = Rig::on(Stage {
            universe,
            begins,
            companies: Arc::new(FakeDirectory::new(companies)),
            calendar: Some(Arc::new(requests.clone())),
            settings,
        });
        Self {
            rig,
            requests,
            shops,
            callers: Vec::new(),
            ledger: Ledger::default(),
            dice,
            today: FIRST_DAY,
            called_off: BTreeMap::new(),
            crashes: 0,
            heard: Vec::new(),
            agents_think: true,
            panics_until: UnixMillis(0),
            queue: BTreeMap::new(),
            acts: 0,
            number: 0,
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.rig.now()
    }

    pub(crate) fn company_ids(&self) -> Vec<CompanyId> {
        self.shops.iter().map(|shop| shop.id).collect()
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        let now = self.now();
        self.requests.outside().course.note(now, what);
    }

    pub(crate) fn at(&mut self, at: UnixMillis, act: Act) {
        self.acts += 1;
        self.queue.insert((at, self.acts), act);
    }

    fn in_ms(&mut self, ms: i64, act: Act) {
        let at = self.now().plus_ms(ms);
        self.at(at, act);
    }

    pub(crate) fn plan_troubles(&mut self, troubles: Vec<Trouble>) {
        for Trouble { from, until, fault } in troubles {
            self.at(from, Act::Begin(fault.clone()));
            self.at(until, Act::End(fault));
        }
    }

    /// A new caller, who rings then.
    pub(crate) fn plan_call(&mut self, at: UnixMillis) {
        let shop = self.dice.below(self.shops.len());
        let mut caller = Caller::new(self.number, shop, &self.shops[shop], self.today, &mut self.dice);
        self.number += 1;
        caller.began_at = at;
        self.callers.push(caller);
        self.at(at, Act::Ring(self.callers.len() - 1));
    }

    /// Goes on until nothing is planned any more, and in any case until this time.
    pub(crate) fn run_until(&mut self, until: UnixMillis) {
        while let Some(at) = self.next_act().or_else(|| Some(until).filter(|until| self.now() < *until)) {
            self.pass_until(at);
            // An answer on the way may have brought something earlier.
            while let Some(act) = self.take_due() {
                self.act(act);
                self.rig.settle();
                self.listen();
            }
        }
    }

    fn next_act(&self) -> Option<UnixMillis> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    fn take_due(&mut self) -> Option<Act> {
        let now = self.now();
        let first = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }

    /// Lets the time pass, and hears every answer at the moment it comes.
    fn pass_until(&mut self, at: UnixMillis) {
        loop {
            let now = self.now();
            let planned = self.next_act();
            let next = self.rig.universe.next_due().into_iter().chain(planned).min();
            let next = next.filter(|next| *next < at).unwrap_or(at);
            let ms = u64::try_from(next.since(now)).unwrap_or(0);
            self.rig.advance(ms);
            self.listen();
            if self.now() >= at || planned.is_some_and(|planned| planned <= self.now()) {
                return;
            }
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Ring(caller) => self.ring(caller),
            Act::Deliver { body, tries, is_strange } => self.deliver(body, tries, is_strange),
            Act::GoOn(caller) => self.go_on(caller),
            Act::AskAgain { caller, tool_call } => self.ask_again(caller, tool_call.as_deref()),
            Act::HangUp(caller) => self.hang_up(caller),
            Act::Announce { company, event, tries } => self.announce(company, event, tries),
            Act::BookOutside(shop) => self.book_outside(shop),
            Act::CancelAtCalendar(shop) => self.cancel_at_calendar(shop),
            Act::Begin(fault) => self.begin(&fault),
            Act::End(fault) => self.end(&fault),
            Act::HoldsNothing(call, company) => self.check_holds(&call, company),
        }
    }

    fn ring(&mut self, caller: usize) {
        let now = self.now();
        let started = self.callers[caller].event("call_started", now);
        // One in ten comes late or never, and some come twice.
        match self.dice.below(20) {
            0 => {}
            1 => {
                let late = self.late();
                self.deliver_in(late, started);
            }
            2 => {
                self.deliver_in(0, started.clone());
                let late = self.late();
                self.deliver_in(late, started);
            }
            _ => self.deliver_in(0, started),
        }
        let think = self.dice.between(200, 6_000);
        self.in_ms(think, Act::GoOn(caller));
        for turn in 1..=self.dice.below(4) {
            let at = self.dice.between(1_000, 40_000);
            let body = EventBody {
                transcript: Some("Guten Tag. ".repeat(turn)),
                ..self.callers[caller].event("transcript_updated", now.plus_ms(at))
            };
            self.deliver_in(at, body);
        }
    }

    fn late(&mut self) -> i64 {
        self.dice.between(500, 90_000)
    }

    fn deliver_in(&mut self, ms: i64, body: EventBody) {
        self.in_ms(ms, Act::Deliver { body, tries: 0, is_strange: false });
    }

    /// An event whose number is nobody's.
    pub(crate) fn plan_stranger(&mut self, at: UnixMillis) {
        self.number += 1;
        let body = EventBody {
            to: Some("+49999000111".to_owned()),
            ..EventBody::new("call_started", &format!("x_{}", self.number), at.0)
        };
        self.at(at, Act::Deliver { body, tries: 0, is_strange: true });
    }

    fn deliver(&mut self, body: EventBody, tries: u32, is_strange: bool) {
        let taken = self.rig.take_event(&body, Signer::Platform);
        self.note(format_args!("{} {} {:?}", body.event, body.call_id, taken.is_ok()));
        match taken {
            Ok(_) if body.event == "transcript_updated" => {}
            Ok(_) => {
                if let Ok(event) = body.decode() {
                    self.ledger.acknowledge(&body.call_id, &event.dedup_key, &body.event, is_strange);
                }
                if body.event == "call_ended" {
                    self.expect_no_hold(&body.call_id);
                }
            }
            Err(_) if tries < TRIES_MAX => {
                self.in_ms(7_000, Act::Deliver { body, tries: tries + 1, is_strange });
            }
            Err(_) => {}
        }
    }

    fn expect_no_hold(&mut self, call: &str) {
        let caller = self.callers.iter().find(|caller| caller.call == call);
        if let Some(company) = caller.map(|caller| self.shops[caller.shop].id) {
            self.in_ms(1_000, Act::HoldsNothing(call.to_owned(), company));
        }
    }

    fn check_holds(&mut self, call: &str, company: CompanyId) {
        let Some(view) = self.rig.scheduler(company) else { return };
        for hold in view.holds.iter().filter(|hold| hold.call_id.as_str() == call && hold.state == "held") {
            let what = format!("a second after its end {call} still holds {}", hold.starts_at);
            self.ledger.complain(Kind::Untrue, what);
        }
    }

    fn go_on(&mut self, caller: usize) {
        if self.callers[caller].is_over || !self.callers[caller].pending.is_empty() {
            return;
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

    pub(crate) fn hang_up(&mut self, caller: usize) {
        if std::mem::replace(&mut self.callers[caller].is_over, true) {
            return;
        }
        let now = self.now();
        let ended = self.callers[caller].ended(now);
        let analyzed_in = self.dice.between(3_000, 60_000);
        let analyzed = self.callers[caller].analyzed(now, now.plus_ms(analyzed_in), "Ein Termin.");
        self.note(format_args!("{} is over", self.callers[caller].call));
        if self.callers[caller].is_silent {
            return self.rig.voice.has(&[ended, analyzed]);
        }
        let ended_in = if self.dice.percent(15) { self.late() } else { self.dice.between(5, 800) };
        self.deliver_in(ended_in, ended.clone());
        self.deliver_in(analyzed_in, analyzed);
        if self.dice.percent(15) {
            let again = self.dice.between(0, 60_000);
            self.deliver_in(again, ended);
        }
        if self.dice.percent(10) {
            let later = analyzed_in + 60_000;
            let anew = self.callers[caller].analyzed(now, now.plus_ms(later), "Noch einmal gehört.");
            self.deliver_in(later, anew.clone());
            self.deliver_in(later, anew);
        }
    }

    pub(crate) fn begin(&mut self, fault: &Fault) {
        self.note(format_args!("begins: {fault:?}"));
        if fault.panics() {
            self.panics_until = self.now().plus_ms(300_000);
        }
        if *fault == Fault::Crash {
            return self.crash();
        }
        let companies = self.company_ids();
        fault.begin(&self.rig, &self.requests, &companies);
    }

    fn end(&mut self, fault: &Fault) {
        self.note(format_args!("ends: {fault:?}"));
        let companies = self.company_ids();
        fault.end(&self.rig, &self.requests, &companies);
    }

    /// The sockets of all agents die with the process; each asks again.
    pub(crate) fn crash(&mut self) {
        self.crashes += 1;
        self.rig.database.reads.open();
        self.rig.crash_and_restart_with_the_database_back();
        for caller in 0..self.callers.len() {
            if self.callers[caller].pending.drain(..).count() > 0 {
                self.callers[caller].hear(None);
                if !self.agents_think {
                    continue;
                }
                let think = self.dice.between(200, 3_000);
                self.in_ms(think, Act::GoOn(caller));
            }
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

    fn heard(&mut self, caller: usize, pending: Pending, heard: Heard) {
        let now = self.now();
        let call = self.callers[caller].call.clone();
        let answer = match heard {
            Heard::Answer(answered) => {
                self.note(format_args!("{call} hears {}", String::from_utf8_lossy(&answered.body)));
                let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
                self.ledger.tell(&call, now, &answer);
                if !self.agents_think {
                    let (call, function, answer) = (call.clone(), pending.function, answer.clone());
                    self.heard.push(Told { call, function, answer });
                }
                if answered.code == "confirmed" && let Some(tool_call) = &pending.tool_call {
                    let order = pending.arguments.to_string();
                    self.ledger.compare(&call, tool_call, &order, &answered.body);
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

    /// The calendar announces what was booked there, late, twice or in another order.
    fn announce_news(&mut self) {
        let news = std::mem::take(&mut self.requests.outside().news);
        for booked in news {
            let with_metadata = self.dice.percent(85);
            if self.dice.percent(60) {
                self.plan_announcement(&stands(&booked, with_metadata), booked.company);
            }
        }
    }

    fn plan_announcement(&mut self, event: &CalendarEvent, company: CompanyId) {
        for _ in 0..=self.dice.below(5) / 4 {
            let after = if self.dice.percent(80) { self.dice.between(50, 3_000) } else { self.late() };
            self.in_ms(after, Act::Announce { company, event: Box::new(event.clone()), tries: 0 });
        }
    }

    fn announce(&mut self, company: CompanyId, event: Box<CalendarEvent>, tries: u32) {
        let taken = self.rig.take_announcement(company, &event);
        self.note(format_args!("announced {} {:?} {}", event.name, event.uid, taken.is_ok()));
        if taken.is_err() && tries < TRIES_MAX {
            self.in_ms(9_000, Act::Announce { company, event, tries: tries + 1 });
        }
    }

    fn book_outside(&mut self, shop: usize) {
        let (company, now) = (self.shops[shop].id, self.now());
        let booked = {
            let mut outside = self.requests.outside();
            let types = outside.calendar.types_of(company);
            let Some(event_type) = self.dice.pick(&types).copied() else { return };
            let start = companies::at(self.today, (9 + self.dice.between(0, 9)) * 60);
            if start < now {
                return;
            }
            outside.calendar.book_outside(event_type, start, now)
        };
        let Some(booked) = booked else { return };
        self.note(format_args!("outside {} {:?}", booked.uid, booked.interval));
        if self.dice.percent(85) {
            self.plan_announcement(&stands(&booked, true), company);
        }
    }

    /// The owner calls a confirmed booking off at the calendar.
    fn cancel_at_calendar(&mut self, shop: usize) {
        let (company, now) = (self.shops[shop].id, self.now());
        let cancelled = {
            let mut outside = self.requests.outside();
            let of_shop = outside.calendar.standing().filter(|booked| booked.company == company);
            let uids: Vec<String> = of_shop.map(|booked| booked.uid.clone()).collect();
            let Some(uid) = self.dice.pick(&uids).cloned() else { return };
            outside.calendar.cancel(&uid, Canceller::Owner)
        };
        let Some(booked) = cancelled else { return };
        self.note(format_args!("called off {}", booked.uid));
        self.called_off.insert(booked.uid.clone(), now);
        self.plan_announcement(&gone(&booked, now), company);
    }
}

fn stands(booked: &Booked, with_metadata: bool) -> CalendarEvent {
    CalendarEvent {
        name: "BOOKING_CREATED".to_owned(),
        dedup_key: format!("created:{}", booked.uid),
        uid: Some(booked.uid.clone()),
        at: Some(booked.made_at),
        news: News::Stands(Box::new(SeenBooking {
            uid: booked.uid.clone(),
            from_uid: None,
            interval: booked.interval,
            host: Some(booked.host),
            freed_hosts: Vec::new(),
            seated: false,
            evidence: booked.evidence(with_metadata),
        })),
    }
}

fn gone(booked: &Booked, at: UnixMillis) -> CalendarEvent {
    CalendarEvent {
        name: "BOOKING_CANCELLED".to_owned(),
        dedup_key: format!("cancelled:{}", booked.uid),
        uid: Some(booked.uid.clone()),
        at: Some(at),
        news: News::Gone(Box::new(GoneBooking {
            uid: booked.uid.clone(),
            appointment: booked.order.as_ref().map(|order| order.appointment.as_str().to_owned()),
            event_type_id: Some(booked.event_type_id),
            host: Some(booked.host),
        })),
    }
}
