//! What a commit leaves in the tables.

use askpro_actors::ports::{
    journal::Position,
    rows::{Body, EventRow, Write},
    stores::{BatchStore, BookingStore, CallStore, StoreError},
};
use askpro_domain::time::UnixMillis;
use bytes::Bytes;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{Scene, build::*, on_every_database};

type EventColumns = (String, String, String, String, Option<i64>, String, i64, Vec<u8>);

async fn events_of(scene: &Scene, company: i64) -> Vec<EventColumns> {
    let columns = "call_id, dedup_key, event, event_rank, event_timestamp, body_hash, body_bytes, body";
    let order = "ORDER BY call_id, dedup_key";
    scene.rows(&format!("SELECT {columns} FROM call_events WHERE company_id = {company} {order}")).await
}

/// Versions of the same events: newer, of the same time, longer, and plain copies.
fn versions() -> Vec<EventRow> {
    let mut rows = Vec::new();
    for call in ["call_a", "call_b"] {
        rows.push(event(ONE, call, "call_started", 10, "first"));
        rows.push(event(ONE, call, "call_started", 20, "newer"));
        rows.push(event(ONE, call, "call_started", 20, "same time, other body"));
        rows.push(event(ONE, call, "transcript_updated", 30, "short"));
        rows.push(event(ONE, call, "transcript_updated", 30, "rather longer"));
        rows.push(event(ONE, call, "call_ended", 40, "end"));
    }
    rows.extend(rows.clone());
    rows
}

async fn events_in_any_order_and_with_duplicates_give_the_same_rows(scene: Scene) {
    let epoch = scene.own().await;
    let seed = 20_261_124;
    let mut chance = StdRng::seed_from_u64(seed);
    let mut expected = None;
    for company in 1..=12_i64 {
        let mut rows = versions();
        rows.shuffle(&mut chance);
        for batch in rows.chunks(usize::try_from(company).unwrap()) {
            let batch: Vec<Write> = batch
                .iter()
                .cloned()
                .map(|row| Write::Event(EventRow { company: askpro_domain::ids::CompanyId(company), ..row }))
                .collect();
            scene.database.commit(epoch, &batch).await.unwrap();
        }
        let stored = events_of(&scene, company).await;
        assert_eq!(stored.len(), 6, "seed {seed}");
        assert_eq!(&stored, expected.get_or_insert_with(|| stored.clone()), "seed {seed}, {company}");
    }
    let transcript = expected.unwrap().into_iter().find(|row| row.1 == "transcript_updated").unwrap();
    assert_eq!(transcript.7, b"rather longer");
}

async fn a_duplicate_keeps_the_first_time_of_receipt_and_a_newer_version_brings_its_own(scene: Scene) {
    let epoch = scene.own().await;
    let first = event(ONE, "call_a", "call_ended", 10, "x");
    let copy = EventRow { received_at: UnixMillis(99), ..first.clone() };
    let newer = EventRow { received_at: UnixMillis(120), ..event(ONE, "call_a", "call_ended", 11, "y") };
    let mut seen = Vec::new();
    for row in [first, copy, newer] {
        scene.database.commit(epoch, &[Write::Event(row)]).await.unwrap();
        seen.push(scene.rows::<(i64,)>("SELECT received_at FROM call_events").await[0].0);
    }
    assert_eq!(seen, [15, 15, 120]);
}

async fn five_thousand_mixed_rows_are_one_commit(scene: Scene) {
    let epoch = scene.own().await;
    let mut writes = Vec::new();
    for n in 0..500 {
        let call_name = format!("call_{n:04}");
        for name in ["call_started", "transcript_updated", "call_ended"] {
            writes.push(Write::Event(event(ONE, &call_name, name, n, "body")));
        }
        writes.push(Write::Call(Box::new(call(ONE, &call_name, "live"))));
        writes.push(Write::Call(Box::new(call(ONE, &call_name, "ended"))));
        writes.push(Write::Appointment(Box::new(appointment(&booking(ONE, &call_name, "k")))));
        writes.push(Write::Outbox(outbox(ONE, &call_name, &format!("n:{n}"))));
        writes.push(Write::Callback(callback(ONE, &call_name, &format!("c:{n}"))));
        writes.push(Write::FunctionCall(function_call(ONE, &call_name, n)));
        writes.push(Write::Quarantine(quarantine(&format!("q{n}"), "call_x", "1")));
    }
    assert_eq!(writes.len(), 5000);
    scene.database.commit(epoch, &writes).await.unwrap();
    scene.database.commit(epoch, &writes).await.unwrap();
    assert_eq!(scene.count("call_events").await, 1500);
    assert_eq!(scene.count("calls WHERE status = 'ended'").await, 500);
    for table in ["appointments", "outbox", "callbacks", "function_calls", "quarantine"] {
        assert_eq!(scene.count(table).await, 500, "{table}");
    }
}

async fn an_older_version_of_an_appointment_changes_nothing(scene: Scene) {
    let epoch = scene.own().await;
    let old = booking(ONE, "call_a", "k");
    let new = confirmed(old.clone());
    for row in [&new, &old, &new] {
        scene.database.commit(epoch, &[Write::Appointment(Box::new(appointment(row)))]).await.unwrap();
    }
    let both = [&new, &old].map(|b| Write::Appointment(Box::new(appointment(b))));
    scene.database.commit(epoch, &both).await.unwrap();
    let found = scene.database.find(ONE, &old.order.appointment).await.unwrap().unwrap();
    assert_eq!(found, new);
    let row: Vec<(String, Option<String>, i64)> =
        scene.rows("SELECT status, calcom_uid, version FROM appointments").await;
    assert_eq!(row, [("confirmed".to_owned(), Some("uid_1".to_owned()), 2)]);
}

async fn what_exists_once_keeps_its_first_row(scene: Scene) {
    let epoch = scene.own().await;
    let mut second = outbox(ONE, "call_a", "key");
    second.payload = "{}".to_owned();
    let mut alert = platform_event("alert");
    alert.body = Body::Inline(Bytes::from_static(b"other"));
    let batches = [
        vec![Write::Outbox(outbox(ONE, "call_a", "key")), Write::PlatformEvent(platform_event("alert"))],
        vec![Write::Outbox(second), Write::PlatformEvent(alert), Write::Outbox(outbox(TWO, "call_b", "key"))],
    ];
    for batch in &batches {
        scene.database.commit(epoch, batch).await.unwrap();
    }
    let payloads: Vec<(Vec<u8>, String)> =
        scene.rows("SELECT payload, state FROM outbox ORDER BY company_id").await;
    let first = (br#"{"b":1,"a":2}"#.to_vec(), "pending".to_owned());
    assert_eq!(payloads, [first.clone(), first]);
    assert_eq!(scene.rows::<(Vec<u8>,)>("SELECT body FROM platform_events").await, [(b"alert".to_vec(),)]);
}

async fn a_placed_call_leaves_quarantine_and_what_comes_after_stays(scene: Scene) {
    let epoch = scene.own().await;
    let held =
        [quarantine("q1", "call_a", "1"), quarantine("q2", "call_a", "1"), quarantine("q3", "call_b", "1")];
    scene.database.commit(epoch, &held.map(Write::Quarantine)).await.unwrap();
    let newer = [quarantine("q1", "call_a", "2"), quarantine("q2", "call_a", "0")];
    scene.database.commit(epoch, &newer.map(Write::Quarantine)).await.unwrap();
    let of_a = scene.database.quarantined_of_call(&call_id("call_a")).await.unwrap();
    let bodies: Vec<&[u8]> = of_a.iter().map(|e| e.body.as_slice()).collect();
    assert_eq!(bodies, [b"body 2", b"body 1"]);
    let release = [
        Write::Quarantine(quarantine("q4", "call_a", "1")),
        Write::QuarantineReleased(call_id("call_a")),
        Write::Quarantine(quarantine("q5", "call_a", "1")),
    ];
    scene.database.commit(epoch, &release).await.unwrap();
    let left = scene.database.list_quarantine(None, 10).await.unwrap();
    assert_eq!(left.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["q3", "q5"]);
    assert_eq!(left[0].signer_company, Some(TWO));
}

async fn a_replayed_dead_letter_is_gone(scene: Scene) {
    let epoch = scene.own().await;
    let letters = ["d1", "d2", "d3"].map(|id| Write::DeadLetter(dead_letter(id)));
    scene.database.commit(epoch, &letters).await.unwrap();
    scene.database.commit(epoch, &[Write::DeadLetterReplayed("d2".to_owned())]).await.unwrap();
    let page = scene.database.list_dead_letters(Some("d1"), 10).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].body.as_deref(), Some(b"letter".as_slice()));
    assert!(scene.database.find_dead_letter("d2").await.unwrap().is_none());
    assert!(scene.database.find_dead_letter("d3").await.unwrap().is_some());
}

async fn a_call_of_another_company_is_refused_and_the_batch_with_it(scene: Scene) {
    let epoch = scene.own().await;
    scene.database.commit(epoch, &calls([call(ONE, "call_a", "live")])).await.unwrap();
    let batch = calls([call(TWO, "call_0", "live"), call(TWO, "call_a", "ended")]);
    let refused = scene.database.commit(epoch, &batch).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "{refused:?}");
    let rows: Vec<(i64, String)> = scene.rows("SELECT company_id, status FROM calls").await;
    assert_eq!(rows, [(1, "live".to_owned())]);
}

async fn a_body_of_six_megabytes_is_kept_beside_others(scene: Scene) {
    let epoch = scene.own().await;
    let bodies: Vec<Bytes> = (0..4_u8).map(|n| Bytes::from(vec![n; 6 << 20])).collect();
    let large = |n: usize| EventRow {
        body: Body::Inline(bodies[n].clone()),
        ..event(ONE, &format!("call_{n}"), "call_ended", 1, "")
    };
    let batch: Vec<Write> = (0..4).map(|n| Write::Event(large(n))).collect();
    scene.database.commit(epoch, &batch).await.unwrap();
    let stored: Vec<(Vec<u8>,)> = scene.rows("SELECT body FROM call_events ORDER BY call_id").await;
    assert!(stored.iter().zip(&bodies).all(|((stored,), sent)| stored.as_slice() == sent.as_ref()));
    assert_eq!(stored.len(), 4);
}

async fn rows_that_can_never_be_stored_are_refused_before_anything_is_written(scene: Scene) {
    let epoch = scene.own().await;
    let good = Write::Event(event(ONE, "call_a", "call_ended", 1, "x"));
    let with = |change: fn(&mut EventRow)| {
        let mut row = event(ONE, "call_b", "call_ended", 1, "x");
        change(&mut row);
        Write::Event(row)
    };
    let bad = [
        with(|row| row.dedup_key = "k".repeat(256)),
        with(|row| row.dedup_key = "k\0".to_owned()),
        with(|row| row.dedup_key = "k ".to_owned()),
        with(|row| row.body = Body::InJournal(Position(7))),
        with(|row| row.body = Body::Inline(Bytes::from(vec![0; 16 << 20]))),
    ];
    for write in bad {
        let refused = scene.database.commit(epoch, &[good.clone(), write]).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(_)), "{refused:?}");
    }
    assert_eq!(scene.count("call_events").await, 0);
}

async fn text_of_any_kind_is_stored_or_cut_at_a_character(scene: Scene) {
    let epoch = scene.own().await;
    let mut row = call(ONE, "call_🎈_Ünï", "ended");
    row.disconnection_reason = Some("nul\0 and 🎈".to_owned());
    row.from_number = Some("🎈".repeat(200));
    row.agent_id = Some("agent ".to_owned());
    let mut late = callback(ONE, "call_🎈_Ünï", "k:🎈");
    late.name = Some("ä".repeat(300));
    let event = event(ONE, "call_🎈_Ünï", "🎈\0", 1, "x");
    let event = EventRow { dedup_key: "🎈:1".to_owned(), ..event };
    let batch = [Write::Call(Box::new(row)), Write::Callback(late), Write::Event(event)];
    scene.database.commit(epoch, &batch).await.unwrap();
    let rows: Vec<(String, String, String, String)> =
        scene.rows("SELECT call_id, disconnection_reason, from_number, agent_id FROM calls").await;
    let expected = ("call_🎈_Ünï", "nul\u{fffd} and 🎈", "🎈".repeat(128), "agent ");
    assert_eq!(rows[0], (expected.0.into(), expected.1.into(), expected.2, expected.3.into()));
    assert_eq!(scene.rows::<(String,)>("SELECT name FROM callbacks").await, [("ä".repeat(255),)]);
    assert_eq!(scene.rows::<(String,)>("SELECT event FROM call_events").await, [("🎈\u{fffd}".into(),)]);
    assert!(scene.database.find_call_state(&call_id("call_🎈_Ünï")).await.unwrap().is_some());
    for other in ["call_🎈_ünï", "call_🎈_Uni", "CALL_🎈_Ünï"] {
        assert!(scene.database.find_call_state(&call_id(other)).await.unwrap().is_none(), "{other:?}");
    }
}

async fn nothing_in_a_batch_is_a_commit_too(scene: Scene) {
    let epoch = scene.own().await;
    scene.database.commit(epoch, &[]).await.unwrap();
    let gone = [Write::QuarantineReleased(call_id("never")), Write::DeadLetterReplayed("never".to_owned())];
    scene.database.commit(epoch, &gone).await.unwrap();
}

on_every_database!(
    events_in_any_order_and_with_duplicates_give_the_same_rows,
    a_duplicate_keeps_the_first_time_of_receipt_and_a_newer_version_brings_its_own,
    five_thousand_mixed_rows_are_one_commit,
    an_older_version_of_an_appointment_changes_nothing,
    what_exists_once_keeps_its_first_row,
    a_placed_call_leaves_quarantine_and_what_comes_after_stays,
    a_replayed_dead_letter_is_gone,
    a_call_of_another_company_is_refused_and_the_batch_with_it,
    a_body_of_six_megabytes_is_kept_beside_others,
    rows_that_can_never_be_stored_are_refused_before_anything_is_written,
    text_of_any_kind_is_stored_or_cut_at_a_character,
    nothing_in_a_batch_is_a_commit_too,
);
