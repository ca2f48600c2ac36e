//! Sends what is due when it is due, on two threads of its own: one that watches the time, one that sends.
//!
//! The watching thread never waits for an answer, so a slow service does not slow the traffic down; a request's
//! latency counts from the moment it was due, whatever kept it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::figures::{Figures, Measured};
use super::pool::{Filled, Route};
use super::schedule::{Due, LiveCall, Phases};
use super::wire::{Answer, Wire};
use crate::cli::admin::id_text;
use crate::cli::oracle::Told;
use crate::simulators::Now;
use crate::simulators::retell::sign;

/// Requests that are due and not taken over by the sender; past it the watching thread waits, and the wait
/// counts as latency.
const DUE_MAX: usize = 100_000;
/// An event is sent again so many times when it is not acknowledged, as Retell does.
const REPEATS_MAX: u32 = 3;
/// Before the first repeat; doubled for each further one.
const REPEAT_PAUSE: Duration = Duration::from_secs(1);
/// How long the watching thread looks away at most: it hears of a stop by then.
const LOOK_AWAY_MAX: Duration = Duration::from_millis(100);

/// What the sender needs to know.
pub(super) struct Sending {
    /// Where to.
    pub(super) wire: Wire,
    /// Signs everything.
    pub(super) key: String,
    /// The clock of signatures.
    pub(super) now: Now,
    /// Which requests are measured.
    pub(super) phases: Phases,
    /// Within which a function must be answered, in us.
    pub(super) patience_us: u64,
    /// Where measurements go.
    pub(super) figures: Arc<Figures>,
}

/// A load that is running.
#[derive(Debug)]
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    done: oneshot::Receiver<Vec<Arc<LiveCall>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins to send `schedule`; its time begins now.
    pub(super) fn start(
        schedule: impl Iterator<Item = Due> + Send + 'static,
        sending: Sending,
    ) -> anyhow::Result<Self> {
        let (hand_over, due) = mpsc::channel(DUE_MAX);
        let (report, done) = oneshot::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let begin = Begin { instant: Instant::now(), ms: (sending.now)() };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the sender does not start")?;
        let watcher = thread::Builder::new().name("bench-due".to_owned());
        let watcher = watcher.spawn(move || watch(schedule, begin, &told, &hand_over))?;
        let sender = thread::Builder::new().name("bench-send".to_owned());
        let sender = sender.spawn(move || {
            // Nobody waits for the calls where the run was given up.
            let _ = report.send(runtime.block_on(send_all(Arc::new(sending), begin, due)));
        })?;
        Ok(Self { stop, done, threads: vec![watcher, sender] })
    }

    /// Sends nothing more; what is under way is finished.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The calls that were sent, when all is answered or given up. May be asked again until it has answered.
    pub(super) async fn finished(&mut self) -> anyhow::Result<Vec<Arc<LiveCall>>> {
        let calls = (&mut self.done).await.context("the sender has failed")?;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| anyhow::anyhow!("a thread of the sender has failed"))?;
        }
        Ok(calls)
    }
}

/// The same moment on two clocks.
#[derive(Debug, Clone, Copy)]
struct Begin {
    instant: Instant,
    ms: i64,
}

impl Begin {
    fn elapsed_us(self) -> u64 {
        u64::try_from(self.instant.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn unix_ms(self, after_us: u64) -> i64 {
        self.ms.saturating_add(i64::try_from(after_us / 1_000).unwrap_or(i64::MAX))
    }
}

/// Hands over each request when it is due. Parks instead of using the runtime's timers: those are good to a
/// millisecond only, which would stand in every latency.
fn watch(
    schedule: impl Iterator<Item = Due>,
    begin: Begin,
    stop: &AtomicBool,
    hand_over: &mpsc::Sender<Due>,
) {
    for due in schedule {
        loop {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let left = Duration::from_micros(due.due_us.saturating_sub(begin.elapsed_us()));
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left.min(LOOK_AWAY_MAX));
        }
        if hand_over.blocking_send(due).is_err() {
            return;
        }
    }
}

async fn send_all(sending: Arc<Sending>, begin: Begin, mut due: mpsc::Receiver<Due>) -> Vec<Arc<LiveCall>> {
    let mut calls = Vec::new();
    let mut under_way = JoinSet::new();
    while let Some(due) = due.recv().await {
        if !due.call.begun.swap(true, Ordering::Relaxed) {
            sending.figures.lock().counts.calls_begun += 1;
            calls.push(due.call.clone());
        }
        under_way.spawn(send(sending.clone(), begin, due));
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
    calls
}

/// Sends one request until it is acknowledged or given up.
async fn send(sending: Arc<Sending>, begin: Begin, due: Due) {
    let Some(delivery) = due.call.template.deliveries.get(due.delivery) else { return };
    note_begin(&sending, begin, &due, delivery.route);
    let call = &due.call;
    let filled = Filled { call_id: &call.call_id, caller: &call.caller, wish: &call.wish };
    let body = delivery.fill(&filled, |offset_ms| begin.unix_ms(call.due_us(offset_ms)));
    let (path, attempts_max) = match delivery.route {
        Route::Event(_) => ("/webhooks/retell".to_owned(), REPEATS_MAX + 1),
        Route::Function(name) => (format!("/functions/retell/{name}"), 1),
    };
    let mut pause = REPEAT_PAUSE;
    for attempt in 1..=attempts_max {
        if attempt > 1 {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        let signature = sign(&sending.key, &body, (sending.now)());
        let answer = sending.wire.post(&path, &signature, &body).await;
        if settle(&sending, begin, &due, delivery.route, attempt, answer) {
            return;
        }
    }
    sending.figures.lock().counts.given_up += 1;
}

fn note_begin(sending: &Sending, begin: Begin, due: &Due, route: Route) {
    let lag_us = begin.elapsed_us().saturating_sub(due.due_us);
    let ends = matches!(route, Route::Event("call_ended" | "chat_ended"));
    let mut measured = sending.figures.lock();
    measured.counts.due += 1;
    measured.counts.functions_due += u64::from(matches!(route, Route::Function(_)));
    if ends && !due.call.ended.swap(true, Ordering::Relaxed) {
        measured.counts.calls_ended += 1;
    }
    if sending.phases.is_measured(due.due_us) {
        measured.lag.record(lag_us);
    }
}

/// Notes how an attempt ended; whether it was the last one.
fn settle(
    sending: &Sending,
    begin: Begin,
    due: &Due,
    route: Route,
    attempt: u32,
    answer: std::io::Result<Answer>,
) -> bool {
    let latency_us = begin.elapsed_us().saturating_sub(due.due_us);
    let heard = answer.as_ref().ok().filter(|_| matches!(route, Route::Function(_))).map(Heard::read);
    let is_measured = sending.phases.is_measured(due.due_us);
    let mut measured = sending.figures.lock();
    measured.counts.sent += 1;
    measured.counts.repeats += u64::from(attempt > 1);
    if let (Route::Function(name), Some(heard)) = (route, &heard) {
        measured.counts.function_answered(name, &heard.code);
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(_) => {
            measured.counts.errors += 1;
            return false;
        }
    };
    if !(200..300).contains(&answer.status) {
        *measured.counts.refused.entry(answer.status).or_default() += 1;
        return false;
    }
    measured.counts.acknowledged += 1;
    match route {
        Route::Event(name) => {
            due.call.acknowledge(name);
            match name {
                _ if !is_measured => {}
                "transcript_updated" => measured.transcripts.record(latency_us),
                _ => measured.webhooks.record(latency_us),
            }
        }
        Route::Function(name) => {
            measured.counts.functions_in_time += u64::from(latency_us <= sending.patience_us);
            if is_measured {
                let Measured { functions, functions_in_trouble, .. } = &mut *measured;
                let series = if due.call.in_trouble { functions_in_trouble } else { functions };
                series.entry(name).or_default().record(latency_us);
            }
            if let Some(told) = heard.and_then(|heard| heard.told).filter(|_| name == "book_appointment") {
                due.call.tell(told);
            }
        }
    }
    true
}

/// What an agent hears of a function's answer.
struct Heard {
    code: String,
    told: Option<Told>,
}

#[derive(Deserialize)]
struct FunctionAnswer {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    appointment_id: Option<Value>,
}

impl Heard {
    fn read(answer: &Answer) -> Self {
        match serde_json::from_slice::<FunctionAnswer>(&answer.body) {
            Ok(function) => Self {
                told: function.told(),
                code: function.code.unwrap_or_else(|| format!("http_{}", answer.status)),
            },
            Err(_) => Self { code: format!("http_{}", answer.status), told: None },
        }
    }
}

impl FunctionAnswer {
    /// The booking that was promised, if one was: confirmed, or on its way.
    fn told(&self) -> Option<Told> {
        let status = self.status.as_deref()?;
        let confirmed = self.success && status == "confirmed";
        let on_its_way = matches!(status, "pending_confirmation" | "unknown");
        let appointment_id = self.appointment_id.as_ref().map(id_text);
        // What is on its way without an id can be asked for by nobody.
        let is_told = confirmed || on_its_way && appointment_id.is_some();
        is_told.then(|| Told { appointment_id: appointment_id.unwrap_or_default(), confirmed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(body: &str) -> Option<Told> {
        Heard::read(&Answer { status: 200, body: body.as_bytes().to_vec() }).told
    }

    #[test]
    fn a_promise_is_what_the_agent_heard() {
        let confirmed = r#"{"success":true,"code":"booked","status":"confirmed","appointment_id":"a1"}"#;
        assert_eq!(heard(confirmed), Some(Told { appointment_id: "a1".to_owned(), confirmed: true }));
        let pending = r#"{"success":true,"code":"x","status":"pending_confirmation","appointment_id":"a1"}"#;
        assert_eq!(heard(pending), Some(Told { appointment_id: "a1".to_owned(), confirmed: false }));
        let taken = r#"{"success":false,"code":"slot_taken","status":"refused","alternatives":[]}"#;
        assert_eq!(heard(taken), None);
        assert_eq!(heard("busy"), None);
    }
}
