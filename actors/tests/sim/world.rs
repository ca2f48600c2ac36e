//! One simulated world: companies, their calendar, callers, and the service between them, on virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use askpro_actors::{
    ports::fakes::{EventBody, FakeDirectory, FakeJournal},
    rig::{Rig, Stage},
    root::Settings,
    runtime::{Dice, universe::Universe},
};
use askpro_domain::{calendar::CalendarEvent, ids::CompanyId, tenant::Company, time::UnixMillis};
use jiff::civil::Date;
use serde_json::Value;

use crate::{
    calendar::Calendar,
    callers::Caller,
    companies::{self, FIRST_DAY, Shop},
    days::Size,
    faults::{Fault, Trouble},
    ledger::Ledger,
    refusals::Refusals,
    requests::Requests,
};

/// Something that happens at a time of its own.
pub(crate) enum Act {
    /// A call comes in.
    Ring(usize),
    /// Retell delivers an event; how often it was tried.
    Deliver { body: Box<EventBody>, tries: u32, is_strange: bool },
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
    /// The owner cancels a booking at the calendar.
    CancelAtCalendar(usize),
    /// The owner moves a booking at the calendar.
    MoveAtCalendar(usize),
    /// Something begins to go wrong.
    Begin(Fault),
    /// It ends.
    End(Fault),
    /// A second after its end a call holds nothing.
    HoldsNothing(String, CompanyId),
}

/// How often Retell and the calendar try to deliver; here until it is taken.
pub(crate) const TRIES_MAX: u32 = 40;

/// What an agent heard.
pub(crate) struct Told {
    pub(crate) call: String,
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
    /// Rows that the database refuses for good.
    pub(crate) refusals: Refusals,
    /// Whether the disk is slow: what arrives waits at the door.
    pub(crate) disk_is_slow: bool,
    pub(crate) crashes: u64,
    /// What agents heard, where that is kept.
    pub(crate) heard: Vec<Told>,
    /// Whether agents go on by themselves.
    pub(crate) agents_think: bool,
    /// Until when a turn may have panicked, so that an agent may hear an error.
    pub(crate) panics_until: UnixMillis,
    queue: BTreeMap<(UnixMillis, u64), Act>,
    acts: u64,
    /// Calls so far, strangers among them.
    pub(crate) number: usize,
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
        let journal = Arc::new(FakeJournal::default());
        let clock = universe.manual_clock().clone();
        let requests = Requests::new(calendar, journal.clone(), clock, alarms, dice.fork());
        let sharing = shops.iter().map(|shop| shop.id).filter(|_| dice.percent(30)).collect();
        requests.outside().shares_key = sharing;
        let mut settings = Settings::default();
        settings.limits.turns_before_yield = 1 + dice.below(3);
        settings.writers.writers = 1 + dice.below(3);
        settings.writers.commit_every_ms = 100;
        let rig = Rig::on(Stage {
            universe,
            begins,
            journal,
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
            refusals: Refusals::default(),
            disk_is_slow: false,
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

    pub(crate) fn note(&self, what: std::fmt::Arguments<'_>) {
        let now = self.now();
        self.requests.outside().course.note(now, what);
    }

    pub(crate) fn at(&mut self, at: UnixMillis, act: Act) {
        self.acts += 1;
        self.queue.insert((at, self.acts), act);
    }

    pub(crate) fn in_ms(&mut self, ms: i64, act: Act) {
        let at = self.now().plus_ms(ms);
        self.at(at, act);
    }

    pub(crate) fn plan_troubles(&mut self, troubles: Vec<Trouble>) {
        for Trouble { from, until, fault } in troubles {
            self.at(from, Act::Begin(fault.clone()));
            self.at(until, Act::End(fault));
        }
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
            Act::Deliver { body, tries, is_strange } => self.deliver(*body, tries, is_strange),
            Act::GoOn(caller) => self.go_on(caller),
            Act::AskAgain { caller, tool_call } => self.ask_again(caller, tool_call.as_deref()),
            Act::HangUp(caller) => self.hang_up(caller),
            Act::Announce { company, event, tries } => self.announce(company, event, tries),
            Act::BookOutside(shop) => self.book_outside(shop),
            Act::CancelAtCalendar(shop) => self.cancel_at_calendar(shop),
            Act::MoveAtCalendar(shop) => self.move_at_calendar(shop),
            Act::Begin(fault) => self.begin(&fault),
            Act::End(fault) => self.end(&fault),
            Act::HoldsNothing(call, company) => self.check_holds(&call, company),
        }
    }

    pub(crate) fn begin(&mut self, fault: &Fault) {
        self.note(format_args!("begins: {fault:?}"));
        if fault.panics() {
            self.panics_until = self.now().plus_ms(300_000);
        }
        match fault {
            Fault::Crash => return self.crash(),
            Fault::RowRefused => return self.refuse_a_row(),
            Fault::DiskSlow => self.disk_is_slow = true,
            _ => {}
        }
        let companies = self.company_ids();
        fault.begin(&self.rig, &self.requests, &companies);
    }

    fn end(&mut self, fault: &Fault) {
        self.note(format_args!("ends: {fault:?}"));
        if *fault == Fault::DiskSlow {
            self.disk_is_slow = false;
        }
        let companies = self.company_ids();
        fault.end(&self.rig, &self.requests, &companies);
    }

    /// The sockets of all agents die with the process; each asks again.
    pub(crate) fn crash(&mut self) {
        self.crashes += 1;
        self.disk_is_slow = false;
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

    /// The database will not take what Retell makes of one of the calls.
    fn refuse_a_row(&mut self) {
        let calls: Vec<String> = self.callers.iter().map(|caller| caller.call.clone()).collect();
        if let Some(call) = self.dice.pick(&calls) {
            self.refusals.refuse(&self.rig.database, call);
        }
    }
}
