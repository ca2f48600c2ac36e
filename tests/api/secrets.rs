//! The token with which a stranger could join a web call is kept nowhere.

use std::path::Path;

use askpro::{
    compress::{DECOMPRESSED_BYTES_MAX, decompress},
    journal::{self, Journal, JournalOptions, Position},
};
use askpro_actors::ports::journal::Record;
use serde_json::json;

use crate::support::{
    retell::{call, event, fixture, over},
    service::Service,
};

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.tell-nobody";

fn holds_token(bytes: &[u8]) -> bool {
    bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes())
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_never_reaches_a_disk() {
    let service = Service::start().await;
    let mut web = fixture("call_ended_web");
    web["call"]["access_token"] = json!(TOKEN);
    web["call"]["nested"] = json!([{ "access_token": { "value": TOKEN } }]);
    service.retell.event(&web).await;
    let mut stranger = event("call_ended", &over(&call("call_x1"), 1_000, "user_hangup"));
    stranger["call"]["to_number"] = json!("+49999000111");
    stranger["call"]["access_token"] = json!(TOKEN);
    service.retell.event(&stranger).await;
    let mut alert = fixture("alert_triggered");
    alert["alert"]["access_token"] = json!(TOKEN);
    service.retell.event(&alert).await;
    let mut asked = fixture("custom_function_web_call");
    asked["call"]["access_token"] = json!(TOKEN);
    asked["args"] = json!({ "service": "Herrenhaarschnitt", "date": "morgen", "time": "10:00" });
    service.retell.post("/functions/retell/check_availability", &asked).await;
    service.tables.wait_for(1, "call_events").await;
    service.tables.wait_for(1, "quarantine").await;
    service.tables.wait_for(1, "platform_events").await;

    for table in ["call_events", "quarantine", "platform_events"] {
        for packed in service.tables.blobs("body", table).await {
            let body = decompress(&packed, DECOMPRESSED_BYTES_MAX).unwrap();
            let text = String::from_utf8(body).unwrap();
            assert!(text.contains("access_token") && !text.contains(TOKEN), "{table}: {text}");
        }
    }
    for state in service.tables.blobs("state", "calls").await {
        assert!(!holds_token(&state));
    }
    let stopped = service.stop().await;
    for file in files(stopped.setup.folder.path()) {
        assert!(!holds_token(&std::fs::read(&file).unwrap()), "{}", file.display());
    }
    assert_eq!(journaled_bodies(&stopped.setup.journal_dir()), 3);
}

/// Reads every event in the journal; gives their number.
fn journaled_bodies(dir: &Path) -> usize {
    let options = JournalOptions { dir: dir.to_owned(), max_bytes: 1 << 30, segment_bytes: 1 << 20 };
    let (journal, opened) = Journal::open(options, || panic!("the journal is there")).unwrap();
    let mut bodies = 0;
    for item in journal.replay(Position(opened.first.0)) {
        let (_, record) = item.unwrap();
        if let Record::RetellEvent { body, .. } = journal::port::decode(record).unwrap() {
            let body = decompress(&body, DECOMPRESSED_BYTES_MAX).unwrap();
            assert!(!holds_token(&body), "in the journal");
            bodies += 1;
        }
    }
    bodies
}
