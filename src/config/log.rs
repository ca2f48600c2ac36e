//! `[log]`: how much is said, and in which form.

use tracing_subscriber::EnvFilter;

use super::{ConfigError, settings::Settings};

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// Coloured lines, for people.
    Pretty,
}

/// How much is said, and in which form.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The form of a line.
    pub format: LogFormat,
    /// A level or a filter that `EnvFilter` takes; it was checked when it was read.
    pub level: String,
}

impl LogConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let format = match settings.text("log.format")? {
            "json" => LogFormat::Json,
            "pretty" => LogFormat::Pretty,
            _ => return Err(settings.invalid("log.format", "give json or pretty")),
        };
        let level = settings.text("log.level")?;
        if level.is_empty() || !is_filter(level) {
            let remedy = "give error, warn, info, debug, trace, or a filter such as info,askpro::http=debug";
            return Err(settings.invalid("log.level", remedy));
        }
        Ok(Self { format, level: level.to_owned() })
    }
}

/// A bare word that is no level would be taken for a module's name and silence everything else.
fn is_filter(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let bare_words_are_levels = text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.contains(['=', ':', '[', '_']))
        .all(|directive| LEVELS.contains(&directive.to_ascii_lowercase().as_str()));
    bare_words_are_levels && EnvFilter::try_new(text).is_ok()
}
