//! Which other times to offer when the wished one is taken. Offered, never held.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    civil::{Date, DateTime},
    tz::TimeZone,
};

use crate::{
    time::UnixMillis,
    when::{local, plus_days},
};

/// Another time that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Its start; RFC 3339 with the branch's offset in answers.
    pub slot: UnixMillis,
    /// With whom, if that is known.
    pub staff: Option<String>,
}

type Days = BTreeMap<Date, Vec<(UnixMillis, DateTime)>>;

/// At most `max` of the `offered` times that are not `blocked`, the best first: near the wish on the same
/// day, the next day that has any at about the same time, a week later, the next free; then whatever else
/// is nearest. Never the wish itself, none twice.
#[must_use]
pub fn choose(
    wish: UnixMillis,
    offered: &BTreeSet<UnixMillis>,
    blocked: impl Fn(UnixMillis) -> bool,
    zone: &TimeZone,
    max: usize,
) -> Vec<UnixMillis> {
    let free: Vec<UnixMillis> = offered.iter().copied().filter(|at| *at != wish && !blocked(*at)).collect();
    let mut chosen: Vec<UnixMillis> = Vec::new();
    let mut take = |at: Option<UnixMillis>| {
        if let Some(at) = at.filter(|at| chosen.len() < max && !chosen.contains(at)) {
            chosen.push(at);
        }
    };
    if let Some(wished) = local(wish, zone) {
        let days = by_day(&free, zone);
        let day = wished.date();
        let next_day = days.range(plus_days(day, 1)..).next().map(|(date, _)| *date);
        for date in [Some(day), next_day, Some(plus_days(day, 7))].into_iter().flatten() {
            take(nearest_clock(&days, date, wished));
        }
    }
    take(free.first().copied());
    let mut rest = free;
    rest.sort_by_key(|at| (at.since(wish).unsigned_abs(), *at));
    rest.into_iter().for_each(|at| take(Some(at)));
    chosen
}

fn by_day(free: &[UnixMillis], zone: &TimeZone) -> Days {
    let mut days = Days::new();
    for at in free {
        if let Some(here) = local(*at, zone) {
            days.entry(here.date()).or_default().push((*at, here));
        }
    }
    days
}

/// The time on `date` whose wall clock is nearest to the wish; the earlier of two.
fn nearest_clock(days: &Days, date: Date, wished: DateTime) -> Option<UnixMillis> {
    let clock = |here: &DateTime| i32::from(here.hour()) * 60 + i32::from(here.minute());
    let times = days.get(&date)?;
    times.iter().min_by_key(|(at, here)| ((clock(here) - clock(&wished)).abs(), *at)).map(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis::parse_rfc3339(&format!("{text}:00+01:00")).unwrap()
    }

    fn chosen(wish: &str, offered: &[&str], blocked: &[&str], max: usize) -> Vec<String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let offered: BTreeSet<UnixMillis> = offered.iter().map(|t| at(t)).collect();
        let blocked: Vec<UnixMillis> = blocked.iter().map(|t| at(t)).collect();
        let found = choose(at(wish), &offered, |t| blocked.contains(&t), &zone, max);
        found.into_iter().map(|t| t.to_rfc3339_in(&zone)[..16].to_owned()).collect()
    }

    const FREE: [&str; 9] = [
        "2026-11-23T10:00",
        "2026-11-24T09:00",
        "2026-11-24T14:00",
        "2026-11-24T14:30",
        "2026-11-25T09:00",
        "2026-11-25T14:00",
        "2026-12-01T14:00",
        "2026-12-01T15:00",
        "2026-12-02T14:00",
    ];

    #[test]
    fn same_day_next_day_next_week_and_next_free_come_in_this_order() {
        let wanted = ["2026-11-24T14:30", "2026-11-25T14:00", "2026-12-01T14:00", "2026-11-23T10:00"];
        assert_eq!(chosen("2026-11-24T14:00", &FREE, &[], 4), wanted);
        assert_eq!(chosen("2026-11-24T14:00", &FREE, &[], 2), wanted[..2]);
        assert_eq!(chosen("2026-11-24T14:00", &FREE, &[], 0), [""; 0]);
        assert_eq!(chosen("2026-11-24T14:00", &FREE, &[], 99).len(), FREE.len() - 1);
    }

    #[test]
    fn the_weekend_is_stepped_over() {
        let found = chosen("2026-11-27T14:00", &["2026-11-30T14:00", "2026-12-01T14:00"], &[], 1);
        assert_eq!(found, ["2026-11-30T14:00"]);
    }

    #[test]
    fn blocked_times_are_not_offered() {
        let found = chosen("2026-11-24T14:00", &FREE, &["2026-11-24T14:30"], 1);
        assert_eq!(found, ["2026-11-24T09:00"]);
        assert!(chosen("2026-11-24T14:00", &FREE, &FREE, 3).is_empty());
    }

    proptest! {
        #[test]
        fn never_the_wish_never_twice_never_too_many(
            wish in 0_i64..200, offered in prop::collection::btree_set(0_i64..200, 0..40), max in 0_usize..6,
        ) {
            let hour = |n: i64| UnixMillis(1_800_000_000_000 + n * 3_600_000);
            let offered: BTreeSet<UnixMillis> = offered.into_iter().map(hour).collect();
            let zone = TimeZone::get("Europe/Berlin").unwrap();
            let found = choose(hour(wish), &offered, |t| t.0 % 7 == 0, &zone, max);
            let distinct: BTreeSet<_> = found.iter().copied().collect();
            prop_assert!(found.len() == distinct.len() && found.len() <= max);
            prop_assert!(found.iter().all(|t| *t != hour(wish) && offered.contains(t) && t.0 % 7 != 0));
            let free = offered.iter().filter(|t| **t != hour(wish) && t.0 % 7 != 0).count();
            prop_assert_eq!(found.len(), free.min(max));
        }
    }
}
