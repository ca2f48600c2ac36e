//! `parse_date`: which date the caller's words mean.

use jiff::civil::{Date, DateTime};
use serde_json::json;

use super::{FunctionAnswer, Speaker, WishedStart, speaker::clock_of, told::Told};
use crate::{
    tenant::Company,
    time::UnixMillis,
    when::{Window, local, opening::weekday_of},
};

/// The answer to `parse_date`: `date` is the day, or the first of several; `time` is there for a moment and
/// `window` otherwise.
#[must_use]
pub fn parse_date(company: &Company, wished: &WishedStart, now: UnixMillis) -> FunctionAnswer {
    let (speaker, zone) = (Speaker::of(company), company.zone());
    let here = |at: UnixMillis| local(at, &zone).unwrap_or_default();
    let said = Told::DateUnderstood(speaker.wished(wished, now));
    let (date, at, window): (Date, Option<DateTime>, Option<Window>) = match wished {
        WishedStart::At(start) => (here(*start).date(), Some(here(*start)), None),
        WishedStart::Within(window) => (first_day(window, here(window.from)), None, Some(*window)),
    };
    let instant = |at: UnixMillis| speaker.instant(at);
    speaker
        .tell(&said)
        .with("date", date.to_string())
        .with("time", at.map(|at| clock_of(at.time())))
        .with("window", window.map(|w| json!({"from": instant(w.from), "to": instant(w.to)})))
        .with("weekday", json!(weekday_of(date)))
}

/// The day that was meant, though its beginning may be past.
fn first_day(window: &Window, from: DateTime) -> Date {
    window.shape.day().unwrap_or_else(|| from.date())
}
