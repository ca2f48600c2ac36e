//! Companies and branches of the import file.

use std::collections::BTreeMap;

use super::{
    AGENTS_MAX, BRANCHES_MAX, CUSTOMERS_MAX, FileReader, LIMIT_MAX, NOTICE_MINUTES_MAX, PHONE_NUMBERS_MAX,
    RESERVED_SLUG, WEBHOOK_KEYS_MAX, hours, inbound,
    reader::{Fields, Item, Reader, quoted},
};
use crate::{
    ids::{BranchId, CompanyId},
    phone::PhoneNumber,
    secret::Secret,
    tenant::{Branch, Company, CompanyKeys, Language, Limits},
};

const COMPANY_FIELDS: [&str; 15] = [
    "slug",
    "name",
    "time_zone",
    "language",
    "notice_minutes",
    "holidays",
    "calcom_api_key",
    "calcom_webhook_secret",
    "retell_webhook_keys",
    "retell_api_key",
    "limits",
    "branches",
    "staff",
    "services",
    "customers",
];
const BRANCH_FIELDS: [&str; 6] = ["slug", "name", "phone_numbers", "agents", "opening_hours", "inbound"];

/// Slugs of a company's parts, with the places they were declared at. A part that is wrong elsewhere is
/// declared all the same, so that nobody who names it is told that it does not exist.
#[derive(Default)]
pub(super) struct Declared {
    /// The company's own slug; empty when it is wrong.
    pub(super) company: String,
    pub(super) branches: BTreeMap<String, String>,
    pub(super) staff: BTreeMap<String, String>,
}

impl FileReader {
    /// A company with everything in it. `None` when it lacks what it cannot be without.
    pub(super) fn company(&mut self, item: &Item<'_>) -> Option<Company> {
        let fields = self.reader.fields(item, &COMPANY_FIELDS)?;
        let slug = self.company_slug(&fields);
        let mut declared = Declared { company: slug.clone().unwrap_or_default(), ..Declared::default() };
        let id = CompanyId::of_slugs(&[&declared.company]);
        let name = self.reader.required_text(&fields, "name");
        let time_zone = time_zone(&mut self.reader, &fields);
        let branches = self.branches(&fields, &mut declared);
        let staff = self.staff(&fields, &mut declared);
        let services = self.services(&fields, &declared);
        let reader = &mut self.reader;
        let company = Company {
            id,
            slug: slug.clone().unwrap_or_default(),
            name: name.clone().unwrap_or_default(),
            time_zone: time_zone.clone().unwrap_or_default(),
            language: language(reader, &fields),
            notice_minutes: notice_minutes(reader, &fields),
            holidays: hours::holidays(reader, &fields),
            limits: limits(reader, &fields),
            keys: keys(reader, &fields),
            branches,
            staff,
            services,
        };
        let customers = self.reader.optional_list(&fields, "customers", CUSTOMERS_MAX);
        self.customers(&customers, id, &declared.company);
        (slug.is_some() && name.is_some() && time_zone.is_some()).then_some(company)
    }

    fn company_slug(&mut self, fields: &Fields<'_>) -> Option<String> {
        let slug = self.reader.slug(fields, &mut self.company_slugs)?;
        if slug == RESERVED_SLUG {
            let message = format!("{} is reserved; choose another slug", quoted(&slug));
            self.reader.refuse(&fields.place_of("slug"), "slug_reserved", message);
            return None;
        }
        Some(slug)
    }

    fn branches(&mut self, fields: &Fields<'_>, declared: &mut Declared) -> Vec<Branch> {
        let Some(list) = self.reader.required(fields, "branches") else { return Vec::new() };
        if list.value.as_array().is_some_and(Vec::is_empty) {
            let message = "a company needs at least one branch; add one";
            self.reader.refuse(&list.place, "empty", message);
        }
        let items = self.reader.list(&list, BRANCHES_MAX);
        items.iter().filter_map(|item| self.branch(item, declared)).collect()
    }

    fn branch(&mut self, item: &Item<'_>, declared: &mut Declared) -> Option<Branch> {
        let fields = self.reader.fields(item, &BRANCH_FIELDS)?;
        let slug = self.reader.slug(&fields, &mut declared.branches);
        let name = self.reader.required_text(&fields, "name");
        let phone_numbers = self.phone_numbers(&fields);
        let agents = self.agents(&fields);
        let hours = fields.item("opening_hours");
        let opening_hours = hours.and_then(|item| hours::opening_hours(&mut self.reader, &item));
        let inbound = fields.item("inbound");
        let inbound = inbound.and_then(|item| inbound::inbound(&mut self.reader, &item, &agents));
        let slug = slug?;
        let id = BranchId::of_slugs(&[&declared.company, &slug]);
        Some(Branch {
            id,
            slug,
            name: name?,
            phone_numbers,
            agents,
            opening_hours,
            inbound: inbound.unwrap_or_default(),
        })
    }

    fn phone_numbers(&mut self, fields: &Fields<'_>) -> Vec<PhoneNumber> {
        let items = self.reader.optional_list(fields, "phone_numbers", PHONE_NUMBERS_MAX);
        let mut numbers = Vec::new();
        for item in &items {
            let Some(number) = self.reader.phone(item) else { continue };
            if self.reader.once(&mut self.phone_numbers, number.as_str().to_owned(), &item.place) {
                numbers.push(number);
            }
        }
        numbers
    }

    fn agents(&mut self, fields: &Fields<'_>) -> Vec<String> {
        let items = self.reader.optional_list(fields, "agents", AGENTS_MAX);
        let mut agents = Vec::new();
        for item in &items {
            let Some(agent) = self.reader.text(item) else { continue };
            if self.reader.once(&mut self.agents, agent.to_owned(), &item.place) {
                agents.push(agent.to_owned());
            }
        }
        agents
    }
}

fn time_zone(reader: &mut Reader, fields: &Fields<'_>) -> Option<String> {
    let item = reader.required(fields, "time_zone")?;
    let name = reader.text(&item)?;
    let zone = jiff::tz::TimeZone::get(name).ok();
    let known = zone.as_ref().and_then(jiff::tz::TimeZone::iana_name).map(str::to_owned);
    if known.is_none() {
        let message = format!("{} is no time zone; use an IANA name such as Europe/Berlin", quoted(name));
        reader.refuse(&item.place, "unknown_time_zone", message);
    }
    known
}

fn language(reader: &mut Reader, fields: &Fields<'_>) -> Language {
    let Some(item) = fields.item("language") else { return Language::default() };
    match reader.raw_text(&item) {
        Some("de") | None => Language::De,
        Some("en") => Language::En,
        Some(other) => {
            let message = format!("{} is not spoken here; use de or en", quoted(other));
            reader.refuse(&item.place, "language_unknown", message);
            Language::De
        }
    }
}

fn notice_minutes(reader: &mut Reader, fields: &Fields<'_>) -> u32 {
    let minutes = reader.optional_integer(fields, "notice_minutes", 0..=NOTICE_MINUTES_MAX);
    minutes.and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or_default()
}

fn limits(reader: &mut Reader, fields: &Fields<'_>) -> Limits {
    let item = fields.item("limits");
    let known = ["concurrent_calls", "calls_per_minute"];
    let Some(limits) = item.and_then(|item| reader.fields(&item, &known)) else { return Limits::default() };
    let mut limit = |name| {
        let value = reader.optional_integer(&limits, name, 1..=LIMIT_MAX)?;
        u32::try_from(value).ok()
    };
    Limits { concurrent_calls: limit("concurrent_calls"), calls_per_minute: limit("calls_per_minute") }
}

fn keys(reader: &mut Reader, fields: &Fields<'_>) -> CompanyKeys {
    let webhook_keys = reader.optional_list(fields, "retell_webhook_keys", WEBHOOK_KEYS_MAX);
    let retell_webhook_keys: Vec<Secret> =
        webhook_keys.iter().filter_map(|item| reader.secret(item)).collect();
    CompanyKeys {
        calcom_api_key: reader.optional_secret(fields, "calcom_api_key"),
        calcom_webhook_secret: reader.optional_secret(fields, "calcom_webhook_secret"),
        retell_webhook_keys,
        retell_api_key: reader.optional_secret(fields, "retell_api_key"),
    }
}
