//! From a question to a held slot: what the calendar offers, with our own ledger laid over it.

use askpro_domain::{
    booking::BookingOrder,
    function::{FunctionOrder, alternatives},
    ids::{AppointmentId, BodyHash, CallId},
    policy::{Class, Pass},
    slots::{FreeUnits, Hold, HoldId, HoldRequest, Placed},
    tenant::{Company, Service},
    time::{Interval, UnixMillis},
};

use super::{
    SchedulingActor, SchedulingAsk, SchedulingMessage,
    actor::Offer,
    answers,
    breakers::{BreakerTarget, outcome_of},
    mirror::{Freshness, window_for},
    pins::Pin,
    plan::{Candidate, Wish, candidates, segments},
};
use crate::{
    calls::Answered,
    ports::{
        calendar::{CalendarError, Offered},
        journal::{Durable, SchedulingRecord},
    },
    runtime::Context,
};

/// Age below which a view is as good as asked for now: its age would be said as no second.
const LIVE_MS_MAX: i64 = 1_000;

/// How long a view that is refreshed beside an answer waits for its key's budget.
const REFRESH_WAIT_MS: i64 = 2_000;

/// A question that waits for the calendar.
#[derive(Debug)]
pub(super) struct Question {
    pub ask: SchedulingAsk,
    pub wish: Wish,
    pub asked_at: UnixMillis,
    pub answer_by: UnixMillis,
    /// The order as journaled, when it is one and has to wait.
    pub ordered: Option<Box<BookingOrder>>,
}

/// What became of a try to hold.
enum Held {
    /// Held, and journaled as soon as the future says so.
    Yes { offer: Offer, until: UnixMillis, known: Candidate, durable: Durable },
    /// Not free; these times are.
    No(Vec<UnixMillis>),
    /// The journal does not take it.
    JournalRefuses,
}

impl SchedulingActor {
    pub(super) fn ask(&mut self, ask: &SchedulingAsk, cx: &mut Context<'_, Self>) {
        match &ask.order {
            FunctionOrder::CheckAvailability(order) => {
                let wish = Wish { service: order.service, staff: order.staff, start: order.start };
                self.question(ask.clone(), wish, cx);
            }
            FunctionOrder::BookAppointment(order) => self.book(ask, order, cx),
            // What needs no slot is answered by the call, and never comes here.
            FunctionOrder::ListServices(_)
            | FunctionOrder::OpeningHours(_)
            | FunctionOrder::CheckCustomer
            | FunctionOrder::FindAppointments
            | FunctionOrder::RequestCallback(_) => self.answer(ask, cx, |a| a.busy()),
        }
    }

    /// Answers at once from what is known, else fetches and waits.
    pub(super) fn question(&mut self, ask: SchedulingAsk, wish: Wish, cx: &mut Context<'_, Self>) {
        if self.questions.len() >= self.world.settings.questions_max {
            metrics::counter!(crate::metrics::MAILBOX_REFUSED.name, "actor" => "scheduling", "scope" => "questions").increment(1);
            return self.answer(&ask, cx, |a| a.busy());
        }
        let answer_by = ask.deadline.plus_ms(-self.world.settings.answer_margin_ms);
        let mut question = Question { ask, wish, asked_at: cx.now(), answer_by, ordered: None };
        if !self.fetch_missing(&question, cx) {
            return self.decide(question, cx);
        }
        match self.order_ahead(&question, cx.now()) {
            Ok(ordered) => {
                question.ordered = ordered;
                self.questions.push(question);
            }
            Err(error) => {
                tracing::warn!(%error, "an order was not journaled and so not taken");
                self.answer(&question.ask, cx, |a| a.busy());
            }
        }
    }

    /// Starts what should be fetched. Gives whether the question has to wait for it.
    fn fetch_missing(&mut self, question: &Question, cx: &mut Context<'_, Self>) -> bool {
        let (start, now) = (question.wish.start, cx.now());
        let ages = (self.world.settings.mirror_fresh_ms, self.world.settings.mirror_serve_ms);
        let mut waits = false;
        for event_type_id in self.event_types(question.wish) {
            match self.mirror.ask(event_type_id, start, ages, now) {
                Freshness::Fresh => {}
                Freshness::Usable => {
                    self.fetch_for(event_type_id, start, Class::Refresh, now.plus_ms(REFRESH_WAIT_MS), cx);
                }
                Freshness::Stale => {
                    waits |= self.fetch_for(event_type_id, start, Class::Checks, question.answer_by, cx);
                }
            }
        }
        waits
    }

    /// Fetches the window around a start, unless that is under way already. Gives whether an answer will come;
    /// none does while the breaker is open.
    pub(super) fn fetch_for(
        &mut self,
        event_type_id: i64,
        start: UnixMillis,
        class: Class,
        wait_until: UnixMillis,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let Some(window) = window_for(start) else { return false };
        if self.mirror.is_fetching(event_type_id, window) {
            return true;
        }
        let Ok(pass) = self.breakers.ask(BreakerTarget::Slots, "slots", cx.now()) else { return false };
        self.mirror.begin_fetch(event_type_id, window, cx.now());
        let (calendar, company) = (self.world.calendar.clone(), self.company);
        let turn = self.turn(class, wait_until);
        let fetched = async move {
            let result = calendar.slots(company, event_type_id, window, &turn).await;
            SchedulingMessage::SlotsFetched { event_type_id, window, pass, result }
        };
        cx.start(fetched, move || {
            let result = Err(CalendarError::Unavailable("the question panicked".to_owned()));
            SchedulingMessage::SlotsFetched { event_type_id, window, pass, result }
        });
        true
    }

    /// Fetches again what callers asked for lately, before it is old.
    pub(super) fn warm_views(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        if now < self.warm_wait_until {
            return;
        }
        let warm = self.mirror.warm(&self.world.settings.warm, now).into_iter();
        let due: Vec<_> = warm.filter(|(at, ..)| *at <= now).collect();
        for (_, event_type_id, window) in due {
            let until = now.plus_ms(REFRESH_WAIT_MS);
            if !self.fetch_for(event_type_id, window.start(), Class::Refresh, until, cx) {
                self.warm_wait_until = now.plus_ms(self.world.settings.warm.again_ms);
                return;
            }
        }
    }

    /// When [`SchedulingActor::warm_views`] has something to do.
    pub(super) fn next_warm_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        let first = self.mirror.warm(&self.world.settings.warm, now).into_iter().map(|(at, ..)| at).min()?;
        Some(first.max(self.warm_wait_until))
    }

    pub(super) fn slots_fetched(
        &mut self,
        event_type_id: i64,
        window: Interval,
        pass: Pass,
        result: &Result<Offered, CalendarError>,
        cx: &mut Context<'_, Self>,
    ) {
        self.breakers.heard(BreakerTarget::Slots, pass, outcome_of(result), cx.now());
        self.mirror.end_fetch(event_type_id, window, result.as_ref().ok(), cx.now());
        self.mirror.lend(&self.reservations);
        if let Err(error) = result {
            // What a budget refuses is counted there, and happens often where it happens.
            if !matches!(error, CalendarError::Limited { .. }) {
                tracing::warn!(company.id = self.company.0, %error, "the calendar did not tell its slots");
            }
            self.last_calendar_error = Some(error.to_string());
        }
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.questions).into_iter().partition(|q| !self.still_fetching(q));
        self.questions = waiting;
        for question in ready {
            self.decide(question, cx);
        }
        self.settle_conflicts(cx);
    }

    fn still_fetching(&self, question: &Question) -> bool {
        let Some(window) = window_for(question.wish.start) else { return false };
        self.event_types(question.wish).iter().any(|t| self.mirror.is_fetching(*t, window))
    }

    /// Questions whose time is over are answered with what is known.
    pub(super) fn answer_overdue_questions(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let (overdue, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.questions).into_iter().partition(|q| q.answer_by <= now);
        self.questions = waiting;
        for question in overdue {
            self.decide(question, cx);
        }
    }

    /// Holds the wished slot, or says what is free instead. An order that ends here without being submitted
    /// is closed.
    fn decide(&mut self, mut question: Question, cx: &mut Context<'_, Self>) {
        let ordered = question.ordered.take();
        let appointment = ordered.as_ref().map(|order| order.appointment.clone());
        self.decide_one(question, appointment, cx);
        if let Some(order) = ordered
            && !self.bookings.contains_key(&order.appointment)
        {
            self.close_order(&order);
        }
    }

    fn decide_one(
        &mut self,
        question: Question,
        appointment: Option<AppointmentId>,
        cx: &mut Context<'_, Self>,
    ) {
        if let FunctionOrder::BookAppointment(order) = &question.ask.order
            && let Some(same) = self.same_order(&question.ask, order)
        {
            return self.answer_repeat(&same, &question.ask, cx);
        }
        let Some(company) = self.company_now() else { return self.answer(&question.ask, cx, |a| a.busy()) };
        let Some(service) = company.service(question.wish.service) else {
            return self.answer(&question.ask, cx, |a| a.service_not_bookable());
        };
        let plan = candidates(service, question.wish.staff);
        if plan.is_empty() {
            return self.answer(&question.ask, cx, |a| a.service_not_bookable());
        }
        let age_ms_max = self.world.settings.mirror_stale_ms_max;
        let known: Vec<Candidate> = plan
            .into_iter()
            .filter(|c| {
                self.mirror.view(c.event_type_id, question.wish.start, age_ms_max, cx.now()).is_some()
            })
            .collect();
        if known.is_empty() {
            return self.answer(&question.ask, cx, |a| a.calendar_unavailable());
        }
        match self.hold_first_free(&question, service, &company, &known, cx.now()) {
            Held::JournalRefuses => self.answer(&question.ask, cx, |a| a.busy()),
            Held::No(free) => {
                let books = matches!(question.ask.order, FunctionOrder::BookAppointment(_));
                let age = self.mirror_age_ms(&known, &question, cx.now());
                let call_id = &question.ask.call_id;
                let free =
                    if books { self.heard.after_revocation(call_id, question.wish, free) } else { free };
                self.answer(&question.ask, cx, |a| {
                    if books {
                        a.slot_taken(question.wish, &free)
                    } else {
                        a.taken(question.wish, &free, age)
                    }
                });
            }
            Held::Yes { offer, until, known, durable } => {
                let age = self.mirror_age_ms(&[known], &question, cx.now());
                self.held(question, appointment, offer, (until, age), durable, cx);
            }
        }
    }

    /// Age of the oldest view that an answer relies on; `None` when all of them came for this question or are
    /// as good as that.
    fn mirror_age_ms(&self, known: &[Candidate], question: &Question, now: UnixMillis) -> Option<i64> {
        let stale = self.world.settings.mirror_stale_ms_max;
        let views =
            known.iter().filter_map(|c| self.mirror.view(c.event_type_id, question.wish.start, stale, now));
        let ages = views.filter(|v| v.arrived_at < question.asked_at).map(|v| now.since(v.fetched_at));
        ages.max().filter(|age| *age >= LIVE_MS_MAX)
    }

    fn held(
        &mut self,
        question: Question,
        appointment: Option<AppointmentId>,
        offer: Offer,
        (until, mirror_age_ms): (UnixMillis, Option<i64>),
        durable: Durable,
        cx: &mut Context<'_, Self>,
    ) {
        let (call_id, hold) = (question.ask.call_id.clone(), offer.hold.clone());
        self.offers.insert(call_id.clone(), offer.clone());
        self.heard.forget_call(&call_id);
        if let FunctionOrder::BookAppointment(order) = &question.ask.order {
            let order = order.clone();
            return self.submit(&question.ask, &order, &offer, appointment, cx);
        }
        let answers = answers::Answers::new(self.company, self.company_now());
        let (answer, busy) = (answers.available(&offer, until, mirror_age_ms), answers.busy());
        let reply = question.ask.reply.clone();
        let told = SchedulingMessage::HoldTold { call_id: call_id.clone(), hold: hold.clone() };
        let lost = SchedulingMessage::HoldLost { call_id, hold };
        // The caller hears of the hold when it is on disk.
        let say = async move {
            if durable.await.is_ok() {
                reply.send(answer);
                return told;
            }
            reply.send(busy);
            lost
        };
        cx.start(say, || SchedulingMessage::Done);
    }

    fn hold_first_free(
        &mut self,
        question: &Question,
        service: &Service,
        company: &Company,
        known: &[Candidate],
        now: UnixMillis,
    ) -> Held {
        let wish = question.wish;
        let Some(interval) = segments(service, wish.start) else { return Held::No(Vec::new()) };
        for candidate in known {
            let Some((seen_at, units)) = self.seen(candidate, wish.start, now) else { continue };
            let until = now.plus_ms(self.world.settings.hold_ttl_ms);
            let request = HoldRequest {
                id: hold_id(&question.ask.call_id, wish, now),
                call_id: question.ask.call_id.clone(),
                target: candidate.target.clone(),
                segments: vec![interval],
                units,
                seen_at,
                until,
            };
            let before = self.ledger.held_by(&question.ask.call_id).cloned();
            if let Ok(placed) = self.ledger.hold(request, now) {
                return self.journal_hold(placed, before, candidate, (wish, interval), now);
            }
        }
        Held::No(self.free_near(service, known, wish, company, &question.ask.call_id, now))
    }

    /// When the calendar was seen to offer this start, and how many units; `None` when it does not.
    fn seen(
        &self,
        candidate: &Candidate,
        start: UnixMillis,
        now: UnixMillis,
    ) -> Option<(UnixMillis, FreeUnits)> {
        let view = |t: i64| self.mirror.view(t, start, self.world.settings.mirror_stale_ms_max, now);
        let own = view(candidate.event_type_id)?;
        if !own.starts.contains(&start) {
            return None;
        }
        let oldest = candidate.event_types().filter_map(|t| view(t).map(|v| v.seen_at(start))).min();
        let units = candidate.units(|t, at| view(t).is_some_and(|v| v.starts.contains(&at)), start);
        Some((oldest.unwrap_or(own.seen_at(start)), units))
    }

    /// Journals a hold. What the journal does not take leaves the call with the hold that it had `before`.
    fn journal_hold(
        &mut self,
        placed: Placed,
        before: Option<Hold>,
        candidate: &Candidate,
        (wish, interval): (Wish, Interval),
        now: UnixMillis,
    ) -> Held {
        let hold = placed.hold;
        let record = SchedulingRecord::Held { company: self.company, hold: Box::new(hold.clone()) };
        match self.append(record) {
            Ok((position, durable)) => {
                if let Some(replaced) = placed.replaced {
                    self.record_release(&replaced.id, now);
                }
                self.world.pins.pin(self.company, Pin::Hold(hold.id.clone()), position);
                let until = hold.until().unwrap_or(now);
                let offer = Offer {
                    hold: hold.id,
                    wish,
                    event_type_id: candidate.event_type_id,
                    member: candidate.member(),
                    interval,
                };
                Held::Yes { offer, until, known: candidate.clone(), durable }
            }
            Err(error) => {
                tracing::warn!(%error, "a hold was not journaled and so not given");
                self.ledger.release(&hold.id);
                if let Some(before) = before {
                    self.ledger.restore(before);
                }
                Held::JournalRefuses
            }
        }
    }

    /// Free times near the wish, in the order in which they are offered.
    pub(super) fn free_near(
        &self,
        service: &Service,
        known: &[Candidate],
        wish: Wish,
        company: &Company,
        call_id: &CallId,
        now: UnixMillis,
    ) -> Vec<UnixMillis> {
        let stale = self.world.settings.mirror_stale_ms_max;
        let offered = known
            .iter()
            .filter_map(|c| self.mirror.view(c.event_type_id, wish.start, stale, now))
            .flat_map(|v| v.starts.iter().copied())
            .collect();
        let taken = |start: UnixMillis| {
            let soon = !askpro_domain::when::opening::notice_ok(company, start, now);
            soon || !known.iter().any(|c| self.is_free(c, service, start, call_id, now))
        };
        alternatives::choose(
            wish.start,
            &offered,
            taken,
            &company.zone(),
            self.world.settings.alternatives_max,
        )
    }

    fn is_free(
        &self,
        candidate: &Candidate,
        service: &Service,
        start: UnixMillis,
        call_id: &CallId,
        now: UnixMillis,
    ) -> bool {
        let (Some((seen_at, units)), Some(interval)) =
            (self.seen(candidate, start, now), segments(service, start))
        else {
            return false;
        };
        self.ledger.is_free(&candidate.target, &[interval], &units, seen_at, Some(call_id), now)
    }

    pub(super) fn event_types(&self, wish: Wish) -> Vec<i64> {
        let company = self.company_now();
        let service = company.as_ref().and_then(|c| c.service(wish.service));
        let plan = service.map(|s| candidates(s, wish.staff)).unwrap_or_default();
        plan.iter().flat_map(|c| c.event_types().collect::<Vec<_>>()).collect()
    }

    /// Answers a question after the turn.
    pub(super) fn answer(
        &self,
        ask: &SchedulingAsk,
        cx: &mut Context<'_, Self>,
        say: impl FnOnce(&answers::Answers) -> Answered,
    ) {
        let answers = answers::Answers::new(self.company, self.company_now());
        cx.answer(&ask.reply, say(&answers));
    }
}

/// The id of the hold that a question may get.
pub(super) fn hold_id(call_id: &CallId, wish: Wish, now: UnixMillis) -> HoldId {
    let parts: [&[u8]; 4] = [
        call_id.as_str().as_bytes(),
        &wish.service.0.to_be_bytes(),
        &wish.start.0.to_be_bytes(),
        &now.0.to_be_bytes(),
    ];
    let text = BodyHash::of(&parts).to_hex();
    HoldId(format!("hold_{}", text.get(..24).unwrap_or_default()))
}
