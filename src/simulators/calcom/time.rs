//! How Cal.com reads and writes instants.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// An ISO date-time as ms since 1970; one without an offset is read as UTC, as Cal.com does.
pub(super) fn parse_instant(written: &str) -> Option<i64> {
    let at_offset = written.parse::<Timestamp>().ok();
    let naive = || {
        written.parse::<DateTime>().ok()?.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    at_offset.or_else(naive).map(Timestamp::as_millisecond)
}

/// The end of a slot range: dates, and instants at midnight, are pushed to 23:59:59.
pub(super) fn parse_range_end(written: &str) -> Option<i64> {
    let end = parse_instant_or_date(written)?;
    let midnight = end.rem_euclid(86_400_000) == 0;
    Some(if midnight { end + 86_399_000 } else { end })
}

/// The start of a slot range: a date is its first instant in UTC.
pub(super) fn parse_instant_or_date(written: &str) -> Option<i64> {
    let date = || written.parse::<Date>().ok()?.to_zoned_datetime(TimeZone::UTC).ok();
    // A bare date would also parse as a date-time, at the same instant.
    parse_instant(written).or_else(|| date().map(|zoned| zoned.timestamp().as_millisecond()))
}

/// `2026-11-24T13:00:00.000Z`
pub(super) fn iso(ms: i64) -> String {
    at(ms, &TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `2026-11-24T13:00:00Z`, the form of webhooks.
pub(super) fn iso_seconds(ms: i64) -> String {
    at(ms, &TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-24T14:00:00.000+01:00`
pub(super) fn iso_in(ms: i64, zone: &TimeZone) -> String {
    at(ms, zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// The instant in a zone; out-of-range instants become the epoch.
pub(super) fn at(ms: i64, zone: &TimeZone) -> ZonedDateTime {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned_datetime(zone.clone())
}

/// The zone of an IANA name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}
