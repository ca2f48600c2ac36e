//! From a question to a held slot: what the calendar offers, with our own ledger laid over it.

use askpro_domain::{
    booking::BookingOrder,
    function::FunctionOrder,
    ids::AppointmentId,
    policy::{Class, Pass},
    tenant::{Company, Service},
    time::{Interval, UnixMillis},
};

use super::{
    SchedulingActor, SchedulingAsk, SchedulingMessage,
    actor::{Untold, Waiter},
    answers::{self, HeldUntil},
    breakers::{BreakerTarget, outcome_of},
    hold::{Held, HeldSlot},
    mirror::{Freshness, window_for},
    near::Seeker,
    plan::{Candidate, Wish, candidates},
    untold::HeldOf,
};
use crate::{
    calls::Answered,
    ports::calendar::{CalendarError, Offered},
    runtime::Context,
};

/// Age below which a view is as good as asked for now: its age would be said as no second.
const LIVE_MS_MAX: i64 = 1_000;

/// Views of a long window that are looked at after the first.
const LOOKS_MAX: usize = 4;

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
    /// How many views of a long window were looked at in vain.
    pub looks: usize,
    /// What is free outside the window, as far as it was looked at.
    pub instead: Vec<UnixMillis>,
    /// Age of the oldest view that was looked at in vain.
    pub looked_age_ms: Option<i64>,
}

impl SchedulingActor {
    pub(super) fn ask(&mut self, ask: &SchedulingAsk, cx: &mut Context<'_, Self>) {
        match &ask.order {
            FunctionOrder::CheckAvailability(order) => {
                let wish = Wish::of(order.service, order.staff, order.start);
                if !self.joins(ask) {
                    self.question(ask.clone(), wish, cx);
                }
            }
            FunctionOrder::BookAppointment(order) => self.book(ask, order, cx),
            // What needs no slot is answered by the call, and never comes here.
            FunctionOrder::ListServices(_)
            | FunctionOrder::OpeningHours(_)
            | FunctionOrder::ParseDate(_)
            | FunctionOrder::CheckCustomer
            | FunctionOrder::FindAppointments
            | FunctionOrder::RequestCallback(_) => self.answer(ask, cx, |a| a.busy()),
        }
    }

    /// The same question of the same call that waits already answers this one as well.
    fn joins(&self, ask: &SchedulingAsk) -> bool {
        let same = |q: &&Question| q.ask.call_id == ask.call_id && q.ask.order_key == ask.order_key;
        self.questions.iter().find(same).is_some_and(|question| question.ask.reply.join(&ask.reply))
    }

    /// Answers at once from what is known, else fetches and waits.
    pub(super) fn question(&mut self, ask: SchedulingAsk, wish: Wish, cx: &mut Context<'_, Self>) {
        if self.questions.len() >= self.world.settings.questions_max {
            metrics::counter!(crate::metrics::MAILBOX_REFUSED.name, "actor" => "scheduling", "scope" => "questions").increment(1);
            return self.answer(&ask, cx, |a| a.busy());
        }
        let answer_by = ask.deadline.plus_ms(-self.world.settings.answer_margin_ms);
        let (asked_at, instead) = (cx.now(), Vec::new());
        let (looks, looked_age_ms) = (0, None);
        let mut question =
            Question { ask, wish, asked_at, answer_by, ordered: None, looks, instead, looked_age_ms };
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
        for event_type_id in self.event_types_of(question) {
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
        self.note_silence(result, cx.now());
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.questions).into_iter().partition(|q| !self.still_fetching(q));
        self.questions = waiting;
        for question in ready {
            self.decide(question, cx);
        }
        self.settle_conflicts(cx);
    }

    /// A calendar that does not tell its slots is told once, and once more when it does again.
    fn note_silence(&mut self, result: &Result<Offered, CalendarError>, now: UnixMillis) {
        let company = self.company_now();
        let slug = company.as_ref().map_or("", |company| company.slug.as_str());
        match (result, self.slots_silent_since) {
            // What a budget refuses is counted there, and says nothing of the calendar.
            (Err(CalendarError::Limited { .. }), _) | (Ok(_), None) | (Err(_), Some(_)) => {}
            (Ok(_), Some(since)) => {
                let duration_ms = now.since(since);
                tracing::info!(company.slug = slug, duration_ms, "the calendar tells its slots again");
                self.slots_silent_since = None;
            }
            (Err(error), None) => {
                tracing::warn!(company.slug = slug, %error, "the calendar does not tell its slots");
                self.slots_silent_since = Some(now);
            }
        }
        if let Err(error) = result {
            self.last_calendar_error = Some(error.to_string());
        }
    }

    fn still_fetching(&self, question: &Question) -> bool {
        let Some(window) = window_for(question.wish.start) else { return false };
        self.event_types_of(question).iter().any(|t| self.mirror.is_fetching(*t, window))
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
        mut question: Question,
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
        let (now, age_ms_max) = (cx.now(), self.world.settings.mirror_stale_ms_max);
        let is_known =
            |c: &Candidate| self.mirror.view(c.event_type_id, question.wish.start, age_ms_max, now).is_some();
        let known: Vec<Candidate> = plan.into_iter().filter(is_known).collect();
        if known.is_empty() {
            return self.nothing_known(question, &company, cx);
        }
        let seeker = self.seeker(&question.ask, &company, service, &known, now);
        match self.hold_first_free(&question, &seeker) {
            Held::JournalRefuses => self.answer(&question.ask, cx, |a| a.busy()),
            Held::No(free) => {
                question.instead.extend(free);
                let age_ms = self.mirror_age_ms(&known, &question, now);
                question.looked_age_ms = question.looked_age_ms.max(age_ms);
                let looked_to = self.looked_to(&known, question.wish.start, now);
                match looked_to.filter(|to| question.looks_beyond(*to, now)) {
                    Some(from) => self.look_further(question, from, cx),
                    None => self.say_taken(question, looked_to, &company, cx),
                }
            }
            Held::Yes(held) => self.held(question, appointment, *held, cx),
        }
    }

    /// Up to where the views tell that cover a start; a view of an earlier question may end sooner than ours would.
    fn looked_to(&self, known: &[Candidate], start: UnixMillis, now: UnixMillis) -> Option<UnixMillis> {
        self.views(known, start, now).map(|view| view.window.end()).min()
    }

    /// The event types that a question needs. One that looks further does without those that only tell how many
    /// units a pool has: a vague wish must not spend a key's minute.
    fn event_types_of(&self, question: &Question) -> Vec<i64> {
        if question.looks == 0 {
            return self.event_types(question.wish);
        }
        self.plan_of(question.wish).iter().map(|candidate| candidate.event_type_id).collect()
    }

    fn seeker<'a>(
        &self,
        ask: &'a SchedulingAsk,
        company: &'a Company,
        service: &'a Service,
        known: &'a [Candidate],
        now: UnixMillis,
    ) -> Seeker<'a> {
        Seeker {
            company,
            branch: company.branch(ask.placed.branch).or_else(|| company.branches.first()),
            service,
            known,
            call_id: &ask.call_id,
            occupied: self.occupied(ask.caller.as_ref(), None, now),
            now,
        }
    }

    /// The calendar told nothing of this time, though perhaps of the time before it.
    fn nothing_known(&self, question: Question, company: &Company, cx: &mut Context<'_, Self>) {
        if question.looks == 0 {
            return self.answer(&question.ask, cx, |a| a.calendar_unavailable());
        }
        let looked_to = Some(question.wish.start);
        self.say_taken(question, looked_to, company, cx);
    }

    /// The next view of a window that reaches beyond the one that was looked at in vain.
    fn look_further(&mut self, question: Question, from: UnixMillis, cx: &mut Context<'_, Self>) {
        let wish = Wish { start: from, ..question.wish };
        let question = Question { wish, looks: question.looks + 1, ..question };
        if self.fetch_missing(&question, cx) {
            self.questions.push(question);
        } else {
            self.decide_one(question, None, cx);
        }
    }

    fn say_taken(
        &self,
        question: Question,
        looked_to: Option<UnixMillis>,
        company: &Company,
        cx: &mut Context<'_, Self>,
    ) {
        let Question { ask, wish, instead: mut free, looked_age_ms, .. } = question;
        let (books, now) = (matches!(ask.order, FunctionOrder::BookAppointment(_)), cx.now());
        free.truncate(self.world.settings.alternatives_max);
        let free = if books { self.heard.after_revocation(&ask.call_id, wish, free) } else { free };
        let wish = looked_to.map_or(wish, |to| wish.up_to(to, company));
        self.answer(&ask, cx, |a| {
            if books { a.slot_taken(wish, &free, now) } else { a.taken(wish, &free, looked_age_ms, now) }
        });
    }

    /// Age of the oldest view that an answer relies on; `None` when all of them came for this question or are
    /// as good as that.
    fn mirror_age_ms(&self, known: &[Candidate], question: &Question, now: UnixMillis) -> Option<i64> {
        let views = self.views(known, question.wish.start, now);
        let ages = views.filter(|v| v.arrived_at < question.asked_at).map(|v| now.since(v.fetched_at));
        ages.max().filter(|age| *age >= LIVE_MS_MAX)
    }

    fn held(
        &mut self,
        question: Question,
        appointment: Option<AppointmentId>,
        held: HeldSlot,
        cx: &mut Context<'_, Self>,
    ) {
        let slot = HeldOf {
            candidate: held.candidate.clone(),
            start: held.offer.wish.start,
            interval: held.offer.interval,
        };
        let mirror_age_ms = self.mirror_age_ms(&[held.candidate], &question, cx.now());
        let (call_id, hold) = (question.ask.call_id.clone(), held.offer.hold.clone());
        self.offers.insert(call_id.clone(), held.offer.clone());
        self.heard.forget_call(&call_id);
        let proposes = question.proposes();
        if let FunctionOrder::BookAppointment(order) = &question.ask.order
            && !proposes
        {
            let order = order.clone();
            return self.submit(&question.ask, &order, &held.offer, appointment, cx);
        }
        let answers = answers::Answers::new(self.company, self.company_now());
        let until = HeldUntil { until: held.until, others: &held.others, mirror_age_ms };
        let answer = answers.held(&held.offer, &until, proposes);
        let waiter = Waiter { reply: question.ask.reply, answer_by: self.last_word_by(question.answer_by) };
        let untold = Untold { waiter, call_id, hold, prolongs: held.prolongs };
        self.tell_when_written(untold, slot, answer, held.durable, cx);
    }

    pub(super) fn event_types(&self, wish: Wish) -> Vec<i64> {
        self.plan_of(wish).iter().flat_map(|c| c.event_types().collect::<Vec<_>>()).collect()
    }

    /// What can fulfil a wish as the company is now; empty when nothing can.
    fn plan_of(&self, wish: Wish) -> Vec<Candidate> {
        let company = self.company_now();
        let service = company.as_ref().and_then(|c| c.service(wish.service));
        service.map(|s| candidates(s, wish.staff)).unwrap_or_default()
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

impl Question {
    /// Whether it proposes a time, to a booking that left it open.
    pub(super) fn proposes(&self) -> bool {
        self.wish.window.is_some() && matches!(self.ask.order, FunctionOrder::BookAppointment(_))
    }

    /// Whether its window reaches beyond what was looked at, and there is time to look further.
    fn looks_beyond(&self, looked_to: UnixMillis, now: UnixMillis) -> bool {
        let reaches = self.wish.window.is_some_and(|window| looked_to < window.to);
        reaches && self.looks < LOOKS_MAX && now < self.answer_by
    }
}
