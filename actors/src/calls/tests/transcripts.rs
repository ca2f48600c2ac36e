//! Transcripts: only the newest is written, every few seconds and at the end.

use super::*;

fn transcript(call: &str, after_ms: i64, text: &str) -> EventBody {
    EventBody { transcript: Some(text.to_owned()), ..event("transcript_updated", call, after_ms) }
}

fn written(rig: &Rig) -> Option<i64> {
    let tables = rig.database.tables();
    tables
        .events
        .get(&(id("c"), "transcript_updated".to_owned()))
        .map(|row| row.event_timestamp.unwrap().0 - FIXTURE_NOW.0)
}

#[test]
fn only_the_newest_transcript_is_written_every_few_seconds() {
    let rig = Rig::new();
    rig.event(&started("c"));
    for turn in [1, 3, 2] {
        rig.event(&transcript("c", turn, "hello"));
    }
    rig.settle();
    assert_eq!(written(&rig), None);
    rig.advance(5_000);
    assert_eq!(written(&rig), Some(3));
    rig.event(&transcript("c", 2, "late"));
    rig.event(&transcript("c", 9, "hello again"));
    rig.advance(5_000);
    assert_eq!(written(&rig), Some(9));
    rig.event(&transcript("c", 11, "bye"));
    rig.event(&ended("c"));
    rig.settle();
    assert_eq!(written(&rig), Some(11), "the end does not wait for the timer");
    let state = rig.database.tables().call_state(&id("c")).unwrap();
    assert_eq!(state.transcript.unwrap().dedup_key, "call_ended", "the end's own stays the best");
    rig.event(&transcript("c", 12, "much too late"));
    rig.advance(9_000);
    assert_eq!(written(&rig), Some(12));
    assert_eq!(
        rig.database.tables().call_state(&id("c")).unwrap().transcript.unwrap().dedup_key,
        "call_ended"
    );
    rig.finish();
}

#[test]
fn a_transcript_is_flushed_though_the_store_was_slow_to_answer() {
    let rig = Rig::new();
    rig.database.reads.close();
    rig.event(&started("c"));
    rig.event(&transcript("c", 1, "hello"));
    rig.advance(12_000);
    rig.database.reads.open();
    rig.advance(6_000);
    assert_eq!(written(&rig), Some(1));
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn a_drain_writes_the_transcripts_of_live_calls() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.event(&transcript("c", 1, "hello"));
    rig.settle();
    let database = rig.database.clone();
    rig.finish_soon();
    assert!(database.tables().events.contains_key(&(id("c"), "transcript_updated".to_owned())));
}

#[test]
fn a_database_that_is_away_gathers_one_transcript_of_a_call() {
    let rig = Rig::new();
    rig.event(&started("c"));
    rig.settle();
    rig.database.set_away(true);
    for turn in 1..40 {
        rig.event(&transcript("c", turn, "hello"));
        rig.advance(5_000);
    }
    assert!(rig.actors.writers.backlog() <= 1, "{} orders wait", rig.actors.writers.backlog());
    rig.database.set_away(false);
    rig.advance(30_000);
    assert_eq!(written(&rig), Some(39));
    rig.event(&ended("c"));
    rig.finish();
}

#[test]
fn a_store_that_is_away_leaves_one_transcript_of_a_companys_own_key() {
    let rig = Rig::new();
    rig.database.set_away(true);
    let own = crate::ports::journal::Signer::Company(crate::ports::fakes::company_a());
    rig.event_signed(&started("c"), own);
    for turn in [1, 3, 2] {
        rig.event_signed(&transcript("c", turn, "hello"), own);
    }
    rig.settle();
    assert_eq!(rig.call("c").unwrap().withheld_orders, 2);
    rig.database.set_away(false);
    rig.advance(30_000);
    assert_eq!(written(&rig), Some(3));
    rig.event(&ended("c"));
    rig.finish();
}
