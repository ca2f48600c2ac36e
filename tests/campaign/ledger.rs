//! What was sent and what was answered: the first of the three ledgers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use askpro::simulators::retell::{Delivery, DeliveryKind, Expected, Receipt};
use bytes::Bytes;
use serde_json::Value;

/// The function that notes a callback.
const CALLBACK: &str = "request_callback";

/// Codes of answers that tell an agent nothing of what it asked.
pub const OF_NO_USE: [&str; 4] = ["busy", "calendar_unavailable", "company_unknown", "outcome_unknown"];

/// A call as the rig knows it.
#[derive(Debug, Clone)]
pub struct SentCall {
    /// Place of its company.
    pub company: usize,
    /// What should come of it.
    pub expected: Expected,
    /// Its events by name.
    pub events: BTreeMap<String, SentEvent>,
    /// What its agent heard of appointments last, by their ids.
    pub told: BTreeMap<String, Told>,
    /// Callbacks that its agent heard are noted.
    pub callbacks: BTreeSet<String>,
    /// An order for a callback came to no answer: it may be noted.
    pub callback_unheard: bool,
}

/// One event of a call.
#[derive(Debug, Clone)]
pub struct SentEvent {
    /// As it was sent first.
    pub delivery: Delivery,
    pub acknowledged: bool,
    /// Other bodies under the same name; of running transcripts none is kept.
    others: Vec<Bytes>,
}

impl SentEvent {
    /// All bodies that were sent under its name.
    pub fn bodies(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&self.delivery.body).chain(&self.others).map(|body| &body[..])
    }
}

/// What an agent heard of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Unknown,
    Pending,
    Confirmed,
}

/// Counts over a course.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Requests, repeats included.
    pub sent: u64,
    /// Events answered 2xx, copies included.
    pub acknowledged: u64,
    /// Function calls answered 200.
    pub functions: u64,
    /// Answers that were none of these, by status.
    pub refused: BTreeMap<u16, u64>,
    /// `transcript_updated` that was refused: of all that comes it is refused first, and it is not sent again.
    pub transcripts_refused: u64,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Functions that write and were not answered, however often they were asked for.
    pub writes_unheard: u64,
    /// The same of those that read.
    pub reads_unheard: u64,
    /// Slowest acknowledgement.
    pub worst_ack: Duration,
    /// Slowest answer of a function.
    pub worst_function: Duration,
    /// What functions answered, by name and code.
    pub codes: BTreeMap<String, u64>,
}

/// See the module.
#[derive(Default)]
pub struct Ledger {
    calls: Mutex<BTreeMap<String, SentCall>>,
    figures: Mutex<Figures>,
}

impl Ledger {
    /// A call begins.
    pub fn begin(&self, call_id: &str, company: usize, expected: Expected) {
        let call = SentCall {
            company,
            expected,
            events: BTreeMap::new(),
            told: BTreeMap::new(),
            callbacks: BTreeSet::new(),
            callback_unheard: false,
        };
        lock(&self.calls).insert(call_id.to_owned(), call);
    }

    /// One attempt came to its end.
    pub fn note(&self, delivery: &Delivery, receipt: &Receipt, took: Duration) {
        let answer = answer_of(delivery, receipt);
        {
            let mut figures = lock(&self.figures);
            figures.count(delivery, receipt, took);
            if let (DeliveryKind::Function { name }, Some(answer)) = (&delivery.kind, &answer) {
                let code = answer["code"].as_str().unwrap_or("?");
                *figures.codes.entry(format!("{name} {code}")).or_default() += 1;
            }
        }
        let mut calls = lock(&self.calls);
        let Some(call) = calls.get_mut(&delivery.call_id) else { return };
        match (&delivery.kind, answer) {
            (DeliveryKind::Event, _) => call.note_event(delivery, receipt),
            (DeliveryKind::Function { .. }, Some(answer)) => call.note_answer(&answer),
            (DeliveryKind::Function { name }, None) => call.callback_unheard |= name == CALLBACK,
            (DeliveryKind::Inbound, _) => {}
        }
    }

    /// All attempts of a function came to their end.
    pub fn note_end(&self, delivery: &Delivery, receipt: &Receipt) {
        if receipt.acknowledged() {
            return;
        }
        let mut figures = lock(&self.figures);
        let unheard =
            if is_write(delivery) { &mut figures.writes_unheard } else { &mut figures.reads_unheard };
        *unheard += 1;
    }

    /// Place of a call's company.
    pub fn company_of(&self, call_id: &str) -> Option<usize> {
        lock(&self.calls).get(call_id).map(|call| call.company)
    }

    pub fn figures(&self) -> Figures {
        lock(&self.figures).clone()
    }

    /// Forgets the slowest answers so far: what follows is measured for itself.
    pub fn forget_times(&self) {
        let mut figures = lock(&self.figures);
        (figures.worst_ack, figures.worst_function) = (Duration::ZERO, Duration::ZERO);
    }

    pub fn calls(&self) -> BTreeMap<String, SentCall> {
        lock(&self.calls).clone()
    }

    pub fn calls_begun(&self) -> usize {
        lock(&self.calls).len()
    }

    /// Events that nobody has acknowledged yet.
    pub fn unacknowledged(&self) -> Vec<Delivery> {
        let calls = lock(&self.calls);
        let events = calls.values().flat_map(|call| call.events.values());
        events.filter(|event| !event.acknowledged).map(|event| event.delivery.clone()).collect()
    }
}

impl SentCall {
    fn note_event(&mut self, delivery: &Delivery, receipt: &Receipt) {
        let event = self.events.entry(delivery.event.clone()).or_insert_with(|| SentEvent {
            delivery: delivery.clone(),
            acknowledged: false,
            others: Vec::new(),
        });
        event.acknowledged |= receipt.acknowledged();
        let is_known = event.bodies().any(|body| body == delivery.body);
        if !is_known && delivery.event != "transcript_updated" {
            event.others.push(delivery.body.clone());
        }
    }

    fn note_answer(&mut self, answer: &Value) {
        if answer["code"] == "callback_requested" {
            self.callbacks.insert(answer["callback_id"].as_str().unwrap_or_default().to_owned());
        }
        let told = match answer["status"].as_str() {
            Some("confirmed") => Told::Confirmed,
            Some("pending_confirmation") => Told::Pending,
            Some("unknown") => Told::Unknown,
            _ => return,
        };
        if let Some(id) = answer["appointment_id"].as_str() {
            let before = self.told.entry(id.to_owned()).or_insert(told);
            *before = told.max(*before);
        }
    }
}

impl Figures {
    fn count(&mut self, delivery: &Delivery, receipt: &Receipt, took: Duration) {
        self.sent += 1;
        let is_function = matches!(delivery.kind, DeliveryKind::Function { .. });
        match receipt.status {
            None => self.unanswered += 1,
            Some(_) if receipt.acknowledged() && is_function => {
                self.functions += 1;
                self.worst_function = self.worst_function.max(took);
            }
            Some(_) if receipt.acknowledged() => {
                self.acknowledged += 1;
                self.worst_ack = self.worst_ack.max(took);
            }
            Some(503) if delivery.event == "transcript_updated" => self.transcripts_refused += 1,
            Some(status) => *self.refused.entry(status).or_default() += 1,
        }
    }
}

/// Whether it is a function that changes something.
pub fn is_write(delivery: &Delivery) -> bool {
    matches!(&delivery.kind, DeliveryKind::Function { name } if name == "book_appointment" || name == CALLBACK)
}

fn answer_of(delivery: &Delivery, receipt: &Receipt) -> Option<Value> {
    let is_function = matches!(delivery.kind, DeliveryKind::Function { .. });
    (is_function && receipt.acknowledged()).then(|| serde_json::from_slice(&receipt.answer).ok())?
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
