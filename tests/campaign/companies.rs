//! Companies whose telephones ring: the same count gives the same companies.

use serde_json::{Value, json};

const STAFF: [(&str, &str); 3] = [("udo", "Udo"), ("mia", "Mia"), ("grace", "Grace")];

/// In the shape of an import file: each has one number, three members of staff, a pool service whose members have
/// event types of their own, and one that Cal.com gives to whomever it picks.
pub fn generate(count: u32) -> Value {
    json!({ "companies": (0..count).map(company).collect::<Vec<_>>() })
}

/// Slug of a company by its place.
pub fn slug(index: usize) -> String {
    format!("salon-{index:03}")
}

/// Key of a company's Cal.com account by its place.
pub fn calcom_key(index: usize) -> String {
    format!("cal_salon_{index:03}")
}

/// Key of a Retell workspace of its own: every third company has one.
pub fn own_key(index: usize) -> Option<String> {
    (index % 3 == 1).then(|| format!("key_salon_{index:03}"))
}

/// Number of a company by its place.
pub fn number(index: usize) -> String {
    format!("+4930777{index:05}")
}

fn company(index: u32) -> Value {
    let place = index as usize;
    let (event_type, user) = (500_000 + i64::from(index) * 100, 70_000 + i64::from(index) * 10);
    let staff: Vec<Value> = (0_i64..)
        .zip(STAFF)
        .map(|(at, (slug, name))| json!({ "slug": slug, "name": name, "branch": "main", "calcom_user_id": user + at }))
        .collect();
    let own: Vec<Value> = (1_i64..)
        .zip(STAFF)
        .map(|(at, (slug, _))| json!({ "slug": slug, "calcom_event_type_id": event_type + at }))
        .collect();
    json!({
        "slug": slug(place), "name": format!("Salon {index}"), "time_zone": "Europe/Berlin",
        "language": if index % 3 == 2 { "en" } else { "de" }, "notice_minutes": 15,
        "calcom_api_key": calcom_key(place), "calcom_webhook_secret": format!("whsec_salon_{index:03}"),
        "retell_webhook_keys": own_key(place).into_iter().collect::<Vec<_>>(),
        "limits": { "concurrent_calls": 1_000_000, "calls_per_minute": 1_000_000 },
        "branches": [{
            "slug": "main", "name": "Main", "phone_numbers": [number(place)],
            "agents": [format!("agent_salon_{index:03}")],
            "opening_hours": {
                "mon": ["08:00-20:00"], "tue": ["08:00-20:00"], "wed": ["08:00-20:00"], "thu": ["08:00-20:00"],
                "fri": ["08:00-20:00"], "sat": ["08:00-20:00"],
            },
        }],
        "staff": staff,
        "services": [
            { "slug": "haircut", "name": "Haarschnitt", "duration_minutes": 30, "price_cents": 3200, "currency": "EUR",
              "calcom_event_type_id": event_type, "staff": own },
            { "slug": "colour", "name": "Färben", "duration_minutes": 60, "price_cents": 6400, "currency": "EUR",
              "calcom_event_type_id": event_type + 50, "staff": ["udo", "mia"] },
        ],
    })
}
