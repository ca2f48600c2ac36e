//! The command line.

use std::path::PathBuf;

use crate::scale::Scale;

/// See the module.
#[derive(Debug, Clone)]
pub struct Args {
    pub scale: Scale,
    /// Where the table goes, as Markdown.
    pub markdown: Option<PathBuf>,
    /// A MariaDB in which schemas can be made.
    pub server: String,
    only: Vec<String>,
}

const USAGE: &str = "usage: table [--short] [--runs N] [--seconds S] [--only GROUP]... [--markdown FILE]\n\
                     groups: stored, columns, functions, live, actors";
/// Names the tests' server; `tests/support/databases.sh start` brings it.
const SERVER: &str = "ASKPRO_TEST_MARIADB_URL";

impl Args {
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let server =
            std::env::var(SERVER).map_err(|_| format!("{SERVER} is not set: ./benches/run sets it"))?;
        let mut args = Self { scale: Scale::FULL, markdown: None, server, only: Vec::new() };
        let (mut runs, mut seconds) = (None, None);
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--short" => args.scale = Scale::SHORT,
                "--runs" => runs = Some(number(&word, &value()?)?),
                "--seconds" => seconds = Some(number(&word, &value()?)?),
                "--only" => args.only.push(value()?),
                "--markdown" => args.markdown = Some(value()?.into()),
                // Cargo says so.
                "--bench" => {}
                unknown => return Err(format!("{unknown} is not known\n{USAGE}")),
            }
        }
        args.scale.runs = runs.unwrap_or(args.scale.runs);
        args.scale.seconds = seconds.unwrap_or(args.scale.seconds);
        Ok(args)
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| name.contains(wanted.as_str()))
    }
}

fn number(word: &str, text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{word} {text}: a whole number from 1 on\n{USAGE}"))
}
