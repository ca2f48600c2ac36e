//! One process hands over to the next.

use std::{ops::Range, time::Duration};

use rand::Rng;

use super::{Fault, Scale, all_taken, fault, settle};
use crate::{
    home::Kind,
    judge::Posts,
    process::Process,
    table::Row,
    traffic::Style,
    world::{World, pass},
};

/// Seconds between two handovers: as far apart that no event meets an outage with every one of its four attempts, which
/// are 0.8, 2.4 and 5.6 s after the first, also where a handover takes two seconds.
const APART_S: Range<f64> = 3.5..6.0;
/// What a process says that ends although something is left, which its successor finds in the journal.
const LEFT: &str = "not everything was finished in time";

/// A process that is frozen with a lease of a second is overtaken within this time. Frozen inside a transaction it holds the
/// lease's row until the server ends its session, after 15 s of silence.
const OVERTAKES_WITHIN: Duration = Duration::from_secs(22);

/// What a process says that ends because another one has its database.
const FENCED: &str = "another process owns the database now";

/// A process that was told to end is gone within this time; on a machine that is busy with other tests later.
const fn ends_within(scale: Scale) -> Duration {
    Duration::from_secs(if scale.full { 10 } else { 40 })
}

pub fn faults() -> Vec<Fault> {
    vec![
        fault!("sigterm", "told to end under load, started again", sigterm),
        fault!("rolling_restart", "a second process stands by and takes over, back and forth", rolling),
        fault!("frozen_owner", "frozen past its lease, it wakes up beside its successor", frozen_owner),
    ]
}

/// Ends well, and soon. On a machine that is busy with other tests it may leave something to the journal.
async fn ends(scale: Scale, process: &mut Process, wrong: &mut Vec<String>) {
    process.signal("TERM");
    let status = process.ended(ends_within(scale)).await;
    let is_left = status.code() == Some(1) && process.last_words().contains(LEFT);
    if status.code() != Some(0) && (scale.full || !is_left) {
        wrong.push(format!("it ended with {status}: {}", process.last_words()));
    }
}

async fn sigterm(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in scale.kinds() {
        let Some(mut world) = World::make(kind, 6, scale.seed).await else { continue };
        let mut process = world.start().await;
        let traffic = world.traffic(&Style::busy(scale.callers()));
        let (rounds, mut wrong, mut longest) = (scale.of(10, 3), Vec::new(), Duration::ZERO);
        for _ in 0..rounds {
            pass(world.rng.random_range(APART_S)).await;
            ends(scale, &mut process, &mut wrong).await;
            process = world.spawn();
            longest = longest.max(process.until_ready().await);
        }
        let mut row = settle("sigterm", &world, &process, traffic, Posts::Once).await;
        row.findings.wrong.extend(wrong);
        (row.runs, row.recovery) = (rounds, Some(longest));
        all_taken(&mut row);
        rows.push(row);
    }
    rows
}

async fn rolling(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in scale.kinds() {
        let Some(mut world) = World::make(kind, 6, scale.seed).await else { continue };
        world.serve_both();
        let mut active = world.start().await;
        let traffic = world.traffic(&Style::busy(scale.callers()));
        let (rounds, mut wrong, mut longest) = (scale.of(10, 3), Vec::new(), Duration::ZERO);
        for round in 1..=rounds {
            let mut next = world.spawn_at(round % 2, &[]);
            next.until(&["standby"], Duration::from_secs(30)).await;
            pass(world.rng.random_range(APART_S)).await;
            let since = std::time::Instant::now();
            let ((), _) = tokio::join!(ends(scale, &mut active, &mut wrong), next.until_ready());
            longest = longest.max(since.elapsed());
            active = next;
        }
        let mut row = settle("rolling_restart", &world, &active, traffic, Posts::Once).await;
        row.findings.wrong.extend(wrong);
        let unheard = row.figures.writes_unheard;
        if scale.full && unheard > 0 {
            row.findings
                .wrong
                .push(format!("{unheard} orders were never answered, however often they were sent"));
        }
        (row.runs, row.recovery) = (rounds as u64, Some(longest));
        all_taken(&mut row);
        rows.push(row);
    }
    rows
}

/// What the sleeper had acknowledged and not committed is in its own journal: it comes back with its next life.
async fn frozen_owner(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in [Kind::MariaDb, Kind::MySql].into_iter().take(scale.of(2, 1)) {
        let Some(mut world) = World::make(kind, 6, scale.seed).await else { continue };
        world.set("DATABASE__LEASE_TTL_MS", "1000");
        world.serve_both();
        let other = world.setup.folder.path().join("journal-of-the-second").display().to_string();
        let folders = [world.setup.journal_dir().display().to_string(), other];
        let mut active = world.start().await;
        let traffic = world.traffic(&Style::busy(scale.callers()));
        let (rounds, mut wrong, mut longest) = (scale.of(6, 2), Vec::new(), Duration::ZERO);
        for round in 1..=rounds {
            pass(world.rng.random_range(0.5..2.0)).await;
            active.signal("STOP");
            let mut next = world.spawn_at(round % 2, &[("ASKPRO__JOURNAL__DIR", &folders[round % 2])]);
            longest = longest.max(next.until_ready().await);
            active.signal("CONT");
            let status = active.ended(ends_within(scale)).await;
            if status.code() != Some(1) || !active.last_words().contains(FENCED) {
                wrong.push(format!("the sleeper ended with {status}: {}", active.last_words()));
            }
            active = next;
        }
        if scale.full && longest > OVERTAKES_WITHIN {
            wrong.push(format!("a frozen process was overtaken after {longest:?}, after {OVERTAKES_WITHIN:?} at most is right"));
        }
        // Its last words are in the other folder: the other process has to live once more.
        traffic.end().await;
        ends(scale, &mut active, &mut wrong).await;
        let place = (rounds + 1) % 2;
        active = world.spawn_at(place, &[("ASKPRO__JOURNAL__DIR", &folders[place])]);
        active.until_ready().await;
        let nobody = world.traffic(&Style { callers: 0, ..Style::busy(0) });
        let mut row = settle("frozen_owner", &world, &active, nobody, Posts::AsNeeded).await;
        row.findings.wrong.extend(wrong);
        (row.runs, row.recovery) = (rounds as u64, Some(longest));
        rows.push(row);
    }
    rows
}
