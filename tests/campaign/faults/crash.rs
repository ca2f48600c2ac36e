//! The process dies.

use rand::Rng;

use super::{Fault, Scale, fault, settle};
use crate::{
    judge::Posts,
    table::Row,
    traffic::Style,
    world::{World, pass},
};

pub fn faults() -> Vec<Fault> {
    vec![fault!("kill_9", "killed at random moments under load, again and again", kill_9)]
}

/// The share of starts that are killed too, within 0.3 s.
const KILLED_IN_START: f64 = 0.3;

/// A lease of a killed process is taken over at once: the next one has its journal's folder.
async fn kill_9(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in scale.kinds() {
        let rounds = scale.of(50, 4);
        let Some(mut world) = World::make(kind, 6, scale.seed).await else { continue };
        let mut process = world.spawn();
        let mut longest = process.until_ready().await;
        let mut in_start = 0;
        let traffic = world.traffic(&Style::busy(scale.callers()));
        for _ in 0..rounds {
            pass(world.rng.random_range(0.3..3.0)).await;
            process.kill();
            process = world.spawn();
            if world.rng.random_bool(KILLED_IN_START) {
                pass(world.rng.random_range(0.0..0.3)).await;
                process.kill();
                in_start += 1;
                process = world.spawn();
            }
            longest = longest.max(process.until_ready().await);
        }
        let caught_up = super::recovers(&process, 40).await;
        let mut row = settle("kill_9", &world, &process, traffic, Posts::Once).await;
        row.runs = rounds;
        row.recovery = Some(longest);
        row.notes
            .push(format!("ready at most {longest:.1?} after its start, caught up {caught_up:.1?} later"));
        row.notes.push(format!("{in_start} more were killed while they started"));
        rows.push(row);
    }
    rows
}
