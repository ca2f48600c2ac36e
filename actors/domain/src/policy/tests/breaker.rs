//! Every state times what can happen.

use proptest::prelude::*;

use super::*;

const SETTINGS: BreakerSettings = BreakerSettings {
    failures_max: 3,
    window_ms: 60_000,
    open_ms_min: 5_000,
    open_ms_max: 60_000,
    probe_ms_max: 130_000,
};

fn fails(breaker: &mut Breaker, at: UnixMillis) {
    let pass = breaker.ask(&SETTINGS, at).unwrap();
    breaker.heard(pass, Outcome::Failed, &SETTINGS, at);
}

fn open() -> Breaker {
    let mut breaker = Breaker::default();
    (0..3).for_each(|n| fails(&mut breaker, after(n)));
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker
}

#[test]
fn several_failures_in_a_row_open_it() {
    let mut breaker = Breaker::default();
    fails(&mut breaker, NOW);
    fails(&mut breaker, NOW);
    breaker.heard(Pass::Free, Outcome::NotSent, &SETTINGS, NOW);
    assert_eq!((breaker.state(), breaker.since()), (BreakerState::Closed, None));
    fails(&mut breaker, after(7));
    assert_eq!((breaker.state(), breaker.since()), (BreakerState::Open, Some(after(7))));
    assert_eq!(breaker.ask(&SETTINGS, after(8)), Err(after(5_007)));
}

#[test]
fn an_answer_between_or_a_long_time_keeps_it_closed() {
    let mut breaker = Breaker::default();
    for round in 0..5 {
        fails(&mut breaker, after(round));
        fails(&mut breaker, after(round));
        breaker.heard(Pass::Free, Outcome::Answered, &SETTINGS, after(round));
    }
    for minute in 1..9 {
        fails(&mut breaker, after(minute * 60_000));
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn one_tries_when_its_time_is_over_and_the_others_wait() {
    let mut breaker = open();
    assert!(!breaker.lets_through(&SETTINGS, after(5_001)));
    assert!(breaker.lets_through(&SETTINGS, after(5_002)));
    assert_eq!(breaker.ask(&SETTINGS, after(5_002)), Ok(Pass::Probe));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.ask(&SETTINGS, after(5_003)), Err(after(10_003)));
    breaker.heard(Pass::Free, Outcome::Answered, &SETTINGS, after(5_004));
    assert_eq!(breaker.state(), BreakerState::HalfOpen, "an older request says nothing");
    breaker.heard(Pass::Probe, Outcome::Answered, &SETTINGS, after(5_005));
    assert_eq!(breaker, Breaker::default());
}

#[test]
fn each_failed_try_doubles_the_time_up_to_its_limit() {
    let mut breaker = open();
    let mut lasted = Vec::new();
    let mut at = after(2);
    for _ in 0..6 {
        let until = breaker.ask(&SETTINGS, at).unwrap_err();
        lasted.push(until.since(at));
        at = until;
        fails(&mut breaker, at);
    }
    assert_eq!(lasted, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    assert_eq!(breaker.since(), Some(after(2)), "it has not been closed since");
}

#[test]
fn a_try_that_was_not_sent_lets_another_try_at_once() {
    let mut breaker = open();
    assert_eq!(breaker.ask(&SETTINGS, after(5_002)), Ok(Pass::Probe));
    breaker.heard(Pass::Probe, Outcome::NotSent, &SETTINGS, after(5_100));
    assert_eq!(breaker.ask(&SETTINGS, after(5_100)), Ok(Pass::Probe));
}

#[test]
fn a_try_that_is_never_heard_of_is_given_up() {
    let mut breaker = open();
    assert_eq!(breaker.ask(&SETTINGS, after(5_002)), Ok(Pass::Probe));
    assert!(breaker.ask(&SETTINGS, after(135_001)).is_err());
    assert_eq!(breaker.ask(&SETTINGS, after(135_002)), Ok(Pass::Probe));
}

#[test]
fn what_was_sent_before_it_opened_changes_nothing() {
    for outcome in [Outcome::Answered, Outcome::Failed, Outcome::NotSent] {
        let mut breaker = open();
        breaker.heard(Pass::Free, outcome, &SETTINGS, after(4_000));
        assert_eq!(breaker, open());
    }
}

proptest! {
    #[test]
    fn it_always_lets_something_through_again(
        course in proptest::collection::vec((0_i64..90_000, 0_u8..3), 0..80),
    ) {
        let mut breaker = Breaker::default();
        let mut now = NOW;
        for (ms, outcome) in course {
            now = now.plus_ms(ms);
            if let Ok(pass) = breaker.ask(&SETTINGS, now) {
                let outcome = [Outcome::Answered, Outcome::Failed, Outcome::NotSent][usize::from(outcome)];
                breaker.heard(pass, outcome, &SETTINGS, now);
            }
            prop_assert!(breaker.lets_through(&SETTINGS, now.plus_ms(SETTINGS.probe_ms_max)));
            if let Breaker::Closed { failures } = &breaker {
                prop_assert!(failures.len() < SETTINGS.failures_max);
            }
        }
    }
}
