//! Bodies as the journal keeps them, and import files as they are written: any bytes are read or refused, with
//! bounds, and no refusal repeats a key or a customer.

use askpro_actors::ports::{calendar::CalendarDecoder, voice::EventDecoder};
use askpro_fuzz::{Target, fixtures, fuzz};
use bytes::Bytes;

use super::{
    commands::parse_text,
    decoder::{CalcomDecoder, RetellDecoder, platform_event},
};
use crate::compress::{DECOMPRESSED_BYTES_MAX, compress, decompress};

/// Longest refusal of one line.
const LINE_BYTES_MAX: usize = 1_500;
/// Values of the seeds that nobody else may read.
const PRIVATE: [&str; 6] = [
    "cal_secret_one",
    "whsec_secret_two",
    "key_secret_three",
    "key_secret_four",
    "4915199887766",
    "anna@secret.example",
];

const KEPT: Target = Target {
    name: "kept_body",
    inputs: 1_500,
    bytes_max: 4_000,
    words: &["(\u{b5}/\u{fd}", "\u{0}\u{0}\u{0}", "\u{1}\u{0}\u{0}", "{\"event\":\"call_ended\"}"],
    seeds: || {
        let mut bodies = fixtures("tests/fixtures/retell", "call_ended_minimal.json");
        bodies.extend(fixtures("tests/fixtures/retell", "alert_triggered.json"));
        bodies.extend(fixtures("tests/fixtures/calcom", "booking_cancelled.json"));
        bodies.push(vec![0; DECOMPRESSED_BYTES_MAX + 1]);
        bodies.iter().map(|body| compress(body).unwrap().to_vec()).collect()
    },
};

const FILE: Target = Target {
    name: "import_file",
    inputs: 10_000,
    bytes_max: 6_000,
    words: &[
        "[[companies]]",
        "[companies.limits]",
        "slug = ",
        "calcom_api_key = ",
        "\"cal_secret_one\"",
        "[[[[[[[[",
        "{a={a={a=",
        "'''",
        "\"\"\"",
        "2026-12-25",
        "1979-05-27T07:32:00-08:00",
        "inf",
        "nan",
        "0x",
        "1_000",
        "\"key_secret_three\"",
        "\"slug\":\"a\",\"slug\":\"b\"",
        "\"\\u0061\"",
        "cal_secret_one = 1",
        "\n",
        "= ",
        ".",
    ],
    seeds: || {
        let json = format!("J{}", COMPANY.join("")).into_bytes();
        let toml = format!("T{TOML_COMPANY}").into_bytes();
        let files = fixtures("tests/fixtures", "companies.json").into_iter();
        files.map(|file| [b"J".as_slice(), &file].concat()).chain([json, toml]).collect()
    },
};

const COMPANY: [&str; 4] = [
    r#"{"companies":[{"slug":"a","name":"A","time_zone":"Europe/Berlin","calcom_api_key":"cal_secret_one","#,
    r#""calcom_webhook_secret":"whsec_secret_two","retell_webhook_keys":["key_secret_three"],"retell_api_key":"key_secret_four","#,
    r#""branches":[{"slug":"b","name":"B","phone_numbers":["+493083793369"],"agents":["agent_a1"]}],"#,
    r#""customers":[{"name":"Anna","phone":"+4915199887766","email":"anna@secret.example"}]}]}"#,
];

const TOML_COMPANY: &str = r#"
[[companies]]
slug = "a"
name = "A"
time_zone = "Europe/Berlin"
holidays = [2026-12-25]
calcom_api_key = "cal_secret_one"
calcom_webhook_secret = 'whsec_secret_two'
retell_webhook_keys = ["key_secret_three"]
retell_api_key = """key_secret_four"""
[[companies.branches]]
slug = "b"
name = "B"
phone_numbers = ["+493083793369"]
[[companies.customers]]
name = "Anna"
phone = "+4915199887766"
email = "anna@secret.example"
"#;

fn a_kept_body_is_read_or_refused(input: &[u8]) {
    let body = Bytes::copy_from_slice(input);
    let unpacked = decompress(&body, DECOMPRESSED_BYTES_MAX);
    assert!(unpacked.as_ref().is_ok_and(|json| json.len() <= DECOMPRESSED_BYTES_MAX) || unpacked.is_err());
    match RetellDecoder.decode(&body) {
        Ok(event) => assert!(platform_event(&body).is_none() && unpacked.is_ok(), "{:?}", event.dedup_key),
        Err(text) => assert!(text.len() <= 400, "{text}"),
    }
    assert!(CalcomDecoder.decode(&body).dedup_key.len() < 1_000);
    // And as a body that is packed here.
    let packed = compress(input).unwrap();
    assert_eq!(decompress(&packed, DECOMPRESSED_BYTES_MAX).unwrap(), input);
    let _ = (RetellDecoder.decode(&packed), CalcomDecoder.decode(&packed));
}

fn a_file_is_taken_or_refused_without_a_secret(input: &[u8]) {
    let (first, rest) = input.split_first().unwrap_or((&b'J', &[]));
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Err(refused) = parse_text(text, *first == b'T') else { return };
    let longest = refused.lines().map(str::len).max().unwrap_or_default();
    assert!(longest <= LINE_BYTES_MAX, "{longest} bytes in a line");
    // What is no file of the right form is not shown, but for a key that stands twice. What is said of fields
    // is looked at where they are read.
    let is_of_fields = refused.contains("nothing was imported") || refused.contains("twice");
    let leaked = PRIVATE.iter().find(|secret| refused.contains(**secret));
    assert!(is_of_fields || refused.contains("duplicate key") || leaked.is_none(), "{refused}");
}

#[test]
fn whatever_body_is_kept_it_is_read_or_refused_within_bounds() {
    fuzz(&KEPT, a_kept_body_is_read_or_refused);
}

#[test]
fn whatever_file_is_imported_no_refusal_repeats_a_secret() {
    fuzz(&FILE, a_file_is_taken_or_refused_without_a_secret);
}
