//! Companies come in by import; the commands end with the codes that scripts rely on.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use askpro::simulators::calcom::{Fault, FaultKind};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    database::Tables,
    days::slot,
    eventually,
    program::{command, free_address, run},
    retell::{call, call_to, event},
    service::{Service, Setup, companies},
};

/// Writes an import file into the setup's folder.
fn file(setup: &Setup, name: &str, text: &str) -> String {
    let path = setup.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_twice_changes_nothing_and_a_dry_run_never() {
    let setup = Setup::new();
    let path = file(&setup, "companies.json", &companies().to_string());
    let (code, said, _) = run(&setup, &["import", &path, "--dry-run"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 companies") && said.contains("dry run"), "{said}");
    assert!(said.contains("no database yet"), "{said}");
    assert!(!setup.folder.path().join("askpro.db").exists(), "a dry run writes nothing");
    let (code, said, complaint) = run(&setup, &["import", &path]);
    assert_eq!(code, 0, "{said}{complaint}");
    let (code, said, _) = run(&setup, &["import", &path]);
    assert_eq!((code, said.contains("nothing changed")), (0, true), "{said}");
    let tables = Tables::open(setup.database_url()).await;
    assert_eq!(
        tables.texts("slug", "FROM companies ORDER BY slug").await,
        ["friseur-mitte", "zahnarzt-hamburg"]
    );
    assert_eq!(tables.count("customers").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_change_and_what_another_company_has() {
    let setup = Setup::new();
    setup.import(&companies()).await.unwrap();
    let tables = Tables::open(setup.database_url()).await;
    let dry_run = |companies: &Value| {
        let path = file(&setup, "dry.json", &companies.to_string());
        run(&setup, &["import", &path, "--dry-run"])
    };
    let (code, said, _) = dry_run(&companies());
    assert_eq!((code, said.contains("0 rows would change")), (0, true), "{said}");
    let mut renamed = companies();
    renamed["companies"][0]["name"] = json!("Friseur am Platz");
    let (code, said, _) = dry_run(&renamed);
    assert_eq!((code, said.contains("1 rows would change")), (0, true), "{said}");
    let mut stranger = companies();
    stranger["companies"].as_array_mut().unwrap().truncate(1);
    stranger["companies"][0]["slug"] = json!("stranger");
    let (code, _, complaint) = dry_run(&stranger);
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("+493083793369") && complaint.contains("friseur-mitte"), "{complaint}");
    assert_eq!(tables.texts("slug", "FROM companies ORDER BY slug").await.len(), 2);
    assert_eq!(tables.texts("version", "FROM directory_version").await, ["1"]);
}

/// Every name under a folder.
fn names(setup: &Setup) -> Vec<String> {
    let entries = std::fs::read_dir(setup.folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn whoever_only_asks_makes_neither_file_nor_folder() {
    let setup = Setup::new();
    let (code, said, complaint) = run(&setup, &["migrate", "--status"]);
    assert_eq!(code, 0, "{complaint}");
    assert!(said.lines().next().unwrap().contains("does not exist yet"), "{said}");
    let (_, said, _) = run(&setup, &["doctor"]);
    for dependency in ["database", "journal"] {
        let line = said.lines().find(|line| line.starts_with(&format!("ok    {dependency}: "))).unwrap();
        assert!(line.contains("does not exist yet") && line.contains("askpro serve creates it"), "{said}");
    }
    assert_eq!(names(&setup), Vec::<String>::new());
    assert_eq!(run(&setup, &["migrate"]).0, 0);
    let before = names(&setup);
    assert!(run(&setup, &["migrate", "--status"]).1.contains("applied"));
    assert!(run(&setup, &["doctor"]).1.contains("the schema is up to date"));
    assert_eq!(names(&setup), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_asks_calcom_whether_it_takes_the_keys() {
    let mut setup = Setup::new();
    let calcom = setup.calcom();
    let line = |setup: &Setup| {
        let (_, said, _) = run(setup, &["doctor"]);
        said.lines().find(|line| line.contains("calcom: ")).unwrap().to_owned()
    };
    assert!(line(&setup).contains("no key is known"), "{}", line(&setup));
    setup.import(&companies()).await.unwrap();
    let fine = line(&setup);
    assert!(fine.starts_with("ok ") && fine.contains("takes 2 of 2 keys"), "{fine}");
    let setup = setup.with("CALCOM__API_KEY", "cal_revoked");
    let refused = line(&setup);
    assert!(refused.starts_with("FAIL ") && refused.contains("refuses calcom.api_key"), "{refused}");
    assert!(refused.contains("make a new key") && !refused.contains("cal_revoked"), "{refused}");
    assert!(calcom.bookings().is_empty());
    calcom.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_are_absent_stay() {
    let setup = Setup::new();
    setup.import(&companies()).await.unwrap();
    let mut only_a = companies();
    only_a["companies"].as_array_mut().unwrap().truncate(1);
    only_a["companies"][0]["services"] = json!([]);
    only_a["companies"][0]["staff"] = json!([]);
    only_a["companies"][0]["name"] = json!("Friseur am Platz");
    setup.import(&only_a).await.unwrap();
    let service = Service { ..start_on(setup).await };
    let shown = service.admin("/admin/companies/friseur-mitte").await;
    assert_eq!(shown["name"], "Friseur am Platz");
    assert_eq!(shown["services"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(shown["staff"].as_array().unwrap().len(), 2);
    assert_eq!(service.admin("/admin/companies").await["items"].as_array().unwrap().len(), 2);
    service.stop().await;
}

/// Starts on what is imported already.
async fn start_on(mut setup: Setup) -> Service {
    let calcom = setup.calcom();
    let running = askpro::app::start(setup.config()).await.unwrap();
    let tables = Tables::open(setup.database_url()).await;
    let retell =
        crate::support::retell::Retell::new(&running.base_url(), crate::support::service::WEBHOOK_KEY);
    Service { setup, calcom, running, tables, retell }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_listed_with_its_place_and_nothing_is_imported() {
    let setup = Setup::new();
    let mut broken = companies();
    broken["companies"][0]["time_zone"] = json!("Europe/Nowhere");
    broken["companies"][0]["branches"][0]["phone_numbers"] = json!(["030 123"]);
    broken["companies"][1]["slug"] = json!("Not A Slug");
    let path = file(&setup, "broken.json", &broken.to_string());
    for arguments in [vec!["import", &path], vec!["import", &path, "--dry-run"]] {
        let (code, _, complaint) = run(&setup, &arguments);
        assert_eq!(code, 1, "{complaint}");
        for place in
            ["companies[0].time_zone", "companies[0].branches[0].phone_numbers[0]", "companies[1].slug"]
        {
            assert!(complaint.contains(place), "{place}: {complaint}");
        }
    }
    assert!(!setup.folder.path().join("askpro.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_another_company_is_refused() {
    let setup = Setup::new();
    setup.import(&companies()).await.unwrap();
    let thief = json!({ "companies": [{
        "slug": "thief", "name": "Thief", "time_zone": "Europe/Berlin",
        "branches": [{ "slug": "b", "name": "B", "phone_numbers": ["+493083793369"] }],
    }] });
    let path = file(&setup, "thief.json", &thief.to_string());
    let (code, _, complaint) = run(&setup, &["import", &path]);
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("nothing was imported"), "{complaint}");
    let tables = Tables::open(setup.database_url()).await;
    assert_eq!(tables.count("companies WHERE slug = 'thief'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_sees_an_import() {
    let service = Service::start().await;
    let more = json!({ "companies": [{
        "slug": "kosmetik", "name": "Kosmetik", "time_zone": "Europe/Berlin",
        "branches": [{ "slug": "sued", "name": "Süd", "phone_numbers": ["+498912345678"], "agents": ["agent_k1"] }],
    }] });
    service.setup.import(&more).await.unwrap();
    eventually("the new company is known", async || {
        let (status, _) = service.retell.admin("/admin/companies/kosmetik").await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
    service.retell.event(&event("call_started", &call_to("+498912345678", "agent_k1", "call_i1"))).await;
    service.tables.wait_for(1, "calls WHERE call_id = 'call_i1'").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn toml_is_read_as_json_is() {
    let setup = Setup::new();
    let text = toml::to_string(&without_null(companies())).unwrap();
    let path = file(&setup, "companies.toml", &text);
    let (code, said, complaint) = run(&setup, &["import", &path]);
    assert_eq!(code, 0, "{said}{complaint}");
    let path = file(&setup, "companies.json", &companies().to_string());
    let (_, said, _) = run(&setup, &["import", &path]);
    assert!(said.contains("nothing changed"), "{said}");
}

/// TOML has no null.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_null(v))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_null).collect(),
        other => other,
    }
}

#[test]
fn wrong_usage_and_configuration_end_with_two_and_one_line() {
    let setup = Setup::new();
    let cases = [
        (Setup::new().with("HTTP__BINDING", "x"), vec!["serve"], "http.binding"),
        (Setup::new().with("HTTP__BIND", "nowhere"), vec!["serve"], "http.bind"),
        (Setup::new().with("HOLDS__TTL_S", "soon"), vec!["doctor"], "holds.ttl_s"),
        (Setup::new().with("DATABASE__URL", "postgres://x/y"), vec!["migrate"], "database.url"),
        (Setup::new(), vec!["import", "/no/such/file.json"], "/no/such/file.json"),
        (Setup::new().with("HTTP__WORKERS", "abc"), vec!["serve"], "from 0 to 256"),
        (Setup::new(), vec!["simulate", "retell", "--bind", "foo"], "--bind = \"foo\""),
        (Setup::new(), vec!["simulate", "calcom", "--bind", "127.0.0.1"], "127.0.0.1:4010"),
        (Setup::new(), vec!["serve", "--config", "/no/such.toml"], "/no/such.toml"),
    ];
    for (setup, arguments, named) in cases {
        let (code, said, complaint) = run(&setup, &arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}{complaint}");
        assert_eq!(complaint.trim().lines().count(), 1, "{complaint}");
        assert!(complaint.contains(named), "{named}: {complaint}");
    }
    assert_eq!(run(&setup, &["no-such-command"]).0, 2);
    assert_eq!(run(&setup, &["--help"]).0, 0);
    let nowhere = Setup::new().with("DATABASE__URL", &format!("mysql://a:hidden@{}/askpro", free_address()));
    let (code, _, complaint) = run(&nowhere, &["migrate"]);
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("database.url") && !complaint.contains("hidden"), "{complaint}");
    assert!(complaint.contains("nobody listens at") && complaint.contains("start the server"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_benchmark_keeps_off_a_database_where_a_booking_is_under_way() {
    let service = Setup::new().with("FUNCTIONS__BUDGET_MS", "500").start().await;
    let (at, call) = (slot(14, 0), call("call_i1"));
    let wish = json!({ "service": "Herrenhaarschnitt", "datetime": at.local });
    assert_eq!(service.retell.function("check_availability", &call, wish).await.code(), "available");
    service.calcom.add_fault(Fault::new(FaultKind::InternalError));
    let order = json!({ "customer_name": "Anna Schmidt" });
    let booked = service.retell.function("book_appointment", &call, order).await;
    assert_eq!(booked.code(), "pending_confirmation", "{booked:?}");
    service.settled().await;
    let stopped = service.stop().await;
    let (code, _, complaint) = run(&stopped.setup, &["bench", "--for", "1", "--companies", "2"]);
    assert_eq!(code, 2, "{complaint}");
    for part in ["database.url", "friseur-mitte", "under way"] {
        assert!(complaint.contains(part), "{part}: {complaint}");
    }
    assert_eq!(stopped.tables.count("companies").await, 2, "nothing was imported");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_benchmark_says_that_it_waits_for_the_owner_of_its_database() {
    let service = Setup::new().start().await;
    let setup = Setup { folder: service.setup.folder.clone(), env: service.setup.env.clone() };
    let arguments = ["bench", "--for", "1", "--warm-up", "1", "--companies", "2"];
    let mut bench =
        command(&setup).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(bench.stderr.take().unwrap()).lines();
    let waits =
        tokio::task::spawn_blocking(move || said.find(|line| line.as_ref().unwrap().contains("waiting")));
    let waits = tokio::time::timeout(PATIENCE, waits).await.unwrap().unwrap();
    assert!(waits.is_some_and(|line| line.unwrap().contains("another process owns the database")));
    bench.kill().unwrap();
    bench.wait().unwrap();
    service.stop().await;
}

#[test]
fn a_variable_with_one_underscore_is_told() {
    let mut setup = Setup::new();
    setup.env.insert("ASKPRO_HTTP__BIND".to_owned(), "127.0.0.1:1".to_owned());
    let (code, _, complaint) = run(&setup, &["migrate", "--status"]);
    assert_eq!(code, 0, "{complaint}");
    assert!(
        complaint.contains("ASKPRO_HTTP__BIND") && complaint.contains("ASKPRO__HTTP__BIND"),
        "{complaint}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_tells_what_is_applied_and_doctor_what_is_well() {
    let mut setup = Setup::new();
    let (code, before, complaint) = run(&setup, &["migrate", "--status"]);
    assert_eq!(code, 0, "{complaint}");
    assert!(
        before.lines().count() >= 5 && before.lines().skip(1).all(|line| line.contains("missing")),
        "{before}"
    );
    assert_eq!(run(&setup, &["migrate"]).0, 0);
    let (_, after, _) = run(&setup, &["migrate", "--status"]);
    assert!(after.lines().all(|line| line.contains("applied")), "{after}");

    let unreachable = setup.with("CALCOM__BASE_URL", &format!("http://{}", free_address()));
    let (code, said, _) = run(&unreachable, &["doctor"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.lines().any(|line| line.starts_with("FAIL  calcom") && line.contains("calcom.base_url")),
        "{said}"
    );
    setup = unreachable;
    let calcom = setup.calcom();
    let setup = setup.with("RETELL__BASE_URL", &calcom.base_url());
    let (code, said, _) = run(&setup, &["doctor"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");
    for dependency in ["database", "journal", "http.bind", "calcom", "retell", "keys"] {
        assert!(said.contains(&format!(" {dependency}: ")), "{dependency}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_is_content_where_every_company_has_a_webhook_key_of_its_own() {
    let setup = Setup::new().with("RETELL__WEBHOOK_KEYS", "");
    let line = |setup: &Setup| {
        let (_, said, _) = run(setup, &["doctor"]);
        said.lines().find(|line| line.contains(" keys: ")).unwrap().to_owned()
    };
    assert!(line(&setup).starts_with("FAIL ") && line(&setup).contains("no webhook key is known"));
    setup.import(&companies()).await.unwrap();
    let fine = line(&setup);
    assert!(fine.starts_with("ok ") && fine.contains("0 platform keys, 2 companies"), "{fine}");
    // What cannot be read is said, and not taken for nothing.
    let tables = Tables::open(setup.database_url()).await;
    tables.execute("UPDATE companies SET settings = X'7B' WHERE slug = 'friseur-mitte'").await;
    let (_, said, _) = run(&setup, &["doctor"]);
    let database = said.lines().find(|line| line.contains(" database: ")).unwrap();
    assert!(database.starts_with("FAIL ") && database.contains("import them again"), "{database}");
    assert!(line(&setup).contains("1 companies"), "{}", line(&setup));
    let away = setup.with("DATABASE__URL", &format!("mysql://askpro:askpro@{}/askpro", free_address()));
    assert!(line(&away).contains("the database did not say"), "{}", line(&away));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_is_content_with_a_service_that_runs() {
    let service = Service::start().await;
    let setup = Setup { folder: service.setup.folder.clone(), env: service.setup.env.clone() }
        .with("RETELL__BASE_URL", &service.calcom.base_url())
        .with("HTTP__BIND", service.running.base_url().trim_start_matches("http://"));
    let (code, said, _) = run(&setup, &["doctor"]);
    assert_eq!(code, 0, "{said}");
    eventually("it still serves", async || {
        (service.retell.get("/readyz").await.status == StatusCode::OK).then_some(())
    })
    .await;
    service.stop().await;
}
