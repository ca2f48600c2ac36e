//! The first lines of the log of a service that is ready: what runs here, and what is missing in its settings.

use std::net::SocketAddr;

use askpro_domain::tenant::Directory;
use secrecy::ExposeSecret;

use super::Parts;
use crate::{config::Config, telemetry::redaction::BareUrl};

/// Admin tokens shorter than this are warned of, in bytes.
const TOKEN_BYTES_MIN: usize = 16;

/// Says what runs here, without secrets, and warns of what keeps it from being of use.
pub(super) fn say(config: &Config, bind: SocketAddr, parts: &Parts) {
    let services = &parts.services;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        http.bind = %bind,
        database.kind = parts.database.kind(),
        database.url = %BareUrl(config.database.url.expose_secret()),
        journal.dir = %config.journal.dir.display(),
        journal.id = services.journal_id,
        epoch = services.actors.fence.epoch(),
        "ready"
    );
    for (setting, warning) in missing(config, &services.directory.current()) {
        tracing::warn!(setting, "{warning}");
    }
}

/// Settings without which some of it is of no use or not safe, each with what follows and the remedy.
fn missing(config: &Config, directory: &Directory) -> Vec<(&'static str, &'static str)> {
    let has_key =
        !config.retell.webhook_keys.is_empty() || directory.companies().any(|company| company.has_own_key());
    let mut missing = Vec::new();
    if !has_key {
        missing.push((
            "retell.webhook_keys",
            "no webhook key is known: every event and function of Retell is answered 401. Set the webhook key of the \
             workspace, or import a company with retell_webhook_keys",
        ));
    }
    match &config.admin.token {
        None => missing.push((
            "admin.token",
            "the admin token is empty: all of /admin is answered 401. Set a long random text",
        )),
        Some(token) if token.expose_secret().len() < TOKEN_BYTES_MIN => missing.push((
            "admin.token",
            "the admin token is so short that it can be guessed: set a long random text, such as openssl rand -hex 32 \
             gives",
        )),
        Some(_) => {}
    }
    if without_tls(&config.calcom.base_url) {
        missing.push((
            "calcom.base_url",
            "keys and callers' data go to Cal.com without encryption: give an address that begins with https://",
        ));
    }
    if without_tls(&config.retell.base_url) {
        missing.push((
            "retell.base_url",
            "keys go to Retell without encryption: give an address that begins with https://",
        ));
    }
    if directory.companies().next().is_none() {
        missing.push((
            "companies",
            "there are no companies: every call goes to quarantine. Run `askpro import FILE`",
        ));
    }
    missing
}

/// Plain HTTP to another machine; simulators run on this one.
fn without_tls(base_url: &str) -> bool {
    let Some(rest) = base_url.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let is =
        |here: &str| host.strip_prefix(here).is_some_and(|port| port.is_empty() || port.starts_with(':'));
    !["localhost", "127.0.0.1", "[::1]"].into_iter().any(is)
}

#[cfg(test)]
mod tests {
    use askpro_domain::tenant::parse_import;
    use serde_json::json;

    use super::*;

    fn missing_with(env: &[(&str, &str)], keys: &[&str]) -> Vec<&'static str> {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(None, env).unwrap();
        let file = json!({ "companies": [{
            "slug": "a", "name": "A", "time_zone": "Europe/Berlin", "retell_webhook_keys": keys,
            "branches": [{ "slug": "b", "name": "B" }]
        }]});
        let directory = Directory::new(parse_import(&file).unwrap().companies);
        missing(&config, &directory).into_iter().map(|(setting, _)| setting).collect()
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_else() {
        let empty = missing(&Config::load(None, std::iter::empty()).unwrap(), &Directory::new(Vec::new()));
        let settings: Vec<&str> = empty.into_iter().map(|(setting, _)| setting).collect();
        assert_eq!(settings, ["retell.webhook_keys", "admin.token", "companies"]);
        let (token, key) =
            (("ASKPRO__ADMIN__TOKEN", "a-long-random-text"), ("ASKPRO__RETELL__WEBHOOK_KEYS", "k"));
        assert_eq!(missing_with(&[token], &[]), ["retell.webhook_keys"]);
        assert!(missing_with(&[token], &["own"]).is_empty(), "one company has a key of its own");
        assert!(missing_with(&[token, key], &[]).is_empty());
    }

    #[test]
    fn what_is_not_safe_is_named() {
        let (short, key) = (("ASKPRO__ADMIN__TOKEN", "short"), ("ASKPRO__RETELL__WEBHOOK_KEYS", "k"));
        assert_eq!(missing_with(&[short, key], &[]), ["admin.token"]);
        let token = ("ASKPRO__ADMIN__TOKEN", "a-long-random-text");
        let plain = ("ASKPRO__CALCOM__BASE_URL", "http://cal.example.com");
        let here = ("ASKPRO__RETELL__BASE_URL", "http://127.0.0.1:4010");
        assert_eq!(missing_with(&[token, key, plain, here], &[]), ["calcom.base_url"]);
        let plain = ("ASKPRO__RETELL__BASE_URL", "http://retell.example.com");
        assert_eq!(missing_with(&[token, key, plain], &[]), ["retell.base_url"]);
    }
}
