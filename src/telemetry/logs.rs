//! The log: one line per event on standard error, times in UTC (RFC 3339).
//!
//! Fields, not prose: `call.id`, `company.slug`, `duration_ms`. No phone numbers, names, transcripts or tokens;
//! what may be shown of them is in `redaction`.

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    field::MakeExt as _,
    fmt::{
        self, MakeWriter,
        format::{self, FormatFields},
    },
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::config::{LogConfig, LogFormat};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one; the configuration refuses such a text before.
    #[error("log.level is not a filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody installed a log before.
    #[error("a log is installed already: {0}")]
    Installed(#[from] tracing_subscriber::util::TryInitError),
}

/// Installs the process's log; once, first thing in `main` after the configuration.
///
/// # Errors
/// A filter that does not parse, or a log that is there already.
pub fn init(config: &LogConfig) -> Result<(), LogError> {
    tracing_subscriber::registry().with(layer(config, std::io::stderr)?).try_init()?;
    Ok(())
}

fn layer<W>(
    config: &LogConfig,
    writer: W,
) -> Result<Box<dyn Layer<Registry> + Send + Sync>, tracing_subscriber::filter::ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.level)?;
    let lines = fmt::layer().with_writer(writer);
    Ok(match config.format {
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed(),
        LogFormat::Pretty => lines.compact().fmt_fields(escaped_fields()).with_filter(filter).boxed(),
    })
}

/// Fields of a line for people. What moves a terminal or begins a line is written as an escape: an error may quote
/// a text from outside, which must not look like a line of ours. JSON escapes by itself.
fn escaped_fields() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    format::debug_fn(|writer, field, value| {
        if field.name() != "message" {
            write!(writer, "{}=", field.name())?;
        }
        format!("{value:?}").chars().try_for_each(|character| match character.is_control() {
            true => write!(writer, "{}", character.escape_default()),
            false => writer.write_char(character),
        })
    })
    .delimited(" ")
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, level: &str) -> String {
        let page = Page::default();
        let writer = page.clone();
        let config = LogConfig { format, level: level.to_owned() };
        let subscriber = tracing_subscriber::registry().with(layer(&config, move || writer.clone()).unwrap());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(call.id = "call_1", duration_ms = 12, "call ended");
            tracing::debug!("details");
            tracing::error!(error = %"a\r\n2026 ERROR forged \u{1b}[2J", reason = "x\ny \u{1b}[31m", "of an outside");
        });
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_carries_level_time_and_fields_at_its_top() {
        let text = written(LogFormat::Json, "info");
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "call ended");
        assert_eq!(line["call.id"], "call_1");
        assert_eq!(line["duration_ms"], 12);
        line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    }

    #[test]
    fn the_level_decides_what_is_written() {
        assert_eq!(written(LogFormat::Pretty, "debug").lines().count(), 3);
        assert_eq!(written(LogFormat::Pretty, "info").lines().count(), 2);
        assert_eq!(written(LogFormat::Pretty, "off").lines().count(), 0);
    }

    #[test]
    fn no_text_from_outside_makes_a_line_or_moves_the_terminal() {
        for format in [LogFormat::Json, LogFormat::Pretty] {
            let text = written(format, "error");
            assert_eq!(text.lines().count(), 1, "{text:?}");
            let said = text.trim_end_matches('\n');
            let ours = ["\u{1b}[0m", "\u{1b}[2m", "\u{1b}[31m"];
            let words = ours.iter().fold(said.to_owned(), |words, colour| words.replace(colour, ""));
            assert!(!words.contains(char::is_control), "{format:?}: {said:?}");
        }
    }
}
