//! Every recorded shape is signed rightly and decodes to what it says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use askpro_domain::{calendar::News, secret::Secret, time::UnixMillis};
use serde_json::Value;

use super::{blank_secrets, custom, decode, decode_kept, trigger::Trigger, verify};

/// A body with its headers.
struct Fixture {
    name: String,
    body: Vec<u8>,
    headers: Value,
}

fn fixtures(folder: &Path) -> Vec<Fixture> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let headers = |path: &Path| {
        let text = fs::read(path.with_extension("headers.json")).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    };
    let fixture = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let headers = headers(&path).filter(|_| !name.contains(".headers."))?;
        Some(Fixture { name, body: fs::read(&path).unwrap(), headers })
    };
    paths.into_iter().filter_map(fixture).collect()
}

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str)
}

fn instant(value: &Value, path: &str) -> Option<UnixMillis> {
    text(value, path).and_then(UnixMillis::parse_rfc3339)
}

fn assert_fixture(Fixture { name, body, headers }: &Fixture, secret: &str) {
    let signature = text(headers, "/X-Cal-Signature-256").unwrap();
    let signed = verify(Some(signature.as_bytes()), body, Some(&Secret::new(secret)));
    assert_eq!(signed, Ok(()), "{name}");
    let kept = blank_secrets(body).into_owned();
    if text(headers, "/Content-Type") != Some("application/json") {
        assert!(decode(&kept).is_err(), "{name}");
        assert_eq!(decode_kept(&kept), custom(&kept).event, "{name}");
        return;
    }
    let value: Value = serde_json::from_slice(&kept).unwrap();
    let delivery = decode(&kept).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(decode_kept(&kept), delivery.event, "{name}");
    assert_eq!(delivery.trigger == Trigger::Other, name.starts_with("other_"), "{name}");
    let (event, trigger) = (delivery.event, text(&value, "/triggerEvent").unwrap());
    assert_eq!(event.name, trigger, "{name}");
    assert!(event.dedup_key.starts_with(&format!("{trigger}:")), "{name}: {}", event.dedup_key);
    let uid = ["/payload/uid", "/payload/bookingUid", "/uid"].iter().find_map(|path| text(&value, path));
    assert_eq!(event.uid.as_deref(), uid, "{name}");
    let sent_at = instant(&value, "/createdAt").filter(|_| value.get("payload").is_some());
    assert_eq!(event.at, sent_at, "{name}");
    assert_news(name, trigger, &value, &event.news);
    let sent: Value = serde_json::from_slice(body).unwrap();
    if let Some(password) = text(&sent, "/payload/oneTimePassword") {
        assert!(!String::from_utf8_lossy(&kept).contains(password), "{name}: a password is kept");
    }
}

fn assert_news(name: &str, trigger: &str, value: &Value, news: &News) {
    match (trigger, news) {
        (
            "BOOKING_CREATED" | "BOOKING_REQUESTED" | "BOOKING_RESCHEDULED" | "BOOKING_REASSIGNED",
            News::Stands(seen),
        ) => {
            assert_eq!(Some(seen.uid.as_str()), text(value, "/payload/uid"), "{name}");
            assert_eq!(seen.from_uid.as_deref(), text(value, "/payload/rescheduleUid"), "{name}");
            assert_eq!(Some(seen.interval.start()), instant(value, "/payload/startTime"), "{name}");
            assert_eq!(Some(seen.interval.end()), instant(value, "/payload/endTime"), "{name}");
            assert_eq!(seen.host, value["payload"]["organizer"]["id"].as_i64(), "{name}");
            assert_eq!(seen.seated, !value["payload"]["seatsPerTimeSlot"].is_null(), "{name}");
            let freed = value["payload"]["removedHostUserIds"].as_array().map_or(0, Vec::len);
            assert_eq!(seen.freed_hosts.len(), freed, "{name}");
            let evidence = &seen.evidence;
            assert_eq!(evidence.event_type_id, value["payload"]["eventTypeId"].as_i64(), "{name}");
            let ours = text(value, "/payload/metadata/askpro_appointment");
            assert_eq!(evidence.appointment.as_deref(), ours, "{name}");
            assert!(!evidence.contacts.is_empty(), "{name}");
            let is_new = trigger != "BOOKING_RESCHEDULED" && trigger != "BOOKING_REASSIGNED";
            assert_eq!(evidence.created_at.is_some(), is_new && seen.from_uid.is_none(), "{name}");
        }
        ("BOOKING_CANCELLED" | "BOOKING_REJECTED", News::Gone(gone)) => {
            assert_eq!(Some(gone.uid.as_str()), text(value, "/payload/uid"), "{name}");
            assert_eq!(gone.host, value["payload"]["organizer"]["id"].as_i64(), "{name}");
            assert_eq!(gone.event_type_id, value["payload"]["eventTypeId"].as_i64(), "{name}");
        }
        ("OOO_CREATED", News::HostAway { host }) => {
            assert_eq!(Some(*host), value["payload"]["oooEntry"]["user"]["id"].as_i64(), "{name}");
        }
        ("BOOKING_PAID", news) => assert_eq!(*news, News::Changed, "{name}"),
        (_, news) => assert_eq!(*news, News::Nothing, "{name}"),
    }
}

#[test]
fn every_fixture_is_signed_and_decodes_to_what_it_says() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calcom");
    let mut folders = vec![(own, "whsec_fixture_calcom", 20)];
    if let Some(facts) = std::env::var_os("ASKPRO_FACTS_DIR") {
        folders.push((Path::new(&facts).join("calcom/fixtures"), "whsec_test_cal_0123456789", 13));
    }
    for (folder, secret, at_least) in folders {
        let fixtures = fixtures(&folder);
        assert!(fixtures.len() >= at_least, "{} has only {}", folder.display(), fixtures.len());
        fixtures.iter().for_each(|fixture| assert_fixture(fixture, secret));
        let key = |name: &str| {
            let fixture = fixtures.iter().find(|fixture| fixture.name == name).unwrap();
            decode(&fixture.body).unwrap().event.dedup_key
        };
        let versions = [key("booking_created.json"), key("booking_created_v2026_07_27.json")];
        assert_eq!(versions[0], versions[1], "the same event in both versions");
    }
}
