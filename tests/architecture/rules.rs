//! The rules, each a function from sources to complaints, each with a sample that it must complain about.

use std::collections::BTreeSet;

use crate::source::{Source, names_crate, paths_from};

/// Which modules of `src` each module of `src` may use, beside itself, `config` and `telemetry`.
/// A module that is not listed is a leaf: it may use those two and be used by all. `app` uses everybody.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("main", &["cli", "app", "lifecycle"]),
    ("lifecycle", &["app", "http", "usecases"]),
    ("cli", &["app", "lifecycle", "usecases", "simulators"]),
    ("http", &["usecases"]),
    ("usecases", &[]),
    ("store", &[]),
    ("providers", &[]),
    ("journal", &[]),
    ("simulators", &["providers"]),
    ("telemetry", &[]),
    ("config", &[]),
];

/// Crates and modules that belong to certain folders alone.
const BELONGS_TO: [(&str, &[&str]); 4] = [
    ("rlibphonenumber", &["actors/domain/src/phone"]),
    ("actix", &["actors/src/runtime"]),
    ("sqlx", &["src/store"]),
    ("reqwest", &["src/providers", "src/simulators", "src/cli"]),
];

/// Crates that the pure crate must not know.
const NOT_PURE: [&str; 7] = ["tokio", "actix", "sqlx", "reqwest", "metrics", "tracing", "rand"];

/// Parts of the standard library that the pure crate must not know.
const NOT_PURE_IN_STD: [&str; 5] = ["fs", "net", "env", "thread", "process"];

/// The longest a file may be, in lines.
pub(crate) const LINES_MAX: usize = 600;

/// Imports between the modules of `src` run one way.
pub(crate) fn imports_run_one_way(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let Some(module) = source.module("src") else { continue };
        let own = match module.first() {
            Some(name) => name.as_str(),
            None if source.path == "src/main.rs" => "main",
            None => continue,
        };
        if own == "app" {
            continue;
        }
        for path in named_modules(&source.code(), &module) {
            if !may_use(own, &module, &path) {
                complaints.push(format!("{}: {own} may not use {}", source.path, path.join("::")));
            }
        }
    }
    complaints
}

/// Paths from the crate's root that the code names, `super::` chains that leave the top module included.
fn named_modules(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut paths = paths_from(code, "crate");
    paths.extend(paths_from(code, "askpro"));
    for path in paths_from(code, "super") {
        let ups = 1 + path.iter().take_while(|name| *name == "super").count();
        if ups >= module.len() {
            paths.push(path.into_iter().skip(ups - 1).collect());
        }
    }
    paths
}

fn may_use(own: &str, module: &[String], path: &[String]) -> bool {
    let Some(target) = path.first().map(String::as_str) else { return true };
    // Everybody has settings and metrics; of those two, telemetry reads settings and not the other way round.
    if target == own || target == "config" || (target == "telemetry" && own != "config") {
        return true;
    }
    let is_layered = target == "app" || MAY_USE.iter().any(|(name, _)| *name == target);
    let is_door = own == "http"
        && module.get(1).is_some_and(|part| part == "webhooks" || part == "functions")
        && target == "providers"
        && path.get(2).is_some_and(|part| part == "inbound");
    let allowed = MAY_USE.iter().find(|(name, _)| *name == own).map_or(&[][..], |(_, allowed)| allowed);
    !is_layered || is_door || allowed.contains(&target)
}

/// Some crates are known to certain folders alone, and the pure crate knows none of the outer world.
pub(crate) fn crates_stay_where_they_belong(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let code = source.code();
        for (name, homes) in BELONGS_TO {
            let at_home = homes.iter().any(|home| {
                source.path.strip_prefix(home).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
            });
            if !at_home && names_crate(&code, name) {
                complaints.push(format!("{}: {name} belongs to {}", source.path, homes.join(", ")));
            }
        }
        if source.path.starts_with("actors/domain/src/") {
            let parts = paths_from(&code, "std").into_iter().filter_map(|path| path.into_iter().next());
            let impure =
                NOT_PURE.iter().filter(|name| names_crate(&code, name)).map(|name| (*name).to_owned());
            let impure = impure.chain(parts.filter(|part| NOT_PURE_IN_STD.contains(&part.as_str())));
            complaints
                .extend(impure.map(|name| format!("{}: the pure crate must not know {name}", source.path)));
        }
    }
    complaints
}

/// Both dialects have the same migrations.
pub(crate) fn migrations_come_in_pairs(mysql: &[String], sqlite: &[String]) -> Vec<String> {
    let (mysql, sqlite): (BTreeSet<_>, BTreeSet<_>) = (mysql.iter().collect(), sqlite.iter().collect());
    mysql
        .symmetric_difference(&sqlite)
        .map(|name| format!("migration {name} has no twin in the other dialect"))
        .collect()
}

/// No file is too long to be read in one go.
pub(crate) fn files_stay_short(sources: &[Source]) -> Vec<String> {
    let long = sources
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(source, lines)| format!("{}: {lines} lines, at most {LINES_MAX}", source.path)).collect()
}

/// Nothing is left for later and no test is switched off.
pub(crate) fn nothing_is_unfinished(sources: &[Source]) -> Vec<String> {
    let in_comments = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let in_code = ["todo!", "unimplemented!", "#[ignore"];
    let mut complaints = Vec::new();
    for source in sources {
        let (code, comments) = (source.code(), source.comments());
        let found = in_comments.iter().filter(|word| comments.contains(**word));
        let found = found.chain(in_code.iter().filter(|word| code.contains(**word)));
        complaints.extend(found.map(|word| format!("{}: {word}", source.path)));
    }
    complaints
}

/// Every metric name of a catalogue comes with a help text: beside it, or beside the constant that holds it.
pub(crate) fn metrics_have_help(catalogue: &Source) -> Vec<String> {
    let text = &catalogue.text;
    let mut complaints = Vec::new();
    for (at, _) in text.match_indices("\"askpro_") {
        let name = text[at + 1..].split('"').next().unwrap_or_default();
        let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let constant =
            text[line_start..at].trim().strip_prefix("pub const ").and_then(|rest| rest.split(':').next());
        let has_help = match constant {
            Some(constant) if text[line_start..at].contains("str") => {
                word_uses(text, constant).any(help_follows)
            }
            _ => help_follows(&text[at + name.len() + 2..]),
        };
        if !has_help {
            complaints.push(format!("{}: {name} has no help text", catalogue.path));
        }
    }
    complaints
}

/// What follows each use of `word`.
fn word_uses<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    let is_part = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).filter_map(move |(at, _)| {
        let after = &text[at + word.len()..];
        let whole = !is_part(text[..at].chars().next_back()) && !is_part(after.chars().next());
        whole.then_some(after)
    })
}

/// A text of some length is the next one, before the entry ends or another metric begins.
fn help_follows(after: &str) -> bool {
    let near = &after[..after.find([';', '}', ']']).unwrap_or(after.len())];
    let next = near.split('"').nth(1).unwrap_or_default();
    next.len() >= 10 && !next.starts_with("askpro_") && next.contains(' ')
        || near.split("help: \"").nth(1).is_some_and(|help| help.len() > 10)
}

/// Every `ASKPRO__SECTION__KEY` that a file of the house sets is a key of the configuration.
pub(crate) fn settings_exist(file: &Source, default_toml: &str) -> Vec<String> {
    let table = match default_toml.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => return vec![format!("config/default.toml is not TOML: {error}")],
    };
    let known: BTreeSet<String> = table
        .iter()
        .flat_map(|(section, keys)| {
            keys.as_table()
                .into_iter()
                .flat_map(toml::Table::keys)
                .map(move |key| format!("{section}__{key}").to_uppercase())
        })
        .collect();
    let variables = file.text.match_indices("ASKPRO__").map(|(at, prefix)| {
        let after = &file.text[at + prefix.len()..];
        &after[..after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len())]
    });
    variables
        .filter(|variable| *variable != "SECTION__KEY" && !known.contains(*variable))
        .map(|variable| format!("{}: ASKPRO__{variable} is no setting of config/default.toml", file.path))
        .collect()
}

#[cfg(test)]
mod samples {
    use super::*;

    fn complains(rule: fn(&[Source]) -> Vec<String>, path: &str, text: &str) -> bool {
        !rule(&[Source::sample(path, text)]).is_empty()
    }

    #[test]
    fn an_import_against_the_current_is_noticed() {
        let rule = imports_run_one_way;
        for (path, text) in [
            ("src/store/calls/mysql.rs", "use crate::http::problem::Problem;"),
            ("src/store/mod.rs", "use crate::{config::Config, journal::{Journal}};"),
            ("src/journal/mod.rs", "use super::store::Store;"),
            ("src/providers/calcom/client.rs", "fn f() { crate::journal::append() }"),
            ("src/http/admin/mod.rs", "use crate::providers::retell::inbound::verify;"),
            ("src/http/webhooks/retell.rs", "use crate::providers::retell::client::Client;"),
            ("src/http/routes.rs", "use super::super::store::Store;"),
            ("src/usecases/book.rs", "use crate::http::routes;"),
            ("src/usecases.rs", "use crate::app::App;"),
            ("src/cli/serve.rs", "use crate::store::open;"),
            ("src/config/mod.rs", "use crate::telemetry::logs;"),
            ("src/main.rs", "use askpro::store::open;"),
            ("src/clock.rs", "use crate::usecases::x;"),
        ] {
            assert!(complains(rule, path, text), "{path}: {text}");
        }
        for (path, text) in [
            ("src/app.rs", "use crate::{http, store, providers, journal};"),
            ("src/app/wiring.rs", "use crate::store::open;"),
            ("src/http/webhooks/retell.rs", "use crate::{providers::retell::inbound::verify, usecases::x};"),
            ("src/http/functions/mod.rs", "use crate::http::problem; use crate::clock::System;"),
            ("src/store/calls/mod.rs", "// use crate::http\nlet x = \"crate::http\"; use super::rows;"),
            ("src/store.rs", "mod tests { use super::*; }"),
            ("src/telemetry/logs.rs", "use crate::config::LogConfig;"),
            ("src/main.rs", "use askpro::cli;"),
            ("src/lib.rs", "pub use crate::store::Store;"),
        ] {
            assert!(!complains(rule, path, text), "{path}: {text}");
        }
    }

    #[test]
    fn a_crate_away_from_home_is_noticed() {
        let rule = crates_stay_where_they_belong;
        for (path, text) in [
            ("actors/src/calls/mod.rs", "use actix::Addr;"),
            ("src/app.rs", "#[actix::main] async fn main() {}"),
            ("src/http/admin/mod.rs", "let x: sqlx::Pool = y;"),
            ("src/storefront/mod.rs", "use sqlx::Row;"),
            ("src/http/proxy.rs", "use reqwest::Client;"),
            ("actors/domain/src/tenant/mod.rs", "use rlibphonenumber::Region;"),
            ("actors/domain/src/call.rs", "use tokio::sync::mpsc;"),
            ("actors/domain/src/slots.rs", "let x = std::fs::read(y);"),
            ("actors/domain/src/slots.rs", "use std::{collections::BTreeMap, env};"),
        ] {
            assert!(complains(rule, path, text), "{path}: {text}");
        }
        for (path, text) in [
            ("actors/src/runtime/mailbox.rs", "use actix::Addr;"),
            ("src/http/routes.rs", "use actix_web::web; // not actix::"),
            ("src/store/mod.rs", "use sqlx::Row;"),
            ("src/cli/bench.rs", "use reqwest::Client;"),
            ("actors/domain/src/slots.rs", "use std::{collections::BTreeMap, fmt};"),
        ] {
            assert!(!complains(rule, path, text), "{path}: {text}");
        }
    }

    #[test]
    fn a_migration_without_its_twin_is_noticed() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (one, two) = (names(&["0001_base.sql"]), names(&["0001_base.sql", "0002_holds.sql"]));
        assert_eq!(migrations_come_in_pairs(&one, &two).len(), 1);
        assert_eq!(migrations_come_in_pairs(&two, &one).len(), 1);
        assert!(
            migrations_come_in_pairs(&two, &two).is_empty() && migrations_come_in_pairs(&[], &[]).is_empty()
        );
    }

    #[test]
    fn a_long_file_is_noticed() {
        assert!(complains(files_stay_short, "src/x.rs", &"x\n".repeat(LINES_MAX + 1)));
        assert!(!complains(files_stay_short, "src/x.rs", &"x\n".repeat(LINES_MAX)));
    }

    #[test]
    fn unfinished_work_is_noticed() {
        let rule = nothing_is_unfinished;
        let comment = format!("// {}: later", concat!("TO", "DO"));
        for text in [
            comment.as_str(),
            "fn f() { todo!() }",
            "fn f() { unimplemented!(\"x\") }",
            "#[ignore]\nfn f() {}",
        ] {
            assert!(complains(rule, "src/x.rs", text), "{text}");
        }
        assert!(!complains(rule, "src/x.rs", "// what is to do\nlet x = \"todo!()\";"));
    }

    #[test]
    fn a_metric_without_help_is_noticed() {
        let complaints = |text: &str| metrics_have_help(&Source::sample("metrics.rs", text));
        let named = "pub const CALLS: &str = \"askpro_calls_live\";\n";
        assert_eq!(complaints(named).len(), 1);
        assert_eq!(complaints(&format!("{named}gauge(CALLS, \"\", X);")).len(), 1);
        assert_eq!(
            complaints(&format!("{named}gauge(CALLS, Unit::Count, \"Calls that live\", X);")),
            [""; 0]
        );
        assert_eq!(complaints("Metric { name: \"askpro_x_total\", help: \"\" }").len(), 1);
        assert_eq!(
            complaints("Metric { name: \"askpro_x_total\", kind: Y, help: \"Things done\" }"),
            [""; 0]
        );
    }

    #[test]
    fn a_setting_that_does_not_exist_is_noticed() {
        let complaints =
            |text: &str| settings_exist(&Source::sample("compose.yaml", text), "[http]\nbind = \"x\"\n");
        assert_eq!(complaints("ASKPRO__HTTP__BINDING: x").len(), 1);
        assert_eq!(complaints("- ASKPRO__HTTPS__BIND=x").len(), 1);
        assert_eq!(complaints("ASKPRO__HTTP__BIND: x # ASKPRO__SECTION__KEY"), [""; 0]);
    }
}
