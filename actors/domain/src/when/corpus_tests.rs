//! Every phrase of the corpus means what was decided. Its notation is explained in tests/fixtures/when.

use std::fmt::Write as _;

use jiff::{
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use super::*;

const DE: &str = include_str!("../../../../tests/fixtures/when/de.tsv");
const EN: &str = include_str!("../../../../tests/fixtures/when/en.tsv");
const NOW: &str = "2026-11-23T09:00";

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// A meaning as the corpus writes it.
pub(super) fn written(when: &When) -> String {
    match when {
        When::Exact(moment) => minute(moment.local),
        When::Window(window) => match window.shape {
            Shape::Days { first, last } if first == last => first.to_string(),
            Shape::Days { first, last } => format!("{first}/{last}"),
            Shape::Hours { date, hours } => {
                format!("{date}T{}/{}", of_minutes(hours.from_minute), of_minutes(hours.to_minute))
            }
            Shape::Around { at } => format!("~{}", minute(at)),
            Shape::Soon => "soon".to_owned(),
        },
        When::Question(Question::NotUnderstood { .. }) => "none".to_owned(),
        When::Question(Question::WhichDay { candidates, .. }) => {
            listed("?date", candidates.iter().map(Date::to_string))
        }
        When::Question(Question::WhichTime { candidates, .. }) => {
            listed("?time", candidates.iter().map(|t: &Time| t.strftime("%H:%M").to_string()))
        }
        When::Refusal(Refusal::Past { .. }) => "past".to_owned(),
        When::Refusal(Refusal::TooFar { .. }) => "far".to_owned(),
        When::Refusal(Refusal::DoesNotExist { .. }) => "gap".to_owned(),
        When::Refusal(Refusal::TooLong { .. }) => "long".to_owned(),
    }
}

fn minute(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

fn of_minutes(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn listed(what: &str, candidates: impl Iterator<Item = String>) -> String {
    let candidates: Vec<String> = candidates.collect();
    if candidates.is_empty() { what.to_owned() } else { format!("{what} {}", candidates.join("|")) }
}

/// Phrase, now, meaning.
fn lines(corpus: &'static str) -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = corpus.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_else(|| panic!("three columns: {line}"));
            let (phrase, now, meaning) = (next(), next(), next());
            (phrase, if now.is_empty() { NOW } else { now }, meaning)
        })
        .collect()
}

fn now_of(text: &str) -> UnixMillis {
    instant_of(text.parse().unwrap(), &berlin()).unwrap()
}

fn understood(phrase: &str, now: &str) -> When {
    let texts = WhenTexts { datetime: Some(phrase), ..WhenTexts::default() };
    read_when(&texts, &berlin(), now_of(now)).unwrap()
}

#[test]
fn every_phrase_of_the_corpus_is_understood_as_decided() {
    let (mut misses, mut count) = (String::new(), 0);
    for (phrase, now, meaning) in [DE, EN].into_iter().flat_map(lines) {
        let got = written(&understood(phrase, now));
        count += 1;
        if got != meaning {
            writeln!(misses, "{phrase:<50} at {now}: decided {meaning:<28} understood {got}").unwrap();
        }
    }
    assert!(misses.is_empty(), "{} of {count} phrases missed:\n{misses}", misses.lines().count());
}

#[test]
fn the_corpus_is_large_and_has_enough_to_ask_back_or_refuse() {
    for corpus in [DE, EN] {
        let lines = lines(corpus);
        let distinct: std::collections::BTreeSet<_> = lines.iter().map(|(p, now, _)| (p, now)).collect();
        assert_eq!(distinct.len(), lines.len(), "no line twice");
        assert!(lines.len() >= 400, "{}", lines.len());
        let is_back =
            |meaning: &str| meaning.starts_with('?') || ["none", "past", "far", "gap"].contains(&meaning);
        let back = lines.iter().filter(|(_, _, meaning)| is_back(meaning)).count();
        assert!(back >= 60, "{back}");
    }
}
