//! What wins over what, what refuses to start, and that no secret prints.

use std::{io::Write, time::Duration};

use secrecy::ExposeSecret;

use super::*;

fn from_env(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(None, pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn from_file(text: &str) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Config::load(Some(file.path()), std::iter::empty())
}

/// The error's one line.
fn line_of<T>(result: Result<T, ConfigError>) -> String {
    let line = result.err().expect("the configuration was taken").to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
fn without_any_configuration_everything_is_local() {
    let config = from_env(&[]).unwrap();
    assert_eq!(config.http.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.body_max_bytes, 8 * 1024 * 1024);
    assert_eq!(config.http.workers, None);
    assert_eq!(config.database.kind, DatabaseKind::Sqlite);
    assert_eq!(config.database.url.expose_secret(), "sqlite://./data/askpro.db");
    assert_eq!(config.journal.dir, Path::new("./data/journal"));
    assert_eq!(config.calcom.base_url, "https://api.cal.com");
    assert_eq!(config.functions.budget, Duration::from_millis(2500));
    assert_eq!(config.calls.max_duration, Duration::from_secs(7200));
    assert_eq!(config.holds.ttl, Duration::from_secs(300));
    assert_eq!(config.log.format, LogFormat::Json);
    assert!(config.admin.token.is_none() && config.redis.url.is_none());
    assert!(config.retell.webhook_keys.is_empty() && config.retell.api_key.is_none());
}

#[test]
fn every_default_has_a_comment_above_it_and_a_field_that_reads_it() {
    let mut above = "";
    for line in DEFAULT_TOML.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with("# "), "no comment above: {line}");
        }
        above = line;
    }
    let settings = Settings::load(None, std::iter::empty()).unwrap();
    Config::read(&settings).unwrap();
    assert_eq!(settings.unread(), Vec::<String>::new());
}

#[test]
fn every_key_that_sounds_secret_is_listed_as_one() {
    let table: toml::Table = DEFAULT_TOML.parse().unwrap();
    for (section, keys) in &table {
        for key in keys.as_table().unwrap().keys() {
            let sounds_secret =
                ["token", "api_key", "webhook_keys", "password", "secret"].contains(&key.as_str());
            let full = format!("{section}.{key}");
            assert!(!sounds_secret || SECRET_KEYS.contains(&full.as_str()), "{full}");
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[holds]\nttl_s = 60\n[http]\nbind = \"127.0.0.1:1\"\n").unwrap();
    let env = [("ASKPRO__HTTP__BIND".to_owned(), "0.0.0.0:9000".to_owned())];
    let config = Config::load(Some(file.path()), env.into_iter()).unwrap();
    assert_eq!(config.http.bind.port(), 9000);
    assert_eq!(config.holds.ttl, Duration::from_secs(60));
    assert_eq!(config.functions.budget, Duration::from_millis(2500));
}

#[test]
fn lists_in_the_environment_are_comma_separated() {
    let config = from_env(&[("ASKPRO__RETELL__WEBHOOK_KEYS", "key_a, key_b,,")]).unwrap();
    let keys: Vec<&str> = config.retell.webhook_keys.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(keys, ["key_a", "key_b"]);
    assert!(from_env(&[("ASKPRO__RETELL__WEBHOOK_KEYS", "")]).unwrap().retell.webhook_keys.is_empty());
    let from_list = from_file("[retell]\nwebhook_keys = [\"key_c\"]\n").unwrap();
    assert_eq!(from_list.retell.webhook_keys.len(), 1);
}

#[test]
fn a_switch_is_true_or_false() {
    assert!(from_env(&[]).unwrap().calcom.reservations, "a hint that costs nothing but spare requests");
    assert!(!from_env(&[("ASKPRO__CALCOM__RESERVATIONS", "false")]).unwrap().calcom.reservations);
    assert!(!from_file("[calcom]\nreservations = false\n").unwrap().calcom.reservations);
    let line = line_of(from_env(&[("ASKPRO__CALCOM__RESERVATIONS", "ja")]));
    assert!(line.contains("calcom.reservations") && line.contains("true or false"), "{line}");
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    assert!(
        from_env(&[("PATH", "/bin"), ("ASKPRO_TEST_MYSQL_URL", "x"), ("askpro__http__bind", "x")]).is_ok()
    );
}

#[test]
fn variables_that_look_like_settings_are_told_with_the_name_that_was_meant() {
    let names = [
        "ASKPRO_HTTP__BIND",
        "ASKPRO_ADMIN_TOKEN",
        "ASKPRO_RETELL__WEBHOOK_KEYS",
        "ASKPRO_CALLS_MAX_DURATION_S",
        "ASKPRO__HTTP__BIND",
        "ASKPRO_TEST_MYSQL_URL",
        "ASKPRO_TEST_REQUIRE_DATABASES",
        "ASKPRO_FACTS_DIR",
        "ASKPRO_HTTP",
        "PATH",
    ];
    let misspelt = misspelt_variables(names.into_iter().map(str::to_owned));
    let meant: Vec<(&str, &str)> = misspelt.iter().map(|(n, m)| (n.as_str(), m.as_str())).collect();
    assert_eq!(
        meant,
        [
            ("ASKPRO_ADMIN_TOKEN", "ASKPRO__ADMIN__TOKEN"),
            ("ASKPRO_CALLS_MAX_DURATION_S", "ASKPRO__CALLS__MAX_DURATION_S"),
            ("ASKPRO_HTTP__BIND", "ASKPRO__HTTP__BIND"),
            ("ASKPRO_RETELL__WEBHOOK_KEYS", "ASKPRO__RETELL__WEBHOOK_KEYS"),
        ]
    );
}

#[test]
fn a_later_layer_mends_what_is_no_number_in_an_earlier_one() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[http]\nworkers = \"many\"\n").unwrap();
    let env = [("ASKPRO__HTTP__WORKERS".to_owned(), "3".to_owned())];
    let config = Config::load(Some(file.path()), env.into_iter()).unwrap();
    assert_eq!(config.http.workers.map(std::num::NonZeroUsize::get), Some(3));
}

#[test]
fn an_unknown_key_refuses_and_names_its_neighbours() {
    let line = line_of(from_env(&[("ASKPRO__HTTP__BINDING", "hunter2")]));
    assert!(line.contains("http.binding") && line.contains("ASKPRO__HTTP__BINDING"), "{line}");
    assert!(line.contains("http.bind") && !line.contains("hunter2"), "{line}");
    let line = line_of(from_file("[httpd]\nbind = \"127.0.0.1:1\"\n"));
    assert!(line.contains("httpd.bind") && line.contains("the sections are admin, calcom"), "{line}");
    assert!(line_of(from_file("bind = \"127.0.0.1:1\"\n")).contains("unknown key bind"));
    assert!(line_of(from_file("[http.more]\nbind = 1\n")).contains("unknown key http.more"));
    assert!(line_of(from_file("http = 3\n")).contains("unknown key http "));
}

#[test]
fn a_value_of_another_kind_refuses_with_key_value_and_remedy() {
    let cases = [
        ("[holds]\nttl_s = \"long\"\n", "holds.ttl_s", "\"long\"", "a whole number"),
        ("[log]\nlevel = 3\n", "log.level", "= 3 ", "a text in quotes"),
        ("[http]\nbind = [\"a\"]\n", "http.bind", "[\"a\"]", "a text in quotes"),
    ];
    for (text, key, value, remedy) in cases {
        let line = line_of(from_file(text));
        assert!(line.contains(key) && line.contains(value) && line.contains(remedy), "{line}");
    }
    let line = line_of(from_env(&[("ASKPRO__HOLDS__TTL_S", "five minutes")]));
    assert!(line.contains("holds.ttl_s = \"five minutes\"") && line.contains("a whole number"), "{line}");
}

#[test]
fn a_value_out_of_its_limits_refuses_with_the_limits() {
    let cases = [
        ("ASKPRO__HOLDS__TTL_S", "0", "from 1 to 3600"),
        ("ASKPRO__HTTP__BODY_MAX_BYTES", "-1", "from 1024 to"),
        ("ASKPRO__HTTP__WORKERS", "abc", "a whole number from 0 to 256"),
        ("ASKPRO__FUNCTIONS__BUDGET_MS", "2.5", "a whole number from 100 to 30000"),
        ("ASKPRO__HTTP__BIND", "localhost", "an IP address and a port"),
        ("ASKPRO__DATABASE__URL", "postgres://u:hunter2@h/d", "sqlite://PATH or mysql://"),
        ("ASKPRO__DATABASE__URL", "mysql://u:hunter2@h:3306", "sqlite://PATH or mysql://"),
        ("ASKPRO__REDIS__URL", "hunter2:6379", "redis://HOST:PORT"),
        ("ASKPRO__CALCOM__BASE_URL", "api.cal.com", "https:// or http://"),
        ("ASKPRO__JOURNAL__DIR", "", "a folder"),
        ("ASKPRO__LOG__FORMAT", "xml", "json or pretty"),
        ("ASKPRO__LOG__LEVEL", "loud", "error, warn, info"),
    ];
    for (name, value, remedy) in cases {
        let line = line_of(from_env(&[(name, value)]));
        assert!(line.contains(name) && line.contains(remedy), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
}

#[test]
fn what_is_taken_for_a_level_or_an_address_is_taken() {
    for level in ["debug", "WARN", "info,askpro::http=debug", "warn,askpro_actors=trace"] {
        assert_eq!(from_env(&[("ASKPRO__LOG__LEVEL", level)]).unwrap().log.level, level);
    }
    let config = from_env(&[
        ("ASKPRO__RETELL__BASE_URL", "http://127.0.0.1:9001/"),
        ("ASKPRO__DATABASE__URL", "mysql://askpro:askpro@127.0.0.1:33307/askpro?ssl-mode=REQUIRED"),
    ])
    .unwrap();
    assert_eq!(config.retell.base_url, "http://127.0.0.1:9001");
    assert_eq!(config.database.kind, DatabaseKind::MySql);
}

#[test]
fn a_small_journal_gets_small_segments() {
    let config = from_env(&[("ASKPRO__JOURNAL__MAX_BYTES", "1048576")]).unwrap();
    assert_eq!(config.journal.segment_bytes, 262_144);
}

#[test]
fn a_broken_or_missing_file_is_named_with_its_line() {
    let line = line_of(from_file("[http]\n# fine\nbind = = 3\n"));
    assert!(line.contains("line 3"), "{line}");
    let line = line_of(Config::load(Some(Path::new("/nowhere/askpro.toml")), std::iter::empty()));
    assert!(line.contains("/nowhere/askpro.toml") && line.contains("readable TOML"), "{line}");
}

#[test]
fn secrets_never_print() {
    let secret = "s3cret-value";
    let url = format!("mysql://askpro:{secret}@127.0.0.1/askpro");
    let config = from_env(&[
        ("ASKPRO__ADMIN__TOKEN", secret),
        ("ASKPRO__DATABASE__URL", &url),
        ("ASKPRO__REDIS__URL", &format!("redis://:{secret}@127.0.0.1")),
        ("ASKPRO__RETELL__WEBHOOK_KEYS", secret),
        ("ASKPRO__RETELL__API_KEY", secret),
        ("ASKPRO__CALCOM__API_KEY", secret),
    ])
    .unwrap();
    assert!(!format!("{config:?} {config:#?}").contains(secret));
    let line = line_of(from_file(&format!("[retell]\nwebhook_keys = \"{secret}\"\n")));
    assert!(line.contains("(hidden)") && !line.contains(secret), "{line}");
    let line = line_of(from_file(&format!("[admin]\ntoken = {secret}\n")));
    assert!(!line.contains(secret), "{line}");
}
