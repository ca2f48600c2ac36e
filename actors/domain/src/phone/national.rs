//! National and international forms become E.164, by the numbering plan of the country.
//!
//! A number that does not exist in its plan is no number, nor is one that costs whoever calls it back.

use rlibphonenumber::{
    CountryCodeSource, PHONE_NUMBER_UTIL, PhoneNumber as Parsed, PhoneNumberFormat, PhoneNumberType, Region,
};

use super::{Country, PhoneNumber, dialled::dialled};

impl PhoneNumber {
    /// Reads a number as somebody says or writes it: `0151 12345678`, `0049 151…`, `+49 (0)151…`,
    /// "null eins fünf eins …". National forms are read in `country`; without one, or when the text leaves
    /// any doubt, `None`. So are numbers that are not in the plan, and premium and shared-cost numbers.
    #[must_use]
    pub fn parse_in(text: &str, country: Option<Country>) -> Option<Self> {
        let dialled = dialled(text)?;
        let parsed = match (dialled.strip_prefix('+'), country) {
            (Some(_), _) => parse(&dialled, None),
            (None, Some(Country(region))) => in_region(&dialled, region),
            (None, None) => after_double_zero(&dialled),
        }?;
        Self::parse_e164(&PHONE_NUMBER_UTIL.format(&parsed, PhoneNumberFormat::E164))
    }
}

fn in_region(dialled: &str, region: Region) -> Option<Parsed> {
    let national = parse(dialled, Some(region)).filter(|parsed| is_whole(parsed, dialled));
    national.or_else(|| after_double_zero(dialled)).or_else(|| without_plus(dialled, region))
}

/// `00` before the country is dialled in most countries, and no national number anywhere begins with it.
fn after_double_zero(dialled: &str) -> Option<Parsed> {
    parse(&format!("+{}", dialled.strip_prefix("00")?), None)
}

/// A mobile number of the country whose `+` got lost, as in a JSON number.
fn without_plus(dialled: &str, region: Region) -> Option<Parsed> {
    let own = |parsed: &Parsed| PHONE_NUMBER_UTIL.get_region_for_number(parsed) == Some(region);
    let parsed = parse(&format!("+{dialled}"), None)?;
    (is_mobile(&parsed) && own(&parsed)).then_some(parsed)
}

fn is_mobile(parsed: &Parsed) -> bool {
    PHONE_NUMBER_UTIL.get_number_type(parsed) == PhoneNumberType::Mobile
}

fn parse(dialled: &str, region: Option<Region>) -> Option<Parsed> {
    let parsed = PHONE_NUMBER_UTIL.parse_and_keep_raw_input(dialled, region).ok()?;
    let wanted = matches!(
        PHONE_NUMBER_UTIL.get_number_type(&parsed),
        PhoneNumberType::FixedLine
            | PhoneNumberType::Mobile
            | PhoneNumberType::FixedLineOrMobile
            | PhoneNumberType::VoIP
            | PhoneNumberType::TollFree
    );
    (wanted && PHONE_NUMBER_UTIL.is_valid_number(&parsed)).then_some(parsed)
}

/// Where a 0 is dialled first, a number without it may lack its area code too, and then it would be read as a
/// number of another town. Mobile numbers have none to lack: one that came as a JSON number lost its 0.
fn is_whole(parsed: &Parsed, dialled: &str) -> bool {
    let in_full = PHONE_NUMBER_UTIL.format(parsed, PhoneNumberFormat::National);
    let as_national = parsed.country_code_source() == CountryCodeSource::FromDefaultCountry;
    !as_national
        || dialled.starts_with('0')
        || !in_full.trim_start_matches('(').starts_with('0')
        || is_mobile(parsed)
}
