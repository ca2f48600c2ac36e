//! The calls of the last day, compared.

use super::*;
use crate::{
    ports::voice::Account,
    reconcile::{ReconcileMessage, RunReport},
    runtime::Reply,
};

const STRANGER: &str = "+49999000111";

fn begin(rig: &Rig, hours: u32) {
    rig.actors.reconcilers.offer(Account::Platform, ReconcileMessage::Run { hours }).unwrap();
    rig.settle();
}

fn report(rig: &Rig) -> RunReport {
    let (reply, mut view) = Reply::new();
    let ask = ReconcileMessage::GetReconciler(reply);
    rig.actors.reconcilers.offer(Account::Platform, ask).unwrap();
    rig.settle();
    futures_util::FutureExt::now_or_never(&mut view).unwrap().unwrap().run.unwrap()
}

fn gaps(report: &RunReport) -> Vec<(&'static str, u64)> {
    report.gaps.iter().map(|(gap, count)| (*gap, *count)).collect()
}

/// One call of every sort, an hour after all of them ended.
fn missed(rig: &Rig) {
    rig.event(&started("unended"));
    rig.event(&started("unanalyzed"));
    rig.event(&ended("unanalyzed"));
    for body in [started("whole"), ended("whole"), analyzed("whole")] {
        rig.event(&body);
    }
    for call in ["unended", "unanalyzed", "whole", "unknown"] {
        rig.voice.has(&[started(call), ended(call), analyzed(call)]);
    }
    rig.advance(HOUR_MS);
}

#[test]
fn a_run_fills_every_gap_and_a_second_one_finds_none() {
    let rig = Rig::new();
    missed(&rig);
    begin(&rig, 24);
    let first = report(&rig);
    assert_eq!((first.state, first.calls_listed, first.filled), ("complete", 4, 3), "{first:?}");
    assert_eq!(gaps(&first), [("unanalyzed", 1), ("unended", 1), ("unknown", 1)]);
    for call in ["unended", "unknown"] {
        assert_eq!(row(&rig, call), ("ended", Some("reconcile")), "{call}");
    }
    let tables = rig.database.tables();
    assert_eq!((tables.calls.len(), rig.actors.live.total()), (4, 0));
    assert!(tables.calls.values().all(|row| row.retell_successful == Some(true)));
    let asked = asked_for(&rig).len();
    begin(&rig, 24);
    let second = report(&rig);
    assert_eq!((second.state, gaps(&second), asked_for(&rig).len()), ("complete", vec![], asked + 1));
    assert_eq!(rig.database.tables(), tables, "nothing twice");
    rig.finish();
}

#[test]
fn what_the_run_brought_and_webhooks_are_the_same_rows() {
    let rig = Rig::new();
    missed(&rig);
    begin(&rig, 24);
    let alone = Rig::new();
    for call in ["unended", "unanalyzed", "whole", "unknown"] {
        for body in [analyzed(call), started(call), ended(call)] {
            rig.event(&body);
            alone.event(&body);
        }
    }
    rig.settle();
    alone.settle();
    let (late, plain) = (rig.database.tables(), alone.database.tables());
    assert_eq!(late.without_receipts(), plain.without_receipts());
    rig.finish();
    alone.finish();
}

#[test]
fn calls_that_ended_just_now_and_calls_of_before_are_left_alone() {
    let rig = Rig::new();
    rig.voice.has(&[started("fresh"), ended("fresh")]);
    rig.advance(90_000 + 9 * MINUTE_MS);
    begin(&rig, 1);
    assert_eq!((report(&rig).calls_listed, asked_for(&rig).len()), (1, 1));
    rig.advance(2 * HOUR_MS);
    begin(&rig, 1);
    assert_eq!((report(&rig).calls_listed, rig.database.tables().calls.len()), (0, 0));
    rig.finish();
}

#[test]
fn a_call_that_goes_on_there_and_never_began_here_begins_here() {
    let rig = Rig::new();
    rig.voice.has(&[started("c")]);
    rig.advance(HOUR_MS);
    begin(&rig, 24);
    assert_eq!((row(&rig, "c"), rig.actors.live.total()), (("live", None), 1));
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn a_missed_call_of_nobody_waits_in_quarantine_and_is_missed_once() {
    let rig = Rig::new();
    let of_nobody = |body: EventBody| EventBody { to: Some(STRANGER.to_owned()), ..body };
    rig.voice.has(&[of_nobody(started("c")), of_nobody(ended("c"))]);
    rig.advance(HOUR_MS);
    begin(&rig, 24);
    let tables = rig.database.tables();
    assert_eq!((tables.calls.len(), tables.quarantine.len()), (0, 1));
    begin(&rig, 24);
    assert_eq!(gaps(&report(&rig)), vec![]);
    assert_eq!(rig.database.tables(), tables);
    rig.finish();
}

#[test]
fn long_lists_are_read_page_by_page() {
    let rig = Rig::new();
    for n in 0..23 {
        let call = format!("c{n:02}");
        rig.voice.has(&[started(&call), ended(&call)]);
    }
    rig.voice.set_page_size(10);
    rig.advance(HOUR_MS);
    begin(&rig, 24);
    let report = report(&rig);
    assert_eq!((report.pages, report.calls_listed, report.filled), (3, 23, 23));
    assert_eq!(rig.database.tables().calls.len(), 23);
    rig.finish();
}

#[test]
fn pages_are_asked_for_at_a_pace_of_their_own() {
    let rig = Rig::new();
    for n in 0..40 {
        let call = format!("c{n:02}");
        rig.voice.has(&[started(&call), ended(&call)]);
    }
    rig.voice.set_page_size(1);
    rig.advance(HOUR_MS);
    begin(&rig, 24);
    let asked = |rig: &Rig| {
        let (pages, calls): (Vec<_>, Vec<_>) =
            asked_for(rig).into_iter().partition(|q| q.starts_with("list"));
        (pages.len(), calls.len())
    };
    assert_eq!(asked(&rig), (15, 15), "gaps are filled while the list is read");
    rig.advance(9_999);
    assert_eq!(asked(&rig), (15, 15));
    rig.advance(20_001);
    assert_eq!((asked(&rig), report(&rig).state), ((40, 40), "complete"));
    rig.finish();
}

#[test]
fn a_platform_that_goes_away_in_between_is_asked_on_from_the_same_page() {
    let rig = Rig::new();
    for n in 0..4 {
        let call = format!("c{n}");
        rig.voice.has(&[started(&call), ended(&call)]);
    }
    rig.voice.set_page_size(2);
    rig.advance(HOUR_MS);
    rig.voice.set_down(true);
    begin(&rig, 24);
    assert_eq!(report(&rig).state, "running");
    begin(&rig, 24);
    rig.advance(MINUTE_MS);
    rig.voice.set_down(false);
    rig.advance(2 * MINUTE_MS);
    let report = report(&rig);
    assert_eq!((report.state, report.pages, report.filled), ("complete", 2, 4));
    rig.finish();
}

#[test]
fn without_the_database_nothing_is_compared_and_the_run_begins_again_by_itself() {
    let rig = Rig::new();
    missed(&rig);
    rig.database.set_away(true);
    begin(&rig, 24);
    let broken = report(&rig);
    assert_eq!((broken.state, broken.reason), ("incomplete", Some("the database did not answer")));
    assert_eq!(asked_for(&rig).len(), 1);
    rig.database.set_away(false);
    rig.advance(5 * MINUTE_MS);
    assert_eq!((report(&rig).state, report(&rig).filled), ("complete", 3));
    rig.finish();
}

#[test]
fn events_that_are_on_their_way_to_the_database_are_no_gap() {
    let rig = Rig::new();
    rig.database.commits.close();
    for body in [started("c"), ended("c")] {
        rig.event(&body);
    }
    rig.voice.has(&[started("c"), ended("c"), analyzed("c")]);
    rig.advance(HOUR_MS);
    begin(&rig, 24);
    assert_eq!((gaps(&report(&rig)), asked_for(&rig).len()), (vec![], 1));
    rig.database.commits.open();
    rig.settle();
    begin(&rig, 24);
    assert_eq!(gaps(&report(&rig)), [("unanalyzed", 1)]);
    rig.finish();
}

#[test]
fn a_key_that_is_taken_away_ends_the_run() {
    let rig = Rig::new();
    missed(&rig);
    rig.voice.answers.close();
    begin(&rig, 24);
    rig.voice.set_keyless(true);
    rig.voice.answers.open();
    rig.settle();
    assert_eq!(report(&rig).reason, Some("there is no key any more"));
    rig.event(&ended("unended"));
    rig.finish();
}
