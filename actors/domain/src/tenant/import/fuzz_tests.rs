//! Import files of any JSON: taken or refused with places, and no refusal repeats a secret or a customer.

use askpro_fuzz::{Target, fixtures, fuzz};
use serde_json::Value;

use super::{ERRORS_MAX, parse_import};

/// Longest message and longest place, with names that are cut.
const TEXT_BYTES_MAX: usize = 1_500;
/// Put behind every text that nobody else may read, to know it again.
const MARK: &str = "zq7f3a9";
const PRIVATE: [&str; 7] = [
    "calcom_api_key",
    "calcom_webhook_secret",
    "retell_webhook_keys",
    "retell_api_key",
    "phone",
    "email",
    "customers",
];

const TARGET: Target = Target {
    name: "import_json",
    inputs: 6_000,
    bytes_max: 8_000,
    words: &[
        "\"companies\":",
        "\"slug\":",
        "\"branches\":",
        "\"staff\":",
        "\"services\":",
        "\"customers\":",
        "\"phone_numbers\":",
        "\"agents\":",
        "\"opening_hours\":",
        "\"mon\":[\"09:00-18:00\"]",
        "\"limits\":",
        "\"holidays\":[\"2026-12-25\"]",
        "\"retell_webhook_keys\":[\"key_1\"]",
        "\"calcom_api_key\":\"cal_live_9f\"",
        "\"email\":\"a@b.de\"",
        "\"phone\":\"+4915112345678\"",
        "\"dynamic_variables\":{\"a\":\"b\"}",
        "\"metadata\":{}",
        "\"price_cents\":",
        "\"duration_minutes\":",
        "\"inbound\"",
        "\"Europe/Berlin\"",
        "{},",
    ],
    seeds: || {
        let mut seeds = fixtures("tests/fixtures", "companies.json");
        seeds.extend(fixtures("config", "demo.json"));
        seeds
    },
};

fn refusals_keep_secrets(input: &[u8]) {
    let Ok(mut value) = serde_json::from_slice::<Value>(input) else { return };
    let read = parse_import(&value);
    assert_eq!(read, parse_import(&value));
    match read {
        Ok(import) => assert!(import.companies.iter().all(|company| !company.branches.is_empty())),
        Err(errors) => assert!((1..=ERRORS_MAX + 1).contains(&errors.len())),
    }
    if value.to_string().contains(MARK) {
        return;
    }
    mark_private(&mut value, false);
    for error in parse_import(&value).err().unwrap_or_default() {
        let text = error.to_string();
        assert!(text.len() <= TEXT_BYTES_MAX, "{} bytes: {text}", text.len());
        assert!(!text.contains(MARK), "{text}");
    }
}

fn mark_private(value: &mut Value, is_private: bool) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(name, value)| {
            mark_private(value, is_private || PRIVATE.contains(&name.as_str()));
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| mark_private(item, is_private)),
        Value::String(text) if is_private => text.push_str(MARK),
        _ => {}
    }
}

#[test]
fn whatever_file_is_imported_is_taken_or_refused_without_a_secret() {
    fuzz(&TARGET, refusals_keep_secrets);
}
