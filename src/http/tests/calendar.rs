//! What calendars announce: verified, in the journal before the answer, then a row and in sight.

use std::sync::{Arc, atomic::Ordering};

use askpro_actors::ports::{journal::Record, rows::Write};
use askpro_domain::{ids::CompanyId, secret::Secret, tenant::Directory};
use serde_json::{Value, json};

use super::harness::{BODY_BYTES_MAX, CALCOM_SECRET, Edge, NOW};
use crate::{
    compress::decompress, http::webhooks::testing::sign_calcom, usecases::load::LIFECYCLE_REFUSED_AT,
};

const ADDRESS: &str = "/webhooks/calcom/friseur-mitte";
const HEADER: &str = "x-cal-signature-256";

fn created() -> Value {
    json!({ "triggerEvent": "BOOKING_CREATED", "createdAt": "2026-11-23T08:00:00.000Z", "payload": {
        "uid": "u1", "startTime": "2026-11-24T13:00:00Z", "endTime": "2026-11-24T13:30:00Z", "eventTypeId": 2001,
        "organizer": { "id": 9001 }, "oneTimePassword": "nobody-may-know", "iCalSequence": 0,
    }})
}

fn friseur() -> CompanyId {
    CompanyId::of_slugs(&["friseur-mitte"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_is_in_the_journal_before_its_answer_and_reaches_the_database() {
    let edge = Edge::start();
    let answer = edge.announce(CALCOM_SECRET, created().to_string().as_bytes()).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let Record::CalendarEvent { company, received_at, body } =
        edge.journal.records.lock().unwrap()[0].clone()
    else {
        panic!("an announcement is expected")
    };
    assert_eq!((company, received_at), (friseur(), NOW));
    let kept = String::from_utf8(decompress(&body, 100_000).unwrap()).unwrap();
    assert!(kept.contains("BOOKING_CREATED") && !kept.contains("nobody-may-know"), "{kept}");
    let row = edge
        .store
        .wait_for(|w| if let Write::CalendarEvent(row) = w { Some(row.clone()) } else { None })
        .await;
    assert_eq!(
        (row.company, row.event.as_str(), row.booking_uid.as_deref()),
        (friseur(), "BOOKING_CREATED", Some("u1"))
    );
    assert_eq!(row.dedup_key, "BOOKING_CREATED:u1:2026-11-23T08:00:00.000Z:0");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_what_the_companys_secret_did_not_sign() {
    let edge = Edge::start();
    let body = created().to_string();
    let right = sign_calcom(&Secret::new(CALCOM_SECRET), body.as_bytes());
    let (upper, other) = (right.to_uppercase(), sign_calcom(&Secret::new(CALCOM_SECRET), b"{}"));
    for (signature, code) in [
        ("no-secret-provided", "signature_without_secret"),
        ("", "signature_missing"),
        (upper.as_str(), "signature_malformed"),
        (&right[..63], "signature_malformed"),
        (other.as_str(), "signature_mismatch"),
    ] {
        let answer = edge.send("POST", ADDRESS, &[(HEADER, signature)], body.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code), "{signature}");
    }
    let unsigned = edge.send("POST", ADDRESS, &[], b"{not even JSON").await;
    assert_eq!((unsigned.status, unsigned.code().as_str()), (401, "signature_missing"));
    let twice = edge.send("POST", ADDRESS, &[(HEADER, &right), (HEADER, &right)], body.as_bytes()).await;
    assert_eq!((twice.status, twice.code().as_str()), (401, "signature_malformed"));
    assert_eq!(edge.announce("whsec_of_another", body.as_bytes()).await.status, 401);
    assert_eq!(edge.journaled(), 0);
    let own = edge.send("POST", ADDRESS, &[("X-CAL-SIGNATURE-256", &right)], body.as_bytes()).await;
    assert_eq!(own.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_a_missing_one_and_a_company_that_nobody_knows_are_answered_alike() {
    let edge = Edge::start();
    let body = created().to_string();
    let signature = sign_calcom(&Secret::new(CALCOM_SECRET), body.as_bytes());
    let sent = async |path: &str| edge.send("POST", path, &[(HEADER, &signature)], body.as_bytes()).await;
    let nobody = sent("/webhooks/calcom/nobody").await;
    assert_eq!((nobody.status, nobody.code().as_str()), (401, "signature_mismatch"));
    let wrong = edge.announce("whsec_of_another", body.as_bytes()).await;
    assert_eq!((wrong.status, &wrong.body), (401, &nobody.body));
    assert_eq!(sent("/webhooks/calcom").await.status, 404);
    let mut keyless = (**edge.companies.0.lock().unwrap().by_slug("friseur-mitte").unwrap()).clone();
    keyless.keys.calcom_webhook_secret = None;
    *edge.companies.0.lock().unwrap() = Arc::new(Directory::new([keyless]));
    let refused = sent(ADDRESS).await;
    assert_eq!((refused.status, &refused.body), (401, &nobody.body));
    let get = edge.send("GET", ADDRESS, &[], b"").await;
    assert_eq!((get.status, get.header("allow")), (405, Some("post")));
    assert_eq!(edge.journaled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_announcement_or_too_large_is_refused() {
    let edge = Edge::start();
    for (body, code) in [
        ("not JSON", "body_not_an_object"),
        ("[1]", "body_not_an_object"),
        ("", "body_not_an_object"),
        ("{}", "trigger_missing"),
    ] {
        let answer = edge.announce(CALCOM_SECRET, body.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{body}");
    }
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    let answer = edge.announce(CALCOM_SECRET, &large).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert_eq!(edge.journaled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_triggers_of_the_future_and_owners_templates_are_kept() {
    let edge = Edge::start();
    let ping = json!({ "triggerEvent": "PING", "createdAt": "2026-11-23T08:00:00.000Z", "payload": {} });
    let future = json!({ "triggerEvent": "HOST_TELEPORTED", "payload": { "uid": 17 } });
    for body in [ping, future] {
        assert_eq!(edge.announce(CALCOM_SECRET, body.to_string().as_bytes()).await.status, 204);
    }
    let form = b"wer=Anna&wann=morgen";
    let signature = sign_calcom(&Secret::new(CALCOM_SECRET), form);
    let sent = async |content_type: &str| {
        edge.send("POST", ADDRESS, &[(HEADER, &signature), ("content-type", content_type)], form).await.status
    };
    assert_eq!(sent("application/json").await, 400);
    assert_eq!(sent("application/x-www-form-urlencoded; charset=utf-8").await, 204);
    edge.store
        .wait_for(|w| matches!(w, Write::CalendarEvent(row) if row.event == "custom_template").then_some(()))
        .await;
    let list = edge.admin("GET", "/admin/companies/friseur-mitte/calendar-events?limit=2").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
    assert!(list["items"][0]["id"].as_str().unwrap().starts_with("ce_"), "{list}");
    assert_eq!(list["next_cursor"], list["items"][1]["id"]);
    let unknown = edge.admin("GET", "/admin/companies/nobody/calendar-events").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "not_found"));
    let closed = edge.send("GET", "/admin/companies/friseur-mitte/calendar-events", &[], b"").await;
    assert_eq!(closed.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_and_too_much_work_send_announcements_away() {
    let edge = Edge::start();
    let body = created().to_string();
    edge.journal.full.store(true, Ordering::SeqCst);
    let full = edge.announce(CALCOM_SECRET, body.as_bytes()).await;
    assert_eq!(
        (full.status, full.code().as_str(), full.header("retry-after")),
        (503, "journal_full", Some("2"))
    );
    edge.journal.full.store(false, Ordering::SeqCst);
    let waiting: Vec<_> = (0..LIFECYCLE_REFUSED_AT).map(|_| edge.services.traffic.begin_append()).collect();
    let shed = edge.announce(CALCOM_SECRET, body.as_bytes()).await;
    assert_eq!((shed.status, shed.code().as_str()), (503, "overloaded"));
    drop(waiting);
    assert_eq!((edge.announce(CALCOM_SECRET, body.as_bytes()).await.status, edge.journaled()), (204, 1));
}
