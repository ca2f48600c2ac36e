//! The cost of one event, stage by stage: microseconds, and beside them allocations.

use std::time::Instant;

use stats_alloc::Region;
use tokio::runtime::Runtime;

use crate::{ALLOCATOR, event};

/// Runs before counting: buffers that are kept are there then.
const WARM: u32 = 50;
/// Runs that are counted.
const COUNTED: u32 = 500;

/// Of one event, in the mean.
pub fn print(runtime: &Runtime) {
    println!("{:<46} {:>10} {:>13} {:>13}", "stage, for one event", "us", "allocations", "bytes");
    for size in event::SIZES {
        for mut stage in event::stages(size, runtime) {
            (0..WARM).for_each(|_| (stage.run)());
            let (region, since) = (Region::new(ALLOCATOR), Instant::now());
            (0..COUNTED).for_each(|_| (stage.run)());
            let (time, change) = (since.elapsed(), region.change());
            let events = f64::from(COUNTED) * stage.events as f64;
            println!(
                "{:<46} {:>10.2} {:>13.2} {:>13.0}",
                stage.name,
                time.as_secs_f64() * 1e6 / events,
                (change.allocations + change.reallocations) as f64 / events,
                change.bytes_allocated as f64 / events,
            );
        }
    }
}
