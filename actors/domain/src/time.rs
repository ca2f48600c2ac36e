//! Instants and intervals. UTC inside; zones live at the edges.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The instant `ms` later (earlier when negative), saturating at the ends of the range.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As a jiff timestamp; instants beyond its range (years -9999 to 9999) give `None`.
    #[must_use]
    pub fn timestamp(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_millisecond(self.0).ok()
    }

    /// RFC 3339 in UTC, `2026-11-24T13:00:00Z`; an instant out of range prints its milliseconds.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.timestamp().map_or_else(|| self.0.to_string(), |t| t.to_string())
    }

    /// RFC 3339 with the offset of `zone` at that instant, `2026-11-24T14:00:00+01:00`.
    #[must_use]
    pub fn to_rfc3339_in(self, zone: &jiff::tz::TimeZone) -> String {
        match self.timestamp() {
            Some(t) => t.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            None => self.0.to_string(),
        }
    }

    /// Reads RFC 3339 with any offset. Errors: `None` when it is not RFC 3339.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// A half-open interval `[start, end)`. `start < end` always, also of one that is read from what was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends")]
pub struct Interval {
    start: UnixMillis,
    end: UnixMillis,
}

/// An interval as it is written.
#[derive(Deserialize)]
struct Ends {
    start: UnixMillis,
    end: UnixMillis,
}

impl TryFrom<Ends> for Interval {
    type Error = &'static str;

    fn try_from(ends: Ends) -> Result<Self, Self::Error> {
        Self::new(ends.start, ends.end).ok_or("an interval ends after it starts")
    }
}

impl Interval {
    /// `[start, end)`, or `None` when it would be empty.
    #[must_use]
    pub fn new(start: UnixMillis, end: UnixMillis) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// `[start, start + minutes)`. `None` for zero minutes.
    #[must_use]
    pub fn of_minutes(start: UnixMillis, minutes: u32) -> Option<Self> {
        Self::new(start, start.plus_ms(i64::from(minutes) * 60_000))
    }

    /// First instant inside.
    #[must_use]
    pub const fn start(self) -> UnixMillis {
        self.start
    }

    /// First instant after.
    #[must_use]
    pub const fn end(self) -> UnixMillis {
        self.end
    }

    /// Whether both share an instant; touching ends do not.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_intervals_do_not_overlap() {
        let a = Interval::new(UnixMillis(0), UnixMillis(10)).unwrap();
        let b = Interval::new(UnixMillis(10), UnixMillis(20)).unwrap();
        assert!(!a.overlaps(b) && !b.overlaps(a) && a.overlaps(a));
    }

    #[test]
    fn an_interval_that_is_kept_is_read_again_and_an_empty_one_is_refused() {
        let interval = Interval::new(UnixMillis(5), UnixMillis(10)).unwrap();
        let kept = serde_json::to_string(&interval).unwrap();
        assert_eq!(kept, r#"{"start":5,"end":10}"#);
        assert_eq!(serde_json::from_str::<Interval>(&kept).unwrap(), interval);
        for empty in [r#"{"start":5,"end":5}"#, r#"{"start":5,"end":4}"#] {
            assert!(serde_json::from_str::<Interval>(empty).is_err(), "{empty}");
        }
    }

    #[test]
    fn an_instant_is_printed_with_the_offset_of_its_zone() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let t = UnixMillis::parse_rfc3339("2026-11-24T13:00:00Z").unwrap();
        assert_eq!(t.to_rfc3339_in(&zone), "2026-11-24T14:00:00+01:00");
        assert_eq!(t.to_rfc3339(), "2026-11-24T13:00:00Z");
    }
}
