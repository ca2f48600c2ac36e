//! A release with new migrations beside the one that is at work.

use crate::support::{
    database::Tables,
    program::{Program, run},
    retell::{call, event},
    service::{Setup, companies},
};

/// What `0010` and later ones did is undone: the schema is as the release before left it.
const SET_BACK: [&str; 5] = [
    "DELETE FROM _sqlx_migrations WHERE version >= 10",
    "DROP INDEX calls_live",
    "CREATE INDEX calls_status ON calls (status, call_id)",
    "CREATE INDEX calls_company_status ON calls (company_id, status, call_id)",
    "CREATE INDEX appointments_standing ON appointments (company_id, status, ends_at)",
];
const NEW: &str = "_sqlx_migrations WHERE version >= 10";

/// Its lease ends soon after it died.
async fn prepared() -> (Setup, askpro::simulators::calcom::CalcomHandle) {
    let mut setup = Setup::new().with("DATABASE__LEASE_TTL_MS", "5000");
    let calcom = setup.calcom();
    setup.import(&companies()).await.unwrap();
    (setup, calcom)
}

async fn set_back(tables: &Tables) {
    for statement in SET_BACK {
        tables.execute(statement).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stands_by_migrates_when_it_takes_over() {
    let (setup, _calcom) = prepared().await;
    let mut first = Program::start(&setup).await;
    let tables = Tables::open(setup.database_url()).await;
    set_back(&tables).await;
    let other = setup.folder.path().join("other-journal").display().to_string();
    let other = Setup { folder: setup.folder.clone(), env: setup.env.clone() }.with("JOURNAL__DIR", &other);
    let mut second = Program::spawn(&other);
    second.wait_until("standby").await;
    assert_eq!(tables.count(NEW).await, 0, "the owner is at work");
    first.retell.event(&event("call_started", &call("call_u1"))).await;
    tables.wait_for(1, "call_events").await;
    first.signal("TERM");
    assert_eq!(first.ended().await.code(), Some(0));
    second.wait_until("ready").await;
    assert!(tables.count(NEW).await > 0);
    second.retell.event(&event("call_started", &call("call_u2"))).await;
    tables.wait_for(2, "call_events").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_migrates_nothing_under_an_owner_and_waits_for_the_lease_of_a_dead_one() {
    let (setup, _calcom) = prepared().await;
    let mut first = Program::start(&setup).await;
    let tables = Tables::open(setup.database_url()).await;
    set_back(&tables).await;
    let file = setup.folder.path().join("companies.json");
    std::fs::write(&file, companies().to_string()).unwrap();
    let file = file.display().to_string();
    let owner = tables.texts("owner", "FROM lease").await.remove(0);
    for command in [vec!["migrate"], vec!["import", file.as_str()]] {
        let (code, _, complaint) = run(&setup, &command);
        assert_eq!(code, 1, "{command:?}");
        assert!(complaint.contains(&owner) && complaint.contains("stop it first"), "{complaint}");
    }
    assert_eq!(tables.count(NEW).await, 0);
    assert!(first.is_running());
    first.kill();
    let (code, said, complaint) = run(&setup, &["migrate"]);
    assert!(code == 0 && !said.contains("missing"), "{said}{complaint}");
    // It gave the lease back: nobody waits for it.
    assert_eq!(tables.texts("until_ms", "FROM lease").await, ["0"]);
    assert_eq!(run(&setup, &["import", file.as_str()]).0, 0);
    Program::start(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_does_not_wait_for_ever_for_a_lease_that_lies_far_ahead() {
    let (setup, _calcom) = prepared().await;
    let tables = Tables::open(setup.database_url()).await;
    set_back(&tables).await;
    let owner = "of-a-machine-with-a-clock-ahead:1-2";
    tables.execute(&format!("UPDATE lease SET owner = '{owner}', until_ms = 4102444800000")).await;
    let (code, _, complaint) = run(&setup, &["migrate"]);
    assert_eq!((code, tables.count(NEW).await), (1, 0), "{complaint}");
    let said: Vec<&str> = complaint.lines().filter(|line| line.contains("waiting for the lease")).collect();
    assert!(said.len() == 1 && said[0].contains(owner) && said[0].contains("2100-01-01"), "{complaint}");
    let remedy = complaint.split_once("end its lease: ").unwrap().1.lines().next().unwrap();
    tables.execute(remedy).await;
    assert_eq!(run(&setup, &["migrate"]).0, 0);
}
