//! Spoken times and arguments of any bytes: nothing panics, what is understood lies in its bounds, and what is
//! said back is understood as the same again.

use askpro_fuzz::{Target, fixtures, fuzz};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{fixture::friseur_mitte, *};
use crate::{
    tenant::Language,
    time::UnixMillis,
    when::{DAYS_AHEAD_MAX, Shape, When, WhenTexts, local, read_when},
};

const DAY_MS: i64 = 86_400_000;
/// An hour more for the clock's change.
const AHEAD_MS_MAX: i64 = (DAYS_AHEAD_MAX + 2) * DAY_MS + 3_600_000;

const SPOKEN: Target = Target {
    name: "spoken_when",
    inputs: 1_500,
    bytes_max: 500,
    words: &[
        "heute",
        "morgen",
        "übermorgen",
        "nächsten",
        "Donnerstag",
        "um",
        "halb",
        "Viertel",
        "vor",
        "nach",
        "drei",
        "zwischen",
        "und",
        "bis",
        "ab",
        "Uhr",
        "früh",
        "abends",
        "in",
        "Wochen",
        "am",
        "24.",
        "11.",
        "2026-11-24",
        "T14:00:00+01:00",
        "tomorrow",
        "next",
        "Friday",
        "noon",
        "quarter past",
        "3 pm",
        "asap",
        "31.",
        "29.2.",
        "Februar",
        "24:00",
        "12 am",
        "oder",
        "spätestens",
        "gegen",
        "DST",
        "2027-03-28 02:30",
        "\n",
    ],
    seeds: spoken_seeds,
};

const ARGUMENTS: Target = Target {
    name: "function_arguments",
    inputs: 200,
    bytes_max: 6_000,
    words: &[
        "\"service\":",
        "\"dienstleistung\":",
        "\"date\":",
        "\"datum\":",
        "\"uhrzeit\":",
        "\"time\":",
        "\"datetime\":",
        "\"customer_name\":",
        "\"phone_number\":",
        "\"customer_email\":",
        "\"staff\":",
        "\"notes\":",
        "\"confirm\":",
        "\"text\":",
        "\"reason\":",
        "\"priority\":",
        "\"morgen um drei\"",
        "\"Herrenhaarschnitt\"",
        "\"Udo\"",
        "\"anna at example punkt de\"",
        "\"null eins fünf eins\"",
        "true",
        "\"+4915112345678\"",
        "[[",
        "{}",
    ],
    seeds: argument_seeds,
};

fn phrases() -> impl Iterator<Item = String> {
    let files = fixtures("tests/fixtures/when", ".tsv").into_iter();
    let text: String = files.map(|file| String::from_utf8_lossy(&file).into_owned()).collect();
    let phrases =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('\t').next());
    phrases.filter(|phrase| !phrase.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn spoken_seeds() -> Vec<Vec<u8>> {
    phrases().map(|phrase| format!("A{phrase}").into_bytes()).collect()
}

fn argument_seeds() -> Vec<Vec<u8>> {
    let rest = r#""service":"Herrenhaarschnitt","staff":"Mia","name":"Anna Schmidt","phone_number":"0151 12345678",
        "email":"anna (at) example.com","notes":"kurz","confirm":"ja","reason":"Rückruf","priority":"hoch""#;
    let seed = |(at, phrase): (usize, String)| {
        let name = ["datum", "uhrzeit", "datetime", "text"].get(at % 4).copied().unwrap_or_default();
        format!("{{{rest},\"{name}\":{}}}", Value::String(phrase)).into_bytes()
    };
    phrases().step_by(20).enumerate().map(seed).collect()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// The first byte says when it is: any hour of two years. The rest is up to three texts, one a line.
fn said(input: &[u8]) -> (UnixMillis, [String; 3]) {
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    let now = fixture::now().plus_ms((i64::from(*first) - 65) * 68 * 3_600_000);
    let text = String::from_utf8_lossy(rest).into_owned();
    let mut lines = text.split('\n').map(str::to_owned);
    (now, std::array::from_fn(|_| lines.next().unwrap_or_default()))
}

fn texts([datetime, date, time]: &[String; 3]) -> WhenTexts<'_> {
    let given = |text: &'_ String| !text.is_empty();
    WhenTexts {
        datetime: Some(datetime).filter(|text| given(text)).map(String::as_str),
        date: Some(date).filter(|text| given(text)).map(String::as_str),
        time: Some(time).filter(|text| given(text)).map(String::as_str),
    }
}

fn when_again(text: &str, now: UnixMillis) -> Option<When> {
    read_when(&WhenTexts { datetime: Some(text), ..WhenTexts::default() }, &berlin(), now)
}

fn spoken_is_read_back(input: &[u8]) {
    let (now, lines) = said(input);
    let when = read_when(&texts(&lines), &berlin(), now);
    assert_eq!(when, read_when(&texts(&lines), &berlin(), now));
    let today = local(now, &berlin()).unwrap().date();
    for language in [Language::De, Language::En] {
        match &when {
            Some(When::Exact(moment)) => {
                assert!(now <= moment.start && moment.start.since(now) <= AHEAD_MS_MAX, "{moment:?}");
                // The second of a doubled hour has no words of its own.
                if crate::when::instant_of(moment.local, &berlin()) == Some(moment.start) {
                    let text = echo::moment(language, moment.local, today);
                    let again = when_again(&text, now);
                    assert!(
                        matches!(&again, Some(When::Exact(read)) if read.start == moment.start),
                        "{lines:?} at {now:?} is {moment:?}, said as {text}, read as {again:?}"
                    );
                }
            }
            Some(When::Window(window)) => {
                assert!(now <= window.from && window.from < window.to, "{window:?}");
                assert!(window.to.since(now) <= AHEAD_MS_MAX && window.contains(window.best), "{window:?}");
                let text = echo::window(language, window.shape, today);
                let again = when_again(&text, now);
                let same = matches!(&again, Some(When::Window(read)) if read.shape == window.shape);
                assert!(
                    same || may_be_over(&window.shape, today),
                    "{lines:?} at {now:?} is {window:?}, said as {text}, read as {again:?}"
                );
            }
            _ => {}
        }
    }
}

/// Of a part of today the words may say nothing that still lies ahead.
fn may_be_over(shape: &Shape, today: jiff::civil::Date) -> bool {
    shape.day() == Some(today)
}

fn arguments_become_an_order_or_an_answer(input: &[u8]) {
    let Ok(args) = serde_json::from_slice::<Map<String, Value>>(input) else { return };
    let company = friseur_mitte();
    for name in FunctionName::ALL {
        let read = parse_order(name, &args, &company, &company.branches[0], fixture::now());
        match &read.order {
            Ok(order) => an_order_is_kept_as_it_is(order),
            Err(refused) => {
                let bytes = refused.to_bytes();
                assert!(
                    !refused.success && bytes.len() < ANSWER_CHARS_MAX,
                    "{name:?}: {} bytes",
                    bytes.len()
                );
                assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
            }
        }
        assert_eq!(read, parse_order(name, &args, &company, &company.branches[0], fixture::now()));
        if let Ok(FunctionOrder::ParseDate(wished)) = &read.order {
            the_answer_reads_back_as_the_same_moment(wished);
        }
    }
}

fn an_order_is_kept_as_it_is(order: &FunctionOrder) {
    let kept = serde_json::to_vec(order).unwrap();
    let again: FunctionOrder = serde_json::from_slice(&kept).unwrap();
    assert_eq!(&again, order);
    assert_eq!(order_key(&again), order_key(order));
    assert_eq!(order_key(order).len(), 32);
}

/// What `parse_date` answers, given as arguments again.
fn the_answer_reads_back_as_the_same_moment(wished: &WishedStart) {
    let company = friseur_mitte();
    let answer = parse_date(&company, wished, fixture::now());
    assert!(answer.to_bytes().len() < ANSWER_CHARS_MAX);
    let WishedStart::At(start) = wished else { return };
    let args: Map<String, Value> = ["date", "time"]
        .iter()
        .map(|name| ((*name).to_owned(), answer.field(name).unwrap().clone()))
        .collect();
    let branch = &company.branches[0];
    let again = parse_order(FunctionName::ParseDate, &args, &company, branch, fixture::now()).order;
    let at = local(*start, &berlin()).unwrap();
    if crate::when::instant_of(at, &berlin()) == Some(*start) {
        assert_eq!(again, Ok(FunctionOrder::ParseDate(WishedStart::At(*start))), "{args:?}");
    }
}

#[test]
fn whatever_is_said_of_a_time_is_read_back_as_the_same() {
    fuzz(&SPOKEN, spoken_is_read_back);
}

#[test]
fn whatever_arguments_are_sent_become_an_order_or_a_bounded_answer() {
    fuzz(&ARGUMENTS, arguments_become_an_order_or_an_answer);
}
