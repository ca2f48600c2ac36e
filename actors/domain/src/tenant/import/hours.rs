//! Opening hours and holidays of the import file.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    HOLIDAYS_MAX, RANGES_PER_DAY_MAX,
    reader::{Fields, Item, Reader, quoted},
};
use crate::tenant::{HourRange, Weekday};

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// Opening hours by weekday; a day that is not there or has an empty list is closed.
pub(super) fn opening_hours(
    reader: &mut Reader,
    item: &Item<'_>,
) -> Option<BTreeMap<Weekday, Vec<HourRange>>> {
    let fields = reader.fields(item, &DAYS.map(|(name, _)| name))?;
    let mut hours = BTreeMap::new();
    for (name, day) in DAYS {
        let items = reader.optional_list(&fields, name, RANGES_PER_DAY_MAX);
        let ranges = day_ranges(reader, &items);
        if !ranges.is_empty() {
            hours.insert(day, ranges);
        }
    }
    Some(hours)
}

/// Closed days, ISO dates.
pub(super) fn holidays(reader: &mut Reader, fields: &Fields<'_>) -> BTreeSet<String> {
    let items = reader.optional_list(fields, "holidays", HOLIDAYS_MAX);
    items.iter().filter_map(|item| holiday(reader, item)).collect()
}

fn holiday(reader: &mut Reader, item: &Item<'_>) -> Option<String> {
    let text = reader.raw_text(item)?;
    let is_iso = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if !is_iso || text.parse::<jiff::civil::Date>().is_err() {
        let message = format!("{} is no date; write it as 2026-12-25", quoted(text));
        reader.refuse(&item.place, "date_invalid", message);
        return None;
    }
    Some(text.to_owned())
}

fn day_ranges(reader: &mut Reader, items: &[Item<'_>]) -> Vec<HourRange> {
    let mut ranges: Vec<HourRange> = Vec::new();
    for item in items {
        let Some(text) = reader.raw_text(item) else { continue };
        match parse_range(text) {
            None => {
                let message = format!(
                    "{} is no opening time; write it as 09:00-18:00, the end later than the start, at most 24:00",
                    quoted(text)
                );
                reader.refuse(&item.place, "hours_invalid", message);
            }
            Some(range) if ranges.last().is_some_and(|last| range.from_minute < last.to_minute) => {
                let message = format!(
                    "{} begins before the one before it ends; sort them and join those that overlap",
                    quoted(text)
                );
                reader.refuse(&item.place, "hours_overlap", message);
            }
            Some(range) => ranges.push(range),
        }
    }
    ranges
}

/// `09:00-18:00`, from before to; 24:00 only as the end.
fn parse_range(text: &str) -> Option<HourRange> {
    let (from, to) = text.split_once('-')?;
    let (from_minute, to_minute) = (parse_minute(from)?, parse_minute(to)?);
    (from_minute < to_minute).then_some(HourRange { from_minute, to_minute })
}

/// Minutes from midnight of `HH:MM`, up to 24:00.
fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= 1_440).then_some(of_day)
}
