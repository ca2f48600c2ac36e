//! SQLite's file is deleted under the running service: it is said, and the journal keeps all of it.

use std::path::{Path, PathBuf};

use crate::support::{
    database::Tables,
    eventually,
    program::Program,
    retell::{call, event, over},
    service::{Setup, companies},
};

/// Bytes of an event's noise: some of them fill a segment.
const NOISE_BYTES: usize = 3_000;

fn segments(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    logs.sort();
    logs
}

async fn end_calls(program: &Program, prefix: &str, count: usize) {
    for number in 0..count {
        let mut ended = event("call_ended", &over(&call(&format!("{prefix}{number}")), 1_000, "user_hangup"));
        let noise: String = (0..NOISE_BYTES).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect();
        ended["call"]["transcript"] = noise.into();
        program.retell.event(&ended).await;
    }
}

async fn is_committed(program: &Program) {
    eventually("everything is committed", async || program.is_applied().await.then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_is_said_and_what_was_written_to_it_comes_back_from_the_journal() {
    let setup = Setup::new().with("LOG__LEVEL", "info").with("JOURNAL__SEGMENT_BYTES", "4096");
    setup.import(&companies()).await.unwrap();
    let path = PathBuf::from(setup.database_url().trim_start_matches("sqlite://"));
    let backup = path.with_extension("backup");
    let mut program = Program::start(&setup).await;
    end_calls(&program, "call_before", 5).await;
    is_committed(&program).await;
    let tables = Tables::open(setup.database_url()).await;
    eventually("the database knows that it has all, and segments go", async || {
        let (_, status) = program.retell.admin("/admin/status").await;
        let marks = tables.texts("mark", "FROM journal_marks").await;
        let is_saved = marks == [status["journal"]["end"].to_string()];
        (is_saved && segments(&setup.journal_dir()).len() == 1).then_some(())
    })
    .await;
    tables.execute(&format!("VACUUM INTO '{}'", backup.display())).await;
    drop(tables);

    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", path.display())).unwrap();
    }
    let ready = eventually("it is said", async || {
        let ready = program.retell.get("/readyz").await.json();
        (ready["database"] == "displaced").then_some(ready)
    })
    .await;
    assert_eq!(ready["status"], "degraded");
    assert!(ready["reasons"][0].as_str().unwrap().contains("deleted"), "{ready}");
    let kept = segments(&setup.journal_dir());
    end_calls(&program, "call_lost", 20).await;
    is_committed(&program).await;
    assert!(!path.exists(), "nobody makes a new file in its place");
    program.signal("TERM");
    assert_eq!(program.ended().await.code(), Some(1), "something is in the journal alone");
    let now = segments(&setup.journal_dir());
    assert!(
        now.len() > kept.len() + 3 && kept.iter().all(|segment| now.contains(segment)),
        "{kept:?} {now:?}"
    );
    let errors: Vec<_> = program.log().into_iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0]["message"].as_str().unwrap().contains("newest backup"), "{errors:#?}");

    std::fs::rename(&backup, &path).unwrap();
    let mut next = Program::start(&setup).await;
    let tables = Tables::open(setup.database_url()).await;
    tables.wait_for(25, "calls WHERE status = 'ended'").await;
    next.signal("TERM");
    assert_eq!(next.ended().await.code(), Some(0));
}
