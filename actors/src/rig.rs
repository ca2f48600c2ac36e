//! All actors over fakes, for tests: a small world with the companies of the stories, whose time is moved by
//! hand, whose process can crash and start again, and which says at its end what was lost or left behind.

use std::{collections::BTreeSet, sync::Arc};

use askpro_domain::{
    calendar::CalendarEvent,
    call::{CallIdentity, EventKind},
    customer::{Upcoming, owners},
    function::{FunctionName, ToolCall},
    ids::{CallId, CompanyId, StaffId},
    time::UnixMillis,
};
use futures_util::FutureExt;
use serde_json::{Map, Value};

use crate::{
    announcing::JournaledAnnouncement,
    calls::{Answered, AskFunction, CallMessage, CallView, Delivered, EventReceived},
    ports::{
        calendar::{Calendar, CalendarDecoder},
        fakes::{
            EventBody, FIXTURE_NOW, FakeCalendar, FakeCalendarDecoder, FakeDatabase, FakeDecoder,
            FakeDirectory, FakeJournal, FakeVoice, company_a, company_b,
        },
        journal::{Journal, JournalError, Position, Record, SchedulingRecord, Signer},
    },
    root::{Actors, Journaled, Ports, Settings},
    runtime::{
        Reply, ReplyFuture,
        universe::{PATIENCE, Universe},
    },
    scheduling::{SchedulerView, SchedulingMessage},
    writer::Fence,
};

/// How long an agent waits.
pub const BUDGET_MS: i64 = 2_500;
/// Rounds of the pump before a test gives up.
const ROUNDS_MAX: usize = 10_000;
/// Within which everything must come to its end, the late look for a lost booking among it.
const ENDS_WITHIN_S: usize = 1_500;
/// Epoch of the first process.
const EPOCH: i64 = 7;

/// All actors over fakes.
pub struct Rig {
    /// The process that runs now.
    pub universe: Universe,
    /// Its actors.
    pub actors: Actors,
    /// Survives crashes.
    pub journal: Arc<FakeJournal>,
    /// Survives crashes.
    pub database: Arc<FakeDatabase>,
    /// Survives crashes.
    pub calendar: Arc<FakeCalendar>,
    /// Survives crashes.
    pub voice: Arc<FakeVoice>,
    /// Survives crashes.
    pub directory: Arc<FakeDirectory>,
    /// Survives crashes.
    pub decoder: Arc<FakeDecoder>,
    settings: Settings,
    ports: Ports,
}

/// What a rig stands on, where it is not the small world of the stories.
pub struct Stage {
    /// Time and threads, or none.
    pub universe: Universe,
    /// When it begins.
    pub begins: UnixMillis,
    /// The journal.
    pub journal: Arc<FakeJournal>,
    /// The companies.
    pub companies: Arc<FakeDirectory>,
    /// The calendar; none takes the fake one, which knows the fixture's services alone.
    pub calendar: Option<Arc<dyn Calendar>>,
    /// Limits of all actors.
    pub settings: Settings,
}

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The call.
    pub call: &'a str,
    /// Who calls; `None` withholds the number.
    pub from: Option<&'a str>,
    /// Where it rings.
    pub to: &'a str,
    /// What is called.
    pub function: FunctionName,
    /// Whose key signs it.
    pub signer: Signer,
    /// Retell's id of the tool call.
    pub tool_call_id: Option<&'a str>,
    /// Code of what this function answered last.
    pub heard: Option<&'a str>,
}

impl<'a> Asking<'a> {
    /// Anna calls A, and Retell tells no tool call.
    #[must_use]
    pub const fn of(call: &'a str, function: FunctionName) -> Self {
        let (from, to) = (Some("+4915112345678"), "+493083793369");
        Self { call, from, to, function, signer: Signer::Platform, tool_call_id: None, heard: None }
    }
}

/// A question whose answer is waited for.
pub struct Asked(ReplyFuture<Answered>);

/// An answer, or that there will never be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// This.
    Answer(Answered),
    /// The question was dropped: the agent hears an error.
    Nothing,
}

impl Asked {
    /// What was answered by now.
    pub fn heard(&mut self) -> Option<Heard> {
        let answer = (&mut self.0).now_or_never()?;
        Some(answer.map_or(Heard::Nothing, Heard::Answer))
    }

    /// The answer as JSON.
    ///
    /// # Panics
    /// When there is none.
    #[allow(clippy::panic, reason = "a test without its answer cannot go on")]
    pub fn json(&mut self) -> Value {
        match self.heard() {
            Some(Heard::Answer(answered)) => serde_json::from_slice(&answered.body).unwrap_or_default(),
            other => panic!("no answer but {other:?}"),
        }
    }
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// With all limits as they are by default.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    /// With these limits.
    #[must_use]
    pub fn with(settings: Settings) -> Self {
        Self::on(Stage {
            universe: Universe::new(),
            begins: FIXTURE_NOW,
            journal: Arc::default(),
            companies: Arc::default(),
            calendar: None,
            settings,
        })
    }

    /// On this stage.
    #[must_use]
    pub fn on(stage: Stage) -> Self {
        let Stage { universe, begins, journal, companies: directory, calendar: other_calendar, settings } =
            stage;
        let database = Arc::new(FakeDatabase::default());
        let calendar = Arc::new(FakeCalendar::default());
        let voice = Arc::new(FakeVoice::default());
        let decoder = Arc::new(FakeDecoder::default());
        let seen = database.clone();
        journal.check_commits(move |position, record| has_its_rows(&seen, position, record));
        universe.manual_clock().set(begins);
        calendar.reservations.follow(universe.clock());
        let ports = Ports {
            clock: universe.clock(),
            directory: directory.clone(),
            journal: journal.clone(),
            batches: database.clone(),
            calls: database.clone(),
            bookings: database.clone(),
            customers: database.clone(),
            callbacks: database.clone(),
            calendar: other_calendar.unwrap_or_else(|| calendar.clone()),
            voice: voice.clone(),
            decoder: decoder.clone(),
            calendar_decoder: Arc::new(FakeCalendarDecoder),
        };
        let actors = start(&universe, &ports, &settings);
        Self { universe, actors, journal, database, calendar, voice, directory, decoder, settings, ports }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.universe.now()
    }

    /// An event of the platform's key arrives: journaled (transcripts are not) and delivered.
    pub fn event(&self, body: &EventBody) -> Delivered {
        self.event_signed(body, Signer::Platform)
    }

    /// An event with this signature arrives.
    ///
    /// # Panics
    /// When the journal does not take it.
    #[allow(clippy::expect_used, reason = "a test whose event is not taken cannot go on")]
    pub fn event_signed(&self, body: &EventBody, signer: Signer) -> Delivered {
        self.take_event(body, signer).expect("room in the journal")
    }

    /// An event arrives, if the journal takes it.
    ///
    /// # Errors
    /// Those of the journal: it was not acknowledged then.
    ///
    /// # Panics
    /// When the body has no call.
    #[allow(clippy::expect_used, reason = "a test with a wrong body cannot go on")]
    pub fn take_event(&self, body: &EventBody, signer: Signer) -> Result<Delivered, JournalError> {
        let event = body.decode().expect("a body that can be read");
        let (received_at, bytes) = (self.now(), body.bytes());
        let position = if event.kind == EventKind::TranscriptUpdated {
            None
        } else {
            let record = Record::RetellEvent { signer, received_at, body: bytes.clone() };
            Some(self.journal.append_ordered(record)?.0)
        };
        Ok(self.actors.calls.deliver(EventReceived { event, body: bytes, position, received_at, signer }))
    }

    /// A company's calendar announces something: journaled and delivered.
    ///
    /// # Panics
    /// When the journal does not take it.
    #[allow(clippy::expect_used, reason = "a test whose announcement is not taken cannot go on")]
    pub fn announce(&self, company: CompanyId, event: &CalendarEvent) {
        self.take_announcement(company, event).expect("room in the journal");
    }

    /// An announcement arrives, if the journal takes it.
    ///
    /// # Errors
    /// Those of the journal: it was not acknowledged then.
    pub fn take_announcement(&self, company: CompanyId, event: &CalendarEvent) -> Result<(), JournalError> {
        let (received_at, body) = (self.now(), FakeCalendarDecoder::body(event));
        let record = Record::CalendarEvent { company, received_at, body: body.clone() };
        let position = self.journal.append_ordered(record)?.0;
        let journaled = JournaledAnnouncement { position, company, received_at, body };
        self.actors.announce((journaled, event.clone()));
        Ok(())
    }

    /// A live function is called in a call that rang at this number.
    pub fn ask(&self, call: &str, number: &str, function: FunctionName, arguments: Value) -> Asked {
        self.ask_signed(call, number, function, arguments, Signer::Platform)
    }

    /// The same with this signature.
    pub fn ask_signed(
        &self,
        call: &str,
        number: &str,
        function: FunctionName,
        arguments: Value,
        signer: Signer,
    ) -> Asked {
        let asking = Asking { to: number, signer, ..Asking::of(call, function) };
        self.ask_as(&asking, arguments)
    }

    /// A live function is called as it is described.
    ///
    /// # Panics
    /// When the id cannot be one.
    #[allow(clippy::expect_used, reason = "a test without a call cannot go on")]
    pub fn ask_as(&self, asking: &Asking<'_>, arguments: Value) -> Asked {
        let (reply, future) = Reply::new();
        let arguments: Map<String, Value> = serde_json::from_value(arguments).expect("an object");
        let identity = CallIdentity {
            direction: Some("inbound".to_owned()),
            from_number: asking.from.map(str::to_owned),
            to_number: Some(asking.to.to_owned()),
            agent_id: None,
        };
        let ask = AskFunction {
            function: asking.function,
            arguments,
            tool_call: ToolCall {
                id: asking.tool_call_id.map(str::to_owned),
                heard: asking.heard.map(str::to_owned),
            },
            identity,
            started_at: None,
            signer: asking.signer,
            asked_at: self.now(),
            deadline: self.now().plus_ms(BUDGET_MS),
            remarks: Reply::new().0,
            reply,
        };
        let call = CallId::parse(asking.call).expect("a call id");
        let _ = self.actors.calls.offer(call, CallMessage::AskFunction(Box::new(ask)));
        Asked(future)
    }

    /// Lets everything go on that can; what is parked is tried again.
    pub fn settle(&self) {
        for _ in 0..ROUNDS_MAX {
            self.universe.settle_parked();
            if self.actors.parked.is_empty() || self.actors.calls.pump() == 0 {
                return;
            }
        }
    }

    /// Moves the time on by `ms`, letting everything go on at every timer on the way.
    pub fn advance(&self, ms: u64) {
        self.settle();
        self.universe.advance(ms);
        self.settle();
    }

    /// A call as admins see it, if it is in memory.
    #[must_use]
    pub fn call(&self, call: &str) -> Option<CallView> {
        let id = CallId::parse(call)?;
        if !self.actors.calls.registry().is_live(&id) {
            return None;
        }
        let (reply, mut future) = Reply::new();
        let _ = self.actors.calls.offer(id, CallMessage::GetCall(reply));
        self.settle();
        (&mut future).now_or_never().and_then(Result::ok)
    }

    /// A scheduler as admins see it.
    #[must_use]
    pub fn scheduler(&self, company: CompanyId) -> Option<SchedulerView> {
        let (reply, mut future) = Reply::new();
        let _ = self.actors.schedulers.offer(company, SchedulingMessage::GetScheduler(reply));
        self.settle();
        (&mut future).now_or_never().and_then(Result::ok)
    }

    /// The process ends at once, and the next one takes over what journal and database know.
    pub fn crash_and_restart(&mut self) {
        self.crash_and_restart_from(None);
    }

    /// The same, and the database that was away answers the next one.
    pub fn crash_and_restart_with_the_database_back(&mut self) {
        self.database.set_away(false);
        self.crash_and_restart();
    }

    /// The same with a mark that was kept long before.
    pub fn crash_and_restart_from(&mut self, mark: Option<Position>) {
        let next = self.universe.successor();
        let mut dead = std::mem::replace(&mut self.universe, next);
        dead.forgive_leaks();
        drop(dead);
        let records = match mark {
            Some(mark) => self.journal.crash_with_mark(mark),
            None => self.journal.crash(),
        };
        self.actors = start(&self.universe, &self.ports, &self.settings);
        self.recover(records);
    }

    #[allow(clippy::expect_used, reason = "a test that cannot restart cannot go on")]
    fn recover(&self, records: Vec<(Position, Record)>) {
        let mut journaled = Journaled::default();
        for (position, record) in records {
            journaled.take(&self.actors.calls, position, record).expect("a record that can be read");
        }
        let restore = async {
            let restore = self.actors.restore(&self.ports, journaled);
            tokio::time::timeout(PATIENCE, restore).await
        };
        let restored = self.universe.block_on(restore).expect("a restart that comes to its end");
        restored.expect("a database that answers");
        self.settle();
    }

    /// Lets everything come to its end and checks that nothing was lost, committed too early or left behind.
    ///
    /// # Panics
    /// When anything was.
    pub fn finish(self) {
        self.heal();
        for _ in 0..ENDS_WITHIN_S {
            self.advance(1_000);
            if self.journal.outstanding().is_empty() && self.actors.writers.is_idle() {
                break;
            }
        }
        self.check();
        self.check_customers();
        assert!(self.universe.block_on(self.actors.drain(PATIENCE)), "not drained");
        self.universe.assert_no_leaks();
        self.check();
    }

    /// Drains at once, with calls and holds as they are, and checks the same.
    ///
    /// # Panics
    /// When anything was lost or left behind.
    pub fn finish_soon(self) {
        self.heal();
        self.settle();
        assert!(self.universe.block_on(self.actors.drain(PATIENCE)), "not drained");
        self.universe.assert_no_leaks();
        self.check();
    }

    /// The process ends in order, with everything as it is: nothing is checked but that nobody stays.
    ///
    /// # Panics
    /// When somebody does.
    pub fn drain(self) {
        assert!(self.universe.block_on(self.actors.drain(PATIENCE)), "not drained");
        self.universe.assert_no_leaks();
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.database.set_away(false);
        self.database.commits.open();
        self.database.reads.open();
        self.calendar.set_down(false);
        for company in [company_a(), company_b()] {
            self.calendar.set_down_for(company, false);
        }
        for gate in [&self.calendar.fetches, &self.calendar.creates, &self.calendar.create_answers] {
            gate.open();
        }
        self.calendar.looks_gate.open();
        self.calendar.reservations.answers.open();
        self.voice.set_down(false);
        self.voice.answers.open();
        self.journal.set_full(false);
        self.journal.set_failing(false);
        self.journal.sync();
    }

    fn check(&self) {
        assert_eq!(self.journal.violations(), Vec::<String>::new(), "committed before its rows were there");
        let left = self.journal.outstanding();
        assert!(left.is_empty(), "left in the journal: {left:#?}");
        assert!(self.actors.parked.is_empty(), "left parked");
    }

    /// The customers in memory agree with the rows.
    fn check_customers(&self) {
        let tables = self.database.tables();
        for row in tables.appointments.values() {
            let Some(booking) = tables.booking(&row.appointment) else { continue };
            let rows = Upcoming { staff: row.staff_id.map(StaffId), ..Upcoming::of(&booking, None) };
            let wanted = Some(rows).filter(|upcoming| upcoming.lies_ahead(self.now()));
            for phone in owners(&booking.order) {
                let card = self.actors.customers.card(row.company, phone, self.now());
                let known = card.upcoming.into_iter().find(|known| known.appointment == row.appointment);
                assert_eq!(known, wanted, "the book of customers");
            }
        }
    }

    /// Calls in memory.
    #[must_use]
    pub fn calls_in_memory(&self) -> BTreeSet<String> {
        let keys = self.actors.calls.registry().keys_after(None, usize::MAX);
        keys.iter().map(ToString::to_string).collect()
    }
}

fn start(universe: &Universe, ports: &Ports, settings: &Settings) -> Actors {
    let fence = Arc::new(Fence::default());
    fence.set_epoch(EPOCH);
    Actors::start(universe.runtime(), ports, settings, fence, Arc::default())
}

/// A record may be committed when its rows are there: an event as an event, in quarantine or as a dead letter;
/// a booking's move as that version or a later one.
fn has_its_rows(database: &FakeDatabase, position: Position, record: &Record) -> Result<(), String> {
    let there = database.with_tables(|tables| match record {
        Record::RetellEvent { body, .. } => {
            let Some(event) = serde_json::from_slice(body).ok().and_then(|b: EventBody| b.decode().ok())
            else {
                return true;
            };
            let key = (event.call_id.clone(), event.dedup_key.clone());
            let same = |call: &CallId, dedup: &str| *call == event.call_id && dedup == event.dedup_key;
            tables.events.contains_key(&key)
                || tables.quarantine.values().any(|row| same(&row.call_id, &row.dedup_key))
                || tables.dead_letters.values().any(|row| row.actor_id == event.call_id.as_str())
        }
        Record::Scheduling(SchedulingRecord::Moved { booking }) => {
            let row = tables.appointments.get(&booking.order.appointment);
            row.is_some_and(|row| row.version >= booking.version)
                || tables.dead_letters.values().any(|d| d.actor_id == booking.order.call_id.as_str())
        }
        Record::Callback(record) => {
            let key = (record.callback.company, record.callback.id.row_key());
            tables.callbacks.get(&key).is_some_and(|row| row.version >= record.callback.version)
                || tables.dead_letters.values().any(|d| d.actor_id == record.by.as_str())
        }
        Record::CalendarEvent { company, body, .. } => {
            let key = (*company, FakeCalendarDecoder.decode(body).dedup_key);
            tables.calendar_events.contains_key(&key)
        }
        Record::Scheduling(_) => true,
    });
    if there { Ok(()) } else { Err(format!("{} has no rows: {record:?}", position.0)) }
}
