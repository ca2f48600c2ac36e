//! The same story on MariaDB and MySQL, each in a schema of its own.

use serde_json::json;

use crate::support::{
    database::Tables,
    days::slot,
    program::{Program, run},
    retell::{call, call_to, event, fixture, over},
    schema::Schema,
    service::{Setup, companies},
};

/// Events in any order, a booking, quarantine and its replay, an alert, a restart.
async fn the_whole_story(variable: &str) {
    let Some(schema) = Schema::make(variable).await else { return };
    let service = Setup::new().with("DATABASE__URL", &schema.url).start().await;
    let (retell, call) = (&service.retell, call("call_d1"));
    let ended = event("call_ended", &over(&call, 144_000, "user_hangup"));
    retell.event(&event("call_started", &call)).await;
    let at = slot(16, 30);
    let wish = json!({ "dienstleistung": "Herrenhaarschnitt", "datum": at.german_date, "uhrzeit": at.time });
    assert_eq!(retell.function("check_availability", &call, wish).await.code(), "available");
    let order = json!({ "customer_name": "Änne Groß \u{1F642}", "notizen": "bitte '; DROP TABLE calls" });
    let booked = retell.function("book_appointment", &call, order).await;
    assert_eq!(booked.json()["status"], "confirmed", "{booked:?}");
    for _ in 0..3 {
        retell.event(&ended).await;
    }
    retell.event(&fixture("alert_triggered")).await;
    retell.event(&event("call_started", &call_to("+49999000111", "agent_x", "call_d2"))).await;
    let tables = &service.tables;
    tables.wait_for(2, "call_events WHERE call_id = 'call_d1'").await;
    tables.wait_for(1, "platform_events").await;
    tables.wait_for(1, "quarantine").await;
    tables.wait_for_text("outcome", "FROM calls WHERE status = 'ended'", "booked").await;
    tables.wait_for(1, "outbox WHERE call_id = 'call_d1'").await;
    let row = tables.rows("starts_at, status", "FROM appointments").await.remove(0);
    assert_eq!(row, [Some(at.starts_ms.to_string()), Some("confirmed".to_owned())]);
    let id = service.admin("/admin/quarantine").await["items"][0]["id"].as_str().unwrap().to_owned();

    let mut mapped = companies();
    mapped["companies"][1]["branches"][0]["phone_numbers"] = json!(["+494035791113", "+49999000111"]);
    let stopped = service.stop().await;
    stopped.setup.import(&mapped).await.unwrap();
    let service = stopped.start().await;
    let replayed = service.retell.admin_answer("POST", &format!("/admin/quarantine/{id}/replay")).await;
    assert_eq!(replayed.json()["outcome"], "placed", "{replayed:?}");
    service.tables.wait_for(0, "quarantine").await;
    service.tables.wait_for(2, "calls").await;
    let shown = service.admin("/admin/calls/call_d1").await;
    assert_eq!(
        (&shown["status"], &shown["appointments"][0]["status"]),
        (&json!("ended"), &json!("confirmed"))
    );
    let live = service.admin("/admin/calls?state=live").await;
    assert_eq!(live["items"][0]["id"], "call_d2", "{live}");
    service.stop().await;
    takes_over_after_a_kill(&schema).await;
}

/// The lease and the journal's mark work on this database too.
async fn takes_over_after_a_kill(schema: &Schema) {
    let mut setup = Setup::new().with("DATABASE__URL", &schema.url).with("DATABASE__LEASE_TTL_MS", "1000");
    let _calcom = setup.calcom();
    let (code, status, complaint) = run(&setup, &["migrate", "--status"]);
    assert!(code == 0 && status.lines().all(|line| line.contains("applied")), "{status}{complaint}");
    let mut first = Program::start(&setup).await;
    for number in 0..50 {
        first.retell.event(&event("call_started", &call(&format!("call_kill_{number}")))).await;
    }
    first.kill();
    let mut second = Program::start(&setup).await;
    let tables = Tables::open(&schema.url).await;
    tables.wait_for(50, "call_events WHERE call_id LIKE 'call_kill_%'").await;
    second.signal("TERM");
    assert_eq!(second.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_happens_on_mariadb() {
    the_whole_story("ASKPRO_TEST_MARIADB_URL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_happens_on_mysql() {
    the_whole_story("ASKPRO_TEST_MYSQL_URL").await;
}
