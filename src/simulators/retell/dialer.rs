//! Many calls at once against a running service, for the demo.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::deliver::{Receipt, Retries, Target, deliver};
use super::generator::ScriptGenerator;
use super::rest::RetellHandle;
use super::script::{CallScript, Delivery, DeliveryKind, Disorder};
use crate::simulators::Now;

/// Distinct function answers that are counted apart; further ones are counted as `other`.
const ANSWERS_MAX: usize = 100;

/// How to dial.
#[derive(Clone)]
pub struct DialerOptions {
    /// The service.
    pub target: Target,
    /// New calls per minute.
    pub calls_per_minute: f64,
    /// How much faster than real a call passes: 10 puts a two-minute call into 12 s.
    pub time_factor: f64,
    /// What goes wrong on the way.
    pub disorder: Disorder,
    /// How often things are sent again.
    pub retries: Retries,
    /// Calls at the same time; beyond it new ones are left out.
    pub concurrent_max: usize,
    /// Stands in the bodies and the signatures.
    pub now: Now,
}

impl DialerOptions {
    /// 30 calls a minute, ten times as fast as real, nothing goes wrong.
    #[must_use]
    pub fn new(target: Target, now: Now) -> Self {
        Self {
            target,
            calls_per_minute: 30.0,
            time_factor: 10.0,
            disorder: Disorder::default(),
            retries: Retries::default(),
            concurrent_max: 2_000,
            now,
        }
    }
}

impl std::fmt::Debug for DialerOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DialerOptions")
            .field("base_url", &self.target.base_url)
            .field("calls_per_minute", &self.calls_per_minute)
            .finish_non_exhaustive()
    }
}

/// What has happened so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DialerCounters {
    /// Calls begun.
    pub calls_started: u64,
    /// Calls of which everything was sent.
    pub calls_finished: u64,
    /// Calls left out because too many were running.
    pub calls_left_out: u64,
    /// Calls that the service turned away while it rang.
    pub calls_rejected: u64,
    /// Requests, repeats included.
    pub sent: u64,
    /// Deliveries answered with 2xx.
    pub acknowledged: u64,
    /// Deliveries whose last answer was something else.
    pub refused: u64,
    /// Deliveries never answered.
    pub unanswered: u64,
    /// By function and the answer's `code`, or `http_<status>`: `book_appointment confirmed`.
    pub function_answers: BTreeMap<String, u64>,
}

impl DialerCounters {
    fn count(&mut self, delivery: &Delivery, receipt: &Receipt) {
        self.sent += u64::from(receipt.attempts);
        match receipt.status {
            Some(_) if receipt.acknowledged() => self.acknowledged += 1,
            Some(_) => self.refused += 1,
            None => self.unanswered += 1,
        }
        if let DeliveryKind::Function { name } = &delivery.kind {
            let answer = format!("{name} {}", code(receipt));
            let known =
                self.function_answers.contains_key(&answer) || self.function_answers.len() < ANSWERS_MAX;
            let answer = if known { answer } else { "other".to_owned() };
            *self.function_answers.entry(answer).or_default() += 1;
        }
    }
}

fn code(receipt: &Receipt) -> String {
    let answer: Option<Value> = serde_json::from_slice(&receipt.answer).ok();
    let code = answer.as_ref().and_then(|answer| answer.get("code")).and_then(Value::as_str);
    match (code, receipt.status) {
        (Some(code), _) => code.to_owned(),
        (None, Some(status)) => format!("http_{status}"),
        (None, None) => "unanswered".to_owned(),
    }
}

/// Running calls. Dropping it hangs all of them up.
#[derive(Debug)]
pub struct Dialer {
    counters: Arc<Mutex<DialerCounters>>,
    hang_up: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Dialer {
    /// Begins to dial on the current tokio runtime. Calls become known to `rest` when they begin.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn start(
        generator: ScriptGenerator,
        options: DialerOptions,
        rest: Option<Arc<RetellHandle>>,
    ) -> Result<Self, reqwest::Error> {
        let client = crate::simulators::http_client()?;
        let counters = Arc::new(Mutex::new(DialerCounters::default()));
        let (hang_up, told) = watch::channel(false);
        let line = Arc::new(Line { client, options, counters: counters.clone() });
        let task = tokio::spawn(dial(line, generator, rest, told));
        Ok(Self { counters, hang_up, task })
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> DialerCounters {
        lock(&self.counters).clone()
    }

    /// Begins no more calls, waits until the running ones are through, and gives the final count.
    pub async fn finish(mut self) -> DialerCounters {
        let _ = self.hang_up.send(true);
        let _ = (&mut self.task).await;
        self.counters()
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What every call needs.
struct Line {
    client: reqwest::Client,
    options: DialerOptions,
    counters: Arc<Mutex<DialerCounters>>,
}

async fn dial(
    line: Arc<Line>,
    mut generator: ScriptGenerator,
    rest: Option<Arc<RetellHandle>>,
    mut told: watch::Receiver<bool>,
) {
    let mut calls = JoinSet::new();
    let mut ticks =
        tokio::time::interval(Duration::from_secs_f64(60.0 / line.options.calls_per_minute.max(0.001)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut seed = 0;
    loop {
        tokio::select! {
            _ = told.changed() => break,
            _ = ticks.tick() => {}
        }
        while calls.try_join_next().is_some() {}
        if calls.len() >= line.options.concurrent_max {
            lock(&line.counters).calls_left_out += 1;
            continue;
        }
        let mut script = generator.next((line.options.now)());
        if let Some(rest) = &rest {
            rest.remember(&script);
        }
        seed += 1;
        line.options.disorder.apply(&mut script, seed);
        lock(&line.counters).calls_started += 1;
        calls.spawn(run(line.clone(), script));
    }
    while calls.join_next().await.is_some() {}
}

/// Sends a call's deliveries in time. Events do not wait for each other; the conversation waits for functions.
async fn run(line: Arc<Line>, script: CallScript) {
    let begin = Instant::now();
    let factor = line.options.time_factor.max(0.001);
    let mut events = JoinSet::new();
    for delivery in script.deliveries {
        let offset_ms = (delivery.due_ms - script.start_ms).max(0);
        tokio::time::sleep_until(begin + Duration::from_secs_f64(offset_ms as f64 / 1000.0 / factor)).await;
        let sending = send(line.clone(), delivery.clone());
        if delivery.kind == DeliveryKind::Event {
            events.spawn(sending);
        } else if rejects(&sending.await) {
            lock(&line.counters).calls_rejected += 1;
            return;
        }
    }
    while events.join_next().await.is_some() {}
    lock(&line.counters).calls_finished += 1;
}

async fn send(line: Arc<Line>, delivery: Delivery) -> Receipt {
    let options = &line.options;
    let receipt = deliver(&line.client, &options.target, &delivery, &options.retries, &options.now).await;
    lock(&line.counters).count(&delivery, &receipt);
    receipt
}

/// Whether the answer is one that turns a call away: then there is none. Only a boolean counts.
fn rejects(receipt: &Receipt) -> bool {
    let answer: Option<Value> = serde_json::from_slice(&receipt.answer).ok();
    let reject = answer.as_ref().and_then(|answer| answer.pointer("/call_inbound/reject"));
    receipt.acknowledged() && reject == Some(&Value::Bool(true))
}

/// The counters, also after a panic elsewhere: each count is complete in itself.
fn lock(counters: &Mutex<DialerCounters>) -> MutexGuard<'_, DialerCounters> {
    counters.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn only_a_boolean_in_an_answer_that_was_taken_turns_a_call_away() {
        let receipt = |status, answer: &'static str| Receipt {
            status: Some(status),
            attempts: 1,
            answer: Bytes::from_static(answer.as_bytes()),
        };
        assert!(rejects(&receipt(200, r#"{"call_inbound":{"reject":true}}"#)));
        for (status, answer) in [
            (503, r#"{"call_inbound":{"reject":true}}"#),
            (200, r#"{"call_inbound":{"reject":"true"}}"#),
            (200, r#"{"call_inbound":{}}"#),
            (200, "no JSON"),
        ] {
            assert!(!rejects(&receipt(status, answer)), "{status} {answer}");
        }
    }
}
