//! Numbers as they are written and said, in several countries. The lines stand in `numbers.tsv`.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LINES: &str = include_str!("numbers.tsv");

/// A zone of each country in the lines.
fn country(code: &str) -> Option<Country> {
    let zones = BTreeMap::from([
        ("DE", "Europe/Berlin"),
        ("AT", "Europe/Vienna"),
        ("CH", "Europe/Zurich"),
        ("GB", "Europe/London"),
        ("US", "America/New_York"),
        ("FR", "Europe/Paris"),
        ("IT", "Europe/Rome"),
        ("ES", "Europe/Madrid"),
        ("NL", "Europe/Amsterdam"),
    ]);
    zones.get(code).map(|zone| Country::of_zone(zone).unwrap())
}

#[test]
fn numbers_are_read_as_they_are_said_where_the_company_is() {
    let (mut read, mut wrong) = (0, Vec::new());
    for line in LINES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [code, text, wanted] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let found = PhoneNumber::parse_in(text, country(code));
        let wanted = (wanted != "-").then_some(wanted);
        let found = found.as_ref().map(PhoneNumber::as_str);
        if found != wanted {
            wrong.push(format!("{code}: {text}: {found:?}, not {wanted:?}"));
        }
        read += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read >= 80, "{read} lines");
}

#[test]
fn only_international_forms_are_numbers_of_retell() {
    assert_eq!(PhoneNumber::parse_e164("+49 30 8379-3369").unwrap().as_str(), "+493083793369");
    for bad in ["11111", "anonymous", "", "+", "+0123456789", "030 123456", "+49x", "+1234567890123456"] {
        assert!(PhoneNumber::parse_e164(bad).is_none(), "{bad}");
    }
}

#[test]
fn debug_shows_two_digits_only() {
    assert_eq!(format!("{:?}", PhoneNumber::parse_e164("+493083793369").unwrap()), "PhoneNumber(…69)");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), digits in "[+0-9 ()-]{0,40}") {
        for code in ["DE", "US", "IT", "-"] {
            let _ = PhoneNumber::parse_in(&text, country(code));
            if let Some(number) = PhoneNumber::parse_in(&digits, country(code)) {
                prop_assert_eq!(PhoneNumber::parse_e164(number.as_str()), Some(number));
            }
        }
    }
}
