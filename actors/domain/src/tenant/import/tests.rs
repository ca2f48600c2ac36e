//! The example of the contract, a file full of errors, and files that are anything at all.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    ids::{BranchId, CustomerId, ServiceId, StaffId},
    phone::PhoneNumber,
    secret::Secret,
    tenant::{
        Branch, CompanyKeys, Directory, HourRange, InboundSettings, Language, Limits, PlacingFacts, Service,
        ServiceStaff, Staff, Weekday,
    },
};

const SLUG: &str = "friseur-mitte";

fn example() -> Value {
    json!({"companies":[{"slug":"friseur-mitte","name":"Friseur Mitte","time_zone":"Europe/Berlin","language":"de","notice_minutes":15,"holidays":["2026-12-25"],
      "calcom_api_key":"cal_test_a","calcom_webhook_secret":"whsec_a","retell_webhook_keys":[],"retell_api_key":null,
      "limits":{"concurrent_calls":50,"calls_per_minute":120},
      "branches":[{"slug":"mitte","name":"Mitte","phone_numbers":["+493083793369"],"agents":["agent_a1"],
        "opening_hours":{"mon":["09:00-18:00"],"tue":["09:00-18:00"],"wed":["09:00-18:00"],"thu":["09:00-18:00"],"fri":["09:00-18:00"]}}],
      "staff":[{"slug":"udo","name":"Udo","branch":"mitte","calcom_user_id":9001},{"slug":"mia","name":"Mia","branch":"mitte","calcom_user_id":9002}],
      "services":[{"slug":"herrenhaarschnitt","name":"Herrenhaarschnitt","synonyms":["Fasson"],"duration_minutes":30,"price_cents":3200,"currency":"EUR","calcom_event_type_id":2001,
        "staff":["udo",{"slug":"mia","calcom_event_type_id":2011}]}],
      "customers":[{"name":"Anna Schmidt","phone":"+4915112345678","email":null}]}]})
}

/// The example after a change of its company.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut file = example();
    change(&mut file["companies"][0]);
    file
}

fn errors_of(file: &Value) -> Vec<(String, &'static str)> {
    let errors = parse_import(file).unwrap_err();
    errors.into_iter().map(|e| (e.place, e.code)).collect()
}

/// The only error of the example after a change.
fn error_after(change: impl FnOnce(&mut Value)) -> (String, &'static str) {
    let mut errors = errors_of(&changed(change));
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

fn company_after(change: impl FnOnce(&mut Value)) -> Company {
    parse_import(&changed(change)).unwrap().companies.remove(0)
}

#[test]
fn the_example_of_the_contract_is_read_exactly() {
    let import = parse_import(&example()).unwrap();
    let (udo, mia) = (StaffId::of_slugs(&[SLUG, "udo"]), StaffId::of_slugs(&[SLUG, "mia"]));
    let mitte = BranchId::of_slugs(&[SLUG, "mitte"]);
    let day = vec![HourRange { from_minute: 540, to_minute: 1080 }];
    let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
    let hours: BTreeMap<_, _> = days.into_iter().map(|d| (d, day.clone())).collect();
    let member = |id, slug: &str, name: &str, user| Staff {
        id,
        slug: slug.to_owned(),
        name: name.to_owned(),
        branch: Some(mitte),
        calcom_user_id: Some(user),
    };
    let expected = Company {
        id: CompanyId::of_slugs(&[SLUG]),
        slug: SLUG.to_owned(),
        name: "Friseur Mitte".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        language: Language::De,
        notice_minutes: 15,
        holidays: ["2026-12-25".to_owned()].into(),
        limits: Limits { concurrent_calls: Some(50), calls_per_minute: Some(120) },
        keys: CompanyKeys {
            calcom_api_key: Some(Secret::new("cal_test_a")),
            calcom_webhook_secret: Some(Secret::new("whsec_a")),
            retell_webhook_keys: vec![],
            retell_api_key: None,
        },
        branches: vec![Branch {
            id: mitte,
            slug: "mitte".to_owned(),
            name: "Mitte".to_owned(),
            phone_numbers: vec![PhoneNumber::parse_e164("+493083793369").unwrap()],
            agents: vec!["agent_a1".to_owned()],
            opening_hours: Some(hours),
            inbound: InboundSettings::default(),
        }],
        staff: vec![member(udo, "udo", "Udo", 9001), member(mia, "mia", "Mia", 9002)],
        services: vec![Service {
            id: ServiceId::of_slugs(&[SLUG, "herrenhaarschnitt"]),
            slug: "herrenhaarschnitt".to_owned(),
            name: "Herrenhaarschnitt".to_owned(),
            synonyms: vec!["Fasson".to_owned()],
            duration_minutes: 30,
            price_cents: Some(3200),
            currency: Some("EUR".to_owned()),
            calcom_event_type_id: Some(2001),
            staff: vec![
                ServiceStaff { staff: udo, calcom_event_type_id: None },
                ServiceStaff { staff: mia, calcom_event_type_id: Some(2011) },
            ],
        }],
    };
    assert_eq!(import.companies, std::slice::from_ref(&expected));
    let anna = Customer {
        id: CustomerId::of_slugs(&[SLUG, "+4915112345678"]),
        name: "Anna Schmidt".to_owned(),
        phone: PhoneNumber::parse_e164("+4915112345678"),
        email: None,
    };
    assert_eq!(import.customers, [(expected.id, anna)]);
    let directory = Directory::new(import.companies);
    let facts = PlacingFacts { to_number: Some("+493083793369"), ..PlacingFacts::default() };
    assert!(matches!(directory.place(&facts), crate::tenant::Placement::Placed { company, .. }
        if company == expected.id));
}

#[test]
fn slug_name_zone_and_branches_are_enough() {
    let file = json!({"companies": [{"slug": "a", "name": "A", "time_zone": "UTC",
        "branches": [{"slug": "b", "name": "B"}]}]});
    let company = parse_import(&file).unwrap().companies.remove(0);
    assert_eq!((company.language, company.notice_minutes), (Language::De, 0));
    assert_eq!((company.limits, company.keys), (Limits::default(), CompanyKeys::default()));
    assert_eq!(company.branches[0].opening_hours, None);
    for field in ["slug", "name", "time_zone", "branches"] {
        let mut file = file.clone();
        file["companies"][0].as_object_mut().unwrap().remove(field);
        assert_eq!(errors_of(&file), [(format!("companies[0].{field}"), "missing")]);
    }
    assert_eq!(errors_of(&json!({})), [("companies".to_owned(), "missing")]);
    assert_eq!(parse_import(&json!({"companies": []})).unwrap(), Import::default());
}

#[test]
fn a_service_without_a_list_is_served_by_all_and_with_an_empty_one_by_nobody() {
    let served = |staff: Option<Value>| {
        let company = company_after(|c| {
            let service = c["services"][0].as_object_mut().unwrap();
            service.remove("staff");
            service.extend(staff.map(|staff| ("staff".to_owned(), staff)));
        });
        company.services[0].staff.iter().map(|s| s.staff).collect::<Vec<_>>()
    };
    let (udo, mia) = (StaffId::of_slugs(&[SLUG, "udo"]), StaffId::of_slugs(&[SLUG, "mia"]));
    assert_eq!(served(None), [mia, udo]);
    assert_eq!(served(Some(Value::Null)), [mia, udo]);
    assert!(served(Some(json!([]))).is_empty());
    let silent = company_after(|c| {
        c["services"][0].as_object_mut().unwrap().remove("duration_minutes");
    });
    assert_eq!(silent.services[0].duration_minutes, SERVICE_MINUTES_DEFAULT);
}

#[test]
fn all_errors_of_a_file_are_told_with_their_places() {
    let file = json!({"companies": [
        {"slug": "Friseur Mitte", "name": "", "time_zone": "Europe/Berlinn", "langauge": "de", "notice_minutes": -1,
         "holidays": ["25.12.2026", "2026-02-30"], "limits": {"concurrent_calls": 0},
         "calcom_api_key": 7, "retell_webhook_keys": ["a key"],
         "branches": [
            {"slug": "mitte", "name": "Mitte", "phone_numbers": ["030 123", "+493083793369"], "agents": [5],
             "opening_hours": {"mon": ["09:00-12:00", "11:00-18:00"], "tue": ["18:00-09:00"], "monday": []}},
            {"slug": "mitte", "phone_numbers": ["+49 30 83793369"]}],
         "staff": [{"slug": "udo", "name": "Udo", "branch": "mittte", "calcom_user_id": 0}],
         "services": [{"slug": "cut", "name": "Cut", "synonyms": ["Schnitt", 5, "--", "SCHNITT"], "duration_minutes": 1441, "price_cents": -1, "currency": "EURO",
            "calcom_event_type_id": 2.5, "staff": ["udo", "ude", {"slug": "udo"}, 7]}],
         "customers": [{"name": "A"}, {"name": "B", "email": "b"}]},
        {"slug": "inbound", "name": "B", "time_zone": "Europe/Berlin", "language": "fr",
         "branches": []},
        "a company"
    ], "company": []});
    let expected = [
        ("company", "unknown_field"),
        ("companies[0].langauge", "unknown_field"),
        ("companies[0].slug", "slug_invalid"),
        ("companies[0].name", "empty"),
        ("companies[0].time_zone", "unknown_time_zone"),
        ("companies[0].branches[0].phone_numbers[0]", "phone_invalid"),
        ("companies[0].branches[0].agents[0]", "wrong_type"),
        ("companies[0].branches[0].opening_hours.monday", "unknown_field"),
        ("companies[0].branches[0].opening_hours.mon[1]", "hours_overlap"),
        ("companies[0].branches[0].opening_hours.tue[0]", "hours_invalid"),
        ("companies[0].branches[1].slug", "duplicate"),
        ("companies[0].branches[1].name", "missing"),
        ("companies[0].branches[1].phone_numbers[0]", "duplicate"),
        ("companies[0].staff[0].branch", "unknown_branch"),
        ("companies[0].staff[0].calcom_user_id", "out_of_range"),
        ("companies[0].services[0].synonyms[1]", "wrong_type"),
        ("companies[0].services[0].synonyms[2]", "synonym_invalid"),
        ("companies[0].services[0].synonyms[3]", "duplicate"),
        ("companies[0].services[0].duration_minutes", "out_of_range"),
        ("companies[0].services[0].price_cents", "out_of_range"),
        ("companies[0].services[0].currency", "currency_invalid"),
        ("companies[0].services[0].calcom_event_type_id", "wrong_type"),
        ("companies[0].services[0].staff[1]", "unknown_staff"),
        ("companies[0].services[0].staff[2]", "duplicate"),
        ("companies[0].services[0].staff[3]", "wrong_type"),
        ("companies[0].notice_minutes", "out_of_range"),
        ("companies[0].holidays[0]", "date_invalid"),
        ("companies[0].holidays[1]", "date_invalid"),
        ("companies[0].limits.concurrent_calls", "out_of_range"),
        ("companies[0].retell_webhook_keys[0]", "secret_invalid"),
        ("companies[0].calcom_api_key", "wrong_type"),
        ("companies[0].customers[0]", "contact_required"),
        ("companies[0].customers[1].email", "email_invalid"),
        ("companies[1].slug", "slug_reserved"),
        ("companies[1].branches", "empty"),
        ("companies[1].language", "language_unknown"),
        ("companies[2]", "wrong_type"),
    ];
    assert_eq!(errors_of(&file), expected.map(|(place, code)| (place.to_owned(), code)));
}

#[test]
fn a_near_miss_is_suggested() {
    let message_after =
        |change: fn(&mut Value)| parse_import(&changed(change)).unwrap_err().remove(0).message;
    assert!(message_after(|c| c["notice_minute"] = json!(1)).contains("\"notice_minutes\""));
    assert!(message_after(|c| c["services"][0]["staff"][0] = json!("uda")).contains("\"udo\""));
    assert!(message_after(|c| c["staff"][0]["branch"] = json!("mite")).contains("\"mitte\""));
    let hours = message_after(|c| c["branches"][0]["opening_hours"]["Monday"] = json!([]));
    assert!(hours.contains("\"mon\""), "{hours}");
    assert!(message_after(|c| c["zzzzzz"] = json!(1)).contains("known are slug, name"));
}

#[test]
fn numbers_and_agents_belong_to_one_company_and_slugs_are_unique() {
    let mut file = example();
    let mut second = file["companies"][0].clone();
    second["slug"] = json!("zahnarzt");
    file["companies"].as_array_mut().unwrap().push(second.clone());
    let branch = "companies[1].branches[0]";
    let twice =
        [(format!("{branch}.phone_numbers[0]"), "duplicate"), (format!("{branch}.agents[0]"), "duplicate")];
    assert_eq!(errors_of(&file), twice);
    file["companies"][1]["branches"][0] = json!({"slug": "x", "name": "X"});
    for member in file["companies"][1]["staff"].as_array_mut().unwrap() {
        member["branch"] = json!("x");
    }
    assert_eq!(parse_import(&file).unwrap().companies.len(), 2, "parts may be called alike elsewhere");
    file["companies"][1]["slug"] = json!(SLUG);
    assert_eq!(errors_of(&file), [("companies[1].slug".to_owned(), "duplicate")]);
    let user = error_after(|c| c["staff"][1]["calcom_user_id"] = json!(9001));
    assert_eq!(user, ("companies[0].staff[1].calcom_user_id".to_owned(), "duplicate"));
    let anna = error_after(|c| {
        let again = json!({"name": "A. Schmidt", "phone": "+49 151 12345678", "email": "a@example.org"});
        c["customers"].as_array_mut().unwrap().push(again);
    });
    assert_eq!(anna, ("companies[0].customers[1]".to_owned(), "duplicate"));
}

#[test]
fn opening_hours_are_wall_clock_ranges_up_to_midnight() {
    let monday = |ranges: Value| {
        let file = changed(|c| c["branches"][0]["opening_hours"] = json!({ "mon": ranges }));
        parse_import(&file).map(|import| {
            let hours = import.companies[0].branches[0].opening_hours.clone().unwrap();
            let ranges = hours.get(&Weekday::Mon).cloned().unwrap_or_default();
            ranges.iter().map(|r| (r.from_minute, r.to_minute)).collect::<Vec<_>>()
        })
    };
    assert_eq!(monday(json!(["00:00-24:00"])).unwrap(), [(0, 1440)]);
    assert_eq!(monday(json!(["09:00-12:00", "12:00-18:30"])).unwrap(), [(540, 720), (720, 1110)]);
    assert_eq!(monday(json!([])).unwrap(), []);
    let wrong = [
        "9:00-18:00",
        "09:00",
        "09:00-09:00",
        "24:00-24:00",
        "09:60-10:00",
        "09:00-24:01",
        "09:00-25:00",
        "",
        "-",
        "09:00 - 18:00",
        "+9:00-18:00",
        "09:00-18:00-19:00",
        "０９:00-18:00",
    ];
    for text in wrong {
        let errors = monday(json!([text])).unwrap_err();
        assert_eq!(errors[0].code, "hours_invalid", "{text}");
    }
    assert_eq!(monday(json!(["13:00-18:00", "09:00-12:00"])).unwrap_err()[0].code, "hours_overlap");
}

#[test]
fn texts_are_trimmed_and_checked() {
    assert_eq!(company_after(|c| c["name"] = json!(" Friseur ")).name, "Friseur");
    assert_eq!(error_after(|c| c["name"] = json!("a\u{0}b")).1, "control_character");
    assert_eq!(error_after(|c| c["name"] = json!("ü".repeat(TEXT_CHARS_MAX + 1))).1, "too_long");
    assert_eq!(company_after(|c| c["name"] = json!("ü".repeat(TEXT_CHARS_MAX))).name.len(), 400);
    assert_eq!(company_after(|c| c["time_zone"] = json!("europe/berlin")).time_zone, "Europe/Berlin");
    for zone in ["Mars/Olympus", "../../etc/passwd", "CET-1CEST", "/Europe/Berlin"] {
        assert_eq!(error_after(|c| c["time_zone"] = json!(zone)).1, "unknown_time_zone", "{zone}");
    }
    assert_eq!(company_after(|c| c["slug"] = json!("a".repeat(64))).slug.len(), 64);
    assert_eq!(error_after(|c| c["slug"] = json!("a".repeat(65))).1, "slug_invalid");
    let service = company_after(|c| c["services"][0]["currency"] = json!("chf")).services.remove(0);
    assert_eq!(service.currency.as_deref(), Some("CHF"));
}

#[test]
fn lists_have_a_named_limit_and_so_have_errors() {
    let numbers: Vec<Value> = (0..=PHONE_NUMBERS_MAX).map(|n| json!(format!("+4930{n:07}"))).collect();
    let (place, code) = error_after(|c| c["branches"][0]["phone_numbers"] = json!(numbers));
    assert_eq!((place.as_str(), code), ("companies[0].branches[0].phone_numbers", "too_many"));
    let customers = vec![json!({"name": "A"}); ERRORS_MAX + 5];
    let errors = errors_of(&changed(|c| c["customers"] = json!(customers)));
    assert_eq!(errors.len(), ERRORS_MAX + 1);
    assert_eq!(errors.last(), Some(&(String::new(), "too_many_errors")));
}

#[test]
fn no_message_repeats_a_secret_or_a_customer() {
    let marked = "HUSH";
    let shapes = [
        json!("HUSH with spaces"),
        json!(["HUSH"]),
        json!({"HUSH": "HUSH"}),
        json!([["HUSH"]]),
        json!("HUSH".repeat(SECRET_BYTES_MAX)),
    ];
    let places = ["calcom_api_key", "calcom_webhook_secret", "retell_webhook_keys", "retell_api_key"];
    for shape in shapes {
        for place in places {
            let file = changed(|c| c[place] = shape.clone());
            for error in parse_import(&file).err().unwrap_or_default() {
                assert!(!error.to_string().contains(marked), "{error}");
            }
        }
    }
    let customers = json!([{"name": "HUSH\n", "phone": "HUSH"}, {"name": "HUSH", "email": "HUSH"},
        {"name": "HUSH", "email": "HUSH@example.org"}, {"name": "HUSH", "email": "HUSH@example.org"}]);
    let errors = parse_import(&changed(|c| c["customers"] = customers)).unwrap_err();
    assert_eq!(errors.len(), 3);
    assert!(errors.iter().all(|e| !e.to_string().contains(marked)), "{errors:?}");
}

/// What takes the place of a value somewhere in the file.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9:+@a-z. -]{0,14}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, 1, "x", [], {}])),
        any::<String>().prop_map(|key| json!({ key: 1 })),
    ]
}

/// Replaces the value at the end of a path, each step of which picks a child; adds or drops one there too.
fn mutate(value: &mut Value, path: &[u16], new: &Value) {
    let Some((step, rest)) = path.split_first() else {
        *value = new.clone();
        return;
    };
    let step = usize::from(*step);
    match value {
        Value::Array(list) if step % 11 == 10 => list.push(new.clone()),
        Value::Array(list) if step % 11 == 9 => drop(list.pop()),
        Value::Array(list) if !list.is_empty() => {
            let index = step % list.len();
            mutate(&mut list[index], rest, new);
        }
        Value::Object(map) if step % 11 == 10 => drop(map.insert(new.to_string(), new.clone())),
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(step % map.len()).unwrap().clone();
            if step % 11 == 9 {
                map.remove(&key);
            } else {
                mutate(&mut map[&key], rest, new);
            }
        }
        leaf => *leaf = new.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn no_file_whatsoever_makes_it_panic(
        changes in proptest::collection::vec((proptest::collection::vec(any::<u16>(), 0..7), anything()), 1..6),
    ) {
        let mut file = example();
        for (path, new) in &changes {
            mutate(&mut file, path, new);
        }
        match parse_import(&file) {
            Ok(import) => prop_assert!(import.companies.iter().all(|c| !c.branches.is_empty())),
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                prop_assert!(errors.iter().all(|e| !e.message.is_empty() && !e.code.is_empty()));
            }
        }
        prop_assert_eq!(parse_import(&file), parse_import(&file));
    }
}
