//! How dates, times, lists and lengths are spoken: "Dienstag, den 24. November um 14 Uhr 30",
//! "Tuesday, November 24 at 2:30 pm". The things to speak are small copies that know no zone.

use jiff::civil::{Date, DateTime, Time};

use crate::tenant::{HourRange, Language};

/// Names that are spoken in a list; more are left out.
pub const NAMES_SPOKEN_MAX: usize = 8;
/// Alternatives that are spoken; more are only in the fields.
pub const ALTERNATIVES_SPOKEN_MAX: usize = 3;

/// A day.
pub type Day = Date;
/// A local date and wall clock.
pub type Moment = DateTime;
/// Names to list.
pub type Names<'a> = &'a [String];
/// Opening hours of a day.
pub type Hours<'a> = &'a [HourRange];
/// Moments to list, with whom.
pub type Moments<'a> = &'a [(DateTime, Option<String>)];

/// How old something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// In seconds.
    pub seconds: u64,
}

/// How long before an appointment somebody must book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// In minutes.
    pub minutes: u32,
}

const WEEKDAYS_DE: [&str; 7] =
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];
const WEEKDAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `Dienstag`, `Tuesday`.
#[must_use]
pub fn weekday(language: Language, date: Date) -> &'static str {
    let names = if language == Language::De { WEEKDAYS_DE } else { WEEKDAYS_EN };
    at(&names, date.weekday().to_monday_zero_offset())
}

/// `November` in both.
#[must_use]
pub fn month(language: Language, date: Date) -> &'static str {
    let names: &[&'static str] = if language == Language::De { &MONTHS_DE } else { &MONTHS_EN };
    at(names, date.month() - 1)
}

/// After "am" and "on": `Dienstag, den 24. November`, `Tuesday, November 24`.
#[must_use]
pub fn day(language: Language, date: Date) -> String {
    let (weekday, month) = (weekday(language, date), month(language, date));
    match language {
        Language::De => format!("{weekday}, den {}. {month}", date.day()),
        Language::En => format!("{weekday}, {month} {}", date.day()),
    }
}

/// After "heute ist" and "today is", with the year: `Montag, der 23. November 2026`.
#[must_use]
pub fn day_and_year(language: Language, date: Date) -> String {
    let (weekday, month) = (weekday(language, date), month(language, date));
    match language {
        Language::De => format!("{weekday}, der {}. {month} {}", date.day(), date.year()),
        Language::En => format!("{weekday}, {month} {}, {}", date.day(), date.year()),
    }
}

/// `14 Uhr`, `14 Uhr 30`, `2 pm`, `2:30 pm`. In German the early hours, which could be heard as those of the
/// afternoon, are said as such: `3 Uhr nachts`, `7 Uhr morgens`.
#[must_use]
pub fn time(language: Language, time: Time) -> String {
    let said = clock(language, i32::from(time.hour()), i32::from(time.minute()));
    match (language, time.hour(), time.minute()) {
        (Language::De, 1..=3, _) => format!("{said} nachts"),
        (Language::De, 4..=6, _) | (Language::De, 7, 0) => format!("{said} morgens"),
        _ => said,
    }
}

/// `Dienstag, den 24. November um 14 Uhr`, `Tuesday, November 24 at 2 pm`.
#[must_use]
pub fn moment(language: Language, moment: Moment) -> String {
    let (day, time) = (day(language, moment.date()), time(language, moment.time()));
    match language {
        Language::De => format!("{day} um {time}"),
        Language::En => format!("{day} at {time}"),
    }
}

/// `von 9 Uhr bis 12 Uhr und von 14 Uhr bis 18 Uhr`.
#[must_use]
pub fn hours(language: Language, hours: Hours<'_>) -> String {
    let ranges = hours.iter().map(|range| {
        let [from, to] = [range.from_minute, range.to_minute]
            .map(|minute| clock(language, i32::from(minute / 60), i32::from(minute % 60)));
        match language {
            Language::De => format!("von {from} bis {to}"),
            Language::En => format!("from {from} to {to}"),
        }
    });
    and(language, &ranges.collect::<Vec<_>>())
}

/// `a, b und c`.
#[must_use]
pub fn and(language: Language, items: &[String]) -> String {
    join(items, if language == Language::De { " und " } else { " and " })
}

/// `a, b oder c`.
#[must_use]
pub fn or(language: Language, items: &[String]) -> String {
    join(items, if language == Language::De { " oder " } else { " or " })
}

/// Days joined by "or".
#[must_use]
pub fn or_days(language: Language, days: &[Day]) -> String {
    or(language, &days.iter().map(|date| day(language, *date)).collect::<Vec<_>>())
}

/// Times joined by "or".
#[must_use]
pub fn or_times(language: Language, times: &[Time]) -> String {
    or(language, &times.iter().map(|at| time(language, *at)).collect::<Vec<_>>())
}

/// Moments joined by "or", each with its host: `Dienstag, den 24. November um 15 Uhr bei Mia`.
#[must_use]
pub fn moments(language: Language, moments: Moments<'_>) -> String {
    let each = moments.iter().take(ALTERNATIVES_SPOKEN_MAX).map(|(at, staff)| {
        let spoken = moment(language, *at);
        match (staff, language) {
            (None, _) => spoken,
            (Some(staff), Language::De) => format!("{spoken} bei {staff}"),
            (Some(staff), Language::En) => format!("{spoken} with {staff}"),
        }
    });
    or(language, &each.collect::<Vec<_>>())
}

/// Moments beside one of this day, joined by "or": of those of the same day only the time is said.
#[must_use]
pub fn moments_beside(language: Language, date: Date, others: Moments<'_>) -> String {
    if others.iter().any(|(at, _)| at.date() != date) {
        return moments(language, others);
    }
    let times = others.iter().take(ALTERNATIVES_SPOKEN_MAX).map(|(at, _)| time(language, at.time()));
    let times = or(language, &times.collect::<Vec<_>>());
    if language == Language::De { format!("um {times}") } else { times }
}

/// `40 Sekunden`, `1 Minute`, `2 hours`: the largest unit, rounded down. German as after "vor".
#[must_use]
pub fn age(language: Language, age: Age) -> String {
    match age.seconds {
        seconds @ 0..60 => counted(language, seconds, ["Sekunde", "Sekunden"], ["second", "seconds"]),
        seconds @ 60..7_200 => counted(language, seconds / 60, ["Minute", "Minuten"], ["minute", "minutes"]),
        seconds => counted(language, seconds / 3_600, ["Stunde", "Stunden"], ["hour", "hours"]),
    }
}

/// `15 Minuten`, `2 Stunden`, `3 days`: exact, in the largest unit that divides it.
#[must_use]
pub fn notice(language: Language, notice: Notice) -> String {
    length(language, notice.minutes)
}

/// `30 Minuten`, `135 minutes`, `2 Stunden`: exact, in the largest unit that divides it.
#[must_use]
pub fn length(language: Language, minutes: u32) -> String {
    match u64::from(minutes) {
        minutes if minutes >= 2_880 && minutes % 1_440 == 0 => {
            counted(language, minutes / 1_440, ["Tag", "Tage"], ["day", "days"])
        }
        minutes if minutes >= 60 && minutes % 60 == 0 => {
            counted(language, minutes / 60, ["Stunde", "Stunden"], ["hour", "hours"])
        }
        minutes => counted(language, minutes, ["Minute", "Minuten"], ["minute", "minutes"]),
    }
}

/// `32 Euro`, `32 Euro 50`, `32.50 euros`, `45 Franken`, `12,50 PLN`; minor units are hundredths.
#[must_use]
pub fn price(language: Language, cents: i64, currency: &str) -> String {
    let (whole, hundredths) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    let is_german = language == Language::De;
    let name = match (currency, is_german, whole == 1 && hundredths == 0) {
        ("EUR", true, _) => "Euro",
        ("EUR", false, true) => "euro",
        ("EUR", false, false) => "euros",
        ("CHF", true, _) => "Franken",
        ("CHF", false, true) => "franc",
        ("CHF", false, false) => "francs",
        ("GBP", true, _) => "Pfund",
        ("GBP", false, true) => "pound",
        ("GBP", false, false) => "pounds",
        ("USD", true, _) => "Dollar",
        ("USD", false, true) => "dollar",
        ("USD", false, false) => "dollars",
        (other, ..) => other,
    };
    match (hundredths, is_german, name == currency) {
        (0, ..) => format!("{whole} {name}"),
        (_, true, false) => format!("{whole} {name} {hundredths}"),
        (_, true, true) => format!("{whole},{hundredths:02} {name}"),
        (_, false, _) => format!("{whole}.{hundredths:02} {name}"),
    }
}

/// `Montag`, `Montag und Dienstag`, `Monday to Friday`: so many days from `first` to `last`.
#[must_use]
pub fn days(language: Language, first: Date, last: Date, days: usize) -> String {
    let [first, last] = [first, last].map(|date| weekday(language, date));
    match (days, language) {
        (1, _) => first.to_owned(),
        (2, Language::De) => format!("{first} und {last}"),
        (2, Language::En) => format!("{first} and {last}"),
        (_, Language::De) => format!("{first} bis {last}"),
        (_, Language::En) => format!("{first} to {last}"),
    }
}

fn clock(language: Language, hour: i32, minute: i32) -> String {
    if language == Language::De {
        return if minute == 0 { format!("{hour} Uhr") } else { format!("{hour} Uhr {minute}") };
    }
    let half = if hour % 24 < 12 { "am" } else { "pm" };
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    if minute == 0 { format!("{hour} {half}") } else { format!("{hour}:{minute:02} {half}") }
}

fn counted(language: Language, count: u64, de: [&str; 2], en: [&str; 2]) -> String {
    let [one, many] = if language == Language::De { de } else { en };
    format!("{count} {}", if count == 1 { one } else { many })
}

fn join(items: &[String], last: &str) -> String {
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, front)) => format!("{}{last}{end}", front.join(", ")),
    }
}

fn at(names: &[&'static str], index: i8) -> &'static str {
    usize::try_from(index).ok().and_then(|i| names.get(i).copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DE: Language = Language::De;
    const EN: Language = Language::En;

    #[test]
    fn moments_are_spoken_in_both_languages() {
        let cases = [
            ("2026-11-24T14:00", "Dienstag, den 24. November um 14 Uhr", "Tuesday, November 24 at 2 pm"),
            ("2027-03-01T09:05", "Montag, den 1. März um 9 Uhr 5", "Monday, March 1 at 9:05 am"),
            ("2026-12-27T00:30", "Sonntag, den 27. Dezember um 0 Uhr 30", "Sunday, December 27 at 12:30 am"),
            ("2026-05-09T12:00", "Samstag, den 9. Mai um 12 Uhr", "Saturday, May 9 at 12 pm"),
            ("2026-05-09T06:30", "Samstag, den 9. Mai um 6 Uhr 30 morgens", "Saturday, May 9 at 6:30 am"),
        ];
        for (text, de, en) in cases {
            let at: DateTime = text.parse().unwrap();
            assert_eq!((moment(DE, at), moment(EN, at)), (de.to_owned(), en.to_owned()));
        }
        let today: Date = "2026-11-23".parse().unwrap();
        assert_eq!(day_and_year(DE, today), "Montag, der 23. November 2026");
        assert_eq!(day_and_year(EN, today), "Monday, November 23, 2026");
    }

    #[test]
    fn hours_and_lengths_are_spoken() {
        let range = |from_minute, to_minute| HourRange { from_minute, to_minute };
        let day = [range(540, 750), range(840, 1440)];
        assert_eq!(hours(DE, &day), "von 9 Uhr bis 12 Uhr 30 und von 14 Uhr bis 24 Uhr");
        assert_eq!(hours(EN, &day), "from 9 am to 12:30 pm and from 2 pm to 12 am");
        for (seconds, de, en) in [
            (1, "1 Sekunde", "1 second"),
            (40, "40 Sekunden", "40 seconds"),
            (119, "1 Minute", "1 minute"),
            (7_200, "2 Stunden", "2 hours"),
        ] {
            assert_eq!((age(DE, Age { seconds }).as_str(), age(EN, Age { seconds }).as_str()), (de, en));
        }
        for (minutes, de) in [(15, "15 Minuten"), (60, "1 Stunde"), (90, "90 Minuten"), (2_880, "2 Tage")] {
            assert_eq!(notice(DE, Notice { minutes }), de);
        }
    }

    #[test]
    fn prices_and_days_are_spoken() {
        for (cents, currency, de, en) in [
            (3_200, "EUR", "32 Euro", "32 euros"),
            (3_250, "EUR", "32 Euro 50", "32.50 euros"),
            (105, "EUR", "1 Euro 5", "1.05 euros"),
            (100, "EUR", "1 Euro", "1 euro"),
            (4_500, "CHF", "45 Franken", "45 francs"),
            (1_250, "PLN", "12,50 PLN", "12.50 PLN"),
            (0, "USD", "0 Dollar", "0 dollars"),
        ] {
            assert_eq!((price(DE, cents, currency).as_str(), price(EN, cents, currency).as_str()), (de, en));
        }
        let [mon, tue, fri] = ["2026-11-23", "2026-11-24", "2026-11-27"].map(|t| t.parse().unwrap());
        assert_eq!(
            (days(DE, mon, mon, 1).as_str(), days(EN, mon, tue, 2).as_str()),
            ("Montag", "Monday and Tuesday")
        );
        assert_eq!(
            (days(DE, mon, fri, 5).as_str(), days(EN, mon, fri, 5).as_str()),
            ("Montag bis Freitag", "Monday to Friday")
        );
    }

    #[test]
    fn lists_end_with_their_word() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!((and(DE, &items), or(EN, &items)), ("a, b und c".into(), "a, b or c".into()));
        assert_eq!((and(DE, &items[..1]), and(DE, &[])), ("a".into(), String::new()));
    }
}
