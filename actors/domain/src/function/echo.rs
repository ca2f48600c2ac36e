//! What was understood, said back: "Donnerstag, den 26. November gegen 15 Uhr", "Thursday, November 26 around
//! 3 pm". What is said here and read again means the same.

use jiff::civil::{Date, DateTime, Time};

use super::{
    outcome::{Wished, WishedWhen},
    spoken,
};
use crate::{
    tenant::Language,
    when::{Shape, needs_year},
};

/// What is wished, said back.
pub(super) fn wished(language: Language, wished: Wished) -> String {
    match wished.when {
        WishedWhen::At(at) => moment(language, at, wished.today),
        WishedWhen::Within(shape) => window(language, shape, wished.today),
    }
}

/// What is wished, at the beginning of a sentence: `Am Dienstag, den 24. November um 14 Uhr`, `From Monday,
/// November 30 to Sunday, December 6`, `In den nächsten Tagen`.
pub(super) fn start(language: Language, wished: Wished) -> String {
    let said = self::wished(language, wished);
    match (wished.when, language) {
        (WishedWhen::Within(Shape::Soon), Language::De) => "In den nächsten Tagen".to_owned(),
        (WishedWhen::Within(Shape::Soon), Language::En) => "In the next few days".to_owned(),
        (WishedWhen::Within(Shape::Days { first, last }), _) if first != last => {
            let mut letters = said.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
        (_, Language::De) => format!("Am {said}"),
        (_, Language::En) => format!("On {said}"),
    }
}

/// A moment, after "am" and "on"; with its year where that is not the next such date.
pub(super) fn moment(language: Language, at: DateTime, today: Date) -> String {
    let (day, time) = (day(language, at.date(), today), spoken::time(language, at.time()));
    match language {
        Language::De => format!("{day} um {time}"),
        Language::En => format!("{day} at {time}"),
    }
}

/// A window: `Dienstag, den 24. November zwischen 14 Uhr und 16 Uhr`, `from Monday, November 30 to Sunday,
/// December 6`, `so bald wie möglich`.
pub(super) fn window(language: Language, shape: Shape, today: Date) -> String {
    let day = |date| day(language, date, today);
    match (shape, language) {
        (Shape::Days { first, last }, _) if first == last => day(first),
        (Shape::Days { first, last }, Language::De) => format!("von {} bis {}", day(first), day(last)),
        (Shape::Days { first, last }, Language::En) => format!("from {} to {}", day(first), day(last)),
        (Shape::Hours { date, hours }, _) => {
            format!("{} {}", day(date), hours_of(language, hours.from_minute, hours.to_minute))
        }
        (Shape::Around { at }, Language::De) => {
            format!("{} gegen {}", day(at.date()), spoken::time(language, at.time()))
        }
        (Shape::Around { at }, Language::En) => {
            format!("{} around {}", day(at.date()), spoken::time(language, at.time()))
        }
        (Shape::Soon, Language::De) => "so bald wie möglich".to_owned(),
        (Shape::Soon, Language::En) => "as soon as possible".to_owned(),
    }
}

/// A day, with its year where that is not the next such date.
pub(super) fn day(language: Language, date: Date, today: Date) -> String {
    let said = spoken::day(language, date);
    match (needs_year(date, today), language) {
        (false, _) => said,
        (true, Language::De) => format!("{said} {}", date.year()),
        (true, Language::En) => format!("{said}, {}", date.year()),
    }
}

fn hours_of(language: Language, from: u16, to: u16) -> String {
    let time = |minute: u16| spoken::time(language, clock(minute));
    match (from, to, language) {
        (0, to, Language::De) => format!("vor {}", time(to)),
        (0, to, Language::En) => format!("before {}", time(to)),
        (from, 1440.., Language::De) => format!("ab {}", time(from)),
        (from, 1440.., Language::En) => format!("from {}", time(from)),
        (from, to, Language::De) => format!("zwischen {} und {}", time(from), time(to)),
        (from, to, Language::En) => format!("between {} and {}", time(from), time(to)),
    }
}

/// A minute of the day; the end of it is midnight.
fn clock(minute: u16) -> Time {
    let part = |value: u16| i8::try_from(value).unwrap_or_default();
    Time::new(part(minute / 60 % 24), part(minute % 60), 0, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        tenant::HourRange,
        time::UnixMillis,
        when::{Refusal, When, WhenTexts, local, read_when},
    };

    const BOTH: [Language; 2] = [Language::De, Language::En];

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    /// Mon 2026-11-23 09:00, so many minutes later.
    fn now(minutes: i64) -> UnixMillis {
        let start = UnixMillis::parse_rfc3339("2026-11-23T09:00:00+01:00").unwrap();
        start.plus_ms(minutes * 60_000)
    }

    fn today(now: UnixMillis) -> Date {
        local(now, &berlin()).unwrap().date()
    }

    fn read(text: &str, now: UnixMillis) -> Option<When> {
        let texts = WhenTexts { datetime: Some(text), ..WhenTexts::default() };
        read_when(&texts, &berlin(), now)
    }

    fn said(language: Language, text: &str) -> String {
        let (now, today) = (now(0), today(now(0)));
        match read(text, now) {
            Some(When::Exact(at)) => moment(language, at.local, today),
            Some(When::Window(of)) => window(language, of.shape, today),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn what_was_understood_is_said_back() {
        let cases = [
            (
                "nächsten Donnerstag gegen drei",
                "Donnerstag, den 26. November gegen 15 Uhr",
                "Thursday, November 26 around 3 pm",
            ),
            (
                "morgen um halb elf",
                "Dienstag, den 24. November um 10 Uhr 30",
                "Tuesday, November 24 at 10:30 am",
            ),
            ("am 24. nach fünf", "Dienstag, den 24. November ab 17 Uhr", "Tuesday, November 24 from 5 pm"),
            ("morgen bis elf", "Dienstag, den 24. November vor 11 Uhr", "Tuesday, November 24 before 11 am"),
            (
                "nächste Woche",
                "von Montag, den 30. November bis Sonntag, den 6. Dezember",
                "from Monday, November 30 to Sunday, December 6",
            ),
            (
                "morgen früh",
                "Dienstag, den 24. November zwischen 7 Uhr morgens und 12 Uhr",
                "Tuesday, November 24 between 7 am and 12 pm",
            ),
            ("22.11.", "Montag, den 22. November", "Monday, November 22"),
            ("24.11.2027", "Mittwoch, den 24. November 2027", "Wednesday, November 24, 2027"),
            ("asap", "so bald wie möglich", "as soon as possible"),
        ];
        for (text, de, en) in cases {
            assert_eq!((said(Language::De, text).as_str(), said(Language::En, text).as_str()), (de, en));
        }
    }

    proptest! {
        #[test]
        fn a_moment_that_is_said_back_and_read_again_is_the_same(
            at_minute in 0_i64..400 * 1440, ahead in 0_i64..366 * 1440,
        ) {
            let (now, start) = (now(at_minute), now(at_minute + ahead));
            let here = local(start, &berlin()).unwrap();
            let first = crate::when::instant_of(here, &berlin());
            prop_assume!(first == Some(start), "the second of a doubled hour");
            for language in BOTH {
                let text = moment(language, here, today(now));
                let Some(When::Exact(again)) = read(&text, now) else {
                    return Err(TestCaseError::fail(format!("{text}: {:?}", read(&text, now))));
                };
                prop_assert_eq!(again.start, start, "{}", text);
            }
        }

        #[test]
        fn a_window_that_is_said_back_and_read_again_is_the_same(
            at_minute in 0_i64..400 * 1440, day in 0_i64..366, length in 0_i64..30,
            a in 0_u16..1440, b in 0_u16..1440, kind in 0..4,
        ) {
            let now = now(at_minute);
            let first = crate::when::plus_days(today(now), day);
            let hours = HourRange { from_minute: a.min(b), to_minute: a.max(b).max(a.min(b) + 1) };
            let shape = match kind {
                0 => Shape::Days { first, last: crate::when::plus_days(first, length.min(366 - day)) },
                1 => Shape::Hours { date: first, hours },
                2 if hours.from_minute > 0 => {
                    Shape::Hours { date: first, hours: HourRange { to_minute: 1440, ..hours } }
                }
                _ => Shape::Around { at: first.to_datetime(clock(a)) },
            };
            for language in BOTH {
                let text = window(language, shape, today(now));
                match read(&text, now) {
                    Some(When::Window(again)) => prop_assert_eq!(again.shape, shape, "{}", text),
                    Some(When::Refusal(Refusal::DoesNotExist { date })) => prop_assert_eq!(date, first),
                    // Of today it may be over.
                    Some(When::Refusal(_)) if day == 0 => {}
                    other => return Err(TestCaseError::fail(format!("{text}: {other:?}"))),
                }
            }
        }
    }
}
