//! Where the figures are kept: the Prometheus recorder, filled with the catalogue before anything counts.
//!
//! Every series of the catalogue exists from the start at 0, so that a rate over the first event is right and a
//! dashboard never says "no data". The route that shows them is not here.

use std::sync::{Mutex, PoisonError};

use metrics::Label;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

use super::metrics::{CATALOGUE, Kind, Metric, SECONDS_BUCKETS};

/// The figures of this process, ready to be shown. Clones show the same figures.
#[derive(Clone)]
pub struct Recorder {
    handle: PrometheusHandle,
    process: Collector,
}

static INSTALLED: Mutex<Option<Recorder>> = Mutex::new(None);

impl Recorder {
    /// Installs the recorder of this process and fills it with the catalogue. A second call gives the same one.
    ///
    /// # Errors
    /// Another library installed a recorder before, so our figures would go nowhere.
    pub fn install() -> Result<Self, BuildError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recorder) = installed.as_ref() {
            return Ok(recorder.clone());
        }
        let recorder = Self { handle: builder()?.install_recorder()?, process: Collector::default() };
        recorder.process.describe();
        register(CATALOGUE);
        Ok(installed.insert(recorder).clone())
    }

    /// The figures as Prometheus reads them, those of the process (memory, CPU, files) brought up to date.
    #[must_use]
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Sorts gathered observations into their buckets; to be called every few seconds, or memory grows
    /// between two visits of Prometheus.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS_BUCKETS)?;
    for metric in CATALOGUE {
        if let Kind::Histogram(buckets) = metric.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)?;
        }
    }
    Ok(builder)
}

/// Describes every metric to the current recorder and brings its series to life at 0.
fn register(catalogue: &[Metric]) {
    for metric in catalogue {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
            Kind::Histogram(_) => metrics::describe_histogram!(metric.name, metric.unit, metric.help),
        }
        for labels in series(metric) {
            match metric.kind {
                Kind::Counter => metrics::counter!(metric.name, labels).increment(0),
                Kind::Gauge => metrics::gauge!(metric.name, labels).set(0.0),
                Kind::Histogram(_) => drop(metrics::histogram!(metric.name, labels)),
            }
        }
    }
}

/// The label sets of a metric: every combination within each group, or one empty set.
fn series(metric: &Metric) -> Vec<Vec<Label>> {
    if metric.series.is_empty() {
        return vec![Vec::new()];
    }
    metric
        .series
        .iter()
        .flat_map(|group| {
            group.iter().fold(vec![Vec::new()], |sets: Vec<Vec<Label>>, label| {
                sets.iter()
                    .flat_map(|set| {
                        label.values.iter().map(move |value| {
                            let mut longer = set.clone();
                            longer.push(Label::from_static_parts(label.name, value));
                            longer
                        })
                    })
                    .collect()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::telemetry::metrics as catalogue;

    /// Names that rigs and dashboards outside this repository read; the runtime of the actors has two more.
    const RELIED_ON: [&str; 12] = [
        "askpro_webhook_events_total",
        "askpro_webhook_ack_seconds",
        "askpro_calls_live",
        "askpro_functions_total",
        "askpro_function_seconds",
        "askpro_holds_active",
        "askpro_bookings_total",
        "askpro_writer_batch_rows",
        "askpro_writer_commit_seconds",
        "askpro_journal_unapplied_events",
        "askpro_calcom_requests_total",
        "askpro_breaker_state",
    ];

    fn rendered(count: impl FnOnce()) -> String {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            register(CATALOGUE);
            count();
        });
        handle.render()
    }

    #[test]
    fn every_name_that_others_rely_on_is_in_the_catalogue() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|metric| metric.name).collect();
        for name in RELIED_ON {
            assert!(names.contains(name), "{name}");
        }
        assert_eq!(names.len(), CATALOGUE.len(), "a name stands twice");
    }

    #[test]
    fn names_follow_the_rules_of_their_kind() {
        for metric in CATALOGUE {
            assert!(metric.name.starts_with("askpro_") && metric.help.len() > 15, "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_seconds"),
                metric.unit == metrics::Unit::Seconds,
                "{}",
                metric.name
            );
            assert_eq!(
                metric.name.ends_with("_bytes"),
                metric.unit == metrics::Unit::Bytes,
                "{}",
                metric.name
            );
        }
    }

    #[test]
    fn everything_is_there_at_zero_with_help_before_anything_happens() {
        let text = rendered(|| {});
        for metric in CATALOGUE {
            assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{}", metric.name);
        }
        for line in [
            "askpro_calls_live 0",
            "askpro_bookings_total{outcome=\"confirmed\"} 0",
            "askpro_functions_total{function=\"parse_date\",outcome=\"ok\"} 0",
            "askpro_webhook_events_total{source=\"retell\",event=\"call_ended\",outcome=\"accepted\"} 0",
            "askpro_webhook_events_total{source=\"calcom\",event=\"unknown\",outcome=\"unauthorized\"} 0",
            "askpro_breaker_state{target=\"calcom_bookings\"} 0",
            "askpro_writer_commit_seconds_count 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
        }
        assert!(text.lines().count() < 1200, "too much for one scrape: {} lines", text.lines().count());
    }

    #[test]
    fn observations_land_in_buckets() {
        let text = rendered(|| {
            metrics::histogram!(catalogue::WRITER_BATCH_ROWS).record(100.0);
            metrics::histogram!(catalogue::WEBHOOK_ACK).record(0.003);
        });
        for line in [
            "askpro_writer_batch_rows_bucket{le=\"64\"} 0",
            "askpro_writer_batch_rows_bucket{le=\"128\"} 1",
            "askpro_webhook_ack_seconds_bucket{le=\"0.0025\"} 0",
            "askpro_webhook_ack_seconds_bucket{le=\"0.005\"} 1",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}");
        }
    }

    #[test]
    fn installing_twice_gives_the_same_figures() {
        let (first, second) = (Recorder::install().unwrap(), Recorder::install().unwrap());
        metrics::counter!(catalogue::FUNCTIONS_VERSIONED, "function" => "parse_date").increment(3);
        first.run_upkeep();
        let line = "askpro_functions_versioned_total{function=\"parse_date\"} 3";
        assert!(first.render().contains(line) && second.render().contains(line));
        assert!(first.render().contains("process_resident_memory_bytes"));
    }
}
