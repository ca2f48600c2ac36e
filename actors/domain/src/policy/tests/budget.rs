//! Limits, order, turns; and random courses against the vendor.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    vendor::{OnWire, Vendor, Wire},
    *,
};
use crate::ids::CompanyId;

const A: CompanyId = CompanyId(1);
const B: CompanyId = CompanyId(2);

fn budget() -> Budget {
    Budget::new(&BudgetSettings::default(), NOW)
}

fn request(company: CompanyId, class: Class, until: UnixMillis) -> Request {
    Request { company, class, until }
}

/// Asks, and gives what was decided for it by now.
fn ask(budget: &mut Budget, class: Class, wait_ms: i64, now: UnixMillis) -> Option<Result<(), Limited>> {
    let (ticket, decisions) = budget.ask(request(A, class, now.plus_ms(wait_ms)), now);
    decisions.into_iter().find(|d| d.ticket == ticket).map(|d| d.verdict)
}

/// Sends all that a class may send in this window, as fast as it may.
fn spend(budget: &mut Budget, class: Class, now: UnixMillis) -> (u32, UnixMillis) {
    let (mut sent, mut at) = (0, now);
    loop {
        match ask(budget, class, 0, at).unwrap() {
            Ok(()) => sent += 1,
            Err(limited) if limited.retry_after_ms <= 250 => at = at.plus_ms(limited.retry_after_ms),
            Err(_) => return (sent, at),
        }
    }
}

fn limits(limit: u32, remaining: u32, reset_ms: i64) -> Heard {
    Heard::Limits(RateLimits { limit, remaining, reset_ms })
}

#[test]
fn each_class_leaves_room_for_those_before_it() {
    let mut budget = budget();
    let mut at = NOW;
    let mut sent = BTreeMap::new();
    for class in Class::ALL.into_iter().rev() {
        let (count, until) = spend(&mut budget, class, at);
        sent.insert(class.as_str(), count);
        at = until;
    }
    assert_eq!(sent, [("hints", 42), ("refresh", 18), ("checks", 30), ("bookings", 24)].into());
}

#[test]
fn what_cannot_go_in_time_is_told_at_once_and_when_to_come_again() {
    let mut budget = budget();
    let (_, at) = spend(&mut budget, Class::Bookings, NOW);
    let told = ask(&mut budget, Class::Bookings, 2_000, at).unwrap().unwrap_err();
    assert_eq!(
        at.plus_ms(told.retry_after_ms),
        after(65_000),
        "a window may end a little later than a minute"
    );
    assert_eq!(ask(&mut budget, Class::Bookings, 40_000, at), None, "it waits");
    assert_eq!(budget.wake_at(at), Some(after(65_000)));
    let woken = budget.tick(after(65_000));
    assert_eq!(woken.iter().map(|d| d.verdict).collect::<Vec<_>>(), [Ok(())]);
}

#[test]
fn a_burst_is_smoothed() {
    let mut budget = budget();
    let now_or_later: Vec<_> = (0..12).map(|_| ask(&mut budget, Class::Checks, 700, NOW)).collect();
    let at_once = now_or_later.iter().filter(|verdict| **verdict == Some(Ok(()))).count();
    let waits = now_or_later.iter().filter(|verdict| verdict.is_none()).count();
    let refused = now_or_later.iter().filter(|verdict| matches!(verdict, Some(Err(_)))).count();
    assert_eq!((at_once, waits, refused), (8, 2, 2));
    assert_eq!(budget.wake_at(NOW), Some(after(250)));
    assert_eq!(budget.tick(after(249)), []);
    assert_eq!(budget.tick(after(250)).len(), 1);
    assert_eq!(budget.tick(after(500)).len(), 1);
}

#[test]
fn hints_leave_half_of_a_burst_to_those_who_wait_for_an_answer() {
    let mut budget = budget();
    for _ in 0..4 {
        assert_eq!(ask(&mut budget, Class::Hints, 0, NOW), Some(Ok(())));
    }
    assert_eq!(ask(&mut budget, Class::Hints, 0, NOW), Some(Err(Limited { retry_after_ms: 250 })));
    for _ in 0..4 {
        assert_eq!(ask(&mut budget, Class::Checks, 0, NOW), Some(Ok(())));
    }
    assert_eq!(ask(&mut budget, Class::Checks, 0, NOW), Some(Err(Limited { retry_after_ms: 250 })));
}

#[test]
fn bookings_go_before_checks_before_background() {
    let mut budget = budget();
    (0..8).for_each(|_| assert_eq!(ask(&mut budget, Class::Checks, 0, NOW), Some(Ok(()))));
    let later: Vec<(Class, Ticket)> = Class::ALL
        .into_iter()
        .rev()
        .map(|class| (class, budget.ask(request(A, class, after(60_000)), NOW).0))
        .collect();
    let mut served = Vec::new();
    // The hint leaves half of a burst to those who may come, and waits for that.
    for quarter in 1..=8 {
        for Decision { ticket: granted, .. } in budget.tick(after(quarter * 250)) {
            served.extend(later.iter().filter(|(_, ticket)| *ticket == granted).map(|(class, _)| *class));
        }
    }
    assert_eq!(served, Class::ALL);
}

#[test]
fn companies_that_share_a_key_take_turns() {
    let mut budget = budget();
    (0..8).for_each(|_| assert_eq!(ask(&mut budget, Class::Checks, 0, NOW), Some(Ok(()))));
    let of_a: Vec<Ticket> =
        (0..5).map(|_| budget.ask(request(A, Class::Checks, after(9_000)), NOW).0).collect();
    let of_b = budget.ask(request(B, Class::Checks, after(9_000)), NOW).0;
    let served: Vec<Ticket> = (1..=6).map(|n| budget.tick(after(n * 250)).remove(0).ticket).collect();
    assert_eq!(served, [of_a[0], of_b, of_a[1], of_a[2], of_a[3], of_a[4]]);
}

#[test]
fn answers_tell_what_others_with_the_same_key_have_used() {
    let mut budget = budget();
    let (first, _) = budget.ask(request(A, Class::Checks, NOW), NOW);
    assert_eq!(budget.heard(first, limits(120, 31, 20_000), after(100)), []);
    assert_eq!(budget.view(after(100)).remaining, 31);
    assert_eq!(
        ask(&mut budget, Class::Refresh, 0, after(200)),
        Some(Err(Limited { retry_after_ms: 19_900 }))
    );
    assert_eq!(ask(&mut budget, Class::Checks, 0, after(200)), Some(Ok(())));
    assert_eq!(ask(&mut budget, Class::Checks, 0, after(200)), Some(Err(Limited { retry_after_ms: 19_900 })));
    assert_eq!(ask(&mut budget, Class::Bookings, 0, after(200)), Some(Ok(())));
    assert_eq!(ask(&mut budget, Class::Refresh, 0, after(20_100)), Some(Ok(())), "a new window");
}

#[test]
fn a_key_with_another_limit_has_it_from_the_first_answer_on() {
    let mut budget = budget();
    let (first, _) = budget.ask(request(A, Class::Checks, NOW), NOW);
    budget.heard(first, limits(800, 799, 60_000), after(100));
    let view = budget.view(after(100));
    assert_eq!((view.limit, view.remaining), (800, 799));
    let (small, _) = budget.ask(request(A, Class::Checks, after(1_000)), after(1_000));
    budget.heard(small, limits(1, 0, 60_000), after(1_100));
    assert!(matches!(ask(&mut budget, Class::Bookings, 0, after(2_000)), Some(Err(_))));
    assert_eq!(ask(&mut budget, Class::Bookings, 0, after(70_000)), Some(Ok(())), "a limit of one is one");
}

#[test]
fn a_refused_request_blocks_the_key_until_its_time_is_over() {
    let mut budget = budget();
    let (first, _) = budget.ask(request(A, Class::Bookings, NOW), NOW);
    let (waits, _) = budget.ask(request(A, Class::Hints, after(100_000)), NOW);
    assert_eq!(budget.heard(first, Heard::Blocked { retry_after_ms: 60_000 }, after(50)), []);
    assert!(budget.view(after(60)).is_blocked);
    assert_eq!(
        ask(&mut budget, Class::Bookings, 2_500, after(60)),
        Some(Err(Limited { retry_after_ms: 59_990 }))
    );
    budget.heard(waits, limits(120, 119, 60_000), after(70));
    assert!(budget.view(after(70)).is_blocked, "an answer to an older request ends no block");
    assert_eq!(ask(&mut budget, Class::Bookings, 0, after(60_050)), Some(Ok(())));
}

#[test]
fn a_late_answer_of_the_window_before_says_nothing_of_this_one() {
    let mut budget = budget();
    let (old, _) = budget.ask(request(A, Class::Checks, NOW), NOW);
    budget.tick(after(65_000));
    let (new, _) = budget.ask(request(A, Class::Checks, after(65_000)), after(65_000));
    budget.heard(old, limits(120, 0, 1_000), after(66_000));
    assert_eq!(budget.view(after(66_000)).remaining, 118, "the old one may have been counted in it");
    budget.heard(new, limits(120, 50, 40_000), after(66_100));
    assert_eq!(budget.view(after(66_100)).remaining, 50);
}

#[test]
fn a_queue_has_a_bound() {
    let mut budget = Budget::new(&BudgetSettings { queue_max: 3, ..BudgetSettings::default() }, NOW);
    (0..8).for_each(|_| assert_eq!(ask(&mut budget, Class::Checks, 0, NOW), Some(Ok(()))));
    (0..3).for_each(|_| assert_eq!(ask(&mut budget, Class::Checks, 60_000, NOW), None));
    assert!(matches!(ask(&mut budget, Class::Checks, 60_000, NOW), Some(Err(_))));
    assert_eq!(ask(&mut budget, Class::Bookings, 60_000, NOW), None, "each class has its own");
}

#[test]
fn a_budget_whose_count_was_lost_is_careful_until_an_answer_tells() {
    let mut budget = Budget::of_lost_count(&BudgetSettings::default(), NOW);
    assert_eq!(budget.view(NOW).remaining, 60);
    assert!(!budget.is_idle(NOW));
    assert_eq!(budget.view(after(65_000)).remaining, 120);
    assert!(budget.is_idle(after(65_000)));
    assert_eq!(ask(&mut budget, Class::Hints, 0, after(65_000)), Some(Ok(())));
    assert!(!budget.is_idle(after(130_000)), "one is in flight");
    budget.tick(after(250_000));
    assert!(budget.is_idle(after(250_000)), "nobody heard of it again");
}

/// A request of a random course.
#[derive(Debug, Clone)]
struct Wish {
    after_ms: i64,
    company: i64,
    class: usize,
    wait_ms: i64,
    there_ms: i64,
    /// `None`: its answer is lost.
    back_ms: Option<i64>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let pause = prop_oneof![6 => 0_i64..100, 2 => 100_i64..2_000, 1 => 2_000_i64..90_000];
    let way = || prop_oneof![8 => 0_i64..200, 1 => 200_i64..4_000];
    (pause, 0_i64..3, 0_usize..4, 0_i64..10_000, way(), proptest::option::weighted(0.95, way())).prop_map(
        |(after_ms, company, class, wait_ms, there_ms, back_ms)| Wish {
            after_ms,
            company,
            class,
            wait_ms,
            there_ms,
            back_ms,
        },
    )
}

struct Course {
    budget: Budget,
    vendor: Vendor,
    wire: Wire,
    now: UnixMillis,
    open: BTreeMap<Ticket, (Wish, UnixMillis)>,
    sent: Vec<UnixMillis>,
}

impl Course {
    /// Goes on to `until`, stopping wherever anything happens.
    fn run(&mut self, until: UnixMillis) {
        loop {
            let wake = self.budget.wake_at(self.now).map(|at| at.max(self.now));
            let next = wake.into_iter().chain(self.wire.next_at()).filter(|at| *at <= until).min();
            let Some(at) = next else { break };
            self.now = at;
            match self.wire.arrived(at) {
                Some((at, OnWire::Request(ticket, back_ms))) => {
                    let told = self.vendor.take(at);
                    let answer = OnWire::Answer(ticket, back_ms.map_or(Heard::Nothing, |_| told));
                    self.wire.send(at.plus_ms(back_ms.unwrap_or(30_000)), answer);
                }
                Some((at, OnWire::Answer(ticket, heard))) => {
                    let decisions = self.budget.heard(ticket, heard, at);
                    self.decided(decisions);
                }
                None => {
                    let decisions = self.budget.tick(at);
                    self.decided(decisions);
                }
            }
        }
        self.now = until;
    }

    fn wish(&mut self, wish: Wish) {
        self.run(self.now.plus_ms(wish.after_ms));
        let until = self.now.plus_ms(wish.wait_ms);
        let request = request(CompanyId(wish.company), Class::ALL[wish.class], until);
        let (ticket, decisions) = self.budget.ask(request, self.now);
        self.open.insert(ticket, (wish, until));
        self.decided(decisions);
    }

    fn decided(&mut self, decisions: Vec<Decision>) {
        for Decision { ticket, verdict } in decisions {
            let (wish, until) = self.open.remove(&ticket).expect("one decision for each");
            if verdict.is_ok() {
                assert!(self.now <= until, "sent too late");
                self.sent.push(self.now);
                self.wire.send(self.now.plus_ms(wish.there_ms), OnWire::Request(ticket, wish.back_ms));
            }
        }
        let late: Vec<_> = self.open.values().filter(|(_, until)| *until < self.now).collect();
        assert!(late.is_empty(), "not told in time: {late:?}");
    }
}

fn course(limit: u32, wishes: Vec<Wish>) -> Course {
    let mut course = Course {
        budget: Budget::new(&BudgetSettings { requests_per_minute: limit, ..BudgetSettings::default() }, NOW),
        vendor: Vendor::new(limit),
        wire: Wire::default(),
        now: NOW,
        open: BTreeMap::new(),
        sent: Vec::new(),
    };
    wishes.into_iter().for_each(|wish| course.wish(wish));
    course.run(course.now.plus_ms(300_000));
    course
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn the_vendor_never_refuses_and_everybody_is_told_in_time(
        limit in prop_oneof![Just(120_u32), Just(20), Just(200)],
        wishes in proptest::collection::vec(wish(), 1..600),
    ) {
        let course = course(limit, wishes);
        prop_assert!(course.open.is_empty());
        prop_assert_eq!(course.vendor.refused, 0);
        let at_once = |from: &UnixMillis| {
            course.sent.iter().filter(|at| (0..2_000).contains(&at.since(*from))).count()
        };
        let most = course.sent.iter().map(at_once).max().unwrap_or(0);
        let allowed = 8 + 2_000 / (30_000 / i64::from(limit)) + 1;
        prop_assert!(i64::try_from(most).unwrap() <= allowed, "{} in two seconds", most);
        prop_assert!(course.budget.is_idle(course.now), "{:?}", course.budget);
    }
}

#[test]
fn a_key_that_is_used_all_the_time_gets_nearly_all_of_its_limit() {
    let wish = |n: i64| Wish {
        after_ms: 200,
        company: n % 2,
        class: 0,
        wait_ms: 0,
        there_ms: 40,
        back_ms: Some(40),
    };
    let course = course(120, (0..3_000).map(wish).collect());
    assert_eq!(course.vendor.refused, 0);
    let minutes = course.sent.last().unwrap().since(NOW) / 60_000;
    assert!(i64::from(course.vendor.served) >= 110 * minutes, "{} in {minutes} min", course.vendor.served);
}
