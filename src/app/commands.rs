//! The commands that work on the database without serving: import, migrate, doctor.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use askpro_actors::ports::{
    clock::Clock,
    stores::{CompanyStore, StoreError},
    voice::{Account, Voice, VoiceError},
};
use askpro_domain::tenant::{Company, Directory, Import, parse_import};
use serde_json::Value;

use super::{SystemClock, connect, strict_json::Strict};
use crate::{config::Config, journal::JournalOptions, store::Database};

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// Companies in the file.
    pub companies: usize,
    /// Customers in the file.
    pub customers: usize,
    /// Rows that changed; `None` for a dry run.
    pub changed: Option<u64>,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} companies, {} customers: ", self.companies, self.customers)?;
        match self.changed {
            Some(0) => write!(f, "nothing changed"),
            Some(rows) => write!(f, "{rows} rows changed"),
            None => write!(f, "correct; nothing was written (dry run)"),
        }
    }
}

/// Reads, checks and saves an import file; migrates first. With any error nothing is saved.
///
/// # Errors
/// All errors of the file with their places, one a line; a file or database that cannot be used.
pub async fn import(config: Config, file: &Path, dry_run: bool) -> anyhow::Result<ImportReport> {
    let parsed = read_import(file)?;
    let mut report =
        ImportReport { companies: parsed.companies.len(), customers: parsed.customers.len(), changed: None };
    if !dry_run {
        let database = connect(&config).await?;
        database.migrate().await.context("database.url: the schema cannot be brought up to date")?;
        let saved = save(&database, parsed).await;
        database.close().await;
        report.changed = Some(saved.with_context(|| format!("{}: nothing was imported", file.display()))?);
    }
    Ok(report)
}

/// Saves an import over what is there.
async fn save(database: &Database, parsed: Import) -> Result<u64, StoreError> {
    let existing = Directory::new(database.list_companies().await?);
    let over = |company: Company| match existing.company(company.id) {
        Some(old) => company.over(old),
        None => company,
    };
    let companies: Vec<Company> = parsed.companies.into_iter().map(over).collect();
    database.save_companies(&companies, &parsed.customers).await
}

fn read_import(file: &Path) -> anyhow::Result<Import> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{}: the import file cannot be read as UTF-8 text", file.display()))?;
    let value: Value = if file.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        let table: toml::Value =
            toml::from_str(&text).map_err(|e| anyhow!("{}: {}", file.display(), e.message()))?;
        toml_to_json(table)
    } else {
        read_json(&text).map_err(|what| anyhow!("{}: {what}", file.display()))?
    };
    parse_import(&value).map_err(|errors| {
        let lines: Vec<String> =
            errors.iter().map(|e| format!("{}: {} ({})", e.place, e.message, e.code)).collect();
        anyhow!("{}: {} errors, nothing was imported\n{}", file.display(), errors.len(), lines.join("\n"))
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
    let database = connect(&config).await?;
    if !status_only {
        database.migrate().await.context("database.url: the schema cannot be brought up to date")?;
    }
    let lines = database.migration_status().await.context("the migrations cannot be read")?;
    database.close().await;
    let line = |m: &crate::store::MigrationLine| {
        format!("{:>4}  {}  {}", m.version, if m.applied { "applied" } else { "missing" }, m.name)
    };
    Ok(lines.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorReport {
    /// One line for each check, with its remedy where it failed.
    pub lines: Vec<String>,
    /// Whether all is well.
    pub healthy: bool,
}

/// Longest wait for one dependency.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

/// Checks every dependency that is configured.
pub async fn doctor(config: Config) -> DoctorReport {
    let checks = [
        ("database", limited(check_database(&config)).await),
        ("journal", limited(check_journal(&config)).await),
        ("http.bind", limited(check_bind(&config)).await),
        ("calcom", limited(check_address(&config.calcom.base_url, "calcom.base_url")).await),
        ("retell", limited(check_retell(&config)).await),
        ("keys", limited(check_keys(&config)).await),
    ];
    let healthy = checks.iter().all(|(_, result)| result.is_ok());
    let line = |(name, result): &(&str, anyhow::Result<String>)| match result {
        Ok(fine) => format!("ok    {name}: {fine}"),
        Err(error) => format!("FAIL  {name}: {error:#}"),
    };
    DoctorReport { lines: checks.iter().map(line).collect(), healthy }
}

async fn limited(check: impl Future<Output = anyhow::Result<String>>) -> anyhow::Result<String> {
    match tokio::time::timeout(CHECK_LIMIT, check).await {
        Ok(result) => result,
        Err(_) => {
            bail!("no answer within {} s; is it running, and is the address right?", CHECK_LIMIT.as_secs())
        }
    }
}

async fn check_database(config: &Config) -> anyhow::Result<String> {
    let database = connect(config).await?;
    let lines = database.migration_status().await;
    database.close().await;
    let missing = lines.context("the schema cannot be read")?.iter().filter(|m| !m.applied).count();
    Ok(match missing {
        0 => format!("{} answers, the schema is up to date", database.kind()),
        n => format!(
            "{} answers, {n} migrations will be applied at start (or by askpro migrate)",
            database.kind()
        ),
    })
}

async fn check_journal(config: &Config) -> anyhow::Result<String> {
    let dir = config.journal.dir.clone();
    let options = JournalOptions {
        dir: dir.clone(),
        max_bytes: config.journal.max_bytes,
        segment_bytes: config.journal.segment_bytes,
    };
    tokio::task::spawn_blocking(move || crate::journal::check(&options))
        .await
        .context("the check panicked")?
        .with_context(|| format!("journal.dir {}", dir.display()))
}

async fn check_bind(config: &Config) -> anyhow::Result<String> {
    let bind = config.http.bind;
    match std::net::TcpListener::bind(bind) {
        Ok(_) => Ok(format!("{bind} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{bind} is in use, which is right if askpro serves there now"))
        }
        Err(error) => Err(anyhow!("{bind}: {error}; choose another address")),
    }
}

/// Whether somebody listens at the host of an address; nothing is sent.
async fn check_address(url: &str, key: &'static str) -> anyhow::Result<String> {
    let parsed: actix_web::http::Uri = url.parse().with_context(|| format!("{key}: {url} is no URL"))?;
    let host = parsed.host().ok_or_else(|| anyhow!("{key}: {url} has no host"))?;
    let port = parsed.port_u16().unwrap_or(if parsed.scheme_str() == Some("http") { 80 } else { 443 });
    tokio::net::TcpStream::connect((host, port)).await.with_context(|| {
        format!("{key}: nobody answers at {host}:{port}; check the address and the firewall")
    })?;
    Ok(format!("{host}:{port} answers"))
}

/// Whether Retell is there and takes the key.
async fn check_retell(config: &Config) -> anyhow::Result<String> {
    let there = check_address(&config.retell.base_url, "retell.base_url").await?;
    if config.retell.api_key.is_none() {
        return Ok(format!(
            "{there}; retell.api_key is empty: silent calls are closed by time alone, and no missed call is found"
        ));
    }
    let client = super::retell_client(config, Arc::new(|_| None))?;
    match client.list_calls(Account::Platform, SystemClock.now(), None).await {
        Ok(_) => Ok(format!("{there} and takes retell.api_key")),
        Err(VoiceError::Unauthorized) => {
            bail!("retell.api_key is refused; copy it again from Retell's dashboard")
        }
        Err(error) => Err(error).context("retell.base_url: calls cannot be listed there"),
    }
}

async fn check_keys(config: &Config) -> anyhow::Result<String> {
    if config.retell.webhook_keys.is_empty() {
        bail!(
            "retell.webhook_keys is empty: only companies with keys of their own can receive events; set the workspace's webhook key"
        );
    }
    let admin = if config.admin.token.is_some() {
        "admin routes are open to its token"
    } else {
        "admin.token is empty, /admin answers 401"
    };
    Ok(format!("{} platform keys; {admin}", config.retell.webhook_keys.len()))
}
