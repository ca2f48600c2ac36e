//! The disk is full, or what it gives back is not what was written.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{Fault, Scale, all_were_served, fault, recovers, settle};
use crate::{
    home::Kind,
    judge::Posts,
    support::database::Tables,
    table::Row,
    traffic::Style,
    world::{World, pass},
};

const DISK_BYTES: u64 = 96 * 1024 * 1024;

pub fn faults() -> Vec<Fault> {
    vec![
        fault!("disk_full_journal", "the journal's disk is full", full_journal),
        fault!("disk_full_sqlite", "the disk of SQLite's file is full", full_sqlite),
        fault!("damaged_journal", "a byte of the journal is another one", damaged),
        fault!("foreign_journal", "a journal's folder that belongs to another database", foreign),
    ]
}

/// A small disk of its own, in memory; root mounts it.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={DISK_BYTES}");
        let mount = |program: &str, first: &[&str]| {
            let mut command = Command::new(program);
            command.args(first).args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at);
            command.output().is_ok_and(|output| output.status.success())
        };
        let mounted = mount("mount", &[]) || mount("sudo", &["-n", "mount"]);
        if !mounted {
            println!("no disk can be mounted here (root is needed): not tried");
        }
        mounted.then(|| Self(at.to_owned()))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        use std::io::Write;
        let mut file = fs::File::create(self.ballast()).unwrap();
        for block in [1 << 20, 4_096, 1] {
            let block = vec![1; block];
            while file.write_all(&block).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmount = |program: &str, first: &[&str]| {
            Command::new(program)
                .args(first)
                .arg("-l")
                .arg(&self.0)
                .output()
                .is_ok_and(|o| o.status.success())
        };
        let _ = unmount("umount", &[]) || unmount("sudo", &["-n", "umount"]);
    }
}

async fn full_journal(scale: Scale) -> Vec<Row> {
    let Some(mut world) = World::make(Kind::MariaDb, 6, scale.seed).await else { return Vec::new() };
    let at = world.setup.folder.path().join("disk");
    let Some(disk) = Disk::mount(&at) else { return Vec::new() };
    world.set("JOURNAL__DIR", &at.join("journal").display().to_string());
    let process = world.start().await;
    let traffic = world.traffic(&Style::busy(scale.callers()));
    let (rounds, mut refusing, mut longest) = (scale.of(4, 2), 0, Duration::ZERO);
    for _ in 0..rounds {
        world.until_calls(scale.callers()).await;
        disk.fill();
        for _ in 0..scale.of(60, 30) {
            let status = process.seen().await.map(|seen| seen.status).unwrap_or_default();
            refusing += u64::from(status.starts_with("journal_"));
            pass(0.1).await;
        }
        disk.empty();
        longest = longest.max(recovers(&process, scale.callers()).await);
    }
    let mut row = settle("disk_full_journal", &world, &process, traffic, Posts::Once).await;
    if refusing == 0 || row.figures.refused.keys().any(|status| *status != 503) {
        row.findings.wrong.push(format!("a full disk must be told as 503: {:?}", row.figures.refused));
    }
    (row.runs, row.recovery) = (rounds, Some(longest));
    drop(process);
    vec![row]
}

async fn full_sqlite(scale: Scale) -> Vec<Row> {
    let Some(mut world) = World::make(Kind::Sqlite, 6, scale.seed).await else { return Vec::new() };
    let at = world.setup.folder.path().join("disk");
    let Some(disk) = Disk::mount(&at) else { return Vec::new() };
    let (from, to) = (world.setup.folder.path().join("askpro.db"), at.join("askpro.db"));
    for end in ["", "-wal", "-shm"] {
        let _ = fs::copy(format!("{}{end}", from.display()), format!("{}{end}", to.display()));
    }
    world.set("DATABASE__URL", &format!("sqlite://{}", to.display()));
    world.database = world.setup.database_url().to_owned();
    let process = world.start().await;
    let traffic = world.traffic(&Style::busy(scale.callers()));
    let (rounds, mut degraded, mut longest) = (scale.of(4, 2), 0, Duration::ZERO);
    for _ in 0..rounds {
        world.until_calls(scale.callers()).await;
        disk.fill();
        for _ in 0..scale.of(80, 40) {
            let status = process.seen().await.map(|seen| seen.status).unwrap_or_default();
            degraded += u64::from(status == "degraded");
            pass(0.1).await;
        }
        disk.empty();
        longest = longest.max(recovers(&process, scale.callers()).await);
    }
    let mut row = settle("disk_full_sqlite", &world, &process, traffic, Posts::Once).await;
    if degraded == 0 {
        row.findings.wrong.push("/readyz never said degraded".to_owned());
    }
    all_were_served(scale, &mut row);
    (row.runs, row.recovery) = (rounds, Some(longest));
    drop(process);
    vec![row]
}

/// The segments of a journal, oldest first.
fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    logs.sort();
    logs
}

/// Everything in them.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    segments(folder).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Turns one byte in the first half of the newest segment; gives its name.
fn turn_a_byte(folder: &Path, share: f64) -> String {
    let newest = segments(folder).pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let at = (written as f64 * share) as usize;
    bytes[at] ^= 0x20;
    fs::write(&newest, bytes).unwrap();
    newest.file_name().unwrap().to_string_lossy().into_owned()
}

/// It refuses to start and leaves the folder as it is; with the byte as it was, everything is there.
async fn damaged(scale: Scale) -> Vec<Row> {
    use rand::Rng;
    let Some(mut world) = World::make(Kind::MariaDb, 6, scale.seed).await else { return Vec::new() };
    let mut process = world.start().await;
    let traffic = world.traffic(&Style::busy(scale.callers()));
    let (rounds, mut wrong) = (scale.of(12, 3), Vec::new());
    for _ in 0..rounds {
        // The newest segment has many records: damage in its last one is a write that was cut off.
        world.until_acknowledged(100).await;
        process.kill();
        let share = world.rng.random_range(0.1..0.6);
        let segment = turn_a_byte(&world.setup.journal_dir(), share);
        let before = content(&world.setup.journal_dir());
        process = world.spawn();
        let status = process.ended(Duration::from_secs(20)).await;
        let said = process.last_words();
        if status.code() != Some(1) || !said.contains(&segment) {
            wrong.push(format!("{segment} is damaged: it ended with {status} and said {said}"));
        }
        if content(&world.setup.journal_dir()) != before {
            wrong.push("a refused start changed the folder".to_owned());
        }
        turn_a_byte(&world.setup.journal_dir(), share);
        process = world.start().await;
    }
    let mut row = settle("damaged_journal", &world, &process, traffic, Posts::Once).await;
    row.findings.wrong.extend(wrong);
    row.runs = rounds;
    vec![row]
}

/// Rows of events, when the last commit of a process that was killed is done.
async fn rows_at_rest(tables: &Tables) -> u64 {
    let mut rows = tables.count("call_events").await;
    loop {
        pass(0.5).await;
        let now = tables.count("call_events").await;
        if now == rows {
            return rows;
        }
        rows = now;
    }
}

/// A service is given the folder of another one: it does not start, and nothing is written anywhere. With its own each of
/// them has everything.
async fn foreign(scale: Scale) -> Vec<Row> {
    let Some(mut world) = World::make(Kind::MariaDb, 6, scale.seed).await else { return Vec::new() };
    let Some(other) = World::make(Kind::MariaDb, 6, scale.seed + 1).await else { return Vec::new() };
    let (mut process, mut theirs) = (world.start().await, other.start().await);
    let (traffic, others) = (world.traffic(&Style::busy(4)), other.traffic(&Style::busy(4)));
    world.until_calls(8).await;
    other.until_calls(8).await;
    theirs.kill();
    process.kill();
    let mut wrong = Vec::new();
    let own = world.setup.journal_dir().display().to_string();
    world.set("JOURNAL__DIR", &other.setup.journal_dir().display().to_string());
    let rows_before = rows_at_rest(&world.tables().await).await;
    let folders = [&own, &other.setup.journal_dir().display().to_string()].map(PathBuf::from);
    let before = folders.each_ref().map(|folder| content(folder));
    process = world.spawn();
    let status = process.ended(Duration::from_secs(20)).await;
    let said = process.last_words();
    if status.code() != Some(1) || !said.contains("another database") {
        wrong.push(format!("a foreign journal: it ended with {status} and said {said}"));
    }
    if world.tables().await.count("call_events").await != rows_before {
        wrong.push("rows of the foreign journal were written".to_owned());
    }
    for (path, bytes) in before.into_iter().flatten() {
        let now = fs::read(&path).unwrap_or_default();
        if now != bytes {
            let at = now.iter().zip(&bytes).position(|(now, before)| now != before);
            let (now, before) = (now.len(), bytes.len());
            wrong.push(format!(
                "a refused start changed {}: {before} bytes, now {now}, from {at:?} on",
                path.display()
            ));
        }
    }
    world.set("JOURNAL__DIR", &own);
    process = world.start().await;
    theirs = other.start().await;
    let row_of_theirs = settle("foreign_journal", &other, &theirs, others, Posts::Once).await;
    let mut row = settle("foreign_journal", &world, &process, traffic, Posts::Once).await;
    row.findings.wrong.extend(wrong);
    row.findings.add(row_of_theirs.findings);
    vec![row]
}
