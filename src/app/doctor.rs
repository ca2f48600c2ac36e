//! `askpro doctor`: looks at every dependency that is configured, and changes nothing.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use askpro_actors::ports::{
    clock::Clock,
    stores::CompanyStore,
    voice::{Account, Voice, VoiceError},
};
use askpro_domain::{policy::KeyId, secret::Secret};

use super::{SystemClock, commands::not_there_yet, look};
use crate::{config::Config, journal::JournalOptions, providers::calcom::KeyError};

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorReport {
    /// One line for each check, with its remedy where it failed.
    pub lines: Vec<String>,
    /// Whether all is well.
    pub healthy: bool,
}

/// Keys of Cal.com that are checked.
const KEYS_CHECKED_MAX: usize = 20;
/// Longest wait for one dependency.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

/// Checks every dependency that is configured.
pub async fn doctor(config: Config) -> DoctorReport {
    let checks = [
        ("database", limited(check_database(&config)).await),
        ("journal", limited(check_journal(&config)).await),
        ("http.bind", limited(check_bind(&config)).await),
        ("calcom", limited(check_calcom(&config)).await),
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
    let Some(database) = look(config).await? else { return Ok(not_there_yet(config)) };
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

/// Whether Cal.com is there and takes the keys, the platform's and companies' own.
async fn check_calcom(config: &Config) -> anyhow::Result<String> {
    let there = check_address(&config.calcom.base_url, "calcom.base_url").await?;
    let keys = calcom_keys(config).await;
    if keys.is_empty() {
        return Ok(format!("{there}; no key is known: no company takes bookings"));
    }
    let client = super::calcom_client(config, Arc::new(|_| None))?;
    let checks = keys.iter().take(KEYS_CHECKED_MAX).map(|(_, key)| client.check_key(key));
    let checked = futures_util::future::join_all(checks).await;
    let mut refused = Vec::new();
    for ((owner, _), outcome) in keys.iter().zip(&checked) {
        match outcome {
            Ok(()) => {}
            Err(KeyError::Refused) => refused.push(owner.as_str()),
            Err(error) => bail!("{there}, but {owner} could not be checked: {error}; try again in a minute"),
        }
    }
    if !refused.is_empty() {
        bail!(
            "{there} and refuses {}: make a new key at Cal.com under Settings, API keys, and set or import it",
            refused.join(", ")
        );
    }
    let more = match keys.len() - checked.len() {
        0 => String::new(),
        more => format!("; {more} further keys were not checked"),
    };
    Ok(format!("{there} and takes {} of {} keys{more}", checked.len(), keys.len()))
}

/// Each key once, with what it is called. Companies that cannot be read are told by the check of the database.
async fn calcom_keys(config: &Config) -> Vec<(String, Secret)> {
    let platform =
        config.calcom.api_key.as_ref().map(|key| ("calcom.api_key".to_owned(), super::secret(key)));
    let companies = match look(config).await {
        Ok(Some(database)) => {
            let companies = database.list_companies().await.unwrap_or_default();
            database.close().await;
            companies
        }
        _ => Vec::new(),
    };
    let own = companies.into_iter().filter_map(|company| {
        let key = company.keys.calcom_api_key.filter(|key| !key.is_empty())?;
        Some((format!("calcom_api_key of {}", company.slug), key))
    });
    let mut known = BTreeSet::new();
    platform.into_iter().chain(own).filter(|(_, key)| known.insert(KeyId::of(key))).collect()
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
