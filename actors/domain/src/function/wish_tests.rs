//! Times that are left open: windows, questions with what they may mean, and what is said back.

use serde_json::{Value, json};

use super::{fixture::*, *};
use crate::{
    tenant::{Company, Language},
    time::UnixMillis,
    when::Shape,
};

fn read_in(company: &Company, name: FunctionName, args: &Value, now: UnixMillis) -> ReadOrder {
    parse_order(name, args.as_object().unwrap(), company, &company.branches[0], now)
}

fn check(args: &Value) -> ReadOrder {
    read_in(&friseur_mitte(), FunctionName::CheckAvailability, args, now())
}

fn wished(args: &Value) -> WishedStart {
    match check(args).order {
        Ok(FunctionOrder::CheckAvailability(order)) => order.start,
        other => panic!("{args}: {other:?}"),
    }
}

fn refused(args: &Value) -> FunctionAnswer {
    check(args).order.unwrap_err()
}

fn herren(when: &str) -> Value {
    json!({"service": "Herren", "datetime": when})
}

#[test]
fn a_vague_time_is_a_window() {
    let window = |text: &str| match wished(&herren(text)) {
        WishedStart::Within(window) => [window.from, window.to].map(|at| at.to_rfc3339()),
        at @ WishedStart::At(_) => panic!("{text}: {at:?}"),
    };
    let cases = [
        ("morgen vormittag", "2026-11-24T07:00:00Z", "2026-11-24T11:00:00Z"),
        ("am Donnerstag", "2026-11-25T23:00:00Z", "2026-11-26T23:00:00Z"),
        ("am 24. zwischen zwei und vier", "2026-11-24T13:00:00Z", "2026-11-24T15:00:00Z"),
        ("next Friday afternoon", "2026-11-27T12:00:00Z", "2026-11-27T17:00:00Z"),
        ("nächsten Donnerstag gegen drei", "2026-11-26T13:30:00Z", "2026-11-26T14:30:00Z"),
    ];
    for (text, from, to) in cases {
        assert_eq!(window(text), [from, to].map(str::to_owned), "{text}");
    }
    let only_date = json!({"service": "Herren", "date": "2026-11-26"});
    let WishedStart::Within(window) = wished(&only_date) else { panic!("a day") };
    assert_eq!(window.shape.day().map(|day| day.to_string()).as_deref(), Some("2026-11-26"));
}

#[test]
fn what_was_understood_is_said_back() {
    let said = |args: &Value| check(args).remarks.understood;
    let cases = [
        ("morgen um halb elf", Some("Dienstag, den 24. November um 10 Uhr 30")),
        ("nächsten Donnerstag gegen drei", Some("Donnerstag, den 26. November gegen 15 Uhr")),
        ("am 24. zwischen zwei und vier", Some("Dienstag, den 24. November zwischen 14 Uhr und 16 Uhr")),
        ("25.12.2026 14:00", Some("Freitag, den 25. Dezember um 14 Uhr")),
        ("24.11.2023 14:00", None),
        ("demnächst mal", None),
    ];
    for (text, wanted) in cases {
        assert_eq!(said(&herren(text)).as_deref(), wanted, "{text}");
    }
    assert_eq!(said(&json!({"service": "Herren"})), None);
}

#[test]
fn a_window_in_which_nobody_is_there_is_closed() {
    let code = |text: &str| check(&herren(text)).order.map(|_| "ok").unwrap_or_else(|refused| refused.code);
    let cases = [
        ("am Sonntag vormittag", "closed"),
        ("nächstes Wochenende", "closed"),
        ("am 25.12.2026", "closed"),
        ("morgen zwischen 18 und 20 Uhr", "closed"),
        ("morgen zwischen 17 und 18 Uhr", "ok"),
        ("nächste Woche", "ok"),
        ("so bald wie möglich", "ok"),
        ("morgen abend", "ok"),
    ];
    for (text, wanted) in cases {
        assert_eq!(code(text), wanted, "{text}");
    }
    let late = refused(&herren("morgen zwischen 18 und 20 Uhr"));
    assert_eq!(late.field("reason"), Some(&json!("outside_hours")));
    // A perm does not fit into what is left of the evening.
    let perm = json!({"service": "Dauerwelle", "datetime": "morgen zwischen 16 und 18 Uhr"});
    assert_eq!(refused(&perm).code, "closed");
    let mut company = friseur_mitte();
    company.branches[0].opening_hours = None;
    let sunday = read_in(&company, FunctionName::CheckAvailability, &herren("am Sonntag"), now());
    assert!(sunday.order.is_ok(), "the calendar decides");
}

#[test]
fn a_window_that_ends_within_the_notice_is_too_soon() {
    let mut company = friseur_mitte();
    company.notice_minutes = 240;
    let code = |text: &str| {
        let read = read_in(&company, FunctionName::CheckAvailability, &herren(text), now());
        read.order.map(|_| "ok").unwrap_or_else(|refused| refused.code)
    };
    assert_eq!(code("heute zwischen zehn und elf"), "too_soon");
    assert_eq!(code("heute nachmittag"), "ok");
}

#[test]
fn what_may_mean_several_is_asked_back_with_what_it_may_mean() {
    let day = refused(&herren("am Montag um zehn"));
    assert_eq!(
        (day.code, day.field("candidates")),
        ("date_ambiguous", Some(&json!(["2026-11-23", "2026-11-30"])))
    );
    assert_eq!(day.message, "Meinen Sie Montag, den 23. November oder Montag, den 30. November?");
    let time = refused(&herren("morgen um sieben"));
    assert_eq!((time.code, time.field("candidates")), ("time_ambiguous", Some(&json!(["07:00", "19:00"]))));
    assert_eq!(time.message, "Meinen Sie am Dienstag, den 24. November um 7 Uhr morgens oder 19 Uhr?");
    let mut company = friseur_mitte();
    company.language = Language::En;
    let time = read_in(&company, FunctionName::CheckAvailability, &herren("tomorrow at seven"), now());
    let message = time.order.unwrap_err().message;
    assert_eq!(message, "Do you mean Tuesday, November 24 at 7 am or 7 pm?");
}

#[test]
fn the_same_window_has_one_key_however_late_it_is() {
    let company = friseur_mitte();
    let key = |text: &str, now| {
        let read = read_in(&company, FunctionName::CheckAvailability, &herren(text), now);
        order_key(&read.order.unwrap())
    };
    let later = now().plus_ms(3_600_000);
    assert_eq!(key("heute vormittag", now()), key("heute vormittag", later));
    assert_ne!(key("heute vormittag", now()), key("morgen vormittag", now()));
    assert_ne!(key("heute", now()), key("heute vormittag", now()));
}

#[test]
fn a_window_admits_its_starts() {
    let WishedStart::Within(window) = wished(&herren("morgen vormittag")) else { panic!("a window") };
    let start = WishedStart::Within(window);
    assert!(start.admits(window.from) && start.admits(window.to.plus_ms(-1)) && !start.admits(window.to));
    assert_eq!(start.exact(), None);
    assert!(WishedStart::At(now()).admits(now()) && !WishedStart::At(now()).admits(later_by_a_minute()));
}

fn later_by_a_minute() -> UnixMillis {
    now().plus_ms(60_000)
}

fn parsed(text: &str) -> FunctionAnswer {
    let company = friseur_mitte();
    let read = read_in(&company, FunctionName::ParseDate, &json!({ "text": text }), now());
    match read.order {
        Ok(FunctionOrder::ParseDate(start)) => parse_date(&company, &start, now()),
        Ok(other) => panic!("{other:?}"),
        Err(refused) => refused,
    }
}

#[test]
fn words_become_a_date() {
    let exact = parsed("übermorgen um viertel vor neun");
    assert_eq!((exact.success, exact.code), (true, "date_understood"));
    assert_eq!(
        [exact.field("date"), exact.field("time"), exact.field("window"), exact.field("weekday")],
        [Some(&json!("2026-11-25")), Some(&json!("08:45")), Some(&Value::Null), Some(&json!("wed"))]
    );
    assert_eq!(
        exact.message,
        "Ich habe verstanden: Mittwoch, den 25. November um 8 Uhr 45. Soll ich nachsehen, was da frei ist?"
    );
    let vague = parsed("next Friday afternoon");
    let window = json!({"from": "2026-11-27T13:00:00+01:00", "to": "2026-11-27T18:00:00+01:00"});
    assert_eq!(
        [vague.field("date"), vague.field("time"), vague.field("window"), vague.field("weekday")],
        [Some(&json!("2026-11-27")), Some(&Value::Null), Some(&window), Some(&json!("fri"))]
    );
    let week = parsed("nächste Woche");
    assert_eq!(week.field("date"), Some(&json!("2026-11-30")));
}

#[test]
fn words_that_become_no_date_are_asked_back() {
    let cases = [
        ("24.11.2023", "date_in_past"),
        ("am 28.03.2027 um 02:30", "time_does_not_exist"),
        ("Blumenkohl", "date_not_understood"),
        ("morgen um sieben", "time_ambiguous"),
    ];
    for (text, code) in cases {
        let refused = parsed(text);
        assert_eq!((refused.success, refused.code), (false, code), "{text}");
    }
    let nothing = read_in(&friseur_mitte(), FunctionName::ParseDate, &json!({}), now());
    assert_eq!(nothing.order.unwrap_err().code, "date_missing");
    // The clock and the day may come apart.
    let read = read_in(
        &friseur_mitte(),
        FunctionName::ParseDate,
        &json!({"datum": "morgen", "uhrzeit": "halb elf"}),
        now(),
    );
    assert_eq!(read.order, Ok(FunctionOrder::ParseDate(WishedStart::At(at("2026-11-24T10:30:00+01:00")))));
}

#[test]
fn a_window_is_said_at_the_beginning_of_a_sentence() {
    let said = |language: Language, text: &str| {
        let company = Company { language, ..friseur_mitte() };
        let speaker = Speaker::of(&company);
        let WishedStart::Within(window) = wished(&herren(text)) else { panic!("{text}") };
        speaker.slot_taken(&WishedStart::Within(window), &[], now()).message
    };
    let cases = [
        (
            "morgen vormittag",
            "Am Dienstag, den 24. November zwischen 8 Uhr und 12 Uhr ist leider nichts mehr frei. Welche andere Zeit passt Ihnen?",
            "On Tuesday, November 24 between 8 am and 12 pm nothing is free any more, I am sorry. Which other time would suit you?",
        ),
        (
            "nächste Woche",
            "Von Montag, den 30. November bis Sonntag, den 6. Dezember ist leider nichts mehr frei. Welche andere Zeit passt Ihnen?",
            "From Monday, November 30 to Sunday, December 6 nothing is free any more, I am sorry. Which other time would suit you?",
        ),
        (
            "so bald wie möglich",
            "In den nächsten Tagen ist leider nichts mehr frei. Welche andere Zeit passt Ihnen?",
            "In the next few days nothing is free any more, I am sorry. Which other time would suit you?",
        ),
    ];
    for (text, de, en) in cases {
        assert_eq!(
            (said(Language::De, text).as_str(), said(Language::En, text).as_str()),
            (de, en),
            "{text}"
        );
    }
}

#[test]
fn what_else_is_free_in_the_window_is_said_beside_it() {
    let said = |language: Language, others: &[&str]| {
        let speaker = Speaker::of(&Company { language, ..friseur_mitte() });
        let others: Vec<Alternative> =
            others.iter().map(|slot| Alternative { slot: at(slot), staff: None }).collect();
        let free = FreeSlot {
            slot: at("2026-11-26T09:00:00+01:00"),
            held_until: now(),
            service: "Herrenhaarschnitt",
            staff: Some("Mia"),
            alternatives: &others,
            confidence: Confidence::Live,
            age_s: 0,
        };
        (speaker.available(&free).message, speaker.confirmation_required(&free))
    };
    let same_day = ["2026-11-26T09:30:00+01:00", "2026-11-26T10:00:00+01:00"];
    let (de, offered) = said(Language::De, &same_day);
    assert_eq!(
        de,
        "Am Donnerstag, den 26. November um 9 Uhr ist bei Mia frei, außerdem um 9 Uhr 30 oder 10 Uhr. Was passt Ihnen?"
    );
    assert_eq!((offered.success, offered.code, offered.message), (false, "confirmation_required", de));
    assert_eq!(
        said(Language::En, &same_day).0,
        "Thursday, November 26 at 9 am with Mia is free, and so is 9:30 am or 10 am. Which would suit you?"
    );
    let (other_day, _) = said(Language::De, &["2026-11-27T09:30:00+01:00"]);
    assert!(other_day.contains("außerdem Freitag, den 27. November um 9 Uhr 30. Was"), "{other_day}");
}

#[test]
fn a_window_that_was_looked_at_in_part_names_that_part() {
    let WishedStart::Within(month) = wished(&herren("im Januar")) else { panic!("a month") };
    let zone = friseur_mitte().zone();
    let part = month.up_to(at("2027-01-10T00:00:00Z"), &zone);
    let day = |text: &str| text.parse().unwrap();
    assert_eq!(part.shape, Shape::Days { first: day("2027-01-01"), last: day("2027-01-09") });
    assert_eq!(month.up_to(month.to, &zone), month);
}

#[test]
fn a_text_is_an_argument_of_parse_date_alone() {
    let args = json!({"service": "Herren", "datetime": "24.11.2026 14:00", "text": "morgen um drei"});
    assert_eq!(wished(&args), WishedStart::At(UnixMillis::parse_rfc3339("2026-11-24T13:00:00Z").unwrap()));
    let args =
        json!({"service": "Herren", "datum": "morgen", "uhrzeit": "14:00", "text": "Anna will zum Friseur"});
    assert_eq!(wished(&args), WishedStart::At(UnixMillis::parse_rfc3339("2026-11-24T13:00:00Z").unwrap()));
}
