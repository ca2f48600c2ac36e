//! `opening_hours`: of a day or of the days to come, and whether it is open now.

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    FunctionAnswer, Speaker,
    parse::Desk,
    speaker::clock_ranges,
    told::{OpenDay, SameHours, Told},
};
use crate::{
    tenant::{Branch, Company, HourRange},
    time::{Interval, UnixMillis},
    when::{
        instant_of, local,
        opening::{OpenVerdict, hours_on, is_holiday, is_open, weekday_of},
        plus_days,
    },
};

/// Days that are told when no day was named, and at most.
const DAYS_TOLD_MAX: i64 = 7;
/// How far ahead the next opening is looked for, in days.
const NEXT_OPENING_DAYS_MAX: i64 = 60;
/// The least time that counts as open.
const OPEN_MINUTES_MIN: u32 = 1;

/// Which days to tell of, both among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoursOrder {
    /// The first day.
    pub first: Date,
    /// The last one, at most six days later.
    pub last: Date,
}

impl HoursOrder {
    /// From a day to another, as far as it is told.
    #[must_use]
    pub fn of(first: Date, last: Date) -> Self {
        Self { first, last: last.min(plus_days(first, DAYS_TOLD_MAX - 1)).max(first) }
    }
}

impl Desk<'_> {
    /// The named day, or the week that begins today.
    pub(super) fn hours(&self, args: &Map<String, Value>) -> Result<HoursOrder, FunctionAnswer> {
        let args = self.arguments(args)?;
        Ok(match self.days(&args)? {
            Some((first, last)) => HoursOrder::of(first, last),
            None => HoursOrder::of(self.today(), plus_days(self.today(), DAYS_TOLD_MAX - 1)),
        })
    }
}

/// The answer to `opening_hours`.
#[must_use]
pub fn opening_hours(
    company: &Company,
    branch: &Branch,
    order: &HoursOrder,
    now: UnixMillis,
) -> FunctionAnswer {
    let speaker = Speaker::of(company);
    let clock = Clock { company, branch, zone: company.zone(), now };
    let days: Vec<OpenOn> = clock.days(order);
    // Of a holiday it is known that it is closed, of no other day whether it is open.
    let is_holiday = matches!(days.as_slice(), [only] if only.closed.is_some());
    if branch.opening_hours.is_none() && !is_holiday {
        return speaker.tell(&Told::HoursUnknown).with("hours", json!([]));
    }
    let same = same_hours(&days);
    let against_the_rule: Vec<Date> = days.iter().filter(|d| d.is_exception).map(|d| d.date).collect();
    let told = match days.as_slice() {
        [only] => Told::OpenDay(clock.told(only)),
        _ => Told::OpenDays(&same, &against_the_rule),
    };
    let instant = |at: Option<UnixMillis>| at.map(|at| at.to_rfc3339_in(&clock.zone));
    let hours: Vec<Value> = days.iter().map(fields).collect();
    speaker
        .tell(&told)
        .with("hours", hours)
        .with("open_now", clock.is_open_now())
        .with("next_opening", instant(clock.next_opening()))
}

/// A branch at a moment.
struct Clock<'a> {
    company: &'a Company,
    branch: &'a Branch,
    zone: TimeZone,
    now: UnixMillis,
}

/// A day and when it is open.
struct OpenOn {
    date: Date,
    /// What it has by the weekday.
    regular: Vec<HourRange>,
    /// Why it has none.
    closed: Option<&'static str>,
    /// Closed although the weekday has hours.
    is_exception: bool,
}

impl OpenOn {
    fn hours(&self) -> &[HourRange] {
        if self.closed.is_some() { &[] } else { &self.regular }
    }
}

impl Clock<'_> {
    fn days(&self, order: &HoursOrder) -> Vec<OpenOn> {
        let dates = (0..DAYS_TOLD_MAX).map(|n| plus_days(order.first, n));
        dates.take_while(|date| *date <= order.last).map(|date| self.day(date)).collect()
    }

    fn day(&self, date: Date) -> OpenOn {
        let hours = hours_on(self.branch, date);
        let is_holiday = is_holiday(self.company, date);
        let closed = match hours {
            _ if is_holiday => Some("holiday"),
            Some([]) => Some("closed_day"),
            _ => None,
        };
        let regular = hours.unwrap_or_default().to_vec();
        OpenOn { date, is_exception: is_holiday && hours != Some(&[]), regular, closed }
    }

    fn is_open_now(&self) -> bool {
        let minute = Interval::of_minutes(self.now, OPEN_MINUTES_MIN);
        minute.is_some_and(|minute| is_open(self.company, self.branch, minute) == OpenVerdict::Open)
    }

    /// The first opening after now.
    fn next_opening(&self) -> Option<UnixMillis> {
        let today = local(self.now, &self.zone)?.date();
        let days = (0..=NEXT_OPENING_DAYS_MAX).map(|n| self.day(plus_days(today, n)));
        days.flat_map(|day| {
            let starts = day.hours().iter().filter_map(|range| self.opens(day.date, range));
            starts.collect::<Vec<_>>()
        })
        .filter(|at| *at > self.now)
        .min()
    }

    fn opens(&self, date: Date, range: &HourRange) -> Option<UnixMillis> {
        let [hour, minute] = [range.from_minute / 60, range.from_minute % 60].map(|n| i8::try_from(n).ok());
        instant_of(date.to_datetime(jiff::civil::Time::new(hour?, minute?, 0, 0).ok()?), &self.zone)
    }

    fn told<'a>(&self, day: &'a OpenOn) -> OpenDay<'a> {
        let is_today = local(self.now, &self.zone).is_some_and(|here| here.date() == day.date);
        OpenDay {
            day: day.date,
            is_today,
            hours: day.hours(),
            is_open_now: is_today && self.is_open_now(),
            next_opening: self.next_opening().and_then(|at| local(at, &self.zone)),
        }
    }
}

/// Runs of days with the same regular hours; a whole week begins with its Monday.
fn same_hours(days: &[OpenOn]) -> Vec<SameHours<'_>> {
    let mut days: Vec<&OpenOn> = days.iter().collect();
    if i64::try_from(days.len()).is_ok_and(|count| count == DAYS_TOLD_MAX) {
        days.sort_by_key(|day| weekday_of(day.date));
    }
    let mut runs: Vec<SameHours<'_>> = Vec::new();
    for day in days {
        match runs.last_mut() {
            Some(run) if run.hours == day.regular.as_slice() => {
                run.last = day.date;
                run.days += 1;
            }
            _ => runs.push(SameHours { first: day.date, last: day.date, days: 1, hours: &day.regular }),
        }
    }
    runs
}

fn fields(day: &OpenOn) -> Value {
    json!({
        "date": day.date.to_string(),
        "weekday": weekday_of(day.date),
        "hours": clock_ranges(day.hours()),
        "closed": day.closed,
    })
}
