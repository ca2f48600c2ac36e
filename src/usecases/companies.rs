//! Companies as admins see them: settings without keys, and what their actors count.

use std::sync::Arc;

use askpro_actors::tenant::{TenantMessage, TenantView};
use askpro_domain::tenant::{Branch, Company, Language, Limits, Service, Staff};
use serde::Serialize;

use super::{AdminError, Page, PageRequest, Services, ask::ask_one};

/// A company in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompanyLine {
    /// The slug.
    pub id: String,
    /// Number of the company in tables.
    pub company_id: i64,
    /// Name as spoken.
    pub name: String,
    /// IANA zone.
    pub time_zone: String,
    /// Branches.
    pub branches: usize,
    /// Live calls now.
    pub calls_live: i64,
}

/// A company on its own page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompanyDetail {
    /// What lists show.
    #[serde(flatten)]
    pub line: CompanyLine,
    /// Language of the answers.
    pub language: Language,
    /// Shortest time to a booking.
    pub notice_minutes: u32,
    /// Closed days.
    pub holidays: Vec<String>,
    /// Quotas.
    pub limits: Limits,
    /// Which keys there are; never the keys.
    pub keys: KeysPresent,
    /// Branches with their numbers, agents and hours.
    pub branches: Vec<Branch>,
    /// People who can be booked.
    pub staff: Vec<Staff>,
    /// What can be booked.
    pub services: Vec<Service>,
    /// What its actor counted; `None` while it is not in memory.
    pub live: Option<TenantFigures>,
}

/// Which keys a company has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeysPresent {
    /// A Cal.com key.
    pub calcom_api_key: bool,
    /// A secret of Cal.com's webhooks.
    pub calcom_webhook_secret: bool,
    /// How many Retell webhook keys.
    pub retell_webhook_keys: usize,
    /// A Retell key.
    pub retell_api_key: bool,
}

/// What a company's actor counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantFigures {
    /// The figures; `since` in them is replaced by the text below.
    #[serde(flatten)]
    view: Figures,
    /// Since when they count, RFC 3339.
    pub since: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Figures {
    calls_live: i64,
    calls_began: u64,
    calls_ended: u64,
    bookings: std::collections::BTreeMap<&'static str, u64>,
    functions: std::collections::BTreeMap<String, u64>,
}

impl From<TenantView> for TenantFigures {
    fn from(view: TenantView) -> Self {
        let since = view.since.to_rfc3339();
        let TenantView { calls_live, calls_began, calls_ended, bookings, functions, .. } = view;
        Self { view: Figures { calls_live, calls_began, calls_ended, bookings, functions }, since }
    }
}

impl CompanyLine {
    fn of(services: &Services, company: &Company) -> Self {
        Self {
            id: company.slug.clone(),
            company_id: company.id.0,
            name: company.name.clone(),
            time_zone: company.time_zone.clone(),
            branches: company.branches.len(),
            calls_live: services.actors.live.of(company.id),
        }
    }
}

/// Companies by slug; the cursor is a slug.
#[must_use]
pub fn list_companies(services: &Services, page: &PageRequest) -> Page<CompanyLine> {
    let directory = services.directory.current();
    let beyond = |company: &&Arc<Company>| page.cursor().is_none_or(|after| company.slug.as_str() > after);
    let mut companies: Vec<&Arc<Company>> = directory.companies().filter(beyond).collect();
    companies.sort_by(|one, other| one.slug.cmp(&other.slug));
    let more = companies.len() > page.limit();
    companies.truncate(page.limit());
    let next_cursor = companies.last().filter(|_| more).map(|company| company.slug.clone());
    Page { items: companies.into_iter().map(|c| CompanyLine::of(services, c)).collect(), next_cursor }
}

/// A company by slug.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn load_company(services: &Services, slug: &str) -> Result<CompanyDetail, AdminError> {
    let directory = services.directory.current();
    let company = directory.by_slug(slug).ok_or(AdminError::NotFound { what: "company" })?;
    let live = ask_one(&services.actors.tenants, company.id, TenantMessage::GetTenant).await;
    let keys = &company.keys;
    Ok(CompanyDetail {
        line: CompanyLine::of(services, company),
        language: company.language,
        notice_minutes: company.notice_minutes,
        holidays: company.holidays.iter().cloned().collect(),
        limits: company.limits,
        keys: KeysPresent {
            calcom_api_key: keys.calcom_api_key.is_some(),
            calcom_webhook_secret: keys.calcom_webhook_secret.is_some(),
            retell_webhook_keys: keys.retell_webhook_keys.len(),
            retell_api_key: keys.retell_api_key.is_some(),
        },
        branches: company.branches.clone(),
        staff: company.staff.clone(),
        services: company.services.clone(),
        live: live.map(TenantFigures::from),
    })
}
