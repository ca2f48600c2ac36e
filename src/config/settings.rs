//! The three layers (built-in, file, environment) laid over one another, and typed reading with exact errors.
//!
//! The built-in file says which keys exist and of what kind each is; the other layers may only name those.
//! What a key means is known to its section's file, not here.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use toml::Value;

use super::error::{ConfigError, shown};

/// The documented defaults, compiled in: the list of every key that exists.
pub const DEFAULT_TOML: &str = include_str!("../../config/default.toml");

/// What a variable's name begins with: `ASKPRO__SECTION__KEY`.
pub const ENV_PREFIX: &str = "ASKPRO__";

/// Keys whose values are never shown. URLs are among them because they carry passwords.
pub const SECRET_KEYS: [&str; 6] =
    ["admin.token", "calcom.api_key", "database.url", "redis.url", "retell.api_key", "retell.webhook_keys"];

/// Whether the value of `section.key` must never be shown.
pub(super) fn is_secret(key: &str) -> bool {
    SECRET_KEYS.contains(&key)
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in defaults.
    BuiltIn,
    /// The file named with `--config`.
    File(PathBuf),
    /// An environment variable, by its name.
    Env(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in defaults"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// One value and where it was set last.
struct Setting {
    /// What it is without any configuration; tells its kind.
    default: Value,
    value: Value,
    origin: Origin,
}

/// Every key with its value, after all layers.
pub(super) struct Settings {
    by_key: BTreeMap<String, Setting>,
    read: RefCell<BTreeSet<String>>,
}

impl Settings {
    /// Lays the layers over one another: built-in, then file, then environment.
    ///
    /// # Errors
    /// An unreadable file, text that is not TOML, a key that does not exist, a value of another kind.
    pub(super) fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let defaults = parse(DEFAULT_TOML, &Origin::BuiltIn)?;
        let by_key = flatten(defaults)
            .into_iter()
            .map(|(key, value)| (key, Setting { default: value.clone(), value, origin: Origin::BuiltIn }))
            .collect();
        let mut settings = Self { by_key, read: RefCell::default() };
        if let Some(path) = file {
            settings.lay_file(path)?;
        }
        let mut variables: Vec<_> = env.filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
        variables.sort();
        for (name, text) in variables {
            settings.lay_variable(&name, &text)?;
        }
        Ok(settings)
    }

    fn lay_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let origin = Origin::File(path.to_owned());
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { file: path.to_owned(), cause: error.to_string() })?;
        for (key, value) in flatten(parse(&text, &origin)?) {
            self.lay(key, value, origin.clone())?;
        }
        Ok(())
    }

    fn lay_variable(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let origin = Origin::Env(name.to_owned());
        let key = name.trim_start_matches(ENV_PREFIX).to_lowercase().replace("__", ".");
        let Some(known) = self.by_key.get(&key) else { return Err(self.unknown(key, origin)) };
        let value = match &known.default {
            Value::Integer(_) => {
                text.trim().parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
            }
            Value::Boolean(_) => {
                text.trim().parse().map_or_else(|_| Value::String(text.to_owned()), Value::Boolean)
            }
            Value::Array(_) => Value::Array(items(text).map(|item| Value::String(item.to_owned())).collect()),
            _ => Value::String(text.to_owned()),
        };
        self.lay(key, value, origin)
    }

    fn lay(&mut self, key: String, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some(known) = self.by_key.get_mut(&key) else { return Err(self.unknown(key, origin)) };
        // What is no number is refused by whoever knows the limits and can name them.
        if !known.default.is_integer() && !same_kind(&known.default, &value) {
            let remedy = format!("give {}", kind_name(&known.default));
            return Err(ConfigError::Invalid { value: shown(&key, &value), key, origin, remedy });
        }
        (known.value, known.origin) = (value, origin);
        Ok(())
    }

    fn unknown(&self, key: String, origin: Origin) -> ConfigError {
        let section = key.split('.').next().unwrap_or_default();
        let siblings: Vec<&str> = self
            .by_key
            .keys()
            .filter(|known| known.split('.').next() == Some(section))
            .map(String::as_str)
            .collect();
        let remedy = if siblings.is_empty() {
            let sections: BTreeSet<&str> =
                self.by_key.keys().filter_map(|known| known.split('.').next()).collect();
            format!("remove it; the sections are {}", sections.into_iter().collect::<Vec<_>>().join(", "))
        } else {
            format!("remove it or use one of {}", siblings.join(", "))
        };
        ConfigError::UnknownKey { key, origin, remedy }
    }

    /// The error for a value that its section cannot use. `remedy` says what to write instead.
    pub(super) fn invalid(&self, key: &str, remedy: impl Into<String>) -> ConfigError {
        let (value, origin) = self.by_key.get(key).map_or_else(
            || ("(absent)".to_owned(), Origin::BuiltIn),
            |setting| (shown(key, &setting.value), setting.origin.clone()),
        );
        ConfigError::Invalid { key: key.to_owned(), value, origin, remedy: remedy.into() }
    }

    /// A text that is no secret, without the blanks around it.
    pub(super) fn text(&self, key: &str) -> Result<&str, ConfigError> {
        debug_assert!(!is_secret(key), "{key} must be read as a secret");
        self.raw_text(key)
    }

    /// A secret text; empty when it is not set.
    pub(super) fn secret(&self, key: &str) -> Result<SecretString, ConfigError> {
        debug_assert!(is_secret(key), "{key} must be listed among the secrets");
        self.raw_text(key).map(SecretString::from)
    }

    /// A list of secret texts, without empty ones.
    pub(super) fn secrets(&self, key: &str) -> Result<Vec<SecretString>, ConfigError> {
        debug_assert!(is_secret(key), "{key} must be listed among the secrets");
        match self.value(key) {
            Some(Value::Array(list)) => Ok(list
                .iter()
                .filter_map(Value::as_str)
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(SecretString::from)
                .collect()),
            _ => Err(self.invalid(key, "give a list of texts")),
        }
    }

    /// The text behind a secret, for checking its form; never for showing.
    pub(super) fn raw_text(&self, key: &str) -> Result<&str, ConfigError> {
        self.value(key).and_then(Value::as_str).map(str::trim).ok_or_else(|| self.invalid(key, "give a text"))
    }

    /// A whole number within `limits`, in the wanted type.
    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        key: &str,
        limits: RangeInclusive<i64>,
    ) -> Result<T, ConfigError> {
        self.value(key)
            .and_then(Value::as_integer)
            .filter(|number| limits.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| {
                self.invalid(key, format!("give a whole number from {} to {}", limits.start(), limits.end()))
            })
    }

    /// Yes or no.
    pub(super) fn switch(&self, key: &str) -> Result<bool, ConfigError> {
        self.value(key).and_then(Value::as_bool).ok_or_else(|| self.invalid(key, "give true or false"))
    }

    /// A time in milliseconds within `limits`.
    pub(super) fn milliseconds(
        &self,
        key: &str,
        limits: RangeInclusive<i64>,
    ) -> Result<std::time::Duration, ConfigError> {
        self.number(key, limits).map(std::time::Duration::from_millis)
    }

    /// A time in seconds within `limits`.
    pub(super) fn seconds(
        &self,
        key: &str,
        limits: RangeInclusive<i64>,
    ) -> Result<std::time::Duration, ConfigError> {
        self.number(key, limits).map(std::time::Duration::from_secs)
    }

    /// The address of an API, without a slash at its end.
    pub(super) fn base_url(&self, key: &str) -> Result<String, ConfigError> {
        let text = self.text(key)?.trim_end_matches('/');
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match host {
            Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(text.to_owned()),
            _ => Err(self.invalid(key, "give an address that begins with https:// or http://")),
        }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.read.borrow_mut().insert(key.to_owned());
        self.by_key.get(key).map(|setting| &setting.value)
    }

    /// The keys that no section has read: settings without an effect.
    #[cfg(test)]
    pub(super) fn unread(&self) -> Vec<String> {
        self.by_key.keys().filter(|key| !self.read.borrow().contains(*key)).cloned().collect()
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn parse(text: &str, origin: &Origin) -> Result<toml::Table, ConfigError> {
    text.parse::<toml::Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        ConfigError::Syntax { origin: origin.clone(), line: before.matches('\n').count() + 1, message }
    })
}

/// Variables that look like settings and are none, each with the name that was probably meant: one underscore is
/// easily forgotten, and then nothing says that the default is in force.
pub fn misspelt_variables(names: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let Ok(defaults) = parse(DEFAULT_TOML, &Origin::BuiltIn) else { return Vec::new() };
    let keys: Vec<String> = flatten(defaults).into_iter().map(|(key, _)| key).collect();
    let meant = |name: &str| {
        let rest = name.strip_prefix("ASKPRO_").filter(|_| !name.starts_with(ENV_PREFIX))?;
        let words: Vec<&str> = rest.split('_').filter(|word| !word.is_empty()).collect();
        let flat = words.join("_").to_lowercase();
        let key = keys.iter().find(|key| key.replace('.', "_") == flat)?;
        Some(format!("{ENV_PREFIX}{}", key.to_uppercase().replace('.', "__")))
    };
    let mut misspelt: Vec<(String, String)> =
        names.filter_map(|name| meant(&name).map(|meant| (name, meant))).collect();
    misspelt.sort();
    misspelt
}

/// `section.key` and value of every leaf; a section that holds no table is a leaf itself, and unknown as such.
fn flatten(table: toml::Table) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(keys) => {
                leaves.extend(keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)))
            }
            other => leaves.push((section, other)),
        }
    }
    leaves
}

fn same_kind(known: &Value, given: &Value) -> bool {
    match (known, given) {
        (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_str),
        _ => known.same_type(given),
    }
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of texts, such as [\"a\", \"b\"] (in the environment: a,b)",
        _ => "a text in quotes",
    }
}
