//! What an import changes, decided from what is there and what is wanted. Pure.

use std::collections::BTreeMap;

use askpro_actors::ports::stores::StoreError;
use askpro_domain::{
    ids::CompanyId,
    tenant::{Branch, Company, Customer},
};

use super::super::{
    dialect::{Row, Value},
    text::{clip, id},
};

const SLUG_CHARS_MAX: usize = 128;
const NAME_CHARS_MAX: usize = 255;
const AGENT_CHARS_MAX: usize = 128;
const PHONE_CHARS_MAX: usize = 16;
const EMAIL_CHARS_MAX: usize = 320;

/// Company and branch that own a number or an agent.
type Owner = (i64, i64);
/// `name, phone, email` of a customer.
pub(super) type CustomerColumns = (String, Option<String>, Option<String>);

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Existing {
    /// Slug and settings of all companies.
    pub(super) companies: BTreeMap<i64, (String, Vec<u8>)>,
    /// Owners of all numbers.
    pub(super) numbers: BTreeMap<String, Owner>,
    /// Owners of all agents.
    pub(super) agents: BTreeMap<String, Owner>,
    /// Those of the wanted customers that are there.
    pub(super) customers: BTreeMap<(i64, i64), CustomerColumns>,
}

/// What to delete and what to write; nothing in it is there already.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) companies: Vec<Row<'a>>,
    pub(super) stale_numbers: Vec<Value<'a>>,
    pub(super) numbers: Vec<Row<'a>>,
    pub(super) stale_agents: Vec<Value<'a>>,
    pub(super) agents: Vec<Row<'a>>,
    pub(super) customers: Vec<Row<'a>>,
}

impl<'a> Plan<'a> {
    /// Compares; `version` is this import's. Errors: [`StoreError::Refused`] when a number or an agent belongs to another company.
    pub(super) fn of(
        existing: &'a Existing,
        companies: &'a [(&'a Company, Vec<u8>)],
        customers: &'a [(CompanyId, Customer)],
        version: i64,
    ) -> Result<Self, StoreError> {
        let wanted: BTreeMap<i64, &(&Company, Vec<u8>)> = companies.iter().map(|c| (c.0.id.0, c)).collect();
        let numbers = Claims {
            what: "the phone number",
            chars_max: PHONE_CHARS_MAX,
            owned: &existing.numbers,
            names: |branch| branch.phone_numbers.iter().map(|n| n.as_str()).collect(),
        };
        let agents = Claims {
            what: "the agent",
            chars_max: AGENT_CHARS_MAX,
            owned: &existing.agents,
            names: |branch| branch.agents.iter().map(String::as_str).collect(),
        };
        let (stale_numbers, numbers) = numbers.settle(existing, &wanted)?;
        let (stale_agents, agents) = agents.settle(existing, &wanted)?;
        Ok(Self {
            companies: company_rows(existing, &wanted)?,
            stale_numbers,
            numbers,
            stale_agents,
            agents,
            customers: customer_rows(existing, customers, version)?,
        })
    }

    /// How many rows it touches.
    pub(super) fn changed(&self) -> u64 {
        let rows = self.companies.len() + self.numbers.len() + self.agents.len() + self.customers.len();
        let count = rows + self.stale_numbers.len() + self.stale_agents.len();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// The same rule for numbers and for agents: each belongs to one company.
struct Claims<'a> {
    what: &'static str,
    chars_max: usize,
    owned: &'a BTreeMap<String, Owner>,
    names: fn(&'a Branch) -> Vec<&'a str>,
}

impl<'a> Claims<'a> {
    /// What the wanted companies give up, and what they newly own.
    fn settle(
        &self,
        existing: &Existing,
        wanted: &BTreeMap<i64, &'a (&'a Company, Vec<u8>)>,
    ) -> Result<(Vec<Value<'a>>, Vec<Row<'a>>), StoreError> {
        let mut claimed: BTreeMap<&'a str, Owner> = BTreeMap::new();
        for (id, (company, _)) in wanted {
            for branch in &company.branches {
                for name in (self.names)(branch) {
                    self.claim(&mut claimed, name, (*id, branch.id.0), existing, wanted)?;
                }
            }
        }
        let given_up = |(name, owner): &(&'a String, &Owner)| {
            wanted.contains_key(&owner.0) && !claimed.contains_key(name.as_str())
        };
        let stale = self.owned.iter().filter(given_up).map(|(name, _)| name.as_str().into()).collect();
        let new = claimed.iter().filter(|(name, owner)| self.owned.get(**name) != Some(*owner));
        let rows = new.map(|(name, owner)| vec![(*name).into(), owner.0.into(), owner.1.into()]).collect();
        Ok((stale, rows))
    }

    /// Two branches of one company may name it; the first keeps it, as in the directory.
    fn claim(
        &self,
        claimed: &mut BTreeMap<&'a str, Owner>,
        name: &'a str,
        owner: Owner,
        existing: &Existing,
        wanted: &BTreeMap<i64, &'a (&'a Company, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        let name = id(self.what, name, self.chars_max)?;
        let in_this_import = claimed.get(name).filter(|other| other.0 != owner.0);
        let stored =
            self.owned.get(name).filter(|other| other.0 != owner.0 && !wanted.contains_key(&other.0));
        if let Some((other, _)) = in_this_import.or(stored) {
            let slug = wanted.get(other).map(|c| c.0.slug.as_str());
            let slug = slug.or_else(|| existing.companies.get(other).map(|c| c.0.as_str()));
            return Err(StoreError::Refused(format!(
                "{} {name} belongs to the company {} already",
                self.what,
                slug.unwrap_or("that is not known")
            )));
        }
        claimed.entry(name).or_insert(owner);
        Ok(())
    }
}

fn company_rows<'a>(
    existing: &Existing,
    wanted: &BTreeMap<i64, &'a (&'a Company, Vec<u8>)>,
) -> Result<Vec<Row<'a>>, StoreError> {
    let mut rows = Vec::new();
    for (company_id, (company, settings)) in wanted {
        let slug = id("slug", &company.slug, SLUG_CHARS_MAX)?;
        if existing.companies.get(company_id).is_some_and(|(_, stored)| stored == settings) {
            continue;
        }
        let name = clip(&company.name, NAME_CHARS_MAX);
        rows.push(vec![(*company_id).into(), slug.into(), name.into(), settings.as_slice().into()]);
    }
    Ok(rows)
}

fn customer_rows<'a>(
    existing: &Existing,
    customers: &'a [(CompanyId, Customer)],
    version: i64,
) -> Result<Vec<Row<'a>>, StoreError> {
    let mut rows = Vec::new();
    let wanted: BTreeMap<(i64, i64), &Customer> = customers.iter().map(|(c, x)| ((c.0, x.id.0), x)).collect();
    for ((company, customer_id), customer) in wanted {
        let name = clip(&customer.name, NAME_CHARS_MAX);
        let phone = customer.phone.as_ref().map(|p| id("phone", p.as_str(), PHONE_CHARS_MAX)).transpose()?;
        let email = customer.email.as_deref().map(|e| id("email", e, EMAIL_CHARS_MAX)).transpose()?;
        let same = |(n, p, e): &CustomerColumns| *n == name && p.as_deref() == phone && e.as_deref() == email;
        if existing.customers.get(&(company, customer_id)).is_some_and(same) {
            continue;
        }
        let text = |text: Option<&'a str>| Value::Text(text.map(Into::into));
        rows.push(vec![
            company.into(),
            customer_id.into(),
            name.into(),
            text(phone),
            text(email),
            version.into(),
        ]);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_import_changes_nothing() {
        let existing = Existing::default();
        assert_eq!(Plan::of(&existing, &[], &[], 1).unwrap().changed(), 0);
    }
}
