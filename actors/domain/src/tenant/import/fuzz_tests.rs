//! Import files of any JSON: taken or refused with places, and no refusal repeats a secret or a customer.

use askpro_fuzz::{Target, fixtures, fuzz};
use serde_json::Value;

use super::{ERRORS_MAX, parse_import};

/// Longest message and longest place, with names that are cut.
const TEXT_BYTES_MAX: usize = 1_500;
/// Shorter values stand in any text.
const PRIVATE_BYTES_MIN: usize = 6;
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
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    let read = parse_import(&value);
    assert_eq!(read, parse_import(&value));
    match read {
        Ok(import) => assert!(import.companies.iter().all(|company| !company.branches.is_empty())),
        Err(errors) => {
            assert!((1..=ERRORS_MAX + 1).contains(&errors.len()));
            let mut private = Vec::new();
            private_texts(&value, false, &mut private);
            for error in errors {
                let text = error.to_string();
                assert!(text.len() <= TEXT_BYTES_MAX, "{} bytes: {text}", text.len());
                let leaked = private.iter().find(|secret| error.message.contains(secret.as_str()));
                assert_eq!(leaked, None, "{text}");
            }
        }
    }
}

/// Texts below a field that nobody else may read, where they are long enough to be told from other texts.
fn private_texts(value: &Value, is_private: bool, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            private_texts(value, is_private || PRIVATE.contains(&name.as_str()), found);
        }),
        Value::Array(items) => items.iter().for_each(|item| private_texts(item, is_private, found)),
        Value::String(text) if is_private && text.len() >= PRIVATE_BYTES_MIN => found.push(text.clone()),
        _ => {}
    }
}

#[test]
fn whatever_file_is_imported_is_taken_or_refused_without_a_secret() {
    fuzz(&TARGET, refusals_keep_secrets);
}
