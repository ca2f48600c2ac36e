//! `askpro doctor`: looks at every dependency that is configured, and changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use askpro_actors::ports::{
    clock::Clock,
    stores::{CompanyRows, CompanyStore},
    voice::{Account, Voice, VoiceError},
};
use askpro_domain::{
    ids::CompanyId,
    policy::KeyId,
    secret::Secret,
    tenant::{Company, CompanyKeys},
};
use futures_util::future::join_all;
use secrecy::SecretString;

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
    let (database, companies) = check_database(&config).await;
    let companies = companies.as_deref();
    let checks = [
        ("database", database),
        ("journal", limited(check_journal(&config)).await),
        ("http.bind", limited(check_bind(&config)).await),
        ("calcom", limited(check_calcom(&config, companies)).await),
        ("retell", limited(check_retell(&config, companies)).await),
        ("keys", check_keys(&config, companies)),
        ("redis", Ok(redis(&config).to_owned())),
    ];
    let healthy = checks.iter().all(|(_, result)| result.is_ok());
    let line = |(name, result): &(&str, anyhow::Result<String>)| match result {
        Ok(fine) => format!("ok    {name}: {fine}"),
        Err(error) => format!("FAIL  {name}: {error:#}"),
    };
    DoctorReport { lines: checks.iter().map(line).collect(), healthy }
}

async fn limited<T>(check: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match tokio::time::timeout(CHECK_LIMIT, check).await {
        Ok(result) => result,
        Err(_) => {
            bail!("no answer within {} s; is it running, and is the address right?", CHECK_LIMIT.as_secs())
        }
    }
}

/// What the database says, and the companies in it; `None` when it did not say.
async fn check_database(config: &Config) -> (anyhow::Result<String>, Option<Vec<Company>>) {
    let (said, rows) = match limited(ask_database(config)).await {
        Ok((said, Some(rows))) => (said, rows),
        Ok((said, None)) => return (Ok(said), None),
        Err(error) => return (Err(error), None),
    };
    let CompanyRows { whole, damaged } = rows;
    let said = match damaged.as_slice() {
        [] => Ok(said),
        some => {
            let ids: Vec<String> = some.iter().map(|id| id.0.to_string()).collect();
            Err(anyhow!(
                "{said}, and the rows of these companies cannot be read: {}; a start leaves them out: import them again, with their keys",
                ids.join(", ")
            ))
        }
    };
    (said, Some(whole))
}

/// `None` where the companies are in a schema that this release may not be able to read.
async fn ask_database(config: &Config) -> anyhow::Result<(String, Option<CompanyRows>)> {
    let Some(database) = look(config).await? else {
        return Ok((not_there_yet(config), Some(CompanyRows::default())));
    };
    let answer = async {
        let migrations = database.migration_status().await.context("the schema cannot be read")?;
        let kind = database.kind();
        match migrations.iter().filter(|m| !m.applied).count() {
            0 => {
                let rows = database.read_companies().await.context("the companies cannot be read")?;
                Ok((format!("{kind} answers, the schema is up to date"), Some(rows)))
            }
            // An older schema may not have what companies are read from.
            n => {
                let said =
                    format!("{kind} answers, {n} migrations will be applied at start (or by askpro migrate)");
                let none_is_there = n == migrations.len();
                let rows = database.read_companies().await.ok();
                Ok((said, rows.or_else(|| none_is_there.then(CompanyRows::default))))
            }
        }
    };
    let answer = answer.await;
    database.close().await;
    answer
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

/// What a vendor said to a key.
enum Said {
    Takes,
    Refuses,
    Nothing(anyhow::Error),
}

/// Whether Cal.com is there and takes the keys, the platform's and companies' own.
async fn check_calcom(config: &Config, companies: Option<&[Company]>) -> anyhow::Result<String> {
    let there = check_address(&config.calcom.base_url, "calcom.base_url").await?;
    let (there, companies) = as_far_as_known(there, companies);
    let keys = keys("calcom.api_key", config.calcom.api_key.as_ref(), companies, |keys| &keys.calcom_api_key);
    if keys.is_empty() {
        return Ok(format!("{there}; no key is known: no company takes bookings"));
    }
    let client = super::calcom_client(config, Arc::new(|_| None))?;
    let ask = async |(_, key): &(Account, Secret)| match client.check_key(key).await {
        Ok(()) => Said::Takes,
        Err(KeyError::Refused) => Said::Refuses,
        Err(error) => Said::Nothing(error.into()),
    };
    let said = join_all(keys.iter().take(KEYS_CHECKED_MAX).map(|key| ask(&key.of))).await;
    told(&there, &keys, said, "make a new key at Cal.com under Settings, API keys, and set or import it")
}

/// Whether Retell is there and takes the keys, the platform's and companies' own.
async fn check_retell(config: &Config, companies: Option<&[Company]>) -> anyhow::Result<String> {
    let there = check_address(&config.retell.base_url, "retell.base_url").await?;
    let (there, companies) = as_far_as_known(there, companies);
    let keys = keys("retell.api_key", config.retell.api_key.as_ref(), companies, |keys| &keys.retell_api_key);
    let none = "silent calls are closed by time alone, and no missed call is found";
    if keys.is_empty() {
        return Ok(format!("{there}; no API key is known: {none}"));
    }
    let own: BTreeMap<CompanyId, Secret> =
        companies.iter().filter_map(|c| Some((c.id, c.keys.retell_api_key.clone()?))).collect();
    let client = super::retell_client(config, Arc::new(move |company| own.get(&company).cloned()))?;
    let ask = async |(account, _): &(Account, Secret)| match client
        .list_calls(*account, SystemClock.now(), None)
        .await
    {
        Ok(_) => Said::Takes,
        Err(VoiceError::Unauthorized) => Said::Refuses,
        Err(error) => Said::Nothing(error.into()),
    };
    let said = join_all(keys.iter().take(KEYS_CHECKED_MAX).map(|key| ask(&key.of))).await;
    let told = told(&there, &keys, said, "copy it again from Retell's dashboard, and set or import it")?;
    Ok(if config.retell.api_key.is_some() {
        told
    } else {
        format!("{told}; of companies without a key of their own {none}")
    })
}

/// The companies whose keys can be asked about, and in the line when their own are not known.
fn as_far_as_known(there: String, companies: Option<&[Company]>) -> (String, &[Company]) {
    match companies {
        Some(companies) => (there, companies),
        None => (format!("{there} (companies' own keys are not known: the database did not say them)"), &[]),
    }
}

/// A key, with what it is called.
struct Named {
    name: String,
    of: (Account, Secret),
}

/// Each key once, the platform's first.
fn keys(
    setting: &str,
    platform: Option<&SecretString>,
    companies: &[Company],
    own: impl Fn(&CompanyKeys) -> &Option<Secret>,
) -> Vec<Named> {
    let platform =
        platform.map(|key| Named { name: setting.to_owned(), of: (Account::Platform, super::secret(key)) });
    let field = setting.replace('.', "_");
    let own = companies.iter().filter_map(|company| {
        let key = own(&company.keys).clone().filter(|key| !key.is_empty())?;
        Some(Named { name: format!("{field} of {}", company.slug), of: (Account::Company(company.id), key) })
    });
    let mut known = BTreeSet::new();
    platform.into_iter().chain(own).filter(|key| known.insert(KeyId::of(&key.of.1))).collect()
}

/// What a vendor said to the first of these keys, as one line.
fn told(there: &str, keys: &[Named], said: Vec<Said>, remedy: &str) -> anyhow::Result<String> {
    let checked = said.len();
    let mut refused = Vec::new();
    for (Named { name, .. }, said) in keys.iter().zip(said) {
        match said {
            Said::Takes => {}
            Said::Refuses => refused.push(name.as_str()),
            Said::Nothing(error) => {
                bail!("{there}, but {name} could not be checked: {error:#}; try again in a minute")
            }
        }
    }
    if !refused.is_empty() {
        bail!("{there} and refuses {}: {remedy}", refused.join(", "));
    }
    let more = match keys.len() - checked {
        0 => String::new(),
        more => format!("; {more} further keys were not checked"),
    };
    Ok(format!("{there} and takes {checked} of {} keys{more}", keys.len()))
}

fn check_keys(config: &Config, companies: Option<&[Company]>) -> anyhow::Result<String> {
    if config.retell.webhook_keys.is_empty() && companies.is_none() {
        bail!(
            "retell.webhook_keys is empty, and the database did not say whether companies have keys of their own"
        );
    }
    let companies = companies.unwrap_or_default();
    let own = companies.iter().filter(|company| company.has_own_key()).count();
    if config.retell.webhook_keys.is_empty() && own == 0 {
        bail!(
            "no webhook key is known: every event of Retell is answered 401; set retell.webhook_keys to the workspace's \
             webhook key, or import a company with retell_webhook_keys"
        );
    }
    let admin = if config.admin.token.is_some() {
        "admin routes are open to its token"
    } else {
        "admin.token is empty, /admin answers 401"
    };
    Ok(format!(
        "{} platform keys, {own} companies with keys of their own; {admin}",
        config.retell.webhook_keys.len()
    ))
}

/// What follows from its address.
const fn redis(config: &Config) -> &'static str {
    if config.redis.url.is_some() {
        "redis.url is set, and not used yet"
    } else {
        "not configured, and not needed"
    }
}
