//! The country whose national numbers a company's callers mean.

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::PhoneNumber;
use crate::tenant::{Branch, Company};

/// Zones by country, for companies without a number of their own. A zone that is not here has no country:
/// then only international forms are read.
const ZONES: [(&str, &[&str]); 38] = [
    ("DE", &["Europe/Berlin", "Europe/Busingen"]),
    ("AT", &["Europe/Vienna"]),
    ("CH", &["Europe/Zurich"]),
    ("LI", &["Europe/Vaduz"]),
    ("GB", &["Europe/London", "Europe/Belfast", "GB"]),
    ("IE", &["Europe/Dublin"]),
    ("FR", &["Europe/Paris"]),
    ("BE", &["Europe/Brussels"]),
    ("NL", &["Europe/Amsterdam"]),
    ("LU", &["Europe/Luxembourg"]),
    ("DK", &["Europe/Copenhagen"]),
    ("NO", &["Europe/Oslo"]),
    ("SE", &["Europe/Stockholm"]),
    ("FI", &["Europe/Helsinki"]),
    ("PL", &["Europe/Warsaw"]),
    ("CZ", &["Europe/Prague"]),
    ("SK", &["Europe/Bratislava"]),
    ("HU", &["Europe/Budapest"]),
    ("SI", &["Europe/Ljubljana"]),
    ("HR", &["Europe/Zagreb"]),
    ("IT", &["Europe/Rome"]),
    ("ES", &["Europe/Madrid", "Atlantic/Canary", "Africa/Ceuta"]),
    ("PT", &["Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"]),
    ("GR", &["Europe/Athens"]),
    ("RO", &["Europe/Bucharest"]),
    ("BG", &["Europe/Sofia"]),
    ("EE", &["Europe/Tallinn"]),
    ("LV", &["Europe/Riga"]),
    ("LT", &["Europe/Vilnius"]),
    ("TR", &["Europe/Istanbul"]),
    ("UA", &["Europe/Kyiv", "Europe/Kiev"]),
    (
        "US",
        &[
            "America/New_York",
            "America/Detroit",
            "America/Chicago",
            "America/Denver",
            "America/Boise",
            "America/Phoenix",
            "America/Los_Angeles",
            "America/Anchorage",
            "America/Juneau",
            "America/Indianapolis",
            "America/Louisville",
            "Pacific/Honolulu",
        ],
    ),
    (
        "CA",
        &[
            "America/Toronto",
            "America/Montreal",
            "America/Vancouver",
            "America/Edmonton",
            "America/Winnipeg",
            "America/Regina",
            "America/Halifax",
            "America/St_Johns",
        ],
    ),
    (
        "AU",
        &[
            "Australia/Sydney",
            "Australia/Melbourne",
            "Australia/Brisbane",
            "Australia/Perth",
            "Australia/Adelaide",
            "Australia/Darwin",
            "Australia/Hobart",
        ],
    ),
    ("NZ", &["Pacific/Auckland"]),
    ("SG", &["Asia/Singapore"]),
    ("IN", &["Asia/Kolkata", "Asia/Calcutta"]),
    ("ZA", &["Africa/Johannesburg"]),
];
/// Zones of one country that share a beginning.
const ZONE_FAMILIES: [(&str, &str); 4] =
    [("US", "US/"), ("US", "America/Indiana/"), ("US", "America/Kentucky/"), ("US", "America/North_Dakota/")];

/// A country with a numbering plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(pub(super) Region);

impl Country {
    /// Of a branch: that of its first number, else of another branch's, else of the company's zone.
    #[must_use]
    pub fn of_branch(company: &Company, branch: &Branch) -> Option<Self> {
        let all = company.branches.iter().flat_map(|b| &b.phone_numbers);
        let mut numbers = branch.phone_numbers.iter().chain(all);
        numbers.find_map(Self::of_number).or_else(|| Self::of_zone(&company.time_zone))
    }

    /// Of a number; `None` for numbers of no country, such as +800.
    #[must_use]
    pub fn of_number(number: &PhoneNumber) -> Option<Self> {
        let parsed = PHONE_NUMBER_UTIL.parse(number.as_str(), None).ok()?;
        let region = PHONE_NUMBER_UTIL.get_region_for_number(&parsed);
        let of_code = || PHONE_NUMBER_UTIL.get_region_for_country_code(parsed.country_code);
        region.or_else(of_code).filter(|region| *region != Region::World).map(Self)
    }

    /// Of an IANA zone.
    #[must_use]
    pub fn of_zone(zone: &str) -> Option<Self> {
        let whole = ZONES.iter().find(|(_, zones)| zones.contains(&zone)).map(|(code, _)| *code);
        let family =
            || ZONE_FAMILIES.iter().find(|(_, start)| zone.starts_with(start)).map(|(code, _)| *code);
        Region::try_from(whole.or_else(family)?).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(country: Option<Country>) -> Option<String> {
        country.map(|country| format!("{:?}", country.0))
    }

    #[test]
    fn every_zone_of_the_table_exists_and_every_country_too() {
        for (country, zones) in ZONES {
            for zone in zones {
                assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
                assert_eq!(code(Country::of_zone(zone)).as_deref(), Some(country), "{zone}");
            }
        }
        assert_eq!(code(Country::of_zone("America/Indiana/Knox")).as_deref(), Some("US"));
        assert_eq!(Country::of_zone("UTC"), None);
    }

    #[test]
    fn a_number_has_its_country_even_where_its_range_is_new() {
        for (number, country) in [
            ("+493083793369", Some("DE")),
            ("+4312345678", Some("AT")),
            ("+41446681800", Some("CH")),
            ("+442079460018", Some("GB")),
            ("+12125550123", Some("US")),
            ("+14165550123", Some("CA")),
            ("+49999000111", Some("DE")),
            ("+80012345678", None),
            ("+999123456", None),
        ] {
            let number = PhoneNumber::parse_e164(number).unwrap();
            assert_eq!(code(Country::of_number(&number)).as_deref(), country, "{}", number.as_str());
        }
    }
}
