//! Spellings of dates and times, both clock changes, and texts that are anything at all.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn at(text: &str) -> UnixMillis {
    UnixMillis::parse_rfc3339(text).unwrap()
}

/// Mon 2026-11-23 09:00 in Berlin.
fn now() -> UnixMillis {
    at("2026-11-23T09:00:00+01:00")
}

fn parse(datetime: &str, date: &str, time: &str) -> Result<String, WhenError> {
    fn given(text: &str) -> Option<&str> {
        (!text.is_empty()).then_some(text)
    }
    let texts = WhenTexts { datetime: given(datetime), date: given(date), time: given(time) };
    parse_when(&texts, &berlin(), now()).map(|when| when.start.to_rfc3339_in(&berlin()))
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn many_spellings_mean_tuesday_at_two() {
    let cases = [
        ("2026-11-24T14:00", "", ""),
        ("2026-11-24 14:00", "", ""),
        ("2026-11-24T14:00:00", "", ""),
        ("2026-11-24T14:00:00.000", "", ""),
        ("2026-11-24T14:00:00+01:00", "", ""),
        ("2026-11-24T14:00+0100", "", ""),
        ("2026-11-24T13:00:00Z", "", ""),
        ("2026-11-24t13:00z", "", ""),
        ("2026-11-24T08:00:00-05:00", "", ""),
        ("24.11.2026 14:00", "", ""),
        ("24.11.2026, 14:00 Uhr", "", ""),
        ("24.11.2026 um 14 Uhr", "", ""),
        ("am 24.11.2026 um 14 Uhr", "", ""),
        ("24.11.2026 14 Uhr", "", ""),
        ("24.11.26 14.00", "", ""),
        ("24.11. 14:00", "", ""),
        ("24.11. 14 Uhr", "", ""),
        ("24. 11. 2026 14h", "", ""),
        ("24.11 14:00", "", ""),
        ("14 Uhr am 24.11.2026", "", ""),
        ("14:00 am 24.11.", "", ""),
        ("14 Uhr 24.11.2026", "", ""),
        ("2 pm, 24.11.2026", "", ""),
        ("morgen 14:00", "", ""),
        ("Morgen um 14 Uhr", "", ""),
        ("tomorrow at 2 pm", "", ""),
        ("", "2026-11-24", "14:00"),
        ("", "2026-11-24", "14.00"),
        ("", "2026-11-24", "14 Uhr"),
        ("", "2026-11-24", "14uhr"),
        ("", "2026-11-24", "14 Uhr 00"),
        ("", "2026-11-24", "14h"),
        ("", "2026-11-24", "14h00"),
        ("", "2026-11-24", "14"),
        ("", "2026-11-24", "2 pm"),
        ("", "2026-11-24", "2PM"),
        ("", "2026-11-24", "2 p.m."),
        ("", "2026-11-24", "2:00 pm"),
        ("", "2026-11-24", "14:00 pm"),
        ("", "2026-11-24", "um 14 Uhr"),
        ("", "24.11.2026", "14:00"),
        ("", "24.11.26", "14:00"),
        ("", "24.11.", "14:00"),
        ("", "24.11", "14:00"),
        ("", "morgen", "14:00"),
        ("", "TOMORROW", "14:00"),
        ("", "24.11.2026 14:00", ""),
        ("", "2026-11-24T00:00:00Z", "14:00"),
        ("2026-11-24", "", "14:00"),
        ("14:00", "24.11.2026", ""),
        ("2026-11-24T14:00", "2026-11-30", ""),
        ("2026-11-24T14:00", "2026-11-30", "16:00"),
        ("2026-11-24", "2026-11-30", "14:00"),
        (" 2026-11-24\u{a0}14:00 ", "", ""),
    ];
    for (datetime, date, time) in cases {
        let wanted = Ok("2026-11-24T14:00:00+01:00".to_owned());
        assert_eq!(parse(datetime, date, time), wanted, "{datetime} | {date} | {time}");
    }
}

#[test]
fn times_have_minutes_and_halves_of_the_day() {
    let cases = [
        ("14 Uhr 30", "14:30"),
        ("14:30 Uhr", "14:30"),
        ("9:30 Uhr", "09:30"),
        ("2:30 pm", "14:30"),
        ("2.30 pm", "14:30"),
        ("9 am", "09:00"),
        ("9:15 a.m.", "09:15"),
        ("12 pm", "12:00"),
        ("12 am", "00:00"),
        ("0:15", "00:15"),
        ("9h30", "09:30"),
        ("9", "09:00"),
        ("23:59", "23:59"),
    ];
    for (text, clock) in cases {
        let wanted = format!("2026-11-24T{clock}:00+01:00");
        assert_eq!(parse("", "24.11.2026", text), Ok(wanted), "{text}");
    }
}

#[test]
fn days_have_words_and_years_are_found() {
    let cases = [
        ("heute", "2026-11-23"),
        ("today", "2026-11-23"),
        ("übermorgen", "2026-11-25"),
        ("Uebermorgen", "2026-11-25"),
        ("the day after tomorrow", "2026-11-25"),
        ("23.11.", "2026-11-23"),
        ("22.11.", "2027-11-22"),
        ("1.2.", "2027-02-01"),
        ("1.2", "2027-02-01"),
        ("01.02.27", "2027-02-01"),
    ];
    for (text, day) in cases {
        assert_eq!(parse("", text, "14:00").map(|t| t[..10].to_owned()), Ok(day.to_owned()), "{text}");
    }
}

#[test]
fn what_is_not_sure_is_not_understood() {
    let words = [
        "next friday",
        "nächsten Freitag",
        "morgen früh",
        "31.02.2026",
        "24.13.2026",
        "11/24/2026",
        "2026-11-2414:00",
        "2026-11-24T25:00",
        "2026-11-24T14:61",
        "2026-11-24T14:00:61",
        "2026-11-24T14:00+25:00",
        "24.11.2026 14 Uhr 75",
        "24.11.14:00",
        "half past two",
        "halb drei",
        "0 pm",
        "26:00",
        "14:00 am",
        "🦀",
        "T",
    ];
    for text in words {
        assert_eq!(parse(text, "", ""), Err(WhenError::NotUnderstood), "{text}");
    }
    assert_eq!(parse(&"1".repeat(65), "", ""), Err(WhenError::NotUnderstood));
    assert_eq!(parse("2026-11-24T14:00", "irgendwann", ""), Err(WhenError::NotUnderstood));
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(parse("", "", ""), Err(WhenError::Absent));
    assert_eq!(parse("  ", "", ""), Err(WhenError::Absent));
    assert_eq!(parse("", "", "14:00"), Err(WhenError::DateMissing));
    assert_eq!(parse("", "morgen", ""), Err(WhenError::TimeMissing { date: date("2026-11-24") }));
    assert_eq!(parse("2026-11-24", "", ""), Err(WhenError::TimeMissing { date: date("2026-11-24") }));
}

#[test]
fn past_and_far_dates_are_refused_with_today() {
    let today = date("2026-11-23");
    for (day, time) in [("2025-11-24", "14:00"), ("22.11.2026", ""), ("heute", "8:59"), ("0001-01-01", "")] {
        assert_eq!(parse("", day, time), Err(WhenError::DateInPast { today }), "{day} {time}");
    }
    assert_eq!(parse("2023-11-24T14:00:00Z", "", ""), Err(WhenError::DateInPast { today }));
    assert!(parse("", "heute", "9:00").is_ok());
    assert!(parse("", "2027-11-24", "9:00").is_ok());
    for day in ["2027-11-25", "9999-12-31", "29.02."] {
        assert_eq!(parse("", day, "14:00"), Err(WhenError::TooFar { today }), "{day}");
    }
    assert_eq!(parse("9999-12-31T23:59:00-14:00", "", ""), Err(WhenError::TooFar { today }));
}

#[test]
fn a_local_time_that_the_clock_jumps_over_is_refused() {
    let gone = WhenError::TimeDoesNotExist { date: date("2027-03-28") };
    assert_eq!(parse("", "2027-03-28", "02:30"), Err(gone));
    assert_eq!(parse("28.03.2027 2:30", "", ""), Err(gone));
    assert_eq!(parse("", "2027-03-28", "03:00"), Ok("2027-03-28T03:00:00+02:00".to_owned()));
}

#[test]
fn a_doubled_hour_means_its_first_instant() {
    let texts = WhenTexts { date: Some("2026-10-25"), time: Some("02:30"), ..WhenTexts::default() };
    let when = parse_when(&texts, &berlin(), at("2026-10-20T08:00:00Z")).unwrap();
    assert_eq!(when.start.to_rfc3339(), "2026-10-25T00:30:00Z");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(datetime in ".{0,70}", date in ".{0,70}", time in ".{0,70}", now in any::<i64>()) {
        let texts = WhenTexts { datetime: Some(&datetime), date: Some(&date), time: Some(&time) };
        let _ = parse_when(&texts, &berlin(), UnixMillis(now));
        let only = WhenTexts { datetime: Some(&datetime), ..WhenTexts::default() };
        let _ = parse_when(&only, &berlin(), UnixMillis(now));
    }

    #[test]
    fn nearly_right_texts_do_not_make_it_panic(
        text in "[0-9]{1,4}[-.: t]?[0-9]{0,2}[-.: ]?[0-9]{0,4}[ t]?[0-9]{0,2}[:.h]?[0-9]{0,2} ?(uhr|am|pm|z|[+-][0-9]{0,4})?",
    ) {
        for texts in [
            WhenTexts { datetime: Some(&text), ..WhenTexts::default() },
            WhenTexts { date: Some(&text), ..WhenTexts::default() },
            WhenTexts { time: Some(&text), date: Some("morgen"), ..WhenTexts::default() },
        ] {
            if let Ok(when) = parse_when(&texts, &berlin(), now()) {
                prop_assert!(when.start >= now());
                prop_assert!(when.start.since(now()) <= DAYS_AHEAD_MAX * 86_400_000);
            }
        }
    }
}
