//! Spellings of dates and times, both clock changes, arguments together, and texts that are anything at all.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{corpus_tests::written, *};

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

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn parse(datetime: &str, date: &str, time: &str) -> Option<When> {
    let texts = WhenTexts { datetime: given(datetime), date: given(date), time: given(time) };
    read_when(&texts, &berlin(), now())
}

/// The meaning as the corpus writes it.
fn meant(datetime: &str, date: &str, time: &str) -> String {
    parse(datetime, date, time).map_or_else(|| "absent".to_owned(), |when| written(&when))
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
        ("24.11.14:00", "", ""),
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
        ("", "2026-11-24", "02:00 PM"),
        ("", "2026-11-24", "2 p.m."),
        ("", "2026-11-24", "2:00 pm"),
        ("", "2026-11-24", "14:00 pm"),
        ("", "2026-11-24", "um 14 Uhr"),
        ("", "2026-11-24", "zwei"),
        ("", "2026-11-24", "2"),
        ("", "24.11.2026", "14:00"),
        ("", "24.11.26", "14:00"),
        ("", "24.11.", "14:00"),
        ("", "24.11", "14:00"),
        ("", "24", "14:00"),
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
        assert_eq!(meant(datetime, date, time), "2026-11-24T14:00", "{datetime} | {date} | {time}");
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
        ("9.10", "09:10"),
        ("23:59", "23:59"),
        ("halb drei", "14:30"),
        ("drei", "15:00"),
    ];
    for (text, clock) in cases {
        assert_eq!(meant("", "24.11.2026", text), format!("2026-11-24T{clock}"), "{text}");
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
        ("10.12", "2026-12-10"),
        ("01.02.27", "2027-02-01"),
    ];
    for (text, day) in cases {
        assert_eq!(meant("", text, "14:00"), format!("{day}T14:00"), "{text}");
    }
}

#[test]
fn parts_of_the_day_in_one_argument_tell_the_clock_in_another() {
    let cases = [
        ("morgen Abend", "um sieben", "2026-11-24T19:00"),
        ("morgen früh", "7", "2026-11-24T07:00"),
        ("morgen", "nachmittags", "2026-11-24T13:00/18:00"),
        ("morgen Nachmittag", "zwischen zwei und vier", "2026-11-24T14:00/16:00"),
        ("morgen Nachmittag", "gegen drei", "~2026-11-24T15:00"),
        ("morgen Vormittag", "15 Uhr", "?time"),
        ("Freitag um zehn", "elf", "2026-11-27T11:00"),
        ("nächste Woche", "10 Uhr", "?date"),
        ("Freitag", "egal wann", "2026-11-27"),
        ("Freitag", "so früh wie möglich", "2026-11-27"),
    ];
    for (date, time, meaning) in cases {
        assert_eq!(meant("", date, time), meaning, "{date} | {time}");
    }
}

#[test]
fn what_is_not_sure_is_not_understood() {
    let words = [
        "31.02.2026",
        "24.13.2026",
        "2026-11-2414:00",
        "2026-11-24T25:00",
        "2026-11-24T14:61",
        "2026-11-24T14:00:61",
        "2026-11-24T14:00+25:00",
        "24.11.2026 14 Uhr 75",
        "0 pm",
        "26:00",
        "14:00 am",
        "14:00Z",
        "🦀",
        "T",
    ];
    for text in words {
        assert_eq!(meant(text, "", ""), "none", "{text}");
    }
    assert_eq!(meant("2026-11-24T14:00", "vorgemerkt", ""), "none");
    let today = "2026-11-23".parse().unwrap();
    let question = When::Question(Question::NotUnderstood { today });
    assert_eq!(parse("", "Quittung", ""), Some(question));
}

#[test]
fn what_is_too_long_is_refused_with_the_limit() {
    let polite = format!("{}morgen um drei", "bitte ".repeat(17));
    assert_eq!(meant(&polite, "", ""), "2026-11-24T15:00");
    let refusal = When::Refusal(Refusal::TooLong { chars_max: WHEN_CHARS_MAX });
    assert_eq!(parse("", &"ü".repeat(WHEN_CHARS_MAX + 1), ""), Some(refusal));
    assert_eq!(meant(&"1".repeat(WHEN_CHARS_MAX), "", ""), "none");
}

#[test]
fn what_is_missing_is_asked() {
    for empty in ["", "  "] {
        assert_eq!(parse(empty, "", ""), None);
    }
    let time = Some(jiff::civil::time(14, 0, 0, 0));
    let which_day = When::Question(Question::WhichDay { candidates: Vec::new(), time });
    assert_eq!(parse("", "", "14:00"), Some(which_day));
    assert_eq!(meant("", "morgen", ""), "2026-11-24");
    assert_eq!(meant("2026-11-24", "", ""), "2026-11-24");
}

#[test]
fn past_and_far_dates_are_refused_with_today() {
    let past = When::Refusal(Refusal::Past { today: "2026-11-23".parse().unwrap() });
    for (day, time) in [("2025-11-24", "14:00"), ("22.11.2026", ""), ("heute", "8:59"), ("0001-01-01", "")] {
        assert_eq!(parse("", day, time), Some(past.clone()), "{day} {time}");
    }
    assert_eq!(meant("2023-11-24T14:00:00Z", "", ""), "past");
    assert_eq!(meant("", "heute", "9:00"), "2026-11-23T09:00");
    assert_eq!(meant("", "2027-11-24", "9:00"), "2027-11-24T09:00");
    for day in ["2027-11-25", "9999-12-31", "29.02."] {
        assert_eq!(meant("", day, "14:00"), "far", "{day}");
    }
    assert_eq!(meant("9999-12-31T23:59:00-14:00", "", ""), "far");
}

#[test]
fn an_instant_of_another_zone_may_have_another_date_there() {
    let after_midnight = at("2026-11-23T00:15:00+01:00");
    let texts = WhenTexts { datetime: Some("2026-11-22T23:30:00Z"), ..WhenTexts::default() };
    let when = read_when(&texts, &berlin(), after_midnight).unwrap();
    assert_eq!(written(&when), "2026-11-23T00:30");
}

#[test]
fn a_local_time_that_the_clock_jumps_over_is_refused() {
    let gone = When::Refusal(Refusal::DoesNotExist { date: "2027-03-28".parse().unwrap() });
    assert_eq!(parse("", "2027-03-28", "02:30"), Some(gone.clone()));
    assert_eq!(parse("28.03.2027 2:30", "", ""), Some(gone));
    assert_eq!(meant("", "2027-03-28", "03:00"), "2027-03-28T03:00");
}

#[test]
fn a_doubled_hour_means_its_first_instant() {
    let texts = WhenTexts { date: Some("2026-10-25"), time: Some("02:30"), ..WhenTexts::default() };
    let Some(When::Exact(moment)) = read_when(&texts, &berlin(), at("2026-10-20T08:00:00Z")) else {
        panic!("a moment")
    };
    assert_eq!(moment.start.to_rfc3339(), "2026-10-25T00:30:00Z");
}

#[test]
fn windows_leave_out_what_is_over_and_prefer_what_was_said() {
    let window = |text: &str, now: &str| {
        let texts = WhenTexts { datetime: Some(text), ..WhenTexts::default() };
        match read_when(&texts, &berlin(), at(now)) {
            Some(When::Window(window)) => {
                [window.from, window.best, window.to].map(|t| t.to_rfc3339_in(&berlin())[5..16].to_owned())
            }
            other => panic!("{text}: {other:?}"),
        }
    };
    let noon = "2026-11-23T12:10:00+01:00";
    assert_eq!(window("heute", noon), ["11-23T12:10", "11-23T12:10", "11-24T00:00"]);
    assert_eq!(window("heute Mittag", noon), ["11-23T12:10", "11-23T12:10", "11-23T14:00"]);
    assert_eq!(window("morgen gegen drei", noon), ["11-24T14:30", "11-24T15:00", "11-24T15:30"]);
    assert_eq!(window("heute gegen zwölf", noon), ["11-23T12:10", "11-23T12:10", "11-23T12:30"]);
    assert_eq!(window("morgen vormittags", noon), ["11-24T08:00", "11-24T08:00", "11-24T12:00"]);
    assert_eq!(window("so bald wie möglich", noon), ["11-23T12:10", "11-23T12:10", "11-30T00:00"]);
    // The day of the clock change has 23 hours.
    assert_eq!(window("am 28. März", noon), ["03-28T00:00", "03-28T00:00", "03-29T00:00"]);
}

/// Whatever was understood lies ahead, and not too far.
fn assert_in_bounds(when: Option<&When>, now: UnixMillis) {
    let Some(today) = local(now, &berlin()).map(|t| t.date()) else { return };
    let end =
        first_instant_of(plus_days(today, DAYS_AHEAD_MAX + 1).to_datetime(Default::default()), &berlin());
    match when {
        Some(When::Exact(moment)) => {
            assert!(now <= moment.start && Some(moment.start) < end);
            assert_eq!(local(moment.start, &berlin()), Some(moment.local));
        }
        Some(When::Window(window)) => {
            assert!(now <= window.from && window.from < window.to && Some(window.to) <= end);
            assert!(window.contains(window.best));
        }
        Some(When::Question(Question::WhichDay { candidates, .. })) => {
            assert!(candidates.iter().all(|day| *day >= today), "{candidates:?}");
            assert!(candidates.is_sorted());
        }
        Some(When::Question(Question::WhichTime { date, candidates })) => {
            assert!(*date >= today && candidates.is_sorted());
        }
        _ => {}
    }
}

/// Words of the vocabulary, numbers and figures, in any order.
fn word_salad() -> impl Strategy<Value = String> {
    let words = words_de::WORDS.iter().chain(words_en::WORDS).map(|(word, _)| (*word).to_owned());
    let names = words_de::NAMES.iter().chain(&words_en::NAMES).map(|(name, _)| (*name).to_owned());
    let phrases = words_de::PHRASES.iter().chain(words_en::PHRASES).map(|(words, _)| words.join(" "));
    let vocabulary: Vec<String> = words.chain(names).chain(phrases).collect();
    let piece = prop_oneof![
        8 => prop::sample::select(vocabulary),
        2 => prop::sample::select(vec!["drei", "halb", "ten", "elften", "first", "twenty", "um", "am", "und"])
            .prop_map(str::to_owned),
        3 => "[0-9]{1,4}[.:/h]?[0-9]{0,2}[.]?",
        1 => "20(26|27)-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9](Z|[+-]0[0-9]:00)?)?",
        1 => Just("-".to_owned()),
    ];
    prop::collection::vec(piece, 1..7).prop_map(|pieces| pieces.join(" "))
}

/// Any time of a year around the clock changes.
fn any_now() -> impl Strategy<Value = UnixMillis> {
    (0_i64..400 * 1440).prop_map(|minutes| now().plus_ms(minutes * 60_000))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(datetime in ".{0,130}", date in ".{0,70}", time in ".{0,70}", now in any::<i64>()) {
        let texts = WhenTexts { datetime: Some(&datetime), date: Some(&date), time: Some(&time) };
        let _ = read_when(&texts, &berlin(), UnixMillis(now));
        let only = WhenTexts { datetime: Some(&datetime), ..WhenTexts::default() };
        let _ = read_when(&only, &berlin(), UnixMillis(now));
    }

    #[test]
    fn whatever_is_understood_lies_ahead_and_not_too_far(
        first in word_salad(), second in word_salad(), now in any_now(),
    ) {
        for texts in [
            WhenTexts { datetime: Some(&first), ..WhenTexts::default() },
            WhenTexts { date: Some(&first), time: Some(&second), ..WhenTexts::default() },
            WhenTexts { datetime: Some(&first), date: Some(&second), ..WhenTexts::default() },
        ] {
            assert_in_bounds(read_when(&texts, &berlin(), now).as_ref(), now);
        }
    }

    #[test]
    fn nearly_right_texts_do_not_make_it_panic(
        text in "[0-9]{1,4}[-.: t/]?[0-9]{0,2}[-.: /]?[0-9]{0,4}[ t]?[0-9]{0,2}[:.h]?[0-9]{0,2} ?(uhr|am|pm|z|[+-][0-9]{0,4})?",
        now in any_now(),
    ) {
        for texts in [
            WhenTexts { datetime: Some(&text), ..WhenTexts::default() },
            WhenTexts { date: Some(&text), ..WhenTexts::default() },
            WhenTexts { time: Some(&text), date: Some("morgen"), ..WhenTexts::default() },
        ] {
            assert_in_bounds(read_when(&texts, &berlin(), now).as_ref(), now);
        }
    }

    #[test]
    fn one_wrong_letter_never_makes_another_day(
        index in 0_usize..15, at in 1_usize..12, letter in prop::char::range('a', 'z'), now in any_now(),
    ) {
        let names: Vec<(&str, term::Term)> = words_de::NAMES.iter().chain(&words_en::NAMES).copied()
            .filter(|(name, term)| matches!(term, term::Term::Weekday(_)) && name.len() > 5).collect();
        let (name, _) = names[index % names.len()];
        let mut letters: Vec<char> = name.chars().collect();
        let place = at % letters.len();
        letters[place.max(1)] = letter;
        let mistyped: String = letters.into_iter().collect();
        let understood = |text: &str| {
            read_when(&WhenTexts { date: Some(text), ..WhenTexts::default() }, &berlin(), now).unwrap()
        };
        let (right, got) = (understood(name), understood(&mistyped));
        let is_unsure = matches!(got, When::Question(Question::NotUnderstood { .. }));
        prop_assert!(got == right || is_unsure, "{mistyped} for {name}: {got:?}");
    }
}
