//! Which company a call belongs to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::Company;
use crate::{
    ids::{BranchId, CompanyId},
    phone::PhoneNumber,
};

/// An immutable view of all companies, by id, slug, number and agent.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    companies: BTreeMap<CompanyId, Arc<Company>>,
    by_slug: HashMap<String, CompanyId>,
    by_number: HashMap<PhoneNumber, (CompanyId, BranchId)>,
    by_agent: HashMap<String, (CompanyId, BranchId)>,
}

/// What a call says of where it belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlacingFacts<'a> {
    /// Whether the company called out.
    pub outbound: bool,
    /// `from_number` as sent.
    pub from_number: Option<&'a str>,
    /// `to_number` as sent.
    pub to_number: Option<&'a str>,
    /// `agent_id` as sent.
    pub agent_id: Option<&'a str>,
}

/// Where a call belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In this company.
    Placed {
        /// The company.
        company: CompanyId,
        /// The branch whose number or agent it was.
        branch: BranchId,
    },
    /// Nowhere: to quarantine, never to a default company.
    Unplaced(UnplacedReason),
}

/// Why a call belongs nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnplacedReason {
    /// Neither number nor agent in it.
    NoIdentity,
    /// Its number (or, without a number, its agent) belongs to nobody.
    Unknown,
    /// Number and agent name different companies.
    Conflict,
    /// A company's own key signed for a call of another company.
    ForeignKey,
}

impl UnplacedReason {
    /// Stable code in rows and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoIdentity => "no_identity",
            Self::Unknown => "unknown_number_or_agent",
            Self::Conflict => "conflict",
            Self::ForeignKey => "foreign_key",
        }
    }
}

impl Directory {
    /// Indexes companies. When two claim one number or agent (imports refuse that) the lower id keeps it.
    #[must_use]
    pub fn new(companies: impl IntoIterator<Item = Company>) -> Self {
        let mut directory = Self::default();
        let sorted: BTreeMap<CompanyId, Company> = companies.into_iter().map(|c| (c.id, c)).collect();
        for (id, company) in sorted {
            directory.by_slug.entry(company.slug.clone()).or_insert(id);
            for branch in &company.branches {
                for number in &branch.phone_numbers {
                    directory.by_number.entry(number.clone()).or_insert((id, branch.id));
                }
                for agent in &branch.agents {
                    directory.by_agent.entry(agent.clone()).or_insert((id, branch.id));
                }
            }
            directory.companies.insert(id, Arc::new(company));
        }
        directory
    }

    /// A company by id.
    #[must_use]
    pub fn company(&self, id: CompanyId) -> Option<&Arc<Company>> {
        self.companies.get(&id)
    }

    /// A company by slug.
    #[must_use]
    pub fn by_slug(&self, slug: &str) -> Option<&Arc<Company>> {
        self.by_slug.get(slug).and_then(|id| self.companies.get(id))
    }

    /// All companies, by id.
    pub fn companies(&self) -> impl Iterator<Item = &Arc<Company>> {
        self.companies.values()
    }

    /// Places a call: inbound by `to_number`, outbound by `from_number`, without a number (or with one
    /// that is no E.164, as custom telephony sends) by agent. Number and agent must not disagree.
    #[must_use]
    pub fn place(&self, facts: &PlacingFacts<'_>) -> Placement {
        let own = if facts.outbound { facts.from_number } else { facts.to_number };
        let number = own.and_then(PhoneNumber::parse_e164);
        let by_agent = facts.agent_id.and_then(|agent| self.by_agent.get(agent));
        let found = match &number {
            Some(number) => self.by_number.get(number),
            None => by_agent,
        };
        match (found, by_agent) {
            (Some(found), Some(agent)) if found.0 != agent.0 => Placement::Unplaced(UnplacedReason::Conflict),
            (Some((company, branch)), _) => Placement::Placed { company: *company, branch: *branch },
            (None, _) if number.is_none() && facts.agent_id.is_none() => {
                Placement::Unplaced(UnplacedReason::NoIdentity)
            }
            (None, _) => Placement::Unplaced(UnplacedReason::Unknown),
        }
    }
}
