//! One actor per company: its live figures, for admins and quotas. Told by calls and schedulers, asked by
//! admins; it never asks anybody.

mod admissions;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

pub use admissions::Admissions;
use askpro_domain::{booking::AppointmentStatus, ids::CompanyId, time::UnixMillis};
use dashmap::DashMap;
use serde::Serialize;

use crate::runtime::{Actor, Build, Context, Factory, Reply, Why};

/// Calls that are live, in all and by company. Outside the actors, so that a panic loses no count.
#[derive(Clone, Default)]
pub struct LiveCounts {
    total: Arc<AtomicI64>,
    by_company: Arc<DashMap<CompanyId, i64>>,
}

/// Counts one live call for as long as it exists.
pub struct LiveToken {
    counts: LiveCounts,
    company: CompanyId,
}

impl LiveCounts {
    /// One more live call of this company.
    #[must_use]
    pub fn enter(&self, company: CompanyId) -> LiveToken {
        self.total.fetch_add(1, Ordering::Relaxed);
        *self.by_company.entry(company).or_insert(0) += 1;
        gauge().increment(1.0);
        LiveToken { counts: self.clone(), company }
    }

    /// Live calls of all companies.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Live calls of a company.
    #[must_use]
    pub fn of(&self, company: CompanyId) -> i64 {
        self.by_company.get(&company).map_or(0, |n| *n)
    }
}

impl Drop for LiveToken {
    fn drop(&mut self) {
        self.counts.total.fetch_sub(1, Ordering::Relaxed);
        if let Some(mut n) = self.counts.by_company.get_mut(&self.company) {
            *n -= 1;
        }
        gauge().decrement(1.0);
    }
}

/// Moved by steps: of two threads that set a total, the slower one would leave the older figure.
fn gauge() -> metrics::Gauge {
    metrics::gauge!(crate::metrics::CALLS_LIVE.name)
}

/// What a company's actor hears.
#[derive(Debug)]
pub enum TenantMessage {
    /// Fact, from a call: it was placed here and is live.
    CallBegan,
    /// Fact, from a call: it is over.
    CallEnded,
    /// Fact, from a call: a function was answered with this code.
    FunctionAnswered {
        /// `code` of the answer.
        code: String,
    },
    /// Fact, from the scheduler: a booking moved to this status.
    BookingMoved(AppointmentStatus),
    /// Question, from admins; answered at once.
    GetTenant(Reply<TenantView>),
}

/// A company's live figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantView {
    /// Live calls now.
    pub calls_live: i64,
    /// Calls that began since `since`.
    pub calls_began: u64,
    /// Calls that ended since `since`.
    pub calls_ended: u64,
    /// Bookings by the status they moved to since `since`.
    pub bookings: BTreeMap<&'static str, u64>,
    /// Function answers by code since `since`.
    pub functions: BTreeMap<String, u64>,
    /// Since when these figures count.
    pub since: UnixMillis,
}

/// Distinct codes counted for one company; more are counted as `other`.
const CODES_MAX: usize = 64;

/// A company's actor.
pub struct TenantActor {
    company: CompanyId,
    counts: LiveCounts,
    view: TenantView,
}

/// Makes them.
pub struct TenantFactory {
    /// Live calls, counted outside.
    pub counts: LiveCounts,
    /// The time.
    pub clock: Arc<dyn crate::ports::clock::Clock>,
}

impl Factory<TenantActor> for TenantFactory {
    fn build(&self, key: &CompanyId, _why: Why) -> Build<TenantActor> {
        let view = TenantView {
            calls_live: 0,
            calls_began: 0,
            calls_ended: 0,
            bookings: BTreeMap::new(),
            functions: BTreeMap::new(),
            since: self.clock.now(),
        };
        Build::Ready(TenantActor { company: *key, counts: self.counts.clone(), view })
    }

    fn dead_letter(&self, key: &CompanyId, message: TenantMessage, error: &str) {
        tracing::error!(company.id = key.0, ?message, error, "a company's actor lost a figure");
    }
}

impl Actor for TenantActor {
    const KIND: &'static str = "tenant";
    type Key = CompanyId;
    type Message = TenantMessage;

    fn handle(&mut self, message: &TenantMessage, cx: &mut Context<'_, Self>) {
        let _ = cx;
        match message {
            TenantMessage::CallBegan => self.view.calls_began += 1,
            TenantMessage::CallEnded => self.view.calls_ended += 1,
            TenantMessage::FunctionAnswered { code } => {
                let known = self.view.functions.contains_key(code) || self.view.functions.len() < CODES_MAX;
                let code = if known { code.as_str() } else { "other" };
                *self.view.functions.entry(code.to_owned()).or_insert(0) += 1;
            }
            TenantMessage::BookingMoved(status) => {
                *self.view.bookings.entry(status.as_str()).or_insert(0) += 1
            }
            TenantMessage::GetTenant(reply) => {
                let mut view = self.view.clone();
                view.calls_live = self.counts.of(self.company);
                reply.send(view);
            }
        }
    }
}
