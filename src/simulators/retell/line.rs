//! The companies whose telephones ring.

use serde_json::Value;

/// What is spoken on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// German.
    German,
    /// English.
    English,
}

/// One number with its agent, and what callers ask for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyLine {
    /// The company's number, E.164.
    pub to_number: String,
    /// The agent who answers it.
    pub agent_id: String,
    /// Names of services.
    pub services: Vec<String>,
    /// Names of staff.
    pub staff: Vec<String>,
    /// What is spoken.
    pub language: Language,
    /// IANA name: callers name times in it.
    pub time_zone: String,
}

impl CompanyLine {
    /// The lines of an import file: one per branch that has a number and an agent. Anything else is left out.
    #[must_use]
    pub fn from_import_json(import: &Value) -> Vec<Self> {
        let companies = import.get("companies").and_then(Value::as_array).into_iter().flatten();
        companies.flat_map(of_company).collect()
    }
}

fn of_company(company: &Value) -> Vec<CompanyLine> {
    let text = |name: &str| company.get(name).and_then(Value::as_str);
    let english = text("language").is_some_and(|language| language.starts_with("en"));
    let branches = company.get("branches").and_then(Value::as_array).into_iter().flatten();
    let lines = branches.filter_map(|branch| {
        let first = |name: &str| branch.get(name)?.as_array()?.first()?.as_str().map(str::to_owned);
        Some(CompanyLine {
            to_number: first("phone_numbers")?,
            agent_id: first("agents")?,
            services: names(company, "services"),
            staff: names(company, "staff"),
            language: if english { Language::English } else { Language::German },
            time_zone: text("time_zone").unwrap_or("UTC").to_owned(),
        })
    });
    lines.collect()
}

fn names(company: &Value, list: &str) -> Vec<String> {
    let entries = company.get(list).and_then(Value::as_array).into_iter().flatten();
    let name = |entry: &Value| entry.get("name").or_else(|| entry.get("slug"))?.as_str().map(str::to_owned);
    entries.filter_map(name).collect()
}
