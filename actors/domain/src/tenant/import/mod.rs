//! The import file: companies with everything that belongs to them, read and checked as a whole.
//!
//! Everything wrong in the file is told at once, each with its place and its remedy, and nothing of the
//! file is taken while anything is wrong. Ids are made from slugs, so the same file gives the same
//! companies every time. This module knows nothing of what was imported before: whether a number belongs
//! to a company that is not in the file is for the store to say. No message repeats a secret or anything
//! of a customer.
//!
//! Defaults of what may be left out: `language` de, `notice_minutes` 0, no limits, no keys, opening hours
//! not known, `duration_minutes` [`SERVICE_MINUTES_DEFAULT`]. A service without a `staff` list is served by
//! all staff of the company, nobody with an event type of their own; with an empty list, by nobody.

mod catalog;
mod company;
mod hours;
mod inbound;
mod reader;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use self::reader::{Item, Reader};
use super::{Company, Customer};
use crate::ids::CompanyId;

/// Companies in one file.
pub const COMPANIES_MAX: usize = 10_000;
/// Branches of a company.
pub const BRANCHES_MAX: usize = 500;
/// Phone numbers of a branch.
pub const PHONE_NUMBERS_MAX: usize = 500;
/// Agents of a branch.
pub const AGENTS_MAX: usize = 500;
/// Holidays of a company.
pub const HOLIDAYS_MAX: usize = 1_000;
/// Opening hours of one day.
pub const RANGES_PER_DAY_MAX: usize = 12;
/// Staff of a company, and of a service.
pub const STAFF_MAX: usize = 2_000;
/// Services of a company.
pub const SERVICES_MAX: usize = 2_000;
/// Synonyms of a service.
pub const SYNONYMS_MAX: usize = 50;
/// Customers of a company.
pub const CUSTOMERS_MAX: usize = 200_000;
/// Webhook keys of a company; two are enough for a rotation.
pub const WEBHOOK_KEYS_MAX: usize = 8;
/// Characters of a name, an agent id or an e-mail address.
pub const TEXT_CHARS_MAX: usize = 200;
/// Bytes of a key or secret.
pub const SECRET_BYTES_MAX: usize = 1_024;
/// Characters of a slug.
pub const SLUG_CHARS_MAX: usize = 64;
/// Longest notice before a booking: 60 days.
pub const NOTICE_MINUTES_MAX: i64 = 86_400;
/// Longest service: a day.
pub const SERVICE_MINUTES_MAX: i64 = 1_440;
/// Length of a service that does not say it.
pub const SERVICE_MINUTES_DEFAULT: u32 = 30;
/// Highest price in minor units.
pub const PRICE_CENTS_MAX: i64 = 1_000_000_000;
/// Dynamic variables of a branch.
pub const DYNAMIC_VARIABLES_MAX: usize = 50;
/// Characters of a dynamic variable's name.
pub const VARIABLE_NAME_CHARS_MAX: usize = 64;
/// Characters of a dynamic variable's value.
pub const VARIABLE_CHARS_MAX: usize = 1_000;
/// Bytes of the metadata of a branch, as JSON.
pub const METADATA_BYTES_MAX: usize = 8_192;
/// Highest limit of calls.
pub const LIMIT_MAX: i64 = 1_000_000;
/// Errors told of one file; one more says that there are more.
pub const ERRORS_MAX: usize = 1_000;
/// Slug that no company may have: it stands in the address of the inbound webhook.
pub const RESERVED_SLUG: &str = "inbound";

/// A file without fault.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    /// Companies in the order of the file.
    pub companies: Vec<Company>,
    /// Their customers, in the order of the file.
    pub customers: Vec<(CompanyId, Customer)>,
}

/// A fault in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message} [{code}]")]
pub struct ImportError {
    /// Where, `companies[0].branches[1].phone_numbers[0]`; empty for the file as a whole.
    pub place: String,
    /// Stable code, `unknown_field`, `duplicate`, ...
    pub code: &'static str,
    /// What was wrong and what to do. Never has a secret or a customer's data in it.
    pub message: String,
}

/// Reads and checks the file; TOML is turned into a JSON value by the caller (dates as text).
/// Errors: everything that is wrong, at least one, company by company in the order of the file.
pub fn parse_import(value: &Value) -> Result<Import, Vec<ImportError>> {
    let mut file = FileReader::default();
    let import = file.read(&Item { value, place: String::new() });
    let errors = file.reader.into_errors();
    if errors.is_empty() { Ok(import) } else { Err(errors) }
}

/// What was read of a file so far; what must be unique in it points to where it was first.
#[derive(Default)]
struct FileReader {
    reader: Reader,
    company_slugs: BTreeMap<String, String>,
    phone_numbers: BTreeMap<String, String>,
    agents: BTreeMap<String, String>,
    customers: Vec<(CompanyId, Customer)>,
}

impl FileReader {
    fn read(&mut self, file: &Item<'_>) -> Import {
        let Some(fields) = self.reader.fields(file, &["companies"]) else { return Import::default() };
        let list = self.reader.required(&fields, "companies");
        let items = list.map(|list| self.reader.list(&list, COMPANIES_MAX)).unwrap_or_default();
        let companies = items.iter().filter_map(|item| self.company(item)).collect();
        Import { companies, customers: std::mem::take(&mut self.customers) }
    }
}
