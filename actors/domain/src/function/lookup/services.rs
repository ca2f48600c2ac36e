//! Finds a service by what somebody called it.

use super::{
    Found, PREFIX_LETTERS_MIN, best,
    phrase::{Phrase, Piece},
};
use crate::{
    ids::ServiceId,
    tenant::Service,
    text::{fold, typos, typos_allowed, words},
};

/// Looks a service up: by slug, name, synonym, meaning, beginning, and then the same in spite of typing
/// errors. The first of these that fits anything decides; services that fit equally well are all given.
#[must_use]
pub fn find_service(wanted: &str, services: &[Service]) -> Found<ServiceId> {
    let folded = fold(wanted);
    if folded.is_empty() {
        return Found::Nobody;
    }
    let those = |fits: &dyn Fn(&Service) -> bool| -> Vec<ServiceId> {
        services.iter().filter(|s| fits(s)).map(|s| s.id).collect()
    };
    let starts = |name: &str| folded.chars().count() >= PREFIX_LETTERS_MIN && fold(name).starts_with(&folded);
    let exact = Phrase::of(wanted, false);
    let stages: [&dyn Fn() -> Vec<ServiceId>; 7] = [
        &|| those(&|s| fold(&s.slug) == folded),
        &|| those(&|s| fold(&s.name) == folded),
        &|| those(&|s| s.synonyms.iter().any(|name| fold(name) == folded)),
        &|| by_meaning(exact.as_ref(), services, false),
        &|| those(&|s| names(s).any(starts)),
        // What was understood and is not offered is not something else with typing errors.
        &|| {
            if understood(exact.as_ref()) {
                Vec::new()
            } else {
                by_meaning(Phrase::of(wanted, true).as_ref(), services, true)
            }
        },
        &|| if understood(exact.as_ref()) { Vec::new() } else { nearest(&folded, services) },
    ];
    Found::of(stages.iter().map(|stage| stage()).find(|ids| !ids.is_empty()).unwrap_or_default())
}

fn understood(phrase: Option<&Phrase>) -> bool {
    phrase.is_some_and(Phrase::is_understood)
}

/// Everything a service is called.
fn names(service: &Service) -> impl Iterator<Item = &str> {
    [service.name.as_str(), service.slug.as_str()]
        .into_iter()
        .chain(service.synonyms.iter().map(String::as_str))
}

/// Those that have everything that was named: exactly that before more than that.
fn by_meaning(wanted: Option<&Phrase>, services: &[Service], forgiving: bool) -> Vec<ServiceId> {
    let Some(wanted) = wanted.filter(|phrase| !phrase.pieces.is_empty()) else { return Vec::new() };
    best(services.iter().map(|service| {
        let labels = names(service).filter_map(|name| Phrase::of(name, false));
        (service.id, labels.filter_map(|label| fit(wanted, &label, service, forgiving)).min())
    }))
}

/// Typing errors, whether the label says more, and in how many little things they differ.
fn fit(wanted: &Phrase, label: &Phrase, service: &Service, forgiving: bool) -> Option<(usize, bool, usize)> {
    let only_weak = wanted.pieces.iter().all(Piece::is_weak);
    let mut errors = wanted.typos;
    let mut little = 0;
    for piece in &wanted.pieces {
        match typos_to(piece, label, service, forgiving) {
            Some(typos) => errors += typos,
            None if piece.is_weak() && !only_weak => little += 1,
            None => return None,
        }
    }
    let others = label.pieces.iter().filter(|piece| {
        let named = |wanted: &Piece| typos_between(wanted, piece, forgiving).is_some();
        !wanted.pieces.iter().any(named)
    });
    let (weak, strong): (Vec<&Piece>, Vec<&Piece>) = others.partition(|piece| piece.is_weak());
    Some((errors, !strong.is_empty(), little + weak.len()))
}

/// Typing errors between a piece and the nearest of a label, or of the service itself; `None` when it has none.
fn typos_to(piece: &Piece, label: &Phrase, service: &Service, forgiving: bool) -> Option<usize> {
    let is_measure = match piece {
        Piece::Minutes(minutes) => *minutes == service.duration_minutes.to_string(),
        Piece::Money(cents) => Some(*cents) == service.price_cents,
        _ => false,
    };
    if is_measure {
        return Some(0);
    }
    label.pieces.iter().filter_map(|own| typos_between(piece, own, forgiving)).min()
}

fn typos_between(wanted: &Piece, own: &Piece, forgiving: bool) -> Option<usize> {
    match (wanted, own) {
        (Piece::Word(wanted), Piece::Word(own)) if forgiving => {
            typos(wanted, own, typos_allowed(wanted.chars().count().min(own.chars().count())))
        }
        (Piece::Minutes(wanted), Piece::Number(own)) => (wanted == own).then_some(0),
        _ => (wanted == own).then_some(0),
    }
}

/// Those whose whole name has the fewest typing errors; digits must agree, `Schnitt 1` is not `Schnitt 2`. Dots
/// that were left out of an umlaut are no errors.
fn nearest(wanted: &str, services: &[Service]) -> Vec<ServiceId> {
    let distance = |name: &str| {
        let name: String = words(name).concat();
        let same_digits = digits_of(&name).eq(digits_of(wanted));
        let allowed = typos_allowed(name.chars().count().min(wanted.chars().count()));
        let distances = [typos(wanted, &name, allowed), typos(&dotless(wanted), &dotless(&name), allowed)];
        if same_digits { distances.into_iter().flatten().min() } else { None }
    };
    best(services.iter().map(|service| (service.id, names(service).filter_map(distance).min())))
}

fn dotless(text: &str) -> String {
    text.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}

fn digits_of(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(char::is_ascii_digit)
}
