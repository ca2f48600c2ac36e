//! Migrations and connections.

use std::collections::BTreeMap;

use askpro_actors::ports::stores::{CompanyStore, StoreError};

use super::{super::dialect::Pools, Database, Scene, StoreOptions, on_every_database};

async fn migrating_twice_changes_nothing_and_everything_is_applied(scene: Scene) {
    scene.execute("UPDATE directory_version SET version = 41 WHERE id = 1").await;
    scene.database.migrate().await.unwrap();
    assert_eq!(scene.database.companies_version().await.unwrap(), 41);
    let lines = scene.database.migration_status().await.unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.applied), "{lines:?}");
    assert!(lines.is_sorted_by_key(|line| line.version));
}

async fn a_database_without_tables_says_that_nothing_is_applied(scene: Scene) {
    scene.execute("DROP TABLE _sqlx_migrations").await;
    let lines = scene.database.migration_status().await.unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|line| !line.applied), "{lines:?}");
}

async fn old_code_runs_on_a_newer_schema(scene: Scene) {
    let columns = "version, description, success, checksum, execution_time";
    scene
        .execute(&format!("INSERT INTO _sqlx_migrations ({columns}) VALUES (999999, 'later', TRUE, 'x', 1)"))
        .await;
    scene.database.migrate().await.unwrap();
}

async fn two_processes_may_migrate_at_one_time(scene: Scene) {
    let other = Database::connect(&scene.url, StoreOptions::default()).await.unwrap();
    let (first, second) = tokio::join!(scene.database.migrate(), other.migrate());
    first.unwrap();
    second.unwrap();
    other.close().await;
}

async fn a_database_answers_until_it_is_closed(scene: Scene) {
    scene.database.ping().await.unwrap();
    let other = Database::connect(&scene.url, StoreOptions::default()).await.unwrap();
    other.ping().await.unwrap();
    other.close().await;
    assert!(matches!(other.ping().await, Err(StoreError::Unavailable(_))));
}

async fn a_server_is_called_what_it_calls_itself(scene: Scene) {
    let expected = if scene.url.starts_with("sqlite") {
        "sqlite"
    } else {
        // Only MariaDB has this engine.
        let engines = "SELECT COUNT(*) FROM information_schema.engines WHERE engine = 'Aria'";
        let (engines,) = scene.rows::<(i64,)>(engines).await[0];
        if engines > 0 { "mariadb" } else { "mysql" }
    };
    assert_eq!(scene.database.kind(), expected);
}

async fn whoever_only_looks_sees_what_is_there(scene: Scene) {
    let seen = Database::look(&scene.url, StoreOptions::default()).await.unwrap().unwrap();
    let lines = seen.migration_status().await.unwrap();
    assert!(lines.iter().all(|line| line.applied), "{lines:?}");
    assert!(seen.list_companies().await.unwrap().is_empty());
    seen.close().await;
}

/// The URL of a case with another part.
fn url_with(scene: &Scene, part: &str, other: &str) -> String {
    let (scheme, rest) = scene.url.split_once("://").unwrap();
    let (authority, name) = rest.split_once('/').unwrap();
    let (name, query) = name.split_once('?').unwrap_or((name, ""));
    let (account, host) = authority.rsplit_once('@').unwrap();
    let user = account.split(':').next().unwrap();
    match part {
        "password" => format!("{scheme}://{user}:{other}@{host}/{name}?{query}"),
        "host" => format!("{scheme}://{account}@{other}/{name}?{query}"),
        "name" => format!("{scheme}://{account}@{host}/{other}?{query}"),
        _ => format!("{scheme}://{account}@{host}/{name}?{other}"),
    }
}

/// Each cause has its own remedy, and no password is in it.
async fn a_connection_that_fails_says_why_and_what_to_do(scene: Scene) {
    if scene.url.starts_with("sqlite") {
        return;
    }
    let told = async |part: &str, other: &str| {
        let url = url_with(&scene, part, other);
        let error = Database::connect(&url, StoreOptions::default()).await.unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    for (part, other, cause, remedy) in [
        ("password", "hunter2", "refuses the user", "correct user and password"),
        ("host", "127.0.0.1:1", "nobody listens at 127.0.0.1:1", "start the server"),
        ("host", "no-such-host.invalid", "no-such-host.invalid is not known", "correct it"),
        ("name", "askpro_test_not_there", "askpro_test_not_there", "CREATE DATABASE askpro_test_not_there"),
        ("query", "ssl-mode=VERIFY_IDENTITY", "TLS failed", "ssl-mode"),
    ] {
        let error = told(part, other).await;
        assert!(error.contains(cause) && error.contains(remedy), "{part} {other}: {error}");
    }
}

/// Segments of the journal go after a commit, so a commit must be on disk.
async fn a_commit_is_on_disk_when_it_returns(scene: Scene) {
    let Pools::Sqlite(pools) = &scene.database.pools else { return };
    let (mode,): (String,) = sqlx::query_as("PRAGMA journal_mode").fetch_one(&pools.writer).await.unwrap();
    let (level,): (i64,) = sqlx::query_as("PRAGMA synchronous").fetch_one(&pools.writer).await.unwrap();
    assert_eq!((mode.as_str(), level), ("wal", 2));
    let write = sqlx::query("DELETE FROM lease").execute(&pools.readers).await;
    assert!(write.is_err(), "a reader must not write");
}

on_every_database!(
    migrating_twice_changes_nothing_and_everything_is_applied,
    a_database_without_tables_says_that_nothing_is_applied,
    a_server_is_called_what_it_calls_itself,
    whoever_only_looks_sees_what_is_there,
    a_connection_that_fails_says_why_and_what_to_do,
    old_code_runs_on_a_newer_schema,
    two_processes_may_migrate_at_one_time,
    a_database_answers_until_it_is_closed,
    a_commit_is_on_disk_when_it_returns,
);

#[test]
fn both_dialects_have_the_same_migrations_and_every_tenant_table_its_company() {
    let tables = |migrator: sqlx::migrate::Migrator| -> (Vec<(i64, String)>, BTreeMap<String, bool>) {
        let names = migrator.iter().map(|m| (m.version, m.description.to_string())).collect();
        let text: String = migrator.iter().map(|m| m.sql.as_str()).collect();
        let tables = text.split("CREATE TABLE ").skip(1).map(|table| {
            let (name, columns) = table.split_once(' ').unwrap();
            let columns = columns.split("CREATE ").next().unwrap();
            let has_company =
                columns.lines().any(|l| l.trim().starts_with("company_id ") && l.contains("NOT NULL"));
            (name.to_owned(), has_company)
        });
        (names, tables.collect())
    };
    let mysql = tables(sqlx::migrate!("migrations/mysql"));
    assert_eq!(mysql, tables(sqlx::migrate!("migrations/sqlite")));
    let tenant_less: Vec<&str> =
        mysql.1.iter().filter(|(_, has)| !**has).map(|(name, _)| name.as_str()).collect();
    let expected = [
        "companies",
        "dead_letters",
        "directory_version",
        "journal_marks",
        "lease",
        "platform_events",
        "quarantine",
    ];
    assert_eq!(tenant_less, expected);
}

#[tokio::test]
async fn a_url_that_cannot_work_is_refused_and_a_silent_server_is_unavailable() {
    for url in ["postgres://localhost/x", "nonsense", ""] {
        let refused = Database::connect(url, StoreOptions::default()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused(_)), "{url}: {refused:?}");
    }
    let options = StoreOptions { acquire_timeout_ms: 300, ..StoreOptions::default() };
    let away = Database::connect("mysql://u:secret@127.0.0.1:1/x", options).await.unwrap_err();
    assert!(matches!(away, StoreError::Unavailable(_)), "{away:?}");
    assert!(!away.to_string().contains("secret"));
}

/// Every name in a folder.
fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn whoever_only_looks_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/deep/askpro.db", folder.path().display());
    assert!(Database::look(&url, StoreOptions::default()).await.unwrap().is_none());
    assert_eq!(names(folder.path()), Vec::<String>::new());
    let database = Database::connect(&url, StoreOptions::default()).await.unwrap();
    database.migrate().await.unwrap();
    database.close().await;
    assert_eq!(names(&folder.path().join("deep")), ["askpro.db"]);
    let seen = Database::look(&url, StoreOptions::default()).await.unwrap().unwrap();
    assert!(seen.migration_status().await.unwrap().iter().all(|line| line.applied));
    seen.close().await;
    assert_eq!(names(&folder.path().join("deep")), ["askpro.db"]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "no database at all, but long enough to be read as the head of one".repeat(20))
        .unwrap();
    let error = Database::connect(&format!("sqlite://{}", file.display()), StoreOptions::default()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("notes.txt") && error.contains("no SQLite database"), "{error}");
}
