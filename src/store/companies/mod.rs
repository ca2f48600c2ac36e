//! Companies, what places calls in them, and their customers.
//!
//! A company is kept whole, as JSON in `companies.settings`, the keys of its accounts included.
//! `company_numbers` and `company_agents` repeat its numbers and agents only so that the database itself
//! lets each belong to one company.

mod plan;

use std::collections::BTreeMap;

use askpro_actors::ports::{
    stores::{CompanyRows, CompanyStore, StoreError},
    unreadable::{self, unless_unreadable},
};
use askpro_domain::{
    ids::CompanyId,
    tenant::{Company, Customer},
};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::{
    Database, decode,
    dialect::{Lock, OnConflict, Rows, Table, Transaction, Value, Work},
    failure::Failure,
};
use plan::{Existing, Plan};

const SELECT_COMPANIES: &str = "SELECT id, slug, settings FROM companies ORDER BY id";
const SELECT_NUMBERS: &str = "SELECT phone, company_id, branch_id FROM company_numbers";
const SELECT_AGENTS: &str = "SELECT agent_id, company_id, branch_id FROM company_agents";
const SELECT_VERSION: &str = "SELECT version FROM directory_version WHERE id = 1";
const BUMP_VERSION: &str = "UPDATE directory_version SET version = version + 1 WHERE id = 1";
/// Customers that one query compares; a short list is filled up with its last id.
const COMPARED_AT_ONCE: usize = 256;

static COMPANIES: Table = Table {
    name: "companies",
    columns: &["id", "slug", "name", "settings"],
    key_columns: 1,
    on_conflict: OnConflict::Replace,
};
static NUMBERS: Table = Table {
    name: "company_numbers",
    columns: &["phone", "company_id", "branch_id"],
    key_columns: 1,
    on_conflict: OnConflict::Replace,
};
static AGENTS: Table = Table {
    name: "company_agents",
    columns: &["agent_id", "company_id", "branch_id"],
    key_columns: 1,
    on_conflict: OnConflict::Replace,
};
static CUSTOMERS: Table = Table {
    name: "customers",
    columns: &["company_id", "id", "name", "phone", "email", "import_version"],
    key_columns: 2,
    on_conflict: OnConflict::Replace,
};

/// `id, name, phone, email` of a customer.
type CustomerRecord = (i64, String, Option<String>, Option<String>);

#[async_trait::async_trait]
impl CompanyStore for Database {
    async fn read_companies(&self) -> Result<CompanyRows, StoreError> {
        let rows: Vec<(i64, String, Vec<u8>)> = self.fetch(SELECT_COMPANIES, &[]).await?;
        let mut companies = CompanyRows::default();
        for (id, slug, settings) in rows {
            match unless_unreadable(unreadable::Table::Companies, decode("company", &slug, &settings)) {
                Some(company) => companies.whole.push(company),
                None => companies.damaged.push(CompanyId(id)),
            }
        }
        Ok(companies)
    }

    /// One transaction: a number or an agent that another company owns refuses the whole import. The
    /// numbers and agents of a company become exactly those given.
    async fn save_companies(
        &self,
        companies: &[Company],
        customers: &[(CompanyId, Customer)],
    ) -> Result<u64, StoreError> {
        self.transact(&SaveCompanies { companies: encoded(companies)?, customers }).await
    }

    async fn companies_version(&self) -> Result<i64, StoreError> {
        let rows: Vec<(i64,)> = self.fetch(SELECT_VERSION, &[]).await?;
        let missing = || StoreError::Corrupt("the row of directory_version is missing".to_owned());
        rows.first().map(|(version,)| *version).ok_or_else(missing)
    }
}

impl Database {
    /// How many rows [`CompanyStore::save_companies`] would change, without changing any.
    ///
    /// # Errors
    /// As there: [`StoreError::Refused`] when a number or an agent belongs to another company.
    pub async fn preview_companies(
        &self,
        companies: &[Company],
        customers: &[(CompanyId, Customer)],
    ) -> Result<u64, StoreError> {
        let wanted = SaveCompanies { companies: encoded(companies)?, customers };
        self.within(async {
            let existing = wanted.read_existing(&mut &self.pools).await?;
            Ok(Plan::of(&existing, &wanted.companies, customers, 0)?.changed())
        })
        .await
    }
}

/// With their settings as they are kept.
fn encoded(companies: &[Company]) -> Result<Vec<(&Company, Vec<u8>)>, StoreError> {
    let encoded = |company| {
        serde_json::to_vec(company)
            .map(|settings| (company, settings))
            .map_err(|error| StoreError::Refused(format!("a company cannot be encoded: {error}")))
    };
    companies.iter().map(encoded).collect()
}

struct SaveCompanies<'a> {
    companies: Vec<(&'a Company, Vec<u8>)>,
    customers: &'a [(CompanyId, Customer)],
}

#[async_trait::async_trait]
impl Work for SaveCompanies<'_> {
    type Output = u64;

    async fn run(&self, transaction: &mut Transaction) -> Result<u64, Failure> {
        // Imports run one after the other: the first keeps this row locked until it is done.
        let version: Vec<(i64,)> = transaction.fetch_locked(SELECT_VERSION, Lock::Exclusive).await?;
        let version = version.first().map_or(0, |(version,)| *version) + 1;
        let existing = self.read_existing(transaction).await?;
        let plan = Plan::of(&existing, &self.companies, self.customers, version)?;
        let changed = plan.changed();
        if changed == 0 {
            return Ok(0);
        }
        transaction.delete("company_numbers", "phone", &plan.stale_numbers).await?;
        transaction.delete("company_agents", "agent_id", &plan.stale_agents).await?;
        transaction.upsert(&COMPANIES, &plan.companies).await?;
        transaction.upsert(&NUMBERS, &plan.numbers).await?;
        transaction.upsert(&AGENTS, &plan.agents).await?;
        transaction.upsert(&CUSTOMERS, &plan.customers).await?;
        transaction.execute(BUMP_VERSION, &[]).await?;
        Ok(changed)
    }
}

impl SaveCompanies<'_> {
    /// Companies, numbers and agents of all, as the directory holds them in memory anyway; customers only
    /// where they are compared.
    async fn read_existing(&self, rows: &mut impl Rows) -> Result<Existing, Failure> {
        let companies: Vec<(i64, String, Vec<u8>)> = rows.fetch(SELECT_COMPANIES.into_sql_str(), &[]).await?;
        let numbers: Vec<(String, i64, i64)> = rows.fetch(SELECT_NUMBERS.into_sql_str(), &[]).await?;
        let agents: Vec<(String, i64, i64)> = rows.fetch(SELECT_AGENTS.into_sql_str(), &[]).await?;
        let owned = |read: Vec<(String, i64, i64)>| read.into_iter().map(|(k, c, b)| (k, (c, b))).collect();
        Ok(Existing {
            companies: companies.into_iter().map(|(id, slug, settings)| (id, (slug, settings))).collect(),
            numbers: owned(numbers),
            agents: owned(agents),
            customers: self.read_customers(rows).await?,
        })
    }

    async fn read_customers(
        &self,
        rows: &mut impl Rows,
    ) -> Result<BTreeMap<(i64, i64), plan::CustomerColumns>, Failure> {
        let mut wanted: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (company, customer) in self.customers {
            wanted.entry(company.0).or_default().push(customer.id.0);
        }
        let mut found = BTreeMap::new();
        for (company, ids) in wanted {
            for some in ids.chunks(COMPARED_AT_ONCE) {
                let read: Vec<CustomerRecord> = rows
                    .fetch(AssertSqlSafe(select_customers()).into_sql_str(), &customer_values(company, some))
                    .await?;
                found.extend(read.into_iter().map(|(id, n, p, e)| ((company, id), (n, p, e))));
            }
        }
        Ok(found)
    }
}

fn select_customers() -> String {
    let ids = vec!["?"; COMPARED_AT_ONCE].join(", ");
    format!("SELECT id, name, phone, email FROM customers WHERE company_id = ? AND id IN ({ids})")
}

/// Always the same number of values, so that one statement is prepared.
fn customer_values(company: i64, ids: &[i64]) -> Vec<Value<'static>> {
    let last = ids.last().copied().unwrap_or_default();
    let filled = ids.iter().copied().chain(std::iter::repeat(last)).take(COMPARED_AT_ONCE);
    std::iter::once(company).chain(filled).map(Value::from).collect()
}
