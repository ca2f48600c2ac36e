//! The commands that work on the database without serving: import and migrate.

use std::{collections::BTreeSet, fmt, path::Path};

use anyhow::{Context as _, anyhow, bail};
use askpro_actors::ports::stores::{BookingStore, CompanyStore, StoreError};
use askpro_domain::{
    ids::CompanyId,
    tenant::{Company, Directory, Import, parse_import},
};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{connect, look, schema, strict_json::Strict};
use crate::{
    config::Config,
    store::{Database, MigrationLine},
    telemetry::redaction::BareUrl,
};

/// Open bookings that are looked at in a database, to tell whose they are.
const OPEN_LOOKED_AT_MAX: u32 = 1_000;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// Companies in the file.
    pub companies: usize,
    /// Customers in the file.
    pub customers: usize,
    /// What became of them.
    pub outcome: ImportOutcome,
    /// Slugs of those whose rows cannot be read: they become exactly what the file says.
    pub damaged: Vec<String>,
}

/// What an import changed, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// So many rows changed.
    Changed(u64),
    /// A dry run: so many rows would change.
    WouldChange(u64),
    /// A dry run without a database, or with one whose schema is to be made first: only the file was checked.
    NothingToCompare,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} companies, {} customers: ", self.companies, self.customers)?;
        match self.outcome {
            ImportOutcome::Changed(0) => write!(f, "nothing changed"),
            ImportOutcome::Changed(rows) => write!(f, "{rows} rows changed"),
            ImportOutcome::WouldChange(rows) => {
                write!(f, "correct, {rows} rows would change; nothing was written (dry run)")
            }
            ImportOutcome::NothingToCompare => write!(
                f,
                "correct in itself; there is no database yet to compare it with; nothing was written (dry run)"
            ),
        }?;
        for slug in &self.damaged {
            write!(
                f,
                "\n{slug}: its row cannot be read; what the file leaves out of it, keys too, does not stay"
            )?;
        }
        Ok(())
    }
}

/// Reads, checks and saves an import file; migrates first. With any error nothing is saved.
///
/// # Errors
/// All errors of the file with their places, one a line; a file or database that cannot be used.
pub async fn import(config: Config, file: &Path, dry_run: bool) -> anyhow::Result<ImportReport> {
    let parsed = read_import(file)?;
    let (companies, customers) = (parsed.companies.len(), parsed.customers.len());
    let outcome = if dry_run { try_out(&config, parsed).await } else { carry_out(&config, parsed).await };
    let (outcome, damaged) = outcome.with_context(|| format!("{}: nothing was imported", file.display()))?;
    Ok(ImportReport { companies, customers, outcome, damaged })
}

/// A company that the configured database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyThere {
    /// Its slug.
    pub slug: String,
    /// Whether a booking of it is under way: whoever starts on this database goes on with it.
    pub has_open_bookings: bool,
}

/// Companies that the configured database holds; none while there is no such database or schema.
///
/// # Errors
/// A database that cannot be reached or read.
pub async fn companies_there(config: &Config) -> anyhow::Result<Vec<CompanyThere>> {
    let Some(database) = look(config).await? else { return Ok(Vec::new()) };
    let companies = companies_in(&database).await;
    database.close().await;
    companies.context("the companies cannot be read")
}

async fn companies_in(database: &Database) -> Result<Vec<CompanyThere>, StoreError> {
    if database.migration_status().await?.iter().all(|migration| !migration.applied) {
        return Ok(Vec::new());
    }
    let open = database.list_open(None, OPEN_LOOKED_AT_MAX).await?;
    let open: BTreeSet<CompanyId> = open.rows.into_iter().map(|booking| booking.order.company).collect();
    let companies = database.list_companies().await?.into_iter();
    Ok(companies.map(|c| CompanyThere { has_open_bookings: open.contains(&c.id), slug: c.slug }).collect())
}

/// What became of an import, and the slugs of companies whose rows could not be read.
type Imported = (ImportOutcome, Vec<String>);

async fn carry_out(config: &Config, parsed: Import) -> anyhow::Result<Imported> {
    let database = connect(config).await?;
    schema::bring_up_to_date(&database, config.database.lease_ttl).await?;
    let saved = save(&database, parsed).await;
    database.close().await;
    saved
}

async fn save(database: &Database, parsed: Import) -> anyhow::Result<Imported> {
    let (companies, damaged) = over_what_is_there(database, parsed.companies).await?;
    let rows = database.save_companies(&companies, &parsed.customers).await?;
    Ok((ImportOutcome::Changed(rows), damaged))
}

/// Compares with what is there, if anything is.
async fn try_out(config: &Config, parsed: Import) -> anyhow::Result<Imported> {
    let Some(database) = look(config).await? else {
        return Ok((ImportOutcome::NothingToCompare, Vec::new()));
    };
    let compared = compare(&database, parsed).await;
    database.close().await;
    compared
}

async fn compare(database: &Database, parsed: Import) -> anyhow::Result<Imported> {
    let migrations = database.migration_status().await.context("the migrations cannot be read")?;
    if migrations.iter().any(|migration| !migration.applied) {
        return Ok((ImportOutcome::NothingToCompare, Vec::new()));
    }
    let (companies, damaged) = over_what_is_there(database, parsed.companies).await?;
    let rows = database.preview_companies(&companies, &parsed.customers).await?;
    Ok((ImportOutcome::WouldChange(rows), damaged))
}

/// What a file leaves out stays, unless the row of its company cannot be read; gives the slugs of those as well. Of such a
/// company the file must say whose key its calendar has: its open bookings stand there, and are missing in another's.
async fn over_what_is_there(
    database: &Database,
    companies: Vec<Company>,
) -> anyhow::Result<(Vec<Company>, Vec<String>)> {
    let there = database.read_companies().await?;
    let slugs =
        |companies: Vec<&Company>| -> Vec<String> { companies.iter().map(|c| c.slug.clone()).collect() };
    let damaged: Vec<&Company> = companies.iter().filter(|c| there.damaged.contains(&c.id)).collect();
    let keyless: Vec<_> = damaged.iter().copied().filter(|c| c.keys.calcom_api_key.is_none()).collect();
    if !keyless.is_empty() {
        bail!(
            "{}: the row of this company cannot be read, and the file does not say whose calendar its bookings stand in: \
             give its calcom_api_key, or an empty one if it has that of the platform",
            slugs(keyless).join(", ")
        );
    }
    let damaged = slugs(damaged);
    let existing = Directory::new(there.whole);
    let over = |company: Company| match existing.company(company.id) {
        Some(old) => company.over(old),
        None => company,
    };
    Ok((companies.into_iter().map(over).collect(), damaged))
}

fn read_import(file: &Path) -> anyhow::Result<Import> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{}: the import file cannot be read as UTF-8 text", file.display()))?;
    let is_toml = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    parse_text(&text, is_toml).map_err(|what| anyhow!("{}: {what}", file.display()))
}

/// The companies of a file's text, or what is wrong with it.
pub(super) fn parse_text(text: &str, is_toml: bool) -> Result<Import, String> {
    let value: Value = if is_toml {
        toml_to_json(toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_owned())?)
    } else {
        read_json(text)?
    };
    parse_import(&value).map_err(|errors| {
        let lines: Vec<String> =
            errors.iter().map(|e| format!("{}: {} ({})", e.place, e.message, e.code)).collect();
        format!("{} errors, nothing was imported\n{}", errors.len(), lines.join("\n"))
    })
}

/// Says where, and shows nothing of the file but a doubled key: it holds keys of accounts.
fn read_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map(|Strict(value)| value).map_err(|error| {
        let what = if error.is_data() { error.to_string() } else { "no JSON".to_owned() };
        let what = what.split(" at line ").next().unwrap_or_default();
        format!("{what} at line {}, column {}", error.line(), error.column())
    })
}

/// TOML has dates of its own; the import file wants them as text.
fn toml_to_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(flag) => Value::from(flag),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(toml_to_json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(k, v)| (k, toml_to_json(v))).collect(),
    }
}

/// Applies all migrations, or only tells which are applied.
///
/// # Errors
/// A database that cannot be reached or refuses.
pub async fn migrate(config: Config, status_only: bool) -> anyhow::Result<String> {
    let database = if status_only {
        match look(&config).await? {
            Some(database) => database,
            None => {
                let lines = shown(&Database::migrations_of_a_new_file());
                return Ok(format!("{}\n{lines}", not_there_yet(&config)));
            }
        }
    } else {
        let database = connect(&config).await?;
        schema::bring_up_to_date(&database, config.database.lease_ttl).await?;
        database
    };
    let lines = database.migration_status().await.context("the migrations cannot be read")?;
    database.close().await;
    Ok(shown(&lines))
}

fn shown(lines: &[MigrationLine]) -> String {
    let line = |m: &MigrationLine| {
        format!("{:>4}  {}  {}", m.version, if m.applied { "applied" } else { "missing" }, m.name)
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Said of a SQLite file that nobody has made yet.
pub(super) fn not_there_yet(config: &Config) -> String {
    let url = config.database.url.expose_secret();
    format!("{} does not exist yet: askpro migrate or askpro serve creates it", BareUrl(url))
}
