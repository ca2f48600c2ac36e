//! Many calls at once, and a platform or a journal that does not go along.

use super::*;
use crate::{ports::fakes::company_b, ports::voice::Account, root::Settings};

/// So many calls that fell silent at the same moment.
fn silent_calls(rig: &Rig, count: usize) {
    for n in 0..count {
        let call = format!("c{n:03}");
        rig.event(&started(&call));
        rig.voice.has(&[started(&call), ended(&call)]);
    }
    rig.settle();
}

#[test]
fn many_silent_calls_are_asked_for_a_few_at_a_time_and_at_a_pace() {
    let rig = Rig::new();
    silent_calls(&rig, 200);
    rig.voice.answers.close();
    rig.advance(SILENT_MS);
    assert_eq!(asked_for(&rig).len(), 8, "no more at once");
    rig.voice.answers.open();
    rig.settle();
    assert_eq!(asked_for(&rig).len(), 50, "no more in ten seconds");
    rig.advance(9_999);
    assert_eq!(asked_for(&rig).len(), 50);
    rig.advance(1);
    assert_eq!(asked_for(&rig).len(), 100);
    rig.advance(20_000);
    assert_eq!((asked_for(&rig).len(), rig.actors.live.total()), (200, 0), "each once");
    assert!(rig.voice.waiting_most() <= 8);
    rig.finish();
}

#[test]
fn a_platform_that_is_away_is_asked_less_and_less_and_nobody_is_forgotten() {
    let rig = Rig::new();
    silent_calls(&rig, 20);
    rig.voice.set_down(true);
    rig.advance(SILENT_MS);
    let first = asked_for(&rig).len();
    assert!(first <= 8, "{first} questions at once");
    rig.advance(HOUR_MS);
    let in_an_hour = asked_for(&rig).len();
    assert!(in_an_hour <= 8 * 25, "{in_an_hour} questions in an hour without an answer");
    rig.voice.set_down(false);
    rig.advance(6 * MINUTE_MS);
    assert_eq!(rig.actors.live.total(), 0);
    rig.finish();
}

#[test]
fn a_platform_that_asks_to_wait_is_left_alone_for_so_long() {
    let rig = Rig::new();
    silent_calls(&rig, 1);
    rig.voice.set_limited(Some(30_000));
    rig.advance(SILENT_MS);
    rig.advance(29_999);
    assert_eq!(asked_for(&rig).len(), 1);
    rig.voice.set_limited(None);
    rig.advance(1);
    assert_eq!((asked_for(&rig).len(), row(&rig, "c000").0), (2, "ended"));
    rig.finish();
}

#[test]
fn one_accounts_trouble_is_its_own() {
    let rig = Rig::new();
    rig.voice.give_key(company_b());
    silent_calls(&rig, 60);
    let of_b = |body: EventBody| EventBody { to: Some("+494035791113".to_owned()), ..body };
    rig.event(&of_b(started("b")));
    rig.voice.has(&[of_b(started("b")), of_b(ended("b"))]);
    rig.advance(SILENT_MS);
    let of = |account| rig.voice.questions().iter().filter(|(of, _)| *of == account).count();
    assert_eq!((of(Account::Platform), of(Account::Company(company_b()))), (50, 1));
    rig.advance(10_000);
    assert_eq!(rig.actors.live.total(), 0);
    rig.finish();
}

#[test]
fn what_the_full_journal_does_not_take_is_asked_for_again() {
    let rig = Rig::new();
    silent_calls(&rig, 3);
    rig.journal.set_full(true);
    rig.advance(SILENT_MS + MINUTE_MS);
    assert_eq!(rig.actors.live.total(), 3);
    rig.journal.set_full(false);
    rig.advance(5 * MINUTE_MS);
    assert_eq!(rig.actors.live.total(), 0);
    rig.finish();
}

#[test]
fn a_question_that_panics_is_asked_again() {
    let rig = Rig::new();
    silent_calls(&rig, 3);
    rig.voice.panic_next(2);
    rig.advance(SILENT_MS);
    rig.advance(2_000);
    assert_eq!(rig.actors.live.total(), 0);
    rig.finish();
}

#[test]
fn the_end_of_the_process_waits_for_no_answer() {
    let mut settings = Settings::default();
    settings.reconcile.questions_at_once_max = 2;
    let rig = Rig::with(settings);
    silent_calls(&rig, 5);
    rig.voice.answers.close();
    rig.advance(SILENT_MS);
    assert_eq!(asked_for(&rig).len(), 2);
    // It fails where an answer is waited for: none comes.
    rig.drain();
}
