//! Calls that Retell knows better: silent ones and missed ones, against a simulated Retell.

use std::sync::Arc;

use askpro::simulators::retell::{
    CallKind, CallScript, CompanyLine, Mix, RetellHandle, RetellSimulator, ScriptGenerator,
};
use serde_json::{Value, json};

use crate::support::{
    days::now_ms,
    eventually,
    service::{Service, Setup, companies},
};

const RETELL_KEY: &str = "key_retell_rest";
const HOUR_MS: i64 = 3_600_000;

/// A Retell, and a service that may ask it.
fn retell(setup: Setup) -> (RetellHandle, Setup) {
    let retell = RetellSimulator::start("127.0.0.1:0", RETELL_KEY, Arc::new(now_ms)).unwrap();
    let setup = setup.with("RETELL__BASE_URL", &retell.base_url()).with("RETELL__API_KEY", RETELL_KEY);
    (retell, setup)
}

/// Telephone calls of `hours` ago to the fixture's companies, as Retell would tell of them.
fn calls(count: usize, hours: i64) -> Vec<CallScript> {
    let mix = Mix { function_share: 0.0, ask_before_inbound: false, ..Mix::bookings(14) };
    let mut generator = ScriptGenerator::new(7, CompanyLine::from_import_json(&companies()), mix);
    let scripts = std::iter::repeat_with(|| generator.next(now_ms() - hours * HOUR_MS));
    scripts.filter(|script| script.expected.kind == CallKind::Inbound).take(count).collect()
}

fn body(script: &CallScript, event: &str) -> Vec<u8> {
    let delivery = script.deliveries.iter().find(|delivery| delivery.event == event).unwrap();
    delivery.body.to_vec()
}

async fn send(service: &Service, script: &CallScript, event: &str) {
    let answer = service.retell.post_bytes("/webhooks/retell", &body(script, event)).await;
    assert_eq!(answer.status.as_u16(), 204, "{answer:?}");
}

/// Begins a run and waits for its end.
async fn run(service: &Service) -> Value {
    let begun = service.retell.admin_answer("POST", "/admin/reconcile?hours=24").await;
    assert_eq!((begun.status.as_u16(), begun.json()), (202, json!({ "hours": 24, "accounts": 1 })));
    eventually("the run is over", async || {
        let line = service.admin("/admin/reconcile").await["items"][0].clone();
        (line["run"]["state"] == "complete").then_some(line)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_brings_what_was_missed_and_the_next_one_brings_nothing() {
    let (retell, setup) = retell(Setup::new().with("RETELL__RECONCILE_EVERY_S", "0"));
    let service = setup.start().await;
    let calls = calls(3, 5);
    let [whole, unended, unknown] = &calls[..] else { panic!("three calls") };
    for script in &calls {
        retell.remember(script);
    }
    for event in ["call_started", "call_ended", "call_analyzed"] {
        send(&service, whole, event).await;
    }
    send(&service, unended, "call_started").await;
    service.tables.wait_for(4, "call_events").await;

    let line = run(&service).await;
    assert_eq!(line["id"], "platform", "{line}");
    assert_eq!(line["run"]["gaps"], json!({ "unended": 1, "unknown": 1 }), "{line}");
    assert_eq!((&line["run"]["calls_listed"], &line["run"]["filled"]), (&json!(3), &json!(2)), "{line}");
    service.tables.wait_for(3, "calls WHERE status = 'ended'").await;
    service.tables.wait_for(4, "call_events WHERE source = 'reconcile'").await;
    for script in [unended, unknown] {
        let shown = service.admin(&format!("/admin/calls/{}", script.call_id)).await;
        assert_eq!(
            (&shown["status"], &shown["closed_by"]),
            (&json!("ended"), &json!("reconcile")),
            "{shown}"
        );
        assert_eq!(shown["duration_ms"], script.expected.duration_ms, "{shown}");
        assert_eq!(shown["disconnection_reason"], json!(script.expected.disconnection_reason), "{shown}");
    }
    let timeline = service.admin(&format!("/admin/calls/{}/timeline", unended.call_id)).await;
    let told: Vec<_> =
        timeline["items"].as_array().unwrap().iter().map(|i| (&i["name"], &i["source"])).collect();
    assert!(told.contains(&(&json!("call_ended"), &json!("reconcile"))), "{timeline}");

    let columns = "call_id, dedup_key, event, source, body_hash, received_at";
    let order = "FROM call_events ORDER BY call_id, dedup_key";
    let rows = service.tables.rows(columns, order).await;
    assert_eq!(run(&service).await["run"]["gaps"], json!({}));
    assert_eq!(service.tables.rows(columns, order).await, rows, "nothing twice");

    // Retell's own word, late: it stays, and nothing is doubled.
    for event in ["call_ended", "call_analyzed"] {
        send(&service, unended, event).await;
    }
    let of_unended = format!("call_events WHERE call_id = '{}' AND source = 'webhook'", unended.call_id);
    service.tables.wait_for(3, &of_unended).await;
    assert_eq!(service.tables.count("call_events").await, 8);
    let metrics = String::from_utf8(service.retell.get("/metrics").await.body).unwrap();
    for line in [
        "askpro_reconcile_gaps_total{gap=\"unknown\"} ",
        "askpro_retell_requests_total{operation=\"get_call\",outcome=\"ok\"} ",
        "askpro_retell_requests_total{operation=\"list_calls\",outcome=\"ok\"} ",
    ] {
        let found = metrics.lines().find(|l| l.starts_with(line)).unwrap_or_else(|| panic!("{line}"));
        assert!(!found.ends_with(" 0"), "{found}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_silent_over_a_restart_is_closed_by_retells_word() {
    let (retell, setup) = retell(Setup::new().with("RETELL__RECONCILE_EVERY_S", "0"));
    let service = setup.start().await;
    let script = calls(1, 5).remove(0);
    send(&service, &script, "call_started").await;
    service.tables.wait_for(1, "calls WHERE status = 'live'").await;
    service.live_calls(1).await;
    let stopped = service.stop().await;
    assert_eq!(retell.requests(), 0, "nobody asks while a call may still be going on");
    // As if its first word had come three hours ago.
    stopped.tables.execute(&format!("UPDATE call_events SET received_at = {}", now_ms() - 3 * HOUR_MS)).await;
    retell.remember(&script);
    let service = stopped.start().await;
    service.tables.wait_for(1, "calls WHERE status = 'ended'").await;
    let shown = service.admin(&format!("/admin/calls/{}", script.call_id)).await;
    assert_eq!(
        (&shown["closed_by"], &shown["duration_ms"]),
        (&json!("reconcile"), &json!(script.expected.duration_ms))
    );
    service.live_calls(0).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_begins_with_the_service() {
    let (retell, setup) = retell(Setup::new());
    let missed = calls(2, 5);
    missed.iter().for_each(|script| retell.remember(script));
    let service = setup.start().await;
    service.tables.wait_for(2, "calls WHERE status = 'ended'").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nobody_is_asked_and_the_admin_hears_why() {
    let service = Service::start().await;
    let refused = service.retell.admin_answer("POST", "/admin/reconcile").await;
    refused.assert_problem(409, "not_configured");
    for hours in ["0", "169", "x", "-1"] {
        let refused = service.retell.admin_answer("POST", &format!("/admin/reconcile?hours={hours}")).await;
        refused.assert_problem(400, "parameter_refused");
    }
    let list = service.admin("/admin/reconcile").await;
    assert_eq!(list, json!({ "items": [], "next_cursor": null }));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_whether_retell_takes_the_key() {
    let (_retell, setup) = retell(Setup::new());
    let mut setup = setup;
    let _calcom = setup.calcom();
    let line = async |setup: &Setup| {
        let report = askpro::app::doctor(setup.config()).await;
        report.lines.into_iter().find(|line| line.contains("retell:")).unwrap()
    };
    assert!(line(&setup).await.starts_with("ok "), "{}", line(&setup).await);
    assert!(line(&setup).await.contains("takes 1 of 1 keys"));
    let wrong = setup.with("RETELL__API_KEY", "key_of_somebody_else");
    let refused = line(&wrong).await;
    assert!(refused.starts_with("FAIL") && refused.contains("refuses retell.api_key"), "{refused}");
    let without = wrong.with("RETELL__API_KEY", "");
    let none = line(&without).await;
    assert!(none.starts_with("ok ") && none.contains("no API key is known"), "{none}");
    // A company's own is tried too, and then only the others go without.
    let mut file = companies();
    file["companies"][0]["retell_api_key"] = json!("key_of_somebody_else");
    without.import(&file).await.unwrap();
    let refused = line(&without).await;
    assert!(refused.contains("refuses retell_api_key of friseur-mitte"), "{refused}");
    file["companies"][0]["retell_api_key"] = json!(RETELL_KEY);
    without.import(&file).await.unwrap();
    let own = line(&without).await;
    assert!(own.contains("takes 1 of 1 keys; of companies without a key of their own"), "{own}");
}
