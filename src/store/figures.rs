//! How many rows want an admin's eye.

use askpro_actors::ports::stores::{COUNTED_MAX, FigureStore, SetAside, StoreError};

use super::{Database, dialect::Value};

/// Each count ends at a bound: a page of figures must not read whole tables.
const COUNTS: &str = "SELECT \
     (SELECT COUNT(*) FROM (SELECT id FROM quarantine LIMIT ?) AS quarantined), \
     (SELECT COUNT(*) FROM (SELECT id FROM dead_letters LIMIT ?) AS dead), \
     (SELECT COUNT(*) FROM (SELECT id FROM appointments WHERE status = 'unknown' LIMIT ?) AS doubtful)";

#[async_trait::async_trait]
impl FigureStore for Database {
    async fn count_set_aside(&self) -> Result<SetAside, StoreError> {
        let bound = || Value::from(i64::from(COUNTED_MAX));
        let rows: Vec<(i64, i64, i64)> = self.fetch(COUNTS, &[bound(), bound(), bound()]).await?;
        let (quarantined, dead_letters, bookings_unknown) = rows.first().copied().unwrap_or_default();
        let count = |count: i64| u32::try_from(count).unwrap_or(COUNTED_MAX);
        Ok(SetAside {
            quarantined: count(quarantined),
            dead_letters: count(dead_letters),
            bookings_unknown: count(bookings_unknown),
        })
    }
}
