//! Companies as everybody else sees them: settings, branches, staff, services, and the directory that
//! says which company a call belongs to. Knows nothing of where they are stored.

mod directory;
pub mod import;
mod inbound;
mod merge;
pub mod quota;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use directory::{Directory, Placement, PlacingFacts, UnplacedReason};
pub use import::{Import, ImportError, parse_import};
pub use inbound::{AgentVersion, InboundSettings};

use crate::{
    ids::{BranchId, CompanyId, CustomerId, ServiceId, StaffId},
    phone::PhoneNumber,
    secret::Secret,
};

/// Language that answers are spoken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German.
    #[default]
    De,
    /// English.
    En,
}

/// A company (tenant) with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Company {
    /// Made from the slug.
    pub id: CompanyId,
    /// Unique name in addresses, `friseur-mitte`.
    pub slug: String,
    /// Name as spoken.
    pub name: String,
    /// IANA zone, `Europe/Berlin`; checked at import.
    pub time_zone: String,
    /// Language of the answers.
    pub language: Language,
    /// Shortest time from now to the start of a booking, in minutes.
    pub notice_minutes: u32,
    /// Closed days, ISO dates in the company's zone.
    pub holidays: BTreeSet<String>,
    /// Quotas of calls and functions.
    pub limits: Limits,
    /// Keys of the company's own accounts.
    pub keys: CompanyKeys,
    /// At least one.
    pub branches: Vec<Branch>,
    /// People who can be booked.
    pub staff: Vec<Staff>,
    /// What can be booked.
    pub services: Vec<Service>,
}

/// Quotas; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Live calls at one time.
    #[serde(default)]
    pub concurrent_calls: Option<u32>,
    /// New calls in a minute.
    #[serde(default)]
    pub calls_per_minute: Option<u32>,
}

/// Keys of a company; none of them prints.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CompanyKeys {
    /// Cal.com API key; `None` uses the platform's, if there is one.
    pub calcom_api_key: Option<Secret>,
    /// Secret of Cal.com's webhooks.
    pub calcom_webhook_secret: Option<Secret>,
    /// Keys that may sign this company's Retell webhooks, beside the platform's.
    pub retell_webhook_keys: Vec<Secret>,
    /// Retell REST key.
    pub retell_api_key: Option<Secret>,
}

/// A place with its numbers, agents and hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// Made from the slugs.
    pub id: BranchId,
    /// Unique in the company.
    pub slug: String,
    /// Name as spoken.
    pub name: String,
    /// Numbers that ring here; a number belongs to one company only.
    pub phone_numbers: Vec<PhoneNumber>,
    /// Retell agent ids that answer here; an agent belongs to one company only.
    pub agents: Vec<String>,
    /// Opening hours by weekday, local wall clock; `None` when they are not known, a missing day is closed.
    pub opening_hours: Option<BTreeMap<Weekday, Vec<HourRange>>>,
    /// What is answered before a call begins, beside what is said of the caller.
    #[serde(default)]
    pub inbound: InboundSettings,
}

/// Day of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// Wall-clock range of a day in minutes from midnight, `[from, to)`, `0 <= from < to <= 1440`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourRange {
    /// First minute.
    pub from_minute: u16,
    /// Minute after the last.
    pub to_minute: u16,
}

/// A person who can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Made from the slugs.
    pub id: StaffId,
    /// Unique in the company.
    pub slug: String,
    /// Name as spoken.
    pub name: String,
    /// Where they work, if only there.
    pub branch: Option<BranchId>,
    /// User id at Cal.com, to recognise the host it names.
    pub calcom_user_id: Option<i64>,
}

/// Something that can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Made from the slugs.
    pub id: ServiceId,
    /// Unique in the company.
    pub slug: String,
    /// Name as spoken.
    pub name: String,
    /// What callers call it too; never spoken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    /// Length in minutes, 1 to 1440.
    pub duration_minutes: u32,
    /// Price in minor units.
    pub price_cents: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Event type at Cal.com: of the pool when several members serve it.
    pub calcom_event_type_id: Option<i64>,
    /// Who serves it; at least one when it can be booked.
    pub staff: Vec<ServiceStaff>,
}

/// A member of a service's staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStaff {
    /// Who.
    pub staff: StaffId,
    /// The member's own event type for this service; without one the member is only a wish.
    pub calcom_event_type_id: Option<i64>,
}

/// A known customer of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Made from slug and phone (or e-mail).
    pub id: CustomerId,
    /// Name as spoken.
    pub name: String,
    /// E.164.
    pub phone: Option<PhoneNumber>,
    /// As given.
    pub email: Option<String>,
}

impl Company {
    /// Whether it has keys of its own that sign what is said of its calls.
    #[must_use]
    pub fn has_own_key(&self) -> bool {
        !self.keys.retell_webhook_keys.is_empty()
    }

    /// The company's zone; UTC when the name is unknown here (import refuses such names).
    #[must_use]
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// A branch by id.
    #[must_use]
    pub fn branch(&self, id: BranchId) -> Option<&Branch> {
        self.branches.iter().find(|b| b.id == id)
    }

    /// A member of staff by id.
    #[must_use]
    pub fn staff_member(&self, id: StaffId) -> Option<&Staff> {
        self.staff.iter().find(|s| s.id == id)
    }

    /// The member with this user id at Cal.com.
    #[must_use]
    pub fn staff_by_calcom_user(&self, user_id: i64) -> Option<&Staff> {
        self.staff.iter().find(|s| s.calcom_user_id == Some(user_id))
    }

    /// A service by id.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services.iter().find(|s| s.id == id)
    }
}
