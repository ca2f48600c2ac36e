//! Staff, services and customers of the import file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    FileReader, PRICE_CENTS_MAX, SERVICE_MINUTES_DEFAULT, SERVICE_MINUTES_MAX, SERVICES_MAX, STAFF_MAX,
    SYNONYMS_MAX,
    company::Declared,
    reader::{Fields, Item, Reader, near_miss, quoted},
};
use crate::{
    ids::{BranchId, CompanyId, CustomerId, ServiceId, StaffId},
    tenant::{Customer, Service, ServiceStaff, Staff},
    text::fold,
};

const STAFF_FIELDS: [&str; 4] = ["slug", "name", "branch", "calcom_user_id"];
const SERVICE_FIELDS: [&str; 8] = [
    "slug",
    "name",
    "synonyms",
    "duration_minutes",
    "price_cents",
    "currency",
    "calcom_event_type_id",
    "staff",
];
const CUSTOMER_FIELDS: [&str; 3] = ["name", "phone", "email"];

impl FileReader {
    /// Staff of a company.
    pub(super) fn staff(&mut self, fields: &Fields<'_>, declared: &mut Declared) -> Vec<Staff> {
        let items = self.reader.optional_list(fields, "staff", STAFF_MAX);
        let mut users = BTreeMap::new();
        items.iter().filter_map(|item| member(&mut self.reader, item, declared, &mut users)).collect()
    }

    /// Services of a company.
    pub(super) fn services(&mut self, fields: &Fields<'_>, declared: &Declared) -> Vec<Service> {
        let items = self.reader.optional_list(fields, "services", SERVICES_MAX);
        let mut slugs = BTreeMap::new();
        items.iter().filter_map(|item| service(&mut self.reader, item, declared, &mut slugs)).collect()
    }

    /// Customers of a company.
    pub(super) fn customers(&mut self, items: &[Item<'_>], company: CompanyId, company_slug: &str) {
        let mut seen = BTreeMap::new();
        for item in items {
            let customer = customer(&mut self.reader, item, company_slug, &mut seen);
            self.customers.extend(customer.map(|customer| (company, customer)));
        }
    }
}

fn member(
    reader: &mut Reader,
    item: &Item<'_>,
    declared: &mut Declared,
    users: &mut BTreeMap<i64, String>,
) -> Option<Staff> {
    let fields = reader.fields(item, &STAFF_FIELDS)?;
    let slug = reader.slug(&fields, &mut declared.staff);
    let name = reader.required_text(&fields, "name");
    let branch = fields.item("branch").and_then(|item| {
        let branch = reference(reader, &item, &declared.branches, "unknown_branch", "branch")?;
        Some(BranchId::of_slugs(&[&declared.company, branch]))
    });
    let calcom_user_id = reader.optional_id(&fields, "calcom_user_id");
    if let Some(user) = calcom_user_id {
        reader.once(users, user, &fields.place_of("calcom_user_id"));
    }
    let slug = slug?;
    Some(Staff { id: staff_id(declared, &slug), slug, name: name?, branch, calcom_user_id })
}

fn service(
    reader: &mut Reader,
    item: &Item<'_>,
    declared: &Declared,
    slugs: &mut BTreeMap<String, String>,
) -> Option<Service> {
    let fields = reader.fields(item, &SERVICE_FIELDS)?;
    let slug = reader.slug(&fields, slugs);
    let name = reader.required_text(&fields, "name");
    let synonyms = synonyms(reader, &fields);
    let minutes = reader.optional_integer(&fields, "duration_minutes", 1..=SERVICE_MINUTES_MAX);
    let price_cents = reader.optional_integer(&fields, "price_cents", 0..=PRICE_CENTS_MAX);
    let currency = fields.item("currency").and_then(|item| currency(reader, &item));
    let calcom_event_type_id = reader.optional_id(&fields, "calcom_event_type_id");
    let staff = service_staff(reader, &fields, declared);
    let slug = slug?;
    Some(Service {
        id: ServiceId::of_slugs(&[&declared.company, &slug]),
        slug,
        name: name?,
        synonyms,
        duration_minutes: minutes.and_then(|m| u32::try_from(m).ok()).unwrap_or(SERVICE_MINUTES_DEFAULT),
        price_cents,
        currency,
        calcom_event_type_id,
        staff,
    })
}

/// Texts with letters or digits in them, each once however it is spelled.
fn synonyms(reader: &mut Reader, fields: &Fields<'_>) -> Vec<String> {
    let items = reader.optional_list(fields, "synonyms", SYNONYMS_MAX);
    let mut seen = BTreeMap::new();
    let mut synonyms = Vec::new();
    for item in &items {
        let Some(text) = reader.text(item) else { continue };
        let folded = fold(text);
        if folded.is_empty() {
            reader.refuse(&item.place, "synonym_invalid", "it has no letters; write what callers say");
        } else if reader.once(&mut seen, folded, &item.place) {
            synonyms.push(text.to_owned());
        }
    }
    synonyms
}

/// Who serves it: those of the list, or all staff of the company where there is no list.
fn service_staff(reader: &mut Reader, fields: &Fields<'_>, declared: &Declared) -> Vec<ServiceStaff> {
    let Some(list) = fields.item("staff") else {
        let everybody = declared.staff.keys().map(|slug| staff_id(declared, slug));
        return everybody.map(|staff| ServiceStaff { staff, calcom_event_type_id: None }).collect();
    };
    let mut seen = BTreeMap::new();
    let items = reader.list(&list, STAFF_MAX);
    items.iter().filter_map(|item| service_member(reader, item, declared, &mut seen)).collect()
}

/// `"udo"`, or `{"slug": "mia", "calcom_event_type_id": 2011}`.
fn service_member(
    reader: &mut Reader,
    item: &Item<'_>,
    declared: &Declared,
    seen: &mut BTreeMap<StaffId, String>,
) -> Option<ServiceStaff> {
    let (slug, calcom_event_type_id) = match item.value {
        Value::String(_) => (reference(reader, item, &declared.staff, "unknown_staff", "staff")?, None),
        Value::Object(_) => {
            let fields = reader.fields(item, &["slug", "calcom_event_type_id"])?;
            let event_type = reader.optional_id(&fields, "calcom_event_type_id");
            let slug = reader.required(&fields, "slug")?;
            (reference(reader, &slug, &declared.staff, "unknown_staff", "staff")?, event_type)
        }
        _ => {
            reader.wrong_type(item, "the slug of a member of staff, or an object with it,");
            return None;
        }
    };
    let staff = staff_id(declared, slug);
    reader.once(seen, staff, &item.place).then_some(ServiceStaff { staff, calcom_event_type_id })
}

/// A slug that is declared in this company.
fn reference<'v>(
    reader: &mut Reader,
    item: &Item<'v>,
    declared: &BTreeMap<String, String>,
    code: &'static str,
    what: &str,
) -> Option<&'v str> {
    let slug = reader.raw_text(item)?;
    if declared.contains_key(slug) {
        return Some(slug);
    }
    let known: Vec<&str> = declared.keys().map(String::as_str).collect();
    let remedy = match near_miss(slug, &known) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None => format!("add it to this company's {what} list or correct it"),
    };
    reader.refuse(
        &item.place,
        code,
        format!("there is no {what} {} in this company; {remedy}", quoted(slug)),
    );
    None
}

fn currency(reader: &mut Reader, item: &Item<'_>) -> Option<String> {
    let text = reader.raw_text(item)?;
    if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
        let message = format!("{} is no currency; use three letters such as EUR", quoted(text));
        reader.refuse(&item.place, "currency_invalid", message);
        return None;
    }
    Some(text.to_ascii_uppercase())
}

fn customer(
    reader: &mut Reader,
    item: &Item<'_>,
    company_slug: &str,
    seen: &mut BTreeMap<CustomerId, String>,
) -> Option<Customer> {
    let fields = reader.fields(item, &CUSTOMER_FIELDS)?;
    let name = reader.required_text(&fields, "name");
    let (phone_item, email_item) = (fields.item("phone"), fields.item("email"));
    if phone_item.is_none() && email_item.is_none() {
        let message = "neither phone nor e-mail is given; add one of them";
        reader.refuse(&item.place, "contact_required", message);
        return None;
    }
    let phone = phone_item.and_then(|item| reader.phone(&item));
    let email = email_item.and_then(|item| email(reader, &item));
    let key = phone.as_ref().map(|phone| phone.as_str()).or(email.as_deref())?;
    let id = CustomerId::of_slugs(&[company_slug, key]);
    let is_new = reader.once(seen, id, &item.place);
    is_new.then_some(Customer { id, name: name?, phone, email })
}

fn email(reader: &mut Reader, item: &Item<'_>) -> Option<String> {
    let text = reader.text(item)?;
    let parts = text.split_once('@');
    let is_address = parts.is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    if !is_address || text.matches('@').count() != 1 || text.contains(char::is_whitespace) {
        reader.refuse(&item.place, "email_invalid", "it is no e-mail address; correct it or leave it out");
        return None;
    }
    Some(text.to_owned())
}

fn staff_id(declared: &Declared, slug: &str) -> StaffId {
    StaffId::of_slugs(&[&declared.company, slug])
}
