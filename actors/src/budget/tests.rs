//! Budgets with a clock and with those who wait.

use std::{pin::Pin, sync::Arc};

use askpro_domain::{
    ids::CompanyId,
    policy::{BudgetSettings, Class, Heard, KeyId, Limited, RateLimits, Request, Ticket},
    secret::Secret,
};
use futures_util::FutureExt;

use super::Budgets;
use crate::{
    ports::calendar::Turnstile,
    runtime::{Limits, universe::Universe},
};

const A: CompanyId = CompanyId(1);
const B: CompanyId = CompanyId(2);

struct Rig {
    universe: Universe,
    budgets: Budgets,
}

/// A request that waits.
struct Asked(Pin<Box<dyn Future<Output = Result<Ticket, Limited>> + Send>>);

impl Asked {
    fn heard(&mut self) -> Option<Result<Ticket, Limited>> {
        (&mut self.0).now_or_never()
    }
}

fn key(name: &str) -> KeyId {
    KeyId::of(&Secret::new(name))
}

impl Rig {
    fn new() -> Self {
        let universe = Universe::new();
        let settings = BudgetSettings::default();
        let budgets = Budgets::start(universe.runtime(), &universe.clock(), settings, Limits::default());
        Self { universe, budgets }
    }

    fn ask(&self, name: &str, company: CompanyId, class: Class, wait_ms: i64) -> Asked {
        let (turnstile, until) = (self.budgets.turnstile(), self.universe.now().plus_ms(wait_ms));
        let key = key(name);
        let pass = async move { turnstile.pass(key, Request { company, class, until }).await };
        let mut asked = Asked(Box::pin(pass));
        // The first poll asks; what is decided at once may be there already.
        if let Some(decided) = asked.heard() {
            return Asked(Box::pin(std::future::ready(decided)));
        }
        self.universe.settle();
        asked
    }

    /// Takes all that may be sent at once.
    fn burst(&self, name: &str) -> Vec<Ticket> {
        (0..8).map(|_| self.ask(name, A, Class::Checks, 0).heard().unwrap().unwrap()).collect()
    }

    fn finish(self) {
        self.universe.drain(self.budgets.registry());
        self.universe.assert_no_leaks();
    }
}

#[test]
fn a_request_waits_as_long_as_it_can_and_is_told_at_once_when_that_is_not_enough() {
    let rig = Rig::new();
    rig.burst("a");
    let mut waits = rig.ask("a", A, Class::Checks, 300);
    let refused = rig.ask("a", A, Class::Checks, 300).heard();
    assert_eq!(refused, Some(Err(Limited { retry_after_ms: 500 })));
    assert_eq!(waits.heard(), None);
    rig.universe.advance(250);
    assert!(waits.heard().unwrap().is_ok());
    rig.finish();
}

#[test]
fn from_many_threads_exactly_as_many_pass_as_may() {
    let rig = Rig::new();
    let until = rig.universe.now();
    let turnstile = rig.budgets.turnstile();
    let passes = |company: i64| {
        let (turnstile, request) =
            (turnstile.clone(), Request { company: CompanyId(company), class: Class::Bookings, until });
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let pass = || runtime.block_on(turnstile.pass(key("a"), request));
            (0..50).filter(|_| pass().is_ok()).count()
        }
    };
    let threads: Vec<_> = (0..8).map(|company| std::thread::spawn(passes(company))).collect();
    let passed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(passed, 8);
    rig.finish();
}

#[test]
fn companies_with_one_key_share_it_and_another_key_is_its_own() {
    let rig = Rig::new();
    let tickets = rig.burst("shared");
    let limits = RateLimits { limit: 120, remaining: 0, reset_ms: 40_000 };
    rig.budgets.turnstile().heard(key("shared"), tickets[0], Heard::Limits(limits));
    rig.universe.settle();
    let refused = rig.ask("shared", B, Class::Bookings, 2_000).heard();
    assert_eq!(refused, Some(Err(Limited { retry_after_ms: 40_000 })));
    assert!(rig.ask("own", B, Class::Bookings, 0).heard().unwrap().is_ok());
    let figures = rig.budgets.figures(rig.universe.now());
    assert_eq!((figures.keys, figures.keys_blocked), (2, 0));
    assert!((figures.used_ratio_max - 1.0).abs() < 1e-9);
    rig.universe.advance(40_000);
    assert!(rig.ask("shared", B, Class::Bookings, 0).heard().unwrap().is_ok());
    rig.finish();
}

#[test]
fn a_booking_that_comes_last_goes_first() {
    let rig = Rig::new();
    rig.burst("a");
    let mut check = rig.ask("a", A, Class::Checks, 5_000);
    let mut booking = rig.ask("a", B, Class::Bookings, 5_000);
    rig.universe.advance(250);
    assert!(booking.heard().unwrap().is_ok());
    assert_eq!(check.heard(), None);
    rig.universe.advance(250);
    assert!(check.heard().unwrap().is_ok());
    rig.finish();
}

#[test]
fn a_blocked_key_is_seen_until_its_block_is_over() {
    let rig = Rig::new();
    let ticket = rig.ask("a", A, Class::Checks, 0).heard().unwrap().unwrap();
    let turnstile = rig.budgets.turnstile();
    turnstile.heard(key("a"), ticket, Heard::Blocked { retry_after_ms: 60_000 });
    rig.universe.settle();
    assert_eq!(rig.budgets.figures(rig.universe.now()).keys_blocked, 1);
    assert_eq!(
        rig.ask("a", A, Class::Bookings, 2_400).heard(),
        Some(Err(Limited { retry_after_ms: 60_000 }))
    );
    rig.universe.advance(60_000);
    assert_eq!(rig.budgets.figures(rig.universe.now()).keys_blocked, 0);
    assert!(rig.ask("a", A, Class::Bookings, 0).heard().unwrap().is_ok());
    rig.finish();
}

#[test]
fn a_key_that_is_not_used_leaves_memory() {
    let rig = Rig::new();
    let ticket = rig.ask("a", A, Class::Checks, 0).heard().unwrap().unwrap();
    let lost = rig.ask("lost", A, Class::Checks, 0).heard().unwrap();
    assert!(lost.is_ok());
    let turnstile: Arc<dyn Turnstile> = rig.budgets.turnstile();
    turnstile.heard(key("a"), ticket, Heard::Nothing);
    rig.universe.advance(130_000);
    assert!(!rig.budgets.registry().is_live(&key("a")));
    assert!(rig.budgets.registry().is_live(&key("lost")), "its request may still be under way");
    rig.universe.advance(120_000);
    assert_eq!(rig.budgets.registry().live_count(), 0);
    assert_eq!(rig.budgets.figures(rig.universe.now()).keys, 0);
    rig.finish();
}
