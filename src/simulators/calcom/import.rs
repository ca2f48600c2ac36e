//! Builds a world from an import file: companies, branches with opening hours, staff, services.

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use serde_json::Value;

use super::world::{Company, EventType, EventTypeKind, Hours, User, World};

/// API key of companies that name none.
const DEFAULT_API_KEY: &str = "cal_test_default";
/// Ids of the accounts' owners start here, away from the ids of staff.
const OWNER_IDS_FROM: i64 = 700_000;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Why an import file gives no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// There is no list of companies.
    #[error("the import has no list `companies`")]
    NoCompanies,
    /// A company, branch or member of staff lacks a name that everything hangs on.
    #[error("an entry under `{0}` has no `slug`")]
    NoSlug(&'static str),
    /// Opening hours that are not `HH:MM-HH:MM`.
    #[error("`{0}` are no opening hours: write 09:00-18:00")]
    BadHours(String),
}

impl World {
    /// Reads the companies of an import file.
    ///
    /// Staff without a `calcom_user_id` and services without a `calcom_event_type_id` are left out. A service
    /// for more than one member of staff is a round robin, for one an individual type; a member's own
    /// `calcom_event_type_id` is an individual type besides. Hosts work in their branch's opening hours. The
    /// minimum notice is the company's `notice_minutes`. Companies without a key get `cal_test_default`.
    ///
    /// # Errors
    /// See [`WorldError`].
    pub fn from_import_json(import: &Value) -> Result<Self, WorldError> {
        let companies = import.get("companies").and_then(Value::as_array).ok_or(WorldError::NoCompanies)?;
        let mut world = Self::default();
        for (position, company) in companies.iter().enumerate() {
            world.add_company(position, company)?;
        }
        Ok(world)
    }

    fn add_company(&mut self, position: usize, json: &Value) -> Result<(), WorldError> {
        let slug = text(json, "slug").ok_or(WorldError::NoSlug("companies"))?;
        let time_zone = text(json, "time_zone").unwrap_or("UTC");
        self.companies.push(Company {
            slug: slug.to_owned(),
            name: text(json, "name").unwrap_or(slug).to_owned(),
            api_key: text(json, "calcom_api_key").unwrap_or(DEFAULT_API_KEY).to_owned(),
            webhook_secret: text(json, "calcom_webhook_secret").map(str::to_owned),
            owner_id: OWNER_IDS_FROM + i64::try_from(position).unwrap_or(0),
            time_zone: time_zone.to_owned(),
        });
        let hours = branch_hours(json)?;
        let mut staff = BTreeMap::new();
        for member in list(json, "staff") {
            let member_slug = text(member, "slug").ok_or(WorldError::NoSlug("staff"))?;
            if let Some(id) = member.get("calcom_user_id").and_then(Value::as_i64) {
                staff.insert(member_slug.to_owned(), id);
                self.add_user(user(id, slug, member_slug, member, time_zone, &hours));
            }
        }
        for service in list(json, "services") {
            self.add_service(slug, service, json, &staff);
        }
        Ok(())
    }

    fn add_user(&mut self, user: User) {
        if self.user(user.id).is_none() {
            self.users.push(user);
        }
    }

    fn add_service(&mut self, company: &str, service: &Value, json: &Value, staff: &BTreeMap<String, i64>) {
        let minutes = number(service, "duration_minutes").unwrap_or(30);
        let notice = number(json, "notice_minutes").unwrap_or(0);
        let title = text(service, "name").or_else(|| text(service, "slug")).unwrap_or("Service");
        let slug = text(service, "slug").unwrap_or("service");
        let mut pool = Vec::new();
        for entry in list(service, "staff") {
            let member = entry.as_str().or_else(|| text(entry, "slug")).unwrap_or_default();
            let Some(id) = staff.get(member) else { continue };
            pool.push(*id);
            if let Some(own) = entry.get("calcom_event_type_id").and_then(Value::as_i64) {
                let mut own = EventType::new(own, company, minutes, vec![*id], EventTypeKind::Individual);
                (own.slug, own.title, own.min_notice_minutes) =
                    (format!("{slug}-{member}"), title.to_owned(), notice);
                self.add_event_type(own);
            }
        }
        let Some(id) = service.get("calcom_event_type_id").and_then(Value::as_i64) else { return };
        let kind = if pool.len() > 1 { EventTypeKind::RoundRobin } else { EventTypeKind::Individual };
        let mut event_type = EventType::new(id, company, minutes, pool, kind);
        (event_type.slug, event_type.title, event_type.min_notice_minutes) =
            (slug.to_owned(), title.to_owned(), notice);
        self.add_event_type(event_type);
    }

    fn add_event_type(&mut self, event_type: EventType) {
        if self.event_type(event_type.id).is_none() {
            self.event_types.push(event_type);
        }
    }
}

fn user(
    id: i64,
    company: &str,
    slug: &str,
    member: &Value,
    zone: &str,
    hours: &BTreeMap<String, Hours>,
) -> User {
    let branch = text(member, "branch").unwrap_or_default();
    let of_branch = hours.get(branch).or_else(|| hours.values().next());
    User {
        id,
        name: text(member, "name").unwrap_or(slug).to_owned(),
        email: format!("{slug}@{company}.example"),
        username: format!("{slug}-{company}"),
        time_zone: zone.to_owned(),
        hours: of_branch.cloned().unwrap_or_default(),
        busy: Vec::new(),
    }
}

fn branch_hours(company: &Value) -> Result<BTreeMap<String, Hours>, WorldError> {
    let mut branches = BTreeMap::new();
    for branch in list(company, "branches") {
        let slug = text(branch, "slug").ok_or(WorldError::NoSlug("branches"))?;
        branches.insert(slug.to_owned(), week(branch.get("opening_hours"))?);
    }
    Ok(branches)
}

fn week(json: Option<&Value>) -> Result<Hours, WorldError> {
    let mut hours = Hours::default();
    for (name, weekday) in WEEKDAYS {
        let spans = json.and_then(|json| json.get(name)).and_then(Value::as_array);
        for span in spans.into_iter().flatten() {
            let written = span.as_str().unwrap_or_default();
            let (from, to) = parse_span(written).ok_or_else(|| WorldError::BadHours(span.to_string()))?;
            hours.add(weekday, from, to);
        }
    }
    Ok(hours)
}

fn parse_span(written: &str) -> Option<(u32, u32)> {
    let (from, to) = written.split_once('-')?;
    Some((parse_minute(from)?, parse_minute(to)?)).filter(|(from, to)| from < to)
}

fn parse_minute(written: &str) -> Option<u32> {
    let (hour, minute) = written.trim().split_once(':')?;
    let minutes =
        hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok().filter(|minute| *minute < 60)?;
    Some(minutes).filter(|minutes| *minutes <= 24 * 60)
}

fn list<'a>(json: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    json.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(json: &'a Value, name: &str) -> Option<&'a str> {
    json.get(name).and_then(Value::as_str)
}

fn number(json: &Value, name: &str) -> Option<u32> {
    json.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
}
