//! The database stops, slows down, quarrels.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use sqlx::{Connection, Executor, MySqlConnection};

use super::{Fault, Scale, all_were_served, fault, nobody_waited, recovers, settle};
use crate::{
    home::Kind,
    judge::Posts,
    ledger::OF_NO_USE,
    process::Process,
    proxy::{Line, Proxy},
    server::Server,
    table::Row,
    traffic::{Style, Traffic},
    world::{World, pass},
};

/// Each commit takes so much longer.
const SLOWER: Duration = Duration::from_millis(500);
/// A service is rolled back at least once by then, in the quarrels of `deadlocks`.
const QUARRELS_MAX: Duration = Duration::from_secs(60);
/// Memory that an outage may cost beyond what the load had before it, in bytes.
const MEMORY_MAX: u64 = 160 * 1024 * 1024;
/// The longest answer of a function while the database is away, at the real size: an order of a call that began before
/// this process waits for what the call may have booked, until a second before its budget of 2.5 s is over.
const STORE_WAIT_MAX: Duration = Duration::from_secs(2);
/// Of what functions answer while the database is away, so much may be that the agent asks again.
const BUSY_SHARE_MAX: f64 = 0.02;

pub fn faults() -> Vec<Fault> {
    vec![
        fault!("database_frozen", "the server stands still (SIGSTOP)", frozen),
        fault!("database_down", "the server is shut down and comes back", down),
        fault!("database_killed", "the server is killed, again and again", killed),
        fault!("commits_cut", "connections are cut before and after their COMMIT", commits_cut),
        fault!("commits_slow", "every commit takes 500 ms longer", commits_slow),
        fault!("deadlocks", "others lock the same rows in another order", deadlocks),
    ]
}

/// The servers of a course: both, or MariaDB alone.
fn servers(scale: Scale) -> Vec<Kind> {
    scale.of(vec![Kind::MariaDb, Kind::MySql], vec![Kind::MariaDb])
}

/// A service with a server of its own, under load.
async fn with_own_server(kind: Kind, scale: Scale) -> (Server, World, Process, Traffic) {
    let server = Server::start(kind);
    let world = World::on(kind, Some(&server.url), 6, scale.seed).await;
    let process = world.start().await;
    let traffic = world.traffic(&Style::busy(scale.callers()));
    world.until_calls(scale.callers() * 2).await;
    world.line.ledger.forget_times();
    (server, world, process, traffic)
}

/// Watches the service during a trouble with its database; gives what came of that too.
async fn watch<T>(world: &World, process: &Process, trouble: impl Future<Output = T>) -> (T, Watched) {
    let is_over = AtomicBool::new(false);
    let trouble = async {
        let result = trouble.await;
        is_over.store(true, Ordering::SeqCst);
        result
    };
    tokio::join!(trouble, look(world, process, &is_over))
}

async fn look(world: &World, process: &Process, is_over: &AtomicBool) -> Watched {
    let before = process.resident_bytes();
    let answered = world.line.ledger.figures().codes;
    let mut watched = Watched::default();
    while !is_over.load(Ordering::SeqCst) {
        if let Some(seen) = process.seen().await {
            watched.degraded |= seen.status == "degraded";
            if !["ready", "degraded"].contains(&seen.status.as_str()) {
                watched.refused = Some(seen.status);
            }
        } else {
            watched.unanswered += 1;
        }
        watched.grown = watched.grown.max(process.resident_bytes().saturating_sub(before));
        pass(0.1).await;
    }
    for (code, times) in world.line.ledger.figures().codes {
        let meanwhile = times - answered.get(&code).copied().unwrap_or_default();
        watched.answers += meanwhile;
        if code.split(' ').next_back().is_some_and(|code| OF_NO_USE.contains(&code)) {
            watched.busy += meanwhile;
        }
    }
    watched
}

#[derive(Default)]
struct Watched {
    degraded: bool,
    refused: Option<String>,
    /// Looks at `/readyz` without an answer within 2 s.
    unanswered: u64,
    grown: u64,
    /// Answers of functions meanwhile.
    answers: u64,
    /// Those of them that were of no use.
    busy: u64,
}

impl Watched {
    /// What was seen; a database that was away for long must have been missed.
    fn tell(self, is_missed: bool, scale: Scale, row: &mut Row) {
        if is_missed && !self.degraded {
            row.findings.wrong.push("/readyz never said degraded".to_owned());
        }
        if let Some(status) = self.refused {
            row.findings.wrong.push(format!("/readyz said {status} while the database was away"));
        }
        if scale.full && self.unanswered > 0 {
            row.findings.wrong.push(format!("/readyz did not answer {} times", self.unanswered));
        }
        let share_max = scale.of(BUSY_SHARE_MAX, 0.5);
        if self.answers == 0 || self.busy as f64 > share_max * self.answers as f64 {
            row.findings
                .wrong
                .push(format!("{} of {} functions heard nothing of use", self.busy, self.answers));
        }
        nobody_waited(STORE_WAIT_MAX, scale, row);
        row.notes
            .push(format!("{} functions were answered meanwhile, {} of no use", self.answers, self.busy));
        bounded(self.grown, row);
        all_were_served(scale, row);
    }
}

/// What the trouble cost of memory.
fn bounded(grown: u64, row: &mut Row) {
    if grown > MEMORY_MAX {
        row.findings.wrong.push(format!("memory grew by {} MiB", grown >> 20));
    }
    row.notes.push(format!("memory grew by {} MiB meanwhile", grown >> 20));
}

async fn frozen(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in servers(scale) {
        let (server, world, process, traffic) = with_own_server(kind, scale).await;
        server.signal("STOP");
        let ((), watched) = watch(&world, &process, pass(scale.of(15.0, 8.0))).await;
        server.signal("CONT");
        let recovery = recovers(&process, scale.callers()).await;
        let mut row = settle("database_frozen", &world, &process, traffic, Posts::Once).await;
        watched.tell(true, scale, &mut row);
        row.recovery = Some(recovery);
        drop((process, world));
        rows.push(row);
    }
    rows
}

async fn down(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in servers(scale) {
        let (server, world, process, traffic) = with_own_server(kind, scale).await;
        server.stop();
        let ((), watched) = watch(&world, &process, pass(scale.of(60.0, 6.0))).await;
        server.start_again();
        let recovery = recovers(&process, scale.callers()).await;
        let mut row = settle("database_down", &world, &process, traffic, Posts::Once).await;
        watched.tell(true, scale, &mut row);
        row.recovery = Some(recovery);
        drop((process, world));
        rows.push(row);
    }
    rows
}

async fn killed(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in servers(scale) {
        let (server, world, process, traffic) = with_own_server(kind, scale).await;
        let times = scale.of(8, 2);
        let trouble = async {
            let mut longest = Duration::ZERO;
            for _ in 0..times {
                server.signal("KILL");
                pass(0.5).await;
                server.start_again();
                longest = longest.max(recovers(&process, scale.callers()).await);
                pass(1.0).await;
            }
            longest
        };
        let (longest, watched) = Box::pin(watch(&world, &process, trouble)).await;
        let mut row = settle("database_killed", &world, &process, traffic, Posts::Once).await;
        watched.tell(false, scale, &mut row);
        (row.runs, row.recovery) = (times, Some(longest));
        drop((process, world));
        rows.push(row);
    }
    rows
}

/// A service whose line to the tests' MariaDB is ours. MySQL speaks TLS, so that nobody sees a COMMIT in it.
async fn with_proxy(scale: Scale) -> Option<(Proxy, World, Process, Traffic)> {
    let mut world = World::make(Kind::MariaDb, 6, scale.seed).await?;
    let proxy = Proxy::start(&world.database).await;
    world.set("DATABASE__URL", &proxy.url(&world.database));
    let process = world.start().await;
    let traffic = world.traffic(&Style::busy(scale.callers()));
    world.until_calls(scale.callers()).await;
    Some((proxy, world, process, traffic))
}

async fn commits_cut(scale: Scale) -> Vec<Row> {
    let Some((proxy, world, process, traffic)) = with_proxy(scale).await else { return Vec::new() };
    let lines = [Line::CutBeforeCommit(3), Line::Open, Line::CutAfterCommit(3), Line::Closed, Line::Open];
    let trouble = async {
        for _ in 0..scale.of(6, 1) {
            for line in lines {
                proxy.set(line);
                pass(scale.of(4.0, 2.0)).await;
            }
        }
    };
    let ((), watched) = Box::pin(watch(&world, &process, trouble)).await;
    let recovery = recovers(&process, scale.callers()).await;
    let mut row = settle("commits_cut", &world, &process, traffic, Posts::Once).await;
    watched.tell(false, scale, &mut row);
    row.runs = proxy.cuts();
    if row.runs == 0 {
        row.findings.wrong.push("no connection was cut at its COMMIT".to_owned());
    }
    row.recovery = Some(recovery);
    vec![row]
}

async fn commits_slow(scale: Scale) -> Vec<Row> {
    let Some((proxy, world, process, traffic)) = with_proxy(scale).await else { return Vec::new() };
    proxy.set(Line::SlowCommits(SLOWER));
    let (slept_before, seconds) = (proxy.slowed(), scale.of(30.0, 6.0));
    let ((), watched) = watch(&world, &process, pass(seconds)).await;
    let slowed = proxy.slowed() - slept_before;
    proxy.set(Line::Open);
    let recovery = recovers(&process, scale.callers()).await;
    let mut row = settle("commits_slow", &world, &process, traffic, Posts::Once).await;
    watched.tell(false, scale, &mut row);
    row.runs = slowed;
    if slowed == 0 {
        row.findings.wrong.push("no commit was slower".to_owned());
    }
    row.recovery = Some(recovery);
    vec![row]
}

/// Locks rows of a table from its end, then of another, for a moment; as a dump or a report might. It has written
/// more than a batch of the service's has, so that the service's is the one that a server rolls back.
async fn quarrel(url: &str, first: &str, second: &str) -> Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect(url).await?;
    connection.execute("SET SESSION innodb_lock_wait_timeout = 2").await?;
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    let lock = |table: &str| {
        sqlx::AssertSqlSafe(format!("SELECT call_id FROM {table} ORDER BY call_id DESC LIMIT 200 FOR UPDATE"))
    };
    connection.execute("BEGIN").await?;
    connection.execute("INSERT INTO weight (n) SELECT 1 FROM companies a, companies b, companies c").await?;
    connection.execute("INSERT INTO weight (n) SELECT n FROM weight LIMIT 1000").await?;
    connection.execute(lock(first)).await?;
    pass(0.005).await;
    connection.execute(lock(second)).await?;
    connection.execute("ROLLBACK").await?;
    connection.close().await
}

async fn deadlocks(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in servers(scale) {
        let Some(world) = World::make(kind, 6, scale.seed).await else { continue };
        let process = world.start().await;
        let traffic = world.traffic(&Style::busy(scale.callers()));
        world.until_calls(scale.callers()).await;
        world
            .tables()
            .await
            .execute("CREATE TABLE weight (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT)")
            .await;
        let tables = [("calls", "call_events"), ("appointments", "calls"), ("outbox", "call_events")];
        let trouble = async {
            let since = Instant::now();
            // Whom the server rolls back is chance: it goes on until that was the service.
            let (mut quarrels, mut retries) = (0, 0.0);
            while since.elapsed().as_secs_f64() < scale.of(30.0, 6.0)
                || retries == 0.0 && since.elapsed() < QUARRELS_MAX
            {
                for (first, second) in tables {
                    // Being the one that is rolled back is as good.
                    let _ = tokio::join!(
                        quarrel(&world.database, first, second),
                        quarrel(&world.database, second, first)
                    );
                    quarrels += 2;
                }
                retries = process.metric("askpro_writer_retries_total").await;
            }
            (quarrels, retries)
        };
        let ((quarrels, retries), watched) = Box::pin(watch(&world, &process, trouble)).await;
        let recovery = recovers(&process, scale.callers()).await;
        let mut row = settle("deadlocks", &world, &process, traffic, Posts::Once).await;
        watched.tell(false, scale, &mut row);
        row.notes.push(format!("{retries} transactions were tried again"));
        if retries == 0.0 {
            row.findings.wrong.push("no transaction had to be tried again".to_owned());
        }
        (row.runs, row.recovery) = (quarrels, Some(recovery));
        rows.push(row);
    }
    rows
}
