//! Trouble on order while a benchmark runs: the simulated Cal.com is slow, down, hangs or limits, for all
//! companies or for some of them, so that the others can be looked at beside them.
//!
//! It speaks to the simulator over its levers alone, so a service elsewhere can be troubled too.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::companies;
use super::schedule::Phases;
use crate::cli::error::CliError;
use crate::simulators::calcom::{Fault, FaultKind};
use crate::simulators::http_client;
use crate::simulators::retell::CompanyLine;

/// How long a slow Cal.com takes for each request: longer than a caller waits, shorter than a client gives up.
const SLOW_MS: u64 = 4_000;
/// How long a hanging Cal.com says nothing before it closes the connection.
const HANG_MS: u64 = 10_000;
/// Requests per minute and key of a Cal.com that limits; past it the key is blocked for 60 s.
const LIMITED_PER_MINUTE: u32 = 10;
/// How long the simulator may take to answer.
const LEVER_TIME_MAX: Duration = Duration::from_secs(5);

/// What is wrong with Cal.com.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TroubleKind {
    /// Every answer takes 4 s
    Slow,
    /// Every request is answered 500
    Down,
    /// Every request is left without an answer for 10 s
    Hang,
    /// 10 requests a minute, then blocked for 60 s
    Limited,
}

impl TroubleKind {
    fn fault(self) -> FaultKind {
        match self {
            Self::Slow => FaultKind::Slow { ms: SLOW_MS },
            Self::Down => FaultKind::InternalError,
            Self::Hang => FaultKind::Hang { ms: HANG_MS },
            Self::Limited => FaultKind::Limited { per_minute: LIMITED_PER_MINUTE },
        }
    }
}

/// What goes wrong, for whom.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// One after the other, each for the same share of the measured time.
    kinds: Vec<TroubleKind>,
    /// Keys of the companies that suffer; `None` stands for everybody.
    keys: Option<BTreeSet<String>>,
    /// Places of their lines.
    pub(super) lines: BTreeSet<usize>,
    levers: String,
}

impl Trouble {
    /// For the first `share` of the lines, at least one. `None` without any kind.
    pub(super) fn plan(
        kinds: &[TroubleKind],
        share: f64,
        lines: &[CompanyLine],
        import: Option<&Value>,
        calcom_url: Option<&str>,
    ) -> Result<Option<Self>, CliError> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let Some(calcom_url) = calcom_url else {
            return Err(CliError::Usage(
                "--calcom-trouble needs the simulated Cal.com of that service: name it with --calcom-url"
                    .to_owned(),
            ));
        };
        let count = ((lines.len() as f64 * share).ceil() as usize).clamp(1, lines.len().max(1));
        let keys = if count >= lines.len() { None } else { Some(keys_of(lines, count, import)?) };
        let levers = format!("{}/_sim/faults", calcom_url.trim_end_matches('/'));
        Ok(Some(Self { kinds: kinds.to_vec(), keys, lines: (0..count).collect(), levers }))
    }

    /// Begins with the measured time and ends with it.
    pub(super) async fn run(self, phases: Phases) -> anyhow::Result<()> {
        let http = http_client()?;
        tokio::time::sleep(Duration::from_micros(phases.warm_up_us)).await;
        let measured_us = phases.measured_until_us.saturating_sub(phases.warm_up_us);
        let each_us = measured_us / u64::try_from(self.kinds.len()).unwrap_or(1).max(1);
        for kind in &self.kinds {
            println!("        Cal.com: {kind:?} for {}", self.whom());
            self.clear(&http).await?;
            let script = self.script(*kind);
            http.post(&self.levers).json(&script).timeout(LEVER_TIME_MAX).send().await?.error_for_status()?;
            tokio::time::sleep(Duration::from_micros(each_us)).await;
        }
        println!("        Cal.com: well again");
        self.clear(&http).await
    }

    async fn clear(&self, http: &reqwest::Client) -> anyhow::Result<()> {
        http.delete(&self.levers).timeout(LEVER_TIME_MAX).send().await?.error_for_status()?;
        Ok(())
    }

    fn script(&self, kind: TroubleKind) -> Vec<Fault> {
        match &self.keys {
            None => vec![Fault::new(kind.fault())],
            Some(keys) => keys.iter().map(|key| Fault::new(kind.fault()).key(key)).collect(),
        }
    }

    fn whom(&self) -> String {
        match self.lines.len() {
            _ if self.keys.is_none() => "everybody".to_owned(),
            1 => "1 line".to_owned(),
            lines => format!("{lines} lines"),
        }
    }
}

/// The Cal.com keys of the first lines; each must be its company's own, or others would suffer with it.
fn keys_of(
    lines: &[CompanyLine],
    count: usize,
    import: Option<&Value>,
) -> Result<BTreeSet<String>, CliError> {
    let key_of = |line: &CompanyLine| companies::calcom_key(import?, &line.to_number);
    let keys = lines.iter().take(count).map(|line| {
        key_of(line).ok_or_else(|| {
            CliError::Usage(
                "--troubled below 1 needs companies with a Cal.com key each: give them with --import FILE"
                    .to_owned(),
            )
        })
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(share: f64, import: Option<&Value>) -> Result<Option<Trouble>, CliError> {
        let lines = CompanyLine::from_import_json(&companies::generate(4));
        Trouble::plan(&[TroubleKind::Down], share, &lines, import, Some("http://127.0.0.1:1/"))
    }

    #[test]
    fn a_share_of_the_companies_suffers_by_their_keys() {
        let import = companies::generate(4);
        let trouble = plan(0.5, Some(&import)).unwrap().unwrap();
        assert_eq!(trouble.lines, [0, 1].into());
        let keys: Vec<_> = trouble.script(TroubleKind::Down).into_iter().map(|fault| fault.api_key).collect();
        assert_eq!(keys, [Some("cal_bench_00000".to_owned()), Some("cal_bench_00001".to_owned())]);
        assert_eq!(plan(0.01, Some(&import)).unwrap().unwrap().lines, [0].into());
    }

    #[test]
    fn everybody_suffers_without_a_key() {
        let trouble = plan(1.0, None).unwrap().unwrap();
        assert_eq!(trouble.script(TroubleKind::Down), [Fault::new(FaultKind::InternalError)]);
        assert!(plan(0.5, None).is_err());
    }

    #[test]
    fn without_a_simulated_calcom_there_is_no_trouble_to_order() {
        assert!(Trouble::plan(&[TroubleKind::Slow], 1.0, &[], None, None).is_err());
        assert!(Trouble::plan(&[], 1.0, &[], None, None).unwrap().is_none());
    }
}
