//! What can be wrong with a configuration, each in one line that says which key, which value and what to do.
//!
//! A secret's value never gets into an error: whoever builds one passes the text through `shown`.

use std::path::PathBuf;

use super::settings::{Origin, is_secret};

/// A configuration that the service refuses to start with. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file named with `--config` cannot be read.
    #[error("configuration file {} cannot be read ({cause}): name a readable TOML file", file.display())]
    Unreadable {
        /// The file as it was named.
        file: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The text is not TOML.
    #[error(
        "{origin}, line {line}, is not TOML ({message}): mend that line; config/default.toml shows the form"
    )]
    Syntax {
        /// The text's source.
        origin: Origin,
        /// The line, counted from 1.
        line: usize,
        /// The parser's words, without the text it read.
        message: String,
    },
    /// A key that no setting has.
    #[error("unknown key {key} in {origin}: {remedy}")]
    UnknownKey {
        /// The key as `section.key`.
        key: String,
        /// Where it was set.
        origin: Origin,
        /// What to do.
        remedy: String,
    },
    /// A value that its key cannot take.
    #[error("{key} = {value} in {origin} is not usable: {remedy}")]
    Invalid {
        /// The key as `section.key`.
        key: String,
        /// The value as it was given, shortened; `(hidden)` for a secret.
        value: String,
        /// Where it was set.
        origin: Origin,
        /// What to do.
        remedy: String,
    },
}

const SHOWN_CHARS_MAX: usize = 80;

/// The text of a value as an error may show it: on one line, shortened, and nothing of a secret.
pub(super) fn shown(key: &str, value: &toml::Value) -> String {
    if is_secret(key) {
        return "(hidden)".to_owned();
    }
    let text = match value {
        toml::Value::String(text) => format!("{text:?}"),
        other => other.to_string().replace(['\n', '\r'], " "),
    };
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return text;
    }
    text.chars().take(SHOWN_CHARS_MAX).chain("…".chars()).collect()
}
