//! The budget against a model of the vendor's limit, and the breaker through its states.

mod breaker;
mod budget;
mod vendor;

use super::*;
use crate::time::UnixMillis;

const NOW: UnixMillis = UnixMillis(1_795_420_800_000);

fn after(ms: i64) -> UnixMillis {
    NOW.plus_ms(ms)
}
