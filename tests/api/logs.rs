//! What an operator reads in the log, and what not.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use serde_json::Value;
use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{
    eventually,
    program::Program,
    retell::{call, event},
    service::{ADMIN_TOKEN, Setup, WEBHOOK_KEY, companies},
};

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_lines_say_what_runs_and_what_is_missing() {
    let setup = Setup::new()
        .with("LOG__LEVEL", "info")
        .with("ADMIN__TOKEN", "")
        .with("RETELL__WEBHOOK_KEYS", "")
        .with("CALCOM__API_KEY", "cal_secret");
    let program = Program::start(&setup).await;
    let log = eventually("the last warning", async || {
        let log = program.log();
        log.iter().any(|line| text(line, "setting") == "companies").then_some(log)
    })
    .await;
    let ready = log.iter().find(|line| text(line, "message") == "ready").unwrap();
    assert_eq!(text(ready, "version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(format!("http://{}", text(ready, "http.bind")), program.retell.base);
    assert_eq!(text(ready, "database.kind"), "sqlite");
    assert_eq!(text(ready, "database.url"), setup.database_url());
    assert_eq!(text(ready, "journal.dir"), setup.journal_dir().display().to_string());
    assert_eq!((text(ready, "journal.id").len(), &ready["epoch"]), (32, &Value::from(1)));
    let warned = log.iter().filter(|line| text(line, "level") == "WARN").map(|line| text(line, "setting"));
    assert_eq!(warned.collect::<Vec<_>>(), ["retell.webhook_keys", "admin.token", "companies"]);
    assert!(log.iter().all(|line| !line.to_string().contains("cal_secret")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_where_keys_token_and_companies_are_there() {
    let setup = Setup::new().with("LOG__LEVEL", "info");
    setup.import(&companies()).await.unwrap();
    let program = Program::start(&setup).await;
    program.retell.event(&event("call_started", &call("call_l1"))).await;
    let log = program.log();
    assert!(log.iter().all(|line| text(line, "level") == "INFO"), "{log:#?}");
    let all = log.iter().map(Value::to_string).collect::<String>();
    assert!(!all.contains(ADMIN_TOKEN) && !all.contains(WEBHOOK_KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_database_is_told_once_and_so_is_its_end() {
    let setup = Setup::new()
        .with("LOG__LEVEL", "info")
        .with("DATABASE__LEASE_TTL_MS", "3000")
        .with("DATABASE__ACQUIRE_TIMEOUT_MS", "100");
    setup.import(&companies()).await.unwrap();
    let mut program = Program::start(&setup).await;
    let options = SqliteConnectOptions::from_str(setup.database_url()).unwrap();
    let mut away = SqliteConnection::connect_with(&options).await.unwrap();
    away.execute("BEGIN IMMEDIATE").await.unwrap();
    program.retell.event(&event("call_started", &call("call_l2"))).await;
    program.wait_until("degraded").await;
    let since = Instant::now();
    eventually("mark, lease and writers have tried several times", async || {
        (since.elapsed() > Duration::from_secs(5)).then_some(())
    })
    .await;
    let told = |log: &[Value]| {
        let levels = ["WARN", "ERROR"];
        log.iter().filter(|line| levels.contains(&text(line, "level"))).cloned().collect::<Vec<_>>()
    };
    let during = told(&program.log());
    assert_eq!(during.len(), 1, "{during:#?}");
    assert!(text(&during[0], "message").contains("the database does not answer"), "{during:#?}");
    away.execute("ROLLBACK").await.unwrap();
    program.wait_until("ready").await;
    let log = eventually("the end is told", async || {
        let log = program.log();
        log.iter().any(|line| text(line, "message").contains("answers again")).then_some(log)
    })
    .await;
    let ends: Vec<_> = log.iter().filter(|line| text(line, "message").contains("answers again")).collect();
    assert!(ends.len() == 1 && ends[0]["duration_ms"].as_i64() > Some(1_000), "{ends:?}");
    assert_eq!(told(&log).len(), 1);
}
