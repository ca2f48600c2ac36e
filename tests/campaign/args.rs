//! The command line: ours, and as much of a test runner's as one asks for.

use std::path::PathBuf;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Play the faults.
    Run,
    /// Name them, as a test runner asks for.
    List,
    /// Name those that are left out by default: none.
    ListIgnored,
    /// Be the service with this trouble in its actors; only the campaign itself starts that.
    Serve { trouble: String },
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Args {
    pub mode: Mode,
    /// Everything at its real size.
    pub full: bool,
    pub seed: Option<u32>,
    /// Where the table goes, as Markdown.
    pub markdown: Option<PathBuf>,
    only: Vec<String>,
    skip: Vec<String>,
    exact: bool,
}

const USAGE: &str = "usage: campaign [--full] [--seed N] [--only NAME]... [--skip NAME]... [--markdown FILE]";

impl Args {
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self {
            mode: Mode::Run,
            full: false,
            seed: None,
            markdown: None,
            only: Vec::new(),
            skip: Vec::new(),
            exact: false,
        };
        let (mut list, mut ignored) = (false, false);
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--full" => args.full = true,
                "--short" => args.full = false,
                "--seed" => {
                    let seed = value()?;
                    args.seed =
                        Some(seed.parse().map_err(|_| format!("--seed {seed}: a whole number\n{USAGE}"))?);
                }
                "--only" => args.only.push(value()?),
                "--skip" => args.skip.push(value()?),
                "--markdown" => args.markdown = Some(value()?.into()),
                "--serve" => args.mode = Mode::Serve { trouble: value()? },
                "--list" => list = true,
                "--ignored" => ignored = true,
                "--exact" => args.exact = true,
                "--format" | "--test-threads" | "--color" => drop(value()?),
                "--nocapture" | "--no-capture" | "--quiet" | "-q" | "--show-output" | "--include-ignored" => {
                }
                unknown if unknown.starts_with('-') => {
                    return Err(format!("{unknown} is not known\n{USAGE}"));
                }
                name => args.only.push(name.to_owned()),
            }
        }
        if list {
            args.mode = if ignored { Mode::ListIgnored } else { Mode::List };
        }
        Ok(args)
    }

    pub fn wants(&self, name: &str) -> bool {
        let meets =
            |wanted: &String| if self.exact { name == wanted } else { name.contains(wanted.as_str()) };
        (self.only.is_empty() || self.only.iter().any(meets)) && !self.skip.iter().any(meets)
    }
}
