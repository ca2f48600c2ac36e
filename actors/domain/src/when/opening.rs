//! Opening hours, holidays and notice.

use jiff::{civil::Date, tz::TimeZone};

use super::{Window, first_instant_of, local, understood::clock};
use crate::{
    tenant::{Branch, Company, HourRange, Weekday},
    time::{Interval, UnixMillis},
};

/// Whether a branch is open for the whole of an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenVerdict {
    /// It is.
    Open,
    /// It is not.
    Closed(ClosedReason),
    /// Its hours are not known; the calendar decides.
    Unknown,
}

/// Why a branch is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosedReason {
    /// A holiday of the company.
    Holiday,
    /// Never open on this day of the week.
    ClosedDay,
    /// Open on this day, but not for the whole interval.
    OutsideHours {
        /// The hours of that day, not empty.
        hours: Vec<HourRange>,
    },
}

/// Whether the interval lies wholly in one range of one day, in the company's wall clock. Holidays close
/// also where the hours are not known.
#[must_use]
pub fn is_open(company: &Company, branch: &Branch, interval: Interval) -> OpenVerdict {
    let zone = company.zone();
    let (Some(start), Some(end)) = (local(interval.start(), &zone), local(interval.end(), &zone)) else {
        return OpenVerdict::Unknown;
    };
    if is_holiday(company, start.date()) {
        return OpenVerdict::Closed(ClosedReason::Holiday);
    }
    let Some(hours) = hours_on(branch, start.date()) else { return OpenVerdict::Unknown };
    if hours.is_empty() {
        return OpenVerdict::Closed(ClosedReason::ClosedDay);
    }
    let first = minute_of(start.hour(), start.minute());
    let last = match end.date() {
        day if day == start.date() => minute_of(end.hour(), end.minute()),
        day if start.date().tomorrow().is_ok_and(|next| next == day) => {
            1440 + minute_of(end.hour(), end.minute())
        }
        _ => u16::MAX,
    };
    let fits = |r: &HourRange| r.from_minute <= first && first < r.to_minute && last <= r.to_minute;
    if hours.iter().any(fits) {
        OpenVerdict::Open
    } else {
        OpenVerdict::Closed(ClosedReason::OutsideHours { hours: hours.to_vec() })
    }
}

/// Whether a branch is open for so many minutes from any start in a window. Closed means: on every day of it; the
/// reason is that of its first day.
#[must_use]
pub fn opens_within(company: &Company, branch: &Branch, window: &Window, minutes: u32) -> OpenVerdict {
    let zone = company.zone();
    let (Some(first), Some(last)) = (local(window.from, &zone), local(window.to.plus_ms(-1), &zone)) else {
        return OpenVerdict::Unknown;
    };
    let days = std::iter::successors(Some(first.date()), |date| date.tomorrow().ok());
    let mut verdicts = days
        .take_while(|date| *date <= last.date())
        .map(|date| opens_on(company, branch, window, (date, &zone), minutes));
    let Some(of_first) = verdicts.next() else { return OpenVerdict::Unknown };
    let open = std::iter::once(of_first.clone()).chain(verdicts);
    open.into_iter().find(|verdict| !matches!(verdict, OpenVerdict::Closed(_))).unwrap_or(of_first)
}

fn opens_on(
    company: &Company,
    branch: &Branch,
    window: &Window,
    (date, zone): (Date, &TimeZone),
    minutes: u32,
) -> OpenVerdict {
    if is_holiday(company, date) {
        return OpenVerdict::Closed(ClosedReason::Holiday);
    }
    let Some(hours) = hours_on(branch, date) else { return OpenVerdict::Unknown };
    if hours.is_empty() {
        return OpenVerdict::Closed(ClosedReason::ClosedDay);
    }
    let has_room = |range: &HourRange| {
        let opens = first_instant_of(clock(date, range.from_minute), zone);
        let start = opens.map(|opens| opens.max(window.from)).filter(|start| *start < window.to);
        let interval = start.and_then(|start| Interval::of_minutes(start, minutes));
        interval.is_some_and(|it| is_open(company, branch, it) == OpenVerdict::Open)
    };
    if hours.iter().any(has_room) {
        OpenVerdict::Open
    } else {
        OpenVerdict::Closed(ClosedReason::OutsideHours { hours: hours.to_vec() })
    }
}

/// Whether the company is closed on this date of its zone.
#[must_use]
pub fn is_holiday(company: &Company, date: Date) -> bool {
    company.holidays.contains(&date.to_string())
}

/// The hours of a branch on a date, empty when it is closed; `None` when they are not known. Holidays do
/// not count here.
#[must_use]
pub fn hours_on(branch: &Branch, date: Date) -> Option<&[HourRange]> {
    let hours = branch.opening_hours.as_ref()?;
    Some(hours.get(&weekday_of(date)).map_or(&[], Vec::as_slice))
}

/// Whether `start` leaves the company its notice.
#[must_use]
pub fn notice_ok(company: &Company, start: UnixMillis, now: UnixMillis) -> bool {
    start.since(now) >= i64::from(company.notice_minutes) * 60_000
}

/// The day of the week of a date.
#[must_use]
pub fn weekday_of(date: Date) -> Weekday {
    use jiff::civil::Weekday as W;
    match date.weekday() {
        W::Monday => Weekday::Mon,
        W::Tuesday => Weekday::Tue,
        W::Wednesday => Weekday::Wed,
        W::Thursday => Weekday::Thu,
        W::Friday => Weekday::Fri,
        W::Saturday => Weekday::Sat,
        W::Sunday => Weekday::Sun,
    }
}

/// Minutes from midnight; `hour` 0 to 23, `minute` 0 to 59.
fn minute_of(hour: i8, minute: i8) -> u16 {
    u16::from(hour.unsigned_abs()) * 60 + u16::from(minute.unsigned_abs())
}
