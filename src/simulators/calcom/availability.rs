//! When a host is free: pure arithmetic over intervals.

use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::time;
use super::world::{Span, User};

/// Longest range that is looked at, in days.
const RANGE_DAYS_MAX: i64 = 400;

/// The host's working time that touches `from..to`, earliest first; spans that meet are one.
pub(super) fn working(user: &User, from: i64, to: i64) -> Vec<Span> {
    let zone = time::zone(&user.time_zone).unwrap_or(TimeZone::UTC);
    let first = time::at(from, &zone).date();
    let days = ((to - from) / 86_400_000).clamp(0, RANGE_DAYS_MAX) + 2;
    let mut spans: Vec<Span> = Vec::new();
    for day in -1..=days {
        let Ok(date) = first.checked_add(day.days()) else { continue };
        let Ok(midnight) = date.to_zoned_datetime(zone.clone()) else { continue };
        for (start, end) in user.hours.of(date.weekday()) {
            let instant = |minute: u32| {
                let hour = i8::try_from(minute / 60).unwrap_or(0);
                let wall = match minute {
                    1440 => midnight.tomorrow().ok()?.datetime(),
                    _ => date.at(hour, i8::try_from(minute % 60).unwrap_or(0), 0, 0),
                };
                wall.to_zoned_datetime(zone.clone()).ok().map(|zoned| zoned.timestamp().as_millisecond())
            };
            if let (Some(start), Some(end)) = (instant(start), instant(end)) {
                push_merged(&mut spans, (start, end));
            }
        }
    }
    spans
}

fn push_merged(spans: &mut Vec<Span>, next: Span) {
    match spans.last_mut() {
        Some(last) if next.0 <= last.1 => last.1 = last.1.max(next.1),
        _ => spans.push(next),
    }
}

/// What is left of `spans` without the `busy` times.
pub(super) fn without(mut spans: Vec<Span>, busy: &[Span]) -> Vec<Span> {
    for taken in busy {
        spans = spans.into_iter().flat_map(|span| cut(span, *taken)).collect();
    }
    spans
}

fn cut(span: Span, taken: Span) -> impl Iterator<Item = Span> {
    let pieces = if overlap(span, taken) { [(span.0, taken.0), (taken.1, span.1)] } else { [span, (0, 0)] };
    pieces.into_iter().filter(|piece| piece.0 < piece.1)
}

/// Whether two half-open intervals share an instant.
pub(super) fn overlap(one: Span, other: Span) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// Whether one of `spans` covers all of `wanted`.
pub(super) fn covers(spans: &[Span], wanted: Span) -> bool {
    spans.iter().any(|span| span.0 <= wanted.0 && wanted.1 <= span.1)
}

/// The starts Cal.com offers in the free `spans`: on a grid inside the hour, one length apart.
pub(super) fn starts(spans: &[Span], length_ms: i64, earliest: i64, latest: i64) -> Vec<i64> {
    let minutes = length_ms / 60_000;
    let grid = [60, 30, 20, 15, 10, 5].into_iter().find(|grid| minutes % grid == 0).unwrap_or(1) * 60_000;
    let mut starts = Vec::new();
    for (from, to) in spans {
        let from = (*from).max(earliest);
        let mut start = from + (grid - from.rem_euclid(grid)) % grid;
        while start + length_ms <= *to && start <= latest {
            starts.push(start);
            start += length_ms.max(60_000);
        }
    }
    starts
}
