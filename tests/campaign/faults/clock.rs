//! The machine's clock is put forward and back by an hour while the service runs.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use super::{Fault, Scale, WAIT_MAX, all_taken, fault, nobody_waited, recovers, settle};
use crate::{
    home::Kind,
    judge::Posts,
    process::Process,
    table::Row,
    traffic::Style,
    world::{World, pass},
};

/// Between two looks at a file, `libfaketime` gives every question for the time an offset of its own.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
const HOUR_S: i64 = 3_600;
/// The service says how it is within this time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// What was on its way while both clocks were moved has been answered after so many seconds.
const SETTLED_S: f64 = 1.0;

pub fn faults() -> Vec<Fault> {
    vec![fault!("clock_steps", "the clock is put forward and back by an hour", steps)]
}

/// Where Debian's package `faketime` has its library; installed when it is missing and that is possible.
fn library() -> Option<String> {
    let find = || {
        let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
        folders.iter().map(|folder| format!("{folder}/{LIBRARY}")).find(|path| Path::new(path).exists())
    };
    find().or_else(|| {
        let install =
            ["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "faketime"];
        let as_root = Command::new("apt-get").args(&install[4..]).output().is_ok_and(|o| o.status.success());
        let _ = as_root || Command::new("sudo").args(install).output().is_ok_and(|o| o.status.success());
        find()
    })
}

struct Clock<'a> {
    file: &'a Path,
}

impl Clock<'_> {
    fn set(&self, offset_s: i64) {
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{offset_s:+}\n")).unwrap();
        fs::rename(&next, self.file).unwrap();
    }
}

/// Retell's clock is the rig's: while ours is wrong by an hour its signatures are refused, and come in again later.
/// One half of the steps is made with Retell's clock, so that the traffic goes on through them.
async fn steps(scale: Scale) -> Vec<Row> {
    let Some(library) = library() else {
        println!("libfaketime (Debian's package faketime) is missing: not tried");
        return Vec::new();
    };
    let Some(world) = World::make(Kind::MariaDb, 6, scale.seed).await else { return Vec::new() };
    let file = world.setup.folder.path().join("offset");
    let clock = Clock { file: &file };
    clock.set(0);
    let callers = scale.callers();
    let mut process = world.spawn_at(
        0,
        &[
            ("LD_PRELOAD", &library),
            ("FAKETIME_TIMESTAMP_FILE", &file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ],
    );
    process.until_ready().await;
    let traffic = world.traffic(&Style::busy(callers));
    world.until_calls(callers).await;
    let mut wrong = Vec::new();
    let rounds = scale.of(4, 1);
    for _ in 0..rounds {
        for (offset_s, retell_too) in
            [(HOUR_S, true), (0, true), (-HOUR_S, true), (0, true), (HOUR_S, false), (0, false)]
        {
            clock.set(offset_s);
            world.line.set_ahead_ms(if retell_too { offset_s * 1_000 } else { 0 });
            pass(SETTLED_S).await;
            let unsigned = || world.line.ledger.figures().refused.get(&401).copied().unwrap_or_default();
            let before = unsigned();
            // Shorter than Retell's four attempts reach.
            pass(scale.of(3.5, 2.0)).await;
            let (agree, refused) = (retell_too || offset_s == 0, unsigned() - before);
            // On a machine that is busy with other tests a request may be on its way for longer.
            let is_late = agree && refused > 0 && scale.full;
            if is_late || !agree && refused == 0 {
                wrong
                    .push(format!("clocks agree: {agree}, and {refused} signatures were refused as too old"));
            }
            wrong.extend(look(&process, offset_s).await);
        }
    }
    let recovery = recovers(&process, callers).await;
    let mut row = settle("clock_steps", &world, &process, traffic, Posts::Once).await;
    nobody_waited(WAIT_MAX, scale, &mut row);
    row.findings.wrong.extend(wrong);
    all_taken(&mut row);
    (row.runs, row.recovery) = (6 * rounds, Some(recovery));
    vec![row]
}

/// It stays the owner of its database and goes on. No answer is looked for again: the machine may be busy.
async fn look(process: &Process, offset_s: i64) -> Option<String> {
    let since = Instant::now();
    let status = loop {
        match process.seen().await {
            Some(seen) => break seen.status,
            None if since.elapsed() > ANSWERS_WITHIN => break String::new(),
            None => pass(0.1).await,
        }
    };
    let fine = ["ready", "degraded"].contains(&status.as_str());
    (!fine).then(|| format!("with a clock that is {offset_s} s ahead /readyz says {status:?}"))
}
