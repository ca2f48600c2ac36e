//! Admin pages and probes.

use std::sync::{Arc, atomic::Ordering};

use askpro_actors::ports::{rows::Write, stores::DeadLetter};
use askpro_domain::tenant::Directory;
use serde_json::json;

use super::harness::{Edge, NOW, PLATFORM_KEY, TOKEN, event, friseur};
use crate::compress::compress;

const NUMBER: &str = "+493083793369";

#[tokio::test(flavor = "multi_thread")]
async fn everything_under_admin_wants_the_token() {
    let edge = Edge::start();
    for path in ["/admin/status", "/admin/calls", "/admin/nowhere", "/admin/calls/x/timeline"] {
        let answer = edge.send("GET", path, &[], b"").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_refused"), "{path}");
        assert!(answer.header("www-authenticate").is_some());
        assert_eq!(edge.send("GET", path, &[("authorization", "Bearer let-me-inn")], b"").await.status, 401);
    }
    assert_eq!(edge.admin("GET", "/admin/nowhere").await.status, 404);
    assert_eq!(edge.admin("POST", "/admin/status").await.status, 405);
    let closed = Edge::start_with(None);
    assert_eq!(closed.admin("GET", "/admin/status").await.status, 401);
    let empty = Edge::start_with(Some(""));
    assert_eq!(empty.send("GET", "/admin/status", &[("authorization", "Bearer ")], b"").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_call_is_shown_as_its_actor_has_it() {
    let edge = Edge::start();
    edge.post("/webhooks/retell", PLATFORM_KEY, &event("call_started", "call_1", NUMBER)).await;
    edge.store.wait_for(|w| matches!(w, Write::Event(_)).then_some(())).await;
    let list = edge.admin("GET", "/admin/calls?state=live&company=friseur-mitte").await.json();
    assert_eq!(list["items"][0]["id"], "call_1");
    assert_eq!((&list["items"][0]["company"], &list["next_cursor"]), (&json!("friseur-mitte"), &json!(null)));
    let call = edge.admin("GET", "/admin/calls/call_1").await.json();
    assert_eq!(
        (&call["status"], &call["branch"], &call["outcome"]),
        (&json!("live"), &json!("mitte"), &json!(null))
    );
    assert_eq!(call["started_at"], "2026-11-23T08:00:00Z");
    assert_eq!(call["retell"]["call_status"], "ongoing");
    assert_eq!(
        call["events"],
        json!([{
            "event": "call_started", "dedup_key": "call_started", "received_at": "2026-11-23T08:00:00Z",
            "source": "webhook"
        }])
    );
    let timeline = edge.admin("GET", "/admin/calls/call_1/timeline").await.json();
    assert_eq!((&timeline["items"][0]["kind"], &timeline["next_cursor"]), (&json!("event"), &json!(null)));
    for path in ["/admin/calls/call_2", "/admin/calls/call_2/timeline", "/admin/companies/nobody"] {
        assert_eq!(edge.admin("GET", path).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_parameters_are_named() {
    let edge = Edge::start();
    for (path, name) in [
        ("/admin/calls?limit=0", "limit"),
        ("/admin/calls?limit=1001", "limit"),
        ("/admin/calls?state=dead", "state"),
        ("/admin/calls?company=nobody", "company"),
        ("/admin/actors?kind=ghost", "kind"),
        ("/admin/actors?cursor=ghost", "cursor"),
        ("/admin/actors?cursor=tenant:x", "cursor"),
        ("/admin/schedulers?cursor=x", "cursor"),
        ("/admin/quarantine?cursor=%00", "cursor"),
        ("/admin/dead-letters?limit=x", "limit"),
    ] {
        let answer = edge.admin("GET", path).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "parameter_refused"), "{path}");
        assert!(answer.body.contains(&format!("`{name}`")), "{path}: {}", answer.body);
    }
    let ghost = edge.admin("GET", "/admin/actors?kind=ghost").await;
    assert!(askpro_actors::metrics::ACTORS.iter().all(|kind| ghost.body.contains(kind)), "{}", ghost.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_there_and_keys_are_not() {
    let edge = Edge::start();
    edge.post("/webhooks/retell", PLATFORM_KEY, &event("call_started", "call_1", NUMBER)).await;
    edge.store.wait_for(|w| matches!(w, Write::Event(_)).then_some(())).await;
    let status = edge.admin("GET", "/admin/status").await.json();
    assert_eq!(
        (&status["status"], &status["calls_live"], &status["restarts"]),
        (&json!("ready"), &json!(1), &json!(3))
    );
    assert_eq!(status["writers"].as_array().map(Vec::len), Some(2));
    assert_eq!((&status["uptime_s"], &status["database_kind"]), (&json!(90), &json!("sqlite")));
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["holds_active"], &status["bookings_unknown"]), (&json!(0), &json!(0)));
    let company = edge.admin("GET", "/admin/companies/friseur-mitte").await;
    assert!(!company.body.contains("key_friseur"), "{}", company.body);
    assert_eq!(company.json()["keys"]["retell_webhook_keys"], 1);
    assert_eq!(company.json()["calls_live"], 1);
    assert_eq!(edge.admin("GET", "/admin/companies").await.json()["items"][0]["id"], "friseur-mitte");
    let actors = edge.admin("GET", "/admin/actors?limit=1").await.json();
    assert_eq!(
        (&actors["items"][0]["kind"], &actors["next_cursor"]),
        (&json!("call"), &json!("call:call_1"))
    );
    let rest = edge.admin("GET", "/admin/actors?cursor=call:call_1").await.json();
    let kinds: Vec<&str> =
        rest["items"].as_array().unwrap().iter().filter_map(|a| a["kind"].as_str()).collect();
    assert!(kinds.starts_with(&["tenant", "writer"]), "{kinds:?}");
    assert_eq!(edge.admin("GET", "/admin/writers").await.json()["items"][0]["id"], "writer-0");
    assert_eq!(
        edge.admin("GET", "/admin/schedulers").await.json(),
        json!({ "items": [], "next_cursor": null })
    );
    assert!(edge.send("GET", "/metrics", &[], b"").await.body.contains("askpro_actor_restarts_total"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_call_waits_in_quarantine_until_its_number_is_known() {
    let edge = Edge::start();
    *edge.companies.0.lock().unwrap() = Arc::new(Directory::default());
    edge.post("/webhooks/retell", PLATFORM_KEY, &event("call_ended", "call_9", NUMBER)).await;
    edge.store.wait_for(|w| matches!(w, Write::Quarantine(_)).then_some(())).await;
    let item = edge.admin("GET", "/admin/quarantine").await.json()["items"][0].clone();
    assert_eq!((&item["call_id"], &item["reason"]), (&json!("call_9"), &json!("unknown_number_or_agent")));
    let path = format!("/admin/quarantine/{}/replay", item["id"].as_str().unwrap());
    let counted = || async {
        let status = edge.admin("GET", "/admin/status").await.json();
        (status["quarantined"].clone(), status["dead_letters"].clone())
    };
    assert_eq!(counted().await, (json!(1), json!(0)));
    edge.database_is(false);
    assert_eq!(counted().await, (json!(null), json!(null)), "the page is shown without the database too");
    edge.database_is(true);
    let early = edge.admin("POST", &path).await;
    assert_eq!((early.status, &early.json()["outcome"]), (200, &json!("still_quarantined")));
    *edge.companies.0.lock().unwrap() = Arc::new(friseur());
    let placed = edge.admin("POST", &path).await.json();
    assert_eq!((&placed["outcome"], &placed["company"]), (&json!("placed"), &json!("friseur-mitte")));
    edge.store.wait_for(|w| matches!(w, Write::QuarantineReleased(_)).then_some(())).await;
    edge.store.wait_for(|w| matches!(w, Write::Event(_)).then_some(())).await;
    assert_eq!(edge.admin("POST", "/admin/quarantine/q_nothing/replay").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_event_comes_back_through_the_journal() {
    let edge = Edge::start();
    let letter = |id: &str, message: &str, body: Option<Vec<u8>>| DeadLetter {
        id: id.to_owned(),
        actor: "call".to_owned(),
        actor_id: "call_5".to_owned(),
        message: message.to_owned(),
        error: "src/x.rs:1".to_owned(),
        signer_company: None,
        created_at: NOW,
        body,
    };
    let body = compress(&event("call_ended", "call_5", NUMBER)).unwrap().to_vec();
    let letters = [letter("one", "retell_event", Some(body)), letter("two", "rows", None)];
    edge.store.dead_letters.lock().unwrap().extend(letters);
    let list = edge.admin("GET", "/admin/dead-letters").await.json();
    assert_eq!(
        (&list["items"][0]["replayable"], &list["items"][1]["replayable"]),
        (&json!(true), &json!(false))
    );
    let answer = edge.admin("POST", "/admin/dead-letters/one/replay").await;
    assert_eq!((answer.status, edge.journaled()), (202, 1), "{answer:?}");
    edge.store.wait_for(|w| matches!(w, Write::Event(_)).then_some(())).await;
    edge.store.wait_for(|w| matches!(w, Write::DeadLetterReplayed(_)).then_some(())).await;
    assert_eq!(edge.admin("POST", "/admin/dead-letters/two/replay").await.code(), "not_replayable");
    assert_eq!(edge.admin("POST", "/admin/dead-letters/one/replay").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_what_is_wrong() {
    let edge = Edge::start();
    let probe = || async { edge.send("GET", "/readyz", &[], b"").await };
    let ready = probe().await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("ready")));
    assert_eq!((&ready.json()["since"], ready.json().get("owner")), (&json!("2026-11-23T08:00:00Z"), None));
    edge.time.advance(5_000);
    assert_eq!(probe().await.json()["since"], "2026-11-23T08:00:00Z", "it is ready as before");
    edge.database_is(false);
    let degraded = probe().await;
    assert_eq!((degraded.status, &degraded.json()["status"]), (200, &json!("degraded")));
    assert_eq!(degraded.json()["database"], "down");
    assert_eq!(degraded.json()["since"], "2026-11-23T08:00:05Z");
    assert_eq!(edge.admin("GET", "/admin/calls?state=ended").await.code(), "database_unavailable");
    edge.journal.full.store(true, Ordering::SeqCst);
    let full = probe().await;
    assert_eq!((full.status, &full.json()["status"]), (503, &json!("journal_full")));
    edge.journal.full.store(false, Ordering::SeqCst);
    edge.database_is(true);
    assert_eq!(probe().await.json()["status"], "ready");
    assert_eq!(
        edge.send("GET", "/admin/status", &[("authorization", &format!("bearer {TOKEN}"))], b"").await.status,
        200
    );
}
