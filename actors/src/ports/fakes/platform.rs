//! A voice platform in memory: it has the calls it was told of, and answers as it is told to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use askpro_domain::{
    ids::{CallId, CompanyId},
    time::UnixMillis,
};

use super::{EventBody, Gate, lock};
use crate::ports::voice::{Account, CallPage, ListedCall, Looked, Told, Voice, VoiceError};

/// A call as the platform has it: bodies of its events so far.
#[derive(Debug, Clone)]
struct Has {
    bodies: Vec<EventBody>,
}

/// A voice platform in memory.
#[derive(Default)]
pub struct FakeVoice {
    calls: Mutex<BTreeMap<CallId, Has>>,
    own_keys: Mutex<BTreeSet<CompanyId>>,
    keyless: AtomicBool,
    down: AtomicBool,
    limits: Mutex<Option<i64>>,
    questions: Mutex<Vec<(Account, String)>>,
    waiting: AtomicUsize,
    waiting_most: AtomicUsize,
    page_size: AtomicUsize,
    panics: AtomicUsize,
    /// Closed, answers wait.
    pub answers: Gate,
}

impl FakeVoice {
    /// What it has of a call: the bodies of its events.
    pub fn has(&self, bodies: &[EventBody]) {
        let id = bodies.first().and_then(|body| CallId::parse(&body.call_id));
        if let Some(id) = id {
            lock(&self.calls).insert(id, Has { bodies: bodies.to_vec() });
        }
    }

    /// There is no key at all, or there is one again.
    pub fn set_keyless(&self, keyless: bool) {
        self.keyless.store(keyless, Ordering::SeqCst);
    }

    /// A company has a key of its own.
    pub fn give_key(&self, company: CompanyId) {
        lock(&self.own_keys).insert(company);
    }

    /// Answers nothing from now on, or answers again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Wants to be left alone for so long, at every question; `None` ends that.
    pub fn set_limited(&self, retry_after_ms: Option<i64>) {
        *lock(&self.limits) = retry_after_ms;
    }

    /// The next `questions` questions panic.
    pub fn panic_next(&self, questions: usize) {
        self.panics.store(questions, Ordering::SeqCst);
    }

    /// Calls in a page; 100 unless told otherwise.
    pub fn set_page_size(&self, calls: usize) {
        self.page_size.store(calls, Ordering::SeqCst);
    }

    /// What was asked: a call's id, or `list` with the page.
    #[must_use]
    pub fn questions(&self) -> Vec<(Account, String)> {
        lock(&self.questions).clone()
    }

    /// The most questions that ever waited at once.
    #[must_use]
    pub fn waiting_most(&self) -> usize {
        self.waiting_most.load(Ordering::SeqCst)
    }

    async fn ask(&self, account: Account, question: String) -> Result<(), VoiceError> {
        let left = self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        assert!(left.is_err(), "the platform panics as it was told to");
        lock(&self.questions).push((account, question));
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.waiting_most.fetch_max(waiting, Ordering::SeqCst);
        self.answers.pass().await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if !self.has_key(account) {
            return Err(VoiceError::NoKey);
        }
        if let Some(retry_after_ms) = *lock(&self.limits) {
            return Err(VoiceError::Limited { retry_after_ms });
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(VoiceError::Unreachable("down"));
        }
        Ok(())
    }
}

impl Has {
    fn is_over(&self) -> bool {
        self.bodies.iter().any(|body| body.event != "call_started")
    }

    fn looked(&self) -> Result<Looked, VoiceError> {
        let told = |body: &EventBody| {
            // As the platform's own objects, these have no time of sending.
            let body = EventBody { at: None, source: Some("reconcile".to_owned()), ..body.clone() };
            told(&body).map_err(|_| VoiceError::Unreadable("no event"))
        };
        if self.is_over() {
            let later = self.bodies.iter().filter(|body| body.event != "call_started");
            return Ok(Looked::Over(later.map(told).collect::<Result<_, _>>()?));
        }
        let first = self.bodies.first().ok_or(VoiceError::NotFound)?;
        Ok(Looked::Ongoing(Box::new(told(first)?)))
    }

    fn listed(&self, call_id: &CallId) -> ListedCall {
        let find = |pick: fn(&EventBody) -> Option<i64>| self.bodies.iter().find_map(pick).map(UnixMillis);
        ListedCall {
            call_id: call_id.clone(),
            over: self.is_over(),
            analyzed: self.bodies.iter().any(|body| body.event == "call_analyzed"),
            began_at: find(|body| body.started_at),
            ended_at: find(|body| body.ended_at),
        }
    }
}

fn told(body: &EventBody) -> Result<Told, String> {
    Ok(Told { event: body.decode()?, body: body.bytes() })
}

#[async_trait::async_trait]
impl Voice for FakeVoice {
    fn has_key(&self, account: Account) -> bool {
        match account {
            Account::Platform => !self.keyless.load(Ordering::SeqCst),
            Account::Company(company) => lock(&self.own_keys).contains(&company),
        }
    }

    async fn find_call(&self, account: Account, call_id: &CallId) -> Result<Looked, VoiceError> {
        self.ask(account, call_id.as_str().to_owned()).await?;
        let has = lock(&self.calls).get(call_id).cloned();
        has.ok_or(VoiceError::NotFound)?.looked()
    }

    async fn list_calls(
        &self,
        account: Account,
        since: UnixMillis,
        page: Option<&str>,
    ) -> Result<CallPage, VoiceError> {
        self.ask(account, format!("list {}", page.unwrap_or("first"))).await?;
        let from: usize = page.and_then(|page| page.parse().ok()).unwrap_or_default();
        let size = match self.page_size.load(Ordering::SeqCst) {
            0 => 100,
            size => size,
        };
        let calls = lock(&self.calls);
        let listed = calls.iter().map(|(id, has)| has.listed(id));
        let listed: Vec<ListedCall> =
            listed.filter(|call| call.began_at.is_some_and(|at| at >= since)).collect();
        let next = (from + size < listed.len()).then(|| (from + size).to_string());
        Ok(CallPage { calls: listed.into_iter().skip(from).take(size).collect(), unreadable: 0, next })
    }

    fn given_up(&self, call_id: &CallId) -> Result<Told, String> {
        told(&EventBody {
            event: "call_ended".to_owned(),
            call_id: call_id.as_str().to_owned(),
            source: Some("timeout".to_owned()),
            ..EventBody::default()
        })
    }
}
