//! Days to book on. The service reads the machine's clock, so they follow from it.

use askpro::app::SystemClock;
use askpro_actors::ports::clock::Clock;
use jiff::{Timestamp, ToSpan, civil::Weekday, tz::TimeZone};

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    SystemClock.now().0
}

/// A start on the first working day after today, as the fixture's companies see it.
pub struct Slot {
    pub starts_ms: i64,
    /// `24.11.2026`
    pub german_date: String,
    /// `14:00`
    pub time: String,
    /// `2026-11-24T14:00`
    pub local: String,
}

/// A start on the next working day in Berlin.
pub fn slot(hour: i8, minute: i8) -> Slot {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let now = Timestamp::from_millisecond(now_ms()).unwrap();
    let mut day = berlin.to_datetime(now).date().checked_add(1.day()).unwrap();
    while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        day = day.checked_add(1.day()).unwrap();
    }
    let start = day.at(hour, minute, 0, 0);
    Slot {
        starts_ms: berlin.to_timestamp(start).unwrap().as_millisecond(),
        german_date: format!("{:02}.{:02}.{}", day.day(), day.month(), day.year()),
        time: format!("{hour:02}:{minute:02}"),
        local: format!("{day}T{hour:02}:{minute:02}"),
    }
}
