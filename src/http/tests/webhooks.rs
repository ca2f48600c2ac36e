//! Signed requests, and what becomes of them.

use std::sync::{Arc, atomic::Ordering};

use askpro_actors::ports::{
    journal::{Record, Signer},
    rows::Write,
};
use askpro_domain::{ids::CompanyId, secret::Secret};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    client::request,
    harness::{COMPANY_KEY, Edge, NOW, PLATFORM_KEY, event},
};
use crate::{
    compress::decompress,
    http::webhooks::testing::sign,
    usecases::{
        load::{LIFECYCLE_REFUSED_AT, READS_REFUSED_AT, TRANSCRIPTS_REFUSED_AT, WRITES_REFUSED_AT},
        own_key::CALLS_OF_OWN_KEY_MAX,
    },
};

const NUMBER: &str = "+493083793369";

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_is_in_the_journal_before_its_answer_and_reaches_the_database() {
    let edge = Edge::start();
    let answer = edge.post("/webhooks/retell", PLATFORM_KEY, &event("call_started", "call_1", NUMBER)).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let Record::RetellEvent { signer, received_at, body } = edge.journal.records.lock().unwrap()[0].clone()
    else {
        panic!("an event is expected")
    };
    assert_eq!((signer, received_at), (Signer::Platform, NOW));
    let kept = String::from_utf8(decompress(&body, 100_000).unwrap()).unwrap();
    assert!(kept.contains("call_started") && !kept.contains("a-secret"), "{kept}");
    let row = edge.store.wait_for(|w| if let Write::Event(row) = w { Some(row.clone()) } else { None }).await;
    assert_eq!((row.event.as_str(), row.company), ("call_started", CompanyId::of_slugs(&["friseur-mitte"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_what_is_not_signed_rightly() {
    let edge = Edge::start();
    let body = event("call_started", "call_1", NUMBER);
    let sent = |signature: String| {
        let (edge, body) = (&edge, &body);
        async move { edge.send("POST", "/webhooks/retell", &[("x-retell-signature", &signature)], body).await }
    };
    let key = Secret::new(PLATFORM_KEY);
    for (signature, code) in [
        (sign(&Secret::new("key_wrong"), &body, NOW.0), "signature_mismatch"),
        (sign(&Secret::new(COMPANY_KEY), &body, NOW.0), "signature_mismatch"),
        (sign(&key, b"{}", NOW.0), "signature_mismatch"),
        (sign(&key, &body, NOW.0 - 301_000), "signature_stale"),
        (sign(&key, &body, NOW.0 + 301_000), "signature_stale"),
        ("d=1".to_owned(), "signature_malformed"),
    ] {
        let answer = sent(signature).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code));
    }
    let unsigned = edge.send("POST", "/webhooks/retell", &[], b"{not even JSON").await;
    assert_eq!((unsigned.status, unsigned.code().as_str()), (401, "signature_missing"), "{unsigned:?}");
    assert_eq!(edge.journaled(), 0);
    assert_eq!(sent(sign(&key, &body, NOW.0 - 299_000)).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companys_own_key_signs_at_its_own_address_only() {
    let edge = Edge::start();
    let body = event("call_started", "call_1", NUMBER);
    assert_eq!(edge.post("/webhooks/retell/friseur%2Dmitte", COMPANY_KEY, &body).await.status, 204);
    assert_eq!(edge.post("/webhooks/retell/friseur-mitte", PLATFORM_KEY, &body).await.status, 204);
    let signers: Vec<Signer> = edge
        .journal
        .records
        .lock()
        .unwrap()
        .iter()
        .filter_map(
            |record| if let Record::RetellEvent { signer, .. } = record { Some(*signer) } else { None },
        )
        .collect();
    assert_eq!(signers, [Signer::Company(CompanyId::of_slugs(&["friseur-mitte"])), Signer::Platform]);
    let nobody = edge.post("/webhooks/retell/nobody", PLATFORM_KEY, &body).await;
    assert_eq!((nobody.status, nobody.code().as_str()), (404, "company_unknown"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_belongs_to_the_platform() {
    let edge = Edge::start();
    let alert = json!({ "event": "alert_triggered", "alert": { "alert_incident_id": "inc_1" } }).to_string();
    let foreign = edge.post("/webhooks/retell/friseur-mitte", COMPANY_KEY, alert.as_bytes()).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (403, "platform_key_required"));
    assert_eq!(edge.post("/webhooks/retell", PLATFORM_KEY, alert.as_bytes()).await.status, 204);
    let row = edge
        .store
        .wait_for(|w| if let Write::PlatformEvent(row) = w { Some(row.clone()) } else { None })
        .await;
    assert_eq!(row.event, "alert_triggered");
    assert!(row.dedup_key.starts_with("alert_triggered:inc_1:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_needs_no_journal_and_a_full_journal_sends_events_away() {
    let edge = Edge::start();
    edge.journal.full.store(true, Ordering::SeqCst);
    let transcript = event("transcript_updated", "call_1", NUMBER);
    assert_eq!(edge.post("/webhooks/retell", PLATFORM_KEY, &transcript).await.status, 204);
    let refused = edge.post("/webhooks/retell", PLATFORM_KEY, &event("call_ended", "call_1", NUMBER)).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "journal_full"));
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_eq!(edge.journaled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_delivered_although_its_sender_hung_up() {
    let edge = Edge::start();
    edge.journal.shut.store(true, Ordering::SeqCst);
    let body = event("call_started", "call_1", NUMBER);
    let signature = sign(&Secret::new(PLATFORM_KEY), &body, NOW.0);
    let mut line = TcpStream::connect(edge.address).await.unwrap();
    let bytes = request("POST", "/webhooks/retell", &[("x-retell-signature", &signature)], &body);
    line.write_all(&bytes).await.unwrap();
    edge.journal.arrived.notified().await;
    // Closed so, the line is reset, and the server drops what it was doing for it.
    line.set_zero_linger().unwrap();
    drop(line);
    for _ in 0..20 {
        assert_eq!(edge.send("GET", "/livez", &[], b"").await.status, 200);
    }
    edge.journal.shut.store(false, Ordering::SeqCst);
    edge.journal.opened.notify_waiters();
    edge.store.wait_for(|w| matches!(w, Write::Event(_)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_transcripts_are_refused_first_and_lifecycle_events_last() {
    let edge = Edge::start();
    let mut waiting = Vec::new();
    let mut statuses = Vec::new();
    for load in [0, TRANSCRIPTS_REFUSED_AT, READS_REFUSED_AT, WRITES_REFUSED_AT, LIFECYCLE_REFUSED_AT] {
        while waiting.len() < load {
            waiting.push(edge.services.traffic.begin_append());
        }
        let transcript = event("transcript_updated", "call_1", NUMBER);
        let transcript = edge.post("/webhooks/retell", PLATFORM_KEY, &transcript).await.status;
        let function = json!({ "name": "x", "call": { "call_id": "call_1" }, "args": {} }).to_string();
        let read =
            edge.post("/functions/retell/list_services", PLATFORM_KEY, function.as_bytes()).await.status;
        let write =
            edge.post("/functions/retell/request_callback", PLATFORM_KEY, function.as_bytes()).await.status;
        let ended =
            edge.post("/webhooks/retell", PLATFORM_KEY, &event("call_ended", "call_1", NUMBER)).await.status;
        statuses.push([transcript, read, write, ended]);
    }
    assert_eq!(
        statuses,
        [[204, 200, 200, 204], [503, 200, 200, 204], [503, 503, 200, 204], [503, 503, 503, 204], [503; 4]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_an_event_is_held_back_and_nobody_else_waits_for_it() {
    for (kind, load, else_answered) in
        [("transcript_updated", TRANSCRIPTS_REFUSED_AT, 200), ("call_ended", LIFECYCLE_REFUSED_AT, 503)]
    {
        let edge = Arc::new(Edge::start());
        let traffic = &edge.services.traffic;
        let _load: Vec<_> = (0..load).map(|_| traffic.begin_append()).collect();
        // Retell names the event first.
        let sorted: Value = serde_json::from_slice(&event(kind, "call_1", NUMBER)).unwrap();
        let body = format!(r#"{{"event":"{kind}","call":{}}}"#, sorted["call"]);
        let send = |edge: Arc<Edge>| {
            let body = body.clone();
            async move { edge.post("/webhooks/retell", PLATFORM_KEY, body.as_bytes()).await.status }
        };
        let function = json!({ "name": "x", "call": { "call_id": "call_1" }, "args": {} }).to_string();
        // Again where this test itself is held up for longer than a refusal.
        let held = loop {
            let held = tokio::spawn(send(edge.clone()));
            while traffic.refusals_held() == 0 && !held.is_finished() {
                tokio::task::yield_now().await;
            }
            let read = edge.post("/functions/retell/list_services", PLATFORM_KEY, function.as_bytes()).await;
            assert_eq!(read.status, else_answered);
            if traffic.refusals_held() == 1 {
                break held;
            }
        };
        assert_eq!(held.await.unwrap(), 503);
        assert_eq!(traffic.refusals_held(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_before_a_call_is_answered_and_creates_no_call() {
    let edge = Edge::start();
    // Everything is answered from memory: the database may be away.
    edge.database_is(false);
    for (kind, path) in [
        ("call_inbound", "/webhooks/retell/inbound"),
        ("chat_inbound", "/webhooks/retell/friseur-mitte/inbound"),
    ] {
        let body =
            json!({ "event": kind, kind: { "from_number": "+49301", "to_number": NUMBER } }).to_string();
        let answer = edge.post(path, PLATFORM_KEY, body.as_bytes()).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let told = &answer.json()[kind]["dynamic_variables"];
        assert_eq!((&told["company_name"], &told["customer_name"]), (&json!("Friseur Mitte"), &json!("")));
        let nobodys =
            json!({ "event": kind, kind: { "from_number": "+49301", "to_number": "+49999000111" } });
        let answer = edge.post(path, PLATFORM_KEY, nobodys.to_string().as_bytes()).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ kind: {} })));
        let elsewhere = edge.post("/webhooks/retell", PLATFORM_KEY, body.as_bytes()).await;
        assert_eq!((elsewhere.status, elsewhere.code().as_str()), (400, "not_an_event"));
    }
    let event =
        edge.post("/webhooks/retell/inbound", PLATFORM_KEY, &event("call_ended", "call_1", NUMBER)).await;
    assert_eq!((event.status, event.code().as_str()), (400, "not_inbound"));
    assert_eq!((edge.journaled(), edge.services.actors.calls.registry().live_count()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_answered_by_its_call_and_leaves_a_row() {
    let edge = Edge::start();
    let call = json!({ "call_id": "call_1", "to_number": NUMBER, "direction": "inbound" });
    let body =
        json!({ "name": "opening_hours_v17", "call": call, "args": { "call_id": "None" } }).to_string();
    for path in [
        "/functions/retell/opening_hours_v17",
        "/functions/retell",
        "/functions/retell?company=friseur-mitte",
    ] {
        let answer = edge.post(path, PLATFORM_KEY, body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["code"], "hours_unknown");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let row = edge
        .store
        .wait_for(|w| if let Write::FunctionCall(row) = w { Some(row.clone()) } else { None })
        .await;
    assert_eq!((row.function, row.success, row.code.as_str()), ("opening_hours", false, "hours_unknown"));
    let own = edge
        .post("/functions/retell/opening_hours?company=friseur-mitte", COMPANY_KEY, body.as_bytes())
        .await;
    assert_eq!(own.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_without_its_call_or_name_is_refused() {
    let edge = Edge::start();
    let sent = |path: &'static str, body: serde_json::Value| {
        let edge = &edge;
        async move { edge.post(path, PLATFORM_KEY, body.to_string().as_bytes()).await }
    };
    for call_id in ["None", "null", "undefined", "current", "current_call", "dummy_call_id", ""] {
        let body = json!({ "name": "opening_hours", "call": { "call_id": call_id }, "args": {} });
        let answer = sent("/functions/retell", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "call_id_missing"), "{call_id}");
    }
    let call = json!({ "call_id": "call_1" });
    for (path, body, code) in [
        ("/functions/retell/drop_tables", json!({ "call": call, "args": {} }), "function_unknown"),
        ("/functions/retell", json!({ "call": call, "args": {} }), "function_missing"),
        ("/functions/retell", json!({ "name": "x_v1", "call": call, "args": {} }), "function_unknown"),
        ("/functions/retell", json!({ "name": "opening_hours", "call": call, "args": 5 }), "args_refused"),
        ("/functions/retell", json!([]), "body_not_an_object"),
    ] {
        let answer = sent(path, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code));
    }
    let unsigned = edge.send("POST", "/functions/retell/opening_hours", &[], b"{}").await;
    assert_eq!(unsigned.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_companys_key_cannot_fill_the_service_with_calls() {
    let edge = Edge::start();
    let own = "/webhooks/retell/friseur-mitte";
    let began = async |path: &str, key: &str, call_id: &str| {
        edge.post(path, key, &event("call_started", call_id, NUMBER)).await.status
    };
    assert_eq!(began(own, COMPANY_KEY, "call_1").await, 204);
    edge.store.wait_for(|w| matches!(w, Write::Event(_)).then_some(())).await;
    let company = CompanyId::of_slugs(&["friseur-mitte"]);
    let many: Vec<_> = (0..CALLS_OF_OWN_KEY_MAX).map(|_| edge.services.actors.live.enter(company)).collect();
    let refused = edge.post(own, COMPANY_KEY, &event("call_started", "call_2", NUMBER)).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    let asked = json!({ "name": "list_services", "args": {},
        "call": { "call_id": "call_3", "to_number": NUMBER, "direction": "inbound", "call_type": "phone_call" } });
    let asked = asked.to_string();
    let at = "/functions/retell?company=friseur-mitte";
    assert_eq!(edge.post(at, COMPANY_KEY, asked.as_bytes()).await.status, 503);
    assert_eq!(edge.journaled(), 1);
    assert_eq!(began(own, COMPANY_KEY, "call_1").await, 204, "a call that exists is always taken");
    let late = edge.post(own, COMPANY_KEY, &event("call_ended", "call_5", NUMBER)).await;
    assert_eq!(late.status, 204, "it may end a call that left memory");
    assert_eq!(began(own, PLATFORM_KEY, "call_4").await, 204, "the platform's key is not the company's");
    drop(many);
    assert_eq!(began(own, COMPANY_KEY, "call_2").await, 204);
}
