//! The calendar as the service reaches it: requests that take time, arrive or not, and are answered or not.
//!
//! What is under way goes on when the process that sent it dies. Every answer and every POST is kept for the
//! ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use askpro_actors::{
    ports::calendar::{
        Calendar as Port, CalendarError, CreateOutcome, FoundBooking, Offered, Permit, ReserveOutcome,
        ReserveWish, Turn,
    },
    ports::clock::{Clock, ManualClock},
    ports::fakes::FakeJournal,
    ports::journal::{Record, SchedulingRecord},
    runtime::{Dice, universe::Alarms},
};
use askpro_domain::{
    booking::{BookingOrder, BookingState, Refusal},
    ids::{AppointmentId, CompanyId},
    policy::{Heard, KeyId},
    secret::Secret,
    time::{Interval, UnixMillis},
};

use crate::{
    calendar::{Booked, Calendar, Canceller, Written},
    course::Course,
    weather::{Journey, Weather},
};

/// What was sent of one order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    /// POSTs that left and may have made something.
    pub(crate) posts: u32,
    /// POSTs for a pool that lost a race for their host, and so are known to have made nothing.
    pub(crate) raced: usize,
    /// Complete looks in vain since the last of them.
    pub(crate) absent_looks: u32,
    /// POSTs that left too early.
    pub(crate) too_early: u32,
    /// POSTs that left before the move that says so was on disk.
    pub(crate) unwritten: u32,
}

/// What the world outside has, behind one lock.
pub(crate) struct Outside {
    pub(crate) calendar: Calendar,
    pub(crate) weather: BTreeMap<CompanyId, Weather>,
    pub(crate) shares_key: BTreeSet<CompanyId>,
    pub(crate) sent: BTreeMap<AppointmentId, Sent>,
    /// Bookings of ours that were written, until somebody announces them.
    pub(crate) news: Vec<Booked>,
    pub(crate) dice: Dice,
    pub(crate) course: Course,
    /// Requests that left.
    pub(crate) requests: u64,
}

/// The calendar as the service reaches it.
#[derive(Clone)]
pub(crate) struct Requests {
    outside: Arc<Mutex<Outside>>,
    journal: Arc<FakeJournal>,
    clock: Arc<ManualClock>,
    alarms: Alarms,
}

/// Looks in vain before an order may be posted again.
const LOOKS_BEFORE_POST: u32 = 3;

impl Requests {
    pub(crate) fn new(
        calendar: Calendar,
        journal: Arc<FakeJournal>,
        clock: Arc<ManualClock>,
        alarms: Alarms,
        dice: Dice,
    ) -> Self {
        let outside = Outside {
            calendar,
            weather: BTreeMap::new(),
            shares_key: BTreeSet::new(),
            sent: BTreeMap::new(),
            news: Vec::new(),
            dice,
            course: Course::default(),
            requests: 0,
        };
        Self { outside: Arc::new(Mutex::new(outside)), journal, clock, alarms }
    }

    pub(crate) fn outside(&self) -> MutexGuard<'_, Outside> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    async fn wait(&self, ms: i64) {
        self.alarms.wait_until(self.now().plus_ms(ms)).await;
    }

    /// A request passes the turnstile, and what becomes of it is decided.
    async fn send(
        &self,
        company: CompanyId,
        what: &str,
        turn: &Turn,
    ) -> Result<(Permit, Journey), CalendarError> {
        let key = {
            let outside = self.outside();
            let shared = outside.shares_key.contains(&company);
            KeyId::of(&Secret::new(if shared { "cal_shared".to_owned() } else { format!("cal_{company}") }))
        };
        let permit = turn.pass(key, company).await?;
        let journey = {
            let mut outside = self.outside();
            outside.requests += 1;
            let weather = outside.weather.get(&company).copied().unwrap_or(Weather::FAIR);
            let journey = Journey::roll(&weather, &mut outside.dice);
            outside.course.note(self.now(), format_args!("{what} {company} {journey:?}"));
            journey
        };
        assert!(journey != Journey::Panics, "the calendar panics as it was told to");
        Ok((permit, journey))
    }

    /// A question: its answer is what is true when it arrives.
    async fn ask<T>(
        &self,
        company: CompanyId,
        what: &str,
        turn: &Turn,
        answer: impl FnOnce(&mut Outside) -> T,
    ) -> Result<T, CalendarError> {
        let (permit, journey) = self.send(company, what, turn).await?;
        match journey {
            Journey::Limited { after_ms, retry_after_ms } => {
                self.wait(after_ms).await;
                permit.heard(Heard::Blocked { retry_after_ms });
                Err(CalendarError::Limited { retry_after_ms })
            }
            Journey::Answered { done_ms, after_ms } => {
                self.wait(done_ms).await;
                let answer = answer(&mut self.outside());
                self.wait(after_ms - done_ms).await;
                Ok(answer)
            }
            Journey::Unreachable { after_ms }
            | Journey::Swallowed { after_ms }
            | Journey::Lost { after_ms, .. } => {
                self.wait(after_ms).await;
                Err(CalendarError::Unavailable("it was told not to".to_owned()))
            }
            Journey::Panics => Err(CalendarError::NoKey),
        }
    }

    /// Has an order arrive later, whether or not its sender still lives; its outcome appears in the slot.
    fn arrive(&self, order: &BookingOrder, done_ms: i64) -> Arc<Mutex<Option<Written>>> {
        let slot = Arc::new(Mutex::new(None));
        let (here, order, result) = (self.clone(), order.clone(), slot.clone());
        let done_at = self.now().plus_ms(done_ms);
        let looked_at = self.now().plus_ms(done_ms / 2);
        self.alarms.at(looked_at, move || {
            let seen = here.outside().calendar.look_at(&order);
            let alarms = here.alarms.clone();
            alarms.at(done_at, move || {
                let written = here.write(&order, seen);
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(written);
            });
        });
        slot
    }

    fn write(&self, order: &BookingOrder, seen: crate::calendar::Seen) -> Written {
        let now = self.now();
        let mut outside = self.outside();
        let pick = outside.dice.below(64);
        let before = outside.calendar.bookings().len();
        let written = outside.calendar.write(order, seen, pick, now);
        outside.course.note(now, format_args!("{} {written:?}", order.appointment));
        if let Some(new) = outside.calendar.bookings().get(before).cloned() {
            outside.news.push(new);
        }
        written
    }

    /// What is answered to an order: the booking as it was made, whatever became of it since.
    fn outcome_of(&self, written: Option<Written>) -> CreateOutcome {
        match written {
            Some(Written::Booked { uid, .. }) => {
                let outside = self.outside();
                let made = outside.calendar.bookings().iter().find(|booked| booked.uid == uid).cloned();
                made.map_or(CreateOutcome::AnswerLost, |made| CreateOutcome::Confirmed(found(made)))
            }
            Some(Written::HasIt) => CreateOutcome::Refused(Refusal::AlreadyBooked),
            Some(Written::Taken) => CreateOutcome::Refused(Refusal::SlotTaken),
            Some(Written::HostRaced) => CreateOutcome::HostRaced,
            Some(Written::PoolEmpty) | None => CreateOutcome::AnswerLost,
        }
    }

    /// A POST that is counted is known to have made nothing.
    fn lost_race(&self, order: &BookingOrder) {
        if let Some(sent) = self.outside().sent.get_mut(&order.appointment) {
            sent.posts -= 1;
            sent.raced += 1;
        }
    }

    /// Keeps that a POST left.
    fn posted(&self, order: &BookingOrder) {
        let mut outside = self.outside();
        let sent = outside.sent.entry(order.appointment.clone()).or_default();
        if sent.posts > 0 && sent.absent_looks < LOOKS_BEFORE_POST {
            sent.too_early += 1;
        }
        if !self.journal.has_on_disk(|record| announces_post(record, order, sent)) {
            sent.unwritten += 1;
        }
        sent.posts += 1;
        sent.absent_looks = 0;
    }
}

/// Whether a record says that an order is posted once more, after so many POSTs and races.
fn announces_post(record: &Record, order: &BookingOrder, sent: &Sent) -> bool {
    let Record::Scheduling(SchedulingRecord::Moved { booking }) = record else { return false };
    booking.order.appointment == order.appointment
        && matches!(booking.state, BookingState::Submitted { post } if post > sent.posts)
        && booking.history.iter().filter(|moved| moved.reason == "host_raced").count() >= sent.raced
}

fn found(booked: Booked) -> FoundBooking {
    let Booked { uid, host, interval, made_at, .. } = booked;
    FoundBooking { uid, host: Some(host), interval, changed_at: Some(made_at) }
}

#[async_trait::async_trait]
impl Port for Requests {
    async fn slots(
        &self,
        company: CompanyId,
        event_type_id: i64,
        window: Interval,
        turn: &Turn,
    ) -> Result<Offered, CalendarError> {
        let look = |outside: &mut Outside| outside.calendar.slots(event_type_id, window, self.now());
        let starts = self.ask(company, "slots", turn, look).await?;
        Ok(Offered { event_type_id, window, starts })
    }

    async fn create(&self, order: &BookingOrder, _submitted_at: UnixMillis, turn: &Turn) -> CreateOutcome {
        let (permit, journey) = match self.send(order.company, "create", turn).await {
            Ok(sent) => sent,
            Err(CalendarError::Limited { retry_after_ms }) => {
                return CreateOutcome::Limited { retry_after_ms };
            }
            Err(_) => return CreateOutcome::NotSent,
        };
        match journey {
            Journey::Limited { after_ms, retry_after_ms } => {
                self.wait(after_ms).await;
                permit.heard(Heard::Blocked { retry_after_ms });
                CreateOutcome::Limited { retry_after_ms }
            }
            Journey::Unreachable { after_ms } => {
                self.wait(after_ms).await;
                CreateOutcome::NotSent
            }
            Journey::Swallowed { after_ms } => {
                self.posted(order);
                self.wait(after_ms).await;
                CreateOutcome::AnswerLost
            }
            Journey::Answered { done_ms, after_ms } => {
                self.posted(order);
                let slot = self.arrive(order, done_ms);
                self.wait(after_ms.max(done_ms + 1)).await;
                let written = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                if written == Some(Written::HostRaced) && order.staff.is_none() {
                    self.lost_race(order);
                }
                self.outcome_of(written)
            }
            Journey::Lost { done_ms, after_ms } => {
                self.posted(order);
                let _ = self.arrive(order, done_ms);
                self.wait(after_ms).await;
                CreateOutcome::AnswerLost
            }
            Journey::Panics => CreateOutcome::NotSent,
        }
    }

    async fn look(
        &self,
        order: &BookingOrder,
        _submitted_at: UnixMillis,
        turn: &Turn,
    ) -> Result<Option<FoundBooking>, CalendarError> {
        let look = |outside: &mut Outside| {
            let booked = outside.calendar.find(order).cloned();
            if booked.is_none()
                && let Some(sent) = outside.sent.get_mut(&order.appointment)
            {
                sent.absent_looks += 1;
            }
            booked.map(found)
        };
        self.ask(order.company, "look", turn, look).await
    }

    async fn cancel(
        &self,
        company: CompanyId,
        uid: &str,
        _reason: &str,
        turn: &Turn,
    ) -> Result<(), CalendarError> {
        let cancel = |outside: &mut Outside| drop(outside.calendar.cancel(uid, Canceller::Service));
        self.ask(company, "cancel", turn, cancel).await
    }

    async fn reserve(&self, _wish: &ReserveWish, _turn: &Turn) -> ReserveOutcome {
        ReserveOutcome::Refused("this calendar takes no reservations".to_owned())
    }

    async fn unreserve(&self, _company: CompanyId, _uid: &str, _turn: &Turn) -> Result<(), CalendarError> {
        Ok(())
    }
}
