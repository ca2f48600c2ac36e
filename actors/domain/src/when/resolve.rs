//! From dates and times to what they mean now: a moment, a window, a question or a refusal.

use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};

use super::{
    DAYS_AHEAD_MAX,
    clock::{Clock, span},
    days::Days,
    instant_of, local,
    part::Part,
    plus_days,
    time_phrase::TimePiece,
    times::{ClockSaid, Times},
    understood::{Moment, Question, Refusal, Shape, When, Window, clock as wall_clock},
};
use crate::{tenant::HourRange, time::UnixMillis};

/// Minutes that "kurz nach" and "shortly before" stretch.
const SHORTLY_MINUTES: u16 = 30;
const DAY: u16 = 1440;

/// Where and when something is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) zone: &'a TimeZone,
    pub(super) now: UnixMillis,
    pub(super) today: Date,
}

impl Here<'_> {
    /// What is meant by days and times; `None` for days when none were said.
    pub(super) fn resolve(&self, days: Option<Days>, times: &Times) -> When {
        match days {
            None => self.without_day(times),
            Some(Days::Past) => self.past(),
            Some(Days::Far) => self.too_far(),
            Some(Days::Unclear) => self.not_understood(),
            Some(Days::Span { first, last, .. }) if times.is_open() => {
                self.window(Shape::Days { first, last })
            }
            Some(Days::Span { listed, .. }) => {
                let candidates = listed.into_iter().filter(|day| *day >= self.today).collect();
                When::Question(Question::WhichDay { candidates, time: self.sure_time(times) })
            }
            Some(Days::AnyOf(dates)) => self.on_one_of(dates.into_iter().collect(), times),
        }
    }

    /// Nothing sure was understood.
    pub(super) fn not_understood(&self) -> When {
        When::Question(Question::NotUnderstood { today: self.today })
    }

    /// A moment, if it is ahead and not too far.
    pub(super) fn exact(&self, start: UnixMillis) -> When {
        let Some(at) = local(start, self.zone) else { return self.not_understood() };
        if start < self.now {
            return self.past();
        }
        if at.date() > plus_days(self.today, DAYS_AHEAD_MAX) {
            return self.too_far();
        }
        When::Exact(Moment { start, local: at })
    }

    /// Beyond what can be booked.
    pub(super) fn too_far(&self) -> When {
        When::Refusal(Refusal::TooFar { today: self.today })
    }

    /// Over.
    pub(super) fn past(&self) -> When {
        When::Refusal(Refusal::Past { today: self.today })
    }

    fn without_day(&self, times: &Times) -> When {
        if let ClockSaid::One(TimePiece::InMinutes(minutes)) = times.clock {
            return self.in_minutes(minutes, None);
        }
        if times.is_soon && times.is_open() {
            return self.window(Shape::Soon);
        }
        if times.is_empty() {
            return self.not_understood();
        }
        When::Question(Question::WhichDay { candidates: Vec::new(), time: self.sure_time(times) })
    }

    /// The clock, when it is sure without its day.
    fn sure_time(&self, times: &Times) -> Option<Time> {
        let ClockSaid::One(TimePiece::At(clock)) = &times.clock else { return None };
        match clock.within(times.part)?.plausible().as_slice() {
            [only] => Some(wall_clock(self.today, *only).time()),
            _ => None,
        }
    }

    /// On the only date that is not past then; several are asked back.
    fn on_one_of(&self, dates: Vec<Date>, times: &Times) -> When {
        let meant = |date: Date| (date, self.on(date, times));
        let mut possible: Vec<(Date, When)> = dates.into_iter().map(meant).collect();
        let is_past = |when: &When| matches!(when, When::Refusal(Refusal::Past { .. }));
        possible.retain(|(_, when)| !is_past(when));
        match possible.as_slice() {
            [] => self.past(),
            [(_, only)] => only.clone(),
            several => {
                let candidates = several.iter().map(|(date, _)| *date).collect();
                When::Question(Question::WhichDay { candidates, time: self.sure_time(times) })
            }
        }
    }

    fn on(&self, date: Date, times: &Times) -> When {
        if date > plus_days(self.today, DAYS_AHEAD_MAX) {
            return self.too_far();
        }
        let part = times.part;
        // Also roughly nobody comes at a time that the clock jumps over.
        let around = |minute| {
            let at = wall_clock(date, minute);
            match super::instant_of(at, self.zone) {
                Some(_) => self.window(Shape::Around { at }),
                None => When::Refusal(Refusal::DoesNotExist { date }),
            }
        };
        let hours = |from: u16, to: u16| self.hours(date, part, from, to);
        match &times.clock {
            ClockSaid::Vague => self.which_time(date, Vec::new()),
            ClockSaid::Choice(clock) => self.at(date, clock, part, |minute| self.at_minute(date, minute)),
            ClockSaid::Nothing => match part {
                None => self.window(Shape::Days { first: date, last: date }),
                Some(part) => match part.window() {
                    Some(hours) => self.window(Shape::Hours { date, hours }),
                    None => self.which_time(date, Vec::new()),
                },
            },
            ClockSaid::One(piece) => match piece {
                TimePiece::At(clock) | TimePiece::Instant(clock, _) => {
                    self.at(date, clock, part, |minute| self.at_minute(date, minute))
                }
                TimePiece::Around(clock) => self.at(date, clock, part, around),
                TimePiece::From(clock) => self.at(date, clock, part, |minute| hours(minute, DAY)),
                TimePiece::Until(clock) => self.at(date, clock, part, |minute| hours(0, minute)),
                TimePiece::JustAfter(clock) => {
                    self.at(date, clock, part, |minute| hours(minute, minute + SHORTLY_MINUTES))
                }
                TimePiece::JustBefore(clock) => {
                    self.at(date, clock, part, |minute| hours(minute.saturating_sub(SHORTLY_MINUTES), minute))
                }
                TimePiece::Between(from, to) => self.between(date, from, to, part),
                TimePiece::Midnight => self.midnight(date),
                TimePiece::InMinutes(minutes) => self.in_minutes(*minutes, Some(date)),
                _ => self.which_time(date, Vec::new()),
            },
        }
    }

    /// What follows from a clock that is sure; today a reading that is over does not count.
    fn at(&self, date: Date, clock: &Clock, part: Option<Part>, then: impl Fn(u16) -> When) -> When {
        let Some(clock) = clock.within(part) else { return self.which_time(date, Vec::new()) };
        let mut minutes = clock.plausible();
        if part == Some(Part::Night) && minutes == [0] {
            return self.midnight(date);
        }
        if minutes.len() > 1 {
            let is_ahead = |minute: &u16| {
                instant_of(wall_clock(date, *minute), self.zone).is_some_and(|at| at >= self.now)
            };
            minutes.retain(is_ahead);
        }
        match minutes.as_slice() {
            [] => self.past(),
            [only] => then(*only),
            several => self.which_time(date, several.iter().map(|m| wall_clock(date, *m).time()).collect()),
        }
    }

    fn at_minute(&self, date: Date, minute: u16) -> When {
        let at = wall_clock(date, minute);
        match instant_of(at, self.zone) {
            Some(start) => self.exact(start),
            None => When::Refusal(Refusal::DoesNotExist { date: at.date() }),
        }
    }

    fn between(&self, date: Date, from: &Clock, to: &Clock, part: Option<Part>) -> When {
        let narrowed = |clock: &Clock| clock.within(part).unwrap_or_else(|| clock.clone());
        match span(&narrowed(from), &narrowed(to)) {
            Some((from, to)) => self.hours(date, part, from, to),
            None => self.which_time(date, Vec::new()),
        }
    }

    /// Hours of a day, within the part of it that was said, where both meet.
    fn hours(&self, date: Date, part: Option<Part>, from: u16, to: u16) -> When {
        let whole = HourRange { from_minute: from, to_minute: to.min(DAY) };
        let within = part.and_then(Part::window).map(|part| HourRange {
            from_minute: part.from_minute.max(from),
            to_minute: part.to_minute.min(to),
        });
        let hours = within.filter(|w| w.from_minute < w.to_minute).unwrap_or(whole);
        if hours.from_minute >= hours.to_minute {
            return self.which_time(date, Vec::new());
        }
        let is_whole = hours.from_minute == 0 && hours.to_minute == DAY;
        let whole = Shape::Days { first: date, last: date };
        self.window(if is_whole { whole } else { Shape::Hours { date, hours } })
    }

    /// The midnight before or after the day: asked, unless the first is over.
    fn midnight(&self, date: Date) -> When {
        let days = [date, plus_days(date, 1)];
        let is_ahead = |day: &Date| {
            instant_of(day.to_datetime(Time::midnight()), self.zone).is_some_and(|at| at >= self.now)
        };
        match days.into_iter().filter(is_ahead).collect::<Vec<Date>>().as_slice() {
            [] => self.past(),
            [only] => self.at_minute(*only, 0),
            several => {
                let (candidates, time) = (several.to_vec(), Some(Time::midnight()));
                When::Question(Question::WhichDay { candidates, time })
            }
        }
    }

    /// Around so many minutes from now, if that is on the day that was said.
    fn in_minutes(&self, minutes: i64, date: Option<Date>) -> When {
        let start = self.now.plus_ms(minutes.saturating_mul(60_000));
        let Some(at) = local(start, self.zone) else { return self.not_understood() };
        if date.is_some_and(|date| date != at.date()) {
            return self.not_understood();
        }
        let minute = super::understood::minute_of(at.time());
        self.window(Shape::Around { at: wall_clock(at.date(), minute) })
    }

    fn window(&self, shape: Shape) -> When {
        match Window::of(shape, self.zone, self.now, self.today) {
            Ok(window) => When::Window(window),
            Err(refusal) => When::Refusal(refusal),
        }
    }

    fn which_time(&self, date: Date, candidates: Vec<Time>) -> When {
        let is_over = date < self.today;
        if is_over { self.past() } else { When::Question(Question::WhichTime { date, candidates }) }
    }
}
