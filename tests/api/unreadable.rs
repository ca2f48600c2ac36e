//! What cannot be read stops nobody, is kept and is told.

use askpro::{
    compress::decompress,
    journal::{Journal, JournalOptions, Record},
};

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{
    days::slot,
    eventually,
    retell::{call, call_to, event, over},
    service::{Service, Setup, companies},
};

/// Lays records into the journal of a service that was not started yet.
async fn lay(setup: &Setup, records: &[(u8, &'static [u8])]) {
    let options = JournalOptions { dir: setup.journal_dir(), max_bytes: 1 << 20, segment_bytes: 1 << 18 };
    let (journal, _) = Journal::open(options, || "journal-1".to_owned()).unwrap();
    for (kind, payload) in records {
        journal.append(Record { kind: *kind, payload: (*payload).into() }).await.unwrap();
    }
    journal.close().await.unwrap();
}

/// Lines of the page of metrics that begin so.
async fn metric(service: &Service, series: &str) -> f64 {
    let page = String::from_utf8(service.retell.get("/metrics").await.body).unwrap();
    let value = page.lines().find_map(|line| line.strip_prefix(series));
    value.unwrap_or_else(|| panic!("{series} is not on the page")).trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_newer_release_is_kept_whole_and_told() {
    let setup = Setup::new();
    let (unknown, scheduling) = (b"of a release of tomorrow", br#"{"record":"of_tomorrow"}"#);
    lay(&setup, &[(9, unknown), (2, scheduling)]).await;
    let service = setup.start().await;
    service.tables.wait_for(2, "dead_letters WHERE actor = 'journal'").await;
    let names = service.tables.texts("message", "FROM dead_letters ORDER BY id").await;
    assert_eq!(names, ["record_kind_9", "scheduling_record"]);
    let mut bodies: Vec<Vec<u8>> = service.tables.blobs("body", "dead_letters").await;
    bodies.iter_mut().for_each(|body| *body = decompress(body, 1_000).unwrap());
    bodies.sort();
    assert_eq!(bodies, [unknown.to_vec(), scheduling.to_vec()]);
    assert!(metric(&service, "askpro_dead_letters_total{actor=\"journal\"}").await >= 2.0);

    let letters = service.admin("/admin/dead-letters").await;
    for letter in letters["items"].as_array().unwrap() {
        assert_eq!(letter["replayable"], false, "{letter}");
        let path = format!("/admin/dead-letters/{}/replay", letter["id"].as_str().unwrap());
        service.retell.admin_answer("POST", &path).await.assert_problem(409, "not_replayable");
    }
    service.settled().await;
    let next = service.stop().await.start().await;
    assert_eq!(next.tables.count("dead_letters").await, 2, "they are in the database, once");
    next.stop().await;
}

const ROW_OF_A: &str = "UPDATE companies SET settings = X'7B' WHERE slug = 'friseur-mitte'";
const IN_A: &str = "company_id = (SELECT id FROM companies WHERE slug = 'friseur-mitte')";

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_company_stops_no_other_and_its_calls_wait_for_it() {
    let service = Service::start().await;
    service.retell.event(&event("call_started", &call("call_before"))).await;
    service.tables.wait_for(1, "calls").await;
    let stopped = service.stop().await;
    stopped.tables.execute(ROW_OF_A).await;
    let service = stopped.start().await;
    let (retell, tables) = (&service.retell, &service.tables);
    assert!(metric(&service, "askpro_rows_unreadable_total{table=\"companies\"}").await >= 1.0);
    let ready = retell.get("/readyz").await.json();
    assert_eq!((&ready["status"], &ready["database"]), (&json!("ready"), &json!("up")), "{ready}");
    let there = service.admin("/admin/companies").await["items"].as_array().unwrap().clone();
    assert_eq!(there.len(), 1, "{there:?}");

    // New calls wait, also one whose agent is another company's; what was placed before stays where it is.
    retell.event(&event("call_started", &call("call_new"))).await;
    retell.event(&event("call_started", &call_to("+493083793369", "agent_b1", "call_between"))).await;
    retell.event(&event("call_ended", &over(&call("call_before"), 9_000, "user_hangup"))).await;
    retell.event(&event("call_started", &call_to("+494035791113", "agent_b1", "call_of_b"))).await;
    tables.wait_for(2, "quarantine WHERE reason = 'unknown_number_or_agent'").await;
    tables.wait_for(1, &format!("calls WHERE call_id = 'call_before' AND status = 'ended' AND {IN_A}")).await;
    tables.wait_for(1, &format!("calls WHERE call_id = 'call_of_b' AND NOT {IN_A}")).await;
    assert_eq!(tables.count("calls").await, 2);
    let answer = retell.function("list_services", &call("call_new"), json!({})).await;
    assert_eq!(answer.code(), "company_unknown", "{answer:?}");

    let mut keyless = companies();
    keyless["companies"][0].as_object_mut().unwrap().remove("calcom_api_key");
    let refused = format!("{:#}", service.setup.import(&keyless).await.unwrap_err());
    assert!(refused.contains("friseur-mitte: the row of this company cannot be read"), "{refused}");
    let imported = service.setup.import(&companies()).await.unwrap();
    assert!(imported.to_string().contains("friseur-mitte: its row cannot be read"), "{imported}");
    eventually("the running service knows the company again", async || {
        let (status, _) = retell.admin("/admin/companies/friseur-mitte").await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
    retell.event(&event("call_ended", &over(&call("call_new"), 9_000, "user_hangup"))).await;
    tables.wait_for(1, &format!("calls WHERE call_id = 'call_new' AND status = 'ended' AND {IN_A}")).await;
    tables.wait_for(2, "call_events WHERE call_id = 'call_new'").await;
    tables.wait_for(1, "quarantine").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_whose_row_is_damaged_under_a_running_service_stays_as_it_was() {
    let service = Service::start().await;
    service.tables.execute(ROW_OF_A).await;
    let mut renamed = companies();
    renamed["companies"].as_array_mut().unwrap().remove(0);
    renamed["companies"][0]["name"] = json!("Zahnarzt am Hafen");
    service.setup.import(&renamed).await.unwrap();
    eventually("the running service sees the import of the other", async || {
        let other = service.admin("/admin/companies/zahnarzt-hamburg").await;
        (other["name"] == "Zahnarzt am Hafen").then_some(())
    })
    .await;
    let ready = service.retell.get("/readyz").await.json();
    assert_eq!((&ready["status"], &ready["database"]), (&json!("ready"), &json!("up")), "{ready}");
    service.retell.event(&event("call_started", &call("call_u3"))).await;
    service.tables.wait_for(1, &format!("calls WHERE call_id = 'call_u3' AND {IN_A}")).await;
    let answer = service.retell.function("list_services", &call("call_u3"), json!({})).await;
    assert_eq!(answer.json()["success"], true, "{answer:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_rows_of_calls_and_bookings_leave_the_others_to_be_seen() {
    let service = Setup::new().with("CALLS__IDLE_S", "1").start().await;
    let (retell, tables, at) = (&service.retell, &service.tables, slot(14, 0));
    for name in ["call_v1", "call_v2", "call_v3"] {
        retell.event(&event("call_started", &call(name))).await;
    }
    let order = json!({ "service": "Herrenhaarschnitt", "date": at.german_date, "time": at.time,
        "customer_name": "Anna Schmidt" });
    let booked = retell.function("book_appointment", &call("call_v2"), order).await;
    assert_eq!(booked.code(), "confirmed", "{booked:?}");
    for name in ["call_v1", "call_v2", "call_v3"] {
        retell.event(&event("call_ended", &over(&call(name), 9_000, "user_hangup"))).await;
    }
    eventually("the calls leave memory", async || {
        let list = service.admin("/admin/calls?state=all").await;
        let items = list["items"].as_array().unwrap();
        (items.len() == 3 && items.iter().all(|item| item["in_memory"] == false)).then_some(())
    })
    .await;
    service.settled().await;
    tables.execute("UPDATE calls SET state = X'7B' WHERE call_id = 'call_v1'").await;
    tables.execute("UPDATE appointments SET state = X'7B'").await;
    for path in ["/admin/calls?state=ended", "/admin/calls?state=all", "/admin/calls?state=ended&limit=1"] {
        let list = service.admin(path).await;
        let (ids, next) = (list["items"].as_array().unwrap(), &list["next_cursor"]);
        let ids: Vec<&str> = ids.iter().map(|item| item["id"].as_str().unwrap()).collect();
        let (seen, after) = (["call_v2", "call_v3"], json!("call_v2"));
        match path.contains("limit") {
            true => assert_eq!((ids.as_slice(), next), (&seen[..1], &after), "{list}"),
            false => assert_eq!((ids.as_slice(), next), (&seen[..], &json!(null)), "{list}"),
        }
    }
    let damaged = service.retell.admin_answer("GET", "/admin/calls/call_v1").await;
    damaged.assert_problem(500, "row_unreadable");
    let detail = damaged.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("call call_v1: "), "{detail}");
    let shown = service.admin("/admin/calls/call_v2").await;
    assert_eq!(shown["appointments"][0]["status"], "confirmed", "as the call knows it: {shown}");
    assert_eq!(shown["events"].as_array().map(Vec::len), Some(2), "{shown}");
    let timeline = service.admin("/admin/calls/call_v2/timeline").await;
    assert!(timeline["items"].as_array().unwrap().iter().all(|item| item["kind"] != "booking"), "{timeline}");
    service.stop().await;
}
