//! What must be true of the sources themselves: who may know whom, what comes in pairs, what nobody leaves behind.
//!
//! The rules stand in `architecture/rules.rs`, with samples that each must complain about. Folders that do not
//! exist yet have no files and break no rule.

#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use source::{file, names_in, rust_files};

#[track_caller]
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}

#[test]
fn imports_run_one_way() {
    none(rules::imports_run_one_way(&rust_files(&["src"])));
}

#[test]
fn crates_stay_where_they_belong() {
    none(rules::crates_stay_where_they_belong(&rust_files(&["src", "actors"])));
}

#[test]
fn every_migration_exists_in_both_dialects() {
    none(rules::migrations_come_in_pairs(&names_in("migrations/mysql"), &names_in("migrations/sqlite")));
}

#[test]
fn no_file_is_longer_than_it_can_be_read() {
    none(rules::files_stay_short(&rust_files(&["src", "actors", "tests", "benches"])));
}

#[test]
fn nothing_is_left_for_later() {
    none(rules::nothing_is_unfinished(&rust_files(&["src", "actors", "tests", "benches"])));
}

#[test]
fn every_metric_has_a_help_text() {
    let catalogues = ["src/telemetry/metrics.rs", "actors/src/metrics.rs"];
    none(
        catalogues
            .iter()
            .filter_map(|path| file(path))
            .flat_map(|file| rules::metrics_have_help(&file))
            .collect(),
    );
}

#[test]
fn every_setting_that_the_house_uses_exists() {
    let defaults = file("config/default.toml").expect("config/default.toml exists");
    let users =
        ["compose.yaml", "Dockerfile", "README.md", ".github/workflows/ci.yml", "config/default.toml"];
    let files = users.iter().filter_map(|path| file(path));
    none(files.flat_map(|file| rules::settings_exist(&file, &defaults.text)).collect());
}

#[test]
fn the_rules_look_at_the_real_tree() {
    let paths: Vec<String> =
        rust_files(&["src", "actors", "tests"]).into_iter().map(|file| file.path).collect();
    for path in ["src/config/mod.rs", "actors/domain/src/lib.rs", "tests/architecture/rules.rs"] {
        assert!(paths.iter().any(|found| found == path), "{path} is not among {paths:?}");
    }
}
