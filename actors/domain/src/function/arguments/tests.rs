//! Arguments as agents send them. Addresses stand in `emails.tsv`.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const EMAILS: &str = include_str!("emails.tsv");

fn read(value: Value) -> Result<Arguments, ArgumentError> {
    Arguments::read(value.as_object().unwrap(), &Argument::ALL, Country::of_zone("Europe/Berlin"))
}

fn service(value: Value) -> Option<String> {
    read(json!({ "service": value })).unwrap().service
}

#[test]
fn both_languages_and_any_case_are_read() {
    for service in
        ["service", "Dienstleistung", "SERVICE_NAME", "serviceName", "Service-Name", "service name"]
    {
        let found = read(json!({ service: "  Herren\n schnitt\u{0} ", "call_id": "None" })).unwrap();
        assert_eq!(found.service.as_deref(), Some("Herren schnitt"), "{service}");
    }
    let german = json!({"datum": "morgen", "Uhrzeit": 14, "mitarbeiter": "Mia", "notizen": "kurz",
        "Bestätigung": "Ja", "name": "Anna", "phone_number": "+49 151 12345678", "email": "a@b.de"});
    let found = read(german).unwrap();
    assert_eq!((found.date.as_deref(), found.time.as_deref()), (Some("morgen"), Some("14")));
    assert_eq!((found.staff.as_deref(), found.notes.as_deref()), (Some("Mia"), Some("kurz")));
    assert_eq!(found.customer_name.as_deref(), Some("Anna"));
    assert_eq!(found.phone.unwrap().as_str(), "+4915112345678");
    assert!(found.confirm && found.email.is_some() && found.remarks == Remarks::default());
}

#[test]
fn of_several_names_the_preferred_one_with_a_value_counts() {
    let found = read(json!({"dienstleistung": "b", "service": "a", "service_name": "c"})).unwrap();
    assert_eq!(found.service.as_deref(), Some("a"));
    for empty in [
        "",
        "  ",
        "None",
        "NULL",
        "undefined",
        "n/a",
        "-",
        "Unbekannt",
        "{{service}}",
        "${service}",
        "[service]",
        "<service>",
        "\u{7}",
        "\"\"",
        "nicht angegeben",
        "Not specified",
        "…",
        "false",
        "TBD",
    ] {
        let found = read(json!({"service": empty, "dienstleistung": "Schnitt", "date": empty})).unwrap();
        assert_eq!(found.service.as_deref(), Some("Schnitt"), "{empty:?}");
        assert_eq!((found.date, found.remarks), (None, Remarks::default()), "{empty:?}");
    }
}

#[test]
fn values_of_another_kind_are_read_where_they_say_one_thing() {
    let text = |text: &str| Some(text.to_owned());
    for (value, wanted) in [
        (json!("\"Schnitt\""), text("Schnitt")),
        (json!(["Schnitt"]), text("Schnitt")),
        (json!({"name": "Schnitt", "id": 5}), text("Schnitt")),
        (json!([{"value": "Schnitt"}]), text("Schnitt")),
        (json!([[["Schnitt"]]]), None),
        (json!(["Schnitt", "Bart"]), None),
        (json!({"slug": "schnitt"}), None),
        (json!([]), None),
        (json!(30), text("30")),
        (json!(30.0), text("30")),
        (json!(30.5), text("30.5")),
        (json!(false), None),
        (json!(true), None),
        (json!(null), None),
    ] {
        assert_eq!(service(value.clone()), wanted, "{value}");
    }
    let ignored = |value: Value| read(json!({ "service": value })).unwrap().remarks.ignored;
    assert_eq!(ignored(json!(["a", "b"])), [Argument::Service]);
    assert_eq!(ignored(json!(true)), [Argument::Service]);
    assert_eq!(ignored(json!(false)), []);
    let number = read(json!({"customer_phone": 4_915_112_345_678_i64})).unwrap();
    assert_eq!(number.phone.unwrap().as_str(), "+4915112345678");
    let number = read(json!({"customer_phone": 4.915_112_345_678e12})).unwrap();
    assert_eq!(number.phone.unwrap().as_str(), "+4915112345678");
}

#[test]
fn what_cannot_be_used_is_named_once() {
    let found =
        read(json!({"customer_phone": "0151 123", "email": "anna at web", "notes": {"a": 1}})).unwrap();
    assert_eq!(
        found.remarks.ignored_names().collect::<Vec<_>>(),
        ["customer_phone", "customer_email", "notes"]
    );
    assert!(found.phone.is_none() && found.email.is_none() && found.notes.is_none());
    let mut remarks = Remarks::default();
    remarks.ignore(Argument::Notes);
    remarks.ignore(Argument::Notes);
    assert_eq!(remarks.ignored, [Argument::Notes]);
}

#[test]
fn an_argument_that_is_too_long_is_refused_by_name() {
    for argument in Argument::ALL {
        let long = "ü".repeat(argument.chars_max() + 1);
        assert_eq!(read(json!({ argument.name(): long })), Err(ArgumentError::TooLong(argument)));
        let fits = "ü".repeat(argument.chars_max());
        assert!(read(json!({ argument.name(): fits })).is_ok());
    }
    let message = ArgumentError::TooLong(Argument::Notes).to_string();
    assert_eq!(message, "the argument notes is longer than 500 characters");
}

#[test]
fn confirmation_needs_a_yes() {
    for yes in [
        json!(true),
        json!(1),
        json!("true"),
        json!("JA"),
        json!("bestätigt"),
        json!("Ja, bitte"),
        json!("yes please"),
        json!("ok"),
        json!([true]),
    ] {
        assert!(read(json!({"confirm": yes})).unwrap().confirm, "{yes}");
    }
    for no in [
        json!(false),
        json!(0),
        json!("nein"),
        json!(null),
        json!("vielleicht"),
        json!({}),
        json!("false"),
        json!("no"),
        json!("noch nicht, ja"),
        json!(""),
    ] {
        assert!(!read(json!({"confirm": no})).unwrap().confirm, "{no}");
    }
}

#[test]
fn addresses_are_read_as_they_are_written_spoken_and_spelled() {
    let lines: Vec<&str> = EMAILS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= 60, "{}", lines.len());
    let wrong: Vec<String> = lines
        .into_iter()
        .filter_map(|line| {
            let (said, wanted) = line.split_once('\t').unwrap();
            let found = email::read_email(said);
            let found = found.as_deref().unwrap_or("-");
            (found != wanted).then(|| format!("{said}: {found}, not {wanted}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn debug_shows_nothing_personal() {
    let found = read(json!({"name": "Anna", "email": "x"})).unwrap();
    let shown = "Arguments { remarks: Remarks { ignored: [Email], moved: [], too_long: None, understood: None }, .. }";
    assert_eq!(format!("{found:?}"), shown);
}

proptest! {
    #[test]
    fn no_argument_makes_it_panic(key in "\\PC{0,20}", text in any::<String>(), number in any::<f64>()) {
        let names = Argument::ALL.iter().flat_map(|argument| argument.names());
        let mut map: Map<String, Value> = names.map(|name| ((*name).to_owned(), json!(text))).collect();
        map.insert(key, json!(number));
        let _ = Arguments::read(&map, &Argument::ALL, Country::of_zone("Europe/Berlin"));
    }

    #[test]
    fn whatever_is_spelled_an_address_is_one(said in prop::collection::vec(prop::sample::select(vec![
        "anna", "a", "at", "ät", "punkt", "dot", "minus", "unterstrich", "eins", "doppel", "fünf", "und", "achtzig",
        "gmail", "com", "web", "de", "ist", "wie", "anton", "zusammen", "@", ".", "-", "ü",
    ]), 0..14)) {
        if let Some(address) = email::read_email(&said.join(" ")) {
            prop_assert!(email::is_email(&address) && address.is_ascii(), "{address}");
        }
    }
}
