//! The reconciler of one account: decides what is asked next, and when.

use std::{collections::BTreeMap, sync::Arc};

use askpro_domain::{ids::CallId, pace::SlidingWindow, time::UnixMillis};

use super::{
    ReconcileMessage, ReconcileWorld, ReconcilerView,
    rest::Rest,
    run::{Going, Run},
    wanted::{Wanted, Why},
    work::{self, Answer, Gap, Listed},
};
use crate::{
    calls::CallMessage,
    metrics::{RECONCILE_GAPS, RECONCILE_RUNS, SILENT_CALLS},
    ports::voice::{Account, VoiceError},
    runtime::{Actor, Build, Context, Factory, Why as BuildReason},
};

/// An account's reconciler.
pub struct ReconcileActor {
    account: Account,
    world: Arc<ReconcileWorld>,
    wanted: Wanted,
    /// Calls that are being asked for.
    asked: BTreeMap<CallId, Why>,
    pace: SlidingWindow,
    pages: SlidingWindow,
    rest: Rest,
    run: Run,
}

/// Makes them.
pub struct ReconcileFactory {
    /// What they need.
    pub world: Arc<ReconcileWorld>,
}

impl Factory<ReconcileActor> for ReconcileFactory {
    /// With nothing to do: silent calls tell of themselves again, and runs begin anew.
    fn build(&self, key: &Account, _why: BuildReason) -> Build<ReconcileActor> {
        Build::Ready(ReconcileActor {
            account: *key,
            world: self.world.clone(),
            wanted: Wanted::default(),
            asked: BTreeMap::new(),
            pace: SlidingWindow::new(self.world.settings.pace_window_ms),
            pages: SlidingWindow::new(self.world.settings.pace_window_ms),
            rest: Rest::default(),
            run: Run::default(),
        })
    }

    fn dead_letter(&self, key: &Account, message: ReconcileMessage, error: &str) {
        tracing::error!(account = %key, ?message, error, "a reconciler could not handle a message");
    }
}

impl Actor for ReconcileActor {
    const KIND: &'static str = "reconcile";
    type Key = Account;
    type Message = ReconcileMessage;

    fn handle(&mut self, message: &ReconcileMessage, cx: &mut Context<'_, Self>) {
        match message {
            ReconcileMessage::LookUp(call_id) => self.look_up(call_id),
            ReconcileMessage::GiveUp(call_id) => self.give_up(call_id, cx),
            ReconcileMessage::LookedUp { call_id, answer } => self.looked_up(call_id, answer, cx),
            ReconcileMessage::Run { hours } => self.begin(*hours, cx),
            ReconcileMessage::Listed(listed) => self.listed(listed, cx),
            ReconcileMessage::GoOn => {}
            ReconcileMessage::GetReconciler(reply) => cx.answer(reply, self.view(cx)),
        }
        self.end_run_when_done(cx);
        self.go_on(cx);
    }
}

impl ReconcileActor {
    fn look_up(&mut self, call_id: &CallId) {
        if !self.asked.contains_key(call_id) {
            self.wanted.add(call_id.clone(), Why::Silent, self.world.settings.waiting_max);
        }
    }

    fn give_up(&mut self, call_id: &CallId, cx: &mut Context<'_, Self>) {
        self.wanted.remove(call_id);
        metrics::counter!(SILENT_CALLS.name, "outcome" => "given_up").increment(1);
        // Not among those that are asked for: nobody waits for it, and nobody needs to rest.
        self.start_for(call_id, work::give_up(self.world.clone(), call_id.clone()), cx);
    }

    /// Asks for as much as may be asked now, or comes back when more may be asked.
    fn go_on(&mut self, cx: &mut Context<'_, Self>) {
        loop {
            let now = cx.now();
            let (page_at, call_at) = (self.page_at(now), self.call_at(now));
            let Some(at) = page_at.into_iter().chain(call_at).min() else { return cx.disarm("go_on") };
            if at > now {
                return cx.arm("go_on", at, ReconcileMessage::GoOn);
            }
            // Silent calls come before the list, the list before the gaps that it finds.
            let silent = self.wanted.first() == Some(Why::Silent) && call_at == Some(now);
            if page_at == Some(now) && !silent {
                self.pages.record(now);
                self.ask_for_page(cx);
            } else {
                self.pace.record(now);
                self.ask_for_call(cx);
            }
        }
    }

    /// When the next page may be asked for, if one is wanted.
    fn page_at(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        let Run::Going(going) = &self.run else { return None };
        let free_at = self.pages.free_at(self.world.settings.pages_asked_max, now);
        going.has_next_page().then(|| free_at.max(self.rest.over_at(now)))
    }

    /// When the next call may be asked for, if one is wanted and not too many are under way.
    fn call_at(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        self.wanted.first()?;
        let room = self.asked.len() < self.world.settings.questions_at_once_max;
        let free_at = self.pace.free_at(self.world.settings.questions_max, now);
        room.then(|| free_at.max(self.rest.over_at(now)))
    }

    fn ask_for_page(&mut self, cx: &mut Context<'_, Self>) {
        let Run::Going(going) = &mut self.run else { return };
        let since = going.since;
        let Some(page) = going.ask() else { return };
        let listed = work::list(self.world.clone(), self.account, since, page);
        let told = async move { ReconcileMessage::Listed(Box::new(listed.await)) };
        cx.start(told, || ReconcileMessage::Listed(Box::new(Listed::Failed(panicked()))));
    }

    fn ask_for_call(&mut self, cx: &mut Context<'_, Self>) {
        let Some((call_id, why)) = self.wanted.take() else { return };
        self.asked.insert(call_id.clone(), why);
        let asked = work::look_up(self.world.clone(), self.account, call_id.clone(), why);
        self.start_for(&call_id, asked, cx);
    }

    fn start_for(
        &self,
        call_id: &CallId,
        asked: impl Future<Output = Answer> + Send + 'static,
        cx: &mut Context<'_, Self>,
    ) {
        let (of, of_panic) = (call_id.clone(), call_id.clone());
        let told = async move { ReconcileMessage::LookedUp { call_id: of, answer: asked.await } };
        cx.start(told, move || ReconcileMessage::LookedUp {
            call_id: of_panic,
            answer: Answer::Failed(panicked()),
        });
    }

    fn looked_up(&mut self, call_id: &CallId, answer: &Answer, cx: &mut Context<'_, Self>) {
        // Given up, or asked by this actor before a panic.
        let Some(why) = self.asked.remove(call_id) else { return };
        match answer {
            Answer::TakenIn => self.close(call_id, why, true, "closed"),
            Answer::Ongoing => {
                self.close(call_id, why, false, "ongoing");
                self.tell_ongoing(call_id, cx);
            }
            Answer::Nothing => self.close(call_id, why, false, "unknown"),
            Answer::Failed(VoiceError::NoKey) => self.lose_the_key(cx),
            Answer::Failed(error) => {
                self.fail(error, cx);
                self.wanted.add(call_id.clone(), why, usize::MAX);
            }
            Answer::NotTaken => {
                self.rest_a_while(0, cx);
                self.wanted.add(call_id.clone(), why, usize::MAX);
            }
            Answer::Closing => {}
        }
    }

    /// The platform answered for this call.
    fn close(&mut self, call_id: &CallId, why: Why, filled: bool, outcome: &'static str) {
        self.rest.answered();
        if why == Why::Silent {
            metrics::counter!(SILENT_CALLS.name, "outcome" => outcome).increment(1);
        } else if filled {
            metrics::counter!(RECONCILE_GAPS.name, "gap" => why.as_str()).increment(1);
        }
        if let Run::Going(going) = &mut self.run {
            going.close(call_id, filled);
        }
    }

    fn tell_ongoing(&self, call_id: &CallId, cx: &mut Context<'_, Self>) {
        let (world, call_id) = (self.world.clone(), call_id.clone());
        // One that cannot be told asks again.
        cx.effect(move || _ = world.calls.offer(call_id, CallMessage::StillOngoing));
    }

    fn fail(&mut self, error: &VoiceError, cx: &Context<'_, Self>) {
        if self.rest.failures == 0 {
            tracing::warn!(account = %self.account, %error, "Retell cannot be asked now; asking again later");
        }
        let asked_ms = if let VoiceError::Limited { retry_after_ms } = error { *retry_after_ms } else { 0 };
        self.rest_a_while(asked_ms, cx);
    }

    fn rest_a_while(&mut self, asked_ms: i64, cx: &Context<'_, Self>) {
        let settings = &self.world.settings;
        self.rest.failed(cx.now(), asked_ms, settings.rest_ms, settings.rest_ms_max);
    }

    /// Silent calls tell of themselves again, to another account or to nobody.
    fn lose_the_key(&mut self, cx: &mut Context<'_, Self>) {
        self.wanted.clear();
        self.end_run(Some("there is no key any more"), cx);
    }

    fn begin(&mut self, hours: u32, cx: &mut Context<'_, Self>) {
        if !matches!(self.run, Run::Going(_)) {
            cx.disarm("run");
            self.run = Run::Going(Going::begin(hours, cx.now()));
        }
    }

    fn listed(&mut self, listed: &Listed, cx: &mut Context<'_, Self>) {
        let Run::Going(going) = &mut self.run else { return };
        match listed {
            Listed::Judged { page, calls, gaps } => {
                self.rest.answered();
                let left =
                    going.page(*calls, page.unreadable, page.next.clone(), self.world.settings.pages_max);
                self.fill(gaps);
                if left.is_some() {
                    self.end_run(left, cx);
                }
            }
            Listed::Failed(VoiceError::NoKey) => self.lose_the_key(cx),
            Listed::Failed(VoiceError::Unreadable(reason)) => self.end_run(Some(reason), cx),
            Listed::Failed(error) => {
                going.ask_again();
                self.fail(error, cx);
            }
            Listed::StoreAway => {
                let hours = going.hours();
                self.end_run(Some("the database did not answer"), cx);
                let at = cx.now().plus_ms(self.world.settings.run_again_ms);
                cx.arm("run", at, ReconcileMessage::Run { hours });
            }
            Listed::Closing => {}
        }
    }

    fn fill(&mut self, gaps: &[(CallId, Gap)]) {
        let Run::Going(going) = &mut self.run else { return };
        for (call_id, Gap(why)) in gaps {
            let waits = self.asked.contains_key(call_id)
                || self.wanted.add(call_id.clone(), *why, self.world.settings.waiting_max);
            if waits {
                going.open(call_id.clone(), *why);
            }
        }
    }

    fn end_run_when_done(&mut self, cx: &mut Context<'_, Self>) {
        if matches!(&self.run, Run::Going(going) if going.is_done()) {
            self.end_run(None, cx);
        }
    }

    fn end_run(&mut self, reason: Option<&'static str>, cx: &Context<'_, Self>) {
        self.run = match std::mem::take(&mut self.run) {
            Run::Going(going) => {
                let report = going.end(reason, cx.now());
                metrics::counter!(RECONCILE_RUNS.name, "outcome" => report.state).increment(1);
                tracing::info!(account = %self.account, ?report, "calls were compared with Retell");
                Run::Over(report)
            }
            other => other,
        };
    }

    fn view(&self, cx: &Context<'_, Self>) -> ReconcilerView {
        let run = match &self.run {
            Run::Never => None,
            Run::Going(going) => Some(going.report().clone()),
            Run::Over(report) => Some(report.clone()),
        };
        ReconcilerView {
            waiting: self.wanted.len(),
            asking: self.asked.len(),
            failures: self.rest.failures,
            resting_until: self.rest.until(cx.now()),
            run,
        }
    }
}

const fn panicked() -> VoiceError {
    VoiceError::Unreachable("the question panicked")
}
