//! From a question to a held slot: what the calendar offers, with our own ledger laid over it.

use askpro_domain::{
    function::{FunctionOrder, alternatives},
    ids::{BodyHash, CallId},
    slots::{FreeUnits, HoldId, HoldRequest},
    tenant::{Company, Service},
    time::{Interval, UnixMillis},
};

use super::{
    SchedulingActor, SchedulingAsk, SchedulingMessage,
    actor::Offer,
    answers,
    mirror::window_for,
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

/// A question that waits for the calendar.
#[derive(Debug)]
pub(super) struct Question {
    pub ask: SchedulingAsk,
    pub wish: Wish,
    pub asked_at: UnixMillis,
    pub answer_by: UnixMillis,
}

/// What became of a try to hold.
enum Held {
    /// Held, and journaled as soon as the future says so.
    Yes { offer: Offer, until: UnixMillis, age_ms: i64, durable: Durable },
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
        }
    }

    /// Answers at once from what is known, else fetches and waits.
    pub(super) fn question(&mut self, ask: SchedulingAsk, wish: Wish, cx: &mut Context<'_, Self>) {
        if self.questions.len() >= self.world.settings.questions_max {
            metrics::counter!(crate::metrics::MAILBOX_REFUSED.name, "actor" => "scheduling", "scope" => "questions").increment(1);
            return self.answer(&ask, cx, |a| a.busy());
        }
        let answer_by = ask.deadline.plus_ms(-self.world.settings.answer_margin_ms);
        let question = Question { ask, wish, asked_at: cx.now(), answer_by };
        if self.fetch_missing(&question, cx) {
            self.questions.push(question);
        } else {
            self.decide(question, self.world.settings.mirror_fresh_ms, cx);
        }
    }

    /// Starts what must be fetched. Gives whether the question has to wait.
    fn fetch_missing(&mut self, question: &Question, cx: &mut Context<'_, Self>) -> bool {
        let Some(window) = window_for(question.wish.start) else { return false };
        let mut waits = false;
        for event_type_id in self.event_types(question.wish) {
            let fresh = self.world.settings.mirror_fresh_ms;
            if self.mirror.view(event_type_id, question.wish.start, fresh, cx.now()).is_some() {
                continue;
            }
            waits = true;
            if self.mirror.begin_fetch(event_type_id, window) {
                self.fetch(event_type_id, window, cx);
            }
        }
        waits
    }

    fn fetch(&self, event_type_id: i64, window: Interval, cx: &mut Context<'_, Self>) {
        let (calendar, company) = (self.world.calendar.clone(), self.company);
        let fetched = async move {
            let result = calendar.slots(company, event_type_id, window).await;
            SchedulingMessage::SlotsFetched { event_type_id, window, result }
        };
        cx.start(fetched, move || {
            let result = Err(CalendarError::Unavailable("the question panicked".to_owned()));
            SchedulingMessage::SlotsFetched { event_type_id, window, result }
        });
    }

    pub(super) fn slots_fetched(
        &mut self,
        event_type_id: i64,
        window: Interval,
        result: &Result<Offered, CalendarError>,
        cx: &mut Context<'_, Self>,
    ) {
        // The view is as old as the oldest question that it answers may have made it.
        self.mirror.end_fetch(event_type_id, window, result.as_ref().ok(), cx.now());
        if let Err(error) = result {
            tracing::warn!(company.id = self.company.0, %error, "the calendar did not tell its slots");
            self.last_calendar_error = Some(error.to_string());
        }
        let (ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.questions).into_iter().partition(|q| !self.still_fetching(q));
        self.questions = waiting;
        for question in ready {
            self.decide(question, self.world.settings.mirror_stale_ms_max, cx);
        }
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
            self.decide(question, self.world.settings.mirror_stale_ms_max, cx);
        }
    }

    /// Holds the wished slot, or says what is free instead.
    fn decide(&mut self, question: Question, age_ms_max: i64, cx: &mut Context<'_, Self>) {
        let Some(company) = self.company_now() else { return self.answer(&question.ask, cx, |a| a.busy()) };
        let Some(service) = company.service(question.wish.service) else {
            return self.answer(&question.ask, cx, |a| a.service_not_bookable());
        };
        let plan = candidates(service, question.wish.staff);
        if plan.is_empty() {
            return self.answer(&question.ask, cx, |a| a.service_not_bookable());
        }
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
                let (wish, books) =
                    (question.wish, matches!(question.ask.order, FunctionOrder::BookAppointment(_)));
                let age = self
                    .oldest_view_ms(&known, wish.start, cx.now())
                    .filter(|age| *age > cx.now().since(question.asked_at));
                self.answer(&question.ask, cx, |a| {
                    if books { a.slot_taken(wish, &free) } else { a.taken(wish, &free, age) }
                });
            }
            Held::Yes { offer, until, age_ms, durable } => {
                let live = age_ms <= cx.now().since(question.asked_at).max(0);
                self.held(question, offer, until, if live { None } else { Some(age_ms) }, durable, cx);
            }
        }
    }

    fn held(
        &mut self,
        question: Question,
        offer: Offer,
        until: UnixMillis,
        mirror_age_ms: Option<i64>,
        durable: Durable,
        cx: &mut Context<'_, Self>,
    ) {
        self.offers.insert(question.ask.call_id.clone(), offer.clone());
        if let FunctionOrder::BookAppointment(order) = &question.ask.order {
            let order = order.clone();
            return self.submit(&question.ask, &order, &offer, cx);
        }
        let answers = answers::Answers::new(self.company, self.company_now());
        let (answer, busy) = (answers.available(&offer, until, mirror_age_ms), answers.busy());
        let reply = question.ask.reply.clone();
        // The caller hears of the hold when it is on disk.
        let say = async move {
            reply.send(if durable.await.is_ok() { answer } else { busy });
            SchedulingMessage::Done
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
                id: hold_id(question, now),
                call_id: question.ask.call_id.clone(),
                target: candidate.target.clone(),
                segments: vec![interval],
                units,
                seen_at,
                until,
            };
            if let Ok(placed) = self.ledger.hold(request, now) {
                return self.journal_hold(placed, candidate, wish, interval, now.since(seen_at), now);
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
        let oldest = candidate.event_types().filter_map(|t| view(t).map(|v| v.fetched_at)).min();
        let units = candidate.units(|t, at| view(t).is_some_and(|v| v.starts.contains(&at)), start);
        Some((oldest.unwrap_or(own.fetched_at), units))
    }

    fn journal_hold(
        &mut self,
        placed: askpro_domain::slots::Placed,
        candidate: &Candidate,
        wish: Wish,
        interval: Interval,
        age_ms: i64,
        now: UnixMillis,
    ) -> Held {
        let hold = placed.hold;
        let record = SchedulingRecord::Held { company: self.company, hold: Box::new(hold.clone()) };
        let appended = self.append(record);
        if let Some(replaced) = placed.replaced {
            self.record_release(&replaced.id, now);
        }
        match appended {
            Ok((position, durable)) => {
                self.world.pins.pin(self.company, Pin::Hold(hold.id.clone()), position);
                let until = hold.until().unwrap_or(now);
                let offer = Offer {
                    hold: hold.id,
                    wish,
                    event_type_id: candidate.event_type_id,
                    member: candidate.member(),
                    interval,
                };
                Held::Yes { offer, until, age_ms, durable }
            }
            Err(error) => {
                tracing::warn!(%error, "a hold was not journaled and so not given");
                self.ledger.release(&hold.id);
                self.offers.remove(&hold.call_id);
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

    fn oldest_view_ms(&self, known: &[Candidate], start: UnixMillis, now: UnixMillis) -> Option<i64> {
        let stale = self.world.settings.mirror_stale_ms_max;
        let ages = known.iter().filter_map(|c| self.mirror.view(c.event_type_id, start, stale, now));
        ages.map(|v| now.since(v.fetched_at)).max()
    }

    fn event_types(&self, wish: Wish) -> Vec<i64> {
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
fn hold_id(question: &Question, now: UnixMillis) -> HoldId {
    let parts: [&[u8]; 4] = [
        question.ask.call_id.as_str().as_bytes(),
        &question.wish.service.0.to_be_bytes(),
        &question.wish.start.0.to_be_bytes(),
        &now.0.to_be_bytes(),
    ];
    let text = BodyHash::of(&parts).to_hex();
    HoldId(format!("hold_{}", text.get(..24).unwrap_or_default()))
}
