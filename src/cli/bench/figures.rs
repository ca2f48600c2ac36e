//! What was measured: latencies from the time a request was due, and counts of how requests ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest latency that is told apart, in us.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Three digits: within 0.1 % of the true value.
const DIGITS: u8 = 3;
/// Distinct function answers that are counted apart.
const ANSWERS_MAX: usize = 100;

/// Latencies of one kind of request.
#[derive(Debug, Clone)]
pub(super) struct Latencies(Option<Histogram<u64>>);

/// Their figures, in ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    /// How many were measured.
    pub(super) count: u64,
    /// Half of them were faster.
    pub(super) p50_ms: f64,
    /// Nine of ten were faster.
    pub(super) p90_ms: f64,
    /// 99 of a hundred were faster.
    pub(super) p99_ms: f64,
    /// 999 of a thousand were faster.
    #[serde(rename = "p99.9_ms")]
    pub(super) p999_ms: f64,
    /// The slowest.
    pub(super) max_ms: f64,
    /// Their mean.
    pub(super) mean_ms: f64,
}

impl Spread {
    /// The 99th percentile as people read it; a dash while nothing was measured.
    pub(super) fn p99(&self) -> String {
        if self.count == 0 { "–".to_owned() } else { format!("{:.1} ms", self.p99_ms) }
    }
}

impl Default for Latencies {
    fn default() -> Self {
        // The bounds are right: the error cannot come up, and without a histogram nothing is measured.
        Self(Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS).ok())
    }
}

impl Latencies {
    /// Adds one, in us.
    pub(super) fn record(&mut self, latency_us: u64) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(latency_us.max(1));
        }
    }

    /// The figures so far.
    pub(super) fn spread(&self) -> Spread {
        let Some(histogram) = self.0.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Spread::default();
        };
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        Spread {
            count: histogram.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: histogram.max() as f64 / 1_000.0,
            mean_ms: histogram.mean() / 1_000.0,
        }
    }
}

/// How requests ended, over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    /// Calls that began.
    pub(super) calls_begun: u64,
    /// Calls whose end was sent.
    pub(super) calls_ended: u64,
    /// Requests that were due.
    pub(super) due: u64,
    /// Requests sent, repeats included.
    pub(super) sent: u64,
    /// Events acknowledged and functions answered, with 2xx.
    pub(super) acknowledged: u64,
    /// Answers that were no 2xx, by status.
    pub(super) refused: BTreeMap<u16, u64>,
    /// Requests without an answer: no connection, cut off, too late.
    pub(super) errors: u64,
    /// Events sent again because they were not acknowledged.
    pub(super) repeats: u64,
    /// Requests that were never acknowledged, after all repeats.
    pub(super) given_up: u64,
    /// Function calls that were due.
    pub(super) functions_due: u64,
    /// Of these, answered with 2xx within the caller's patience and a quarter of a second.
    pub(super) functions_in_time: u64,
    /// Functions by name and the answer's code.
    pub(super) function_answers: BTreeMap<String, u64>,
}

impl Counts {
    /// Answers that were no 2xx.
    pub(super) fn refused_all(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Calls that have begun and not ended.
    pub(super) fn live(&self) -> u64 {
        self.calls_begun.saturating_sub(self.calls_ended)
    }

    /// Counts a function's answer.
    pub(super) fn function_answered(&mut self, name: &str, code: &str) {
        let answer = format!("{name} {code}");
        let known = self.function_answers.contains_key(&answer) || self.function_answers.len() < ANSWERS_MAX;
        *self.function_answers.entry(if known { answer } else { "other".to_owned() }).or_default() += 1;
    }
}

/// Everything measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// How requests ended.
    pub(super) counts: Counts,
    /// Acknowledgements of durable webhook events, those due in the measured time.
    pub(super) webhooks: Latencies,
    /// Acknowledgements of running transcripts, which need not be on disk by then.
    pub(super) transcripts: Latencies,
    /// Answers of functions, by name; without those of companies in trouble.
    pub(super) functions: BTreeMap<&'static str, Latencies>,
    /// Answers of functions at companies whose Cal.com is in trouble, by name.
    pub(super) functions_in_trouble: BTreeMap<&'static str, Latencies>,
    /// How late requests were sent: the sender's own share of every latency.
    pub(super) lag: Latencies,
}

/// The figures that the sender fills and the screen reads.
#[derive(Debug, Default)]
pub(super) struct Figures(Mutex<Measured>);

impl Figures {
    /// Also after a panic elsewhere: each figure is complete in itself.
    pub(super) fn lock(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_tells_the_slowest_and_the_typical() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.spread(), Spread::default());
        assert_eq!(latencies.spread().p99(), "–", "nothing was measured");
        for us in 1..=1_000 {
            latencies.record(us * 1_000);
        }
        let spread = latencies.spread();
        assert_eq!((spread.count, spread.p99().as_str()), (1_000, "990.2 ms"));
        let near = |is: f64, wanted: f64| assert!((is - wanted).abs() / wanted < 0.002, "{is} {wanted}");
        near(spread.p50_ms, 500.0);
        near(spread.p99_ms, 990.0);
        near(spread.p999_ms, 999.0);
        near(spread.max_ms, 1_000.0);
    }
}
