//! What the runtime counts. It must not know what is done with the numbers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::Counter;

use super::Scope;
use crate::metrics::{ACTOR_RESTARTS, ACTORS_LIVE, DEAD_LETTERS, MAILBOX_DEPTH, MAILBOX_REFUSED};

/// Where a fault was caught.
#[derive(Clone, Copy)]
pub(super) enum Reason {
    Handler,
    Timer,
    Future,
    Stopping,
    Build,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Reason::Handler => "handler",
            Reason::Timer => "timer",
            Reason::Future => "future",
            Reason::Stopping => "stopping",
            Reason::Build => "build",
        }
    }
}

pub(super) fn restart(kind: &'static str, reason: Reason) {
    metrics::counter!(ACTOR_RESTARTS.name, "actor" => kind, "reason" => reason.as_str()).increment(1);
}

pub(super) fn dead_letters(kind: &'static str, count: usize) {
    metrics::counter!(DEAD_LETTERS.name, "actor" => kind).increment(u64::try_from(count).unwrap_or(u64::MAX));
}

/// Refusals by scope; the counters are looked up once, since a refusal must stay cheap.
#[derive(Default)]
pub(super) struct Refusals {
    counters: OnceLock<[(Scope, Counter); 5]>,
}

impl Refusals {
    pub(super) fn count(&self, kind: &'static str, scope: Scope) {
        let counters = self.counters.get_or_init(|| {
            Scope::ALL.map(|scope| {
                let labels = [("actor", kind), ("scope", scope.as_str())];
                (scope, metrics::counter!(MAILBOX_REFUSED.name, &labels))
            })
        });
        if let Some((_, counter)) = counters.iter().find(|(known, _)| *known == scope) {
            counter.increment(1);
        }
    }
}

/// One shard's part of the gauges; it adds what changed since it last did.
#[derive(Default)]
pub(super) struct Gauges {
    queued: AtomicUsize,
    live: AtomicUsize,
}

impl Gauges {
    pub(super) fn report(&self, kind: &'static str, queued: usize, live: usize) {
        let before = self.queued.swap(queued, Ordering::Relaxed);
        if before != queued {
            shift(&metrics::gauge!(MAILBOX_DEPTH.name, "actor" => kind), before, queued);
        }
        let before = self.live.swap(live, Ordering::Relaxed);
        if before != live {
            shift(&metrics::gauge!(ACTORS_LIVE.name, "actor" => kind), before, live);
        }
    }
}

fn shift(gauge: &metrics::Gauge, before: usize, now: usize) {
    if now > before {
        gauge.increment((now - before) as f64);
    } else {
        gauge.decrement((before - now) as f64);
    }
}
