//! One call of which nothing is heard any more.

use askpro_domain::{call::EventSource, function::FunctionName, time::UnixMillis};
use serde_json::json;

use super::*;
use crate::ports::{
    fakes::{company_a, company_b},
    journal::{Record, Signer},
    voice::Account,
};

#[test]
fn a_silent_call_is_closed_by_what_retell_says_and_its_hold_ends() {
    let rig = Rig::new();
    let slot = FIXTURE_NOW.plus_ms(29 * 3_600_000);
    rig.calendar.offer(2001, &[9001, 9002], [slot]);
    rig.event(&started("c"));
    rig.voice.has(&[started("c"), ended("c"), analyzed("c")]);
    rig.advance(SILENT_MS - 1_000);
    let wish = json!({"datum": "morgen", "uhrzeit": "14:00", "dienstleistung": "Herrenhaarschnitt"});
    let mut checked = rig.ask("c", NUMBER_A, FunctionName::CheckAvailability, wish);
    rig.advance(999);
    assert_eq!(checked.json()["available"], true);
    assert_eq!((rig.scheduler(company_a()).unwrap().holds.len(), asked_for(&rig).len()), (1, 0));
    rig.advance(1);
    assert_eq!(rig.scheduler(company_a()).unwrap().holds.len(), 0);
    assert_eq!(asked_for(&rig), ["c"]);
    assert_eq!((row(&rig, "c"), rig.actors.live.total()), (("ended", Some("reconcile")), 0));
    let tables = rig.database.tables();
    let sources: Vec<_> = tables.events.values().map(|row| (row.event.as_str(), row.source)).collect();
    let told = [("call_analyzed", EventSource::Reconcile), ("call_ended", EventSource::Reconcile)];
    assert_eq!(sources, [told[0], told[1], ("call_started", EventSource::Webhook)]);
    assert_eq!(tables.calls[&id("c")].duration_ms, Some(90_000));
    let journaled = rig.journal.records();
    assert_eq!(journaled.iter().filter(|r| matches!(r, Record::RetellEvent { .. })).count(), 3);
    rig.finish();
}

#[test]
fn webhooks_that_come_after_all_leave_the_same_rows_as_webhooks_alone() {
    let alone = Rig::new();
    for body in [started("c"), ended("c"), analyzed("c")] {
        alone.event(&body);
    }
    alone.settle();
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.voice.has(&[started("c"), ended("c"), analyzed("c")]);
    rig.advance(SILENT_MS);
    assert_eq!(row(&rig, "c"), ("ended", Some("reconcile")));
    rig.event(&analyzed("c"));
    rig.event(&ended("c"));
    rig.settle();
    let (late, plain) = (rig.database.tables(), alone.database.tables());
    assert_eq!(late.without_receipts(), plain.without_receipts());
    rig.finish();
    alone.finish();
}

#[test]
fn a_call_that_goes_on_is_asked_for_again_and_lives_as_long_as_retell_vouches_for_it() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.voice.has(&[started("c")]);
    rig.advance(SILENT_MS);
    assert_eq!(asked_for(&rig).len(), 1);
    for minutes in [10, 20, 40, 60, 60] {
        let before = asked_for(&rig).len();
        rig.advance(minutes * MINUTE_MS - 1);
        assert_eq!(asked_for(&rig).len(), before, "{minutes}");
        rig.advance(1);
        assert_eq!(asked_for(&rig).len(), before + 1, "{minutes}");
    }
    rig.advance(40 * HOUR_MS);
    assert_eq!(row(&rig, "c"), ("live", None));
    rig.voice.has(&[started("c"), ended("c")]);
    rig.advance(HOUR_MS);
    assert_eq!(row(&rig, "c"), ("ended", Some("reconcile")));
    rig.finish();
}

#[test]
fn a_call_that_ends_by_itself_is_never_asked_for() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.advance(HOUR_MS);
    rig.event(&ended("c"));
    rig.advance(30 * HOUR_MS);
    assert!(asked_for(&rig).is_empty() && rig.calls_in_memory().is_empty());
    rig.finish();
}

#[test]
fn with_retell_out_of_reach_a_call_is_given_up_after_a_day_and_its_webhook_still_counts() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.voice.set_down(true);
    rig.advance(24 * HOUR_MS - 1);
    assert_eq!(row(&rig, "c"), ("live", None));
    assert!(asked_for(&rig).len() > 10);
    rig.advance(1);
    assert_eq!((row(&rig, "c"), rig.actors.live.total()), (("ended", Some("timeout")), 0));
    let given_up = rig.database.tables().calls[&id("c")].clone();
    assert_eq!((given_up.ended_at, given_up.duration_ms), (None, None), "nothing is invented");
    let before = asked_for(&rig).len();
    rig.advance(24 * HOUR_MS);
    assert_eq!(asked_for(&rig).len(), before, "nobody asks for it any more");
    rig.event(&ended("c"));
    rig.settle();
    let ended_at = rig.database.tables().calls[&id("c")].ended_at;
    assert_eq!(
        (row(&rig, "c"), ended_at),
        (("ended", Some("webhook")), Some(UnixMillis(FIXTURE_NOW.0 + 90_000)))
    );
    rig.finish();
}

#[test]
fn without_a_key_nobody_is_asked_and_the_day_alone_decides() {
    let rig = Rig::new();
    rig.voice.set_keyless(true);
    rig.event(&started("c"));
    rig.advance(24 * HOUR_MS - 1);
    assert_eq!(row(&rig, "c"), ("live", None));
    rig.advance(1);
    assert_eq!(row(&rig, "c"), ("ended", Some("timeout")));
    assert!(asked_for(&rig).is_empty());
    rig.finish();
}

#[test]
fn a_call_that_retell_does_not_know_stays_until_the_day_is_over() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.advance(SILENT_MS + HOUR_MS);
    assert_eq!((asked_for(&rig).len(), row(&rig, "c")), (3, ("live", None)));
    rig.advance(22 * HOUR_MS);
    assert_eq!(row(&rig, "c"), ("ended", Some("timeout")));
    rig.finish();
}

#[test]
fn a_restart_does_not_make_a_silent_call_young_again() {
    let mut rig = Rig::new();
    rig.event(&started("c"));
    rig.advance(HOUR_MS);
    rig.crash_and_restart();
    rig.voice.has(&[started("c"), ended("c")]);
    rig.advance(SILENT_MS - HOUR_MS - 1);
    assert!(asked_for(&rig).is_empty());
    rig.advance(1);
    assert_eq!(row(&rig, "c"), ("ended", Some("reconcile")));
    rig.finish();
}

#[test]
fn a_restart_with_the_database_behind_does_not_either() {
    let mut rig = Rig::new();
    rig.database.set_away(true);
    rig.event(&started("c"));
    rig.advance(HOUR_MS);
    rig.database.set_away(false);
    rig.crash_and_restart();
    rig.voice.set_down(true);
    rig.advance(23 * HOUR_MS - 1);
    assert_eq!(row(&rig, "c"), ("live", None));
    rig.advance(1);
    assert_eq!(row(&rig, "c"), ("ended", Some("timeout")));
    rig.finish();
}

#[test]
fn a_crash_after_the_answer_was_journaled_loses_nothing_and_doubles_nothing() {
    let mut rig = Rig::new();
    rig.event(&started("c"));
    rig.voice.has(&[started("c"), ended("c")]);
    rig.advance(SILENT_MS - 1);
    rig.database.commits.close();
    rig.advance(1);
    assert_eq!(row(&rig, "c").0, "live", "not committed yet");
    rig.crash_and_restart();
    rig.database.commits.open();
    rig.settle();
    assert_eq!(row(&rig, "c"), ("ended", Some("reconcile")));
    assert_eq!(rig.database.tables().events.len(), 2);
    rig.finish();
}

#[test]
fn a_companys_own_key_asks_for_its_calls_and_touches_no_others() {
    let rig = Rig::new();
    rig.voice.give_key(company_b());
    let of_b = |body: EventBody| EventBody { to: Some("+494035791113".to_owned()), ..body };
    rig.event(&started("a"));
    rig.event(&of_b(started("b")));
    rig.voice.has(&[started("a"), ended("a")]);
    rig.voice.has(&[of_b(started("b")), of_b(ended("b"))]);
    rig.advance(SILENT_MS);
    let mut asked = rig.voice.questions();
    asked.sort();
    let own = Account::Company(company_b());
    assert_eq!(asked, [(Account::Platform, "a".to_owned()), (own, "b".to_owned())]);
    assert_eq!((row(&rig, "a").0, row(&rig, "b").0), ("ended", "ended"));
    let signed: Vec<Signer> = rig
        .journal
        .records()
        .into_iter()
        .filter_map(|r| if let Record::RetellEvent { signer, .. } = r { Some(signer) } else { None })
        .collect();
    assert!(signed.contains(&Signer::Company(company_b())));
    rig.finish();
}

#[test]
fn a_call_that_the_companys_own_account_does_not_know_is_asked_for_with_the_platforms() {
    let rig = Rig::new();
    rig.voice.give_key(company_a());
    rig.event(&started("c"));
    rig.advance(SILENT_MS + 31 * MINUTE_MS);
    let accounts: Vec<Account> = rig.voice.questions().into_iter().map(|(account, _)| account).collect();
    let own = Account::Company(company_a());
    assert_eq!(accounts, [own, Account::Platform, own]);
    rig.event(&ended("c"));
    rig.finish();
}
