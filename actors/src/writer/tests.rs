//! Writers over a database that is slow, away, refuses, panics or belongs to somebody else.

use askpro_domain::ids::{BodyHash, CallId, CompanyId};
use bytes::Bytes;

use super::WriteOrder;
use crate::{
    ports::{
        fakes::EventBody,
        journal::{Journal, Position, Record, Signer},
        rows::{Body, EventRow, Write},
    },
    rig::Rig,
    root::Settings,
};

/// One writer, so that everything is in one backlog.
fn rig_with(change: impl FnOnce(&mut Settings)) -> Rig {
    let mut settings = Settings::default();
    settings.writers.writers = 1;
    change(&mut settings);
    Rig::with(settings)
}

fn rig() -> Rig {
    rig_with(|_| {})
}

fn event(call: &str, n: usize) -> EventBody {
    EventBody {
        to: Some("+493083793369".to_owned()),
        filler: Some(format!("{n}")),
        ..EventBody::new("transfer_started", call, 1_000 + i64::try_from(n).unwrap())
    }
}

/// An order with one event that is in the journal.
fn order(rig: &Rig, call: &str, n: usize) -> WriteOrder {
    let body = event(call, n);
    let event = body.decode().unwrap();
    let received_at = rig.now();
    let record = Record::RetellEvent { signer: Signer::Platform, received_at, body: body.bytes() };
    let position = rig.journal.append_ordered(record).unwrap().0;
    let row = EventRow {
        company: CompanyId(1),
        call_id: event.call_id.clone(),
        event: "transfer_started".to_owned(),
        dedup_key: event.dedup_key.clone(),
        event_timestamp: event.event_timestamp,
        body_hash: event.body_hash,
        body_bytes: 3,
        source: event.source,
        received_at,
        signer_company: None,
        body: Body::Inline(body.bytes()),
    };
    WriteOrder { call_id: Some(event.call_id), writes: vec![Write::Event(row)], positions: vec![position] }
}

fn is_event(write: &Write, call: &str, n: usize) -> bool {
    let key = event(call, n).decode().unwrap().dedup_key;
    matches!(write, Write::Event(row) if row.call_id.as_str() == call && row.dedup_key == key)
}

#[test]
fn batches_grow_with_the_backlog() {
    let rig = rig_with(|s| s.writers.batch_orders_max = 40);
    rig.database.commits.close();
    for n in 0..101 {
        rig.actors.writers.write(order(&rig, "c", n));
        rig.settle();
    }
    assert_eq!(rig.actors.writers.backlog(), 101);
    rig.database.commits.open();
    rig.settle();
    let sizes: Vec<usize> = rig.database.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 40, 40, 20]);
    rig.finish();
}

#[test]
fn what_comes_close_together_goes_together_and_a_full_batch_goes_at_once() {
    let rig = rig_with(|s| {
        s.writers.commit_every_ms = 100;
        s.writers.batch_orders_max = 10;
    });
    let write = |orders: std::ops::Range<usize>| {
        for n in orders {
            rig.actors.writers.write(order(&rig, "c", n));
        }
        rig.settle();
    };
    let sizes = || rig.database.batches().iter().map(Vec::len).collect::<Vec<_>>();
    write(0..1);
    assert_eq!(sizes(), [1]);
    for n in 1..4 {
        write(n..n + 1);
        rig.advance(20);
    }
    assert_eq!((sizes(), rig.actors.writers.is_idle()), (vec![1], false));
    rig.advance(40);
    assert_eq!((sizes(), rig.actors.writers.is_idle()), (vec![1, 3], true));
    rig.database.commits.close();
    rig.advance(100);
    write(4..5);
    write(5..30);
    rig.database.commits.open();
    rig.settle();
    assert_eq!(sizes(), [1, 3, 1, 10, 10]);
    rig.advance(100);
    assert_eq!(sizes(), [1, 3, 1, 10, 10, 5]);
    rig.advance(100);
    write(30..31);
    assert_eq!(sizes(), [1, 3, 1, 10, 10, 5, 1]);
    rig.finish();
}

/// A rig whose batches grow for a tenth of a second, just after one was begun.
fn growing(change: impl FnOnce(&mut Settings)) -> Rig {
    let rig = rig_with(|s| {
        s.writers.commit_every_ms = 100;
        change(s);
    });
    rig.actors.writers.write(order(&rig, "c", 0));
    rig.settle();
    assert_eq!(rig.database.batches().len(), 1);
    rig
}

/// Orders of the call `c`, one after the other.
fn write_each(rig: &Rig, orders: std::ops::Range<usize>) {
    for n in orders {
        rig.actors.writers.write(order(rig, "c", n));
        rig.settle();
    }
}

#[test]
fn the_order_that_fills_a_batch_that_grows_sends_it() {
    let bytes = event("c", 1).bytes().len();
    let by_number = growing(|s| s.writers.batch_orders_max = 5);
    let by_bytes = growing(|s| s.writers.batch_bytes_max = 5 * bytes);
    for rig in [by_number, by_bytes] {
        write_each(&rig, 1..5);
        assert_eq!(rig.database.batches().len(), 1, "it grows");
        write_each(&rig, 5..6);
        let sizes: Vec<usize> = rig.database.batches().iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 5]);
        write_each(&rig, 6..7);
        assert_eq!(rig.database.batches().len(), 2, "the next one grows again");
        rig.finish();
    }
}

#[test]
fn no_batch_grows_while_a_refused_row_is_looked_for() {
    let rig = growing(|s| s.writers.batch_orders_max = 512);
    rig.database.refuse(|write| is_event(write, "c", 13));
    write_each(&rig, 1..30);
    rig.advance(100);
    let tables = rig.database.tables();
    assert_eq!((tables.events.len(), tables.dead_letters.len()), (29, 1));
    rig.finish();
}

#[test]
fn orders_of_one_call_keep_their_order_over_all_writers() {
    let rig = rig_with(|s| {
        s.writers.writers = 3;
        s.writers.batch_orders_max = 7;
    });
    rig.database.commits.close();
    for n in 0..60 {
        rig.actors.writers.write(order(&rig, &format!("c{}", n % 5), n));
    }
    rig.settle();
    rig.database.set_away(true);
    rig.database.commits.open();
    rig.advance(3_000);
    rig.database.set_away(false);
    rig.advance(6_000);
    let committed: Vec<Write> = rig.database.batches().into_iter().flatten().collect();
    for call in 0..5 {
        let of_call = committed.iter().filter_map(|w| match w {
            Write::Event(row) if row.call_id.as_str() == format!("c{call}") => row.event_timestamp,
            _ => None,
        });
        let times: Vec<_> = of_call.collect();
        assert_eq!(times.len(), 12);
        assert!(times.is_sorted());
    }
    rig.finish();
}

#[test]
fn only_the_newest_row_of_a_call_is_written() {
    let rig = rig();
    rig.event(&event("c", 0));
    rig.settle();
    rig.database.commits.close();
    for n in 1..50 {
        rig.event(&event("c", n));
    }
    rig.settle();
    rig.database.commits.open();
    rig.settle();
    let batches = rig.database.batches();
    let rows = batches.iter().flatten().filter(|w| matches!(w, Write::Call(_))).count();
    assert!(rows <= 3, "{rows} rows for 50 events");
    assert_eq!(rig.database.tables().events.len(), 50);
    rig.event(&EventBody { event: "call_ended".to_owned(), ..event("c", 99) });
    rig.finish();
}

#[test]
fn a_refused_row_is_found_and_set_aside_while_all_others_commit() {
    let rig = rig();
    rig.database.commits.close();
    let bad = [3, 31, 32, 99];
    rig.database.refuse(move |write| bad.iter().any(|n| is_event(write, "c", *n)));
    for n in 0..100 {
        rig.actors.writers.write(order(&rig, "c", n));
    }
    rig.settle();
    rig.database.commits.open();
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!((tables.events.len(), tables.dead_letters.len()), (96, 4));
    assert!(tables.dead_letters.values().all(|d| d.message == "retell_event" && d.body.is_some()));
    assert!(rig.journal.outstanding().is_empty());
    rig.finish();
}

#[test]
fn each_body_of_a_refused_order_becomes_a_letter_with_its_own_signer() {
    let rig = rig_with(|s| s.writers.backlog_inline_bytes_max = 100);
    rig.database.refuse(|write| matches!(write, Write::Event(_)));
    rig.database.commits.close();
    rig.actors.writers.write(order(&rig, "d", 0));
    let (mut all, mut orphans) = (order(&rig, "c", 0), Vec::new());
    for n in 1..24 {
        let other = order(&rig, "c", n);
        all.writes.extend(other.writes);
        // Only the first comes with a record; the others were in quarantine.
        orphans.extend(other.positions);
    }
    let signer = |n: usize| n.is_multiple_of(3).then(|| CompanyId(i64::try_from(n).unwrap()));
    for (n, write) in all.writes.iter_mut().enumerate() {
        if let Write::Event(row) = write {
            row.signer_company = signer(n);
        }
    }
    rig.actors.writers.write(all);
    rig.settle();
    rig.actors.writers.write(order(&rig, "d", 1));
    rig.database.commits.open();
    rig.settle();
    let tables = rig.database.tables();
    let letters: Vec<_> = tables.dead_letters.values().filter(|letter| letter.actor_id == "c").collect();
    assert_eq!(letters.len(), 24);
    for n in 0..24 {
        let is_its =
            |body: &Option<Body>| matches!(body, Some(Body::Inline(b)) if *b == event("c", n).bytes());
        let its: Vec<_> = letters.iter().filter(|letter| is_its(&letter.body)).collect();
        assert_eq!(its.len(), 1, "{n}");
        assert_eq!(its[0].signer_company, signer(n));
    }
    rig.actors.outstanding.done(&orphans);
    assert!(rig.journal.outstanding().is_empty());
    rig.finish();
}

#[test]
fn a_refused_row_does_not_take_the_row_of_its_call_with_it() {
    let rig = rig();
    rig.database.refuse(|write| is_event(write, "c", 1));
    rig.event(&event("c", 1));
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!((tables.events.len(), tables.dead_letters.len(), tables.calls.len()), (0, 1, 1));
    rig.database.refuse(|write| matches!(write, Write::Call(_)));
    rig.event(&EventBody { event: "call_ended".to_owned(), ..event("c", 2) });
    rig.settle();
    let tables = rig.database.tables();
    assert_eq!((tables.events.len(), tables.dead_letters.len()), (1, 2));
    rig.database.refuse_nothing();
    rig.event(&EventBody { event: "call_analyzed".to_owned(), ..event("c", 3) });
    rig.settle();
    assert_eq!(rig.database.tables().calls[&CallId::parse("c").unwrap()].status, "ended");
    rig.finish();
}

#[test]
fn a_body_that_cannot_be_read_again_is_a_dead_letter_without_it() {
    let rig = rig();
    let mut order = order(&rig, "c", 1);
    if let Write::Event(row) = &mut order.writes[0] {
        row.body = Body::InJournal(Position(7));
    }
    rig.actors.writers.write(order);
    rig.settle();
    let tables = rig.database.tables();
    let letter = tables.dead_letters.values().next().unwrap();
    assert_eq!((&*letter.message, letter.body.is_none()), ("rows", true));
    rig.finish();
}

#[test]
fn a_database_that_is_away_is_tried_again_with_growing_pauses() {
    let rig = rig();
    rig.database.set_away(true);
    rig.actors.writers.write(order(&rig, "c", 1));
    rig.advance(60_000);
    let view = rig.actors.writers.views().remove(0);
    assert!((8..25).contains(&view.retries), "{} tries in a minute", view.retries);
    assert!(view.last_error.is_some() && view.oldest_order_age_ms >= 60_000);
    rig.database.set_away(false);
    rig.advance(5_000);
    assert!(rig.actors.writers.is_idle());
    assert_eq!(rig.actors.writers.views()[0].last_error, None);
    rig.finish();
}

#[test]
fn past_the_limit_bodies_wait_in_the_journal_and_come_back_whole() {
    let rig = rig_with(|s| s.writers.backlog_inline_bytes_max = 1_000);
    rig.database.set_away(true);
    for n in 0..200 {
        rig.event(&event("c", n));
    }
    rig.event(&EventBody { event: "call_ended".to_owned(), ..event("c", 999) });
    rig.settle();
    for n in 200..400 {
        rig.actors.writers.write(order(&rig, "d", n));
    }
    assert!(rig.actors.writers.views()[0].backlog_bytes <= 1_000);
    rig.database.set_away(false);
    rig.advance(10_000);
    let tables = rig.database.tables();
    assert_eq!(tables.events.len(), 401);
    for row in tables.events.values() {
        let Body::Inline(bytes) = &row.body else { panic!("left in the journal") };
        let body: EventBody = serde_json::from_slice(bytes).unwrap();
        assert_eq!(body.decode().unwrap().dedup_key, row.dedup_key, "its own body");
    }
    rig.finish();
}

#[test]
fn an_order_with_two_bodies_is_never_spilled() {
    let rig = rig_with(|s| s.writers.backlog_inline_bytes_max = 10);
    rig.database.commits.close();
    rig.actors.writers.write(order(&rig, "c", 1));
    let mut both = order(&rig, "c", 2);
    let mut other = order(&rig, "c", 3);
    if let Write::Event(row) = &mut other.writes[0] {
        row.body = Body::Inline(Bytes::from_static(b"not in the journal"));
        row.body_hash = BodyHash::of(&[b"other"]);
    }
    both.writes.append(&mut other.writes);
    let orphan = other.positions;
    rig.actors.writers.write(both);
    rig.settle();
    rig.database.commits.open();
    rig.settle();
    let tables = rig.database.tables();
    let kept = |text: &[u8]| tables.events.values().any(|r| matches!(&r.body, Body::Inline(b) if b == text));
    assert!(kept(b"not in the journal"));
    rig.actors.outstanding.done(&orphan);
    rig.finish();
}

#[test]
fn a_writer_that_is_fenced_out_stops_and_says_so() {
    let mut rig = rig();
    rig.database.set_epoch(99);
    rig.event(&event("c", 1));
    rig.event(&event("c", 2));
    rig.advance(60_000);
    assert!(rig.actors.fence.is_lost());
    assert!(rig.database.tables().events.is_empty());
    let error = rig.actors.writers.views()[0].last_error.clone().unwrap();
    assert!(error.contains("another process owns"), "{error}");
    assert_eq!(rig.journal.outstanding().len(), 2, "nothing is called committed");
    rig.database.set_epoch(0);
    rig.crash_and_restart();
    assert_eq!(rig.database.tables().events.len(), 2);
    rig.event(&EventBody { event: "call_ended".to_owned(), ..event("c", 3) });
    rig.finish();
}

#[test]
fn a_commit_that_panics_or_whose_answer_is_lost_is_done_again() {
    let rig = rig();
    rig.database.panic_next(2);
    rig.actors.writers.write(order(&rig, "c", 1));
    rig.advance(1_000);
    rig.database.lose_answers(2);
    rig.actors.writers.write(order(&rig, "c", 2));
    rig.advance(1_000);
    assert_eq!(rig.database.tables().events.len(), 2);
    assert_eq!(rig.journal.committed_twice(), []);
    rig.finish();
}

#[test]
fn a_drain_commits_a_thousand_queued_events() {
    let rig = rig_with(|s| s.writers.writers = 2);
    for n in 0..1_000 {
        rig.event(&event(&format!("c{}", n % 50), n));
    }
    let (journal, database) = (rig.journal.clone(), rig.database.clone());
    rig.finish_soon();
    assert!(journal.outstanding().is_empty());
    assert_eq!(database.tables().events.len(), 1_000);
}

#[test]
fn what_comes_while_writers_rest_is_written_when_they_go_on() {
    let rig = rig();
    rig.actors.writers.rest();
    for n in 0..100 {
        rig.actors.writers.write(order(&rig, "c", n));
    }
    rig.settle();
    assert!(rig.database.tables().events.is_empty());
    rig.actors.writers.go_on();
    rig.settle();
    assert_eq!(rig.database.tables().events.len(), 100);
    rig.finish();
}
