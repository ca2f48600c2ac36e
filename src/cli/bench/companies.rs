//! Whose telephones ring in a benchmark: made up, from an import file, or asked of the service.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::admin::{AdminClient, ReadError, id_text};
use crate::cli::error::CliError;

/// Limits that no benchmark reaches: it measures the service, not its quotas.
const UNLIMITED: u32 = 1_000_000;
/// Companies asked for in one page of the service's list.
const PAGE: usize = 100;
const STAFF: [(&str, &str); 3] = [("udo", "Udo"), ("mia", "Mia"), ("grace", "Grace")];

/// `count` companies in the shape of an import file: one number, three members of staff with event types of
/// their own, two services each. The same count gives the same companies.
pub(super) fn generate(count: u32) -> Value {
    json!({ "companies": (0..count).map(company).collect::<Vec<_>>() })
}

fn company(index: u32) -> Value {
    let event_type = 1_000_000 + i64::from(index) * 100;
    let user = 100_000_000 + i64::from(index) * 10;
    let english = index % 4 == 3;
    let open = json!(["09:00-18:00"]);
    let staff: Vec<Value> = (0_i64..)
        .zip(STAFF)
        .map(|(place, (slug, name))| {
            json!({ "slug": slug, "name": name, "branch": "main", "calcom_user_id": user + place })
        })
        .collect();
    json!({
        "slug": format!("bench-{index:05}"),
        "name": format!("Bench {index}"),
        "time_zone": if english { "Europe/London" } else { "Europe/Berlin" },
        "language": if english { "en" } else { "de" },
        "notice_minutes": 15,
        "calcom_api_key": format!("cal_bench_{index:05}"),
        "calcom_webhook_secret": format!("whsec_bench_{index:05}"),
        "limits": { "concurrent_calls": UNLIMITED, "calls_per_minute": UNLIMITED },
        "branches": [{
            "slug": "main", "name": "Main",
            "phone_numbers": [format!("+4930555{index:05}")],
            "agents": [format!("agent_bench_{index:05}")],
            "opening_hours": {
                "mon": open, "tue": open, "wed": open, "thu": open, "fri": open,
            },
        }],
        "staff": staff,
        "services": [
            service("haircut", if english { "Haircut" } else { "Haarschnitt" }, 30, event_type, 3),
            service("colour", if english { "Colouring" } else { "Färben" }, 60, event_type + 10, 2),
        ],
    })
}

fn service(slug: &str, name: &str, minutes: u32, event_type: i64, members: usize) -> Value {
    let staff: Vec<Value> = (1_i64..)
        .zip(STAFF)
        .take(members)
        .map(|(place, (slug, _))| json!({ "slug": slug, "calcom_event_type_id": event_type + place }))
        .collect();
    json!({
        "slug": slug, "name": name, "duration_minutes": minutes, "price_cents": 3200, "currency": "EUR",
        "calcom_event_type_id": event_type, "staff": staff,
    })
}

/// Slugs of the companies of an import file.
pub(super) fn slugs(import: &Value) -> BTreeSet<String> {
    let companies = import.get("companies").and_then(Value::as_array).into_iter().flatten();
    companies.filter_map(|company| company.get("slug")?.as_str()).map(str::to_owned).collect()
}

/// The Cal.com key of the company that has this number; `None` where it has none of its own.
pub(super) fn calcom_key(import: &Value, number: &str) -> Option<String> {
    let list =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let company = list(import, "companies").into_iter().find(|company| {
        let mut numbers =
            list(company, "branches").into_iter().flat_map(|branch| list(&branch, "phone_numbers"));
        numbers.any(|its| its == number)
    });
    company?.get("calcom_api_key")?.as_str().map(str::to_owned)
}

/// An import file, JSON or TOML.
pub(in crate::cli) fn read(file: &Path) -> Result<Value, CliError> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        CliError::Usage(format!("--import {shown} cannot be read ({error}): name a readable import file"))
    })?;
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    let read: Result<Value, String> = if is_toml {
        toml::from_str(&text).map_err(|error| error.message().to_owned())
    } else {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    };
    read.map_err(|cause| {
        let cause = cause.lines().collect::<Vec<_>>().join(", ");
        CliError::Usage(format!("--import {shown} is no import file ({cause}): mend it, as JSON or TOML"))
    })
}

/// Up to `count` companies of a running service, in the shape of an import file, as far as it tells.
pub(super) async fn discover(admin: &AdminClient, count: usize) -> Result<Value, ReadError> {
    let mut companies = Vec::new();
    let mut cursor = String::new();
    while companies.len() < count {
        let path = format!("/admin/companies?limit={PAGE}{cursor}");
        let Some(page) = admin.json::<Value>(&path).await? else { break };
        let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        for item in items.iter().take(count - companies.len()) {
            let id = item.get("slug").or_else(|| item.get("id")).map(id_text).unwrap_or_default();
            companies.extend(admin.json::<Value>(&format!("/admin/companies/{id}")).await?);
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) if !items.is_empty() => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    Ok(json!({ "companies": companies }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::simulators::calcom::World;
    use crate::simulators::retell::CompanyLine;

    #[test]
    fn made_up_companies_share_no_number_agent_host_or_event_type() {
        let import = generate(300);
        let lines = CompanyLine::from_import_json(&import);
        assert_eq!(lines.iter().map(|line| &line.to_number).collect::<HashSet<_>>().len(), 300);
        assert_eq!(lines.iter().map(|line| &line.agent_id).collect::<HashSet<_>>().len(), 300);
        let world = World::from_import_json(&import).unwrap();
        assert_eq!(world.users.iter().map(|user| user.id).collect::<HashSet<_>>().len(), 900);
        assert_eq!(world.event_types.len(), 300 * 7);
        assert_eq!(import, generate(300));
    }
}
