//! What cannot be read stops nobody, is kept and is told.

use askpro::{
    compress::decompress,
    journal::{Journal, JournalOptions, Record},
};

use crate::support::service::{Service, Setup};

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
